/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in seccomp filters, by what capabilities open, and in the kernel. */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/seccomp_profile.h"
#include "runtime/seccomp_profile_names.h"
#include "seccomp_sim.h"
#include "sys/seccomp.h"
#include "tap.h"

#define DEFAULT_CAPS UINT64_C(0x800405fb)
#define ALL_CAPS UINT64_C(0x1ffffffffff)
#define LAST_NUMBER 600
#define X32(nr) ((nr) | 0x40000000u)

#define allow SECCOMP_RET_ALLOW
#define eperm (SECCOMP_RET_ERRNO | EPERM)
#define enosys (SECCOMP_RET_ERRNO | ENOSYS)
#define eafnosupport (SECCOMP_RET_ERRNO | EAFNOSUPPORT)

static uint64_t ask(const struct seccomp_prog *p, uint32_t arch, uint32_t nr, uint64_t a,
	uint64_t b, uint64_t c)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch, .args = { a, b, c, b, a, c } };

	return sim_run(p->insns, p->len, &d, NULL);
}

static uint64_t native(
	const struct seccomp_prog *p, uint32_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(p, scname_arch_native(), nr, a, b, c);
}

static unsigned int differs(bool quiet, const char *name, uint32_t nr, uint64_t got, uint32_t want)
{
	if (got == want)
		return 0;
	if (!quiet)
		printf("%s (%#x): answer %#llx, not %#x\n", name, nr, (unsigned long long)got,
			want);
	return 1;
}

static uint32_t number(const char *name)
{
	uint32_t nr = UINT32_MAX;

	CHECK_INT(scname_call(scname_arch_native(), name, &nr), 1);
	return nr;
}

/* Which capability opens which calls; other_cap: a second one that does, or -1. */
static const struct {
	int cap, other_cap;
	const char *name;
} gates[] = {
	{ 2, -1, "open_by_handle_at" },
	{ 16, -1, "init_module" },
	{ 16, -1, "finit_module" },
	{ 16, -1, "delete_module" },
	{ 18, -1, "chroot" },
	{ 19, -1, "kcmp" },
	{ 19, -1, "pidfd_getfd" },
	{ 19, -1, "process_madvise" },
	{ 20, -1, "acct" },
	{ 21, -1, "mount" },
	{ 21, -1, "umount2" },
	{ 21, -1, "unshare" },
	{ 21, -1, "setns" },
	{ 21, -1, "open_tree_attr" },
	{ 21, -1, "quotactl" },
	{ 21, -1, "sethostname" },
	{ 21, -1, "fanotify_init" },
	{ 22, -1, "reboot" },
	{ 22, -1, "kexec_file_load" },
	{ 23, -1, "move_pages" },
	{ 25, -1, "settimeofday" },
	{ 25, -1, "clock_settime" },
	{ 26, -1, "vhangup" },
	{ 34, -1, "syslog" },
	{ 38, 21, "perf_event_open" },
	{ 39, 21, "bpf" },
};

static void test_capabilities_open_their_calls_and_no_others(void)
{
	for (int cap = 0; cap < 41; cap++) {
		_cleanup_(seccomp_prog_free)
		struct seccomp_prog p = { 0 };

		CHECK_INT(seccomp_profile_default(UINT64_C(1) << cap, false, -1, &p, NULL), 0);
		for (size_t i = 0; i < ARRAY_SIZE(gates); i++) {
			bool opens = cap == gates[i].cap || cap == gates[i].other_cap;
			uint32_t nr = number(gates[i].name);

			CHECK_INT(differs(false, gates[i].name, nr, native(&p, nr, 0, 0, 0),
					  opens ? allow : eperm),
				0);
		}
		CHECK_INT(native(&p, number("keyctl"), 0, 0, 0), eperm);
		CHECK_INT(native(&p, number("io_uring_setup"), 0, 0, 0), eperm);
		CHECK_INT(native(&p, number("clone"), 0x10000011, 0, 0), cap == 21 ? allow : eperm);
		CHECK_INT(native(&p, number("clone3"), 0, 0, 0), cap == 21 ? allow : enosys);
		CHECK_INT(native(&p, number("socket"), 17, 3, 0), cap == 13 ? allow : eafnosupport);
		CHECK_INT(native(&p, number("socket"), 16, 3, 9), cap == 29 ? allow : eafnosupport);
		CHECK_INT(native(&p, number("socket"), 38, 5, 0), eafnosupport);
	}
}

