/* SPDX-License-Identifier: Apache-2.0 */
/* image_remove and the records' side of losing a name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/additional.h"
#include "image/layers.h"
#include "image/lookup.h"

/* How many other names, or digests that it was fetched by, lead to the id of rec? */
static int count_others(struct image_store *s, const struct tag *rec, size_t *ret, struct err *e)
{
	struct tag *all = NULL;
	size_t n = 0;
	int r = tags_listed(s, &all, &n, e);

	*ret = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		*ret += (*all[i].name || all[i].pinned) && streq(all[i].id, rec->id) &&
			!streq(all[i].name, rec->name);
	tags_free(all, n);
	return r;
}

int tag_keep_unnamed(struct image_store *s, struct tag *rec, struct err *e)
{
	struct tag unnamed = *rec;
	char none[] = "";

	unnamed.name = none;
	unnamed.pinned = false;
	return tag_save(s, &unnamed, e);
}

static int drop_unnamed(struct image_store *s, const struct tag *rec, struct err *e)
{
	_cleanup_(tag_free)
	struct tag unnamed = { 0 };
	char name[UCTR_DIGEST_HEX + 2];
	int r;

	snprintf(name, sizeof(name), "@%s", rec->id);
	r = tag_load(s, name, &unnamed, e);
	return r <= 0 || unnamed.pinned ? r < 0 ? r : 0 : tag_delete(s, &unnamed, e);
}

int tag_replace(struct image_store *s, const struct tag *rec, struct err *e)
{
	_cleanup_(tag_free)
	struct tag old = { 0 };
	size_t others = 0;
	int r;

	if (rec->pinned)
		return tag_save(s, rec, e);
	if (!*rec->name) {
		r = count_others(s, rec, &others, e);
		return r < 0 || others ? r : tag_save(s, rec, e);
	}
	r = tag_load(s, rec->name, &old, e);
	if (r < 0)
		return r;
	if (r > 0 && !streq(old.id, rec->id)) {
		r = count_others(s, &old, &others, e);
		if (r == 0 && others == 0)
			r = tag_keep_unnamed(s, &old, e);
		if (r < 0)
			return r;
	}
	r = tag_save(s, rec, e);
	return r < 0 ? r : drop_unnamed(s, rec, e);
}

static int say(char ***lines, const char *what, const char *name, struct err *e)
{
	return strv_addf(lines, "%s: %s", what, name) < 0 ? err_set(e, -ENOMEM, "remove") : 0;
}

/* By id, every name goes; docker wants force for more than one. */
static int untag_all(struct image_store *s, const struct tag *rec, bool force, bool keep,
	char ***lines, struct err *e)
{
	struct tag *all = NULL;
	size_t n = 0, names = 0;
	int r = tags_readable(s, &all, &n, e);

	for (size_t i = 0; i < n; i++)
		names += *all[i].name && streq(all[i].id, rec->id);
	if (r == 0 && names > 1 && !force)
		r = err_msg(e, -EBUSY,
			"image %.12s has %zu names; remove them one by one, or all with -f",
			rec->id, names);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!streq(all[i].id, rec->id) || (keep && !*all[i].name))
			continue;
		r = tag_delete(s, &all[i], e);
		if (r == 0 && *all[i].name)
			r = say(lines, "Untagged", all[i].name, e);
	}
	tags_free(all, n);
	return r;
}

/* As long as a record cannot be read nobody knows what it needs: nothing goes but names. */
static int collect(struct image_store *s, struct tag *rec, char ***lines, struct err *e)
{
	_cleanup_free_ char *line = NULL;
	struct err why = ERR_INIT;
	bool goes = true;
	int r = store_retire(s, rec, 1, &goes, e);

	if (r < 0 || !goes)
		return r;
	r = store_collect(s, &why);
	if (r == 0)
		return say(lines, "Deleted", rec->id, e);
	if (r != -EINVAL && r != -EPROTO)
		return err_msg(e, r, "%s", why.msg);
	store_warn(s, why.msg);
	line = str_printf(
		"what image %.12s held stays on the disk, as that record cannot be read", rec->id);
	if (!line)
		return err_set(e, -ENOMEM, "remove");
	store_warn(s, line);
	return 0;
}

static int remove_locked(struct image_store *s, struct tag *rec, bool by_id, bool force,
	char ***lines, struct err *e)
{
	_cleanup_strv_ char **in_use = NULL;
	size_t others = 0;
	bool used;
	int r = by_id ? 0 : count_others(s, rec, &others, e);

	if (r < 0)
		return r;
	if (others > 0) {
		r = tag_delete(s, rec, e);
		return r < 0 ? r : say(lines, "Untagged", rec->name, e);
	}
	r = store_in_use(s, &in_use, e);
	if (r < 0)
		return r;
	used = strv_contains(in_use, rec->id);
	if (used && !force)
		return err_msg(e, -EBUSY,
			"image %s is used by a container; remove that first (\"uctr ps -a\"), or "
			"the name alone with -f",
			*rec->name ? rec->name : rec->id);
	/* A container finds its image by id as long as any record has it. */
	r = used ? tag_keep_unnamed(s, rec, e) : 0;
	if (r == 0)
		r = untag_all(s, rec, force, used, lines, e);
	return r < 0 || used ? r : collect(s, rec, lines, e);
}

int image_remove(
	struct image_store *s, const char *name, bool force, char ***ret_removed, struct err *e)
{
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_fd_ int lock = -1;
	bool by_id;
	int r = lookup(s, name, &rec, &by_id, e);

	if (r == 0)
		return lookup_failed(name, e);
	if (r > 0 && rec.shared)
		return additional_refuse(&rec, e);
	if (r < 0)
		return r;
	lock = store_lock(s, e);
	if (lock < 0)
		return lock;
	/* Looked up again: what it meant may have changed while we waited. */
	tag_free(&rec);
	r = lookup(s, name, &rec, &by_id, e);
	if (r == 0)
		return lookup_failed(name, e);
	if (r > 0 && rec.shared)
		return additional_refuse(&rec, e);
	if (r < 0)
		return r;
	return remove_locked(s, &rec, by_id, force, ret_removed, e);
}
