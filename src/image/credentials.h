/* SPDX-License-Identifier: Apache-2.0 */
/* Names and passwords for registries, where docker and podman keep them. */
#ifndef UCTR_IMAGE_CREDENTIALS_H
#define UCTR_IMAGE_CREDENTIALS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Files, in this order: `authfile` or $REGISTRY_AUTH_FILE alone; else
 * $XDG_RUNTIME_DIR/containers/auth.json, containers/auth.json below ~/.config, config.json in
 * $DOCKER_CONFIG or ~/.docker. A file may name programs (credHelpers, credsStore) that know more.
 */

/*
 * For HOST[:PORT]/PATH, the longest prefix that a file has something for. 1 when found, else 0 and
 * nothing is filled. Everything owned.
 */
int credentials_find(const char *authfile, const char *location, char **ret_user,
	char **ret_password, char **ret_identity_token, struct err *e);

/*
 * Stores them for HOST[:PORT][/PATH]: in authfile, $REGISTRY_AUTH_FILE, $DOCKER_CONFIG when it is set,
 * podman's file in the runtime directory, or docker's, mode 0600, or in the program that the file
 * names. *ret_where: the file (owned).
 */
int credentials_store(const char *authfile, const char *key, const char *user, const char *password,
	char **ret_where, struct err *e);
/* Removes them from every file (all: those of every registry). How many there were, or an error. */
int credentials_remove(const char *authfile, const char *key, bool all, struct err *e);

#endif
