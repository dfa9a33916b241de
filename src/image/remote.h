/* SPDX-License-Identifier: Apache-2.0 */
/* Where a repository is to be found, and with which credentials. Internal to image. */
#ifndef UCTR_IMAGE_REMOTE_H
#define UCTR_IMAGE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "image/image.h"
#include "image/ref.h"

/* docker.io is a name; what answers to it is another host. */
#define REMOTE_DOCKER "registry-1.docker.io"

/* One place: all owned. */
struct remote {
	char *host; /* HOST[:PORT] that is connected to */
	char *repository; /* its path there */
	bool plain, insecure; /* as in the `open` request */
	char *user, *password, *identity_token; /* NULL: none */
	char **certs; /* directories of certificates that exist */
};
void remotes_free(struct remote *r, size_t n);

/* Fills the list of places for a reference with a host, mirrors first; -EPERM when it is blocked. */
int remotes_find(const struct ref *ref, const struct remote_options *o, bool push,
	struct remote **ret, size_t *ret_n, struct err *e);

/*
 * A host itself, wherever registries.conf leads its names to: that says only whether it is insecure or
 * blocked (-EPERM). One place, for remotes_free(*ret, 1).
 */
int remote_of_host(
	const char *host, const struct remote_options *o, struct remote **ret, struct err *e);

/*
 * Reads a name, perhaps behind "docker://", as that of an image in a registry: docker.io where it says
 * none. Where an image goes to (push) is named by a tag, not by a digest.
 */
int remote_name(const char *text, bool push, struct ref *ret, struct err *e);

/* Is that this machine, as it is written (localhost, 127.x.x.x, [::1])? With or without port. */
bool remote_is_loopback(const char *host);

#endif
