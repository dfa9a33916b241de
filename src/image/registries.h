/* SPDX-License-Identifier: Apache-2.0 */
/* The settings for registries: registries.conf as containers-registries.conf(5) has it. */
#ifndef UCTR_IMAGE_REGISTRIES_H
#define UCTR_IMAGE_REGISTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Read are registries.conf and registries.conf.d/ *.conf below ~/.config/uctr, /etc/uctr,
 * ~/.config/containers and /etc/containers; what an earlier one says about a prefix, an alias or
 * the search wins over what a later one says. $CONTAINERS_REGISTRIES_CONF replaces all of them.
 */

/* Where a repository may be found, mirrors first; owned. */
struct registry_place {
	char *location; /* HOST[:PORT]/PATH */
	bool insecure;
};
struct registry_places {
	struct registry_place *at;
	size_t n;
};
void registry_places_free(struct registry_places *p);

/*
 * For a name (HOST/PATH, no tag); `digest` says whether the image is named by one, and is NULL or
 * not. Pushes never go to mirrors. -EPERM when it is blocked.
 */
int registries_places(const char *name, const char *digest, bool push, struct registry_places *ret,
	struct err *e);

/*
 * What a name without a registry may mean: names with one, in the order in which they are tried
 * ("docker.io/x"). An alias is the only one. Appended to *ret.
 */
int registries_candidates(const char *path, char ***ret, struct err *e);

#endif
