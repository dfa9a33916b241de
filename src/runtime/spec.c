/* SPDX-License-Identifier: Apache-2.0 */
/* struct spec: building and freeing, mount options, resource names. */
#include "runtime/spec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sys/syscalls.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* Linux 5.14 */
#endif

static void free_user(struct spec_user *u)
{
	free(u->groups);
	free(u->name);
	free(u->entry_name);
	free(u->entry_home);
	strv_free(u->group_names);
}

void spec_process_free(struct spec_process *p)
{
	free_user(&p->user);
	strv_free(p->args);
	strv_free(p->env);
	free(p->cwd);
	free(p->rlimits);
	free(p->apparmor);
	free(p->selinux);
	memset(p, 0, sizeof(*p));
}

void spec_free(struct spec *s)
{
	spec_process_free(&s->process);
	free(s->root_path);
	strv_free(s->lowers);
	free(s->upper);
	free(s->work);
	free(s->hostname);
	free(s->domainname);
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].type);
		free(s->mounts[i].source);
		free(s->mounts[i].dest);
		strv_free(s->mounts[i].data);
	}
	free(s->mounts);
	json_decref(s->annotations);
	for (size_t i = 0; i < s->n_ns; i++)
		free(s->ns[i].path);
	free(s->ns);
	for (size_t i = 0; i < s->n_devices; i++) {
		free(s->devices[i].path);
		free(s->devices[i].source);
		free(s->devices[i].access);
	}
	free(s->devices);
	free(s->cgroups_path);
	cgroup_limits_free(&s->limits);
	strv_free(s->sysctl);
	seccomp_prog_free(&s->seccomp);
	strv_free(s->masked);
	strv_free(s->readonly);
	memset(s, 0, sizeof(*s));
}

/* Grows *array by one zeroed element of `size` bytes. */
static void *grow(void **array, size_t *n, size_t size)
{
	char *grown = reallocarray(*array, *n + 1, size);

	if (!grown)
		return NULL;
	*array = grown;
	grown += *n * size;
	memset(grown, 0, size);
	++*n;
	return grown;
}

struct spec_mount *spec_add_mount(struct spec *s)
{
	return grow((void **)&s->mounts, &s->n_mounts, sizeof(*s->mounts));
}

struct spec_device *spec_add_device(struct spec *s)
{
	struct spec_device *d = grow((void **)&s->devices, &s->n_devices, sizeof(*s->devices));

	if (d)
		d->major = d->minor = -1;
	return d;
}

int spec_add_ns(struct spec *s, uint64_t flag, const char *path)
{
	struct spec_ns *ns = grow((void **)&s->ns, &s->n_ns, sizeof(*s->ns));

	if (!ns)
		return -ENOMEM;
	ns->flag = flag;
	if (path && !(ns->path = strdup(path)))
		return -ENOMEM;
	return 0;
}

int spec_add_rlimit(struct spec_process *p, int resource, uint64_t soft, uint64_t hard)
{
	struct spec_rlimit *l;

	for (size_t i = 0; i < p->n_rlimits; i++) {
		if (p->rlimits[i].resource == resource) {
			p->rlimits[i].soft = soft;
			p->rlimits[i].hard = hard;
			return 0;
		}
	}
	l = grow((void **)&p->rlimits, &p->n_rlimits, sizeof(*p->rlimits));
	if (!l)
		return -ENOMEM;
	*l = (struct spec_rlimit){ resource, soft, hard };
	return 0;
}

int spec_add_group(struct spec_user *u, uint32_t gid)
{
	uint32_t *g = grow((void **)&u->groups, &u->n_groups, sizeof(*u->groups));

	if (!g)
		return -ENOMEM;
	*g = gid;
	return 0;
}

const struct spec_ns *spec_find_ns(const struct spec *s, uint64_t flag)
{
	for (size_t i = 0; i < s->n_ns; i++) {
		if (s->ns[i].flag == flag)
			return &s->ns[i];
	}
	return NULL;
}

