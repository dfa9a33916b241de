/* SPDX-License-Identifier: Apache-2.0 */
/* keep-id: the caller keeps his name inside, and his home where it is mounted. */
#include <stdlib.h>
#include <string.h>

#include "engine/merge.h"
#include "sys/passwd.h"

/* Is the directory, or one above it, a mount of the container's? */
static bool is_mounted(const struct spec *s, const char *dir)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		const char *dest = s->mounts[i].dest;
		size_t n = strlen(dest);

		while (n > 1 && dest[n - 1] == '/')
			n--;
		if (s->mounts[i].kind == MOUNT_BIND && strncmp(dir, dest, n) == 0 &&
			(!dir[n] || dir[n] == '/'))
			return true;
	}
	return false;
}

/* A line of /etc/passwd is made of these. */
static bool is_sane(const char *s)
{
	for (; *s; s++) {
		if (char_is_control((unsigned char)*s) || *s == ':')
			return false;
	}
	return true;
}

int merge_caller(struct plan *p, struct err *e)
{
	struct spec_user *u = &p->spec.process.user;
	_cleanup_free_ char *name = NULL, *home = NULL;

	if (p->mapping->mode != MAP_KEEP_ID || p->mapping->chosen ||
		passwd_find(geteuid(), &name, &home) < 0)
		return 0;
	if (is_sane(name)) {
		u->entry_uid = p->mapping->uid;
		u->entry_name = take_ptr(name);
	}
	/* Elsewhere his home is not there, and HOME is what the image's passwd says, or "/". */
	if (*home != '/' || !is_sane(home) || !is_mounted(&p->spec, home))
		return 0;
	u->entry_home = take_ptr(home);
	return u->entry_home ? 0 : err_set(e, -ENOMEM, "home");
}
