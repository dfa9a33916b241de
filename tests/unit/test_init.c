/* SPDX-License-Identifier: Apache-2.0 */
/* The init program as containers run it: from a memory file, as pid 1 and as a plain process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/init_blob.h"
#include "tap.h"

#define ORPHANS 10
#define PATIENCE 200 /* times 25 ms */

static char self_path[4096];
static int init_fd = -1;

/* One run: standard input and output of the payload, and all of its standard error. */
struct run {
	pid_t pid;
	int out, err, tty;
};

struct how {
	const char *mode; /* argv[0] */
	bool plain; /* without a pid namespace */
	bool tty;
	bool ignore_chld;
};

static const struct how as_init = { .mode = "uctr-init" };
static const struct how as_exec = { .mode = "uctr-exec" };
static const struct how as_plain_init = { .mode = "uctr-init", .plain = true };

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static _Noreturn void become(
	const struct how *how, struct run *r, int out, int err, int tty, char *const args[])
{
	static char *envp[] = { (char *)"MARK=kept", (char *)"PATH=/usr/bin:/bin",
		(char *)"ASAN_OPTIONS=detect_leaks=0" /* nobody traces pid 1 for them */, NULL };
	char *argv[16] = { (char *)how->mode };
	sigset_t set;

	for (int i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	close(r->out);
	close(r->err);
	dup2(out, 1);
	dup2(err, 2);
	if (tty >= 0) {
		setsid();
		dup2(tty, 0);
		ioctl(0, TIOCSCTTY, 0);
	}
	signal(SIGCHLD, how->ignore_chld ? SIG_IGN : SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	syscall(SYS_execveat, init_fd, "", argv, envp, AT_EMPTY_PATH);
	_exit(99);
}

static struct run start_args(const struct how *how, char *const args[])
{
	struct run r = { .pid = -1, .tty = -1 };
	int out[2], err[2], slave = -1;

	CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	r.out = out[0];
	r.err = err[0];
	if (how->tty)
		CHECK(openpty(&r.tty, &slave, NULL, NULL, NULL) == 0);
	r.pid = (pid_t)syscall(SYS_clone, (how->plain ? 0 : CLONE_NEWUSER | CLONE_NEWPID) | SIGCHLD,
		NULL, NULL, NULL, NULL);
	if (r.pid == 0)
		become(how, &r, out[1], err[1], slave, args);
	CHECK(r.pid > 0);
	close(out[1]);
	close(err[1]);
	if (slave >= 0)
		close(slave);
	return r;
}

static struct run start(
	const struct how *how, const char *path, const char *a0, const char *a1, const char *a2)
{
	char *const args[] = { (char *)path, (char *)a0, (char *)a1, (char *)a2, NULL };

	return start_args(how, args);
}

static struct run start_sh(const struct how *how, const char *script)
{
	return start(how, "/bin/sh", "sh", "-c", script);
}

static struct run start_self(const struct how *how, const char *what)
{
	return start(how, self_path, "test_init", what, NULL);
}

/* Waits for "ready" from the payload: one byte. */
static void ready(const struct run *r)
{
	char c;

	CHECK_INT(read(r->out, &c, 1), 1);
}

/* Exit code, or 128 + signal for init itself. What was on stderr goes to `err`. */
static int finish(struct run *r, char *err, size_t size)
{
	char buf[1024];
	ssize_t n = fd_read_full(r->err, err ? err : buf, (err ? size : sizeof(buf)) - 1);
	int st = 0;

	if (err)
		err[n < 0 ? 0 : n] = '\0';
	CHECK_INT(waitpid(r->pid, &st, 0), r->pid);
	close(r->out);
	close(r->err);
	if (r->tty >= 0)
		close(r->tty);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* Reads /proc/PID/stat: state, parent and process group. */
static bool look(pid_t pid, char *state, int *ppid, int *pgid)
{
	char path[64], line[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return p && sscanf(p + 1, " %c %d %d", state, ppid, pgid) == 3;
}

/* Children of a process: how many are zombies, how many live, and the last living one. */
static int children(pid_t parent, int *ret_zombies, pid_t *ret_child)
{
	char path[64], state;
	int ppid, pgid, alive = 0, pid;
	FILE *f;

	*ret_zombies = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		if (!look(pid, &state, &ppid, &pgid))
			continue;
		if (state == 'Z') {
			(*ret_zombies)++;
		} else {
			alive++;
			*ret_child = pid;
		}
	}
	if (f)
		fclose(f);
	return alive;
}

static pid_t payload_of(const struct run *r)
{
	pid_t child = -1;
	int zombies;

	CHECK_INT(children(r->pid, &zombies, &child), 1);
	return child;
}

/* --- exit codes and errors ----------------------------------------------------------------- */

static void test_exit_codes(void)
{
	const struct how *const both[] = { &as_init, &as_exec, &as_plain_init };
	static const int codes[] = { 0, 1, 7, 125, 255 };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(codes); k++) {
			_cleanup_free_ char *script = str_printf("exit %d", codes[k]);
			struct run r = start_sh(both[i], script);

			CHECK_INT(finish(&r, NULL, 0), codes[k]);
		}
	}
}

static void test_death_by_signal_is_128_plus_its_number(void)
{
	static const int sigs[] = { SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE };

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		_cleanup_free_ char *script = str_printf("ulimit -c 0; kill -%d $$", sigs[i]);
		struct run r = start_sh(&as_init, script);

		CHECK_INT(finish(&r, NULL, 0), 128 + sigs[i]);
	}
}

