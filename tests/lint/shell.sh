#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No complaint of the shell checker about any shell file.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# A file without complaints is not checked again before it, or a file that any file sources,
# changes: build/shellcheck holds an empty file for each, named after what was read.
clean=$(mktemp -d)
trap 'rm -rf "$found" "$clean"' EXIT
if [ -d build ]; then
	rm -rf "$clean"
	mkdir -p "$root/build/shellcheck"
	clean=$root/build/shellcheck
	trap 'rm -f "$found"' EXIT
fi
sourced=$({
	shellcheck --version
	cat "$lint_dir/shell.sh"
	shell_files | xargs sed -n 's/^[[:space:]]*# shellcheck source=\([^ ]*\).*/\1/p' | sort -u | xargs -r cat
} 2> /dev/null | sha256sum | cut -c1-16)

# -x follows the libraries that a file sources, as its source= directive says (from the root of
# the tree); shunit2 is not ours, and calls tests and setUp by name, as traps do (SC2317).
# shellcheck disable=SC2016 # expands in the shell that xargs starts
shell_files | xargs -r sha256sum | while read -r sum f; do
	[ -e "$clean/$sourced-$sum" ] || printf '%s\n%s\n' "$f" "$clean/$sourced-$sum"
done | xargs -r -n 2 -P "$(nproc)" sh -c '
	out=$(shellcheck -x -P SCRIPTDIR:. -f gcc -e SC1091,SC2317 "$1") && : > "$2"
	[ -z "$out" ] || printf "%s\n" "$out"' sh >> "$found"
finish
