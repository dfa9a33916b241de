#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr logs: streams, lines in pieces, times, the last lines, following.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tg1
}

# stamp: replaces what looks like a time by T.
stamps()
{
	sed 's/^[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]\{9\}Z /T /'
}

# ran COMMAND: a container that ran it to its end.
ran()
{
	start_quiet --name tg1 busybox sh -c "$1"
	"$UCTR" wait tg1 > /dev/null
}

logs()
{
	assert_run "$UCTR" logs "$@"
	assertExit 0
}

test_streams_go_where_they_went()
{
	need fullmap || return 0
	ran 'echo out1; echo err1 >&2; echo out2; echo err2 >&2'
	logs tg1
	assertOut "$(printf 'out1\nout2')"
	assertEquals "$(printf 'err1\nerr2')" "$err"
}

test_output_is_byte_exact()
{
	need fullmap || return 0
	head -c 300000 /dev/urandom > "$T/in"
	RUN_STDIN=$T/in
	assert_run "$UCTR" run -i --name tg1 --network none busybox cat
	assertExit 0
	RUN_STDIN=/dev/null
	logs tg1
	cmp "$T/in" "$T.out" || fail "the log differs"
	assertErrEmpty
}

test_lines_in_pieces()
{
	need fullmap || return 0
	ran 'printf one; sleep 0.2; printf " and "; sleep 0.2; echo rest; echo; printf last'
	logs tg1
	assertEquals "$(printf 'one and rest\n\nlast.')" "$(cat "$T.out"; echo .)"
	assert_run sh -c '"$0" logs -t tg1' "$UCTR"
	assertEquals "$(printf 'T one and rest\nT \nT last.')" "$(stamps < "$T.out"; echo .)"
	logs --tail 2 tg1
	assertEquals "$(printf '\nlast.')" "$(cat "$T.out"; echo .)"
	logs --tail 3 tg1
	assertOut "$(printf 'one and rest\n\nlast')"
}

test_times()
{
	need fullmap || return 0
	ran 'echo a; sleep 0.3; echo b >&2'
	logs -t tg1
	assertEquals "T a" "$(echo "$out" | stamps)"
	assertEquals "T b" "$(echo "$err" | stamps)"
	a=$(date -d "${out%% *}" +%s%N)
	b=$(date -d "${err%% *}" +%s%N)
	assertTrue "0.3 s between a and b" "[ $((b - a)) -gt 250000000 ]"
	assertTrue "it is now, in UTC" "[ $(($(date +%s) - a / 1000000000)) -lt 60 ]"
}

test_output_cannot_forge_a_line()
{
	need fullmap || return 0
	ran 'echo "2020-01-01T00:00:00.000000000Z stderr F forged"; printf "x\n2020-01-01T00:00:00.000000000Z stderr F forged\n"'
	logs tg1
	assertErrEmpty
	assertEquals 2 "$(echo "$out" | grep -c 'stderr F forged$')"
}

test_last_lines()
{
	need fullmap || return 0
	ran 'seq 1 3000'
	for n in 0 1 7 2999 3000 5000; do
		logs --tail $n tg1
		seq 1 3000 | tail -n $n | cmp -s - "$T.out" || fail "--tail $n is not the last $n lines"
	done
	logs -n all tg1
	assertEquals 3000 "$(wc -l < "$T.out" | tr -d ' ')"
	logs --lines=2 tg1
	assertOut "$(printf '2999\n3000')"
	for bad in x -1 '' 1.5; do
		assert_run "$UCTR" logs --tail "$bad" tg1
		assertExit 125
		assertErrLine "uctr: --tail '$bad': want a number of lines, or all"
	done
}

test_follow_shows_what_comes_and_ends_with_the_container()
{
	need fullmap || return 0
	start_quiet --name tg1 busybox sh -c \
		'echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after; echo err >&2
		while [ ! -e /end ]; do sleep 0.05; done; printf end'
	wait_for 5 logged tg1 before
	background "$UCTR" logs -f tg1
	wait_for 5 printed before || fail "nothing of what was there"
	"$UCTR" exec tg1 touch /go
	wait_for 5 printed after || fail "nothing of what came"
	wait_for 5 printed err "$T.bg.err" || fail "nothing on standard error"
	is_gone "$bg" && fail "it ended before the container"
	"$UCTR" exec tg1 touch /end
	background_exit 0
	assertEquals "$(printf 'before\nafter\nend')" "$(cat "$T.bg.out")"
	# Of one that has ended it prints what is there.
	RUN_TIMEOUT=5
	logs -f tg1
	assertOut "$(printf 'before\nafter\nend')"
}

test_follow_from_now_on()
{
	need fullmap || return 0
	start_quiet --name tg1 busybox sh -c \
		'echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after; sleep 60'
	wait_for 5 logged tg1 before
	background "$UCTR" logs -f --tail 0 tg1
	wait_for 5 at_rest "$bg" || fail "it does not wait"
	"$UCTR" exec tg1 touch /go
	wait_for 5 printed after || fail "nothing of what came"
	assertEquals after "$(cat "$T.bg.out")"
	# Also when the container is killed with its monitor.
	"$UCTR" rm -f tg1 > /dev/null
	background_exit 0
}

test_follow_ends_when_nobody_reads()
{
	need fullmap || return 0
	start_quiet --name tg1 busybox sh -c 'while :; do echo line; sleep 0.02; done'
	RUN_TIMEOUT=10
	assert_run sh -c '"$0" logs -f tg1 | head -n 2' "$UCTR"
	assertExit 0
	assertOut "$(printf 'line\nline')"
}

test_terminal_output()
{
	need fullmap || return 0
	start_quiet -t --name tg1 busybox sh -c 'echo out; echo err >&2'
	"$UCTR" wait tg1 > /dev/null
	logs tg1
	assertEquals "$(printf 'out\r\nerr\r\n.')" "$(cat "$T.out"; echo .)"
	assertErrEmpty
}

test_no_log_of_throw_away_output()
{
	need fullmap || return 0
	background "$UCTR" run --rm --name tg1 --network none busybox sh -c 'echo ready; sleep 60'
	wait_for 10 printed ready
	assert_run "$UCTR" logs tg1
	assertExit 125
	assertErrLine "uctr: container tg1 keeps no log: it runs in the foreground with --rm"
	"$UCTR" rm -f tg1 > /dev/null
	wait "$bg"
	assert_run "$UCTR" logs nobody
	assertExit 125
	assertErrLine "uctr: no such container: nobody; 'uctr ps -a' lists them"
}

. shunit2
