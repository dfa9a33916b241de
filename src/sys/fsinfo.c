/* SPDX-License-Identifier: Apache-2.0 */
/* File systems by name. */
#include "sys/fsinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

#define FUSE 0x65735546UL
#define IDS "its server does not know subordinate ids"
#define KEEPS "it may not keep owners and extended attributes"

/* linux/magic.h has some; the others are in statfs(2) or in the file systems' own sources. */
static const struct known {
	unsigned long magic; /* 0: of a FUSE file system, which only has a name */
	const char *name, *trouble;
	bool remote;
} known[] = {
	{ 0xef53, "ext4", NULL, false },
	{ 0x58465342, "xfs", NULL, false },
	{ 0x9123683e, "btrfs", NULL, false },
	{ 0x01021994, "tmpfs", "images and containers are gone after a reboot", false },
	{ 0xf2f52010, "f2fs", NULL, false },
	{ 0x2fc12fc1, "zfs", NULL, false },
	{ 0xca451a4e, "bcachefs", NULL, false },
	{ 0x794c7630, "overlay", "overlay cannot lie on overlay", false },
	{ 0x4d44, "vfat", KEEPS, false },
	{ 0x2011bab0, "exfat", KEEPS, false },
	{ 0x6969, "nfs", IDS, true },
	{ 0xff534d42, "cifs", IDS, true },
	{ 0xfe534d42, "smb2", IDS, true },
	{ 0x517b, "smb", IDS, true },
	{ 0x564c, "ncp", IDS, true },
	{ 0x5346414f, "afs", IDS, true },
	{ 0x6b414653, "kafs", IDS, true },
	{ 0x73757245, "coda", IDS, true },
	{ 0x00c36400, "ceph", IDS, true },
	{ 0x0bd00bd0, "lustre", IDS, true },
	{ 0x47504653, "gpfs", IDS, true },
	{ 0x19830326, "beegfs", IDS, true },
	{ 0x20030528, "orangefs", IDS, true },
	{ 0xaad7aaea, "panfs", IDS, true },
	{ 0xbeefdead, "snfs", IDS, true },
	{ 0x01021997, "9p", KEEPS, true },
	{ 0x786f4256, "vboxsf", KEEPS, true },
	{ 0xbacbacbc, "vmhgfs", KEEPS, true },
	{ 0x7c7c6673, "prl_fs", KEEPS, true },
	{ FUSE, "fuse", KEEPS, false },
	{ 0, "fuse.sshfs", IDS, true },
	{ 0, "fuse.glusterfs", IDS, true },
	{ 0, "fuse.ceph", IDS, true },
	{ 0, "fuse.s3fs", KEEPS, true },
	{ 0, "fuse.rclone", KEEPS, true },
	{ 0, "fuse.gcsfuse", KEEPS, true },
	{ 0, "fuse.juicefs", IDS, true },
	{ 0, "fuse.mfs", IDS, true },
	{ 0, "fuse.davfs", KEEPS, true },
	{ 0, "fuse.vmhgfs-fuse", KEEPS, true },
	{ 0, "virtiofs", IDS, true },
};

static void fill(const struct known *k, const char *name, struct fs_info *ret)
{
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->trouble = k ? k->trouble : NULL;
	ret->remote = k && k->remote;
}

void fsinfo_by_magic(unsigned long magic, struct fs_info *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].magic && known[i].magic == magic) {
			fill(&known[i], known[i].name, ret);
			return;
		}
	}
	fill(NULL, "other", ret);
}

void fsinfo_by_name(const char *type, struct fs_info *ret)
{
	const struct known *any = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].magic == FUSE)
			any = &known[i];
		if (streq(known[i].name, type)) {
			fill(&known[i], type, ret);
			return;
		}
	}
	fill(str_startswith(type, "fuse") ? any : NULL, type, ret);
}

/* The type of the mount with this device number: "... MAJ:MIN ... - TYPE ..." (proc(5)). */
static bool mount_type(dev_t dev, char *buf, size_t size)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;
	char want[32];

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &text, NULL) < 0)
		return false;
	snprintf(want, sizeof(want), " %u:%u ", major(dev), minor(dev));
	lines = strv_split(text, '\n');
	strv_foreach (line, lines) {
		const char *at = strstr(line, want), *type = at ? strstr(at, " - ") : NULL;

		if (!type)
			continue;
		type += strlen(" - ");
		snprintf(buf, size, "%.*s", (int)strcspn(type, " "), type);
		return true;
	}
	return false;
}

void fsinfo_get(int fd, struct fs_info *ret)
{
	struct statfs fs = { 0 };
	struct stat st;
	char type[32];

	fsinfo_by_magic(fstatfs(fd, &fs) < 0 ? 0 : (unsigned long)fs.f_type & 0xffffffffUL, ret);
	if ((unsigned long)fs.f_type == FUSE && fstat(fd, &st) == 0 &&
		mount_type(st.st_dev, type, sizeof(type)))
		fsinfo_by_name(type, ret);
}

int fsinfo_try(int dir, bool owners, const char **ret_what)
{
	static const char name[] = ".uctr-try";
	_cleanup_fd_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = 0;

	*ret_what = "a file cannot be made";
	if (fd < 0)
		return -errno;
	if (owners) {
		*ret_what = "a file cannot belong to a subordinate id";
		r = fchown(fd, 1, 1) < 0 ? -errno : 0;
	}
	if (r == 0) {
		*ret_what = "a file cannot have user attributes";
		r = fsetxattr(fd, "user.uctr.try", "y", 1, 0) < 0 ? -errno : 0;
	}
	if (unlinkat(dir, name, 0) < 0 && r == 0) {
		*ret_what = "a file cannot be removed";
		r = -errno;
	}
	return r;
}

bool fsinfo_shares(int file, int dir)
{
	_cleanup_fd_ int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 && ioctl(fd, FICLONE, file) == 0;
}
