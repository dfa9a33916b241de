/* SPDX-License-Identifier: Apache-2.0 */
/* The ids that the caller may map: his ranges in the files, or what getsubids(1) tells of them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "sys/dirs.h"
#include "sys/idmap.h"
#include "sys/passwd.h"

#define FILE_MAX (4 << 20)

char *idmap_user_name(uid_t uid)
{
	char *name;

	return passwd_find(uid, &name, NULL) < 0 ? NULL : name;
}

/* A range that may be mapped beside the n that are taken: the kernel refuses any overlap. */
static bool take_range(uint32_t start, uint32_t count, uint32_t own, struct idmap_line *l, size_t n)
{
	uint64_t end = (uint64_t)start + count;

	/* Zero ids; the host's root; what wraps, or would map (uid_t)-1; the caller himself. */
	if (count == 0 || start == 0 || end > UINT32_MAX || (own >= start && own < end))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (start < (uint64_t)l[i].outside + l[i].count && l[i].outside < end)
			return false;
	}
	l[n] = (struct idmap_line){ .outside = start, .count = count };
	return true;
}

/* "name-or-uid:start:count" (subuid(5)). */
static bool parse_range(
	char *line, const char *name, uint32_t uid, uint32_t own, struct idmap_line *l, size_t n)
{
	char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL;
	uint32_t s, c, owner;

	if (!count)
		return false;
	*start++ = '\0';
	*count++ = '\0';
	if (!(name && streq(line, name)) && !(parse_u32(line, &owner) == 0 && owner == uid))
		return false;
	return parse_u32(start, &s) == 0 && parse_u32(count, &c) == 0 &&
	       take_range(s, c, own, l, n);
}

size_t idmap_parse_file(
	char *text, const char *name, uid_t uid, uint32_t own, struct idmap_line *ret, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line && n < max;
		line = strtok_r(NULL, "\n", &save)) {
		if (parse_range(line, name, uid, own, ret, n))
			n++;
	}
	return n;
}

/* "INDEX: OWNER START COUNT" (getsubids(1)). */
size_t idmap_parse_getsubids(char *text, uint32_t own, struct idmap_line *ret, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line && n < max;
		line = strtok_r(NULL, "\n", &save)) {
		char *field[4], *inner = NULL;
		uint32_t s, c;
		size_t k = 0;

		for (char *f = strtok_r(line, " ", &inner); f && k < 4;
			f = strtok_r(NULL, " ", &inner))
			field[k++] = f;
		if (k == 4 && str_endswith(field[0], ":") && parse_u32(field[2], &s) == 0 &&
			parse_u32(field[3], &c) == 0 && take_range(s, c, own, ret, n))
			n++;
	}
	return n;
}

int idmap_ranges(const char *file, const char *name, uid_t uid, uint32_t own,
	struct idmap_line *ret, size_t max)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read(AT_FDCWD, file, FILE_MAX, &text, NULL);

	if (r < 0)
		return err_is_shortage(r) ? r : 0;
	return (int)idmap_parse_file(text, name, uid, own, ret, max);
}

/* Does the host keep ranges elsewhere than in the files ("subid: sss" in nsswitch.conf(5))? */
static bool subids_elsewhere(void)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read(AT_FDCWD, "/etc/nsswitch.conf", FILE_MAX, &text, NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (str_startswith(line, "subid:"))
			return true;
	}
	return false;
}

/* As libsubid would, whose plugins do not come into this program that way. */
static size_t ask_getsubids(
	const char *name, bool groups, uint32_t own, struct idmap_line *ret, size_t max)
{
	const char *path = name ? dirs_tool("getsubids") : NULL;
	char *const argv[] = { (char *)"getsubids", groups ? (char *)"-g" : (char *)name,
		groups ? (char *)name : NULL, NULL };
	struct spawn s = SPAWN_INIT;
	struct err ignored = ERR_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int rd = -1, null = -1;
	int p[2], r;
	pid_t pid;

	if (!path || *name == '-' || fd_pipe(p) < 0)
		return 0;
	rd = p[0];
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	s.path = path;
	s.argv = argv;
	s.stdio[1] = p[1];
	s.stdio[2] = null; /* "Error fetching ranges" for everybody without any */
	r = spawn_start(&s, &pid, &ignored);
	close(p[1]);
	if (r < 0)
		return 0;
	r = fd_slurp(rd, FILE_MAX, &text, NULL);
	return spawn_wait(pid) == 0 && r == 0 ? idmap_parse_getsubids(text, own, ret, max) : 0;
}

/*
 * Inside another user namespace only what it maps can be mapped again; all of it is a full map. Of
 * a range that it maps in part the largest piece is kept.
 */
