/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a classic BPF program over seccomp_data, as the kernel does, and notes what it executed. */
#ifndef UCTR_TESTS_SECCOMP_SIM_H
#define UCTR_TESTS_SECCOMP_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

/* No action: the program is one that the kernel would refuse. */
#define SIM_BAD UINT64_MAX

static inline int sim_jump(const struct sock_filter *f, uint32_t a, unsigned int *ret)
{
	switch (f->code) {
	case BPF_JMP | BPF_JA:
		*ret = f->k;
		return 1;
	case BPF_JMP | BPF_JEQ | BPF_K:
		*ret = a == f->k ? f->jt : f->jf;
		return 1;
	case BPF_JMP | BPF_JGT | BPF_K:
		*ret = a > f->k ? f->jt : f->jf;
		return 1;
	case BPF_JMP | BPF_JGE | BPF_K:
		*ret = a >= f->k ? f->jt : f->jf;
		return 1;
	case BPF_JMP | BPF_JSET | BPF_K:
		*ret = a & f->k ? f->jt : f->jf;
		return 1;
	}
	return 0;
}

/* The SECCOMP_RET_ value or SIM_BAD. hit (len bytes, may be NULL): 1 for what was executed. */
static inline uint64_t sim_run(const struct sock_filter *insns, unsigned int len,
	const struct seccomp_data *data, unsigned char *hit)
{
	uint32_t a = 0;

	for (unsigned int pc = 0, skip = 0; pc < len; pc += 1 + skip, skip = 0) {
		const struct sock_filter *f = &insns[pc];

		if (hit)
			hit[pc] = 1;
		if (sim_jump(f, a, &skip)) {
			if (skip >= len - pc)
				return SIM_BAD;
			continue;
		}
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k % 4 || f->k > sizeof(*data) - 4)
				return SIM_BAD;
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			return SIM_BAD;
		}
	}
	return SIM_BAD;
}

#endif
