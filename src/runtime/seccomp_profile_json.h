/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a seccomp profile, docker's or OCI's, to BPF: no cache and no built-in programs. */
#ifndef UCTR_RUNTIME_SECCOMP_PROFILE_JSON_H
#define UCTR_RUNTIME_SECCOMP_PROFILE_JSON_H

#include <stddef.h>

#include "base/err.h"
#include "runtime/seccomp_profile.h"

/* What conditions in a profile look at. Kernel 0.0 fulfils no minKernel. */
struct seccomp_env {
	uint64_t caps;
	bool nesting;
	unsigned int kernel_major, kernel_minor;
};

/* Fills in the running kernel's version (0.0 when it cannot be read). */
void seccomp_env_kernel(struct seccomp_env *env);

/*
 * Compiles `text`; ret is owned by the caller (seccomp_prog_free). Errors begin with `what`.
 *
 * Beyond docker's keys, includes and excludes know "nesting": true or false. For one system call
 * the rules with arguments are tried in the file's order, then the first one without decides (in
 * libseccomp's own generator a rule without arguments hides all others). A rule that names an
 * argument twice means "or", as in runc. Names that no architecture knows are left out when that
 * makes the filter stricter, and refused when it would let a denied call pass. On SCMP_ARCH_X86
 * rules for sockets do not see what goes through socketcall: profiles have to deny it.
 */
int seccomp_json_compile(const char *text, size_t len, const char *what,
	const struct seccomp_env *env, struct seccomp_prog *ret, struct err *e);

/* The capabilities that the profile's conditions look at. */
int seccomp_json_caps(const char *text, size_t len, const char *what, uint64_t *ret, struct err *e);

#endif
