/* SPDX-License-Identifier: Apache-2.0 */
/* Image configs: checks on foreign ones, and uctr's own. */
#include "image/config.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/json.h"
#include "base/str.h"
#include "image/ref.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static bool one_of(const char *t, const char *const *list)
{
	for (; *list; list++) {
		if (streq(t, *list))
			return true;
	}
	return false;
}

bool media_type_is_index(const char *t)
{
	static const char *const list[] = { OCI "index.v1+json",
		DOCKER "distribution.manifest.list.v2+json", NULL };

	return one_of(t, list);
}

bool media_type_is_manifest(const char *t)
{
	static const char *const list[] = { OCI "manifest.v1+json",
		DOCKER "distribution.manifest.v2+json", NULL };

	return one_of(t, list);
}

bool media_type_is_config(const char *t)
{
	static const char *const list[] = { OCI "config.v1+json", DOCKER "container.image.v1+json",
		NULL };

	return one_of(t, list);
}

bool media_type_is_layer(const char *t)
{
	static const char *const list[] = { OCI "layer.v1.tar", OCI "layer.v1.tar+gzip",
		OCI "layer.v1.tar+zstd", DOCKER "image.rootfs.diff.tar",
		DOCKER "image.rootfs.diff.tar.gzip", DOCKER "image.rootfs.diff.tar.zstd", NULL };

	return one_of(t, list);
}

const char *image_arch(void)
{
	static const struct {
		const char *machine, *go;
	} names[] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "riscv64", "riscv64" },
		{ "ppc64le", "ppc64le" },
		{ "s390x", "s390x" },
		{ "loongarch64", "loong64" },
		{ "armv7l", "arm" },
		{ "armv6l", "arm" },
		{ "i686", "386" },
	};
	static struct utsname u;

	if (!u.machine[0] && uname(&u) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(u.machine, names[i].machine))
			return names[i].go;
	}
	return u.machine;
}

static int check_platform(json_t *config, const struct platform *p, struct err *e)
{
	const char *arch = NULL, *os = NULL;
	_cleanup_free_ char *both = NULL, *clean = NULL;
	int r = json_get_str(config, "architecture", &arch, e);

	if (r >= 0)
		r = json_get_str(config, "os", &os, e);
	if (r < 0)
		return r;
	if (os && streq(os, p->os) && arch && streq(arch, p->arch))
		return 0;
	both = str_printf("%.40s/%.40s", os ? os : "unknown", arch ? arch : "unknown");
	clean = both ? str_sanitise(both) : NULL;
	return err_msg(e, -ENOEXEC, "the image is for %s, %s %s/%s",
		clean ? clean : "another system",
		p == platform_here() ? "this machine is" : "wanted was", p->os, p->arch);
}

int config_check(json_t *config, const struct platform *p, char ***ret_diff_ids, struct err *e)
{
	json_t *rootfs = NULL;
	_cleanup_strv_ char **ids = NULL;
	const char *type = NULL;
	int r = check_platform(config, p, e);

	if (r == 0)
		r = json_get_obj(config, "rootfs", &rootfs, e);
	if (r == 0)
		r = err_msg(e, -EINVAL, "rootfs: missing");
	if (r > 0)
		r = json_get_str(rootfs, "type", &type, e);
	if (r >= 0 && (!type || !streq(type, "layers")))
		r = err_msg(e, -EINVAL, "rootfs.type: want \"layers\"");
	if (r >= 0)
		r = json_get_strv(rootfs, "diff_ids", &ids, e);
	if (r < 0)
		return err_wrap(e, r, "config");
	strv_foreach (id, ids) {
		if (!digest_hex(id))
			return err_msg(e, -EINVAL, "config: diff_ids: want sha256: and 64 digits");
		if (strv_add(ret_diff_ids, digest_hex(id)) < 0)
			return err_set(e, -ENOMEM, "config");
	}
	return 0;
}

int config_make(
	const char *diff_id, char *const *changes, const char *message, json_t **ret, struct err *e)
{
	_cleanup_json_ json_t *settings = json_object(), *doc = NULL;
	_cleanup_free_ char *layer = str_printf("sha256:%s", diff_id);
	json_t *history;
	char now[32];
	time_t t = time(NULL);
	struct tm tm;

	if (!layer || !gmtime_r(&t, &tm) || !strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return err_set(e, -ENOMEM, "make the config");
	strv_foreach (c, changes) {
		int r = config_change(settings, c, e);

		if (r < 0)
			return r;
	}
	history = json_pack("{ss ss so}", "created", now, "created_by", "uctr import", "comment",
		json_text(message && *message ? message : "imported root file system"));
	doc = json_pack("{ss ss ss sO s{ss s[s]} s[o]}", "created", now, "architecture",
		image_arch(), "os", "linux", "config", settings, "rootfs", "type", "layers",
		"diff_ids", layer, "history", history);
	if (!doc)
		return err_set(e, -ENOMEM, "make the config");
	*ret = take_ptr(doc);
	return 0;
}
