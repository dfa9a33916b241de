/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's inside: one process, one poll loop, shared by monitor.c and monitor_clients.c. */
#ifndef UCTR_ENGINE_MONITOR_H
#define UCTR_ENGINE_MONITOR_H

#include <poll.h>

#include "engine/ctl.h"
#include "engine/logs.h"
#include "engine/start.h"
#include "base/pump.h"
#include "runtime/emulate.h"
#include "runtime/launch.h"

#define CLIENTS_MAX 240

/* A connection, and the exec that it asked for. */
struct client {
	int fd;
	int stdio[3];
	bool waits;
	bool execs; /* it asked for an exec: its signals are for that process */
	int early; /* a signal for an exec whose pid is not known yet, or 0 */
	struct joining join;
	struct spec_process process;
	struct exec_request request;
};

/* A child that was reaped before its exec's pid was known. */
struct early_end {
	pid_t pid;
	int code;
};

struct monitor {
	struct start *s;
	bool oom; /* it ended because of its memory limit */
	struct launch launch;
	struct net_slirp slirp;
	struct emulate emulate;
	struct pump out, err;
	struct log_tap log_out, log_err;
	struct client *clients[CLIENTS_MAX];
	size_t n_clients;
	struct early_end ends[CLIENTS_MAX];
	size_t n_ends;
	struct client *starter; /* the command that started it, while it is there */
	int signals, listen, timer;
	pid_t self; /* as the host's /proc shows it; 0 before it is registered */
	bool exited;
	bool stopping; /* the monitor itself was asked to end */
	int exit_code;
	char *death; /* why uctr itself ended the container, or NULL */
};

/* Takes a descriptor as a client (the starting command's, or an accepted one). */
int clients_add(struct monitor *m, int fd);
/* Fills p with what clients wait for; *ret_n entries. */
void clients_poll(struct monitor *m, struct pollfd *p, size_t *ret_n);
/* Serves what poll(2) found; p as clients_poll filled it. */
void clients_serve(struct monitor *m, const struct pollfd *p, size_t n);
/* A child of the monitor's ended: answers the exec that it was. */
void clients_reaped(struct monitor *m, pid_t pid, int code);
/* The container ended: everybody is told. */
void clients_finish(struct monitor *m);

#endif
