#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuse-overlayfs where the kernel refuses an overlay: the data directory lies on one.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

oneTimeSetUp()
{
	[ -z "${UCTR_OVERLAY_DIR:-}" ] || export UCTR_DATA="$UCTR_OVERLAY_DIR/data"
}

# Throw-away containers would write to memory instead.
ctr()
{
	assert_run "$UCTR" run --rm --network none --storage-opt driver=fuse-overlayfs "$@"
}

tearDown()
{
	remove_containers tv1
}

# refused_by_the_kernel || return 0: all that this needs.
refused_by_the_kernel()
{
	need fullmap fuse cmd:fuse-overlayfs "file:${UCTR_OVERLAY_DIR:-/no overlay directory}"
}

reason="using fuse-overlayfs, which is slower"

test_root_is_fuse_overlayfs_and_the_reason_is_told_once()
{
	refused_by_the_kernel || return 0
	assert_run "$UCTR" run --name tv1 --network none busybox sh -c 'grep " / " /proc/mounts | cut -d" " -f3; exit 3'
	assertExit 3
	assertOut fuse.fuse-overlayfs
	assertErrLine "$reason"
	assert_run "$UCTR" rm tv1
	assertExit 0
	assertNothingLeft
	# Red control: elsewhere the kernel does it.
	assert_run env UCTR_DATA="$HOME/.local/share/uctr" "$UCTR" run --rm --network none busybox \
		sh -c 'grep " / " /proc/mounts | cut -d" " -f3'
	assertOut overlay
	assertErrEmpty
}

test_files_behave()
{
	refused_by_the_kernel || return 0
	ctr busybox sh -c 'touch /f && chown 33:33 /f && chmod 640 /f && stat -c "%u:%g %a" /f
		rm /etc/passwd && ls /etc/passwd 2> /dev/null || echo removed
		mkdir /d && mv /f /d/g && ls /d; ln -s g /d/l && cat /d/l && echo text > /etc/shells && cat /etc/shells'
	assertExit 0
	assertOut "$(printf '33:33 640\nremoved\ng\ntext')"
	ctr busybox cat /etc/shells
	assertOut "$(printf '/bin/sh\n/bin/ash')"
}

test_detached_exec_logs_stop()
{
	refused_by_the_kernel || return 0
	assert_run "$UCTR" run -d --name tv1 --network none busybox sh -c \
		'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
	assertExit 0
	wait_for 5 logged tv1 ready || fail "it did not start"
	assert_run "$UCTR" exec tv1 sh -c 'echo inside > /f; cat /f'
	assertOut inside
	assert_run "$UCTR" stop tv1
	assertExit 0
	assert_run "$UCTR" wait tv1
	assertOut 5
	assert_run "$UCTR" rm tv1
	assertExit 0
	assertNothingLeft
}

servers()
{
	pgrep -c -u "$(id -u)" -x fuse-overlayfs
}

no_servers()
{
	[ "$(servers)" = 0 ]
}

test_its_server_ends_with_the_monitor()
{
	refused_by_the_kernel || return 0
	assert_run "$UCTR" run -d --name tv1 --network none busybox sleep 300
	assertExit 0
	assertEquals "one server" 1 "$(servers)"
	kill -KILL "$(monitor_of tv1)"
	wait_for 5 no_servers || fail "fuse-overlayfs lives on"
	assert_run "$UCTR" rm tv1
	assertExit 0
	assertNothingLeft
}

test_read_only_root()
{
	refused_by_the_kernel || return 0
	ctr --read-only busybox sh -c 'touch /x 2> /dev/null || echo refused; touch /tmp/x && echo fine'
	assertOut "$(printf 'refused\nfine')"
}

. shunit2
