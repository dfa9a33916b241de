#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C, SIGTERM and SIGHUP, and a full disk, while images are made: one line, and nothing is left.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
}

tearDown()
{
	[ -z "${UCTR_SMALL_DIR:-}" ] || "$UCTR" unshare rm -rf "$UCTR_SMALL_DIR/data" "$UCTR_SMALL_DIR/fill"
	remove_containers c
}

# What was being made, or was not finished.
unmade()
{
	find "$UCTR_DATA/tmp" "$UCTR_DATA/layers" -name 'make-*' -o -name '*.part' -o -name 'gone-*'
}

# slow COMMAND...: in a group of its own, in the background, with no signal ignored.
slow()
{
	env --default-signal setsid "$@" < "$RUN_STDIN" > "$T.bg.out" 2> "$T.bg.err" &
	bg=$!
}

# signalled SIGNAL CODE LINE [group]: the background command ends with the code and that line.
signalled()
{
	kill -s "$1" -- "${4:+-}$bg"
	background_exit "$2"
	assertEquals "$3" "$(cat "$T.bg.err")"
	assertEquals "stdout" "" "$(cat "$T.bg.out")"
	assertEquals "" "$(unmade)"
}

making()
{
	[ -n "$(find "$UCTR_DATA/layers" -path '*make-*' -name "$1" 2> /dev/null)" ]
}

# begun: a pipe $T/pipe with the beginning of an archive in it; its other end stays open as 9.
begun()
{
	printf 'file x 0644 text\nfill y 0644 3000000 z\n' | mktar "$T/t.tar"
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	exec 9<> "$T/pipe"
	head -c 1000000 "$T/t.tar" >&9 &
	feeder=$!
}

fed()
{
	wait "$feeder"
	exec 9>&-
}

test_import()
{
	need fullmap || return 0
	for how in "INT 130" "TERM 143" "HUP 129" "INT 130 group"; do
		# shellcheck disable=SC2086 # words
		set -- $how
		begun
		slow "$UCTR" import "$T/pipe" img 9>&-
		wait_for 20 making x || fail "it did not begin"
		signalled "$1" "$2" "uctr: import $T/pipe: interrupted" "${3:-}"
		fed
	done
	assertEquals "" "$("$UCTR" images -aq)"
	assert_run "$UCTR" import "$T/t.tar" img
	assertExit 0
}

# Who asked not to be told is not told.
test_ignored()
{
	need fullmap || return 0
	begun
	env --default-signal --ignore-signal=HUP "$UCTR" import "$T/pipe" img < /dev/null 9>&- > "$T.bg.out" 2> "$T.bg.err" &
	bg=$!
	wait_for 20 making x || fail "it did not begin"
	kill -s HUP "$bg"
	tail -c +1000001 "$T/t.tar" >&9
	fed
	background_exit 0
	assertEquals "" "$(cat "$T.bg.err")"
}

test_load()
{
	need fullmap || return 0
	begun
	RUN_STDIN=$T/pipe
	slow "$UCTR" load 9>&-
	wait_for 20 making '0' || fail "it did not begin"
	signalled TERM 143 "uctr: standard input: interrupted"
	fed
}

# 60 MB that do not get smaller take a while to pack and to digest.
test_load_of_layers()
{
	need fullmap || return 0
	mkdir "$T/in"
	head -c 60000000 /dev/urandom > "$T/in/random"
	tar -C "$T/in" -czf "$T/in.tar.gz" random
	"$UCTR" import "$T/in.tar.gz" big > "$T/id"
	"$UCTR" save --format oci-dir -o "$T/oci" big
	"$UCTR" rmi big > "$T/rmi"
	assertCleared
	slow "$UCTR" load -i "$T/oci"
	wait_for 20 making random || fail "it did not begin"
	signalled INT 130 "uctr: $T/oci: interrupted" group
	assert_run "$UCTR" load -i "$T/oci"
	assertExit 0
	assert_run "$UCTR" system check -q
	assertExit 0
}

packing()
{
	[ -n "$(find "$UCTR_DATA/tmp" -name 'make-*' -size +100k 2> /dev/null)" ]
}

test_commit()
{
	need fullmap || return 0
	start_quiet --name c busybox sleep 1000
	"$UCTR" exec c sh -c 'head -c 60000000 /dev/urandom > /random'
	slow "$UCTR" commit c img
	wait_for 20 packing || fail "it did not begin"
	signalled INT 130 "uctr: interrupted" group
	assertEquals "busybox" "$("$UCTR" images --format '{{.Repository}}' | sed 's/.*\///')"
	assert_run timeout 10 "$UCTR" exec c true
	assertExit 0
}

# --- a full disk --------------------------------------------------------------------------------

kept()
{
	find "$UCTR_DATA" ! -path '*/containers/*' ! -name '*lock' 2> /dev/null | sort
}

# full WORDS COMMAND...: with 1 MB left it fails with one line and leaves nothing; with more it works.
full()
{
	words=$1
	shift
	kept > "$T/before"
	dd if=/dev/zero "of=$UCTR_SMALL_DIR/fill" bs=4096 \
		"count=$(($(stat -f -c %a "$UCTR_SMALL_DIR") - 256))" 2> /dev/null
	assert_run "$UCTR" "$@"
	assertExit 125
	assertErrLine "$words"
	kept > "$T/after"
	assertEquals "left behind" "" "$(comm -13 "$T/before" "$T/after")"
	rm "$UCTR_SMALL_DIR/fill"
	assert_run "$UCTR" "$@"
	assertExit 0
	assertErrEmpty
	"$UCTR" rmi img > "$T/rmi"
	assertCleared
}

# What would not fit is known from the room at the beginning; a blob beside its tree only on the way.
test_full_disk()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	UCTR_DATA=$UCTR_SMALL_DIR/data
	printf 'file x 0644 text\n' | mkimage_raw tiny
	printf 'fill y 0644 2000000 z\n' | mktar "$T/t.tar"
	gzip -n "$T/t.tar"
	full "the limit for a layer here (free disk space;" import "$T/t.tar.gz" img
	printf 'fill y 0644 700000 z\n' | mktar "$T/t.tar"
	full "No space left on device" import "$T/t.tar" img
	"$UCTR" import "$T/t.tar" img > "$T/id"
	"$UCTR" save --format oci-archive -o "$T/a.tar" img
	"$UCTR" rmi img > "$T/rmi"
	assertCleared
	full "No space left on device" load -q -i "$T/a.tar"
	assert_run "$UCTR" run --name c --network none busybox sh -c 'yes | head -c 1500000 > /y'
	assertExit 0
	full "free disk space" commit c img
}

. shunit2
