/* SPDX-License-Identifier: Apache-2.0 */
/* Container records as JSON. */
#include "engine/record.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "sys/ns.h"

#define RECORD_MAX (16 << 20)

static const char *const states[] = { "created", "running", "exited", "dead" };

const char *container_state_name(enum container_state s)
{
	return states[s];
}

static int set(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value);
}

static json_t *text_or_null(const char *s)
{
	return s ? json_text(s) : json_null();
}

enum kind { TEXT, WORDS, OBJECT, ARRAY, I64, U64, INT, UINT, BOOL, STATE, BOOT };

/*
 * What a record has. Those that lists show stand in its first line, and the rest in a second one,
 * so that `ps` with many containers reads a third of the text.
 */
static const struct field {
	const char *key;
	enum kind kind;
	size_t offset;
	bool listed;
} fields[] = {
#define F(key, kind, member, listed)                                                               \
	{                                                                                          \
		key, kind, offsetof(struct container, member), listed                              \
	}
	F("name", TEXT, name, true),
	F("image", TEXT, image, true),
	F("imageId", TEXT, image_id, true),
	F("command", WORDS, command, true),
	F("labels", OBJECT, labels, true),
	F("network", TEXT, network, true),
	F("created", I64, created, true),
	F("started", I64, started, true),
	F("finished", I64, finished, true),
	F("state", STATE, state, true),
	F("exitCode", INT, exit_code, true),
	F("error", TEXT, error, true),
	F("annotations", OBJECT, annotations, false),
	F("driver", TEXT, driver, false),
	F("userns", TEXT, userns, false),
	F("usernsWhy", TEXT, userns_why, false),
	F("uidMap", WORDS, uid_map, false),
	F("gidMap", WORDS, gid_map, false),
	F("mounts", ARRAY, mounts, false),
	F("config", OBJECT, config, false),
	F("hostConfig", OBJECT, host_config, false),
	F("request", OBJECT, request, false),
	F("pid", INT, pid, false),
	F("pidStart", U64, pid_start, false),
	F("monitor", INT, monitor, false),
	F("monitorStart", U64, monitor_start, false),
	F("bootId", BOOT, boot_id, false),
	F("cgroup", TEXT, cgroup, false),
	F("stopSignal", INT, stop_signal, false),
	F("stopTimeout", UINT, stop_timeout, false),
	F("autoRemove", BOOL, auto_remove, false),
	F("tty", BOOL, tty, false),
	F("openStdin", BOOL, open_stdin, false),
#undef F
};

/* NULL for what is empty, and need not be written. */
static json_t *field_value(const struct field *f, const struct container *c)
{
	const void *p = (const char *)c + f->offset;
	int64_t n = 0;

	switch (f->kind) {
	case TEXT:
		return *(char *const *)p ? json_text(*(char *const *)p) : NULL;
	case WORDS:
		return *(char **const *)p ? json_from_strv(*(char **const *)p) : NULL;
	case OBJECT:
		return json_object_size(*(json_t *const *)p) ? json_incref(*(json_t *const *)p)
							     : NULL;
	case ARRAY:
		return json_array_size(*(json_t *const *)p) ? json_incref(*(json_t *const *)p)
							    : NULL;
	case STATE:
		return json_string(states[*(const enum container_state *)p]);
	case BOOT:
		return json_string(p);
	case BOOL:
		return *(const bool *)p ? json_true() : NULL;
	case I64:
		n = *(const int64_t *)p;
		break;
	case U64:
		n = (int64_t) * (const uint64_t *)p;
		break;
	case INT:
		n = *(const int *)p;
		break;
	case UINT:
		n = *(const unsigned int *)p;
		break;
	}
	return n ? json_integer(n) : NULL;
}

/* One line of the record; the first has the schema. */
static int add_line(const struct container *c, bool listed, struct str *text)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_free_ char *line = NULL;
	int bad = listed ? set(o, "schema", json_integer(RECORD_SCHEMA)) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		json_t *v = fields[i].listed == listed ? field_value(&fields[i], c) : NULL;

		if (v)
			bad |= set(o, fields[i].key, v);
	}
	line = bad ? NULL : json_dumps(o, JSON_COMPACT);
	return line ? str_addf(text, "%s\n", line) : -ENOMEM;
}

int container_save(struct container *c, struct err *e)
{
	_cleanup_str_ struct str text = { 0 };
	int r;

	if (add_line(c, true, &text) < 0 || add_line(c, false, &text) < 0)
		return err_set(e, -ENOMEM, "record of container %s", c->name);
	r = file_replace(c->dir, "record.json", text.s, text.len, 0600, false);
	return r < 0 ? err_set(e, r, "write the record of container %s", c->name) : 0;
}

