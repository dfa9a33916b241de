/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v2 (cgroup-v2 admin guide): find the delegated subtree, make a container's group. */
#ifndef UCTR_SYS_CGROUP_H
#define UCTR_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* -1 or 0 where a limit was not asked for, as named. */
struct cgroup_limits {
	int64_t memory; /* bytes; 0: none */
	int64_t memory_swap; /* bytes of memory+swap as docker counts; 0: none, -1: unlimited */
	int64_t memory_low; /* reservation; 0: none */
	int64_t cpu_quota; /* microseconds per period; 0: none, -1: max */
	uint64_t cpu_period; /* microseconds; 0: 100000 */
	uint64_t cpu_shares; /* cgroup v1 shares; 0: none */
	char *cpuset_cpus, *cpuset_mems;
	int64_t pids; /* 0: none, -1: unlimited */
	bool pids_asked; /* false: a default, dropped silently where impossible */
	char **unified; /* "file", "value", ... pairs, written as they are */
};
void cgroup_limits_free(struct cgroup_limits *l);

/*
 * The caller's delegated subtree: the systemd unit that the caller is in, where systemd manages his
 * cgroups, else the topmost ancestor that the caller may manage. ret->fd is -1 and ret->why says
 * why when there is none (no error: that is a fact about the host). `controllers` lists what can be
 * handed to children.
 */
struct cgroup_root {
	int fd; /* O_DIRECTORY of the subtree's top */
	char *path; /* below /sys/fs/cgroup */
	char *controllers; /* contents of cgroup.controllers, blanks between and around: " cpu pids " */
	char why[160];
};
int cgroup_find(struct cgroup_root *ret, struct err *e);
void cgroup_root_free(struct cgroup_root *r);

/* The full path of `name` below a root that there is; owned by the caller. */
char *cgroup_path(const struct cgroup_root *root, const char *name);

/*
 * Makes `name` below the root with the limits applied and returns its descriptor; *ret_path gets
 * the path (owned). A limit that was asked for and cannot be enforced is an error that names the
 * controller and the cure. Only processes of the caller's own uctr are ever moved out of the way.
 */
int cgroup_create(const struct cgroup_root *root, const char *name, const struct cgroup_limits *l,
	char **ret_path, struct err *e);

/* 0 when every limit asked for could be enforced below root; else the error create would give. */
int cgroup_check(const struct cgroup_root *root, const struct cgroup_limits *l, struct err *e);

/* Did the kernel kill a process of the group `fd` because of the group's memory limit? */
bool cgroup_oom_killed(int fd);

/* Kills what is left in it (cgroup.kill, Linux 5.14) and removes it. A missing one is success. */
int cgroup_remove(const char *path);

#endif
