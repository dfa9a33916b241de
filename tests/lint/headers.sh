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
files '*' | grep -v '^LICENSE$' | while read -r f; do
	grep -InE '/(home|Users)/[A-Za-z0-9_]+' "$f" | grep -vE "$example" |
		while IFS=: read -r line _; do
			violation "$f:$line: path of a developer's machine"
		done
	[ -z "$checkout" ] || grep -InE "$checkout" "$f" | while IFS=: read -r line _; do
		violation "$f:$line: path of this checkout"
	done
	grep -InE "$unfinished" "$f" | while IFS=: read -r line _; do
		violation "$f:$line: unfinished work"
	done
done
finish
