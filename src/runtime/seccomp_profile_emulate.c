/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls root emulation answers, as a filter; and its supervisor's own filter. */
#include "runtime/seccomp_profile_emulate.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/str.h"
#include "runtime/seccomp_profile_bpf.h"
#include "runtime/seccomp_profile_names.h"

/* Arguments of 32 bits: the kernel does not look at the upper half. */
#define LOW UINT64_C(0xffffffff)
#define LOW_IS(n, v)                                                                               \
	{                                                                                          \
		.op = BPF_OP_MASKED, .arg = (n), .value = (v), .mask = LOW                         \
	}
#define IS_NULL(n)                                                                                 \
	{                                                                                          \
		.op = BPF_OP_EQ, .arg = (n), .value = 0                                            \
	}
#define FILE_TYPE(n, v)                                                                            \
	{                                                                                          \
		.op = BPF_OP_MASKED, .arg = (n), .value = (v), .mask = S_IFMT                      \
	}

struct rule {
	const char *name;
	uint32_t action;
	unsigned int n_conds;
	struct bpf_cond conds[2];
};

/* The first that matches decides; what matches none is allowed. */
static const struct rule stopped[] = {
	{ "getuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "geteuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "getgid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "getegid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "getresuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "getresgid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "getgroups", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setgid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setreuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setregid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setresuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setresgid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setfsuid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setfsgid", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "setgroups", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "chown", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "lchown", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "fchown", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "fchownat", SECCOMP_RET_USER_NOTIF, 0, { { 0 } } },
	{ "mknod", SECCOMP_RET_USER_NOTIF, 1, { FILE_TYPE(1, S_IFCHR) } },
	{ "mknod", SECCOMP_RET_USER_NOTIF, 1, { FILE_TYPE(1, S_IFBLK) } },
	{ "mknodat", SECCOMP_RET_USER_NOTIF, 1, { FILE_TYPE(2, S_IFCHR) } },
	{ "mknodat", SECCOMP_RET_USER_NOTIF, 1, { FILE_TYPE(2, S_IFBLK) } },
	{ "prctl", SECCOMP_RET_USER_NOTIF, 1, { LOW_IS(0, PR_SET_KEEPCAPS) } },
	{ "prctl", SECCOMP_RET_USER_NOTIF, 1, { LOW_IS(0, PR_GET_KEEPCAPS) } },
	/*
	 * The process's mark (emulate.h). As this limit limits nothing, setting it may as well
	 * succeed; but with an old value to be returned it would have to be done.
	 */
	{ "setrlimit", SECCOMP_RET_ERRNO, 1, { LOW_IS(0, RLIMIT_LOCKS) } },
	{ "prlimit64", SECCOMP_RET_ALLOW, 2, { LOW_IS(1, RLIMIT_LOCKS), IS_NULL(2) } },
	{ "prlimit64", SECCOMP_RET_ERRNO, 2, { LOW_IS(1, RLIMIT_LOCKS), IS_NULL(3) } },
	{ "prlimit64", SECCOMP_RET_ERRNO | EPERM, 1, { LOW_IS(1, RLIMIT_LOCKS) } },
};

/* What the supervisor calls after it has settled; everything else does not exist. */
static const char *const supervisor_calls[] = { "poll", "ppoll", "ioctl", "prlimit64",
	"process_vm_readv", "process_vm_writev", "recvmsg", "openat", "openat2", "read", "write",
	"close", "statx", "fstat", "newfstatat", "fchdir", "chroot", "fchownat", "setxattr",
	"getxattr", "removexattr", "fsetxattr", "unlinkat", "timer_settime", "exit_group", "exit",
	"rt_sigreturn", "restart_syscall", "brk", "mmap", "munmap", "futex" };

static int add(struct bpf_filter *f, const struct rule *in, struct err *e)
{
	struct bpf_rule rule = { .action = in->action, .n_conds = in->n_conds };
	int r = scname_call(scname_arch_native(), in->name, &rule.nr);

	if (r < 0)
		return err_set(e, r, "system call '%s'", in->name);
	if (r == 0)
		return 0; /* this architecture has only the newer form */
	for (unsigned int i = 0; i < in->n_conds; i++)
		rule.conds[i] = in->conds[i];
	r = bpf_rule_add(&f->arch[0], &rule);
	return r < 0 ? err_set(e, r, "seccomp filter") : 0;
}

static int finish(struct bpf_filter *f, int r, struct seccomp_prog *ret, struct err *e)
{
	struct sock_filter *insns;
	unsigned short len;

	if (r == 0)
		r = bpf_build(f, &insns, &len, e);
	if (r == 0)
		*ret = (struct seccomp_prog){ insns, len, true };
	bpf_filter_free(f);
	return r;
}

static struct bpf_filter start(uint32_t def)
{
	return (struct bpf_filter){ .def = def,
		.n_arch = 1,
		.arch = { { .audit = scname_arch_audit(scname_arch_native()), .native = true } } };
}

int seccomp_emulate_build(struct seccomp_prog *ret, struct err *e)
{
	struct bpf_filter f = start(SECCOMP_RET_ALLOW);
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stopped) && r == 0; i++)
		r = add(&f, &stopped[i], e);
	return finish(&f, r, ret, e);
}

int seccomp_supervisor_build(struct seccomp_prog *ret, struct err *e)
{
	struct bpf_filter f = start(SECCOMP_RET_ERRNO | ENOSYS);
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(supervisor_calls) && r == 0; i++) {
		struct rule rule = { supervisor_calls[i], SECCOMP_RET_ALLOW, 0, { { 0 } } };

		r = add(&f, &rule, e);
	}
	return finish(&f, r, ret, e);
}
