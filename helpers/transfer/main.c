/* SPDX-License-Identifier: Apache-2.0 */
/* uctr-transfer: reads archives for uctr, confined; see uctr/transfer_proto.h. */
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/opt.h"
#include "base/red.h"
#include "args.h"
#include "base/str.h"
#include "confine.h"
#include "members.h"
#include "pack_verb.h"
#include "reform.h"
#include "registry.h"
#include "survey.h"
#include "unpack.h"

struct args {
	char *in_fd, *out_fd, *userns_fd, *blob_fd;
	char *digest, *size, *diff_id, *max_bytes, *uid_map, *gid_map;
	bool nonempty, record_owners;
	/* the same, checked */
	int in, out, userns, blob;
	uint64_t n_size, n_max;
};

static const struct opt options[] = {
	OPT_STR(0, "in-fd", struct args, in_fd, "N", "the archive"),
	OPT_STR(0, "out-fd", struct args, out_fd, "N", "the directory to write below"),
	OPT_STR(0, "userns-fd", struct args, userns_fd, "N", "the user namespace of the owners"),
	OPT_STR(0, "blob-fd", struct args, blob_fd, "N", "a file that keeps the archive"),
	OPT_STR(0, "digest", struct args, digest, "HEX", "what the archive must be"),
	OPT_STR(0, "size", struct args, size, "N", "how long the archive must be"),
	OPT_STR(0, "diff-id", struct args, diff_id, "HEX", "what it must be uncompressed"),
	OPT_STR(0, "max-bytes", struct args, max_bytes, "N", "limit of the uncompressed size"),
	OPT_FLAG(0, "nonempty", struct args, nonempty, "refuse an archive without entries"),
	OPT_STR(0, "uid-map", struct args, uid_map, "MAP", "users of the archive in the namespace"),
	OPT_STR(0, "gid-map", struct args, gid_map, "MAP",
		"groups of the archive in the namespace"),
	OPT_FLAG(0, "record-owners", struct args, record_owners,
		"write down owners that are not mapped"),
	OPT_END,
};

static int check_args(struct args *a, struct err *e)
{
	int r = args_fd("in-fd", a->in_fd, &a->in, e);

	if (r == 0)
		r = args_fd("out-fd", a->out_fd, &a->out, e);
	if (r == 0)
		r = args_fd("userns-fd", a->userns_fd, &a->userns, e);
	if (r == 0)
		r = args_fd("blob-fd", a->blob_fd, &a->blob, e);
	if (r == 0)
		r = args_number("size", a->size, 0, &a->n_size, e);
	if (r == 0)
		r = args_number("max-bytes", a->max_bytes, UCTR_MAX_LAYER_BYTES, &a->n_max, e);
	return r;
}

static int need_fd(int fd, const char *name, struct err *e)
{
	return fd >= 0 ? 0 : err_msg(e, -EINVAL, "--%s is missing", name);
}

/* Compares a finished digest with what was announced. */
static int match(const char *what, const char *have, const char *want, struct err *e)
{
	if (!want || streq(have, want) || red_off("match"))
		return 0;
	return err_msg(e, -EBADMSG,
		"the %s does not match: it is sha256:%s, announced was sha256:%s", what, have,
		want);
}

/* The part that digest and unpack share: what the bytes were. */
static int end_input(struct stream *s, const struct args *a, json_t *answer, struct err *e)
{
	char hex[UCTR_DIGEST_HEX + 1];
	int r = stream_hex(s->in_md, hex, e);

	if (r < 0)
		return r;
	if (a->size && s->in_bytes != a->n_size && !red_off("blob-size"))
		return err_msg(e, -EBADMSG, "the blob has %llu bytes, announced were %llu",
			(unsigned long long)s->in_bytes, (unsigned long long)a->n_size);
	r = match("blob", hex, a->digest, e);
	if (r < 0)
		return r;
	json_object_set_new(answer, "digest", json_string(hex));
	json_object_set_new(answer, "size", json_integer((json_int_t)s->in_bytes));
	return 0;
}

/* The thread that reads and decompresses has its descriptors and needs no files. */
static int confine_reader(struct err *e)
{
	return confine_thread(-1, e);
}

static void stream_setup(struct stream *s, const struct args *a)
{
	*s = (struct stream){
		.in_fd = a->in,
		.blob_fd = a->blob,
		.max_in = a->size ? a->n_size : 0,
		.max_out = a->n_max,
		.progress = isatty(STDERR_FILENO),
		.confine = confine_reader,
		.stop_fd = -1,
	};
}

