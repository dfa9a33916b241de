/* SPDX-License-Identifier: Apache-2.0 */
/* Custom seccomp profiles: docker's and OCI's format, what is refused, and the cache. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/seccomp_cache.h"
#include "runtime/seccomp_profile.h"
#include "runtime/seccomp_profile_json.h"
#include "runtime/seccomp_profile_names.h"
#include "seccomp_sim.h"
#include "tap.h"

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define CAP(n) (UINT64_C(1) << (n))

#define SYS(names, action) "{\"names\":[" names "],\"action\":\"SCMP_ACT_" action "\"}"
#define ARG(i, v, two, op)                                                                         \
	"{\"index\":" #i ",\"value\":" #v ",\"valueTwo\":" #two ",\"op\":\"SCMP_CMP_" #op "\"}"
#define WHEN(name, action, args)                                                                   \
	"{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_" action "\",\"args\":[" args "]}"
#define DENY_ALL(rules) "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" rules "]}"
#define ALLOW_ALL(rules) "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[" rules "]}"

static struct seccomp_prog prog;

static void compile(const char *text, uint64_t caps)
{
	struct err e = ERR_INIT;

	seccomp_prog_free(&prog);
	CHECK_INT(seccomp_profile_compile(text, strlen(text), "p.json", caps, -1, &prog, &e), 0);
	CHECK_STR(e.msg, "");
}

static uint64_t ask_arch(uint32_t arch, uint32_t nr, uint64_t a, uint64_t b)
{
	struct seccomp_data d = { .nr = (int)nr, .arch = arch, .args = { a, b } };

	return prog.insns ? sim_run(prog.insns, prog.len, &d, NULL) : SIM_BAD;
}

static uint64_t ask(const char *name, uint64_t a, uint64_t b)
{
	uint32_t nr = 0;

	CHECK_INT(scname_call(scname_arch_native(), name, &nr), 1);
	return ask_arch(scname_arch_native(), nr, a, b);
}

static void test_oci_format(void)
{
	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\","
		"\"SCMP_ARCH_AARCH64\",\"SCMP_ARCH_S390X\"],\"flags\":[],\"syscalls\":["
		"{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":28},"
		"{\"names\":[\"chdir\"],\"action\":\"SCMP_ACT_ERRNO\"},"
		"{\"names\":[\"fchdir\"],\"action\":\"SCMP_ACT_KILL\"},"
		"{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7},"
		"{\"names\":[\"umask\"],\"action\":\"SCMP_ACT_LOG\"},"
		"{\"names\":[\"setsid\"],\"action\":\"SCMP_ACT_TRAP\"},"
		"{\"names\":[\"syncfs\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}",
		0);
	CHECK_INT(ask("read", 0, 0), ALLOW);
	CHECK_INT(ask("mkdirat", 0, 0), ERRNO(ENOSPC));
	CHECK_INT(ask("chdir", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("fchdir", 0, 0), SECCOMP_RET_KILL_THREAD);
	CHECK_INT(ask("sync", 0, 0), SECCOMP_RET_TRACE | 7);
	CHECK_INT(ask("umask", 0, 0), SECCOMP_RET_LOG);
	CHECK_INT(ask("setsid", 0, 0), SECCOMP_RET_TRAP);
	CHECK_INT(ask("syncfs", 0, 0), SECCOMP_RET_KILL_PROCESS);
	/* Not listed, so without the calls of other machines. */
	CHECK_INT(ask_arch(AUDIT_ARCH_I386, 1, 0, 0), ERRNO(ENOSYS));
}

