#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images of other tools come in, run, are committed and pushed; podman and skopeo get the same digests
# and the same trees back: owners, modes, times, links, extended attributes, file capabilities.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" UCTR_NET_TIMEOUT=20 XDG_CONFIG_HOME="$T/xdg"
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG CONTAINERS_REGISTRIES_CONF
	mkdir -p "$T/run" "$T/certs" "$T/layers" "$T/lists"
	policy=$T/policy.json
	printf '{"default":[{"type":"insecureAcceptAnything"}]}' > "$policy"
}

tearDown()
{
	remove_containers c
	registries_stop
	podm system migrate > /dev/null 2>&1
}

# --- the other tools ------------------------------------------------------------------------------

skop()
{
	what=$1
	shift
	skopeo --policy "$policy" "$what" "$@"
}

podm()
{
	env XDG_RUNTIME_DIR="$T/run" podman --root "$T/podman" --runroot "$T/run/podman" \
		--storage-driver vfs --cgroup-manager=cgroupfs --events-backend=file "$@"
}

build()
{
	what=$1
	shift
	env XDG_RUNTIME_DIR="$T/run" BUILDAH_ISOLATION=chroot buildah --root "$T/podman" \
		--runroot "$T/run/podman" --storage-driver vfs "$what" "$@"
}

# secure_registry: one with a certificate of an authority of its own, and a password.
secure_registry()
{
	authority ca
	certificate server ca IP:127.0.0.1
	cp "$T/ca.crt" "$T/certs/"
	htpasswd -Bbn me secret > "$T/htpasswd"
	real_registry "auth: {htpasswd: {realm: test, path: $T/htpasswd}}" \
		", tls: {certificate: $T/server.crt, key: $T/server.key}"
	me="--creds me:secret --cert-dir $T/certs"
	from_me="--src-creds me:secret --src-cert-dir $T/certs"
	to_me="--dest-creds me:secret --dest-cert-dir $T/certs"
}

# plain_registry: one without either.
plain_registry()
{
	real_registry
	me="--tls-verify=false"
	from_me="--src-tls-verify=false"
	to_me="--dest-tls-verify=false"
}

layers()
{
	gzip -dc "$(bundled_layer)" > "$T/base.tar"
	python3 "$UCTR_TESTS/lib/interop.py" "$T/base.tar" "$T/layers"
}

# --- what is compared -----------------------------------------------------------------------------

# uctr_tree IMAGE, podman_tree IMAGE: the list of its tree.
uctr_tree()
{
	"$UCTR" run -d --name c --network none "$1" /bin/busybox sleep 300 > /dev/null || return 1
	"$UCTR" unshare python3 "$UCTR_TESTS/lib/list.py" "/proc/$(pid_of c)/root"
	"$UCTR" rm -f c > /dev/null
}

podman_tree()
{
	# shellcheck disable=SC2016 # expands there
	podm unshare sh -c 'd=$(cat "$2") && python3 "$1" "${d:?}"' sh "$UCTR_TESTS/lib/list.py" "$T/mounted"
}

# podman_pull NAME: with podman; the directory that it mounts the image at is in $T/mounted.
podman_pull()
{
	# shellcheck disable=SC2086 # words
	podm pull -q --signature-policy "$policy" $me "$1" > "$T/podman.out" 2>&1 ||
		fail "podman pull $1: $(cat "$T/podman.out")"
	podm unshare podman --root "$T/podman" --runroot "$T/run/podman" --storage-driver vfs \
		image mount "$1" > "$T/mounted" 2> "$T/podman.err" ||
		fail "podman image mount $1: $(cat "$T/podman.err")"
}

# equal WHAT FILE FILE
equal()
{
	assertTrue "$1: no list" "[ -s '$2' ]"
	cmp -s "$2" "$3" || fail "$1: $(diff "$2" "$3" | head -n 10)"
}

