/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the emulation: what its files share. */
#ifndef UCTR_RUNTIME_EMULATE_IMPL_H
#define UCTR_RUNTIME_EMULATE_IMPL_H

#include <limits.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/emulate.h"
#include "runtime/emulate_creds.h"

#define SETS_MAX 65536 /* sets of credentials; the next setuid gets EAGAIN */
#define SETS_BYTES (8 << 20)
#define OWNERS_MAX 65536 /* records of files without attributes; the next chown gets ENOSPC */
#define LISTENERS_MAX 1024 /* one for each exec that still has processes */
#define ENTERED INT_MAX
#define KEPT_MAX 64 /* processes between PR_SET_KEEPCAPS and execve */

/* The owner of a file that can carry no attribute, found by what does not change with its name. */
struct owner_record {
	uint64_t dev, ino;
	int64_t born; /* nanoseconds: an inode number is used again */
	uint32_t uid, gid;
	uint32_t device; /* of an emulated device, makedev(); with kind 'c' or 'b' */
	char kind; /* '\0': a free slot; see emulate_table.c for the letters */
};

/* PR_SET_KEEPCAPS of one process, until it executes another program. */
struct kept {
	pid_t pid;
	uint64_t program; /* where its stack began: other after execve */
	bool asked; /* keep them at the next change of uid */
	bool kept; /* it changed, and may still do what root may */
};

/*
 * Shared by keeper, supervisor and, until they execute a program, the processes that enter. It
 * outlives a supervisor. Pages are there once they are touched.
 */
struct emulate_shared {
	struct err failed; /* why there is no supervisor */
	int listeners[LISTENERS_MAX];
	/* The set that the listener's first process begins with (or -errno), until it has it. */
	int first[LISTENERS_MAX];
	uint32_t n_listeners;
	bool busy; /* a call is being served, which may hang: */
	int busy_listener;
	uint64_t busy_id;
	int pending_listener; /* >= 0: a call that the keeper received and leaves to a supervisor */
	struct seccomp_notif pending;
	struct kept kept[KEPT_MAX];
	uint32_t next_kept;
	uint32_t n_sets, used;
	uint32_t at[SETS_MAX]; /* offsets into sets */
	char sets[SETS_BYTES];
	uint32_t n_owners;
	struct owner_record owners[2 * OWNERS_MAX];
};

/* The supervisor's own. */
struct supervisor {
	struct emulate_shared *shared;
	int sock; /* new listeners arrive here */
	int proc; /* procfs of the monitor's pid namespace; also its root directory */
	int records;
	bool light; /* the keeper itself, as long as nothing but ids is asked for */
	timer_t timer; /* kills a supervisor that hangs */
	struct creds creds; /* of the call being served */
	struct creds next; /* what it changes them to */
};

/* One call. */
struct call {
	struct supervisor *s;
	int listener;
	const struct seccomp_notif *n;
	pid_t tid;
	uint64_t mark_max; /* hard limit beside the mark */
};

/*
 * --- emulate_serve.c: the supervisor's loop. False when nobody needs it any more; true when it is a
 * light one and a call has come for which a real one is needed.
 */
bool emulate_serve(struct supervisor *s);

/* --- emulate_ids.c: calls about credentials; the call's value or -errno. */
int64_t emulate_get_id(struct call *c);
int64_t emulate_get_ids(struct call *c);
int64_t emulate_get_groups(struct call *c);
int64_t emulate_set_ids(struct call *c);
int64_t emulate_enter_ids(struct call *c, int index);
int64_t emulate_set_groups(struct call *c);
int64_t emulate_prctl(struct call *c);

/* --- emulate_files.c: chown and mknod in all their forms. */
int64_t emulate_chown(struct call *c);
int64_t emulate_mknod(struct call *c);

/* --- emulate_task.c: the process behind a call. */
struct task_status {
	pid_t pid; /* of the process, where tid is a thread's */
	unsigned int umask;
	uint64_t caps; /* effective */
};
int task_status(struct call *c, struct task_status *ret);
/* Fills s->creds from the process's mark. */
int task_creds(struct call *c);
/* Gives it s->next. -EAGAIN when the table is full. */
int task_set_creds(struct call *c);
/*
 * Does the process have this capability? The kernel's rights (which one id does not take away by
 * setuid) are one condition; ids of root, or rights kept on purpose, the other.
 */
int task_capable(struct call *c, const struct task_status *st, int cap);
/* The PR_SET_KEEPCAPS entry of the process, NULL when it has none; make: a new one then. */
struct kept *task_kept(struct call *c, pid_t pid, bool make);
/* Its memory: 0 or -EFAULT; a path: -ENAMETOOLONG too. */
int task_read(struct call *c, uint64_t at, void *buf, size_t len);
int task_write(struct call *c, uint64_t at, const void *buf, size_t len);
int task_read_path(struct call *c, uint64_t at, char *buf, size_t size);
/* Its open file `fd`, as O_PATH descriptor. */
int task_file(struct call *c, int fd);
/*
 * Makes the supervisor's root and directory those of the process, for a lookup from dirfd (AT_FDCWD:
 * its working directory). task_leave() undoes it. ret_root may be NULL, else it is the process's
 * root as O_PATH descriptor. The process is checked to be in its call still.
 */
int task_enter(struct call *c, int dirfd, bool absolute, int *ret_root);
void task_leave(struct call *c);

/* --- emulate_table.c: the tables in shared memory. */
/* Index of an equal set, added when there is none: -EAGAIN when there is no room. */
int table_add(struct emulate_shared *sh, const struct creds *c);
/* -EPERM for an index that no process can have. */
int table_get(const struct emulate_shared *sh, uint64_t index, struct creds *ret);
/* The record of a file, or NULL. */
struct owner_record *owners_find(struct emulate_shared *sh, const struct statx *sx);
/* What identifies the file; the rest is zero. */
void owners_key(const struct statx *sx, struct owner_record *ret);
/* Adds or replaces a record, whose kind is not 0. 0 or -ENOSPC. */
int owners_set(struct emulate_shared *sh, const struct owner_record *r);

#endif
