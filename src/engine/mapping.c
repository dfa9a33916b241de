/* SPDX-License-Identifier: Apache-2.0 */
/* The map of a container, over that of the user's namespace. */
#include "engine/mapping.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define AUTO_SIZE 1024 /* as podman's; an image's ids are rarely above */

void mapping_name(const struct mapping *m, char *buf, size_t size)
{
	static const char *const names[] = { "full", "one", "keep-id", "nomap", "auto", "lines" };
	int n = snprintf(buf, size, "%s", names[m->mode]);

	if (n < 0 || (size_t)n >= size)
		return;
	if (m->mode == MAP_KEEP_ID)
		n += snprintf(buf + n, size - (size_t)n, ":uid=%u,gid=%u", m->uid, m->gid);
	if (m->size && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, "%csize=%u", m->mode == MAP_KEEP_ID ? ',' : ':',
			m->size);
}

/* There is no range: why not, as engine_map() found, but as an error, as the person wants one. */
static int no_ranges(const struct mapping *m, struct err *e)
{
	struct idmap *full = calloc(1, sizeof(*full));
	char name[80];
	int r = full ? idmap_full(full, e) : err_set(e, -ENOMEM, "id map");

	free(full);
	if (r == 0)
		r = idmap_check_helpers(e);
	mapping_name(m, name, sizeof(name));
	return r < 0 ? err_wrap(e, r, "--userns %s needs more ids than yours", name)
		     : err_msg(e, -EAGAIN, "ids appeared while uctr started; try again");
}

static int too_large(const char *mode, uint32_t size, uint32_t total, struct err *e)
{
	return err_msg(e, -ERANGE, "--userns %s:size=%u: you have %u ids", mode, size, total);
}

/* The wanted lines, before they are cut: for users, or for groups. */
static int wanted(struct mapping *m, bool groups, const struct idmap_line *parent, size_t n_parent,
	struct idmap_line *ret, size_t *ret_n, struct err *e)
{
	uint32_t total = idmap_total(parent, n_parent), size = m->size ? m->size : total;

	*ret_n = 1;
	switch (m->mode) {
	case MAP_KEEP_ID:
		if (size > total)
			return too_large("keep-id", size, total, e);
		*ret_n = idmap_keep(groups ? m->gid : m->uid, size, ret);
		break;
	case MAP_NOMAP:
		ret[0] = (struct idmap_line){ 0, 1, total - 1 };
		break;
	case MAP_AUTO:
		ret[0] = (struct idmap_line){ 0, m->first, m->size };
		break;
	case MAP_LINES:
		return mapping_lines(groups ? "--gidmap" : "--uidmap",
			groups ? m->gid_words : m->uid_words, parent, n_parent, ret, ret_n, e);
	default:
		ret[0] = (struct idmap_line){ 0, 0, total };
	}
	return 0;
}

static int make_half(struct mapping *m, bool groups, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n, uint32_t *ret_root, struct err *e)
{
	static struct idmap_line lines[IDMAP_LINES];
	const char *what = groups ? "group" : "user";
	size_t n;
	int r = wanted(m, groups, parent, n_parent, lines, &n, e);

	if (r < 0)
		return r;
	r = idmap_split(lines, n, parent, n_parent, ret, ret_n);
	if (r == 0 && !idmap_fits(ret, *ret_n))
		r = -E2BIG;
	if (r < 0)
		return err_set(e, r, "the %s id map is too long for the kernel", what);
	*ret_root = idmap_lookup(ret, *ret_n, 0);
	if (*ret_root == UINT32_MAX)
		return err_msg(e, -EINVAL, "the map has no %s 0, which every container needs%s",
			what, m->mode == MAP_KEEP_ID ? " (keep-id: size must be at least 2)" : "");
	return 0;
}

static bool same(
	const struct idmap_line *l, size_t n, const struct idmap_line *parent, size_t n_parent)
{
	return n == n_parent && idmap_total(l, n) == idmap_total(parent, n_parent) &&
	       idmap_is_identity(l, n);
}

/* Ranges come from the lowest up, so that the next container gets layers that are there. */
static int take_auto(struct engine *en, struct mapping *m, struct err *e)
{
	uint32_t users = idmap_total(en->map.uid, en->map.n_uid),
		 groups = idmap_total(en->map.gid, en->map.n_gid),
		 total = users < groups ? users : groups;

	if (m->size > total - 1)
		return too_large("auto", m->size, total - 1, e);
	if (!m->size)
		m->size = total - 1 < AUTO_SIZE ? total - 1 : AUTO_SIZE;
	return range_take(en, total, m->size, &m->first, e);
}

int mapping_make(struct engine *en, struct mapping *m, struct err *e)
{
	static struct idmap outside;
	const struct idmap *p = &en->map;
	int r = 0;

	if (en->one_id && m->mode != MAP_FULL && m->mode != MAP_ONE && m->mode != MAP_LINES)
		return no_ranges(m, e);
	if (en->one_id && m->mode == MAP_FULL) {
		m->mode = MAP_ONE;
		snprintf(m->why, sizeof(m->why), "%s", en->one_why);
	}
	if (m->mode == MAP_AUTO && !m->first)
		r = take_auto(en, m, e);
	if (r == 0)
		r = make_half(
			m, false, p->uid, p->n_uid, m->child.uid, &m->child.n_uid, &m->root_uid, e);
	if (r == 0)
		r = make_half(
			m, true, p->gid, p->n_gid, m->child.gid, &m->child.n_gid, &m->root_gid, e);
	if (r < 0)
		return r;
	m->shifted = !same(m->child.uid, m->child.n_uid, p->uid, p->n_uid) ||
		     !same(m->child.gid, m->child.n_gid, p->gid, p->n_gid);
	en->images.form = en->form;
	en->images.shift = NULL;
	en->images.base_form = NULL;
	en->images.record_owners = en->one_id || m->shifted;
	if (!m->shifted)
		return 0;
	idmap_compose(&m->child, p, &outside);
	idmap_form(&outside, m->form, sizeof(m->form));
	en->images.form = m->form;
	en->images.shift = &m->child;
	en->images.base_form = en->one_id ? NULL : en->form;
	return 0;
}

void mapping_release(struct engine *en, const struct mapping *m, const char *id)
{
	if (m->mode == MAP_AUTO)
		range_release(en, m->first, m->size, id);
}

int mapping_claim(struct engine *en, const struct mapping *m, const char *id, struct err *e)
{
	return m->mode == MAP_AUTO ? range_claim(en, m->first, m->size, id, e) : 0;
}
