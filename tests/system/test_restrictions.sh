# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Hosts that forbid or lack something: what still works, and the one line with reason and cure.
# shellcheck disable=SC2016 # what is in single quotes expands in an inner shell
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

oneTimeSetUp()
{
	"$UCTR" run --rm --network none busybox true
}

# on_host SETUP COMMAND...: the command where the shell text SETUP has changed the host, in mount
# and user namespaces of its own; containers have one id there.
on_host()
{
	setup=$1
	shift
	assert_run unshare -Urm sh -c "$setup && exec \"\$@\"" sh "$@"
}

# run_fine [OPTION...]
run_fine()
{
	"$UCTR" run --rm "$@" busybox echo fine
}

# assertWorks [TEXT]: it ran, and besides the line about one id said the line with TEXT or nothing.
assertWorks()
{
	assertExit 0
	assertOut fine
	rest=$(printf '%s\n' "$err" | grep -v '^uctr: warning: containers have one id')
	if [ -z "${1:-}" ]; then
		assertEquals "words $(context)" "" "$rest"
	else
		case $rest in
		*"
"*) fail "more than one line $(context)" ;;
		*"$1"*) assertTrue "" 0 ;;
		*) fail "no [$1] $(context)" ;;
		esac
	fi
}

# assertRefused TEXT...: 125, and one line beside the one about one id.
assertRefused()
{
	assertExit 125
	grep -v '^uctr: warning: containers have one id' "$T.err" > "$T.rest"
	mv "$T.rest" "$T.err"
	err=$(cat "$T.err")
	assertErrLine "$@"
}

# --- user namespaces --------------------------------------------------------------------------

# AppArmor's restriction, older kernels' knobs, filters of other engines.
test_user_namespaces_refused()
{
	need helper:forbid userns || return 0
	for error in "EPERM:Operation not permitted" "EACCES:Permission denied" \
		"ENOSPC:No space left on device"; do
		assert_run "$HELPERS/forbid" "${error%%:*}" userns "$UCTR" run --rm --network none busybox true
		assertRefused "uctr: create the user's namespace: ${error#*:}; user namespaces: " "cure: "
		assert_run "$HELPERS/forbid" "${error%%:*}" userns "$UCTR" doctor
		assertExit 1
		assertOutHas "MISSING  user namespaces" "a user namespace: ${error#*:}" \
			"uctr run will not work here"
	done
	assert_run "$HELPERS/forbid" ENOSYS clone3 "$UCTR" run --rm --network none busybox true
	assertRefused "create the user's namespace: " \
		"; system calls: clone3 refused by a seccomp filter around this process; cure: "
}

# Ubuntu's form of it: the namespace is made, and its root has no rights.
test_user_namespaces_without_rights()
{
	need helper:forbid userns || return 0
	for error in "EPERM:Operation not permitted" "EACCES:Permission denied"; do
		assert_run "$HELPERS/forbid" "${error%%:*}" mount "$UCTR" run --rm --network none busybox true
		assertRefused "${error#*:}; user namespaces: mounts in a user namespace: ${error#*:}" "cure: "
		assert_run "$HELPERS/forbid" "${error%%:*}" mount "$UCTR" doctor
		assertExit 1
		assertOutHas "MISSING  user namespaces" "mounts in a user namespace: ${error#*:}"
	done
}

test_namespace_limits()
{
	need userns || return 0
	for what in user mnt pid net ipc uts cgroup; do
		on_host "echo 0 > /proc/sys/user/max_${what}_namespaces" "$UCTR" run --rm --network none busybox true
		assertRefused "No space left on device; " "cure: "
	done
	on_host "echo 0 > /proc/sys/user/max_user_namespaces" "$UCTR" doctor
	assertExit 1
	assertOutHas "MISSING  max_user_namespaces" "user.max_user_namespaces = 0"
}

# What is listed and looked at needs no namespaces.
test_commands_that_need_no_namespaces()
{
	need helper:forbid || return 0
	for cmd in "ps -a" images "images -q" version info --help "rm -f none" "run --help"; do
		# shellcheck disable=SC2086 # words
		assert_run "$HELPERS/forbid" EPERM userns,mount "$UCTR" $cmd
		assertExit 0
	done
}

test_host_name_that_cannot_be_set()
{
	need helper:forbid userns overlay || return 0
	assert_run "$HELPERS/forbid" EPERM sethostname "$UCTR" run --rm --network none busybox echo fine
	assertWorks "Operation not permitted; the container has the host name of what is around it"
	assert_run "$HELPERS/forbid" EPERM sethostname "$UCTR" run --rm --network none -h asked busybox echo fine
	assertRefused "set host name 'asked': Operation not permitted"
}

# --- programs and devices ---------------------------------------------------------------------

test_without_newuidmap()
{
	need userns overlay || return 0
	on_host "mount --bind /dev/null /usr/bin/newuidmap" "$UCTR" run --rm --network none busybox echo fine
	assertWorks
	# Seen by an ordinary user, whose ranges are there.
	assert_run "$HELPERS/forbid" EPERM keyctl "$UCTR" run --rm --network none busybox echo fine
	assertWorks
	assertErrLine "containers have one id, yours: newuidmap gets no rights under no_new_privs; start uctr from"
}

