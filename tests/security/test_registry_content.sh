#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Registries that send something else than they announced (rows B12 and B13 of the security bar).

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

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

# attack_pull NAME: an image comes of it.
attack_pull()
{
	rm -rf "$UCTR_DATA"
	! u pull -q "$host/$1" > "$T/pull.out" 2>&1 || bad "it was taken"
}

# row B12: a layer, config and manifest of other bytes, longer and shorter | red: without document-digest
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
	# Another config of the same length.
	sed 's/"tag":"latest"/"tag":"hostil"/' "$T/config" > "$R/blobs/$id"
	holds attack_pull x
	falls_without document-digest "it was taken" attack_pull x
	rm -rf "$UCTR_DATA"
	cp "$T/config" "$R/blobs/$id"
	printf ' ' >> "$R/manifests/sha256:$manifest"
	refused "x@sha256:$manifest"
	assert_run "$UCTR" pull -q "$host/x"
	assertExit 0
	assertOut "$id"
}

# row B13: a Content-Type that contradicts the document, both kinds in one | red: without document-kind
test_kinds_on_the_wire()
{
	need fullmap || return 0
	echo "/manifests/ type value=$type.index.v1+json" > "$R/rules"
	refused
	assertErrLine "mediaType contradicts the content"
	falls_without document-kind "it was taken" attack_pull x
	rm -rf "$UCTR_DATA"
	: > "$R/rules"
	sed 's/^{/{"manifests":[],/' "$T/manifest" > "$T/both"
	registry_document "$R" both "$T/both" "$type.manifest.v1+json"
	refused x:both
	assertErrLine "is a manifest and an index at the same time"
}

# row B12: sizes of a manifest, config and layer that are one off | red: without blob-size
test_wrong_sizes()
{
	need fullmap || return 0
	size=$(stat -c %s "$R/blobs/$layer")
	config_size=$(stat -c %s "$T/config")
	for n in $((size - 1)) $((size + 1)); do
		sed "s/$layer\",\"size\":$size/$layer\",\"size\":$n/" "$T/manifest" > "$T/wrong"
		registry_document "$R" wrong "$T/wrong" "$type.manifest.v1+json"
		refused x:wrong
		sed "s/$id\",\"size\":$config_size/$id\",\"size\":$((config_size + n - size))/" \
			"$T/manifest" > "$T/wrong"
		registry_document "$R" wrong "$T/wrong" "$type.manifest.v1+json"
		refused x:wrong
		assertErrLine "config: has $config_size bytes, announced were"
	done
	for n in -1 1 0; do
		mkindex wrong "$manifest" $(($(stat -c %s "$T/manifest") + n)) "$type.manifest.v1+json"
		[ $n = 0 ] || refused x:wrong
	done
	assert_run "$UCTR" pull -q "$host/x:wrong"
	assertExit 0
	assertOut "$id"
	itself_falls_without blob-size test_wrong_sizes
}

# mkindex TAG DIGEST SIZE TYPE: an index of one entry, which is in $T/index.
mkindex()
{
	printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s,"platform":{"os":"linux","architecture":"%s"}}]}' \
		"$type" "$4" "$2" "$3" "$MACHINE" > "$T/index"
	registry_document "$R" "$1" "$T/index" "$type.index.v1+json"
}

# row B13: an index that points to itself, and indexes in indexes | red: without document-digest
test_index_of_itself()
{
	need fullmap || return 0
	self=$(printf self | sha256sum | cut -d' ' -f1)
	mkindex loop "$self" 100 "$type.index.v1+json"
	mkindex loop "$self" "$(stat -c %s "$T/index")" "$type.index.v1+json"
	registry_document "$R" "sha256:$self" "$T/index" "$type.index.v1+json"
	refused x:loop
	assertErrLine "manifest: " "$self"
	: > "$R/log"
	falls_without document-digest "" not_asked_twice x:loop
	deep=$manifest size=$(stat -c %s "$T/manifest") kind=$type.manifest.v1+json
	for n in 1 2 3 4 5 6; do
		mkindex deep$n "$deep" "$size" "$kind"
		deep=$hex size=$(stat -c %s "$T/index") kind=$type.index.v1+json
	done
	refused x:deep6
	assertErrLine "index: nested too deeply"
	assert_run "$UCTR" pull -q "$host/x:deep3"
	assertExit 0
	assertOut "$id"
}

