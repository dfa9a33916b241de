#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr ps: which containers it lists, filters, formats, and what it says of dead ones.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

oneTimeSetUp()
{
	has fullmap || return 0
	"$UCTR" run -d --name tp-run --network none -l color=red -l size=1 busybox sleep 300 > /dev/null
	"$UCTR" run --name tp-exit3 --network none -l color=blue busybox sh -c 'exit 3'
	"$UCTR" run --name tp-exit0 --network none busybox true
}

# Called by shunit2 at the end, before common.sh's own clearing.
oneTimeTearDown()
{
	remove_containers tp-run tp-exit3 tp-exit0
	cd "$HOME" || return
	rm -rf "$UCTR_SUITE_TMP"
}

names()
{
	assert_run "$UCTR" ps "$@" --format '{{.Names}}'
	assertExit 0
	assertErrEmpty
	out=$(echo "$out" | tr '\n' ' ' | sed 's/ $//')
}

test_running_ones_or_all()
{
	need fullmap || return 0
	names
	assertOut tp-run
	# Newest first.
	names -a
	assertOut "tp-exit0 tp-exit3 tp-run"
	names --all=false
	assertOut tp-run
	names -l
	assertOut tp-exit0
}

test_ids()
{
	need fullmap || return 0
	assert_run "$UCTR" ps -q
	assertEquals 12 ${#out}
	short=$out
	assert_run "$UCTR" ps -q --no-trunc
	assertEquals 64 ${#out}
	assertEquals "$short" "$(echo "$out" | cut -c1-12)"
	assert_run "$UCTR" ps -aq
	assertEquals 3 "$(echo "$out" | wc -l | tr -d ' ')"
	assert_run "$UCTR" exec "$short" echo by-id
	assertOut by-id
}

test_table()
{
	need fullmap || return 0
	assert_run "$UCTR" ps -a
	assertExit 0
	assertEquals "CONTAINER ID   IMAGE" "$(echo "$out" | sed -n '1s/^\(CONTAINER ID   IMAGE\) .*/\1/p')"
	assertEquals 4 "$(echo "$out" | wc -l | tr -d ' ')"
	echo "$out" | grep -q '^[0-9a-f]\{12\}   localhost/busybox:latest   "sh -c exit 3" .* Exited (3) .* ago  *tp-exit3$' ||
		fail "no row of tp-exit3: $out"
	echo "$out" | grep -q '"sleep 300" .* Up .* tp-run$' || fail "no row of tp-run: $out"
	assert_run "$UCTR" ps -a --filter name=nothing-like-it
	assertEquals "the head alone" 1 "$(echo "$out" | wc -l | tr -d ' ')"
}

test_truncation()
{
	need fullmap || return 0
	"$UCTR" run --name tp-long --network none busybox sh -c ': a command that is longer than the column'
	assert_run "$UCTR" ps -a --filter name=tp-long --format '{{.Command}}'
	assertOut '"sh -c : a command t…"'
	assert_run "$UCTR" ps -a --no-trunc --filter name=tp-long --format '{{.Command}}'
	assertOut '"sh -c : a command that is longer than the column"'
	remove_containers tp-long
}

test_filters()
{
	need fullmap || return 0
	id=$("$UCTR" ps -q --no-trunc)
	names -a --filter "id=$id"
	assertOut tp-run
	names -a --filter "id=$(echo "$id" | cut -c1-6)"
	assertOut tp-run
	names -a --filter name=exit
	assertOut "tp-exit0 tp-exit3"
	names -a --filter name=exit3 --filter name=run
	assertOut "tp-exit3 tp-run"
	names -a --filter label=color
	assertOut "tp-exit3 tp-run"
	names -a --filter label=color=red
	assertOut tp-run
	names -a --filter label=color --filter label=size=1
	assertOut tp-run
	names -a --filter label=col
	assertOut ""
	names --filter status=exited
	assertOut "tp-exit0 tp-exit3"
	names -a --filter status=running
	assertOut tp-run
	names -a --filter exited=3
	assertOut tp-exit3
	names -a --filter exited=0 --filter exited=3
	assertOut "tp-exit0 tp-exit3"
	names -a --filter ancestor=busybox --filter name=run
	assertOut tp-run
	names -a --filter ancestor=localhost/busybox:latest --filter status=exited
	assertOut "tp-exit0 tp-exit3"
	names -a --filter ancestor=busy
	assertOut ""
	names -a --filter network=none --filter exited=0
	assertOut tp-exit0
	names -a --filter network=host
	assertOut ""
}

test_filters_that_are_none()
{
	for bad in bogus=1 name '' =x; do
		assert_run "$UCTR" ps --filter "$bad"
		assertExit 125
		assertOut ""
		assertErrLine "uctr: --filter '$bad': want id=, name=, label=, status=, exited=, ancestor= or network="
	done
	assert_run "$UCTR" ps --filter status=sleeping
	assertExit 125
	assertErrLine "uctr: --filter status='sleeping': want created, running, exited or dead"
	for bad in x -1 256 ''; do
		assert_run "$UCTR" ps --filter exited="$bad"
		assertExit 125
		assertErrLine "uctr: --filter exited='$bad': want an exit code, 0 to 255"
	done
}

test_formats()
{
	need fullmap || return 0
	assert_run "$UCTR" ps -a --filter name=exit3 --format '{{.Names}}|{{.State}}|{{.ExitCode}}|{{.Image}}|{{.Networks}}|{{.Labels}}|{{.Ports}}|{{.Pid}}'
	assertOut "tp-exit3|exited|3|localhost/busybox:latest|none|color=blue||0"
	assert_run "$UCTR" ps --format 'table {{.Names}}\t{{.State}}'
	assertOut "$(printf 'NAMES    STATE\ntp-run   running')"
	assert_run "$UCTR" ps --format '{{json .LabelMap}}'
	assertOutHas '"color":"red"' '"size":"1"'
	assert_run "$UCTR" ps -a --format json
	assertExit 0
	assertEquals "three of them" 3 "$(echo "$out" | grep -c '"Names": "tp-')"
	assertOutHas '"State": "exited"' '"ExitCode": 3' '"AutoRemove": false'
	assertEquals "[" "$(echo "$out" | sed -n 1p)"
	assertEquals "]" "$(echo "$out" | tail -n 1)"
	assert_run "$UCTR" ps --filter name=nothing-like-it --format json
	assertOut "[]"
	assert_run "$UCTR" ps --format '{{.Nope}}'
	assertExit 125
	assertErrLine "uctr: --format: template: no field .Nope; there are ID, Image,"
	assert_run "$UCTR" ps --format '{{.Names'
	assertExit 125
	assertErrLine "uctr: --format: template: expected }} at the end"
}

test_operands_are_refused()
{
	assert_run "$UCTR" ps tp-run
	assertExit 125
	assertErrLine "uctr: ps takes fewer arguments; usage: uctr ps [OPTIONS]"
}

test_dead_after_its_monitor_was_killed()
{
	need fullmap || return 0
	start_quiet --name tp-dead busybox sleep 300
	pid=$(pid_of tp-dead)
	kill -KILL "$(monitor_of tp-dead)"
	wait_for 5 is_state tp-dead dead || fail "not dead: $(state_of tp-dead)"
	wait_for 5 is_gone "$pid" || fail "the payload lives on"
	assert_run "$UCTR" ps --filter name=tp-dead -q
	assertOut ""
	assert_run "$UCTR" ps -a --filter name=tp-dead --format '{{.Status}}|{{.ExitCode}}|{{.Pid}}'
	assertOut "Dead (its monitor was killed)|255|0"
	names -a --filter status=dead
	assertOut tp-dead
	# It is as good as a stopped one for everything else.
	assert_run "$UCTR" wait tp-dead
	assertOut 255
	assert_run "$UCTR" kill tp-dead
	assertExit 125
	assertErrLine "uctr: container tp-dead is not running (dead)"
	assert_run "$UCTR" exec tp-dead true
	assertExit 125
	assertErrLine "uctr: container tp-dead is not running (dead)"
	assert_run "$UCTR" stop tp-dead
	assertExit 0
	assert_run "$UCTR" run --rm --replace --name tp-dead --network none busybox echo again
	assertOut again
	names -a --filter name=tp-dead
	assertOut ""
}

. shunit2
