/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every decision derived from image data, in one place. An image may say what runs in it, as whom,
 * where and with which environment. It may not name anything of the host: no variable is copied
 * from the caller because an entry lacks "=" (CVE-2026-57231), labels and annotations have no
 * effect, volumes and ports are not acted on by themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/red.h"
#include "engine/merge.h"

#define ENTRIES_MAX 4096
#define TEXT_MAX (128 << 10)

void image_policy_free(struct image_policy *p)
{
	strv_free(p->env);
	strv_free(p->cmd);
	strv_free(p->entrypoint);
	free(p->workdir);
	free(p->user);
	json_decref(p->labels);
	memset(p, 0, sizeof(*p));
}

static int check_list(const char *what, char *const *v, struct err *e)
{
	if (strv_len(v) > ENTRIES_MAX)
		return err_msg(
			e, -E2BIG, "image config: more than %d entries in %s", ENTRIES_MAX, what);
	strv_foreach (s, v) {
		if (strlen(s) > TEXT_MAX)
			return err_msg(e, -E2BIG, "image config: an entry of %s is too long", what);
	}
	return 0;
}

static bool env_is_sane(const char *s)
{
	const char *eq = strchr(s, '=');

	if (red_off("env"))
		return true;
	if (!eq || eq == s)
		return false;
	for (const char *p = s; p < eq; p++) {
		if (char_is_control((unsigned char)*p) || *p == ' ' || *p == '*')
			return false;
	}
	return true;
}

/* Only "NAME=value" counts; anything else is dropped, as it has no meaning inside. */
static int keep_sane_env(char **all, char ***ret, struct err *e)
{
	strv_foreach (s, all) {
		if (env_is_sane(s) && strv_add(ret, s) < 0)
			return err_set(e, -ENOMEM, "image environment");
	}
	return 0;
}

static int read_labels(json_t *config, struct image_policy *ret, struct err *e)
{
	json_t *labels = NULL, *v;
	const char *key;
	int r = json_get_obj(config, "Labels", &labels, e);

	ret->labels = json_object();
	if (r <= 0 || !ret->labels)
		return r;
	if (json_object_size(labels) > ENTRIES_MAX)
		return err_msg(e, -E2BIG, "image config: too many labels");
	json_object_foreach (labels, key, v) {
		if (!json_is_string(v))
			return err_msg(e, -EINVAL, "image config: label values must be strings");
		if (json_object_set(ret->labels, key, v) < 0)
			return err_set(e, -ENOMEM, "image labels");
	}
	return 0;
}

int image_policy_read(const struct image *img, struct image_policy *ret, struct err *e)
{
	_cleanup_strv_ char **env = NULL;
	json_t *config = NULL;
	const char *sig = NULL;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = json_get_obj(img->config, "config", &config, e);
	if (r > 0 && (json_get_strv(config, "Env", &env, e) < 0 ||
			     json_get_strv(config, "Cmd", &ret->cmd, e) < 0 ||
			     json_get_strv(config, "Entrypoint", &ret->entrypoint, e) < 0 ||
			     json_get_strdup(config, "WorkingDir", &ret->workdir, e) < 0 ||
			     json_get_strdup(config, "User", &ret->user, e) < 0 ||
			     json_get_str(config, "StopSignal", &sig, e) < 0 ||
			     read_labels(config, ret, e) < 0))
		r = -EINVAL;
	if (r < 0)
		return err_wrap(e, r, "image %s", img->name);
	if ((r = check_list("Env", env, e)) < 0 || (r = check_list("Cmd", ret->cmd, e)) < 0 ||
		(r = check_list("Entrypoint", ret->entrypoint, e)) < 0 ||
		(r = keep_sane_env(env, &ret->env, e)) < 0)
		return r;
	if (sig && *sig) {
		ret->stop_signal = parse_signal(sig);
		if (ret->stop_signal < 0)
			return err_msg(
				e, -EINVAL, "image %s: StopSignal is not a signal", img->name);
	}
	if (ret->workdir && ret->workdir[0] && ret->workdir[0] != '/') {
		char *abs = str_printf("/%s", ret->workdir);

		if (!abs)
			return err_set(e, -ENOMEM, "image");
		free(ret->workdir);
		ret->workdir = abs;
	}
	if (ret->workdir && strlen(ret->workdir) > 4000)
		return err_msg(e, -E2BIG, "image %s: WorkingDir is too long", img->name);
	return 0;
}
