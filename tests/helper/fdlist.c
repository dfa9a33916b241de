/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what a process was given: one line "NUMBER TARGET" for each open descriptor, then "cwd
 * PATH" by getcwd(2), which says "(unreachable)" for a directory outside the root.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	DIR *d = opendir("/proc/self/fd");
	char buf[4096];
	struct dirent *de;

	while (d && (de = readdir(d))) {
		ssize_t n;

		if (de->d_name[0] == '.' || strtol(de->d_name, NULL, 10) == dirfd(d))
			continue;
		n = readlinkat(dirfd(d), de->d_name, buf, sizeof(buf) - 1);
		buf[n > 0 ? n : 0] = '\0';
		printf("%s %s\n", de->d_name, buf);
	}
	if (!d)
		return 1;
	printf("cwd %s\n", getcwd(buf, sizeof(buf)) ? buf : "none");
	return 0;
}
