/* SPDX-License-Identifier: Apache-2.0 */
/* uctr inspect: everything that is known of containers and images. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/template.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/warn.h"
#include "engine/inspect.h"

struct inspect_args {
	char *format, *type;
};

#define S struct inspect_args
static const struct opt inspect_opts[] = { OPT_STR('f', "format", S, format, "FORMAT",
						   "json, or a Go template such as "
						   "'{{.State.Status}}'"),
	OPT_STR(0, "type", S, type, "TYPE",
		"container or image (default: a container, else an image)"),
	OPT_END };
/* The same without --type. */
static const struct opt inspect_one_opts[] = { OPT_STR('f', "format", S, format, "FORMAT",
						       "json, or a Go template such as "
						       "'{{.Id}}'"),
	OPT_END };
#undef S

static int inspect_container(struct engine *en, const char *name, json_t **ret, struct err *e)
{
	_cleanup_container_ struct container c = CONTAINER_INIT;
	int r = container_find(en, name, &c, e);

	return r < 0 ? r : container_inspect(&c, ret, e);
}

static int inspect_one(
	struct engine *en, const char *type, const char *name, json_t **ret, struct err *e)
{
	_cleanup_free_ char *clean = NULL;
	struct err image = ERR_INIT;
	int r = -ENOENT;

	if (!type || streq(type, "container"))
		r = inspect_container(en, name, ret, e);
	if (r != -ENOENT || (type && streq(type, "container")))
		return r;
	r = image_inspect(&en->images, name, ret, &image);
	/* What cannot be an image's name may have been meant for a container; an id is told apart. */
	if (r == -EINVAL && name[strspn(name, "0123456789abcdef")])
		r = type ? r : -ENOENT;
	if (r == 0 || type || r != -ENOENT) {
		*e = image;
		return r;
	}
	clean = str_sanitise(name);
	return err_msg(e, r,
		"no such container or image: %.140s; 'uctr ps -a' and 'uctr images' list them",
		clean ? clean : "");
}

static int print(json_t *all, const char *format, struct err *e)
{
	json_t *o;
	size_t i;
	int r = 0;

	if (streq(format, "json"))
		return output_object(all, format, e);
	json_array_foreach (all, i, o) {
		if (r == 0)
			r = output_object(o, format, e);
	}
	return r;
}

/* As docker: what was found is printed, then what was not is told; the exit code is 1. */
static int inspect_all(const struct inspect_args *a, char **operands, struct err *e)
{
	const char *format = a->format && *a->format ? a->format : "json";
	_cleanup_engine_ struct engine en = ENGINE_INIT;
	_cleanup_json_ json_t *all = json_array();
	struct err first = ERR_INIT;
	int r = 0, failed = 0;

	if (a->type && !streq(a->type, "container") && !streq(a->type, "image"))
		return err_msg(e, -EINVAL, "--type '%.60s': want container or image", a->type);
	r = template_check(format, e);
	if (r < 0)
		return err_wrap(e, r, "--format");
	r = engine_open(&en, e);
	if (r < 0)
		return r;
	strv_foreach (name, operands) {
		struct err one = ERR_INIT;
		json_t *o = NULL;

		if (inspect_one(&en, a->type, name, &o, &one) == 0)
			r = json_array_append_new(all, o) < 0 ? -ENOMEM : r;
		else if (failed++ == 0)
			first = one;
		else
			engine_warn(&en, "%s", one.msg);
	}
	r = r < 0 ? err_set(e, r, "inspect") : print(all, format, e);
	warn_flush(&en);
	if (r < 0 || !failed)
		return r;
	*e = first;
	return err_exit(e, 1);
}

static int inspect(void *args, char **operands, struct err *e)
{
	return inspect_all(args, operands, e);
}

static int inspect_images(void *args, char **operands, struct err *e)
{
	char type[] = "image";
	struct inspect_args a = { .format = ((struct inspect_args *)args)->format, .type = type };

	return inspect_all(&a, operands, e);
}

static int inspect_containers(void *args, char **operands, struct err *e)
{
	char type[] = "container";
	struct inspect_args a = { .format = ((struct inspect_args *)args)->format, .type = type };

	return inspect_all(&a, operands, e);
}

const struct command cmd_inspect = {
	.name = "inspect",
	.summary = "Show everything that is known of containers and images",
	.operands = "NAME...",
	.about = "Prints a JSON array of objects with docker's names for what they hold, or a "
		 "line for each by a template. What uctr does not know is left out. Userns tells "
		 "which ids a container has: how they were asked for, why they are so when nobody "
		 "asked, and the map as INSIDE:OUTSIDE:COUNT. For a name that does not exist the "
		 "exit code is 1; the others are shown all the same.",
	.min = 1,
	.max = -1,
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.run = inspect,
};

const struct command cmd_image_inspect = {
	.name = "inspect",
	.summary = "Show everything that is known of images",
	.operands = "IMAGE...",
	.about = "As inspect --type image.",
	.min = 1,
	.max = -1,
	.opts = inspect_one_opts,
	.args_size = sizeof(struct inspect_args),
	.run = inspect_images,
};

const struct command cmd_container_inspect = {
	.name = "inspect",
	.summary = "Show everything that is known of containers",
	.operands = "CONTAINER...",
	.about = "As inspect --type container.",
	.min = 1,
	.max = -1,
	.opts = inspect_one_opts,
	.args_size = sizeof(struct inspect_args),
	.run = inspect_containers,
};
