/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of credentials, each once; owners of files that can carry no attribute, by inode. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/emulate_impl.h"

#define SLOTS (2 * OWNERS_MAX) /* of the hash table: never more than half full */

static const struct creds *set_at(const struct emulate_shared *sh, uint32_t i)
{
	return (const struct creds *)(const void *)(sh->sets + sh->at[i]);
}

int table_add(struct emulate_shared *sh, const struct creds *c)
{
	size_t size = creds_size(c);

	for (uint32_t i = 0; i < sh->n_sets; i++) {
		if (set_at(sh, i)->n_groups == c->n_groups && memcmp(set_at(sh, i), c, size) == 0)
			return (int)i;
	}
	if (sh->n_sets == SETS_MAX || size > SETS_BYTES - sh->used)
		return -EAGAIN;
	memcpy(sh->sets + sh->used, c, size);
	sh->at[sh->n_sets] = sh->used;
	sh->used += (uint32_t)size;
	/* Last: whoever dies before has added nothing. */
	return (int)sh->n_sets++;
}

int table_get(const struct emulate_shared *sh, uint64_t index, struct creds *ret)
{
	if (index >= sh->n_sets)
		return -EPERM;
	memcpy(ret, set_at(sh, (uint32_t)index), creds_size(set_at(sh, (uint32_t)index)));
	return 0;
}

static uint64_t device_of(const struct statx *sx)
{
	return ((uint64_t)sx->stx_dev_major << 32) | sx->stx_dev_minor;
}

static int64_t born(const struct statx *sx)
{
	if (!(sx->stx_mask & STATX_BTIME))
		return 0;
	return sx->stx_btime.tv_sec * 1000000000LL + sx->stx_btime.tv_nsec;
}

static size_t slot_of(const struct owner_record *r)
{
	uint64_t h = (r->ino ^ (uint64_t)r->born ^ (r->dev << 17)) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 40) % SLOTS;
}

static bool same_file(const struct owner_record *a, const struct owner_record *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->born == b->born;
}

/* The slot where the file is or would be. */
static struct owner_record *probe(struct emulate_shared *sh, const struct owner_record *key)
{
	size_t i = slot_of(key);

	while (sh->owners[i].kind && !same_file(&sh->owners[i], key))
		i = (i + 1) % SLOTS;
	return &sh->owners[i];
}

void owners_key(const struct statx *sx, struct owner_record *ret)
{
	*ret = (struct owner_record){ .dev = device_of(sx), .ino = sx->stx_ino, .born = born(sx) };
}

struct owner_record *owners_find(struct emulate_shared *sh, const struct statx *sx)
{
	struct owner_record key, *r;

	owners_key(sx, &key);
	r = probe(sh, &key);
	return r->kind ? r : NULL;
}

int owners_set(struct emulate_shared *sh, const struct owner_record *r)
{
	struct owner_record *slot = probe(sh, r);

	if (!slot->kind) {
		/* Slots are never emptied: a removed record stays as one of root's. */
		if (sh->n_owners == OWNERS_MAX)
			return -ENOSPC;
		sh->n_owners++;
	}
	*slot = *r;
	return 0;
}
