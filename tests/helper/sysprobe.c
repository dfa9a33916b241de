/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries system calls, socket families and ioctls, and prints "NAME RESULT" for each: "ok" or the
 * error's name. Arguments are harmless: they fail in the kernel (EFAULT, EBADF, EINVAL) where a
 * filter lets the call through, so only the filter's own errno is of interest.
 *
 * usage: sysprobe            all of them
 *        sysprobe NAME...    these
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum kind { CALL, FAMILY, ODD_TYPE, IOCTL, CLONE };

static const struct probe {
	const char *name;
	enum kind kind;
	long number, arg[4];
} probes[] = {
	/* kernel load and boot */
	{ "kexec_load", CALL, SYS_kexec_load, { 0 } },
	{ "init_module", CALL, SYS_init_module, { 0 } },
	{ "finit_module", CALL, SYS_finit_module, { -1 } },
	{ "delete_module", CALL, SYS_delete_module, { 0 } },
	{ "reboot", CALL, SYS_reboot, { 0 } },
	{ "swapon", CALL, SYS_swapon, { 0 } },
	{ "swapoff", CALL, SYS_swapoff, { 0 } },
	/* tracing */
	{ "bpf", CALL, SYS_bpf, { -1 } },
	{ "perf_event_open", CALL, SYS_perf_event_open, { 0 } },
	{ "kcmp", CALL, SYS_kcmp, { 0 } },
	{ "pidfd_getfd", CALL, 438, { -1 } },
	/* keyring */
	{ "keyctl", CALL, SYS_keyctl, { -1 } },
	{ "add_key", CALL, SYS_add_key, { 0 } },
	{ "request_key", CALL, SYS_request_key, { 0 } },
	/* io_uring */
	{ "io_uring_setup", CALL, 425, { 0 } },
	{ "io_uring_enter", CALL, 426, { -1 } },
	{ "io_uring_register", CALL, 427, { -1 } },
	/* memory */
	{ "userfaultfd", CALL, SYS_userfaultfd, { 0 } },
	{ "move_pages", CALL, SYS_move_pages, { -1 } },
	{ "migrate_pages", CALL, SYS_migrate_pages, { -1 } },
	/* mounts and namespaces */
	{ "mount", CALL, SYS_mount, { 0 } },
	{ "umount2", CALL, SYS_umount2, { 0 } },
	{ "pivot_root", CALL, SYS_pivot_root, { 0 } },
	{ "open_tree", CALL, 428, { -1 } },
	{ "move_mount", CALL, 429, { -1 } },
	{ "fsopen", CALL, 430, { 0 } },
	{ "fsconfig", CALL, 431, { -1 } },
	{ "fsmount", CALL, 432, { -1 } },
	{ "fspick", CALL, 433, { -1 } },
	{ "mount_setattr", CALL, 442, { -1 } },
	{ "setns", CALL, SYS_setns, { -1 } },
	{ "clone-user", CLONE, SYS_clone, { CLONE_NEWUSER | SIGCHLD } },
	{ "clone-user-high", CLONE, SYS_clone, { CLONE_NEWUSER | SIGCHLD | 0x100000000 } },
	/* last of them: from here on it may be in a namespace of its own */
	{ "unshare-user", CALL, SYS_unshare, { CLONE_NEWUSER } },
	{ "unshare-net", CALL, SYS_unshare, { CLONE_NEWNET } },
	{ "clone3", CALL, 435, { 0 } },
	/* file handles, time, administration */
	{ "open_by_handle_at", CALL, SYS_open_by_handle_at, { -1 } },
	{ "settimeofday", CALL, SYS_settimeofday, { 1 } },
	{ "clock_settime", CALL, SYS_clock_settime, { 0 } },
	{ "acct", CALL, SYS_acct, { 1 } },
	{ "quotactl", CALL, SYS_quotactl, { -1 } },
	{ "sethostname", CALL, SYS_sethostname, { 0, 0 } },
	{ "vhangup", CALL, SYS_vhangup, { 0 } },
	{ "syslog", CALL, SYS_syslog, { 3 } },
	{ "personality", CALL, SYS_personality, { 0x0400000 } },
	{ "fanotify_init", CALL, SYS_fanotify_init, { -1 } },
	{ "lookup_dcookie", CALL, SYS_lookup_dcookie, { 0 } },
	/* numbers of the future */
	{ "call-600", CALL, 600, { 0 } },
	{ "call-999", CALL, 999, { 0 } },
	/* what everybody needs */
	{ "getpid", CALL, SYS_getpid, { 0 } },
	{ "ptrace", CALL, SYS_ptrace, { -1 } },
	{ "personality-query", CALL, SYS_personality, { 0xffffffff } },
#ifdef __x86_64__
	{ "x32-getpid", CALL, 0x40000000 | SYS_getpid, { 0 } },
	{ "iopl", CALL, SYS_iopl, { 3 } },
#endif
	/* sockets */
	{ "family-unix", FAMILY, AF_UNIX, { 0 } },
	{ "family-inet", FAMILY, AF_INET, { 0 } },
	{ "family-inet6", FAMILY, AF_INET6, { 0 } },
	{ "family-netlink", FAMILY, AF_NETLINK, { 0 } },
	{ "family-alg", FAMILY, AF_ALG, { 0 } },
	{ "family-vsock", FAMILY, AF_VSOCK, { 0 } },
	{ "family-packet", FAMILY, AF_PACKET, { 0 } },
	{ "family-key", FAMILY, AF_KEY, { 0 } },
	{ "family-tipc", FAMILY, AF_TIPC, { 0 } },
	{ "family-rds", FAMILY, AF_RDS, { 0 } },
	{ "family-can", FAMILY, AF_CAN, { 0 } },
	{ "family-xdp", FAMILY, 44, { 0 } },
	{ "family-bluetooth", FAMILY, AF_BLUETOOTH, { 0 } },
	{ "family-nfc", FAMILY, AF_NFC, { 0 } },
	{ "family-qipcrtr", FAMILY, 42, { 0 } },
	{ "family-smc", FAMILY, 43, { 0 } },
	{ "family-kcm", FAMILY, AF_KCM, { 0 } },
	{ "family-9999", FAMILY, 9999, { 0 } },
	/* no socket has this type: the kernel says EINVAL before it looks for the family */
	{ "alg-odd", ODD_TYPE, AF_ALG, { 0 } },
	{ "vsock-odd", ODD_TYPE, AF_VSOCK, { 0 } },
	{ "inet-odd", ODD_TYPE, AF_INET, { 0 } },
	/* terminals: /dev/null answers ENOTTY to all of them */
	{ "tiocsti", IOCTL, TIOCSTI, { 0 } },
	{ "tiocsti-high", IOCTL, TIOCSTI | 0x100000000, { 0 } },
	{ "tioclinux", IOCTL, TIOCLINUX, { 0 } },
	{ "tioclinux-high", IOCTL, TIOCLINUX | 0x700000000, { 0 } },
	{ "tiocsetd", IOCTL, TIOCSETD, { 0 } },
	{ "tiocgwinsz", IOCTL, TIOCGWINSZ, { 0 } },
};

