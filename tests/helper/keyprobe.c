/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the session keyring, over a container's border.
 *
 * usage: keyprobe hold NAME SECRET COMMAND [ARG...]   a session keyring with that key; KEY_ID is set
 *        keyprobe find NAME ID                        looks in every way; prints what it reads
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int hold(char **argv)
{
	char id[32];
	long key;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		goto fail;
	key = syscall(
		SYS_add_key, "user", argv[0], argv[1], strlen(argv[1]), KEY_SPEC_SESSION_KEYRING);
	if (key < 0)
		goto fail;
	snprintf(id, sizeof(id), "%ld", key);
	setenv("KEY_ID", id, 1);
	execvp(argv[2], argv + 2);
fail:
	perror("keyprobe");
	return 2;
}

static void show(const char *how, long key)
{
	char secret[256];
	long n = key < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof(secret) - 1);

	if (n < 0) {
		printf("%s: %s\n", how, strerrorname_np(errno));
		return;
	}
	secret[n < (long)sizeof(secret) ? n : (long)sizeof(secret) - 1] = '\0';
	printf("%s: read %s\n", how, secret);
}

int main(int argc, char **argv)
{
	static const long rings[] = { KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING,
		KEY_SPEC_USER_SESSION_KEYRING, KEY_SPEC_PROCESS_KEYRING };

	if (argc > 4 && !strcmp(argv[1], "hold"))
		return hold(argv + 2);
	if (argc != 4 || strcmp(argv[1], "find"))
		return 2;
	show("by id", strtol(argv[3], NULL, 10));
	show("by request", syscall(SYS_request_key, "user", argv[2], NULL, 0));
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		show("by search", syscall(SYS_keyctl, KEYCTL_SEARCH, rings[i], "user", argv[2], 0));
	return 0;
}
