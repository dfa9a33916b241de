/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chown and mknod. A path is read once, looked up once, and what was found is held by a descriptor;
 * everything after that is done to the descriptor. So a payload that exchanges names or memory
 * meanwhile changes its own mind, and nothing outside its root can be meant.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/str.h"
#include "runtime/emulate_impl.h"
#include "sys/syscalls.h"
#include "uctr/owner.h"

#define KEEP UINT32_MAX

struct owner {
	uint32_t uid, gid;
};

/* --- finding the file ------------------------------------------------------------------------- */

/*
 * Names of the process's own descriptors: in the supervisor's eyes /proc/self is nobody, as it is
 * in no procfs of the container. -1: not such a name.
 */
static int own_descriptor(const char *path)
{
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	static const char *const dirs[] = { "/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/" };
	uint32_t fd;

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(dirs[i]);

		if (streq(path, names[i]))
			return i;
		if (strncmp(path, dirs[i], n) == 0 && parse_u32(path + n, &fd) == 0 &&
			fd <= INT_MAX)
			return (int)fd;
	}
	return -1;
}

/* openat2(2) in the process's view; links of /proc to other files are refused (ELOOP). */
static int look_up(const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned int)flags | O_PATH | O_CLOEXEC,
		.resolve = red_off("magiclinks") ? 0 : RESOLVE_NO_MAGICLINKS };
	int fd = sys_openat2(AT_FDCWD, path, &how);

	return fd < 0 ? -errno : fd;
}

/* The file that (dirfd, path, flags) mean, as O_PATH descriptor. */
static int find_file(struct call *c, int dirfd, uint64_t at, int flags)
{
	char path[PATH_MAX];
	int fd, r = task_read_path(c, at, path, sizeof(path));

	if (r < 0)
		return r;
	if (!*path && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (!*path && dirfd != AT_FDCWD)
		return task_file(c, dirfd);
	fd = flags & AT_SYMLINK_NOFOLLOW ? -1 : own_descriptor(path);
	if (fd >= 0)
		return task_file(c, fd);
	r = task_enter(c, dirfd, path[0] == '/', NULL);
	if (r < 0)
		return r;
	if (red_off("follow"))
		flags = 0;
	fd = look_up(*path ? path : ".", flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	task_leave(c);
	return fd;
}

/* --- records ---------------------------------------------------------------------------------- */

/* The file behind an O_PATH descriptor; the supervisor's directory is its procfs. */
static void own_name(int fd, char buf[32])
{
	snprintf(buf, 32, "self/fd/%d", fd);
}

static bool takes_attributes(const struct statx *sx)
{
	return S_ISREG(sx->stx_mode) || S_ISDIR(sx->stx_mode);
}

static bool parse_owner(const char *text, struct owner *ret)
{
	char buf[UCTR_OWNER_MAX], *colon;

	snprintf(buf, sizeof(buf), "%s", text);
	colon = strchr(buf, ':');
	if (!colon)
		return false;
	*colon = '\0';
	return parse_u32(buf, &ret->uid) == 0 && parse_u32(colon + 1, &ret->gid) == 0;
}

/* What the payload wrote into the attribute itself is its own lie: unreadable is root's. */
static struct owner owner_of(struct call *c, int fd, const struct statx *sx)
{
	const struct owner_record *rec = owners_find(c->s->shared, sx);
	struct owner o = { 0 };
	char name[32], value[UCTR_OWNER_MAX] = "";
	ssize_t n;

	if (rec)
		return (struct owner){ rec->uid, rec->gid };
	if (!takes_attributes(sx))
		return o;
	own_name(fd, name);
	n = getxattr(name, UCTR_OWNER_XATTR, value, sizeof(value) - 1);
	if (n <= 0 || !parse_owner(value, &o))
		return (struct owner){ 0 };
	return o;
}

/* One line for who reads the upper directory later: INODE BORN KIND UID:GID [MAJOR:MINOR] */
static int write_record(struct call *c, const struct owner_record *rec)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%llu %lld %c %u:%u", (unsigned long long)rec->ino,
		(long long)rec->born, rec->kind, rec->uid, rec->gid);

	if (rec->kind == 'c' || rec->kind == 'b')
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %u:%u", major(rec->device),
			minor(rec->device));
	line[n++] = '\n';
	return fd_write_all(c->s->records, line, (size_t)n);
}

