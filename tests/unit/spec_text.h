/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of config.json share: a small whole configuration with texts put into it. */
#ifndef UCTR_TESTS_SPEC_TEXT_H
#define UCTR_TESTS_SPEC_TEXT_H

#include "runtime/spec_json.h"
#include "tap.h"

static struct spec s;
static struct err e;

/* A whole configuration with these texts in their places ("" leaves them out). */
static inline json_t *config(const char *top, const char *process, const char *l)
{
	_cleanup_free_ char *text = str_printf(
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
		"\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"sh\"],\"cwd\":\"/\"%s},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"},"
		"{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
		"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":2}]%s}%s}",
		process, l, top);
	json_t *j = NULL;

	e = (struct err)ERR_INIT;
	/* Without JSON_REJECT_DUPLICATES: a later key replaces one of the frame's. */
	if (text)
		j = json_loads(text, 0, NULL);
	if (!j)
		printf("bad test text: %s\n", text ? text : "");
	return j;
}

static inline int load(const char *top, const char *process, const char *l)
{
	_cleanup_json_ json_t *j = config(top, process, l);

	return spec_from_json(j, "/bundle", -1, &s, &e);
}

/* The configuration is refused with exactly this text, and nothing is left allocated. */
#define REFUSED(top, process, l, want)                                                             \
	do {                                                                                       \
		CHECK(load(top, process, l) < 0);                                                  \
		CHECK_STR(e.msg, want);                                                            \
		CHECK(s.root_path == NULL && s.ns == NULL);                                        \
		spec_free(&s);                                                                     \
	} while (0)

#endif
