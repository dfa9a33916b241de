/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the default seccomp profile while uctr is built, so that no start has to. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/seccomp_profile_emulate.h"
#include "runtime/seccomp_profile_json.h"

#define PROFILE "contrib/seccomp/default.json"
#define CAP(n) (UINT64_C(1) << (n))

/* The capability sets that are common, by their capability(7) numbers. */
static const struct {
	uint64_t caps;
	bool nesting;
} sets[] = {
	{ UINT64_C(0x800405fb), false }, /* default */
	{ UINT64_C(0x800405fb), true }, /* default, nesting */
	{ 0, false }, /* --cap-drop=all */
	{ UINT64_C(0x1ffffffffff), false }, /* --cap-add=all */
	{ UINT64_C(0x1ffffffffff), true }, /* --cap-add=all, nesting */
	{ UINT64_C(0x800405fb) | CAP(19), false }, /* default, SYS_PTRACE */
	{ UINT64_C(0x800405fb) | CAP(21), false }, /* default, SYS_ADMIN */
	{ UINT64_C(0x800405fb) | CAP(12), false }, /* default, NET_ADMIN */
	{ UINT64_C(0x800405fb) | CAP(13), false }, /* default, NET_RAW */
	{ UINT64_C(0x800405fb) | CAP(12) | CAP(13), false },
	{ UINT64_C(0xa80425fb), false }, /* docker's default */
};

static bool seen_before(size_t i, uint64_t mask)
{
	for (size_t j = 0; j < i; j++) {
		if ((sets[j].caps & mask) == (sets[i].caps & mask) &&
			sets[j].nesting == sets[i].nesting)
			return true;
	}
	return false;
}

static void print_insns(const struct seccomp_prog *p)
{
	for (unsigned int k = 0; k < p->len; k++)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", p->insns[k].code, p->insns[k].jt,
			p->insns[k].jf, p->insns[k].k);
	printf("};\n");
}

static void print_prog(size_t i, const struct seccomp_prog *p)
{
	printf("static const struct sock_filter prog_%zu[] = {\n", i);
	print_insns(p);
}

/* The filters of root emulation depend on no profile. */
static int print_emulate(struct err *e)
{
	static const struct {
		const char *name;
		int (*build)(struct seccomp_prog *ret, struct err *e);
	} list[] = { { "emulate", seccomp_emulate_build },
		{ "supervisor", seccomp_supervisor_build } };

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		_cleanup_(seccomp_prog_free)
		struct seccomp_prog p = { 0 };
		int r = list[i].build(&p, e);

		if (r < 0)
			return r;
		printf("const struct sock_filter seccomp_%s_prog[] = {\n", list[i].name);
		print_insns(&p);
		printf("const unsigned short seccomp_%s_len = %u;\n", list[i].name, p.len);
	}
	return 0;
}

/* As numbers: a string literal may not be as long as the profile is. */
static void print_text(const char *text, size_t len)
{
	printf("const char seccomp_builtin_text[] = {");
	for (size_t i = 0; i < len; i++)
		printf("%s%d,", i % 20 ? "" : "\n\t", text[i]);
	printf("\n};\nconst size_t seccomp_builtin_text_len = %zu;\n", len);
}

static int generate(const char *path, const char *text, size_t len, struct err *e)
{
	uint64_t mask;
	int r = seccomp_json_caps(text, len, path, &mask, e);

	if (r < 0)
		return r;
	printf("/* Generated from %s. */\n#include \"runtime/seccomp_builtin.h\"\n", path);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		/* Kernel 0.0: the profile must not depend on the kernel of the building machine. */
		struct seccomp_env env = { .caps = sets[i].caps & mask,
			.nesting = sets[i].nesting };
		_cleanup_(seccomp_prog_free)
		struct seccomp_prog p = { 0 };

		if (seen_before(i, mask))
			continue;
		r = seccomp_json_compile(text, len, path, &env, &p, e);
		if (r < 0)
			return r;
		print_prog(i, &p);
	}
	printf("const struct seccomp_builtin seccomp_builtins[] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		if (!seen_before(i, mask))
			printf("\t{ 0x%llx, %d, sizeof(prog_%zu) / sizeof(prog_%zu[0]), prog_%zu "
			       "},\n",
				(unsigned long long)(sets[i].caps & mask), sets[i].nesting, i, i,
				i);
	}
	printf("};\nconst size_t seccomp_builtins_len =\n"
	       "\tsizeof(seccomp_builtins) / sizeof(seccomp_builtins[0]);\n"
	       "const uint64_t seccomp_builtin_caps = 0x%llx;\n",
		(unsigned long long)mask);
	print_text(text, len);
	return print_emulate(e);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : PROFILE;
	_cleanup_free_ char *text = NULL;
	struct err e = ERR_INIT;
	size_t len;
	int r = file_read(AT_FDCWD, path, 1 << 20, &text, &len);

	if (r < 0)
		err_set(&e, r, "read %s", path);
	else
		r = generate(path, text, len, &e);
	if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = err_msg(&e, -EIO, "cannot write the output");
	if (r < 0) {
		fprintf(stderr, "mkseccomp: %s\n", e.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
