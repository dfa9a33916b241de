#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr tag, untag, history, image exists|tree|prune, images --sort|--digests.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	has fullmap || return 0
	echo "file one 0644 1" | mktar "$T/one.tar"
	one=$("$UCTR" import -c "LABEL kind=small" -m "first words" "$T/one.tar" one)
}

names()
{
	"$UCTR" images --format '{{.Repository}}:{{.Tag}}' "$@" | sort | tr '\n' ' '
}

two()
{
	echo "file two 0644 22222" | mktar "$T/two.tar"
	two=$("$UCTR" import -c "LABEL kind=big" "$T/two.tar" two)
}

test_tag()
{
	need fullmap || return 0
	assert_run "$UCTR" tag one other:v1 reg.example:5000/a/b me/app
	assertExit 0
	assertErrEmpty
	assertOut ""
	assertEquals "localhost/me/app:latest localhost/one:latest localhost/other:v1 reg.example:5000/a/b:latest " \
		"$(names)"
	assertEquals "one image" "$one" "$("$UCTR" images -q --no-trunc)"
	assert_run "$UCTR" tag "$one" by-id
	assertExit 0
	assert_run "$UCTR" tag one one
	assertExit 0
	assert_run "$UCTR" tag missing x
	assertExit 125
	assertErrLine 'no image "missing"'
	# Nothing of it when one name is wrong.
	assert_run "$UCTR" tag one good Bad
	assertExit 125
	assertErrLine 'image name "Bad": the repository must be lowercase'
	assert_run "$UCTR" tag one "x@sha256:$(printf '%064d' 0)"
	assertErrLine "a new name cannot have a digest"
	assertEquals "" "$(names good)"
}

test_tag_takes_a_name_over()
{
	need fullmap || return 0
	two
	assert_run "$UCTR" tag one two
	assertExit 0
	assertEquals "$one" "$("$UCTR" images -q --no-trunc two)"
	assertEquals "the other stays without a name" "$two" \
		"$("$UCTR" images -q --no-trunc -f dangling=true)"
}

test_tag_a_bundled_image()
{
	need fullmap || return 0
	assert_run "$UCTR" tag busybox mine
	assertExit 0
	assertEquals "localhost/mine:latest " "$(names mine)"
}

test_untag()
{
	need fullmap || return 0
	"$UCTR" tag one a b c
	assert_run "$UCTR" untag one b c
	assertExit 0
	assertOutHas "Untagged: localhost/b:latest" "Untagged: localhost/c:latest"
	assertEquals "localhost/a:latest localhost/one:latest " "$(names)"
	two
	assert_run "$UCTR" untag one two
	assertExit 125
	assertErrLine '"two" is not a name of image'
	assert_run "$UCTR" untag one a missing
	assertErrLine 'no image "missing"'
	assertEquals "localhost/a:latest localhost/one:latest localhost/two:latest " "$(names)"
	assert_run "$UCTR" untag a
	assertExit 0
	assertEquals "localhost/two:latest " "$(names)"
	assertEquals "it stays" "$one" "$("$UCTR" images -q --no-trunc -f dangling=true)"
	assert_run "$UCTR" inspect --type image -f '{{.Id}}' "$one"
	assertOut "$one"
}

test_exists()
{
	need fullmap || return 0
	for name in one localhost/one:latest "$one" "${one#sha256:}"; do
		assert_run "$UCTR" image exists "$name"
		assertExit 0
		assertOut ""
	done
	assert_run "$UCTR" image exists two
	assertExit 1
	assertErrEmpty
	assert_run "$UCTR" image exists Two
	assertExit 125
	assertErrLine 'image name "Two"'
}

test_history()
{
	need fullmap || return 0
	assert_run "$UCTR" history one
	assertExit 0
	assertOutHas "IMAGE" "CREATED BY" "SIZE" "COMMENT" "first words" "uctr import" "1B"
	assertEquals "$one" "$("$UCTR" history -q --no-trunc one)"
	assertEquals "uctr import|1" \
		"$("$UCTR" history --human=false --format '{{.CreatedBy}}|{{.Size}}' one)"
	assert_run "$UCTR" history --human=false --format '{{.CreatedSince}}' one
	assertOutHas "+0000 UTC"
	assert_run "$UCTR" image history missing
	assertExit 125
	assertErrLine 'no image "missing"'
}

