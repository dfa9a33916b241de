# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# uctr inside other containers, sandboxes and namespaces: what works, and the words where not.
# shellcheck disable=SC2016 # what is in single quotes expands in an inner shell
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

inner=/opt/uctr/bin/uctr
PATH=$PATH:/usr/sbin:/sbin # chroot(8)

oneTimeSetUp()
{
	"$UCTR" run --rm --network none busybox true
	outer=$UCTR_SUITE_TMP/outer
	mkoutside "$outer"
	# Each level starts a container, enters it, and is the next level's outside.
	cat > "$outer/root/level.sh" <<'END'
n=$1
/opt/uctr/bin/uctr run --rm --network none busybox echo "run $n"
/opt/uctr/bin/uctr run -d --name c --network none busybox sleep 300 > /dev/null
/opt/uctr/bin/uctr exec c echo "exec $n"
/opt/uctr/bin/uctr rm -f c > /dev/null
[ "$n" -lt 3 ] || exit 7
mkdir -p /tmp/in/tmp /tmp/in/run /tmp/in/opt/uctr /tmp/in/usr /tmp/in/dev /tmp/in/proc /tmp/in/sys
cp -r /etc /root /tmp/in
rm -rf /tmp/in/root/.local
for l in bin lib lib64 sbin; do ln -s usr/$l /tmp/in/$l; done
/opt/uctr/bin/uctr run --rm --network none --security-opt nesting -v /usr:/usr:ro \
	-v /opt/uctr:/opt/uctr:ro --rootfs /tmp/in sh /root/level.sh $((n + 1))
END
}

# mkoutside DIR: a root file system whose programs are the host's, by a volume.
mkoutside()
{
	mkdir -p "$1/etc" "$1/tmp" "$1/root" "$1/run" "$1/opt/uctr" "$1/usr" "$1/proc" "$1/sys" "$1/dev"
	chmod 1777 "$1/tmp"
	for l in bin lib lib64 sbin; do ln -s "usr/$l" "$1/$l"; done
	printf 'root:x:0:0:root:/root:/bin/sh\n' > "$1/etc/passwd"
	printf 'root:x:0:\n' > "$1/etc/group"
	cp /etc/ld.so.cache "$1/etc/"
}

# within OPTION... -- COMMAND...: in a container of uctr that has uctr.
within()
{
	ctr -v /usr:/usr:ro -v "${UCTR%/bin/uctr}:/opt/uctr:ro" "$@"
}

# --- uctr in uctr -----------------------------------------------------------------------------

test_three_deep()
{
	need fullmap overlay || return 0
	RUN_TIMEOUT=120
	within --security-opt nesting --rootfs "$outer" sh /root/level.sh 1
	assertExit 7
	assertOut "run 1
exec 1
run 2
exec 2
run 3
exec 3"
	assertErrEmpty
}

test_without_nesting_the_reason_is_told()
{
	need fullmap || return 0
	within --rootfs "$outer" $inner run --rm --network none busybox true
	assertExit 125
	assertErrLine "create the user's namespace: " \
		"; system calls: clone3 refused by a seccomp filter around this process; " \
		"cure: start the outer container with: uctr run --security-opt nesting"
	within --rootfs "$outer" $inner doctor
	assertExit 1
	assertOutHas "MISSING  system calls" "MISSING  user namespaces" \
		"start the outer container with: uctr run --security-opt nesting" \
		"start the container around uctr with --device /dev/net/tun" \
		"uctr run will not work here"
	# Nor is the filter all that is in the way.
	within --security-opt seccomp=unconfined --rootfs "$outer" $inner run --rm --network none busybox true
	assertExit 125
	assertErrLine "mount /proc: " "parts of /proc are covered here, as inside a container" \
		"cure: start the outer container with: uctr run --security-opt nesting"
}

