/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of root emulation: what it stops in a container, and what its supervisor may do. */
#ifndef UCTR_RUNTIME_SECCOMP_PROFILE_EMULATE_H
#define UCTR_RUNTIME_SECCOMP_PROFILE_EMULATE_H

#include "base/err.h"
#include "runtime/seccomp_profile.h"

/* Built once, by gen/mkseccomp. ret is the caller's. */
int seccomp_emulate_build(struct seccomp_prog *ret, struct err *e);
int seccomp_supervisor_build(struct seccomp_prog *ret, struct err *e);

#endif
