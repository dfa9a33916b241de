/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor and its clients say to each other, over runtime/sync.h messages: on the socket
 * pair that the starting command keeps, and on runtime/s/ID for everybody else of the same user.
 */
#ifndef UCTR_ENGINE_CTL_H
#define UCTR_ENGINE_CTL_H

#include "engine/container.h"
#include "runtime/spec.h"

enum ctl_type {
	/* requests */
	CTL_SIGNAL = 100, /* number: signal for this connection's exec, else for the init */
	CTL_WAIT, /* answer CTL_EXITED when it ends */
	CTL_STDIO, /* number 0..2, fd: stdio of the exec that follows */
	CTL_EXEC, /* fd: a memfd with the request, see ctl_pack_exec */
	CTL_UNREAD, /* number 1 or 2: the starter's reader of that output went away */
	/* answers */
	CTL_DONE, /* the request was carried out */
	CTL_STARTED, /* it runs; number: pid; fd: its terminal's master, if it has one */
	CTL_EXITED, /* number: exit code; the starter's also has CTL_OOM */
};
/* In the number of CTL_EXITED: it did not survive its memory limit. */
#define CTL_OOM (1 << 16)

/* Listens on the container's socket, mode 0600 in a 0700 directory. */
int ctl_listen(struct engine *en, const struct container *c, struct err *e);
/* Connects; -ECONNREFUSED or -ENOENT when no monitor is there. */
int ctl_connect(struct engine *en, const struct container *c, struct err *e);

/* What exec asks for beyond the container's own settings. */
struct exec_request {
	char **args, **env; /* env: "K=V", resolved by the client */
	char *user, *cwd; /* NULL: the container's */
	bool terminal, privileged;
	bool detach; /* nobody stays with it: its terminal is the monitor's to keep */
	uint32_t rows, cols;
};
/* Into a memfd, as NUL-ended KEY=VALUE fields; and back. */
int ctl_pack_exec(const struct exec_request *q, struct err *e);
int ctl_unpack_exec(int fd, struct exec_request *ret, struct err *e);
void exec_request_free(struct exec_request *q);

#endif