static void test_what_cannot_be_executed(void)
{
	const struct how *const both[] = { &as_init, &as_exec };
	char err[1024];

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct run r = start(both[i], "/no/such", "/no/such\033[2J\n", NULL, NULL);

		CHECK_INT(finish(&r, err, sizeof(err)), 127);
		CHECK_STR(err, "uctr: exec '/no/such\\x1b[2J\\x0a': no such file or directory: its "
			       "interpreter or loader is not in the container\n");
		r = start(both[i], "/etc/passwd", "passwd", NULL, NULL);
		CHECK_INT(finish(&r, err, sizeof(err)), 126);
		CHECK_STR(err, "uctr: exec 'passwd': Permission denied\n");
		r = start(both[i], "/etc", "x", NULL, NULL);
		CHECK_INT(finish(&r, err, sizeof(err)), 126);
	}
}

static void test_a_long_path_does_not_push_out_the_cause(void)
{
	_cleanup_free_ char *path = str_printf("/%02999d", 0);
	char err[1024];
	struct run r = start(&as_exec, path, path, NULL, NULL);

	CHECK_INT(finish(&r, err, sizeof(err)), 126);
	CHECK(str_endswith(err, "00': error 36\n") && strlen(err) < 512);
}

/* "/proc/self/exe" as the image's program: uctr's own binary must not be what runs. */
static void test_the_own_binary_is_the_memory_file(void)
{
	char err[1024];
	struct run r = start(&as_exec, "/proc/self/exe", "x", NULL, NULL);

	CHECK_INT(finish(&r, err, sizeof(err)), 125);
	CHECK_STR(err, "uctr: usage: uctr-init|uctr-exec PATH ARG0 [ARG]...\n");
}

static void test_environment_arguments_and_mask_are_the_payloads(void)
{
	const struct how *const both[] = { &as_init, &as_exec };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct run r = start_self(both[i], "mask");

		CHECK_INT(finish(&r, NULL, 0), 42);
		r = start_sh(both[i], "test \"$0:$MARK\" = 'sh:kept' && exit 43");
		CHECK_INT(finish(&r, NULL, 0), 43);
	}
}

/* --- signals ------------------------------------------------------------------------------- */

static void test_signals_reach_the_payload(void)
{
	const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGALRM, SIGWINCH, SIGCONT,
		SIGABRT, SIGPIPE, SIGRTMIN + 3 };

	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		_cleanup_free_ char *script = str_printf("trap 'exit 40' %d; echo; "
							 "while :; do sleep 0.05; done",
			sigs[i]);
		struct run r = start_sh(i % 2 ? &as_init : &as_plain_init, script);

		ready(&r);
		kill(r.pid, sigs[i]);
		CHECK_INT(finish(&r, NULL, 0), 40);
	}
}

static void test_an_ignored_sigchld_does_not_lose_the_status(void)
{
	struct how how = { .mode = "uctr-init", .ignore_chld = true };
	struct run r = start_sh(&how, "exit 17");

	CHECK_INT(finish(&r, NULL, 0), 17);
}

static void test_the_payload_ends_with_its_init(void)
{
	const struct how *const both[] = { &as_init, &as_plain_init };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct run r = start_sh(both[i], "echo; exec sleep 30");
		pid_t child;

		ready(&r);
		child = payload_of(&r);
		kill(r.pid, SIGKILL);
		CHECK_INT(finish(&r, NULL, 0), 128 + SIGKILL);
		for (int k = 0; k < PATIENCE && kill(child, 0) == 0; k++)
			pause_ms(25);
		CHECK(kill(child, 0) < 0 && errno == ESRCH);
	}
}

/* --- zombies ------------------------------------------------------------------------------- */

static int zombies_after_orphans(const struct how *how)
{
	struct run r = start_self(how, "orphans");
	pid_t child = -1;
	int zombies = -1;

	ready(&r);
	for (int i = 0; i < 20; i++) {
		children(r.pid, &zombies, &child);
		if (zombies == 0)
			break;
		pause_ms(25);
	}
	kill(r.pid, SIGKILL);
	finish(&r, NULL, 0);
	return zombies;
}