static char kind_of(const struct statx *sx)
{
	switch (sx->stx_mode & S_IFMT) {
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFDIR:
		return 'd';
	case S_IFREG:
		return 'f';
	}
	return 'n'; /* a real device */
}

static bool on_root_mount(struct call *c, const struct statx *sx)
{
	struct statx root;
	int fd, r;

	/* The thread's own root may be another by now (chroot); its leader's mount namespace is not
	 * asked for either: what counts is the mount of the container's first process. */
	r = task_enter(c, AT_FDCWD, true, &fd);
	if (r < 0)
		return false;
	task_leave(c);
	r = statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &root);
	close(fd);
	return r == 0 && root.stx_mnt_id == sx->stx_mnt_id;
}

static int record_aside(struct call *c, const struct statx *sx, struct owner_record *rec)
{
	int r = owners_set(c->s->shared, rec);

	/* Elsewhere (a tmpfs, a volume) nobody looks for it after the container. */
	return r < 0 || !on_root_mount(c, sx) ? r : write_record(c, rec);
}

static int record_owner(struct call *c, int fd, const struct statx *sx, struct owner o)
{
	const struct owner_record *old = owners_find(c->s->shared, sx);
	struct owner_record rec;
	char name[32], value[UCTR_OWNER_MAX];
	int r;

	if (takes_attributes(sx) && !old) {
		own_name(fd, name);
		snprintf(value, sizeof(value), "%u:%u", o.uid, o.gid);
		r = o.uid || o.gid ? setxattr(name, UCTR_OWNER_XATTR, value, strlen(value), 0)
				   : removexattr(name, UCTR_OWNER_XATTR);
		if (r == 0 || errno == ENODATA)
			return 0;
		if (errno != EOPNOTSUPP)
			return -errno;
	}
	if (!old && !o.uid && !o.gid)
		return 0;
	owners_key(sx, &rec);
	if (old)
		rec = *old;
	else
		rec.kind = kind_of(sx);
	rec.uid = o.uid;
	rec.gid = o.gid;
	return record_aside(c, sx, &rec);
}

/* --- chown ------------------------------------------------------------------------------------ */

static int stat_file(int fd, struct statx *ret)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, ret) < 0
		       ? -errno
		       : 0;
}

static int change_owner(struct call *c, int fd, uint32_t uid, uint32_t gid)
{
	struct task_status st;
	struct statx sx;
	struct owner o;
	int r = task_creds(c);

	if (r == 0)
		r = task_status(c, &st);
	if (r == 0)
		r = stat_file(fd, &sx);
	if (r < 0)
		return r;
	/* Somebody else's on the host: the kernel refuses, and knows why (EPERM, EROFS). */
	if (sx.stx_uid != 0) {
		r = fchownat(fd, "", uid == KEEP ? uid : 0, gid == KEEP ? gid : 0, AT_EMPTY_PATH);
		return r < 0 ? -errno : 0;
	}
	o = owner_of(c, fd, &sx);
	if (!creds_may_chown(&c->s->creds, task_capable(c, &st, CAP_CHOWN), o.uid, o.gid, uid, gid))
		return -EPERM;
	/*
	 * The kernel does what a chown does besides: read-only and immutable are refused, set-user-id
	 * bits and capabilities go, the change time is set, a lower file is copied up.
	 */
	if (fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH) < 0)
		return -errno;
	r = stat_file(fd, &sx);
	if (r < 0)
		return r;
	if (uid != KEEP)
		o.uid = uid;
	if (gid != KEEP)
		o.gid = gid;
	return record_owner(c, fd, &sx, o);
}

