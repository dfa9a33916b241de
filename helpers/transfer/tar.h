/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tar archives: ustar headers, and PAX records for what does not fit into them. */
#ifndef UCTR_TRANSFER_TAR_H
#define UCTR_TRANSFER_TAR_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/str.h"
#include "sink.h"

/* One header. Strings are bytes as the kernel has them; numbers need not fit a ustar field. */
struct tar_entry {
	const char *path; /* directories end with a slash */
	const char *target; /* of links of both kinds; NULL */
	char type; /* POSIX's: '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' dir, '6' FIFO */
	mode_t mode;
	uint32_t uid, gid, major, minor;
	uint64_t size;
	struct timespec mtime;
	struct str pax; /* records of the caller's (tar_pax), behind the ones made here */
};

/* One PAX record: 0 or -ENOMEM. */
int tar_pax(struct str *b, const char *key, const void *value, size_t len);

int tar_header(struct sink *s, const struct tar_entry *t, struct err *e);
/* Fills up the last block of `size` bytes of contents. */
int tar_pad(struct sink *s, uint64_t size, struct err *e);
/* The two empty blocks. */
int tar_end(struct sink *s, struct err *e);

#endif
