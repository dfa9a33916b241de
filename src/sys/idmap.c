/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. A user namespace starts without maps. A process with CAP_SETUID in the
 * parent namespace may write any map of ids that the parent has; everybody else may map just his
 * own id, and gets ranges only through the setuid helpers newuidmap(1) and newgidmap(1), which
 * check /etc/subuid and /etc/subgid. uctr makes one namespace per user with the helpers, and the
 * containers' namespaces below it directly, as it holds all capabilities in their parent.
 */
#include "sys/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "sys/dirs.h"
#include "sys/passwd.h"

#define FILE_MAX (4 << 20)

char *idmap_user_name(uid_t uid)
{
	char *name;

	return passwd_find(uid, &name, NULL) < 0 ? NULL : name;
}

/* "name-or-uid:start:count" */
static bool parse_range(char *line, const char *name, uid_t uid, struct idmap_line *ret)
{
	char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL;
	uint32_t s, c, owner;

	if (!count)
		return false;
	*start++ = '\0';
	*count++ = '\0';
	if (!(name && streq(line, name)) && !(parse_u32(line, &owner) == 0 && owner == uid))
		return false;
	if (parse_u32(start, &s) < 0 || parse_u32(count, &c) < 0 || c == 0 || s == 0)
		return false;
	if ((uint64_t)s + c > UINT32_MAX)
		return false; /* wraps, or would map (uid_t)-1 */
	*ret = (struct idmap_line){ .outside = s, .count = c };
	return true;
}

size_t idmap_ranges(
	const char *file, const char *name, uid_t uid, struct idmap_line *ret, size_t max)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	size_t n = 0;

	if (file_read(AT_FDCWD, file, FILE_MAX, &text, NULL) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line && n < max;
		line = strtok_r(NULL, "\n", &save)) {
		if (parse_range(line, name, uid, &ret[n]))
			n++;
	}
	return n;
}

/* Lays the ranges out behind inside id 0. */
static size_t lay_out(struct idmap_line *l, size_t n, uint32_t own)
{
	uint32_t next = 1;

	for (size_t i = n; i > 0; i--)
		l[i] = l[i - 1];
	l[0] = (struct idmap_line){ 0, own, 1 };
	for (size_t i = 1; i <= n; i++) {
		l[i].inside = next;
		next += l[i].count;
	}
	return n + 1;
}

int idmap_full(struct idmap *ret, struct err *e)
{
	uid_t uid = geteuid();
	_cleanup_free_ char *name = idmap_user_name(uid);
	size_t nu, ng;

	nu = idmap_ranges("/etc/subuid", name, uid, ret->uid, IDMAP_LINES - 1);
	ng = idmap_ranges("/etc/subgid", name, uid, ret->gid, IDMAP_LINES - 1);
	if (uid == 0 && (nu == 0 || ng == 0)) {
		/* Real root needs no delegation; a high range keeps the host's ids out. */
		ret->uid[0] = ret->gid[0] = (struct idmap_line){ 0, 2147483648U, 65536 };
		nu = ng = 1;
	}
	if (nu == 0 || ng == 0) {
		return err_msg(e, -ENOENT,
			"no subordinate %s ids for user %s in /etc/sub%s; an administrator runs: "
			"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			nu == 0 ? "user" : "group", name ? name : "(unknown)",
			nu == 0 ? "uid" : "gid", name ? name : "USER");
	}
	ret->n_uid = lay_out(ret->uid, nu, uid);
	ret->n_gid = lay_out(ret->gid, ng, getegid());
	return 0;
}

static int not_installed(const char *tool, struct err *e)
{
	return err_msg(e, -ENOENT,
		"%s is not installed; an administrator runs: apt-get install uidmap "
		"(Fedora, Arch: package shadow-utils or shadow)",
		tool);
}

void idmap_one(struct idmap *ret)
{
	ret->uid[0] = (struct idmap_line){ 0, geteuid(), 1 };
	ret->gid[0] = (struct idmap_line){ 0, getegid(), 1 };
	ret->n_uid = ret->n_gid = 1;
}

bool idmap_is_one(const struct idmap *m)
{
	return m->n_uid == 1 && m->n_gid == 1 && m->uid[0].count == 1 && m->gid[0].count == 1;
}

/* Nothing is started: what keeps a helper from working shows on the file and on this process. */
int idmap_check_helpers(struct err *e)
{
	static const char *const tools[] = { "newuidmap", "newgidmap" };

	if (geteuid() == 0)
		return 0;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return err_msg(e, -EPERM,
			"newuidmap gets no rights under no_new_privs; start uctr from a shell that "
			"does not run under it");
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		const char *path = dirs_tool(tools[i]);
		struct statvfs fs;
		struct stat st;

		if (!path)
			return not_installed(tools[i], e);
		if (stat(path, &st) < 0 || statvfs(path, &fs) < 0)
			return err_set(e, -errno, "look at %s", path);
		if (fs.f_flag & ST_NOSUID)
			return err_msg(e, -EPERM, "%s lies on a file system mounted nosuid", path);
		if (!((st.st_mode & S_ISUID) && st.st_uid == 0) &&
			getxattr(path, "security.capability", NULL, 0) <= 0)
			return err_msg(e, -EPERM,
				"%s is neither setuid root nor has file capabilities; an "
				"administrator runs: chmod u+s %s",
				path, path);
	}
	return 0;
}

void idmap_identity(const struct idmap *m, struct idmap *ret)
{
	*ret = *m;
	for (size_t i = 0; i < ret->n_uid; i++)
		ret->uid[i].outside = ret->uid[i].inside;
	for (size_t i = 0; i < ret->n_gid; i++)
		ret->gid[i].outside = ret->gid[i].inside;
}

