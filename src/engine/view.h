/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a container as layers: for export, diff and commit, whatever its root was made of. */
#ifndef UCTR_ENGINE_VIEW_H
#define UCTR_ENGINE_VIEW_H

#include "engine/container.h"
#include "image/view.h"

enum container_view_kind {
	CONTAINER_TREE, /* all its files */
	CONTAINER_CHANGES, /* compared with its image */
	CONTAINER_LAYER, /* what an image would have as its next layer */
};

/* While it is open, the engine's image store has the ids and the ownership form of the container. */
struct container_view {
	struct image_view v;
	struct idmap child; /* its ids to those of the user's namespace */
	char form[256];
};

/*
 * Opens the layers of c, which may run; makes those of its image that are missing. Sets the engine's
 * map, so there is one container to an engine. Nothing that is mounted in the container is part of it.
 */
int container_view_open(struct engine *en, struct container *c, enum container_view_kind kind,
	struct container_view *ret, struct err *e);

/*
 * The first half of it: the engine has the map of the container's user namespace from now on, and its
 * image store looks for layers in the container's form.
 */
int container_view_ids(
	struct engine *en, const struct container *c, struct container_view *ret, struct err *e);

/* A copy of the mount that is the root of a running container, without what is mounted on it. */
int container_live_root(struct engine *en, const struct container *c, struct err *e);

#endif
