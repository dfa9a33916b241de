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
#include "base/red.h"
#include "base/spawn.h"
#include "base/str.h"
#include "sys/dirs.h"

#define FILE_MAX (1 << 20)
#define OVERFLOW_ID 65534 /* the owner of a file whose own is not mapped (user_namespaces(7)) */

static int not_installed(const char *tool, struct err *e)
{
	return err_msg(e, -ENOENT,
		"%s is not installed; an administrator runs: apt-get install uidmap "
		"(Fedora, Arch: package shadow-utils or shadow)",
		tool);
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
		if ((st.st_mode & S_ISUID) && st.st_uid == OVERFLOW_ID)
			return err_msg(e, -EPERM,
				"%s is neither setuid root nor has file capabilities here, as the "
				"user namespace around uctr does not map root; start uctr outside "
				"of it",
				path);
		if (!((st.st_mode & S_ISUID) && st.st_uid == 0) &&
			getxattr(path, "security.capability", NULL, 0) <= 0)
			return err_msg(e, -EPERM,
				"%s is neither setuid root nor has file capabilities; an "
				"administrator runs: chmod u+s %s",
				path, path);
	}
	return 0;
}

static int write_direct(pid_t pid, const char *file, const struct idmap_line *l, size_t n)
{
	_cleanup_str_ struct str text = { 0 };
	char path[64];

	for (size_t i = 0; i < n; i++) {
		uint32_t off = i > 0 && *file == 'u' && red_off("idmap"); /* the next one's */

		if (str_addf(&text, "%u %u %u\n", l[i].inside, l[i].outside + off,
			    l[i].count - off) < 0)
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
