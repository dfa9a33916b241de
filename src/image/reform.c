/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tree from the one that is there for the namespace's own ids, by sharing blocks. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/layers.h"
#include "sys/fsinfo.h"

/* Between a marker, which every tree has, and a file without a name. */
static bool can_share(struct image_store *s, int form_fd, const char *diff_id)
{
	char name[UCTR_DIGEST_HEX + 8];
	_cleanup_fd_ int fd = -1, to = store_form_dir(s, NULL);

	snprintf(name, sizeof(name), "%.64s.ok", diff_id);
	fd = openat(form_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && to >= 0 && fsinfo_shares(fd, to);
}

/* Opens a tree to share with when it is whole, as a damaged one must not get a second name. */
static int open_source(
	struct image_store *s, const char *diff_id, struct transfer_result *ret, struct err *e)
{
	_cleanup_free_ char *path = str_printf("layers/%s", s->base_form);
	_cleanup_fd_ int form =
		path ? openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_fd_ int tree = -1;
	struct err why = ERR_INIT;
	int r;

	if (form < 0 || marker_read(form, diff_id, ret, NULL) < 0 || !can_share(s, form, diff_id))
		return -ENOENT;
	tree = openat(form, diff_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = tree < 0 ? 0 : layer_is_whole(s, form, diff_id, &why, e);
	return r > 0 ? take_fd(&tree) : r < 0 ? r : -ENOENT;
}

int stage_from_form(struct image_store *s, const char *diff_id, uint64_t deadline_ns,
	struct stage *st, struct err *e)
{
	struct transfer t = TRANSFER_INIT("reform");
	_cleanup_fd_ int from = -1, tree = -1;
	struct transfer_result was = { 0 };
	struct err why = ERR_INIT;
	int r;

	if (!s->base_form || !s->shift)
		return 0;
	from = open_source(s, diff_id, &was, e);
	if (from < 0)
		return from == -ENOENT ? 0 : from;
	r = stage_begin(s, false, st, e);
	if (r == 0)
		r = tree = stage_tree(st, e);
	if (r < 0)
		return r;
	t.in_fd = from;
	t.out_fd = tree;
	t.userns_fd = s->userns_fd;
	t.hold_fd = st->lock_fd;
	t.shift = s->shift;
	t.quiet = true;
	r = transfer_start(&t, &st->job, e);
	if (r == 0)
		r = transfer_finish(&st->job, deadline_ns, &st->res, &why);
	/* Whatever else was in the way, like an owner outside of the map, is none for unpacking. */
	if (r < 0 && (err_is_shortage(r) || r == -ETIME || r == -EINTR))
		return err_msg(e, r, "%s", why.msg);
	if (r < 0)
		return 0;
	memcpy(st->res.diff_id, was.diff_id, sizeof(was.diff_id));
	st->res.bytes = was.bytes;
	return 1;
}
