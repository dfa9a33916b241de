/* SPDX-License-Identifier: Apache-2.0 */
/* image_commit: one layer more on an image, packed and unpacked again in one pass. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/config.h"
#include "image/lookup.h"
#include "image/publish.h"
#include "image/view_impl.h"

/*
 * One helper packs the layer into its blob, another unpacks what the first hands on meanwhile into the
 * new layer's tree. So the tree is there at once, and the image is known to be readable: both count
 * and digest the same bytes.
 */

/* --- the config -------------------------------------------------------------------------------- */

/* What has another type than it should would confuse those who change it; the image is hostile. */
static void drop_odd(json_t *settings)
{
	static const struct {
		const char *key;
		json_type type;
	} known[] = { { "Env", JSON_ARRAY }, { "Cmd", JSON_ARRAY }, { "Entrypoint", JSON_ARRAY },
		{ "Labels", JSON_OBJECT }, { "ExposedPorts", JSON_OBJECT },
		{ "Volumes", JSON_OBJECT } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		json_t *v = json_object_get(settings, known[i].key);

		for (size_t k = json_array_size(v); k-- > 0;) {
			if (!json_is_string(json_array_get(v, k)))
				json_array_remove(v, k);
		}
		if (v && json_typeof(v) != known[i].type)
			json_object_del(settings, known[i].key);
	}
}

/* The container's command, as far as it is not what the image's entry point adds by itself. */
static int set_command(json_t *settings, char *const *command)
{
	json_t *entry = json_object_get(settings, "Entrypoint"), *v;
	size_t n = json_array_size(entry), i;
	bool same = strv_len(command) >= n;
	_cleanup_json_ json_t *own = NULL;

	json_array_foreach (entry, i, v)
		same = same && streq(json_string_value(v), command[i]);
	if (!same) {
		own = json_pack("[o]", json_text(command[0]));
		n = 1;
		if (!own || json_object_set(settings, "Entrypoint", own) < 0)
			return -ENOMEM;
	}
	return json_object_set_new(settings, "Cmd", json_from_strv(command + n));
}

static int add_history(
	json_t *config, const struct image_commit *what, const char *now, struct err *e)
{
	json_t *history = json_object_get(config, "history"), *h;
	_cleanup_str_ struct str by = { 0 };

	strv_foreach (word, what->command)
		(void)str_addf(&by, "%s%s", by.len ? " " : "", word); /* a comment, no more */
	if (!json_is_array(history)) {
		history = json_array();
		json_object_set_new(config, "history", history);
	}
	h = json_pack(
		"{ss so}", "created", now, "created_by", json_text(by.s ? by.s : "uctr commit"));
	if (h && what->author)
		json_object_set_new(h, "author", json_text(what->author));
	if (h && what->message)
		json_object_set_new(h, "comment", json_text(what->message));
	return json_array_append_new(history, h) < 0 ? err_set(e, -ENOMEM, "make the config") : 0;
}

