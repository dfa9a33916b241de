/* SPDX-License-Identifier: Apache-2.0 */
/* Layers in another ownership form, but only if that takes no longer than a start may wait. */
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "image/layers.h"

/* Faster than any unpacking: what is larger for its time need not be tried. */
#define BYTES_PER_SECOND (512ULL << 20)

static int too_slow(const struct tag *rec, uint64_t budget_ns, const char *problem, struct err *e)
{
	return err_msg(e, -ETIME, "the layers of image %s %s within %.3g s",
		*rec->name ? rec->name : rec->id, problem, (double)budget_ns / 1e9);
}

static bool can_fit(struct image_store *s, const struct tag *rec, uint64_t budget_ns)
{
	double bytes = 0;

	for (size_t i = 0; i < rec->n_layers; i++) {
		if (!layer_exists(s, rec->layers[i].diff_id))
			bytes += (double)rec->layers[i].blob_size;
	}
	return bytes <= (double)budget_ns / 1e9 * (double)BYTES_PER_SECOND;
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
	size_t n = 0;
	int r;

	if (!can_fit(s, rec, budget_ns))
		return too_slow(rec, budget_ns, "are too large to be unpacked", e);
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
	return r == -ETIME ? too_slow(rec, budget_ns, "cannot be unpacked", e) : r;
}
