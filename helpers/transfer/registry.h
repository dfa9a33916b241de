/* SPDX-License-Identifier: Apache-2.0 */
/* The downloader: one repository of one registry, any number of jobs at once. */
#ifndef UCTR_TRANSFER_REGISTRY_H
#define UCTR_TRANSFER_REGISTRY_H

#include <curl/curl.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "base/err.h"
#include "base/str.h"
#include "http.h"
#include "uctr/registry_proto.h"
#include "uctr/transfer_proto.h"

#define JOB_BUF CURL_MAX_WRITE_SIZE

struct registry {
	int sock;
	bool opened, ended; /* ended: nobody sends requests any more */
	CURLM *multi;
	struct http http;
	struct credentials cred;
	char *host, *repository,
		*mount; /* mount: repository that blobs may be taken from, or NULL */
	bool push, plain;
	char *base; /* "https://host:port" once it is known how the registry is spoken to */
	struct origin origin; /* of base */
	char *authorization; /* value of the header, once it was asked for */
	int authorizations; /* how often it was */
	struct job *jobs;
};

/* What a job does, by the name of its request. */
struct job;
struct job_kind {
	const char *op;
	bool gets_fd; /* a descriptor must come along */
	bool streams; /* the body goes into it as it comes, else into memory */
	/* Sets method, URL and so on for the job's step; then job_send() is called. */
	int (*prepare)(struct job *j, struct err *e);
	/*
	 * The registry answered with a status that means the request as such: 1 the job is done, 0
	 * another step follows (prepare is called again), or an error.
	 */
	int (*answered)(struct job *j, struct err *e);
};

struct job {
	struct registry *reg;
	const struct job_kind *kind;
	struct job *next;
	int64_t id;
	/* the request */
	char *ref, *type;
	uint64_t size;
	bool blob, head;
	int fd, part_fd;
	/* the exchange at work */
	CURL *easy;
	struct curl_slist *headers;
	struct response res;
	char errbuf[CURL_ERROR_SIZE];
	const char *method;
	char *url;
	bool foreign; /* url is not the registry's: no Authorization */
	bool active; /* curl has it */
	int redirects, retries;
	int answers, authorization; /* to challenges; which authorization was sent */
	uint64_t retry_at; /* ms of CLOCK_MONOTONIC; 0: not waiting */
	int step;
	/* bodies in memory: documents and what errors say */
	struct str body;
	/* blob to pipe: bytes of it that curl or the part delivered, and those not yet written */
	uint64_t got, skip;
	unsigned char pending[JOB_BUF];
	size_t pending_off, pending_len;
	bool paused; /* curl holds more back until the pipe takes it */
	bool feeding; /* the part is being written, curl comes later */
	bool begun; /* the body of this exchange has begun */
	bool finished; /* only the pending bytes are missing */
	bool whole; /* no Range any more: it was answered wrongly */
	bool enough; /* no more is wanted of what an error says */
	int write_error;
	/* blob from file */
	uint64_t sent;
	bool upload;
	char *location;
	json_t *answer; /* more keys for the answer */
	json_t *list; /* tags so far */
	int pages;
};

uint64_t now_ms(void);

/* registry_job.c: the life of a job. Errors of all of them are reported as the job's answer. */
struct job *job_new(struct registry *reg, const struct job_kind *kind);
/* Prepares and sends the current step. */
int job_send(struct job *j, struct err *e);
/* curl is done with it. */
void job_done(struct job *j, CURLcode code);
/* Time passed, or its descriptor is ready. */
void job_wake(struct job *j, short revents);
/* Fills p when the job watches its descriptor: 1 or 0. Lowers *timeout_ms when it waits for time. */
int job_poll(const struct job *j, struct pollfd *p, int *timeout_ms);
/* Answers and frees; r < 0: with e. */
void job_end(struct job *j, int r, const struct err *e);
/* The URL of the next exchange: a path of the registry ("/v2/..."), or where a location leads. */
int job_set_path(struct job *j, const char *path, struct err *e);
int job_set_location(struct job *j, const char *location, struct err *e);
/* An error for a status that the job does not know. */
int job_refused(struct job *j, struct err *e);

/* registry_blob.c: the way of a blob into its pipe. */
size_t blob_write(struct job *j, const char *data, size_t len);
/* The pipe takes more, or has lost its reader. */
void blob_drain(struct job *j, short revents);
/* From the part into the pipe: 1 when it is at its end, 0 when the pipe is full, or an error. */
int blob_feed(struct job *j, struct err *e);

/* Finds out how the registry is spoken to, and fills base. */
int registry_find(struct registry *reg, struct err *e);
/* Answers challenges of a response: fills authorization. */
int registry_authorize(struct registry *reg, const struct response *res, struct err *e);
/* Sends one answer; where that fails the process ends, which is an answer too. */
void registry_answer(struct registry *reg, int64_t id, json_t *more, int r, const struct err *e);

extern const struct job_kind job_kinds[]; /* ended by one without op */
/* registry_push.c */
int put_blob_prepare(struct job *j, struct err *e);
int put_blob_answered(struct job *j, struct err *e);
int put_document_prepare(struct job *j, struct err *e);
int put_document_answered(struct job *j, struct err *e);

/* registry_open.c: the first request, before and while rights are given up. */
int registry_open(struct registry *reg, json_t *req, struct err *e);
/* search, waited for. */
int registry_search(struct registry *reg, json_t *req, int fd, struct err *e);
int registry_check(struct registry *reg, struct err *e);

/* The verb: serves requests from sock until it ends. */
int registry_serve(int sock, struct err *e);

#endif
