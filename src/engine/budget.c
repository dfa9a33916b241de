/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the storage budget. */
#include "engine/budget.h"

#include <string.h>

#include "base/fd.h"
#include "base/human.h"
#include "base/json.h"
#include "base/str.h"
#include "image/storage_conf.h"

int budget_read(uint64_t *ret, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_free_ char *path = NULL;
	const char *size = NULL;
	int r = storage_conf_find("budget", &doc, &path, e);

	if (r <= 0)
		return r;
	r = json_get_str(doc, "budget", &size, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	return parse_size(size, ret) < 0
		       ? err_msg(e, -EINVAL, "%s: budget: want a size such as \"20g\"", path)
		       : 0;
}

static void tell(struct engine *en, const struct image_budget *b, char *const *lines)
{
	_cleanup_str_ struct str names = { 0 };
	char freed[32], size[32], left[32];

	human_size(b->before - b->after, freed, sizeof(freed));
	human_size(b->bytes, size, sizeof(size));
	human_size(b->after, left, sizeof(left));
	strv_foreach (line, lines) {
		if (str_startswith(line, "Untagged: "))
			str_addf(
				&names, "%s%s", names.len ? ", " : "", line + strlen("Untagged: "));
	}
	if (b->after < b->before)
		engine_warn(en, "storage budget of %s: removed %s (%s)", size,
			names.len ? names.s : "images without a name", freed);
	if (b->after > b->bytes)
		engine_warn(en,
			"images take %s, more than the storage budget of %s, and all of them are "
			"in "
			"use or new",
			left, size);
}

void budget_keep(struct engine *en)
{
	_cleanup_strv_ char **lines = NULL;
	struct image_budget b = { 0 };
	struct err e = ERR_INIT;
	int r = budget_read(&b.bytes, &e);

	if (r == 0 && b.bytes == 0)
		return;
	if (r == 0)
		r = image_budget(&en->images, &b, &lines, &e);
	if (r < 0)
		engine_warn(en, "the storage budget is not kept: %s", e.msg);
	else
		tell(en, &b, lines);
}
