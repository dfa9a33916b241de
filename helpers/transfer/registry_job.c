/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a job: exchanges one after the other until it is done or has failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"
#include "registry.h"

/*
 *	job_send -> curl -> job_done -+-> answered: done, or the next step
 *	     ^                        +-> a challenge: authorize, the same again
 *	     |                        +-> a redirect: the same elsewhere
 *	     +--- job_wake <----------+-> broken off, or told to wait: again, later
 */
#define ERROR_BODY_MAX 65536
#define BACKOFF_MS 500

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct job *job_new(struct registry *reg, const struct job_kind *kind)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->reg = reg;
	j->kind = kind;
	j->fd = j->part_fd = -1;
	j->answer = json_object();
	j->next = reg->jobs;
	reg->jobs = j;
	return j;
}

static void end_exchange(struct job *j)
{
	if (j->active)
		curl_multi_remove_handle(j->reg->multi, j->easy);
	j->active = false;
	curl_slist_free_all(j->headers);
	j->headers = NULL;
}

void job_end(struct job *j, int r, const struct err *e)
{
	struct registry *reg = j->reg;

	registry_answer(reg, j->id, j->answer, r, e);
	end_exchange(j);
	curl_easy_cleanup(j->easy);
	for (struct job **p = &reg->jobs; *p; p = &(*p)->next) {
		if (*p == j) {
			*p = j->next;
			break;
		}
	}
	fd_closep(&j->fd);
	fd_closep(&j->part_fd);
	response_reset(&j->res);
	str_free(&j->body);
	json_decref(j->answer);
	json_decref(j->list);
	free(j->ref);
	free(j->type);
	free(j->url);
	free(j->location);
	free(j);
}

static int set_url(struct job *j, char *url, struct err *e)
{
	struct origin o;
	int r;

	free(j->url);
	j->url = url;
	r = url ? origin_parse(url, &o, e) : err_set(e, -ENOMEM, "URL");
	if (r < 0)
		return r;
	j->foreign = !origin_same(&o, &j->reg->origin) && !red_off("foreign-origin");
	return 0;
}

int job_set_path(struct job *j, const char *path, struct err *e)
{
	return set_url(j, str_printf("%s%s", j->reg->base, path), e);
}

int job_set_location(struct job *j, const char *location, struct err *e)
{
	struct origin from, to;
	char *url = NULL;
	int r = url_resolve(j->url ? j->url : j->reg->base, location, &url, e);

	if (r == 0)
		r = origin_parse(j->url ? j->url : j->reg->base, &from, e);
	if (r == 0)
		r = origin_parse(url, &to, e);
	if (r == 0 && streq(from.scheme, "https") && streq(to.scheme, "http") &&
		!red_off("https-downgrade"))
		r = err_msg(e, -EPROTO, "the registry redirects from https to http");
	if (r < 0) {
		free(url);
		return err_wrap(e, r, "a redirect of the registry");
	}
	return set_url(j, url, e);
}

/* What the registry says about its refusal, when it says it as the specification wants. */
static char *reason(const struct job *j)
{
	_cleanup_json_ json_t *doc = NULL;
	json_t *first;
	const char *text;

	if (!j->body.s || json_parse(j->body.s, j->body.len, "error", &doc, NULL) < 0)
		return NULL;
	first = json_array_get(json_object_get(doc, "errors"), 0);
	text = json_string_value(json_object_get(first, "message"));
	if (!text || !*text)
		text = json_string_value(json_object_get(first, "code"));
	return text ? str_sanitise(text) : NULL;
}

int job_refused(struct job *j, struct err *e)
{
	static const struct {
		long status;
		int r;
		const char *text;
	} known[] = {
		{ 401, -EACCES, "authentication is required" },
		{ 403, -EACCES, "access is denied" },
		{ 404, -ENOENT, "not found" },
		{ 416, -EBADMSG, "the rest of a blob is refused" },
		{ 429, -EBUSY, "too many requests, try again later" },
	};
	_cleanup_free_ char *why = reason(j);
	const char *text = j->res.status >= 500 ? "the registry has a problem" : "refused";
	int r = -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].status == j->res.status) {
			text = known[i].text;
			r = known[i].r;
		}
	}
	return err_msg(e, r, "%s%s%.20s: %s (%ld%s%.200s)", j->reg->repository,
		str_startswith(j->ref ? j->ref : "", "sha256:") ? "@"
		: j->ref ? ":"
			 : "",
		j->ref ? j->ref : "", text, j->res.status, why ? ": " : "", why ? why : "");
}

static size_t on_header(char *line, size_t one, size_t len, void *ctx)
{
	struct job *j = ctx;

	(void)one;
	return response_header(&j->res, line, len) < 0 ? 0 : len;
}

