#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr run: exit codes, streams, signals, names, what is printed and written.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tr1 tr2
}

# --- exit codes -------------------------------------------------------------------------------

test_exit_code_is_the_commands()
{
	need fullmap || return 0
	for code in 0 3 124 125 255; do
		ctr busybox sh -c "exit $code"
		assertExit $code
		assertOut ""
		assertErrEmpty
	done
}

test_command_not_found_is_127()
{
	need fullmap || return 0
	ctr busybox no-such-program
	assertExit 127
	assertOut ""
	assertEquals "uctr: exec 'no-such-program': executable file not found in \$PATH of the container" \
		"$err"
	ctr busybox /no/such/program
	assertExit 127
	assertEquals "uctr: exec '/no/such/program': no such file or directory in the container" "$err"
	ctr busybox ""
	assertExit 127
	assertNothingLeft
}

test_command_not_executable_is_126()
{
	need fullmap || return 0
	ctr busybox /etc/passwd
	assertExit 126
	assertOut ""
	assertErrLine "uctr: exec '/etc/passwd'"
	ctr busybox /etc
	assertExit 126
	assertErrLine "uctr: exec '/etc'"
	# A text without an interpreter line has no format that the kernel knows.
	echo true > "$T/script"
	chmod +x "$T/script"
	ctr -v "$T:/mnt" busybox /mnt/script
	assertExit 126
	assertErrLine "/mnt/script" "Exec format error"
	assertNothingLeft
}

test_failures_of_uctr_are_125()
{
	ctr --pull never no-such-image true
	assertExit 125
	assertErrLine no-such-image
	assert_run "$UCTR" run --no-such-flag
	assertExit 125
	assertErrLine "unknown flag --no-such-flag"
	assert_run "$UCTR" run
	assertExit 125
	assertErrLine "run takes more arguments" "uctr run IMAGE [COMMAND] [ARG...]"
	assertNothingLeft
}

test_death_by_signal_is_128_and_its_number()
{
	need fullmap || return 0
	# Pid 1 takes no default action of a signal from inside, so init stands in for it.
	for signal in TERM:143 SEGV:139 ABRT:134 KILL:137; do
		ctr --init busybox sh -c 'kill -$0 $$; sleep 5' "${signal%:*}"
		assertExit "${signal#*:}"
		assertErrEmpty
	done
	background "$UCTR" run --name tr1 --network none busybox sh -c 'echo ready; exec sleep 60'
	wait_for 10 printed ready || fail "the container did not start"
	assert_run "$UCTR" kill -s KILL tr1
	background_exit 137
	assert_run "$UCTR" ps -a --filter name=tr1 --format '{{.ExitCode}}'
	assertOut 137
}

# --- standard streams -------------------------------------------------------------------------

test_one_megabyte_of_binary_data_in_and_out()
{
	need fullmap || return 0
	head -c 1048576 /dev/urandom > "$T/in"
	RUN_STDIN=$T/in
	ctr -i busybox cat
	assertExit 0
	cmp "$T/in" "$T.out" || fail "standard output differs"
	ctr -i busybox sh -c 'cat >&2'
	assertExit 0
	assertOut ""
	cmp "$T/in" "$T.err" || fail "standard error differs"
	# Without -t nothing is cooked: every byte value by itself.
	ctr busybox sh -c "printf '\\0\\1\\3\\4\\r\\n\\32\\377'"
	assertEquals " 00 01 03 04 0d 0a 1a ff" "$(od -An -tx1 "$T.out")"
}

test_streams_stay_apart()
{
	need fullmap || return 0
	ctr busybox sh -c 'echo out; echo err >&2; exit 3'
	assertExit 3
	assertEquals "$(printf 'out\n.')" "$(cat "$T.out"; echo .)"
	assertEquals "$(printf 'err\n.')" "$(cat "$T.err"; echo .)"
}

test_big_output_is_whole()
{
	need fullmap || return 0
	ctr busybox sh -c 'seq 1 1000000; echo end >&2'
	assertExit 0
	seq 1 1000000 | cmp - "$T.out" || fail "the output is not whole"
	assertErrLine end
}

