#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr copy: every place to every place, and what cannot be copied.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	has fullmap || return 0
	echo "file one 0644 1" | mktar "$T/one.tar"
	gzip -nc "$T/one.tar" > "$T/one.tgz"
	one=$("$UCTR" import "$T/one.tgz" one)
	one_digest=$(stored_digest one)
}

tearDown()
{
	registries_stop
}

stored_digest()
{
	"$UCTR" images --format '{{.Digest}}' "$1"
}

test_every_place_to_every_place()
{
	need fullmap || return 0
	cd "$T" || return 1
	"$UCTR" copy uctr:one oci:lay:a
	"$UCTR" copy uctr:one oci-archive:a.oci:a
	"$UCTR" copy uctr:one docker-archive:a.docker:x/a:1
	"$UCTR" copy uctr:one dir:flat
	n=0
	for from in uctr:one oci:lay:a oci-archive:a.oci oci-archive:a.oci:a docker-archive:a.docker \
		docker-archive:a.docker:docker.io/x/a:1 dir:flat; do
		n=$((n + 1))
		for to in uctr:to$n oci:lay$n:t oci-archive:$n.oci:t docker-archive:$n.docker:t:1 dir:flat$n; do
			assert_run "$UCTR" copy "$from" "$to"
			assertExit 0
			assertOut ""
			assertErrEmpty
			back=back-$n-$(echo "$to" | cut -d: -f1)
			assert_run "$UCTR" copy "${to%:1}" "uctr:$back" 
			[ "$rc" = 0 ] || assert_run "$UCTR" copy "$to" "uctr:$back"
			assertExit 0
			assertEquals "$from $to: id" "$one" "$("$UCTR" images -q --no-trunc "$back")"
			case $from$to in
			*docker-archive*) ;;
			*) assertEquals "$from $to: digest" "$one_digest" "$(stored_digest "$back")" ;;
			esac
		done
	done
}

test_a_name_of_several()
{
	need fullmap || return 0
	cd "$T" || return 1
	"$UCTR" tag busybox bb
	"$UCTR" copy uctr:one oci:lay:a
	"$UCTR" copy uctr:bb oci:lay:b
	assert_run "$UCTR" copy oci:lay uctr:x
	assertExit 125
	assertErrLine "lay: holds 2 images; name one of them"
	assert_run "$UCTR" copy oci:lay:c uctr:x
	assertErrLine 'holds no image "c"'
	assert_run "$UCTR" copy oci:lay:b uctr:x
	assertExit 0
	assertEquals "$(stored_digest bb)" "$(stored_digest x)"
	# A tag moves, the rest stays.
	"$UCTR" copy uctr:bb oci:lay:a
	assert_run "$UCTR" copy oci:lay:a uctr:y
	assertEquals "$(stored_digest bb)" "$(stored_digest y)"
	"$UCTR" save --format oci-archive -o two.oci one bb
	assert_run "$UCTR" copy oci-archive:two.oci:localhost/bb:latest uctr:z
	assertExit 0
	assertEquals "$(stored_digest bb)" "$(stored_digest z)"
}

test_platform_of_an_index()
{
	need fullmap || return 0
	cd "$T" || return 1
	images=${UCTR%/bin/*}/share/uctr/images
	arch=$(sed -n 's/.*"architecture":"\([^"]*\)".*/\1/p' "$images/busybox/index.json")
	assert_run "$UCTR" copy --platform "linux/$arch" "oci:$images/busybox" uctr:mine
	assertExit 0
	assert_run "$UCTR" copy --platform nonsense/// "oci:$images/busybox" uctr:mine
	assertExit 125
	assertErrLine "platform"
}

# --- registries -----------------------------------------------------------------------------------

# two_registries: $A with an image of two layers, $B empty, at $a and $b.
two_registries()
{
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG
	export UCTR_NET_TIMEOUT=20
	A=$T/a B=$T/b
	mklayers
	registry_start "$B"
	b=127.0.0.1:$port
	registry_start "$A"
	a=127.0.0.1:$port
	registry_image "$A" latest "$T/1.tar" "$T/2.tar"
}

test_from_registries()
{
	need fullmap || return 0
	cd "$T" || return 1
	two_registries
	for to in uctr:here oci:lay:t oci-archive:x.oci:t docker-archive:x.docker:t:1 dir:flat; do
		assert_run "$UCTR" copy "docker://$a/x" "$to"
		assertExit 0
		assertErrEmpty
		case $to in
		uctr:*) ;;
		docker-archive:*) assert_run "$UCTR" copy "${to%:t:1}" uctr:back ;;
		*) assert_run "$UCTR" copy "$to" uctr:back ;;
		esac
		assertExit 0
		assertEquals "$to: id" "sha256:$id" "$("$UCTR" images -q --no-trunc | head -n 1)"
		"$UCTR" rmi -f "$id" > /dev/null
	done
	assert_run "$UCTR" copy "docker://$a/x@sha256:$manifest" oci:lay:by-digest
	assertExit 0
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	printf X >> "$A/blobs/$layer"
	assert_run "$UCTR" copy "docker://$a/x" dir:bad
	assertExit 125
	assertErrLine "$a/x:latest: layer 1: "
	assertFalse "the bad one has no name" "[ -e bad/$layer ]"
	rm "$A/blobs/$layer"
	assert_run "$UCTR" copy "docker://$a/x" dir:bad
	assertErrLine "$a/x:latest: layer 1: " "not found (404"
}

