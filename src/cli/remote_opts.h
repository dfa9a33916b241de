/* SPDX-License-Identifier: Apache-2.0 */
/* The options that all commands have which talk to registries. */
#ifndef UCTR_CLI_REMOTE_OPTS_H
#define UCTR_CLI_REMOTE_OPTS_H

#include "base/opt.h"
#include "image/image.h"

struct remote_args {
	char *authfile, *creds, *cert_dir;
	struct {
		bool given, value;
	} tls_verify;
};
extern const struct opt remote_opts[];

/* What they say; strings stay with a. */
int remote_args_read(struct remote_args *a, struct remote_options *ret, struct err *e);

#endif