test_reader_that_goes_away_ends_the_payload()
{
	need fullmap || return 0
	assert_run sh -c '{ "$0" run --rm --network none busybox yes; echo "code $?" >&2; } | head -n 1' \
		"$UCTR"
	assertExit 0
	assertOut y
	case $err in
	*"code 0") fail "yes did not notice that nobody reads: $err" ;;
	esac
	# The other way round: an endless writer in front.
	assert_run sh -c 'yes | "$0" run --rm -i --network none busybox head -n 1' "$UCTR"
	assertExit 0
	assertOut y
	assertErrEmpty
	assertNothingLeft
}

test_input_only_when_asked_for()
{
	need fullmap || return 0
	printf 'line\nrest' > "$T/in"
	RUN_STDIN=$T/in
	ctr busybox sh -c 'readlink /proc/self/fd/0; cat'
	assertExit 0
	assertOut /dev/null
	ctr -i busybox sh -c 'read -r a; echo "<$a>"; cat'
	assertExit 0
	assertOut "$(printf '<line>\nrest')"
	# The end of an empty input is an end, too.
	RUN_STDIN=/dev/null
	RUN_TIMEOUT=10
	ctr -i busybox sh -c 'cat; echo end'
	assertExit 0
	assertOut end
}

test_caller_without_standard_streams()
{
	need fullmap || return 0
	RUN_TIMEOUT=10
	assert_run sh -c 'exec "$0" run --rm -i --network none busybox sh -c "cat; echo end" <&-' "$UCTR"
	assertExit 0
	assertOut end
	assert_run sh -c '"$0" run --rm --network none -v "$1:/mnt" busybox sh -c \
		"echo text; ls -l /proc/self/fd > /mnt/fds; exit 4" <&- >&- 2>&-' "$UCTR" "$T"
	assertExit 4
	assertOut ""
	grep -q ' 1 -> ' "$T/fds" || fail "the payload has no standard output"
}

test_input_left_over_does_not_hold_up_the_end()
{
	need fullmap || return 0
	RUN_TIMEOUT=10
	mkfifo "$T/fifo"
	sleep 30 > "$T/fifo" &
	writer=$!
	RUN_STDIN=$T/fifo
	ctr -i busybox sh -c 'exit 6'
	assertExit 6
	kill "$writer"
	wait "$writer"
	assertNothingLeft
}

# --- flags by letter and by value -------------------------------------------------------------

test_combined_short_flags()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect terminal yes' "$UCTR" run -it --rm --network none busybox sh -c \
		'test -t 0 && test -t 1 && echo terminal yes'
	assertExit 0
	start_quiet -it --name tr1 busybox sh -c 'tty; exec sleep 60'
	wait_for 5 sh -c '"$0" logs tr1 | grep -q /dev/pts/0' "$UCTR" || fail "no terminal with -itd"
	assert_run "$UCTR" run -dithinner --name tr2 --network none busybox hostname
	assertExit 0
	wait_for 5 is_state tr2 exited
	assert_run "$UCTR" logs tr2
	assertEquals inner "$(echo "$out" | tr -d '\r')"
}

test_flags_with_values_true_and_false()
{
	need fullmap || return 0
	assert_run "$UCTR" run --rm=false --name tr1 --network none busybox true
	assertExit 0
	assertEquals exited "$(state_of tr1)"
	assert_run "$UCTR" run --rm=true --name tr2 --network none busybox true
	assertExit 0
	assertEquals "" "$(state_of tr2)"
	ctr -i --tty=false busybox tty
	assertExit 1
	assertOut "not a tty"
	ctr --tty=maybe busybox tty
	assertExit 125
	assertErrLine "--tty: 'maybe' is not true or false"
}

test_flags_behind_the_image_are_the_commands()
{
	need fullmap || return 0
	ctr busybox echo --rm -d --name x
	assertExit 0
	assertOut "--rm -d --name x"
	ctr -- busybox echo -- x
	assertExit 0
	assertOut "-- x"
}

# --- signals ----------------------------------------------------------------------------------

test_signals_reach_the_payload()
{
	need fullmap || return 0
	for signal in TERM HUP USR1 USR2 ALRM; do
		background "$UCTR" run --rm --network none busybox sh -c \
			"trap 'echo got $signal; exit 9' $signal; echo ready; while :; do sleep 0.05; done"
		wait_for 10 printed ready || fail "the container did not start"
		kill -s $signal "$bg"
		background_exit 9
		printed "got $signal" || fail "no $signal: $(cat "$T.bg.out")"
	done
	assertNothingLeft
}

