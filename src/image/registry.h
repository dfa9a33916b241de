/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a registry through the downloader (uctr/registry_proto.h). Internal to image. */
#ifndef UCTR_IMAGE_REGISTRY_H
#define UCTR_IMAGE_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "image/remote.h"
#include "image/source.h"

/* A downloader at work for one repository. */
struct registry {
	int sock;
	pid_t pid;
	int64_t last_id;
	json_t *early; /* answers that came before they were waited for */
};

/*
 * Starts the downloader for a place and opens the repository there. `push` asks for the right to
 * write, `mount` (or NULL) names a repository of the same registry that blobs may be taken from.
 */
int registry_start(const struct remote *place, const char *repository, bool push, const char *mount,
	struct registry **ret, struct err *e);
/* Ends it, whatever it does. Accepts NULL. */
void registry_stop(struct registry **reg);
#define _cleanup_registry_ _cleanup_(registry_stop)

/* Sends a request (stolen) with up to two descriptors (borrowed; -1: none): its id, or an error. */
int64_t registry_send(struct registry *reg, json_t *req, int fd, int fd2, struct err *e);
/* Waits for the answer to a request. ret may be NULL. The downloader's error becomes *e. */
int registry_wait(struct registry *reg, int64_t id, json_t **ret, struct err *e);
/* Both of them. */
int registry_call(struct registry *reg, json_t *req, int fd, json_t **ret, struct err *e);
/* A request whose answer is a document in a memory file: text is NUL-terminated and owned. */
int registry_read(struct registry *reg, json_t *req, json_t **ret, char **ret_text, size_t *ret_len,
	struct err *e);

/*
 * An image of a registry as a source: `ref` has a host; its digest counts more than its tag. The
 * places where it may be are tried in order, at the first document.
 */
int registry_source(const struct ref *ref, const struct remote_options *o,
	struct image_source **ret, struct err *e);
/*
 * A repository of a registry as a sink. `mount`: another repository there that has the same blobs, or
 * NULL. The top document goes under the tag of `ref`, or its digest.
 */
int registry_sink(const struct ref *ref, const struct remote_options *o, const char *mount,
	struct image_sink **ret, struct err *e);

#endif
