#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C files look as the checked-in .clang-format says.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

list=$(c_files)
if [ -n "$list" ]; then
	# shellcheck disable=SC2086 # a list of names without blanks
	clang-format --style=file --dry-run -Werror $list 2>&1 | grep -E '^[^ ].*: (error|warning)' |
		sed "s|^$root/||" >> "$found"
fi
finish
