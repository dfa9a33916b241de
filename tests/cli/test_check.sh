#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# system check: damage to blobs, trees, markers and records is found, told, and repaired.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	mkdir -p "$T/root/etc" "$T/root/bin" "$T/root/empty"
	echo some text > "$T/root/etc/file"
	ln -s file "$T/root/etc/link"
	cp /bin/true "$T/root/bin/x"
	tar -C "$T/root" --owner=0 --group=0 -cf "$T/root.tar" .
	gzip -n "$T/root.tar"
	assert_run "$UCTR" import "$T/root.tar.gz" img
	tree=$(find "$UCTR_DATA/layers" -mindepth 2 -maxdepth 2 -type d)
	short=$(basename "$tree" | cut -c1-12)
	blob=$UCTR_DATA/blobs/sha256/$(sha256sum < "$T/root.tar.gz" | cut -d' ' -f1)
}

# found TEXT...: the check ends with 1 and these words, a repair with 0, and then all is well.
found()
{
	assert_run "$UCTR" system check
	assertExit 1
	assertErrLine "uctr: the store is damaged; \"uctr system check --repair\" removes what is"
	assertOutHas "$@" ", 1 damage found"
	assert_run "$UCTR" system check --repair -q
	assertExit 0
	assertOutHas "was damaged and is removed, the next start makes it anew"
	assert_run "$UCTR" run --rm --network none --explain img /bin/x
	assertExit 0
	whole
	assertEquals "some text" "$(cat "$tree/etc/file")"
}

whole()
{
	assert_run "$UCTR" system check
	assertExit 0
	assertErrEmpty
	assertEquals "$(context)" "3 blobs and 1 trees of layers checked, 0 damages found" "$out"
}

test_damaged_trees()
{
	need fullmap || return 0
	whole
	assertEquals "-q is quiet" "" "$("$UCTR" system check -q)"
	rm "$tree/etc/file"
	found "the tree of layer sha256:$short is damaged: it has 6 files instead of 7"
	echo more > "$tree/etc/new"
	found "it has 8 files instead of 7"
	: > "$tree/etc/file"
	found "is damaged: names, sizes, owners, modes or times differ"
	chmod u+s "$tree/bin/x"
	found "names, sizes"
	ln -sf other "$tree/etc/link"
	found "names, sizes"
	printf 'SOME' | dd of="$tree/etc/file" conv=notrunc 2> /dev/null
	found "names, sizes"
	mv "$tree/bin/x" "$tree/bin/y"
	found "names, sizes"
	rm -rf "$tree"
	found "its directory cannot be opened: No such file or directory"
	echo "sha256:$short 12" > "$tree.ok"
	found "the marker of layer $short is damaged"
	: > "$tree.ok"
	found "the marker of layer $short is damaged"
}

# The tree of an uctr that noted less is walked, and that is all.
test_markers_without_survey()
{
	need fullmap || return 0
	cut -d' ' -f1,2 "$tree.ok" > "$T/marker"
	cp "$T/marker" "$tree.ok"
	whole
	rm "$tree/etc/file"
	whole
}

test_damaged_blobs()
{
	need fullmap || return 0
	printf '\377' | dd of="$blob" bs=1 seek=20 conv=notrunc 2> /dev/null
	assert_run "$UCTR" system check
	assertExit 1
	assertOutHas "blob sha256:$(basename "$blob" | cut -c1-12) is damaged" "1 damage found"
	assert_run "$UCTR" system check --repair
	assertExit 1
	assertErrLine "uctr: the store is damaged; what is left needs a pull or import"
	assertOutHas "was damaged and is removed" \
		"image localhost/img:latest lacks the blob of layer 1, sha256:$(basename "$blob" | cut -c1-12); pull or import it again" \
		"2 damages found"
	assertFalse "the blob is gone" "[ -e $blob ]"
	# The tree serves on. Without it, one line says what is missing.
	assert_run "$UCTR" run --rm --network none --explain img /bin/x
	assertExit 0
	rm -rf "$tree" "$tree.ok"
	assert_run "$UCTR" run --rm --network none img /bin/x
	assertExit 125
	assertErrLine "unpack image localhost/img:latest: " "is missing" "a new import or pull"
	assert_run "$UCTR" import "$T/root.tar.gz" img
	"$UCTR" image prune -f > /dev/null
	whole
}

