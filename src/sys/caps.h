/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: names, sets, drop. */
#ifndef UCTR_SYS_CAPS_H
#define UCTR_SYS_CAPS_H

#include <stdint.h>

#include "base/err.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT */
#define CAPS_DEFAULT UINT64_C(0x800405fb)

struct caps {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};

/* "NET_ADMIN", "CAP_NET_ADMIN", any case: its number or -EINVAL. */
int caps_from_name(const char *name);
/* "CAP_NET_ADMIN" (malloc'ed). */
char *caps_name(int cap);
/* All capabilities the running kernel knows. */
uint64_t caps_all(void);

/* Drops from the bounding set everything outside keep; needs CAP_SETPCAP. */
int caps_bound(uint64_t keep, struct err *e);
/* capset(2) and the ambient set, which is cleared first. */
int caps_apply(const struct caps *c, struct err *e);

#endif
