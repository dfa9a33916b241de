/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the storage.conf that has a setting. */
#include "image/storage_conf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/toml.h"

#define CONF_MAX (1U << 16)

/* 1 when the file says something of it. */
static int read_file(const char *path, const char *key, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *doc = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, path, CONF_MAX, &text, &len);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "read %s", path);
	r = toml_parse(text, path, &doc, e);
	if (r < 0)
		return err_wrap(e, r, "%s", path);
	if (!json_object_get(doc, key))
		return 0;
	*ret = take_ptr(doc);
	return 1;
}

int storage_conf_find(const char *key, json_t **ret, char **ret_path, struct err *e)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	_cleanup_free_ char *path = config && *config == '/'
					    ? str_printf("%s/uctr/storage.conf", config)
					    : str_printf("%s/.config/uctr/storage.conf",
						      home && *home == '/' ? home : "/nonexistent");
	int r = path ? read_file(path, key, ret, e) : err_set(e, -ENOMEM, "storage.conf");

	if (r == 0) {
		free(path);
		path = strdup("/etc/uctr/storage.conf");
		r = path ? read_file(path, key, ret, e) : err_set(e, -ENOMEM, "storage.conf");
	}
	if (r > 0)
		*ret_path = take_ptr(path);
	return r;
}
