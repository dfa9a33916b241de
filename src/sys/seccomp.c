/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp(2), which has no wrapper in the C library. */
#include "sys/seccomp.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#else
#error "name this architecture's AUDIT_ARCH_ here"
#endif

int seccomp_install(const struct sock_filter *insns, unsigned short len, struct err *e)
{
	/* The kernel's struct has no const; it copies the program. */
	struct sock_fprog prog = { .len = len, .filter = (struct sock_filter *)insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	if (errno == EACCES)
		return err_msg(e, -EACCES,
			"load seccomp filter: not allowed without CAP_SYS_ADMIN; "
			"use --security-opt no-new-privileges");
	if (errno == ENOSYS)
		return err_msg(e, -ENOSYS,
			"load seccomp filter: this kernel has no seccomp filters; "
			"use --security-opt seccomp=unconfined");
	return err_set(e, -errno, "load seccomp filter of %u instructions", len);
}

/* Offset of the lower or upper half of an argument. */
static uint32_t half(unsigned int arg, bool high)
{
	size_t at = offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);

	return (uint32_t)at + (high == (__BYTE_ORDER == __LITTLE_ENDIAN) ? 4 : 0);
}

/* Goes on when the word at `offset` is `want`, else jumps over what is left of the front part. */
static void want_word(struct sock_filter *out, unsigned int *n, uint32_t offset, uint32_t want)
{
	out[*n] = (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, offset };
	out[*n + 1] = (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, 0,
		(uint8_t)(SECCOMP_LEAVE_INSNS - *n - 2), want };
	*n += 2;
}

int seccomp_admit_leave(const struct seccomp_leave *leave, const struct sock_filter *insns,
	unsigned short len, struct sock_filter *out)
{
	unsigned int n = 0;

	if (len > BPF_MAXINSNS - SECCOMP_LEAVE_INSNS)
		return -E2BIG;
	want_word(out, &n, offsetof(struct seccomp_data, arch), OWN_ARCH);
	want_word(out, &n, offsetof(struct seccomp_data, nr), SYS_execveat);
	for (unsigned int i = 0; i < ARRAY_SIZE(leave->arg); i++) {
		want_word(out, &n, half(i, true), (uint32_t)(leave->arg[i] >> 32));
		want_word(out, &n, half(i, false), (uint32_t)leave->arg[i]);
	}
	want_word(out, &n, half(4, false), AT_EMPTY_PATH);
	out[n++] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	memcpy(out + n, insns, len * sizeof(*insns));
	return (int)n + len;
}

int seccomp_install_leaving(const struct seccomp_leave *leave, const struct sock_filter *insns,
	unsigned short len, struct err *e)
{
	_cleanup_free_ struct sock_filter *both =
		calloc(SECCOMP_LEAVE_INSNS + (size_t)len, sizeof(*both));
	int n = both ? seccomp_admit_leave(leave, insns, len, both) : -ENOMEM;

	if (n == -E2BIG)
		return err_msg(e, n,
			"load seccomp filter of %u instructions: there is no room for the %d that "
			"start the program; use fewer rules with arguments",
			len, SECCOMP_LEAVE_INSNS);
	return n < 0 ? err_set(e, n, "seccomp filter")
		     : seccomp_install(both, (unsigned short)n, e);
}
