/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, one member at a time. gunzip_isal.c does it where ISA-L is, gunzip_zlib.c elsewhere; the build
 * chooses one of them.
 */
#ifndef UCTR_TRANSFER_GUNZIP_H
#define UCTR_TRANSFER_GUNZIP_H

#include <stddef.h>

/* Bytes that are left of the input and room that is left for the output. */
struct gunzip_io {
	const unsigned char *in;
	size_t n_in;
	unsigned char *out;
	size_t n_out;
};

struct gunzip;
/* At the start of a member. NULL: out of memory. */
struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);
/* Another member follows. */
void gunzip_restart(struct gunzip *g);

/*
 * Decodes as far as input and output reach, and moves io on: 1 the member ended here and its checksum
 * and length are right, 0 it goes on, -EINVAL it is damaged.
 */
int gunzip_run(struct gunzip *g, struct gunzip_io *io);

#endif
