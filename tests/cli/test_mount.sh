#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr mount and umount, and other commands inside uctr unshare.
# shellcheck disable=SC2016 # what inner shells expand
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers c d k
}

# inside SCRIPT: assert_run of a shell of uctr unshare.
inside()
{
	assert_run "$UCTR" unshare sh -c "$1"
}

test_running_container()
{
	need fullmap overlay || return 0
	start_quiet --name c busybox sh -c 'echo in > /x; chown 7:8 /x; exec sleep 1000'
	wait_for 10 "$UCTR" exec c test -e /x
	inside 'm=$(uctr mount c) && cat $m/x && stat -c %u:%g $m/x && echo out > $m/y && uctr mount c | grep -qx "$m"'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf 'in\n7:8')"
	assertEquals out "$("$UCTR" exec c cat /y)"
}

test_ended_container()
{
	need fullmap overlay || return 0
	assert_run "$UCTR" run --network none --name c busybox sh -c 'echo in > /x; rm /bin/vi'
	inside 'm=$(uctr mount c) && cat $m/x && ls $m/bin/sh && test ! -e $m/bin/vi && echo out > $m/y &&
		uctr umount c && ls $m 2> /dev/null; uctr mount'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf 'in\n%s\n%s' "$(sed -n 2p "$T.out")" "$(readlink "$(data_dir)/names/c")")"
	assert_run "$UCTR" diff c
	assertOut "$(printf 'C /bin\nD /bin/vi\nA /x\nA /y')"
}

test_shifted_and_copied_containers()
{
	need fullmap || return 0
	start_quiet --userns keep-id --name k busybox sh -c 'echo k > /tmp/k; exec sleep 1000'
	wait_for 10 "$UCTR" exec k test -s /tmp/k
	assert_run "$UCTR" run --network none --storage-opt driver=copy --name c busybox sh -c 'echo c > /c'
	inside 'cat $(uctr mount k)/tmp/k $(uctr mount c)/c'
	assertExit 0
	assertOut "$(printf 'k\nc')"
	"$UCTR" stop -t 0 k > "$T/stop"
	inside 'cat $(uctr mount k)/tmp/k'
	assertOut k
}

test_image_is_read_only()
{
	need fullmap overlay || return 0
	# One layer, and two.
	assert_run "$UCTR" run --network none --name c busybox sh -c 'echo more > /more'
	assert_run "$UCTR" commit c two
	inside 'm=$(uctr mount busybox) && ls $m/bin/sh > /dev/null && ! touch $m/x 2> /dev/null &&
		m=$(uctr image mount two) && cat $m/more && ls $m/bin/sh > /dev/null && ! touch $m/x 2> /dev/null &&
		uctr umount -a | wc -l && uctr mount'
	assertExit 0
	assertOut "$(printf 'more\n2')"
	"$UCTR" rmi two > "$T/rmi"
}

test_list()
{
	need fullmap overlay || return 0
	start_quiet --name c busybox sleep 1000
	id=$(readlink "$(data_dir)/names/c")
	place=$XDG_RUNTIME_DIR/uctr/mounts/$id
	inside 'uctr mount; uctr mount c > /dev/null; uctr mount; uctr mount --no-trunc; uctr mount --format "{{.Id}}"'
	assertExit 0
	assertOut "$(printf '%.12s   %s\n%s   %s\n%.12s' "$id" "$place" "$id" "$place" "$id")"
	# A shell sees its own mounts alone.
	inside 'uctr mount c > /dev/null; uctr unshare uctr mount; uctr umount c'
	assertOut "$(printf '%.12s   %s\n%s' "$id" "$place" "$id")"
	assertEquals "" "$(find "$XDG_RUNTIME_DIR/uctr/mounts" -mindepth 1)"
}

test_what_cannot_be()
{
	need fullmap overlay || return 0
	start_quiet --name c busybox sleep 1000
	assert_run "$UCTR" mount c
	assertExit 125
	assertErrLine 'uctr: an ordinary user can mount only inside "uctr unshare", and mounts are seen there alone; run: uctr unshare'
	assert_run "$UCTR" umount c
	assertExit 125
	assertErrLine 'inside "uctr unshare"'
	inside 'uctr umount c'
	assertExit 125
	assertErrLine "is not mounted in this shell of uctr unshare"
	inside 'uctr umount'
	assertErrLine "uctr: umount: want names, or --all"
	inside 'uctr mount nothing-here'
	assertErrLine "no such container: nothing-here"
	inside 'm=$(uctr mount c) && cd $m && uctr umount c'
	assertExit 125
	assertErrLine "is in use; end what works in there, or use --force"
	inside 'm=$(uctr mount c) && cd $m && uctr umount -f c > /dev/null && cd / && uctr mount'
	assertExit 0
	assertOut ""
	assert_run "$UCTR" run --network none --storage-opt driver=tmpfs --name d busybox true
	inside 'uctr mount d'
	assertErrLine "was in memory (driver tmpfs) and is gone since it ended"
}

test_removed_while_mounted()
{
	need fullmap overlay || return 0
	assert_run "$UCTR" run --network none --name c busybox sh -c 'echo x > /x'
	inside 'uctr mount c > /dev/null; uctr rm c; uctr mount; uctr mount busybox > /dev/null && ls $(uctr mount busybox)/bin/sh > /dev/null'
	assertExit 0
	assertErrEmpty
	assertOut c
}

test_engine_inside_is_the_same()
{
	need fullmap || return 0
	ctr busybox true
	forms=$(ls "$(data_dir)/layers")
	inside 'uctr run --rm --network none busybox sh -c "touch /x && chown 9:9 /x && stat -c %u /x" && uctr run -d --network none --name c busybox sleep 1000 > /dev/null'
	assertExit 0
	assertErrEmpty
	assertOut 9
	# What was started in there, with the shell gone, is a container like any other.
	inside 'uctr ps --format "{{.Names}}"; uctr exec c id -u; uctr inspect -f "{{index .Userns.UidMap 0}}" c; uctr rm -f c'
	assertOut "$(printf 'c\n0\n0:%s:1\nc' "$(id -u)")"
	# The same layers: no form was made beside that of the outside.
	assertEquals "$forms" "$(ls "$(data_dir)/layers")"
	inside 'uctr run --rm --network none --userns keep-id busybox id -u'
	assertOut "$(id -u)"
	inside 'uctr run --rm --network none --userns one busybox true'
	assertExit 125
	assertErrLine "uctr: containers with one id are in another user namespace than this shell of uctr unshare; leave it first"
}

test_namespace_is_shared_with_containers()
{
	need fullmap || return 0
	start_quiet --name c busybox sleep 1000
	inside 'readlink /proc/self/ns/user; uctr unshare readlink /proc/self/ns/user'
	assertExit 0
	one=$(sed -n 1p "$T.out")
	assertEquals "$one" "$(sed -n 2p "$T.out")"
	assertEquals "$one" "$(readlink "/proc/$(monitor_of c)/ns/user")"
	remove_containers c
	assertNothingLeft
}

. shunit2
