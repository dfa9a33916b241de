#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr save and load: archives and directories, exchanged with skopeo, and what is wrong with them.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" REGISTRY_AUTH_FILE="$T/none" TMPDIR="$T"
	has fullmap || return 0
	{
		echo "dir etc 0755"
		echo "file etc/conf 0640 setting"
		echo "owner 1000 5"
		echo "pax SCHILY.xattr.user.note hello"
		echo "file etc/owned 4751 text"
		echo "symlink etc/link conf"
		echo "hardlink etc/hard etc/conf"
	} | mktar "$T/one.tar"
	gzip -nc "$T/one.tar" > "$T/one.tgz"
	one=$("$UCTR" import -c 'CMD ["/bin/sh"]' "$T/one.tgz" one)
	one_digest=$("$UCTR" images --format '{{.Digest}}' one)
}

# elsewhere COMMAND...: with another, empty store.
elsewhere()
{
	UCTR_DATA="$T/other" "$@"
}

# trees STORE: every file of its layers, with what an image can say of it. The archive has no entry
# for the root itself.
trees()
{
	(cd "$1/layers" && find . -mindepth 3 -printf '%P %y %m %U:%G %s %T@ %l\n' | sort
	getfattr -Rd . 2> /dev/null)
}

nothing_loaded()
{
	assertEquals "$1: an image" "" "$(elsewhere "$UCTR" images -aq)"
	assertEquals "$1: files left" "" "$(find "$T/other" -type f ! -name '*.lock' ! -name .lock 2> /dev/null)"
	assertEquals "$1: trees left" "" "$(find "$T/other/layers" -mindepth 2 2> /dev/null)"
}

test_both_ways()
{
	need fullmap || return 0
	for format in docker-archive oci-archive oci-dir docker-dir; do
		rm -rf "$T/other" "$T/saved"
		assert_run "$UCTR" save --format $format -o "$T/saved" one
		assertExit 0
		assertErrEmpty
		assertOut ""
		assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/saved"
		assertExit 0
		assertErrEmpty
		case $format in
		docker-dir) assertOut "Loaded image ID: $one" ;;
		*) assertOut "Loaded image: localhost/one:latest" ;;
		esac
		assertEquals "$format: id" "$one" "$(elsewhere "$UCTR" images -aq --no-trunc)"
		[ $format = docker-archive ] ||
			assertEquals "$format: digest" "$one_digest" \
				"$(elsewhere "$UCTR" images -a --format '{{.Digest}}')"
		assertEquals "$format: trees" "$(trees "$UCTR_DATA")" "$(trees "$T/other")"
		assertEquals "$format: nothing beside" "saved" "$(cd "$T" && find . -maxdepth 1 -name 'saved*' \
			-o -maxdepth 1 -name '.uctr*' | sed 's,^./,,')"
	done
}

test_streams_and_compression()
{
	need fullmap cmd:gzip cmd:zstd cmd:xz || return 0
	"$UCTR" save one > "$T/plain.tar"
	"$UCTR" save one | cmp -s - "$T/plain.tar"
	assertEquals "the same each time" 0 $?
	for tool in cat gzip zstd xz; do
		rm -rf "$T/other"
		$tool < "$T/plain.tar" > "$T/packed"
		RUN_STDIN=$T/packed
		assert_run env UCTR_DATA="$T/other" "$UCTR" load
		assertExit 0
		assertOut "Loaded image: localhost/one:latest"
		assertEquals "$one" "$(elsewhere "$UCTR" images -q --no-trunc)"
	done
	unset RUN_STDIN
	assert_pty "expect is a terminal" "$UCTR" save one
	assertExit 125
	assert_pty "expect is a terminal" "$UCTR" load
	assertExit 125
}

test_several_images()
{
	need fullmap || return 0
	"$UCTR" tag one reg.example:5000/x/y:v2
	"$UCTR" tag busybox bb
	for format in docker-archive oci-archive oci-dir; do
		rm -rf "$T/other" "$T/saved"
		assert_run "$UCTR" save --format $format -o "$T/saved" one bb reg.example:5000/x/y:v2
		assertExit 0
		assert_run env UCTR_DATA="$T/other" "$UCTR" load -qi "$T/saved"
		assertExit 0
		assertEquals "localhost/bb:latest localhost/one:latest reg.example:5000/x/y:v2 " \
			"$(elsewhere "$UCTR" images --format '{{.Repository}}:{{.Tag}}' | sort | tr '\n' ' ')"
	done
	# By id there is no name to save.
	rm -rf "$T/other"
	"$UCTR" save -o "$T/id.tar" "$one"
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/id.tar"
	assertOut "Loaded image ID: $one"
	assert_run "$UCTR" save --format docker-dir -o "$T/dir" one bb
	assertExit 125
	assertErrLine "holds one image"
	for bad in "--format tar one" "--format oci-dir one" "-o $T/x missing" "-o $T/no/x one" "-o $T/x Bad"; do
		# shellcheck disable=SC2086
		assert_run "$UCTR" save $bad
		assertExit 125
		assertEquals "nothing is made of $bad" "" "$(find "$T" -maxdepth 1 -name x)"
	done
}

