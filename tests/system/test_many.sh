#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many containers: at the same time, and one after the other without growth of anything.
# UCTR_MANY (100) start at once, UCTR_ROWS (300) one after the other.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers sm1
	[ -z "$("$UCTR" ps -aq)" ] || "$UCTR" rm -f -a > /dev/null 2>&1
}

# each_of N COMMAND...: all at the same time; each one's exit code and words are in $T/N.*.
each_of()
{
	number=$1
	shift
	pids=
	for i in $(seq "$number"); do
		"$@" "$i" > "$T/$i.out" 2> "$T/$i.err" < /dev/null &
		pids="$pids $!"
	done
	wrong=0
	for pid in $pids; do
		wait "$pid" || wrong=$((wrong + 1))
	done
	assertEquals "failures: $(cat "$T"/*.err)" 0 "$wrong"
	assertEquals "words" "" "$(cat "$T"/*.err)"
}

start_one()
{
	"$UCTR" run --rm --name "many-$1" --network none busybox echo "fine $1"
}

start_detached()
{
	"$UCTR" run -d --name "many-$1" --network none busybox sleep 1000
}

remove_one()
{
	"$UCTR" rm -f "many-$1"
}

test_at_the_same_time()
{
	need fullmap || return 0
	n=${UCTR_MANY:-100}
	ran="$n at once"
	each_of "$n" start_one
	for i in $(seq "$n"); do
		assertEquals "fine $i" "$(cat "$T/$i.out")"
	done
	assertNothingLeft
}

test_all_alive_and_all_ended_at_the_same_time()
{
	need fullmap || return 0
	n=$((${UCTR_MANY:-100} / 2))
	ran="$n alive at once"
	each_of "$n" start_detached
	assertEquals "$n" "$("$UCTR" ps -q | wc -l | tr -d ' ')"
	each_of "$n" remove_one
	assertNothingLeft
}

# One name, many who want it: one has it at a time, and what the others are told is so.
test_one_name_for_many()
{
	need fullmap || return 0
	ran="one name for many"
	pids=
	for i in $(seq 20); do
		"$UCTR" run --rm --name sm1 --network none busybox true 2> "$T/$i.err" &
		pids="$pids $!"
	done
	worked=0
	for pid in $pids; do
		if wait "$pid"; then
			worked=$((worked + 1))
		fi
	done
	assertTrue "$worked worked" "[ $worked -ge 1 ]"
	assertEquals "other words" "" "$(grep -hv "the name 'sm1' is in use by container" "$T"/*.err)"
	assertNothingLeft
}

# growing: what must not grow. Files of both directories, mounts, cgroups, keys, this user's
# processes; of a container that is there all the time, its monitor's descriptors.
growing()
{
	find "$(data_dir)" 2> /dev/null | wc -l
	find "$XDG_RUNTIME_DIR" | wc -l
	wc -l < /proc/self/mountinfo
	cg=$(own_cgroup)
	[ -z "$cg" ] || find "$cg" -type d | wc -l
	awk -v me="$(id -u):" '$1 == me { print $3 }' /proc/key-users
	find /proc -maxdepth 1 -name '[1-9]*' -user "$(id -un)" 2> /dev/null | wc -l
	find "/proc/$monitor/fd" -mindepth 1 2> /dev/null | wc -l
}

memory()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$monitor/status"
}

no_growth()
{
	growing > "$T/grown"
	cmp -s "$T/before" "$T/grown"
}

one_row()
{
	"$UCTR" run --rm --network none busybox true && "$UCTR" exec sm1 true &&
		[ "$("$UCTR" run -d --network none busybox true | wc -c)" = 65 ]
}

test_one_after_the_other()
{
	need fullmap || return 0
	ran="${UCTR_ROWS:-300} one after the other"
	start_quiet --name sm1 busybox sleep 100000
	monitor=$(monitor_of sm1)
	id=$(readlink "$(data_dir)/names/sm1")
	one_row
	wait_for 5 ended_rows
	"$UCTR" ps -aq --no-trunc | grep -v "$id" | xargs "$UCTR" rm > /dev/null
	sleep 0.3
	growing > "$T/before"
	kilobytes=$(memory)
	wrong=0
	for i in $(seq $((${UCTR_ROWS:-300} / 3))); do
		one_row || wrong=$((wrong + 1))
	done
	assertEquals "failures" 0 "$wrong"
	wait_for 5 ended_rows
	"$UCTR" ps -aq --no-trunc | grep -v "$id" | xargs "$UCTR" rm > /dev/null
	wait_for 5 no_growth || fail "grown from $(tr '\n' ' ' < "$T/before") to $(tr '\n' ' ' < "$T/grown")"
	grown=$(($(memory) - kilobytes))
	assertTrue "the monitor grew by $grown kB" "[ $grown -lt 200 ]"
}

# Only the one that stays runs.
ended_rows()
{
	[ "$("$UCTR" ps -q | wc -l)" -eq 1 ]
}

. shunit2
