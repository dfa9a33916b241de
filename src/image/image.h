/* SPDX-License-Identifier: Apache-2.0 */
/* Images as the store keeps them: names, configs, layer trees by ownership form. */
#ifndef UCTR_IMAGE_IMAGE_H
#define UCTR_IMAGE_IMAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/idmap.h"

/*
 * The store: `dirfd` is the user's data directory ($XDG_DATA_HOME/uctr), made and verified by
 * sys/dirs. `form` names the ownership form of layer trees (the id map they are unpacked for, see
 * sys/idmap). `userns_fd` is the user namespace with that map, in which layers are unpacked and
 * removed, or -1 where none was needed yet; image functions that write trees call `userns` to get
 * one (borrowed; the caller of the image functions closes it at the end). With `record_owners`, a
 * file of an owner that the map lacks belongs to root, and uctr/owner.h says to whom it should.
 */
struct image_store {
	int dirfd;
	const char *form;
	int userns_fd;
	bool record_owners;
	const struct idmap *shift; /* image ids to those of the user namespace; NULL: the same */
	const char *base_form; /* with `shift`: the form without one, or NULL */
	int (*userns)(struct image_store *s, struct err *e); /* fills userns_fd: 0 or error */
	/* Appends the ids of images that containers use. Called with the store's lock held; or NULL */
	int (*in_use)(struct image_store *s, char ***ids, struct err *e);
	void (*warn)(struct image_store *s, const char *line); /* told once or more; may be NULL */
	void *ctx;
	const char *shared; /* path of an additional store, which is only read; NULL: it is none */
	struct additional *additional; /* those of storage.conf, once they were looked at */
};
/* Ends what image functions keep in it; dirfd and userns_fd are the caller's. */
void image_store_end(struct image_store *s);

/* One image. All strings owned; config is hostile content as it came from the image. */
struct image {
	char *id; /* 64 hex digits: the config blob's sha256 */
	char *name; /* "docker.io/library/busybox:latest" or "localhost/x:latest" */
	json_t *config; /* OCI image config (the whole blob, parsed) */
	char **layers; /* absolute paths of the layer trees for the store's form, lowest first */
	int64_t created; /* seconds since the epoch, when it entered the store */
	uint64_t size; /* bytes of the unpacked layers */
};

void image_free(struct image *img);
#define _cleanup_image_ __attribute__((cleanup(image_free)))

/*
 * Finds an image by name (busybox, localhost/x:tag, name@digest) or by id prefix (>= 3 hex
 * digits, unique), and makes its layer trees in the store's form when they are missing. Names
 * resolve in the order: exact, localhost/NAME, docker.io/library/NAME; tag latest by default. A name
 * that the store does not have is looked up in the additional stores of storage.conf; one that is
 * bundled with uctr (an OCI layout below bundled_image_dir()) enters the store first. -ENOENT with a message that names the image and
 * the cure ("uctr images", "uctr import") otherwise. Reads two files when the image is there.
 */
int image_get(struct image_store *s, const char *name, struct image *ret, struct err *e);

/*
 * Has img, from image_get(), stand on layers of the form that the store has now. Missing ones are
 * made, all or none, within `budget_ns`: else -ETIME, and neither img nor the store has changed.
 */
int image_reform(struct image_store *s, struct image *img, uint64_t budget_ns, struct err *e);

/* Is the image with this id still there? One call. */
bool image_exists(struct image_store *s, const char *id);

/* The id that a name or id prefix means for the store as it is: nothing is made or fetched. */
int image_find(struct image_store *s, const char *name, char **ret_id, struct err *e);

/*
 * Imports a root file system as tar (plain, gzip, zstd, xz, bzip2) from `path`, or from standard
 * input when it is "-", as image `name` with one layer and a config made from `changes` (docker's
 * --change: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR). An image that
 * loses the name by this stays without one. Returns the new image's id (owned).
 */
struct image_import {
	const char *path;
	const char *name; /* NULL: the image gets none */
	char *const *changes; /* or NULL */
	const char *message; /* the comment in its history; NULL: a default */
};
int image_import(
	struct image_store *s, const struct image_import *what, char **ret_id, struct err *e);

/*
 * All images, a JSON array of {Id, Digest (of the manifest), Names[] (none: empty), Digests[] (of each
 * name: one image may have come with several manifests), Created
 * (by its config, seconds), Entered (the store), Size, Labels{}, ReadOnly (it is in an additional
 * store)}, newest first. Ids and digests are 64 hex digits.
 */
