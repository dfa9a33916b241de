/* SPDX-License-Identifier: Apache-2.0 */
/* Files with more than one name, by device and inode. */
#include "sys/tree_links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct tree_link *find_slot(struct tree_links *t, dev_t dev, ino_t ino)
{
	size_t i = ((size_t)ino * 0x9e3779b97f4a7c15ULL ^ (size_t)dev) & (t->cap - 1);

	while (t->slots[i].path && (t->slots[i].dev != dev || t->slots[i].ino != ino))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static int grow(struct tree_links *t)
{
	struct tree_links old = *t;

	t->cap = old.cap ? 2 * old.cap : 64;
	t->slots = calloc(t->cap, sizeof(*t->slots));
	if (!t->slots) {
		*t = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].path)
			*find_slot(t, old.slots[i].dev, old.slots[i].ino) = old.slots[i];
	}
	free(old.slots);
	return 0;
}

int tree_links_find(struct tree_links *t, const struct stat *st, const char *path, const char **ret)
{
	struct tree_link *l;
	int r = 4 * (t->n + 1) > 3 * t->cap ? grow(t) : 0;

	*ret = NULL;
	if (r < 0)
		return r;
	l = find_slot(t, st->st_dev, st->st_ino);
	if (l->path) {
		*ret = l->path;
		return 0;
	}
	*l = (struct tree_link){ st->st_dev, st->st_ino, strdup(path) };
	t->n++;
	return l->path ? 0 : -ENOMEM;
}

void tree_links_free(struct tree_links *t)
{
	for (size_t i = 0; i < t->cap; i++)
		free(t->slots[i].path);
	free(t->slots);
}
