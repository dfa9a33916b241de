/* SPDX-License-Identifier: Apache-2.0 */
/* Importing a root file system: one layer, and a config and manifest made for it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "image/publish.h"

/* A directory or a terminal as archive is a slip of the hand, and has its own message. */
static int open_input(const char *path, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (streq(path, "-")) {
		if (isatty(STDIN_FILENO))
			return err_msg(e, -EINVAL,
				"standard input is a terminal; pipe a tar archive into it");
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0)
		return err_set(e, -errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at %s", path);
	if (S_ISDIR(st.st_mode))
		return err_msg(e, -EISDIR,
			"%s is a directory; \"tar -C %s -c . | uctr import - NAME\" imports it",
			path, path);
	return take_fd(&fd);
}

int image_import(
	struct image_store *s, const struct image_import *what, char **ret_id, struct err *e)
{
	_cleanup_(stage_end)
	struct stage st = STAGE_INIT;
	struct stage_want want = { .size = -1, .nonempty = true };
	_cleanup_json_ json_t *config = NULL, *trial = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_fd_ int in = -1;
	/* All that can be wrong in the arguments, before the archive is read. */
	int r = publish_name(what->name, "an import", &name, e);

	if (r == 0)
		r = config_make("", what->changes, what->message, &trial, e);
	if (r == 0)
		r = store_make(s, e);
	if (r < 0)
		return r;
	in = open_input(what->path, e);
	if (in < 0)
		return in;
	r = layers_sweep(s, e);
	if (r == 0)
		r = stage_begin(s, true, &st, e);
	if (r < 0)
		return r;
	r = stage_fill(&st, in, &want, e);
	if (r < 0)
		return err_wrap(e, r, "import %s", what->path);
	r = config_make(st.res.diff_id, what->changes, what->message, &config, e);
	if (r < 0)
		return r;
	return image_publish(
		s, &(struct publish){ .st = &st, .config = config, .name = name }, ret_id, e);
}
