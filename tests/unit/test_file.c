/* SPDX-License-Identifier: Apache-2.0 */
/* Files: capped reads, atomic replace, removal that stays in place, locks, passed descriptors. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tap.h"

static int top = -1;

static void put(const char *name, const char *text)
{
	CHECK_INT(file_replace(top, name, text, strlen(text), 0600, false), 0);
}

static bool exists(const char *name)
{
	return faccessat(top, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_read(void)
{
	_cleanup_free_ char *s = NULL, *none = NULL, *big = calloc(1, 20000);
	size_t n = 0;

	put("a", "hello\n");
	CHECK_INT(file_read(top, "a", 6, &s, &n), 0);
	CHECK_STR(s, "hello\n");
	CHECK_INT(n, 6);
	CHECK_INT(file_read(top, "a", 5, &none, NULL), -EFBIG);
	CHECK_INT(file_read(top, "missing", 5, &none, NULL), -ENOENT);
	CHECK(none == NULL);
	memset(big, 'x', 19999);
	put("big", big);
	freep(&s);
	s = NULL;
	CHECK_INT(file_read(top, "big", 20000, &s, &n), 0);
	CHECK_INT(n, 19999);
	CHECK_STR(s, big);
}

static void test_replace(void)
{
	_cleanup_free_ char *s = NULL;
	struct stat st;

	put("r", "old");
	CHECK_INT(linkat(top, "r", top, "r2", 0), 0);
	CHECK_INT(file_replace(top, "r", "new", 3, 0640, true), 0);
	CHECK_INT(file_read(top, "r2", 100, &s, NULL), 0);
	CHECK_STR(s, "old"); /* a reader that had it open keeps whole old bytes */
	CHECK_INT(fstatat(top, "r", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0640);
	/* A link is replaced, not written through. */
	put("target", "safe");
	CHECK_INT(symlinkat("target", top, "link"), 0);
	put("link", "evil");
	freep(&s);
	s = NULL;
	CHECK_INT(file_read(top, "target", 100, &s, NULL), 0);
	CHECK_STR(s, "safe");
	/* A failure leaves nothing: the name is a directory that is not empty. */
	CHECK_INT(dir_make(top, "dir/sub", 0700), 0);
	CHECK(file_replace(top, "dir", "x", 1, 0600, false) < 0);
	CHECK(exists("dir/sub"));
}

static void test_poke(void)
{
	CHECK_INT(file_poke(top, "nothing", "1"), -ENOENT);
	CHECK(!exists("nothing"));
	CHECK_INT(file_poke(AT_FDCWD, "/dev/full", "1"), -ENOSPC);
	CHECK_INT(file_poke(AT_FDCWD, "/dev/null", "1"), 0);
}

static void test_dirs(void)
{
	CHECK_INT(dir_make(top, "p/q/r", 0700), 0);
	CHECK_INT(dir_make(top, "p/q/r", 0700), 0);
	put("file", "");
	CHECK_INT(dir_make(top, "file/x", 0700), -ENOTDIR);
	CHECK_INT(dir_remove(top, "p"), 0);
	CHECK(!exists("p"));
	CHECK_INT(dir_remove(top, "p"), 0);
	CHECK_INT(dir_remove(top, "file"), 0);
	CHECK(!exists("file"));
}

static void test_remove_links(void)
{
	put("keep", "");
	CHECK_INT(dir_make(top, "outside/in", 0700), 0);
	CHECK_INT(dir_make(top, "tree/a", 0700), 0);
	CHECK_INT(symlinkat("../outside", top, "tree/dirlink"), 0);
	CHECK_INT(symlinkat("../keep", top, "tree/a/filelink"), 0);
	CHECK_INT(fchmodat(top, "tree/a", 0, 0), 0); /* as overlay's work directory */
	CHECK_INT(dir_remove(top, "tree"), 0);
	CHECK(!exists("tree"));
	CHECK(exists("outside/in") && exists("keep"));
	/* A link itself goes, its target stays. */
	CHECK_INT(symlinkat("outside", top, "alias"), 0);
	CHECK_INT(dir_remove(top, "alias"), 0);
	CHECK(!exists("alias") && exists("outside/in"));
}

