/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls by the door of 32-bit programs, in a 64-bit one: getpid and socketcall(AF_VSOCK).
 * Prints "getpid RESULT" and "socketcall RESULT": "ok" or the error's name; a filter may also kill.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifdef __x86_64__
static long int80(long number, long a, long b)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static void show(const char *name, long r)
{
	printf("%s %s\n", name, r >= 0 ? "ok" : strerrorname_np((int)-r));
	fflush(stdout);
}

int main(void)
{
	/* Arguments below 4 GiB, where a 32-bit pointer reaches. */
	unsigned int *args = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (args == MAP_FAILED)
		return 1;
	args[0] = AF_VSOCK;
	args[1] = SOCK_STREAM;
	args[2] = 0;
	show("getpid", int80(20, 0, 0));
	show("socketcall", int80(102, 1, (long)args));
	return 0;
}
#else
int main(void)
{
	printf("none\n");
	return 0;
}
#endif
