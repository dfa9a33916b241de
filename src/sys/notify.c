/* SPDX-License-Identifier: Apache-2.0 */
/* Load a notifying filter, receive, answer. */
#include "sys/notify.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

int notify_load(const struct sock_filter *insns, unsigned short len, struct err *e)
{
	/* The kernel's struct has no const; it copies the program. */
	struct sock_fprog prog = { .len = len, .filter = (struct sock_filter *)insns };
	/* Once received, a call is not begun anew by a signal: mknod would find its own file. */
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			&prog);
	if (fd < 0)
		return err_set(e, -errno, "load the notifying seccomp filter");
	return fd_above_stdio((int)fd); /* close-on-exec from birth */
}

int notify_check_sizes(void)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	return sizes.seccomp_notif == sizeof(struct seccomp_notif) &&
			       sizes.seccomp_notif_resp == sizeof(struct seccomp_notif_resp) &&
			       sizes.seccomp_data == sizeof(struct seccomp_data)
		       ? 0
		       : -EOPNOTSUPP;
}

int notify_receive(int listener, struct seccomp_notif *ret)
{
	memset(ret, 0, sizeof(*ret)); /* the kernel refuses anything else */
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, ret) < 0 ? -errno : 0;
}

bool notify_valid(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void notify_answer(int listener, uint64_t id, int64_t result)
{
	struct seccomp_notif_resp answer = { .id = id };

	if (result < 0)
		answer.error = (int32_t)result;
	else
		answer.val = result;
	/* ENOENT: it was killed, and needs no answer. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