test_ctrl_c_without_a_terminal_inside_is_sigint()
{
	need fullmap helper:ptydrive || return 0
	assert_pty 'expect ready
send \x03
expect got INT' "$UCTR" run --rm --network none busybox sh -c \
		'trap "echo got INT; exit 9" INT; echo ready; while :; do sleep 0.05; done'
	assertExit 9
}

test_command_line_killed_container_goes_on()
{
	need fullmap || return 0
	background "$UCTR" run --name tr1 --network none busybox sh -c \
		'i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done'
	wait_for 10 printed 1 || fail "the container did not start"
	kill -KILL "$bg"
	wait "$bg"
	last=$("$UCTR" logs tr1 | tail -n 1)
	wait_for 5 logged tr1 $((last + 5)) || fail "it stopped printing with its command line"
	assertEquals running "$(state_of tr1)"
	assert_run "$UCTR" stop -t 0 tr1
	assertExit 0
	assertEquals exited "$(state_of tr1)"
}

test_command_line_killed_throw_away_container_is_removed_at_its_end()
{
	need fullmap || return 0
	background "$UCTR" run --rm --name tr1 --network none busybox sh -c \
		'echo ready; while :; do echo x; sleep 0.05; done'
	wait_for 10 printed ready || fail "the container did not start"
	kill -KILL "$bg"
	wait "$bg"
	sleep 0.3
	assertEquals running "$(state_of tr1)"
	assert_run "$UCTR" stop -t 0 tr1
	assertExit 0
	assertNothingLeft
}

# --- init -------------------------------------------------------------------------------------

test_init_reaps_orphans()
{
	need fullmap || return 0
	# Pid 1 is a program that never waits for the child it inherits; without init that one stays.
	orphan='(sleep 0.1 &); exec sleep 60'
	start_quiet --name tr1 busybox sh -c "$orphan"
	start_quiet --name tr2 --init busybox sh -c "$orphan"
	wait_for 5 "$UCTR" exec tr1 sh -c 'ps -o stat,comm | grep "^Z"' || fail "nobody left a zombie"
	wait_for 5 "$UCTR" exec tr2 sh -c '! ps -o args | grep "^sleep 0.1"' || fail "the orphan lives"
	assert_run "$UCTR" exec tr2 sh -c 'ps -o stat,comm | grep -c "^Z"'
	assertOut 0
	assert_run "$UCTR" exec tr2 cat /proc/1/cmdline
	assertOutHas uctr-init
}

test_init_forwards_signals_and_the_exit_code()
{
	need fullmap || return 0
	background "$UCTR" run --rm --init --network none busybox sh -c \
		'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for 10 printed ready || fail "the container did not start"
	kill -TERM "$bg"
	background_exit 7
	printed bye || fail "no TERM behind init"
	# A payload without a handler ends by the signal, which pid 1 would have ignored.
	background "$UCTR" run --rm --init --network none busybox sh -c 'echo ready; exec sleep 60'
	wait_for 10 printed ready || fail "the container did not start"
	kill -TERM "$bg"
	background_exit 143
}

# --- detached, names, files -------------------------------------------------------------------

test_detached_prints_the_full_id_and_nothing_else()
{
	need fullmap || return 0
	start_quiet --name tr1 busybox sleep 60
	expr "$out" : '[0-9a-f]\{64\}$' > /dev/null || fail "not an id: $out"
	assertEquals "bytes printed" 65 "$(wc -c < "$T.out" | tr -d ' ')"
	assert_run "$UCTR" ps -q --no-trunc
	assertOut "$(sed -n 1p "$T.out")"
	assertEquals "$out" "$(readlink "$(data_dir)/names/tr1")"
}

test_detached_failure_is_told_at_once()
{
	need fullmap || return 0
	assert_run "$UCTR" run -d --name tr1 --network none busybox no-such-program
	assertExit 127
	assertOut ""
	assertErrLine no-such-program
	assertNothingLeft
}

