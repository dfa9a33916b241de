/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes seccomp profiles: the JSON reader, and the BPF generator against a plain evaluator. */

/*
 * An input that begins with '{' is a profile: whatever it says, the result is an error with a
 * message or a program that the simulator runs to a return for every call. Any other input is a
 * list of rules: the program must answer as a loop over those rules does.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined. With -DFUZZ_STANDALONE the program
 * replays the files it is given.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/seccomp_sim.h"
#include "base/file.h"
#include "base/str.h"
#include "runtime/seccomp_profile_bpf.h"
#include "runtime/seccomp_profile_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_seccomp: %s\n", what);
	abort();
}

/* --- profiles ------------------------------------------------------------------------------ */

static void fuzz_json(const char *text, size_t len)
{
	struct seccomp_env env = { .caps = UINT64_C(0x800405fb), .kernel_major = 6 };
	_cleanup_(seccomp_prog_free)
	struct seccomp_prog p = { 0 };
	struct err e = ERR_INIT;
	int r = seccomp_json_compile(text, len, "profile", &env, &p, &e);

	must(r <= 0, "positive result");
	must(r == 0 || (e.msg[0] && !p.insns && !strchr(e.msg, '\n')), "failure without a line");
	if (r < 0)
		return;
	must(p.len > 0 && p.len <= BPF_MAXINSNS, "length");
	for (uint32_t nr = 0; nr < 500; nr++) {
		struct seccomp_data d = { .nr = (int)nr,
			.arch = arches[nr % 3],
			.args = { nr, UINT64_MAX - nr, UINT64_C(1) << (nr % 64), 0, 1, 2 } };

		must(sim_run(p.insns, p.len, &d, NULL) != SIM_BAD, "invalid program");
	}
}

/* --- rules --------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *p;
	size_t left;
};

static uint8_t next(struct reader *r)
{
	if (r->left == 0)
		return 0;
	r->left--;
	return *r->p++;
}

/* Few distinct values around the places where the words of a comparison meet. */
static uint64_t value(uint8_t b)
{
	static const uint64_t base[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x100000001, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffeffffffff,
		0xffffffff00000000, UINT64_MAX };

	return base[b % ARRAY_SIZE(base)] + (b >> 6);
}

static uint32_t number(uint8_t b)
{
	static const uint32_t base[] = { 0, 1, 8, 100, 0x3ffffffe, 0x40000000, 0x40000020,
		0xfffffffc };

	return base[b % 8] + (b >> 6);
}

static bool cond_holds(const struct bpf_cond *c, uint64_t x)
{
	switch (c->op) {
	case BPF_OP_EQ:
		return x == c->value;
	case BPF_OP_NE:
		return x != c->value;
	case BPF_OP_LT:
		return x < c->value;
	case BPF_OP_LE:
		return x <= c->value;
	case BPF_OP_GT:
		return x > c->value;
	case BPF_OP_GE:
		return x >= c->value;
	case BPF_OP_MASKED:
		return (x & c->mask) == (c->value & c->mask);
	}
	return false;
}

/* The contract of bpf_build(), as plainly as it can be said. The rules are in their given order. */
static uint32_t reference(const struct bpf_filter *f, const struct bpf_rule *rules, size_t n,
	const struct seccomp_data *d)
{
	uint32_t nr = (uint32_t)d->nr;

	if (d->arch != f->arch[0].audit)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (int conditional = 1; conditional >= 0; conditional--) {
		for (size_t i = 0; i < n; i++) {
			bool match = rules[i].nr == nr && (rules[i].n_conds > 0) == conditional;

			for (unsigned int j = 0; j < rules[i].n_conds && match; j++)
				match = cond_holds(
					&rules[i].conds[j], d->args[rules[i].conds[j].arg]);
			if (match)
				return rules[i].action;
		}
	}
	if (nr == UINT32_MAX)
		return SECCOMP_RET_ALLOW;
	if (d->arch == AUDIT_ARCH_X86_64 && (nr & X32_BIT))
		return f->arch[0].x32 ? f->def : SECCOMP_RET_ERRNO | ENOSYS;
	return f->arch[0].native ? f->def : SECCOMP_RET_ERRNO | ENOSYS;
}

static void read_rule(struct reader *in, struct bpf_rule *rule)
{
	*rule = (struct bpf_rule){ .nr = number(next(in)) };
	rule->action = (next(in) & 1) ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (next(in) & 7);
	rule->n_conds = next(in) % 4;
	for (unsigned int j = 0; j < rule->n_conds; j++) {
		rule->conds[j].op = (enum bpf_op)(next(in) % 7);
		rule->conds[j].arg = next(in) % 2;
		rule->conds[j].value = value(next(in));
		rule->conds[j].mask = value(next(in));
	}
}

static void fuzz_rules(struct reader *in)
{
	struct bpf_filter f = { .def = SECCOMP_RET_ERRNO | 99, .n_arch = 1 };
	_cleanup_free_ struct sock_filter *insns = NULL;
	struct bpf_rule rules[64];
	struct err e = ERR_INIT;
	unsigned short len = 0;
	uint8_t flags = next(in);
	size_t n = 0;

	f.arch[0] = (struct bpf_arch){
		.audit = arches[flags % 3], .native = flags & 8, .x32 = flags & 16
	};
	while (in->left > 0 && n < ARRAY_SIZE(rules)) {
		read_rule(in, &rules[n]);
		must(bpf_rule_add(&f.arch[0], &rules[n]) == 0, "out of memory");
		n++;
	}
	must(bpf_build(&f, &insns, &len, &e) == 0, "refused");
	for (unsigned int i = 0; i < 256 * 16; i++) {
		struct seccomp_data d = { .nr = (int)number((uint8_t)i),
			.arch = arches[i % 7 ? flags % 3 : i % 3],
			.args = { value((uint8_t)(i * 7)), value((uint8_t)(i * 13 / 5)) } };

		must(sim_run(insns, len, &d, NULL) == reference(&f, rules, n, &d),
			"the program answers otherwise than its rules");
	}
	bpf_filter_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = { data, size };

	if (size > 0 && data[0] == '{')
		fuzz_json((const char *)data, size);
	else
		fuzz_rules(&in);
	return 0;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *data = NULL;
		size_t len;
		int r = file_read(AT_FDCWD, argv[i], 1 << 20, &data, &len);

		if (r < 0) {
			fprintf(stderr, "fuzz_seccomp: %s: %s\n", argv[i], strerror(-r));
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	}
	printf("%d inputs replayed\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
