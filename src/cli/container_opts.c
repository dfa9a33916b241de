/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of a container. */
#include "cli/container_opts.h"

#define S struct container_opts
const struct opt container_opts[] = { OPT_LIST(0, "add-host", S, add_host, "NAME:IP",
					      "add a line to /etc/hosts (IP may be host-gateway)"),
	OPT_LIST(0, "annotation", S, annotations, "KEY=VALUE", "add an OCI annotation"),
	OPT_LIST(0, "cap-add", S, cap_add, "CAP", "add a capability, or ALL"),
	OPT_LIST(0, "cap-drop", S, cap_drop, "CAP", "drop a capability, or ALL"),
	OPT_STR(0, "authfile", S, authfile, "FILE", "take credentials for the registry from FILE"),
	OPT_STR(0, "cidfile", S, cidfile, "FILE", "write the container's id to a new file"),
	OPT_STR(0, "cpus", S, cpus, "N", "limit CPU time to N processors (0.5, 2)"),
	OPT_FLAG('d', "detach", S, detach, "run in the background and print the container's id"),
	OPT_LIST(
		0, "device", S, devices, "HOST[:CTR][:rwm]", "make a device of the host available"),
	OPT_LIST(0, "dns", S, dns, "IP", "use this name server"),
	OPT_ALIAS(0, "dns-option", "dns-opt", OPT_T_LIST, S, dns_option, "OPTION",
		"set a resolver option"),
	OPT_LIST(0, "dns-search", S, dns_search, "DOMAIN", "search this domain ('.' for none)"),
	OPT_STR(0, "entrypoint", S, entrypoint, "CMD",
		"replace the image's entry point ('' for none)"),
	OPT_LIST('e', "env", S, env, "K[=V]", "set a variable, or pass the caller's on"),
	OPT_LIST(0, "env-file", S, env_file, "FILE", "read variables from a file"),
	OPT_FLAG(0, "explain", S, explain, "print the plan instead of running it"),
	OPT_LIST(0, "gidmap", S, gidmap, "CTR:HOST[:N]", "map group ids, as --uidmap does"),
	OPT_LIST(0, "group-add", S, group_add, "GROUP",
		"add a group, or keep-groups for the caller's"),
	OPT_STR('h', "hostname", S, hostname, "NAME", "set the host name"),
	OPT_FLAG(0, "init", S, init, "run an init as pid 1 that reaps and forwards signals"),
	OPT_FLAG('i', "interactive", S, interactive, "pass standard input on"),
	OPT_LIST('l', "label", S, labels, "KEY=VALUE", "add a label"),
	OPT_STR('m', "memory", S, memory, "SIZE", "limit memory (512m, 2g)"),
	OPT_LIST(0, "mount", S, mounts, "SPEC",
		"mount: type=bind|tmpfs,source=,target=,readonly ..."),
	OPT_STR(0, "name", S, name, "NAME", "name the container"),
	OPT_ALIAS(0, "network", "net", OPT_T_STR, S, network, "MODE", "none, host or slirp4netns"),
	OPT_STR(0, "platform", S, platform, "OS/ARCH[/VARIANT]",
		"pull and run the image for another platform"),
	OPT_STR(0, "pull", S, pull, "POLICY",
		"ask the registry 'always', when the image is 'missing' (default), 'never', or for "
		"one that is 'newer'"),
	OPT_STR(0, "pidfile", S, pidfile, "FILE",
		"write the pid of the container's init to a new file"),
	OPT_STR(0, "pids-limit", S, pids_limit, "N",
		"limit the number of processes (-1: none; default 2048)"),
	OPT_FLAG(0, "privileged", S, privileged,
		"all capabilities, no filter, nothing masked; never more than the caller's own "
		"rights"),
	OPT_LIST('p', "publish", S, publish, "SPEC",
		"not available in this version; refused by name"),
	OPT_FLAG('P', "publish-all", S, publish_all,
		"not available in this version; refused by name"),
	OPT_FLAG(0, "read-only", S, read_only,
		"make the root read-only, with tmpfs on /run, /tmp and /var/tmp"),
	OPT_FLAG(0, "replace", S, replace, "remove an older container of the same name first"),
	OPT_FLAG(0, "rm", S, rm, "remove the container when it ends"),
	OPT_FLAG(0, "rootfs", S, rootfs, "IMAGE is a directory to use as the root itself"),
	OPT_LIST(0, "security-opt", S, security_opt, "OPT",
		"no-new-privileges, seccomp=FILE|unconfined, unmask=ALL|PATH, "
		"systempaths=unconfined, apparmor=, label=disable, nesting"),
	OPT_STR(0, "shm-size", S, shm_size, "SIZE", "size of /dev/shm (default 64m)"),
	OPT_STR(0, "stop-signal", S, stop_signal, "SIGNAL",
		"signal that 'uctr stop' sends first (default TERM)"),
	OPT_STR(0, "stop-timeout", S, stop_timeout, "SECONDS",
		"time 'uctr stop' gives before KILL (default 10)"),
	OPT_LIST(0, "storage-opt", S, storage_opt, "KEY=VALUE",
		"root file system: driver=auto|overlay|tmpfs|fuse-overlayfs|copy, size= (of "
		"tmpfs)"),
	OPT_LIST(0, "sysctl", S, sysctl, "KEY=VALUE",
		"set a kernel parameter of the container's namespaces"),
	OPT_STR(0, "timeout", S, timeout, "TIME", "kill the container after this time (90, 5m)"),
	OPT_LIST(0, "tmpfs", S, tmpfs, "DIR[:OPTIONS]", "mount a tmpfs (size=, mode=, ...)"),
	OPT_FLAG('t', "tty", S, tty, "give the process a terminal"),
	OPT_STR(0, "tz", S, tz, "ZONE", "set the time zone (Europe/Berlin, local)"),
	OPT_LIST(0, "uidmap", S, uidmap, "CTR:HOST[:N]",
		"map N user ids from CTR on to HOST on: 0 is the caller, 1 and up his ranges; @ID "
		"is the host's number"),
	OPT_LIST(0, "ulimit", S, ulimit, "NAME=SOFT[:HARD]", "set a resource limit"),
	OPT_STR(0, "umask", S, umask, "OCTAL", "set the umask (default 0022)"),
	OPT_STR(0, "userns", S, userns, "MODE",
		"ids of the container: full (or host: root is the caller, then his ranges), "
		"keep-id[:uid=N,gid=N,size=N] (the caller is himself, or N), nomap (the ranges "
		"alone), auto[:size=N] (ids that no other container has), one (the caller alone); "
		"by default "
		"keep-id for the container's user where that is not root and a volume is the "
		"caller's, else full"),
	OPT_STR('u', "user", S, user, "USER[:GROUP]", "run as this user, by name or number"),
	OPT_LIST('v', "volume", S, volumes, "SRC:DIR[:OPTIONS]",
		"mount a file or directory of the host (ro, rw, z, Z, rslave ...)"),
	OPT_STR('w', "workdir", S, workdir, "DIR", "set the working directory"), OPT_END };
#undef S
