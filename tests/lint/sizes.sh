#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files stay below 500 lines and functions below 60; tables are data and may be longer.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

c_files | while read -r f; do
	n=$(wc -l < "$f")
	if [ "$n" -gt 500 ]; then
		violation "$f:1: $n lines, at most 500"
	fi
	# Kernel style puts a function's braces, and nothing else's, into the first column.
	awk -v f="$f" '
		/^[A-Za-z_].*\(/ && !/;[[:space:]]*$/ { head = $0 }
		/^\{/ { start = NR }
		/^\}/ && start {
			n = NR - start + 1
			if (n > 60) {
				sub(/\(.*/, "", head); sub(/.*[ *]/, "", head)
				printf "%s:%d: function %s has %d lines, at most 60\n", f, start, head, n
			}
			start = 0
		}' "$f" >> "$found"
done
finish
