/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: archives into an empty directory. Beyond memory safety it demands that a victim tree
 * beside that directory stays as it was, and that what was unpacked holds no device, no overlay
 * control attribute but those uctr makes, and no name of a deletion mark.
 *
 * Runs as root or in a user namespace of its own; all files lie below a temporary directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../helpers/transfer/unpack.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

static char base[128];
static int base_fd = -1;
static struct stat victim_before[2];

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_unpack: %s\n", what);
	abort();
}

/* In a namespace of its own an ordinary user may own what the archive says root owns. */
static void become_root(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0)
		return;
	must(unshare(CLONE_NEWUSER) == 0, "no user namespace");
	must(file_poke(AT_FDCWD, "/proc/self/setgroups", "deny") == 0, "setgroups");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	must(file_poke(AT_FDCWD, "/proc/self/uid_map", map) == 0, "uid_map");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	must(file_poke(AT_FDCWD, "/proc/self/gid_map", map) == 0, "gid_map");
}

static void remove_base(void)
{
	dir_remove(AT_FDCWD, base);
}

static void victim_stat(struct stat st[2])
{
	must(fstatat(base_fd, "victim", &st[0], 0) == 0, "the victim directory is gone");
	must(fstatat(base_fd, "victim/f", &st[1], 0) == 0, "the victim file is gone");
}

static void prepare(void)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	become_root();
	umask(0);
	snprintf(base, sizeof(base), "%.80s/uctr-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(base) != NULL, "no temporary directory");
	atexit(remove_base);
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(base_fd >= 0 && mkdirat(base_fd, "victim", 0777) == 0, "no victim");
	fd = openat(base_fd, "victim/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	must(fd >= 0 && write(fd, "precious", 8) == 8, "no victim file");
	close(fd);
	victim_stat(victim_before);
}

static void check_victim(void)
{
	struct stat now[2];

	victim_stat(now);
	for (int i = 0; i < 2; i++) {
		const struct stat *was = &victim_before[i];

		must(now[i].st_ino == was->st_ino && now[i].st_mode == was->st_mode &&
				now[i].st_uid == was->st_uid && now[i].st_size == was->st_size &&
				now[i].st_nlink == was->st_nlink &&
				now[i].st_mtim.tv_sec == was->st_mtim.tv_sec &&
				now[i].st_mtim.tv_nsec == was->st_mtim.tv_nsec &&
				now[i].st_ctim.tv_nsec == was->st_ctim.tv_nsec,
			"the victim was touched");
	}
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const char *const never[] = { "user.overlay.redirect", "user.overlay.metacopy",
		"trusted.overlay.opaque", "user.fuseoverlayfs.opaque",
		"user.containers.override_stat" };
	char value[4];
	ssize_t n = lgetxattr(path, "user.overlay.opaque", value, sizeof(value));

	(void)type;
	must(!S_ISBLK(st->st_mode) && !S_ISSOCK(st->st_mode), "a device in the tree");
	must(!S_ISCHR(st->st_mode) || st->st_rdev == 0, "a device in the tree");
	must(strncmp(path + ftw->base, ".wh.", 4) != 0, "a deletion mark in the tree");
	must(n < 0 || (n == 1 && S_ISDIR(st->st_mode)), "a foreign opaque mark");
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		must(lgetxattr(path, never[i], value, sizeof(value)) < 0 && errno != ERANGE,
			"a control attribute");
	return 0;
}

static void try(int in, int out)
{
	struct stream s = { .in_fd = in, .blob_fd = -1, .max_out = 8 << 20, .stop_fd = -1 };
	struct err e = ERR_INIT;
	char path[160];
	struct tree t;
	int r;

	tree_init(&t, out);
	must(idmap_read(0, &t.ids) == 0, "no id map");
	idmap_identity(&t.ids, &t.ids);
	r = stream_init(&s, &e);
	if (r == 0)
		r = stream_start(&s, &e);
	if (r == 0)
		r = unpack(&s, &t, false, &e);
	must(r == 0 || (r < 0 && e.msg[0]), "an error without words");
	for (const char *p = e.msg; *p; p++)
		must(!char_is_control((unsigned char)*p) || (unsigned char)*p >= 0x80,
			"a control character in an error");
	stream_free(&s);
	tree_free(&t);
	snprintf(path, sizeof(path), "%s/out", base);
	nftw(path, check_file, 16, FTW_PHYS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_fd_ int in = memfd_create("archive", MFD_CLOEXEC), out = -1;

	if (base_fd < 0)
		prepare();
	must(in >= 0 && fd_write_all(in, data, size) == 0 && lseek(in, 0, SEEK_SET) == 0, "memfd");
	must(mkdirat(base_fd, "out", 0755) == 0, "the directory from before is still there");
	out = openat(base_fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(out >= 0, "no directory");
	try(in, out);
	check_victim();
	must(dir_remove(base_fd, "out") == 0, "the tree cannot be removed");
	return 0;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *data = NULL;
		size_t len;
		int r = file_read(AT_FDCWD, argv[i], 8 << 20, &data, &len);

		if (r < 0) {
			fprintf(stderr, "fuzz_unpack: %s: %s\n", argv[i], strerror(-r));
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	}
	printf("%d inputs replayed\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