static int do_digest(struct args *a, json_t *answer, struct err *e)
{
	_cleanup_(stream_free)
	struct stream s;
	int r = need_fd(a->in, "in-fd", e);

	stream_setup(&s, a);
	if (r == 0)
		r = stream_init(&s, e);
	if (r == 0)
		r = confine(-1, e);
	if (r == 0)
		r = stream_drain_input(&s, e);
	return r < 0 ? r : end_input(&s, a, answer, e);
}

/* What the tree is, for the marker. The sum is text: JSON has no number for all 64 bits. */
static int end_survey(int tree, json_t *answer, struct err *e)
{
	struct survey s = { 0 };
	char sum[UCTR_SURVEY_HEX + 1];
	int r = survey(tree, &s, e);

	if (r < 0)
		return r;
	snprintf(sum, sizeof(sum), "%016llx", (unsigned long long)s.sum);
	json_object_set_new(answer, "survey", json_string(sum));
	json_object_set_new(answer, "files", json_integer((json_int_t)s.entries));
	return 0;
}

static int do_survey(struct args *a, json_t *answer, struct err *e)
{
	int r = need_fd(a->out, "out-fd", e);

	if (r == 0 && a->userns >= 0)
		r = confine_enter_userns(a->userns, e);
	if (r == 0)
		r = confine_reading(&a->out, 1, e);
	return r < 0 ? r : end_survey(a->out, answer, e);
}

/* Without a map there is nothing to change, and nothing to do. */
static int do_reform(struct args *a, json_t *answer, struct err *e)
{
	static struct idmap ids;
	int r = need_fd(a->in, "in-fd", e);

	if (r == 0)
		r = need_fd(a->out, "out-fd", e);
	if (r == 0)
		r = args_ids(a->uid_map, a->gid_map, &ids, e);
	if (r == 0)
		return err_msg(e, -EINVAL, "--uid-map is missing");
	r = r < 0 ? r : 0;
	if (r == 0 && a->userns >= 0)
		r = confine_enter_userns(a->userns, e);
	if (r == 0)
		r = confine_copying(a->in, a->out, e);
	if (r == 0)
		r = reform(a->in, a->out, &ids, e);
	return r < 0 ? r : end_survey(a->out, answer, e);
}

static int end_unpack(
	struct stream *s, const struct tree *t, const struct args *a, json_t *answer, struct err *e)
{
	char hex[UCTR_DIGEST_HEX + 1];
	int r = end_input(s, a, answer, e);

	if (r == 0)
		r = stream_hex(s->out_md, hex, e);
	if (r == 0)
		r = match("uncompressed layer (diff id)", hex, a->diff_id, e);
	if (r < 0)
		return r;
	json_object_set_new(answer, "diffId", json_string(hex));
	json_object_set_new(answer, "compression", json_string(s->compression));
	json_object_set_new(answer, "bytes", json_integer((json_int_t)t->bytes));
	json_object_set_new(answer, "entries", json_integer((json_int_t)t->entries));
	json_object_set_new(answer, "devices", json_integer((json_int_t)t->devices));
	json_object_set_new(answer, "xattrs", json_integer((json_int_t)t->xattrs));
	return end_survey(a->out, answer, e);
}

/* What owners may be, and become. */
static int owners(const struct args *a, struct tree *t, struct err *e)
{
	int r = args_ids(a->uid_map, a->gid_map, &t->ids, e);

	t->shifted = r > 0;
	return r < 0 ? r : 0;
}

static int do_unpack(struct args *a, json_t *answer, struct err *e)
{
	_cleanup_(stream_free)
	struct stream s;
	_cleanup_(tree_free)
	struct tree t;
	int r = need_fd(a->in, "in-fd", e);

	stream_setup(&s, a);
	tree_init(&t, a->out);
	t.record_owners = a->record_owners;
	if (r == 0)
		r = need_fd(a->out, "out-fd", e);
	if (r == 0 && a->userns >= 0)
		r = confine_enter_userns(a->userns, e);
	if (r == 0)
		r = owners(a, &t, e);
	if (r == 0)
		r = stream_init(&s, e);
	if (r == 0)
		r = confine_process(e);
	if (r == 0)
		r = stream_start(&s, e);
	if (r == 0)
		r = confine_thread(a->out, e);
	if (r == 0)
		r = unpack(&s, &t, a->nonempty, e);
	return r < 0 ? r : end_unpack(&s, &t, a, answer, e);
}

