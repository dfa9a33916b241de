#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr exec: the container's rights and settings, streams, exit codes, detached, terminal.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	has fullmap || return 0
	"$UCTR" run -d --name te1 --network none -h inner -e A=container -e B=container --ulimit nofile=77 \
		--umask 027 -w /srv busybox sleep 300 > /dev/null || fail "no container"
}

tearDown()
{
	remove_containers te1
}

ex()
{
	assert_run "$UCTR" exec "$@"
}

test_it_is_in_the_container()
{
	need fullmap || return 0
	ex te1 sh -c 'hostname; pwd; umask; ulimit -n; ps -o args | grep -c "^sleep 300"; id'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf 'inner\n/srv\n0027\n77\n1\nuid=0(root) gid=0(root) groups=0(root)')"
	pid=$(pid_of te1)
	ex te1 sh -c 'for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	assertEquals "$(for n in user mnt pid net ipc uts cgroup; do readlink "/proc/$pid/ns/$n"; done)" "$out"
}

test_nothing_weaker_than_the_container()
{
	need fullmap || return 0
	rights='grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status'
	"$UCTR" run -d --name te2 --network none --cap-drop all --cap-add CHOWN --security-opt no-new-privileges \
		busybox sh -c "$rights; sleep 300" > /dev/null
	wait_for 5 logged te2 "$(printf 'NoNewPrivs:\t1')"
	assert_run "$UCTR" logs te2
	inside=$out
	ex te2 sh -c "$rights"
	remove_containers te2
	assertOutHas "$(printf 'CapEff:\t0000000000000001')" "$(printf 'Seccomp:\t2')"
	assertOut "$inside"
}

test_privileged()
{
	need fullmap || return 0
	ex --privileged te1 sh -c 'grep CapEff /proc/self/status; mkdir -p /mnt; mount -t tmpfs none /mnt || echo filtered'
	all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	assertOutHas "$(printf 'CapEff:\t%s' "$all")"
	# The next one has what the container has.
	ex te1 grep CapEff /proc/self/status
	assertOut "$(printf 'CapEff:\t00000000800405fb')"
}

test_environment()
{
	need fullmap || return 0
	export FROM_CALLER=caller
	printf 'C=file\nB=file\n' > "$T/env"
	ex -e B=exec --env-file "$T/env" -e FROM_CALLER te1 sh -c 'echo $A $B $C $FROM_CALLER $container $HOME'
	unset FROM_CALLER
	assertOut "container exec file caller uctr /root"
	ex te1 sh -c 'echo $B ${C-unset}'
	assertOut "container unset"
	ex --env-file "$T/none" te1 true
	assertExit 125
	assertErrLine "uctr: --env-file $T/none: No such file or directory"
}

test_user()
{
	need fullmap || return 0
	ex -u nobody te1 sh -c 'id; echo $HOME; grep CapEff /proc/self/status'
	assertOut "$(printf 'uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n/nonexistent\nCapEff:\t0000000000000000')"
	ex -u 7:8 te1 sh -c 'id -u; id -g'
	assertOut "$(printf '7\n8')"
	# An exec writes no entry into the container's files.
	ex te1 sh -c 'grep -c :7: /etc/passwd'
	assertOut 0
	ex -u ghost te1 true
	assertExit 125
	assertErrLine "uctr: no user 'ghost' in the container's /etc/passwd"
}

test_the_containers_user_is_the_default()
{
	need fullmap || return 0
	"$UCTR" run -d --name te2 --network none -u 33 busybox sleep 300 > /dev/null
	ex te2 id -u
	assertOut 33
	ex -u 0 te2 id -u
	assertOut 0
	remove_containers te2
}

test_workdir()
{
	need fullmap || return 0
	ex -w /usr te1 pwd
	assertOut /usr
	ex -w relative te1 pwd
	assertExit 125
	assertErrLine "uctr: --workdir 'relative' must be an absolute path"
	ex -w /none te1 pwd
	assertExit 125
	assertErrLine "uctr: working directory /none: No such file or directory"
}

test_exit_codes()
{
	need fullmap || return 0
	for code in 0 3 255; do
		ex te1 sh -c "exit $code"
		assertExit $code
		assertErrEmpty
	done
	for signal in TERM:143 KILL:137; do
		ex te1 sh -c "kill -${signal%:*} \$\$; sleep 5"
		assertExit "${signal#*:}"
	done
	ex te1 no-such-program
	assertExit 127
	assertErrLine "uctr: exec 'no-such-program': executable file not found in \$PATH of the container"
	ex te1 /etc/passwd
	assertExit 126
	assertErrLine "uctr: exec '/etc/passwd': Permission denied"
	assertEquals running "$(state_of te1)"
}

test_streams()
{
	need fullmap || return 0
	head -c 1048576 /dev/urandom > "$T/in"
	RUN_STDIN=$T/in
	ex -i te1 cat
	assertExit 0
	cmp "$T/in" "$T.out" || fail "standard output differs"
	ex te1 sh -c 'cat; echo out; echo err >&2'
	assertOut out
	assertErrLine err
	ex te1 sh -c 'ls /proc/self/fd | wc -l; readlink /proc/self/fd/0'
	assertOut "$(printf '4\n/dev/null')"
	assert_run sh -c '"$0" exec te1 yes | head -n 1' "$UCTR"
	assertOut y
	# Without a reader it ends, in the container too.
	wait_for 5 sh -c '! "$0" exec te1 pidof yes' "$UCTR" || fail "yes goes on without a reader"
}

