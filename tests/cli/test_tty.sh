#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers on a real terminal: size, signals, job control, and the caller's terminal afterwards.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers ty1
}

# pty_run STEPS ARG...: uctr run -it with these arguments on a pseudo terminal.
pty_run()
{
	pty_steps=$1
	shift
	assert_pty "$pty_steps" "$UCTR" run --rm -it --network none "$@"
}

# What to type for a program that says r1n (its echo does not) once it is in the foreground.
waiting='sh -c "echo r\$((1))n; exec sleep 100"\r'

# restored COMMAND...: runs it on a pseudo terminal below a shell that compares the terminal's modes
# before and after; steps come from $steps.
restored()
{
	assert_pty "$steps" sh -c 'before=$(stty -g); "$@"; code=$?
		[ "$before" = "$(stty -g)" ] && echo "modes restored, code $code"' sh "$@"
}

test_all_three_streams_are_the_terminal()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect all of /dev/pts/0' busybox sh -c \
		'test -t 0 && test -t 1 && test -t 2 && echo "all of $(tty)"'
	assertExit 0
	pty_run 'expect nobody on /dev/pts/0' -u nobody busybox sh -c \
		'echo "$(whoami) on $(tty)" > "$(tty)"'
	assertExit 0
}

test_size_at_the_start_and_when_it_changes()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect size 24 80
size 50 132
expect winch 50 132
size 10 20
expect winch 10 20' busybox sh -c 'trap "echo winch \$(stty size)" WINCH; echo "size $(stty size)"
		until [ "$(stty size)" = "10 20" ]; do sleep 0.05; done; exit 4'
	assertExit 4
}

test_ctrl_c()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect ready
send \x03
expect got INT' busybox sh -c 'trap "echo got INT; exit 9" INT; echo ready; while :; do sleep 0.05; done'
	assertExit 9
	# In a shell it ends the program, not the shell.
	pty_run 'expect #
send '"$waiting"'
expect r1n
send \x03
expect #
send echo on$((1+1)); exit 6\r
expect on2' busybox sh
	assertExit 6
}

test_ctrl_z_and_job_control()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect #
send '"$waiting"'
expect r1n
send \x1a
expect Stopped
expect #
send jobs\r
expect [1]+  Stopped
expect sleep 100
expect #
send bg; jobs\r
expect [1]
expect Running
expect #
send fg\r
expect sleep 100
sleep 200
send \x03
expect #
send jobs; echo none$((40+2))\r
expect none42
send exit 3\r' busybox sh
	assertExit 3
	case $out in
	*"can't access tty"* | *"job control turned off"*) fail "no job control: $out" ;;
	esac
}

test_ctrl_d_is_the_end_of_input()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect ready
send line\r
expect line
expect line
send \x04
expect end' busybox sh -c 'echo ready; cat; echo end; exit 2'
	assertExit 2
}

test_modes_are_restored()
{
	need fullmap helper:ptydrive || return 0
	steps='expect modes restored, code 5'
	restored "$UCTR" run --rm -it --network none busybox sh -c 'exit 5'
	assertExit 0
	steps='expect modes restored, code 127'
	restored "$UCTR" run --rm -it --network none busybox no-such-program
	assertExit 0
	# Red control: while it runs the modes are others.
	steps='expect raw'
	assert_pty "$steps" sh -c 'before=$(stty -g)
		{
			while [ "$before" = "$(stty -g < /dev/tty)" ]; do sleep 0.05; done
			echo raw
			until "$0" kill ty1 > /dev/null 2>&1; do sleep 0.05; done
		} &
		"$0" run --rm --name ty1 -it --network none busybox sleep 100
		wait' "$UCTR"
	assertExit 0
}

# It neither takes the terminal from the shell nor goes on without one.
test_in_the_background_it_waits_for_the_foreground()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect Stopped
expect untouched
expect in front
expect all over' sh -c 'set -m
		before=$(stty -g)
		"$0" run --rm -it --network none busybox echo in front &
		until jobs > "$1"; grep Stopped "$1"; do sleep 0.05; done
		[ "$before" = "$(stty -g)" ] && echo untouched
		fg
		echo all over' "$UCTR" "$T/jobs"
	assertExit 0
}

test_modes_are_restored_after_a_violent_end()
{
	need fullmap helper:ptydrive || return 0
	# shellcheck disable=SC2089,SC2090 # a command for the inner shell
	when_up='while ! "$1" exec ty1 true 2> /dev/null; do sleep 0.05; done'
	steps='expect modes restored, code 137'
	restored sh -c "{ trap '' HUP; $when_up; \"\$1\" kill ty1 > /dev/null; } &
		exec \"\$1\" run --rm --name ty1 -it --network none busybox sleep 60" sh "$UCTR"
	assertExit 0
	steps='expect modes restored, code 125'
	restored sh -c "{ trap '' HUP; $when_up; \"\$1\" rm -f ty1 > /dev/null; } &
		exec \"\$1\" run --rm --name ty1 -it --network none busybox sleep 60" sh "$UCTR"
	assertExit 0
	assertOutHas "uctr: the container's monitor is gone"
	assertNothingLeft
}