test_without_slirp4netns()
{
	need userns overlay || return 0
	on_host "mount --bind /dev/null /usr/bin/slirp4netns" "$UCTR" run --rm busybox echo fine
	assertWorks "warning: no network for the container: slirp4netns is not installed; an administrator runs: apt-get install slirp4netns"
	on_host "mount --bind /dev/null /usr/bin/slirp4netns" "$UCTR" run --rm --network slirp4netns busybox true
	assertRefused "slirp4netns is not installed; an administrator runs: apt-get install slirp4netns"
}

# without_device PATH: shell text that makes it absent.
without_device()
{
	case $1 in
	/dev/net/tun) echo "mount -t tmpfs tmpfs /dev/net" ;;
	*) echo "mount --bind \"$T/nothing\" $1 && chmod 0 \"$T/nothing\"" ;;
	esac
}

test_without_tun()
{
	need userns overlay slirp4netns || return 0
	on_host "$(without_device /dev/net/tun)" "$UCTR" run --rm busybox echo fine
	assertWorks "warning: no network for the container: open /dev/net/tun: No such file or directory; an administrator runs: modprobe tun"
	on_host "$(without_device /dev/net/tun)" "$UCTR" run --rm --network slirp4netns busybox true
	assertRefused "open /dev/net/tun: No such file or directory; an administrator runs: modprobe tun"
	on_host "$(without_device /dev/net/tun)" "$UCTR" doctor
	assertExit 0
	assertOutHas "missing  /dev/net/tun" "--device /dev/net/tun" "uctr run will work here."
}

test_without_fuse()
{
	need userns overlay fuse || return 0
	: > "$T/nothing"
	chmod 0 "$T/nothing"
	on_host "mount --bind '$T/nothing' /dev/fuse" "$UCTR" run --rm --network none busybox echo fine
	assertWorks
	on_host "mount --bind '$T/nothing' /usr/bin/fuse-overlayfs" "$UCTR" doctor
	assertExit 0
	assertOutHas "missing  fuse-overlayfs" "apt-get install -y fuse-overlayfs"
}

# --- /proc, /sys, cgroups, /tmp ---------------------------------------------------------------

test_proc_that_hides()
{
	need userns overlay || return 0
	assert_run unshare -Urmpf --mount-proc sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh \
		"$UCTR" run --rm --network none busybox echo fine
	assertWorks
	assert_run unshare -Urmpf sh -c 'mount -t proc -o hidepid=2 proc /proc && "$@" doctor' sh "$UCTR"
	assertExit 0
	assert_run unshare -Urmpf sh -c 'mount -t proc -o hidepid=2 proc /proc && exec 2> /dev/null &&
		"$@" run -d --name hid1 --network none busybox sleep 300 > /dev/null &&
		"$@" run -d --name hid2 --network none busybox sleep 300 > /dev/null &&
		"$@" exec hid1 echo inside && "$@" ps --format "{{.Names}} {{.State}}" --filter name=hid &&
		"$@" rm -f hid1 hid2' sh "$UCTR"
	assertExit 0
	assertOut "inside
hid2 running
hid1 running
hid1
hid2"
}

test_proc_that_is_masked()
{
	need userns overlay || return 0
	masked='mount -t proc proc /proc && mount -t tmpfs -o ro tmpfs /proc/bus && exec "$@"'
	[ -d /proc/bus ] || masked='mount -t proc proc /proc && mount --bind /dev/null /proc/uptime && exec "$@"'
	assert_run unshare -Urmpf sh -c "$masked" sh "$UCTR" run --rm --network none busybox echo fine
	assertRefused "mount /proc: " "new /proc and /sys: proc: Operation not permitted: parts of /proc are covered here" \
		"cure: start "
	assert_run unshare -Urmpf sh -c "$masked" sh "$UCTR" doctor
	assertExit 1
	assertOutHas "MISSING  new /proc and /sys" "uctr run will not work here"
}

test_cgroups_that_cannot_be_used()
{
	need userns overlay || return 0
	for how in "umount -l /sys/fs/cgroup 2>/dev/null || mount -t tmpfs tmpfs /sys/fs/cgroup" \
		"mount -t tmpfs tmpfs /sys/fs/cgroup" "mount -o remount,bind,ro /sys/fs/cgroup"; do
		on_host "{ $how; }" "$UCTR" run --rm --network none busybox echo fine
		assertWorks
		on_host "{ $how; }" "$UCTR" run --rm --network none --memory 64m busybox true
		assertRefused "memory"
	done
	on_host "mount -t tmpfs tmpfs /sys/fs/cgroup" "$UCTR" doctor
	assertExit 0
	assertOutHas "missing  cgroup v2" "uctr run will work here."
}

test_noexec_tmp()
{
	need userns overlay || return 0
	on_host "mount -t tmpfs -o noexec,nosuid,nodev tmpfs /tmp && unset XDG_RUNTIME_DIR" \
		"$UCTR" run --rm --network none busybox echo fine
	assertWorks
	on_host "mount -t tmpfs -o noexec,nosuid,nodev tmpfs /tmp && export UCTR_DATA=/tmp/data" \
		"$UCTR" run --rm --network none busybox echo fine
	assertWorks
}

. shunit2
