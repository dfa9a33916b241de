#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Registries that send something else than they announced (rows B12 and B13 of the security bar).

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	registry_setup
	has fullmap || return 0
	registry_image "$R" latest "$T/1.tar"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
}

tearDown()
{
	registries_stop
}

# refused [NAME]: one line, and nothing that was sent is kept under a name.
refused()
{
	assert_run "$UCTR" pull -q "$host/${1:-x}"
	assertExit 125
	assertErrLine "$host/"
	nothing_stored
}

# row B12: a layer, config and manifest of other bytes, longer and shorter | red: none yet
test_other_bytes()
{
	need fullmap || return 0
	for blob in "$layer" "$id"; do
		cp "$R/blobs/$blob" "$T/good"
		size=$(stat -c %s "$T/good")
		{ head -c $((size - 1)) "$T/good" && printf X; } > "$R/blobs/$blob"
		refused
		{ cat "$T/good" && printf X; } > "$R/blobs/$blob"
		refused
		head -c $((size - 1)) "$T/good" > "$R/blobs/$blob"
		refused
		: > "$R/blobs/$blob"
		refused
		cp "$T/good" "$R/blobs/$blob"
	done
	printf ' ' >> "$R/manifests/sha256:$manifest"
	refused "x@sha256:$manifest"
	assert_run "$UCTR" pull -q "$host/x"
	assertExit 0
	assertOut "$id"
}

# row B13: a Content-Type that contradicts the document, both kinds in one | red: none yet
test_kinds_on_the_wire()
{
	need fullmap || return 0
	echo "/manifests/ type value=$type.index.v1+json" > "$R/rules"
	refused
	assertErrLine "mediaType contradicts the content"
	: > "$R/rules"
	sed 's/^{/{"manifests":[],/' "$T/manifest" > "$T/both"
	registry_document "$R" both "$T/both" "$type.manifest.v1+json"
	refused x:both
	assertErrLine "is a manifest and an index at the same time"
}

# row B13: documents without end | red: none yet
test_huge_documents()
{
	need fullmap || return 0
	head -c 40000000 /dev/zero | tr '\0' ' ' > "$T/huge"
	registry_document "$R" huge "$T/huge" "$type.manifest.v1+json"
	refused x:huge
	assertErrLine "is longer than"
}

# row B12: the disk is full in mid-layer; with room again the same is pulled | red: none yet
test_full_disk()
{
	need fullmap "file:${UCTR_SMALL_DIR:-/no small directory}" || return 0
	mkbig "$T/big.tar" 12000000
	registry_image "$R" big "$T/big.tar"
	room=$UCTR_DATA
	export UCTR_DATA="$UCTR_SMALL_DIR/data"
	refused x:big
	assertErrLine "No space left"
	assert_run "$UCTR" pull -q "$host/x:latest"
	assertExit 0
	"$UCTR" unshare rm -rf "$UCTR_DATA"
	export UCTR_DATA="$room"
	assert_run "$UCTR" pull -q "$host/x:big"
	assertExit 0
	assertOut "$id"
}

# shellcheck disable=SC1091
. shunit2
