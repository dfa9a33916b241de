/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that keep passwords: docker-credential-NAME. Internal to credentials. */
#ifndef UCTR_IMAGE_CREDENTIALS_PROGRAM_H
#define UCTR_IMAGE_CREDENTIALS_PROGRAM_H

#include <jansson.h>

#include "base/err.h"

/*
 * Runs docker-credential-NAME with a verb (get, store, erase, list) and `input` on its standard input; the
 * program is looked for in the system's directories and in absolute ones of $PATH. Its answer goes
 * to *ret when that is not NULL (an owned object). -ENOENT when it has nothing for this,
 * -ENOPKG when there is no such program.
 */
int credentials_program(
	const char *name, const char *verb, const char *input, json_t **ret, struct err *e);

#endif
