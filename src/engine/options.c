/* SPDX-License-Identifier: Apache-2.0 */
/* Options that outlive the command that they were given to. */
#include "engine/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* Puts the working directory before the path that begins at `at` in *word and is relative. */
static int prefix(char **word, size_t at, struct err *e)
{
	char cwd[PATH_MAX];
	char *s;

	if ((*word)[at] == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_set(e, -errno, "working directory");
	s = str_printf("%.*s%s/%s", (int)at, *word, cwd, *word + at);
	if (!s)
		return err_set(e, -ENOMEM, "options");
	free(*word);
	*word = s;
	return 0;
}

/* What is no path, or malformed, is the merge's to refuse. */
static int volume(char **v, struct err *e)
{
	const char *colon = strchr(*v, ':'), *slash = strchr(*v, '/');

	if (!colon || (**v != '.' && !(slash && slash < colon)))
		return 0;
	return prefix(v, 0, e);
}

static int mount(char **m, struct err *e)
{
	static const char *const keys[] = { "source=", "src=" };

	if (!str_startswith(*m, "type=bind,") && !strstr(*m, ",type=bind"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i]);
		const char *at = strstr(*m, keys[i]);
		int r = 0;

		if (at && (at == *m || at[-1] == ',') && at[n])
			r = prefix(m, (size_t)(at - *m) + n, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int security(char **s, struct err *e)
{
	static const char key[] = "seccomp";
	size_t n = sizeof(key); /* with the character behind it */

	if (!str_startswith(*s, key) || !strchr("=:", (*s)[n - 1]) || !(*s)[n - 1] || !(*s)[n] ||
		streq(*s + n, "unconfined"))
		return 0;
	return prefix(s, n, e);
}

static int each(char **list, int (*fn)(char **word, struct err *e), struct err *e)
{
	int r = 0;

	for (char **s = list; r == 0 && s && *s; s++)
		r = fn(s, e);
	return r;
}

int options_make_absolute(struct container_opts *o, struct err *e)
{
	int r = each(o->volumes, volume, e);

	if (r == 0)
		r = each(o->mounts, mount, e);
	if (r == 0)
		r = each(o->security_opt, security, e);
	return r == 0 && o->pidfile && *o->pidfile ? prefix(&o->pidfile, 0, e) : r;
}
