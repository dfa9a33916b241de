/* SPDX-License-Identifier: Apache-2.0 */
/* What this host offers to containers, what is missing, and the command that cures it. */
#ifndef UCTR_ENGINE_PROBE_H
#define UCTR_ENGINE_PROBE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum probe_topic {
	PROBE_KERNEL, /* version */
	PROBE_SYSCALLS, /* the newer system calls, which an outer sandbox may forbid */
	PROBE_CLONE_KNOB, /* kernel.unprivileged_userns_clone */
	PROBE_MAX_USERNS, /* user.max_user_namespaces */
	PROBE_APPARMOR_KNOB, /* kernel.apparmor_restrict_unprivileged_userns */
	PROBE_USERNS, /* a real try: namespaces and rights in them */
	PROBE_PROC, /* a real try: new proc and sysfs */
	PROBE_SUBIDS,
	PROBE_IDMAP, /* a real try: newuidmap and newgidmap */
	PROBE_OVERLAY, /* a real try, on the data directory's file system */
	PROBE_FUSE,
	PROBE_SLIRP,
	PROBE_TUN,
	PROBE_CGROUP,
	PROBE_CPU,
	PROBE_MEMORY,
	PROBE_PIDS,
	PROBE_IO,
	PROBE_CPUSET,
	PROBE_RUNTIME, /* runtime directory */
	PROBE_DATA, /* data directory */
	PROBE_SECCOMP,
	PROBE_LSM, /* AppArmor, SELinux */
	PROBE_N,
};

/*
 * Runs every probe. *ret_rows is a new array of objects with name, status ("ok", "warn",
 * "missing"), needed (is `run` impossible without it?), purpose, finding and cure ("" when there
 * is nothing to cure), all strings but `needed`. Returns 1 when `run` will work, 0 when not, or
 * an error. Makes the data and runtime directories as a run would, and nothing else that stays.
 */
int probe_all(json_t **ret_rows, struct err *e);

/*
 * For a failed start: runs one probe and, when it is not ok, adds its finding and cure to *e with
 * err_hint. Costs up to some ten milliseconds. Returns e->code.
 */
int probe_hint(enum probe_topic topic, struct err *e);

/*
 * For a failed start or a user namespace that could not be made: when the error is one by which a
 * host refuses, adds the first finding that tells which of its knobs it was. Returns e->code.
 */
int probe_explain(struct err *e);

#endif
