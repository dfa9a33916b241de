/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may ask of a container, as typed; the merge turns it into a struct spec. */
#ifndef UCTR_ENGINE_OPTIONS_H
#define UCTR_ENGINE_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

/* Filled by cli/container_opts.c's table; strings and vectors are owned (opt_free). */
struct container_opts {
	bool rm, detach, interactive, tty, init, read_only, privileged, publish_all, replace,
		explain;
	bool rootfs;
	char *entrypoint; /* "" is not the same as NULL */
	char *name, *workdir, *user, *hostname, *network, *cidfile, *pidfile, *tz, *umask, *userns;
	char *pull, *platform, *authfile;
	char *stop_signal, *stop_timeout, *timeout;
	char *cpus, *memory, *pids_limit, *shm_size;
	char **env, **env_file, **tmpfs, **volumes, **mounts, **devices, **cap_add, **cap_drop;
	char **security_opt, **group_add, **dns, **dns_search, **dns_option, **add_host, **ulimit;
	char **uidmap, **gidmap;
	char **sysctl, **labels, **annotations, **publish, **storage_opt;
};

/*
 * Makes what names files of the host absolute, so that the options mean the same in another working
 * directory. options.c
 */
int options_make_absolute(struct container_opts *o, struct err *e);

#endif
