/* SPDX-License-Identifier: Apache-2.0 */
/* Container records as JSON. */
#include "engine/record.h"

#include <fcntl.h>
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

int container_save(struct container *c, struct err *e)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_free_ char *text = NULL;
	int bad = 0, r;

	bad |= set(o, "schema", json_integer(RECORD_SCHEMA));
	bad |= set(o, "id", json_string(c->id));
	bad |= set(o, "name", text_or_null(c->name));
	bad |= set(o, "image", text_or_null(c->image));
	bad |= set(o, "imageId", text_or_null(c->image_id));
	bad |= set(o, "command", json_from_strv(c->command));
	bad |= set(o, "labels", c->labels ? json_incref(c->labels) : json_object());
	bad |= set(o, "annotations", c->annotations ? json_incref(c->annotations) : json_object());
	bad |= set(o, "network", text_or_null(c->network));
	bad |= set(o, "driver", text_or_null(c->driver));
	bad |= set(o, "userns", text_or_null(c->userns));
	bad |= set(o, "usernsWhy", text_or_null(c->userns_why));
	bad |= set(o, "uidMap", json_from_strv(c->uid_map));
	bad |= set(o, "gidMap", json_from_strv(c->gid_map));
	bad |= set(o, "mounts", c->mounts ? json_incref(c->mounts) : json_array());
	bad |= set(o, "created", json_integer(c->created));
	bad |= set(o, "started", json_integer(c->started));
	bad |= set(o, "finished", json_integer(c->finished));
	bad |= set(o, "state", json_string(states[c->state]));
	bad |= set(o, "exitCode", json_integer(c->exit_code));
	bad |= set(o, "error", text_or_null(c->error));
	bad |= set(o, "pid", json_integer(c->pid));
	bad |= set(o, "pidStart", json_integer((json_int_t)c->pid_start));
	bad |= set(o, "monitor", json_integer(c->monitor));
	bad |= set(o, "monitorStart", json_integer((json_int_t)c->monitor_start));
	bad |= set(o, "bootId", json_string(c->boot_id));
	bad |= set(o, "cgroup", text_or_null(c->cgroup));
	bad |= set(o, "stopSignal", json_integer(c->stop_signal));
	bad |= set(o, "stopTimeout", json_integer(c->stop_timeout));
	bad |= set(o, "autoRemove", json_boolean(c->auto_remove));
	bad |= set(o, "tty", json_boolean(c->tty));
	bad |= set(o, "openStdin", json_boolean(c->open_stdin));
	text = bad ? NULL : json_dumps(o, JSON_COMPACT);
	if (!text)
		return err_set(e, -ENOMEM, "record of container %s", c->name);
	r = file_replace(c->dir, "record.json", text, strlen(text), 0600, false);
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

static int load_object(json_t *o, const char *key, json_t **ret, struct err *e)
{
	json_t *v = NULL;
	int r = json_get_obj(o, key, &v, e);

	if (r > 0)
		*ret = json_incref(v);
	return r;
}

static int load_array(json_t *o, const char *key, json_t **ret, struct err *e)
{
	json_t *v = NULL;
	int r = json_get_arr(o, key, &v, e);

	if (r > 0)
		*ret = json_incref(v);
	return r;
}

static int parse(json_t *o, struct container *c, struct err *e)
{
	int64_t schema = 0, exit_code = 0, pid = 0, monitor = 0, sig = 0;
	uint32_t timeout = 0;
	const char *state = NULL, *boot = NULL;

	if (json_get_i64(o, "schema", &schema, e) < 0)
		return -EINVAL;
	if (schema != RECORD_SCHEMA)
		return err_msg(e, -EINVAL, "record has schema %lld, this uctr knows %d",
			(long long)schema, RECORD_SCHEMA);
	if (json_get_strdup(o, "name", &c->name, e) < 0 ||
		json_get_strdup(o, "image", &c->image, e) < 0 ||
		json_get_strdup(o, "imageId", &c->image_id, e) < 0 ||
		json_get_strv(o, "command", &c->command, e) < 0 ||
		load_object(o, "labels", &c->labels, e) < 0 ||
		load_object(o, "annotations", &c->annotations, e) < 0 ||
		json_get_strdup(o, "network", &c->network, e) < 0 ||
		json_get_strdup(o, "driver", &c->driver, e) < 0 ||
		json_get_strdup(o, "userns", &c->userns, e) < 0 ||
		json_get_strdup(o, "usernsWhy", &c->userns_why, e) < 0 ||
		json_get_strv(o, "uidMap", &c->uid_map, e) < 0 ||
		json_get_strv(o, "gidMap", &c->gid_map, e) < 0 ||
		load_array(o, "mounts", &c->mounts, e) < 0 ||
		json_get_i64(o, "created", &c->created, e) < 0 ||
		json_get_i64(o, "started", &c->started, e) < 0 ||
		json_get_i64(o, "finished", &c->finished, e) < 0 ||
		json_get_str(o, "state", &state, e) < 0 ||
		json_get_i64(o, "exitCode", &exit_code, e) < 0 ||
		json_get_strdup(o, "error", &c->error, e) < 0 ||
		json_get_i64(o, "pid", &pid, e) < 0 ||
		json_get_u64(o, "pidStart", &c->pid_start, e) < 0 ||
		json_get_i64(o, "monitor", &monitor, e) < 0 ||
		json_get_u64(o, "monitorStart", &c->monitor_start, e) < 0 ||
		json_get_str(o, "bootId", &boot, e) < 0 ||
		json_get_strdup(o, "cgroup", &c->cgroup, e) < 0 ||
		json_get_i64(o, "stopSignal", &sig, e) < 0 ||
		json_get_u32(o, "stopTimeout", &timeout, e) < 0 ||
		json_get_bool(o, "autoRemove", &c->auto_remove, e) < 0 ||
		json_get_bool(o, "tty", &c->tty, e) < 0 ||
		json_get_bool(o, "openStdin", &c->open_stdin, e) < 0)
		return -EINVAL;
	c->exit_code = (int)exit_code;
	c->pid = (pid_t)pid;
	c->monitor = (pid_t)monitor;
	c->stop_signal = (int)sig;
	c->stop_timeout = timeout;
	snprintf(c->boot_id, sizeof(c->boot_id), "%s", boot ? boot : "");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (state && streq(state, states[i])) {
			c->state = (enum container_state)i;
			return c->name ? 0 : err_msg(e, -EINVAL, "record without a name");
		}
	}
	return err_msg(e, -EINVAL, "record without a known state");
}

int record_load(struct container *c, struct err *e)
{
	_cleanup_json_ json_t *o = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(c->dir, "record.json", RECORD_MAX, &text, &len);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_set(e, r, "read the record of container %.12s", c->id);
	r = json_parse(text, len, "record.json", &o, e);
	if (r == 0)
		r = parse(o, c, e);
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

json_t *record_row(const struct container *c, bool no_trunc)
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
	set(o, "ImageID", text_or_null(c->image_id));
	set(o, "Command", json_incref(command));
	set(o, "CreatedAt", time_text(c->created));
	set(o, "Created", json_integer(c->created / 1000000000LL));
	set(o, "StartedAt", time_text(c->started));
	set(o, "RunningFor", json_string(running));
	set(o, "State", json_string(states[c->state]));
	set(o, "Status", status_text(c));
	set(o, "ExitCode", json_integer(c->exit_code));
	set(o, "Pid", json_integer(c->pid));
	set(o, "Ports", json_string(""));
	set(o, "Names", text_or_null(c->name));
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
