/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps compiled seccomp filters, so that a custom profile costs a start one small read. */
#include "runtime/seccomp_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/*
 * A file is header, key, instructions. It holds the complete key, not only its hash, so no two
 * profiles can be taken for one another. Byte order and layout are this machine's: the key names
 * the architecture.
 */
struct header {
	char magic[8];
	uint32_t key_len, n_insns;
	uint64_t sum; /* of key and instructions: finds files that a crash or a disk damaged */
};

static const char magic[8] = "uctrbpf1";

/* FNV-1a, which is enough against accidents; against attackers the directory's owner is. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static void entry_name(char name[32], const void *key, size_t len)
{
	snprintf(name, 32, "seccomp-%016" PRIx64, hash(HASH_START, key, len));
}

static bool entry_valid(const char *file, size_t size, const void *key, size_t len)
{
	struct header h;
	size_t insns_len;

	if (size < sizeof(h))
		return false;
	memcpy(&h, file, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.key_len != len)
		return false;
	if (h.n_insns == 0 || h.n_insns > BPF_MAXINSNS)
		return false;
	insns_len = h.n_insns * sizeof(struct sock_filter);
	if (size != sizeof(h) + len + insns_len || memcmp(file + sizeof(h), key, len) != 0)
		return false;
	return h.sum == hash(HASH_START, file + sizeof(h), len + insns_len);
}

int seccomp_cache_load(int dirfd, const void *key, size_t len, struct seccomp_prog *ret)
{
	_cleanup_free_ char *file = NULL;
	struct sock_filter *insns;
	struct header h;
	char name[32];
	size_t size;
	int r;

	entry_name(name, key, len);
	r = file_read(dirfd, name, sizeof(h) + len + BPF_MAXINSNS * sizeof(*insns), &file, &size);
	if (r < 0 || !entry_valid(file, size, key, len))
		return r == -ENOMEM ? r : 0;
	memcpy(&h, file, sizeof(h));
	insns = malloc(h.n_insns * sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	memcpy(insns, file + sizeof(h) + len, h.n_insns * sizeof(*insns));
	*ret = (struct seccomp_prog){ insns, (unsigned short)h.n_insns, true };
	return 1;
}

#define ENTRIES_MAX 64

/* Each profile that is edited leaves an entry: a cache that is full starts anew with `keep`. */
static void prune(int dirfd, const char *keep)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	size_t n = 0;

	if (!d) {
		fd_closep(&fd);
		return;
	}
	while ((de = readdir(d)))
		n += str_startswith(de->d_name, "seccomp-");
	for (rewinddir(d); n > ENTRIES_MAX && (de = readdir(d));) {
		if (str_startswith(de->d_name, "seccomp-") && !streq(de->d_name, keep))
			(void)unlinkat(dirfd, de->d_name, 0);
	}
	closedir(d);
}

int seccomp_cache_store(int dirfd, const void *key, size_t len, const struct seccomp_prog *p)
{
	size_t insns_len = p->len * sizeof(*p->insns);
	struct header h = { .key_len = (uint32_t)len, .n_insns = p->len };
	_cleanup_str_ struct str file = { 0 };
	char name[32];
	int r;

	if (len > UINT32_MAX)
		return -EFBIG;
	memcpy(h.magic, magic, sizeof(magic));
	h.sum = hash(hash(HASH_START, key, len), p->insns, insns_len);
	if (str_add(&file, &h, sizeof(h)) < 0 || str_add(&file, key, len) < 0 ||
		str_add(&file, p->insns, insns_len) < 0)
		return -ENOMEM;
	entry_name(name, key, len);
	r = file_replace(dirfd, name, file.s, file.len, 0600, false);
	if (r == 0)
		prune(dirfd, name);
	return r;
}