int record_set_mounts(struct container *c, const struct spec *spec, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		json_t *o = NULL;

		if (m->kind != MOUNT_BIND || !m->resolved)
			continue;
		if (c->mounts || (c->mounts = json_array()))
			o = json_pack("{so so sb}", "source", json_text(m->source), "target",
				json_text(m->dest), "readOnly",
				(m->attr_set & MOUNT_ATTR_RDONLY) != 0);
		if (!o || json_array_append_new(c->mounts, o) < 0)
			return err_set(e, -ENOMEM, "record");
	}
	return 0;
}

static int map_lines(const struct idmap_line *l, size_t n, char ***ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = strv_addf(ret, "%u:%u:%u", l[i].inside, l[i].outside, l[i].count);
	return r;
}

int record_set_map(struct container *c, const struct idmap *outside, struct err *e)
{
	int r = map_lines(outside->uid, outside->n_uid, &c->uid_map);

	if (r == 0)
		r = map_lines(outside->gid, outside->n_gid, &c->gid_map);
	return r < 0 ? err_set(e, r, "record") : 0;
}

static int load_state(json_t *o, const char *key, enum container_state *ret, struct err *e)
{
	const char *state = NULL;
	int r = json_get_str(o, key, &state, e);

	for (size_t i = 0; r > 0 && i < ARRAY_SIZE(states); i++) {
		if (streq(state, states[i])) {
			*ret = (enum container_state)i;
			return 0;
		}
	}
	return r < 0 ? r : err_msg(e, -EINVAL, "record without a known state");
}

static int load_int(json_t *o, const char *key, int *ret, struct err *e)
{
	int64_t n = *ret;
	int r = json_get_i64(o, key, &n, e);

	if (n < INT_MIN || n > INT_MAX)
		return err_msg(e, -EINVAL, "%s: too large", key);
	*ret = (int)n;
	return r;
}

static int load_boot(json_t *o, const char *key, char *ret, struct err *e)
{
	const char *boot = "";
	int r = json_get_str(o, key, &boot, e);

	snprintf(ret, sizeof(((struct container *)0)->boot_id), "%s", boot);
	return r;
}

static int load_field(const struct field *f, json_t *o, struct container *c, struct err *e)
{
	void *p = (char *)c + f->offset;
	json_t *tree = NULL;
	int r;

	switch (f->kind) {
	case TEXT:
		return json_get_strdup(o, f->key, p, e);
	case WORDS:
		return json_get_strv(o, f->key, p, e);
	case I64:
		return json_get_i64(o, f->key, p, e);
	case U64:
		return json_get_u64(o, f->key, p, e);
	case INT:
		return load_int(o, f->key, p, e);
	case UINT:
		return json_get_u32(o, f->key, p, e);
	case BOOL:
		return json_get_bool(o, f->key, p, e);
	case STATE:
		return load_state(o, f->key, p, e);
	case BOOT:
		return load_boot(o, f->key, p, e);
	case OBJECT:
	case ARRAY:
		break;
	}
	r = (f->kind == OBJECT ? json_get_obj : json_get_arr)(o, f->key, &tree, e);
	if (r > 0)
		*(json_t **)p = json_incref(tree);
	return r;
}

static int check_schema(json_t *o, struct err *e)
{
	int64_t schema = 0;
	int r = json_get_i64(o, "schema", &schema, e);

	if (r >= 0 && schema != RECORD_SCHEMA)
		return err_msg(e, -EINVAL, "record has schema %lld, this uctr knows %d",
			(long long)schema, RECORD_SCHEMA);
	return r;
}

static int load_line(const char *text, size_t len, bool listed, struct container *c, struct err *e)
{
	_cleanup_json_ json_t *o = NULL;
	int r = json_parse(text, len, "record.json", &o, e);

	if (r == 0 && listed)
		r = check_schema(o, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(fields); i++) {
		if (fields[i].listed == listed)
			r = load_field(&fields[i], o, c, e);
	}
	return r < 0 ? r : 0;
}

static int load_text(const char *text, size_t len, bool brief, struct container *c, struct err *e)
{
	const char *end = memchr(text, '\n', len);
	size_t first = end ? (size_t)(end - text) : len;
	int r = load_line(text, first, true, c, e);

	if (r == 0 && !c->name)
		r = err_msg(e, -EINVAL, "record without a name");
	if (r == 0 && !brief)
		r = load_line(text + first, len - first, false, c, e);
	return r;
}

int record_load(int dirfd, const char *path, bool brief, struct container *c, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(dirfd, path, RECORD_MAX, &text, &len);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_set(e, r, "read the record of container %.12s", c->id);
	r = load_text(text, len, brief, c, e);
	if (r < 0) {
		err_wrap(e, r, "container %.12s has a damaged record", c->id);
		return err_hint(e,
			"remove it with: rm -r containers/%.12s* in uctr's data directory", c->id);
	}
	return 0;
}

