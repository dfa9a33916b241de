/* SPDX-License-Identifier: Apache-2.0 */
/* What a directory lies on: file systems by name, and which of them cannot hold containers. */
#ifndef UCTR_SYS_FSINFO_H
#define UCTR_SYS_FSINFO_H

#include <stdbool.h>

struct fs_info {
	char name[32]; /* as in mount(8); "other" when it is not known */
	const char *trouble; /* what does not work there, or NULL. Static */
	bool remote; /* others serve it, with their own idea of users */
};

/* By statfs(2)'s f_type and, for FUSE, /proc/self/mountinfo. Never fails. */
void fsinfo_get(int fd, struct fs_info *ret);
/* The same by f_type alone, and by the name of a type such as "fuse.sshfs". */
void fsinfo_by_magic(unsigned long magic, struct fs_info *ret);
void fsinfo_by_name(const char *type, struct fs_info *ret);

/*
 * Tries in the directory what an image needs: a file of another owner (when `owners`; the caller is
 * root of a user namespace that has the id 1) and a user attribute. Leaves nothing. 0, or -errno
 * with what failed in *ret_what (static).
 */
int fsinfo_try(int dir, bool owners, const char **ret_what);

/* Can a new file of the directory share the blocks of `file` (FICLONE)? Leaves nothing. */
bool fsinfo_shares(int file, int dir);

#endif
