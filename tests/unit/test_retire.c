/* SPDX-License-Identifier: Apache-2.0 */
/* The removal of an image against a start that notes it in between. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/layers.h"
#include "tap.h"

#define ID "1111111111111111111111111111111111111111111111111111111111111111"
#define MANIFEST "2222222222222222222222222222222222222222222222222222222222222222"
#define NAME "localhost/x:latest"

/* What each look at the containers finds: "." nothing, "u" a use of the image, "e" an error. */
struct looks {
	const char *script;
	int n;
	bool hidden; /* at the last look the config was not to be found */
};

static int look(struct image_store *s, char ***ids, struct err *e)
{
	struct looks *l = s->ctx;
	char what = l->script[l->n++];

	l->hidden = !image_exists(s, ID);
	if (what == 'e')
		return err_msg(e, -EBADMSG, "nobody knows");
	return what == 'u' ? strv_add(ids, ID) : 0;
}

static int write_blob(struct image_store *s, const char *hex)
{
	char path[BLOB_PATH_MAX];
	_cleanup_fd_ int fd = -1;

	blob_path(hex, path);
	fd = openat(s->dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd_write_all(fd, "{}", 2);
}

static int make_store(struct image_store *s)
{
	char id[] = ID, manifest[] = MANIFEST, name[] = NAME;
	struct tag rec = { .name = name, .id = id, .manifest = manifest };
	struct err e = ERR_INIT;
	int r = store_make(s, &e);

	if (r == 0)
		r = write_blob(s, ID);
	if (r == 0)
		r = write_blob(s, MANIFEST);
	return r < 0 ? r : tag_save(s, &rec, &e);
}

static bool has_record(struct image_store *s, const char *name)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	struct err e = ERR_INIT;

	return tag_load(s, name, &rec, &e) == 1;
}

/* rmi, or prune -a, where containers show up as scripted. */
static void remove_with(struct image_store *s, const char *script, bool prune, int want)
{
	const struct image_prune what = { .all = true };
	_cleanup_strv_ char **lines = NULL;
	struct looks l = { .script = script };
	struct err e = ERR_INIT;
	uint64_t bytes;

	CHECK_INT(make_store(s), 0);
	s->ctx = &l;
	CHECK_INT(prune ? image_prune(s, &what, &lines, &bytes, &e)
			: image_remove(s, NAME, false, &lines, &e),
		want);
	CHECK_INT(l.n, strlen(script));
	CHECK(l.hidden == (l.n == 2));
	s->ctx = NULL;
}

static char dir[] = "/tmp/uctr-retire.XXXXXX";
static struct image_store store = { .form = "f", .userns_fd = -1, .in_use = look };

static void each_way(bool prune)
{
	/* Nobody uses it: it goes. */
	remove_with(&store, "..", prune, 0);
	CHECK(!image_exists(&store, ID) && !has_record(&store, NAME));
	CHECK(!has_record(&store, "@" ID));
	/* Used before: nothing changes. */
	remove_with(&store, "u", prune, prune ? 0 : -EBUSY);
	CHECK(image_exists(&store, ID) && has_record(&store, NAME));
	remove_with(&store, "e", prune, -EBADMSG);
	CHECK(image_exists(&store, ID) && has_record(&store, NAME));
	/* Used by one that started in between: it stays, without its name. */
	remove_with(&store, ".u", prune, 0);
	CHECK(image_exists(&store, ID) && has_record(&store, "@" ID));
	remove_with(&store, ".e", prune, -EBADMSG);
	CHECK(image_exists(&store, ID) && has_record(&store, "@" ID));
}

static void test_rmi(void)
{
	each_way(false);
}

static void test_prune(void)
{
	each_way(true);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	store.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RUN(test_rmi);
	RUN(test_prune);
	(void)dir_remove(AT_FDCWD, dir);
	return tap_end();
}
