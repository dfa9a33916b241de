/* SPDX-License-Identifier: Apache-2.0 */
/* The last look before an image goes: does a container stand on it that started just now? */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/layers.h"

/* Hidden, it is a leftover for whoever sweeps the blobs. */
static int move_config(struct image_store *s, const char *id, bool back, struct err *e)
{
	char path[BLOB_PATH_MAX], hidden[BLOB_PATH_MAX + 1];

	blob_path(id, path);
	snprintf(hidden, sizeof(hidden), STORE_BLOBS "/.%.64s", id);
	if (renameat(s->dirfd, back ? hidden : path, s->dirfd, back ? path : hidden) == 0 ||
		errno == ENOENT)
		return 0;
	return err_set(e, -errno, "%s image %.12s", back ? "keep" : "remove", id);
}

int store_in_use(struct image_store *s, char ***ids, struct err *e)
{
	return s->in_use ? s->in_use(s, ids, e) : 0;
}

/*
 * A start writes its note, then looks for the config; here the config goes, then the notes are read. So
 * at least one of both sees the other, whoever is first, and no lock is needed for a start.
 */
int store_retire(struct image_store *s, struct tag *all, size_t n, bool *goes, struct err *e)
{
	_cleanup_strv_ char **in_use = NULL;
	int r = 0, kept = 0;
	bool any = false;

	for (size_t i = 0; r == 0 && i < n; i++) {
		any = any || goes[i];
		r = goes[i] ? move_config(s, all[i].id, false, e) : 0;
	}
	if (r == 0 && any)
		r = store_in_use(s, &in_use, e);
	for (size_t i = 0; i < n; i++) {
		if (!goes[i] || (r == 0 && !strv_contains(in_use, all[i].id)))
			continue;
		goes[i] = false;
		if (kept == 0)
			kept = move_config(s, all[i].id, true, r < 0 ? NULL : e);
		if (kept == 0)
			kept = tag_keep_unnamed(s, &all[i], r < 0 ? NULL : e);
	}
	return r < 0 ? r : kept;
}
