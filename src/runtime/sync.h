/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake of parent and child over one SOCK_SEQPACKET pair.
 *
 *   parent                                child
 *     | ---------- clone3 ------------------> |
 *     | writes uid_map, gid_map               | waits
 *     | ---------- SYNC_MAPPED -------------> | ids, session, cgroup namespace
 *     | <--------- SYNC_FUSE (user ns) ------ | only when the kernel refuses overlay:
 *     | <--------- SYNC_FUSE (mount ns) ----- |
 *     | ---------- SYNC_FUSE_DONE ----------> |   the parent starts fuse-overlayfs for it,
 *     |                                       |   or says by SYNC_ERROR why not
 *     | <--------- SYNC_NOTE, SYNC_ROOT ----- |   what is used instead, and why
 *     | <--------- SYNC_PROGRESS ------------ |   now and then while the image is copied
 *     |   (engine attaches the network)       | mounts, pivot_root, devices, masks
 *     | <--------- SYNC_READY (pty master) -- | parked: everything is set but the process
 *     | ---------- SYNC_START --------------> | limits, rights, seccomp, execve
 *     | <--------- end of file -------------- | close-on-exec closed the socket: it runs
 *
 * At any point the child may send SYNC_ERROR with a struct err instead and exit. End of file
 * before SYNC_READY was received is an error: a dead child never looks ready.
 * A joining process (exec) uses the last two steps, after SYNC_PID.
 */
#ifndef UCTR_RUNTIME_SYNC_H
#define UCTR_RUNTIME_SYNC_H

#include <stdint.h>

#include "base/err.h"

enum sync_type {
	SYNC_ERROR = 1,
	SYNC_MAPPED,
	SYNC_FUSE,
	SYNC_FUSE_DONE,
	SYNC_READY,
	SYNC_START,
	SYNC_PID,
	SYNC_PROGRESS, /* number: bytes copied so far */
	SYNC_ROOT, /* number: the enum spec_root that is used, when it is not the first */
	SYNC_NOTE, /* something the person should know, as struct err; nothing failed */
};

int sync_pair(int fds[2], struct err *e);
/* fd -1: none is passed; `number` travels with the message. 0 or an error. */
int sync_send(int sock, enum sync_type type, int64_t number, int fd, struct err *e);
/* Sends e itself; nothing can be done when that fails, as the peer then sees end of file. */
void sync_send_error(int sock, const struct err *e);
void sync_send_note(int sock, const struct err *note);
/*
 * Receives one message: its type. SYNC_ERROR is returned as the error that it carries, SYNC_NOTE
 * leaves what it carries in *e; end of
 * file is -EPIPE, with nothing in *e. *ret_fd (may be NULL) is -1 or owned by the caller.
 */
int sync_recv(int sock, int64_t *ret_number, int *ret_fd, struct err *e);
/* sync_recv that takes only `want`; end of file and every other message are errors. */
int sync_expect(int sock, enum sync_type want, int64_t *ret_number, int *ret_fd, struct err *e);
const char *sync_name(enum sync_type type);

#endif
