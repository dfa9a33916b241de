#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts on a full disk, out of inodes, at limits, and with calls that fail: each works, or fails
# with one line that says why, and leaves nothing. UCTR_SEED and the like: lib/campaign.sh.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/campaign.sh
. "$(dirname "$0")/../lib/campaign.sh"

tearDown()
{
	unset UCTR_DATA
	[ -z "${UCTR_SMALL_DIR:-}" ] || find "$UCTR_SMALL_DIR" -mindepth 1 -maxdepth 1 ! -name data -exec rm -rf {} +
}

oneTimeTearDown()
{
	[ -z "${UCTR_SMALL_DIR:-}" ] || "$UCTR" unshare rm -rf "$UCTR_SMALL_DIR/data"
	rm -rf "$HOME/campaign" 2> /dev/null || "$UCTR" unshare rm -rf "$HOME/campaign"
	rm -rf "$UCTR_SUITE_TMP"
}

# --- one call fails ---------------------------------------------------------------------------

failing_calls()
{
	need fullmap helper:killer || return 0
	campaign "faults" check_fault "$1" 12 plain execs slirp fuse
}

test_no_space() { failing_calls ENOSPC; }
test_no_descriptor() { failing_calls EMFILE; }
test_no_file_of_the_system() { failing_calls ENFILE; }
test_no_process() { failing_calls EAGAIN; }
test_no_memory() { failing_calls ENOMEM; }
test_interrupted() { failing_calls EINTR; }

# each_call MODE ROLE LAST SCENARIO: the first LAST of the calls that MODE concerns, one after the other.
each_call()
{
	need fullmap helper:killer || return 0
	[ -z "${UCTR_REPLAY:-}" ] || return 0
	UCTR_REPLAY=$(for n in $(seq "$3"); do echo "$4 $1 $2 $n"; done)
	campaign faults check_fault
	unset UCTR_REPLAY
}

# What cannot be read is not taken for something that is not there.
test_no_descriptor_in_any_call_of_a_start() { each_call EMFILE run 24 plain; }

test_no_descriptor_in_any_call_of_a_removal() { each_call EMFILE rm 22 execs; }

test_interrupted_in_any_call_of_a_monitor() { each_call EINTR monitor 26 slirp; }

# --- a whole resource is used up --------------------------------------------------------------

# tried WORD...: a start under these conditions; counts what came of it.
tried()
{
	point=$*
	if [ "$rc" -eq 0 ]; then
		works=$((works + 1))
	else
		fails=$((fails + 1))
	fi
	check_fault
}

# both: some of the starts worked and some did not, or the sweep went beside the limit.
both()
{
	assertTrue "$works worked" "[ $works -gt 0 ]"
	assertTrue "$fails failed" "[ $fails -gt 0 ]"
}

fresh_sweep()
{
	works=0
	fails=0
	campaign=faults
	: > "$T/killer.log"
	scenario plain
}

start()
{
	assert_run "$UCTR" run --rm --name $ctr_name --network none busybox true
}

# inodes_left DIR N: makes files until only N more are possible.
inodes_left()
{
	free=$(($(stat -f -c %d "$1") - $2 - 1))
	mkdir "$UCTR_SMALL_DIR/fill"
	(cd "$UCTR_SMALL_DIR/fill" && seq "$free" | xargs touch)
}

# pages_left DIR N: the same with blocks.
pages_left()
{
	dd if=/dev/zero "of=$UCTR_SMALL_DIR/fill" bs=4096 "count=$(($(stat -f -c %a "$1") - $2))" 2> /dev/null
}

# The data directory on the small file system, the image in it.
small_data()
{
	UCTR_DATA=$UCTR_SMALL_DIR/data
	export UCTR_DATA
	start
	assertExit 0
	baseline
}

# sweep FILL-FUNCTION N...: a start with each N left.
sweep()
{
	fill=$1
	shift
	for left in "$@"; do
		"$fill" "$UCTR_SMALL_DIR" "$left"
		start
		tried "$fill $left"
		rm -rf "$UCTR_SMALL_DIR/fill"
	done
	both
}

test_data_without_inodes()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	fresh_sweep
	small_data
	sweep inodes_left 0 1 2 3 4 5 6 7 8 10 12 16 40
}

test_data_without_space()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	fresh_sweep
	small_data
	sweep pages_left 0 1 2 3 4 6 8 40
}

# The image's layers do not fit: nothing of them stays, and with space it works.
test_data_without_space_for_the_image()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	fresh_sweep
	UCTR_DATA=$UCTR_SMALL_DIR/data
	for left in 3 10 60 100 200; do
		"$UCTR" unshare rm -rf "$UCTR_SMALL_DIR/data"
		mkdir -m 0700 "$UCTR_SMALL_DIR/data"
		pages_left "$UCTR_SMALL_DIR" "$left"
		baseline
		start
		tried "pages for an image $left"
		assertEquals 125 "$rc"
		rm "$UCTR_SMALL_DIR/fill"
		start
		assertExit 0
	done
}

test_runtime_without_inodes_or_space()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	fresh_sweep
	start
	own_runtime=$XDG_RUNTIME_DIR
	XDG_RUNTIME_DIR=$UCTR_SMALL_DIR/run
	mkdir -m 0700 "$XDG_RUNTIME_DIR"
	start
	assertExit 0
	baseline
	sweep inodes_left 0 1 2 3 4 5 6 20
	sweep pages_left 0 1 2 3 4 20
	rm -rf "$XDG_RUNTIME_DIR"
	XDG_RUNTIME_DIR=$own_runtime
}

# start_limited: the limit is not for the file that takes the words.
start_limited()
{
	{
		prlimit "$option=$value" "$UCTR" run --rm --name $ctr_name --network none busybox true 2>&1
		echo $? > "$T.rc"
	} < /dev/null | cat > "$T.err"
	rc=$(cat "$T.rc")
	err=$(cat "$T.err")
}

# limits OPTION VALUE...: with each value of a limit.
limits()
{
	option=$1
	shift
	fresh_sweep
	start
	baseline
	for value in "$@"; do
		# What cannot load its libraries says so itself.
		prlimit "$option=$value" "$UCTR" version > /dev/null 2>&1 || continue
		start_limited
		tried "$option=$value"
	done
	both
}

test_limit_of_descriptors()
{
	need fullmap cmd:prlimit || return 0
	limits --nofile 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 20 22 24 26 28 30 40 64
}

test_limit_of_processes()
{
	need fullmap cmd:prlimit || return 0
	limits --nproc 1 2 4 8 100 200 4000
}

test_limit_of_file_size()
{
	need fullmap cmd:prlimit || return 0
	limits --fsize 0 1 10 100 500 1000 4096 100000
}

test_limit_of_memory()
{
	need fullmap cmd:prlimit || return 0
	limits --as 1000000 2000000 3000000 4000000 5000000 6000000 8000000 10000000 15000000 20000000 \
		40000000 100000000
}

. shunit2
