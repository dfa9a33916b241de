/* SPDX-License-Identifier: Apache-2.0 */
/* The default filter against a plain table: every number of every system call interface. */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/str.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_profile.h"
#include "runtime/seccomp_profile_json.h"
#include "runtime/seccomp_profile_names.h"
#include "seccomp_sim.h"
#include "tap.h"

#define DEFAULT_CAPS UINT64_C(0x800405fb)
#define LAST_NUMBER 600
#define LAST_LISTED 469

#define allow SECCOMP_RET_ALLOW
#define eperm (SECCOMP_RET_ERRNO | EPERM)
#define enosys (SECCOMP_RET_ERRNO | ENOSYS)
#define eafnosupport (SECCOMP_RET_ERRNO | EAFNOSUPPORT)
#define x86_64 AUDIT_ARCH_X86_64
#define i386_ AUDIT_ARCH_I386
#define aarch64 AUDIT_ARCH_AARCH64
#define riscv64 AUDIT_ARCH_RISCV64

struct expect {
	uint32_t arch, nr, last; /* numbers from nr to last */
	const char *name;
	bool any; /* whatever the arguments */
	uint64_t args[3];
	uint32_t want;
};

#define call(n, name_, want_) { AUDIT_ARCH_X86_64, n, n, #name_, true, { 0 }, want_ },
#define when(n, name_, a, b, c, want_)                                                             \
	{ AUDIT_ARCH_X86_64, n, n, #name_, false, { UINT64_C(a), UINT64_C(b), UINT64_C(c) },       \
		want_ },
#define range(arch_, name_, from, to, want_) { arch_, from, to, #name_, true, { 0 }, want_ },
static const struct expect table[] = {
#include "seccomp_expect.txt"
};
#undef call
#undef when
#undef range

/* Arguments that mean something to one call or another; no unconditional answer may change. */
static const uint64_t odd_args[] = { 0, 1, 2, 16, 17, 38, 0x5412, 0x541c, 0x10000000, 0x7e020000,
	UINT64_C(0xffffffff), UINT64_C(0x100000000), UINT64_C(0xffffffff00005412), UINT64_MAX };

static unsigned char hits[BPF_MAXINSNS];

static uint64_t ask(const struct seccomp_prog *p, uint32_t arch, uint32_t nr, uint64_t a,
	uint64_t b, uint64_t c)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch, .args = { a, b, c, b, a, c } };

	return sim_run(p->insns, p->len, &d, hits);
}

static unsigned int differs(bool quiet, const char *name, uint32_t nr, uint64_t got, uint32_t want)
{
	if (got == want)
		return 0;
	if (!quiet)
		printf("%s (%#x): answer %#llx, not %#x\n", name, nr, (unsigned long long)got,
			want);
	return 1;
}

/* How often the program answers a call to this number otherwise than `want`, over odd arguments. */
static unsigned int check_any(const struct seccomp_prog *p, bool quiet, uint32_t arch,
	const char *name, uint32_t nr, uint32_t want)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(odd_args) && bad == 0; i++) {
		for (size_t j = quiet ? i : 0; j < (quiet ? i + 1 : ARRAY_SIZE(odd_args)); j++)
			bad += differs(quiet, name, nr,
				ask(p, arch, nr, odd_args[i], odd_args[j], odd_args[i]), want);
	}
	return bad;
}

/* A range of two billion numbers: its ends, and what lies near them. */
static unsigned int check_range(const struct seccomp_prog *p, bool quiet, const struct expect *x)
{
	unsigned int bad = 0;

	for (uint64_t nr = x->nr; nr <= x->last && !(quiet && bad); nr++) {
		bad += check_any(p, quiet, x->arch, x->name, (uint32_t)nr, x->want);
		if (nr == x->nr + 700u && x->last - nr > 4)
			nr = x->last - 4u;
	}
	return bad;
}

