/* SPDX-License-Identifier: Apache-2.0 */
/* File systems by name, and what is tried on those of a server. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sys/fsinfo.h"
#include "sys/inroot.h"
#include "tap.h"

static int top = -1;

static void test_magic(void)
{
	static const struct {
		unsigned long magic;
		const char *name;
		bool remote, trouble;
	} rows[] = { { 0xef53, "ext4", false, false }, { 0x6969, "nfs", true, true },
		{ 0xff534d42, "cifs", true, true }, { 0xfe534d42, "smb2", true, true },
		{ 0x01021997, "9p", true, true }, { 0x00c36400, "ceph", true, true },
		{ 0x5346414f, "afs", true, true }, { 0x0bd00bd0, "lustre", true, true },
		{ 0x47504653, "gpfs", true, true }, { 0x794c7630, "overlay", false, true },
		{ 0x65735546, "fuse", false, true }, { 0, "other", false, false },
		{ 12345, "other", false, false } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fs_info f;

		fsinfo_by_magic(rows[i].magic, &f);
		CHECK_STR(f.name, rows[i].name);
		CHECK_INT(f.remote, rows[i].remote);
		CHECK_INT(f.trouble != NULL, rows[i].trouble);
	}
}

static void test_name(void)
{
	struct fs_info f;

	fsinfo_by_name("fuse.sshfs", &f);
	CHECK(f.remote && f.trouble);
	CHECK_STR(f.name, "fuse.sshfs");
	fsinfo_by_name("fuse.gocryptfs", &f);
	CHECK(!f.remote && f.trouble);
	CHECK_STR(f.name, "fuse.gocryptfs");
	fsinfo_by_name("minix", &f);
	CHECK(!f.remote && !f.trouble);
}

static void test_get(void)
{
	_cleanup_fd_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fs_info f;

	fsinfo_get(proc, &f);
	CHECK_STR(f.name, "other");
	fsinfo_get(top, &f);
	CHECK(!f.remote);
}

/* As somebody who may give nothing away, as on a server that knows no subordinate ids. */
static void test_try(void)
{
	const char *what = "";

	CHECK_INT(fsinfo_try(top, true, &what), geteuid() ? -EPERM : 0);
	if (geteuid())
		CHECK_STR(what, "a file cannot belong to a subordinate id");
	CHECK_INT(fsinfo_try(top, false, &what), 0);
	CHECK(faccessat(top, ".uctr-try", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
}

/* More directories are missing than links may be followed. */
static void test_make_deep(void)
{
	_cleanup_str_ struct str path = { 0 };
	_cleanup_fd_ int fd = -1;

	for (int i = 0; i < 300; i++)
		CHECK_INT(str_addf(&path, "/d%d", i), 0);
	fd = inroot_mkdir(top, path.s);
	CHECK(fd >= 0);
	CHECK_INT(symlinkat("b", top, "a"), 0);
	CHECK_INT(symlinkat("a/x", top, "b"), 0);
	CHECK_INT(inroot_mkdir(top, "/a/c"), -ELOOP);
	CHECK_INT(symlinkat("/made/here", top, "dangling"), 0);
	fd_closep(&fd);
	fd = inroot_touch(top, "/dangling/file");
	CHECK(fd >= 0 && faccessat(top, "made/here/file", F_OK, 0) == 0);
}

int main(void)
{
	char dir[] = "/var/tmp/uctr-test-XXXXXX";
	int code;

	if (!mkdtemp(dir))
		return 1;
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RUN(test_magic);
	RUN(test_name);
	RUN(test_get);
	RUN(test_try);
	RUN(test_make_deep);
	close(top);
	code = tap_end();
	return dir_remove(AT_FDCWD, dir) < 0 ? 1 : code;
}
