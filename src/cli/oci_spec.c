/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-oci spec: writes a config.json to start from. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "cli/oci_commands.h"
#include "runtime/spec.h"

struct spec_args {
	char *bundle;
	bool rootless;
};

static const struct opt spec_opts[] = {
	OPT_STR('b', "bundle", struct spec_args, bundle, "DIR",
		"Directory to write config.json to (default: the current one)"),
	OPT_FLAG(0, "rootless", struct spec_args, rootless,
		"For an ordinary user: a user namespace with the own id as root, no own network"),
	OPT_END,
};

static int run(void *p, char **operands, struct err *e)
{
	struct spec_args *a = p;
	const char *bundle = a->bundle ? a->bundle : ".";
	_cleanup_json_ json_t *config = spec_default_json(a->rootless);
	_cleanup_free_ char *dump = config ? json_dumps(config, JSON_INDENT(4)) : NULL;
	_cleanup_free_ char *text = dump ? str_printf("%s\n", dump) : NULL;
	_cleanup_fd_ int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int r;

	(void)operands;
	if (dir < 0)
		return err_set(e, -errno, "bundle %s", bundle);
	if (!text)
		return err_set(e, -ENOMEM, "config.json");
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_msg(e, -EEXIST,
			"%s/config.json exists already; remove it first, it is not overwritten",
			bundle);
	if (fd < 0)
		return err_set(e, -errno, "make %s/config.json", bundle);
	r = fd_write_all(fd, text, strlen(text));
	if (r < 0) {
		unlinkat(dir, "config.json", 0);
		return err_set(e, r, "write %s/config.json", bundle);
	}
	return 0;
}

const struct command oci_cmd_spec = {
	.name = "spec",
	.summary = "Write a config.json to start from",
	.operands = "",
	.about = "Writes config.json to the bundle: sh on a terminal, in the root file system "
		 "'rootfs' beside it. An existing file is never overwritten.",
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.run = run,
};
