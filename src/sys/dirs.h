/* SPDX-License-Identifier: Apache-2.0 */
/* Where uctr keeps things and finds its own parts: data, runtime, share, helpers, tools. */
#ifndef UCTR_SYS_DIRS_H
#define UCTR_SYS_DIRS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * The data directory: $UCTR_DATA, else $XDG_DATA_HOME/uctr or ~/.local/share/uctr (basedir-spec),
 * made 0700 and verified to be the caller's. When that place cannot be used (no home, another
 * user's, a file system that cannot be written to) and UCTR_DATA did not ask for it: below the home
 * directory of the user database, else "data" in the runtime directory. An O_DIRECTORY descriptor;
 * *ret_path is the absolute path and *ret_note the line that tells of another place (NULL: it is
 * the first), both owned by the caller and not touched on failure; either pointer may be NULL. The
 * directory may be one that can only be read.
 */
int dirs_data(char **ret_path, char **ret_note, struct err *e);

/*
 * The runtime directory: $XDG_RUNTIME_DIR/uctr when that directory is the caller's and nobody else
 * can write to it, else below /run/user/UID, /tmp/uctr-UID or /dev/shm/uctr-UID, made 0700 and
 * verified (owner, mode, no symlink), so that nobody can put one in our way.
 */
int dirs_runtime(char **ret_path, struct err *e);

/* "data" in the runtime directory `runtime`: where data goes that has no better place. */
int dirs_runtime_data(const char *runtime, char **ret_path, struct err *e);

/*
 * Of dirs_data() alone. Opens path, made 0700 when missing, if it is the caller's and only he can
 * write to it: -EPERM when not. Is an error the place's, so that another may do?
 */
int dirs_make_own(const char *path);
bool dirs_place_is_bad(int r);
/* The next best place after `first` (NULL: there was none) failed with r. */
int dirs_data_elsewhere(
	const char *first, int r, bool chosen, char **ret_path, char **ret_note, struct err *e);

/* PREFIX/share/uctr and PREFIX/libexec/uctr/NAME; what lies beside the executable wins. Static. */
const char *dirs_share(void);
const char *dirs_helper(const char *name);

/* Absolute path of an external program in the system's directories, or NULL. Static per name. */
const char *dirs_tool(const char *name);

#endif
