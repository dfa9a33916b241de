/* SPDX-License-Identifier: Apache-2.0 */
/* Running the transfer helper. */
#include "image/transfer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/red.h"
#include "base/spawn.h"
#include "base/stop.h"
#include "base/str.h"
#include "image/ref.h"
#include "sys/dirs.h"

#define ANSWER_MAX 65536

/* "INSIDE:OUTSIDE:COUNT,..." */
static int add_map(const char *flag, const struct idmap_line *l, size_t n, char ***argv)
{
	_cleanup_str_ struct str text = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (str_addf(&text, "%s%u:%u:%u", i ? "," : "", l[i].inside, l[i].outside,
			    l[i].count) < 0)
			return -ENOMEM;
	}
	return strv_addf(argv, "%s=%s", flag, text.s ? text.s : "");
}

static int add_args(const struct transfer *t, char ***argv)
{
	const struct {
		const char *name;
		int fd;
	} fds[] = {
		{ "--in-fd", t->in_fd },
		{ "--out-fd", t->out_fd },
		{ "--userns-fd", t->userns_fd },
		{ "--blob-fd", t->blob_fd },
	};
	int r = strv_add(argv, UCTR_TRANSFER_NAME);

	if (r == 0)
		r = strv_add(argv, t->verb);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fds); i++) {
		if (fds[i].fd >= 0)
			r = strv_addf(argv, "%s=%d", fds[i].name, fds[i].fd);
	}
	if (r == 0 && t->digest)
		r = strv_addf(argv, "--digest=%s", t->digest);
	if (r == 0 && t->diff_id)
		r = strv_addf(argv, "--diff-id=%s", t->diff_id);
	if (r == 0 && t->size >= 0)
		r = strv_addf(argv, "--size=%lld", (long long)t->size);
	if (r == 0 && t->nonempty)
		r = strv_add(argv, "--nonempty");
	if (r == 0 && t->record_owners)
		r = strv_add(argv, "--record-owners");
	if (r == 0 && t->shift)
		r = add_map("--uid-map", t->shift->uid, t->shift->n_uid, argv);
	if (r == 0 && t->shift)
		r = add_map("--gid-map", t->shift->gid, t->shift->n_gid, argv);
	if (r == 0)
		r = strv_extend(argv, t->more);
	if (r == 0 && t->name)
		r = strv_add(argv, "--");
	if (r == 0 && t->name)
		r = strv_add(argv, t->name);
	return r;
}

/*
 * What one layer may unpack to: $UCTR_MAX_LAYER_SIZE, else the protocol's limit, but never all that
 * the disk has left: a bomb must not take the user's last block before it is noticed.
 */
static int add_limit(const struct transfer *t, char ***argv, struct err *e)
{
	const char *text = getenv("UCTR_MAX_LAYER_SIZE");
	uint64_t max = UCTR_MAX_LAYER_BYTES, room;
	struct statvfs fs;

	if (text && *text && (parse_size(text, &max) < 0 || max == 0))
		return err_msg(e, -EINVAL,
			"UCTR_MAX_LAYER_SIZE: want a size like 20g, not \"%.40s\"", text);
	if (fstatvfs(t->out_fd >= 0 ? t->out_fd : t->hold_fd, &fs) < 0)
		return err_set(e, -errno, "look for room on the disk");
	room = (uint64_t)fs.f_bavail * fs.f_frsize / 100 * 95;
	if (room < max)
		max = room;
	if (strv_addf(argv, "--max-bytes=%llu", (unsigned long long)max) < 0)
		return err_set(e, -ENOMEM, "start " UCTR_TRANSFER_NAME);
	return 0;
}

static int get_hex(json_t *answer, const char *key, char *ret, struct err *e)
{
	const char *s = NULL;
	int r = json_get_str(answer, key, &s, e);

	if (r < 0 || !s)
		return r;
	if (!digest_hex_valid(s))
		return err_msg(e, -EPROTO, "%s: not a digest", key);
	memcpy(ret, s, UCTR_DIGEST_HEX + 1);
	return 0;
}

static int read_result(json_t *answer, struct transfer_result *ret, struct err *e)
{
	const char *compression = "", *survey = "";
	int r = get_hex(answer, "digest", ret->digest, e);

	if (r == 0)
		r = get_hex(answer, "diffId", ret->diff_id, e);
	if (r == 0)
		r = json_get_u64(answer, "size", &ret->size, e);
	if (r >= 0)
		r = json_get_u64(answer, "bytes", &ret->bytes, e);
	if (r >= 0)
		r = json_get_u64(answer, "files", &ret->files, e);
	if (r >= 0)
		r = json_get_str(answer, "survey", &survey, e);
	r = json_get_u64(answer, "skipped", &ret->skipped, e);
	if (r >= 0)
		r = json_get_u64(answer, "changed", &ret->changed, e);
	if (r >= 0)
		r = json_get_str(answer, "compression", &compression, e);
	snprintf(ret->survey, sizeof(ret->survey), "%s", survey);
	snprintf(ret->compression, sizeof(ret->compression), "%s", compression);
	return r < 0 ? r : 0;
}