# What was there under that name is replaced at the end, or not at all.
test_output_file()
{
	need fullmap || return 0
	echo old > "$T/x.tar"
	assert_run "$UCTR" save -o "$T/x.tar" missing
	assertExit 125
	assertEquals old "$(cat "$T/x.tar")"
	blob=$(find "$UCTR_DATA/blobs" -type f -name "$(sha256sum < "$T/one.tgz" | cut -d' ' -f1)")
	cp "$blob" "$T/kept"
	printf x | dd of="$blob" bs=1 seek=40 conv=notrunc 2> /dev/null
	for format in docker-archive oci-archive; do
		assert_run "$UCTR" save --format $format -o "$T/x.tar" one
		assertExit 125
		assertErrLine "layer 1"
		assertEquals old "$(cat "$T/x.tar")"
	done
	cp "$T/kept" "$blob"
	assert_run "$UCTR" save -o "$T/x.tar" one
	assertExit 0
	assertTrue "replaced" "[ $(stat -c %s "$T/x.tar") -gt 1000 ]"
	assert_run "$UCTR" save -o /dev/full one
	assertExit 125
	assertErrLine "No space left"
}

test_a_layout_keeps_its_images()
{
	need fullmap || return 0
	"$UCTR" tag busybox bb
	"$UCTR" save --format oci-dir -o "$T/lay" one
	"$UCTR" save --format oci-dir -o "$T/lay" bb
	"$UCTR" save --format oci-dir -o "$T/lay" one
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/lay"
	assertExit 0
	assertEquals 2 "$(echo "$out" | wc -l)"
}

test_skopeo()
{
	need fullmap cmd:skopeo || return 0
	sk()
	{
		skopeo --insecure-policy --tmpdir "$T" "$@" > /dev/null 2> "$T.sk" || fail "skopeo $*: $(cat "$T.sk")"
	}
	"$UCTR" save --format oci-archive -o "$T/u.oci" one
	"$UCTR" save -o "$T/u.docker" one
	# Ours, read by skopeo: the manifest and with it every digest stays.
	sk copy "oci-archive:$T/u.oci" "dir:$T/sk1"
	assertEquals "$one_digest" "sha256:$(sha256sum < "$T/sk1/manifest.json" | cut -d' ' -f1)"
	sk copy "docker-archive:$T/u.docker" "oci:$T/sk2:x"
	assertTrue "the same config" "[ -f '$T/sk2/blobs/sha256/${one#sha256:}' ]"
	# Skopeo's, read by us.
	sk copy "dir:$T/sk1" "oci-archive:$T/s.oci:me/one:v1"
	sk copy "dir:$T/sk1" "oci:$T/s.lay:latest"
	sk copy "dir:$T/sk1" "docker-archive:$T/s.docker:me/one:v1"
	for made in s.oci s.lay s.docker sk1; do
		rm -rf "$T/other"
		assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/$made"
		assertExit 0
		case $made in
		s.oci | s.docker) assertOut "Loaded image: docker.io/me/one:v1" ;;
		*) assertOut "Loaded image ID: $one" ;;
		esac
		assertEquals "$made: id" "$one" "$(elsewhere "$UCTR" images -aq --no-trunc)"
		[ $made = s.docker ] || assertEquals "$made: digest" "$one_digest" \
			"$(elsewhere "$UCTR" images -a --format '{{.Digest}}')"
		assertEquals "$made: trees" "$(trees "$UCTR_DATA")" "$(trees "$T/other")"
	done
}

