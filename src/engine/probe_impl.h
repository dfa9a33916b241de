/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of engine/probe*.c; nobody else includes this. */
#ifndef UCTR_ENGINE_PROBE_IMPL_H
#define UCTR_ENGINE_PROBE_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/probe.h"
#include "sys/cgroup.h"

enum probe_status { PROBE_OK, PROBE_WARN, PROBE_MISSING };

struct probe_result {
	char finding[512];
	char cure[640];
};

/* What the first steps of a container gave in a forked child: 0, an errno, or UNTRIED. */
#define UNTRIED (-1)
struct trial {
	int userns, map, namespaces, mount, proc, sysfs, overlay;
};

/* Shared by the probes of one run; each part is found out once, when first asked for. */
struct probe_ctx {
	struct trial *trial;
	struct cgroup_root cgroup;
	bool have_cgroup;
	int data_fd; /* -1 before it is opened or when it cannot be */
	char *data_path;
	char *data_note; /* why it is not the first choice, or NULL */
};

typedef enum probe_status probe_fn(struct probe_ctx *c, struct probe_result *r);

probe_fn probe_kernel, probe_syscalls, probe_clone_knob, probe_max_userns, probe_apparmor_knob,
	probe_userns, probe_proc, probe_subids, probe_idmap, probe_overlay, probe_fuse, probe_slirp,
	probe_tun, probe_cgroup, probe_cpu, probe_memory, probe_pids, probe_io, probe_cpuset,
	probe_runtime, probe_data, probe_seccomp, probe_lsm;

/* Text for a finding and for its cure. */
void probe_found(struct probe_result *r, const char *fmt, ...) _printf_(2, 3);
void probe_cure(struct probe_result *r, const char *fmt, ...) _printf_(2, 3);

/* The trial of this run; NULL when not even a fork works. Static storage of the context. */
const struct trial *probe_trial(struct probe_ctx *c);
void probe_trial_free(struct probe_ctx *c);

/* Opens the data directory once: its descriptor (owned by the context) or an error. */
int probe_data_fd(struct probe_ctx *c, struct err *e);

/* Inside a user namespace that is not the host's own. */
bool probe_nested(void);
/* Below a seccomp filter. */
bool probe_filtered(void);
/* Finding and cure for `what` that gave err: as much of the reason as can be seen from here. */
void probe_refused(struct probe_result *r, const char *what, int err);
/* How the container around has to be started for containers inside. */
void probe_cure_outer(struct probe_result *r);

/* "sudo " or, for root, "". */
const char *probe_sudo(void);
/* The command that installs a package on this distribution. */
void probe_install(struct probe_result *r, const char *package);
/* A start of 65536 ids that no line of /etc/subuid or /etc/subgid overlaps. */
unsigned int probe_free_range(void);
/* Sets *ret to the number in a file of /proc/sys: 0 or -errno. */
int probe_sysctl(const char *path, long *ret);
/* The caller's name, or his uid in digits. */
const char *probe_user(void);

#endif