static void test_nesting_opens_namespaces_and_nothing_else(void)
{
	static const char *const opened[] = { "mount", "umount2", "pivot_root", "unshare", "setns",
		"clone3", "fsopen", "move_mount", "open_tree", "mount_setattr", "sethostname",
		"chroot" };
	struct seccomp_prog plain = { 0 }, nesting = { 0 };
	unsigned int changed = 0;

	/* Without capabilities, as a container that drops them all. */
	CHECK_INT(seccomp_profile_default(0, false, -1, &plain, NULL), 0);
	CHECK_INT(seccomp_profile_default(0, true, -1, &nesting, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(opened); i++)
		CHECK_INT(native(&nesting, number(opened[i]), 0, 0, 0), allow);
	CHECK_INT(native(&nesting, number("clone"), 0x7e020011, 0, 0), allow);
	CHECK_INT(native(&nesting, number("keyctl"), 0, 0, 0), eperm);
	for (uint32_t nr = 0; nr <= LAST_NUMBER; nr++)
		changed += native(&plain, nr, 0, 0, 0) != native(&nesting, nr, 0, 0, 0);
	/* mount family 11, setns, unshare, sethostname, setdomainname, clone3, chroot */
	CHECK_INT(changed, 17);
	seccomp_prog_free(&plain);
	seccomp_prog_free(&nesting);
}

/* The child loads the filter before it gives up its rights, and pid 1 has to start the payload. */
static void test_the_start_path_is_allowed_without_capabilities(void)
{
	static const char *const needed[] = { "setresuid", "setresgid", "setgroups", "capset",
		"capget", "prctl", "execve", "execveat", "close_range", "openat2", "fchdir",
		"chdir", "write", "sendmsg", "recvmsg", "close", "exit_group", "seccomp",
		"rt_sigprocmask", "rt_sigaction", "memfd_create", "fcntl", "umask", "prlimit64",
		"setpgid", "wait4", "rt_sigtimedwait", "kill", "getcwd", "setsid", "getppid" };
	struct seccomp_prog p = { 0 };

	CHECK_INT(seccomp_profile_default(0, false, -1, &p, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		CHECK_INT(native(&p, number(needed[i]), 0, 0, 0), allow);
	/* posix_spawn and fork of the C library, TIOCSPGRP of the init program */
	CHECK_INT(native(&p, number("clone"), 0x4111, 0, 0), allow);
	CHECK_INT(native(&p, number("ioctl"), 0, 0x5410, 0), allow);
}

/* Sets that a start with common options has must not be compiled at every start. */
static void test_common_sets_are_built_in(void)
{
	static const uint64_t added[] = { 0, UINT64_C(1) << 12, UINT64_C(1) << 13,
		UINT64_C(1) << 19, UINT64_C(1) << 21, UINT64_C(3) << 12 };
	struct seccomp_prog p = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(added); i++) {
		CHECK_INT(seccomp_profile_default(DEFAULT_CAPS | added[i], false, -1, &p, NULL), 0);
		CHECK(!p.owned);
		seccomp_prog_free(&p);
	}
	CHECK_INT(seccomp_profile_default(ALL_CAPS, false, -1, &p, NULL), 0);
	CHECK(!p.owned);
	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, true, -1, &p, NULL), 0);
	CHECK(!p.owned);
	CHECK_INT(seccomp_profile_default(UINT64_C(1) << 2, false, -1, &p, NULL), 0);
	CHECK(p.owned);
	seccomp_prog_free(&p);
}

/* --- in the kernel ------------------------------------------------------------------------- */

static int errno_of(long nr, long a, long b, long c)
{
	errno = 0;
	return syscall(nr, a, b, c) < 0 ? errno : 0;
}

#ifdef __x86_64__
/* getpid (20) as a program for i386 asks for it. */
static int errno_of_int80(void)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return ret < 0 ? -ret : 0;
}
#endif

/* Under the filter: the number of the first answer that is not the expected one, or 0. */
static int probe(const struct seccomp_prog *p)
{
	struct err e = ERR_INIT;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_install(p->insns, p->len, &e) < 0)
		return 1;
	if (errno_of(SYS_getpid, 0, 0, 0) != 0)
		return 2;
	if (errno_of(SYS_keyctl, 0, 0, 0) != EPERM)
		return 3;
	if (errno_of(SYS_socket, 38, 5, 0) != EAFNOSUPPORT || errno_of(SYS_socket, 1, 1, 0) != 0)
		return 4;
	if (errno_of(SYS_unshare, 0, 0, 0) != EPERM || errno_of(SYS_clone3, 0, 0, 0) != ENOSYS)
		return 5;
	if (errno_of(999, 0, 0, 0) != ENOSYS)
		return 6;
	/* No such descriptor: the kernel's own answer to what passes. */
	if (errno_of(SYS_ioctl, -1, 0x5401, 0) != EBADF ||
		errno_of(SYS_ioctl, -1, (long)UINT64_C(0xf00000000005412), 0) != EPERM)
		return 7;
#ifdef __x86_64__
	if (errno_of_int80() != ENOSYS || errno_of(X32(SYS_getpid), 0, 0, 0) != ENOSYS)
		return 8;
#endif
	return 0;
}

static int in_child(int (*fn)(const struct seccomp_prog *), const struct seccomp_prog *p)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(p));
	CHECK_INT(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 256 + WTERMSIG(st);
}

static void test_the_kernel_agrees(void)
{
	struct seccomp_prog p = { 0 };

	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, false, -1, &p, NULL), 0);
	CHECK_INT(in_child(probe, &p), 0);
}

