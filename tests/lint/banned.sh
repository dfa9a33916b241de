#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions and flags that invite the bugs of other container engines.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"
tmp=$(mktemp)
trap 'rm -f "$found" "$tmp"' EXIT

# ban FILE REGEX WHY: reports matches in the code (no comments, no strings) in $tmp.
ban()
{
	grep -nE "$2" "$tmp" | while IFS=: read -r line text; do
		violation "$1:$line: $3: $(echo "$text" | sed 's/^[[:space:]]*//')"
	done
}

# call NAME...: a regular expression for calls of these functions.
call()
{
	printf '(^|[^A-Za-z0-9_>.])(%s)[[:space:]]*\\(' "$(echo "$*" | tr ' ' '|')"
}

# open_flags FILE: descriptors must be close-on-exec from birth; a later fcntl is a race with fork.
# `flags` and `how` variables carry the flag from elsewhere.
open_flags()
{
	awk -v f="$1" '
		{ if (stmt == "") at = NR; stmt = stmt " " $0 }
		/[;{}]/ {
			if (stmt ~ /[^A-Za-z0-9_>.](open|openat|socket|socketpair|pipe2|accept4|memfd_create|eventfd|epoll_create1|signalfd|timerfd_create|inotify_init1|dup3|fsopen|fsmount|open_tree)[ \t]*\(/ &&
			    stmt !~ /(CLOEXEC|flags|how|type)/ && stmt !~ /^ *#/)
				printf "%s:%d: descriptor without O_CLOEXEC\n", f, at
			stmt = ""
		}
		/^[ \t]*#/ { stmt = "" }' "$tmp" >> "$found"
	ban "$1" "$(call pipe accept creat dup epoll_create inotify_init)" "not close-on-exec"
	grep -nE 'fopen\(.*"[rwab+]*"' "$1" | while IFS=: read -r line _; do
		violation "$1:$line: fopen without \"e\""
	done
}

c_files | while read -r f; do
	code "$f" > "$tmp"
	ban "$f" "$(call strcpy strcat sprintf vsprintf gets strtok system popen alloca mktemp \
		tmpnam tempnam atoi atol atoll atof)" "banned function"
	case $f in
	src/runtime/gen/*) continue ;;
	src/* | helpers/transfer/*) open_flags "$f" ;;
	esac
	case $f in
	src/cli/main.c) ;;
	src/*) ban "$f" "$(call exit abort die quick_exit)" "only main ends the program" ;;
	esac
	case $f in
	src/cli/* | src/base/opt.c) ;;
	src/*) ban "$f" "$(call printf vprintf fprintf vfprintf puts perror)" "only the command line prints" ;;
	esac
	case $f in
	src/runtime/* | src/sys/* | helpers/transfer/*)
		ban "$f" '(^|[^A-Z_])O_TRUNC([^A-Z_]|$)' "O_TRUNC empties what a symlink of the image names"
		;;
	esac
done
finish
