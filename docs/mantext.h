/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of uctr(1) that no command table holds. Included by docs/mkman.c alone. */
#ifndef UCTR_DOCS_MANTEXT_H
#define UCTR_DOCS_MANTEXT_H

struct man_pair {
	const char *name, *text; /* ended by a NULL name */
};

static const char man_description[] =
	"uctr runs commands in containers: with a root file system from an image, with their own "
	"processes, users, network and host name, and with limits where the host lets it set them. "
	"It needs no root and no daemon. Each container is held by one small monitor process and "
	"ends with it.\n\n"
	"The grammar of commands and flags is that of docker. Options of run and exec end at the "
	"first operand, so flags behind the image or the container's name are the command's own. A "
	"flag takes its value as --flag VALUE or --flag=VALUE; flags without a value also take "
	"=true and =false, and short ones may be combined.\n\n"
	"Containers are named by name, by full id or by a unique beginning of the id. Images are "
	"named by name and tag, or by a beginning of the id.\n\n"
	"When a start fails, one line says which object failed, why, and what cures it. uctr "
	"doctor "
	"looks at the whole host.";

static const char man_oci[] =
	"Called as uctr-oci, the program is an OCI runtime: it runs a bundle, a directory with a "
	"config.json of the OCI runtime specification and a root file system. It makes exactly the "
	"namespaces that the bundle lists. What a config.json asks for and uctr-oci does not do is "
	"refused by name. Options before the verb are listed by uctr-oci --help.";

static const char man_exit_intro[] =
	"Commands return 0 when they did what was asked. run and exec in the foreground, and wait, "
	"return or print the exit code of the container's command.";

static const struct man_pair man_exit[] = {
	{ "1", "doctor: run will not work on this host." },
	{ "125", "uctr itself failed: a wrong flag, an unknown image, a host that lacks "
		 "something." },
	{ "126", "The command was found but could not be executed." },
	{ "127", "The command was not found in the container." },
	{ "128+N", "The command was ended by signal N." },
	{ NULL, NULL },
};

static const struct man_pair man_environment[] = {
	{ "HOME, XDG_DATA_HOME",
		"Images and containers are kept in $XDG_DATA_HOME/uctr, by default "
		"~/.local/share/uctr." },
	{ "NO_COLOR", "When set, doctor prints no colours." },
	{ "UCTR_DATA",
		"Names the directory for images and containers, in place of the default. It should "
		"lie on a local disk." },
	{ "UCTR_IMAGES", "The directory of images that are bundled with uctr." },
	{ "UCTR_MAP_BUDGET",
		"How long run may take to make the layers of an image for the map that it chooses "
		"without --userns, as 500ms; by default 1s. With 0 it is chosen only where the "
		"layers exist." },
	{ "UCTR_MAX_LAYER_SIZE",
		"What one layer of an image may unpack to, as 20g; by default 64g. Larger ones are "
		"refused." },
	{ "UCTR_TRACE",
		"When 1, the time of every stage of a start is printed on standard error." },
	{ "XDG_RUNTIME_DIR", "The state of running containers is kept in $XDG_RUNTIME_DIR/uctr. "
			     "When it is not set "
			     "or not private, /run/user/UID and then /tmp/uctr-UID is used." },
	{ NULL, NULL },
};

static const struct man_pair man_files[] = {
	{ "/etc/subuid, /etc/subgid", "The ranges of user and group ids that the administrator "
				      "lets each user have inside "
				      "containers." },
	{ "~/.local/share/uctr", "Images and containers." },
	{ "$XDG_RUNTIME_DIR/uctr", "State of running containers; gone after a reboot." },
	{ NULL, NULL },
};

static const struct man_pair man_examples[] = {
	{ "uctr doctor", "Ask whether this host is ready:" },
	{ "uctr run --rm -it busybox sh", "A shell in a container that is removed at its end:" },
	{ "uctr run -d --init --name web -v ./site:/www:ro busybox httpd -f -h /www\n"
	  "uctr logs -f web\nuctr exec -it web sh\nuctr stop web && uctr rm web",
		"A service in the background, with a directory of the host, then its log, a shell "
		"inside it and its end:" },
	{ "uctr run --rm --cpus 0.5 --memory 256m --pids-limit 100 busybox sh -c 'make -j'",
		"Limits:" },
	{ "mmdebstrap --variant=minbase bookworm - | uctr import - debian\n"
	  "uctr run --rm -it debian bash",
		"A root file system as an image:" },
	{ "uctr ps -a --format 'table {{.ID}}\\t{{.Names}}\\t{{.Status}}'",
		"Columns of one's own choice:" },
	{ "uctr inspect web\nuctr inspect -f '{{.State.Status}} {{.Userns.UidMap}}' web",
		"Everything about a container, or some of it:" },
	{ NULL, NULL },
};

#endif
