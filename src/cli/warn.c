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
