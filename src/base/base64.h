/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), strict. */
#ifndef UCTR_BASE_BASE64_H
#define UCTR_BASE_BASE64_H

#include <stddef.h>

/* malloc'ed, NUL-terminated; NULL when memory is out. */
char *base64_encode(const void *data, size_t len);
/* The bytes (malloc'ed, a NUL behind them) and their number: 0, -EINVAL or -ENOMEM. */
int base64_decode(const char *text, char **ret, size_t *ret_len);

#endif
