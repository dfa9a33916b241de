#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr stop, kill, wait and rm: what they do to one, to several, and to ones that are not there.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	for name in ts1 ts2; do
		pid=$(monitor_of $name 2> /dev/null) && kill -CONT "$pid" 2> /dev/null
	done
	remove_containers ts1 ts2 ts3
}

# polite NAME: a container that says goodbye on TERM and exits with 5.
polite()
{
	start_quiet --name "$1" busybox sh -c \
		'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for 5 logged "$1" ready || fail "$1 did not start"
}

# deaf NAME: one that only KILL ends.
deaf()
{
	start_quiet --name "$1" busybox sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for 5 logged "$1" ready || fail "$1 did not start"
}

# took: whole seconds that COMMAND takes, in $took.
took()
{
	begin=$(date +%s)
	assert_run "$@"
	took=$(($(date +%s) - begin))
}

# --- stop -------------------------------------------------------------------------------------

test_stop_lets_it_say_goodbye()
{
	need fullmap || return 0
	polite ts1
	assert_run "$UCTR" stop ts1
	assertExit 0
	assertOut ts1
	assertErrEmpty
	assertEquals exited "$(state_of ts1)"
	logged ts1 bye || fail "no goodbye"
	assert_run "$UCTR" wait ts1
	assertOut 5
	# Once more is fine.
	assert_run "$UCTR" stop ts1
	assertExit 0
	assertOut ts1
}

test_stop_kills_when_the_time_is_up()
{
	need fullmap || return 0
	deaf ts1
	took "$UCTR" stop -t 1 ts1
	assertExit 0
	assertTrue "1 second, not $took" "[ $took -ge 1 ]"
	assert_run "$UCTR" wait ts1
	assertOut 137
	deaf ts2
	took "$UCTR" stop --time=0 ts2
	assertExit 0
	assertTrue "at once, not after the usual 10 seconds, $took" "[ $took -lt $((9 + UCTR_SLOW)) ]"
	assertEquals exited "$(state_of ts2)"
}

test_stop_several_and_missing()
{
	need fullmap || return 0
	polite ts1
	polite ts2
	assert_run "$UCTR" stop ts1 nobody ts2 nobody2
	assertExit 125
	assertOut "$(printf 'ts1\nts2')"
	assertEquals "two names, two lines" 2 "$(wc -l < "$T.err" | tr -d ' ')"
	for name in nobody nobody2; do
		echo "$err" | grep -qF "no such container: $name; 'uctr ps -a' lists them" || fail "$name: $err"
	done
	assertEquals "exited exited" "$(state_of ts1) $(state_of ts2)"
}

test_stop_all()
{
	need fullmap || return 0
	polite ts1
	polite ts2
	assert_run "$UCTR" stop -a
	assertExit 0
	assertEquals "exited exited" "$(state_of ts1) $(state_of ts2)"
	assert_run "$UCTR" stop -a ts1
	assertExit 125
	assertErrLine "uctr: stop: --all takes no container names"
	assert_run "$UCTR" stop
	assertExit 125
	assertErrLine "uctr: stop needs a container; see 'uctr stop --help'"
	for bad in x -2 '' 1.5 99999999999; do
		assert_run "$UCTR" stop -t "$bad" ts1
		assertExit 125
		assertErrLine "uctr: --time '$bad': want seconds, -1 for no limit"
	done
}

test_stop_by_id_and_by_beginning_of_id()
{
	need fullmap || return 0
	polite ts1
	id=$("$UCTR" ps -q --no-trunc --filter name=ts1)
	assert_run "$UCTR" stop "$(echo "$id" | cut -c1-8)"
	assertExit 0
	assertEquals exited "$(state_of ts1)"
	assert_run "$UCTR" rm "$id"
	assertExit 0
	assertEquals "" "$(state_of ts1)"
}

# --- kill -------------------------------------------------------------------------------------

test_kill_signals()
{
	need fullmap || return 0
	start_quiet --name ts1 busybox sh -c \
		'for s in HUP USR1 USR2; do trap "echo got $s" $s; done; echo ready; while :; do sleep 0.05; done'
	wait_for 5 logged ts1 ready
	for signal in HUP SIGUSR1 12; do
		assert_run "$UCTR" kill -s $signal ts1
		assertExit 0
		assertOut ts1
	done
	for name in HUP USR1 USR2; do
		wait_for 5 logged ts1 "got $name" || fail "no $name"
	done
	assertEquals running "$(state_of ts1)"
	assert_run "$UCTR" kill ts1
	assertExit 0
	wait_for 5 is_state ts1 exited
	assert_run "$UCTR" wait ts1
	assertOut 137
}

