/* SPDX-License-Identifier: Apache-2.0 */
/* --userns: from words to a map. */
#include "engine/mapping.h"

#include <string.h>

#include "base/str.h"

static const struct {
	const char *word;
	enum map_mode mode;
} words[] = {
	{ "full", MAP_FULL },
	/* podman's word for "no map of its own": here a container always has a namespace of its own */
	{ "host", MAP_FULL },
	{ "one", MAP_ONE },
};

int mapping_parse(
	struct engine *en, const struct container_opts *o, struct mapping *ret, struct err *e)
{
	_cleanup_free_ char *clean = NULL;

	*ret = (struct mapping){ .mode = MAP_FULL };
	if (!o->userns)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!streq(o->userns, words[i].word))
			continue;
		ret->mode = words[i].mode;
		en->one_id = ret->mode == MAP_ONE;
		return 0;
	}
	clean = str_sanitise(o->userns);
	return err_msg(e, -EINVAL, "--userns '%.100s': want full, host or one", clean ? clean : "");
}
