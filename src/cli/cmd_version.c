/* SPDX-License-Identifier: Apache-2.0 */
/* uctr version: versions as docker's clients print them; there is no server, so both are uctr. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/output.h"
#include "uctr/version.h"

struct version_args {
	char *format;
};

static const struct opt version_opts[] = {
	OPT_STR('f', "format", struct version_args, format, "FORMAT",
		"json, or a Go template such as '{{.Client.Version}}'"),
	OPT_END,
};

/* The name that Go, and so docker and OCI images, give this machine. */
static const char *go_arch(const char *machine)
{
	static const char *const names[][2] = { { "x86_64", "amd64" }, { "aarch64", "arm64" },
		{ "armv7l", "arm" }, { "i686", "386" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(machine, names[i][0]))
			return names[i][1];
	}
	return machine;
}

static int run(void *p, char **operands, struct err *e)
{
	struct version_args *a = p;
	_cleanup_json_ json_t *v = NULL;
	_cleanup_str_ struct str b = { 0 };
	struct utsname u = { 0 };
	const char *arch;

	(void)operands;
	if (uname(&u) < 0)
		return err_set(e, -errno, "uname");
	arch = go_arch(u.machine);
	v = json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s}, s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s}}", "Client",
		"Version", UCTR_VERSION, "APIVersion", UCTR_API_VERSION, "DefaultAPIVersion",
		UCTR_API_VERSION, "Os", "linux", "Arch", arch, "OCISpec", UCTR_OCI_SPEC_VERSION,
		"Server", "Version", UCTR_VERSION, "APIVersion", UCTR_API_VERSION, "MinAPIVersion",
		UCTR_API_VERSION_MIN, "Os", "linux", "Arch", arch, "KernelVersion", u.release,
		"OCISpec", UCTR_OCI_SPEC_VERSION);
	if (!v)
		return err_set(e, -ENOMEM, "version");
	if (a->format)
		return output_object(v, a->format, e);
	if (str_addf(&b,
		    "Client: uctr (rootless, no daemon)\n"
		    " Version:           %s\n"
		    " API version:       %s\n"
		    " OCI runtime spec:  %s\n"
		    " OS/Arch:           linux/%s\n"
		    " Kernel:            %s\n",
		    UCTR_VERSION, UCTR_API_VERSION, UCTR_OCI_SPEC_VERSION, arch, u.release) < 0)
		return err_set(e, -ENOMEM, "version");
	return output_text(b.s, b.len, e);
}

const struct command cmd_version = {
	.name = "version",
	.summary = "Print the versions of uctr and of what it follows",
	.operands = "",
	.about = "Prints the version of uctr, of the docker API whose grammar it follows and of "
		 "the OCI "
		 "runtime specification. Templates find the same values under .Client and .Server, "
		 "as "
		 "scripts written for docker expect; there is no server.",
	.opts = version_opts,
	.args_size = sizeof(struct version_args),
	.run = run,
};
