/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where images come from and go to: a registry, a directory, an archive. Internal to image.
 *
 * A source is read by image_fetch(), which brings an image into the store, and by copies; a sink is
 * written by push, save and copies. Both are made by their own functions (layout_source(),
 * registry_source(), ...), which return a pointer to the `struct image_source` or `struct
 * image_sink` at the head of their own struct; source_close() and sink_close() end them. What a
 * source delivers is hostile: whoever takes a document or blob checks digest and size.
 */
#ifndef UCTR_IMAGE_SOURCE_H
#define UCTR_IMAGE_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "image/document.h"
#include "image/image.h"

struct image_source;
struct image_source_ops {
	/*
	 * Delivers an index, manifest or config. `want` is the descriptor that named it, or NULL
	 * for the document at the top, which the source was opened for. Fills ret->text, ret->len
	 * (at most UCTR_MAX_DOCUMENT) and, when the source has one, ret->type; nothing else.
	 */
	int (*document)(struct image_source *src, const struct descriptor *want,
		struct document *ret, struct err *e);
	/*
	 * A descriptor from which the blob can be read from its beginning to its end: a file, or a
	 * pipe that is being filled. The caller closes it, at any time. part_fd (owned by the
	 * source from here on; -1: none) is a file with the first bytes of the blob, as an earlier
	 * attempt left it: what a source reads from there, it need not fetch.
	 */
	int (*blob)(struct image_source *src, const struct descriptor *want, int part_fd,
		struct err *e);
	/*
	 * After a blob was read: 0, or why it ended early. -EPIPE when the reader did. NULL when
	 * blob() always returns files.
	 */
	int (*blob_end)(struct image_source *src, const struct descriptor *want, struct err *e);
	void (*close)(struct image_source *src);
};
struct image_source {
	const struct image_source_ops *ops;
	const char *what; /* for messages: "image layout /x", "docker.io/library/x:latest" */
};

struct image_sink;
struct image_sink_ops {
	/* 1 when the blob is there already, 0 when not, or an error. */
	int (*has_blob)(struct image_sink *dst, const struct descriptor *d, struct err *e);
	/*
	 * Takes the bytes of fd (borrowed; a regular file at its start, or a pipe) as blob d. It
	 * may return before they are stored: flush() waits for all and has the first error. Digest
	 * and size of what arrives are checked here or by the receiver.
	 */
	int (*put_blob)(struct image_sink *dst, const struct descriptor *d, int fd, struct err *e);
	int (*flush)(struct image_sink *dst, struct err *e);
	/* Stores a manifest or index (type, text, hex of it); `top`: under the sink's own name. */
	int (*put_document)(
		struct image_sink *dst, const struct document *doc, bool top, struct err *e);
	/* Whatever was not finished by then leaves nothing behind under a final name. */
	void (*close)(struct image_sink *dst);
};
struct image_sink {
	const struct image_sink_ops *ops;
	const char *what;
};

/* Both accept NULL and clear the pointer. */
void source_close(struct image_source **src);
void sink_close(struct image_sink **dst);
#define _cleanup_source_ _cleanup_(source_close)
#define _cleanup_sink_ _cleanup_(sink_close)

struct image_fetch {
	struct image_source *source;
	const char *name; /* of the record to make; "" for an image without a name */
	const char *origin; /* repository ("docker.io/library/x") for RepoDigests, or NULL */
	const char *digest; /* hex digits that the top document must have, or NULL */
	const struct platform *platform; /* NULL: this machine's */
	const struct fetch_watch *watch; /* or NULL */
};

/*
 * Brings an image into the store: top document, platform, manifest, config, layers side by side;
 * every digest and size is checked, and nothing gets its name before all is on the disk. Layers that
 * are there are not fetched. Returns the id (owned) when ret_id is not NULL.
 */
int image_fetch(struct image_store *s, const struct image_fetch *f, char **ret_id, struct err *e);

/*
 * Sends an image from a source into a sink, byte for byte; platform (NULL: this machine's) chooses
 * from an index. Layers are announced to w (or NULL) when they begin and when all are stored. What
 * comes through a pipe is kept in a file of the store's without a name until it is sent, so that it
 * is known to be good, and can be sent again.
 */
int image_send(struct image_store *s, struct image_source *src, const struct platform *platform,
	struct image_sink *dst, const struct fetch_watch *w, struct err *e);

/*
 * From the top document to the manifest: through indexes, at most three deep. *ret_index gets the
 * digest of the index at the top, or "". A digest that is known is checked.
 */
int source_manifest(struct image_source *src, const char *digest, const struct platform *platform,
	struct document *ret, char ret_index[UCTR_DIGEST_HEX + 1], struct err *e);
/* Reads and checks the document that a descriptor names; `what` names it in errors. */
int source_document(struct image_source *src, const struct descriptor *d, const char *what,
	struct document *ret, struct err *e);
/*
 * To be called when a blob was read, with what the reader made of it: r, or the source's own error,
 * as it knows better why its bytes were not what they should be.
 */
int source_end_blob(struct image_source *src, const struct descriptor *d, int r, struct err *e);

#endif
