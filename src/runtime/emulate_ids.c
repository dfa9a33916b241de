/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about credentials: the process's set is looked up, changed, and stored as its mark. */
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/red.h"
#include "runtime/emulate_impl.h"

int64_t emulate_get_id(struct call *c)
{
	const struct creds *k = &c->s->creds;
	int r = task_creds(c);

	if (r < 0)
		return r;
	switch (c->n->data.nr) {
	case SYS_getuid:
		return k->uid[ID_REAL];
	case SYS_geteuid:
		return k->uid[ID_EFFECTIVE];
	case SYS_getgid:
		return k->gid[ID_REAL];
	case SYS_getegid:
		return k->gid[ID_EFFECTIVE];
	}
	return -ENOSYS;
}

int64_t emulate_get_ids(struct call *c)
{
	const struct creds *k = &c->s->creds;
	const uint32_t *id = c->n->data.nr == SYS_getresuid ? k->uid : k->gid;
	int r = task_creds(c);

	for (int i = 0; i < 3 && r == 0; i++)
		r = task_write(c, c->n->data.args[i], &id[i], sizeof(id[i]));
	return r;
}

int64_t emulate_get_groups(struct call *c)
{
	const struct creds *k = &c->s->creds;
	int size = (int)c->n->data.args[0], r = task_creds(c);

	if (r < 0)
		return r;
	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return k->n_groups;
	if ((uint32_t)size < k->n_groups)
		return -EINVAL;
	r = task_write(c, c->n->data.args[1], k->groups, k->n_groups * sizeof(k->groups[0]));
	return r < 0 ? r : (int64_t)k->n_groups;
}

/* The change itself, on s->next. */
static int64_t change(struct call *c, bool may_uid, bool may_gid)
{
	struct creds *k = &c->s->next;
	const __u64 *a = c->n->data.args; /* the kernel takes the low 32 bits */
	uint32_t x = (uint32_t)a[0], y = (uint32_t)a[1], z = (uint32_t)a[2];

	switch (c->n->data.nr) {
	case SYS_setuid:
		return creds_set(k->uid, may_uid, x);
	case SYS_setgid:
		return creds_set(k->gid, may_gid, x);
	case SYS_setreuid:
		return creds_setre(k->uid, may_uid, x, y);
	case SYS_setregid:
		return creds_setre(k->gid, may_gid, x, y);
	case SYS_setresuid:
		return creds_setres(k->uid, may_uid, x, y, z);
	case SYS_setresgid:
		return creds_setres(k->gid, may_gid, x, y, z);
	case SYS_setfsuid:
		return creds_setfs(k->uid, may_uid, x);
	case SYS_setfsgid:
		return creds_setfs(k->gid, may_gid, x);
	}
	return -ENOSYS;
}

static bool has_root(const struct creds *k)
{
	return k->uid[ID_REAL] == 0 || k->uid[ID_EFFECTIVE] == 0 || k->uid[ID_SAVED] == 0;
}

/* capabilities(7): rights go with the last id of root, unless PR_SET_KEEPCAPS asked for them. */
static void keep_rights(struct call *c, pid_t pid)
{
	struct kept *k;

	if (!has_root(&c->s->creds) || has_root(&c->s->next))
		return;
	k = task_kept(c, pid, false);
	if (k)
		k->kept = k->asked;
}

int64_t emulate_set_ids(struct call *c)
{
	struct supervisor *s = c->s;
	struct task_status st;
	int64_t value;
	int r = task_creds(c);

	if (r == 0)
		r = task_status(c, &st);
	if (r < 0)
		return r;
	memcpy(&s->next, &s->creds, creds_size(&s->creds));
	value = change(c, task_capable(c, &st, CAP_SETUID), task_capable(c, &st, CAP_SETGID));
	if (value < 0 || memcmp(&s->next, &s->creds, creds_size(&s->creds)) == 0)
		return value;
	r = red_off("mark") ? 0 : task_set_creds(c);
	if (r < 0)
		return r;
	keep_rights(c, st.pid);
	return value;
}

int64_t emulate_enter_ids(struct call *c, int index)
{
	int r = index < 0 ? index : task_creds(c);

	if (r == 0)
		r = table_get(c->s->shared, (uint64_t)index, &c->s->next);
	return r < 0 ? r : task_set_creds(c);
}

int64_t emulate_set_groups(struct call *c)
{
	struct supervisor *s = c->s;
	int n = (int)c->n->data.args[0], r = task_creds(c);
	struct task_status st;

	if (r == 0)
		r = task_status(c, &st);
	if (r < 0)
		return r;
	if (!task_capable(c, &st, CAP_SETGID))
		return -EPERM;
	if (n < 0 || n > CREDS_GROUPS_MAX)
		return -EINVAL;
	memcpy(&s->next, &s->creds, offsetof(struct creds, groups));
	s->next.n_groups = (uint32_t)n;
	if (n > 0)
		r = task_read(c, c->n->data.args[1], s->next.groups,
			(size_t)n * sizeof(s->next.groups[0]));
	if (r == 0)
		r = creds_sort_groups(&s->next);
	return r < 0 ? r : task_set_creds(c);
}

/* PR_SET_KEEPCAPS and PR_GET_KEEPCAPS: for the kernel no id changes, so it has nothing to keep. */
int64_t emulate_prctl(struct call *c)
{
	const __u64 *a = c->n->data.args;
	bool set = (uint32_t)a[0] == PR_SET_KEEPCAPS;
	struct task_status st;
	struct kept *k;
	int r = task_creds(c);

	if (r == 0)
		r = task_status(c, &st);
	if (r < 0)
		return r;
	if (set && a[1] > 1)
		return -EINVAL;
	k = task_kept(c, st.pid, set && a[1]);
	if (set && k)
		k->asked = a[1];
	return set ? 0 : k && k->asked;
}
