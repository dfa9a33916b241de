#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile image layouts: documents that lie about sizes, digests and kinds, files that are no files
# (rows B12, B13, B18 of the security bar). Bundled images are layouts, found by UCTR_IMAGES.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

arch=$(sed -n 's/.*"architecture":"\([^"]*\)".*/\1/p' \
	"${UCTR%/bin/*}/share/uctr/images/busybox/index.json")
type=application/vnd.oci.image

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" UCTR_IMAGES="$T/images"
	L=$UCTR_IMAGES/img
	mkdir -p "$L/blobs/sha256"
	printf '{"imageLayoutVersion":"1.0.0"}' > "$L/oci-layout"
	# What the documents are made of; tests change some before they call mklayout.
	printf 'dir bin 0755\nfile bin/x 0755 text\n' | mktar "$T/layer.tar"
	diff_id=$(sha256sum < "$T/layer.tar" | cut -d' ' -f1)
	gzip -n "$T/layer.tar"
	layer_type=$type.layer.v1.tar+gzip
	layer_size='' layer_digest='' config_size='' config_digest='' manifest_size='' manifest_digest=''
	manifest_extra='' manifest_type=$type.manifest.v1+json index_extra='' config_extra=''
	diff_ids=''
}

# blob FILE: puts it into the layout and prints its digest's digits.
blob()
{
	hex=$(sha256sum < "$1" | cut -d' ' -f1)
	cp "$1" "$L/blobs/sha256/$hex"
	echo "$hex"
}

size()
{
	stat -c %s "$1"
}

# mklayout: layer, config, manifest and index from the variables of setUp.
mklayout()
{
	: "${layer_digest:=sha256:$(blob "$T/layer.tar.gz")}"
	: "${diff_ids:=\"sha256:$diff_id\"}"
	printf '{"architecture":"%s","os":"linux"%s,"config":{"Cmd":["/bin/x"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$arch" "$config_extra" "$diff_ids" > "$T/config"
	: "${config_digest:=sha256:$(blob "$T/config")}"
	printf '{"schemaVersion":2,"mediaType":"%s"%s,"config":{"mediaType":"%s.config.v1+json","digest":"%s","size":%s},"layers":[{"mediaType":"%s","digest":"%s","size":%s}]}' \
		"$manifest_type" "$manifest_extra" "$type" "$config_digest" \
		"${config_size:-$(size "$T/config")}" "$layer_type" "$layer_digest" \
		"${layer_size:-$(size "$T/layer.tar.gz")}" > "$T/manifest"
	: "${manifest_digest:=sha256:$(blob "$T/manifest")}"
	printf '{"schemaVersion":2%s,"manifests":[{"mediaType":"%s.manifest.v1+json","digest":"%s","size":%s}]}' \
		"$index_extra" "$type" "$manifest_digest" "${manifest_size:-$(size "$T/manifest")}" \
		> "$L/index.json"
}

# refused TEXT...: one line with each TEXT; the store has no image, tree or blob.
refused()
{
	RUN_TIMEOUT=15 assert_run "$UCTR" run --rm --network none img /bin/x
	assertExit 125
	assertErrLine "image layout $L" "$@"
	assertEquals "no image $(context)" "" "$("$UCTR" images -aq)"
	assertEquals "nothing stored $(context)" "" \
		"$(find "$UCTR_DATA/blobs" "$UCTR_DATA/layers" "$UCTR_DATA/tmp" -type f ! -name clear.lock 2> /dev/null)"
}

# accepted: the image enters the store. What it does when run is not this suite's business.
accepted()
{
	RUN_TIMEOUT=15 assert_run "$UCTR" run --rm --network none img /bin/x
	assertEquals "stored $(context)" "localhost/img" "$("$UCTR" images --format '{{.Repository}}')"
}

# no row: what is changed by the others is accepted
test_good()
{
	need fullmap || return 0
	mklayout
	accepted
}

# --- B12: digests, sizes, diff ids ----------------------------------------------------------------