test_kill_what_cannot_be_killed()
{
	need fullmap || return 0
	polite ts1
	for bad in BOGUS 0 65 -1 ''; do
		assert_run "$UCTR" kill -s "$bad" ts1
		assertExit 125
		assertErrLine "uctr: --signal '$bad' is not a signal; 'kill -l' lists them"
	done
	"$UCTR" stop ts1 > /dev/null
	assert_run "$UCTR" kill ts1
	assertExit 125
	assertErrLine "uctr: container ts1 is not running (exited)"
	assert_run "$UCTR" kill nobody
	assertExit 125
	assertErrLine "uctr: no such container: nobody"
	# Those that do not run are none of --all's business.
	assert_run "$UCTR" kill -a
	assertExit 0
	assertOut ""
}

# --- wait -------------------------------------------------------------------------------------

test_wait()
{
	need fullmap || return 0
	start_quiet --name ts1 busybox sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 4'
	background "$UCTR" wait ts1
	wait_for 5 at_rest "$bg" || fail "it does not wait"
	assertEquals "it waits" "" "$(cat "$T.bg.out")"
	"$UCTR" exec ts1 touch /go
	background_exit 0
	assertEquals 4 "$(cat "$T.bg.out")"
	start_quiet --name ts2 busybox sh -c 'exit 6'
	assert_run "$UCTR" wait ts2 ts1 ts2
	assertExit 0
	assertOut "$(printf '6\n4\n6')"
	assert_run "$UCTR" wait nobody
	assertExit 125
	assertErrLine "uctr: no such container: nobody"
	assert_run "$UCTR" wait
	assertExit 125
	assertErrLine "uctr: wait takes more arguments"
}

test_wait_for_a_throw_away_container()
{
	need fullmap || return 0
	start_quiet --rm --name ts1 busybox sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 8'
	background "$UCTR" wait ts1
	wait_for 5 at_rest "$bg" || fail "it does not wait"
	"$UCTR" exec ts1 touch /go
	background_exit 0
	assertEquals 8 "$(cat "$T.bg.out")"
	assertNothingLeft
}

# --- rm ---------------------------------------------------------------------------------------

test_rm()
{
	need fullmap || return 0
	polite ts1
	assert_run "$UCTR" rm ts1
	assertExit 125
	assertOut ""
	assertErrLine "uctr: container ts1 is running; stop it first ('uctr stop ts1'), or use 'uctr rm -f ts1'"
	assertEquals running "$(state_of ts1)"
	assert_run "$UCTR" stop ts1
	assert_run "$UCTR" rm ts1
	assertExit 0
	assertOut ts1
	assertNothingLeft
	assert_run "$UCTR" rm ts1
	assertExit 125
	assertErrLine "uctr: no such container: ts1; 'uctr ps -a' lists them"
	for flag in -f -i; do
		assert_run "$UCTR" rm $flag ts1 nobody
		assertExit 0
		assertOut ""
		assertErrEmpty
	done
}

test_rm_several_and_all()
{
	need fullmap || return 0
	for name in ts1 ts2 ts3; do
		start_quiet --name $name busybox sleep 60
	done
	assert_run "$UCTR" rm -f ts1 nobody ts2
	assertExit 0
	assertOut "$(printf 'ts1\nts2')"
	assertEquals running "$(state_of ts3)"
	assert_run "$UCTR" rm -a
	assertExit 125
	assertErrLine "container ts3 is running"
	assert_run "$UCTR" rm -fa
	assertExit 0
	assertNothingLeft
	assert_run "$UCTR" rm -a ts1
	assertExit 125
	assertErrLine "uctr: rm: --all takes no container names"
}

test_rm_removes_files_of_subordinate_owners()
{
	need fullmap || return 0
	start_quiet --name ts1 busybox sh -c \
		'mkdir -p /d/e && echo x > /d/e/f && chown -R 33:33 /d && chmod 000 /d/e /d; echo made; sleep 60'
	wait_for 5 logged ts1 made
	assert_run "$UCTR" rm -f ts1
	assertExit 0
	assertErrEmpty
	assertNothingLeft
}

test_rm_force_does_not_need_the_monitor()
{
	need fullmap || return 0
	start_quiet --name ts1 busybox sleep 60
	pid=$(pid_of ts1)
	monitor=$(monitor_of ts1)
	kill -STOP "$monitor"
	RUN_TIMEOUT=10
	assert_run "$UCTR" rm -f ts1
	assertExit 0
	assertOut ts1
	wait_for 5 is_gone "$pid" || fail "the payload lives on"
	wait_for 5 is_gone "$monitor" || fail "the monitor lives on"
	assertNothingLeft
}

test_rm_while_a_command_line_is_attached()
{
	need fullmap || return 0
	background "$UCTR" run --name ts1 --network none busybox sh -c 'echo ready; sleep 60'
	wait_for 10 printed ready
	assert_run "$UCTR" rm -f ts1
	assertExit 0
	background_exit 125
	assertEquals "uctr: the container's monitor is gone; 'uctr ps -a' shows its state" "$(cat "$T.bg.err")"
	assertNothingLeft
}

. shunit2
