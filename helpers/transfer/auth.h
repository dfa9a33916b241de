/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry asks for before it answers, and which secrets go where. */
#ifndef UCTR_TRANSFER_AUTH_H
#define UCTR_TRANSFER_AUTH_H

#include <stdbool.h>

#include "base/err.h"
#include "http.h"

/* One challenge of a WWW-Authenticate header (RFC 7235): values unquoted, NULL when missing. */
struct challenge {
	bool bearer; /* else basic */
	char *realm, *service, *scope;
};
void challenge_free(struct challenge *c);
/* 1 when it is one of the two kinds (filled), 0 when of another, -EINVAL when malformed. */
int challenge_parse(const char *text, struct challenge *ret, struct err *e);

/* What the user gave for this registry; strings owned, NULL when there is none. */
struct credentials {
	char *user, *password, *identity_token;
};

/*
 * Where tokens may be asked for: https anywhere; http only where the registry itself speaks http,
 * and there only on its own host or on this machine.
 */
int realm_check(const char *realm, const struct origin *registry, struct err *e);
/*
 * May the user's secret go there? To the registry's own host, and to hosts of the same domain
 * (auth.docker.io for registry-1.docker.io). Others are asked without.
 */
bool realm_is_trusted(const struct origin *realm, const struct origin *registry);

/*
 * Answers a challenge: *ret is the value of an Authorization header. `scopes` are those that will be
 * needed, NULL-terminated. -EACCES when there is nothing to answer with.
 */
int auth_answer(const struct http *h, const struct origin *registry, const struct challenge *c,
	const struct credentials *cred, char *const *scopes, char **ret, struct err *e);

/* "Basic ..." of user and password; malloc'ed. */
char *auth_basic(const struct credentials *cred);

#endif
