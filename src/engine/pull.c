/* SPDX-License-Identifier: Apache-2.0 */
/* The image of a new container, fetched when it is missing or when that was asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/stop.h"
#include "base/str.h"
#include "engine/budget.h"
#include "engine/lifecycle.h"

int run_image(struct engine *en, const struct container_opts *o, const char *name,
	struct image *img, struct err *e)
{
	struct image_pull p = {
		.name = name,
		.policy = PULL_MISSING,
		.platform = o->platform,
		.remote = { .authfile = o->authfile },
		.watch = en->watch,
	};
	_cleanup_free_ char *clean = NULL, *found = NULL, *id = NULL, *digest = NULL;
	int r = o->pull ? pull_policy_parse(o->pull, &p.policy, e) : 0;

	if (r < 0)
		return err_wrap(e, r, "--pull");
	if (!o->platform && (p.policy == PULL_NEVER || p.policy == PULL_MISSING)) {
		r = image_get(&en->images, name, img, e);
		if (r != -ENOENT || p.policy == PULL_NEVER)
			return r;
		/* Not there, or not in one piece any more. */
		*e = (struct err)ERR_INIT;
		if (p.policy == PULL_MISSING)
			p.policy = PULL_ALWAYS;
	}
	/* A signal ends a pull in good order; what comes behind it is the container's. */
	stop_begin();
	r = image_pull(&en->images, &p, &found, &id, e);
	if (r == 0 && stop_end() < 0)
		r = err_msg(e, -EINTR, "interrupted");
	if (r == 0) {
		r = image_get(&en->images, found, img, e);
		if (r == -ENOENT) {
			/* By a digest, and the same image is here under another name. */
			*e = (struct err)ERR_INIT;
			digest = str_printf("sha256:%s", id);
			r = digest ? image_get(&en->images, digest, img, e)
				   : err_set(e, -ENOMEM, "image");
		}
		if (r < 0)
			return r;
		budget_keep(en);
		engine_clear_images(en);
		return 0;
	}
	if (p.policy == PULL_NEVER || r == -EINTR)
		return r;
	clean = str_sanitise(name);
	return err_wrap(
		e, r, "no image \"%.80s\" here, and it cannot be pulled", clean ? clean : "");
}
