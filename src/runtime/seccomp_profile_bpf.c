/* SPDX-License-Identifier: Apache-2.0 */
/* Generates the BPF program of a system call filter. */

/*
 * libseccomp's own generator is not used (its tables of names and numbers are), because it cannot
 * say "these ioctl commands fail, compared on the low 32 bits, all others are allowed": there an
 * unconditional rule silently replaces the conditional ones. Neighbouring numbers with the same
 * answer become one range here, so the program has about a third of the instructions, which is
 * what the kernel checks and translates at every start.
 *
 * The program is emitted from its end to its start. Jumps in BPF only go forward, so every
 * target exists already when a jump to it is written, and returns can be shared.
 */
#include "runtime/seccomp_profile_bpf.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define JUMP_MAX 255 /* jt and jf are bytes */
#define RET_NOSYS (SECCOMP_RET_ERRNO | ENOSYS)

/* The lowest number of a range and what happens there. chain: rules to test, NULL for none. */
struct range {
	uint32_t start;
	uint32_t action;
	const struct bpf_rule *chain;
	size_t n_chain;
};

/* The program, last instruction first. Positions are indices into it. */
struct gen {
	struct sock_filter *insns;
	size_t n;
	bool full;
};

void bpf_filter_free(struct bpf_filter *f)
{
	for (unsigned int i = 0; i < f->n_arch; i++)
		free(f->arch[i].rules);
	*f = (struct bpf_filter){ 0 };
}

int bpf_rule_add(struct bpf_arch *a, const struct bpf_rule *rule)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 512;
		struct bpf_rule *grown = reallocarray(a->rules, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		a->rules = grown;
		a->cap = cap;
	}
	a->rules[a->n] = *rule;
	a->rules[a->n].order = (unsigned int)a->n;
	a->n++;
	return 0;
}

static size_t push(struct gen *g, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (g->n == BPF_MAXINSNS) {
		g->full = true;
		return g->n - 1;
	}
	g->insns[g->n] = (struct sock_filter){ code, jt, jf, k };
	return g->n++;
}

static size_t distance(const struct gen *g, size_t pos)
{
	return g->n - pos - 1;
}

/* A return near enough for a conditional jump, shared when there is one. */
static size_t ret(struct gen *g, uint32_t action)
{
	size_t near = g->n > JUMP_MAX ? g->n - JUMP_MAX : 0;

	for (size_t i = g->n; i > near; i--) {
		const struct sock_filter *f = &g->insns[i - 1];

		if (f->code == (BPF_RET | BPF_K) && f->k == action)
			return i - 1;
	}
	return push(g, BPF_RET | BPF_K, 0, 0, action);
}

/* Makes a far target reachable from the next instruction: a copy of it if a return, else a jump. */
static size_t nearer(struct gen *g, size_t pos)
{
	if (g->insns[pos].code == (BPF_RET | BPF_K))
		return push(g, BPF_RET | BPF_K, 0, 0, g->insns[pos].k);
	return push(g, BPF_JMP | BPF_JA, 0, 0, (uint32_t)distance(g, pos));
}

static size_t test(struct gen *g, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	if (yes == no)
		return yes;
	while (!g->full && (distance(g, yes) > JUMP_MAX || distance(g, no) > JUMP_MAX)) {
		if (distance(g, yes) > JUMP_MAX)
			yes = nearer(g, yes);
		else
			no = nearer(g, no);
	}
	return push(
		g, BPF_JMP | op | BPF_K, (uint8_t)distance(g, yes), (uint8_t)distance(g, no), k);
}

/* Statements fall through, so what follows must be the instruction emitted just before. */
static size_t statement(struct gen *g, uint16_t code, uint32_t k, size_t next)
{
	if (next != g->n - 1)
		nearer(g, next);
	return push(g, code, 0, 0, k);
}

static size_t load(struct gen *g, size_t offset, size_t next)
{
	return statement(g, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, next);
}