test_terminal_that_goes_away_hangs_up()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect ready
hangup' "$UCTR" run --name ty1 -it --network none busybox sh -c \
		'trap "exit 8" HUP; echo ready; while :; do sleep 0.05; done'
	wait_for 5 is_state ty1 exited || fail "it goes on without its terminal"
	assert_run "$UCTR" wait ty1
	assertOut 8
}

test_exec_on_a_terminal()
{
	need fullmap helper:ptydrive || return 0
	start_quiet --name ty1 busybox sleep 300
	assert_pty 'expect #
send tty; stty size\r
expect /dev/pts/0
expect 24 80
size 44 101
send until [ "$(stty size)" = "44 101" ]; do sleep 0.1; done; echo siz$((1))\r
expect siz1
send '"$waiting"'
expect r1n
send \x1a
expect Stopped
send kill -9 %1; sleep 0.2; jobs; echo on$((1+1))\r
expect on2
send exit 5\r' "$UCTR" exec -it ty1 sh
	assertExit 5
	steps='expect modes restored, code 7'
	restored "$UCTR" exec -it ty1 sh -c 'exit 7'
	assertExit 0
	# Two at once have two terminals.
	"$UCTR" exec -t ty1 sleep 60 > /dev/null < /dev/null &
	wait_for 5 "$UCTR" exec ty1 test -c /dev/pts/0
	assert_pty 'expect /dev/pts/1' "$UCTR" exec -it ty1 tty
	assertExit 0
	kill $!
	wait $!
	assertEquals 'exec passes the signal on' 143 $?
}

test_terminal_without_a_terminal_outside()
{
	need fullmap || return 0
	# -t alone is fine: the payload has a terminal, its output is a terminal's.
	ctr -t busybox sh -c 'tty; echo err >&2; exit 3'
	assertExit 3
	assertEquals "$(printf '/dev/pts/0\r\nerr\r\n.')" "$(cat "$T.out"; echo .)"
	assertErrEmpty
	# With -i, input would be taken for typing.
	printf 'exit\n' > "$T/in"
	RUN_STDIN=$T/in
	ctr -it busybox sh
	assertExit 125
	assertOut ""
	assertErrLine "uctr: the input device is not a terminal; leave out -t when input comes from a pipe or file"
	assert_run sh -c 'echo exit | "$0" run --rm -it --network none busybox sh' "$UCTR"
	assertExit 125
	assertErrLine "uctr: the input device is not a terminal"
	assertNothingLeft
}

test_output_to_a_file_while_typing()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect up
send typed\r' sh -c '{
			until grep -q ready "$1"; do sleep 0.05; done
			echo up
		} 2> /dev/null &
		"$0" run --rm -it --network none busybox sh -c "echo ready; read -r x; echo got \$x" > "$1"' "$UCTR" "$T/file"
	assertExit 0
	assertEquals "got typed" "$(tr -d '\r' < "$T/file" | tail -n 1)"
}

test_console_and_controlling_terminal()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect by console
expect by tty
expect 5:0' busybox sh -c 'echo by console > /dev/console; echo by tty > /dev/tty; stat -c "%t:%T" /dev/tty
		[ "$(stat -c %t:%T /dev/console)" = "$(stat -c %t:%T /dev/pts/0)" ]'
	assertExit 0
	# Without -t there is neither a console nor a controlling terminal.
	ctr busybox sh -c '[ -e /dev/console ] && echo console; echo x > /dev/tty'
	assertExit 1
	assertOut ""
	assertErrLine "/dev/tty: No such device or address"
}

test_terminal_variable()
{
	need fullmap helper:ptydrive || return 0
	pty_run 'expect <xterm>' busybox sh -c 'echo "<$TERM>"'
	pty_run 'expect <vt100>' -e TERM=vt100 busybox sh -c 'echo "<$TERM>"'
	assertExit 0
	ctr busybox sh -c 'echo "<${TERM-unset}>"'
	assertOut "<unset>"
}

test_a_megabyte_through_the_terminal()
{
	need fullmap || return 0
	ctr -t busybox seq 1 150000
	assertExit 0
	seq 1 150000 | sed 's/$/\r/' | cmp - "$T.out" || fail "the output is not whole"
}

. shunit2
