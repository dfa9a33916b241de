/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, descriptors and id maps of the command line. */
#include "args.h"

#include <fcntl.h>

#include "base/str.h"

int args_fd(const char *name, const char *text, int *ret, struct err *e)
{
	uint32_t n;

	*ret = -1;
	if (!text)
		return 0;
	if (parse_u32(text, &n) < 0 || n < 3 || fcntl((int)n, F_GETFD) < 0)
		return err_msg(e, -EBADF, "--%s %s: not an open descriptor above 2", name, text);
	*ret = (int)n;
	return 0;
}

int args_number(const char *name, const char *text, uint64_t none, uint64_t *ret, struct err *e)
{
	*ret = none;
	if (text && parse_u64(text, ret) < 0)
		return err_msg(e, -EINVAL, "--%s %s: want a number", name, text);
	return 0;
}

static int read_map(const char *text, struct idmap_line *ret, size_t *ret_n, struct err *e)
{
	_cleanup_strv_ char **lines = strv_split(text, ',');
	size_t n = 0;

	strv_foreach (word, lines) {
		_cleanup_strv_ char **part = strv_split(word, ':');
		struct idmap_line *l = &ret[n++];

		if (n > IDMAP_LINES || strv_len(part) != 3 || parse_u32(part[0], &l->inside) < 0 ||
			parse_u32(part[1], &l->outside) < 0 || parse_u32(part[2], &l->count) < 0)
			return err_msg(e, -EINVAL, "an id map that is none");
	}
	*ret_n = n;
	return 0;
}

int args_ids(const char *uid_map, const char *gid_map, struct idmap *ret, struct err *e)
{
	int r = idmap_read(0, ret);

	if (r < 0)
		return err_set(e, r, "read the id map");
	if (!uid_map || !gid_map) {
		/* The numbers of the archive are those of the namespace: an identity. */
		idmap_identity(ret, ret);
		return 0;
	}
	r = read_map(uid_map, ret->uid, &ret->n_uid, e);
	if (r == 0)
		r = read_map(gid_map, ret->gid, &ret->n_gid, e);
	return r < 0 ? r : 1;
}
