/* SPDX-License-Identifier: Apache-2.0 */
/* Relabel volumes. */
#include "engine/selinux.h"

#include <fts.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/str.h"

#define LABEL "system_u:object_r:container_file_t:s0"

static bool enabled(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

int selinux_relabel(const char *path, bool shared, struct err *e)
{
	/* uctr gives processes no MCS categories, so a private label has nothing to differ in. */
	char *const roots[] = { (char *)path, NULL };
	FTSENT *ent;
	FTS *fts;
	int r = 0;

	(void)shared;
	if (!enabled())
		return 0;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!fts)
		return err_set(e, -errno, "relabel %s", path);
	while (r == 0 && (ent = fts_read(fts))) {
		if (ent->fts_info == FTS_DP)
			continue;
		if (lsetxattr(ent->fts_accpath, "security.selinux", LABEL, sizeof(LABEL), 0) < 0 &&
			errno != ENOTSUP)
			r = err_set(e, -errno, "relabel %s", ent->fts_path);
	}
	fts_close(fts);
	return r;
}
