#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr pull and run --pull: names, platforms, digests, policies, resume, what registries answer.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	registry_setup
	has fullmap || return 0
	registry_image "$R" latest "$T/1.tar" "$T/2.tar"
}

tearDown()
{
	registries_stop
}

requests()
{
	grep -c -- "$1" "$R/log"
}

test_pull()
{
	need fullmap || return 0
	assert_run "$UCTR" pull "$host/a/b"
	assertExit 0
	assertOut "$id"
	assertEquals "a line for each layer" 2 "$(grep -c ' done ' "$T.err")"
	assertEquals "$host/a/b latest sha256:$manifest" \
		"$("$UCTR" images --no-trunc --format '{{.Repository}} {{.Tag}} {{.Digest}}')"
	assert_run "$UCTR" pull -q "$host/a/b:latest@sha256:$manifest"
	assertOut "$id"
	assertErrEmpty
	assertEquals "blobs are fetched once: two layers, a config twice" 4 "$(requests blobs)"
	assert_run "$UCTR" inspect "$host/a/b"
	assertOutHas '"RootFS"'
}

test_by_digest_alone()
{
	need fullmap || return 0
	assert_run "$UCTR" pull -q "$host/a/b@sha256:$manifest"
	assertExit 0
	assertOut "$id"
	assert_run "$UCTR" pull -q --policy missing "$host/a/b@sha256:$manifest"
	assertOut "$id"
	assertEquals "known by its digest" 1 "$(requests manifests)"
	assertEquals "$host/a/b <none>" "$("$UCTR" images --format '{{.Repository}} {{.Tag}}')"
	assertEquals "[$host/a/b@sha256:$manifest]" "$("$UCTR" image inspect -f '{{.RepoDigests}}' "$id")"
	assert_run "$UCTR" image prune -f
	assertEquals "a digest keeps it" "$id" "$("$UCTR" images -q --no-trunc | sed 's/sha256://')"
	"$UCTR" tag "$host/a/b@sha256:$manifest" mine
	"$UCTR" rmi mine > "$T/out"
	assertEquals "it has been fetched by it" "Untagged: localhost/mine:latest" "$(cat "$T/out")"
	wrong=$(printf wrong | sha256sum | cut -d' ' -f1)
	assert_run "$UCTR" pull "$host/a/b@sha256:$wrong"
	assertExit 125
	assertErrLine "not found"
}

test_names()
{
	need fullmap || return 0
	assert_run "$UCTR" pull -q "localhost:$port/a/b"
	assertExit 0
	assert_run "$UCTR" pull "$host/a/b:none"
	assertExit 125
	assertErrLine "$host/a/b:none" "not found (404: no such thing)"
	assert_run "$UCTR" pull "$host/A"
	assertErrLine "must be lowercase"
	kill "${registries##* }"
	wait "${registries##* }" 2> /dev/null
	assert_run "$UCTR" pull "$host/a/b"
	assertExit 125
	assertErrLine "no answer from http://$host"
}

test_ipv6()
{
	need fullmap || return 0
	[ -e /proc/net/if_inet6 ] && grep -q "^0*1 " /proc/net/if_inet6 || return 0
	registry_start "$T/six" ::1
	registry_image "$T/six" latest "$T/1.tar"
	assert_run "$UCTR" pull -q "[::1]:$port/x"
	assertExit 0
	assertOut "$id"
}

test_all_tags()
{
	need fullmap || return 0
	first=$id
	registry_image "$R" other "$T/2.tar"
	assert_run "$UCTR" pull -q -a "$host/a/b"
	assertExit 0
	assertOut "$first
$id"
	assertEquals 2 "$("$UCTR" images -q | wc -l)"
	# One that is no image for this machine does not stop the others.
	arch=riscv64 registry_image "$R" mid "$T/2.tar"
	assert_run "$UCTR" pull -q -a "docker://$host/a/b"
	assertExit 125
	assertErrLine "riscv64"
	assertEquals 2 "$(wc -l < "$T.out")"
	assert_run "$UCTR" pull -a "$host/a/b:latest"
	assertErrLine "takes a name without tag"
}

