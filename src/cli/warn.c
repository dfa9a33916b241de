/* SPDX-License-Identifier: Apache-2.0 */
/* Print warnings. */
#include "cli/warn.h"

#include <stdio.h>

#include "base/str.h"

void warn_flush(struct engine *en)
{
	strv_foreach (w, en->warnings) {
		_cleanup_free_ char *clean = str_sanitise(w);

		fprintf(stderr, "uctr: warning: %s\n", clean ? clean : "");
	}
	strv_freep(&en->warnings);
}

void warn_sums(struct engine *en, const struct container *c, const struct image_view_sums *n)
{
	if (n->skipped)
		engine_warn(en,
			"%llu sockets, or files with names that mean deletions in images, were "
			"left out",
			(unsigned long long)n->skipped);
	if (n->changed)
		engine_warn(en, "%llu files of container %s changed while they were read",
			(unsigned long long)n->changed, c->name);
}
