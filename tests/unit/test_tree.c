/* SPDX-License-Identifier: Apache-2.0 */
/* Tree copies, as root of a user namespace with the full map. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "sys/idmap.h"
#include "sys/tree.h"
#include "tap.h"

static int top = -1;

static int dir(const char *path)
{
	CHECK_INT(dir_make(top, path, 0755), 0);
	return openat(top, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(const char *path, const char *text)
{
	int fd = openat(top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

static void check_text(const char *path, const char *want)
{
	_cleanup_free_ char *s = NULL;

	CHECK_INT(file_read(top, path, 100000, &s, NULL), 0);
	CHECK_STR(s, want);
}

static struct stat look(const char *path)
{
	struct stat st = { 0 };

	CHECK_INT(fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static bool exists(const char *path)
{
	return faccessat(top, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void set_attr(const char *path, const char *name, const char *value)
{
	_cleanup_fd_ int fd = openat(top, path, O_RDONLY | O_CLOEXEC);

	CHECK_INT(fsetxattr(fd, name, value, strlen(value), 0), 0);
}

static ssize_t get_attr(const char *path, const char *name, void *buf, size_t size)
{
	_cleanup_fd_ int fd = openat(top, path, O_RDONLY | O_CLOEXEC);

	return fgetxattr(fd, name, buf, size);
}

/* Copies a to b, which is made; both below top. */
static int copy(
	const char *a, const char *b, const struct tree_opts *o, struct tree_sums *s, struct err *e)
{
	_cleanup_fd_ int from = dir(a), to = dir(b);

	return tree_copy(from, to, o, s, e);
}

