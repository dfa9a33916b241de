/* SPDX-License-Identifier: Apache-2.0 */
/* Names in seccomp profiles: system calls, architectures, capabilities, operators, actions. */
#ifndef UCTR_RUNTIME_SECCOMP_PROFILE_NAMES_H
#define UCTR_RUNTIME_SECCOMP_PROFILE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/seccomp_profile_bpf.h"

/* This machine's token. */
uint32_t scname_arch_native(void);
/* What docker's includes.arches calls this machine ("amd64"). */
const char *scname_arch_native_name(void);
/* "SCMP_ARCH_X86_64": its token (the SCMP_ARCH_ values of libseccomp) or 0 for an unknown name. */
uint32_t scname_arch(const char *name);
/* Can this machine execute system calls of that architecture? */
bool scname_arch_runs_here(uint32_t token);
/* The AUDIT_ARCH_ value that the kernel reports for the architecture. */
uint32_t scname_arch_audit(uint32_t token);

/*
 * Number of a system call. 1 and *ret; 0 when this architecture has no such call; -ENOENT when no
 * architecture has one (libseccomp's tables and uctr's own for calls newer than them).
 */
int scname_call(uint32_t token, const char *name, uint32_t *ret);

/* "SCMP_CMP_EQ": 0 and *ret, or -EINVAL with the name. */
int scname_op(const char *name, enum bpf_op *ret, struct err *e);

/* "SCMP_ACT_ERRNO" with its errnoRet: 0 and the SECCOMP_RET_ value, or an error that says why. */
int scname_action(const char *name, uint32_t data, uint32_t *ret, struct err *e);

#endif