static size_t load_arg(struct gen *g, unsigned int arg, bool high, size_t next)
{
	size_t off = offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);

	return load(g, off + (high == (__BYTE_ORDER == __LITTLE_ENDIAN) ? 4 : 0), next);
}

static size_t masked_word(struct gen *g, const struct bpf_cond *c, bool high, size_t yes, size_t no)
{
	uint32_t mask = (uint32_t)(high ? c->mask >> 32 : c->mask);
	uint32_t value = (uint32_t)(high ? c->value >> 32 : c->value) & mask;
	size_t pos;

	if (mask == 0 || yes == no)
		return yes;
	pos = test(g, BPF_JEQ, value, yes, no);
	if (mask != UINT32_MAX)
		pos = statement(g, BPF_ALU | BPF_AND | BPF_K, mask, pos);
	return load_arg(g, c->arg, high, pos);
}

static size_t ordered(
	struct gen *g, const struct bpf_cond *c, uint16_t low_op, size_t yes, size_t no)
{
	uint32_t high = (uint32_t)(c->value >> 32);
	size_t pos = load_arg(g, c->arg, false, test(g, low_op, (uint32_t)c->value, yes, no));

	if (high == 0)
		return load_arg(g, c->arg, true, test(g, BPF_JGT, 0, yes, pos));
	pos = test(g, BPF_JEQ, high, pos, no);
	return load_arg(g, c->arg, true, test(g, BPF_JGT, high, yes, pos));
}

static size_t condition(struct gen *g, const struct bpf_cond *c, size_t yes, size_t no)
{
	struct bpf_cond whole = *c;

	whole.mask = UINT64_MAX;
	switch (c->op) {
	case BPF_OP_NE:
		return masked_word(g, &whole, true, masked_word(g, &whole, false, no, yes), yes);
	case BPF_OP_LT:
		return ordered(g, c, BPF_JGE, no, yes);
	case BPF_OP_LE:
		return ordered(g, c, BPF_JGT, no, yes);
	case BPF_OP_GT:
		return ordered(g, c, BPF_JGT, yes, no);
	case BPF_OP_GE:
		return ordered(g, c, BPF_JGE, yes, no);
	case BPF_OP_MASKED:
		whole.mask = c->mask;
		break;
	case BPF_OP_EQ:
		break;
	}
	return masked_word(g, &whole, true, masked_word(g, &whole, false, yes, no), no);
}

/* What a number does: its conditional rules from the last to the first, over the fallback. */
static size_t answer(struct gen *g, const struct range *r)
{
	size_t pos = ret(g, r->action);

	for (size_t i = r->n_chain; i > 0; i--) {
		const struct bpf_rule *rule = &r->chain[i - 1];
		size_t yes;

		if (rule->n_conds == 0)
			continue;
		yes = ret(g, rule->action);
		for (unsigned int j = rule->n_conds; j > 0; j--)
			yes = condition(g, &rule->conds[j - 1], yes, pos);
		pos = yes;
	}
	return pos;
}

static size_t tree(struct gen *g, const struct range *r, size_t n)
{
	size_t half = n / 2, high, low;

	if (n == 1)
		return answer(g, r);
	high = tree(g, r + half, n - half);
	low = tree(g, r, half);
	return test(g, BPF_JGE, r[half].start, high, low);
}

