/* SPDX-License-Identifier: Apache-2.0 */
/* --userns, --uidmap and --gidmap: from words to numbers. */
#include <string.h>

#include "base/str.h"
#include "engine/mapping.h"

#define ID_MAX (UINT32_MAX - 2) /* the last two are "nobody" of some system calls, and no id */

static const struct {
	const char *word;
	enum map_mode mode;
} words[] = {
	{ "full", MAP_FULL },
	/* podman's word for "no map of its own": here a container always has a namespace of its own */
	{ "host", MAP_FULL },
	{ "one", MAP_ONE },
	{ "keep-id", MAP_KEEP_ID },
	{ "nomap", MAP_NOMAP },
	{ "auto", MAP_AUTO },
};

static int bad_userns(const char *value, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(value);

	return err_msg(e, -EINVAL,
		"--userns '%.100s': want full, host, keep-id[:uid=N,gid=N,size=N], nomap, "
		"auto[:size=N] or one",
		clean ? clean : "");
}

static int set_option(const char *value, const char *kv, struct mapping *m, struct err *e)
{
	_cleanup_free_ char *clean = str_sanitise(kv);
	bool keep = m->mode == MAP_KEEP_ID, takes_size = keep || m->mode == MAP_AUTO;
	const char *eq = strchr(kv, '=');
	size_t n = eq ? (size_t)(eq - kv) : 0;
	uint32_t *field = keep && n == 3 && strncmp(kv, "uid", n) == 0          ? &m->uid
			  : keep && n == 3 && strncmp(kv, "gid", n) == 0        ? &m->gid
			  : takes_size && n == 4 && strncmp(kv, "size", n) == 0 ? &m->size
										: NULL;

	if (!field)
		return bad_userns(value, e);
	if (parse_u32(eq + 1, field) < 0 || *field > ID_MAX || (n == 4 && *field == 0))
		return err_msg(
			e, -EINVAL, "--userns: %.60s: not a valid number", clean ? clean : "");
	return 0;
}

static int parse_userns(const char *value, struct mapping *m, struct err *e)
{
	_cleanup_free_ char *word = strndup(value, strcspn(value, ":"));
	const char *colon = strchr(value, ':');
	_cleanup_strv_ char **options = colon ? strv_split(colon + 1, ',') : NULL;
	size_t i = 0;

	if (!word || (colon && !options))
		return err_set(e, -ENOMEM, "--userns");
	while (i < ARRAY_SIZE(words) && !streq(word, words[i].word))
		i++;
	if (i == ARRAY_SIZE(words))
		return bad_userns(value, e);
	m->mode = words[i].mode;
	strv_foreach (kv, options) {
		int r = set_option(value, kv, m, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int mapping_parse(
	struct engine *en, const struct container_opts *o, struct mapping *m, struct err *e)
{
	int r = 0;

	memset(m, 0, sizeof(*m));
	/* In a shell of uctr unshare the caller is root, which is not who he is. */
	m->uid = en->home ? en->map.uid[0].outside : geteuid();
	m->gid = en->home ? en->map.gid[0].outside : getegid();
	if (o->userns && (o->uidmap || o->gidmap))
		return err_msg(e, -EINVAL, "%s says what --userns says too; give one of them",
			o->uidmap ? "--uidmap" : "--gidmap");
	if (o->uidmap || o->gidmap) {
		m->mode = MAP_LINES;
		/* As podman: one of them stands for both. */
		m->uid_words = o->uidmap ? o->uidmap : o->gidmap;
		m->gid_words = o->gidmap ? o->gidmap : o->uidmap;
	} else if (o->userns) {
		r = parse_userns(o->userns, m, e);
	}
	en->one_id = m->mode == MAP_ONE;
	return r;
}

/* "CONTAINER:HOST[:COUNT]" with HOST as the user's namespace counts, or "@ID" of the host. */
static int parse_line(const char *flag, const char *word, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, struct err *e)
{
	_cleanup_strv_ char **part = strv_split(word, ':');
	_cleanup_free_ char *clean = str_sanitise(word);
	size_t n = strv_len(part);
	bool at = n >= 2 && part[1][0] == '@';
	uint32_t host = 0;

	ret->count = 1;
	if (n < 2 || n > 3 || parse_u32(part[0], &ret->inside) < 0 ||
		parse_u32(part[1] + at, &host) < 0 ||
		(n == 3 && parse_u32(part[2], &ret->count) < 0) || ret->count == 0)
		return err_msg(e, -EINVAL, "%s '%.60s': want CONTAINER:HOST[:COUNT]", flag,
			clean ? clean : "");
	ret->outside = at ? idmap_reverse(parent, n_parent, host) : host;
	if ((uint64_t)ret->inside + ret->count > ID_MAX + 1ULL)
		return err_msg(e, -ERANGE, "%s '%.60s': there are no ids beyond %u", flag,
			clean ? clean : "", ID_MAX);
	/* All of it, and where the host's numbers were named, in one piece there. */
	for (uint32_t i = 0, step; i < ret->count; i += step) {
		const struct idmap_line *p = idmap_line_of(parent, n_parent, ret->outside + i);

		if (!p || ret->outside == UINT32_MAX || (at && i > 0))
			return err_msg(e, -EPERM,
				"%s '%.60s': %s %u and what follows are not all yours ('uctr "
				"info' lists your ids)",
				flag, clean ? clean : "", at ? "the host's" : "id", host);
		step = p->count - (ret->outside + i - p->inside);
	}
	return 0;
}

int mapping_lines(const char *flag, char *const *list, const struct idmap_line *parent,
	size_t n_parent, struct idmap_line *ret, size_t *ret_n, struct err *e)
{
	size_t n = 0;

	strv_foreach (word, list) {
		int r;

		if (n == IDMAP_LINES)
			return err_msg(e, -E2BIG, "%s: more than %d lines", flag, IDMAP_LINES);
		r = parse_line(flag, word, parent, n_parent, &ret[n], e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			if (idmap_overlaps(&ret[i], &ret[n]))
				return err_msg(e, -EINVAL,
					"%s: '%s' has an id that another line has too", flag, word);
		}
		n++;
	}
	*ret_n = n;
	return 0;
}
