#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What keeps an image from being removed: containers, also one whose record cannot be read.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
}

test_by_a_damaged_container()
{
	need fullmap || return 0
	assert_run "$UCTR" run --network none --name one busybox true
	assertExit 0
	id=$("$UCTR" images -q --no-trunc | sed 's/sha256://')
	record=$(record_of one)
	head -c 60 "$record" > "$T/cut"
	cp "$T/cut" "$record"
	assert_run "$UCTR" rmi busybox
	assertExit 125
	assertErrLine "is used by a container"
	assert_run "$UCTR" image prune -a -f
	assertExit 0
	assertTrue "the config stays" "[ -f $UCTR_DATA/blobs/sha256/$id ]"
	# Without the note nobody knows what it needs.
	: > "$(dirname "$record")/lock"
	short=$(basename "$(dirname "$record")" | cut -c1-12)
	for cmd in "rmi busybox" "rmi -f busybox" "image prune -a -f"; do
		# shellcheck disable=SC2086 # words
		assert_run "$UCTR" $cmd
		assertExit 125
		assertErrLine "nobody knows which image it needs: container $short has a damaged record" \
			"remove it with: rm -r containers/$short"
		assertTrue "the config stays" "[ -f $UCTR_DATA/blobs/sha256/$id ]"
	done
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertOut localhost/busybox
	rm -r "$(dirname "$record")"
	assert_run "$UCTR" rmi busybox
	assertExit 0
	assertErrEmpty
	assertFalse "the config goes" "[ -f $UCTR_DATA/blobs/sha256/$id ]"
}

test_replace()
{
	need fullmap || return 0
	for name in one one; do
		assert_run "$UCTR" run --replace --network none --name "$name" busybox true
		assertExit 0
		assertErrEmpty
	done
	assertEquals 1 "$("$UCTR" ps -aq | wc -l)"
	# What fails before the old one goes leaves it; its image was never free.
	assert_run "$UCTR" run --pull never --replace --network none --name one nosuch/image true
	assertExit 125
	assertEquals 1 "$("$UCTR" ps -aq | wc -l)"
	assert_run "$UCTR" rmi busybox
	assertExit 125
	assertErrLine "is used by a container"
}

# shellcheck disable=SC1091 # the system's
. shunit2
