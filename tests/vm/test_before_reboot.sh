#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers that run, with and without --rm, when the machine goes down (tests/vm/guest/main).
# shellcheck disable=SC2016 # what is in single quotes expands in the login
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/vm/guest/lib.sh
. "$(dirname "$0")/guest/lib.sh"

test_containers_run()
{
	loginctl enable-linger tester
	logged_in 'uctr run -d --name stays busybox sleep 1000 && uctr run -d --rm --name goes busybox sleep 1000 &&
		systemd-run --user --scope -q -p Delegate=yes uctr run -d --name scoped -m 64m --network none busybox sleep 1000 &&
		uctr ps --format "{{.Names}} {{.State}}" | sort'
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf 'goes running\nscoped running\nstays running')" "$(echo "$out" | tail -n 3)"
}

# Found after the next start: these are not to be taken for what they were.
test_what_they_are_now()
{
	logged_in 'find "$XDG_RUNTIME_DIR/uctr" | wc -l'
	assertExit 0
	[ "$out" -gt 1 ] || fail "nothing in the runtime directory: $(context)"
}

. shunit2
