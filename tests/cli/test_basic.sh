#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The everyday path: run, exit codes, standard streams, terminal, detached containers, exec, rm.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

tearDown()
{
	# shunit2 calls this once more at the very end, when $T is gone.
	"$UCTR" rm -f basic > /dev/null 2>&1
	return 0
}

test_version()
{
	assert_run "$UCTR" version
	assertExit 0
	assertOutHas "0.1.0"
	assertErrEmpty
}

test_unknown_command_is_one_line()
{
	assert_run "$UCTR" frobnicate
	assertExit 125
	assertOut ""
	assertErrLine frobnicate
}

test_unknown_flag_is_one_line()
{
	assert_run "$UCTR" run --frobnicate busybox
	assertExit 125
	assertOut ""
	assertErrLine --frobnicate
}

test_output_and_success()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none busybox echo "hello  world"
	assertExit 0
	assertOut "hello  world"
	assertErrEmpty
}

test_exit_codes_pass_through()
{
	need fullmap || return 0
	for code in 0 1 42 255; do
		assert_run "$UCTR" run --rm --network none busybox sh -c "exit $code"
		assertExit $code
		assertErrEmpty
	done
	assert_run "$UCTR" run --rm --network none busybox sh -c 'sh -c "kill -KILL \$\$"; exit $?'
	assertExit 137
}

test_command_that_is_not_there()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none busybox no-such-program
	assertExit 127
	assertOut ""
	assertErrLine no-such-program
}

test_command_that_is_not_executable()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none busybox /etc/passwd
	assertExit 126
	assertOut ""
	assertErrLine /etc/passwd
}

test_image_that_is_not_there()
{
	assert_run "$UCTR" run --rm --network none --pull never no-such-image true
	assertExit 125
	assertOut ""
	assertErrLine no-such-image
}

test_standard_input()
{
	need fullmap || return 0
	printf 'a\nb' > "$T/in"
	RUN_STDIN=$T/in
	assert_run "$UCTR" run --rm -i --network none busybox cat
	assertExit 0
	assertOut "$(printf 'a\nb')"
	# Without -i the payload sees the end of its input at once.
	assert_run "$UCTR" run --rm --network none busybox cat
	assertExit 0
	assertOut ""
}

test_streams_stay_apart()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 3'
	assertExit 3
	assertOut out
	assertErrLine err
}

test_isolation_seen_from_inside()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none --hostname inner busybox sh -c \
		'echo $$; id -u; hostname; cat /proc/sys/kernel/hostname; set -- /proc/[0-9]*; echo $#'
	assertExit 0
	assertEquals "pid" 1 "$(echo "$out" | sed -n 1p)"
	assertEquals "uid" 0 "$(echo "$out" | sed -n 2p)"
	assertEquals "hostname" inner "$(echo "$out" | sed -n 3p)"
	assertEquals "processes in sight" 1 "$(echo "$out" | sed -n 5p)"
}

test_default_network()
{
	need fullmap slirp4netns || return 0
	assert_run "$UCTR" run --rm busybox ip -o -4 addr show dev tap0
	assertExit 0
	assertOutHas "inet 10.0.2.100/24"
	assertErrEmpty
}

test_the_image_stays_as_it_is()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm --network none busybox sh -c 'echo x > /new; rm /etc/passwd; ls /new'
	assertExit 0
	assertOut /new
	assert_run "$UCTR" run --rm --network none busybox sh -c 'ls /etc/passwd /new'
	assertExit 1
	assertOut /etc/passwd
}

test_root_directory_instead_of_an_image()
{
	need fullmap || return 0
	mkrootfs "$T/root"
	assert_run "$UCTR" run --rm --network none --rootfs "$T/root" cat /etc/shells
	assertExit 0
	assertOut "$(printf '/bin/sh\n/bin/ash')"
}

test_terminal()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect / #
send tty; stty size\r
expect /dev/pts/0
expect 24 80
size 30 100
send until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo siz$((1))\r
expect siz1
send sh -c "echo r$((1))n; exec sleep 100"\r
expect r1n
send \x03
expect / #
send exit 7\r' "$UCTR" run --rm -it --network none busybox sh
	assertExit 7
}

test_detached_exec_and_rm()
{
	need fullmap || return 0
	assert_run "$UCTR" run -d --name basic --network none busybox sleep 1000
	assertExit 0
	assertEquals "length of the id" 64 ${#out}
	assert_run "$UCTR" ps -q
	assertExit 0
	assertEquals "one short id" 12 ${#out}
	assert_run "$UCTR" exec basic sh -c 'ps -o args | grep "^sleep"; exit 5'
	assertExit 5
	assertOut "sleep 1000"
	assert_run "$UCTR" rm -f basic
	assertExit 0
	assert_run "$UCTR" ps -aq
	assertExit 0
	assertOut ""
}

test_logs_and_stop()
{
	need fullmap || return 0
	assert_run "$UCTR" run -d --name basic --network none busybox sh -c \
		'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'
	assertExit 0
	wait_for 5 sh -c "\"$UCTR\" logs basic | grep -q ready"
	assert_run "$UCTR" stop basic
	assertExit 0
	assert_run "$UCTR" logs basic
	assertOut "$(printf 'ready\nbye')"
	assert_run "$UCTR" wait basic
	assertOut 0
}

. shunit2