/* One of each kind below k. */
static void make_kinds(void)
{
	static const struct timespec old[2] = { { 111, 222 }, { 1000000001, 123456789 } };
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "k/socket" };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	close(dir("k/sub/inner"));
	put("k/file", "text");
	put("k/sub/suid", "program");
	CHECK_INT(fchownat(top, "k/sub/suid", 33, 42, 0), 0);
	CHECK_INT(fchmodat(top, "k/sub/suid", 06751, 0), 0);
	CHECK_INT(symlinkat("../../../etc/passwd", top, "k/sub/link"), 0);
	CHECK_INT(fchownat(top, "k/sub/link", 7, 8, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(mknodat(top, "k/fifo", S_IFIFO | 0600, 0), 0);
	CHECK_INT(fchmodat(top, "k/fifo", 0622, 0), 0);
	CHECK_INT(mknodat(top, "k/gone", S_IFCHR, makedev(0, 0)), 0);
	set_attr("k/file", "user.colour", "blue");
	set_attr("k/sub", "user.overlay.opaque", "y");
	CHECK_INT(fchdir(top), 0);
	CHECK_INT(bind(sock, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(sock);
	CHECK_INT(utimensat(top, "k/file", old, 0), 0);
	CHECK_INT(utimensat(top, "k/sub/link", old, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(fchmodat(top, "k/sub", 01500, 0), 0);
	CHECK_INT(utimensat(top, "k/sub", old, 0), 0);
	CHECK_INT(utimensat(top, "k", old, 0), 0);
}

static void test_kinds(void)
{
	struct tree_opts o = { 0 };
	struct tree_sums s;
	struct err e = ERR_INIT;
	struct stat st;
	char link[64] = "";

	make_kinds();
	CHECK_INT(copy("k", "k2", &o, &s, &e), 0);
	CHECK_STR(e.msg, "");
	CHECK_INT(s.entries, 8);
	CHECK_INT(s.bytes, 11);
	CHECK_INT(s.skipped, 1);
	check_text("k2/file", "text");
	st = look("k2/sub/suid");
	CHECK_INT(st.st_mode & 07777, 06751);
	CHECK(st.st_uid == 33 && st.st_gid == 42);
	CHECK_INT(readlinkat(top, "k2/sub/link", link, sizeof(link) - 1), 19);
	CHECK_STR(link, "../../../etc/passwd");
	st = look("k2/sub/link");
	CHECK(st.st_uid == 7 && st.st_gid == 8 && st.st_mtim.tv_nsec == 123456789);
	st = look("k2/fifo");
	CHECK(S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0622);
	st = look("k2/gone");
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	CHECK(!exists("k2/socket"));
	CHECK_INT(get_attr("k2/file", "user.colour", link, sizeof(link)), 4);
	CHECK(memcmp(link, "blue", 4) == 0);
	CHECK_INT(get_attr("k2/sub", "user.overlay.opaque", link, sizeof(link)), 1);
	st = look("k2/file");
	CHECK(st.st_mtim.tv_sec == 1000000001 && st.st_mtim.tv_nsec == 123456789);
	CHECK(st.st_atim.tv_sec == 111 || st.st_atim.tv_sec > 1000000001);
	st = look("k2/sub");
	CHECK_INT(st.st_mode & 07777, 01500);
	CHECK(st.st_mtim.tv_sec == 1000000001 && st.st_mtim.tv_nsec == 123456789);
	CHECK_INT(look("k2").st_mtim.tv_sec, 1000000001);
	CHECK(S_ISDIR(look("k2/sub/inner").st_mode));
}

static void test_hard_links(void)
{
	struct tree_opts o = { 0 };
	struct tree_sums s;
	struct err e = ERR_INIT;
	char name[64], other[72];

	close(dir("h/a/b"));
	close(dir("h/c"));
	put("h/a/b/one", "shared");
	CHECK_INT(linkat(top, "h/a/b/one", top, "h/c/two", 0), 0);
	CHECK_INT(linkat(top, "h/a/b/one", top, "h/three", 0), 0);
	CHECK_INT(symlinkat("nowhere", top, "h/l1"), 0);
	CHECK_INT(linkat(top, "h/l1", top, "h/c/l2", 0), 0);
	/* Many, so that the table grows. */
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "h/a/f%d", i);
		put(name, name);
		snprintf(other, sizeof(other), "%sx", name);
		CHECK_INT(linkat(top, name, top, other, 0), 0);
	}
	CHECK_INT(copy("h", "h2", &o, &s, &e), 0);
	CHECK_STR(e.msg, "");
	CHECK_INT(s.bytes, 6 + 10 * 6 + 90 * 7 + 200 * 8);
	CHECK_INT(look("h2/three").st_nlink, 3);
	CHECK(look("h2/three").st_ino == look("h2/a/b/one").st_ino);
	CHECK(look("h2/three").st_ino == look("h2/c/two").st_ino);
	CHECK(look("h2/three").st_ino != look("h/three").st_ino);
	CHECK_INT(look("h2/l1").st_nlink, 2);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "h2/a/f%dx", i);
		CHECK_INT(look(name).st_nlink, 2);
	}
}

static void test_holes(void)
{
	struct tree_opts o = { 0 };
	struct err e = ERR_INIT;
	char got[4] = "";
	int fd;

	close(dir("s"));
	fd = openat(top, "s/sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	CHECK_INT(pwrite(fd, "abc", 3, 100 << 20), 3);
	CHECK_INT(pwrite(fd, "def", 3, 500 << 20), 3);
	CHECK_INT(ftruncate(fd, 900 << 20), 0);
	close(fd);
	CHECK_INT(copy("s", "s2", &o, NULL, &e), 0);
	CHECK_STR(e.msg, "");
	CHECK_INT(look("s2/sparse").st_size, 900 << 20);
	CHECK(look("s2/sparse").st_blocks <= look("s/sparse").st_blocks + 64);
	fd = openat(top, "s2/sparse", O_RDONLY | O_CLOEXEC);
	CHECK(pread(fd, got, 3, 500 << 20) == 3 && streq(got, "def"));
	CHECK(pread(fd, got, 3, 100 << 20) == 3 && streq(got, "abc"));
	close(fd);
}

/* 10,000 levels, few descriptors, paths far longer than PATH_MAX, a link at the bottom. */
static void test_deep(void)
{
	const struct rlimit few = { 128, 1024 };
	struct tree_opts o = { 0 };
	struct tree_sums s;
	struct err e = ERR_INIT;
	int at = dir("deep"), depth = 0;
	struct stat st;

	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 10000; i++) {
		int next;

		if (mkdirat(at, "level", 0755) < 0)
			break;
		next = openat(at, "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	CHECK_INT(mknodat(at, "bottom", S_IFREG | 0644, 0), 0);
	CHECK_INT(linkat(at, "bottom", at, "bottom2", 0), 0);
	CHECK_INT(symlinkat("x", at, "bottom3"), 0);
	close(at);
	CHECK_INT(copy("deep", "deep2", &o, &s, &e), 0);
	CHECK_STR(e.msg, "");
	CHECK_INT(s.entries, 10003);
	at = openat(top, "deep2", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (;;) {
		int next = openat(at, "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (next < 0)
			break;
		close(at);
		at = next;
		depth++;
	}
	CHECK_INT(depth, 10000);
	CHECK(fstatat(at, "bottom2", &st, 0) == 0 && st.st_nlink == 2);
	close(at);
	CHECK_INT(dir_remove(top, "deep"), 0);
	CHECK_INT(dir_remove(top, "deep2"), 0);
}

static int shift(uint32_t *uid, uint32_t *gid, void *ctx, struct err *e)
{
	if (*uid >= 1000)
		return err_msg(e, -EOVERFLOW, "belongs to user %u", *uid);
	*uid += *(uint32_t *)ctx;
	*gid += 2 * *(uint32_t *)ctx;
	return 0;
}

static void test_owners(void)
{
	uint32_t by = 100;
	struct tree_opts o = { .owner = shift, .ctx = &by };
	struct vfs_ns_cap_data cap = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { 1 << CAP_NET_RAW, 0 } } },
			       got = { 0 };
	struct err e = ERR_INIT;
	int fd;

	close(dir("o/d"));
	put("o/d/ping", "program");
	CHECK_INT(fchownat(top, "o/d/ping", 5, 6, 0), 0);
	CHECK_INT(fchmodat(top, "o/d/ping", 04755, 0), 0);
	fd = openat(top, "o/d/ping", O_RDONLY | O_CLOEXEC);
	CHECK_INT(fsetxattr(fd, "security.capability", &cap, XATTR_CAPS_SZ_2, 0), 0);
	CHECK_INT(fchmod(fd, 04755), 0);
	CHECK_INT(symlinkat("x", top, "o/l"), 0);
	CHECK_INT(copy("o", "o2", &o, NULL, &e), 0);
	CHECK_STR(e.msg, "");
	CHECK(look("o2").st_uid == 100 && look("o2").st_gid == 200);
	CHECK(look("o2/l").st_uid == 100 && look("o2/l").st_gid == 200);
	CHECK(look("o2/d/ping").st_uid == 105 && look("o2/d/ping").st_gid == 206);
	CHECK_INT(look("o2/d/ping").st_mode & 07777, 04755);
	/* The capability belongs to the new root now. */
	CHECK_INT(get_attr("o2/d/ping", "security.capability", &got, sizeof(got)), XATTR_CAPS_SZ_3);
	CHECK_INT(got.rootid, 100);
	CHECK_INT(got.magic_etc, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
	CHECK_INT(got.data[0].permitted, 1 << CAP_NET_RAW);
	/* Without a change of owner it stays what it was. */
	o.owner = NULL;
	CHECK_INT(copy("o", "o3", &o, NULL, &e), 0);
	CHECK_INT(get_attr("o3/d/ping", "security.capability", &got, sizeof(got)), XATTR_CAPS_SZ_2);
	/* An owner that has no place is named with its file. */
	o.owner = shift;
	CHECK_INT(fchownat(top, "o/d/ping", 1005, 6, 0), 0);
	CHECK_INT(copy("o", "o4", &o, NULL, &e), -EOVERFLOW);
	CHECK_STR(e.msg, "d/ping: belongs to user 1005");
}

static void test_limits(void)
{
	struct tree_opts few = { .max_entries = 3 }, small = { .max_bytes = 10 },
			 late = { .deadline_ns = 1 },
			 enough = { .max_entries = 4, .max_bytes = 12 };
	struct err e = ERR_INIT;

	close(dir("l/d"));
	put("l/a", "123456");
	put("l/d/b", "123456");
	put("l/d/c", "");
	CHECK_INT(copy("l", "l1", &few, NULL, &e), -ETIME);
	CHECK_INT(copy("l", "l2", &small, NULL, &e), -ETIME);
	CHECK_INT(copy("l", "l3", &late, NULL, &e), -ETIME);
	CHECK_STR(e.msg, "the copy of the tree takes longer than its limit");
	CHECK_INT(copy("l", "l4", &enough, NULL, &e), 0);
	/* What is there already is not written over. */
	CHECK_INT(copy("l", "l4", &enough, NULL, &e), -EEXIST);
}

/* Layers laid over each other, as overlayfs would show them. */
static void test_apply(void)
{
	struct tree_opts o = { .apply = true };
	struct err e = ERR_INIT;

	close(dir("a1/keep"));
	close(dir("a1/hidden/old"));
	close(dir("a1/todir"));
	put("a1/keep/lower", "lower");
	put("a1/keep/both", "lower");
	put("a1/gone", "x");
	put("a1/gone2", "x");
	put("a1/hidden/old/f", "x");
	put("a1/tofile", "x");
	put("a1/todir/f", "x");
	set_attr("a1/keep", "user.note", "lower");
	CHECK_INT(symlinkat("/etc", top, "a1/trap"), 0);
	CHECK_INT(mknodat(top, "a1/absent", S_IFCHR, makedev(0, 0)), 0);

	close(dir("a2/keep"));
	close(dir("a2/hidden"));
	close(dir("a2/tofile"));
	close(dir("a2/trap"));
	put("a2/keep/both", "upper");
	put("a2/trap/uctr-test", "must not reach /etc");
	put("a2/gone2", "");
	put("a2/hidden/new", "new");
	put("a2/todir", "a file now");
	CHECK_INT(mknodat(top, "a2/gone", S_IFCHR, makedev(0, 0)), 0);
	set_attr("a2/gone2", "user.overlay.whiteout", "y");
	set_attr("a2/hidden", "user.overlay.opaque", "y");
	set_attr("a2", "user.overlay.opaque", "x");
	CHECK_INT(fchmodat(top, "a2/keep", 0711, 0), 0);

	CHECK_INT(copy("a1", "a", &o, NULL, &e), 0);
	CHECK_INT(copy("a2", "a", &o, NULL, &e), 0);
	CHECK_STR(e.msg, "");
	check_text("a/keep/lower", "lower");
	check_text("a/keep/both", "upper");
	CHECK_INT(look("a/keep").st_mode & 07777, 0711);
	CHECK(get_attr("a/keep", "user.note", NULL, 0) < 0);
	CHECK(!exists("a/gone") && !exists("a/gone2") && !exists("a/absent"));
	CHECK(!exists("a/hidden/old"));
	check_text("a/hidden/new", "new");
	CHECK(get_attr("a/hidden", "user.overlay.opaque", NULL, 0) < 0);
	CHECK(get_attr("a", "user.overlay.opaque", NULL, 0) < 0);
	CHECK(S_ISDIR(look("a/tofile").st_mode));
	check_text("a/todir", "a file now");
	check_text("a/trap/uctr-test", "must not reach /etc");
	CHECK(access("/etc/uctr-test", F_OK) < 0);
	/* An opaque root hides all. */
	close(dir("a3"));
	put("a3/only", "only");
	set_attr("a3", "user.overlay.opaque", "y");
	CHECK_INT(copy("a3", "a", &o, NULL, &e), 0);
	CHECK(!exists("a/keep") && !exists("a/todir"));
	check_text("a/only", "only");
}

static int seen;

static void note(const struct tree_sums *s, void *ctx)
{
	(void)ctx;
	CHECK(s->entries > 0);
	seen++;
}

static void test_write_error(void)
{
	struct tree_opts o = { .progress = note };
	struct err e = ERR_INIT;
	const struct rlimit small = { 1000, 1000 };
	int status = -1;
	pid_t pid;

	close(dir("f"));
	put("f/a", "");
	CHECK_INT(truncate("f/a", 5000), 0);
	put("f/b", "");
	/* A limit of the process stands for a full disk: the same path, without a disk to fill. */
	pid = fork();
	if (pid == 0) {
		int fd = openat(top, "f/a", O_WRONLY | O_CLOEXEC);

		(void)fd_write_all(fd, "x", 1);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		_exit(copy("f", "f2", &o, NULL, &e) == -EFBIG &&
					streq(e.msg, "copy a: File too large")
				? 0
				: 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* The tests, once this process is root of its namespace. */
static int run_all(void)
{
	char base[] = "/tmp/uctr-test-XXXXXX";
	int code;

	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || !mkdtemp(base) || chdir(base) < 0)
		return 1;
	umask(022);
	top = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RUN(test_kinds);
	RUN(test_hard_links);
	RUN(test_holes);
	RUN(test_owners);
	RUN(test_limits);
	RUN(test_apply);
	RUN(test_write_error);
	RUN(test_deep);
	code = tap_end();
	return dir_remove(AT_FDCWD, base) < 0 ? 1 : code;
}

int main(void)
{
	struct idmap_job job;
	struct idmap map;
	struct err e = ERR_INIT;
	int ready[2], go[2], status = -1;
	char byte;
	pid_t pid;

	if (fd_pipe(ready) < 0 || fd_pipe(go) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1 ||
			read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(run_all());
	}
	if (pid < 0 || read(ready[0], &byte, 1) != 1 || idmap_full(&map, &e) < 0 ||
		idmap_write_start(pid, &map, &job, &e) < 0 || idmap_write_finish(&job, &e) < 0) {
		printf("not ok namespace: %s\n", e.msg);
		return 1;
	}
	if (write(go[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return status != 0;
}