# Steps without a layer, more steps than layers, texts with escapes.
test_history_of_a_strange_config()
{
	need fullmap || return 0
	id=${one#sha256:}
	blob="$UCTR_DATA/blobs/sha256/$id"
	sed -i 's/"history":\[/&{"created":"0001-01-01T00:00:00Z","created_by":"\\u001b[2J ENV","empty_layer":true},7,{"created":[],"created_by":{}},/' \
		"$blob"
	assert_run "$UCTR" history --no-trunc --format '{{.ID}} {{.CreatedBy}} {{.Size}}' one
	assertExit 0
	assertEquals 4 "$(echo "$out" | wc -l)"
	assertEquals "the first step with a layer has it" "<missing>  1B" "$(echo "$out" | sed -n 3p)"
	echo '{"config":{}}' > "$blob"
	assert_run "$UCTR" history one
	assertExit 0
	assertEquals "a layer without a step" 2 "$(echo "$out" | wc -l)"
}

test_tree()
{
	need fullmap || return 0
	"$UCTR" tag one again
	assert_run "$UCTR" image tree one
	assertExit 0
	assertOutHas "Image ID: $(echo "${one#sha256:}" | cut -c1-12)" "Size:     1B" \
		"Tags:     [localhost/again:latest localhost/one:latest]" \
		"└── ID: $(sha256sum < "$T/one.tar" | cut -c1-12) Size:      1B"
}

test_prune()
{
	need fullmap overlay || return 0
	two
	"$UCTR" import "$T/two.tar" one > /dev/null # one loses its name
	assert_run "$UCTR" image prune
	assertExit 125
	assertErrLine "-f goes on without asking"
	assert_run "$UCTR" image prune -f --filter label=kind=big
	assertOut "Total reclaimed space: 0B"
	assert_run "$UCTR" image prune -f --filter until=1h
	assertOut "Total reclaimed space: 0B"
	assert_run "$UCTR" image prune -f
	assertExit 0
	assertOut "$(printf 'Deleted: %s\nTotal reclaimed space: 2.05kB' "${one#sha256:}")"
	"$UCTR" run -d --name user --network none busybox sleep 1000 > /dev/null
	assert_run "$UCTR" image prune -a -f
	assertExit 0
	assertOutHas "Untagged: localhost/two:latest"
	assertEquals "what is used stays" "localhost/busybox:latest " "$(names)"
	"$UCTR" rm -f user > /dev/null
	for bad in nonsense=1 until=often label= until=; do
		assert_run "$UCTR" image prune -f --filter "$bad"
		assertExit 125
		assertErrLine "filter"
	done
}

test_prune_asks()
{
	need fullmap || return 0
	"$UCTR" untag one > /dev/null
	assert_pty "$(printf 'expect [y/N]\nsend n\\r')" "$UCTR" image prune
	assertExit 125
	assertOutHas "nothing was removed"
	assert_pty "$(printf 'expect [y/N]\nsend y\\r')" "$UCTR" image prune
	assertExit 0
	assertEquals "" "$("$UCTR" images -aq)"
}

test_images_order_and_digests()
{
	need fullmap || return 0
	two
	column()
	{
		"$UCTR" images --format '{{.Repository}}' "$@" | tr '\n' ' '
	}
	assertEquals "localhost/one localhost/two " "$(column --sort repository)"
	assertEquals "localhost/two localhost/one " "$(column --sort size)"
	assert_run "$UCTR" images --sort nonsense
	assertExit 125
	assertErrLine "--sort 'nonsense'"
	assert_run "$UCTR" images --digests one
	assertOutHas "DIGEST" "sha256:$("$UCTR" images --format '{{.Digest}}' one | cut -d: -f2)"
	digest=$("$UCTR" images --format '{{.Digest}}' one)
	assert_run "$UCTR" image exists "one@$digest"
	assertExit 0
	assert_run "$UCTR" rmi "one@$digest"
	assertExit 0
}

# shellcheck disable=SC1091
. shunit2
