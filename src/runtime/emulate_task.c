/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process behind a call: its memory, rights, mark, files and directories. Everything is asked
 * by its thread's number, which is its own as long as the call waits (notify_valid). The numbers
 * are of the supervisor's pid namespace, and so is its procfs.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "runtime/emulate_impl.h"
#include "sys/caps.h"
#include "sys/notify.h"

static int read_small(struct call *c, const char *file, char *buf, size_t size)
{
	char path[48];
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/%s", c->tid, file);
	fd = openat(c->s->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_read_full(fd, buf, size - 1);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	return 0;
}

/* The number behind "Name:\t" at the start of a line. */
static int field(const char *text, const char *name, int base, uint64_t *ret)
{
	const char *at = strstr(text, name);
	char *end;

	if (!at)
		return -EIO;
	at += strlen(name);
	errno = 0;
	*ret = strtoull(at, &end, base);
	return errno || end == at ? -EIO : 0;
}

int task_status(struct call *c, struct task_status *ret)
{
	uint64_t pid, mask;
	char text[4096];
	int r = read_small(c, "status", text, sizeof(text));

	if (r == 0)
		r = field(text, "\nTgid:\t", 10, &pid);
	if (r == 0)
		r = field(text, "\nUmask:\t", 8, &mask);
	if (r == 0)
		r = field(text, "\nCapEff:\t", 16, &ret->caps);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	ret->pid = (pid_t)pid;
	ret->umask = (unsigned int)mask & 0777;
	return 0;
}

/* Where the stack of the running program began (proc(5), field 28 of stat): new with each execve. */
static int program_of(struct call *c, uint64_t *ret)
{
	char text[2048], *p;
	int r = read_small(c, "stat", text, sizeof(text));

	if (r < 0)
		return r;
	p = strrchr(text, ')'); /* the name before may hold anything */
	for (int i = 2; p && i < 28; i++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EIO;
	*ret = strtoull(p + 1, NULL, 10);
	return 0;
}

struct kept *task_kept(struct call *c, pid_t pid, bool make)
{
	struct emulate_shared *sh = c->s->shared;
	struct kept *k;
	uint64_t program;

	if (program_of(c, &program) < 0)
		return NULL;
	for (size_t i = 0; i < KEPT_MAX; i++) {
		k = &sh->kept[i];
		if (k->pid == pid && k->program == program)
			return k;
	}
	if (!make)
		return NULL;
	k = &sh->kept[sh->next_kept++ % KEPT_MAX];
	*k = (struct kept){ .pid = pid, .program = program };
	return k;
}

int task_capable(struct call *c, const struct task_status *st, int cap)
{
	const struct kept *k;

	if (!(st->caps & CAP_BIT(cap)))
		return 0;
	if (c->s->creds.uid[ID_EFFECTIVE] == 0 || red_off("drop"))
		return 1;
	k = task_kept(c, st->pid, false);
	return k && k->kept;
}

static int limit(pid_t pid, const struct rlimit *new, struct rlimit *old)
{
	return prlimit(pid, RLIMIT_LOCKS, new, old) < 0 ? -errno : 0;
}

int task_creds(struct call *c)
{
	struct rlimit rl;
	int r = limit(c->tid, NULL, &rl);

	if (r < 0)
		return r;
	if (!notify_valid(c->listener, c->n->id))
		return -ESRCH;
	c->mark_max = rl.rlim_max;
	return table_get(c->s->shared, rl.rlim_cur, &c->s->creds);
}

int task_set_creds(struct call *c)
{
	int index = table_add(c->s->shared, &c->s->next);
	struct rlimit rl = { .rlim_max = c->mark_max };

	if (index < 0)
		return index;
	/*
	 * Should the process be killed between the check and the limit, and its number be used again
	 * at once, another process of the container gets these ids: numbers without rights.
	 */
	if (!notify_valid(c->listener, c->n->id))
		return -ESRCH;
	rl.rlim_cur = (rlim_t)index;
	return limit(c->tid, &rl, NULL);
}

int task_read(struct call *c, uint64_t at, void *buf, size_t len)
{
	struct iovec mine = { buf, len }, its = { (void *)(uintptr_t)at, len };
	ssize_t n = process_vm_readv(c->tid, &mine, 1, &its, 1, 0);

	if (n < 0)
		return errno == EPERM ? -EPERM : -EFAULT;
	return (size_t)n == len ? 0 : -EFAULT;
}

int task_write(struct call *c, uint64_t at, const void *buf, size_t len)
{
	struct iovec mine = { (void *)buf, len }, its = { (void *)(uintptr_t)at, len };
	ssize_t n = len ? process_vm_writev(c->tid, &mine, 1, &its, 1, 0) : 0;

	if (n < 0)
		return errno == EPERM ? -EPERM : -EFAULT;
	return (size_t)n == len ? 0 : -EFAULT;
}

int task_read_path(struct call *c, uint64_t at, char *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 0;

	/* Page by page: what lies behind the string's last page may not be there. */
	while (len < size) {
		size_t n = page - (size_t)(at + len) % page;
		char *end;
		int r;

		if (n > size - len)
			n = size - len;
		r = task_read(c, at + len, buf + len, n);
		if (r < 0)
			return r;
		end = memchr(buf + len, '\0', n);
		if (end)
			return 0;
		len += n;
	}
	return -ENAMETOOLONG;
}

/* One of the magic links of /proc/TID, which lead to the file itself. */
static int open_link(struct call *c, const char *name, int flags)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "%d/%s", c->tid, name);
	fd = openat(c->s->proc, path, O_PATH | O_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

int task_file(struct call *c, int fd)
{
	char name[32];
	int r;

	if (fd < 0)
		return -EBADF;
	snprintf(name, sizeof(name), "fd/%d", fd);
	r = open_link(c, name, 0);
	if (r >= 0 && !notify_valid(c->listener, c->n->id)) {
		close(r);
		return -ESRCH;
	}
	return r == -ENOENT ? -EBADF : r;
}

static int go_to(int root, int dir)
{
	if (fchdir(root) < 0 || chroot(".") < 0)
		return -errno;
	return fchdir(dir) < 0 ? -errno : 0;
}

int task_enter(struct call *c, int dirfd, bool absolute, int *ret_root)
{
	_cleanup_fd_ int root = open_link(c, "root", O_DIRECTORY), dir = -1;
	int r;

	if (root < 0)
		return root;
	if (!absolute) {
		dir = dirfd == AT_FDCWD ? open_link(c, "cwd", O_DIRECTORY) : task_file(c, dirfd);
		if (dir < 0)
			return dir;
	}
	/* Opened by number: were these its own? */
	if (!notify_valid(c->listener, c->n->id))
		return -ESRCH;
	/*
	 * Not RESOLVE_IN_ROOT: it knows one directory, and a path from the working directory has two,
	 * where it starts and what ".." and absolute links end at.
	 */
	r = red_off("chroot") ? 0 : go_to(root, absolute ? root : dir);
	if (r < 0)
		task_leave(c);
	else if (ret_root)
		*ret_root = take_fd(&root);
	return r;
}

void task_leave(struct call *c)
{
	/* Its own procfs is always there; were it not, every later lookup would fail. */
	(void)go_to(c->s->proc, c->s->proc);
}
