/* SPDX-License-Identifier: Apache-2.0 */
/* madvise(2) on everything that can be had again, then poll(2). */
#include "sys/shrink.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uctr/rawcall.h"

/* The kernel keeps a gap of 1 MB below a stack, so whatever is mapped in this range is the stack. */
#define STACK_REACH (512 << 10)
#define STACK_NEEDED 4096 /* by the calls below */

#define SEGMENTS_MAX 48
struct segments {
	struct {
		uintptr_t at, size;
	} s[SEGMENTS_MAX];
	size_t n;
};

static uintptr_t page_down(uintptr_t a)
{
	return a & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

/* Read-only segments are exactly what the file holds; writable ones are not ours to throw away. */
static int add_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct segments *all = ctx;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum && all->n < SEGMENTS_MAX; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = page_down(info->dlpi_addr + p->p_vaddr),
			  to = page_down(info->dlpi_addr + p->p_vaddr + p->p_memsz);

		if (p->p_type != PT_LOAD || p->p_flags & PF_W || to <= from)
			continue;
		all->s[all->n].at = from;
		all->s[all->n++].size = to - from;
	}
	return 0;
}

/*
 * Every page that is touched from here on is back, with its neighbours: so all is done by one
 * function that calls none, not even libc's syscall(2).
 */
static __attribute__((noinline)) long drop_and_poll(
	const struct segments *all, struct pollfd *p, nfds_t n)
{
	for (size_t i = 0; i < all->n; i++)
		(void)sys5(
			SYS_madvise, (long)all->s[i].at, (long)all->s[i].size, MADV_DONTNEED, 0, 0);
	return sys5(SYS_ppoll, (long)p, (long)n, 0, 0, 0);
}

int shrink_poll(struct pollfd *p, nfds_t n)
{
	struct segments all = { .n = 0 };
	char here;
	long r;
	uintptr_t top = page_down((uintptr_t)&here - STACK_NEEDED);

	(void)malloc_trim(0);
	(void)dl_iterate_phdr(add_object, &all);
	/* ENOMEM says that a part of the range is not mapped; the rest is done. */
	(void)madvise((void *)(top - STACK_REACH), STACK_REACH, MADV_DONTNEED);
	r = drop_and_poll(&all, p, n);
	if (r < 0)
		errno = (int)-r;
	return r < 0 ? -1 : (int)r;
}
