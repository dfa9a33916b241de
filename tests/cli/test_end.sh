#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The container ends with its monitor, whatever its processes did.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tn1
}

# holders: how many processes carry this test's token (the pattern does not match itself).
holders()
{
	grep -zlx "[t]${token#t}" /proc/[0-9]*/cmdline 2> /dev/null | wc -l | tr -d ' '
}

holders_are()
{
	[ "$(holders)" -eq "$1" ]
}

# start_stubborn COUNT ARG...: a container of processes that escape their parents by every means;
# COUNT of them are there in the end.
start_stubborn()
{
	count=$1
	shift
	token=token-$$-$(date +%N)
	start_quiet --name tn1 -v "$HELPERS:/helper:ro" "$@" busybox /helper/payload stubborn "$token"
	wait_for 10 logged tn1 stubborn || fail "the payload did not start"
	# Red control: they are there, and a parent that goes does not take them along.
	wait_for 5 holders_are "$count" || fail "$(holders) processes, not $count"
}

# assertAllGone: nothing of the container lives.
assertAllGone()
{
	wait_for 5 holders_are 0 || fail "$(holders) processes live on"
}

test_monitor_killed()
{
	need fullmap helper:payload || return 0
	start_stubborn 3
	kill -KILL "$(monitor_of tn1)"
	assertAllGone
	wait_for 5 is_state tn1 dead || fail "not dead but $(state_of tn1)"
	assert_run "$UCTR" rm tn1
	assertExit 0
	assertNothingLeft
}

test_removed_by_force()
{
	need fullmap helper:payload || return 0
	start_stubborn 3
	assert_run "$UCTR" rm -f tn1
	assertExit 0
	assertAllGone
	assertNothingLeft
}

test_removed_by_force_while_the_monitor_is_stopped()
{
	need fullmap helper:payload || return 0
	start_stubborn 3
	kill -STOP "$(monitor_of tn1)"
	RUN_TIMEOUT=10
	assert_run "$UCTR" rm -f tn1
	assertExit 0
	assertAllGone
	assertNothingLeft
}

test_first_process_killed()
{
	need fullmap helper:payload || return 0
	start_stubborn 3
	kill -KILL "$(pid_of tn1)"
	assertAllGone
	wait_for 5 is_state tn1 exited || fail "not exited but $(state_of tn1)"
	assert_run "$UCTR" wait tn1
	assertOut 137
}

test_with_init_and_stopped()
{
	need fullmap helper:payload || return 0
	# Init ends with its child, and the kernel ends the rest.
	start_stubborn 4 --init
	assert_run "$UCTR" stop -t 0 tn1
	assertExit 0
	assertAllGone
}

test_processes_of_an_exec()
{
	need fullmap helper:payload || return 0
	start_quiet --name tn1 -v "$HELPERS:/helper:ro" busybox sleep 300
	token=token-$$-exec
	"$UCTR" exec -d tn1 /helper/payload stubborn "$token"
	wait_for 5 holders_are 3 || fail "$(holders) processes, not 3"
	kill -KILL "$(monitor_of tn1)"
	assertAllGone
}

test_a_client_that_dies_leaves_its_exec_to_the_container()
{
	need fullmap helper:payload || return 0
	start_quiet --name tn1 -v "$HELPERS:/helper:ro" busybox sleep 300
	token=token-$$-client
	background "$UCTR" exec tn1 /helper/payload stubborn "$token"
	wait_for 5 holders_are 4 || fail "$(holders) processes, not 3 and the client"
	kill -KILL "$bg"
	wait "$bg"
	sleep 0.2
	holders_are 3 || fail "$(holders) processes, not 3"
	"$UCTR" rm -f tn1 > /dev/null
	assertAllGone
}

test_the_network_helper_too()
{
	need fullmap slirp4netns || return 0
	before=$(pgrep -c -u "$(id -u)" -x slirp4netns)
	assert_run "$UCTR" run -d --name tn1 --network slirp4netns busybox sleep 300
	assertExit 0
	assertEquals "its helper runs" $((before + 1)) "$(pgrep -c -u "$(id -u)" -x slirp4netns)"
	kill -KILL "$(monitor_of tn1)"
	helpers_are_as_before()
	{
		[ "$(pgrep -c -u "$(id -u)" -x slirp4netns)" = "$before" ]
	}
	wait_for 5 helpers_are_as_before || fail "slirp4netns lives on"
}

test_the_attached_command_line_is_told()
{
	need fullmap helper:payload || return 0
	token=token-$$-attached
	background "$UCTR" run --name tn1 --network none -v "$HELPERS:/helper:ro" busybox \
		/helper/payload stubborn "$token"
	wait_for 10 printed stubborn || fail "the payload did not start"
	kill -KILL "$(monitor_of tn1)"
	background_exit 125
	assertEquals "uctr: the container's monitor is gone; 'uctr ps -a' shows its state" "$(cat "$T.bg.err")"
	assertAllGone
	assertEquals dead "$(state_of tn1)"
}

test_payload_cannot_kill_or_see_its_monitor()
{
	need fullmap || return 0
	start_quiet --name tn1 busybox sh -c 'kill -KILL -1; ps -o pid | tr -d PID" " | sort -n | grep -m 1 .; sleep 60'
	wait_for 5 logged tn1 1 || fail "the first process in sight is not pid 1"
	assertEquals running "$(state_of tn1)"
}

. shunit2
