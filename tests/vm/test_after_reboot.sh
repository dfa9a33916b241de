#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# After a reboot or a crash of the machine nothing runs, and nothing is taken for running.
# shellcheck disable=SC2016 # what is in single quotes expands in the login
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/vm/guest/lib.sh
. "$(dirname "$0")/guest/lib.sh"

# The first command after the start.
test_1_ps_tells_the_truth()
{
	assertTrue "nothing runs" "all_gone_but_manager"
	logged_in 'find "$XDG_RUNTIME_DIR/uctr" -mindepth 1 2> /dev/null
		uctr ps -q; uctr ps -a --format "{{.Names}} {{.State}}" | sort'
	assertExit 0
	assertErrEmpty
	while read -r name state; do
		case "$name $state" in
		'goes dead' | 'stays dead' | 'stays exited' | 'scoped dead' | 'scoped exited') ;;
		*) fail "after the reboot: $(context)" ;;
		esac
	done < "$T.out"
	assertEquals "$(context)" "scoped stays" "$(echo "$out" | sed -n 's/^\(scoped\|stays\) .*/\1/p' | tr '\n' ' ' | sed 's/ $//')"
}

test_2_dead_containers_refuse_by_name()
{
	logged_in 'uctr exec stays true'
	assertExit 125
	assertErrLine "stays" "not running"
}

test_3_they_can_be_removed_and_their_names_used()
{
	# What goes on behind the commands is waited for.
	logged_in 'uctr rm $(uctr ps -aq) && uctr ps -aq && uctr run --rm --name stays busybox echo again
		cd ~/.local/share/uctr && for i in $(seq 100); do
			left=$(ls -A containers names | grep -v "^[a-z]*:$" | tr -d "\n")
			[ -n "$left" ] || break
			sleep 0.1
		done
		echo "left: $left;"'
	assertExit 0
	assertErrEmpty
	assertOutHas again "left: ;"
	loginctl disable-linger tester
	wait_for 20 all_gone || fail "left: $(leftovers)"
}

. shunit2
