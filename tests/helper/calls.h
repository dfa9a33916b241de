/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls may fail how, and how a tracer (killer.c) makes them. */
#ifndef UCTR_TESTS_CALLS_H
#define UCTR_TESTS_CALLS_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

/*
 * Of a process that is stopped at a call: the call's number (-1: none is made), or afterwards its
 * result. False where that is not possible.
 */
#if defined(__x86_64__)
static bool set_call(pid_t pid, bool result, long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		return false;
	if (result)
		regs.rax = (unsigned long long)value;
	else
		regs.orig_rax = (unsigned long long)value;
	return ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0;
}
#elif defined(__aarch64__)
static bool set_call(pid_t pid, bool result, long value)
{
	struct user_regs_struct regs;
	int nr = (int)value;
	struct iovec io = { result ? (void *)&regs : &nr, result ? sizeof(regs) : sizeof(nr) };
	long set = result ? NT_PRSTATUS : 0x404; /* NT_ARM_SYSTEM_CALL */

	if (result && ptrace(PTRACE_GETREGSET, pid, (void *)set, &io) < 0)
		return false;
	if (result)
		regs.regs[0] = (unsigned long long)value;
	return ptrace(PTRACE_SETREGSET, pid, (void *)set, &io) == 0;
}
#else
static bool set_call(pid_t pid, bool result, long value)
{
	(void)pid, (void)result, (void)value;
	errno = ENOSYS;
	return false;
}
#endif

static bool listed(const long *list, long nr)
{
	for (; *list >= 0; list++) {
		if (*list == nr)
			return true;
	}
	return false;
}

/* Could this call really fail so? */
static bool may_fail(int error, long nr, const uint64_t *a)
{
	static const long space[] = { SYS_mkdirat, SYS_symlinkat, SYS_linkat, SYS_renameat2,
		SYS_write, SYS_bind, SYS_ftruncate, SYS_mknodat, SYS_pwrite64, SYS_fallocate,
		SYS_fsync, SYS_syncfs, SYS_fsetxattr,
#ifdef SYS_mkdir
		SYS_mkdir, SYS_symlink, SYS_renameat,
#endif
		-1 };
	static const long files[] = { SYS_openat, SYS_openat2, SYS_socket, SYS_socketpair,
		SYS_pipe2, SYS_dup, SYS_accept4, SYS_pidfd_open, SYS_memfd_create, SYS_signalfd4,
		SYS_timerfd_create, SYS_open_tree, SYS_fsopen, SYS_fsmount, SYS_clone3,
#ifdef SYS_open
		SYS_open,
#endif
		-1 };
	static const long forks[] = { SYS_clone, SYS_clone3,
#ifdef SYS_fork
		SYS_fork, SYS_vfork,
#endif
		-1 };
	static const long memory[] = { SYS_clone3, SYS_mount, SYS_fsopen, SYS_fsmount, SYS_fsconfig,
		SYS_move_mount, SYS_open_tree, SYS_mount_setattr, SYS_openat, SYS_mkdirat,
		SYS_symlinkat, SYS_socketpair, SYS_socket, SYS_unshare, SYS_setns, SYS_write,
		SYS_seccomp, SYS_pivot_root, -1 };
	static const long disk[] = { SYS_read, SYS_pread64, SYS_write, SYS_pwrite64, SYS_fsync,
		SYS_fdatasync, SYS_syncfs, SYS_getdents64, SYS_ftruncate, SYS_openat2, SYS_mkdirat,
		SYS_unlinkat, SYS_renameat2, SYS_fchownat, SYS_utimensat,
#ifdef SYS_renameat
		SYS_renameat,
#endif
		-1 };
	static const long slow[] = { SYS_ppoll, SYS_wait4, SYS_recvmsg, SYS_sendmsg, SYS_connect,
		SYS_accept4, SYS_read,
#ifdef SYS_poll
		SYS_poll,
#endif
		-1 };

	switch (error) {
	case ENOSPC:
		return listed(space, nr) || (nr == SYS_openat && (a[2] & O_CREAT));
	case EMFILE:
	case ENFILE:
		return listed(files, nr) || (nr == SYS_fcntl && (int)a[1] == F_DUPFD_CLOEXEC);
	case EAGAIN:
		return listed(forks, nr);
	case ENOMEM:
		return listed(memory, nr);
	case EIO:
		return listed(disk, nr);
	case EINTR:
		return listed(slow, nr) || (nr == SYS_fcntl && (int)a[1] == F_OFD_SETLKW);
	default:
		return false;
	}
}

static int parse_errno(const char *s)
{
	static const struct {
		const char *name;
		int value;
	} table[] = { { "ENOSPC", ENOSPC }, { "EMFILE", EMFILE }, { "ENFILE", ENFILE },
		{ "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM }, { "EINTR", EINTR }, { "EIO", EIO } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(s, table[i].name))
			return table[i].value;
	}
	return 0;
}

#endif