static int load_invalid(const struct seccomp_prog *p)
{
	static const struct sock_filter endless = { BPF_JMP | BPF_JA, 0, 0, 0 };
	struct err e = ERR_INIT;

	(void)p;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		seccomp_install(&endless, 1, &e) != -EINVAL)
		return 1;
	return !streq(e.msg, "load seccomp filter of 1 instructions: Invalid argument");
}

static int load_without_rights(const struct seccomp_prog *p)
{
	struct err e = ERR_INIT;

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (seccomp_install(p->insns, p->len, &e) != -EACCES)
		return 2;
	return strstr(e.msg, "no-new-privileges") == NULL;
}

static void test_loading_fails_with_the_cause(void)
{
	struct seccomp_prog p = { 0 };

	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, false, -1, &p, NULL), 0);
	CHECK_INT(in_child(load_invalid, &p), 0);
	CHECK_INT(in_child(load_without_rights, &p), 0);
}

/* --- the call by which a process leaves uctr ----------------------------------------------- */

static uint64_t ask_leave(
	const struct seccomp_prog *p, uint32_t arch, uint32_t nr, const uint64_t arg[5])
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch };

	memcpy(d.args, arg, 5 * sizeof(*arg));
	return sim_run(p->insns, p->len, &d, NULL);
}

/* A filter that allows nothing: only the very call passes, and no one like it. */
/* row H9: the call by which uctr starts programs below a foreign filter, with any bit of it changed | red: by hand: without one of the comparisons */
static void test_exactly_one_call_is_admitted(void)
{
	static const struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, eperm };
	static const struct seccomp_leave leave = { { 7, UINT64_C(0x555500001000),
		UINT64_C(0x7fff00002000), UINT64_C(0x555500003000) } };
	uint64_t arg[5] = { leave.arg[0], leave.arg[1], leave.arg[2], leave.arg[3], 0x1000 };
	struct sock_filter both[SECCOMP_LEAVE_INSNS + 1];
	struct seccomp_prog p = { both, SECCOMP_LEAVE_INSNS + 1, false };
	uint32_t nr = number("execveat"), arch = scname_arch_native();

	CHECK_INT(seccomp_admit_leave(&leave, &nothing, 1, both), p.len);
	CHECK_INT(ask_leave(&p, arch, nr, arg), allow);
	CHECK_INT(ask_leave(&p, arch, nr + 1, arg), eperm);
	CHECK_INT(ask_leave(&p, arch, number("execve"), arg), eperm);
	CHECK_INT(ask_leave(&p, AUDIT_ARCH_I386, nr, arg), eperm);
	for (size_t i = 0; i < ARRAY_SIZE(arg); i++) {
		/* The kernel sees 32 bits of the flags; of the others every bit counts. */
		for (unsigned int bit = 0; bit < (i == 4 ? 32 : 64); bit++) {
			arg[i] ^= UINT64_C(1) << bit;
			CHECK_INT(ask_leave(&p, arch, nr, arg), eperm);
			arg[i] ^= UINT64_C(1) << bit;
		}
	}
	CHECK_INT(ask_leave(&p, arch, nr, arg), allow);
	CHECK_INT(seccomp_admit_leave(&leave, &nothing, BPF_MAXINSNS - 22, both), -E2BIG);
}

static int leave_for_nothing(const struct seccomp_prog *p)
{
	static const char *const argv[] = { "x", NULL };
	static const struct sock_filter deny[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_execveat },
		{ BPF_RET | BPF_K, 0, 0, eperm },
		{ BPF_RET | BPF_K, 0, 0, allow },
	};
	struct seccomp_leave leave = { { 99, (uintptr_t) "", (uintptr_t)argv, 0 } };
	struct err e = ERR_INIT;

	(void)p;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		seccomp_install_leaving(&leave, deny, ARRAY_SIZE(deny), &e) < 0)
		return 1;
	/* No such descriptor: the kernel's own answer to what passes. */
	if (syscall(SYS_execveat, leave.arg[0], leave.arg[1], leave.arg[2], leave.arg[3],
		    0x1000L) >= 0 ||
		errno != EBADF)
		return 2;
	syscall(SYS_execveat, 98L, leave.arg[1], leave.arg[2], leave.arg[3], 0x1000L);
	return errno == EPERM ? 0 : 3;
}

static void test_the_kernel_admits_that_call_too(void)
{
	CHECK_INT(in_child(leave_for_nothing, NULL), 0);
}

int main(void)
{
	RUN(test_capabilities_open_their_calls_and_no_others);
	RUN(test_nesting_opens_namespaces_and_nothing_else);
	RUN(test_the_start_path_is_allowed_without_capabilities);
	RUN(test_common_sets_are_built_in);
	RUN(test_the_kernel_agrees);
	RUN(test_loading_fails_with_the_cause);
	RUN(test_exactly_one_call_is_admitted);
	RUN(test_the_kernel_admits_that_call_too);
	return tap_end();
}
