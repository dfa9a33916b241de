/* SPDX-License-Identifier: Apache-2.0 */
/* Getting the layers of an image: several at once, each shared one once, each resumed. */
#include "image/fetch_layers.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "base/stop.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/config.h"

/* Each is a process that mostly computes, fed by one connection. */
#define JOBS_MIN 3
#define JOBS_MAX 8

static bool streams(const struct fetch *f)
{
	return f->what->source->ops->blob_end;
}

/* Does a record say that this blob holds this layer? Then it was verified. */
static bool known_pair(const struct tag *all, size_t n, const char *blob, const char *diff_id)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < all[i].n_layers; k++) {
			if (streq(all[i].layers[k].blob, blob) &&
				streq(all[i].layers[k].diff_id, diff_id))
				return true;
		}
	}
	return false;
}

static int read_layer(
	struct fetch *f, json_t *o, const char *diff_id, struct fetch_one *l, struct err *e)
{
	struct tag_layer *rec = &f->rec.layers[f->rec.n_layers];
	int r = descriptor_read(o, UCTR_MAX_LAYER_BYTES, &l->d, e);

	if (r < 0)
		return r;
	if (!media_type_is_layer(l->d.media_type))
		return err_msg(e, -EINVAL, "unknown mediaType of a layer");
	l->diff_id = diff_id;
	l->way = LAYER_FETCH;
	for (struct fetch_one *other = f->layers; other < l; other++) {
		if (!streq(other->d.digest, l->d.digest))
			continue;
		if (!streq(other->diff_id, diff_id) || other->d.size != l->d.size)
			return err_msg(e, -EINVAL, "one blob cannot be two different layers");
		l->way = LAYER_TWIN;
	}
	f->rec.n_layers++;
	rec->diff_id = strdup(diff_id);
	rec->blob = strdup(l->d.digest);
	rec->blob_size = l->d.size;
	return rec->diff_id && rec->blob ? 0 : err_set(e, -ENOMEM, "layer");
}

int fetch_plan(struct fetch *f, json_t *manifest, char *const *diff_ids, struct err *e)
{
	json_t *list = NULL, *o;
	size_t i;
	int r = json_get_arr(manifest, "layers", &list, e);

	if (r < 0)
		return r;
	f->n = json_array_size(list);
	if (f->n == 0 || f->n > UCTR_MAX_LAYERS ||
		(f->n != strv_len(diff_ids) && !red_off("layer-count")))
		return err_msg(e, -EINVAL, "%zu layers and %zu diff ids; want as many, 1 to %d",
			f->n, strv_len(diff_ids), UCTR_MAX_LAYERS);
	f->rec.layers = calloc(f->n, sizeof(*f->rec.layers));
	f->layers = calloc(f->n, sizeof(*f->layers));
	f->shown = calloc(f->n, sizeof(*f->shown));
	if (!f->rec.layers || !f->layers || !f->shown)
		return err_set(e, -ENOMEM, "layers");
	for (i = 0; i < f->n; i++) {
		f->layers[i].st = (struct stage)STAGE_INIT;
		f->layers[i].lock = -1;
	}
	json_array_foreach (list, i, o) {
		r = read_layer(f, o, diff_ids[i], &f->layers[i], e);
		if (r < 0)
			return err_wrap(e, r, "layer %zu", i + 1);
	}
	return 0;
}

/* Which of them need not be fetched: two claims of a manifest alone are not believed. */
static int look(struct fetch *f, struct err *e)
{
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_readable(f->s, &all, &n, e);

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		struct fetch_one *l = &f->layers[i];

		if (l->way != LAYER_FETCH || !blob_exists(f->s, l->d.digest))
			continue;
		if (!known_pair(all, n, l->d.digest, l->diff_id))
			l->way = LAYER_KEPT;
		else
			l->way = layer_exists(f->s, l->diff_id) ? LAYER_PRESENT : LAYER_KEPT;
	}
	tags_free(all, n);
	return r;
}

static int by_digest(const void *a, const void *b)
{
	const struct fetch_one *const *x = a, *const *y = b;

	return strcmp((*x)->d.digest, (*y)->d.digest);
}

/*
 * Nobody else fetches a blob as long as its lock is held, until the image is published. All take
 * them in the order of the digests, so that two fetches never wait for each other.
 */
