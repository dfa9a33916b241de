/* SPDX-License-Identifier: Apache-2.0 */
/* Where this process runs: inside another container or namespace, a chroot, a filter; the cures. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "engine/probe_impl.h"
#include "sys/idmap.h"

#define INITIAL_USERNS 0xEFFFFFFDU /* PROC_USER_INIT_INO of the kernel: fixed */

bool probe_nested(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != INITIAL_USERNS;
}

/* Every engine sets `container` for its first process but docker, which makes a file. */
void probe_cure_outer(struct probe_result *r)
{
	const char *kind = getenv("container");

	if (!kind || !*kind)
		kind = access("/.dockerenv", F_OK) == 0          ? "docker"
		       : access("/run/.containerenv", F_OK) == 0 ? "podman"
								 : "";
	if (streq(kind, "uctr"))
		probe_cure(r, "start the outer container with: uctr run --security-opt nesting "
			      "--device /dev/fuse --device /dev/net/tun ...");
	else if (streq(kind, "podman"))
		probe_cure(r,
			"start the outer container with: podman run --security-opt unmask=ALL "
			"--device /dev/fuse --device /dev/net/tun ...");
	else if (streq(kind, "docker"))
		probe_cure(r,
			"start the outer container with: docker run --security-opt "
			"seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
			"systempaths=unconfined --device /dev/fuse --device /dev/net/tun ...");
	else
		probe_cure(r, "start uctr outside of the container or sandbox around it, or start "
			      "that with what nested containers need: --security-opt nesting "
			      "(uctr), --privileged (rootless podman)");
}

/* The number behind "Name:" in /proc/self/status; 0 when there is none. */
static unsigned long long status_field(const char *name, int base)
{
	_cleanup_free_ char *text = NULL;
	const char *at;

	if (file_read(AT_FDCWD, "/proc/self/status", 65536, &text, NULL) < 0)
		return 0;
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

bool probe_filtered(void)
{
	return status_field("\nSeccomp:", 10) == 2;
}

/* A new map that holds the parent's root wants this right of who writes it (Linux 5.12). */
static bool root_cannot_map(void)
{
	return geteuid() == 0 && !(status_field("\nCapEff:", 16) & (UINT64_C(1) << CAP_SETFCAP));
}

static bool own_ids_mapped(void)
{
	struct idmap own;

	return idmap_read(0, &own) < 0 ||
	       (idmap_lookup(own.uid, own.n_uid, geteuid()) != UINT32_MAX &&
		       idmap_lookup(own.gid, own.n_gid, getegid()) != UINT32_MAX);
}

void probe_refused(struct probe_result *r, const char *what, int err)
{
	const char *word = strerror(err);

	if (err == EUSERS) {
		probe_found(r, "%s: user namespaces are nested 32 deep here, and no deeper", what);
		probe_cure(r, "start uctr fewer containers deep");
	} else if (err == ENOSPC && probe_nested()) {
		probe_found(r, "%s: %s: the container or namespace around uctr allows no more",
			what, word);
		probe_cure_outer(r);
	} else if (err == ENOSPC) {
		probe_found(r, "%s: %s", what, word);
		probe_cure(r,
			"raise user.max_user_namespaces and its siblings: %ssysctl -w "
			"user.max_user_namespaces=15000 user.max_mnt_namespaces=15000 "
			"user.max_net_namespaces=15000",
			probe_sudo());
	} else if (!own_ids_mapped()) {
		probe_found(r,
			"%s: %s: the user namespace around uctr does not map its user or group",
			what, word);
		probe_cure(r, "start uctr as a user whom that namespace knows");
	} else if (root_cannot_map()) {
		probe_found(r, "%s: %s: root without CAP_SETFCAP can map nobody", what, word);
		probe_cure(
			r, "start the container around uctr with --cap-add SETFCAP,SETUID,SETGID");
	} else if (probe_filtered()) {
		probe_found(r, "%s: %s: a seccomp filter around this process may forbid it", what,
			word);
		probe_cure_outer(r);
	} else {
		probe_found(r, "%s: %s", what, word);
		probe_cure(r, "see the rows above; in a chroot the kernel makes no user namespace: "
			      "start uctr outside of it");
	}
}
