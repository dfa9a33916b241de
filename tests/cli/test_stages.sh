#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A start that fails or dies at any stage of the child: one line, and nothing is left.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

# each_stage COMMAND...: with every stage's name, as UCTR_TRACE tells them; "process" is the last.
each_stage()
{
	assert_run env UCTR_TRACE=1 "$UCTR" run --rm --network none busybox true
	{
		echo "$err" | sed -n 's/^trace *[0-9]*\.[0-9]* ms child *//p'
		echo process
	} > "$T/stages"
	assertEquals "stages" 16 "$(wc -l < "$T/stages")"
	while read -r stage; do
		"$@" "$stage"
	done < "$T/stages"
}

fails_at()
{
	assert_run env UCTR_FAIL_STAGE="$1" "$UCTR" run --rm --network none busybox true
	assertExit 125
	assertOut ""
	assertErrLine "uctr: container setup, stage '$1': failure asked for by UCTR_FAIL_STAGE"
	assertNothingLeft
}

dies_at()
{
	assert_run env UCTR_FAIL_STAGE="@$1" "$UCTR" run --name dies --network none busybox true
	case $1 in
	# Behind the last word of the handshake a death is the payload's.
	process) assertExit 1
		"$UCTR" rm dies > /dev/null
		;;
	*)
		assertExit 125
		assertErrLine "uctr: the container's first process died while it was set up (exit code 1)"
		;;
	esac
	assertNothingLeft
}

test_failure_at_every_stage()
{
	need fullmap || return 0
	each_stage fails_at
}

test_death_at_every_stage()
{
	need fullmap || return 0
	each_stage dies_at
}

test_a_network_that_cannot_start()
{
	need fullmap slirp4netns || return 0
	# The child dies while its uplink is being made: the uplink ends with it.
	assert_run env UCTR_FAIL_STAGE="@mounts" "$UCTR" run --rm --network slirp4netns busybox true
	assertExit 125
	assertNothingLeft
}

. shunit2
