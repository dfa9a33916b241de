/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ids a container has: --userns, --uidmap and --gidmap, and what is chosen without them. All
 * of it is the map of the container's own namespace, a child of the user's, which stays the same
 * and shared; only the one id has a user's namespace of its own (engine/userns.h).
 */
#ifndef UCTR_ENGINE_MAPPING_H
#define UCTR_ENGINE_MAPPING_H

#include "engine/engine.h"
#include "engine/options.h"

enum map_mode {
	MAP_FULL, /* 0 is the caller, then all his ranges */
	MAP_ONE, /* 0 is the caller, and nothing else: no helper, no range needed */
	MAP_KEEP_ID, /* the caller is himself, or `uid` and `gid`; the ranges are around him */
	MAP_NOMAP, /* the ranges alone: nothing inside is the caller */
	MAP_AUTO, /* `size` ids of the ranges that no other container has */
	MAP_LINES, /* --uidmap, --gidmap */
};

struct mapping {
	enum map_mode mode;
	uint32_t uid, gid; /* keep-id: the caller, inside */
	bool chosen; /* keep-id by uctr's own choice: the user is still the image's or -u's */
	uint32_t size; /* of keep-id, auto; 0: not said */
	char *const *uid_words, *const *gid_words; /* of --uidmap, --gidmap; borrowed */
	uint32_t first; /* auto: the first id, as the user's namespace counts; 0: to be found */
	/* After mapping_make(): */
	struct idmap child; /* inside ids to those of the user's namespace */
	uint32_t root_uid, root_gid; /* container root, as the user's namespace counts */
	bool shifted; /* inside ids are not those of the user's namespace */
	char form[256]; /* the ownership form of its layers */
	char why[256]; /* how it came about, when nobody asked for it; "" */
};

/* Reads the options; before engine_map(), whose choice of a namespace may follow from them. */
int mapping_parse(
	struct engine *en, const struct container_opts *o, struct mapping *ret, struct err *e);
/* --uidmap and --gidmap as lines over the map of the user's namespace. mapping_parse.c */
int mapping_lines(const char *flag, char *const *words, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n, struct err *e);

/*
 * Makes the map, after engine_map(), and has the image store look for layers in its form. m must
 * live as long as the engine is used. What cannot be had is refused by name.
 */
int mapping_make(struct engine *en, struct mapping *m, struct err *e);

/*
 * Nobody asked for a map, and it is the full one: where the image's user or -u's is not root, and a
 * volume belongs to the caller, that user becomes the caller (keep-id), provided that img's layers
 * exist in that form or are made in it within $UCTR_MAP_BUDGET. Then m and img are changed, else
 * neither, and m->why and a warning say what was in the way. After mapping_make() and image_get().
 * choose.c
 */
int mapping_choose(struct engine *en, const struct container_opts *o, struct image *img,
	struct mapping *m, struct err *e);

/* The container is made: what auto took belongs to it now. */
int mapping_claim(struct engine *en, const struct mapping *m, const char *id, struct err *e);

/* Its processes are gone and so will it be: the next container may have the ids at once. */
void mapping_release(struct engine *en, const struct mapping *m, const char *id);

/* "full", "keep-id:uid=5,gid=5" ... for records and listings; truncated to size. */
void mapping_name(const struct mapping *m, char *buf, size_t size);

/*
 * auto's ids: disjoint ranges, reserved below data/ranges as long as the container exists, whatever
 * becomes of the processes. The lowest that fits of [1, total), so that ranges, and the layers made
 * for them, come again. ranges.c
 */
int range_take(struct engine *en, uint32_t total, uint32_t count, uint32_t *ret, struct err *e);
int range_claim(struct engine *en, uint32_t first, uint32_t count, const char *id, struct err *e);
void range_release(struct engine *en, uint32_t first, uint32_t count, const char *id);

#endif