/* The number of lines of the table that the program gets wrong; quiet: 1 for any, and fast. */
static unsigned int mismatches(const struct seccomp_prog *p, bool quiet)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table) && !(quiet && bad); i++) {
		const struct expect *x = &table[i];

		if (x->any)
			bad += check_range(p, quiet, x);
		else
			bad += differs(quiet, x->name, x->nr,
				ask(p, x->arch, x->nr, x->args[0], x->args[1], x->args[2]),
				x->want);
	}
	return bad;
}

/* Every number of every system call interface has a line, and no call goes by another's name. */
static void test_the_table_is_complete(void)
{
	static const uint32_t arches[] = { x86_64, i386_, aarch64, riscv64 };

	for (size_t a = 0; a < ARRAY_SIZE(arches); a++) {
		uint64_t next = 0; /* every number below it has a line */

		for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
			if (table[i].arch != arches[a])
				continue;
			CHECK(table[i].nr <= next && table[i].last >= table[i].nr);
			if (table[i].nr > next)
				printf("no line for %llu\n", (unsigned long long)next);
			if (next <= table[i].last)
				next = table[i].last + UINT64_C(1);
		}
		CHECK_INT(next, UINT64_C(1) << 32);
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint32_t nr = 0;
		const struct expect *x = &table[i];

		if (x->nr == x->last && x->nr < LAST_NUMBER &&
			scname_call(x86_64, x->name, &nr) == 1)
			CHECK_INT(nr, x->nr);
	}
}

/* What the library knows by name has a line of its own, not one of a range of unknown numbers. */
static void test_every_known_call_has_a_line(void)
{
	for (uint32_t nr = 0; nr <= LAST_LISTED; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(x86_64, (int)nr);
		bool found = false;

		for (size_t i = 0; name && i < ARRAY_SIZE(table); i++)
			found |= table[i].arch == x86_64 && table[i].nr == nr &&
				 streq(table[i].name, name);
		if (name && !found)
			printf("no line for %u, %s\n", nr, name);
		CHECK(!name || found);
		free(name);
	}
}

static void test_default_filter_answers_as_the_table_says(void)
{
	struct seccomp_prog p = { 0 };
	unsigned int covered = 0;

	memset(hits, 0, sizeof(hits));
	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, false, -1, &p, NULL), 0);
	CHECK(!p.owned);
	CHECK_INT(mismatches(&p, false), 0);
	for (unsigned int i = 0; i < p.len; i++) {
		covered += hits[i];
		if (!hits[i])
			printf("instruction %u is never executed\n", i);
	}
	printf("# %u of %u instructions executed\n", covered, p.len);
	CHECK_INT(covered, p.len);
}

/* The table is worth something only if a wrong filter fails it. */
static void test_broken_profiles_fail_the_table(void)
{
	static const struct {
		const char *from, *to;
	} broken[] = {
		{ "2114060288", "2113929216" }, /* CLONE_NEWNS forgotten */
		{ "\"value\": 4294967295, \"valueTwo\": 21522", "\"value\": 21522" },
		{ "SCMP_CMP_MASKED_EQ\"}],\n\t\t\t\"excludes\"",
			"SCMP_CMP_GT\"}],\n\t\t\t\"excludes\"" },
		{ "21532", "21533" }, /* TIOCLINUX mistyped */
		{ "\"keyctl\"", "\"getpid\"" },
		{ "\"read\", ", "" },
		{ "\"defaultErrnoRet\": 38", "\"defaultErrnoRet\": 1" },
		{ "\"clone3\"],\n\t\t\t\"action\": \"SCMP_ACT_ERRNO\"",
			"\"clone3\"],\n\t\t\t\"action\": \"SCMP_ACT_ALLOW\"" },
		{ "[{\"index\": 0, \"value\": 10,", "[{\"index\": 0, \"value\": 40," },
		{ "\"syscalls\"", "\"architectures\": [\"SCMP_ARCH_X32\"], \"syscalls\"" },
	};
	struct seccomp_env env = { .caps = DEFAULT_CAPS };

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_free_ char *text = strndup(seccomp_builtin_text, seccomp_builtin_text_len);
		_cleanup_(seccomp_prog_free)
		struct seccomp_prog p = { 0 };
		_cleanup_free_ char *other = NULL;
		struct err e = ERR_INIT;
		char *at = text ? strstr(text, broken[i].from) : NULL;

		CHECK(at != NULL);
		if (!at) {
			printf("not in the profile: %s\n", broken[i].from);
			continue;
		}
		*at = '\0';
		other = str_printf("%s%s%s", text, broken[i].to, at + strlen(broken[i].from));
		CHECK_INT(seccomp_json_compile(other, strlen(other), "broken", &env, &p, &e), 0);
		CHECK_STR(e.msg, "");
		CHECK(p.insns && mismatches(&p, true) > 0);
	}
}

