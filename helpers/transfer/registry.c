/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `registry`: requests from a socket, jobs side by side, answers (uctr/registry_proto.h). */
#include "registry.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/red.h"

#define TICK_MS 60000
#define MAX_JOBS 64
#define CONNECTIONS 8L

void registry_answer(struct registry *reg, int64_t id, json_t *more, int r, const struct err *e)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_free_ char *text = NULL;

	json_object_set_new(o, "id", json_integer(id));
	json_object_set_new(o, "ok", json_boolean(r >= 0));
	if (r < 0) {
		json_object_set_new(o, "errno", json_integer(-r));
		json_object_set_new(o, "error", json_text(e->msg));
	} else if (more) {
		json_object_update_missing(o, more);
	}
	text = json_dumps(o, JSON_COMPACT);
	if (!text || strlen(text) > UCTR_REGISTRY_PACKET ||
		fd_send(reg->sock, text, strlen(text), NULL, 0) < 0)
		reg->ended = true; /* an answer that is waited for must not stay out */
}

int registry_authorize(struct registry *reg, const struct response *res, struct err *e)
{
	_cleanup_(challenge_free)
	struct challenge c = { 0 };
	_cleanup_strv_ char **scopes = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < res->n_challenges; i++)
		r = challenge_parse(res->challenges[i], &c, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_msg(e, -EACCES,
			"the registry asks for an authentication that is "
			"neither Basic nor Bearer");
	r = 0;
	if (reg->repository)
		r = strv_addf(&scopes, "repository:%s:%s", reg->repository,
			reg->push ? "pull,push" : "pull");
	else if (c.scope)
		r = strv_add(&scopes, c.scope);
	if (r == 0 && reg->mount)
		r = strv_addf(&scopes, "repository:%s:pull", reg->mount);
	if (r < 0)
		return err_set(e, -ENOMEM, "scope");
	free(reg->authorization);
	reg->authorization = NULL;
	reg->authorizations++;
	return auth_answer(
		&reg->http, &reg->origin, &c, &reg->cred, scopes, &reg->authorization, e);
}

/* --- what jobs ask for ------------------------------------------------------------------------- */

static int set_object_path(struct job *j, const char *what, struct err *e)
{
	_cleanup_free_ char *path = str_printf("/v2/%s/%s/%s", j->reg->repository, what, j->ref);

	return path ? job_set_path(j, path, e) : err_set(e, -ENOMEM, "URL");
}

static int document_prepare(struct job *j, struct err *e)
{
	j->method = j->head ? "HEAD" : "GET";
	return set_object_path(j, j->blob ? "blobs" : "manifests", e);
}

static int document_answered(struct job *j, struct err *e)
{
	int r;

	if (j->res.status != 200)
		return job_refused(j, e);
	r = fd_write_all(j->fd, j->body.s ? j->body.s : "", j->body.len);
	if (r < 0)
		return err_set(e, r, "pass a document on");
	if (j->res.type) /* "; charset=utf-8" is not part of it */
		j->res.type[strcspn(j->res.type, "; ")] = '\0';
	json_object_set_new(j->answer, "type", json_text(j->res.type ? j->res.type : ""));
	json_object_set_new(j->answer, "digest", json_text(j->res.digest ? j->res.digest : ""));
	json_object_set_new(j->answer, "size", json_integer((json_int_t)j->body.len));
	return 1;
}

static int blob_prepare(struct job *j, struct err *e)
{
	return set_object_path(j, "blobs", e);
}

static int blob_answered(struct job *j, struct err *e)
{
	if (j->res.status == 200 || j->res.status == 206)
		return 1;
	return job_refused(j, e);
}

static int tags_prepare(struct job *j, struct err *e)
{
	_cleanup_free_ char *path = str_printf("/v2/%s/tags/list", j->reg->repository);

	if (j->location)
		return job_set_location(j, j->location, e);
	return path ? job_set_path(j, path, e) : err_set(e, -ENOMEM, "URL");
}

