/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the names that seccomp profiles use. */
#include "runtime/seccomp_profile_names.h"

#include <ctype.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

#include "base/str.h"

#if defined(__x86_64__)
#define NATIVE_NAME "amd64"
#elif defined(__aarch64__)
#define NATIVE_NAME "arm64"
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_NAME "riscv64"
#else
#error "name this architecture here, as docker's profiles call it"
#endif

#define MAX_ERRNO 4095u /* larger values are no errors to a program, see errno(3) of the kernel */

/*
 * Calls that libseccomp 2.5.4 does not know. From number 424 on every architecture of Linux that
 * uctr runs on uses the same numbers; the others name theirs.
 */
static const struct {
	const char *name;
	uint32_t nr;
	uint32_t arch; /* 0: all */
} new_calls[] = {
	{ "futex_waitv", 449, 0 },
	{ "set_mempolicy_home_node", 450, 0 },
	{ "cachestat", 451, 0 },
	{ "fchmodat2", 452, 0 },
	{ "map_shadow_stack", 453, 0 },
	{ "futex_wake", 454, 0 },
	{ "futex_wait", 455, 0 },
	{ "futex_requeue", 456, 0 },
	{ "statmount", 457, 0 },
	{ "listmount", 458, 0 },
	{ "lsm_get_self_attr", 459, 0 },
	{ "lsm_set_self_attr", 460, 0 },
	{ "lsm_list_modules", 461, 0 },
	{ "mseal", 462, 0 },
	{ "setxattrat", 463, 0 },
	{ "getxattrat", 464, 0 },
	{ "listxattrat", 465, 0 },
	{ "removexattrat", 466, 0 },
	{ "open_tree_attr", 467, 0 },
	{ "file_getattr", 468, 0 },
	{ "file_setattr", 469, 0 },
	{ "uretprobe", 335, SCMP_ARCH_X86_64 },
	{ "uprobe", 336, SCMP_ARCH_X86_64 },
	{ "riscv_hwprobe", 258, SCMP_ARCH_RISCV64 },
};

uint32_t scname_arch_native(void)
{
	return seccomp_arch_native();
}

const char *scname_arch_native_name(void)
{
	return NATIVE_NAME;
}

uint32_t scname_arch(const char *name)
{
	char lower[32];
	size_t n = 0;

	if (!str_startswith(name, "SCMP_ARCH_"))
		return 0;
	for (const char *p = name + strlen("SCMP_ARCH_"); *p; p++) {
		if (n == sizeof(lower) - 1)
			return 0;
		lower[n++] = (char)tolower((unsigned char)*p);
	}
	lower[n] = '\0';
	return seccomp_arch_resolve_name(lower);
}

bool scname_arch_runs_here(uint32_t token)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return token == SCMP_ARCH_X86_64 || token == SCMP_ARCH_X86 ||
		       token == SCMP_ARCH_X32;
	case SCMP_ARCH_AARCH64:
		return token == SCMP_ARCH_AARCH64 || token == SCMP_ARCH_ARM;
	default:
		return token == seccomp_arch_native();
	}
}

uint32_t scname_arch_audit(uint32_t token)
{
	return token == SCMP_ARCH_X32 ? (uint32_t)SCMP_ARCH_X86_64 : token;
}

static bool known_anywhere(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(new_calls); i++) {
		if (streq(new_calls[i].name, name))
			return true;
	}
	return false;
}

int scname_call(uint32_t token, const char *name, uint32_t *ret)
{
	int nr = seccomp_syscall_resolve_name_arch(token, name);

	/* libseccomp's own error is -1; numbers below it stand for calls of other machines. */
	if (nr >= 0 || (token == SCMP_ARCH_X32 && ((uint32_t)nr & X32_BIT) && nr > 0)) {
		*ret = (uint32_t)nr;
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(new_calls); i++) {
		if (!streq(new_calls[i].name, name))
			continue;
		if (new_calls[i].arch && new_calls[i].arch != token)
			continue;
		*ret = new_calls[i].nr | (token == SCMP_ARCH_X32 ? X32_BIT : 0);
		return 1;
	}
	return nr == __NR_SCMP_ERROR && !known_anywhere(name) ? -ENOENT : 0;
}

int scname_op(const char *name, enum bpf_op *ret, struct err *e)
{
	static const char *const names[] = {
		[BPF_OP_EQ] = "SCMP_CMP_EQ",
		[BPF_OP_NE] = "SCMP_CMP_NE",
		[BPF_OP_LT] = "SCMP_CMP_LT",
		[BPF_OP_LE] = "SCMP_CMP_LE",
		[BPF_OP_GT] = "SCMP_CMP_GT",
		[BPF_OP_GE] = "SCMP_CMP_GE",
		[BPF_OP_MASKED] = "SCMP_CMP_MASKED_EQ",
	};
	_cleanup_free_ char *clean = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(names[i], name)) {
			*ret = (enum bpf_op)i;
			return 0;
		}
	}
	clean = str_sanitise(name);
	return err_msg(e, -EINVAL,
		"operator '%s' is unknown; use SCMP_CMP_EQ, NE, LT, LE, GT, GE "
		"or MASKED_EQ",
		clean ? clean : "");
}

int scname_action(const char *name, uint32_t data, uint32_t *ret, struct err *e)
{
	static const struct {
		const char *name;
		uint32_t action;
	} plain[] = {
		{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
		{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
		{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
		{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	};
	_cleanup_free_ char *clean = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (streq(plain[i].name, name)) {
			*ret = plain[i].action;
			return 0;
		}
	}
	if (streq(name, "SCMP_ACT_ERRNO")) {
		if (data > MAX_ERRNO)
			return err_msg(e, -EINVAL, "errnoRet: want a number up to %u", MAX_ERRNO);
		*ret = SECCOMP_RET_ERRNO | data;
		return 0;
	}
	if (streq(name, "SCMP_ACT_TRACE")) {
		if (data > SECCOMP_RET_DATA)
			return err_msg(
				e, -EINVAL, "errnoRet: want a number up to %u", SECCOMP_RET_DATA);
		*ret = SECCOMP_RET_TRACE | data;
		return 0;
	}
	if (streq(name, "SCMP_ACT_NOTIFY"))
		return err_msg(e, -EOPNOTSUPP,
			"action SCMP_ACT_NOTIFY is not supported: nobody would answer the "
			"notifications; use SCMP_ACT_ERRNO");
	clean = str_sanitise(name);
	return err_msg(e, -EINVAL,
		"action '%s' is unknown; use SCMP_ACT_ALLOW, ERRNO, LOG, TRAP, "
		"TRACE, KILL, KILL_THREAD or KILL_PROCESS",
		clean ? clean : "");
}
