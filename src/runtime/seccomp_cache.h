/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled seccomp filters on disk, found by everything they were compiled from. */
#ifndef UCTR_RUNTIME_SECCOMP_CACHE_H
#define UCTR_RUNTIME_SECCOMP_CACHE_H

#include <stddef.h>

#include "runtime/seccomp_profile.h"

/*
 * Looks the key up below dirfd. 1 and *ret (owned) when a whole, undamaged entry holds exactly
 * this key; else 0: not there, damaged or of another format, all of which mean "compile it".
 * -ENOMEM. The directory must be writable by its owner only: an entry is trusted as much.
 */
int seccomp_cache_load(int dirfd, const void *key, size_t len, struct seccomp_prog *ret);

/* Writes the entry atomically over whatever is there: 0 or -errno. */
int seccomp_cache_store(int dirfd, const void *key, size_t len, const struct seccomp_prog *p);

#endif
