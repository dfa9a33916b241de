/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of an emulated process and the rules by which they change: pure, as credentials(7) says. */
#ifndef UCTR_RUNTIME_EMULATE_CREDS_H
#define UCTR_RUNTIME_EMULATE_CREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS, ID_N };

#define CREDS_GROUPS_MAX 4096

/* Plain memory without padding, so that sets are compared byte by byte. */
struct creds {
	uint32_t uid[ID_N], gid[ID_N];
	uint32_t n_groups;
	uint32_t groups[CREDS_GROUPS_MAX];
};

/* The bytes of c that count. */
size_t creds_size(const struct creds *c);

/*
 * One change each of user or group ids. `may` says whether the process has CAP_SETUID or
 * CAP_SETGID. (uint32_t)-1 leaves an id alone where the call allows that. 0, -EPERM or -EINVAL;
 * nothing changes on failure.
 */
int creds_set(uint32_t id[ID_N], bool may, uint32_t to); /* setuid(2), setgid(2) */
int creds_setre(uint32_t id[ID_N], bool may, uint32_t real, uint32_t effective);
int creds_setres(uint32_t id[ID_N], bool may, uint32_t real, uint32_t effective, uint32_t saved);
/* setfsuid(2), setfsgid(2): the id before, whatever came of it. */
uint32_t creds_setfs(uint32_t id[ID_N], bool may, uint32_t to);

/* As the kernel keeps and shows them; -EINVAL when one is no group id. */
int creds_sort_groups(struct creds *c);
bool creds_in_group(const struct creds *c, uint32_t gid);

/*
 * May a process with these ids give a file of owner:group to uid:gid ((uint32_t)-1: keep)? `may`:
 * it has CAP_CHOWN.
 */
bool creds_may_chown(const struct creds *c, bool may, uint32_t owner, uint32_t group, uint32_t uid,
	uint32_t gid);

#endif
