/* SPDX-License-Identifier: Apache-2.0 */
/* The marker of a complete layer tree: what it is, how large, and what it must look like. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "image/layers.h"

/* "sha256:ID BYTES SURVEY FILES\n"; the last two are missing where an older uctr wrote it. */
int marker_write(int form_fd, const struct transfer_result *res, struct err *e)
{
	char name[UCTR_DIGEST_HEX + 8], text[UCTR_DIGEST_HEX + 96];
	int r;

	snprintf(name, sizeof(name), "%s.ok", res->diff_id);
	snprintf(text, sizeof(text), "sha256:%s %llu %s %llu\n", res->diff_id,
		(unsigned long long)res->bytes, res->survey, (unsigned long long)res->files);
	r = file_replace(form_fd, name, text, strlen(text), 0600, true);
	return r < 0 ? err_set(e, r, "mark the layer as complete") : 0;
}

static bool is_survey(const char *s)
{
	return strlen(s) == UCTR_SURVEY_HEX && strspn(s, "0123456789abcdef") == UCTR_SURVEY_HEX;
}

int marker_read(int form_fd, const char *diff_id, struct transfer_result *ret, struct err *e)
{
	_cleanup_free_ char *path = str_printf("%.64s.ok", diff_id), *text = NULL;
	_cleanup_strv_ char **part = NULL;
	struct transfer_result m = { 0 };
	size_t n;
	int r = path ? file_read(form_fd, path, 256, &text, NULL) : -ENOMEM;

	if (r < 0)
		return err_set(e, r, "read the marker of layer %.12s", diff_id);
	text[strcspn(text, "\n")] = '\0';
	part = strv_split(text, ' ');
	n = strv_len(part);
	if ((n != 2 && n != 4) || !str_startswith(part[0], "sha256:") ||
		!streq(part[0] + strlen("sha256:"), diff_id) || parse_u64(part[1], &m.bytes) < 0 ||
		(n == 4 && (!is_survey(part[2]) || parse_u64(part[3], &m.files) < 0)))
		return err_msg(e, -EBADMSG, "the marker of layer %.12s is damaged", diff_id);
	memcpy(m.diff_id, diff_id, UCTR_DIGEST_HEX);
	snprintf(m.survey, sizeof(m.survey), "%s", n == 4 ? part[2] : "");
	*ret = m;
	return 0;
}

int layer_bytes(struct image_store *s, const char *diff_id, uint64_t *ret, struct err *e)
{
	_cleanup_fd_ int form_fd = store_form_dir(s, e);
	struct transfer_result m;
	int r = form_fd < 0 ? form_fd : marker_read(form_fd, diff_id, &m, e);

	if (r == 0)
		*ret = m.bytes;
	return r;
}
