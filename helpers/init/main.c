/* SPDX-License-Identifier: Apache-2.0 */
/* The first program inside a container: reaps and forwards for --init, or only steps aside. */

/*
 * Usage: uctr-init PATH ARG0 [ARG]...   pid 1 of a container that was started with --init
 *        uctr-exec PATH ARG0 [ARG]...   executes PATH in its own place
 *
 * The name in argv[0] chooses. PATH is executed with the argument vector ARG0... and the
 * environment as it is. Exit: the payload's status, 128+N when signal N ended it; 127 when PATH
 * does not exist, 126 when it cannot be executed; 125 when uctr-init itself fails.
 *
 * uctr starts this program from a sealed memory file. So /proc/PID/exe of a process that is about
 * to run an image's program never names a file of the host, and an image whose program is
 * "/proc/self/exe" gets this program, which it can neither write nor misuse.
 *
 * It runs inside roots that may lack a libc, and its size is paid at every start: hence no libc,
 * only system calls.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "uctr/rawcall.h"

#define EXIT_SELF 125
#define EXIT_NOEXEC 126
#define EXIT_NOENT 127

#define SIGSET_BYTES 8
#define SIGINFO_BYTES 128

void start_c(long *sp) __attribute__((noreturn, used));

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start_c\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl start_c\n");
#elif defined(__riscv) && __riscv_xlen == 64
__asm__(".globl _start\n"
	"_start:\n"
	".option push\n"
	".option norelax\n"
	"	la gp, __global_pointer$\n"
	".option pop\n"
	"	mv a0, sp\n"
	"	andi sp, sp, -16\n"
	"	call start_c\n");
#else
#error "no entry code for this architecture yet"
#endif

#define P(x) ((long)(x))

struct text {
	unsigned int len;
	char s[512];
};

static _Noreturn void quit(int code)
{
	for (;;)
		sys5(__NR_exit_group, code, 0, 0, 0, 0);
}

static void put_char(struct text *t, char c)
{
	if (t->len < sizeof(t->s))
		t->s[t->len++] = c;
}

static void put(struct text *t, const char *s)
{
	while (*s)
		put_char(t, *s++);
}

/* The path may come from an image: nothing in it may steer the terminal that shows the message. */
static void put_clean(struct text *t, const char *s)
{
	static const char hex[] = "0123456789abcdef";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c < 0x7f) {
			put_char(t, *s);
			continue;
		}
		put(t, "\\x");
		put_char(t, hex[c >> 4]);
		put_char(t, hex[c & 15]);
	}
}

static void put_number(struct text *t, unsigned int n)
{
	if (n >= 10)
		put_number(t, n / 10);
	put_char(t, (char)('0' + n % 10));
}

static void put_cause(struct text *t, int err)
{
	switch (err) {
	case ENOENT:
		put(t, "no such file or directory: its interpreter or loader is not in the "
		       "container");
		return;
	case EACCES:
		put(t, "Permission denied");
		return;
	case EPERM:
		put(t, "operation not permitted");
		return;
	case ENOEXEC:
		put(t, "Exec format error");
		return;
	case ENOTDIR:
		put(t, "a part of the path is not a directory");
		return;
	case ELOOP:
		put(t, "too many symbolic links");
		return;
	case E2BIG:
		put(t, "arguments and environment are too long");
		return;
	case ENOMEM:
		put(t, "out of memory");
		return;
	case EAGAIN:
		put(t, "the limit of processes is reached (--pids-limit, --ulimit nproc)");
		return;
	}
	put(t, "error ");
	put_number(t, (unsigned int)err);
}

/* One line, one write, so that it does not mix with other output. */
static void say(const char *what, const char *name, int err)
{
	struct text t;

	t.len = 0;
	put(&t, "uctr: ");
	put(&t, what);
	if (name) {
		put(&t, " '");
		put_clean(&t, name);
		/* A path of thousands of bytes must not push out the cause. */
		if (t.len > sizeof(t.s) - 120)
			t.len = sizeof(t.s) - 120;
		put(&t, "'");
	}
	put(&t, ": ");
	put_cause(&t, err);
	put(&t, "\n");
	sys5(__NR_write, 2, P(t.s), t.len, 0, 0);
}

static _Noreturn void exec_payload(char **argv, char **envp)
{
	int err = (int)-sys5(__NR_execve, P(argv[1]), P(argv + 2), P(envp), 0, 0);

	/* The same words as uctr's own. */
	say("exec", argv[2], err);
	quit(err == ENOENT ? EXIT_NOENT : EXIT_NOEXEC);
}

