/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls root emulation stops, by the program as it was built in. */
#include <errno.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/seccomp_builtin.h"
#include "seccomp_sim.h"
#include "tap.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH AUDIT_ARCH_RISCV64
#endif

#define HIGH                                                                                       \
	(UINT64_C(0xdead) << 32) /* what a hostile caller puts where the kernel does not look */
#define REFUSED(n) (SECCOMP_RET_ERRNO | (n))

static uint64_t asked(int nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct seccomp_data data = { .nr = nr, .arch = ARCH, .args = { a, b, c, d } };

	return sim_run(seccomp_emulate_prog, seccomp_emulate_len, &data, NULL);
}

static void test_ids(void)
{
	static const int stopped[] = { SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
		SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_setuid, SYS_setgid, SYS_setreuid,
		SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid,
		SYS_setgroups, SYS_fchown, SYS_fchownat };

	for (size_t i = 0; i < sizeof(stopped) / sizeof(stopped[0]); i++)
		CHECK_INT(asked(stopped[i], 1, 2, 3, 4), SECCOMP_RET_USER_NOTIF);
	CHECK_INT(asked(SYS_getpid, 0, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(asked(SYS_openat, 0, 0, 0, 0), SECCOMP_RET_ALLOW);
	CHECK_INT(asked(SYS_execve, 0, 0, 0, 0), SECCOMP_RET_ALLOW);
}

static void test_only_devices_of_mknod(void)
{
	static const uint64_t high[] = { 0, HIGH, 1 << 20 };

	for (int i = 0; i < 3; i++) {
		CHECK_INT(asked(SYS_mknodat, 3, 4, high[i] | S_IFCHR | 0600, 0),
			SECCOMP_RET_USER_NOTIF);
		CHECK_INT(asked(SYS_mknodat, 3, 4, high[i] | S_IFBLK, 0), SECCOMP_RET_USER_NOTIF);
		CHECK_INT(asked(SYS_mknodat, 3, 4, high[i] | S_IFIFO, 0), SECCOMP_RET_ALLOW);
		CHECK_INT(asked(SYS_mknodat, 3, 4, high[i] | 0644, 0), SECCOMP_RET_ALLOW);
	}
}

static void test_the_mark_is_read_and_not_written(void)
{
	static const uint64_t high[] = { 0, HIGH };

	for (int i = 0; i < 2; i++) {
		uint64_t locks = high[i] | RLIMIT_LOCKS;

		CHECK_INT(asked(SYS_prlimit64, 0, locks, 0, 8), SECCOMP_RET_ALLOW);
		CHECK_INT(asked(SYS_prlimit64, 0, locks, 8, 0), REFUSED(0));
		CHECK_INT(asked(SYS_prlimit64, 5, locks, 8, 8), REFUSED(EPERM));
		CHECK_INT(asked(SYS_prlimit64, 5, locks, HIGH, 8), REFUSED(EPERM));
#ifdef SYS_setrlimit
		CHECK_INT(asked(SYS_setrlimit, locks, 8, 0, 0), REFUSED(0));
#endif
	}
	CHECK_INT(asked(SYS_prlimit64, 0, RLIMIT_NOFILE, 8, 0), SECCOMP_RET_ALLOW);
}

static void test_prctl(void)
{
	CHECK_INT(asked(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0), SECCOMP_RET_USER_NOTIF);
	CHECK_INT(asked(SYS_prctl, PR_GET_KEEPCAPS, 0, 0, 0), SECCOMP_RET_USER_NOTIF);
	CHECK_INT(asked(SYS_prctl, PR_SET_NAME, 1, 0, 0), SECCOMP_RET_ALLOW);
}

/* A call by other numbers would get round all of this. */
static void test_no_other_interface(void)
{
	struct seccomp_data i386 = { .nr = 199, .arch = AUDIT_ARCH_I386 };
	struct seccomp_data other = { .nr = 4, .arch = AUDIT_ARCH_S390X };

	CHECK_INT(sim_run(seccomp_emulate_prog, seccomp_emulate_len, &i386, NULL), REFUSED(ENOSYS));
	CHECK_INT(
		sim_run(seccomp_emulate_prog, seccomp_emulate_len, &other, NULL), REFUSED(ENOSYS));
#if defined(__x86_64__)
	CHECK_INT(asked(0x40000000 | SYS_setuid, 0, 0, 0, 0), REFUSED(ENOSYS));
	CHECK_INT(asked(0x40000000 | SYS_getpid, 0, 0, 0, 0), REFUSED(ENOSYS));
#endif
}

static void test_the_supervisor_has_few_calls(void)
{
	static const int absent[] = { SYS_execve, SYS_execveat, SYS_socket, SYS_clone, SYS_clone3,
		SYS_ptrace, SYS_mount, SYS_setns, SYS_unshare, SYS_kill, SYS_pidfd_getfd };

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		struct seccomp_data data = { .nr = absent[i], .arch = ARCH };

		CHECK_INT(sim_run(seccomp_supervisor_prog, seccomp_supervisor_len, &data, NULL),
			REFUSED(ENOSYS));
	}
}

int main(void)
{
	RUN(test_ids);
	RUN(test_only_devices_of_mknod);
	RUN(test_the_mark_is_read_and_not_written);
	RUN(test_prctl);
	RUN(test_no_other_interface);
	RUN(test_the_supervisor_has_few_calls);
	return tap_end();
}
