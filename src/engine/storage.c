/* SPDX-License-Identifier: Apache-2.0 */
/* --storage-opt. */
#include "engine/storage.h"

#include <string.h>

#include "runtime/ladder.h"

static int set_driver(const char *name, struct spec *s, struct err *e)
{
	_cleanup_free_ char *clean = NULL;
	int root = ladder_from_name(name);

	if (root >= 0) {
		s->root = (enum spec_root)root;
		return 0;
	}
	clean = str_sanitise(name);
	return err_msg(e, -EINVAL,
		"--storage-opt driver=%.60s: want auto, overlay, tmpfs, fuse-overlayfs or copy",
		clean ? clean : "");
}

int storage_options(const struct container_opts *o, struct spec *s, struct err *e)
{
	int r = 0;

	strv_foreach (opt, o->storage_opt) {
		_cleanup_free_ char *clean = NULL;

		if (o->rootfs)
			return err_msg(e, -EINVAL,
				"--storage-opt: --rootfs uses the directory itself as the root");
		if (str_startswith(opt, "driver=")) {
			r = set_driver(opt + strlen("driver="), s, e);
			if (r < 0)
				return r;
		} else if (str_startswith(opt, "size=")) {
			if (parse_size(opt + strlen("size="), &s->tmpfs_size) < 0 ||
				s->tmpfs_size < 4096)
				return err_msg(
					e, -EINVAL, "--storage-opt %.60s: want a size, as 2g", opt);
		} else {
			clean = str_sanitise(opt);
			return err_msg(e, -EINVAL,
				"--storage-opt %.60s: want driver= or size=", clean ? clean : "");
		}
	}
	/* Nothing else here has a quota: a limit that is not kept must not look like one that is. */
	if (s->tmpfs_size && s->root != ROOT_TMPFS)
		return err_msg(e, -EINVAL,
			"--storage-opt size=: only driver=tmpfs, which writes to memory, can keep "
			"a "
			"limit; add --storage-opt driver=tmpfs");
	return 0;
}