/*
 * The payload gets a process group of its own and, where standard input is the controlling
 * terminal, the foreground, so that Ctrl-C reaches it and not its init. Every signal is still
 * blocked here, SIGTTOU included, which would stop a background process that asks for this.
 */
static _Noreturn void run_child(char **argv, char **envp, const unsigned long *mask, long parent)
{
	int self = (int)sys5(__NR_getpid, 0, 0, 0, 0, 0);

	/* Outside a pid namespace of its own the kernel would let the payload outlive its init. */
	if (parent != 1) {
		sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (sys5(__NR_getppid, 0, 0, 0, 0, 0) != parent)
			quit(EXIT_SELF);
	}
	/* Cannot fail for a fresh child; without a terminal TIOCSPGRP fails, which is no error. */
	sys5(__NR_setpgid, 0, 0, 0, 0, 0);
	sys5(__NR_ioctl, 0, TIOCSPGRP, P(&self), 0, 0);
	sys5(__NR_rt_sigprocmask, SIG_SETMASK, P(mask), 0, SIGSET_BYTES, 0);
	exec_payload(argv, envp);
}

/*
 * Collects every child that ended. Returns when none is left to collect, or ends this process when
 * the payload was among them. Ctrl-Z on the payload has no shell above it that could bring it
 * back, so it goes on at once, as it would as pid 1; SIGSTOP, which someone sent on purpose, holds.
 */
static void reap(long child)
{
	int end = -1;

	for (;;) {
		int st = 0;
		long pid = sys5(__NR_wait4, -1, P(&st), WNOHANG | WUNTRACED, 0, 0);

		if (pid == -EINTR)
			continue;
		if (pid <= 0)
			break;
		if (pid != child)
			continue;
		if ((st & 0xff) == 0x7f) {
			if (((st >> 8) & 0xff) == SIGTSTP)
				sys5(__NR_kill, -child, SIGCONT, 0, 0, 0);
			continue;
		}
		end = (st & 0x7f) ? 128 + (st & 0x7f) : (st >> 8) & 0xff;
	}
	if (end >= 0)
		quit(end);
}

/* Signals are taken synchronously: no handler runs, so none can race with the wait. */
static _Noreturn void run_init(char **argv, char **envp)
{
	unsigned long all = ~0ul, old = 0;
	long self = sys5(__NR_getpid, 0, 0, 0, 0, 0);
	struct sigaction dfl = { 0 };
	long child;

	sys5(__NR_prctl, PR_SET_NAME, P("uctr-init"), 0, 0, 0);
	if (self != 1)
		sys5(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* An ignored SIGCHLD would make the kernel reap the payload and lose its exit status. */
	sys5(__NR_rt_sigaction, SIGCHLD, P(&dfl), 0, SIGSET_BYTES, 0);
	sys5(__NR_rt_sigprocmask, SIG_SETMASK, P(&all), P(&old), SIGSET_BYTES, 0);
	/* clone(2) has its later arguments in another order on each machine: all are zero. */
	child = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
	if (child < 0) {
		say("cannot start the payload", (const char *)0, (int)-child);
		quit(EXIT_SELF);
	}
	if (child == 0)
		run_child(argv, envp, &old, self);
	for (;;) {
		int info[SIGINFO_BYTES / sizeof(int)];
		long sig = sys5(__NR_rt_sigtimedwait, P(&all), P(info), 0, SIGSET_BYTES, 0);

		/* The kernel sends the two terminal signals to this process, not to the payload. */
		if (sig > 0 && sig != SIGCHLD && sig != SIGTTIN && sig != SIGTTOU)
			sys5(__NR_kill, child, sig, 0, 0, 0);
		reap(child);
	}
}

static int ends_with_exec(const char *s)
{
	const char *e = "uctr-exec";
	unsigned int n = 0, m = 9;

	while (s[n])
		n++;
	if (n < m)
		return 0;
	for (s += n - m; *s; s++, e++) {
		if (*s != *e)
			return 0;
	}
	return 1;
}

void start_c(long *sp)
{
	long argc = sp[0];
	char **argv = (char **)(sp + 1);
	char **envp = argv + argc + 1;

	if (argc < 3) {
		static const char usage[] = "uctr: usage: uctr-init|uctr-exec PATH ARG0 [ARG]...\n";

		sys5(__NR_write, 2, P(usage), sizeof(usage) - 1, 0, 0);
		quit(EXIT_SELF);
	}
	if (ends_with_exec(argv[0]))
		exec_payload(argv, envp);
	run_init(argv, envp);
}
