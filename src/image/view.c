/* SPDX-License-Identifier: Apache-2.0 */
/* Views: descriptors of layers for the helper's verbs pack and changes. */
#include "image/view.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "image/layers.h"
#include "image/view_impl.h"

#define CHANGES_MAX (256U << 20) /* bytes of a list */

static void free_list(int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_closep(&list[i]);
	free(list);
}

void image_view_free(struct image_view *v)
{
	free_list(v->layers, v->n_layers);
	free_list(v->base, v->n_base);
	fd_closep(&v->owners_fd);
	*v = (struct image_view)IMAGE_VIEW_INIT;
}

int image_view_add(int **list, size_t *n, int fd)
{
	int *grown = realloc(*list, (*n + 1) * sizeof(*grown));

	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	*list = grown;
	grown[(*n)++] = fd;
	return 0;
}

int image_view_layers(struct image_store *s, const char *ref, int **list, size_t *n, struct err *e)
{
	_cleanup_image_ struct image img = { 0 };
	int r = image_get(s, ref, &img, e);

	/* O_PATH: the layer's root may belong to a subordinate id, who alone may read it. */
	strv_foreach (path, img.layers) {
		int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_set(e, -errno, "open the layer %s", path);
		if (image_view_add(list, n, fd) < 0)
			return err_set(e, -ENOMEM, "layers");
	}
	return r;
}

/* --- starting the helper ----------------------------------------------------------------------- */

static int add_fds(struct view_job *j, const char *flag, const int *list, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = strv_addf(&j->args, "--%s=%d", flag, list[i]);
		j->fds[j->n_fds++] = list[i];
	}
	return r;
}

static int add_flags(const struct image_view *v, struct view_job *j)
{
	const struct {
		bool on;
		const char *flag;
	} flags[] = { { v->marks, "--marks" }, { v->top, "--top" }, { v->wh_names, "--wh-names" } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flags); i++) {
		if (flags[i].on)
			r = strv_add(&j->args, flags[i].flag);
	}
	return r;
}

int view_job_start(struct image_store *s, const struct image_view *v, struct view_job *j,
	struct transfer *t, struct err *e)
{
	int r = s->userns_fd >= 0 || !s->userns ? 0 : s->userns(s, e);

	if (r < 0)
		return r;
	j->fds = calloc(v->n_layers + v->n_base + 2, sizeof(*j->fds));
	r = j->fds ? add_fds(j, "layer-fd", v->layers, v->n_layers) : -ENOMEM;
	if (r == 0)
		r = add_fds(j, "base-fd", v->base, v->n_base);
	if (r == 0 && v->owners_fd >= 0)
		r = add_fds(j, "owners-fd", &v->owners_fd, 1);
	if (r == 0 && j->copy_fd >= 0)
		r = add_fds(j, "copy-fd", &j->copy_fd, 1);
	if (r == 0)
		r = add_flags(v, j);
	if (r == 0 && j->more)
		r = strv_add(&j->args, j->more);
	if (r < 0)
		return err_set(e, r, "read the layers");
	t->userns_fd = s->userns_fd;
	t->record_owners = s->record_owners;
	t->shift = s->shift;
	t->more = j->args;
	t->more_fds = j->fds;
	t->n_more_fds = j->n_fds;
	return transfer_start(t, &j->job, e);
}

void view_job_end(struct view_job *j)
{
	transfer_kill(&j->job);
	strv_free(j->args);
	free(j->fds);
	*j = (struct view_job)VIEW_JOB_INIT;
}

static int run(struct image_store *s, const struct image_view *v, const char *verb,
	const char *more, int out_fd, struct transfer_result *ret, struct err *e)
{
	struct transfer t = TRANSFER_INIT(verb);
	struct view_job j = VIEW_JOB_INIT;
	int r;

	t.blob_fd = out_fd;
	j.more = more;
	r = view_job_start(s, v, &j, &t, e);
	if (r == 0)
		r = transfer_finish(&j.job, 0, ret, e);
	view_job_end(&j);
	return r;
}

int image_view_pack(struct image_store *s, const struct image_view *v, int out_fd,
	struct image_view_sums *ret, struct err *e)
{
	struct transfer_result res = { 0 };
	_cleanup_free_ char *max =
		str_printf("--max-bytes=%llu", (unsigned long long)UCTR_MAX_FILE_SIZE);
	int r = max ? run(s, v, "pack", max, out_fd, &res, e) : err_set(e, -ENOMEM, "pack");

	*ret = (struct image_view_sums){ res.skipped, res.changed };
	return r;
}

/* --- lists ------------------------------------------------------------------------------------- */

static int add_change(json_t *list, const char *line)
{
	static const char letters[] = "CAD";
	const char *kind = strchr(letters, line[0]);
	json_t *path = kind ? json_text(line + 1) : NULL;

	if (!path)
		return kind ? -ENOMEM : -EPROTO;
	return json_array_append_new(
		       list, json_pack("{so si}", "Path", path, "Kind", (int)(kind - letters))) < 0
		       ? -ENOMEM
		       : 0;
}

int image_view_changes(
	struct image_store *s, const struct image_view *v, json_t **ret, struct err *e)
{
	_cleanup_fd_ int fd = memfd_create("changes", MFD_CLOEXEC);
	_cleanup_json_ json_t *list = json_array();
	_cleanup_free_ char *text = NULL;
	struct transfer_result res = { 0 };
	size_t len = 0;
	int r = fd < 0 ? err_set(e, -errno, "list the changes")
		       : run(s, v, "changes", NULL, fd, &res, e);

	if (r < 0)
		return r;
	r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_slurp(fd, CHANGES_MAX, &text, &len);
	for (size_t at = 0; r == 0 && at < len; at += strlen(text + at) + 1)
		r = *(text + at) ? add_change(list, text + at) : -EPROTO;
	if (r < 0)
		return err_set(e, r, "read the list of changes");
	*ret = take_ptr(list);
	return 0;
}
