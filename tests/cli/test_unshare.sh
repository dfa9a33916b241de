#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr unshare: a shell in the user's namespace, to look at and repair what it owns.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

test_root_of_the_whole_map()
{
	need fullmap || return 0
	assert_run "$UCTR" unshare sh -c 'id -u; id -g; wc -l < /proc/self/uid_map; pwd'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '0\n0\n2\n%s' "$PWD")"
	assertEquals "the caller is outside" "$(id -u)" \
		"$("$UCTR" unshare cat /proc/self/uid_map | awk '$1 == 0 { print $2 }')"
}

test_files_of_subordinate_owners()
{
	need fullmap || return 0
	touch "$T/file"
	assert_run "$UCTR" unshare sh -c 'chown 7:8 "$0" && chmod 600 "$0"' "$T/file"
	assertExit 0
	assertNotEquals "$(id -u)" "$(stat -c %u "$T/file")"
	# Red control: now the caller himself cannot.
	assertFalse "the caller may still write" "echo x 2> /dev/null > $T/file"
	assert_run "$UCTR" unshare stat -c '%u %g' "$T/file"
	assertOut "7 8"
	assert_run "$UCTR" unshare chown 0:0 "$T/file"
	assertEquals "$(id -u)" "$(stat -c %u "$T/file")"
}

test_mounts_go_away_again()
{
	need fullmap || return 0
	mkdir "$T/dir"
	assert_run "$UCTR" unshare sh -c 'mount -t tmpfs none "$0" && touch "$0/x" && ls "$0"' "$T/dir"
	assertExit 0
	assertOut x
	assertEquals "" "$(ls "$T/dir")"
	assertFalse "the mount is seen outside" "grep -q '$T/dir' /proc/self/mounts"
}

test_exit_codes()
{
	need fullmap || return 0
	assert_run "$UCTR" unshare sh -c 'exit 9'
	assertExit 9
	assert_run "$UCTR" unshare /no/such/program
	assertExit 127
	assertErrLine "uctr: exec '/no/such/program': No such file or directory"
	assert_run "$UCTR" unshare /etc/passwd
	assertExit 126
	assertErrLine "uctr: exec '/etc/passwd': Permission denied"
}

test_streams_and_flags_are_the_commands()
{
	need fullmap || return 0
	printf 'data' > "$T/in"
	RUN_STDIN=$T/in
	assert_run "$UCTR" unshare cat -
	assertOut data
	assert_run "$UCTR" unshare -- sh -c 'echo err >&2'
	assertOut ""
	assertErrLine err
	assert_run "$UCTR" unshare --no-such-flag
	assertExit 125
	assertErrLine "uctr: unknown flag --no-such-flag; see 'uctr unshare --help'"
}

test_shell_when_no_command_is_named()
{
	need fullmap || return 0
	echo 'echo "shell of $(id -u)"; exit 3' > "$T/in"
	RUN_STDIN=$T/in
	assert_run env SHELL=/bin/sh "$UCTR" unshare
	assertExit 3
	assertOut "shell of 0"
}

test_nothing_stays()
{
	need fullmap || return 0
	assert_run "$UCTR" unshare true
	assertExit 0
	assertNothingLeft
}

. shunit2
