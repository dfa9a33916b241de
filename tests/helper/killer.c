/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and follows every process of uctr's that comes of it, system call by system call;
 * at a chosen one it kills, or lets the call fail.
 *
 * usage: killer count COMMAND...               how many points there are: "ROLE NUMBER" lines
 *        killer count:ERRNO COMMAND...         how many calls that may fail so
 *        killer kill ROLE N COMMAND...         SIGKILL at the Nth stop of the processes of ROLE (each
 *                                              call is two stops: before it is made, and after)
 *        killer all ROLE N COMMAND...          the same to every process that is followed
 *        killer ERRNO ROLE N COMMAND...        the Nth of those calls is not made, and fails so
 * Standard output and error are the command's, but for the lines of count; what was done is written
 * to the file of $KILLER_LOG. The exit code is the command's, 99 after $KILLER_SECONDS (30).
 *
 * Roles: the verb of a uctr command (run, exec, rm) or of uctr-transfer (unpack, remove), monitor, child (the container's first process
 * until it becomes the payload), join and joined (the two of an exec), holder (of a user namespace),
 * spawn (a vfork before its execve), idmap (newuidmap and newgidmap: killed somewhere in their
 * beginning, as a setuid program that is traced would lose its rights), and programs by their names.
 * Payloads and what else the command starts are not followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#define PROCS 4096
#define ROLES 64
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |  \
		PTRACE_O_TRACEEXEC)

struct proc {
	pid_t pid;
	char role[24]; /* "" while its parent's event has not come */
	char becomes[24]; /* the role after the execve under way; "-": not followed */
	bool stopped, counted; /* first stop seen; has made a child by clone3 */
	bool fails; /* the call under way is made to fail */
	long nr;
	uint64_t flags; /* of the clone under way */
};

static struct {
	char name[24];
	unsigned long n;
} roles[ROLES];

static struct proc procs[PROCS];
static const char *mode, *want_role;
static unsigned long want_n;
static int want_errno;
static bool done;
static pid_t root;

static void die(const char *what)
{
	fprintf(stderr, "killer: %s: %s\n", what, strerror(errno));
	exit(98);
}

static void note(const struct proc *p, const char *what)
{
	const char *path = getenv("KILLER_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s: %s %s %lu, system call %ld\n", mode, what, p->role, want_n, p->nr);
	fclose(f);
}

static struct proc *find(pid_t pid)
{
	struct proc *unused = NULL;

	for (int i = 0; i < PROCS; i++) {
		if (procs[i].pid == pid)
			return &procs[i];
		if (!procs[i].pid && !unused)
			unused = &procs[i];
	}
	if (!unused)
		die("too many processes");
	memset(unused, 0, sizeof(*unused));
	unused->pid = pid;
	unused->nr = -1;
	return unused;
}

static unsigned long count(const char *role)
{
	for (int i = 0; i < ROLES; i++) {
		if (!roles[i].name[0])
			snprintf(roles[i].name, sizeof(roles[i].name), "%s", role);
		if (!strcmp(roles[i].name, role))
			return ++roles[i].n;
	}
	return 0;
}

/* Reads of another's memory; false where that is not allowed or not there. */
static bool peek(pid_t pid, uint64_t at, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long v;

		errno = 0;
		v = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)(at + i), NULL);
		if (errno)
			return false;
		memcpy((char *)buf + i, &v, len - i < sizeof(v) ? len - i : sizeof(v));
	}
	return true;
}

static bool peek_text(pid_t pid, uint64_t at, char *buf, size_t size)
{
	for (size_t i = 0; at && i + sizeof(long) <= size; i += sizeof(long)) {
		if (!peek(pid, at + i, buf + i, sizeof(long)))
			return false;
		if (memchr(buf + i, 0, sizeof(long)))
			return true;
	}
	return false;
}

/* --- killing ---------------------------------------------------------------------------------- */

static void strike(struct proc *p, const char *where)
{
	done = true;
	note(p, where);
	if (strcmp(mode, "all") != 0) {
		kill(p->pid, SIGKILL);
		return;
	}
	for (int i = 0; i < PROCS; i++) {
		if (procs[i].pid && strcmp(procs[i].role, "script") != 0)
			kill(procs[i].pid, SIGKILL);
	}
}

static bool killing(void)
{
	return !strcmp(mode, "kill") || !strcmp(mode, "all");
}