/* How one instruction can be wrong. False when there is no such change. */
static bool mutate(struct sock_filter *f, unsigned int how)
{
	uint8_t t = f->jt;

	switch (how) {
	case 0: /* compares, loads, masks or answers something else */
		f->k ^= BPF_CLASS(f->code) == BPF_LD ? 4 : 1;
		return BPF_CLASS(f->code) != BPF_JMP || BPF_OP(f->code) != BPF_JA;
	case 1: /* the other way round */
		f->jt = f->jf;
		f->jf = t;
		return f->jt != f->jf;
	case 2: /* not looked at */
		if (BPF_CLASS(f->code) != BPF_JMP || BPF_OP(f->code) == BPF_JA || f->jt == f->jf)
			return false;
		f->jf = f->jt;
		return true;
	case 3:
		if (BPF_CLASS(f->code) != BPF_JMP || BPF_OP(f->code) == BPF_JA || f->jt == f->jf)
			return false;
		f->jt = f->jf;
		return true;
	default: /* answered otherwise */
		if (BPF_CLASS(f->code) != BPF_RET)
			return false;
		f->k = f->k == SECCOMP_RET_ALLOW ? eperm : SECCOMP_RET_ALLOW;
		return true;
	}
}

/* The red control of the table: a filter that is wrong in any one instruction fails it. */
/* row H7 H8 H9 H10: what the default filter answers to every number of every interface, by simulation | red: by hand: every filter that is wrong in one instruction, some 400 of them */
static void test_a_filter_with_one_wrong_instruction_fails_the_table(void)
{
	struct seccomp_prog p = { 0 };
	struct sock_filter *copy;
	unsigned int mutants = 0;

	CHECK_INT(seccomp_profile_default(DEFAULT_CAPS, false, -1, &p, NULL), 0);
	copy = calloc(p.len, sizeof(*copy));
	CHECK(copy != NULL);
	for (unsigned int i = 0; copy && i < p.len; i++) {
		for (unsigned int how = 0; how < 5; how++) {
			struct seccomp_prog wrong = { copy, p.len, false };

			memcpy(copy, p.insns, p.len * sizeof(*copy));
			if (!mutate(&copy[i], how))
				continue;
			mutants++;
			if (mismatches(&wrong, true) > 0)
				continue;
			printf("instruction %u (code %#x, k %#x) changed by %u is not noticed\n", i,
				p.insns[i].code, p.insns[i].k, how);
			CHECK(!"noticed");
		}
	}
	printf("# %u changed filters\n", mutants);
	CHECK(mutants > 3 * p.len);
	free(copy);
}

int main(void)
{
	RUN(test_the_table_is_complete);
	RUN(test_every_known_call_has_a_line);
	/* The table's numbers are those of x86_64, and uctr compiles for the machine it runs on. */
	if (scname_arch_native() == AUDIT_ARCH_X86_64) {
		RUN(test_default_filter_answers_as_the_table_says);
		RUN(test_broken_profiles_fail_the_table);
		RUN(test_a_filter_with_one_wrong_instruction_fails_the_table);
	}
	return tap_end();
}
