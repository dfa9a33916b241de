/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's allow-list of system calls. */
#include "calls.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char *const allowed_calls[] = { "brk", "clock_gettime", "close", "exit", "exit_group",
	"fallocate", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl", "faccessat", "faccessat2",
	"fgetxattr", "flistxattr", "fsetxattr", "fstat", "fstatfs", "ftruncate", "futex",
	"getdents64", "getpid", "getrandom", "gettid", "linkat", "lseek", "madvise", "mkdirat",
	"mknodat", "mmap", "mprotect", "mremap", "munmap", "newfstatat", "openat", "openat2",
	"poll", "ppoll", "pread64", "pwrite64", "read", "readlinkat", "readv", "restart_syscall",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "statx", "symlinkat",
	"sync_file_range", "tgkill", "uname", "unlinkat", "utimensat", "write", "writev" };

/*
 * Anything else is refused with EPERM: an unpacker that meets it reports an error and ends.
 * libseccomp only writes the program; sys/seccomp loads it (the two have a function of one name).
 */
static int add_calls(scmp_filter_ctx ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed_calls); i++) {
		int nr = seccomp_syscall_resolve_name(allowed_calls[i]);
		int r;

		if (nr < 0)
			continue; /* this architecture has the call under another name */
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int calls_compile(struct sock_filter insns[CALLS_MAX], struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	ssize_t n = 0;
	int r = fd < 0 ? -errno : ctx ? 0 : -ENOMEM;

	if (r == 0)
		r = add_calls(ctx);
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
