/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child side of a start: a table of stages, run in order. It begins as pid 1 of the new pid
 * namespace (when there is one), with the host's file system still in view, and ends in execve.
 * Path strings are used on the host's tree only for what the caller named; from "pivot" on, the
 * host's tree is gone and whatever the image planted resolves inside its own root.
 */
#include "runtime/child.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/red.h"
#include "base/trace.h"
#include "runtime/sync.h"
#include "sys/inroot.h"
#include "sys/mount.h"
#include "sys/ns.h"
#include "sys/syscalls.h"

/*
 * requires: cloned. leaves: ids 0:0 of the new user namespace, no dump, no ptrace by anybody in
 * it. must not: touch a path before ids are mapped.
 */
static int stage_ids(struct child *c, struct err *e)
{
	int r = sync_expect(c->sync, SYNC_MAPPED, NULL, NULL, e);

	if (r < 0)
		return r;
	r = process_early(&c->process, e);
	if (r < 0)
		return r;
	if (c->spec->caller_opens && (r = paths_open(c, e)) < 0)
		return r;
	if (spec_find_ns(c->spec, CLONE_NEWUSER) &&
		(setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		return err_set(e, -errno, "become root of the user namespace");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(e, -errno, "PR_SET_DUMPABLE");
	/* A session of its own: no controlling terminal of the caller to push input into (G1). */
	if (!red_off("session") && setsid() < 0)
		return err_set(e, -errno, "setsid");
	return 0;
}

/* requires: in the container's cgroup. leaves: a cgroup namespace rooted there; joined ones. */
static int stage_namespaces(struct child *c, struct err *e)
{
	const struct spec_ns *cg = spec_find_ns(c->spec, CLONE_NEWCGROUP);

	for (size_t i = 0; i < c->spec->n_ns; i++) {
		const struct spec_ns *ns = &c->spec->ns[i];
		_cleanup_fd_ int fd = -1;

		if (!ns->path)
			continue;
		fd = open(ns->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, (int)ns->flag) < 0)
			return err_set(e, -errno, "join namespace %s", ns->path);
	}
	if (cg && !cg->path && unshare(CLONE_NEWCGROUP) < 0)
		return err_set(e, -errno, "unshare the cgroup namespace");
	return 0;
}

static int loopback_up(struct err *e)
{
	_cleanup_fd_ int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strncpy(ifr.ifr_name, "lo", sizeof(ifr.ifr_name) - 1);
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		return err_set(e, -errno, "bring up the loopback interface");
	return 0;
}

/* leaves: the host name; the network namespace on its way. */
static int stage_host(struct child *c, struct err *e)
{
	const struct spec *s = c->spec;
	const struct spec_ns *net = spec_find_ns(s, CLONE_NEWNET);

	if (net && !net->path && !c->l->wants_netns) {
		int r = netns_begin(&c->net, e);

		if (r < 0)
			return r;
		c->net_begun = true;
	}
	if (!spec_find_ns(s, CLONE_NEWUTS))
		return 0;
	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0) {
		err_set(e, -errno, "set host name '%s'", s->hostname);
		if (!s->hostname_invented)
			return e->code;
		/* Nobody asked for this one: filters of other engines forbid the call. */
		err_hint(e, "the container has the host name of what is around it");
		sync_send_note(c->sync, e);
		*e = (struct err)ERR_INIT;
	}
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return err_set(e, -errno, "set domain name '%s'", s->domainname);
	return 0;
}

/* leaves: one thread again, in the container's network namespace, with its loopback up. */
static int stage_network(struct child *c, struct err *e)
{
	const struct spec_ns *net = spec_find_ns(c->spec, CLONE_NEWNET);
	int r = c->net_begun ? netns_end(&c->net, e) : 0;

	return r == 0 && net && !net->path ? loopback_up(e) : r;
}

/* requires: all sources opened. leaves: the new root at "/". must not: name a host path after. */
static int stage_pivot(struct child *c, struct err *e)
{
	return mount_pivot(c->root, e);
}

/* requires: everything mounted. leaves: uid, gid, groups, HOME known; terminal open. */
static int stage_user(struct child *c, struct err *e)
{
	int r = user_resolve(c->root, c->spec, &c->process, e);

	if (r < 0 || !c->process.terminal)
		return r;
	return devices_terminal(c->root, true, &c->process, &c->master, &c->slave, e);
}

/* requires: a finished container. leaves: the parent's word to go on. */
static int stage_park(struct child *c, struct err *e)
{
	int r = sync_send(c->sync, SYNC_READY, 0, c->master, e);

	fd_closep(&c->master);
	return r < 0 ? r : sync_expect(c->sync, SYNC_START, NULL, NULL, e);
}

/* requires: the word. must not: return when it succeeds. */
static int stage_exec(struct child *c, struct err *e)
{
	int tty[3] = { c->slave, c->slave, c->slave };

	return process_exec(
		c->spec, &c->process, c->slave >= 0 ? tty : c->l->stdio, c->l->seal_exe, e);
}

static const struct stage stages[] = {
	{ "ids", stage_ids },
	{ "namespaces", stage_namespaces },
	{ "host name", stage_host },
	{ "root file system", rootfs_mount_root },
	{ "network", stage_network },
	{ "mount sources", rootfs_open_sources },
	{ "device sources", devices_open },
	{ "sysctl", rootfs_sysctl },
	{ "pivot", stage_pivot },
	{ "mounts", rootfs_attach },
	{ "devices", devices_attach },
	{ "masked and read-only paths", rootfs_masks },
	{ "user", stage_user },
	{ "read-only root", rootfs_finish },
	{ "park", stage_park },
	{ "process", stage_exec },
};

/* Red control of A9 and A10: mounts and devices are attached before the host's tree is gone. */
static int (*red_order(int (*fn)(struct child *, struct err *)))(struct child *, struct err *)
{
	return fn == stage_pivot      ? rootfs_attach
	       : fn == rootfs_attach  ? devices_attach
	       : fn == devices_attach ? stage_pivot
				      : fn;
}

/* Tests make a stage fail by name; "@NAME" ends the child there without a word. */
static int injected(const char *name, struct err *e)
{
	const char *want = getenv("UCTR_FAIL_STAGE");

	if (!want || !*want)
		return 0;
	if (want[0] == '@' && streq(want + 1, name))
		_exit(1); /* pid 1 of its namespace cannot kill itself by a signal */
	return streq(want, name) ? err_msg(e, -EIO, "failure asked for by UCTR_FAIL_STAGE") : 0;
}

void child_main(const struct launch *l, int sync)
{
	struct child c = { .l = l,
		.spec = l->spec,
		.sync = sync,
		.root = -1,
		.null = { .fd = -1 },
		.empty = { .fd = -1 },
		.proc = -1,
		.master = -1,
		.slave = -1,
		.process = l->spec->process };
	struct err e = ERR_INIT;

	trace_who("child");
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		int r = injected(stages[i].name, &e);

		if (r == 0)
			r = (red_off("pivot") ? red_order(stages[i].fn) : stages[i].fn)(&c, &e);
		if (r < 0) {
			/* What the person did wrong needs no stage; what went wrong inside does. */
			if (!e.exit)
				err_wrap(&e, r, "container setup, stage '%s'", stages[i].name);
			sync_send_error(sync, &e);
			_exit(125);
		}
		trace("%s", stages[i].name);
	}
	_exit(125);
}
