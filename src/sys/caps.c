/* SPDX-License-Identifier: Apache-2.0 */
/* Drop rights. */
#include "sys/caps.h"

#include <ctype.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/red.h"
#include "base/str.h"

int caps_from_name(const char *name)
{
	char lower[64];
	cap_value_t v;
	int n;

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	n = snprintf(lower, sizeof(lower), "cap_%s", name);
	if (n < 0 || n >= (int)sizeof(lower) || isdigit((unsigned char)name[0]))
		return -EINVAL;
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return cap_from_name(lower, &v) < 0 ? -EINVAL : (int)v;
}

char *caps_name(int cap)
{
	char *s = cap_to_name((cap_value_t)cap), *copy;

	if (!s)
		return NULL;
	copy = strdup(s);
	cap_free(s);
	for (char *p = copy; p && *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

uint64_t caps_all(void)
{
	return (UINT64_C(1) << cap_max_bits()) - 1;
}

int caps_bound(uint64_t keep, struct err *e)
{
	/* EINVAL ends the loop: the first number that this kernel does not know. */
	for (int cap = 0; cap < 64; cap++) {
		if (keep & CAP_BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break;
			return err_set(e, -errno, "drop capability %d from the bounding set", cap);
		}
	}
	return 0;
}

int caps_apply(const struct caps *c, struct err *e)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++) {
		uint64_t inheritable = red_off("inheritable") ? c->permitted : c->inheritable;

		d[i].effective = (uint32_t)(c->effective >> (32 * i));
		d[i].permitted = (uint32_t)(c->permitted >> (32 * i));
		d[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(e, -errno, "clear ambient capabilities");
	if (syscall(SYS_capset, &h, d) < 0)
		return err_set(e, -errno, "set capabilities");
	for (int cap = 0; c->ambient >> cap && cap < 64; cap++) {
		if (!(c->ambient & CAP_BIT(cap)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_set(e, -errno, "raise ambient capability %d", cap);
	}
	return 0;
}
