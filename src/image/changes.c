/* SPDX-License-Identifier: Apache-2.0 */
/* docker's --change: one line of a Dockerfile applied to an image config. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "image/config.h"

/* A JSON array of strings, or NULL when the text is anything else. New reference. */
static json_t *json_words(const char *text)
{
	json_t *a = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *v;
	size_t i;

	if (!json_is_array(a)) {
		json_decref(a);
		return NULL;
	}
	json_array_foreach (a, i, v) {
		if (!json_is_string(v)) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

/* CMD and ENTRYPOINT: a JSON array is the command, anything else is for a shell. */
static int set_command(json_t *config, const char *key, const char *text, struct err *e)
{
	json_t *a = json_words(text);

	if (!a)
		a = json_pack("[s s o]", "/bin/sh", "-c", json_text(text));
	return json_object_set_new(config, key, a) < 0 ? err_set(e, -ENOMEM, "%s", key) : 0;
}

static int set_text(json_t *config, const char *key, const char *text, struct err *e)
{
	return json_object_set_new(config, key, json_text(text)) < 0
		       ? err_set(e, -ENOMEM, "%s", key)
		       : 0;
}

/* Splits at white space; quotes and backslashes as in a Dockerfile. Words are appended. */
static int split_words(const char *text, char ***ret, struct err *e)
{
	_cleanup_str_ struct str w = { 0 };
	bool in_word = false;
	char quote = 0;

	for (;; text++) {
		char c = *text;
		int r = 0;

		if (!c || (!quote && isspace((unsigned char)c))) {
			if (!c && quote)
				return err_msg(e, -EINVAL, "a quote is not closed");
			if (in_word)
				r = strv_add(ret, w.s ? w.s : "");
			if (w.s)
				w.s[w.len = 0] = '\0';
			in_word = false;
		} else if (quote ? c == quote : (c == '"' || c == '\'')) {
			quote = quote ? 0 : c;
			in_word = true;
		} else {
			if (c == '\\' && quote != '\'' && text[1])
				c = *++text;
			r = str_add(&w, &c, 1);
			in_word = true;
		}
		if (r < 0)
			return err_set(e, r, "split a change");
		if (!*text)
			return 0;
	}
}

/* "K=V K2=V2", or the old "K the rest": calls set for each pair. */
static int each_pair(json_t *config, const char *text,
	int (*set)(json_t *config, const char *key, const char *value, struct err *e),
	struct err *e)
{
	_cleanup_strv_ char **words = NULL;
	int r = split_words(text, &words, e);

	if (r < 0)
		return r;
	if (words && words[0] && !strchr(words[0], '=')) {
		const char *rest = text + strcspn(text, " \t");

		rest += strspn(rest, " \t");
		if (!*rest)
			return err_msg(e, -EINVAL, "want KEY=VALUE");
		return set(config, words[0], rest, e);
	}
	strv_foreach (w, words) {
		char *eq = strchr(w, '=');

		if (!eq || eq == w)
			return err_msg(e, -EINVAL, "want KEY=VALUE");
		*eq = '\0';
		r = set(config, w, eq + 1, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *sub(json_t *config, const char *key, json_t *(*make)(void))
{
	if (!json_object_get(config, key))
		json_object_set_new(config, key, make());
	return json_object_get(config, key);
}

static int set_env(json_t *config, const char *key, const char *value, struct err *e)
{
	json_t *env = sub(config, "Env", json_array), *v, *entry;
	_cleanup_free_ char *text = str_printf("%s=%s", key, value);
	size_t i, len = strlen(key) + 1;

	entry = text ? json_text(text) : NULL;
	if (!entry)
		return err_set(e, -ENOMEM, "ENV");
	json_array_foreach (env, i, v) {
		if (strncmp(json_string_value(v), text, len) == 0) {
			json_array_set_new(env, i, entry);
			return 0;
		}
	}
	return json_array_append_new(env, entry) < 0 ? err_set(e, -ENOMEM, "ENV") : 0;
}

static int set_label(json_t *config, const char *key, const char *value, struct err *e)
{
	json_t *labels = sub(config, "Labels", json_object);

	if (json_object_set_new(labels, key, json_text(value)) < 0)
		return err_msg(e, -EINVAL, "the label is not UTF-8 text");
	return 0;
}

/* EXPOSE and VOLUME: sets, written as objects whose values are empty objects. */
static int add_set(
	json_t *config, const char *key, const char *text, const char *suffix, struct err *e)
{
	json_t *set = sub(config, key, json_object), *v;
	_cleanup_json_ json_t *a = json_words(text);
	_cleanup_strv_ char **words = NULL;
	size_t i;
	int r = 0;

	json_array_foreach (a, i, v) {
		if (strv_add(&words, json_string_value(v)) < 0)
			return err_set(e, -ENOMEM, "%s", key);
	}
	if (!a)
		r = split_words(text, &words, e);
	if (r < 0)
		return r;
	strv_foreach (w, words) {
		_cleanup_free_ char *name = str_printf("%s%s", w, strchr(w, '/') ? "" : suffix);

		if (!name || json_object_set_new(set, name, json_object()) < 0)
			return err_msg(e, -EINVAL, "%s is not UTF-8 text", key);
	}
	return 0;
}

static int change_cmd(json_t *c, const char *t, struct err *e)
{
	return set_command(c, "Cmd", t, e);
}

static int change_entrypoint(json_t *c, const char *t, struct err *e)
{
	return set_command(c, "Entrypoint", t, e);
}

static int change_env(json_t *c, const char *t, struct err *e)
{
	return each_pair(c, t, set_env, e);
}

static int change_label(json_t *c, const char *t, struct err *e)
{
	return each_pair(c, t, set_label, e);
}

static int change_user(json_t *c, const char *t, struct err *e)
{
	return set_text(c, "User", t, e);
}

static int change_workdir(json_t *c, const char *t, struct err *e)
{
	if (*t != '/')
		return err_msg(e, -EINVAL, "the path must be absolute");
	return set_text(c, "WorkingDir", t, e);
}

static int change_stopsignal(json_t *c, const char *t, struct err *e)
{
	if (parse_signal(t) < 0)
		return err_msg(e, -EINVAL, "unknown signal");
	return set_text(c, "StopSignal", t, e);
}

static int change_expose(json_t *c, const char *t, struct err *e)
{
	return add_set(c, "ExposedPorts", t, "/tcp", e);
}

static int change_volume(json_t *c, const char *t, struct err *e)
{
	return add_set(c, "Volumes", t, "", e);
}

int config_change(json_t *config, const char *change, struct err *e)
{
	static const struct {
		const char *name;
		int (*apply)(json_t *config, const char *text, struct err *e);
	} table[] = {
		{ "CMD", change_cmd },
		{ "ENTRYPOINT", change_entrypoint },
		{ "ENV", change_env },
		{ "EXPOSE", change_expose },
		{ "LABEL", change_label },
		{ "STOPSIGNAL", change_stopsignal },
		{ "USER", change_user },
		{ "VOLUME", change_volume },
		{ "WORKDIR", change_workdir },
	};
	size_t len = strcspn(change, " \t=");
	const char *text = change + len;
	_cleanup_free_ char *clean = str_sanitise(change);

	/* podman also takes CMD=..., docker only a blank. */
	text += strspn(text, " \t");
	if (*text == '=' && text == change + len)
		text++;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r;

		if (strlen(table[i].name) != len || strncasecmp(change, table[i].name, len) != 0)
			continue;
		if (!*text)
			return err_msg(e, -EINVAL, "change \"%.80s\": the value is missing",
				clean ? clean : "");
		r = table[i].apply(config, text, e);
		return r < 0 ? err_wrap(e, r, "change \"%.80s\"", clean ? clean : "") : 0;
	}
	return err_msg(e, -EINVAL,
		"change \"%.80s\": unknown instruction; known are CMD, ENTRYPOINT, ENV, EXPOSE, "
		"LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR",
		clean ? clean : "");
}
