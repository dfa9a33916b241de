#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr images and rmi: listing, filters, formats, names and ids that go.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	has fullmap || return 0
	echo "file one 0644 1" | mktar "$T/one.tar"
	echo "file two 0644 22" | mktar "$T/two.tar"
	one=$("$UCTR" import -c "LABEL kind=small" "$T/one.tar" one)
	two=$("$UCTR" import -c "LABEL kind=big other=" "$T/two.tar" reg.example:5000/me/two:v2)
}

trees()
{
	find "$UCTR_DATA"/layers -name '*.ok' 2> /dev/null | wc -l
}

test_table()
{
	need fullmap || return 0
	assert_run "$UCTR" images
	assertExit 0
	assertEquals 3 "$(echo "$out" | wc -l)"
	assertOutHas "REPOSITORY" "TAG" "IMAGE ID" "CREATED" "SIZE"
	short=${one#sha256:}
	short=$(echo "$short" | cut -c1-12)
	echo "$out" | grep -qE "^localhost/one +latest +$short +.* ago +1B$"
	assertEquals "the line of one $(context)" 0 $?
}

test_formats()
{
	need fullmap || return 0
	assertEquals "localhost/one:latest $one" \
		"$("$UCTR" images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --no-trunc one)"
	assert_run "$UCTR" images --format json
	assertExit 0
	assertOutHas '"Repository": "localhost/one"' "\"ID\": \"$two\""
	assert_run "$UCTR" images --format 'table {{.Tag}}\t{{.Size}}'
	assertEquals "TAG SIZE" "$(echo "$out" | head -n 1 | sed 's/  */ /g')"
	assert_run "$UCTR" images --format '{{.Nonsense}}'
	assertExit 125
	assertErrLine "Nonsense"
}

test_quiet()
{
	need fullmap || return 0
	assertEquals "$(printf '%s\n' "$one" "$two" | sort)" "$("$UCTR" images -q --no-trunc | sort)"
	assertEquals 12 "$("$UCTR" images -q one | tr -d '\n' | wc -c)"
	"$UCTR" import -c "LABEL kind=small" "$T/one.tar" again > /dev/null
	assertEquals "" "$("$UCTR" images -q nothing)"
}

test_filters()
{
	need fullmap || return 0
	names()
	{
		"$UCTR" images --format '{{.Repository}}:{{.Tag}}' "$@" | sort | tr '\n' ' '
	}
	assertEquals "localhost/one:latest " "$(names -f label=kind=small)"
	assertEquals "reg.example:5000/me/two:v2 " "$(names -f label=other)"
	assertEquals "localhost/one:latest reg.example:5000/me/two:v2 " "$(names -f label=kind)"
	assertEquals "" "$(names -f label=kind -f label=kind=none)"
	assertEquals "localhost/one:latest " "$(names -f 'reference=o*')"
	assertEquals "reg.example:5000/me/two:v2 " "$(names -f 'reference=*/me/two')"
	assertEquals "reg.example:5000/me/two:v2 " "$(names 'reg.example:5000/me/two:v*')"
	assertEquals "" "$(names -f dangling=true)"
	assertEquals "" "$(names -f since=one -f before=one)"
	for bad in nonsense=1 label= reference dangling=perhaps before=missing; do
		assert_run "$UCTR" images -f "$bad"
		assertExit 125
		assertErrLine "$(echo "$bad" | sed 's/before=//; s/=.*//')"
	done
}

test_rmi_name_and_layers()
{
	need fullmap || return 0
	assertEquals 2 "$(trees)"
	assert_run "$UCTR" rmi one
	assertExit 0
	assertOut "$(printf 'Untagged: localhost/one:latest\nDeleted: %s' "${one#sha256:}")"
	assertEquals 1 "$(trees)"
	assertEquals "config, manifest and layer of the other" 3 \
		"$(find "$UCTR_DATA/blobs" -type f | wc -l)"
	assert_run "$UCTR" rmi reg.example:5000/me/two:v2
	assertExit 0
	assertCleared
	assertEquals "" "$(find "$UCTR_DATA/blobs" "$UCTR_DATA/layers" -type f)"
	assertEquals "" "$("$UCTR" images -aq)"
}

test_rmi_id()
{
	need fullmap || return 0
	assert_run "$UCTR" rmi "$(echo "${one#sha256:}" | cut -c1-10)"
	assertExit 0
	assert_run "$UCTR" rmi "$two"
	assertExit 0
	assertEquals "" "$("$UCTR" images -aq)"
}

# The monitor removes the container's files after the command has returned: no reason to wait.
test_rmi_right_after_run()
{
	need fullmap || return 0
	for _ in 1 2 3 4 5; do
		mkimage after < /dev/null
		assert_run "$UCTR" run --rm --network none after true
		assert_run "$UCTR" rmi after
		assertExit 0
		assertErrEmpty
	done
}

test_rmi_several()
{
	need fullmap || return 0
	assert_run "$UCTR" rmi one missing reg.example:5000/me/two:v2
	assertExit 125
	assertErrLine 'no image "missing"'
	assertEquals "" "$("$UCTR" images -aq)"
	assert_run "$UCTR" rmi -f missing
	assertExit 0
	assert_run "$UCTR" rmi missing other
	assertErrLine 'no image "missing"' "1 more could not be removed"
	assert_run "$UCTR" rmi
	assertExit 125
}

test_rmi_bad_names()
{
	need fullmap || return 0
	for name in ../one 'a b' "$(printf 'a\033[2J')" Upper '' "$(printf 'n%.0s' $(seq 300))"; do
		assert_run "$UCTR" rmi "$name"
		assertExit 125
		assertErrLine "image name"
	done
	assertEquals 2 "$("$UCTR" images -q | wc -l)"
}

test_rmi_in_use()
{
	need fullmap overlay || return 0
	id=$("$UCTR" run -d --name user --network none busybox sleep 1000)
	image=$("$UCTR" images -q --no-trunc busybox)
	for name in busybox "$image"; do
		assert_run "$UCTR" rmi "$name"
		assertExit 125
		assertErrLine "is used by a container"
	done
	assert_run "$UCTR" rmi -f busybox
	assertExit 0
	assertOut "Untagged: localhost/busybox:latest"
	assertEquals "kept without a name" "$image" \
		"$("$UCTR" images -aq --no-trunc -f dangling=true)"
	assert_run "$UCTR" exec user true
	assertExit 0
	"$UCTR" rm -f "$id" > /dev/null
	assert_run "$UCTR" rmi "$image"
	assertExit 0
	assertOut "Deleted: ${image#sha256:}"
}

# Foreign owners and modes that keep even the owner out.
test_rmi_awkward_trees()
{
	need fullmap || return 0
	{
		echo "owner 1000 1000"
		echo "dir a 0000"
		echo "dir a/b 0000"
		echo "file a/b/f 0000 x"
		echo "dir . 0555"
	} | mktar "$T/awkward.tar"
	"$UCTR" import "$T/awkward.tar" awkward > /dev/null
	assertEquals 3 "$(trees)"
	assert_run "$UCTR" rmi awkward
	assertExit 0
	assertEquals 2 "$(trees)"
	assertCleared
	assertEquals "no rest of the tree" 2 "$(find "$UCTR_DATA"/layers -mindepth 2 -maxdepth 2 -type d 2> /dev/null | wc -l)"
}

# A removal that was killed is what has lost its name and is still there: the next writer goes on.
test_next_writer_goes_on()
{
	need fullmap || return 0
	for form in "$UCTR_DATA"/layers/* "$UCTR_DATA/layers/another"; do
		mkdir -p "$form/gone-1/dir"
		: > "$form/gone-1/dir/file"
		chmod 0 "$form/gone-1/dir"
	done
	: > "$UCTR_DATA/tmp/gone-2"
	"$UCTR" images > /dev/null
	assertFalse "who only reads removes nothing" cleared
	"$UCTR" import "$T/one.tar" again > /dev/null
	assertCleared
	assertEquals "what has a name stays" 2 "$(trees)"
}

# One that removes holds the lock; another one leaves its work to it and ends at once.
test_removals_beside_each_other()
{
	need fullmap || return 0
	for i in 1 2 3 4 5 6; do
		echo "file f$i 0644 $i" | mktar "$T/$i.tar"
		"$UCTR" import "$T/$i.tar" "many$i" > /dev/null
	done
	for i in 1 2 3 4 5 6; do
		"$UCTR" rmi "many$i" > "$T/out.$i" 2>&1 &
	done
	wait
	for i in 1 2 3 4 5 6; do
		grep -q "^Deleted: " "$T/out.$i" || fail "many$i: $(cat "$T/out.$i")"
	done
	assertCleared
	assertEquals 2 "$(trees)"
}

# Lists read records alone; one without what they need, as older ones are, is no error.
test_labels_and_times_without_configs()
{
	need fullmap || return 0
	echo "{}" > "$UCTR_DATA/blobs/sha256/${one#sha256:}"
	assertEquals "localhost/one" "$("$UCTR" images -f label=kind=small --format '{{.Repository}}')"
	sed -i 's/,"built":[0-9]*//; s/,"labels":{[^}]*}//' "$UCTR_DATA"/images/*.json
	assertEquals "" "$("$UCTR" images -f label=kind=small --format '{{.Repository}}')"
	assertEquals "reg.example:5000/me/two" \
		"$("$UCTR" images -f label=kind=big --format '{{.Repository}}')"
}

test_damaged_record()
{
	need fullmap || return 0
	echo '{' > "$UCTR_DATA/images/localhost+one:latest.json"
	assert_run "$UCTR" images
	assertExit 0
	assertErrLine "images/localhost+one:latest.json" "not valid JSON" "uctr system check --repair"
}

# shellcheck disable=SC1091
. shunit2