test_name_in_use()
{
	need fullmap || return 0
	start_quiet --name tr1 busybox sleep 60
	id=$out
	assert_run "$UCTR" run -d --name tr1 --network none busybox sleep 60
	assertExit 125
	assertOut ""
	assertErrLine "uctr: the name 'tr1' is in use by container $(echo "$id" | cut -c1-12)" \
		"uctr rm tr1" "--replace"
	assertEquals running "$(state_of tr1)"
}

test_replace_removes_the_older_one()
{
	need fullmap || return 0
	assert_run "$UCTR" run -d --replace --network none busybox sleep 60
	assertExit 125
	assertErrLine "uctr: --replace needs --name"
	start_quiet --name tr1 --replace busybox sleep 60
	first=$out
	start_quiet --name tr1 --replace busybox sleep 60
	second=$out
	assertNotEquals "$first" "$second"
	assert_run "$UCTR" ps -aq --no-trunc
	assertOut "$second"
	[ ! -e "$(data_dir)/containers/$first" ] || fail "the older one's directory is still there"
	# A stopped one as well.
	assert_run "$UCTR" stop -t 0 tr1
	assert_run "$UCTR" run --rm --replace --name tr1 --network none busybox echo new
	assertOut new
	assertNothingLeft
}

test_cidfile_and_pidfile()
{
	need fullmap || return 0
	start_quiet --name tr1 --cidfile "$T/cid" --pidfile "$T/pid" busybox sleep 60
	assertEquals "$out" "$(cat "$T/cid")"
	assertEquals "$(pid_of tr1)" "$(cat "$T/pid")"
	assertEquals sleep "$(cat "/proc/$(cat "$T/pid")/comm")"
	# Neither is ever overwritten.
	for flag in cidfile pidfile; do
		ctr --$flag "$T/cid" busybox true
		assertExit 125
		assertErrLine "uctr: --$flag: $T/cid exists already"
	done
	ln -s "$T/elsewhere" "$T/link"
	ctr --cidfile "$T/link" busybox true
	assertExit 125
	assertErrLine "--cidfile"
	[ ! -e "$T/elsewhere" ] || fail "the cidfile was written through a link"
	# A start that fails leaves no file.
	ctr --cidfile "$T/cid2" busybox no-such-program
	assertExit 127
	[ ! -e "$T/cid2" ] || fail "a cidfile of no container"
	ctr --cidfile "$T/no/such/dir/cid" busybox true
	assertExit 125
	assertErrLine "--cidfile $T/no/such/dir/cid" "No such file or directory"
}

test_labels_and_annotations()
{
	need fullmap || return 0
	start_quiet --name tr1 --label a=1 -l b --label c=x=y --annotation note=text busybox sleep 60
	assert_run "$UCTR" ps --format '{{.Labels}}'
	assertOut "a=1,b=,c=x=y"
	assert_run "$UCTR" ps -q --filter label=c=x=y
	assertEquals 12 ${#out}
	grep -qF '"annotations":{"note":"text"}' "$(record_of tr1)" || fail "no annotation in the record"
	ctr --label =x busybox true
	assertExit 125
	assertErrLine "uctr: --label '=x': want KEY=VALUE"
}

test_rootfs_directory()
{
	need fullmap || return 0
	mkrootfs "$T/root"
	ctr --rootfs "$T/root" sh -c 'echo text > /new; cat /etc/shells'
	assertExit 0
	assertOut "$(printf '/bin/sh\n/bin/ash')"
	assertEquals "what is written goes to the directory" text "$(cat "$T/root/new")"
	cd "$T" || return
	ctr --rootfs ./root cat /new
	assertOut text
	cd "$HOME" || return
	ctr --rootfs --read-only "$T/root" sh -c 'echo x > /new2'
	assertExit 1
	assertErrLine "Read-only file system"
	ctr --rootfs / true
	assertExit 125
	assertErrLine "--rootfs / would be the host itself"
	ctr --rootfs "$T/root/etc/passwd" true
	assertExit 125
	assertErrLine "--rootfs $T/root/etc/passwd is not a directory"
	ctr --rootfs "$T/nothing" true
	assertExit 125
	assertErrLine "--rootfs $T/nothing" "No such file or directory"
	assertNothingLeft
}

. shunit2
