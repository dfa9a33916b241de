#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Layers for another id map: copied with shared blocks where the file system can, and the same as if
# unpacked from the kept blob.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

C=${UCTR_CLONING_DIR:-/no file system with shared blocks}

setUp()
{
	fresh_tmp
	[ ! -d "$C" ] || mkdir "$C/data"
	export UCTR_DATA="$C/data"
	mkdir -p "$T/root/bin" "$T/root/etc" "$T/root/.hidden/deep"
	cp "$HELPERS/payload" "$T/root/bin/x"
	chmod 4755 "$T/root/bin/x"
	head -c 40000000 /dev/urandom > "$T/root/big"
	echo text > "$T/root/etc/file"
	ln "$T/root/etc/file" "$T/root/.hidden/deep/link"
	ln -s ../etc/file "$T/root/.hidden/soft"
	mkfifo "$T/root/.hidden/fifo"
	truncate -s 3M "$T/root/hole"
	echo end >> "$T/root/hole"
	touch -d @1000000000.123456789 "$T/root/etc/file"
	chmod 0700 "$T/root/.hidden"
	printf x > "$T/root/.wh.gone"
	setfattr -n user.note -v kept "$T/root/etc/file" 2> /dev/null
	tar -C "$T/root" --xattrs --format=pax --owner=5 --group=7 -cf "$T/root.tar" .
}

tearDown()
{
	"$UCTR" rm -fa > /dev/null 2>&1
	[ ! -d "$C" ] || "$UCTR" system reset -f
	[ ! -d "$C" ] || rm -rf "$C/data"
	unset UCTR_DATA
}

# room: bytes that are free.
room()
{
	sync -f "$C"
	echo $(($(stat -f -c '%a * %S' "$C")))
}

# tree_of FORM: what its tree looks like. A mark of deletion has no owner or time of its own.
tree_of()
{
	# shellcheck disable=SC2016 # expands in the inner shell
	"$UCTR" unshare sh -c 'cd "$1"/layers/'"$1"'/*[0-9a-f] && find . -mindepth 1 \
		-printf "%p %y" -a \( -type c -o -printf " %m %U:%G %s %b %n %l" -a \( -type d -o -printf " %T@" \) \) -printf "\n" | sort &&
		find . -type f -exec sha256sum {} + | sort && getfattr -h -R -d -m - . 2> /dev/null' sh "$UCTR_DATA"
}

# Without the sum that has the times of such marks in it.
marker()
{
	cut -d' ' -f1,2,4 "$UCTR_DATA/layers/$1"/*.ok
}

other_form()
{
	assert_run "$UCTR" run --rm --network none --userns keep-id img /bin/x euid
	assertExit 0
	assertErrEmpty
}

test_shared_blocks()
{
	need fullmap "file:$C" || return 0
	"$UCTR" import "$T/root.tar" img > "$T/out"
	base=$(basename "$UCTR_DATA"/layers/*)
	before=$(room)
	other_form
	used=$((before - $(room)))
	assertTrue "40 MB are shared, $used bytes were taken" "[ $used -lt 20000000 ]"
	assertEquals 2 "$(find "$UCTR_DATA/layers" -mindepth 2 -maxdepth 2 -name '*.ok' | wc -l)"
	other=$(cd "$UCTR_DATA/layers" && echo * | tr ' ' '\n' | grep -v "^$base\$")
	tree_of "$other" > "$T/cloned"
	marker "$other" > "$T/marker"
	assert_run "$UCTR" system check
	assertExit 0
	# The same from the blob: the first form is out of sight.
	"$UCTR" unshare rm -rf "$UCTR_DATA/layers/$other"
	mv "$UCTR_DATA/layers/$base" "$UCTR_DATA/away"
	other_form
	tree_of "$other" > "$T/unpacked"
	assertEquals "the same tree" "" "$(diff "$T/unpacked" "$T/cloned")"
	assertEquals "the same marker" "$(marker "$other")" "$(cat "$T/marker")"
	"$UCTR" unshare mv "$UCTR_DATA/away" "$UCTR_DATA/layers/$base"
}

# What is damaged gets no second name.
test_damaged_trees_are_not_copied()
{
	need fullmap "file:$C" || return 0
	"$UCTR" import "$T/root.tar" img > "$T/out"
	tree=$(find "$UCTR_DATA/layers" -mindepth 2 -maxdepth 2 -type d)
	"$UCTR" unshare sh -c "echo more >> $tree/etc/file"
	other_form
	assertEquals text "$("$UCTR" unshare sh -c "cat $UCTR_DATA/layers/u*/*/etc/file | sort -u | grep -v more")"
	assertEquals 1 "$("$UCTR" unshare sh -c "grep -l more $UCTR_DATA/layers/u*/*/etc/file" | wc -l)"
}

# Owners that a small map lacks are written down, which only an unpacking does.
test_owners_outside_of_the_map()
{
	need fullmap "file:$C" || return 0
	"$UCTR" import "$T/root.tar" img > "$T/out"
	base=$(basename "$UCTR_DATA"/layers/*)
	assert_run "$UCTR" run --rm --network none --userns keep-id:size=2 img /bin/x euid
	assertExit 0
	assertErrEmpty
	other=$(cd "$UCTR_DATA/layers" && echo * | tr ' ' '\n' | grep -v "^$base\$")
	assertContains "$("$UCTR" unshare sh -c "getfattr -d $UCTR_DATA/layers/$other/*[0-9a-f]/etc/file" 2>&1)" \
		user.uctr.owner=
	assertEquals "a try that did not do leaves nothing" "" \
		"$(find "$UCTR_DATA/layers" -mindepth 2 -maxdepth 2 -name 'make-*')"
	assert_run "$UCTR" system check
	assertExit 0
}

. shunit2
