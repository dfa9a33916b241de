/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by ISA-L, which takes less than half of zlib's time (docs/performance.md). */
#include "gunzip.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct gunzip {
	struct inflate_state state;
	struct isal_gzip_header header; /* kept between calls: it may come in pieces */
	bool in_body;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = malloc(sizeof(*g));

	if (g)
		gunzip_restart(g);
	return g;
}

void gunzip_free(struct gunzip *g)
{
	free(g);
}

void gunzip_restart(struct gunzip *g)
{
	isal_inflate_init(&g->state);
	/* The header is read by itself: isal_inflate() forgets its flags when it comes in pieces. */
	g->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
	isal_gzip_header_init(&g->header);
	g->in_body = false;
}

static int run(struct gunzip *g)
{
	int r;

	if (!g->in_body) {
		r = isal_read_gzip_header(&g->state, &g->header);
		if (r == ISAL_END_INPUT)
			return 0;
		if (r != ISAL_DECOMP_OK)
			return -EINVAL;
		g->in_body = true;
	}
	if (isal_inflate(&g->state) != ISAL_DECOMP_OK)
		return -EINVAL;
	return g->state.block_state == ISAL_BLOCK_FINISH;
}

int gunzip_run(struct gunzip *g, struct gunzip_io *io)
{
	struct inflate_state *s = &g->state;
	int r;

	if (io->n_in > INT32_MAX || io->n_out > INT32_MAX)
		return -EINVAL;
	s->next_in = (uint8_t *)io->in; /* it only reads there */
	s->avail_in = (uint32_t)io->n_in;
	s->next_out = io->out;
	s->avail_out = (uint32_t)io->n_out;
	r = run(g);
	io->in = s->next_in;
	io->n_in = s->avail_in;
	io->out = s->next_out;
	io->n_out = s->avail_out;
	return r;
}
