#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One user namespace per user, shared while containers live, gone after the last.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tu1 tu2 tu3 tu4
}

# parent_of NAME: the user namespace above the container's own.
parent_of()
{
	"$HELPERS/payload" parentns "$(pid_of "$1")"
}

own_of()
{
	readlink "/proc/$(pid_of "$1")/ns/user"
}

# members NAMESPACE: how many processes live in it.
members()
{
	for link in /proc/[0-9]*/ns/user; do
		readlink "$link" 2> /dev/null
	done | grep -cxF "$1"
}

no_members()
{
	[ "$(members "$1")" = 0 ]
}

# registered: the monitors that the runtime directory names and that live.
registered()
{
	for f in "$XDG_RUNTIME_DIR"/uctr/userns/[0-9]*; do
		[ ! -d "/proc/${f##*/}" ] || echo "${f##*/}"
	done
}

test_two_containers_share_it()
{
	need fullmap helper:payload || return 0
	start_quiet --name tu1 busybox sleep 300
	start_quiet --name tu2 busybox sleep 300
	shared=$(parent_of tu1)
	assertNotEquals "" "$shared"
	assertEquals "$shared" "$(parent_of tu2)"
	assertNotEquals "not the caller's" "$(readlink /proc/self/ns/user)" "$shared"
	assertNotEquals "each has its own below" "$(own_of tu1)" "$(own_of tu2)"
	assertNotEquals "not the shared one itself" "$shared" "$(own_of tu1)"
	assertEquals "the monitor lives in it" "$shared" "$(readlink "/proc/$(monitor_of tu1)/ns/user")"
	# So does what unshare runs.
	assert_run "$UCTR" unshare readlink /proc/self/ns/user
	assertOut "$shared"
}

test_it_survives_its_first_container_and_goes_with_the_last()
{
	need fullmap helper:payload || return 0
	start_quiet --name tu1 busybox sleep 300
	shared=$(parent_of tu1)
	start_quiet --name tu2 busybox sleep 300
	"$UCTR" rm -f tu1 > /dev/null
	start_quiet --name tu3 busybox sleep 300
	assertEquals "$shared" "$(parent_of tu3)"
	assertNotEquals 0 "$(members "$shared")"
	"$UCTR" stop -t 0 tu2 tu3 > /dev/null
	wait_for 5 no_members "$shared" || fail "$(members "$shared") processes still in it"
	assertEquals "" "$(registered)"
	assertNothingLeft_but_records
	start_quiet --name tu4 busybox sleep 300
	assertEquals "the map is the same" "$(sed -n 1,9p "/proc/$(monitor_of tu4)/uid_map")" \
		"$("$UCTR" unshare cat /proc/self/uid_map)"
}

# Stopped containers keep their records; nothing else is left of them.
assertNothingLeft_but_records()
{
	"$UCTR" rm tu2 tu3 > /dev/null
	assertNothingLeft
}

test_first_containers_at_once()
{
	need fullmap helper:payload || return 0
	for round in 1 2 3; do
		no_members "$("$UCTR" unshare readlink /proc/self/ns/user)" || fail "round $round: not the first"
		for name in tu1 tu2 tu3 tu4; do
			"$UCTR" run -d --name $name --network none busybox sleep 300 \
				> "$T/$name.out" 2> "$T/$name.err" &
		done
		wait
		for name in tu1 tu2 tu3 tu4; do
			assertEquals "$name" "" "$(cat "$T/$name.err")"
		done
		shared=$(parent_of tu1)
		assertEquals "$shared $shared $shared" "$(parent_of tu2) $(parent_of tu3) $(parent_of tu4)"
		"$UCTR" rm -f tu1 tu2 tu3 tu4 > /dev/null
		wait_for 5 no_members "$shared" || fail "processes are left in it"
	done
}

test_it_survives_a_killed_monitor()
{
	need fullmap helper:payload || return 0
	start_quiet --name tu1 busybox sleep 300
	shared=$(parent_of tu1)
	start_quiet --name tu2 busybox sleep 300
	kill -KILL "$(monitor_of tu1)"
	wait_for 5 is_state tu1 dead
	start_quiet --name tu3 busybox sleep 300
	assertEquals "$shared" "$(parent_of tu3)"
}

test_a_killed_monitor_registration_is_no_obstacle()
{
	need fullmap helper:payload || return 0
	start_quiet --name tu1 busybox sleep 300
	kill -KILL "$(monitor_of tu1)"
	wait_for 5 is_state tu1 dead
	# A registration whose number another process has by now.
	ln -s 1 "$XDG_RUNTIME_DIR/uctr/userns/$$"
	ctr busybox echo fine
	assertExit 0
	assertOut fine
	assertErrEmpty
	[ ! -L "$XDG_RUNTIME_DIR/uctr/userns/$$" ] || fail "the false registration is still there"
}

test_the_map()
{
	need fullmap || return 0
	range=$(sed -n "s/^$(id -un):\([0-9]*\):\([0-9]*\)\$/\1 \2/p" /etc/subuid | head -n 1)
	ctr busybox cat /proc/self/uid_map
	assertEquals "0 0 1 1 1 ${range#* }" "$(echo "$out" | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
	ctr busybox sh -c 'touch /f; chown 1:1 /f; stat -c %u /f'
	assertOut 1
	start_quiet --name tu1 busybox sh -c 'touch /f && chown 1:1 /f && sleep 300'
	file=$(data_dir)/containers/$(readlink "$(data_dir)/names/tu1")/upper/f
	wait_for 5 test -e "$file"
	wait_for 5 sh -c '[ "$(stat -c %u "$0")" = "$1" ]' "$file" "${range% *}" ||
		fail "owner $(stat -c %u "$file"), not ${range% *}"
}

. shunit2
