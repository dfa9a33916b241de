/* SPDX-License-Identifier: Apache-2.0 */
/* The tar reader's loop. */
#include "unpack.h"

#include "base/fd.h"
#include "base/str.h"

static void archive_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int read_failed(struct archive *a, uint64_t entries, struct err *e)
{
	_cleanup_free_ char *why = NULL;

	if (e && e->code)
		return e->code;
	why = str_sanitise(archive_error_string(a) ? archive_error_string(a) : "unknown error");
	if (entries == 0)
		return err_msg(e, -EINVAL,
			"the input is not a tar archive (plain, gzip, zstd, xz or bzip2): %s",
			why ? why : "");
	return err_msg(e, -EINVAL, "the archive is damaged after %llu entries: %s",
		(unsigned long long)entries, why ? why : "");
}

int unpack(struct stream *s, struct tree *t, bool nonempty, struct err *e)
{
	_cleanup_(archive_freep)
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return err_set(e, -ENOMEM, "prepare the tar reader");
	if (archive_read_open(a, s, NULL, stream_tar_read, NULL) != ARCHIVE_OK)
		return read_failed(a, 0, e);
	/* ARCHIVE_WARN: an odd header field; the entry is usable and checked like any other. */
	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		r = tree_entry(t, a, entry, e);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return read_failed(a, t->entries, e);
	if (nonempty && t->entries == 0)
		return err_msg(e, -ENODATA, "the archive holds no files");
	r = tree_finish(t, e);
	return r < 0 ? r : stream_finish(s, e);
}
