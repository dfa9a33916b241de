/* SPDX-License-Identifier: Apache-2.0 */
/* The table of probes, its run, and hints for starts that failed. */
#include "engine/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/probe_impl.h"

struct probe {
	const char *name;
	bool needed; /* `run` does not work without it */
	const char *purpose; /* what it is for */
	probe_fn *fn;
};

static const struct probe probes[PROBE_N] = {
	[PROBE_KERNEL] = { "kernel", true, "everything", probe_kernel },
	[PROBE_SYSCALLS] = { "system calls", true, "everything", probe_syscalls },
	[PROBE_CLONE_KNOB] = { "unprivileged_userns_clone", true, "containers without root",
		probe_clone_knob },
	[PROBE_MAX_USERNS] = { "max_user_namespaces", true, "containers without root",
		probe_max_userns },
	[PROBE_APPARMOR_KNOB] = { "apparmor_restrict_unprivileged_userns", true,
		"containers without root", probe_apparmor_knob },
	[PROBE_USERNS] = { "user namespaces", true, "containers without root", probe_userns },
	[PROBE_PROC] = { "new /proc and /sys", true, "private views", probe_proc },
	[PROBE_SUBIDS] = { "subordinate ids", false, "more than one user inside", probe_subids },
	[PROBE_IDMAP] = { "newuidmap and newgidmap", false, "more than one user inside",
		probe_idmap },
	[PROBE_OVERLAY] = { "overlay", false, "container file systems", probe_overlay },
	[PROBE_FUSE] = { "fuse-overlayfs", false, "file systems where overlay is refused",
		probe_fuse },
	[PROBE_SLIRP] = { "slirp4netns", false, "network", probe_slirp },
	[PROBE_TUN] = { "/dev/net/tun", false, "network", probe_tun },
	[PROBE_CGROUP] = { "cgroup v2", false, "limits", probe_cgroup },
	[PROBE_CPU] = { "cgroup cpu", false, "--cpus", probe_cpu },
	[PROBE_MEMORY] = { "cgroup memory", false, "--memory", probe_memory },
	[PROBE_PIDS] = { "cgroup pids", false, "--pids-limit", probe_pids },
	[PROBE_IO] = { "cgroup io", false, "disk limits", probe_io },
	[PROBE_CPUSET] = { "cgroup cpuset", false, "CPU pinning", probe_cpuset },
	[PROBE_RUNTIME] = { "runtime directory", true, "state of containers", probe_runtime },
	[PROBE_DATA] = { "data directory", true, "images and containers", probe_data },
	[PROBE_SECCOMP] = { "seccomp", true, "the system call filter", probe_seccomp },
	[PROBE_LSM] = { "security modules", false, "further confinement", probe_lsm },
};

void probe_found(struct probe_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->finding, sizeof(r->finding), fmt, ap);
	va_end(ap);
}

void probe_cure(struct probe_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->cure, sizeof(r->cure), fmt, ap);
	va_end(ap);
}

static void context_free(struct probe_ctx *c)
{
	probe_trial_free(c);
	if (c->have_cgroup)
		cgroup_root_free(&c->cgroup);
	fd_closep(&c->data_fd);
	free(c->data_path);
	free(c->data_note);
}

int probe_all(json_t **ret_rows, struct err *e)
{
	static const char *const words[] = { "ok", "warn", "missing" };
	struct probe_ctx c __attribute__((cleanup(context_free))) = { .data_fd = -1 };
	_cleanup_json_ json_t *rows = json_array();
	int works = 1;

	for (size_t i = 0; i < PROBE_N; i++) {
		const struct probe *p = &probes[i];
		struct probe_result r = { "", "" };
		enum probe_status s = p->fn(&c, &r);
		json_t *row = json_object();

		if (s == PROBE_MISSING && p->needed)
			works = 0;
		json_object_set_new(row, "name", json_string(p->name));
		json_object_set_new(row, "status", json_string(words[s]));
		json_object_set_new(row, "needed", json_boolean(p->needed));
		json_object_set_new(row, "purpose", json_string(p->purpose));
		json_object_set_new(row, "finding", json_text(r.finding));
		json_object_set_new(row, "cure", json_text(s == PROBE_OK ? "" : r.cure));
		if (json_object_size(row) != 6 || json_array_append_new(rows, row) < 0)
			return err_set(e, -ENOMEM, "probe");
	}
	*ret_rows = take_ptr(rows);
	return works;
}

int probe_hint(enum probe_topic topic, struct err *e)
{
	struct probe_ctx c __attribute__((cleanup(context_free))) = { .data_fd = -1 };
	struct probe_result r = { "", "" };
	_cleanup_free_ char *clean = NULL;

	if (probes[topic].fn(&c, &r) == PROBE_OK)
		return e ? e->code : -EINVAL;
	clean = str_sanitise(r.finding);
	err_hint(e, "%s: %s", probes[topic].name, clean ? clean : "");
	return r.cure[0] ? err_hint(e, "cure: %s", r.cure) : e->code;
}

int probe_explain(struct err *e)
{
	static const enum probe_topic topics[] = { PROBE_SYSCALLS, PROBE_CLONE_KNOB,
		PROBE_MAX_USERNS, PROBE_APPARMOR_KNOB, PROBE_USERNS, PROBE_PROC };

	if (!e || e->exit ||
		(e->code != -ENOSYS && e->code != -EPERM && e->code != -EACCES &&
			e->code != -ENOSPC && e->code != -EUSERS))
		return e ? e->code : -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		size_t before = strlen(e->msg);

		(void)probe_hint(topics[i], e);
		if (strlen(e->msg) != before)
			break;
	}
	return e->code;
}
