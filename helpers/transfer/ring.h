/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of buffers between two threads: one fills them, the other reads them. */
#ifndef UCTR_TRANSFER_RING_H
#define UCTR_TRANSFER_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define RING_SLOTS 4
#define RING_BYTES (256U << 10)

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned char *mem; /* RING_SLOTS times RING_BYTES */
	size_t len[RING_SLOTS];
	unsigned int filled, taken; /* slots so far; they differ by RING_SLOTS at most */
	bool reading; /* the reader still uses slot `taken` */
	bool ended, closed; /* by the one who fills, by the reader */
};

/* 0 or -ENOMEM. Ended by ring_free, which accepts { 0 }, when the other thread is gone. */
int ring_init(struct ring *r);
void ring_free(struct ring *r);

/* An empty buffer of RING_BYTES, waited for; NULL: the reader wants no more. */
unsigned char *ring_empty(struct ring *r);
/* Hands over the first len > 0 bytes of that buffer. */
void ring_push(struct ring *r, size_t len);
/* Nothing follows. */
void ring_end(struct ring *r);

/* The next bytes, valid until the next call: how many, 0 at the end. */
size_t ring_next(struct ring *r, const void **ret);
/* Nothing more is wanted. */
void ring_close(struct ring *r);

#endif