static const char *try_clone(const struct probe *p)
{
	long pid = syscall(p->number, p->arg[0], 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return strerrorname_np(errno);
	waitpid((pid_t)pid, NULL, 0);
	return "ok";
}

static const char *result(const struct probe *p)
{
	long r = -1;
	int fd;

	errno = 0;
	switch (p->kind) {
	case CALL:
		r = syscall(p->number, p->arg[0], p->arg[1], p->arg[2], p->arg[3], 0, 0);
		break;
	case CLONE:
		return try_clone(p);
	case FAMILY:
		r = socket((int)p->number, p->number == AF_ALG ? SOCK_SEQPACKET : SOCK_DGRAM, 0);
		if (r < 0 && errno == ESOCKTNOSUPPORT)
			r = socket((int)p->number, SOCK_STREAM, 0);
		break;
	case ODD_TYPE:
		r = socket((int)p->number, 15, 0);
		break;
	case IOCTL:
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		r = syscall(SYS_ioctl, fd, p->number, 0);
		break;
	}
	return r >= 0 ? "ok" : strerrorname_np(errno);
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return 1;
	}
	return argc < 2;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (wanted(probes[i].name, argc, argv)) {
			printf("%s %s\n", probes[i].name, result(&probes[i]));
			fflush(stdout);
		}
	}
	return 0;
}