/* <URL>; rel="next": on the same registry, or it is not followed. */
static int next_page(struct job *j, struct err *e)
{
	const char *link = j->res.link, *end = link ? strchr(link, '>') : NULL;
	_cleanup_free_ char *url = NULL, *full = NULL;
	struct origin o;
	int r;

	free(j->location);
	j->location = NULL;
	if (!end || *link != '<' || !strstr(end, "next"))
		return 1;
	if (++j->pages > UCTR_MAX_TAG_PAGES)
		return err_msg(e, -EFBIG, "the registry's list of tags does not end");
	url = strndup(link + 1, (size_t)(end - link - 1));
	r = url ? url_resolve(j->url, url, &full, e) : err_set(e, -ENOMEM, "tags");
	if (r == 0)
		r = origin_parse(full, &o, e);
	if (r == 0 && !origin_same(&o, &j->reg->origin) && !red_off("tags-origin"))
		r = err_msg(e, -EPROTO, "the registry's list of tags goes on at another host");
	if (r < 0)
		return r;
	j->location = take_ptr(full);
	return 0;
}

static int tags_answered(struct job *j, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *tags = NULL;
	int r;

	if (j->res.status != 200)
		return job_refused(j, e);
	r = json_parse(j->body.s ? j->body.s : "", j->body.len, "list of tags", &doc, e);
	if (r == 0)
		r = json_get_arr(doc, "tags", &tags, e);
	if (r < 0)
		return r;
	if (!j->list)
		j->list = json_array();
	if (tags && json_array_extend(j->list, tags) < 0)
		return err_set(e, -ENOMEM, "tags");
	r = next_page(j, e);
	if (r <= 0)
		return r;
	text = json_dumps(j->list, JSON_COMPACT);
	r = text ? fd_write_all(j->fd, text, strlen(text)) : -ENOMEM;
	return r < 0 ? err_set(e, r, "pass the tags on") : 1;
}

static int has_blob_prepare(struct job *j, struct err *e)
{
	j->method = "HEAD";
	return set_object_path(j, "blobs", e);
}

static int has_blob_answered(struct job *j, struct err *e)
{
	if (j->res.status != 200 && j->res.status != 404)
		return job_refused(j, e);
	json_object_set_new(j->answer, "found", json_boolean(j->res.status == 200));
	return 1;
}

const struct job_kind job_kinds[] = {
	{ "document", true, false, document_prepare, document_answered },
	{ "blob", true, true, blob_prepare, blob_answered },
	{ "tags", true, false, tags_prepare, tags_answered },
	{ "hasBlob", false, false, has_blob_prepare, has_blob_answered },
	{ "putBlob", true, false, put_blob_prepare, put_blob_answered },
	{ "putDocument", true, false, put_document_prepare, put_document_answered },
	{ 0 },
};

/* --- requests ---------------------------------------------------------------------------------- */

static int fill_job(struct job *j, json_t *req, int fds[FD_PASS_MAX], struct err *e)
{
	int r = json_get_strdup(req, "ref", &j->ref, e);

	if (r >= 0)
		r = json_get_strdup(req, "type", &j->type, e);
	if (r >= 0)
		r = json_get_u64(req, "size", &j->size, e);
	if (r >= 0)
		r = json_get_bool(req, "blob", &j->blob, e);
	if (r >= 0)
		r = json_get_bool(req, "head", &j->head, e);
	j->fd = take_fd(&fds[0]);
	j->part_fd = take_fd(&fds[1]);
	if (r < 0)
		return r;
	if (j->kind->gets_fd && j->fd < 0)
		return err_msg(e, -EINVAL, "request %s without its descriptor", j->kind->op);
	if (!j->reg->repository)
		return err_msg(e, -EINVAL, "request %s without a repository", j->kind->op);
	j->feeding = j->part_fd >= 0;
	/* The loop never waits for one pipe. */
	return j->kind->streams ? fd_nonblock(j->fd) : 0;
}

static void begin_job(
	struct registry *reg, const struct job_kind *kind, json_t *req, int64_t id, int *fds)
{
	struct err e = ERR_INIT;
	struct job *j = job_new(reg, kind);
	int r;

	if (!j) {
		err_set(&e, -ENOMEM, "request");
		registry_answer(reg, id, NULL, -ENOMEM, &e);
		return;
	}
	j->id = id;
	r = fill_job(j, req, fds, &e);
	if (r == 0 && !j->feeding)
		r = job_send(j, &e);
	if (r < 0)
		job_end(j, r, &e);
}

/* Requests that are waited for: nothing else is under way then. */
static int serve_now(struct registry *reg, const char *op, json_t *req, int fd, struct err *e)
{
	if (streq(op, "open"))
		return registry_open(reg, req, e);
	if (!reg->opened)
		return err_msg(e, -EINVAL, "the first request must be open");
	if (streq(op, "check"))
		return registry_check(reg, e);
	if (streq(op, "search"))
		return registry_search(reg, req, fd, e);
	return err_msg(e, -EINVAL, "unknown request");
}

