/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a command below a seccomp filter that refuses some calls: what AppArmor's restriction of
 * user namespaces, other engines' filters and old kernels do.
 *
 * usage: forbid ERROR WHAT[,WHAT...] COMMAND [ARG...]
 *   ERROR: EPERM, EACCES, ENOSPC, ENOSYS
 *   WHAT:  userns       clone, clone3 and unshare that make a user namespace
 *          mount        every call that makes or changes a mount
 *          clone3, openat2, sethostname, keyctl
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_INSNS 128

static struct sock_filter prog[MAX_INSNS];
static unsigned short len;

static void emit(unsigned short code, unsigned int k, unsigned char jt, unsigned char jf)
{
	if (len < MAX_INSNS)
		prog[len++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset, 0, 0);
}

/* Refuses call nr; with flags only when one of them is in its first argument. */
static void refuse(long nr, unsigned int flags, int error)
{
	load(offsetof(struct seccomp_data, nr));
	if (flags == 0) {
		emit(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1);
	} else {
		emit(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 3);
		/* The low half comes first on every machine that these tests run on. */
		load(offsetof(struct seccomp_data, args[0]));
		emit(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1);
	}
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error, 0, 0);
}

static int refuse_named(const char *what, int error)
{
	static const long mounts[] = { SYS_mount, SYS_umount2, SYS_open_tree, SYS_move_mount,
		SYS_fsopen, SYS_fsmount, SYS_mount_setattr, SYS_pivot_root };
	static const struct {
		const char *name;
		long nr;
	} single[] = { { "clone3", SYS_clone3 }, { "openat2", SYS_openat2 },
		{ "sethostname", SYS_sethostname }, { "keyctl", SYS_keyctl } };

	if (strcmp(what, "userns") == 0) {
		refuse(SYS_clone, CLONE_NEWUSER, error);
		refuse(SYS_unshare, CLONE_NEWUSER, error);
		refuse(SYS_clone3, 0, error); /* its flags lie behind a pointer */
		return 0;
	}
	if (strcmp(what, "mount") == 0) {
		for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
			refuse(mounts[i], 0, error);
		return 0;
	}
	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
		if (strcmp(what, single[i].name) == 0) {
			refuse(single[i].nr, 0, error);
			return 0;
		}
	}
	return -1;
}

static int error_number(const char *name)
{
	return strcmp(name, "EPERM") == 0    ? EPERM
	       : strcmp(name, "EACCES") == 0 ? EACCES
	       : strcmp(name, "ENOSPC") == 0 ? ENOSPC
	       : strcmp(name, "ENOSYS") == 0 ? ENOSYS
					     : 0;
}

int main(int argc, char **argv)
{
	struct sock_fprog p = { .filter = prog };
	char *save = NULL;
	int error = argc > 3 ? error_number(argv[1]) : 0;

	if (!error) {
		fprintf(stderr, "usage: forbid ERROR WHAT[,WHAT...] COMMAND [ARG...]\n");
		return 120;
	}
	for (char *what = strtok_r(argv[2], ",", &save); what; what = strtok_r(NULL, ",", &save)) {
		if (refuse_named(what, error) < 0) {
			fprintf(stderr, "forbid: '%s' is not known\n", what);
			return 120;
		}
	}
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	p.len = len;
	/* With rights in a user namespace no_new_privs, which would show, is not needed. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0 &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) < 0)) {
		perror("forbid: seccomp");
		return 120;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 120;
}
