/* SPDX-License-Identifier: Apache-2.0 */
/* image_push: a stored image, byte for byte, into a repository. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "image/lookup.h"
#include "image/registry.h"
#include "image/stored.h"

/* The repository that the image came from, when it is one of the same registry. malloc'ed. */
static char *mount_from(const struct tag *rec, const struct ref *to)
{
	const char *path = rec->origin ? strchr(rec->origin, '/') : NULL;

	if (!path || (size_t)(path - rec->origin) != strlen(to->host) ||
		strncmp(rec->origin, to->host, strlen(to->host)) != 0 || streq(path + 1, to->path))
		return NULL;
	return strdup(path + 1);
}

int image_push(struct image_store *s, const struct image_push *p, char **ret_digest, struct err *e)
{
	_cleanup_source_ struct image_source *src = NULL;
	_cleanup_sink_ struct image_sink *dst = NULL;
	_cleanup_(tag_free)
	struct tag rec = { 0 };
	_cleanup_(ref_free)
	struct ref to = { 0 };
	_cleanup_free_ char *mount = NULL, *digest = NULL;
	bool by_id;
	int r = lookup(s, p->name, &rec, &by_id, e);

	if (r == 0)
		return lookup_failed(p->name, e);
	if (r < 0)
		return r;
	if (!p->destination && (by_id || !*rec.name))
		return err_msg(e, -EINVAL,
			"push %.80s: an id says nothing of where to; name the "
			"destination too",
			p->name);
	r = remote_name(p->destination ? p->destination : rec.name, true, &to, e);
	if (r < 0)
		return r;
	mount = mount_from(&rec, &to);
	digest = str_printf("sha256:%s", rec.manifest);
	r = digest ? registry_sink(&to, &p->remote, mount, &dst, e) : err_set(e, -ENOMEM, "push");
	if (r == 0)
		r = stored_source_of(s, &rec, &src, e);
	if (r == 0)
		r = image_send(s, src, NULL, dst, p->watch, e);
	if (r == 0)
		*ret_digest = take_ptr(digest);
	return r;
}