static void serve_request(struct registry *reg, json_t *req, int *fds)
{
	struct err e = ERR_INIT;
	const char *op = "";
	int64_t id = 0;
	int r = json_get_i64(req, "id", &id, &e);

	if (r >= 0)
		r = json_get_str(req, "op", &op, &e);
	for (const struct job_kind *k = job_kinds; r >= 0 && reg->opened && k->op; k++) {
		if (streq(k->op, op)) {
			begin_job(reg, k, req, id, fds);
			return;
		}
	}
	if (r >= 0)
		r = serve_now(reg, op, req, fds[0], &e);
	registry_answer(reg, id, NULL, r, &e);
}

static int receive(struct registry *reg, struct err *e)
{
	static char buf[UCTR_REGISTRY_PACKET];
	_cleanup_json_ json_t *req = NULL;
	int fds[FD_PASS_MAX], r = 0;
	size_t n_fds = 0;
	ssize_t n = fd_recv(reg->sock, buf, sizeof(buf), fds, &n_fds);

	if (n <= 0) {
		reg->ended = true;
		return n < 0 ? err_set(e, (int)n, "read a request") : 0;
	}
	r = json_parse(buf, (size_t)n, "request", &req, e);
	memset(buf, 0, (size_t)n); /* a password may have been in it */
	if (r == 0 && json_is_object(req))
		serve_request(reg, req, fds);
	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fd_closep(&fds[i]);
	return r;
}

/* --- the loop ---------------------------------------------------------------------------------- */

static void collect_done(struct registry *reg)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(reg->multi, &left))) {
		CURL *easy = m->easy_handle;
		CURLcode code = m->data.result;
		struct job *j = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &j);
		job_done(j, code);
	}
}

static void wake_jobs(struct registry *reg, const struct curl_waitfd *w, unsigned n)
{
	struct job *next;

	for (struct job *j = reg->jobs; j; j = next) {
		short revents = 0;

		next = j->next;
		for (unsigned i = 0; i < n; i++) {
			if (w[i].fd == j->fd)
				revents |= w[i].revents;
		}
		job_wake(j, revents);
	}
}

/* curl's flags are not those of poll(2); errors are asked for afterwards. */
static void look_again(struct curl_waitfd *w, unsigned n)
{
	struct pollfd p[MAX_JOBS];

	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = w[i].fd,
			.events = (short)(w[i].events & CURL_WAIT_POLLIN ? POLLIN
					  : w[i].events                  ? POLLOUT
									 : 0) };
	if (poll(p, n, 0) < 0)
		return;
	for (unsigned i = 0; i < n; i++)
		w[i].revents = p[i].revents;
}

static int turn(struct registry *reg, struct err *e)
{
	struct curl_waitfd w[MAX_JOBS];
	int timeout = TICK_MS, running;
	unsigned n = 0, jobs = 0;

	for (struct job *j = reg->jobs; j; j = j->next) {
		struct pollfd p;

		jobs++;
		if (n < MAX_JOBS - 1 && job_poll(j, &p, &timeout))
			w[n++] = (struct curl_waitfd){ .fd = p.fd,
				.events = p.events ? CURL_WAIT_POLLOUT : 0 };
	}
	if (jobs < MAX_JOBS - 1) /* else requests wait */
		w[n++] = (struct curl_waitfd){ .fd = reg->sock, .events = CURL_WAIT_POLLIN };
	if (curl_multi_poll(reg->multi, w, n, timeout, NULL) != CURLM_OK ||
		curl_multi_perform(reg->multi, &running) != CURLM_OK)
		return err_msg(e, -EIO, "curl failed");
	collect_done(reg);
	look_again(w, n);
	wake_jobs(reg, w, n);
	if (n > 0 && w[n - 1].fd == reg->sock && w[n - 1].revents)
		return receive(reg, e);
	return 0;
}

int registry_serve(int sock, struct err *e)
{
	struct registry reg = { .sock = sock };
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(reg.multi = curl_multi_init()))
		return err_set(e, -ENOMEM, "prepare the downloader");
	curl_multi_setopt(reg.multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS);
	while (r == 0 && !reg.ended)
		r = turn(&reg, e);
	return r; /* the process ends, and everything with it */
}
