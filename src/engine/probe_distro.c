/* SPDX-License-Identifier: Apache-2.0 */
/* Cures that depend on the distribution and on the files of this host. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/probe_impl.h"
#include "sys/idmap.h"

#define RANGE 65536U

const char *probe_sudo(void)
{
	return geteuid() == 0 ? "" : "sudo ";
}

const char *probe_user(void)
{
	static char name[64];
	_cleanup_free_ char *known = idmap_user_name(geteuid());

	if (known)
		snprintf(name, sizeof(name), "%s", known);
	else
		snprintf(name, sizeof(name), "%u", geteuid());
	return name;
}

int probe_sysctl(const char *path, long *ret)
{
	_cleanup_free_ char *text = NULL;
	int64_t v;
	int r = file_read(AT_FDCWD, path, 4096, &text, NULL);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	r = parse_i64(text, &v);
	if (r == 0)
		*ret = (long)v;
	return r;
}

static const struct family {
	const char *ids; /* of os-release(5), blanks around each */
	const char *install;
	const char *uidmap; /* the package with newuidmap */
} families[] = {
	{ " debian ubuntu ", "apt-get install -y", "uidmap" },
	{ " fedora rhel centos ", "dnf install -y", "shadow-utils" },
	{ " arch ", "pacman -S --noconfirm", "shadow" },
	{ " alpine ", "apk add", "shadow-uidmap" },
	{ " suse opensuse ", "zypper install -y", "shadow" },
};

static bool has_id(const char *ids, const char *id)
{
	char word[64];

	snprintf(word, sizeof(word), " %s ", id);
	return *id && strstr(ids, word);
}

/* By ID, then by each word of ID_LIKE; NULL for a distribution we know nothing of. */
static const struct family *family(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;
	static const char *const keys[] = { "ID=", "ID_LIKE=" };

	if (file_read(AT_FDCWD, "/etc/os-release", 65536, &text, NULL) < 0 &&
		file_read(AT_FDCWD, "/usr/lib/os-release", 65536, &text, NULL) < 0)
		return NULL;
	lines = strv_split(text, '\n');
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		strv_foreach (line, lines) {
			char *save = NULL, *value = line + strlen(keys[k]);

			if (!str_startswith(line, keys[k]))
				continue;
			for (char *id = strtok_r(value, " \"'", &save); id;
				id = strtok_r(NULL, " \"'", &save)) {
				for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
					if (has_id(families[i].ids, id))
						return &families[i];
				}
			}
		}
	}
	return NULL;
}

void probe_install(struct probe_result *r, const char *package)
{
	const struct family *f = family();

	if (!f)
		probe_cure(r, "install the package with %s (often called %s)", package, package);
	else
		probe_cure(r, "%s%s %s", probe_sudo(), f->install,
			streq(package, "uidmap") ? f->uidmap : package);
}

/* Raises *start above every range of the file that [*start, *start + RANGE) overlaps. */
static bool raise_above(const char *file, uint64_t *start)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;
	bool raised = false;

	if (file_read(AT_FDCWD, file, 4 << 20, &text, NULL) < 0)
		return false;
	lines = strv_split(text, '\n');
	strv_foreach (line, lines) {
		_cleanup_strv_ char **f = strv_split(line, ':');
		uint64_t first, count;

		if (strv_len(f) != 3 || parse_u64(f[1], &first) < 0 ||
			parse_u64(f[2], &count) < 0 || first > UINT32_MAX || count > UINT32_MAX)
			continue;
		if (first < *start + RANGE && *start < first + count) {
			*start = first + count;
			raised = true;
		}
	}
	return raised;
}

unsigned int probe_free_range(void)
{
	uint64_t start = 100000;

	/* A raise for one file or line may run into another that was passed: until nothing moves. */
	while (raise_above("/etc/subuid", &start) || raise_above("/etc/subgid", &start)) {
		if (start + RANGE > UINT32_MAX)
			return 0;
	}
	return (unsigned int)start;
}