test_damaged_records()
{
	need fullmap || return 0
	record=$(find "$UCTR_DATA/images" -name '*img*.json')
	rm "$UCTR_DATA/blobs/sha256/$("$UCTR" images -q --no-trunc | sed 's/sha256://')"
	assert_run "$UCTR" system check
	assertExit 1
	assertOutHas "image localhost/img:latest cannot be used, its configuration or manifest is missing"
	echo nonsense > "$record"
	assert_run "$UCTR" system check
	assertExit 1
	assertOutHas "$(basename "$record")"
}

# One of them is no reason that the others cannot be used, and the repair knows it by itself.
test_a_cut_record()
{
	need fullmap || return 0
	assert_run "$UCTR" import -c "LABEL a=b" "$T/root.tar.gz" other
	assert_run "$UCTR" import -c "LABEL c=d" "$T/root.tar.gz" third
	record=$(find "$UCTR_DATA/images" -name '*img*.json')
	name=images/$(basename "$record")
	cp "$record" "$T/record"
	# In the middle, between the lines, and in the list of the layers; lists read the first alone.
	for part in 40 "$(head -n 1 "$T/record" | tr -d '\n' | wc -c)" "$(($(wc -c < "$T/record") - 9))"; do
		head -c "$part" "$T/record" > "$record"
		assert_run "$UCTR" images --format '{{.Repository}}'
		assertExit 0
		assertOutHas localhost/other localhost/third
		assert_run "$UCTR" run --rm --network none --explain other /bin/x
		assertExit 0
		assert_run "$UCTR" run --rm --network none --explain img /bin/x
		assertExit 125
		assertErrLine "$name in the image store" '"uctr system check --repair" moves it aside'
		assert_run "$UCTR" tag third fourth
		assertExit 0
		assert_run "$UCTR" image prune -f
		assertExit 125
		assertErrLine "$name in the image store" "system check --repair"
	done
	assert_run "$UCTR" history third
	assertExit 0
	assert_run "$UCTR" rmi other
	assertExit 0
	assertEquals "Untagged: localhost/other:latest" "$out"
	out=$err
	assertOutHas "uctr: warning: $name in the image store: " \
		"held stays on the disk, as that record cannot be read"
	assertTrue "no tree goes" "[ -d $tree ]"
	assert_run "$UCTR" import -c "LABEL e=f" "$T/root.tar.gz" fifth
	assertExit 0
	assert_run "$UCTR" system check
	assertExit 1
	assertOutHas "$name in the image store" "1 damage found"
	assert_run "$UCTR" system check --repair
	assertExit 0
	assertOutHas "$name in the image store was damaged and is now $name.damaged" "1 damage found"
	assertTrue "it is kept" "[ -f $record.damaged ]"
	assert_run "$UCTR" image prune -f
	assertExit 0
	assertErrEmpty
	assert_run "$UCTR" system check
	assertExit 0
}

# What a newer uctr wrote is not damaged: it stays, and so does everything else.
test_a_record_of_another_schema()
{
	need fullmap || return 0
	assert_run "$UCTR" import -c "LABEL a=b" "$T/root.tar.gz" other
	record=$(find "$UCTR_DATA/images" -name '*img*.json')
	sed -i '1s/"schema":1/"schema":9/' "$record"
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertExit 0
	assertEquals localhost/other "$out"
	assertErrLine "uctr: warning: images/$(basename "$record") in the image store: schema 9; this uctr reads 1"
	assert_run "$UCTR" rmi other
	assertExit 0
	out=$err
	assertOutHas "held stays on the disk, as that record cannot be read"
	assert_run "$UCTR" system check --repair
	assertExit 1
	assertOutHas "schema 9; this uctr reads 1"
	assertTrue "it stays" "[ -f $record ]"
	assertTrue "no tree goes" "[ -d $tree ]"
}

test_not_below_a_container()
{
	need fullmap || return 0
	unset UCTR_DATA
	assert_run "$UCTR" run -d --rm --network none --name check busybox sleep 100
	assertExit 0
	assert_run "$UCTR" system check --repair
	assertExit 125
	assertErrLine 'uctr: 1 container is running; stop it first ("uctr ps")'
	assert_run "$UCTR" system check
	assertExit 0
	"$UCTR" rm -f check > /dev/null
}

# shellcheck disable=SC1091 # the system's
. shunit2
