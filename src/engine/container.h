/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Container records. data/containers/ID/ holds record.json (replaced atomically), lock (held by
 * the monitor as long as the container lives), log, upper/ and work/, and the files bound to
 * /etc. data/names/NAME is a symlink to ID: making it reserves the name. Whether a container lives
 * is asked of the kernel (the lock), never of the record.
 */
#ifndef UCTR_ENGINE_CONTAINER_H
#define UCTR_ENGINE_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "engine/engine.h"

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_DEAD, /* recorded as running, but its monitor is gone */
};

struct container {
	char id[65];
	int dir; /* the container's directory */
	int lock; /* its lock file; -1 unless it is held */
	char *name, *image, *image_id;
	bool name_invented; /* by this start: nobody waits for it to be free; not recorded */
	char **command;
	json_t *labels, *annotations; /* objects of strings */
	char *network;
	char *driver; /* how its root file system is made, runtime/ladder.h; NULL: overlay, or none */
	char *userns, *userns_why; /* how ids are mapped, and why so when it was not asked for */
	char **uid_map, **gid_map; /* "INSIDE:OUTSIDE:COUNT", as the caller counts outside */
	json_t *config, *host_config; /* what inspect tells of the request, under docker's names */
	json_t *request; /* the options, for start (base/opt_json.h); NULL: it cannot be */
	json_t *mounts; /* volumes: objects {source, target, readOnly}; NULL: none */
	int64_t created, started, finished; /* nanoseconds since the epoch; 0: not yet */
	enum container_state state;
	int exit_code;
	char *error;
	pid_t pid, monitor; /* as the host's /proc shows them */
	uint64_t pid_start, monitor_start;
	char boot_id[37];
	char *cgroup;
	int stop_signal;
	unsigned int stop_timeout; /* seconds */
	bool auto_remove, tty, open_stdin;
};
#define CONTAINER_INIT                                                                             \
	{                                                                                          \
		.dir = -1, .lock = -1                                                              \
	}
#define _cleanup_container_ __attribute__((cleanup(container_free)))
void container_free(struct container *c);

const char *container_state_name(enum container_state s);

/*
 * Makes the directory with a fresh id, takes the lock, calls `ready`, reserves `name` (NULL: makes one
 * up). What ready fails with ends it, and nothing is left.
 */
int container_make(struct engine *en, const char *name,
	int (*ready)(struct container *c, void *ctx, struct err *e), void *ctx,
	struct container *ret, struct err *e);

/* Writes record.json. */
int container_save(struct container *c, struct err *e);

/* By name, id or unique id prefix; -ENOENT names it. State is settled by the lock. */
int container_find(struct engine *en, const char *what, struct container *ret, struct err *e);

/*
 * Every record; fn may stop the walk by a non-zero return, which is returned. With `brief` fn gets
 * what lists show (record.h) and no directory, in much less time.
 */
int container_each(struct engine *en, bool brief,
	int (*fn)(struct container *c, void *ctx, struct err *e), void *ctx, struct err *e);
/* The same, where one whose record cannot be read is not just left out with a warning. */
int container_each_or(struct engine *en, bool brief,
	int (*fn)(struct container *c, void *ctx, struct err *e),
	int (*damaged)(
		struct engine *en, const char *id, const struct err *why, void *ctx, struct err *e),
	void *ctx, struct err *e);

/*
 * Removes everything of a container that does not live (its lock is free or held by c). Files of
 * subordinate ids are removed from inside the user's namespace. c->dir is closed.
 */
int container_delete(struct engine *en, struct container *c, struct err *e);

/*
 * The container's directory in the runtime directory, made when it is missing: files that are bound
 * into it. A descriptor. Cleared with its socket when the container ends: 0 or -errno.
 */
int container_runtime_dir(struct engine *en, const struct container *c, struct err *e);
int container_runtime_clear(struct engine *en, const struct container *c);

/*
 * The first part of container_delete: from then on it is not listed, whatever follows, and a name
 * that somebody chose is free. The directory, which the rest is found by, is left.
 */
int container_unlist(struct engine *en, struct container *c, struct err *e);

/* 0 when s may name a container: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 characters. */
int container_check_name(const char *s, struct err *e);

/* Path of the monitor's socket, relative to en->runtime. */
void container_socket_path(const struct container *c, char *buf, size_t size);

#endif