static void test_operators_compare_all_64_bits(void)
{
	static const uint64_t probes[] = { 0, 1, 4, 5, 6, 0xffffffff, 0x100000000, 0x100000005,
		0x200000004, 0x200000005, 0x200000006, UINT64_MAX };
	static const char *const ops[] = { "EQ", "NE", "LT", "LE", "GT", "GE" };
	static const struct {
		uint64_t v;
		const char *text;
	} values[] = { { 5, "5" }, { 0, "0" }, { 0x200000005, "8589934597" },
		{ 0x100000000, "4294967296" }, { INT64_MAX, "9223372036854775807" } };

	for (size_t i = 0; i < ARRAY_SIZE(ops) * ARRAY_SIZE(values); i++) {
		size_t op = i % ARRAY_SIZE(ops);
		uint64_t v = values[i / ARRAY_SIZE(ops)].v;
		_cleanup_free_ char *text =
			str_printf(DENY_ALL("{\"names\":[\"read\"],\"action\":"
					    "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":%"
					    "s,\"op\":\"SCMP_CMP_%s\"}]}"),
				values[i / ARRAY_SIZE(ops)].text, ops[op]);

		compile(text, 0);
		for (size_t k = 0; k < ARRAY_SIZE(probes); k++) {
			uint64_t x = probes[k];
			bool want[] = { x == v, x != v, x<v, x <= v, x> v, x >= v };

			CHECK_INT(ask("read", ~x, x), want[op] ? ALLOW : ERRNO(EPERM));
		}
	}
}

static void test_masked_equality(void)
{
	compile(DENY_ALL(WHEN("read", "ALLOW", ARG(0, 4294967295, 38, MASKED_EQ)) "," WHEN("write",
			"ALLOW", ARG(0, 8589934593, 8589934593, MASKED_EQ)) "," WHEN("close",
			"ALLOW", ARG(0, 0, 0, MASKED_EQ))),
		0);
	CHECK_INT(ask("read", 38, 0), ALLOW);
	CHECK_INT(ask("read", UINT64_C(0xdead00000026), 0), ALLOW);
	CHECK_INT(ask("read", 39, 0), ERRNO(EPERM));
	CHECK_INT(ask("write", UINT64_C(0x200000001), 0), ALLOW);
	CHECK_INT(ask("write", UINT64_C(0xf0000000f), 0), ALLOW);
	CHECK_INT(ask("write", 1, 0), ERRNO(EPERM));
	CHECK_INT(ask("write", UINT64_C(0x200000000), 0), ERRNO(EPERM));
	CHECK_INT(ask("close", 7, 0), ALLOW);
}

static void test_and_or_and_order(void)
{
	/* Two arguments: and. One argument twice: or. First match, then the unconditional rule. */
	compile(DENY_ALL(WHEN("read", "ALLOW", ARG(0, 1, 0, EQ) "," ARG(1, 2, 0, EQ)) "," WHEN(
			"write", "ALLOW",
			ARG(0, 1, 0, EQ) "," ARG(0, 2, 0, EQ)) "," SYS("\"close\"",
			"LOG") "," WHEN("close", "KILL", ARG(0, 9, 0, EQ)) "," WHEN("close",
			"ALLOW", ARG(0, 8, 0, GE)) "," SYS("\"close\"", "KILL")),
		0);
	CHECK_INT(ask("read", 1, 2), ALLOW);
	CHECK_INT(ask("read", 1, 1), ERRNO(EPERM));
	CHECK_INT(ask("read", 2, 2), ERRNO(EPERM));
	CHECK_INT(ask("write", 1, 0), ALLOW);
	CHECK_INT(ask("write", 2, 0), ALLOW);
	CHECK_INT(ask("write", 3, 0), ERRNO(EPERM));
	CHECK_INT(ask("close", 9, 0), SECCOMP_RET_KILL_THREAD);
	CHECK_INT(ask("close", 8, 0), ALLOW);
	CHECK_INT(ask("close", 7, 0), SECCOMP_RET_LOG);
}