# row B12: one bit of a layer, configuration, manifest | red: without match
test_damaged_blobs()
{
	need fullmap || return 0
	for what in layer.tar.gz config manifest; do
		rm -rf "$L/blobs/sha256" && mkdir "$L/blobs/sha256"
		layer_digest='' config_digest='' manifest_digest='' diff_ids=''
		mklayout
		file=$L/blobs/sha256/$(sha256sum < "$T/$what" | cut -d' ' -f1)
		cp "$file" "$T/flipped"
		# One bit of the last but 20th byte, which every format keeps content in.
		at=$(($(size "$file") - 20))
		byte=$(od -An -tu1 -j "$at" -N 1 "$file" | tr -d ' ')
		# shellcheck disable=SC2059
		printf "$(printf '\\%03o' $((byte ^ 1)))" |
			dd of="$file" bs=1 seek="$at" conv=notrunc 2> /dev/null
		assertFalse "the flip changed something" "cmp -s '$file' '$T/flipped'"
		refused ""
		# The same length and nothing but zeros.
		head -c "$(size "$T/flipped")" /dev/zero > "$file"
		refused ""
	done
	itself_falls_without "match" test_damaged_blobs
}

# row B12: sizes that are wrong or no numbers | red: without blob-size
test_wrong_sizes()
{
	need fullmap || return 0
	good_layer=$(size "$T/layer.tar.gz")
	for n in $((good_layer - 1)) $((good_layer + 1)) 0 -1 1.5 9223372036854775808 99999999999999 \
		'"5"' null; do
		layer_digest='' config_digest='' manifest_digest='' diff_ids=''
		layer_size=$n
		mklayout
		refused ""
	done
	layer_size='' layer_digest='' config_digest='' manifest_digest=''
	manifest_size=5000000
	mklayout
	refused "size: 5000000 is not between 1 and 4194304"
	itself_falls_without "blob-size" test_wrong_sizes
}

# row B12: bytes behind a layer, a second member | red: without match
test_appended_bytes()
{
	need fullmap || return 0
	mklayout
	file=$L/blobs/sha256/$(sha256sum < "$T/layer.tar.gz" | cut -d' ' -f1)
	printf junk >> "$file"
	refused "bytes, announced were"
	# The manifest agrees with the longer blob, the diff id does not know the second member.
	printf 'more' | gzip -n >> "$T/layer.tar.gz"
	layer_digest='' config_digest='' manifest_digest=''
	mklayout
	refused "the uncompressed layer (diff id) does not match"
	itself_falls_without "match" test_appended_bytes
}

# row B12: a wrong diff id | red: without match
test_wrong_diff_id()
{
	need fullmap || return 0
	diff_ids='"sha256:'$(printf '0%.0s' $(seq 64))'"'
	mklayout
	refused "layer 1" "the uncompressed layer (diff id) does not match" "sha256:$diff_id"
	itself_falls_without "match" test_wrong_diff_id
}

# row B12: digests that are paths, too long, of other kinds | red: without digest-form
test_bad_digests()
{
	need fullmap || return 0
	hex=$(sha256sum < "$T/layer.tar.gz" | cut -d' ' -f1)
	upper=$(echo "$hex" | tr a-f A-F)
	for d in "sha256:../../x" "sha256:${hex}0" "sha256:${hex%?}" "sha256:$upper" "md5:$hex" \
		"sha512:$hex$hex" "$hex" "sha256:" "" "sha256:${hex%?}/" "sha256:$hex\\u000a"; do
		layer_digest=$d config_digest='' manifest_digest='' diff_ids=''
		[ -n "$d" ] || layer_digest=' '
		mklayout
		refused "layer 1" "digest: want sha256: and 64 lowercase hex digits"
	done
	layer_digest='' config_digest='' manifest_digest=''
	diff_ids='"sha256:../../../../../../../../../../../../../../../../../../../../../../etc"'
	mklayout
	refused "config: diff_ids"
	itself_falls_without "digest-form" test_bad_digests
}

# row B12: more or fewer layers than diff ids | red: without layer-count
test_counts_of_layers()
{
	need fullmap || return 0
	diff_ids='"sha256:'$diff_id'","sha256:'$diff_id'"'
	mklayout
	refused "1 layers and 2 diff ids"
	layer_digest='' config_digest='' manifest_digest=''
	diff_ids=' '
	mklayout
	refused "1 layers and 0 diff ids"
	itself_falls_without "layer-count" test_counts_of_layers
}