void record_mark_dead(struct container *c)
{
	char boot[37] = "";

	c->state = CONTAINER_DEAD;
	c->exit_code = 255;
	free(c->error);
	c->error = proc_boot_id(boot) == 0 && !streq(boot, c->boot_id)
			   ? strdup("the machine was restarted")
			   : strdup("its monitor was killed");
	c->pid = c->monitor = 0;
}

static void ago(int64_t then, char *buf, size_t size)
{
	static const struct {
		int64_t below, unit;
		const char *name;
	} steps[] = { { 60, 1, "second" }, { 3600, 60, "minute" }, { 172800, 3600, "hour" },
		{ 1209600, 86400, "day" }, { 5184000, 604800, "week" },
		{ 63072000, 2592000, "month" }, { INT64_MAX, 31536000, "year" } };
	struct timespec now;
	int64_t s, n;
	size_t i = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	s = now.tv_sec - then / 1000000000LL;
	if (s < 1) {
		snprintf(buf, size, "Less than a second");
		return;
	}
	while (s >= steps[i].below)
		i++;
	n = s / steps[i].unit;
	snprintf(buf, size, "%lld %s%s", (long long)n, steps[i].name, n == 1 ? "" : "s");
}

static json_t *status_text(const struct container *c)
{
	char when[64];

	switch (c->state) {
	case CONTAINER_CREATED:
		return json_string("Created");
	case CONTAINER_RUNNING:
		ago(c->started, when, sizeof(when));
		return json_sprintf("Up %s", when);
	case CONTAINER_EXITED:
		ago(c->finished, when, sizeof(when));
		return json_sprintf("Exited (%d) %s ago%s%s%s", c->exit_code, when,
			c->error ? " (" : "", c->error ? c->error : "", c->error ? ")" : "");
	default:
		return json_sprintf("Dead (%s)", c->error ? c->error : "");
	}
}

static json_t *time_text(int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000LL);
	struct tm tm;
	char buf[64] = "";

	if (ns && localtime_r(&t, &tm))
		strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return json_string(buf);
}

static json_t *command_text(const struct container *c, bool no_trunc)
{
	_cleanup_str_ struct str b = { 0 };

	strv_foreach (s, c->command)
		str_addf(&b, "%s%s", b.len ? " " : "", s);
	if (!no_trunc && b.len > 20)
		return json_sprintf("\"%s…\"", (b.s[19] = '\0', b.s));
	return json_sprintf("\"%s\"", b.s ? b.s : "");
}

static json_t *labels_text(const struct container *c)
{
	_cleanup_str_ struct str b = { 0 };
	const char *key;
	json_t *v;

	json_object_foreach (c->labels, key, v)
		str_addf(&b, "%s%s=%s", b.len ? "," : "", key, json_string_value(v));
	return json_text(b.s ? b.s : "");
}

static json_t *mounts_text(const struct container *c)
{
	_cleanup_str_ struct str b = { 0 };
	json_t *m;
	size_t i;

	json_array_foreach (c->mounts, i, m) {
		const char *source = json_string_value(json_object_get(m, "source")),
			   *target = json_string_value(json_object_get(m, "target"));

		if (source && target)
			str_addf(&b, "%s%s:%s", b.len ? "," : "", source, target);
	}
	return json_text(b.s ? b.s : "");
}

json_t *record_row(const struct container *c, bool brief, bool no_trunc)
{
	_cleanup_json_ json_t *command = command_text(c, no_trunc);
	json_t *o = json_object();
	char when[64], running[80];

	ago(c->created, when, sizeof(when));
	snprintf(running, sizeof(running), "%s ago", when);
	/* A cut in the middle of a character, or hostile bytes: shown as \xNN. */
	if (!command)
		command = json_string("?");
	set(o, "ID", no_trunc ? json_string(c->id) : json_sprintf("%.12s", c->id));
	set(o, "Image", text_or_null(c->image));
	set(o, "Command", json_incref(command));
	set(o, "RunningFor", json_string(running));
	set(o, "Status", status_text(c));
	set(o, "Ports", json_string(""));
	set(o, "Names", text_or_null(c->name));
	if (brief)
		return o;
	set(o, "ImageID", text_or_null(c->image_id));
	set(o, "CreatedAt", time_text(c->created));
	set(o, "Created", json_integer(c->created / 1000000000LL));
	set(o, "StartedAt", time_text(c->started));
	set(o, "State", json_string(states[c->state]));
	set(o, "ExitCode", json_integer(c->exit_code));
	set(o, "Pid", json_integer(c->pid));
	set(o, "Labels", labels_text(c));
	set(o, "LabelMap", c->labels ? json_incref(c->labels) : json_object());
	set(o, "Mounts", mounts_text(c));
	set(o, "Networks", text_or_null(c->network));
	set(o, "Driver", text_or_null(c->driver));
	set(o, "Userns", text_or_null(c->userns));
	set(o, "UsernsWhy", json_text(c->userns_why ? c->userns_why : ""));
	set(o, "AutoRemove", json_boolean(c->auto_remove));
	return o;
}
