#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGKILL to every process of uctr's, at system calls of every stage of start, exec and end: nothing
# stays, ps is right, rm and the next run work. UCTR_SEED, UCTR_COUNT, UCTR_REPLAY: lib/campaign.sh.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/campaign.sh
. "$(dirname "$0")/../lib/campaign.sh"

oneTimeTearDown()
{
	rm -rf "$HOME/campaign" 2> /dev/null || "$UCTR" unshare rm -rf "$HOME/campaign"
	rm -rf "$UCTR_SUITE_TMP"
}

test_killed_at_any_call()
{
	need fullmap helper:killer helper:payload || return 0
	campaign kill check_after kill 72 plain kept cling detached exec slirp fuse first
}

# Red control: the campaign sees what is left, and a state that is not so.
test_it_would_be_seen()
{
	need fullmap helper:killer helper:payload || return 0
	point='red control'
	scenario plain
	baseline
	: > "$T/killer.log"
	"$UCTR" run -d --name left --network none busybox sleep 100 > /dev/null
	as_before && fail "a container that was left was not seen"
	assertContains "$(cat "$T/left")" "$UCTR_DATA/names/left"
	assertContains "$(cat "$T/left")" ":sleep"
	"$UCTR" rm -f left
	wait_for 5 as_before || fail "left behind: $(cat "$T/left")"
	traced kill monitor 30
	assertContains "$(cat "$T/killer.log")" "kill: "
	assertEquals 125 "$rc"
	check_after
}

. shunit2
