/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in seccomp filters against a plain table, call by call. */
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_profile.h"
#include "runtime/seccomp_profile_json.h"
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

struct expect {
	unsigned int nr;
	const char *name;
	bool any; /* whatever the arguments */
	uint64_t args[3];
	uint32_t want;
};

#define call(n, name_, want_) { n, #name_, true, { 0 }, want_ },
#define when(n, name_, a, b, c, want_)                                                             \
	{ n, #name_, false, { UINT64_C(a), UINT64_C(b), UINT64_C(c) }, want_ },
static const struct expect table[] = {
#include "seccomp_expect.txt"
};
#undef call
#undef when

/* Arguments that mean something to one call or another; no unconditional answer may change. */
static const uint64_t odd_args[] = { 0, 1, 2, 16, 17, 38, 0x5412, 0x541c, 0x10000000, 0x7e020000,
	UINT64_C(0xffffffff), UINT64_C(0x100000000), UINT64_C(0xffffffff00005412), UINT64_MAX };

static unsigned char hits[BPF_MAXINSNS];

static uint64_t ask(const struct seccomp_prog *p, uint32_t arch, uint32_t nr, uint64_t a,
	uint64_t b, uint64_t c)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch, .args = { a, b, c, b, a, c } };

	return sim_run(p->insns, p->len, &d, hits);
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

/* How often the program answers a call to this number otherwise than `want`, over odd arguments. */
static unsigned int check_any(const struct seccomp_prog *p, bool quiet, uint32_t arch,
	const char *name, uint32_t nr, uint32_t want)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(odd_args) && bad == 0; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(odd_args) && bad == 0; j++)
			bad += differs(quiet, name, nr,
				ask(p, arch, nr, odd_args[i], odd_args[j], odd_args[i]), want);
	}
	return bad;
}

/* The number of rows of the table, and of numbers outside of it, that the program gets wrong. */
static unsigned int mismatches(const struct seccomp_prog *p, bool quiet)
{
	bool listed[LAST_NUMBER + 1] = { false };
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct expect *x = &table[i];

		listed[x->nr] = true;
		if (x->any)
			bad += check_any(p, quiet, AUDIT_ARCH_X86_64, x->name, x->nr, x->want);
		else
			bad += differs(quiet, x->name, x->nr,
				ask(p, AUDIT_ARCH_X86_64, x->nr, x->args[0], x->args[1],
					x->args[2]),
				x->want);
	}
	for (uint32_t nr = 0; nr <= LAST_NUMBER; nr++) {
		if (!listed[nr])
			bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "unlisted", nr, enosys);
		bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "x32", X32(nr), enosys);
		bad += check_any(p, quiet, AUDIT_ARCH_I386, "i386", nr, enosys);
		bad += check_any(p, quiet, AUDIT_ARCH_AARCH64, "aarch64", nr, enosys);
	}
	bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "unknown", 999, enosys);
	bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "highest", 0x3fffffff, enosys);
	bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "negative", 0xfffffffe, enosys);
	bad += check_any(p, quiet, AUDIT_ARCH_X86_64, "skipped", UINT32_MAX, allow);
	return bad;
}

static void test_default_filter_answers_as_the_table_says(void)
{
	struct seccomp_prog p = { 0 };
	unsigned int covered = 0;

	memset(hits, 0, sizeof(hits));
	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, false, -1, &p, NULL), 0);
	CHECK(!p.owned);
	CHECK_INT(mismatches(&p, false), 0);
	for (unsigned int i = 0; i < p.len; i++) {
		covered += hits[i];
		if (!hits[i])
			printf("instruction %u is never executed\n", i);
	}
	printf("# %u of %u instructions executed\n", covered, p.len);
	CHECK_INT(covered, p.len);
}

/* The table is worth something only if a wrong filter fails it. */
static void test_broken_profiles_fail_the_table(void)
{
	static const struct {
		const char *from, *to;
	} broken[] = {
		{ "2114060288", "2113929216" }, /* CLONE_NEWNS forgotten */
		{ "\"value\": 4294967295, \"valueTwo\": 21522", "\"value\": 21522" },
		{ "SCMP_CMP_MASKED_EQ\"}],\n\t\t\t\"excludes\"",
			"SCMP_CMP_GT\"}],\n\t\t\t\"excludes\"" },
		{ "21532", "21533" }, /* TIOCLINUX mistyped */
		{ "\"keyctl\"", "\"getpid\"" },
		{ "\"read\", ", "" },
		{ "\"defaultErrnoRet\": 38", "\"defaultErrnoRet\": 1" },
		{ "\"clone3\"],\n\t\t\t\"action\": \"SCMP_ACT_ERRNO\"",
			"\"clone3\"],\n\t\t\t\"action\": \"SCMP_ACT_ALLOW\"" },
		{ "[{\"index\": 0, \"value\": 10,", "[{\"index\": 0, \"value\": 40," },
		{ "\"syscalls\"", "\"architectures\": [\"SCMP_ARCH_X32\"], \"syscalls\"" },
	};
	struct seccomp_env env = { .caps = DEFAULT_CAPS };

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_free_ char *text = strndup(seccomp_builtin_text, seccomp_builtin_text_len);
		_cleanup_(seccomp_prog_free)
		struct seccomp_prog p = { 0 };
		_cleanup_free_ char *other = NULL;
		struct err e = ERR_INIT;
		char *at = text ? strstr(text, broken[i].from) : NULL;

		CHECK(at != NULL);
		if (!at) {
			printf("not in the profile: %s\n", broken[i].from);
			continue;
		}
		*at = '\0';
		other = str_printf("%s%s%s", text, broken[i].to, at + strlen(broken[i].from));
		CHECK_INT(seccomp_json_compile(other, strlen(other), "broken", &env, &p, &e), 0);
		CHECK_STR(e.msg, "");
		CHECK(p.insns && mismatches(&p, true) > 0);
	}
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

int main(void)
{
	/* The table's numbers are those of x86_64. */
	if (scname_arch_native() == AUDIT_ARCH_X86_64) {
		RUN(test_default_filter_answers_as_the_table_says);
		RUN(test_broken_profiles_fail_the_table);
	}
	RUN(test_capabilities_open_their_calls_and_no_others);
	RUN(test_nesting_opens_namespaces_and_nothing_else);
	RUN(test_the_start_path_is_allowed_without_capabilities);
	RUN(test_common_sets_are_built_in);
	RUN(test_the_kernel_agrees);
	RUN(test_loading_fails_with_the_cause);
	return tap_end();
}
