#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows B8 and G4: what other users of the host can reach of uctr's, and put into its way.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

fallback=/tmp/uctr-$(id -u)

setUp()
{
	fresh_tmp
	place=$(mktemp -d /var/tmp/uctr-places.XXXXXX)
	chmod 0755 "$place"
}

tearDown()
{
	[ -z "$place" ] || rm -rf "$place" 2> /dev/null || "$UCTR" unshare rm -rf "$place"
	rm -rf "$fallback" 2> /dev/null || "$UCTR" unshare rm -rf "$fallback"
	place=
}

# --- B8 -------------------------------------------------------------------------------------------

# as_stranger COMMAND...: as a host user who is not the caller, one of his subordinate ids, and has
# no capability.
as_stranger()
{
	"$UCTR" unshare setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all "$@"
}

# reachable: what a stranger reaches of all that lies below the data and runtime directories.
# shellcheck disable=SC2016
reachable()
{
	"$UCTR" unshare find "$place/data" "$place/run" -mindepth 1 > "$place/all"
	grep -q "/layers/.*/suid$" "$place/all" || bad "the layer is not there" || return 1
	grep -q "record.json" "$place/all" || bad "the container is not there" || return 1
	as_stranger sh -c 'while read -r f; do [ ! -e "$f" ] || echo "$f"; done' < "$place/all" > "$place/reached"
	as_stranger ls "$place/data" "$place/run" >> "$place/reached" 2> /dev/null
	[ ! -s "$place/reached" ] || bad "reached: $(head -n 3 "$place/reached" | tr '\n' ' ')"
}

# stored UMASK [MODE]: with that umask, and the directories opened afterwards.
stored()
{
	mkdir -m 0700 "$place/run"
	export UCTR_DATA="$place/data" XDG_RUNTIME_DIR="$place/run"
	old=$(umask)
	umask "$1"
	mkimage_files b8 "$T/files" && "$UCTR" run -d --name places --network none b8 sleep 1000 > /dev/null
	umask "$old"
	[ $# -lt 2 ] || chmod "$2" "$place/data" "$place/data/layers" "$place/data/layers/"*
	code=0
	reachable || code=1
	# Set for root of the user's namespace alone: nobody else on the host gains by it.
	"$UCTR" rm -f places > /dev/null
	export UCTR_DATA="$HOME/.local/share/uctr" XDG_RUNTIME_DIR="$runtime_dir"
	"$UCTR" unshare rm -rf "$place/data" "$place/run"
	return $code
}

# row B8: another user of the host lists, reads or executes (setuid) what lies in the store or the runtime directory, made with umask 000 and 077 | red: the data directory opened by hand
test_B8_reach_of_the_store()
{
	need fullmap cmd:setpriv || return 0
	runtime_dir=$XDG_RUNTIME_DIR
	mkdir "$T/files"
	cp "$HELPERS/suidprobe" "$T/files/suid"
	chmod 4755 "$T/files/suid"
	assertNotEquals "a stranger is somebody else" "$(id -u)" \
		"$(as_stranger sh -c 'exec cat /proc/self/status' | sed -n 's/^Uid:[[:space:]]*//p')"
	holds stored 000
	holds stored 077
	falls "reached: " stored 022 0755
	unset UCTR_DATA
}

# --- G4 -------------------------------------------------------------------------------------------

# nothing_in DIR...: nobody made anything there.
nothing_in()
{
	for dir in "$@"; do
		[ -z "$(find -L "$dir" -mindepth 1 2> /dev/null | head -n 1)" ] ||
			bad "made in $dir: $(find -L "$dir" -mindepth 1 | head -n 3)" || return 1
	done
}

# started_with VALUE: a start with that XDG_RUNTIME_DIR works, elsewhere, or is refused in one line.
started_with()
{
	code=0
	seen=$(XDG_RUNTIME_DIR=$1 u run --rm --network none busybox echo started 2>&1) || code=$?
	case "$code $seen" in
	"0 started" | "125 uctr: "*irectory*) ;;
	*) bad "XDG_RUNTIME_DIR=$1: $code $seen" ;;
	esac
}

strangers_dir()
{
	mkdir -p "$1"
	"$UCTR" unshare chown 4242:4242 "$1"
	"$UCTR" unshare chmod 0777 "$1"
}

attack_runtime_dir()
{
	mkdir -p "$place/real" "$place/wide"
	chmod 0700 "$place/real"
	chmod 0777 "$place/wide"
	ln -sfn real "$place/link"
	[ -d "$place/theirs" ] || [ -d "$place/theirs" ] || strangers_dir "$place/theirs"
	for value in "$place/wide" "$place/link" "$place/theirs"; do
		started_with "$value" || return 1
		nothing_in "$value" || return 1
	done
	for value in "" relative "$place/none" /dev/null / /var/tmp; do
		started_with "$value" || return 1
	done
	[ ! -e /var/tmp/uctr ] || bad "made in /var/tmp" || return 1
	[ ! -e relative ] || bad "made in the working directory"
}

# waiting WHAT: what another user put where uctr looks when there is no runtime directory.
waiting()
{
	rm -rf "$fallback" 2> /dev/null || "$UCTR" unshare rm -rf "$fallback"
	case $1 in
	link) ln -s "$place/victim" "$fallback" ;;
	wide) mkdir -m 0777 "$fallback" && chmod 0777 "$fallback" ;;
	theirs) strangers_dir "$fallback" ;;
	fifo) mkfifo "$fallback" ;;
	esac
}

attack_fallback()
{
	mkdir -p "$place/victim"
	chmod 0777 "$place/victim"
	for what in link wide theirs fifo; do
		waiting $what
		seen=$(TMPDIR=$place/victim XDG_RUNTIME_DIR='' u run --rm --network none busybox echo started 2>&1)
		case $seen in
		started | "uctr: "*"$fallback"*) ;;
		*) bad "$what: $seen" || return 1 ;;
		esac
		case $what in
		fifo) [ -p "$fallback" ] || bad "the fifo is gone" || return 1 ;;
		*) nothing_in "$place/victim" "$fallback/" || return 1 ;;
		esac
	done
}

attack_data_dir()
{
	[ -d "$place/theirs" ] || strangers_dir "$place/theirs"
	rm -rf "$place/wide"
	mkdir "$place/wide"
	chmod 0777 "$place/wide"
	for dir in "$place/wide" "$place/theirs"; do
		seen=$(UCTR_DATA=$dir u run --rm --network none busybox echo started 2>&1) && { bad "started in $dir"; return 1; }
		case $seen in
		*"data directory $dir"*) ;;
		*) bad "$dir: $seen" || return 1 ;;
		esac
		nothing_in "$dir" || return 1
	done
	rm -rf "$place/wide"
	"$UCTR" unshare rm -rf "$place/theirs"
}

# row G4: runtime directory that is relative, a link, somebody else's, open to all; what others put at the name below /tmp; TMPDIR; a data directory of that kind | red: without owner
test_G4_places_of_others()
{
	need fullmap || return 0
	holds attack_runtime_dir
	holds attack_fallback
	holds attack_data_dir
	falls_without owner "made in $place/wide" attack_runtime_dir
	falls_without owner "made in $fallback" attack_fallback
	falls_without owner "started in $place/wide" attack_data_dir
}

. shunit2