const char *const spec_masked_paths[] = { "/proc/acpi", "/proc/asound", "/proc/interrupts",
	"/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/kmsg", "/proc/kpagecgroup",
	"/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/timer_stats",
	"/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
	"/sys/kernel/btf", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
	NULL };

const char *const spec_readonly_paths[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
	NULL };

static const struct {
	const char *name;
	uint64_t set, clear;
	bool rec;
} attr_words[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0, false },
	{ "rw", 0, MOUNT_ATTR_RDONLY, false },
	{ "rro", MOUNT_ATTR_RDONLY, 0, true },
	{ "rrw", 0, MOUNT_ATTR_RDONLY, true },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, false },
	{ "suid", 0, MOUNT_ATTR_NOSUID, false },
	{ "rnosuid", MOUNT_ATTR_NOSUID, 0, true },
	{ "nodev", MOUNT_ATTR_NODEV, 0, false },
	{ "dev", 0, MOUNT_ATTR_NODEV, false },
	{ "rnodev", MOUNT_ATTR_NODEV, 0, true },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, false },
	{ "exec", 0, MOUNT_ATTR_NOEXEC, false },
	{ "rnoexec", MOUNT_ATTR_NOEXEC, 0, true },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, false },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, false },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, false },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, false },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, false },
};

static const struct {
	const char *name;
	unsigned long type;
} propagation_words[] = {
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
};

unsigned long spec_propagation(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(propagation_words); i++) {
		if (streq(word, propagation_words[i].name))
			return propagation_words[i].type;
	}
	return 0;
}

static int data_word(struct spec_mount *m, const char *word, struct err *e)
{
	_cleanup_free_ char *key = strdup(word);
	char *eq = key ? strchr(key, '=') : NULL;

	if (eq)
		*eq = '\0';
	if (!key || strv_add(&m->data, key) < 0 || strv_add(&m->data, eq ? eq + 1 : "") < 0)
		return err_set(e, -ENOMEM, "mount option %s", word);
	return 0;
}

int spec_mount_option(struct spec_mount *m, const char *word, struct err *e)
{
	static const char *const nothing[] = { "", "defaults", "async", "notmpcopyup", "delegated",
		"cached", "consistent", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(attr_words); i++) {
		if (!streq(word, attr_words[i].name))
			continue;
		m->attr_set = (m->attr_set & ~attr_words[i].clear) | attr_words[i].set;
		m->attr_clear = (m->attr_clear & ~attr_words[i].set) | attr_words[i].clear;
		m->rec_attr |= attr_words[i].rec;
		return 0;
	}
	if (spec_propagation(word)) {
		m->propagation = spec_propagation(word);
		return 0;
	}
	if (streq(word, "bind") || streq(word, "rbind")) {
		m->kind = MOUNT_BIND;
		m->recursive = word[0] == 'r';
		return 0;
	}
	if (streq(word, "idmap") || streq(word, "ridmap")) {
		m->idmapped = true;
		return 0;
	}
	if (streq(word, "tmpcopyup"))
		return err_msg(e, -EOPNOTSUPP, "'tmpcopyup' is not supported");
	for (size_t i = 0; nothing[i]; i++) {
		if (streq(word, nothing[i]))
			return 0;
	}
	if (m->kind == MOUNT_BIND)
		return err_msg(e, -EINVAL, "unknown mount option '%s'", word);
	return data_word(m, word, e);
}

int spec_mount_options(struct spec_mount *m, const char *comma_list, struct err *e)
{
	_cleanup_strv_ char **words = strv_split(comma_list, ',');

	if (!words)
		return err_set(e, -ENOMEM, "mount options");
	strv_foreach (w, words) {
		int r = spec_mount_option(m, w, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

int rlimit_from_name(const char *name)
{
	if (strncasecmp(name, "RLIMIT_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
		if (strcasecmp(name, rlimits[i].name) == 0)
			return rlimits[i].resource;
	}
	return -EINVAL;
}

const char *rlimit_name(int resource)
{
	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
		if (rlimits[i].resource == resource)
			return rlimits[i].name;
	}
	return NULL;
}