static int lock_blobs(struct fetch *f, struct err *e)
{
	struct fetch_one **order = calloc(f->n, sizeof(struct fetch_one *));
	size_t n = 0;
	int r = 0;

	if (!order)
		return err_set(e, -ENOMEM, "layers");
	for (size_t i = 0; i < f->n; i++) {
		if (f->layers[i].way == LAYER_FETCH)
			order[n++] = &f->layers[i];
	}
	qsort(order, n, sizeof(*order), by_digest);
	for (size_t i = 0; r == 0 && i < n; i++) {
		order[i]->lock = part_lock(f->s, order[i]->d.digest, e);
		r = order[i]->lock < 0 ? order[i]->lock : 0;
	}
	free(order);
	return r;
}

static void unlock_blob(struct fetch *f, struct fetch_one *l)
{
	char path[BLOB_PATH_MAX];

	if (l->lock < 0)
		return;
	snprintf(path, sizeof(path), STORE_TMP "/%s.lock", l->d.digest);
	unlinkat(f->s->dirfd, path, 0); /* one that stays is taken again by the next */
	fd_closep(&l->lock);
}

static int start_fetch(struct fetch *f, struct fetch_one *l, struct err *e)
{
	const struct image_source_ops *ops = f->what->source->ops;
	struct stage_want want = {
		.digest = l->d.digest,
		.diff_id = l->diff_id,
		.size = (int64_t)l->d.size,
		.quiet = f->what->watch,
	};
	_cleanup_fd_ int in = -1, part = -1;
	struct stat st;
	int r;

	if (streams(f))
		r = stage_begin_part(f->s, l->d.digest, &l->st, &part, e);
	else
		r = stage_begin(f->s, true, &l->st, e);
	if (r < 0)
		return r;
	if (part >= 0 && (fstat(part, &st) < 0 || st.st_size == 0))
		fd_closep(&part);
	l->resumed = part >= 0;
	in = ops->blob(f->what->source, &l->d, take_fd(&part), e);
	return in < 0 ? in : stage_start(&l->st, in, &want, e);
}

static int start(struct fetch *f, size_t i, struct err *e)
{
	struct fetch_one *l = &f->layers[i];
	int r;

	l->started = true;
	if (l->way == LAYER_FETCH)
		r = start_fetch(f, l, e);
	else
		r = stage_start_from_blob(f->s, &f->rec.layers[i], &l->st, e);
	return r < 0 ? err_wrap(e, r, "layer %zu", i + 1) : 0;
}

/* What was fetched so far is worth keeping when the source broke off, or the disk was full. */
static int failed(struct fetch *f, size_t i, int r, struct err *e)
{
	struct fetch_one *l = &f->layers[i];
	struct err why = ERR_INIT;
	int end = 0;

	/* A blob that is only in an additional store: then from the source. */
	if (l->way == LAYER_KEPT && !err_is_shortage(r) && additional_distrust(f->s, l->d.digest))
		return -ESTALE;
	if (l->way == LAYER_FETCH && streams(f))
		end = f->what->source->ops->blob_end(f->what->source, &l->d, &why);
	if (end < 0 && end != -EPIPE) {
		*e = why;
		return err_wrap(e, end, "layer %zu", i + 1);
	}
	if (*l->st.part && !err_is_shortage(r) && part_drop(f->s, l->d.digest, NULL) == 0 &&
		l->resumed) {
		/* The beginning was another one than this blob's: again, from the beginning. */
		stage_end(&l->st);
		l->st = (struct stage)STAGE_INIT;
		*e = (struct err)ERR_INIT;
		return start(f, i, e);
	}
	return err_wrap(e, r, "layer %zu", i + 1);
}

static int end(struct fetch *f, size_t i, struct err *e)
{
	struct fetch_one *l = &f->layers[i];
	int r = stage_wait(&l->st, 0, e);

	if (r < 0)
		return r == -EINTR ? r : failed(f, i, r, e);
	l->ended = true;
	return l->way == LAYER_FETCH && streams(f)
		       ? f->what->source->ops->blob_end(f->what->source, &l->d, e)
		       : 0;
}

