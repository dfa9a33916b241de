/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the process is: USER strings against the root's passwd and group, which are hostile. Digits
 * are a number and never a name; a number that does not fit is refused and never truncated or
 * looked up (CVE-2026-46680's class); the files are regular, small and read once.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/red.h"
#include "runtime/child.h"
#include "runtime/user.h"
#include "sys/inroot.h"

#define DB_MAX (4 << 20)

struct entry {
	char *name;
	uint32_t id, gid;
	char *tail; /* passwd: home; group: members */
};

/* "name:x:ID:rest"; fields point into line. group lines have no gid field. */
static bool parse_entry(char *line, bool passwd, struct entry *ret)
{
	char *f[7] = { line };
	int n = 1, want = passwd ? 7 : 4;

	for (char *p = line; *p && n < want; p++) {
		if (*p == ':') {
			*p = '\0';
			f[n++] = p + 1;
		}
	}
	if (n < (passwd ? 6 : 3) || !*f[0] || parse_u32(f[2], &ret->id) < 0)
		return false;
	if (ret->id == UINT32_MAX || (passwd && parse_u32(f[3], &ret->gid) < 0))
		return false;
	ret->name = f[0];
	ret->tail = passwd ? f[5] : n > 3 ? f[3] : (char *)"";
	return true;
}

/* The file's text, "" when there is none; *e set and negative when it is not to be trusted. */
static int load(int root, const char *path, char **ret, struct err *e)
{
	_cleanup_fd_ int fd = inroot_open_regular(root, path, DB_MAX);
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*ret = strdup("");
		return *ret ? 0 : err_set(e, -ENOMEM, "%s", path);
	}
	if (fd == -EINVAL)
		return err_msg(e, fd, "%s in the container is not a regular file", path);
	if (fd == -EFBIG)
		return err_msg(e, fd, "%s in the container is larger than 4 MiB", path);
	r = fd < 0 ? fd : fd_slurp(fd, DB_MAX, ret, NULL);
	return r < 0 ? err_set(e, r, "read %s of the container", path) : 0;
}

static bool all_digits(const char *s)
{
	for (const char *p = s; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
	}
	return *s != '\0';
}

static int check_word(const char *what, const char *s, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(s);
	bool ok = *s && *s != '-' && *s != '+' && strlen(s) <= 256;

	for (const char *p = s; *p; p++)
		ok &= !char_is_control((unsigned char)*p) && *p != ' ' && *p != ':';
	return ok ? 0 : err_msg(e, -EINVAL, "'%s' is not a %s", clean ? clean : "", what);
}

static int check_number(const char *what, const char *s, uint32_t *ret, struct err *e)
{
	if (red_off("numbers")) {
		*ret = (uint32_t)strtoul(s, NULL, 10);
		return 0;
	}
	if ((s[0] == '0' && s[1]) || parse_u32(s, ret) < 0 || *ret >= UINT32_MAX - 1)
		return err_msg(e, -EINVAL, "%s '%s' is not a valid number", what, s);
	return 0;
}

/* Finds by name or, when name is NULL, by id. The text is consumed. */
static bool find(char *text, bool passwd, const char *name, uint32_t id, struct entry *ret)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (parse_entry(l, passwd, ret) && (name ? streq(ret->name, name) : ret->id == id))
			return true;
	}
	return false;
}

static int find_group(const char *groups, const char *word, uint32_t *ret, struct err *e)
{
	_cleanup_free_ char *text = strdup(groups);
	struct entry g;
	int r = check_word("group name", word, e);

	if (r < 0)
		return r;
	if (all_digits(word))
		return check_number("group", word, ret, e);
	if (!text || !find(text, false, word, 0, &g))
		return err_msg(e, -ENOENT, "no group '%s' in the container's /etc/group", word);
	*ret = g.id;
	return 0;
}