static int read_answer(const char *text, size_t len, struct transfer_result *ret, struct err *e)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *why = "no reason given";
	int64_t code = EIO;
	bool ok = false;
	int r = json_parse(text, len, UCTR_TRANSFER_NAME, &answer, e);

	if (r == 0)
		r = json_get_bool(answer, "ok", &ok, e);
	if (r < 0)
		return r;
	if (ok)
		return ret ? read_result(answer, ret, e) : 0;
	r = json_get_str(answer, "error", &why, e);
	if (r >= 0)
		r = json_get_i64(answer, "errno", &code, e);
	if (r < 0)
		return r;
	return err_msg(e, code > 0 && code < 4096 ? -(int)code : -EIO, "%s", why);
}

static int start(const struct transfer *t, int answer_fd, pid_t *ret_pid, struct err *e)
{
	_cleanup_strv_ char **argv = NULL, **env = NULL;
	struct spawn s = SPAWN_INIT;
	const int fds[] = { t->in_fd, t->out_fd, t->userns_fd, t->blob_fd, t->hold_fd };
	_cleanup_free_ int *keep = calloc(ARRAY_SIZE(fds) + t->n_more_fds, sizeof(*keep));
	int r = 0;

	if (!keep || add_args(t, &argv) < 0)
		return err_set(e, -ENOMEM, "start " UCTR_TRANSFER_NAME);
	if ((t->out_fd >= 0 && !t->name) || t->hold_fd >= 0)
		r = add_limit(t, &argv, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			keep[s.n_keep++] = fds[i];
	}
	for (size_t i = 0; i < t->n_more_fds; i++)
		keep[s.n_keep++] = t->more_fds[i];
	/* The test build's helper has checks of its own that are switched off. */
	if (red_off("") && strv_addf(&env, "UCTR_RED=%s", getenv("UCTR_RED")) < 0)
		return err_set(e, -ENOMEM, "start " UCTR_TRANSFER_NAME);
	s.path = dirs_helper(UCTR_TRANSFER_NAME);
	s.argv = argv;
	s.env = env;
	s.stdio[1] = answer_fd;
	s.stdio[2] = t->quiet ? -1 : 2; /* progress, when that is a terminal */
	s.keep = keep;
	return spawn_start(&s, ret_pid, e);
}

/* Until it answers, which it does at its end, or -ETIME. */
static int await_answer(int fd, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec now, left;
	int64_t ns;
	int r;

	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = (int64_t)deadline_ns - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
		if (ns <= 0)
			return -ETIME;
		left = (struct timespec){ ns / 1000000000, ns % 1000000000 };
		r = ppoll(&p, 1, &left, NULL);
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? -errno : 0;
}

int transfer_start(const struct transfer *t, struct transfer_job *ret, struct err *e)
{
	_cleanup_fd_ int rd = -1, wr = -1;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe for " UCTR_TRANSFER_NAME);
	rd = p[0];
	wr = p[1];
	r = start(t, wr, &ret->pid, e);
	if (r == 0)
		ret->fd = take_fd(&rd);
	return r;
}

void transfer_kill(struct transfer_job *job)
{
	if (job->pid > 0) {
		kill(job->pid, SIGKILL);
		spawn_wait(job->pid);
	}
	job->pid = -1;
	fd_closep(&job->fd);
}

int transfer_finish(
	struct transfer_job *job, uint64_t deadline_ns, struct transfer_result *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = deadline_ns ? await_answer(job->fd, deadline_ns) : stop_wait_readable(job->fd),
	    code;

	if (r == 0)
		r = fd_slurp(job->fd, ANSWER_MAX, &text, &len);
	/* From a terminal the helper gets the signal as well. */
	if ((r < 0 || len == 0) && stop_now())
		r = -EINTR;
	if (r < 0) {
		transfer_kill(job);
		if (r == -EINTR)
			return err_msg(e, r, "interrupted");
		return err_set(e, r, "read the answer of " UCTR_TRANSFER_NAME);
	}
	fd_closep(&job->fd);
	code = spawn_wait(job->pid);
	job->pid = -1;
	if (len == 0)
		return err_msg(e, -EIO, "%s ended without an answer (%s %d)", UCTR_TRANSFER_NAME,
			code > 128 ? "signal" : "exit code", code > 128 ? code - 128 : code);
	return read_answer(text, len, ret, e);
}

int transfer_run(const struct transfer *t, struct transfer_result *ret, struct err *e)
{
	struct transfer_job job = TRANSFER_JOB_INIT;
	int r = transfer_start(t, &job, e);

	return r < 0 ? r : transfer_finish(&job, t->deadline_ns, ret, e);
}