test_platforms()
{
	need fullmap || return 0
	mine=$manifest my_id=$id
	mine_size=$(stat -c %s "$T/manifest")
	arch=riscv64 registry_image "$R" theirs "$T/2.tar"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"os":"linux","architecture":"riscv64"}},{"mediaType":"%s.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"os":"linux","architecture":"%s"}}]}' \
		"$type" "$manifest" "$(stat -c %s "$T/manifest")" "$type" "$mine" "$mine_size" \
		"$MACHINE" > "$T/index"
	registry_document "$R" multi "$T/index" "$type.index.v1+json"
	assert_run "$UCTR" pull -q "$host/m:multi"
	assertExit 0
	assertOut "$my_id"
	assert_run "$UCTR" pull -q --policy missing "$host/m@sha256:$hex"
	assertOut "$my_id"
	assert_run "$UCTR" pull -q --platform linux/riscv64 "$host/m:multi"
	assertExit 0
	assertOut "$id"
	assert_run "$UCTR" pull --platform linux/mips "$host/m:multi"
	assertExit 125
	assertErrLine "holds no image for linux/mips; there are linux/riscv64, linux/$MACHINE"
	assert_run "$UCTR" run --rm --network none --pull never --platform "linux/$MACHINE" "$host/m:multi"
	assertExit 125
	assertErrLine "no image \"$host/m:multi\""
	assert_run "$UCTR" pull --platform linux/ "$host/m:multi"
	assertErrLine "want OS/ARCH"
}

test_policies()
{
	need fullmap || return 0
	assert_run "$UCTR" pull --policy never "$host/a/b"
	assertExit 125
	assertErrLine "no image \"$host/a/b\""
	assert_run "$UCTR" pull -q --policy missing "$host/a/b"
	assertExit 0
	old=$id
	registry_image "$R" latest "$T/2.tar"
	assert_run "$UCTR" pull -q --policy missing "$host/a/b"
	assertOut "$old"
	assert_run "$UCTR" pull -q --policy newer "$host/a/b"
	assertOut "$id"
	: > "$R/log"
	assert_run "$UCTR" pull -q --policy newer "$host/a/b"
	assertOut "$id"
	assertEquals "nothing but the manifest" 0 "$(requests blobs)"
	assert_run "$UCTR" pull --policy sometimes "$host/a/b"
	assertErrLine "want always, missing, never or newer"
	registries_stop
	assert_run "$UCTR" pull -q --policy newer "$host/a/b"
	assertExit 0
	assertOut "$id"
}

# --- what goes wrong on the way -------------------------------------------------------------------

test_cut_and_resumed()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 3000000
	registry_image "$R" big "$T/big.tar"
	echo "/blobs/ cut at=1000000 times=2" > "$R/rules"
	assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertOut "$id"
	assertEquals "goes on where it ended $(cat "$R/log")" 1 "$(requests 'range=bytes=1000000-')"
	# A server that ignores ranges sends what is there already.
	rm -rf "$UCTR_DATA"
	printf '/blobs/ cut at=2000000 times=2\n/blobs/ norange\n' > "$R/rules"
	assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertOut "$id"
}

test_ranges_answered_wrongly()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 3000000
	registry_image "$R" big "$T/big.tar"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	for how in '' start=5; do
		rm -rf "$UCTR_DATA"
		printf '/blobs/ cut at=1000000 times=1\n%s badrange %s\n' "$layer" "$how" > "$R/rules"
		assert_run "$UCTR" pull -q "$host/a/b:big"
		assertExit 0
		assertOut "$id"
		# So is one that goes on with what the last time left.
		rm -rf "$UCTR_DATA"
		mkdir -p "$UCTR_DATA/tmp"
		head -c 500000 "$R/blobs/$layer" > "$UCTR_DATA/tmp/$layer.part"
		chmod 700 "$UCTR_DATA" "$UCTR_DATA/tmp"
		assert_run "$UCTR" pull -q "$host/a/b:big"
		assertExit 0
		assertOut "$id"
	done
	# All of it has come, and then nothing, not even the end of the stream.
	rm -rf "$UCTR_DATA"
	printf '%s open\n%s badrange\n' "$layer" "$layer" > "$R/rules"
	assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertOut "$id"
}

test_resumed_the_next_time()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 3000000
	registry_image "$R" big "$T/big.tar"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	echo "$layer slow" > "$R/rules"
	UCTR_NET_TIMEOUT=600 background_pull "$host/a/b:big"
	wait_for 20 sh -c "[ \$(stat -c %s '$UCTR_DATA/tmp/$layer.part') -gt 1000000 ]"
	kill -KILL "$bg"
	wait "$bg" 2> /dev/null
	: > "$R/rules"
	got=$(stat -c %s "$UCTR_DATA/tmp/$layer.part")
	assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertEquals "the rest alone $(cat "$R/log")" 1 "$(grep -c "$layer 206 .*range=bytes=$got-" "$R/log")"
	assertEquals "no part stays" "" "$(find "$UCTR_DATA/tmp" -type f)"
	# A part that is another blob's costs time and nothing else.
	rm -rf "$UCTR_DATA"
	mkdir -p "$UCTR_DATA/tmp"
	head -c 500000 /dev/zero > "$UCTR_DATA/tmp/$layer.part"
	chmod 700 "$UCTR_DATA" "$UCTR_DATA/tmp"
	assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertOut "$id"
}

background_pull()
{
	"$UCTR" pull -q "$@" < /dev/null > "$T.bg.out" 2> "$T.bg.err" &
	bg=$!
}