static size_t clip(const struct idmap_line *own_map, size_t n_own, struct idmap_line *l, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const uint64_t start = l[i].outside, end = start + l[i].count;
		struct idmap_line best = { 0 };

		for (size_t k = 0; k < n_own; k++) {
			uint64_t from = own_map[k].inside, to = from + own_map[k].count;

			from = from > start ? from : start;
			to = to < end ? to : end;
			if (from < to && to - from > best.count)
				best = (struct idmap_line){ .outside = (uint32_t)from,
					.count = (uint32_t)(to - from) };
		}
		if (best.count > 0)
			l[kept++] = best;
	}
	return kept;
}

/* What root of a user namespace may hand out: everything it has but itself. */
static size_t roots_ranges(const struct idmap_line *own_map, size_t n_own, struct idmap_line *ret)
{
	size_t n = 0;

	if (n_own == 1 && own_map[0].count == UINT32_MAX) {
		/* The host's own root needs no delegation; a high range keeps the host's ids out. */
		ret[0] = (struct idmap_line){ 0, 2147483648U, 65536 };
		return 1;
	}
	for (size_t i = 0; i < n_own && n < IDMAP_LINES - 1; i++) {
		uint32_t first = own_map[i].inside == 0;

		if (own_map[i].count > first)
			ret[n++] = (struct idmap_line){ .outside = own_map[i].inside + first,
				.count = own_map[i].count - first };
	}
	return n;
}

size_t idmap_lay_out(struct idmap_line *l, size_t n, uint32_t own)
{
	uint32_t next = 1; /* cannot wrap: the ranges are disjoint and leave some ids out */
	size_t text = 16, i;

	if (n > IDMAP_LINES - 1)
		n = IDMAP_LINES - 1;
	for (i = n; i > 0; i--)
		l[i] = l[i - 1];
	l[0] = (struct idmap_line){ 0, own, 1 };
	for (i = 1; i <= n; i++) {
		l[i].inside = next;
		/* Room is kept for two lines more, which keep-id splits off below. */
		text += idmap_line_len(&l[i]);
		if (text >= IDMAP_TEXT - 80 || i >= IDMAP_LINES - 3)
			break;
		next += l[i].count;
	}
	return i;
}

static int find(bool groups, const char *name, const struct idmap *own, struct idmap_line *ret,
	size_t *ret_n)
{
	const struct idmap_line *map = groups ? own->gid : own->uid;
	size_t n_map = groups ? own->n_gid : own->n_uid, n;
	int r;
	uint32_t self = groups ? getegid() : geteuid();
	uid_t uid = geteuid();

	r = idmap_ranges(
		groups ? "/etc/subgid" : "/etc/subuid", name, uid, self, ret, IDMAP_LINES - 1);
	if (r < 0)
		return r;
	n = clip(map, n_map, ret, (size_t)r);
	if (n == 0 && uid == 0)
		n = roots_ranges(map, n_map, ret);
	else if (n == 0 && subids_elsewhere())
		n = clip(map, n_map, ret, ask_getsubids(name, groups, self, ret, IDMAP_LINES - 1));
	*ret_n = n;
	return 0;
}

int idmap_full(struct idmap *ret, struct err *e)
{
	_cleanup_free_ char *name = idmap_user_name(geteuid());
	struct idmap own;
	int r = idmap_read(0, &own);

	if (r < 0)
		return err_set(e, r, "read /proc/self/uid_map");
	r = find(false, name, &own, ret->uid, &ret->n_uid);
	if (r == 0)
		r = find(true, name, &own, ret->gid, &ret->n_gid);
	if (r < 0)
		return err_set(
			e, r, "read the subordinate ids of user %s", name ? name : "(unknown)");
	if (ret->n_uid == 0 || ret->n_gid == 0) {
		const char *what = ret->n_uid == 0 ? "user" : "group";
		bool nested = idmap_total(own.uid, own.n_uid) < UINT32_MAX ||
			      idmap_total(own.gid, own.n_gid) < UINT32_MAX;

		if (nested)
			return err_msg(e, -ENOENT,
				"no subordinate %s ids for user %s that the user namespace around "
				"uctr maps; start uctr outside of it, or an administrator runs: "
				"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
				"%s",
				what, name ? name : "(unknown)", name ? name : "USER");
		return err_msg(e, -ENOENT,
			"no subordinate %s ids for user %s in /etc/sub%s; an administrator runs: "
			"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			what, name ? name : "(unknown)", ret->n_uid == 0 ? "uid" : "gid",
			name ? name : "USER");
	}
	ret->n_uid = idmap_lay_out(ret->uid, ret->n_uid, geteuid());
	ret->n_gid = idmap_lay_out(ret->gid, ret->n_gid, getegid());
	return 0;
}

void idmap_one(struct idmap *ret)
{
	ret->uid[0] = (struct idmap_line){ 0, geteuid(), 1 };
	ret->gid[0] = (struct idmap_line){ 0, getegid(), 1 };
	ret->n_uid = ret->n_gid = 1;
}
