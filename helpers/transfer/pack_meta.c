/* SPDX-License-Identifier: Apache-2.0 */
/* What the archive says of a file: true owners, devices that were wanted, attributes that may leave. */
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/str.h"
#include "pack.h"
#include "tree.h"
#include "uctr/owner.h"

#define LINES_MAX (32U << 20) /* bytes of the file of owners */
#define NAMES_MAX 65536 /* XATTR_LIST_MAX of the kernel */
#define CAPABILITY "security.capability"
#define NOBODY 65534 /* who owns what the map lacks, as a container sees it */

/* --- the file of owners ------------------------------------------------------------------------ */

static int by_birth(const void *a, const void *b)
{
	const struct owner_line *x = a, *y = b;

	if (x->born != y->born)
		return x->born < y->born ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int add_line(struct owner_lines *l, const char *text)
{
	struct owner_line o = { .seq = l->n };
	unsigned long long ino;
	long long born;
	void *grown;

	if (sscanf(text, "%llu %lld %c %u:%u %u:%u", &ino, &born, &o.kind, &o.uid, &o.gid, &o.major,
		    &o.minor) < 5)
		return 0; /* the end of one that was being written */
	o.ino = ino;
	o.born = born;
	if (l->n % 256 == 0) {
		grown = realloc(l->list, (l->n + 256) * sizeof(o));
		if (!grown)
			return -ENOMEM;
		l->list = grown;
	}
	l->list[l->n++] = o;
	return 0;
}

int pack_read_lines(int fd, struct owner_lines *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	size_t len;
	int r = fd_slurp(fd, LINES_MAX, &text, &len);

	for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); r == 0 && line;
		line = strtok_r(NULL, "\n", &save))
		r = add_line(ret, line);
	if (r < 0)
		return err_set(e, r, "read the container's owners");
	if (ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_birth);
	return 0;
}

/*
 * By inode and birth; a file that was copied up had another inode then, but was born at the same
 * moment as now.
 */
static const struct owner_line *find_line(
	const struct owner_lines *l, uint64_t ino, int64_t born, char kind)
{
	const struct owner_line *near = NULL, *exact = NULL;
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (l->list[mid].born < born)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i < l->n && l->list[i].born == born; i++) {
		const struct owner_line *o = &l->list[i];
		bool device = kind == 'f' && (o->kind == 'c' || o->kind == 'b');

		if (o->kind != kind && !device)
			continue;
		if (o->ino == ino)
			exact = o;
		else if (born)
			near = o;
	}
	return exact ? exact : near;
}

static char kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFDIR:
		return 'd';
	default:
		return 'f';
	}
}

static const struct owner_line *line_of(
	struct pack *p, int dirfd, const char *name, const struct stat *st)
{
	struct statx sx;
	int64_t born = 0;

	if (!p->lines.n)
		return NULL;
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &sx) == 0 &&
		(sx.stx_mask & STATX_BTIME))
		born = sx.stx_btime.tv_sec * 1000000000LL + sx.stx_btime.tv_nsec;
	return find_line(&p->lines, st->st_ino, born, kind_of(st->st_mode));
}

/* --- owners ------------------------------------------------------------------------------------ */

