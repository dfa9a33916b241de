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

#define IDMAP_TEXT 4096 /* the kernel takes less than a page at once (user_namespaces(7)) */
#define IDMAP_LINES 340 /* the kernel's limit (user_namespaces(7)) */
struct idmap {
	struct idmap_line uid[IDMAP_LINES], gid[IDMAP_LINES];
	size_t n_uid, n_gid;
};

/*
 * The caller's subordinate ranges in file (/etc/subuid or /etc/subgid, subuid(5)), by name (may be
 * NULL) and by numeric uid, in file order. Left out is what the kernel would not map: malformed
 * lines, empty ranges, such that wrap, begin at 0, overlap an earlier one or hold `own`, the
 * caller's id. Returns the count, 0 without the file, or -errno of a shortage (base/err.h). The two
 * below take a text and cut it up: idmap_parse_getsubids() the output of getsubids(1), which asks
 * libsubid's plugins.
 */
int idmap_ranges(const char *file, const char *name, uid_t uid, uint32_t own,
	struct idmap_line *ret, size_t max);
size_t idmap_parse_file(
	char *text, const char *name, uid_t uid, uint32_t own, struct idmap_line *ret, size_t max);
size_t idmap_parse_getsubids(char *text, uint32_t own, struct idmap_line *ret, size_t max);

/*
 * Lays n ranges out behind inside id 0, which is `own`; as many as the kernel takes (fewer than 340
 * lines, less than a page of text). l has room for n + 1. Returns the count of lines.
 */
size_t idmap_lay_out(struct idmap_line *l, size_t n, uint32_t own);

/* Login name of uid (sys/passwd.h); NULL when nobody knows it. Owned by the caller. */
char *idmap_user_name(uid_t uid);

/*
 * The full map: 0 is the caller, 1.. are his ranges: from the files, else from getsubids(1) where
 * nsswitch.conf(5) keeps them elsewhere. Inside a user namespace, only what that maps. -ENOENT when
 * he has none, with the cure (a shortage is another error); real root has 65536 high ids without any line, and root of a user
 * namespace all that it maps.
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

/* The outside id of an inside one and the reverse, or (uint32_t)-1 when it is not mapped. */
uint32_t idmap_lookup(const struct idmap_line *l, size_t n, uint32_t inside);
uint32_t idmap_reverse(const struct idmap_line *l, size_t n, uint32_t outside);

/* The line that holds an inside id, or NULL. */
const struct idmap_line *idmap_line_of(const struct idmap_line *l, size_t n, uint32_t inside);

/* Is every id itself? */
bool idmap_is_identity(const struct idmap_line *l, size_t n);

/* Bytes of a line as it is written, the newline too. */
size_t idmap_line_len(const struct idmap_line *l);

/* Does the kernel take the lines (less than a page of text, at most 340)? */
bool idmap_fits(const struct idmap_line *l, size_t n);

/* How many ids. */
uint32_t idmap_total(const struct idmap_line *l, size_t n);

/*
 * A child's lines cut so that each lies within one line of the parent, as the kernel wants.
 * ret has room for IDMAP_LINES. -ENOENT when the parent does not map an id, -E2BIG for too many.
 */
int idmap_split(const struct idmap_line *l, size_t n, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n);

/* What a child's ids (cut by idmap_split) are outside of its parent. */
void idmap_compose(const struct idmap *child, const struct idmap *parent, struct idmap *ret);

/* keep-id: the parent's 0 is inside `id`; `size` ids (at least 1) in all, the others in order. */
size_t idmap_keep(uint32_t id, uint32_t size, struct idmap_line ret[3]);

/* Do the lines share an inside or an outside id? */
bool idmap_overlaps(const struct idmap_line *a, const struct idmap_line *b);

/*
 * The child's gids whose outermost ids are lowest and highest: what net.ipv4.ping_group_range
 * must name to hold all of them, as the kernel compares those.
 */
void idmap_gid_span(const struct idmap *child, const struct idmap *parent, uint32_t *ret_low,
	uint32_t *ret_high);

#endif