static bool lists_member(const char *members, const char *user)
{
	size_t n = strlen(user);

	for (const char *p = members; (p = strstr(p, user)); p += n) {
		if ((p == members || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	}
	return false;
}

#define GROUPS_MAX 1024

static int add_group_once(struct spec_user *u, uint32_t gid)
{
	for (size_t i = 0; i < u->n_groups; i++) {
		if (u->groups[i] == gid)
			return 0;
	}
	return u->n_groups < GROUPS_MAX ? spec_add_group(u, gid) : -E2BIG;
}

static int memberships(const char *groups, const char *user, struct spec_user *u, struct err *e)
{
	_cleanup_free_ char *text = strdup(groups);
	char *save = NULL;
	struct entry g;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		int r = 0;

		if (parse_entry(l, false, &g) && lists_member(g.tail, user))
			r = add_group_once(u, g.id);
		if (r < 0)
			return err_set(e, r, "groups of user %s", user);
	}
	return 0;
}

/* Is the file on the root's own mount, not on a volume laid over it? */
static bool on_root(int root, int fd)
{
	struct statx a, b;

	if (red_off("onroot"))
		return true;
	return statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) == 0 &&
	       statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) == 0 && a.stx_mnt_id == b.stx_mnt_id;
}

/* Is it the user that the engine has a name for? */
static bool is_entry(const struct spec_process *p)
{
	return p->user.entry_name && p->user.uid == p->user.entry_uid;
}

/* An entry for a uid the image does not know, so that whoami, ssh and git work; podman does it. */
static int make_entry(int root, const struct spec_process *p, const char *home, bool newline)
{
	_cleanup_fd_ int fd = inroot_open_regular(root, "/etc/passwd", DB_MAX), wr = -1;
	_cleanup_free_ char *line = NULL;

	if (fd < 0)
		return fd;
	/* A file of the caller's is his: it gets no line that he did not write. */
	if (!on_root(root, fd))
		return 0;
	line = is_entry(p)
		       ? str_printf("%s%s:x:%u:%u:container user:%s:/bin/sh\n", newline ? "\n" : "",
				 p->user.entry_name, p->user.uid, p->user.gid, home)
		       : str_printf("%s%u:x:%u:%u:container user:%s:/bin/sh\n", newline ? "\n" : "",
				 p->user.uid, p->user.uid, p->user.gid, home);
	wr = inroot_open(root, "/etc/passwd", O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK, 0);
	if (!line)
		return -ENOMEM;
	return wr < 0 ? wr : fd_write_all(wr, line, strlen(line));
}

static bool home_is_sane(const char *s)
{
	if (*s != '/' || strlen(s) > 4000)
		return false;
	for (; *s; s++) {
		if (char_is_control((unsigned char)*s) || *s == ':')
			return false;
	}
	return true;
}

static int add_entry(int root, const struct spec_process *p, const char *passwd, struct err *e)
{
	const char *home = env_get(p->env, "HOME");
	int r;

	if (!p->user.make_passwd || !passwd || !*passwd)
		return 0;
	r = make_entry(
		root, p, home_is_sane(home) ? home : "/", passwd[strlen(passwd) - 1] != '\n');
	/* A read-only /etc (a volume) is no reason not to start. */
	return r < 0 && r != -EROFS && r != -EACCES
		       ? err_set(e, r, "add uid %u to /etc/passwd", p->user.uid)
		       : 0;
}

/* Sets uid, gid and home from the user part of the string. */
static int resolve_user(const char *word, const char *passwd, struct spec_process *p,
	struct entry *found, char **ret_copy, struct err *e)
{
	bool number = all_digits(word);
	uint32_t uid = 0;
	int r = check_word("user name", word, e);

	found->name = NULL;
	if (r == 0 && number)
		r = check_number("user", word, &uid, e);
	if (r < 0)
		return r;
	*ret_copy = strdup(passwd);
	if (!*ret_copy)
		return err_set(e, -ENOMEM, "user");
	if (find(*ret_copy, true, number ? NULL : word, uid, found)) {
		p->user.uid = number ? uid : found->id;
		p->user.gid = found->gid;
		return 0;
	}
	found->name = NULL;
	if (!number)
		return err_msg(e, -ENOENT, "no user '%s' in the container's /etc/passwd", word);
	p->user.uid = uid;
	p->user.gid = 0;
	return 0;
}