test_doctor_in_a_nesting_container()
{
	need fullmap overlay fuse tun || return 0
	within --security-opt nesting --device /dev/fuse --device /dev/net/tun --rootfs "$outer" $inner doctor
	assertExit 0
	assertOutHas "ok       user namespaces" "ok       new /proc and /sys" \
		"ok       newuidmap and newgidmap" "ok       fuse-overlayfs" "ok       /dev/net/tun" \
		"set limits for the container around uctr" "uctr run will work here."
	within --security-opt nesting --device /dev/net/tun --rootfs "$outer" \
		$inner run --rm busybox ip -o -4 addr show tap0
	assertExit 0
	assertOutHas "10.0.2.100/24"
	within --security-opt nesting --rootfs "$outer" $inner run --rm busybox echo fine
	assertExit 0
	assertOut fine
	assertErrLine "warning: no network for the container: open /dev/net/tun: No such file or directory"
}

# Lines of which the outer container has a part, and such of which it has nothing.
test_ranges_that_the_outer_map_does_not_hold()
{
	need fullmap overlay || return 0
	count=$(sed -n "s/^$(id -un):[0-9]*:\([0-9]*\)\$/\1/p" /etc/subuid | head -n 1)
	for line in "root:1000:99999999 0 0 1;1 1000 $((count - 999));" "root:99999999:65536 0 0 1;1 1 $count;"; do
		echo "${line%% *}" > "$T/subids"
		within --security-opt nesting -v "$T/subids:/etc/subuid:ro" -v "$T/subids:/etc/subgid:ro" \
			--rootfs "$outer" sh -c "$inner run -d --name c --network none busybox sleep 300 > /dev/null &&
				$inner unshare sed 's/  */ /g; s/^ //' /proc/self/uid_map | tr '\\n' ';'; $inner rm -f c > /dev/null"
		assertExit 0
		assertOut "${line#* }"
		assertErrEmpty
	done
	# A user of the outer container who has no right to more than himself.
	within --security-opt nesting --tmpfs /h:mode=1777 -e HOME=/h/me -u 1000:1000 --rootfs "$outer" \
		$inner run --rm --network none busybox echo fine
	assertOneId "no subordinate user ids for user (unknown) that the user namespace around uctr maps"
}

# --- one id -----------------------------------------------------------------------------------

# assertOneId: it worked, with one id, and the line says why.
assertOneId()
{
	assertExit 0
	assertOut fine
	assertErrLine "uctr: warning: containers have one id, yours: $1"
}

test_in_a_namespace_of_one_id()
{
	need userns overlay || return 0
	assert_run unshare -Ur "$UCTR" run --rm --network none busybox echo fine
	assertOneId "no subordinate user ids for user root that the user namespace around uctr maps; start uctr outside of it"
	assert_run unshare -Urm "$UCTR" run --rm --network none busybox echo fine
	assertOneId "no subordinate user ids for user root"
	assert_run unshare -Ur "$UCTR" doctor
	assertExit 0
	assertOutHas "0 user ids and 0 group ids for root in the user namespace around uctr" \
		"start uctr outside of the user namespace around it, or: "
}

# Containers of the same user on both sides of a user namespace, with one runtime directory.
test_beside_a_container_outside()
{
	need fullmap overlay || return 0
	start_quiet --name nst1 busybox sleep 300
	shared=$(readlink "/proc/$(monitor_of nst1)/ns/user")
	assert_run unshare -Ur "$UCTR" run --rm --network none --userns one busybox echo fine
	assertExit 0
	assertOut fine
	assert_run unshare -Ur "$UCTR" run --rm --network none busybox echo fine
	assertExit 0
	assertOut fine
	start_quiet --name nst2 busybox sleep 300
	assertEquals "$shared" "$(readlink "/proc/$(monitor_of nst2)/ns/user")"
	remove_containers nst1 nst2
}

