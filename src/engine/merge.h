/* SPDX-License-Identifier: Apache-2.0 */
/* The merge of image config and options into one struct spec. */
#ifndef UCTR_ENGINE_MERGE_H
#define UCTR_ENGINE_MERGE_H

#include "engine/engine.h"
#include "engine/mapping.h"
#include "engine/options.h"
#include "image/image.h"
#include "net/net.h"
#include "runtime/spec.h"

/* Every value taken from an image, checked; see image_policy.c. Owned. */
struct image_policy {
	char **env, **cmd, **entrypoint;
	char *workdir, *user;
	json_t *labels;
	int stop_signal; /* 0: none */
};
int image_policy_read(const struct image *img, struct image_policy *ret, struct err *e);
void image_policy_free(struct image_policy *p);

/* The outcome: the spec and what the engine keeps of the request besides. */
struct plan {
	struct spec spec;
	const struct mapping *mapping; /* borrowed */
	enum net_mode net;
	json_t *labels, *annotations;
	size_t n_entrypoint; /* of the command's words, those of the entry point */
	bool user_given; /* by -u or the image */
	int stop_signal;
	unsigned int stop_timeout;
	uint64_t timeout_ns; /* 0: none */
};
void plan_free(struct plan *p);
#define _cleanup_plan_ __attribute__((cleanup(plan_free)))

/*
 * img NULL: --rootfs, whose directory is already absolute in `rootfs`. `args` is the command line's
 * command. What needs the container's own directory (overlay, /etc files) is added by plan_place().
 */
int plan_make(struct engine *en, const struct container_opts *o, const struct mapping *map,
	const struct image *img, const char *rootfs, char *const *args, struct plan *ret,
	struct err *e);

/* merge_mounts.c */
int merge_mounts(const struct container_opts *o, struct plan *p, struct err *e);
int merge_devices(const struct container_opts *o, struct plan *p, struct err *e);
/* merge_security.c */
int merge_security(
	struct engine *en, const struct container_opts *o, struct plan *p, struct err *e);
/* merge_limits.c */
int merge_limits(struct engine *en, const struct container_opts *o, struct plan *p, struct err *e);
/* merge_caller.c: name and home of a caller who is himself inside; after all mounts are known */
int merge_caller(struct plan *p, struct err *e);
/* merge_env.c */
int merge_env(const struct container_opts *o, const struct image_policy *img, struct plan *p,
	struct err *e);
/* --env-file and --env onto env; "K" alone takes the caller's value. */
int merge_env_lists(char *const *files, char *const *list, char ***env, struct err *e);
int merge_labels(char *const *list, const char *flag, json_t **ret, struct err *e);

#endif
