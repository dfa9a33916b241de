/* SPDX-License-Identifier: Apache-2.0 */
/* Image documents: media types, what a config must say, configs that uctr makes. Internal. */
#ifndef UCTR_IMAGE_CONFIG_H
#define UCTR_IMAGE_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "image/document.h"

/* This machine's architecture in Go's names ("amd64"); static. */
const char *image_arch(void);

bool media_type_is_index(const char *t);
bool media_type_is_manifest(const char *t);
bool media_type_is_config(const char *t);
/* Layers that may not be redistributed ("foreign") are not among them: their bytes are elsewhere. */
bool media_type_is_layer(const char *t);

/*
 * Checks what the store itself needs of a config: an image for the platform (variants are not
 * compared), and its diff ids (appended to *ret_diff_ids as hex digits). The rest is for engine/image_policy to judge.
 */
int config_check(json_t *config, const struct platform *p, char ***ret_diff_ids, struct err *e);

/*
 * The config of an image with one layer: changes are lines of a Dockerfile (CMD, ENTRYPOINT, ENV,
 * EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR). New reference in *ret.
 */
int config_make(const char *diff_id, char *const *changes, const char *message, json_t **ret,
	struct err *e);

/* Applies one change to the "config" object of an image config (changes.c). */
int config_change(json_t *config, const char *change, struct err *e);

#endif
