/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps of user namespaces: find the caller's ranges, write maps, name an ownership form. */
#ifndef UCTR_SYS_IDMAP_H
#define UCTR_SYS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* One line of /proc/PID/uid_map (user_namespaces(7)). */
struct idmap_line {
	uint32_t inside, outside, count;
};

#define IDMAP_LINES 340 /* the kernel's limit (user_namespaces(7)) */
struct idmap {
	struct idmap_line uid[IDMAP_LINES], gid[IDMAP_LINES];
	size_t n_uid, n_gid;
};

/*
 * The caller's subordinate ranges in file (/etc/subuid or /etc/subgid, subuid(5)), by name (may be
 * NULL) and by numeric uid, in file order. Malformed lines and ranges that wrap are left out. Returns the count.
 */
size_t idmap_ranges(
	const char *file, const char *name, uid_t uid, struct idmap_line *ret, size_t max);

/* Login name of uid (sys/passwd.h); NULL when nobody knows it. Owned by the caller. */
char *idmap_user_name(uid_t uid);

/*
 * The full map: 0 is the caller, 1.. are his ranges. -ENOENT when he has none, with the cure; as
 * real root (nothing to be delegated) 0..65535 of the ids root may hand out.
 */
int idmap_full(struct idmap *ret, struct err *e);

/* The one id: 0 is the caller, and nobody else. Needs no helper. */
void idmap_one(struct idmap *ret);

/* Does the map hold one user and one group alone? Then setgroups(2) is denied in the namespace. */
bool idmap_is_one(const struct idmap *m);

/* May this process get a map with ranges written? 0, or why not (-ENOENT, -EPERM), with the cure. */
int idmap_check_helpers(struct err *e);

/* The identity over what m maps: what a child namespace is given, each line within one line of m. */
void idmap_identity(const struct idmap *m, struct idmap *ret);

/*
 * Writes the maps of the process with this pid as seen in /proc, whose user namespace is new:
 * directly when the kernel allows it, else through newuidmap and newgidmap, started at the same
 * time by their absolute paths. After start() the caller may do other work; finish() waits.
 */
struct idmap_job {
	pid_t pids[2];
	int words; /* what the helpers say when they refuse; -1 without helpers */
};
int idmap_write_start(pid_t pid, const struct idmap *m, struct idmap_job *job, struct err *e);
int idmap_write_finish(struct idmap_job *job, struct err *e);

/* Reads the maps of /proc/PID ("self" for pid 0), outside ids as the reader's parent sees them. */
int idmap_read(pid_t pid, struct idmap *ret);

/* The name of the ownership form of trees written under this map (a directory name). */
void idmap_form(const struct idmap *m, char *buf, size_t size);

/* The outside id of an inside one, or (uint32_t)-1 when it is not mapped. */
uint32_t idmap_lookup(const struct idmap_line *l, size_t n, uint32_t inside);

#endif
