/* SPDX-License-Identifier: Apache-2.0 */
/* uctr pull */
#include <string.h>

#include "base/fd.h"
#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/remote_opts.h"
#include "cli/warn.h"
#include "engine/budget.h"
#include "engine/engine.h"

struct pull_args {
	struct remote_args remote;
	bool quiet, all_tags;
	char *platform, *policy;
};

static const struct opt pull_opts[] = {
	OPT_FLAG('a', "all-tags", struct pull_args, all_tags, "Pull all tags of the repository"),
	OPT_STR(0, "platform", struct pull_args, platform, "OS/ARCH[/VARIANT]",
		"Pull the image for another platform than this machine's"),
	OPT_STR(0, "policy", struct pull_args, policy, "POLICY",
		"Ask the registry 'always' (default), when the image is 'missing', 'never', or for "
		"one that is 'newer'"),
	OPT_FLAG('q', "quiet", struct pull_args, quiet, "Show no progress"),
	OPT_INCLUDE(struct pull_args, remote, remote_opts),
	OPT_END,
};

static int pull_one(struct engine *en, const struct image_pull *p, struct err *e)
{
	_cleanup_free_ char *id = NULL, *line = NULL;
	int r = image_pull(&en->images, p, NULL, &id, e);

	if (r < 0)
		return r;
	line = str_printf("%s\n", id);
	return line ? output_text(line, strlen(line), e) : err_set(e, -ENOMEM, "pull");
}

static int pull_all(struct engine *en, struct image_pull *p, struct progress *progress,
	const char *name, struct err *e)
{
	_cleanup_strv_ char **tags = NULL;
	const char *slash = strrchr(name, '/');
	int r;

	if (strpbrk(slash ? slash : name, ":@"))
		return err_msg(
			e, -EINVAL, "%s: --all-tags takes a name without tag and digest", name);
	r = image_remote_tags(name, &p->remote, &tags, e);
	/* One that is no image for this machine, as a signature, does not stop the others. */
	strv_foreach (tag, tags) {
		_cleanup_free_ char *full = str_printf("%s:%s", name, tag);
		struct err one = ERR_INIT;
		int now;

		progress_next(progress);
		p->name = full;
		now = full ? pull_one(en, p, &one) : err_set(&one, -ENOMEM, "pull");
		if (now == -EINTR || (now < 0 && r == 0)) {
			r = now;
			*e = one;
		} else if (now < 0) {
			engine_warn(en, "%s", one.msg);
		}
		if (now == -EINTR)
			break;
	}
	warn_flush(en);
	return r;
}

static int run_pull(void *args, char **operands, struct err *e)
{
	struct pull_args *a = args;
	struct image_pull p = { .policy = PULL_ALWAYS, .platform = a->platform };
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	struct progress progress;
	int r = a->policy ? pull_policy_parse(a->policy, &p.policy, e) : 0;

	if (r == 0)
		r = remote_args_read(&a->remote, &p.remote, e);
	if (r == 0)
		r = engine_open(&en, e);
	if (r == 0)
		r = engine_check_store(&en, e);
	if (r == 0)
		r = engine_map(&en, e);
	if (r < 0)
		return r;
	warn_flush(&en);
	stop_begin();
	progress_begin(&progress, a->quiet);
	p.watch = &progress.watch;
	strv_foreach (name, operands) {
		/* As push takes it. */
		if (str_startswith(name, "docker://"))
			name += strlen("docker://");
		p.name = name;
		progress_next(&progress);
		if (r == 0)
			r = a->all_tags ? pull_all(&en, &p, &progress, name, e)
					: pull_one(&en, &p, e);
	}
	if (r < 0)
		return r;
	budget_keep(&en);
	warn_flush(&en);
	engine_clear_images(&en);
	return 0;
}

const struct command cmd_pull = {
	.name = "pull",
	.summary = "Fetch an image from a registry",
	.operands = "NAME[:TAG][@DIGEST]...",
	.about =
		"Fetches an image and prints its id. A name without a registry is one of "
		"docker.io, "
		"unless registries.conf knows better. Layers that are in the store are not fetched "
		"again, and what was interrupted goes on where it ended.",
	.min = 1,
	.max = -1,
	.opts = pull_opts,
	.args_size = sizeof(struct pull_args),
	.run = run_pull,
};
