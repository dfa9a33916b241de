/* SPDX-License-Identifier: Apache-2.0 */
/* slirp4netns(1): a private network with a user-mode uplink, sandboxed, host loopback closed. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/trace.h"
#include "net/net.h"
#include "sys/dirs.h"

#define READY_MS 10000

int net_slirp_available(struct err *e)
{
	_cleanup_fd_ int tun = -1;

	if (!dirs_tool("slirp4netns")) {
		err_msg(e, -ENOENT, "slirp4netns is not installed");
		return err_hint(e, "an administrator runs: apt-get install slirp4netns");
	}
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun < 0) {
		err_set(e, -errno, "open /dev/net/tun");
		return err_hint(e, errno == EACCES
					   ? "an administrator runs: chmod 0666 /dev/net/tun"
					   : "an administrator runs: modprobe tun");
	}
	return 0;
}

int net_slirp_start(int netns, struct net_slirp *ret, struct err *e)
{
	_cleanup_fd_ int rd = -1, wr = -1;
	char ready[24], ns[48];
	char *argv[] = { (char *)"slirp4netns", (char *)"--configure", (char *)"--mtu=65520",
		(char *)"--disable-host-loopback", (char *)"--enable-sandbox",
		(char *)"--enable-seccomp", (char *)"--netns-type=path", (char *)"-r", ready, ns,
		(char *)"tap0", NULL };
	struct spawn s = SPAWN_INIT;
	int p[2], r;

	*ret = (struct net_slirp){ .pid = -1, .ready = -1, .log = -1 };
	s.path = dirs_tool("slirp4netns");
	if (!s.path)
		return err_msg(e, -ENOENT, "slirp4netns is not installed");
	r = fd_pipe(p);
	if (r < 0)
		return err_set(e, r, "pipe for slirp4netns");
	rd = p[0];
	wr = p[1];
	ret->log = memfd_create("slirp4netns", MFD_CLOEXEC);
	if (ret->log < 0)
		return err_set(e, -errno, "memfd for slirp4netns");
	snprintf(ready, sizeof(ready), "%d", wr);
	snprintf(ns, sizeof(ns), "/proc/self/fd/%d", netns);
	s.argv = argv;
	s.stdio[1] = s.stdio[2] = ret->log;
	s.keep = (const int[]){ wr, netns };
	s.n_keep = 2;
	r = spawn_start(&s, &ret->pid, e);
	if (r < 0)
		return r;
	ret->ready = take_fd(&rd);
	trace("slirp4netns started");
	return 0;
}

int net_slirp_wait(struct net_slirp *s, struct err *e)
{
	struct pollfd p = { .fd = s->ready, .events = POLLIN };
	_cleanup_free_ char *said = NULL;
	char c;
	ssize_t n;
	int r;

	do {
		r = poll(&p, 1, READY_MS);
	} while (r < 0 && errno == EINTR);
	n = r > 0 ? read(s->ready, &c, 1) : -1;
	fd_closep(&s->ready);
	if (n == 1) {
		trace("slirp4netns is up");
		return 0;
	}
	said = lseek(s->log, 0, SEEK_SET) == 0 ? fd_first_line(s->log) : NULL;
	return err_msg(e, -EIO,
		"slirp4netns %s%s%s; use --network none or host, or see 'uctr doctor'",
		r == 0 ? "did not get ready within 10 seconds" : "failed",
		said && *said ? ": " : "", said ? said : "");
}

void net_slirp_free(struct net_slirp *s)
{
	fd_closep(&s->ready);
	fd_closep(&s->log);
}
