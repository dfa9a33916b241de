/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes config.json: whatever it says, it is one line of error or a spec that holds together. */

/*
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined. With -DFUZZ_STANDALONE the program
 * replays the files it is given.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "runtime/seccomp_profile_json.h"
#include "runtime/spec_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_spec: %s\n", what);
	abort();
}

/* Instead of the one with built-in filters and a cache, which need a build and a disk. */
int seccomp_profile_compile(const char *text, size_t len, const char *what, uint64_t caps,
	int cache_dirfd, struct seccomp_prog *ret, struct err *e)
{
	struct seccomp_env env = { .caps = caps, .kernel_major = 6 };

	(void)cache_dirfd;
	return seccomp_json_compile(text, len, what, &env, ret, e);
}

static bool is_clean(const char *path)
{
	size_t n = strlen(path);

	return *path == '/' && path[1] && path[n - 1] != '/' && !strstr(path, "//") &&
	       !strstr(path, "/./") && !strstr(path, "/../") && !str_endswith(path, "/.") &&
	       !str_endswith(path, "/..");
}

static void check_mounts(const struct spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];

		must(m->dest && is_clean(m->dest), "mount destination");
		must(m->kind == MOUNT_BIND ? m->source && *m->source == '/' : m->type && *m->type,
			"mount source or type");
		must(strv_len(m->data) % 2 == 0, "pairs of mount data");
		must(!m->idmapped, "refused mount option");
	}
}

static void check_spec(const struct spec *s)
{
	const struct spec_ns *user = spec_find_ns(s, CLONE_NEWUSER);

	must(s->root_path && *s->root_path == '/', "root");
	must(s->process.args && s->process.args[0], "args");
	must(s->process.cwd && s->process.cwd[0] == '/', "cwd");
	must(s->process.has_caps, "capabilities");
	must(!(s->process.caps.effective & ~s->process.caps.permitted), "effective set");
	must(!(s->process.caps.ambient & ~s->process.caps.inheritable), "ambient set");
	must(spec_find_ns(s, CLONE_NEWNS) && !spec_find_ns(s, CLONE_NEWNS)->path,
		"mount namespace");
	must(!user || !user->path, "user namespace by path");
	must(!!user == (s->map.n_uid > 0) && !!user == (s->map.n_gid > 0), "maps");
	must(s->map.n_uid <= IDMAP_LINES && s->map.n_gid <= IDMAP_LINES, "map lines");
	for (size_t i = 0; i < s->process.n_rlimits; i++)
		must(s->process.rlimits[i].soft <= s->process.rlimits[i].hard, "limits");
	strv_foreach (kv, s->sysctl)
		must(strchr(kv, '=') && !strchr(kv, '\n'), "sysctl");
	check_mounts(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = calloc(1, size + 1);
	_cleanup_json_ json_t *config = NULL;
	static const struct spec zero;
	struct spec s;
	struct err e = ERR_INIT;
	int r;

	must(text, "memory");
	memcpy(text, data, size);
	r = spec_json_parse(text, size, "config.json", &config, &e);
	if (r == 0) {
		r = spec_from_json(config, "/bundle", -1, &s, &e);
		must(r <= 0, "positive result");
		must(r == 0 || memcmp(&s, &zero, sizeof(s)) == 0, "something left after an error");
	}
	must(r == 0 || (e.msg[0] && !strchr(e.msg, '\n')), "failure without one line");
	if (r < 0)
		return 0;
	check_spec(&s);
	spec_free(&s);
	return 0;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		if (file_read(AT_FDCWD, argv[i], 1 << 20, &text, &len) < 0) {
			fprintf(stderr, "fuzz_spec: cannot read %s\n", argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)text, len);
	}
	printf("fuzz_spec: %d inputs\n", argc - 1);
	return argc < 2;
}
#endif
