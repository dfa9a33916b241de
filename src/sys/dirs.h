/* SPDX-License-Identifier: Apache-2.0 */
/* Where uctr keeps things and finds its own parts: data, runtime, share, helpers, tools. */
#ifndef UCTR_SYS_DIRS_H
#define UCTR_SYS_DIRS_H

#include "base/err.h"

/*
 * The data directory: $UCTR_DATA, $XDG_DATA_HOME/uctr or ~/.local/share/uctr (basedir-spec), made
 * 0700 and verified to be the caller's. An O_DIRECTORY descriptor; *ret_path (may be NULL) is the
 * absolute path, owned by the caller.
 */
int dirs_data(char **ret_path, struct err *e);

/*
 * The runtime directory: $XDG_RUNTIME_DIR/uctr when that directory is the caller's and 0700,
 * else /run/user/UID, else /tmp/uctr-UID, made 0700 and verified (owner, mode, no symlink), so
 * that nobody can put one in our way.
 */
int dirs_runtime(char **ret_path, struct err *e);

/* PREFIX/share/uctr and PREFIX/libexec/uctr/NAME; what lies beside the executable wins. Static. */
const char *dirs_share(void);
const char *dirs_helper(const char *name);

/* Absolute path of an external program in the system's directories, or NULL. Static per name. */
const char *dirs_tool(const char *name);

#endif