# row B12: a blob changed in the store | red: without match
test_damaged_store_is_found()
{
	need fullmap || return 0
	mklayout
	accepted
	file=$UCTR_DATA/blobs/sha256/$(sha256sum < "$T/layer.tar.gz" | cut -d' ' -f1)
	# The time in the header of gzip: it can be unpacked as before.
	printf 'x' | dd of="$file" bs=1 seek=4 conv=notrunc 2> /dev/null
	# The tree is there: nothing is read. Once it is gone, the blob's damage shows.
	rm "$UCTR_DATA"/layers/*/*.ok
	assert_run "$UCTR" run --rm --network none img /bin/x
	assertExit 125
	assertErrLine "unpack image localhost/img:latest" "uctr rmi"
	assertEquals "" "$(find "$UCTR_DATA/layers" -name '*.ok' -o -name '*.new')"
	itself_falls_without "match" test_damaged_store_is_found
}

# --- B13: documents of two kinds ------------------------------------------------------------------

# row B13: manifest and index at the same time | red: by hand: without check_kind()
test_two_kinds()
{
	need fullmap || return 0
	manifest_extra=',"manifests":[]'
	mklayout
	refused "a manifest and an index at the same time"
	manifest_extra='' manifest_digest='' index_extra=',"layers":[]'
	mklayout
	refused "a manifest and an index at the same time"
	index_extra=',"mediaType":"'$type'.manifest.v1+json"' manifest_digest=''
	mklayout
	refused "mediaType contradicts the content"
	index_extra='' manifest_digest='' manifest_type=$type.index.v1+json
	mklayout
	refused "mediaType contradicts the content"
}

# row B13: duplicate keys, deep nesting, no JSON at all | red: the same without these, which is taken
test_odd_json()
{
	need fullmap || return 0
	manifest_extra=',"config":{}'
	mklayout
	refused "duplicate object key"
	manifest_extra=''
	for text in '' '[]' 'null' '{}' '{"schemaVersion":1}' 'x' \
		"$(printf '[%.0s' $(seq 5000))" "$(printf '\357\273\277{"schemaVersion":2}')"; do
		printf '%s' "$text" > "$L/index.json"
		refused ""
	done
	manifest_digest=''
	config_extra=",\"x\":$(printf '[%.0s' $(seq 3000))$(printf ']%.0s' $(seq 3000))"
	config_digest=''
	mklayout
	refused "config"
	config_extra='' config_digest='' manifest_digest=''
	mklayout
	falls "it worked" works create --network none img /bin/x
}

# row B13: indexes in indexes | red: three deep, which are taken
test_nested_indexes()
{
	need fullmap || return 0
	mklayout
	for depth in 1 2 3 4 5; do
		hex=$(blob "$L/index.json")
		n=$(size "$L/index.json")
		printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s.index.v1+json","digest":"sha256:%s","size":%s}]}' \
			"$type" "$hex" "$n" > "$L/index.json.new"
		mv "$L/index.json.new" "$L/index.json"
		if [ $depth = 3 ]; then
			falls "it worked" works create --network none img /bin/x
			"$UCTR" rm -a > /dev/null
			"$UCTR" rmi img > /dev/null
			assertCleared
		fi
	done
	refused "nested too deeply"
}

# row B13: kinds of layers and platforms that are not known | red: those that are, which are taken
test_foreign_layers_and_platforms()
{
	need fullmap || return 0
	layer_type=application/vnd.docker.image.rootfs.foreign.diff.tar.gzip
	mklayout
	refused "unknown mediaType of a layer"
	layer_type=$type.layer.v1.tar+gzip manifest_digest='' config_digest=''
	good=$arch
	arch=s391x
	mklayout
	refused "the image is for linux/s391x"
	arch=$good manifest_digest='' config_digest=''
	mklayout
	falls "it worked" works create --network none img /bin/x
}

# --- B18: files that are no files -----------------------------------------------------------------

# row B18: blobs, their directory, index.json as links, FIFOs, directories | red: by hand: with inroot_open() for inroot_open_nolinks()
test_links_and_fifos()
{
	need fullmap || return 0
	mklayout
	file=$L/blobs/sha256/$(sha256sum < "$T/layer.tar.gz" | cut -d' ' -f1)
	mv "$file" "$T/elsewhere"
	ln -s "$T/elsewhere" "$file"
	refused "blob sha256:" "Too many levels of symbolic links"
	rm "$file"
	mkfifo "$file"
	refused "not a regular file"
	rm "$file"
	mkdir "$file"
	refused "not a regular file"
	rm -r "$file"
	refused "No such file"
	cp "$T/elsewhere" "$file"
	mv "$L/blobs/sha256" "$T/outside"
	ln -s "$T/outside" "$L/blobs/sha256"
	refused "Too many levels of symbolic links"
	rm "$L/index.json"
	mkfifo "$L/index.json"
	refused "index.json"
	rm "$L/index.json"
	ln -s "$T/manifest" "$L/index.json"
	refused "index.json"
}

# shellcheck disable=SC1091
. shunit2
