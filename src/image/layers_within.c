/* SPDX-License-Identifier: Apache-2.0 */
/* Layers in another ownership form, but only if that takes no longer than a start may wait. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/layers.h"

/* Faster than any unpacking: what is larger for its time need not be tried. */
#define BYTES_PER_SECOND (512ULL << 20)

static int too_slow(const struct tag *rec, uint64_t budget_ns, const char *problem, struct err *e)
{
	return err_msg(e, -ETIME, "the layers of image %s %s within %.3g s",
		*rec->name ? rec->name : rec->id, problem, (double)budget_ns / 1e9);
}

/* Bytes of the blobs whose trees are missing. */
static uint64_t missing_bytes(struct image_store *s, const struct tag *rec)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < rec->n_layers; i++) {
		if (!layer_exists(s, rec->layers[i].diff_id))
			bytes += rec->layers[i].blob_size;
	}
	return bytes;
}

/*
 * A try that failed is remembered in the form's directory, as "BUDGET_NS BYTES", so that the next start
 * does not pay for another. It counts for a day, as the machine may just have been busy, and
 * only for no more time and no less work. The name makes it go with the next collection.
 */
#define FAILURE ".slow-%.64s"
#define FAILURE_SECONDS 86400

static bool failed_before(
	struct image_store *s, const struct tag *rec, uint64_t budget_ns, uint64_t bytes)
{
	_cleanup_free_ char *path = str_printf("layers/%s/" FAILURE, s->form, rec->id);
	_cleanup_free_ char *text = NULL;
	unsigned long long had_ns, had_bytes;
	struct stat st;

	if (!path || fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		st.st_mtime + FAILURE_SECONDS < time(NULL) ||
		file_read(s->dirfd, path, 64, &text, NULL) < 0)
		return false;
	return sscanf(text, "%llu %llu", &had_ns, &had_bytes) == 2 && budget_ns <= had_ns &&
	       bytes >= had_bytes;
}

/* Without it the next start only takes longer, so an error is none of the caller's. */
static void remember_failure(
	struct image_store *s, const struct tag *rec, uint64_t budget_ns, uint64_t bytes)
{
	_cleanup_fd_ int form_fd = store_form_dir(s, NULL);
	char name[80], text[64];
	int n = snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)budget_ns,
		(unsigned long long)bytes);

	snprintf(name, sizeof(name), FAILURE, rec->id);
	if (form_fd >= 0)
		file_replace(form_fd, name, text, (size_t)n, 0600, false);
}

static int fill_all(struct image_store *s, const struct tag *rec, uint64_t deadline_ns,
	struct stage *stages, size_t *n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rec->n_layers; i++) {
		if (layer_exists(s, rec->layers[i].diff_id))
			continue;
		r = *n ? 0 : layers_sweep(s, e);
		if (r < 0)
			break;
		stages[*n] = (struct stage)STAGE_INIT;
		r = stage_from_blob(s, &rec->layers[i], deadline_ns, &stages[(*n)++], e);
	}
	return r;
}

/* Together, so that no layer is left that nothing uses. */
static int publish_all(struct image_store *s, struct stage *stages, size_t n, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	int r = store_sync(s, e);

	if (r < 0)
		return r;
	lock = store_lock(s, e);
	r = lock < 0 ? lock : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = stage_publish(&stages[i], e);
	return r;
}

int layers_ensure_within(
	struct image_store *s, const struct tag *rec, uint64_t budget_ns, struct err *e)
{
	struct stage *stages;
	struct timespec now;
	uint64_t bytes;
	size_t n = 0;
	int r;

	bytes = missing_bytes(s, rec);
	if (bytes == 0)
		return 0; /* no blob is empty: all trees are there */
	if ((double)bytes > (double)budget_ns / 1e9 * (double)BYTES_PER_SECOND)
		return too_slow(rec, budget_ns, "are too large to be unpacked", e);
	if (failed_before(s, rec, budget_ns, bytes))
		return too_slow(rec, budget_ns, "could not be unpacked, when that was tried,", e);
	clock_gettime(CLOCK_MONOTONIC, &now);
	stages = calloc(rec->n_layers + 1, sizeof(*stages));
	if (!stages)
		return err_set(e, -ENOMEM, "layers");
	r = fill_all(s, rec, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + budget_ns,
		stages, &n, e);
	if (r == 0 && n > 0)
		r = publish_all(s, stages, n, e);
	for (size_t i = 0; i < n; i++)
		stage_end(&stages[i]);
	free(stages);
	if (r == -ETIME)
		remember_failure(s, rec, budget_ns, bytes);
	return r == -ETIME ? too_slow(rec, budget_ns, "cannot be unpacked", e) : r;
}
