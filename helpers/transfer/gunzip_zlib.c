/* SPDX-License-Identifier: Apache-2.0 */
/* gzip by zlib, where ISA-L is not. */
#include "gunzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)

struct gunzip {
	z_stream z;
};

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (g && inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		free(g);
		g = NULL;
	}
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (g)
		inflateEnd(&g->z);
	free(g);
}

void gunzip_restart(struct gunzip *g)
{
	inflateReset(&g->z);
}

int gunzip_run(struct gunzip *g, struct gunzip_io *io)
{
	int r;

	if (io->n_in > INT_MAX || io->n_out > INT_MAX)
		return -EINVAL;
	g->z.next_in = (unsigned char *)io->in; /* it only reads there */
	g->z.avail_in = (unsigned int)io->n_in;
	g->z.next_out = io->out;
	g->z.avail_out = (unsigned int)io->n_out;
	r = inflate(&g->z, Z_NO_FLUSH);
	io->in = g->z.next_in;
	io->n_in = g->z.avail_in;
	io->out = g->z.next_out;
	io->n_out = g->z.avail_out;
	/* Z_BUF_ERROR: nothing could be done with what there is. */
	return r == Z_STREAM_END ? 1 : r == Z_OK || r == Z_BUF_ERROR ? 0 : -EINVAL;
}