static int change_settings(json_t *settings, const struct image_commit *what, struct err *e)
{
	json_t *labels;
	int r = what->command && what->command[0] ? set_command(settings, what->command) : 0;

	if (r == 0 && json_object_size(what->labels)) {
		labels = json_object_get(settings, "Labels");
		if (!labels) {
			labels = json_object();
			json_object_set_new(settings, "Labels", labels);
		}
		r = json_object_update(labels, what->labels);
	}
	if (r < 0)
		return err_set(e, -ENOMEM, "make the config");
	strv_foreach (c, what->changes) {
		r = config_change(settings, c, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The base's config with what is new; diff_id NULL: only a trial of the arguments. */
static int make_config(struct image_store *s, const struct tag *base,
	const struct image_commit *what, const char *diff_id, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *config = NULL;
	json_t *settings, *ids;
	char now[32];
	time_t t = time(NULL);
	struct tm tm;
	int r = blob_load_json(s, base->id, "the image's config", &config, e);

	if (r < 0)
		return r;
	if (!gmtime_r(&t, &tm) || !strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return err_set(e, -EIO, "read the time");
	settings = json_object_get(config, "config");
	if (!json_is_object(settings)) {
		settings = json_object();
		json_object_set_new(config, "config", settings);
	}
	/* Of the container that the base was made in. */
	json_object_del(config, "container");
	json_object_del(config, "container_config");
	json_object_set_new(config, "created", json_string(now));
	if (what->author)
		json_object_set_new(config, "author", json_text(what->author));
	drop_odd(settings);
	r = change_settings(settings, what, e);
	if (r == 0)
		r = add_history(config, what, now, e);
	if (r < 0)
		return r;
	ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	if (diff_id && json_array_append_new(ids, json_sprintf("sha256:%s", diff_id)) < 0)
		return err_msg(e, -EINVAL, "the image's config has no list of layers");
	*ret = take_ptr(config);
	return 0;
}

/* --- the layer --------------------------------------------------------------------------------- */

/* The packer's word counts, unless it only noticed that the unpacker had given up. */
static int settle(int packed, int unpacked, const struct err *why, struct err *e)
{
	if (packed < 0 && (packed != -EPIPE || unpacked >= 0))
		return packed;
	if (unpacked < 0)
		*e = *why;
	return unpacked;
}

static int run_both(struct image_store *s, struct stage *st, const struct image_commit *what,
	struct transfer_result *packed, struct err *e)
{
	struct stage_want want = { .size = -1 };
	struct transfer t = TRANSFER_INIT("pack");
	struct view_job j = VIEW_JOB_INIT;
	_cleanup_fd_ int rd = -1, wr = -1, blob = take_fd(&st->blob_fd);
	_cleanup_free_ char *form = str_printf("--compression=%s", what->compression);
	struct err why = ERR_INIT;
	int p[2], r, un;

	if (!form || pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, form ? -errno : -ENOMEM, "commit");
	rd = p[0];
	wr = p[1];
	t.blob_fd = blob;
	t.hold_fd = st->lock_fd;
	j.copy_fd = wr;
	j.more = form;
	r = view_job_start(s, what->view, &j, &t, e);
	fd_closep(&wr);
	if (r == 0)
		r = stage_start(st, rd, &want, e);
	fd_closep(&rd);
	if (r == 0) {
		r = transfer_finish(&j.job, 0, packed, e);
		un = stage_wait(st, 0, &why);
		r = settle(r, un, &why, e);
	}
	view_job_end(&j);
	st->blob_fd = take_fd(&blob);
	return r;
}

static int make_layer(struct image_store *s, struct stage *st, const struct image_commit *what,
	struct image_view_sums *ret, struct err *e)
{
	struct transfer_result packed = { 0 };
	int r = layers_sweep(s, e);

	if (r == 0)
		r = stage_begin(s, true, st, e);
	if (r == 0)
		r = run_both(s, st, what, &packed, e);
	if (r < 0)
		return r;
	if (!streq(packed.diff_id, st->res.diff_id))
		return err_msg(e, -EIO, "the layer was not unpacked as it was packed");
	memcpy(st->res.digest, packed.digest, sizeof(packed.digest));
	memcpy(st->res.compression, packed.compression, sizeof(packed.compression));
	st->res.size = packed.size;
	*ret = (struct image_view_sums){ packed.skipped, packed.changed };
	return 0;
}

int image_commit(struct image_store *s, const struct image_commit *what, char **ret_id,
	struct image_view_sums *ret, struct err *e)
{
	_cleanup_(stage_end)
	struct stage st = STAGE_INIT;
	_cleanup_(tag_free)
	struct tag base = { 0 };
	_cleanup_json_ json_t *config = NULL, *trial = NULL;
	_cleanup_free_ char *name = NULL;
	bool by_id;
	int r = publish_name(what->name, "a commit", &name, e);

	if (r == 0)
		r = lookup(s, what->base, &base, &by_id, e);
	if (r == 0 && !e->code)
		r = lookup_failed(what->base, e);
	if (r > 0 && base.shared) {
		r = additional_adopt(s, &base, e);
		r = r < 0 ? r : 1;
	}
	if (r > 0 && base.n_layers >= UCTR_MAX_LAYERS)
		r = err_msg(e, -E2BIG,
			"image %.12s has %d layers, the limit; \"uctr export\" and \"uctr import\" "
			"make one of them",
			base.id, UCTR_MAX_LAYERS);
	if (r > 0)
		r = make_config(s, &base, what, NULL, &trial, e);
	if (r == 0)
		r = store_make(s, e);
	if (r == 0)
		r = make_layer(s, &st, what, ret, e);
	if (r == 0)
		r = make_config(s, &base, what, st.res.diff_id, &config, e);
	if (r < 0)
		return r;
	return image_publish(s,
		&(struct publish){ .st = &st,
			.base = &base,
			.config = config,
			.name = name,
			.docker = what->docker },
		ret_id, e);
}
