#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Groups of commands (`uctr image ls`): the same as the plain commands, listed, completed.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

# verbs GROUP: as its list names them.
verbs()
{
	"$UCTR" "$1" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
}

test_group_alone_lists()
{
	for group in container image system; do
		assert_run "$UCTR" "$group"
		assertExit 1
		assertErrEmpty
		assertOutHas "Usage: uctr $group COMMAND [OPTIONS]"
		assert_run "$UCTR" help "$group"
		assertExit 0
		assertOutHas "Usage: uctr $group COMMAND [OPTIONS]"
	done
	assert_run "$UCTR" --help
	assertOutHas "  image      What can be done with images"
}

test_unknown_verb_lists()
{
	assert_run "$UCTR" image "$(printf 'no\033such')"
	assertExit 125
	assertErrLine "unknown command 'image no\\x1bsuch'; there are: " "import" ", ls, "
}

test_every_verb_has_help()
{
	for group in container image system; do
		assertTrue "verbs of $group" "[ -n '$(verbs $group)' ]"
		for verb in $(verbs $group); do
			assert_run "$UCTR" "$group" "$verb" --help
			assertExit 0
			assertOutHas "Usage: uctr $group $verb "
			assert_run "$UCTR" "$group" "$verb" --nonsense
			assertExit 125
			assertErrLine "see 'uctr $group $verb --help'"
		done
	done
}

test_same_as_plain_commands()
{
	need fullmap || return 0
	mkimage one < /dev/null
	for same in "images -q:image ls -q" "images -q:image list -q" "ps -a:container ls -a" \
		"ps -aq:container list -aq" "ps -aq:container ps -aq" \
		"inspect --type image one:image inspect one"; do
		# shellcheck disable=SC2086
		assertEquals "$same" "$("$UCTR" ${same%:*})" "$("$UCTR" ${same#*:})"
	done
	assert_run "$UCTR" container inspect one
	assertExit 1
	assert_run "$UCTR" image remove one
	assertExit 0
	assertOutHas "Untagged: localhost/one:latest"
}

# offered WORD...: what bash offers for the last word.
offered()
{
	bash -c '. "$0"; uctr() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _uctr
		echo "${COMPREPLY[*]}"' "${UCTR%/bin/*}/share/bash-completion/completions/uctr" "$@"
}

test_completion()
{
	need cmd:bash || return 0
	assertEquals "image images import" "$(offered uctr im | tr ' ' '\n' | sort | tr '\n' ' ' |
		sed 's/ $//')"
	assertEquals "ls" "$(offered uctr image l | tr ' ' '\n' | grep -x ls)"
	assertEquals "--no-trunc" "$(offered uctr image ls --no)"
	assertEquals "--no-trunc" "$(offered uctr images --no)"
	assertEquals "--format" "$(offered uctr image inspect --f)"
}

# shellcheck disable=SC1091
. shunit2