/* Both read one stream by the confined thread pair of unpack, and write as the caller. */
static int do_stream(struct args *a, bool take_apart, json_t *answer, struct err *e)
{
	_cleanup_(stream_free)
	struct stream s;
	char hex[UCTR_DIGEST_HEX + 1];
	int r = need_fd(a->in, "in-fd", e);

	stream_setup(&s, a);
	s.blob_fd = -1;
	if (r == 0)
		r = take_apart ? need_fd(a->out, "out-fd", e) : need_fd(a->blob, "blob-fd", e);
	if (r == 0)
		r = stream_init(&s, e);
	if (r == 0)
		r = confine_process(e);
	if (r == 0)
		r = stream_start(&s, e);
	if (r == 0)
		r = confine_thread(take_apart ? a->out : -1, e);
	if (r == 0)
		r = take_apart ? members(&s, a->out, e) : inflate_to(&s, a->blob, e);
	if (r == 0)
		r = end_input(&s, a, answer, e);
	if (r == 0)
		r = stream_hex(s.out_md, hex, e);
	if (r == 0)
		r = match("uncompressed layer (diff id)", hex, a->diff_id, e);
	if (r == 0)
		json_object_set_new(answer, "diffId", json_string(hex));
	return r;
}

static int do_remove(struct args *a, const char *name, struct err *e)
{
	int r = need_fd(a->out, "out-fd", e);

	if (r < 0)
		return r;
	if (!name || !*name || strchr(name, '/') || streq(name, ".") || streq(name, ".."))
		return err_msg(e, -EINVAL, "remove: want the name of an entry");
	if (a->userns >= 0)
		r = confine_enter_userns(a->userns, e);
	if (r == 0)
		r = confine(a->out, e);
	if (r < 0)
		return r;
	r = dir_remove(a->out, name);
	return r < 0 ? err_set(e, r, "remove %s", name) : 0;
}

static int run(int argc, char **argv, json_t *answer, struct err *e)
{
	struct args a = { 0 };
	char **operands = NULL;
	const char *verb = argc > 1 ? argv[1] : "";
	int r;

	if (!*verb)
		return err_msg(e, -EINVAL, "this program is started by uctr, not by hand");
	if (streq(verb, "pack") || streq(verb, "changes"))
		return pack_verb(argc - 1, argv + 1, answer, e);
	r = opt_parse(options, &a, false, argc - 1, argv + 1, &operands, e);
	if (r > 0)
		r = err_msg(e, -EINVAL, "this program is started by uctr, not by hand");
	if (r == 0)
		r = check_args(&a, e);
	if (r == 0) {
		if (streq(verb, "unpack"))
			r = do_unpack(&a, answer, e);
		else if (streq(verb, "reform"))
			r = do_reform(&a, answer, e);
		else if (streq(verb, "survey"))
			r = do_survey(&a, answer, e);
		else if (streq(verb, "members") || streq(verb, "inflate"))
			r = do_stream(&a, streq(verb, "members"), answer, e);
		else if (streq(verb, "digest"))
			r = do_digest(&a, answer, e);
		else if (streq(verb, "remove"))
			r = do_remove(&a, operands[0], e);
		else if (streq(verb, UCTR_REGISTRY_VERB))
			r = a.in >= 0 ? registry_serve(a.in, e) : need_fd(a.in, "in-fd", e);
		else
			r = err_msg(e, -EINVAL, "unknown verb \"%s\"", verb);
	}
	opt_free(options, &a);
	return r;
}

static int print_answer(json_t *answer)
{
	_cleanup_free_ char *text = json_dumps(answer, JSON_COMPACT);

	if (!text || fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		return 1;
	return fd_write_all(STDOUT_FILENO, "\n", 1) < 0;
}

int main(int argc, char **argv)
{
	_cleanup_json_ json_t *answer = json_object();
	struct err e = ERR_INIT;
	int r;

	/* libarchive converts names through the locale; UTF-8 leaves an archive's bytes alone. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	r = run(argc, argv, answer, &e);
	json_object_set_new(answer, "ok", json_boolean(r >= 0));
	if (r < 0) {
		json_object_set_new(answer, "errno", json_integer(-r));
		json_object_set_new(answer, "error", json_text(e.msg));
	}
	return print_answer(answer) || r < 0;
}
