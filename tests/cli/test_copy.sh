#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr copy: every place to every place, and what cannot be copied.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	has fullmap || return 0
	echo "file one 0644 1" | mktar "$T/one.tar"
	gzip -nc "$T/one.tar" > "$T/one.tgz"
	one=$("$UCTR" import "$T/one.tgz" one)
	one_digest=$("$UCTR" images --format '{{.Digest}}' one)
}

digest_of()
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
			*) assertEquals "$from $to: digest" "$one_digest" "$(digest_of "$back")" ;;
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
	assertEquals "$(digest_of bb)" "$(digest_of x)"
	# A tag moves, the rest stays.
	"$UCTR" copy uctr:bb oci:lay:a
	assert_run "$UCTR" copy oci:lay:a uctr:y
	assertEquals "$(digest_of bb)" "$(digest_of y)"
	"$UCTR" save --format oci-archive -o two.oci one bb
	assert_run "$UCTR" copy oci-archive:two.oci:localhost/bb:latest uctr:z
	assertExit 0
	assertEquals "$(digest_of bb)" "$(digest_of z)"
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
