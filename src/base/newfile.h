/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that gets its name when all of it is written and on the disk: who looks sees the old file or
 * the new one, also after a power cut. It has no name before (O_TMPFILE, open(2)), so that nothing of
 * it stays however the writer ends; where the file system has no such files (FAT, NFS, FUSE) it has a
 * name ".uctr-..." beside its own.
 */
#ifndef UCTR_BASE_NEWFILE_H
#define UCTR_BASE_NEWFILE_H

#include "base/err.h"
#include "base/fd.h"

struct newfile {
	int fd; /* write here */
	int parent; /* -1: a device or a pipe, which has its name and is written directly */
	char *base; /* its name in parent */
	char aside[32]; /* "" when it has none */
};
#define NEWFILE_INIT                                                                               \
	{                                                                                          \
		.fd = -1, .parent = -1                                                             \
	}
#define _cleanup_newfile_ __attribute__((cleanup(newfile_free)))

/* At a path of the caller's: what links lead to is replaced, a device or FIFO is written to. */
int newfile_open(const char *path, mode_t mode, struct newfile *ret, struct err *e);
/* As `base` in a directory; the descriptor stays the caller's. */
int newfile_at(int dir, const char *base, mode_t mode, struct newfile *ret, struct err *e);
/* Gives it its name, which may be another file's. */
int newfile_commit(struct newfile *f, struct err *e);
/* Without a commit before, nothing stays. */
void newfile_free(struct newfile *f);

#endif