static bool read_attr(int fd, const char *name, char buf[UCTR_OWNER_MAX])
{
	ssize_t n = fd < 0 ? -1 : fgetxattr(fd, name, buf, UCTR_OWNER_MAX - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A record of "A:B": false for what the payload may have written there itself. */
static bool parse_pair(const char *text, uint32_t *ret_a, uint32_t *ret_b)
{
	char buf[UCTR_OWNER_MAX], *colon;

	snprintf(buf, sizeof(buf), "%s", text);
	colon = strchr(buf, ':');
	if (!colon)
		return false;
	*colon = '\0';
	return parse_u32(buf, ret_a) == 0 && parse_u32(colon + 1, ret_b) == 0;
}

static uint32_t image_id(const struct idmap_line *l, size_t n, uint32_t id)
{
	uint32_t inside = idmap_reverse(l, n, id);

	return inside == UINT32_MAX ? NOBODY : inside;
}

/* A record tells of what belongs to root; who has an id of his own was given the file since. */
void pack_owner(struct pack *p, int dirfd, const char *name, int fd, const struct stat *st,
	uint32_t *ret_uid, uint32_t *ret_gid)
{
	uint32_t uid = image_id(p->ids.uid, p->ids.n_uid, st->st_uid),
		 gid = image_id(p->ids.gid, p->ids.n_gid, st->st_gid), a, b;
	const struct owner_line *o = p->records ? line_of(p, dirfd, name, st) : NULL;
	char text[UCTR_OWNER_MAX];

	if (p->records && !o && read_attr(fd, UCTR_OWNER_XATTR, text) && parse_pair(text, &a, &b)) {
		uid = uid ? uid : a;
		gid = gid ? gid : b;
	}
	*ret_uid = o ? o->uid : uid;
	*ret_gid = o ? o->gid : gid;
}

static void recorded_device(struct pack *p, int dirfd, const char *name, int fd,
	const struct stat *st, struct tar_entry *t)
{
	const struct owner_line *o;
	char text[UCTR_OWNER_MAX];

	if (!p->records || !S_ISREG(st->st_mode) || st->st_size != 0)
		return;
	o = line_of(p, dirfd, name, st);
	if (o && (o->kind == 'c' || o->kind == 'b')) {
		t->major = o->major;
		t->minor = o->minor;
		t->type = o->kind == 'c' ? '3' : '4';
	} else if (read_attr(fd, UCTR_DEVICE_XATTR, text) && (text[0] == 'c' || text[0] == 'b') &&
		   text[1] == ' ' && parse_pair(text + 2, &t->major, &t->minor)) {
		t->type = text[0] == 'c' ? '3' : '4';
	}
}

/* --- attributes -------------------------------------------------------------------------------- */

/*
 * Capabilities name the root of the container (version 3), or of this namespace, for which the kernel
 * shows version 2. Images have version 2. Others are nobody's in an image.
 */
static int add_caps(struct pack *p, const void *value, size_t size, struct str *pax)
{
	struct vfs_ns_cap_data v = { 0 };
	uint32_t magic;

	if (size < XATTR_CAPS_SZ_2 || size > sizeof(v))
		return -EINVAL;
	memcpy(&v, value, size);
	magic = le32toh(v.magic_etc);
	if (size == XATTR_CAPS_SZ_3 &&
		le32toh(v.rootid) != idmap_lookup(p->ids.uid, p->ids.n_uid, 0))
		return -EINVAL;
	v.magic_etc = htole32((magic & VFS_CAP_FLAGS_EFFECTIVE) | VFS_CAP_REVISION_2);
	return tar_pax(pax, "SCHILY.xattr." CAPABILITY, &v, XATTR_CAPS_SZ_2);
}

/* 1 when it went into the archive, 0 when it stays here, -ENOMEM. */
static int add_attr(struct pack *p, int fd, const char *name, char *value, struct str *pax)
{
	char key[256 + sizeof("SCHILY.xattr.")];
	ssize_t n;
	int r;

	if (!xattr_wanted(name) || strchr(name, '='))
		return 0;
	n = fgetxattr(fd, name, value, UCTR_MAX_XATTR_BYTES);
	if (n < 0)
		return 0; /* gone since it was listed */
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", name);
	r = streq(name, CAPABILITY) ? add_caps(p, value, (size_t)n, pax)
				    : tar_pax(pax, key, value, (size_t)n);
	return r == -EINVAL ? 0 : r < 0 ? r : 1;
}

static int add_attrs(struct pack *p, int fd, struct str *pax)
{
	_cleanup_free_ char *names = NULL, *value = NULL;
	ssize_t n = flistxattr(fd, NULL, 0);
	int r = 0;

	if (n <= 0)
		return 0; /* none, or a file system without */
	names = malloc(NAMES_MAX);
	value = malloc(UCTR_MAX_XATTR_BYTES);
	if (!names || !value)
		return -ENOMEM;
	n = flistxattr(fd, names, NAMES_MAX);
	for (const char *s = names; r >= 0 && n > 0 && s < names + n; s += strlen(s) + 1) {
		r = add_attr(p, fd, s, value, pax);
		p->xattrs += r == 0 && !str_startswith(s, "user.overlay.") &&
			     !str_startswith(s, UCTR_XATTR_PREFIX);
	}
	return r < 0 ? r : 0;
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return '5';
	case S_IFLNK:
		return '2';
	case S_IFIFO:
		return '6';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	default:
		return '0';
	}
}

int pack_meta(struct pack *p, int dirfd, const char *name, int fd, const struct stat *st,
	struct tar_entry *t, struct err *e)
{
	int r = fd < 0 ? 0 : add_attrs(p, fd, &t->pax);

	if (r < 0)
		return pack_fail(p, r, "read the attributes of", e);
	t->type = type_of(st->st_mode);
	t->mode = st->st_mode & 07777;
	t->mtime = st->st_mtim;
	t->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	t->major = major(st->st_rdev);
	t->minor = minor(st->st_rdev);
	pack_owner(p, dirfd, name, fd, st, &t->uid, &t->gid);
	recorded_device(p, dirfd, name, fd, st, t);
	return 0;
}
