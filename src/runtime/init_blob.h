/* SPDX-License-Identifier: Apache-2.0 */
/* helpers/init as built into uctr: a complete static ELF program. */
#ifndef UCTR_RUNTIME_INIT_BLOB_H
#define UCTR_RUNTIME_INIT_BLOB_H

#include <stddef.h>

extern const unsigned char init_blob[];
extern const size_t init_blob_len;

#endif
