/* SPDX-License-Identifier: Apache-2.0 */
/* What images need of the store, and clearing away what killed writers left in it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/layers.h"

int image_needs(struct image_store *s, char *const *ids, char ***ret, struct err *e)
{
	struct tag *all = NULL;
	size_t n = 0;
	int r = tag_all(s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!strv_contains(ids, all[i].id))
			continue;
		r = strv_add(ret, all[i].id);
		if (r == 0)
			r = strv_add(ret, all[i].manifest);
		for (size_t k = 0; r == 0 && k < all[i].n_layers; k++) {
			r = strv_add(ret, all[i].layers[k].diff_id);
			if (r == 0)
				r = strv_add(ret, all[i].layers[k].blob);
		}
	}
	tags_free(all, n);
	return r == -ENOMEM ? err_set(e, r, "images") : r;
}

int image_sweep(struct image_store *s, struct err *e)
{
	int fd = openat(s->dirfd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const char *form = s->form;
	struct dirent *de;
	int r = 0;

	if (!d) {
		r = fd < 0 && errno != ENOENT ? -errno : 0;
		fd_closep(&fd);
		return r < 0 ? err_set(e, r, "open the layers") : 0;
	}
	while (r == 0 && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		s->form = de->d_name;
		r = layers_sweep(s, e);
	}
	s->form = form;
	closedir(d);
	return r < 0 ? r : parts_sweep(s, 0, e);
}