test_in_bubblewrap()
{
	need cmd:bwrap userns overlay || return 0
	assert_run bwrap --bind / / --dev /dev --proc /proc --unshare-all --tmpfs /tmp \
		"$UCTR" run --rm --network none busybox echo fine
	assertOneId "no subordinate user ids for user $(id -un) that the user namespace around uctr maps"
	assert_run bwrap --bind / / --dev /dev --proc /proc --unshare-all --unshare-user --disable-userns \
		--tmpfs /tmp "$UCTR" run --rm --network none busybox echo fine
	assertExit 125
	assertErrLine "create the user's namespace: No space left on device; " \
		"the container or namespace around uctr allows no more; cure: start "
	# Nothing of the host can be written: neither home nor runtime directory.
	assert_run bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all \
		"$UCTR" run --rm --network none busybox echo fine
	assertExit 125
	assertErrLine "Read-only file system; set "
}

test_in_a_chroot()
{
	need cmd:chroot userns || return 0
	assert_run unshare -Urm sh -c '
		mount -t tmpfs tmpfs /mnt && cd /mnt &&
		mkdir proc dev sys usr etc home var tmp run && ln -s usr/lib usr/lib64 usr/bin . &&
		for d in proc dev sys usr etc home var; do mount --rbind /$d $d; done &&
		chroot . "$0" run --rm --network none busybox true' "$UCTR"
	assertExit 125
	assertErrLine "create the user's namespace: Operation not permitted; " \
		"cure: see the rows above; in a chroot the kernel makes no user namespace: start uctr outside of it"
}

# --- other engines ----------------------------------------------------------------------------

# in_podman OPTION... -- COMMAND: a container of podman's, rootless, that has uctr.
in_podman()
{
	assert_run env XDG_RUNTIME_DIR="$T/run" podman --cgroup-manager=cgroupfs --events-backend=file run --rm --network none \
		-v /usr:/usr:ro -v "${UCTR%/bin/uctr}:/opt/uctr:ro" "$@"
}

test_in_podman()
{
	need cmd:podman cmd:crun fullmap overlay cgroup fuse tun || return 0
	RUN_TIMEOUT=120
	mkdir -m 0700 "$T/run"
	in_podman --rootfs "$outer" $inner run --rm --network none busybox echo fine
	assertExit 125
	assertErrLine "new /proc and /sys: proc: Operation not permitted: parts of /proc are covered here" \
		"cure: start the outer container with: podman run --security-opt unmask=ALL"
	in_podman --security-opt unmask=ALL --rootfs "$outer" $inner run --rm --network none busybox echo fine
	assertExit 0
	assertOut fine
	assertErrLine "uctr: warning: set host name '" \
		"': Operation not permitted; the container has the host name of what is around it"
	in_podman --security-opt unmask=ALL --device /dev/net/tun --rootfs "$outer" \
		$inner run --rm busybox ip -o -4 addr show tap0
	assertExit 0
	assertOutHas "10.0.2.100/24"
	in_podman --security-opt unmask=ALL --rootfs "$outer" \
		$inner run --rm --network none --hostname asked busybox true
	assertExit 125
	assertErrLine "set host name 'asked': Operation not permitted"
	in_podman --privileged --rootfs "$outer" $inner run --rm --network none busybox echo fine
	assertExit 0
	assertOut fine
	assertErrEmpty
	in_podman --security-opt unmask=ALL --cap-drop ALL --rootfs "$outer" $inner doctor
	assertExit 1
	assertOutHas "MISSING  user namespaces" "root without CAP_SETFCAP can map nobody" \
		"start the container around uctr with --cap-add SETFCAP,SETUID,SETGID"
	in_podman --security-opt unmask=ALL --read-only --rootfs "$outer" sh -c \
		"$inner run --rm --network none busybox echo fine 2>&1 | grep -v 'host name'"
	assertExit 0
	assertOutHas "can only be read: its images can be used" "fine"
	# It leaves a paused process.
	XDG_RUNTIME_DIR=$T/run podman system migrate > /dev/null 2>&1
}

. shunit2
