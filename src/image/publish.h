/* SPDX-License-Identifier: Apache-2.0 */
/* Images that uctr makes itself: one layer more, its config, its manifest. Internal to image. */
#ifndef UCTR_IMAGE_PUBLISH_H
#define UCTR_IMAGE_PUBLISH_H

#include "image/layers.h"

/*
 * What becomes an image: the layer of a filled stage on top of `base` (NULL: alone), with this config.
 * The stage's blob must be kept.
 */
struct publish {
	struct stage *st;
	const struct tag *base;
	json_t *config;
	const char *name; /* full; "" for none */
	bool docker; /* docker's media types instead of OCI's */
};

/*
 * Writes config and manifest and gives everything its name, at once and after all is on the disk. The
 * id of the image is *ret_id (owned).
 */
int image_publish(struct image_store *s, const struct publish *p, char **ret_id, struct err *e);

/* The full name that a person's one stands for, "" for NULL. `doing` is for the message. */
int publish_name(const char *name, const char *doing, char **ret, struct err *e);

#endif
