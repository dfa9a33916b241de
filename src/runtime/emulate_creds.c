/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rules for changes of ids (setresuid(2), chown(2)), on numbers alone. */
#include "runtime/emulate_creds.h"

#include <errno.h>
#include <stdlib.h>

#define KEEP UINT32_MAX

size_t creds_size(const struct creds *c)
{
	return offsetof(struct creds, groups) + c->n_groups * sizeof(c->groups[0]);
}

static bool is_one_of_three(const uint32_t id[ID_N], uint32_t x)
{
	return x == id[ID_REAL] || x == id[ID_EFFECTIVE] || x == id[ID_SAVED];
}

int creds_set(uint32_t id[ID_N], bool may, uint32_t to)
{
	if (to == KEEP)
		return -EINVAL;
	if (may)
		id[ID_REAL] = id[ID_SAVED] = to;
	else if (to != id[ID_REAL] && to != id[ID_SAVED])
		return -EPERM;
	id[ID_EFFECTIVE] = id[ID_FS] = to;
	return 0;
}

int creds_setre(uint32_t id[ID_N], bool may, uint32_t real, uint32_t effective)
{
	uint32_t old = id[ID_REAL];

	if (!may && real != KEEP && real != id[ID_REAL] && real != id[ID_EFFECTIVE])
		return -EPERM;
	if (!may && effective != KEEP && !is_one_of_three(id, effective))
		return -EPERM;
	if (real != KEEP)
		id[ID_REAL] = real;
	if (effective != KEEP)
		id[ID_EFFECTIVE] = effective;
	if (real != KEEP || (effective != KEEP && effective != old))
		id[ID_SAVED] = id[ID_EFFECTIVE];
	id[ID_FS] = id[ID_EFFECTIVE];
	return 0;
}

int creds_setres(uint32_t id[ID_N], bool may, uint32_t real, uint32_t effective, uint32_t saved)
{
	const uint32_t want[] = { real, effective, saved };
	bool fs_stays = effective == KEEP || effective == id[ID_FS];

	for (int i = 0; i < 3; i++) {
		if (!may && want[i] != KEEP && !is_one_of_three(id, want[i]))
			return -EPERM;
	}
	for (int i = 0; i < 3; i++) {
		if (want[i] == KEEP || want[i] == id[i])
			continue;
		id[i] = want[i];
		fs_stays = false;
	}
	/* The kernel leaves it alone when nothing else changes. */
	if (!fs_stays)
		id[ID_FS] = id[ID_EFFECTIVE];
	return 0;
}

uint32_t creds_setfs(uint32_t id[ID_N], bool may, uint32_t to)
{
	uint32_t before = id[ID_FS];

	if (to != KEEP && (may || is_one_of_three(id, to) || to == before))
		id[ID_FS] = to;
	return before;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int creds_sort_groups(struct creds *c)
{
	for (uint32_t i = 0; i < c->n_groups; i++) {
		if (c->groups[i] == KEEP)
			return -EINVAL;
	}
	qsort(c->groups, c->n_groups, sizeof(c->groups[0]), by_number);
	return 0;
}

bool creds_in_group(const struct creds *c, uint32_t gid)
{
	if (gid == c->gid[ID_FS])
		return true;
	for (uint32_t i = 0; i < c->n_groups; i++) {
		if (c->groups[i] == gid)
			return true;
	}
	return false;
}

bool creds_may_chown(
	const struct creds *c, bool may, uint32_t owner, uint32_t group, uint32_t uid, uint32_t gid)
{
	bool owns = c->uid[ID_FS] == owner;

	if (may)
		return true;
	if (uid != KEEP && !(owns && uid == owner))
		return false;
	return gid == KEEP || (owns && (gid == group || creds_in_group(c, gid)));
}