static int by_number(const void *a, const void *b)
{
	const struct bpf_rule *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The answer for numbers without a rule. */
static uint32_t base_action(const struct bpf_filter *f, const struct bpf_arch *a, uint32_t nr)
{
	/* A tracer sets -1 to skip a call; the kernel then does nothing, so there is no harm. */
	if (nr == UINT32_MAX)
		return SECCOMP_RET_ALLOW;
	if (a->audit == AUDIT_ARCH_X86_64 && (nr & X32_BIT))
		return a->x32 ? f->def : RET_NOSYS;
	return a->native ? f->def : RET_NOSYS;
}

static void range_push(struct range *r, size_t *n, const struct range *next)
{
	if (*n > 0 && !r[*n - 1].n_chain && !next->n_chain && r[*n - 1].action == next->action)
		return;
	if (*n > 0 && r[*n - 1].start == next->start)
		(*n)--;
	r[(*n)++] = *next;
}

static void range_base(const struct bpf_filter *f, const struct bpf_arch *a, uint32_t nr,
	struct range *r, size_t *n)
{
	struct range base = { .start = nr, .action = base_action(f, a, nr) };

	range_push(r, n, &base);
}

/* Rules [i, end) share a number. */
static void range_rules(const struct bpf_filter *f, const struct bpf_arch *a, size_t i, size_t end,
	struct range *r, size_t *n)
{
	struct range here = { .start = a->rules[i].nr };
	bool decided = false;

	here.action = base_action(f, a, here.start);
	for (size_t j = i; j < end; j++) {
		if (a->rules[j].n_conds > 0) {
			here.chain = &a->rules[i];
			here.n_chain = end - i;
		} else if (!decided) {
			here.action = a->rules[j].action;
			decided = true;
		}
	}
	range_push(r, n, &here);
}

/* Fills r (2 * rules + 3 entries) and returns the number of ranges, ascending, from 0. */
static size_t ranges(const struct bpf_filter *f, struct bpf_arch *a, struct range *r)
{
	size_t n = 0;
	bool x32 = false;

	if (a->n)
		qsort(a->rules, a->n, sizeof(a->rules[0]), by_number);
	range_base(f, a, 0, r, &n);
	for (size_t i = 0, end; i < a->n; i = end) {
		uint32_t nr = a->rules[i].nr;

		for (end = i + 1; end < a->n && a->rules[end].nr == nr; end++)
			;
		if (!x32 && nr >= X32_BIT) {
			range_base(f, a, X32_BIT, r, &n);
			x32 = true;
		}
		range_rules(f, a, i, end, r, &n);
		if (nr < UINT32_MAX - 1 && (end == a->n || a->rules[end].nr != nr + 1))
			range_base(f, a, nr + 1, r, &n);
	}
	if (!x32)
		range_base(f, a, X32_BIT, r, &n);
	if (r[n - 1].start != UINT32_MAX)
		range_base(f, a, UINT32_MAX, r, &n);
	return n;
}

int bpf_build(struct bpf_filter *f, struct sock_filter **ret_insns, unsigned short *ret_len,
	struct err *e)
{
	_cleanup_free_ struct sock_filter *buf = calloc(BPF_MAXINSNS, sizeof(*buf));
	struct gen g = { .insns = buf };
	size_t next;

	if (!buf)
		return err_set(e, -ENOMEM, "seccomp filter");
	next = ret(&g, RET_NOSYS);
	for (unsigned int i = f->n_arch; i > 0; i--) {
		struct bpf_arch *a = &f->arch[i - 1];
		_cleanup_free_ struct range *r = calloc(2 * a->n + 3, sizeof(*r));
		size_t body;

		if (!r)
			return err_set(e, -ENOMEM, "seccomp filter");
		body = tree(&g, r, ranges(f, a, r));
		body = load(&g, offsetof(struct seccomp_data, nr), body);
		next = test(&g, BPF_JEQ, a->audit, body, next);
	}
	load(&g, offsetof(struct seccomp_data, arch), next);
	if (g.full)
		return err_msg(e, -E2BIG,
			"the seccomp profile needs more than the kernel's limit of %d "
			"instructions; "
			"use fewer rules with arguments or fewer architectures",
			BPF_MAXINSNS);
	for (size_t i = 0; i < g.n / 2; i++) {
		struct sock_filter t = buf[i];

		buf[i] = buf[g.n - 1 - i];
		buf[g.n - 1 - i] = t;
	}
	*ret_len = (unsigned short)g.n;
	*ret_insns = take_ptr(buf);
	return 0;
}
