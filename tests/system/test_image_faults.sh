#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SIGKILL and failing calls in the commands that change the image store: it is as before or as after,
# and whole. UCTR_SEED, UCTR_COUNT, UCTR_REPLAY: lib/campaign.sh.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"
# shellcheck source=tests/lib/campaign.sh
. "$(dirname "$0")/../lib/campaign.sh"
# shellcheck source=tests/lib/campaign_images.sh
. "$(dirname "$0")/../lib/campaign_images.sh"

ready=

setUp()
{
	fresh_tmp
	[ -z "$ready" ] && has fullmap && {
		images_begin || fail "the store for the campaign"
		ready=1
		drop_new
		stored > "$C/empty"
	}
	[ -z "$ready" ] || cp "$C/empty" "$T/empty"
}

oneTimeTearDown()
{
	[ -z "$ready" ] || images_end
	ready=
	rm -rf "$UCTR_SUITE_TMP"
}

# struck CHECK MODE COUNT [SCENARIO...]
struck()
{
	need fullmap helper:killer || return 0
	check=$1 mode=$2 count=$3
	shift 3
	[ $# -gt 0 ] || set -- import load pull commit rmi prune
	export UCTR_DATA="$C/data"
	campaign image_faults "$check" "$mode" "$count" "$@"
}

test_killed() { struck store_after kill 14; }
test_no_space() { struck store_fault ENOSPC 4; }
test_disk_fails() { struck store_fault EIO 4; }
test_no_descriptor() { struck store_fault EMFILE 4; }
test_no_memory() { struck store_fault ENOMEM 4; }

# What lets a paused container go on does not need to be opened first. Only the last calls matter.
test_no_descriptor_at_the_end_of_a_pause()
{
	need fullmap helper:killer || return 0
	[ -z "${UCTR_REPLAY:-}" ] || return 0
	campaign=image_faults name=commit mode=EMFILE
	export UCTR_DATA="$C/data"
	scenario commit
	traced count:EMFILE
	last=$(sed -n 's/^commit //p' "$T.out")
	for n in $(seq $((last - 14)) "$last"); do
		point="commit EMFILE commit $n"
		traced EMFILE commit "$n"
		is_well
	done
	drop_new
}

. shunit2
