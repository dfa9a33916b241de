/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp(2), which has no wrapper in the C library. */
#include "sys/seccomp.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

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
