/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes ids and owners and prints what came of it. Nothing of what it prints depends on the id
 * map, so two containers can be compared line by line.
 *
 * usage: idprobe walk SEED ROUNDS   random changes of credentials, each round in a new process
 *        idprobe inherit            fork, double fork, thread, exec, groups
 *        idprobe files DIR          chown in all its forms, below the empty directory DIR
 *        idprobe ids                the ids of this process
 *        idprobe device PATH        mknod of a character and a block device
 *        idprobe swap DIR N         chown while another process exchanges what the names mean
 *        idprobe chown PATH UID     once, and the error's name
 *        idprobe keep              PR_SET_KEEPCAPS; `return` is what it executes
 *        idprobe wait FILE A B     once FILE is there: chown of A, then of B; and then it stays
 *        idprobe many N             N different sets of groups; says at which one it failed
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long r)
{
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, r);
	fflush(stdout);
}

static void print_ids(const char *what)
{
	uid_t r, e, s;
	gid_t g[64];
	int n;

	printf("%s: uid", what);
	if (getresuid(&r, &e, &s) == 0)
		printf(" %d %d %d fs %d (%d %d)", (int)r, (int)e, (int)s, setfsuid((uid_t)-1),
			(int)getuid(), (int)geteuid());
	printf(", gid");
	if (getresgid(&r, &e, &s) == 0)
		printf(" %d %d %d fs %d (%d %d)", (int)r, (int)e, (int)s, setfsgid((gid_t)-1),
			(int)getgid(), (int)getegid());
	n = getgroups(64, g);
	printf(", groups %d:", n);
	for (int i = 0; i < n; i++)
		printf(" %d", (int)g[i]);
	printf("\n");
	fflush(stdout);
}

static void reap(void)
{
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

/* --- walk ------------------------------------------------------------------------------------- */

static uint32_t state;

static int pick(int n)
{
	state = state * 1664525U + 1013904223U;
	return (int)((state >> 16) % (uint32_t)n);
}

static uid_t some_id(void)
{
	static const uid_t ids[] = { 0, 1, 2, 3, (uid_t)-1 };

	return ids[pick(5)];
}

/* The raw calls: the C library's would tell threads, of which there are none. */
static void step(void)
{
	static const struct {
		const char *name;
		long nr;
		int args;
	} set[] = { { "setuid", SYS_setuid, 1 }, { "setgid", SYS_setgid, 1 },
		{ "setreuid", SYS_setreuid, 2 }, { "setregid", SYS_setregid, 2 },
		{ "setresuid", SYS_setresuid, 3 }, { "setresgid", SYS_setresgid, 3 },
		{ "setfsuid", SYS_setfsuid, 1 }, { "setfsgid", SYS_setfsgid, 1 } };
	int i = pick(9);
	uid_t a = some_id(), b = some_id(), c = some_id();
	gid_t groups[] = { a, b, c };
	char what[64];

	if (i == 8) {
		int n = pick(4);

		snprintf(what, sizeof(what), "setgroups %d (%d %d %d)", n, (int)a, (int)b, (int)c);
		say(what, syscall(SYS_setgroups, n, groups));
		return;
	}
	snprintf(what, sizeof(what), "%s %d %d %d", set[i].name, (int)a,
		set[i].args > 1 ? (int)b : 0, set[i].args > 2 ? (int)c : 0);
	say(what, syscall(set[i].nr, a, b, c));
}

static void walk(uint32_t seed, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		state = seed + (uint32_t)i * 7919U;
		if (fork() == 0) {
			for (int k = 0; k < 12; k++)
				step();
			print_ids("ends as");
			_exit(0);
		}
		reap();
	}
}

/* --- inherit ---------------------------------------------------------------------------------- */

static void *in_thread(void *unused)
{
	(void)unused;
	print_ids("thread");
	say("thread setegid", setegid(9));
	return NULL;
}

static void drop(uid_t uid)
{
	gid_t groups[] = { 4, 5 };

	say("setgroups", setgroups(2, groups));
	say("setresgid", setresgid(uid, uid, uid));
	say("setresuid", setresuid(uid, uid, uid));
}

static void cannot_return(void)
{
	say("setuid 0", setuid(0));
	say("seteuid 0", seteuid(0));
	say("setreuid 0", setreuid(0, 0));
	say("setgid 0", setgid(0));
	say("setgroups", setgroups(0, NULL));
}

