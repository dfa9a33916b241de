#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr push, search and manifest inspect; other tools' images in, ours out, with equal digests.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	registry_setup
}

tearDown()
{
	registries_stop
}

test_equal_digests()
{
	need fullmap || return 0
	registry_image "$R" latest "$T/1.tar" "$T/2.tar"
	assert_run "$UCTR" pull -q "$host/a/b"
	registry_start "$T/other"
	assert_run "$UCTR" push -q --digestfile "$T/digest" "$host/a/b" "docker://127.0.0.1:$port/c/d:v1"
	assertExit 0
	assertErrEmpty
	assertOut "sha256:$manifest"
	assertEquals "sha256:$manifest" "$(cat "$T/digest")"
	assertEquals "the manifest is the same" "$manifest" "$(digest_of "$T/other/manifests/v1")"
	assertEquals "and so are the blobs" "$(ls "$R/blobs")" "$(ls "$T/other/blobs")"
	: > "$T/other/log"
	assert_run "$UCTR" push -q "$host/a/b" "127.0.0.1:$port/c/d:v2"
	assertExit 0
	assertEquals "what is there is not sent" 0 "$(grep -c 'PATCH' "$T/other/log")"
}

test_from_another_repository()
{
	need fullmap || return 0
	registry_image "$R" latest "$T/1.tar"
	assert_run "$UCTR" pull -q "$host/a/b"
	# A registry has blobs by repository; this one hides them from c/d until they are mounted.
	printf '/c/d/blobs/sha256: status code=404\n' > "$R/rules"
	echo yes > "$R/mounts"
	assert_run "$UCTR" push -q "$host/a/b" "$host/c/d"
	assertExit 0
	assertEquals "two mounts" 2 "$(grep -c 'POST .*mount=.*&from=a/b 201' "$R/log")"
	assertEquals "no bytes" 0 "$(grep -c PATCH "$R/log")"
}

test_imported()
{
	need fullmap || return 0
	"$UCTR" import "$T/1.tar" "$host/imported:x" > /dev/null
	assert_run "$UCTR" push "$host/imported:x"
	assertExit 0
	digest=$out
	"$UCTR" rmi "$host/imported:x" > /dev/null
	assert_run "$UCTR" pull -q "$host/imported:x"
	assertExit 0
	assert_run "$UCTR" images --format '{{.Digest}}'
	assertOut "$digest"
}

test_what_goes_wrong()
{
	need fullmap || return 0
	"$UCTR" import "$T/1.tar" x > /dev/null
	assert_run "$UCTR" push nothing
	assertErrLine 'no image "nothing"'
	assert_run "$UCTR" push x "$host/x@sha256:$(printf x | sha256sum | cut -d' ' -f1)"
	assertErrLine "a digest cannot be chosen"
	echo "/uploads/ status code=403" > "$R/rules"
	assert_run "$UCTR" push -q x "$host/x"
	assertExit 125
	assertErrLine "access is denied (403"
	echo "/manifests/ status code=500 times=1" > "$R/rules"
	assert_run "$UCTR" push -q x "$host/x"
	assertExit 0
	registries_stop
	assert_run "$UCTR" push -q x "$host/x"
	assertExit 125
	assertErrLine "no answer from http://$host"
}

test_search()
{
	echo "/v1/search status code=404" > "$R/rules"
	assert_run "$UCTR" search --format '{{.Name}}' "$host/TWO"
	assertExit 125
	assertErrLine "must be lowercase"
	assert_run "$UCTR" search --format '{{.Name}}' "$host/two"
	assertExit 0
	assertOut a/two
	echo "$host" > /dev/null
	: > "$R/manifests/one"
	: > "$R/manifests/two"
	assert_run "$UCTR" search --list-tags --limit 1 --format '{{.Tag}}' "$host/a/two"
	assertOut one
	echo "search status code=404" > "$R/rules"
	echo "/v2/_catalog status code=401" >> "$R/rules"
	assert_run "$UCTR" search "$host/two"
	assertExit 125
	assertErrLine "search $host"
}

test_manifest_inspect()
{
	registry_image "$R" latest "$T/1.tar"
	assert_run "$UCTR" manifest inspect "$host/a/b"
	assertExit 0
	assertOutHas '"schemaVersion": 2' "sha256:$id"
	assert_run "$UCTR" manifest inspect "$host/a/b:none"
	assertErrLine "not found"
}

# --- with the tools that people have --------------------------------------------------------------

policy()
{
	printf '{"default":[{"type":"insecureAcceptAnything"}]}' > "$T/policy.json"
}

test_skopeo()
{
	need fullmap cmd:docker-registry cmd:skopeo || return 0
	real_registry
	policy
	layout=${UCTR%/bin/*}/share/uctr/images/busybox
	for format in oci v2s2; do
		skopeo --policy "$T/policy.json" copy -q --format "$format" --dest-tls-verify=false \
			"oci:$layout" "docker://$host/in/box:$format" || fail "skopeo copy"
		assert_run "$UCTR" run --rm --network none "$host/in/box:$format" echo "made by $format"
		assertExit 0
		assertOut "made by $format"
		assert_run "$UCTR" push -q "$host/in/box:$format" "$host/out/box:$format"
		assertExit 0
		assertEquals "equal digests" "$out" "$(skopeo --policy "$T/policy.json" inspect \
			--tls-verify=false --format '{{.Digest}}' "docker://$host/out/box:$format")"
	done
}

test_htpasswd()
{
	need fullmap cmd:docker-registry cmd:htpasswd || return 0
	htpasswd -Bbn me secret > "$T/htpasswd"
	real_registry "auth: {htpasswd: {realm: test, path: $T/htpasswd}}"
	export REGISTRY_AUTH_FILE="$T/auth.json"
	"$UCTR" import "$T/1.tar" "$host/x" > /dev/null
	assert_run "$UCTR" push -q "$host/x"
	assertExit 125
	assertErrLine "nobody is logged in" "uctr login $host"
	printf secret > "$T/password"
	RUN_STDIN=$T/password assert_run "$UCTR" login -u me --password-stdin "$host"
	assertExit 0
	assertOut "Login Succeeded!"
	assert_run "$UCTR" push -q "$host/x"
	assertExit 0
	assert_run "$UCTR" pull -q --creds me:wrong "$host/x"
	assertExit 125
	assertErrLine "authentication is required"
	assert_run "$UCTR" pull -q "$host/x"
	assertExit 0
}

# shellcheck disable=SC1091
. shunit2