int image_list(struct image_store *s, json_t **ret, struct err *e);

/*
 * One image under docker's names (Id, RepoTags, Size, Created, Config, RootFS ...), found as by
 * image_find(): values of the config are as hostile as the image. New reference in *ret.
 */
int image_inspect(struct image_store *s, const char *name, json_t **ret, struct err *e);

/*
 * Removes a name, and the image with its unreferenced layers when it was the last one.
 * One that containers use (image_store.in_use) is refused with -EBUSY unless force (force
 * removes the name; layers that a container needs stay until it is gone). Ids of what went away are
 * appended to *ret_removed as lines "Untagged: NAME" / "Deleted: ID". What an image held goes aside at
 * once and is removed from the disk by image_clear().
 */
int image_remove(
	struct image_store *s, const char *name, bool force, char ***ret_removed, struct err *e);

/*
 * Gives an image (found as by image_get, also a bundled one) further names: [HOST/]NAME[:TAG], where a
 * name without host becomes localhost/NAME. An image that loses one by that stays, without it. All
 * names are checked before the first is given.
 */
int image_tag(struct image_store *s, const char *name, char *const *new_names, struct err *e);
/*
 * Takes names away, all of them when `names` is NULL; the image itself stays. Appends lines "Untagged:
 * NAME" to *ret_removed.
 */
int image_untag(struct image_store *s, const char *name, char *const *names, char ***ret_removed,
	struct err *e);

/*
 * The steps of the config's history, newest first: {Id ("<missing>" but for the newest), Created
 * (seconds, 0: not known), CreatedBy, Comment, Size, Layer (diff id; "" when no file changed),
 * Tags[]}. Texts are as hostile as the image.
 */
int image_history(struct image_store *s, const char *name, json_t **ret, struct err *e);

/* Which images go that no container uses. */
struct image_prune {
	bool all; /* those with names too */
	int64_t before; /* only images built before; 0: any */
	char *const *labels, *const *not_labels; /* KEY or KEY=VALUE; all must fit, none may */
};
/* Lines as of image_remove(); *ret_space: bytes that are freed. */
int image_prune(struct image_store *s, const struct image_prune *what, char ***ret_removed,
	uint64_t *ret_space, struct err *e);

/* What images may take together. */
struct image_budget {
	uint64_t bytes;
	uint64_t before, after; /* what they took: kept blobs, and trees in all forms */
};
/*
 * Where they take more, images go that no container uses, with a name or not, the one first that was
 * used last the longest ago; never one that was used within the last minute. Lines as of image_remove().
 */
int image_budget(struct image_store *s, struct image_budget *b, char ***ret_removed, struct err *e);

/*
 * Writes images to an archive or directory: format docker-archive, oci-archive, oci-dir or docker-dir
 * (one image). The path "-" is standard output. An archive of that name is replaced when the new one
 * is complete; an OCI layout that is there keeps its other images.
 */
struct image_save {
	const char *format, *path;
	char *const *images; /* names or ids; an id is saved without a name */
};
int image_save(struct image_store *s, const struct image_save *what, struct err *e);

/*
 * Brings all images of an archive (docker-archive or oci-archive, compressed or not; "-": standard
 * input), OCI layout or dir into the store. -EEXIST when a name of it is another image here, unless
 * `replace`. Appends "Loaded image: NAME" or "Loaded image ID: ID" to *ret_lines.
 */
struct image_load {
	const char *path;
	bool replace;
	const struct fetch_watch *watch; /* or NULL */
};
int image_load(
	struct image_store *s, const struct image_load *what, char ***ret_lines, struct err *e);

/* Does anything wait for removal? One look at each directory of the store. */
bool image_clear_waits(struct image_store *s);
/*
 * Removes it, which may take long, or leaves that to a process that does so already. What cannot be
 * removed stays for the next one.
 */
void image_clear(struct image_store *s);

/* How registries are spoken to. Strings borrowed, NULL when not given. */
struct remote_options {
	const char *authfile; /* the one file with credentials */
	const char *user, *password; /* instead of stored ones */
	const char *cert_dir; /* one more directory of certificates */
	bool tls_verify, tls_verify_given; /* false: as a registry listed insecure */
};

