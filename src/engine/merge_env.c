/* SPDX-License-Identifier: Apache-2.0 */
/* The environment: nothing of the caller's but what he names. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/merge.h"

#define ENV_FILE_MAX (8 << 20)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* "K=V", or "K" for the caller's value, which is left out when he has none. */
static int set_one(char ***env, const char *kv, const char *flag, struct err *e)
{
	_cleanup_free_ char *key = strndup(kv, strcspn(kv, "="));
	const char *eq = strchr(kv, '='), *value = eq ? eq + 1 : NULL;

	if (!key)
		return err_set(e, -ENOMEM, "environment");
	if (!*key)
		return err_msg(e, -EINVAL, "%s: a variable without a name", flag);
	if (!eq)
		value = getenv(key);
	if (value && env_set(env, key, value) < 0)
		return err_set(e, -ENOMEM, "environment");
	return 0;
}

static int read_env_file(char ***env, const char *path, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = file_read(AT_FDCWD, path, ENV_FILE_MAX, &text, NULL);

	if (r < 0)
		return err_set(e, r, "--env-file %s", path);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(l);

		if (n > 0 && l[n - 1] == '\r')
			l[n - 1] = '\0';
		l += strspn(l, " \t");
		if (!*l || *l == '#')
			continue;
		if (strcspn(l, " \t") < strcspn(l, "="))
			return err_msg(e, -EINVAL,
				"--env-file %s: variable name '%.40s' contains blanks", path, l);
		r = set_one(env, l, "--env-file", e);
		if (r < 0)
			return r;
	}
	return 0;
}

int merge_env_lists(char *const *files, char *const *list, char ***env, struct err *e)
{
	int r;

	strv_foreach (path, files) {
		if ((r = read_env_file(env, path, e)) < 0)
			return r;
	}
	strv_foreach (kv, list) {
		if ((r = set_one(env, kv, "--env", e)) < 0)
			return r;
	}
	return 0;
}

int merge_env(const struct container_opts *o, const struct image_policy *img, struct plan *p,
	struct err *e)
{
	char ***env = &p->spec.process.env;
	int r = 0;

	if (env_set(env, "PATH", DEFAULT_PATH) < 0 || env_set(env, "container", "uctr") < 0 ||
		(o->tty && env_set(env, "TERM", "xterm") < 0))
		return err_set(e, -ENOMEM, "environment");
	strv_foreach (kv, img->env) {
		/* Sane by image_policy: it has a "=", so nothing is looked up in our environment. */
		if ((r = set_one(env, kv, "image environment", e)) < 0)
			return r;
	}
	return merge_env_lists(o->env_file, o->env, env, e);
}
