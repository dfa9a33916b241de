#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file names its licence and what it is; none names a developer's machine or unfinished work.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

{
	c_files
	shell_files
	files Makefile
} | sort -u | while read -r f; do
	line=$(grep -n 'SPDX-License-Identifier: Apache-2.0' "$f" | head -n 1 | cut -d: -f1)
	if [ -z "$line" ] || [ "$line" -gt 3 ]; then
		violation "$f:1: no SPDX line at the top"
		continue
	fi
	if ! sed -n "$((line + 1))p" "$f" | grep -qE '^(#|/\*|//) ?.*'; then
		violation "$f:$((line + 1)): no sentence that says what the file is"
	fi
done

# People write examples with these names; any other home directory is somebody's.
example='/home/(user|alice|bob|USER|NAME|you)\b'
unfinished='\b(TO''DO|FIX''ME|XX''X)\b'
# Where this checkout lies, unless that is as short as /src and part of honest paths.
checkout=$(printf '%s' "$root" | sed -n 's|[].[*^$+?(){}|\\]|\\&|g; /.\/./s|$|/|p')
# told WHY: the lines FILE:LINE:TEXT of standard input, as violations.
told()
{
	while IFS=: read -r f line _; do
		violation "$f:$line: $1"
	done
}

# lines REGEX: where it matches in any file.
lines()
{
	files '*' | grep -v '^LICENSE$' | tr '\n' '\0' | xargs -0 grep -HInE "$1"
}

lines '/(home|Users)/[A-Za-z0-9_]+' | grep -vE "$example" | told "path of a developer's machine"
[ -z "$checkout" ] || lines "$checkout" | told "path of this checkout"
lines "$unfinished" | told "unfinished work"
finish
