/* SPDX-License-Identifier: Apache-2.0 */
/* A container's record as docker's inspect shows it. */
#include "engine/inspect.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

/* RFC 3339 in UTC. What has not happened is Go's zero time, which scripts compare with. */
static json_t *time_text(int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000LL);
	struct tm tm;
	char buf[64];

	if (ns <= 0 || !gmtime_r(&t, &tm))
		return json_string("0001-01-01T00:00:00Z");
	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%09lldZ", buf, (long long)(ns % 1000000000LL));
}

static json_t *text(const char *s)
{
	return json_text(s ? s : "");
}

static json_t *strings(json_t *o)
{
	return o ? json_incref(o) : json_object();
}

static json_t *signal_text(int sig)
{
	const char *name = sig > 0 ? sigabbrev_np(sig) : NULL;

	return name ? json_sprintf("SIG%s", name) : json_sprintf("%d", sig);
}

static json_t *state(const struct container *c)
{
	bool running = c->state == CONTAINER_RUNNING;

	return json_pack("{so sb sb si si so so so so}", "Status",
		json_string(container_state_name(c->state)), "Running", running, "Dead",
		c->state == CONTAINER_DEAD, "Pid", running ? (int)c->pid : 0, "ExitCode",
		c->exit_code, "Error", text(c->error), "StartedAt", time_text(c->started),
		"FinishedAt", time_text(c->finished), "CgroupPath", text(c->cgroup));
}

static json_t *mounts(const struct container *c)
{
	json_t *all = json_array(), *m;
	size_t i;

	json_array_foreach (c->mounts, i, m) {
		json_t *source = json_object_get(m, "source"),
		       *target = json_object_get(m, "target"), *o;

		if (!source || !target)
			continue;
		o = json_pack("{ss sO sO sb}", "Type", "bind", "Source", source, "Destination",
			target, "RW", !json_is_true(json_object_get(m, "readOnly")));
		if (!o || json_array_append_new(all, o) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

/* What the record has of `from`, over what docker shows where nothing was asked for. */
static json_t *with_defaults(json_t *o, json_t *defaults, json_t *from)
{
	if (o && json_object_update_missing(defaults, o) == 0 &&
		(!from || json_object_update(defaults, from) == 0)) {
		json_decref(o);
		return defaults;
	}
	json_decref(o);
	json_decref(defaults);
	return NULL;
}

static json_t *config(const struct container *c)
{
	json_t *defaults = json_pack("{ss# ss ss s[] sn sn}", "Hostname", c->id, 12, "User", "",
		"WorkingDir", "", "Env", "Entrypoint", "Cmd");
	json_t *o = json_pack("{so so sb sb so si}", "Image", text(c->image_id ? c->image : NULL),
		"Labels", strings(c->labels), "Tty", c->tty, "OpenStdin", c->open_stdin,
		"StopSignal", signal_text(c->stop_signal), "StopTimeout", (int)c->stop_timeout);

	return with_defaults(o, defaults, c->config);
}

static json_t *host_config(const struct container *c)
{
	static const char *const lists[] = { "Binds", "CapAdd", "CapDrop", "Dns", "DnsOptions",
		"DnsSearch", "ExtraHosts", "GroupAdd", "SecurityOpt" };
	static const char *const numbers[] = { "Memory", "NanoCpus", "PidsLimit" };
	static const char *const flags[] = { "Privileged", "ReadonlyRootfs", "Init" };
	json_t *defaults = json_object();
	json_t *o = json_pack("{so so sb so}", "NetworkMode", text(c->network), "UsernsMode",
		text(c->userns), "AutoRemove", c->auto_remove, "Annotations",
		strings(c->annotations));

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_object_set_new(defaults, lists[i], json_array());
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(defaults, numbers[i], json_integer(0));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_object_set_new(defaults, flags[i], json_false());
	return with_defaults(o, defaults, c->host_config);
}

static json_t *userns(const struct container *c)
{
	return json_pack("{so so so so}", "Mode", text(c->userns), "Why", text(c->userns_why),
		"UidMap", json_from_strv(c->uid_map), "GidMap", json_from_strv(c->gid_map));
}

int container_inspect(const struct container *c, json_t **ret, struct err *e)
{
	char *const *command = c->command;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_object_set_new(o, "Id", json_string(c->id));
	bad |= json_object_set_new(o, "Created", time_text(c->created));
	bad |= json_object_set_new(o, "Path", text(command ? command[0] : NULL));
	bad |= json_object_set_new(
		o, "Args", json_from_strv(command && command[0] ? command + 1 : NULL));
	bad |= json_object_set_new(o, "State", state(c));
	bad |= json_object_set_new(
		o, "Image", c->image_id ? json_sprintf("sha256:%s", c->image_id) : json_string(""));
	bad |= json_object_set_new(o, "ImageName", text(c->image_id ? c->image : NULL));
	bad |= json_object_set_new(o, "Rootfs", text(c->image_id ? NULL : c->image));
	bad |= json_object_set_new(o, "Name", json_sprintf("/%s", c->name));
	bad |= json_object_set_new(o, "Driver", text(c->driver));
	bad |= json_object_set_new(o, "GraphDriver", json_pack("{so}", "Name", text(c->driver)));
	bad |= json_object_set_new(o, "Mounts", mounts(c));
	bad |= json_object_set_new(o, "HostConfig", host_config(c));
	bad |= json_object_set_new(o, "Config", config(c));
	bad |= json_object_set_new(o, "Userns", userns(c));
	if (bad) {
		json_decref(o);
		return err_set(e, -ENOMEM, "inspect %s", c->name);
	}
	*ret = o;
	return 0;
}
