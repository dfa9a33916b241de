/* SPDX-License-Identifier: Apache-2.0 */
/* uctr push */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/remote_opts.h"
#include "cli/warn.h"
#include "engine/engine.h"

struct push_args {
	struct remote_args remote;
	bool quiet;
	char *digestfile;
};

static const struct opt push_opts[] = {
	OPT_STR(0, "digestfile", struct push_args, digestfile, "FILE",
		"Write the digest of the pushed manifest to FILE"),
	OPT_FLAG('q', "quiet", struct push_args, quiet, "Show no progress"),
	OPT_INCLUDE(struct push_args, remote, remote_opts),
	OPT_END,
};

static int write_digest(const char *path, const char *digest, struct err *e)
{
	_cleanup_fd_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_all(fd, digest, strlen(digest));

	return r < 0 ? err_set(e, r, "--digestfile %s", path) : 0;
}

static int run_push(void *args, char **operands, struct err *e)
{
	struct push_args *a = args;
	struct image_push p = { .name = operands[0], .destination = operands[1] };
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_free_ char *digest = NULL, *line = NULL;
	struct progress progress;
	int r = remote_args_read(&a->remote, &p.remote, e);

	if (r == 0)
		r = engine_open(&en, e);
	if (r < 0)
		return r;
	warn_flush(&en);
	stop_begin();
	progress_begin(&progress, a->quiet);
	p.watch = &progress.watch;
	r = image_push(&en.images, &p, &digest, e);
	if (r == 0 && a->digestfile)
		r = write_digest(a->digestfile, digest, e);
	if (r < 0)
		return r;
	line = str_printf("%s\n", digest);
	return line ? output_text(line, strlen(line), e) : err_set(e, -ENOMEM, "push");
}

const struct command cmd_push = {
	.name = "push",
	.summary = "Send an image to a registry",
	.operands = "IMAGE [[docker://]NAME[:TAG]]",
	.about =
		"Sends IMAGE to the registry of its name, or as NAME, and prints the digest of its "
		"manifest. Everything is sent as it came, so digests stay what they were; layers "
		"that the registry has are not sent again.",
	.min = 1,
	.max = 2,
	.opts = push_opts,
	.args_size = sizeof(struct push_args),
	.run = run_push,
};