/* Deeper than there are descriptors. */
static void test_remove_deep(void)
{
	struct rlimit old, few;
	int at = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 3000; i++) {
		int next;

		CHECK(mkdirat(at, i ? "d" : "deep", 0700) == 0);
		next = openat(at, i ? "d" : "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(mkdirat(next, "beside", 0) == 0);
		close(at);
		at = next;
	}
	close(at);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ 256, old.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_INT(dir_remove(top, "deep"), 0);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK(!exists("deep"));
}

static void test_lock(void)
{
	_cleanup_fd_ int a = openat(top, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_fd_ int b = openat(top, "lock", O_RDWR | O_CLOEXEC);
	int status = -1;
	pid_t pid;

	CHECK_INT(lock_query(b), 0);
	CHECK_INT(lock_take(a, true, false), 0);
	CHECK_INT(lock_query(b), 1);
	CHECK_INT(lock_take(b, true, false), -EAGAIN);
	CHECK_INT(lock_take(b, false, false), -EAGAIN);
	/* A fork keeps it: the child's copy holds after the parent's close, and ends with the child. */
	pid = fork();
	if (pid == 0) {
		usleep(100000);
		_exit(lock_query(b) == 1 ? 0 : 1);
	}
	fd_closep(&a);
	CHECK_INT(lock_query(b), 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_INT(lock_query(b), 0);
	CHECK_INT(lock_take(b, false, false), 0);
	CHECK_INT(lock_release(b), 0);
}

static void test_pass(void)
{
	int sv[2], got[FD_PASS_MAX], fds[2] = { top, top };
	char text[8];
	size_t n = 9;

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	CHECK_INT(fd_send(sv[0], "hi", 3, fds, 2), 0);
	CHECK_INT(fd_recv(sv[1], text, sizeof(text), got, &n), 3);
	CHECK_STR(text, "hi");
	CHECK_INT(n, 2);
	CHECK(got[1] > 2 && (fcntl(got[1], F_GETFD) & FD_CLOEXEC));
	CHECK_INT(got[2], -1);
	close(got[0]);
	close(got[1]);
	/* A message that does not fit is refused, and its descriptor is not leaked. */
	CHECK_INT(fd_send(sv[0], "much too long", 14, fds, 1), 0);
	CHECK_INT(fd_recv(sv[1], text, sizeof(text), got, &n), -EMSGSIZE);
	CHECK_INT(got[0], -1);
	CHECK_INT(fd_send(sv[0], "x", 1, fds, FD_PASS_MAX + 1), -E2BIG);
	close(sv[0]);
	CHECK_INT(fd_recv(sv[1], text, sizeof(text), got, &n), 0);
	close(sv[1]);
}

static void test_close_except(void)
{
	int a = fcntl(top, F_DUPFD, 500), b = fcntl(top, F_DUPFD, 501),
	    c = fcntl(top, F_DUPFD, 502);
	int keep[] = { c, a, -1 };

	CHECK_INT(fd_close_except(500, keep, 3), 0);
	CHECK(fcntl(a, F_GETFD) >= 0 && fcntl(c, F_GETFD) >= 0);
	CHECK(fcntl(b, F_GETFD) < 0);
	CHECK_INT(fd_cloexec_from(502), 0);
	CHECK(!(fcntl(a, F_GETFD) & FD_CLOEXEC) && (fcntl(c, F_GETFD) & FD_CLOEXEC));
	close(a);
	close(c);
}

int main(void)
{
	char dir[] = "/tmp/uctr-test-XXXXXX";
	int code;

	if (!mkdtemp(dir))
		return 1;
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RUN(test_read);
	RUN(test_replace);
	RUN(test_poke);
	RUN(test_dirs);
	RUN(test_remove_links);
	RUN(test_remove_deep);
	RUN(test_lock);
	RUN(test_pass);
	RUN(test_close_except);
	close(top);
	code = tap_end();
	return dir_remove(AT_FDCWD, dir) < 0 ? 1 : code;
}
