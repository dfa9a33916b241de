/* SPDX-License-Identifier: Apache-2.0 */
/* The host's user database, without NSS inside this program. */
#include "sys/passwd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "sys/dirs.h"

#define FILE_MAX (4 << 20)
#define N_FIELDS 7

/* "name:password:uid:gid:gecos:home:shell"; cut up in place. */
static int take_line(char *line, uid_t uid, char **ret_name, char **ret_home)
{
	char *field[N_FIELDS] = { NULL };
	size_t n = 0;
	uint32_t v;

	while (n < N_FIELDS && (field[n] = strsep(&line, ":")))
		n++;
	if (n < N_FIELDS - 1 || parse_u32(field[2], &v) < 0 || v != uid || !*field[0])
		return -ENOENT;
	if (ret_name && !(*ret_name = strdup(field[0])))
		return -ENOMEM;
	if (ret_home && !(*ret_home = strdup(field[5]))) {
		if (ret_name) {
			free(*ret_name);
			*ret_name = NULL;
		}
		return -ENOMEM;
	}
	return 0;
}

static int take_text(char *text, uid_t uid, char **ret_name, char **ret_home)
{
	char *save = NULL;
	int r = -ENOENT;

	for (char *line = strtok_r(text, "\n", &save); line && r == -ENOENT;
		line = strtok_r(NULL, "\n", &save))
		r = take_line(line, uid, ret_name, ret_home);
	return r;
}

static char *ask_getent(uid_t uid)
{
	const char *path = dirs_tool("getent");
	char number[16];
	char *const argv[] = { (char *)"getent", (char *)"passwd", number, NULL };
	_cleanup_fd_ int rd = -1;
	char *text = NULL;
	struct spawn s = SPAWN_INIT;
	struct err ignored = ERR_INIT;
	int p[2], r;
	pid_t pid;

	if (!path || fd_pipe(p) < 0)
		return NULL;
	snprintf(number, sizeof(number), "%u", uid);
	rd = p[0];
	s.path = path;
	s.argv = argv;
	s.stdio[1] = p[1];
	r = spawn_start(&s, &pid, &ignored);
	close(p[1]);
	if (r < 0)
		return NULL;
	r = fd_slurp(rd, FILE_MAX, &text, NULL);
	return spawn_wait(pid) == 0 && r == 0 ? text : (free(text), NULL);
}

int passwd_find(uid_t uid, char **ret_name, char **ret_home)
{
	_cleanup_free_ char *text = NULL, *asked = NULL;
	int r = -ENOENT;

	if (ret_name)
		*ret_name = NULL;
	if (ret_home)
		*ret_home = NULL;
	if (file_read(AT_FDCWD, "/etc/passwd", FILE_MAX, &text, NULL) == 0)
		r = take_text(text, uid, ret_name, ret_home);
	if (r == -ENOENT && (asked = ask_getent(uid)))
		r = take_text(asked, uid, ret_name, ret_home);
	return r;
}
