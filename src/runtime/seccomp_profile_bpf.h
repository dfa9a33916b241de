/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by system call number to a classic BPF program: a search tree over ranges of numbers. */
#ifndef UCTR_RUNTIME_SECCOMP_PROFILE_BPF_H
#define UCTR_RUNTIME_SECCOMP_PROFILE_BPF_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BPF_ARGS 6
#define BPF_ARCHES 3
#define X32_BIT 0x40000000u

enum bpf_op { BPF_OP_EQ, BPF_OP_NE, BPF_OP_LT, BPF_OP_LE, BPF_OP_GT, BPF_OP_GE, BPF_OP_MASKED };

/* args[arg] OP value, all 64 bits; BPF_OP_MASKED: (args[arg] & mask) == (value & mask). */
struct bpf_cond {
	enum bpf_op op;
	unsigned int arg;
	uint64_t value, mask;
};

/* `action` is a SECCOMP_RET_ value with its data. All conditions must hold. */
struct bpf_rule {
	uint32_t nr;
	uint32_t action;
	unsigned int order;
	unsigned int n_conds;
	struct bpf_cond conds[BPF_ARGS];
};

/*
 * One AUDIT_ARCH_ value. native, x32: are these two number ranges of it covered by the profile?
 * (x32 shares x86_64's AUDIT_ARCH_ value and is told apart by X32_BIT in the number.)
 */
struct bpf_arch {
	uint32_t audit;
	bool native, x32;
	struct bpf_rule *rules;
	size_t n, cap;
};

struct bpf_filter {
	uint32_t def; /* action for numbers without a rule */
	struct bpf_arch arch[BPF_ARCHES];
	unsigned int n_arch;
};

void bpf_filter_free(struct bpf_filter *f);

/* Appends a copy of the rule to the architecture; 0 or -ENOMEM. */
int bpf_rule_add(struct bpf_arch *a, const struct bpf_rule *rule);

/*
 * Builds the program; *ret is malloc'ed. For one number the conditional rules are tried in the
 * order they were added and the first match decides; then the first unconditional rule; then
 * `def`. System calls of an architecture or number range that is not covered get ENOSYS. Sorts
 * the rules. -E2BIG when the kernel's limit of 4096 instructions is exceeded.
 */
int bpf_build(
	struct bpf_filter *f, struct sock_filter **ret, unsigned short *ret_len, struct err *e);

#endif
