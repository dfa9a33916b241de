/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C form of the OCI runtime-spec's config.json (version 1.0.2), the one input of the runtime.
 * The command line and an image's config become this struct; so does config.json. Fields that
 * config.json has no name for are marked "own".
 */
#ifndef UCTR_RUNTIME_SPEC_H
#define UCTR_RUNTIME_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/seccomp_profile.h"
#include "sys/caps.h"
#include "sys/cgroup.h"
#include "sys/idmap.h"

#define SPEC_VERSION "1.0.2"

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

/* Who runs it. Numbers, or (own) a string that the child resolves against the root's files. */
struct spec_user {
	uint32_t uid, gid;
	uint32_t *groups;
	size_t n_groups;
	bool has_umask;
	unsigned int umask;
	char *name; /* own: "name|uid[:group|gid]" as in USER; overrides uid and gid */
	char **group_names; /* own: --group-add, names or numbers */
	bool keep_groups; /* own: leave the caller's supplementary groups alone */
	bool make_passwd; /* own: give an unknown uid a passwd entry */
	/* own: who entry_uid is when the root's passwd does not know him; NULL: nobody in particular */
	char *entry_name, *entry_home;
	uint32_t entry_uid;
};

/* What one process in the container is given; start and exec use the same struct. */
struct spec_process {
	bool terminal;
	uint16_t rows, cols; /* 0: unknown */
	struct spec_user user;
	char **args, **env;
	char *cwd;
	bool make_cwd; /* own: WORKDIR of an image is made when missing, as docker does */
	bool has_caps;
	struct caps caps;
	/*
	 * own: permitted and the others follow from the resolved uid: root gets the bounding set,
	 * anybody else just caps_add, as ambient ones.
	 */
	bool caps_by_uid;
	uint64_t caps_add;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privs;
	bool has_oom_score_adj;
	int oom_score_adj;
	char *apparmor, *selinux;
	bool init; /* own: run below the embedded init */
};

enum spec_mount_kind {
	MOUNT_FS, /* a new file system of `type` */
	MOUNT_BIND, /* a copy of the tree or file at `source` */
};

struct spec_mount {
	enum spec_mount_kind kind;
	char *type, *source, *dest;
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_*, recursive for binds with `rec_attr` */
	bool recursive, rec_attr;
	unsigned long propagation; /* MS_PRIVATE ...; 0: private */
	char **data; /* "key", "value" pairs; value "" is a flag */
	bool resolved; /* own: no symlink is left in source; one that appears now is refused */
	bool idmapped; /* refused: kept so that the error can name it */
};

struct spec_ns {
	uint64_t flag; /* CLONE_NEW* */
	char *path; /* join instead of making */
};

struct spec_device {
	char *path; /* inside */
	char *source; /* own: on the host; NULL: the same path */
	char *access; /* own: "rwm" as asked; without w the bind is read-only */
	char type; /* 'c', 'b', 0: whatever the source is */
	int64_t major, minor; /* -1: not checked */
	bool optional;
};

/* The rungs of runtime/ladder.h. */
enum spec_root {
	ROOT_AUTO, /* the first that works */
	ROOT_OVERLAY,
	ROOT_TMPFS,
	ROOT_FUSE,
	ROOT_COPY,
};

struct emulate;

struct spec {
	struct spec_process process;
	/* root: a directory, or (own) overlay layers below an upper directory */
	char *root_path;
	bool root_readonly;
	char **lowers; /* own: lowest first; then upper and work are set too */
	char *upper, *work;
	bool ephemeral; /* own: the upper directory is thrown away afterwards */
	bool root_kept; /* own: with ROOT_COPY, root_path has an earlier start's copy */
	enum spec_root root; /* own: how layers become a root; root_path is for the lower rungs */
	uint64_t tmpfs_size; /* own: bytes of ROOT_TMPFS; 0: half of the memory */

	/*
	 * own: root of the namespace is not the caller, whose directories he may not be allowed to
	 * search: what the paths above and sources of binds name is opened with the caller's rights.
	 */
	bool caller_opens;

	char *hostname, *domainname;
	bool hostname_invented; /* by uctr: where it cannot be set, a note tells, and that is all */
	struct spec_mount *mounts;
	size_t n_mounts;
	json_t *annotations; /* object of strings, or NULL */

	struct spec_ns *ns;
	size_t n_ns;
	struct idmap map;
	struct spec_device *devices;
	size_t n_devices;
	char *cgroups_path;
	struct cgroup_limits limits;
	char **sysctl; /* "key=value" with dots */
	unsigned long rootfs_propagation;
	struct seccomp_prog seccomp;
	char **masked, **readonly;
	struct emulate *emulate; /* own: root emulation for one id (runtime/emulate.h); borrowed */
	bool host_sys; /* own: no own network namespace: /sys cannot be mounted anew (bind it) */
};

void spec_free(struct spec *s);

/* Appends a zeroed element (owned by s); NULL when memory is out. */
struct spec_mount *spec_add_mount(struct spec *s);
struct spec_device *spec_add_device(struct spec *s);
int spec_add_ns(struct spec *s, uint64_t flag, const char *path);
int spec_add_rlimit(struct spec_process *p, int resource, uint64_t soft, uint64_t hard);
int spec_add_group(struct spec_user *u, uint32_t gid);
const struct spec_ns *spec_find_ns(const struct spec *s, uint64_t flag);
void spec_process_free(struct spec_process *p);

/*
 * Applies mount options (fstab words, "rbind", "ro", "rslave", "size=64m" ...) to m. Refuses what
 * is not known for binds; for file systems an unknown word is data for the kernel.
 */
int spec_mount_option(struct spec_mount *m, const char *word, struct err *e);
int spec_mount_options(struct spec_mount *m, const char *comma_list, struct err *e);

/* "private", "rslave" ...: MS_PRIVATE, MS_SLAVE | MS_REC ...; 0 when it is none of them. */
unsigned long spec_propagation(const char *word);

/* What containers do not see or may not write by default (ended by NULL). */
extern const char *const spec_masked_paths[], *const spec_readonly_paths[];

/* "RLIMIT_NOFILE" or "nofile": RLIMIT_*; -EINVAL. Name by number or NULL. */
int rlimit_from_name(const char *name);
const char *rlimit_name(int resource);

/*
 * config.json to spec. `bundle` makes relative paths absolute; seccomp profiles are compiled with
 * the cache below cache_dirfd (-1: none). Refuses by name what the runtime does not do (hooks,
 * idmapped mounts, time namespaces ...), never ignores it.
 */
int spec_from_json(
	json_t *config, const char *bundle, int cache_dirfd, struct spec *ret, struct err *e);

/* The default config.json of `uctr-oci spec`; rootless: with a user namespace of one id. */
json_t *spec_default_json(bool rootless);

#endif
