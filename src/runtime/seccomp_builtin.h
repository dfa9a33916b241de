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

/* Root emulation: what is stopped in a container with one id, and what its supervisor may call. */
extern const struct sock_filter seccomp_emulate_prog[], seccomp_supervisor_prog[];
extern const unsigned short seccomp_emulate_len, seccomp_supervisor_len;

#endif