# Without the digest it goes round, until it is nested too deeply.
not_asked_twice()
{
	u pull -q "$host/$1" > "$T/pull.out" 2>&1 || true
	[ "$(grep -c "GET .*$self" "$R/log")" -lt 2 ]
}

# row B13: documents of Docker's schema 1 | red: the same image in the current form, which is taken
test_schema_1()
{
	need fullmap || return 0
	printf '{"schemaVersion":1,"name":"x","tag":"old","architecture":"%s","fsLayers":[{"blobSum":"sha256:%s"}],"history":[{"v1Compatibility":"{}"}],"signatures":[]}' \
		"$MACHINE" "$layer" > "$T/old"
	for kind in v1+prettyjws v1+json v2+json; do
		registry_document "$R" old "$T/old" "application/vnd.docker.distribution.manifest.$kind"
		refused x:old
		assertErrLine "schema 1" "pushed again by a current tool"
	done
	registry_document "$R" old "$T/manifest" application/vnd.docker.distribution.manifest.v1+json
	refused x:old
	assertErrLine "schema 1"
	registry_document "$R" old "$T/manifest" "$type.manifest.v1+json"
	falls "it worked" works pull -q "$host/x:old"
}

# row B13: documents without end | red: one of three megabytes, which is taken
test_huge_documents()
{
	need fullmap || return 0
	head -c 40000000 /dev/zero | tr '\0' ' ' > "$T/huge"
	registry_document "$R" huge "$T/huge" "$type.manifest.v1+json"
	refused x:huge
	assertErrLine "is longer than"
	{
		cat "$T/manifest"
		head -c 3000000 /dev/zero | tr '\0' ' '
	} > "$T/large"
	registry_document "$R" huge "$T/large" "$type.manifest.v1+json"
	falls "it worked" works pull -q "$host/x:huge"
}

# row B13: headers that are longer than any answer, and such of control bytes | red: none yet
test_huge_headers()
{
	need fullmap || return 0
	long=$(head -c 80000 /dev/zero | tr '\0' x)
	odd=$(head -c 30000 /dev/zero | tr '\0' '\1')
	for value in "$long" "$odd"; do
		echo "/manifests/ header name=Docker-Content-Digest value=$value" > "$R/rules"
		assert_run timeout $((20 * UCTR_SLOW)) "$UCTR" pull -q "$host/x"
		assertExit 0
		assertOut "$id"
		echo "/manifests/ type value=$value" > "$R/rules"
		assert_run timeout $((20 * UCTR_SLOW)) "$UCTR" pull -q "$host/x"
		assertExit 0
		assertOut "$id"
	done
}

# row B13: an error without end | red: none yet
test_endless_error()
{
	need fullmap || return 0
	for code in 404 403 307; do
		for what in "/manifests/" "/blobs/sha256:$layer"; do
			echo "$what endless code=$code" > "$R/rules"
			assert_run timeout $((20 * UCTR_SLOW)) "$UCTR" pull -q "$host/x"
			assertExit 125
			assertErrLine "$host/x:latest: "
			nothing_stored
		done
	done
}

# row B12: the disk is full in mid-layer; with room again the same is pulled | red: the same with room, which is taken
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
	falls "it worked" works pull -q "$host/x:big"
	assertEquals "$id" "$("$UCTR" images -q --no-trunc | sed s/sha256://)"
}

# shellcheck disable=SC1091
. shunit2