static void inherit(char **argv)
{
	int p[2];
	pthread_t t;
	char c;

	if (pipe(p) < 0)
		_exit(2);
	if (fork() == 0) {
		drop(42);
		if (fork() == 0) {
			if (fork() == 0) {
				/* Its parent ends now: an orphan. */
				close(p[1]);
				(void)!read(p[0], &c, 1);
				print_ids("orphan");
				cannot_return();
				_exit(0);
			}
			_exit(0);
		}
		reap();
		close(p[0]);
		close(p[1]);
		print_ids("child");
		execl(argv[0], argv[0], "ids", (char *)NULL);
		_exit(2);
	}
	close(p[0]);
	while (wait(NULL) < 0 && errno == EINTR)
		;
	close(p[1]);
	usleep(300000); /* the orphan is nobody's child, or ours as init */
	reap();
	print_ids("parent");
	if (pthread_create(&t, NULL, in_thread, NULL) == 0)
		pthread_join(t, NULL);
	print_ids("after thread");
	say("setegid 0", setegid(0));
	say("getgroups short", syscall(SYS_getgroups, -1, NULL));
	say("setgroups bad", syscall(SYS_setgroups, 2, (void *)8));
	say("getresuid bad", syscall(SYS_getresuid, (void *)8, (void *)8, (void *)8));
	say("setgroups many", syscall(SYS_setgroups, 70000, NULL));
	say("setuid -1", syscall(SYS_setuid, -1));
}

/* --- files ------------------------------------------------------------------------------------ */

static void mode_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		printf("%s has mode %o\n", path, st.st_mode & 07777);
}

static void put(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	if (fd < 0 || fchmod(fd, mode) < 0)
		_exit(2);
	close(fd);
}

static void at_forms(void)
{
	int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("f", O_RDONLY), p[2];
	int path = open("link", O_PATH | O_NOFOLLOW);

	say("fchown", fchown(file, 1, 2));
	say("fchown bad", fchown(999, 1, 2));
	say("fchownat dir", fchownat(dir, "inner", 1, 2, 0));
	say("fchownat up", fchownat(dir, "../f", 1, 2, 0));
	say("fchownat empty", fchownat(file, "", 3, 3, AT_EMPTY_PATH));
	say("fchownat cwd", fchownat(AT_FDCWD, "", 0, 0, AT_EMPTY_PATH));
	say("fchownat link itself", fchownat(path, "", 3, 3, AT_EMPTY_PATH));
	say("fchownat no empty", fchownat(file, "", 3, 3, 0));
	say("fchownat flags", fchownat(dir, "inner", 3, 3, 0x10000));
	say("fchownat file as dir", fchownat(file, "inner", 3, 3, 0));
	say("fchownat bad dir", fchownat(999, "inner", 3, 3, 0));
	say("fchownat absolute", fchownat(999, "/", -1, -1, 0));
	if (pipe(p) == 0)
		say("fchown pipe", fchown(p[0], 1, 1));
	say("chown stdout", chown("/dev/stdout", 1, -1));
	say("chown own fd", chown("/proc/self/fd/1", 0, -1));
}

static void as_user(void)
{
	char way[PATH_MAX];

	if (fork() == 0) {
		say("setgroups", setgroups(1, (gid_t[]){ 2 }));
		say("setgid", setgid(1));
		say("setuid", setuid(1));
		say("chown root's", chown("f", 1, 1));
		say("chown root's to nobody new", chown("f", -1, -1));
		say("chown own to other", chown("own", 2, -1));
		say("chown own to self", chown("own", 1, 1));
		say("chgrp own to a group of mine", chown("own", -1, 2));
		say("chgrp own to another", chown("own", -1, 3));
		say("chown link of mine", lchown("ownlink", 1, 2));
		say("chown link of root's", lchown("link", 1, 2));
		_exit(0);
	}
	reap();
	memset(way, 'a', sizeof(way));
	way[sizeof(way) - 1] = '\0';
	say("name too long", chown(way, 1, 1));
	say("bad pointer", chown((char *)8, 1, 1));
}

/* TEXT so that its NUL is the last byte that is there. */
static char *at_end_of_page(const char *text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = strlen(text) + 1;
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + page, page) < 0)
		_exit(2);
	return memcpy(p + page - n, text, n);
}

static void files(const char *dir)
{
	/* Not in DIR itself: where it is sticky, fs.protected_regular forbids even root to open a file
	 * of another user with O_CREAT. */
	if (chdir(dir) < 0 || mkdir("files", 0755) < 0 || chdir("files") < 0 ||
		mkdir("d", 0755) < 0)
		_exit(2);
	put("f", 04755);
	put("own", 0644);
	put("d/inner", 02755);
	if (symlink("f", "link") < 0 || symlink("nowhere", "dangling") < 0 ||
		symlink("loop", "loop") < 0 || symlink("f", "ownlink") < 0 ||
		mkfifo("fifo", 0644) < 0 || link("f", "hard") < 0)
		_exit(2);
	say("chown", chown("f", 1, 2));
	mode_of("f");
	put("f", 04755);
	say("chown through link", chown("link", 3, 3));
	mode_of("f");
	say("chown dir", chown("d", 1, 1));
	mode_of("d/inner");
	say("chown inner", chown("d/inner", 1, -1));
	mode_of("d/inner");
	say("chown fifo", chown("fifo", 1, 1));
	say("lchown", lchown("link", 1, 2));
	say("lchown dangling", lchown("dangling", 1, 2));
	say("chown dangling", chown("dangling", 1, 2));
	say("chown loop", chown("loop", 1, 2));
	say("chown nothing", chown("", 1, 2));
	say("chown below a file", chown("f/x", 1, 2));
	say("chown slash", chown("f/", 1, 2));
	say("chown dir slash", chown("d/", 0, 0));
	say("chown read-only", chown("/sys/kernel", 1, 1));
	say("chown own", chown("own", 1, 1));
	say("lchown own", lchown("ownlink", 1, 1));
	say("chown at a page's end", chown(at_end_of_page("f"), 0, 0));
	at_forms();
	as_user();
	say("chown back", chown("f", 0, 0));
}

