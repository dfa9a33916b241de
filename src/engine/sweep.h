/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What killed commands and monitors leave behind, and who clears it away. A directory below
 * containers/ whose lock is free belongs to nobody: with a record it is a container that ended or
 * died, without one a start or a removal that was killed. Whoever sees one of the latter takes its
 * lock, so that two never do it at once and a living start is never touched, and removes it with all
 * that it stands for. What a start makes elsewhere it notes in its directory before it makes it.
 */
#ifndef UCTR_ENGINE_SWEEP_H
#define UCTR_ENGINE_SWEEP_H

#include "engine/container.h"

/*
 * Notes in the directory of a start which image (c->image_id) it uses and which cgroup it is about
 * to make (a path, or NULL). One link: there as a whole or not at all.
 */
int container_note_start(struct container *c, const char *cgroup, struct err *e);
/* The image is free from now on, also where the directory is removed later. */
void container_note_end(struct container *c);

/* Clears away a directory without a record that belongs to nobody; failures become warnings. */
void sweep_abandoned(struct engine *en, const char *id);

/* Clears away what a killed monitor left outside of its container's directory. */
void sweep_dead(struct engine *en, const struct container *c);

/* Everything that killed commands left. What cannot be removed becomes a warning. */
void container_sweep(struct engine *en);

/* Adds the images of starts that have no record yet. */
int sweep_images_starting(struct engine *en, char ***ids, struct err *e);
/*
 * For container_each_or(): adds the image of a container whose record cannot be read, by its note, to
 * *(char ***)ctx. Without a note that is an error: nothing may be removed then.
 */
int sweep_image_of_damaged(
	struct engine *en, const char *id, const struct err *why, void *ctx, struct err *e);

/* --- of container.c, for sweep.c alone --- */

/* The lock file at path; made when create is set. A descriptor or -errno. */
int container_open_lock(int dir, const char *path, bool create);
/* Frees a name if it still stands for id. 0 or -errno: then the directory must stay, or nobody would
 * look for the name again. */
int container_free_name(struct engine *en, const char *name, const char *id);
/* The directory; what belongs to subordinate ids is removed inside the user's namespace. */
int container_remove_tree(struct engine *en, const char *id, struct err *e);
/* Is s an id, or the beginning of one with at least min digits? */
bool container_is_id(const char *s, size_t min);

#endif