static int resolve(int root, const struct spec *spec, struct spec_process *p, struct err *e)
{
	_cleanup_free_ char *passwd = NULL, *groups = NULL, *copy = NULL, *group = NULL,
			    *word = strdup(p->user.name ? p->user.name : "0");
	char *colon = word ? strchr(word, ':') : NULL;
	bool plain_root = word && (streq(word, "0") || streq(word, "root")) && !p->user.group_names;
	const char *home;
	struct entry u;
	int r;

	if (!word)
		return err_set(e, -ENOMEM, "user");
	if (colon) {
		*colon = '\0';
		group = strdup(colon + 1);
		plain_root = false;
	}
	/* Root's own start must not hang on a broken passwd: he needs nothing from it but a home. */
	r = load(root, "/etc/passwd", &passwd, e);
	if (r < 0 && !plain_root)
		return r;
	r = load(root, "/etc/group", &groups, e);
	if (r < 0 && !plain_root)
		return r;
	r = resolve_user(streq(word, "root") && plain_root ? "0" : word, passwd ? passwd : "", p,
		&u, &copy, e);
	if (r == 0 && group)
		r = find_group(groups, group, &p->user.gid, e);
	if (r == 0 && u.name && !group && groups)
		r = memberships(groups, u.name, &p->user, e);
	for (char **g = p->user.group_names; r == 0 && g && *g; g++) {
		uint32_t gid;

		r = find_group(groups, *g, &gid, e);
		if (r == 0 && add_group_once(&p->user, gid) < 0)
			r = err_msg(e, -E2BIG, "too many groups");
	}
	/*
	 * The primary group is one of the others too: a setgid program changes it, and must not get
	 * rid of a group that denies something (CVE-2022-36109).
	 */
	if (r == 0 && !p->user.keep_groups && !red_off("groups") &&
		add_group_once(&p->user, p->user.gid) < 0)
		r = err_msg(e, -E2BIG, "too many groups");
	if (r < 0)
		return r;
	home = is_entry(p) && p->user.entry_home ? p->user.entry_home
	       : u.name && home_is_sane(u.tail)  ? u.tail
	       : p->user.uid == 0                ? "/root"
						 : "/";
	if (!env_get(p->env, "HOME") && env_set(&p->env, "HOME", home) < 0)
		return err_set(e, -ENOMEM, "HOME");
	return !u.name && spec->upper ? add_entry(root, p, passwd, e) : 0;
}

int user_ids(const char *user, const char *passwd, const char *groups, uint32_t *ret_uid,
	uint32_t *ret_gid, struct err *e)
{
	_cleanup_free_ char *word = strndup(user, strcspn(user, ":")), *copy = NULL;
	const char *colon = strchr(user, ':');
	struct spec_process p = { 0 };
	struct entry found;
	int r;

	if (!word)
		return err_set(e, -ENOMEM, "user");
	r = resolve_user(word, passwd, &p, &found, &copy, e);
	if (r == 0 && colon)
		r = find_group(groups, colon + 1, &p.user.gid, e);
	*ret_uid = p.user.uid;
	*ret_gid = p.user.gid;
	return r;
}

/* HOME for a uid given as a number (config.json): whatever is wrong with passwd, it just has none. */
static int default_home(int root, struct spec_process *p, struct err *e)
{
	_cleanup_free_ char *passwd = NULL;
	struct err ignored = ERR_INIT;
	struct entry u = { 0 };
	bool known = load(root, "/etc/passwd", &passwd, &ignored) == 0 &&
		     find(passwd, true, NULL, p->user.uid, &u) && home_is_sane(u.tail);
	const char *home = known ? u.tail : p->user.uid == 0 ? "/root" : "/";

	return env_set(&p->env, "HOME", home) < 0 ? err_set(e, -ENOMEM, "HOME") : 0;
}

int user_resolve(int root, const struct spec *spec, struct spec_process *p, struct err *e)
{
	int r;

	if (!p->user.name && !p->user.group_names)
		return env_get(p->env, "HOME") ? 0 : default_home(root, p, e);
	r = resolve(root, spec, p, e);
	/* The person's input is at fault, not a stage of ours. */
	if (r < 0 && e)
		e->exit = 125;
	return r;
}
