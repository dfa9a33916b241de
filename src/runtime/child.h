/* SPDX-License-Identifier: Apache-2.0 */
/* The child side: internal to the runtime. */
#ifndef UCTR_RUNTIME_CHILD_H
#define UCTR_RUNTIME_CHILD_H

#include <stdbool.h>

#include "runtime/launch.h"
#include "runtime/netns.h"

/* A directory that was opened before its path could no longer be searched. */
struct opened {
	const char *path; /* borrowed from the spec */
	int fd;
};

struct mask {
	int fd;
	bool attached;
};

/* What the stages of the child share. Descriptors are the child's own; it ends in execve or _exit. */
struct child {
	const struct launch *l;
	const struct spec *spec;
	int sync;
	int root; /* the new root: O_PATH or mount */
	struct opened *opened; /* by paths_open(), else NULL */
	size_t n_opened;
	int *mounts; /* detached mounts, as spec->mounts; -1: not made yet */
	int *devices; /* detached device nodes, as spec->devices */
	struct mask null, empty; /* for masks: verified /dev/null, an empty read-only tmpfs */
	struct netns_maker net;
	bool net_begun;
	int proc; /* the detached procfs, for sysctls; borrowed from mounts, or -1 */
	int master, slave;
	struct spec_process process; /* a copy to be completed (user, HOME); shallow */
};

struct stage {
	const char *name;
	int (*fn)(struct child *c, struct err *e);
};

/* Never returns. */
void child_main(const struct launch *l, int sync) __attribute__((noreturn));

/* paths.c: what the caller may search and root of the namespace may not (spec.caller_opens) */
int paths_open(struct child *c, struct err *e);
/* A directory of the spec's by path: O_PATH descriptor of the child's own, or -errno. */
int paths_dir(const struct child *c, const char *path);
/* rootfs.c: before pivot_root */
int rootfs_open_binds(struct child *c, struct err *e);
int rootfs_mount_root(struct child *c, struct err *e);
int rootfs_open_sources(struct child *c, struct err *e);
int rootfs_sysctl(struct child *c, struct err *e);
/* rootfs.c: after it */
int rootfs_attach(struct child *c, struct err *e);
int rootfs_masks(struct child *c, struct err *e);
int rootfs_finish(struct child *c, struct err *e);
/* devices.c */
int devices_open(struct child *c, struct err *e);
int devices_attach(struct child *c, struct err *e);
int devices_terminal(int root, bool console, const struct spec_process *p, int *ret_master,
	int *ret_slave, struct err *e);

/* user.c: completes uid, gid, groups and HOME of p from the files below root. */
int user_resolve(int root, const struct spec *spec, struct spec_process *p, struct err *e);

/* process.c */
/* What needs /proc/self writable, so before the process becomes undumpable. */
int process_early(const struct spec_process *p, struct err *e);
/* Everything between a ready container and execve; returns only with an error. */
int process_exec(const struct spec *spec, const struct spec_process *p, const int stdio[3],
	bool seal_exe, struct err *e);
/* cwd in the container as a descriptor, made when p says so. */
int process_open_cwd(int root, const struct spec_process *p, struct err *e);

#endif