uint32_t idmap_lookup(const struct idmap_line *l, size_t n, uint32_t inside)
{
	for (size_t i = 0; i < n; i++) {
		if (inside >= l[i].inside && inside - l[i].inside < l[i].count)
			return l[i].outside + (inside - l[i].inside);
	}
	return UINT32_MAX;
}

static int write_direct(pid_t pid, const char *file, const struct idmap_line *l, size_t n)
{
	_cleanup_str_ struct str text = { 0 };
	char path[64];

	for (size_t i = 0; i < n; i++) {
		if (str_addf(&text, "%u %u %u\n", l[i].inside, l[i].outside, l[i].count) < 0)
			return -ENOMEM;
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return file_poke(AT_FDCWD, path, text.s ? text.s : "");
}

static int helper_start(const char *tool, pid_t pid, const struct idmap_line *l, size_t n,
	int words, pid_t *ret, struct err *e)
{
	const char *path = dirs_tool(tool);
	_cleanup_strv_ char **argv = NULL;
	struct spawn s = SPAWN_INIT;

	if (!path)
		return not_installed(tool, e);
	if (strv_add(&argv, tool) < 0 || strv_addf(&argv, "%d", pid) < 0)
		return err_set(e, -ENOMEM, "%s", tool);
	for (size_t i = 0; i < n; i++) {
		if (strv_addf(&argv, "%u", l[i].inside) < 0 ||
			strv_addf(&argv, "%u", l[i].outside) < 0 ||
			strv_addf(&argv, "%u", l[i].count) < 0)
			return err_set(e, -ENOMEM, "%s", tool);
	}
	s.path = path;
	s.argv = argv;
	s.stdio[2] = words;
	return spawn_start(&s, ret, e);
}

int idmap_write_start(pid_t pid, const struct idmap *m, struct idmap_job *job, struct err *e)
{
	int p[2], words, r;

	job->pids[0] = job->pids[1] = job->words = -1;
	/* One own gid may be mapped without privilege only when setgroups is denied (F12). */
	if (m->n_gid == 1 && m->gid[0].count == 1 && geteuid() != 0) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
		r = file_poke(AT_FDCWD, path, "deny");
		if (r < 0)
			return err_set(e, r, "deny setgroups of process %d", pid);
	}
	r = write_direct(pid, "gid_map", m->gid, m->n_gid);
	if (r == 0)
		r = write_direct(pid, "uid_map", m->uid, m->n_uid);
	if (r != -EPERM)
		return r < 0 ? err_set(e, r, "write the id map of process %d", pid) : 0;
	r = fd_pipe(p);
	if (r < 0)
		return err_set(e, r, "pipe for newuidmap");
	job->words = p[0];
	words = p[1];
	r = helper_start("newuidmap", pid, m->uid, m->n_uid, words, &job->pids[0], e);
	if (r == 0)
		r = helper_start("newgidmap", pid, m->gid, m->n_gid, words, &job->pids[1], e);
	fd_closep(&words);
	if (r < 0) {
		struct err ignored = ERR_INIT;

		(void)idmap_write_finish(job, &ignored); /* reaps; the first error is told */
	}
	return r;
}

static int refused(const char *tool, int code, int words, struct err *e)
{
	_cleanup_free_ char *said = fd_first_line(words);

	return err_msg(e, -EPERM,
		"%s refused the id map (exit code %d): %s; check /etc/subuid and /etc/subgid, and "
		"that %s is setuid root ('uctr doctor')",
		tool, code, said ? said : "", tool);
}

int idmap_write_finish(struct idmap_job *job, struct err *e)
{
	static const char *const tools[] = { "newuidmap", "newgidmap" };
	int r = 0;

	for (int i = 0; i < 2; i++) {
		int code = job->pids[i] < 0 ? 0 : spawn_wait(job->pids[i]);

		job->pids[i] = -1;
		if (code != 0 && r == 0)
			r = refused(tools[i], code, job->words, e);
	}
	fd_closep(&job->words);
	return r;
}

static int read_map(pid_t pid, const char *file, struct idmap_line *l, size_t *n)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *save = NULL;
	int r;

	if (pid > 0)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", file);
	r = file_read(AT_FDCWD, path, FILE_MAX, &text, NULL);
	if (r < 0)
		return r;
	*n = 0;
	for (char *line = strtok_r(text, "\n", &save); line && *n < IDMAP_LINES;
		line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%u %u %u", &l[*n].inside, &l[*n].outside, &l[*n].count) != 3)
			return -EINVAL;
		++*n;
	}
	return 0;
}

int idmap_read(pid_t pid, struct idmap *ret)
{
	int r = read_map(pid, "uid_map", ret->uid, &ret->n_uid);

	return r < 0 ? r : read_map(pid, "gid_map", ret->gid, &ret->n_gid);
}

void idmap_form(const struct idmap *m, char *buf, size_t size)
{
	_cleanup_str_ struct str text = { 0 };
	uint64_t h = 14695981039346656037ULL; /* FNV-1a: tells forms apart, defends nothing */

	for (size_t i = 0; i < m->n_uid; i++)
		str_addf(&text, "%s%u.%u.%u", i ? "_" : "u", m->uid[i].inside, m->uid[i].outside,
			m->uid[i].count);
	for (size_t i = 0; i < m->n_gid; i++)
		str_addf(&text, "%s%u.%u.%u", i ? "_" : "-g", m->gid[i].inside, m->gid[i].outside,
			m->gid[i].count);
	if (text.len > 0 && text.len < size && text.len < 200) {
		snprintf(buf, size, "%s", text.s);
		return;
	}
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.s[i]) * 1099511628211ULL;
	snprintf(buf, size, "h%016llx", (unsigned long long)h);
}