/* --- the others ------------------------------------------------------------------------------- */

static void device(const char *path)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s.c", path);
	say("character device", mknod(name, S_IFCHR | 0620, makedev(4, 300)));
	say("again", mknod(name, S_IFCHR | 0620, makedev(4, 300)));
	mode_of(name);
	snprintf(name, sizeof(name), "%s.b", path);
	say("block device", mknodat(AT_FDCWD, name, S_IFBLK | 0666, makedev(8, 1)));
	snprintf(name, sizeof(name), "%s.p", path);
	say("fifo", mknod(name, S_IFIFO | 0600, 0));
	snprintf(name, sizeof(name), "%s.none/x", path);
	say("nowhere", mknod(name, S_IFCHR | 0600, makedev(1, 3)));
	say("root", mknod("/", S_IFCHR | 0600, makedev(1, 3)));
	if (fork() == 0) {
		say("setuid", setuid(5));
		snprintf(name, sizeof(name), "%s.u", path);
		say("as user", mknod(name, S_IFCHR | 0600, makedev(1, 3)));
		_exit(0);
	}
	reap();
}

/* DIR/x is a file in one moment and a link to /etc/passwd or out of the root in the next. */
static void swap(const char *dir, int n)
{
	static const char *const targets[] = { "/etc/passwd", "../../../../../../../etc/shadow",
		"/proc/1/root/etc/group", "/proc/self/root/etc/group", "/1/root/etc/passwd" };
	int *exchanged =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t other;
	int done = 0;

	if (chdir(dir) < 0 || exchanged == MAP_FAILED)
		_exit(2);
	other = fork();
	for (int i = 0; other == 0; i = (i + 1) % 5, ++*exchanged) {
		unlink("y");
		if (symlink(targets[i], "y") == 0)
			rename("y", "x");
		close(open("z", O_CREAT | O_WRONLY, 0644));
		rename("z", "x");
	}
	/* On a busy machine the other one has to get its turns too. */
	for (int i = 0; i < n || *(volatile int *)exchanged < 5 * n; i++)
		done += lchown("x", 7, 7) == 0;
	kill(other, SIGKILL);
	reap();
	say("some were files", done > 0);
}

static void many(int n)
{
	for (int i = 0; i < n; i++) {
		gid_t g[] = { (gid_t)i + 1, 7 };

		if (setgroups(2, g) < 0) {
			printf("failed: %s\n", strerrorname_np(errno));
			print_ids("still");
			return;
		}
	}
	print_ids("all");
}

/* PR_SET_KEEPCAPS: rights outlive the change of ids, and end with the next program. */
static void keep(char **argv)
{
	say("keep", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	say("setresuid", setresuid(9, 9, 9));
	say("setresgid", setresgid(9, 9, 9));
	execl(argv[0], argv[0], "return", (char *)NULL);
}

static void wait_and_chown(const char *file, const char *a, const char *b)
{
	while (access(file, F_OK) < 0)
		usleep(20000);
	say("hangs", chown(a, 7, 7));
	say("then", chown(b, 7, 7));
	pause();
}

static int number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *a = argc > 2 ? argv[2] : "", *b = argc > 3 ? argv[3] : "";

	umask(0);
	if (strcmp(what, "walk") == 0)
		walk((uint32_t)number(a), number(b));
	else if (strcmp(what, "inherit") == 0)
		inherit(argv);
	else if (strcmp(what, "files") == 0)
		files(a);
	else if (strcmp(what, "ids") == 0)
		print_ids("ids");
	else if (strcmp(what, "device") == 0)
		device(a);
	else if (strcmp(what, "swap") == 0)
		swap(a, number(b));
	else if (strcmp(what, "chown") == 0)
		say("chown", lchown(a, (uid_t)number(b), (gid_t)-1));
	else if (strcmp(what, "many") == 0)
		many(number(a));
	else if (strcmp(what, "wait") == 0 && argc == 5)
		wait_and_chown(a, b, argv[4]);
	else if (strcmp(what, "keep") == 0)
		keep(argv);
	else if (strcmp(what, "return") == 0)
		say("after exec", seteuid(0));
	else
		return 2;
	return 0;
}