static void test_zombies_are_reaped(void)
{
	CHECK_INT(zombies_after_orphans(&as_init), 0);
	CHECK_INT(zombies_after_orphans(&as_plain_init), 0);
	/* The red control: the same payload as pid 1 itself keeps them. */
	CHECK_INT(zombies_after_orphans(&as_exec), ORPHANS);
}

/* --- terminal ------------------------------------------------------------------------------ */

static const struct how on_terminal = { .mode = "uctr-init", .tty = true };

static void test_the_payload_has_the_foreground(void)
{
	struct run r = start_sh(&on_terminal, "echo; exec sleep 30");
	int ppid, pgid = -1;
	char state;
	pid_t child;

	ready(&r);
	child = payload_of(&r);
	CHECK(look(child, &state, &ppid, &pgid));
	CHECK_INT(pgid, child);
	CHECK_INT(tcgetpgrp(r.tty), child);
	CHECK_INT(write(r.tty, "\003", 1), 1);
	CHECK_INT(finish(&r, NULL, 0), 128 + SIGINT);
}

static char wait_state(pid_t pid, char want, int tries)
{
	char state = '?';
	int ppid, pgid;

	for (int i = 0; i < tries; i++) {
		if (look(pid, &state, &ppid, &pgid) && state == want)
			break;
		pause_ms(25);
	}
	return state;
}

static void test_ctrl_z_does_not_freeze_the_payload(void)
{
	struct run r = start_self(&on_terminal, "count-cont");
	pid_t child;

	ready(&r);
	child = payload_of(&r);
	CHECK_INT(write(r.tty, "\032", 1), 1);
	/* The payload reports that it was continued. */
	ready(&r);
	CHECK(wait_state(child, 'S', PATIENCE) == 'S');
	kill(r.pid, SIGTERM);
	CHECK_INT(finish(&r, NULL, 0), 128 + SIGTERM);
}

static void test_sigstop_holds_until_sigcont(void)
{
	struct run r = start_self(&as_init, "count-cont");
	pid_t child = (ready(&r), payload_of(&r));

	kill(child, SIGSTOP);
	CHECK(wait_state(child, 'T', PATIENCE) == 'T');
	CHECK(wait_state(child, 'S', 8) == 'T');
	kill(r.pid, SIGCONT);
	ready(&r);
	kill(r.pid, SIGTERM);
	CHECK_INT(finish(&r, NULL, 0), 128 + SIGTERM);
}

/* --- payloads ------------------------------------------------------------------------------ */

static void say_ready(int sig)
{
	ssize_t n = write(1, "r", 1);

	(void)sig;
	(void)n;
}

/* Makes orphans that end, and stays without waiting for anything. */
static int payload_orphans(void)
{
	pid_t middle = fork();

	if (middle == 0) {
		for (int i = 0; i < ORPHANS; i++) {
			if (fork() == 0) {
				pause_ms(50);
				_exit(0);
			}
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	pause_ms(200);
	say_ready(0);
	for (;;)
		pause();
}

static int payload(const char *what)
{
	sigset_t set;

	if (streq(what, "orphans"))
		return payload_orphans();
	if (streq(what, "count-cont")) {
		signal(SIGCONT, say_ready);
		say_ready(0);
		for (;;)
			pause();
	}
	if (streq(what, "mask") && sigprocmask(SIG_BLOCK, NULL, &set) == 0)
		return sigismember(&set, SIGUSR2) && !sigismember(&set, SIGUSR1) &&
				       !sigismember(&set, SIGTERM)
			       ? 42
			       : 1;
	return 2;
}

static bool prepare(void)
{
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	pid_t pid;

	init_fd = memfd_create("uctr-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (n <= 0 || init_fd < 0 || fd_write_all(init_fd, init_blob, init_blob_len) < 0)
		return false;
	pid = (pid_t)syscall(
		SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		printf("not ok makes a user and a pid namespace: %s\n", strerror(errno));
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return payload(argv[1]);
	if (!prepare())
		return EXIT_FAILURE;
	RUN(test_exit_codes);
	RUN(test_death_by_signal_is_128_plus_its_number);
	RUN(test_what_cannot_be_executed);
	RUN(test_a_long_path_does_not_push_out_the_cause);
	RUN(test_the_own_binary_is_the_memory_file);
	RUN(test_environment_arguments_and_mask_are_the_payloads);
	RUN(test_signals_reach_the_payload);
	RUN(test_an_ignored_sigchld_does_not_lose_the_status);
	RUN(test_the_payload_ends_with_its_init);
	RUN(test_zombies_are_reaped);
	RUN(test_the_payload_has_the_foreground);
	RUN(test_ctrl_z_does_not_freeze_the_payload);
	RUN(test_sigstop_holds_until_sigcont);
	return tap_end();
}
