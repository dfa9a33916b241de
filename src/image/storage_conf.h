/* SPDX-License-Identifier: Apache-2.0 */
/* storage.conf of ~/.config/uctr, else of /etc/uctr: what may be kept, and what is shared. */
#ifndef UCTR_IMAGE_STORAGE_CONF_H
#define UCTR_IMAGE_STORAGE_CONF_H

#include <jansson.h>

#include "base/err.h"

/*
 * The first file that sets `key`: 1, with the whole of it in *ret (a new reference) and its path in
 * *ret_path (owned). 0 when none does. Errors name the file.
 */
int storage_conf_find(const char *key, json_t **ret, char **ret_path, struct err *e);

#endif
