/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's allow-list of system calls. */
#include "calls.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char *const archive_calls[] = { "brk", "clock_gettime", "close", "exit", "exit_group",
	"fallocate", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl", "faccessat", "faccessat2",
	"fgetxattr", "flistxattr", "fsetxattr", "fstat", "fstatfs", "ftruncate", "futex",
	"getdents64", "getpid", "getrandom", "gettid", "linkat", "lseek", "madvise", "mkdirat",
	"mknodat", "mmap", "mprotect", "mremap", "munmap", "newfstatat", "openat", "openat2",
	"poll", "ppoll", "pread64", "pwrite64", "read", "readlinkat", "readv", "restart_syscall",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "statx", "symlinkat",
	"sync_file_range", "tgkill", "uname", "unlinkat", "utimensat", "write", "writev" };

/* What curl, its resolver thread and the modules of name resolution use. */
static const char *const network_calls[] = { "accept4", "access", "bind", "brk", "clock_gettime",
	"clock_nanosleep", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait",
	"epoll_wait", "eventfd2", "exit", "exit_group", "faccessat", "faccessat2", "fcntl", "fstat",
	"fstatfs", "futex", "getdents64", "getegid", "geteuid", "getgid", "getpeername", "getpid",
	"getppid", "getrandom", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid",
	"ioctl", "lseek", "lstat", "madvise", "mmap", "mprotect", "mremap", "munmap", "nanosleep",
	"newfstatat", "pipe2", "poll", "ppoll", "pread64", "prlimit64", "pselect6", "read",
	"readlink", "readlinkat", "readv", "recvfrom", "recvmmsg", "recvmsg", "restart_syscall",
	"rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity",
	"sched_yield", "select", "sendmmsg", "sendmsg", "sendto", "set_robust_list", "setsockopt",
	"shutdown", "sigaltstack", "socketpair", "splice", "stat", "statx", "sysinfo", "tgkill",
	"uname", "write", "writev" };

static int add_list(scmp_filter_ctx ctx, const char *const *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(calls[i]);
		int r;

		if (nr < 0)
			continue; /* this architecture has the call under another name */
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Files only for reading, threads but no processes, sockets of the internet and of resolvers. */
static int add_network_rules(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };
	/* glibc takes the older call when this one is not there; its flags are out of sight. */
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	if (r == 0 && SCMP_SYS(open) >= 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return r;
}

/*
 * Anything else is refused with EPERM: an unpacker that meets it reports an error and ends.
 * libseccomp only writes the program; sys/seccomp loads it (the two have a function of one name).
 */
static int add_calls(scmp_filter_ctx ctx, enum calls_set set)
{
	int r;

	if (set != CALLS_NETWORK) {
		r = add_list(ctx, archive_calls, ARRAY_SIZE(archive_calls));
		if (r == 0 && set == CALLS_COPY)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_EQ, FICLONE, 0));
		return r;
	}
	r = add_list(ctx, network_calls, ARRAY_SIZE(network_calls));
	return r < 0 ? r : add_network_rules(ctx);
}

int calls_compile(enum calls_set set, struct sock_filter insns[CALLS_MAX], struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	ssize_t n = 0;
	int r = fd < 0 ? -errno : ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = add_calls(ctx, set);
	if (r == 0)
		r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		n = fd_read_full(fd, insns, CALLS_MAX * sizeof(*insns));
	if (r < 0 || n <= 0)
		return err_set(e,
			r < 0   ? r
			: n < 0 ? (int)n
				: -EIO,
			"compile the system call filter");
	return (int)((size_t)n / sizeof(*insns));
}
