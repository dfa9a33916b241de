/* SPDX-License-Identifier: Apache-2.0 */
/* Making layer trees: stage, unpack, verify, sync, rename, mark. */
#include "image/layers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/ref.h"
#include "sys/fsinfo.h"

/* A fetch that broke off this long ago will hardly go on, in seconds. */
#define PART_AGE ((int64_t)7 * 24 * 3600)

/*
 * A maker holds the lock KEY.lock from before KEY.new exists until it has its final name, and the
 * helper inherits the lock: while either lives, nobody touches the files; when both are gone, the
 * kernel has dropped the lock and the next writer sweeps. Two makers of one layer work aside and
 * the second to finish drops its own tree.
 */

int store_need_userns(struct image_store *s, struct err *e)
{
	return s->userns_fd >= 0 || !s->userns ? 0 : s->userns(s, e);
}

int layer_remove_tree(struct image_store *s, int form_fd, const char *name, struct err *e)
{
	struct transfer t = TRANSFER_INIT("remove");
	int r;

	if (faccessat(form_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	r = store_need_userns(s, e);
	if (r < 0)
		return r;
	t.out_fd = form_fd;
	t.userns_fd = s->userns_fd;
	t.name = name;
	r = transfer_run(&t, NULL, e);
	return r < 0 ? err_wrap(e, r, "remove a layer") : 0;
}

static void blob_name(const char *key, char buf[64])
{
	snprintf(buf, 64, STORE_TMP "/%s.blob", key);
}

static void stage_blob_name(const struct stage *st, char buf[BLOB_PATH_MAX])
{
	if (*st->part)
		snprintf(buf, BLOB_PATH_MAX, STORE_TMP "/%s", st->part);
	else
		blob_name(st->key, buf);
}

static int begin(struct image_store *s, struct stage *st, struct err *e)
{
	char name[64];
	uint64_t salt;
	int r;

	st->s = s;
	st->form_fd = store_form_dir(s, e);
	if (st->form_fd < 0)
		return st->form_fd;
	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return err_set(e, -EIO, "getrandom");
	snprintf(st->key, sizeof(st->key), "make-%d-%016llx", getpid(), (unsigned long long)salt);
	snprintf(name, sizeof(name), "%s.lock", st->key);
	/* A sweeper may look at the file before it is locked: it lets go, and another one is made. */
	r = store_lock_file(st->form_fd, name, true);
	if (r < 0)
		return err_set(e, r, "lock a new layer");
	st->lock_fd = r;
	snprintf(name, sizeof(name), "%s.new", st->key);
	if (mkdirat(st->form_fd, name, 0755) < 0)
		return err_set(e, -errno, "make the directory of a layer");
	return 0;
}

int stage_begin(struct image_store *s, bool keep_blob, struct stage *st, struct err *e)
{
	char name[64];
	int r = begin(s, st, e);

	if (r < 0 || !keep_blob)
		return r;
	blob_name(st->key, name);
	st->blob_fd = openat(s->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return st->blob_fd < 0 ? err_set(e, -errno, "make the blob of a layer") : 0;
}

int stage_begin_part(
	struct image_store *s, const char *hex, struct stage *st, int *ret_part_fd, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int r = begin(s, st, e);

	if (r < 0)
		return r;
	snprintf(st->part, sizeof(st->part), "%s.part", hex);
	stage_blob_name(st, path);
	st->blob_fd = openat(s->dirfd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (st->blob_fd < 0)
		return err_set(e, -errno, "make the blob of a layer");
	*ret_part_fd = openat(s->dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_part_fd < 0 ? err_set(e, -errno, "open the blob of a layer") : 0;
}

int part_lock(struct image_store *s, const char *hex, struct err *e)
{
	char path[BLOB_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), STORE_TMP "/%s.lock", hex);
	fd = store_lock_file(s->dirfd, path, true);
	return fd < 0 ? err_set(e, fd, "lock the blob sha256:%.12s", hex) : fd;
}

int part_drop(struct image_store *s, const char *hex, struct err *e)
{
	char path[BLOB_PATH_MAX];

	snprintf(path, sizeof(path), STORE_TMP "/%s.part", hex);
	if (unlinkat(s->dirfd, path, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove an unfinished blob");
	return 0;
}

/* In the owners' namespace, in a process of its own, as there is no way back from it. */
static int try_as_owner(int tree, int userns, bool owners, const char **ret_what)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (userns >= 0 && (spawn_join_userns(userns) < 0 || setresgid(0, 0, 0) < 0 ||
					   setresuid(0, 0, 0) < 0))
			_exit(errno & 0x7f);
		_exit(-fsinfo_try(tree, owners, ret_what) & 0x7f); /* *ret_what stays here */
	}
	status = pid < 0 ? errno : spawn_wait(pid);
	*ret_what = owners ? "files cannot belong to subordinate ids there, or have user attributes"
			   : "files cannot have user attributes there";
	return -status;
}

/* A server with its own idea of users would fail in the middle of the layer, for no clear reason. */
static int check_place(struct image_store *s, int tree, struct err *e)
{
	const char *what;
	struct fs_info fs;
	int r;

	fsinfo_get(tree, &fs);
	if (!fs.remote)
		return 0;
	r = try_as_owner(tree, s->userns_fd, !s->record_owners, &what);
	if (r == 0)
		return 0;
	return err_msg(e, r,
		"images cannot be kept on %s: %s (%s); set UCTR_DATA to a directory on a local "
		"disk",
		fs.name, what, strerror(-r));
}

int stage_tree(struct stage *st, struct err *e)
{
	_cleanup_fd_ int tree = -1;
	char name[64];
	int r = store_need_userns(st->s, e);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s.new", st->key);
	tree = openat(st->form_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0)
		return err_set(e, -errno, "open the directory of a layer");
	/* The umask of the caller must not reach the tree. */
	if (fchmod(tree, 0755) < 0)
		return err_set(e, -errno, "set the mode of a layer's directory");
	r = check_place(st->s, tree, e);
	return r < 0 ? r : take_fd(&tree);
}

int stage_start(struct stage *st, int in_fd, const struct stage_want *want, struct err *e)
{
	struct transfer t = TRANSFER_INIT("unpack");
	_cleanup_fd_ int tree = stage_tree(st, e);

	if (tree < 0)
		return tree;
	t.in_fd = in_fd;
	t.out_fd = tree;
	t.userns_fd = st->s->userns_fd;
	t.blob_fd = st->blob_fd;
	t.hold_fd = st->lock_fd;
	t.digest = want->digest;
	t.diff_id = want->diff_id;
	t.size = want->size;
	t.nonempty = want->nonempty;
	t.quiet = want->quiet;
	t.record_owners = st->s->record_owners;
	t.shift = st->s->shift;
	return transfer_start(&t, &st->job, e);
}

int stage_wait(struct stage *st, uint64_t deadline_ns, struct err *e)
{
	int r = transfer_finish(&st->job, deadline_ns, &st->res, e);

	/* A part may have been longer than what was written over it. */
	if (r == 0 && *st->part && ftruncate(st->blob_fd, (off_t)st->res.size) < 0)
		return err_set(e, -errno, "end the blob of a layer");
	return r;
}

int stage_fill(struct stage *st, int in_fd, const struct stage_want *want, struct err *e)
{
	int r = stage_start(st, in_fd, want, e);

	return r < 0 ? r : stage_wait(st, want->deadline_ns, e);
}

static int publish_tree(struct stage *st, struct err *e)
{
	const char *id = st->res.diff_id;
	char from[64], marker[UCTR_DIGEST_HEX + 8];
	int r;

	snprintf(marker, sizeof(marker), "%s.ok", id);
	if (faccessat(st->form_fd, marker, F_OK, 0) == 0)
		return 0; /* somebody was faster; stage_end drops ours */
	/* A tree without its marker was never finished, or half removed. */
	r = layer_remove_tree(st->s, st->form_fd, id, e);
	if (r < 0)
		return r;
	snprintf(from, sizeof(from), "%s.new", st->key);
	if (renameat(st->form_fd, from, st->form_fd, id) < 0)
		return err_set(e, -errno, "put the layer in its place");
	return marker_write(st->form_fd, &st->res, e);
}

/* Where others may read blobs they may read this one. */
static int share_blob(const struct stage *st)
{
	_cleanup_fd_ int dir = openat(st->s->dirfd, STORE_BLOBS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	mode_t mode = store_mode(dir);

	return mode == 0600 ? 0 : fchmod(st->blob_fd, mode);
}

int stage_publish(struct stage *st, struct err *e)
{
	char from[BLOB_PATH_MAX], to[BLOB_PATH_MAX];

	if (st->blob_fd >= 0) {
		stage_blob_name(st, from);
		blob_path(st->res.digest, to);
		if (share_blob(st) < 0 || renameat(st->s->dirfd, from, st->s->dirfd, to) < 0)
			return err_set(e, -errno, "put the blob in its place");
	}
	return publish_tree(st, e);
}

/*
 * Removes what a key stands for. When something stays behind, so does the lock file, by which the
 * next sweep finds it.
 */
static int drop_key(struct image_store *s, int form_fd, const char *key, struct err *e)
{
	char name[64];
	int r;

	blob_name(key, name);
	if (unlinkat(s->dirfd, name, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove an unfinished blob");
	snprintf(name, sizeof(name), "%s.new", key);
	r = layer_remove_tree(s, form_fd, name, e);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s.lock", key);
	if (unlinkat(form_fd, name, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove the lock of a layer");
	return 0;
}

void stage_end(struct stage *st)
{
	transfer_kill(&st->job);
	/* A failure here loses nothing: the lock file stays and the next writer sweeps. */
	if (st->lock_fd >= 0)
		drop_key(st->s, st->form_fd, st->key, NULL);
	fd_closep(&st->blob_fd);
	fd_closep(&st->lock_fd);
	fd_closep(&st->form_fd);
}

int store_sync(struct image_store *s, struct err *e)
{
	return syncfs(s->dirfd) < 0 ? err_set(e, -errno, "write the layers to the disk") : 0;
}

static int sweep_one(struct image_store *s, int form_fd, const char *file, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	char key[64];
	size_t len = strlen(file) - strlen(".lock");

	if (len >= sizeof(key) - strlen(".lock"))
		return 0; /* not of our making */
	lock = store_lock_file(form_fd, file, false);
	if (lock == -EAGAIN)
		return 0; /* being made right now */
	if (lock < 0)
		return err_set(e, lock, "lock an unfinished layer");
	memcpy(key, file, len);
	key[len] = '\0';
	return drop_key(s, form_fd, key, e);
}

/* What a fetch of this blob left, when it is done with and old enough; also its lock alone. */
static int sweep_part(struct image_store *s, const char *hex, int64_t min_age, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	char path[BLOB_PATH_MAX];
	struct stat st;
	int r = 0;

	snprintf(path, sizeof(path), STORE_TMP "/%s.lock", hex);
	lock = store_lock_file(s->dirfd, path, false);
	if (lock == -EAGAIN)
		return 0; /* being fetched right now */
	if (lock < 0)
		return err_set(e, lock, "lock an unfinished blob");
	snprintf(path, sizeof(path), STORE_TMP "/%s.part", hex);
	if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(min_age == 0 || time(NULL) - st.st_mtime >= min_age))
		r = part_drop(s, hex, e);
	snprintf(path, sizeof(path), STORE_TMP "/%s.lock", hex);
	unlinkat(s->dirfd, path, 0); /* one that stays is taken again by the next */
	return r;
}

int parts_sweep(struct image_store *s, int64_t min_age, struct err *e)
{
	int fd = openat(s->dirfd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!d) {
		r = errno == ENOENT ? 0 : -errno;
		fd_closep(&fd);
		return r < 0 ? err_set(e, r, "list unfinished blobs") : 0;
	}
	while (r == 0 && (de = readdir(d))) {
		char hex[UCTR_DIGEST_HEX + 1];

		snprintf(hex, sizeof(hex), "%.*s", UCTR_DIGEST_HEX, de->d_name);
		if (digest_hex_valid(hex) &&
			(str_endswith(de->d_name, ".part") || str_endswith(de->d_name, ".lock")))
			r = sweep_part(s, hex, min_age, e);
	}
	closedir(d);
	return r;
}

int layers_sweep(struct image_store *s, struct err *e)
{
	_cleanup_fd_ int form_fd = store_form_dir(s, e);
	struct dirent *de;
	DIR *d;
	int r = 0;

	if (form_fd < 0)
		return form_fd;
	d = fdopendir(fcntl(form_fd, F_DUPFD_CLOEXEC, 3));
	if (!d)
		return err_set(e, -errno, "list the layers");
	while (r == 0 && (de = readdir(d))) {
		if (str_startswith(de->d_name, "make-") && str_endswith(de->d_name, ".lock"))
			r = sweep_one(s, form_fd, de->d_name, e);
	}
	closedir(d);
	return r < 0 ? r : parts_sweep(s, PART_AGE, e);
}

bool layer_exists(struct image_store *s, const char *diff_id)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "layers/%s/%s.ok", s->form, diff_id);

	return n > 0 && (size_t)n < sizeof(path) && faccessat(s->dirfd, path, F_OK, 0) == 0;
}

int stage_start_from_blob(
	struct image_store *s, const struct tag_layer *l, struct stage *st, struct err *e)
{
	struct stage_want want = {
		.digest = l->blob,
		.diff_id = l->diff_id,
		.size = (int64_t)l->blob_size,
	};
	const char *shared;
	_cleanup_fd_ int in = blob_open(s, l->blob, &shared, e);
	int r;

	/* Not ENOENT: by that a start knows an image that can be pulled. */
	if (in == -ENOENT && additional_lost(s))
		return err_msg(e, -EBADMSG,
			"the kept layer sha256:%.12s is missing, and the additional store %s "
			"cannot be used",
			l->blob, additional_lost(s));
	if (in == -ENOENT)
		return err_msg(e, -EBADMSG, "the kept layer sha256:%.12s is missing", l->blob);
	if (in < 0)
		return in;
	r = stage_begin(s, false, st, e);
	return r < 0 ? r : stage_start(st, in, &want, e);
}

int stage_from_blob(struct image_store *s, const struct tag_layer *l, uint64_t deadline_ns,
	struct stage *st, struct err *e)
{
	int r = stage_from_form(s, l->diff_id, deadline_ns, st, e);

	if (r != 0)
		return r < 0 ? r : 0;
	stage_end(st);
	*st = (struct stage)STAGE_INIT;
	r = stage_start_from_blob(s, l, st, e);
	return r < 0 ? r : stage_wait(st, deadline_ns, e);
}

static int make_from_blob(struct image_store *s, const struct tag_layer *l, struct err *e)
{
	_cleanup_(stage_end)
	struct stage st = STAGE_INIT;
	_cleanup_fd_ int lock = -1;
	int r = stage_from_blob(s, l, 0, &st, e);

	if (r == 0)
		r = store_sync(s, e);
	if (r < 0)
		return r;
	lock = store_lock(s, e);
	return lock < 0 ? lock : stage_publish(&st, e);
}

int layers_ensure(struct image_store *s, const struct tag *rec, struct err *e)
{
	bool swept = false;

	for (size_t i = 0; i < rec->n_layers; i++) {
		int r = 0;

		if (layer_exists(s, rec->layers[i].diff_id))
			continue;
		if (!swept)
			r = layers_sweep(s, e);
		swept = true;
		if (r == 0)
			r = make_from_blob(s, &rec->layers[i], e);
		if (r < 0) {
			err_wrap(e, r, "unpack image %s", *rec->name ? rec->name : rec->id);
			err_hint(
				e, "\"uctr rmi\" and a new import or pull replace a damaged image");
			return r;
		}
	}
	return 0;
}
