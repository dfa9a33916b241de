/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads: a blob that is not there yet, from another repository or in one piece; documents. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/json.h"
#include "registry.h"

/* is it there -> may it be taken over -> its bytes -> its digest */
enum { STEP_LOOK, STEP_BEGIN, STEP_BYTES, STEP_END };

int put_blob_prepare(struct job *j, struct err *e)
{
	const char *repo = j->reg->repository;
	_cleanup_str_ struct str path = { 0 };
	_cleanup_free_ char *end = NULL;
	int r = 0;

	switch (j->step) {
	case STEP_LOOK:
		j->method = "HEAD";
		r = str_addf(&path, "/v2/%s/blobs/%s", repo, j->ref);
		break;
	case STEP_BEGIN:
		j->method = "POST";
		r = str_addf(&path, "/v2/%s/blobs/uploads/", repo);
		if (r == 0 && j->reg->mount)
			r = str_addf(&path, "?mount=%s&from=%s", j->ref, j->reg->mount);
		break;
	case STEP_BYTES:
		j->method = "PATCH";
		j->upload = true;
		return job_set_location(j, j->location, e);
	default:
		j->method = "PUT";
		end = str_printf(
			"%s%sdigest=%s", j->location, strchr(j->location, '?') ? "&" : "?", j->ref);
		return end ? job_set_location(j, end, e) : err_set(e, -ENOMEM, "URL");
	}
	return r < 0 ? err_set(e, r, "URL") : job_set_path(j, path.s, e);
}

/* Where the upload goes on; resolved now, as each answer may give another one. */
static int keep_location(struct job *j, struct err *e)
{
	char *url = NULL;
	int r;

	if (!j->res.location)
		return err_msg(e, -EPROTO, "the registry does not say where to upload to");
	r = url_resolve(j->url, j->res.location, &url, e);
	if (r < 0)
		return r;
	free(j->location);
	j->location = url;
	return 0;
}

int put_blob_answered(struct job *j, struct err *e)
{
	static const long good[] = {
		[STEP_LOOK] = 200,
		[STEP_BEGIN] = 202,
		[STEP_BYTES] = 202,
		[STEP_END] = 201,
	};
	long status = j->res.status;
	bool mounted = j->step == STEP_BEGIN && status == 201;

	if (j->step == STEP_LOOK && status == 404) {
		j->step = STEP_BEGIN;
		return 0;
	}
	if (status != good[j->step] && !mounted && !(j->step == STEP_END && status == 204))
		return job_refused(j, e);
	if (j->step == STEP_LOOK || mounted || j->step == STEP_END) {
		json_object_set_new(j->answer, "found", json_boolean(j->step != STEP_END));
		return 1;
	}
	j->step++;
	return keep_location(j, e);
}

int put_document_prepare(struct job *j, struct err *e)
{
	_cleanup_free_ char *path = str_printf("/v2/%s/manifests/%s", j->reg->repository, j->ref);

	j->method = "PUT";
	j->upload = true;
	return path ? job_set_path(j, path, e) : err_set(e, -ENOMEM, "URL");
}

int put_document_answered(struct job *j, struct err *e)
{
	return j->res.status == 201 || j->res.status == 200 ? 1 : job_refused(j, e);
}