# The whole way of an image that is in the registry as in/$1.
there_and_back()
{
	from=$host/in/$1 to=$host/out/$1
	# shellcheck disable=SC2086 # words
	assert_run "$UCTR" pull -q $me "$from"
	assertExit 0
	uctr_tree "$from" > "$T/lists/in"
	podman_pull "$from"
	podman_tree > "$T/lists/in.podman"
	equal "$1 as it came" "$T/lists/in.podman" "$T/lists/in"
	assert_run "$UCTR" run --name c --network none "$from" /bin/busybox sh -c "cd /data && mkdir -m 2750 new &&
		echo $1 > new/file && chown -R 21:22 new && chmod 4711 new/file && touch -t 200102030405.06 new/file &&
		ln new/file new/link && ln -s file new/soft && rm -r opaque/* setgid && rm -r sticky && mkfifo sticky"
	assertExit 0
	assertErrEmpty
	assert_run "$UCTR" commit -q -c "CMD cat /data/new/file" c "$to"
	assertExit 0
	"$UCTR" rm c > /dev/null
	uctr_tree "$to" > "$T/lists/out"
	assertEquals "two names, two owners" 2 "$(grep -c "'/data/new/\(file\|link\)' -rws--x--x 21:22 =/data/new/file " "$T/lists/out")"
	# shellcheck disable=SC2086
	assert_run "$UCTR" push -q $me "$to"
	assertExit 0
	digest=$out
	# shellcheck disable=SC2086
	assertEquals "skopeo's digest" "$digest" \
		"$(skop inspect $me --format '{{.Digest}}' "docker://$to")"
	podman_pull "$to"
	assertEquals "podman's digest" "$digest" "$(podm image inspect --format '{{.Digest}}' "$to")"
	podman_tree > "$T/lists/out.podman"
	equal "$1 as it went" "$T/lists/out" "$T/lists/out.podman"
	"$UCTR" rmi -f "$from" "$to" > /dev/null
	# shellcheck disable=SC2086
	assert_run "$UCTR" pull -q $me "$to@$digest"
	assertExit 0
	uctr_tree "$to@$digest" > "$T/lists/again"
	equal "$1 again" "$T/lists/out" "$T/lists/again"
}

tools="cmd:docker-registry cmd:htpasswd cmd:openssl cmd:skopeo cmd:podman cmd:python3"

# --- made by ... ----------------------------------------------------------------------------------

test_buildah()
{
	# shellcheck disable=SC2086 # words
	need fullmap overlay $tools cmd:buildah || return 0
	secure_registry
	layers
	{
		ctr=$(build from --signature-policy "$policy" scratch) &&
			build add "$ctr" "$T/layers/1.tar" / &&
			build config --cmd "/bin/busybox true" --env MADE=by --workingdir /data "$ctr" &&
			build commit -q --signature-policy "$policy" --rm "$ctr" base
	} > "$T/buildah.out" 2>&1 || fail "buildah: $(cat "$T/buildah.out")"
	echo more > "$T/more"
	for format in oci docker; do
		# shellcheck disable=SC2016 # expands there
		{
			ctr=$(build from --signature-policy "$policy" --pull-never base) &&
				build add --chown 14:15 --chmod 0604 "$ctr" "$T/more" /data/more &&
				build unshare --mount "M=$ctr" sh -c 'rm -r "$M/data/gone" && chown 12:13 "$M/data/old"' &&
				build commit -q --signature-policy "$policy" --format $format --rm "$ctr" "$host/in/buildah:$format" &&
				build push -q --signature-policy "$policy" --format $format --creds me:secret \
					--cert-dir "$T/certs" "$host/in/buildah:$format"
		} > "$T/buildah.out" 2>&1 || fail "buildah: $(cat "$T/buildah.out")"
		there_and_back "buildah:$format"
		assertEquals "buildah's change" 1 "$(grep -c "^'/data/more' -rw----r-- 14:15 " "$T/lists/in")"
	done
}

test_umoci_and_skopeo()
{
	# shellcheck disable=SC2086 # words
	need fullmap overlay $tools cmd:umoci || return 0
	plain_registry
	layers
	cd "$T" || return 1
	{
		umoci init --layout lay && umoci new --image lay:t &&
			umoci raw add-layer --image lay:t layers/1.tar &&
			umoci raw add-layer --image lay:t layers/2.tar &&
			umoci config --image lay:t --config.cmd /bin/busybox
	} > umoci.out 2>&1 || fail "umoci: $(cat umoci.out)"
	for how in oci:gzip oci:zstd v2s2:gzip; do
		# shellcheck disable=SC2086 # words
		skop copy -q --format ${how%:*} --dest-compress-format ${how#*:} $to_me oci:lay:t \
			"docker://$host/in/${how%:*}:${how#*:}" || fail "skopeo copy $how"
		there_and_back $how
	done
	assertEquals "the second layer" "'/data/kind' -rw-r--r-- 12:0" \
		"$(sed -n "s/^\('.data.kind' [^ ]* [^ ]*\) .*/\1/p" lists/in)"
	assertEquals "attributes" "security.capability=0100000200200000000000000000000000000000" \
		"$(sed -n "s/^'.data.caps' .* //p" lists/out)"
	assertEquals "user.one=31 user.two=7a77656920c3a4" "$(sed -n "s/^'.data.attr' .* \(user.one.*\)/\1/p" lists/out)"
	# shellcheck disable=SC2086 # words
	skop copy -q $from_me "docker://$host/out/v2s2:gzip" docker-archive:x.docker:some/name:1 ||
		fail "skopeo copy docker-archive"
	assert_run "$UCTR" load -q -i x.docker
	assertExit 0
	uctr_tree some/name:1 > lists/docker
	equal "an archive of docker" lists/out lists/docker
	podm run --rm --pull never --network none "$host/out/v2s2:gzip" > podman.out 2>&1
	assertEquals "podman runs it" v2s2:gzip "$(cat podman.out)"
}

# shellcheck disable=SC1091
. shunit2
