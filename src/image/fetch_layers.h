/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of a fetch: which are missing, and getting those side by side. Internal to fetch. */
#ifndef UCTR_IMAGE_FETCH_LAYERS_H
#define UCTR_IMAGE_FETCH_LAYERS_H

#include "image/layers.h"
#include "image/source.h"

enum layer_way {
	LAYER_PRESENT, /* tree and blob are in the store, and known to belong together */
	LAYER_TWIN, /* the same as an earlier layer of this image */
	LAYER_KEPT, /* the blob is, the tree is not in this form */
	LAYER_FETCH,
};
struct fetch_one {
	struct descriptor d;
	const char *diff_id; /* hex digits, borrowed */
	enum layer_way way;
	struct stage st;
	int lock; /* of the blob, with LAYER_FETCH from a source that can break off */
	bool started, ended, resumed;
};
struct fetch {
	struct image_store *s;
	const struct image_fetch *what;
	struct tag rec; /* the record in the making */
	struct fetch_one *layers;
	struct fetch_layer *shown;
	size_t n;
};

/* Checks layers against diff ids (hex digits, of the config; they must outlive f). */
int fetch_plan(struct fetch *f, json_t *manifest, char *const *diff_ids, struct err *e);
/* Gets all that are missing into stages. */
int fetch_layers(struct fetch *f, struct err *e);
/* Are those that were there still there? -ESTALE. The store's lock must be held, as below. */
int fetch_check_present(struct fetch *f, struct err *e);
int fetch_publish_layers(struct fetch *f, struct err *e);
/* Accepts half-built ones. */
void fetch_end(struct fetch *f);

#endif