static void show(struct fetch *f)
{
	const struct fetch_watch *w = f->what->watch;

	if (!w)
		return;
	for (size_t i = 0; i < f->n; i++) {
		const struct fetch_one *l = &f->layers[i];
		struct fetch_layer *to = &f->shown[i];
		struct stat st;

		*to = (struct fetch_layer){ .digest = l->d.digest, .size = l->d.size };
		if (l->way == LAYER_PRESENT || l->way == LAYER_TWIN)
			to->state = FETCH_PRESENT;
		else if (l->started)
			to->state = l->ended ? FETCH_DONE : FETCH_RUNNING;
		if (to->state == FETCH_RUNNING && l->st.blob_fd >= 0 &&
			fstat(l->st.blob_fd, &st) == 0)
			to->done = (uint64_t)st.st_size;
		if (to->state > FETCH_RUNNING)
			to->done = to->size;
	}
	w->show(w->ctx, f->shown, f->n);
}

static size_t jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) + 1;

	return n < JOBS_MIN ? JOBS_MIN : n > JOBS_MAX ? JOBS_MAX : (size_t)n;
}

/* Waits until some of the stages at work have ended, and ends those. */
static int wait_some(struct fetch *f, struct err *e)
{
	struct pollfd p[JOBS_MAX + 1];
	size_t at[JOBS_MAX], n = 0;
	int r;

	for (size_t i = 0; i < f->n && n < JOBS_MAX; i++) {
		if (!f->layers[i].started || f->layers[i].ended)
			continue;
		at[n] = i;
		p[n++] = (struct pollfd){ .fd = f->layers[i].st.job.fd, .events = POLLIN };
	}
	p[n] = (struct pollfd){ .fd = stop_fd(), .events = POLLIN };
	r = poll(p, n + 1, f->what->watch ? f->what->watch->interval_ms : -1);
	if (r < 0 && errno != EINTR)
		return err_set(e, -errno, "wait for the layers");
	if (stop_now())
		return err_msg(e, -EINTR, "interrupted%s",
			streams(f) ? "; what was fetched is kept for the next time" : "");
	show(f);
	for (size_t i = 0; r > 0 && i < n; i++) {
		int n_r = p[i].revents ? end(f, at[i], e) : 0;

		if (n_r < 0)
			return n_r;
	}
	return 0;
}

int fetch_layers(struct fetch *f, struct err *e)
{
	size_t next = 0, running = 0, max = jobs();
	int r = look(f, e);

	show(f);
	if (r == 0 && streams(f))
		r = lock_blobs(f, e);
	/* Others may have fetched some while we waited. */
	if (r == 0 && streams(f))
		r = look(f, e);
	while (r == 0) {
		for (; next < f->n && running < max && r == 0; next++) {
			if (f->layers[next].way < LAYER_KEPT)
				continue;
			r = start(f, next, e);
			running++;
		}
		if (r < 0 || running == 0)
			break;
		r = wait_some(f, e);
		running = 0;
		for (size_t i = 0; i < next; i++)
			running += f->layers[i].started && !f->layers[i].ended;
	}
	show(f);
	return r;
}

int fetch_check_present(struct fetch *f, struct err *e)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct fetch_one *l = &f->layers[i];

		if ((l->way == LAYER_PRESENT && !layer_exists(f->s, l->diff_id)) ||
			((l->way == LAYER_PRESENT || l->way == LAYER_KEPT) &&
				!blob_exists(f->s, l->d.digest)))
			return err_msg(e, -ESTALE, "layer %zu was removed meanwhile", i + 1);
	}
	return 0;
}

int fetch_publish_layers(struct fetch *f, struct err *e)
{
	uint64_t bytes;
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		struct fetch_one *l = &f->layers[i];

		if (l->way >= LAYER_KEPT)
			r = stage_publish(&l->st, e);
		if (r == 0)
			r = layer_bytes(f->s, l->diff_id, &bytes, e);
		if (r == 0)
			f->rec.size += bytes;
	}
	return r;
}

void fetch_end(struct fetch *f)
{
	for (size_t i = 0; f->layers && i < f->n; i++) {
		stage_end(&f->layers[i].st);
		unlock_blob(f, &f->layers[i]);
	}
	free(f->layers);
	free(f->shown);
	tag_free(&f->rec);
}
