#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is left of a start, a container or an exec that was killed or frozen, and who clears it away.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	[ -z "${frozen:-}" ] || echo 0 2> /dev/null > "$frozen/cgroup.freeze"
	frozen=
	remove_containers sk1
}

id=$(printf '%064d' 0)

oneTimeSetUp()
{
	"$UCTR" run --rm --network none busybox true
	image=$("$UCTR" images -q --no-trunc busybox | sed 's/^sha256://')
}

# abandon: what a start leaves that was killed before its monitor made a record: a directory with a
# lock, a name, a note of image and cgroup, the cgroup.
abandon()
{
	dir=$(data_dir)/containers/$id
	cgroup=$(own_cgroup)
	[ -z "$cgroup" ] || cgroup=$cgroup/uctr-$id
	mkdir -p "$dir/upper" "$dir/work/work" "$(data_dir)/names"
	: > "$dir/lock"
	chmod 0 "$dir/work/work"
	ln -s "$id" "$(data_dir)/names/sk1"
	printf 'S %s %s' "$image" "${cgroup:--}" > "$dir/lock"
	[ -z "$cgroup" ] || mkdir "$cgroup"
}

test_an_abandoned_start_is_cleared_away_by_ps()
{
	need fullmap || return 0
	abandon
	assert_run "$UCTR" ps -a
	assertExit 0
	assertErrEmpty
	assertNothingLeft
}

test_an_abandoned_start_is_cleared_away_by_rm()
{
	need fullmap || return 0
	abandon
	assert_run "$UCTR" rm -f nobody
	assertExit 0
	assertErrEmpty
	assertNothingLeft
}

test_an_abandoned_name_is_free()
{
	need fullmap || return 0
	abandon
	ctr --name sk1 busybox true
	assertExit 0
	assertErrEmpty
	"$UCTR" ps -a > /dev/null
	assertNothingLeft
}

test_a_directory_without_a_lock()
{
	need fullmap || return 0
	mkdir "$(data_dir)/containers/$id"
	assert_run "$UCTR" ps -a
	assertErrEmpty
	assertNothingLeft
}

# While somebody holds the lock it is a start on its way, and its image is in use.
test_a_living_start_is_left_alone()
{
	need fullmap helper:payload || return 0
	abandon
	mkfifo "$T/go"
	"$HELPERS/payload" lock "$(data_dir)/containers/$id/lock" < "$T/go" > "$T/locked" &
	exec 9> "$T/go"
	wait_for 5 grep -q locked "$T/locked"
	assert_run "$UCTR" ps -a
	assertErrEmpty
	assertTrue "the directory is there" "[ -d '$(data_dir)/containers/$id/upper' ]"
	assert_run "$UCTR" run --rm --name sk1 --network none busybox true
	assertErrLine "the name 'sk1' is in use by container 000000000000"
	assert_run "$UCTR" rmi busybox
	assertExit 125
	assertErrLine "is used by a container"
	exec 9>&-
	wait
	# Red control: without the lock it all goes.
	assert_run "$UCTR" ps -a
	assertNothingLeft
}

# What a killed monitor leaves outside of the record goes with the first look at it.
test_a_dead_container_holds_nothing()
{
	need fullmap || return 0
	start_quiet --name sk1 busybox sleep 300
	id_of=$(readlink "$(data_dir)/names/sk1")
	kill -KILL "$(monitor_of sk1)"
	wait_for 5 is_state sk1 dead || fail "not dead: $(state_of sk1)"
	assertEquals "the directory and the name alone" \
		"$(printf '%s\n%s' "$(data_dir)/containers/$id_of" "$(data_dir)/names/sk1")" "$(remains)"
	assertEquals "registrations" "" "$(ls "$XDG_RUNTIME_DIR/uctr/userns")"
}

test_wait_during_rm_f()
{
	need fullmap || return 0
	for flag in --init --label=x; do
		start_quiet --name sk1 "$flag" busybox sleep 300
		background "$UCTR" wait sk1
		wait_for 5 at_rest "$bg" || fail "it does not wait"
		assert_run "$UCTR" rm -f sk1
		assertExit 0
		background_exit 0
		assertEquals 137 "$(cat "$T.bg.out")"
	done
}

frozen_container()
{
	start_quiet --name sk1 busybox sleep 300
	frozen=$(own_cgroup)/uctr-$(readlink "$(data_dir)/names/sk1")
	echo 1 > "$frozen/cgroup.freeze"
	wait_for 5 grep -q 'frozen 1' "$frozen/cgroup.events"
}

# An exec into a frozen container holds neither the monitor nor its caller up.
test_exec_into_a_frozen_container()
{
	need fullmap cgroup || return 0
	frozen_container
	background "$UCTR" exec sk1 true
	wait_for 5 at_rest "$bg" || fail "it does not wait"
	# The monitor answers all the same.
	RUN_TIMEOUT=5
	assert_run "$UCTR" kill -s CONT sk1
	assertExit 0
	kill -TERM "$bg"
	background_exit 143
	assertEquals "uctr: exec in container sk1 was given up: Terminated" "$(cat "$T.bg.err")"
	# Red control: thawed it works, and nothing is left of the one that was given up.
	echo 0 > "$frozen/cgroup.freeze"
	assert_run "$UCTR" exec sk1 sh -c 'ps | grep -c [u]ctr; echo fine'
	assertOut "$(printf '0\nfine')"
	assert_run "$UCTR" rm -f sk1
	assertNothingLeft
}

test_a_frozen_container_can_be_removed()
{
	need fullmap cgroup || return 0
	frozen_container
	RUN_TIMEOUT=10
	assert_run "$UCTR" rm -f sk1
	assertExit 0
	assertNothingLeft
}

test_an_exec_that_waits_goes_on_when_thawed()
{
	need fullmap cgroup || return 0
	frozen_container
	background "$UCTR" exec sk1 sh -c 'echo late; exit 3'
	wait_for 5 at_rest "$bg" || fail "it does not wait"
	echo 0 > "$frozen/cgroup.freeze"
	background_exit 3
	assertEquals late "$(cat "$T.bg.out")"
}

. shunit2