static size_t on_body(char *data, size_t one, size_t len, void *ctx)
{
	struct job *j = ctx;
	size_t max = UCTR_MAX_DOCUMENT;
	long status = 0;

	(void)one;
	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	if (j->kind->streams && (status == 200 || status == 206))
		return blob_write(j, data, len);
	if (status >= 300) {
		/* Enough of it to say what is wrong; it may be without end. */
		j->enough = j->body.len + len > ERROR_BODY_MAX;
		if (j->enough)
			return 0;
	} else if (j->body.len + len > max) {
		j->write_error = EFBIG;
		return 0;
	}
	return str_add(&j->body, data, len) < 0 ? 0 : len;
}

static size_t on_upload(char *buf, size_t one, size_t len, void *ctx)
{
	struct job *j = ctx;
	uint64_t left = j->size - j->sent;
	ssize_t n;

	(void)one;
	if (len > left)
		len = left;
	do {
		n = read(j->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0 || (n == 0 && left > 0)) {
		j->write_error = n < 0 ? errno : EBADMSG;
		return CURL_READFUNC_ABORT;
	}
	j->sent += (uint64_t)n;
	return (size_t)n;
}

static int add_header(struct job *j, const char *name, const char *value)
{
	_cleanup_free_ char *line = str_printf("%s: %s", name, value);
	struct curl_slist *more = line ? curl_slist_append(j->headers, line) : NULL;

	if (!more)
		return -ENOMEM;
	j->headers = more;
	return 0;
}

static int set_headers(struct job *j)
{
	static const char accept[] = "application/vnd.oci.image.index.v1+json, "
				     "application/vnd.oci.image.manifest.v1+json, "
				     "application/vnd.docker.distribution.manifest.list.v2+json, "
				     "application/vnd.docker.distribution.manifest.v2+json";
	bool documents = streq(j->kind->op, "document") && !j->blob;
	int r = documents ? add_header(j, "Accept", accept) : 0;

	if (r == 0 && j->upload)
		r = add_header(j, "Content-Type", j->type ? j->type : "application/octet-stream");
	if (r == 0 && j->upload)
		r = add_header(j, "Expect", "");
	if (r == 0 && j->reg->authorization && !j->foreign)
		r = add_header(j, "Authorization", j->reg->authorization);
	j->authorization = j->reg->authorizations;
	return r;
}

/* Options of one exchange; curl copies what it needs but the headers. */
static int set_exchange(struct job *j)
{
	CURL *c = j->easy;
	char range[32];
	int r;

	curl_easy_reset(c);
	r = http_setup(&j->reg->http, c, j->url, j->errbuf);
	if (r == 0)
		r = set_headers(j);
	if (r < 0)
		return r;
	curl_easy_setopt(c, CURLOPT_PRIVATE, j);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, j);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, j);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, j->headers);
	if (j->upload) {
		j->sent = 0;
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_upload);
		curl_easy_setopt(c, CURLOPT_READDATA, j);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)j->size);
	} else if (streq(j->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (!streq(j->method, "GET")) {
		curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, "");
	}
	if (!streq(j->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, j->method);
	if (j->got > 0 && !j->whole) {
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)j->got);
		curl_easy_setopt(c, CURLOPT_RANGE, range);
	}
	return 0;
}