enum pull_policy {
	PULL_ALWAYS, /* ask the registry; fail when it has no answer */
	PULL_MISSING, /* only when the store has no such image */
	PULL_NEVER,
	PULL_NEWER, /* when the registry has another one; what is there does when it has no answer */
};
/* always, missing (also ifnotpresent), never, newer. */
int pull_policy_parse(const char *text, enum pull_policy *ret, struct err *e);

/* What a fetch does, as it does it; called often, from one thread. */
enum fetch_state {
	FETCH_WAITING, /* for its turn, or for another process that fetches the same blob */
	FETCH_RUNNING,
	FETCH_DONE,
	FETCH_PRESENT, /* it was there already */
};
struct fetch_layer {
	enum fetch_state state;
	const char *digest; /* hex digits */
	uint64_t done, size; /* bytes of the blob */
};
struct fetch_watch {
	/* All layers, lowest first; at least when a state changes, and every `interval_ms`. */
	void (*show)(void *ctx, const struct fetch_layer *layers, size_t n);
	void *ctx;
	int interval_ms;
};

struct image_pull {
	const char *name;
	enum pull_policy policy;
	const char *platform; /* OS/ARCH[/VARIANT]; NULL: this machine's */
	struct remote_options remote;
	const struct fetch_watch *watch; /* or NULL */
};
/*
 * Makes sure that the image of a registry is in the store, by policy. A name without registry is
 * looked up as registries.conf says, which is at docker.io when it says nothing. *ret_name: what
 * image_get() finds it by (owned); *ret_id: its id (owned). Either may be NULL.
 */
int image_pull(struct image_store *s, const struct image_pull *p, char **ret_name, char **ret_id,
	struct err *e);
/* All tags of the repository that `name` means, sorted as the registry does; appended to *ret. */
int image_remote_tags(const char *name, const struct remote_options *o, char ***ret, struct err *e);

/*
 * Verifies the store: digests of blobs, what trees look like in all forms, what records need. With
 * repair, damaged blobs and trees go; image_clear() then removes what they held.
 */
struct image_check {
	bool repair;
	uint64_t blobs, trees; /* looked at */
	unsigned int damaged, repaired;
	char **lines; /* one for each damage, owned by the caller */
};
int image_check(struct image_store *s, struct image_check *c, struct err *e);

/*
 * Names of blobs and of layers (diff ids) that the images with these ids need, appended to *ret; in no
 * order, some more than once.
 */
int image_needs(struct image_store *s, char *const *ids, char ***ret, struct err *e);

/*
 * Removes what killed makers of layers left, in every ownership form, and beginnings of blobs of any
 * age that nobody fetches.
 */
int image_sweep(struct image_store *s, struct err *e);

/*
 * Copies one image. Places are TRANSPORT:PLACE, as `uctr copy --help` lists them; a bundle with
 * several images needs the name of one. platform (OS/ARCH[/VARIANT]; NULL: this machine's) chooses
 * from an index.
 */
struct image_copy {
	const char *from, *to, *platform;
	struct remote_options remote;
};
int image_copy(struct image_store *s, const struct image_copy *what, struct err *e);

struct image_push {
	const char *name;
	const char *destination; /* [docker://]NAME[:TAG]; NULL: the name itself */
	struct remote_options remote;
	const struct fetch_watch *watch; /* or NULL */
};
/* Sends an image to a registry, byte for byte. The digest of its manifest, with "sha256:", owned. */
int image_push(struct image_store *s, const struct image_push *p, char **ret_digest, struct err *e);

/*
 * Checks o->user and o->password with a registry (NULL: docker.io) and stores them where docker and
 * podman find them; *ret_where is that file (owned).
 */
int image_login(
	const char *registry, const struct remote_options *o, char **ret_where, struct err *e);
/* Forgets them; -ENOENT when there were none. `all`: those of every registry. */
int image_logout(const char *registry, const char *authfile, bool all, struct err *e);

/* Repositories that match a text, [HOST[:PORT]/]TEXT: an array of objects with at least "name". */
int image_search(
	const char *text, int limit, const struct remote_options *o, json_t **ret, struct err *e);
/* The manifest or index that a registry has under a name, as it is; owned. */
int image_remote_document(
	const char *name, const struct remote_options *o, char **ret, struct err *e);

/* Where bundled OCI layouts lie: $UCTR_IMAGES, or PREFIX/share/uctr/images. */
const char *bundled_image_dir(void);

#endif
