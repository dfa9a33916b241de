/* SPDX-License-Identifier: Apache-2.0 */
/* Importing a root file system: one layer, and a config and manifest made for it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "image/config.h"
#include "image/layers.h"
#include "image/ref.h"

/* The media type that says how the kept blob is compressed. */
static const char *layer_type(const char *compression)
{
	if (streq(compression, "gzip"))
		return "application/vnd.oci.image.layer.v1.tar+gzip";
	if (streq(compression, "zstd"))
		return "application/vnd.oci.image.layer.v1.tar+zstd";
	if (streq(compression, "none"))
		return "application/vnd.oci.image.layer.v1.tar";
	return NULL;
}

static json_t *make_manifest(
	const struct transfer_result *layer, const char *config_hex, size_t config_len)
{
	_cleanup_free_ char *config = str_printf("sha256:%s", config_hex);
	_cleanup_free_ char *blob = str_printf("sha256:%s", layer->digest);
	_cleanup_free_ char *other =
		str_printf("application/vnd.oci.image.layer.v1.tar+%s", layer->compression);
	const char *type = layer_type(layer->compression);

	if (!config || !blob || !other)
		return NULL;
	/* xz and bzip2 have no registered type; the name says plainly what the bytes are. */
	return json_pack("{si ss s{ss ss sI} s[{ss ss sI}]}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.manifest.v1+json", "config", "mediaType",
		"application/vnd.oci.image.config.v1+json", "digest", config, "size",
		(json_int_t)config_len, "layers", "mediaType", type ? type : other, "digest", blob,
		"size", (json_int_t)layer->size);
}

static int fill_record(struct tag *rec, const char *name, const char *id, const char *manifest,
	const struct transfer_result *layer, struct err *e)
{
	rec->layers = calloc(1, sizeof(*rec->layers));
	if (!rec->layers)
		return err_set(e, -ENOMEM, "image");
	rec->n_layers = 1;
	rec->name = strdup(name);
	rec->id = strdup(id);
	rec->manifest = strdup(manifest);
	rec->created = time(NULL);
	rec->size = layer->bytes;
	rec->layers[0].diff_id = strdup(layer->diff_id);
	rec->layers[0].blob = strdup(layer->digest);
	rec->layers[0].blob_size = layer->size;
	if (!rec->name || !rec->id || !rec->manifest || !rec->layers[0].diff_id ||
		!rec->layers[0].blob)
		return err_set(e, -ENOMEM, "image");
	return 0;
}

/* Makes config, manifest and record for a filled stage, and gives all of them their names. */
static int publish(struct image_store *s, struct stage *st, const char *name, json_t *config,
	char **ret_id, struct err *e)
{
	char config_hex[UCTR_DIGEST_HEX + 1], manifest_hex[UCTR_DIGEST_HEX + 1];
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_free_ char *ctext = json_dumps(config, JSON_COMPACT), *mtext = NULL;
	_cleanup_json_ json_t *manifest = NULL;
	_cleanup_fd_ int lock = -1;
	int r = ctext ? blob_digest(ctext, strlen(ctext), NULL, config_hex, e) : -ENOMEM;

	if (r < 0)
		return r;
	manifest = make_manifest(&st->res, config_hex, strlen(ctext));
	mtext = manifest ? json_dumps(manifest, JSON_COMPACT) : NULL;
	if (!mtext)
		return err_set(e, -ENOMEM, "make the manifest");
	r = blob_digest(mtext, strlen(mtext), NULL, manifest_hex, e);
	if (r == 0)
		r = fill_record(&rec, name, config_hex, manifest_hex, &st->res, e);
	if (r == 0)
		r = store_sync(s, e);
	if (r < 0)
		return r;
	lock = store_lock(s, e);
	r = lock < 0 ? lock : blob_save(s, config_hex, ctext, strlen(ctext), e);
	if (r == 0)
		r = blob_save(s, manifest_hex, mtext, strlen(mtext), e);
	if (r == 0)
		r = stage_publish(st, e);
	if (r == 0)
		r = tag_replace(s, &rec, e);
	if (r == 0)
		*ret_id = take_ptr(rec.id);
	return r;
}

/* A directory or a terminal as archive is a slip of the hand, and has its own message. */
static int open_input(const char *path, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (streq(path, "-")) {
		if (isatty(STDIN_FILENO))
			return err_msg(e, -EINVAL,
				"standard input is a terminal; pipe a tar archive into it");
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0)
		return err_set(e, -errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at %s", path);
	if (S_ISDIR(st.st_mode))
		return err_msg(e, -EISDIR,
			"%s is a directory; \"tar -C %s -c . | uctr import - NAME\" imports it",
			path, path);
	return take_fd(&fd);
}

static int full_name(const char *name, char **ret, struct err *e)
{
	_cleanup_(ref_free)
	struct ref ref = { 0 };
	int r = name ? ref_parse(name, &ref, e) : 0;

	if (r < 0)
		return r;
	if (ref.digest)
		return err_msg(e, -EINVAL,
			"image name \"%.80s\": an import cannot choose its digest", name);
	*ret = name ? ref_name(&ref, REF_HOST_LOCAL) : strdup("");
	return *ret ? 0 : err_set(e, -ENOMEM, "image name");
}

int image_import(
	struct image_store *s, const struct image_import *what, char **ret_id, struct err *e)
{
	_cleanup_(stage_end)
	struct stage st = STAGE_INIT;
	struct stage_want want = { .size = -1, .nonempty = true };
	_cleanup_json_ json_t *config = NULL, *trial = NULL;
	_cleanup_free_ char *name = NULL;
	_cleanup_fd_ int in = -1;
	/* All that can be wrong in the arguments, before the archive is read. */
	int r = full_name(what->name, &name, e);

	if (r == 0)
		r = config_make("", what->changes, what->message, &trial, e);
	if (r == 0)
		r = store_make(s, e);
	if (r < 0)
		return r;
	in = open_input(what->path, e);
	if (in < 0)
		return in;
	r = layers_sweep(s, e);
	if (r == 0)
		r = stage_begin(s, true, &st, e);
	if (r < 0)
		return r;
	r = stage_fill(&st, in, &want, e);
	if (r < 0)
		return err_wrap(e, r, "import %s", what->path);
	r = config_make(st.res.diff_id, what->changes, what->message, &config, e);
	return r < 0 ? r : publish(s, &st, name, config, ret_id, e);
}
