/* SPDX-License-Identifier: Apache-2.0 */
/* Starts uctr-transfer and reads its answer (uctr/transfer_proto.h). */
#ifndef UCTR_IMAGE_TRANSFER_H
#define UCTR_IMAGE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sys/idmap.h"
#include "uctr/transfer_proto.h"

/* One job: descriptors are borrowed, -1 where there is none; strings NULL where there is none. */
struct transfer {
	const char *verb;
	int in_fd, out_fd, userns_fd, blob_fd;
	int hold_fd; /* stays open in the helper: its lock lives as long as the helper */
	const char *digest; /* 64 hex digits */
	const char *diff_id; /* 64 hex digits */
	int64_t size; /* -1: not known */
	bool nonempty, record_owners, quiet;
	const char *name; /* for remove */
	uint64_t deadline_ns; /* of CLOCK_MONOTONIC: then it is killed, -ETIME; 0: none */
	const struct idmap *shift; /* owners in the archive to ids of the user namespace, or NULL */
	char *const *more; /* further arguments, or NULL */
	const int *more_fds; /* further descriptors, which those name */
	size_t n_more_fds;
};
#define TRANSFER_INIT(v)                                                                           \
	{                                                                                          \
		.verb = (v), .in_fd = -1, .out_fd = -1, .userns_fd = -1, .blob_fd = -1,            \
		.hold_fd = -1, .size = -1                                                          \
	}

/* What it answered; strings are "" where there is none. */
struct transfer_result {
	char digest[UCTR_DIGEST_HEX + 1];
	char diff_id[UCTR_DIGEST_HEX + 1];
	char compression[16];
	char survey[UCTR_SURVEY_HEX + 1]; /* from unpack and survey: what the tree looks like */
	uint64_t size, bytes, files;
	uint64_t skipped, changed;
};

/* A helper at work. */
struct transfer_job {
	pid_t pid;
	int fd; /* its answer: readable when it has ended, for poll(2) */
};
#define TRANSFER_JOB_INIT                                                                          \
	{                                                                                          \
		.pid = -1, .fd = -1                                                                \
	}

/* Starts a job; several may run at the same time. Ended by transfer_finish or transfer_kill. */
int transfer_start(const struct transfer *t, struct transfer_job *ret, struct err *e);
/* Waits for its answer, until deadline_ns (as above). The helper's error becomes *e. */
int transfer_finish(
	struct transfer_job *job, uint64_t deadline_ns, struct transfer_result *ret, struct err *e);
/* Ends it at once. Accepts TRANSFER_JOB_INIT. */
void transfer_kill(struct transfer_job *job);

/* Runs one job to its end. The helper's error becomes *e. ret may be NULL. */
int transfer_run(const struct transfer *t, struct transfer_result *ret, struct err *e);

#endif