/* The map helpers are let go at their execve; their points are moments after it. */
static void let_idmap_go(struct proc *p)
{
	unsigned long n;

	snprintf(p->role, sizeof(p->role), "idmap");
	for (int i = 0; i < 4; i++) {
		n = count("idmap");
		if (killing() && !done && !strcmp(want_role, "idmap") && n == want_n) {
			done = true;
			note(p, "begin of");
			ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
			usleep(200u * (unsigned int)i);
			kill(p->pid, SIGKILL);
			p->pid = 0;
			return;
		}
	}
	ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
	p->pid = 0;
}

/* --- following -------------------------------------------------------------------------------- */

static bool is_script(const struct proc *p)
{
	return !strcmp(p->role, "script");
}

/* An execve begins: what will it be? False when the process was let go. */
static bool exec_begins(struct proc *p, uint64_t path, uint64_t argv)
{
	char text[256], verb[24];
	const char *name;
	uint64_t arg1 = 0;

	snprintf(p->becomes, sizeof(p->becomes), "-");
	if (!strcmp(p->role, "child") || !strcmp(p->role, "joined"))
		return true;
	if (!peek_text(p->pid, path, text, sizeof(text)))
		return true;
	name = strrchr(text, '/');
	name = name ? name + 1 : text;
	if (!strcmp(name, "newuidmap") || !strcmp(name, "newgidmap")) {
		let_idmap_go(p);
		return false;
	}
	if ((!strcmp(name, "uctr") || !strcmp(name, "uctr-transfer")) &&
		peek(p->pid, argv + sizeof(char *), &arg1, sizeof(arg1)) &&
		peek_text(p->pid, arg1, verb, sizeof(verb)))
		snprintf(p->becomes, sizeof(p->becomes), "%.23s", verb);
	else if (!strcmp(name, "sh") || !strcmp(name, "dash") || !strcmp(name, "env"))
		snprintf(p->becomes, sizeof(p->becomes), "script");
	else if (!is_script(p))
		snprintf(p->becomes, sizeof(p->becomes), "%.23s", name);
	return true;
}

static bool call_begins(struct proc *p, const struct __ptrace_syscall_info *info)
{
	const uint64_t *a = (const uint64_t *)info->entry.args;

	p->nr = (long)info->entry.nr;
	p->flags = 0;
	if (p->nr == SYS_clone)
		p->flags = a[0];
	else if (p->nr == SYS_clone3)
		(void)peek(p->pid, a[0], &p->flags, sizeof(p->flags));
#ifdef SYS_vfork
	else if (p->nr == SYS_vfork)
		p->flags = CLONE_VFORK;
#endif
	/* The sealed copy of init: a payload. */
	if (p->nr == SYS_execveat)
		snprintf(p->becomes, sizeof(p->becomes), "-");
	if (p->nr == SYS_execve)
		return exec_begins(p, a[0], a[1]);
	return true;
}

static const char *role_of_child(struct proc *parent)
{
	if (is_script(parent))
		return "script";
	if (parent->flags & CLONE_VFORK)
		return "spawn";
	if (parent->flags & CLONE_NEWPID && strcmp(parent->role, "monitor") != 0)
		return "monitor";
	if (!strcmp(parent->role, "join"))
		return "joined";
	if (!strcmp(parent->role, "monitor") && parent->nr == SYS_clone3) {
		bool first = !parent->counted;

		parent->counted = true;
		return first ? "child" : "join";
	}
	if (parent->flags & CLONE_NEWUSER)
		return "holder";
	return !strcmp(parent->role, "monitor") ? "spawn" : parent->role;
}

/* A stop at a call; false when the process is not to be resumed by the caller. */
static bool call_stop(struct proc *p)
{
	struct __ptrace_syscall_info info;
	bool entry, counts;
	unsigned long n;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) <= 0)
		return true;
	entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (entry && !call_begins(p, &info))
		return false;
	if (!entry && p->fails) {
		p->fails = false;
		(void)set_call(p->pid, true, -want_errno);
	}
	if (is_script(p))
		return true;
	counts = !want_errno ||
		 (entry && may_fail(want_errno, p->nr, (const uint64_t *)info.entry.args));
	n = counts ? count(p->role) : 0;
	if (!n || done || !want_role || strcmp(p->role, want_role) != 0 || n != want_n)
		return true;
	if (killing()) {
		strike(p, entry ? "before" : "after");
		return false;
	}
	done = true;
	note(p, "failed");
	if (!set_call(p->pid, false, -1))
		die("change a system call");
	p->fails = true;
	return true;
}