# docker before 1.10 and skopeo write layers as ID/layer.tar, and those that occur twice as links.
test_old_archives_with_links()
{
	need fullmap || return 0
	mkdir "$T/a" "$T/a/l1" "$T/a/l2" "$T/a/l3"
	"$UCTR" save -o "$T/u.docker" one
	tar -xf "$T/u.docker" -C "$T/a"
	layer=$(cd "$T/a" && echo *.tar)
	config=$(basename "$T"/a/[0-9a-f]*[0-9a-f].json)
	id=${layer%.tar}
	mv "$T/a/$layer" "$T/a/l1/layer.tar"
	ln -s ../l1/layer.tar "$T/a/l2/layer.tar"
	ln "$T/a/l1/layer.tar" "$T/a/l3/layer.tar"
	sed -i "s/\"diff_ids\":\[[^]]*\]/\"diff_ids\":[\"sha256:$id\",\"sha256:$id\",\"sha256:$id\"]/" "$T/a/$config"
	printf '[{"Config":"%s","RepoTags":["old:1"],"Layers":["l1/layer.tar","l2/layer.tar","./l3//layer.tar"]}]' \
		"$config" > "$T/a/manifest.json"
	echo '{"old":{"1":"l3"}}' > "$T/a/repositories"
	sed -i 's,"./l3//layer.tar","l3/layer.tar",' "$T/a/manifest.json"
	tar -cf "$T/old.tar" -C "$T/a" .
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/old.tar"
	assertExit 0
	assertOut "Loaded image: docker.io/library/old:1"
	assert_run env UCTR_DATA="$T/other" "$UCTR" history -q old:1
	assertEquals 3 "$(echo "$out" | wc -l)"
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/a"
	assertExit 125
	assertErrLine "is an unpacked archive of docker"
}

test_names_that_are_taken()
{
	need fullmap || return 0
	"$UCTR" save -o "$T/one.docker" one
	"$UCTR" save --format oci-archive -o "$T/one.oci" one
	"$UCTR" tag busybox one
	other=$("$UCTR" images -q --no-trunc one)
	for made in one.docker one.oci; do
		assert_run "$UCTR" load -i "$T/$made"
		assertExit 125
		assertErrLine "localhost/one:latest is another image here" "--replace"
		assertEquals "$other" "$("$UCTR" images -q --no-trunc one)"
	done
	assert_run "$UCTR" load --replace -i "$T/one.docker"
	assertExit 0
	assertEquals "$one" "$("$UCTR" images -q --no-trunc one)"
	assert_run "$UCTR" load -i "$T/one.oci"
	assertExit 0
}

test_broken_archives()
{
	need fullmap || return 0
	"$UCTR" save -o "$T/u.docker" one
	"$UCTR" save --format oci-archive -o "$T/u.oci" one
	gzip -c "$T/u.oci" > "$T/u.oci.gz"
	for made in u.docker u.oci u.oci.gz; do
		size=$(stat -c %s "$T/$made")
		for part in 4 2; do
			head -c $((size / part)) "$T/$made" > "$T/cut"
			assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/cut"
			assertExit 125
			assertErrLine ""
			nothing_loaded "$made cut"
		done
	done
	# One byte of the layer is another one.
	for made in u.docker u.oci; do
		cp "$T/$made" "$T/bad"
		printf x | dd of="$T/bad" bs=1 seek=600 conv=notrunc 2> /dev/null
		assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/bad"
		assertExit 125
		nothing_loaded "$made changed"
	done
	: > "$T/empty"
	echo text > "$T/text"
	mkdir "$T/dir"
	for bad in empty text dir one.tar one.tgz missing; do
		assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/$bad"
		assertExit 125
		assertErrLine "$T/$bad"
		nothing_loaded "$bad"
	done
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/one.tar"
	assertErrLine "holds no images" "uctr import"
}

# A killed load leaves what the next writer removes.
test_killed_load()
{
	need fullmap || return 0
	mkfifo "$T/pipe"
	"$UCTR" save -o "$T/u.docker" one
	UCTR_DATA="$T/other" "$UCTR" load < "$T/pipe" > /dev/null 2>&1 &
	pid=$!
	exec 9> "$T/pipe"
	head -c 2048 "$T/u.docker" >&9
	wait_for 10 sh -c "ls '$T/other'/layers/*/*.new/0"
	assertTrue "it works aside" "ls '$T/other'/layers/*/*.new/0"
	kill -KILL $pid
	wait $pid 2> /dev/null
	exec 9>&-
	wait_for 10 sh -c '! cat /proc/[0-9]*/comm 2> /dev/null | grep -qx uctr-transfer'
	assert_run env UCTR_DATA="$T/other" "$UCTR" load -i "$T/u.docker"
	assertExit 0
	assertEquals "" "$(find "$T/other/layers" -name '*.new' -o -name '*.lock')"
}

# shellcheck disable=SC1091
. shunit2