static void test_docker_includes_and_excludes(void)
{
	static const char text[] =
		DENY_ALL("{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"caps\":[\"CAP_SYS_ADMIN\"]}},"
			 "{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_CHROOT\"]}},"
			 "{\"names\":[\"umount2\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{"
			 "\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_NET_RAW\"]}},"
			 "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"minKernel\":\"4.8\"}},"
			 "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"minKernel\":\"999.1\"}},"
			 "{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{"
			 "\"minKernel\":\"4.8\"}},"
			 "{\"names\":[\"fsync\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"arches\":[\"amd64\",\"arm64\",\"riscv64\"]}},"
			 "{\"names\":[\"sync\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{"
			 "\"arches\":[\"s390x\"]}},"
			 "{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{"
			 "\"arches\":[\"amd64\",\"arm64\",\"riscv64\"]}},"
			 "{\"names\":[\"dup3\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{},"
			 "\"excludes\":{},\"args\":null,\"comment\":\"\"},"
			 "{\"name\":\"umask\",\"action\":\"SCMP_ACT_ALLOW\"}");

	compile(text, CAP(21));
	CHECK_INT(ask("mount", 0, 0), ALLOW);
	CHECK_INT(ask("chroot", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("umount2", 0, 0), ERRNO(EPERM));
	compile(text, CAP(21) | CAP(18));
	CHECK_INT(ask("chroot", 0, 0), ALLOW);
	compile(text, CAP(13));
	CHECK_INT(ask("umount2", 0, 0), ERRNO(EPERM));
	compile(text, 0);
	CHECK_INT(ask("mount", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("umount2", 0, 0), ALLOW);
	CHECK_INT(ask("read", 0, 0), ALLOW);
	CHECK_INT(ask("write", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("close", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("fsync", 0, 0), ALLOW);
	CHECK_INT(ask("sync", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("dup", 0, 0), ERRNO(EPERM));
	CHECK_INT(ask("dup3", 0, 0), ALLOW);
	CHECK_INT(ask("umask", 0, 0), ALLOW);
}

static void test_arch_map_opens_foreign_calls(void)
{
	if (scname_arch_native() != AUDIT_ARCH_X86_64)
		return;
	compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":2,\"archMap\":["
		"{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},"
		"{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\","
		"\"SCMP_ARCH_X32\"]}],\"syscalls\":[" SYS(
			"\"getpid\",\"cachestat\",\"socketcall\"", "ALLOW") "]}",
		0);
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 39, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 20, 0, 0), ERRNO(ENOENT));
	CHECK_INT(ask_arch(AUDIT_ARCH_I386, 20, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_I386, 102, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_I386, 39, 0, 0), ERRNO(ENOENT));
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 0x40000000 + 39, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 0x40000000 + 40, 0, 0), ERRNO(ENOENT));
	/* Newer than the library's tables, on all three. */
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 451, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_X86_64, 0x40000000 + 451, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_I386, 451, 0, 0), ALLOW);
	CHECK_INT(ask_arch(AUDIT_ARCH_AARCH64, 451, 0, 0), ERRNO(ENOSYS));
}

static void test_long_profiles(void)
{
	_cleanup_str_ struct str text = { 0 };
	struct seccomp_prog p = { 0 };
	struct err e = ERR_INIT;

	/* A chain of tests longer than a conditional jump of BPF reaches. */
	str_addf(&text, "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[");
	for (int i = 0; i < 700; i++)
		str_addf(&text,
			WHEN("read", "ALLOW",
				"{\"index\":0,\"value\":%d,\"op\":"
				"\"SCMP_CMP_EQ\"}") ",",
			i * 3);
	str_addf(&text, SYS("\"write\"", "ALLOW") "]}");
	compile(text.s, 0);
	CHECK(prog.len > 2000);
	for (uint64_t i = 0; i < 2200; i++)
		CHECK_INT(ask("read", i, 0),
			i % 3 == 0 && i < 2100 ? ALLOW : SECCOMP_RET_KILL_THREAD);
	CHECK_INT(ask("write", 0, 0), ALLOW);
	CHECK_INT(ask("close", 0, 0), SECCOMP_RET_KILL_THREAD);
	text.len -= 2;
	for (int i = 0; i < 700; i++)
		str_addf(&text,
			"," WHEN("readv", "ALLOW",
				"{\"index\":0,\"value\":%d,\"op\":"
				"\"SCMP_CMP_EQ\"}"),
			i);
	str_addf(&text, "]}");
	CHECK_INT(seccomp_profile_compile(text.s, text.len, "p.json", 0, -1, &p, &e), -E2BIG);
	CHECK(strstr(e.msg, "p.json: ") && strstr(e.msg, "4096"));
}

