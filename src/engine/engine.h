/* SPDX-License-Identifier: Apache-2.0 */
/* What every command of the engine stands on: the directories, the id map, the image store. */
#ifndef UCTR_ENGINE_ENGINE_H
#define UCTR_ENGINE_ENGINE_H

#include <stdbool.h>

#include "base/err.h"
#include "image/image.h"
#include "sys/idmap.h"

struct userns_hold;

struct engine {
	int data; /* the data directory */
	int store; /* where the images are when that is another one, which can only be read; -1 */
	int runtime; /* the runtime directory */
	int containers; /* data/containers */
	char *data_path, *store_path, *runtime_path; /* store_path: NULL without a store */
	/*
	 * The user's namespace has one id, the caller's. Set before engine_map() to ask for it, or by
	 * it when there is nothing else; such a namespace lives beside one with the full map.
	 */
	bool one_id;
	char one_why[256]; /* why there is nothing else; "" when it was asked for */
	bool home; /* this process is in the user's namespace (uctr unshare) */
	bool has_map;
	struct idmap map; /* of the user's namespace; filled by engine_map() */
	char form[256];
	int userns_fd; /* the user's namespace once somebody needed it; -1 */
	struct userns_hold *held; /* of a start that is under way; NULL */
	struct image_store images;
	char **warnings; /* lines for main to print */
	/*
	 * Called now and then while an image is copied, with the bytes so far; -1 at the end. NULL:
	 * nobody watches.
	 */
	void (*progress)(struct engine *en, int64_t bytes);
	const struct fetch_watch *watch; /* the same while one is fetched; or NULL */
};
#define ENGINE_INIT                                                                                \
	{                                                                                          \
		.data = -1, .store = -1, .runtime = -1, .containers = -1, .userns_fd = -1          \
	}
#define _cleanup_engine_ __attribute__((cleanup(engine_close)))

/* Opens and makes directories; the map and the image store's form follow with engine_map(). */
int engine_open(struct engine *en, struct err *e);
/* -EROFS, with the cure, where no image can be added or removed. */
int engine_check_store(const struct engine *en, struct err *e);
/*
 * Finds the map: of the living user namespace, else what the next one will get. Without ranges, or
 * without the helpers that hand them out, it is the one id, and a warning says why.
 */
int engine_map(struct engine *en, struct err *e);
void engine_close(struct engine *en);
void engine_warn(struct engine *en, const char *fmt, ...) _printf_(2, 3);

/* Ids of images that containers use, running or not; appended to *ids. */
int engine_images_in_use(struct engine *en, char ***ids, struct err *e);
/*
 * Has what removed images held removed from the disk by a process of its own, which survives the
 * command; killed, it is begun again by the next command that changes the store. Call it last, after
 * engine_map(), and hold no lock.
 */
void engine_clear_images(struct engine *en);
/* Containers by state: running and all. */
int engine_count(struct engine *en, unsigned int *running, unsigned int *all, struct err *e);

#endif
