/* SPDX-License-Identifier: Apache-2.0 */
/* Options of commands that talk to registries. */
#include "cli/remote_opts.h"

#include <string.h>

#include "base/str.h"

static int set_tls_verify(void *field, const char *value, struct err *e)
{
	struct remote_args *a = field;

	if (parse_bool(value, &a->tls_verify.value) < 0)
		return err_msg(e, -EINVAL, "--tls-verify: want true or false");
	a->tls_verify.given = true;
	return 0;
}

const struct opt remote_opts[] = {
	OPT_STR(0, "authfile", struct remote_args, authfile, "FILE",
		"Take credentials from FILE alone"),
	OPT_STR(0, "creds", struct remote_args, creds, "USER:PASSWORD",
		"Use these credentials instead of stored ones"),
	OPT_STR(0, "cert-dir", struct remote_args, cert_dir, "DIR",
		"Trust the *.crt of DIR too, and show *.cert with *.key of it"),
	{ OPT_T_CALL, 0, "tls-verify", NULL, 0, "BOOL",
		"With false, certificates need not be good and http may be spoken, as for a "
		"registry "
		"that is listed insecure; with true they must be, whatever is listed",
		set_tls_verify, NULL },
	OPT_END,
};

int remote_args_read(struct remote_args *a, struct remote_options *ret, struct err *e)
{
	char *colon = a->creds ? strchr(a->creds, ':') : NULL;

	if (a->creds && (!colon || colon == a->creds))
		return err_msg(e, -EINVAL, "--creds: want USER:PASSWORD");
	if (colon)
		*colon = '\0';
	*ret = (struct remote_options){
		.authfile = a->authfile,
		.user = a->creds,
		.password = colon ? colon + 1 : NULL,
		.cert_dir = a->cert_dir,
		.tls_verify = a->tls_verify.value,
		.tls_verify_given = a->tls_verify.given,
	};
	return 0;
}