static void resume(struct proc *p, int sig)
{
	ptrace(PTRACE_SYSCALL, p->pid, NULL, (void *)(uintptr_t)sig);
}

static void born(struct proc *parent)
{
	unsigned long pid = 0;
	struct proc *p;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) < 0)
		return;
	p = find((pid_t)pid);
	snprintf(p->role, sizeof(p->role), "%s", role_of_child(parent));
	if (p->stopped)
		resume(p, 0);
}

static void executed(struct proc *p)
{
	if (!strcmp(p->becomes, "-")) {
		ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
		p->pid = 0;
		return;
	}
	memcpy(p->role, p->becomes, sizeof(p->role));
	resume(p, 0);
}

static void event(struct proc *p, int status)
{
	int sig = WSTOPSIG(status), ev = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		if (call_stop(p))
			resume(p, 0);
	} else if (ev == PTRACE_EVENT_EXEC) {
		executed(p);
	} else if (ev == PTRACE_EVENT_STOP) {
		bool first = !p->stopped;

		p->stopped = true;
		if (!first && sig != SIGTRAP)
			ptrace(PTRACE_LISTEN, p->pid, NULL, NULL);
		else if (p->role[0])
			resume(p, 0);
	} else if (ev) {
		born(p);
		resume(p, 0);
	} else {
		resume(p, sig);
	}
}

/* A shell script's first process: stopped until it is followed. */
static void begin(char **argv)
{
	int p[2];
	char c;
	struct proc *first;

	if (pipe2(p, O_CLOEXEC) < 0)
		die("pipe");
	root = fork();
	if (root == 0) {
		close(p[1]);
		(void)!read(p[0], &c, 1);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (root < 0 || ptrace(PTRACE_SEIZE, root, NULL, (void *)(uintptr_t)OPTIONS) < 0)
		die("trace");
	/* The first stop that it makes is one of its calls. */
	ptrace(PTRACE_INTERRUPT, root, NULL, NULL);
	first = find(root);
	snprintf(first->role, sizeof(first->role), "script");
	close(p[0]);
	close(p[1]);
}

static void out_of_time(int sig)
{
	(void)sig;
	for (int i = 0; i < PROCS; i++) {
		if (procs[i].pid)
			kill(procs[i].pid, SIGKILL);
	}
	_exit(99);
}

static void quiet(int sig)
{
	(void)sig;
}

/* Until the command has ended, and for a moment until what it left has. */
static int follow(void)
{
	struct sigaction act = { .sa_handler = quiet };
	int status, code = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct proc *p = find(pid);

		if (WIFSTOPPED(status)) {
			event(p, status);
			continue;
		}
		p->pid = 0;
		if (pid == root) {
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			sigaction(SIGALRM, &act, NULL);
			ualarm(300000, 0);
		}
	}
	return code;
}

int main(int argc, char **argv)
{
	const char *seconds = getenv("KILLER_SECONDS");
	bool counting;
	int code;

	mode = argc > 1 ? argv[1] : "";
	counting = !strncmp(mode, "count", 5);
	if (counting && argc > 2) {
		want_errno = mode[5] == ':' ? parse_errno(mode + 6) : 0;
		argv += 2;
	} else if (argc > 4) {
		want_role = argv[2];
		want_n = strtoul(argv[3], NULL, 10);
		want_errno = killing() ? 0 : parse_errno(mode);
		argv += 4;
	} else {
		fprintf(stderr,
			"usage: killer count[:ERRNO] | kill|all|ERRNO ROLE N  COMMAND...\n");
		return 98;
	}
	if (!killing() && (!counting || mode[5]) && !want_errno) {
		fprintf(stderr, "killer: what is %s?\n", mode);
		return 98;
	}
	signal(SIGALRM, out_of_time);
	alarm(seconds ? (unsigned int)strtoul(seconds, NULL, 10) : 30);
	begin(argv);
	code = follow();
	for (int i = 0; counting && i < ROLES && roles[i].name[0]; i++)
		printf("%s %lu\n", roles[i].name, roles[i].n);
	return code < 0 ? 98 : code;
}