int job_send(struct job *j, struct err *e)
{
	int r;

	end_exchange(j);
	response_reset(&j->res);
	j->body.len = 0;
	j->begun = j->paused = j->enough = false;
	j->skip = 0;
	j->retry_at = 0;
	j->write_error = 0;
	if (!j->url) {
		j->upload = false;
		j->method = "GET";
		j->redirects = 0;
		r = j->kind->prepare(j, e);
		if (r < 0)
			return r;
	}
	/* What a file held is sent again after a challenge; a pipe cannot be. */
	if (j->upload && j->sent > 0 && lseek(j->fd, 0, SEEK_SET) < 0)
		return err_set(e, -errno, "send a blob again");
	if (!j->easy)
		j->easy = curl_easy_init();
	r = j->easy ? set_exchange(j) : -ENOMEM;
	if (r == 0 && curl_multi_add_handle(j->reg->multi, j->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0)
		return err_set(e, r, "HTTP request");
	j->active = true;
	return 0;
}

/* Again, later: twice as long each time, and not all at the same moment. -EAGAIN: not any more. */
static int retry(struct job *j, struct err *e)
{
	curl_off_t after = 0;
	uint64_t wait = BACKOFF_MS;
	uint16_t jitter = 0;

	if (j->retries++ >= UCTR_MAX_RETRIES)
		return -EAGAIN;
	wait <<= j->retries - 1;
	if (getrandom(&jitter, sizeof(jitter), 0) == sizeof(jitter))
		wait += wait * jitter / (2 * 65536);
	curl_easy_getinfo(j->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > UCTR_MAX_RETRY_AFTER)
		return err_msg(e, -EBUSY, "the registry wants to be asked again in %lld seconds",
			(long long)after);
	if (after > 0)
		wait = (uint64_t)after * 1000;
	end_exchange(j);
	/* From the registry again: where it led to may be of the past. An upload starts anew. */
	free(j->url);
	j->url = NULL;
	j->step = 0;
	free(j->location);
	j->location = NULL;
	j->retry_at = now_ms() + wait;
	return 0;
}

static int redirect(struct job *j, struct err *e)
{
	_cleanup_free_ char *to = j->res.location ? strdup(j->res.location) : NULL;
	int r;

	if (!to)
		return err_msg(e, -EPROTO, "the registry redirects to nowhere");
	if (++j->redirects > UCTR_MAX_REDIRECTS && !red_off("redirect-limit"))
		return err_msg(
			e, -ELOOP, "the registry redirects more than %d times", UCTR_MAX_REDIRECTS);
	r = job_set_location(j, to, e);
	return r < 0 ? r : job_send(j, e);
}

static int challenged(struct job *j, struct err *e)
{
	int r = 0;

	/* Another job may have answered the same challenge meanwhile. */
	if (j->authorization == j->reg->authorizations) {
		if (j->answers++ >= 2)
			return job_refused(j, e);
		r = registry_authorize(j->reg, &j->res, e);
	}
	return r < 0 ? r : job_send(j, e);
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Who answers a range wrongly is asked once more, for all of it: what is here already is skipped. */
static bool range_failed(const struct job *j)
{
	return j->got > 0 && !j->whole && (j->write_error == EPROTO || j->res.status == 416);
}

static int judge(struct job *j, CURLcode code, struct err *e)
{
	int r;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &j->res.status);
	if (range_failed(j)) {
		j->whole = true;
		return job_send(j, e);
	}
	if (j->write_error == EFBIG)
		return err_msg(e, -EFBIG, "the registry's answer is longer than %u bytes",
			UCTR_MAX_DOCUMENT);
	if (j->write_error)
		return err_set(e, -j->write_error, "pass a blob on");
	/* A registry that goes away in between may be back in a moment; one that is down is told. */
	if (code != CURLE_OK && !j->enough) {
		if (j->size > 0 && j->got == j->size && j->kind->streams)
			return 1; /* all of it is here */
		if (http_code_is_transient(code) || (j->retries && code == CURLE_COULDNT_CONNECT)) {
			r = retry(j, e);
			if (r != -EAGAIN)
				return r;
		}
		return http_failed(code, j->errbuf, j->url, e);
	}
	if (j->res.status == 401 && !j->foreign)
		return challenged(j, e);
	if (is_redirect(j->res.status))
		return redirect(j, e);
	if (http_status_is_transient(j->res.status)) {
		r = retry(j, e);
		return r == -EAGAIN ? job_refused(j, e) : r;
	}
	r = j->kind->answered(j, e);
	if (r != 0)
		return r;
	free(j->url);
	j->url = NULL;
	return job_send(j, e);
}

void job_done(struct job *j, CURLcode code)
{
	struct err e = ERR_INIT;
	int r;

	curl_multi_remove_handle(j->reg->multi, j->easy);
	j->active = false;
	r = judge(j, code, &e);
	if (r > 0 && j->pending_len > 0)
		j->finished = true;
	else if (r != 0)
		job_end(j, r, &e);
}

int job_poll(const struct job *j, struct pollfd *p, int *timeout_ms)
{
	uint64_t now;

	if (j->retry_at) {
		now = now_ms();
		if (j->retry_at < now + (uint64_t)*timeout_ms)
			*timeout_ms = j->retry_at > now ? (int)(j->retry_at - now) : 0;
	}
	/* Without events it still tells that the reader is gone. */
	*p = (struct pollfd){ .fd = j->fd, .events = j->feeding || j->pending_len ? POLLOUT : 0 };
	return j->kind->streams;
}

void job_wake(struct job *j, short revents)
{
	struct err e = ERR_INIT;
	int r = 0;

	if (j->kind->streams && (revents & POLLERR)) {
		r = err_set(&e, -EPIPE, "pass a blob on");
	} else if (j->feeding && revents) {
		r = blob_feed(j, &e);
		if (r > 0 && j->got < j->size)
			r = job_send(j, &e);
	} else if (j->pending_len && revents) {
		blob_drain(j, revents);
		if (j->write_error)
			r = err_set(&e, -j->write_error, "pass a blob on");
		else if (j->finished && !j->pending_len)
			r = 1;
	} else if (j->retry_at && j->retry_at <= now_ms()) {
		r = job_send(j, &e);
	}
	if (r != 0)
		job_end(j, r, &e);
}