int64_t emulate_chown(struct call *c)
{
	const __u64 *a = c->n->data.args;
	_cleanup_fd_ int fd = -1;
	uint32_t uid = (uint32_t)a[1], gid = (uint32_t)a[2];

	switch (c->n->data.nr) {
#ifdef SYS_chown
	case SYS_chown:
		fd = find_file(c, AT_FDCWD, a[0], 0);
		break;
	case SYS_lchown:
		fd = find_file(c, AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW);
		break;
#endif
	case SYS_fchown:
		fd = task_file(c, (int)a[0]);
		break;
	case SYS_fchownat:
		if (a[4] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) & UINT32_MAX)
			return -EINVAL;
		fd = find_file(c, (int)a[0], a[1], (int)a[4]);
		uid = (uint32_t)a[2];
		gid = (uint32_t)a[3];
		break;
	default:
		return -ENOSYS;
	}
	return fd < 0 ? fd : change_owner(c, fd, uid, gid);
}

/* --- mknod of devices ------------------------------------------------------------------------- */

/* Cuts the last name off: what is left is the directory's path. NULL: there can be no such file. */
static char *split(char *path, char **ret_dir)
{
	char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;

	if (!*last || streq(last, ".") || streq(last, ".."))
		return NULL;
	*ret_dir = path;
	if (!slash)
		*ret_dir = (char *)".";
	else if (slash == path)
		*ret_dir = (char *)"/";
	else
		*slash = '\0';
	return last;
}

static int open_parent(struct call *c, int dirfd, const char *dir, bool absolute)
{
	int r = task_enter(c, dirfd, absolute, NULL), fd;

	if (r < 0)
		return r;
	fd = look_up(dir, O_DIRECTORY);
	task_leave(c);
	return fd;
}

static int describe_device(struct call *c, int fd, mode_t mode, dev_t dev)
{
	const struct creds *k = &c->s->creds;
	char kind = S_ISCHR(mode) ? 'c' : 'b', text[UCTR_OWNER_MAX];
	struct owner_record rec;
	struct statx sx;
	int r = stat_file(fd, &sx);

	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%c %u:%u", kind, major(dev), minor(dev));
	if (fsetxattr(fd, UCTR_DEVICE_XATTR, text, strlen(text), 0) == 0)
		return record_owner(c, fd, &sx, (struct owner){ k->uid[ID_FS], k->gid[ID_FS] });
	if (errno != EOPNOTSUPP)
		return -errno;
	owners_key(&sx, &rec);
	rec.uid = k->uid[ID_FS];
	rec.gid = k->gid[ID_FS];
	rec.kind = kind;
	rec.device = (uint32_t)dev;
	return record_aside(c, &sx, &rec);
}

static int make_device(struct call *c, int dir, const char *name, mode_t mode, dev_t dev)
{
	_cleanup_fd_ int fd = openat(
		dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 07777);
	int r;

	if (fd < 0)
		return -errno;
	r = describe_device(c, fd, mode, dev);
	if (r < 0)
		(void)unlinkat(dir, name, 0);
	return r;
}

int64_t emulate_mknod(struct call *c)
{
	const __u64 *a = c->n->data.args;
	int dirfd = AT_FDCWD;
	struct task_status st;
	char path[PATH_MAX], *dir, *name;
	_cleanup_fd_ int parent = -1;
	int r = task_creds(c);
	bool absolute;

	if (c->n->data.nr == SYS_mknodat)
		dirfd = (int)*a++;
	if (r == 0)
		r = task_status(c, &st);
	if (r == 0)
		r = task_read_path(c, a[0], path, sizeof(path));
	if (r < 0)
		return r;
	/* Only a description of a device, so it needs no CAP_MKNOD, which no container has by itself. */
	if (c->s->creds.uid[ID_EFFECTIVE] != 0)
		return -EPERM;
	if (!*path)
		return -ENOENT;
	absolute = path[0] == '/';
	name = split(path, &dir);
	if (!name)
		return -EEXIST;
	parent = open_parent(c, dirfd, dir, absolute);
	if (parent < 0)
		return parent;
	return make_device(
		c, parent, name, (mode_t)a[1] & ~(mode_t)st.umask, (dev_t)(uint32_t)a[2]);
}
