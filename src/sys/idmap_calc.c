/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on id maps: nothing here asks the system. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sys/idmap.h"

bool idmap_is_one(const struct idmap *m)
{
	return m->n_uid == 1 && m->n_gid == 1 && m->uid[0].count == 1 && m->gid[0].count == 1;
}

void idmap_identity(const struct idmap *m, struct idmap *ret)
{
	ret->n_uid = m->n_uid;
	ret->n_gid = m->n_gid;
	for (size_t i = 0; i < m->n_uid; i++)
		ret->uid[i] =
			(struct idmap_line){ m->uid[i].inside, m->uid[i].inside, m->uid[i].count };
	for (size_t i = 0; i < m->n_gid; i++)
		ret->gid[i] =
			(struct idmap_line){ m->gid[i].inside, m->gid[i].inside, m->gid[i].count };
}

uint32_t idmap_lookup(const struct idmap_line *l, size_t n, uint32_t inside)
{
	for (size_t i = 0; i < n; i++) {
		if (inside >= l[i].inside && inside - l[i].inside < l[i].count)
			return l[i].outside + (inside - l[i].inside);
	}
	return UINT32_MAX;
}

uint32_t idmap_reverse(const struct idmap_line *l, size_t n, uint32_t outside)
{
	for (size_t i = 0; i < n; i++) {
		if (outside >= l[i].outside && outside - l[i].outside < l[i].count)
			return l[i].inside + (outside - l[i].outside);
	}
	return UINT32_MAX;
}

uint32_t idmap_total(const struct idmap_line *l, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += l[i].count;
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

const struct idmap_line *idmap_line_of(const struct idmap_line *l, size_t n, uint32_t inside)
{
	for (size_t i = 0; i < n; i++) {
		if (inside >= l[i].inside && inside - l[i].inside < l[i].count)
			return &l[i];
	}
	return NULL;
}

bool idmap_is_identity(const struct idmap_line *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (l[i].inside != l[i].outside)
			return false;
	}
	return true;
}

static size_t digits(uint32_t v)
{
	size_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

size_t idmap_line_len(const struct idmap_line *l)
{
	return digits(l->inside) + digits(l->outside) + digits(l->count) + 3;
}

bool idmap_fits(const struct idmap_line *l, size_t n)
{
	size_t text = 0;

	for (size_t i = 0; i < n; i++)
		text += idmap_line_len(&l[i]);
	return n <= IDMAP_LINES && text < IDMAP_TEXT;
}

int idmap_split(const struct idmap_line *l, size_t n, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		struct idmap_line rest = l[i];

		while (rest.count > 0) {
			const struct idmap_line *p = idmap_line_of(parent, n_parent, rest.outside);
			uint32_t room;

			if (!p)
				return -ENOENT;
			if (out == IDMAP_LINES)
				return -E2BIG;
			room = p->count - (rest.outside - p->inside);
			ret[out] = rest;
			if (ret[out].count > room)
				ret[out].count = room;
			rest.inside += ret[out].count;
			rest.outside += ret[out].count;
			rest.count -= ret[out].count;
			out++;
		}
	}
	*ret_n = out;
	return 0;
}

static void compose(const struct idmap_line *l, size_t n, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct idmap_line){ l[i].inside,
			idmap_lookup(parent, n_parent, l[i].outside), l[i].count };
	*ret_n = n;
}

void idmap_compose(const struct idmap *child, const struct idmap *parent, struct idmap *ret)
{
	compose(child->uid, child->n_uid, parent->uid, parent->n_uid, ret->uid, &ret->n_uid);
	compose(child->gid, child->n_gid, parent->gid, parent->n_gid, ret->gid, &ret->n_gid);
}

size_t idmap_keep(uint32_t id, uint32_t size, struct idmap_line ret[3])
{
	uint32_t below = id < size - 1 ? id : size - 1;
	size_t n = 0;

	if (below > 0)
		ret[n++] = (struct idmap_line){ 0, 1, below };
	ret[n++] = (struct idmap_line){ id, 0, 1 };
	if (size - 1 > below)
		ret[n++] = (struct idmap_line){ id + 1, below + 1, size - 1 - below };
	return n;
}

bool idmap_overlaps(const struct idmap_line *a, const struct idmap_line *b)
{
	return ((uint64_t)a->inside < (uint64_t)b->inside + b->count &&
		       (uint64_t)b->inside < (uint64_t)a->inside + a->count) ||
	       ((uint64_t)a->outside < (uint64_t)b->outside + b->count &&
		       (uint64_t)b->outside < (uint64_t)a->outside + a->count);
}

void idmap_gid_span(const struct idmap *child, const struct idmap *parent, uint32_t *ret_low,
	uint32_t *ret_high)
{
	uint32_t low = UINT32_MAX, high = 0;

	*ret_low = *ret_high = 0;
	for (size_t i = 0; i < child->n_gid; i++) {
		const struct idmap_line *l = &child->gid[i];
		uint32_t last = l->inside + l->count - 1,
			 out_low = idmap_lookup(parent->gid, parent->n_gid, l->outside),
			 out_high = idmap_lookup(
				 parent->gid, parent->n_gid, l->outside + l->count - 1);

		if (out_low < low) {
			low = out_low;
			*ret_low = l->inside;
		}
		if (out_high >= high) {
			high = out_high;
			*ret_high = last;
		}
	}
}

void idmap_form(const struct idmap *m, char *buf, size_t size)
{
	_cleanup_str_ struct str text = { 0 };
	uint64_t h = 14695981039346656037ULL; /* FNV-1a: tells forms apart, defends nothing */

	for (size_t i = 0; i < m->n_uid; i++)
		str_addf(&text, "%s%u.%u.%u", i ? "_" : "u", m->uid[i].inside, m->uid[i].outside,
			m->uid[i].count);
	for (size_t i = 0; i < m->n_gid; i++)
		str_addf(&text, "%s%u.%u.%u", i ? "_" : "-g", m->gid[i].inside, m->gid[i].outside,
			m->gid[i].count);
	if (text.len > 0 && text.len < size && text.len < 200) {
		snprintf(buf, size, "%s", text.s);
		return;
	}
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.s[i]) * 1099511628211ULL;
	snprintf(buf, size, "h%016llx", (unsigned long long)h);
}