test_to_registries()
{
	need fullmap || return 0
	cd "$T" || return 1
	two_registries
	"$UCTR" copy "docker://$a/x" oci:lay:t
	"$UCTR" copy oci:lay:t oci-archive:x.oci:t
	"$UCTR" copy oci:lay:t dir:flat
	"$UCTR" copy oci:lay:t uctr:here
	n=0
	for from in "docker://$a/x" oci:lay:t oci-archive:x.oci:t dir:flat uctr:here; do
		n=$((n + 1))
		rm -f "$B/blobs/"*
		assert_run "$UCTR" copy "$from" "docker://$b/c/d:v$n"
		assertExit 0
		assertOut ""
		assertErrEmpty
		assertEquals "$from: manifest" "$manifest" "$(digest_of "$B/manifests/v$n")"
		assertEquals "$from: blobs" "$(ls "$A/blobs")" "$(ls "$B/blobs")"
	done
	assertEquals "nothing stays behind" "" "$(find "$UCTR_DATA/tmp" -type f)"
	# An archive of docker gets a manifest of its own, its config stays.
	"$UCTR" copy oci:lay:t docker-archive:x.docker:t:1
	assert_run "$UCTR" copy docker-archive:x.docker "docker://$b/c/d:docker"
	assertExit 0
	assert_run "$UCTR" copy "docker://$b/c/d:docker" uctr:again
	assertExit 0
	assertEquals "sha256:$id" "$("$UCTR" images -q --no-trunc again)"
}

test_what_is_there_is_not_fetched()
{
	need fullmap || return 0
	two_registries
	"$UCTR" copy "docker://$a/x" "docker://$b/x"
	: > "$A/log"
	: > "$B/log"
	assert_run "$UCTR" copy "docker://$a/x" "docker://$b/y:z"
	assertExit 0
	assertEquals "the config alone: $(cat "$A/log")" "$id" \
		"$(sed -n 's|GET /v2/x/blobs/sha256:\([0-9a-f]*\) .*|\1|p' "$A/log")"
	assertEquals "nothing is sent" 0 "$(grep -c PATCH "$B/log")"
}

test_registries_that_fail()
{
	need fullmap || return 0
	two_registries
	mkbig "$T/big.tar" 3000000
	registry_image "$A" big "$T/big.tar"
	# The bytes are at hand for a second try, also those that came through a pipe.
	echo "/uploads/ status code=503 times=2" > "$B/rules"
	echo "/blobs/ cut at=1000000 times=2" > "$A/rules"
	assert_run "$UCTR" copy "docker://$a/x:big" "docker://$b/x:big"
	assertExit 0
	assertEquals "$manifest" "$(digest_of "$B/manifests/big")"
	assertEquals "both broke" "2 2" "$(grep -c ' 503 ' "$B/log") $(grep -c 'range=bytes=' "$A/log")"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	rm "$B/blobs/"*
	printf X >> "$A/blobs/$layer"
	assert_run "$UCTR" copy "docker://$a/x:big" "docker://$b/x:bad"
	assertExit 125
	assertErrLine "$b/x:bad: layer 1: "
	assertEquals "nothing bad is sent" "" "$(ls "$B/blobs")"
	assertFalse "no manifest" "[ -e '$B/manifests/bad' ]"
	: > "$A/rules"
	echo "basic me:pass" > "$B/auth"
	assert_run "$UCTR" copy "docker://$a/x" "docker://$b/x"
	assertExit 125
	assertErrLine "$b/x:latest: " "uctr login $b"
	assert_run "$UCTR" copy --platform linux/mips "docker://$a/x" "docker://$b/x@sha256:$id"
	assertErrLine "a digest cannot be chosen"
}

test_skopeo_reads_a_layout()
{
	need fullmap cmd:skopeo || return 0
	cd "$T" || return 1
	"$UCTR" copy uctr:one oci:lay:a
	assert_run skopeo --insecure-policy inspect --format '{{.Digest}}' oci:lay:a
	assertOut "$one_digest"
}

test_umoci_unpacks_a_layout()
{
	need fullmap cmd:umoci || return 0
	cd "$T" || return 1
	"$UCTR" copy uctr:one oci:lay:a
	assert_run umoci unpack --rootless --image lay:a bundle
	assertExit 0
	assertEquals 1 "$(cat bundle/rootfs/one)"
	# What umoci makes of it comes back.
	echo more > bundle/rootfs/two
	assert_run umoci repack --image lay:b bundle
	assertExit 0
	assert_run "$UCTR" copy oci:lay:b uctr:repacked
	assertExit 0
	assertEquals 2 "$("$UCTR" history -q repacked | wc -l)"
}

test_bad_places()
{
	need fullmap || return 0
	cd "$T" || return 1
	for bad in one oci: oci::x oci:lay: "$(printf 'x\033[2J:y')" ftp:x; do
		assert_run "$UCTR" copy "$bad" uctr:x
		assertExit 125
		assertErrLine "\""
		assert_run "$UCTR" copy uctr:one "$bad"
		assertExit 125
		assertErrLine "\""
	done
	assert_run "$UCTR" copy uctr:missing dir:x
	assertExit 125
	assertErrLine 'no image "missing"'
	assert_run "$UCTR" copy dir:missing uctr:x
	assertErrLine "open missing: No such file or directory"
	assert_run "$UCTR" copy uctr:one oci:one.tar:x
	assertErrLine "one.tar"
	assert_run "$UCTR" copy uctr:one oci-archive:no/dir
	assertErrLine "make no/dir: No such file or directory"
}

# shellcheck disable=SC1091
. shunit2
