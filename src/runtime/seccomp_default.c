/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the filter of a container: built in, cached, or compiled now. */
#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/str.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_cache.h"
#include "runtime/seccomp_profile.h"
#include "runtime/seccomp_profile_json.h"

/* Raise it when the same profile compiles to another program. */
#define GENERATOR_VERSION 1

/* Everything that the program depends on. */
static int make_key(struct str *key, const char *text, size_t len, const struct seccomp_env *env)
{
	const struct scmp_version *v = seccomp_version();
	int r = str_addf(key,
		"generator %d libseccomp %u.%u.%u arch %x caps %" PRIx64
		" nesting %d kernel %u.%u\n",
		GENERATOR_VERSION, v->major, v->minor, v->micro, seccomp_arch_native(), env->caps,
		env->nesting, env->kernel_major, env->kernel_minor);

	return r < 0 ? r : str_add(key, text, len);
}

static int compile_cached(const char *text, size_t len, const char *what,
	const struct seccomp_env *env, int cache_dirfd, struct seccomp_prog *ret, struct err *e)
{
	_cleanup_str_ struct str key = { 0 };
	int r;

	if (cache_dirfd < 0)
		return seccomp_json_compile(text, len, what, env, ret, e);
	r = make_key(&key, text, len, env);
	if (r >= 0)
		r = seccomp_cache_load(cache_dirfd, key.s, key.len, ret);
	if (r < 0)
		return err_set(e, r, "%s", what);
	if (r > 0)
		return 0;
	r = seccomp_json_compile(text, len, what, env, ret, e);
	if (r < 0)
		return r;
	/*
	 * A full disk or a read-only home costs the next start some time and nothing else, so the
	 * failure is not worth refusing this one.
	 */
	(void)seccomp_cache_store(cache_dirfd, key.s, key.len, ret);
	return 0;
}

int seccomp_profile_default(
	uint64_t caps, bool nesting, int cache_dirfd, struct seccomp_prog *ret, struct err *e)
{
	/* The profile looks at no kernel version, so the key need not name one. */
	struct seccomp_env env = { .caps = caps & seccomp_builtin_caps, .nesting = nesting };

	for (size_t i = 0; i < seccomp_builtins_len; i++) {
		const struct seccomp_builtin *b = &seccomp_builtins[i];

		if (b->caps == env.caps && b->nesting == nesting) {
			*ret = (struct seccomp_prog){ b->insns, b->len, false };
			return 0;
		}
	}
	return compile_cached(seccomp_builtin_text, seccomp_builtin_text_len,
		"default seccomp profile", &env, cache_dirfd, ret, e);
}

int seccomp_profile_compile(const char *text, size_t len, const char *what, uint64_t caps,
	int cache_dirfd, struct seccomp_prog *ret, struct err *e)
{
	struct seccomp_env env = { .caps = caps };

	seccomp_env_kernel(&env);
	return compile_cached(text, len, what, &env, cache_dirfd, ret, e);
}
