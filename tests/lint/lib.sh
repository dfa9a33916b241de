# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the lint rules share: the tree to look at, lists of files, reporting.
#
# A rule is a script that takes the root of a tree (default: this one), prints each violation as
# FILE:LINE: TEXT and exits 1 when there was one.

set -u
export LC_ALL=C
lint_dir=$(cd "$(dirname "$0")" && pwd)
root=${1:-$lint_dir/../..}
root=$(cd "$root" && pwd)
cd "$root" || exit 2
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# files NAME-PATTERN...: files of the project with such names, without build output.
files()
{
	for p in "$@"; do
		find . \( -name .git -o -name 'build' -o -name 'build-*' \) -prune -o \
			-type f -name "$p" -print
	done | sed 's|^\./||' | sort -u
}

c_files()
{
	files '*.c' '*.h'
}

# shell_files: by name or by first line.
shell_files()
{
	{
		files '*.sh'
		files '*' | while read -r f; do
			case $(head -c 64 "$f" | tr -d '\000' | head -n 1) in
			'#!/bin/sh'* | '#!/usr/bin/env sh'* | '#!/bin/bash'*) echo "$f" ;;
			esac
		done
	} | sort -u
}

# code FILE: the file with comments blanked and string contents dropped; lines stay in place.
code()
{
	awk '
	{
		out = ""; n = length($0)
		for (i = 1; i <= n; i++) {
			c = substr($0, i, 1); d = substr($0, i, 2)
			if (block) {
				if (d == "*/") { block = 0; i++ }
			} else if (quote != "") {
				if (c == "\\") i++
				else if (c == quote) { quote = ""; out = out c }
			} else if (d == "/*") { block = 1; i++ }
			else if (d == "//") break
			else {
				if (c == "\"" || c == "\047") quote = c
				out = out c
			}
		}
		quote = ""
		print out
	}' "$1"
}

# violation TEXT: one line of the report.
violation()
{
	printf '%s\n' "$1" >> "$found"
}

finish()
{
	if [ -s "$found" ]; then
		sort -u -t: -k1,1 -k2,2n "$found"
		exit 1
	fi
	exit 0
}
