# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The manual page: complete, and well-formed without a formatter at hand.
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

page=${UCTR%/bin/*}/share/man/man1/uctr.1

# commands: the names in the list of `uctr --help`.
commands()
{
	"$UCTR" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
}

test_every_command_and_flag()
{
	assertTrue "commands in --help" "[ $(commands | wc -l) -ge 15 ]"
	for c in $(commands); do
		awk -v c="$c" '/^\.Ss / { on = ($0 == ".Ss \"\\&" c "\"") } on' "$page" |
			sed 's/\\-/-/g' > "$T/section"
		[ -s "$T/section" ] || fail "the page lacks the command $c"
		"$UCTR" "$c" --help | grep -oE '^  (-.,|   ) --[a-z0-9-]+' | sed 's/.*--//' > "$T/flags"
		while read -r flag; do
			grep -qE "^\.It .*Fl -$flag( |\$)" "$T/section" || fail "the page lacks $c --$flag"
		done < "$T/flags"
	done
}

test_well_formed()
{
	for pair in Bl:El Bd:Ed; do
		assertEquals "$pair" "$(grep -c "^\\.${pair%:*} " "$page")" \
			"$(grep -cx "\\.${pair#*:}" "$page")"
	done
	assertEquals "unknown macros" "" "$(grep -E '^[.'"'"']' "$page" | grep -vE \
		'^\.(\\"|Dd|Dt|Os|Sh|Ss|Nm|Nd|Pp|Bl|El|It|Bd|Ed|Op|Ar|Cm|Fl|Xr)( |$)')"
	for section in NAME SYNOPSIS DESCRIPTION COMMANDS ENVIRONMENT FILES "EXIT STATUS" EXAMPLES \
		"SEE ALSO"; do
		assertEquals "section $section" 1 "$(grep -cx "\\.Sh $section" "$page")"
	done
}

test_formatters_are_content()
{
	if has cmd:man; then
		assert_run man --warnings -l "$page"
		assertExit 0
		assertErrEmpty
		assertOutHas "uctr run"
	fi
	if has cmd:mandoc; then
		assert_run mandoc -T lint -W warning "$page"
		assertOut ""
	fi
	# Without either the page was still checked above.
	assertTrue "page" "[ -s '$page' ]"
}

. shunit2
