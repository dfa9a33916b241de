/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of a container: drivers, and the files of name resolution. */
#ifndef UCTR_NET_NET_H
#define UCTR_NET_NET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum net_mode {
	NET_NONE, /* own namespace, loopback only */
	NET_HOST, /* the host's namespace */
	NET_SLIRP, /* own namespace, user-mode uplink by slirp4netns(1) */
};

const char *net_name(enum net_mode m);
/* "none", "host", "slirp4netns"; -EINVAL with the list of modes. */
int net_parse(const char *s, enum net_mode *ret, struct err *e);
/* Can slirp4netns work here? 0, or a negative errno with the reason and cure in *e. */
int net_slirp_available(struct err *e);

/* One running uplink. */
struct net_slirp {
	pid_t pid;
	int ready; /* read end: a byte comes when it is up; -1 later */
	int log; /* what it said */
};
/* Starts slirp4netns for a network namespace, given as descriptor. */
int net_slirp_start(int netns, struct net_slirp *ret, struct err *e);
/* Waits until it is up; its own words are the error otherwise. */
int net_slirp_wait(struct net_slirp *s, struct err *e);
void net_slirp_free(struct net_slirp *s);

/* What /etc/resolv.conf and /etc/hosts say. */
struct net_names {
	char **dns, **search, **options; /* as asked for; NULL: from the host */
	char **add_host; /* "NAME:ADDRESS", checked */
	const char *hostname, *name;
};
/* Texts, owned by the caller. Words with control characters or blanks are refused. */
int net_resolv_conf(enum net_mode m, const struct net_names *n, char **ret, struct err *e);
int net_hosts(enum net_mode m, const struct net_names *n, char **ret, struct err *e);

#endif
