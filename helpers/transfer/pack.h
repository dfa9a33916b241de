/* SPDX-License-Identifier: Apache-2.0 */
/* From trees to an archive, or to a list of what changed: the walk over a view of layers. */
#ifndef UCTR_TRANSFER_PACK_H
#define UCTR_TRANSFER_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "sink.h"
#include "sys/idmap.h"
#include "sys/tree_links.h"
#include "tar.h"
#include "uctr/transfer_proto.h"
#include "view.h"

/* A line of the file `owners` in a container's directory (runtime/emulate.h). */
struct owner_line {
	uint64_t ino;
	int64_t born;
	char kind;
	uint32_t uid, gid, major, minor;
	size_t seq; /* the last of a file counts */
};
struct owner_lines {
	struct owner_line *list;
	size_t n;
};

struct pack {
	/*
	 * Without a base, `now` is one layer whose marks become marks of the archive (layer), or
	 * several whose files are shown as one tree. With a base, what differs from it is shown; `top`
	 * says that now is base and one layer more, so that only that one need be looked at.
	 */
	struct view now, base;
	bool layer, top;
	bool records; /* owners may be recorded (uctr/owner.h) */
	struct owner_lines lines;
	struct idmap ids; /* image ids to those of this namespace */
	struct sink *out; /* an archive, or */
	int list_fd; /* a list: lines of a letter (A, C, D), a path and a NUL; -1 */
	/* Counted: */
	uint64_t entries;
	uint64_t skipped; /* sockets, and names that mean deletions */
	uint64_t xattrs; /* attributes that stay here */
	uint64_t changed; /* files that became shorter while they were read */
	/* Internal: */
	char path[UCTR_MAX_PATH_BYTES + 2];
	size_t len;
	char target[4097]; /* of a link; PATH_MAX: none is longer */
	struct tree_links links;
	struct str lines_out;
};

int pack(struct pack *p, struct err *e);
void pack_free(struct pack *p);

/* --- pack_entry.c ------------------------------------------------------------------------------ */

/* One file that a layer's directory has, with its contents, into the archive. */
int pack_entry(struct pack *p, int dirfd, const char *name, const struct stat *st, struct err *e);
/* A mark beside the current path: ".wh.NAME", or the one that makes a directory opaque. */
int pack_mark(struct pack *p, const char *name, const struct stat *st, struct err *e);
/* An error that names the current path, safe to print. */
int pack_fail(const struct pack *p, int r, const char *doing, struct err *e);

/* --- pack_meta.c ------------------------------------------------------------------------------- */

/* Reads the lines of fd; what is none is left out. */
int pack_read_lines(int fd, struct owner_lines *ret, struct err *e);
/*
 * Owner, mode, kind, time and attributes: fd is open for regular files and directories, else -1.
 * A recorded device changes type and size.
 */
int pack_meta(struct pack *p, int dirfd, const char *name, int fd, const struct stat *st,
	struct tar_entry *t, struct err *e);
/* The owner alone, as the image counts. */
void pack_owner(struct pack *p, int dirfd, const char *name, int fd, const struct stat *st,
	uint32_t *ret_uid, uint32_t *ret_gid);

#endif
