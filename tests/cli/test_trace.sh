#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# UCTR_TRACE=1: the time of every stage of the command, the monitor and the child.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

trace()
{
	assert_run env UCTR_TRACE="$1" "$UCTR" run --rm --network none busybox "$2" "$3"
}

# stages WHO: what WHO said, in order, without times and numbers.
stages()
{
	echo "$err" | sed -n "s/^trace *[0-9]*\.[0-9]* ms $1 *//p"
}

test_every_stage_of_the_child_in_order()
{
	need fullmap || return 0
	trace 1 echo out
	assertExit 0
	assertOut out
	assertEquals "ids
namespaces
host name
root file system
network
mount sources
device sources
sysctl
pivot
mounts
devices
masked and read-only paths
user
read-only root
park" "$(stages child)"
}

test_the_parents_stages()
{
	need fullmap || return 0
	trace 1 sh -c 'exit 3' # sh takes the -c as its only argument: exit code 2
	assertExit 2
	for stage in "engine open" "id map found" "image found" "plan made" "cgroup made" "exit code 2"; do
		[ "$stage" != "cgroup made" ] || has cgroup || continue
		stages cli | grep -qxF "$stage" || fail "the command does not say: $stage"
	done
	for stage in "id map written" "child is ready" "payload runs" "ended"; do
		stages monitor | grep -qxF "$stage" || fail "the monitor does not say: $stage"
	done
	stages cli | grep -q '^container [0-9a-f]\{12\} made$' || fail "no container made"
	stages cli | grep -q '^cloned monitor [0-9]' || fail "no monitor"
	stages monitor | grep -q '^cloned child [0-9]' || fail "no child"
}

test_nothing_but_times_and_they_grow()
{
	need fullmap || return 0
	trace 1 echo out
	assertEquals "lines that are no trace" "" \
		"$(echo "$err" | grep -v '^trace *[0-9]*\.[0-9]\{3\} ms \(cli\|monitor\|child\) ')"
	for who in cli child monitor; do
		echo "$err" | awk -v who=$who '$4 == who { print $2 }' > "$T/times"
		sort -n "$T/times" | cmp -s - "$T/times" || fail "times of $who do not grow: $err"
	done
}

test_off_by_default()
{
	need fullmap || return 0
	for off in 0 ''; do
		trace "$off" echo out
		assertOut out
		assertErrEmpty
	done
}

test_network_helper()
{
	need fullmap slirp4netns || return 0
	assert_run env UCTR_TRACE=1 "$UCTR" run --rm --network slirp4netns busybox true
	assertExit 0
	assertEquals "$(printf 'slirp4netns started\nslirp4netns is up')" "$(stages monitor | grep slirp)"
}

test_exec()
{
	need fullmap || return 0
	"$UCTR" run -d --name tt1 --network none busybox sleep 60 > /dev/null
	assert_run env UCTR_TRACE=1 "$UCTR" exec tt1 sh -c 'exit 4'
	assertExit 4
	assertEquals "$(printf 'engine open\nexec started\nexit code 4')" "$(stages cli)"
	"$UCTR" rm -f tt1 > /dev/null
}

test_payload_has_neither_the_variable_nor_the_descriptor()
{
	need fullmap || return 0
	assert_run env UCTR_TRACE=1 "$UCTR" run --rm --network none busybox sh -c \
		'env | grep UCTR; ls /proc/self/fd | wc -l'
	assertOut 4
}

. shunit2