static void refuses(const char *text, const char *want)
{
	struct seccomp_prog p = { 0 };
	struct err e = ERR_INIT;

	CHECK(seccomp_profile_compile(text, strlen(text), "p.json", 0, -1, &p, &e) < 0);
	CHECK(!p.insns);
	CHECK_STR(e.msg, want);
}

static void test_what_cannot_be_honoured_is_refused_by_name(void)
{
	refuses("[]", "p.json: want a JSON object");
	refuses("{}", "p.json: 'defaultAction' is missing");
	refuses("{\"defaultAction\":7}", "p.json: defaultAction: want a string");
	refuses("{\"defaultAction\":\"SCMP_ACT_NOPE\\u001b\"}",
		"p.json: action 'SCMP_ACT_NOPE\\x1b' is unknown; use SCMP_ACT_ALLOW, ERRNO, LOG, "
		"TRAP, "
		"TRACE, KILL, KILL_THREAD or KILL_PROCESS");
	refuses(DENY_ALL(SYS("\"read\"", "NOTIFY")), "p.json: syscalls[0]: action SCMP_ACT_NOTIFY "
						     "is not supported: nobody would answer the "
						     "notifications; use SCMP_ACT_ERRNO");
	refuses(DENY_ALL(SYS("\"read\"", "ALLOW") "," WHEN("read", "ALLOW", ARG(0, 1, 0, LIKE))),
		"p.json: syscalls[1]: args[0]: operator 'SCMP_CMP_LIKE' is unknown; use "
		"SCMP_CMP_EQ, NE, "
		"LT, LE, GT, GE or MASKED_EQ");
	refuses(DENY_ALL(WHEN("read", "ALLOW", ARG(6, 1, 0, EQ))),
		"p.json: syscalls[0]: args[0]: index: want 0 to 5");
	refuses(DENY_ALL(WHEN("read", "ALLOW", ARG(0, -1, 0, EQ))),
		"p.json: syscalls[0]: args[0]: value: want a number that is not negative");
	refuses(DENY_ALL("{\"action\":\"SCMP_ACT_ALLOW\"}"),
		"p.json: syscalls[0]: 'names' is missing");
	refuses(DENY_ALL("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":4096}"),
		"p.json: syscalls[0]: errnoRet: want a number up to 4095");
	refuses(DENY_ALL("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":"
			 "{\"caps\":[\"CAP_SYS_ADMN\"]}}"),
		"p.json: syscalls[0]: includes: capability 'CAP_SYS_ADMN' is unknown");
	refuses(DENY_ALL("{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":"
			 "{\"minKernel\":\"new\"}}"),
		"p.json: syscalls[0]: excludes: minKernel: want a version such as 4.8");
	refuses("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run/x.sock\"}",
		"p.json: listenerPath is not supported: uctr passes no notifications; remove it");
	refuses("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}",
		"p.json: flag 'SECCOMP_FILTER_FLAG_LOG' is not supported; remove it");
	refuses("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_Z80\"]}",
		"p.json: architecture 'SCMP_ARCH_Z80' is unknown");
	refuses("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
		"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]}",
		"p.json: give either 'architectures' or 'archMap', not both");
}

