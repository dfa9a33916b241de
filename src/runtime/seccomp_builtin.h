/* SPDX-License-Identifier: Apache-2.0 */
/* The default seccomp profile as it was compiled by gen/mkseccomp when uctr was built. */
#ifndef UCTR_RUNTIME_SECCOMP_BUILTIN_H
#define UCTR_RUNTIME_SECCOMP_BUILTIN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_builtin {
	uint64_t caps; /* only bits of seccomp_builtin_caps */
	bool nesting;
	unsigned short len;
	const struct sock_filter *insns;
};

extern const struct seccomp_builtin seccomp_builtins[];
extern const size_t seccomp_builtins_len;
/* The capabilities that the profile looks at. */
extern const uint64_t seccomp_builtin_caps;
/* The profile itself, for capability sets that were not compiled. Not NUL-terminated. */
extern const char seccomp_builtin_text[];
extern const size_t seccomp_builtin_text_len;

#endif
