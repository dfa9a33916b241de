/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between decompressing and writing. */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>

int ring_init(struct ring *r)
{
	r->mem = malloc((size_t)RING_SLOTS * RING_BYTES);
	if (!r->mem)
		return -ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	return 0;
}

void ring_free(struct ring *r)
{
	if (!r->mem)
		return;
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->mem);
	r->mem = NULL;
}

unsigned char *ring_empty(struct ring *r)
{
	unsigned char *slot;

	pthread_mutex_lock(&r->lock);
	while (r->filled - r->taken == RING_SLOTS && !r->closed)
		pthread_cond_wait(&r->changed, &r->lock);
	slot = r->closed ? NULL : r->mem + (size_t)(r->filled % RING_SLOTS) * RING_BYTES;
	pthread_mutex_unlock(&r->lock);
	return slot;
}

void ring_push(struct ring *r, size_t len)
{
	pthread_mutex_lock(&r->lock);
	r->len[r->filled % RING_SLOTS] = len;
	r->filled++;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

static void set_flag(struct ring *r, bool *flag)
{
	pthread_mutex_lock(&r->lock);
	*flag = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void ring_end(struct ring *r)
{
	set_flag(r, &r->ended);
}

void ring_close(struct ring *r)
{
	set_flag(r, &r->closed);
}

size_t ring_next(struct ring *r, const void **ret)
{
	size_t len = 0;

	pthread_mutex_lock(&r->lock);
	if (r->reading) {
		r->taken++;
		r->reading = false;
		pthread_cond_signal(&r->changed);
	}
	while (r->filled == r->taken && !r->ended)
		pthread_cond_wait(&r->changed, &r->lock);
	if (r->filled != r->taken) {
		*ret = r->mem + (size_t)(r->taken % RING_SLOTS) * RING_BYTES;
		len = r->len[r->taken % RING_SLOTS];
		r->reading = true;
	}
	pthread_mutex_unlock(&r->lock);
	return len;
}
