/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp profiles: the built-in one and docker's or OCI's JSON, compiled to classic BPF. */
#ifndef UCTR_RUNTIME_SECCOMP_PROFILE_H
#define UCTR_RUNTIME_SECCOMP_PROFILE_H

#include <jansson.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* A compiled filter. insns is NULL for none; freed only when `owned` (the built-in is static). */
struct seccomp_prog {
	const struct sock_filter *insns;
	unsigned short len;
	bool owned;
};
void seccomp_prog_free(struct seccomp_prog *p);

/*
 * The default filter for a container with capability mask `caps` (bounding set, bit = CAP_
 * number). nesting: user namespaces and mounts are allowed (--security-opt nesting). The sets that
 * start without options cost nothing: they were compiled when uctr was built. Other capability sets
 * are compiled once and cached below cache_dirfd (-1: no cache), keyed by their whole content.
 */
int seccomp_profile_default(
	uint64_t caps, bool nesting, int cache_dirfd, struct seccomp_prog *ret, struct err *e);

/*
 * A profile in docker's format (archMap, includes/excludes by caps, arches and minKernel) or
 * OCI's linux.seccomp (architectures, flags), for capability mask `caps`. `text` is the JSON as
 * read; it is the key of the cache. Refuses what it cannot honour (unknown action, operator,
 * listenerPath) by name.
 */
int seccomp_profile_compile(const char *text, size_t len, const char *what, uint64_t caps,
	int cache_dirfd, struct seccomp_prog *ret, struct err *e);

#endif