test_output_is_not_in_the_containers_log()
{
	need fullmap || return 0
	ex te1 echo exec-output
	assertOut exec-output
	assert_run "$UCTR" logs te1
	assertOut ""
}

test_detached()
{
	need fullmap || return 0
	ex -d te1 sh -c 'echo $$ > /pid; exec sleep 222'
	assertExit 0
	assertOut ""
	wait_for 5 "$UCTR" exec te1 pidof sleep || fail "nothing runs"
	wait_for 5 sh -c '"$0" exec te1 ps -o args | grep -q "^sleep 222"' "$UCTR" || fail "nothing runs"
	ex -d te1 no-such-program
	assertExit 127
	assertErrLine no-such-program
}

test_detached_with_a_terminal_stays()
{
	need fullmap || return 0
	ex -dt te1 sh -c 'tty > /terminal; yes | head -c 300000; echo "wrote" > /wrote; exec sleep 222'
	assertExit 0
	wait_for 5 "$UCTR" exec te1 test -e /wrote || fail "its output is not taken away"
	ex te1 cat /terminal /wrote
	assertOut "$(printf '/dev/pts/0\nwrote')"
	ex te1 sh -c 'ps -o args | grep -c "^sleep 222"'
	assertOut 1
}

test_many_at_once()
{
	need fullmap || return 0
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		{
			"$UCTR" exec te1 sh -c "echo $i; exit $i"
			echo "code $?"
		} > "$T/$i.out" 2> "$T/$i.err" &
	done
	wait
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		assertEquals "$(printf '%s\ncode %s' $i $i)" "$(cat "$T/$i.out" "$T/$i.err")"
	done
}

test_terminal()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect #
send tty; echo $TERM; stty size\r
expect /dev/pts/0
expect xterm
expect 24 80
size 33 99
send until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; echo siz$((1))\r
expect siz1
send exit 5\r' "$UCTR" exec -it te1 sh
	assertExit 5
	RUN_STDIN=/dev/null
	ex -it te1 true
	assertExit 125
	assertErrLine "uctr: the input device is not a terminal; leave out -t when input comes from a pipe or file"
}

test_container_that_is_not_there()
{
	ex nobody true
	assertExit 125
	assertErrLine "uctr: no such container: nobody; 'uctr ps -a' lists them"
	ex
	assertExit 125
	assertErrLine "uctr: exec takes more arguments; usage: uctr exec CONTAINER COMMAND [ARG...]"
}

test_container_that_has_ended()
{
	need fullmap || return 0
	"$UCTR" stop -t 0 te1 > /dev/null
	ex te1 true
	assertExit 125
	assertErrLine "uctr: container te1 is not running (exited)"
}

test_container_that_ends_meanwhile()
{
	need fullmap || return 0
	background "$UCTR" exec te1 sh -c 'echo ready; sleep 60'
	wait_for 5 printed ready
	"$UCTR" kill te1 > /dev/null
	background_exit 137
	# The process of the exec may be gone a moment before the container's first.
	assertEquals 137 "$("$UCTR" wait te1)"
	"$UCTR" rm te1 > /dev/null
	"$UCTR" run -d --name te1 --network none busybox sleep 300 > /dev/null
	background "$UCTR" exec te1 sh -c 'echo ready; sleep 60'
	wait_for 5 printed ready
	"$UCTR" rm -f te1 > /dev/null
	background_exit 125
	assertEquals "uctr: the container's monitor is gone; 'uctr ps -a' shows its state" \
		"$(cat "$T.bg.err")"
}

test_from_another_cgroup()
{
	need fullmap cgroup || return 0
	top=$(own_cgroup)
	group=$(find "$top" -type d -name 'uctr-*' ! -name uctr-cli)
	mkdir "$top/elsewhere"
	assert_run sh -c 'echo 0 > "$0/elsewhere/cgroup.procs" && exec "$1" exec te1 sh -c \
		"grep ^0: /proc/self/cgroup; exec cat /sys/fs/cgroup/cgroup.procs"' "$top" "$UCTR"
	rmdir "$top/elsewhere"
	assertExit 0
	# The container's own: the root of its view, where its first process is as well.
	assertEquals "0::/" "$(echo "$out" | sed -n 1p)"
	assertEquals 1 "$(echo "$out" | sed -n 2p)"
	assertEquals "the container and the exec" 3 "$(echo "$out" | wc -l | tr -d ' ')"
	[ -n "$group" ] || fail "the container has no cgroup"
}

# The process may be ready before the one in between has told its pid: the test build waits there.
test_a_process_that_is_faster_than_its_pid()
{
	need fullmap || return 0
	assert_run env UCTR_RED=slowpid "${UCTR%/bin/*}/red/uctr" run -d --name te9 --network none \
		busybox sleep 60
	assertExit 0
	assert_run "$UCTR" exec te9 echo here
	assertExit 0
	assertOut here
	assert_run "$UCTR" exec te9 nosuch
	assertExit 127
	assert_run "$UCTR" rm -f te9
}

. shunit2