static void test_unknown_names_never_open_anything(void)
{
	refuses(ALLOW_ALL(SYS("\"mkdri\"", "ERRNO")),
		"p.json: syscalls[0]: system call 'mkdri' is unknown here, so it cannot be denied; "
		"correct the name or remove it");
	/* Stricter or equal without them; calls of other machines are known. */
	compile(DENY_ALL(SYS("\"no_such_call\",\"read\"", "ALLOW")), 0);
	CHECK_INT(ask("read", 0, 0), ALLOW);
	compile(ALLOW_ALL(SYS("\"s390_runtime_instr\",\"read\"", "ERRNO")), 0);
	CHECK_INT(ask("read", 0, 0), ERRNO(EPERM));
}

/* --- cache --------------------------------------------------------------------------------- */

static unsigned int entries(const char *path, char name[256])
{
	DIR *d = opendir(path);
	struct dirent *de;
	unsigned int n = 0;

	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.' && (!de->d_name[1] || de->d_name[1] == '.'))
			continue;
		snprintf(name, 256, "%s", de->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static bool same(const struct seccomp_prog *a, const struct seccomp_prog *b)
{
	return a->len == b->len && memcmp(a->insns, b->insns, a->len * sizeof(*a->insns)) == 0;
}

static void compile_at(int dir, const char *text, uint64_t caps, struct seccomp_prog *ret)
{
	CHECK_INT(seccomp_profile_compile(text, strlen(text), "p.json", caps, dir, ret, NULL), 0);
}

/* Damages the entry: shortens it by `cut` bytes or flips a bit of byte `flip` (-1: none). */
static void plant(int dir, const char *name, size_t cut, int flip)
{
	_cleanup_free_ char *data = NULL;
	size_t len;

	CHECK_INT(file_read(dir, name, 1 << 20, &data, &len), 0);
	if (!data)
		return;
	if (flip >= 0)
		data[(size_t)flip % len] ^= 1;
	CHECK_INT(file_replace(dir, name, data, len - cut, 0600, false), 0);
}

static void test_cache_survives_any_damage(void)
{
	static const char text[] = DENY_ALL(SYS("\"read\"", "ALLOW"));
	struct seccomp_prog first = { 0 }, again = { 0 }, other = { 0 };
	char cache_path[] = "/tmp/uctr-seccomp.XXXXXX", name[256];
	_cleanup_free_ char *good = NULL;
	_cleanup_fd_ int dir = -1;
	size_t good_len = 0;

	CHECK(mkdtemp(cache_path) != NULL);
	dir = open(cache_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	compile_at(dir, text, 0, &first);
	CHECK_INT(entries(cache_path, name), 1);
	CHECK_INT(file_read(dir, name, 1 << 20, &good, &good_len), 0);
	compile_at(dir, text, 0, &again);
	CHECK(same(&first, &again));
	CHECK_INT(entries(cache_path, name), 1);
	seccomp_prog_free(&again);
	/* Every byte counts: a damaged or cut entry is not used, and it is written anew. */
	for (size_t i = 0; good && i < good_len; i++) {
		_cleanup_free_ char *now = NULL;
		size_t len = 0;

		plant(dir, name, 0, (int)i);
		compile_at(dir, text, 0, &again);
		CHECK(same(&first, &again));
		seccomp_prog_free(&again);
		CHECK_INT(file_read(dir, name, 1 << 20, &now, &len), 0);
		CHECK(len == good_len && now && memcmp(now, good, len) == 0);
	}
	plant(dir, name, 8, -1);
	compile_at(dir, text, 0, &again);
	CHECK(same(&first, &again));
	CHECK_INT(file_replace(dir, name, "", 0, 0600, false), 0);
	seccomp_prog_free(&again);
	compile_at(dir, text, 0, &again);
	CHECK(same(&first, &again));
	/* Other capabilities, other key. */
	compile_at(dir, text, 1, &other);
	CHECK_INT(entries(cache_path, name), 2);
	seccomp_prog_free(&first);
	seccomp_prog_free(&again);
	seccomp_prog_free(&other);
	CHECK_INT(dir_remove(AT_FDCWD, cache_path), 0);
}

/* A hit is used and not compiled again: here the entry holds another program. */
static void test_cache_hit_is_not_compiled_again(void)
{
	static const struct sock_filter one = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_LOG };
	static const char text[] = DENY_ALL(SYS("\"read\"", "ALLOW"));
	struct seccomp_prog p = { &one, 1, false }, got = { 0 };
	char path[] = "/tmp/uctr-seccomp.XXXXXX", name[256];
	_cleanup_free_ char *entry = NULL;
	_cleanup_fd_ int dir = -1;
	size_t header = 24, len = 0;

	CHECK(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	compile_at(dir, text, 0, &got);
	CHECK_INT(entries(path, name), 1);
	CHECK_INT(file_read(dir, name, 1 << 20, &entry, &len), 0);
	len -= header + got.len * sizeof(one);
	CHECK_INT(seccomp_cache_store(dir, entry + header, len, &p), 0);
	seccomp_prog_free(&got);
	compile_at(dir, text, 0, &got);
	CHECK(same(&p, &got));
	seccomp_prog_free(&got);
	CHECK_INT(dir_remove(AT_FDCWD, path), 0);
}

static void test_cache_entries_are_told_apart(void)
{
	static const struct sock_filter one = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_LOG };
	struct seccomp_prog p = { &one, 1, false }, got = { 0 };
	char path[] = "/tmp/uctr-seccomp.XXXXXX";
	_cleanup_fd_ int dir = -1;

	CHECK(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(seccomp_cache_load(dir, "key", 3, &got), 0);
	CHECK_INT(seccomp_cache_store(dir, "key", 3, &p), 0);
	CHECK_INT(seccomp_cache_load(dir, "kex", 3, &got), 0);
	CHECK_INT(seccomp_cache_load(dir, "key", 3, &got), 1);
	CHECK(same(&p, &got));
	seccomp_prog_free(&got);
	CHECK_INT(dir_remove(AT_FDCWD, path), 0);
	CHECK(seccomp_cache_store(dir, "key", 3, &p) < 0);
}

static void test_cache_is_bounded(void)
{
	static const struct sock_filter one = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_LOG };
	struct seccomp_prog p = { &one, 1, false }, got = { 0 };
	char path[] = "/tmp/uctr-seccomp.XXXXXX";
	_cleanup_fd_ int dir = -1;
	int kept = 0;

	CHECK(mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(file_replace(dir, "other", "", 0, 0600, false), 0);
	for (int key = 0; key < 200; key++)
		CHECK_INT(seccomp_cache_store(dir, &key, sizeof(key), &p), 0);
	for (int key = 0; key < 200; key++) {
		kept += seccomp_cache_load(dir, &key, sizeof(key), &got) == 1;
		seccomp_prog_free(&got);
		got = (struct seccomp_prog){ 0 };
	}
	CHECK(kept >= 1 && kept <= 64);
	CHECK(faccessat(dir, "other", F_OK, 0) == 0);
	CHECK_INT(dir_remove(AT_FDCWD, path), 0);
}

int main(void)
{
	RUN(test_oci_format);
	RUN(test_operators_compare_all_64_bits);
	RUN(test_masked_equality);
	RUN(test_and_or_and_order);
	RUN(test_docker_includes_and_excludes);
	RUN(test_arch_map_opens_foreign_calls);
	RUN(test_long_profiles);
	RUN(test_what_cannot_be_honoured_is_refused_by_name);
	RUN(test_unknown_names_never_open_anything);
	RUN(test_cache_survives_any_damage);
	RUN(test_cache_hit_is_not_compiled_again);
	RUN(test_cache_entries_are_told_apart);
	RUN(test_cache_is_bounded);
	seccomp_prog_free(&prog);
	return tap_end();
}
