/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to a living container: the command's side, and the monitor it leaves behind. */
#ifndef UCTR_ENGINE_START_H
#define UCTR_ENGINE_START_H

#include "engine/container.h"
#include "engine/mapping.h"
#include "engine/merge.h"
#include "engine/userns.h"

/*
 * One start. Descriptors are pairs: the container holds stdin[0], out[1], err[1]; the monitor
 * out[0], err[0] (or the terminal's master), fwd_out[1], fwd_err[1], ctl[1]; the command stdin[1],
 * fwd_out[0], fwd_err[0], ctl[0]. Detached, the fwd pairs do not exist.
 */
struct start {
	struct engine *en;
	struct container c;
	struct plan plan;
	struct mapping mapping;
	json_t *request; /* the options for the record (base/opt_json.h); NULL: not started again */
	bool again; /* the container was there before: a start that fails leaves it */
	int64_t started_before; /* `again`: when it ran last; 0: never */
	bool detach, interactive, tty, init;
	int ctl[2], in[2], out[2], err[2], fwd_out[2], fwd_err[2];
	int cgroup_fd;
	struct userns_hold hold;
	bool monitor_lives;
	int master; /* of the terminal, once started */
};
#define START_INIT                                                                                 \
	{                                                                                          \
		.c = CONTAINER_INIT, .ctl = { -1, -1 }, .in = { -1, -1 }, .out = { -1, -1 },       \
		.err = { -1, -1 }, .fwd_out = { -1, -1 }, .fwd_err = { -1, -1 }, .cgroup_fd = -1,  \
		.hold = USERNS_HOLD_INIT, .master = -1                                             \
	}
void start_free(struct start *s);
/* Its descriptors but for ctl: taking a start back needs some, which may be what is short. */
void start_close(struct start *s);

/* The directories of its own layer, which create makes too. place.c */
int start_place_layer(struct start *s, const struct image *img, struct err *e);
/* Fills the spec with what lies in the container's directory: overlay, /etc files. place.c */
int start_place(
	struct start *s, const struct container_opts *o, const struct image *img, struct err *e);

/*
 * Gives it to the container's root where he is not the caller. Called by the monitor, which may
 * change owners in the user's namespace. place.c
 */
int start_give(struct start *s, struct err *e);

/* Makes the cgroup, the pipes and the monitor; returns when the payload runs. */
int start_go(struct start *s, struct err *e);

/* In the monitor, when `again` has failed and nothing runs: the record as it was, and why. restart.c */
void start_undo(struct start *s, const struct err *why);

/* The monitor; never returns. */
void monitor_main(struct start *s) __attribute__((noreturn));

/*
 * The command's side of a running process: its terminal or its pipes, signals, window size.
 * Returns its exit code. attach.c
 */
struct attach {
	int ctl; /* CTL_EXITED comes from here; signals go there */
	int in; /* to the process: pipe or -1 */
	int out, err; /* from the process; -1 */
	int master; /* or a terminal */
	bool interactive;
	bool relayed; /* the monitor stands between the process and us */
	bool oom; /* set by attach_run: it did not survive its memory limit */
};
int attach_run(struct attach *a, struct err *e);
/* Signals that a command passes on are blocked from here to attach_run. */
void attach_block_signals(void);
/* A signal that ends commands and waits for its turn, as it is blocked; 0 when there is none. */
int attach_waiting_signal(void);
/* The caller's terminal size for a new terminal; 0 when he has none. */
void attach_size(uint16_t *rows, uint16_t *cols);
/* docker's refusal of -i -t without a terminal. */
int attach_check_tty(bool tty, bool interactive, struct err *e);

#endif