test_interrupted()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 3000000
	registry_image "$R" big "$T/big.tar"
	echo "/blobs/ slow" > "$R/rules"
	sed -i "1s/^/$id wait ms=0\n/" "$R/rules"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	echo "$layer slow" > "$R/rules"
	for command in "pull -q" "run --rm --network none" "create --network none"; do
		# shellcheck disable=SC2086 # words
		background "$UCTR" $command "$host/a/b:big"
		wait_for 20 sh -c "[ \$(stat -c %s '$UCTR_DATA/tmp/$layer.part') -gt 1000000 ]"
		kill -TERM "$bg"
		background_exit 143
		assertEquals "one line of $command" 1 "$(wc -l < "$T.bg.err")"
		nothing_stored
		assertEquals "one part and no tree of $command" "1 0" \
			"$(find "$UCTR_DATA/tmp" -name '*.part' | wc -l) $(find "$UCTR_DATA/layers" -name '*.new' | wc -l)"
		rm "$UCTR_DATA/tmp/"*.part
		assertEquals "" "$("$UCTR" ps -aq)"
	done
}

# After a pull that nobody interrupted, signals are the container's.
test_signals_behind_a_pull()
{
	need fullmap || return 0
	assert_run "$UCTR" create --network none busybox
	assertExit 0
	assert_run "$UCTR" export -o "$T/busybox.tar" "$out"
	assertExit 0
	registry_image "$R" busy "$T/busybox.tar"
	background "$UCTR" run --rm --network none "$host/a/b:busy" sh -c \
		'trap "exit 9" INT; echo ready; while :; do sleep 0.1; done'
	if wait_for 20 printed ready; then
		kill -INT "$bg"
		background_exit 9
	else
		wait "$bg"
		fail "$(cat "$T.bg.err")"
	fi
}

test_asked_to_wait()
{
	need fullmap || return 0
	echo "/blobs/ status code=429 after=1 times=1" > "$R/rules"
	echo "/manifests/ status code=503 times=2" >> "$R/rules"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 0
	assertOut "$id"
	assertEquals 1 "$(requests ' 429 ')"
	echo "/manifests/ status code=429 after=3600" > "$R/rules"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 125
	assertErrLine "asked again in 3600 seconds"
}

test_refusals()
{
	need fullmap || return 0
	for code in 403 404 410; do
		echo "/blobs/ status code=$code" > "$R/rules"
		assert_run "$UCTR" pull -q "$host/a/b"
		assertExit 125
		assertErrLine "$host/a/b:latest: " "$code"
		nothing_stored
	done
}

test_stalled()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 300000
	registry_image "$R" big "$T/big.tar"
	echo "/blobs/ slow times=4" > "$R/rules"
	UCTR_NET_TIMEOUT=1 assert_run "$UCTR" pull -q "$host/a/b:big"
	assertExit 0
	assertOut "$id"
}

test_two_at_the_same_time()
{
	need fullmap || return 0
	mkbig "$T/big.tar" 2000000
	registry_image "$R" big "$T/big.tar"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	echo "$layer wait ms=500" > "$R/rules"
	background_pull "$host/a/b:big"
	assert_run "$UCTR" pull -q "$host/c/d:big"
	assertExit 0
	assertOut "$id"
	wait "$bg"
	assertEquals "$(cat "$T.bg.err")" "$id" "$(cat "$T.bg.out")"
	assertEquals "fetched once" 1 "$(requests "$layer 200")"
}

test_run_pulls()
{
	need fullmap || return 0
	gzip -dc "$(bundled_layer)" > "$T/busybox.tar"
	registry_image "$R" box "$T/busybox.tar"
	assert_run "$UCTR" run --rm --network none --pull never "$host/box:box" /bin/busybox echo hello
	assertExit 125
	assertErrLine "no image"
	assert_run "$UCTR" run --rm --network none "$host/box:box" /bin/busybox echo hello
	assertExit 0
	assertOut hello
	: > "$R/log"
	assert_run "$UCTR" run --rm --network none "$host/box:box" /bin/busybox echo again
	assertOut again
	assertEquals "it is there" "" "$(cat "$R/log")"
	# The same image under another name is no reason to fetch it for each start, or not to find it.
	"$UCTR" tag "$host/box:box" mine
	"$UCTR" rmi "$host/box:box" > /dev/null
	for _ in 1 2; do
		assert_run "$UCTR" run --rm --network none "$host/elsewhere@sha256:$manifest" /bin/busybox echo digest
		assertExit 0
		assertOut digest
	done
	assertEquals "asked once" 1 "$(requests manifests)"
	: > "$R/log"
	assert_run "$UCTR" run --rm --network none --pull always "$host/box:box" /bin/busybox echo always
	assertOut always
	assertEquals 1 "$(requests manifests)"
}

# shellcheck disable=SC1091
. shunit2
