/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rights a program has: prints "uid U euid E eff MASK". As "suidprobe grant FILE" it gives FILE
 * the file capability CAP_SYS_CHROOT, effective, which the default set of a container has.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int grant(const char *file)
{
	struct vfs_cap_data d = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE };

	d.data[0].permitted = 1U << CAP_SYS_CHROOT;
	if (setxattr(file, "security.capability", &d, sizeof(d), 0) == 0)
		return 0;
	perror("suidprobe: security.capability");
	return 1;
}

int main(int argc, char **argv)
{
	char line[256];
	FILE *f;

	if (argc == 3 && !strcmp(argv[1], "grant"))
		return grant(argv[2]);
	f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "CapEff:", 7) == 0) {
			printf("uid %u euid %u eff %s", getuid(), geteuid(), line + 8);
			return 0;
		}
	}
	return 1;
}
