/* SPDX-License-Identifier: Apache-2.0 */
/* Files with more than one name, by device and inode, while a tree is walked. */
#ifndef UCTR_SYS_TREE_LINKS_H
#define UCTR_SYS_TREE_LINKS_H

#include <stddef.h>
#include <sys/stat.h>

/* The first names of files with more of them: a hash table. Zero-initialised is empty. */
struct tree_link {
	dev_t dev;
	ino_t ino;
	char *path; /* below the root; NULL: an empty slot */
};
struct tree_links {
	struct tree_link *slots;
	size_t n, cap; /* cap is 0 or a power of two */
};

/*
 * The path under which the file was met first, in *ret (owned by the table); NULL when `path` is the
 * first, which is remembered. 0 or -ENOMEM.
 */
int tree_links_find(
	struct tree_links *t, const struct stat *st, const char *path, const char **ret);
void tree_links_free(struct tree_links *t);

#endif
