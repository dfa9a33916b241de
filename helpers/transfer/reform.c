/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a layer's tree with other owners. */
#include "reform.h"

#include "sys/tree.h"

static int new_owner(uint32_t *uid, uint32_t *gid, void *ctx, struct err *e)
{
	const struct idmap *ids = ctx;
	uint32_t u = idmap_lookup(ids->uid, ids->n_uid, *uid);
	uint32_t g = idmap_lookup(ids->gid, ids->n_gid, *gid);

	if (u == UINT32_MAX || g == UINT32_MAX)
		return err_msg(e, -EOVERFLOW, "the map has no %u:%u", *uid, *gid);
	*uid = u;
	*gid = g;
	return 0;
}

int reform(int from, int to, struct idmap *ids, struct err *e)
{
	const struct tree_opts o = { .owner = new_owner, .ctx = ids };
	struct tree_sums sums = { 0 };
	int r = tree_copy(from, to, &o, &sums, e);

	/* What such a tree cannot have; then it is no tree of unpacking's. */
	if (r == 0 && (sums.skipped || sums.xattrs))
		return err_msg(e, -EINVAL, "the tree has files that cannot be copied");
	return r;
}
