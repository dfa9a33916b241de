/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a walk over layers, confined to reading them. */
#include "pack_verb.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/opt.h"
#include "confine.h"
#include "pack.h"
#include "stream.h"

struct args {
	char **layer_fds, **base_fds;
	char *userns_fd, *blob_fd, *copy_fd, *owners_fd, *max_bytes, *uid_map, *gid_map, *form;
	bool layer, top, wh_names, record_owners;
	/* the same, checked */
	int fds[2 * (UCTR_MAX_LAYERS + 2)];
	size_t n_layers, n_base;
	int userns, blob, copy, owners;
	uint64_t max;
};

static const struct opt options[] = {
	OPT_LIST(0, "layer-fd", struct args, layer_fds, "N", "a layer, the lowest first"),
	OPT_LIST(0, "base-fd", struct args, base_fds, "N", "a layer of what it is compared with"),
	OPT_STR(0, "userns-fd", struct args, userns_fd, "N", "the user namespace of the owners"),
	OPT_STR(0, "blob-fd", struct args, blob_fd, "N", "a file or pipe for the result"),
	OPT_STR(0, "copy-fd", struct args, copy_fd, "N", "a pipe for the plain archive"),
	OPT_STR(0, "owners-fd", struct args, owners_fd, "N", "the container's file of owners"),
	OPT_STR(0, "max-bytes", struct args, max_bytes, "N", "limit of the uncompressed size"),
	OPT_STR(0, "uid-map", struct args, uid_map, "MAP", "users of the archive in the namespace"),
	OPT_STR(0, "gid-map", struct args, gid_map, "MAP",
		"groups of the archive in the namespace"),
	OPT_STR(0, "compression", struct args, form, "NAME", "none, gzip or zstd"),
	OPT_FLAG(0, "marks", struct args, layer, "one layer, with its marks"),
	OPT_FLAG(0, "top", struct args, top, "the layers are those of the base and one more"),
	OPT_FLAG(0, "wh-names", struct args, wh_names, "the last layer has marks by name too"),
	OPT_FLAG(0, "record-owners", struct args, record_owners, "owners may be recorded"),
	OPT_END,
};

/* Behind those that are there. */
static int add_fds(
	struct args *a, char *const *list, const char *name, size_t *ret_n, struct err *e)
{
	int r = 0;

	strv_foreach (text, list) {
		if (*ret_n == UCTR_MAX_LAYERS + 2)
			return err_msg(e, -E2BIG, "too many layers");
		r = args_fd(name, text, &a->fds[a->n_layers + a->n_base], e);
		if (r < 0)
			return r;
		++*ret_n;
	}
	return r;
}

static int check(struct args *a, struct err *e)
{
	int r = add_fds(a, a->layer_fds, "layer-fd", &a->n_layers, e);

	if (r == 0)
		r = add_fds(a, a->base_fds, "base-fd", &a->n_base, e);
	if (r == 0)
		r = args_fd("userns-fd", a->userns_fd, &a->userns, e);
	if (r == 0)
		r = args_fd("blob-fd", a->blob_fd, &a->blob, e);
	if (r == 0)
		r = args_fd("copy-fd", a->copy_fd, &a->copy, e);
	if (r == 0)
		r = args_fd("owners-fd", a->owners_fd, &a->owners, e);
	if (r == 0)
		r = args_number("max-bytes", a->max_bytes, UCTR_MAX_LAYER_BYTES, &a->max, e);
	if (r == 0 && (a->n_layers == 0 || a->blob < 0))
		r = err_msg(e, -EINVAL, "--layer-fd or --blob-fd is missing");
	if (r == 0 && a->layer && (a->n_layers != 1 || a->n_base))
		r = err_msg(e, -EINVAL, "--marks is for one layer alone");
	if (r == 0 && a->top && a->n_layers != a->n_base + 1)
		r = err_msg(e, -EINVAL, "--top wants one layer more than the base has");
	return r;
}

static int tell(const struct pack *p, json_t *answer, struct err *e)
{
	static const char *const forms[] = { "none", "gzip", "zstd" };
	char hex[UCTR_DIGEST_HEX + 1];
	int r;

	json_object_set_new(answer, "entries", json_integer((json_int_t)p->entries));
	json_object_set_new(answer, "skipped", json_integer((json_int_t)p->skipped));
	json_object_set_new(answer, "xattrs", json_integer((json_int_t)p->xattrs));
	json_object_set_new(answer, "changed", json_integer((json_int_t)p->changed));
	if (!p->out)
		return 0;
	r = stream_hex(p->out->in_md, hex, e);
	if (r < 0)
		return r;
	json_object_set_new(answer, "diffId", json_string(hex));
	r = stream_hex(p->out->out_md, hex, e);
	if (r < 0)
		return r;
	json_object_set_new(answer, "digest", json_string(hex));
	json_object_set_new(answer, "size", json_integer((json_int_t)p->out->out_bytes));
	json_object_set_new(answer, "bytes", json_integer((json_int_t)p->out->in_bytes));
	json_object_set_new(answer, "compression", json_string(forms[p->out->form]));
	return 0;
}

static int work(struct args *a, struct pack *p, struct sink *s, json_t *answer, struct err *e)
{
	int r = a->userns < 0 ? 0 : confine_enter_userns(a->userns, e);

	if (r == 0)
		r = args_ids(a->uid_map, a->gid_map, &p->ids, e);
	if (r >= 0)
		r = 0;
	if (r == 0 && a->owners >= 0)
		r = pack_read_lines(a->owners, &p->lines, e);
	if (r == 0 && p->out)
		r = sink_init(s, e);
	if (r == 0)
		r = confine_reading(a->fds, a->n_layers + a->n_base, e);
	if (r == 0)
		r = pack(p, e);
	return r < 0 ? r : tell(p, answer, e);
}

static int run(struct args *a, bool archive, json_t *answer, struct err *e)
{
	int form = a->form ? sink_form(a->form) : SINK_PLAIN, r;
	struct sink sink = { .fd = a->blob, .copy_fd = a->copy, .max = a->max };
	struct pack *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, -ENOMEM, "pack");
	if (form < 0) {
		free(p);
		return err_msg(e, form, "--compression %.20s: want none, gzip or zstd", a->form);
	}
	sink.form = (enum sink_form)form;
	p->now = (struct view){ a->fds, a->n_layers, a->wh_names };
	p->base = (struct view){ a->fds + a->n_layers, a->n_base, false };
	p->layer = a->layer;
	p->top = a->top;
	p->records = a->record_owners;
	p->list_fd = a->blob;
	p->out = archive ? &sink : NULL;
	r = work(a, p, &sink, answer, e);
	sink_free(&sink);
	pack_free(p);
	free(p);
	return r;
}

int pack_verb(int argc, char **argv, json_t *answer, struct err *e)
{
	struct args a = { 0 };
	char **operands = NULL;
	int r = opt_parse(options, &a, false, argc, argv, &operands, e);

	if (r > 0)
		r = err_msg(e, -EINVAL, "this program is started by uctr, not by hand");
	/* Who reads the result may end before it is complete: an error like any other. */
	signal(SIGPIPE, SIG_IGN);
	if (r == 0)
		r = check(&a, e);
	if (r == 0)
		r = run(&a, strcmp(argv[0], "pack") == 0, answer, e);
	opt_free(options, &a);
	return r;
}
