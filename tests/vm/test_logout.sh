#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What becomes of containers when their user logs out: with and without linger, in a scope or not.
# shellcheck disable=SC2016 # what is in single quotes expands in the login
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/vm/guest/lib.sh
. "$(dirname "$0")/guest/lib.sh"

in_scope='systemd-run --user --scope -q -p Delegate=yes'
start='uctr run -d --name c --network slirp4netns busybox sleep 1000'

tearDown()
{
	loginctl disable-linger tester
	logged_in 'uctr rm -f $(uctr ps -aq)' > /dev/null 2>&1
	assertAllGone
}

# Nothing runs as tester, or as one of his subordinate ids, and nothing of a container's is left.
assertAllGone()
{
	wait_for 20 all_gone || fail "left: $(leftovers)"
}

test_a_container_outlives_its_login()
{
	logged_in "$start"
	assertExit 0
	assertErrEmpty
	# Nobody is logged in now; logind keeps the session for what runs in its scope.
	assertEquals closing "$(loginctl show-user -p State --value tester)"
	logged_in 'uctr ps --format "{{.Names}} {{.State}}"; uctr exec c id -u; uctr stop -t 0 c; uctr rm c'
	assertExit 0
	assertOut "$(printf 'c running\n0\nc\nc')"
}

test_a_container_in_a_scope_ends_with_the_users_manager()
{
	logged_in "$in_scope $start"
	assertExit 0
	assertAllGone
	logged_in 'uctr ps -a --format "{{.Names}} {{.State}}"; uctr rm c && uctr run --rm --name c --network none busybox echo again'
	assertExit 0
	case $out in
	'c exited'* | 'c dead'*) ;;
	*) fail "a container whose scope is gone: $(context)" ;;
	esac
	assertErrEmpty
	assertEquals again "$(echo "$out" | tail -n 1)"
}

test_a_container_in_a_scope_stays_with_linger()
{
	loginctl enable-linger tester
	logged_in "$in_scope $start"
	assertExit 0
	sleep $((2 * UCTR_SLOW))
	assertEquals lingering "$(loginctl show-user -p State --value tester)"
	logged_in 'uctr ps --format "{{.Names}} {{.State}}"; uctr exec c id -u; uctr rm -f c'
	assertExit 0
	assertOut "$(printf 'c running\n0\nc')"
}

# An administrator may have logind end what a session leaves behind.
test_a_container_where_logind_kills()
{
	mkdir -p /run/systemd/logind.conf.d
	printf '[Login]\nKillUserProcesses=yes\n' > /run/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
	logged_in "$start"
	assertExit 0
	assertAllGone
	rm /run/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
	logged_in 'uctr ps -a --format "{{.Names}} {{.State}}"; uctr rm c'
	case $out in
	"$(printf 'c exited\nc')" | "$(printf 'c dead\nc')") ;;
	*) fail "a container whose session was killed: $(context)" ;;
	esac
}

. shunit2
