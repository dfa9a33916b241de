#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Additional stores: images of others are listed, run and copied without a download, and never changed;
# what is wrong in them is found.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

none_wanted="it must belong to root or to you and be writable for nobody else"

# The user's second store $A with the image "tool", which can only be read, and an empty one of his own.
setUp()
{
	fresh_tmp
	export XDG_CONFIG_HOME="$T/config" UCTR_DATA="$T/data"
	A=$T/shared
	mkdir -p "$T/config/uctr" "$T/root/bin"
	additional "\"$A\""
	has fullmap || return 0
	cp "$HELPERS/payload" "$T/root/bin/x"
	echo first > "$T/root/text"
	tar -C "$T/root" -cf "$T/tool.tar" .
	gzip -n "$T/tool.tar"
	id=$(UCTR_DATA=$A "$UCTR" import -c 'CMD ["/bin/x"]' "$T/tool.tar.gz" tool 2>&1)
	id=${id#sha256:}
	layer=$(sha256sum < "$T/tool.tar.gz" | cut -d' ' -f1)
	record=$A/images/localhost+tool:latest.json
	manifest=$(sed -n 's/.*"manifest":"\([0-9a-f]*\)".*/\1/p' "$record")
	chmod -R a-w "$A/images" "$A/blobs"
}

tearDown()
{
	registries_stop
	"$UCTR" rm -fa > /dev/null 2>&1
	assertCleared
	"$UCTR" system reset -f
	[ ! -d "$A" ] || chmod -R u+w "$A/images" "$A/blobs"
	UCTR_DATA=$A "$UCTR" system reset -f
	unset UCTR_DATA XDG_CONFIG_HOME
}

# additional LIST: what storage.conf says.
additional()
{
	echo "additional = [$1]" > "$T/config/uctr/storage.conf"
}

# all: what the additional store holds, to be the same afterwards.
all()
{
	(cd "$A" && find . -type f ! -path './containers/*' -exec sha256sum {} + | sort)
	stat -c '%n %Y' "$A"/images/* "$A"/blobs/sha256/*
}

starts()
{
	assert_run "$UCTR" run --rm --network none "$@" /bin/x euid
	assertExit 0
	assertErrEmpty
}

# own_layers: kept blobs of layers and trees in the user's own store.
own_layers()
{
	find "$UCTR_DATA/blobs/sha256" -name "$layer" 2> /dev/null | wc -l
	find "$UCTR_DATA/layers" -mindepth 2 -maxdepth 2 -name '*.ok' 2> /dev/null | wc -l
}

test_used_in_place()
{
	need fullmap || return 0
	before=$(all)
	assert_run "$UCTR" images --format '{{.Repository}} {{.ID}} {{.ReadOnly}}' --no-trunc
	assertOut "localhost/tool sha256:$id true"
	assertErrEmpty
	assertEquals "true" "$("$UCTR" image inspect -f '{{.ReadOnly}}' tool)"
	assertEquals "nothing is brought by looking" "0 0" "$(own_layers | xargs)"
	starts tool
	assertEquals "a tree, no blob" "0 1" "$(own_layers | xargs)"
	starts "$id"
	starts tool
	"$UCTR" image exists tool
	assertEquals 0 $?
	assertEquals "sha256:$id" "$("$UCTR" history -q --no-trunc tool | head -n 1)"
	assertEquals "one image" 1 "$("$UCTR" images -aq | wc -l)"
	assert_run "$UCTR" system check
	assertExit 0
	assertOut "5 blobs and 1 trees of layers checked, 0 damages found"
	assert_run "$UCTR" system check --repair -q
	assertExit 0
	# A repair, a prune and a reset change nothing there.
	assert_run "$UCTR" image prune -af
	assertEquals "0 0" "$(own_layers | xargs)"
	starts tool
	assert_run "$UCTR" system reset -f
	assertExit 0
	assertEquals "$before" "$(all)"
	starts tool
}

test_not_removed()
{
	need fullmap || return 0
	before=$(all)
	for command in "rmi tool" "rmi -f $id" "untag tool" "untag tool tool:latest"; do
		# shellcheck disable=SC2086 # words
		assert_run "$UCTR" $command
		assertExit 125
		assertErrLine "uctr: image localhost/tool:latest is in the additional store $A, which is only read"
	done
	# A name of one's own is one's own.
	assert_run "$UCTR" tag tool mine
	assertExit 0
	assertEquals "false" "$(additional '' && "$UCTR" image inspect -f '{{.ReadOnly}}' mine)"
	additional "\"$A\""
	assert_run "$UCTR" rmi mine
	assertExit 0
	assertOutHas "Untagged: localhost/mine:latest"
	assertEquals localhost/tool "$("$UCTR" images --format '{{.Repository}}')"
	assertEquals "$before" "$(all)"
}

test_a_base_and_a_source()
{
	need fullmap || return 0
	assert_run "$UCTR" run --name box --network none tool /bin/x
	assert_run "$UCTR" commit box changed
	assertExit 0
	assertEquals "first" "$("$UCTR" export box | tar -xO ./text 2> /dev/null || "$UCTR" export box | tar -xO text)"
	"$UCTR" rm box > "$T/out"
	starts changed
	for what in tool changed; do
		assert_run "$UCTR" save --format oci-archive -o "$T/$what.oci" "$what"
		assertExit 0
		assert_run "$UCTR" copy "uctr:$what" "oci:$T/layout:$what"
		assertExit 0
	done
	additional ''
	assert_run "$UCTR" load -i "$T/tool.oci"
	assertExit 0
	starts tool
	assertEquals "$id" "$("$UCTR" images -q --no-trunc tool | cut -d: -f2)"
	# Without the store a layer is missing, and that is told.
	"$UCTR" rmi tool > "$T/out"
	assert_run "$UCTR" rmi changed
	assertExit 0
}

test_without_the_store()
{
	need fullmap || return 0
	starts tool
	mv "$A" "$A.away"
	# What is there runs; another form has nothing to be made of.
	starts "$id"
	assert_run "$UCTR" run --rm --network none --userns keep-id "$id" /bin/x
	assertExit 125
	assertOut ""
	assertErrLine "the kept layer sha256:$(echo "$layer" | cut -c1-12) is missing, and the additional store $A cannot be used"
	assert_run "$UCTR" images
	assertExit 0
	assertErrLine "uctr: warning: additional store $A is not used: No such file or directory"
	mv "$A.away" "$A"
	starts --userns keep-id tool
}

# An image of the user's own is found without a look at the settings.
test_own_images_come_first()
{
	need fullmap || return 0
	"$UCTR" tag tool own
	echo "additional = [broken" > "$T/config/uctr/storage.conf"
	starts own
	assert_run "$UCTR" images -q
	assertExit 0
	assertErrLine "uctr: warning: additional stores are not used: $T/config/uctr/storage.conf"
	additional 'true'
	assert_run "$UCTR" images -q
	assertErrLine "uctr: warning: additional stores are not used: $T/config/uctr/storage.conf: additional"
	additional '"some/dir"'
	assert_run "$UCTR" images -q
	assertErrLine "uctr: warning: additional store some/dir is not used: want an absolute path"
	# The user's own store is not an additional one, and the first store's name counts.
	additional "\"$UCTR_DATA\", \"$A\""
	tar -C "$T/root" -cf "$T/other.tar" text
	"$UCTR" import "$T/other.tar" tool > "$T/out"
	assert_run "$UCTR" images --format '{{.Repository}} {{.ReadOnly}}'
	assertErrEmpty
	assertEquals "localhost/own false localhost/tool false" "$(echo "$out" | sort | xargs)"
}

test_of_root()
{
	need fullmap "file:${UCTR_SHARED_STORE:-/no store of root\'s}" || return 0
	additional "\"$UCTR_SHARED_STORE\""
	assert_run "$UCTR" run --rm --network none shared stat -c '%u:%g' /bin/busybox
	assertExit 0
	assertOut "0:0"
	assertErrEmpty
	assert_run "$UCTR" rmi shared
	assertExit 125
	assertErrLine "is in the additional store $UCTR_SHARED_STORE"
	assert_run "$UCTR" system check
	assertExit 0
}

# Whoever may write to a store could put anything there.
test_of_somebody_else()
{
	need fullmap || return 0
	refused=" is not used: $none_wanted"
	for what in "$A" "$A/images" "$A/blobs" "$A/blobs/sha256"; do
		for mode in 0775 0757; do
			chmod $mode "$what"
			assert_run "$UCTR" images -q
			assertOut ""
			assertErrLine "uctr: warning: additional store $A$refused"
		done
		chmod 0755 "$what"
		"$UCTR" unshare chown 5:0 "$what"
		assert_run "$UCTR" images -q
		assertOut ""
		assertErrLine "uctr: warning: additional store $A$refused"
		"$UCTR" unshare chown 0:0 "$what"
	done
	chmod a+r "$record"
	"$UCTR" unshare chown 5:0 "$record"
	assert_run "$UCTR" images -q
	assertOut ""
	assertErrLine "uctr: warning: read images/localhost+tool:latest.json in $A: $none_wanted"
	"$UCTR" unshare chown 0:0 "$record"
	chmod u+w "$A/blobs/sha256/$layer"
	chmod g+w "$A/blobs/sha256/$layer"
	assert_run "$UCTR" run --rm tool
	assertExit 125
	assertErrLine "the blob sha256:$(echo "$layer" | cut -c1-12) of $A: $none_wanted"
	assert_run "$UCTR" system check
	assertExit 1
	assertOutHas "additional store $A: blob sha256:$(echo "$layer" | cut -c1-12) cannot be used: $none_wanted"
}

# refuse TEXT...: the image is not run, which one line tells; nothing of it is here.
refuse()
{
	assert_run "$UCTR" run --rm --network none --pull never tool /bin/x
	assertExit 125
	assertOut ""
	assertErrLine "$@"
	assertEquals "$ran" "0 0" "$(own_layers | xargs)"
	assertEquals 0 "$(find "$UCTR_DATA/images" -name '*.json' 2> /dev/null | wc -l)"
}

# replace FILE TEXT: of the additional store.
replace()
{
	chmod -R u+w "$A/images" "$A/blobs"
	printf '%s' "$2" > "$1.new"
	mv "$1.new" "$1"
}

test_wrong_digests()
{
	need fullmap || return 0
	config=$A/blobs/sha256/$id
	good=$(cat "$config")
	replace "$config" "$(echo "$good" | sed 's/root file/ROOT file/')"
	refuse "of the additional store $A: config: the blob does not match"
	assert_run "$UCTR" history tool
	assertExit 125
	assertErrLine "config in the additional store $A: "
	replace "$config" "$good"
	good=$(cat "$A/blobs/sha256/$manifest")
	replace "$A/blobs/sha256/$manifest" "$good "
	refuse "the kept manifest"
	replace "$A/blobs/sha256/$manifest" "$good"
	# The same length, so that only the digest tells; and shorter.
	cp "$A/blobs/sha256/$layer" "$T/good"
	for size in "$(stat -c %s "$T/good")" 1000; do
		chmod u+w "$A/blobs/sha256/$layer"
		head -c "$size" "$T/good" | tr 'a' 'b' > "$A/blobs/sha256/$layer"
		assert_run "$UCTR" run --rm --network none --pull never tool /bin/x
		assertExit 125
		assertErrLine "uctr: image localhost/tool:latest of the additional store $A: layer 1: "
		assertEquals "0 0" "$(own_layers | xargs)"
	done
	assert_run "$UCTR" system check --repair
	assertExit 1
	assertOutHas "additional store $A: blob sha256:$(echo "$layer" | cut -c1-12) is damaged"
	assertTrue "it is left alone" "[ -f $A/blobs/sha256/$layer ]"
	cp "$T/good" "$A/blobs/sha256/$layer"
	starts tool
}

test_links()
{
	need fullmap || return 0
	chmod -R u+w "$A/images" "$A/blobs"
	for blob in "$layer" "$id" "$manifest"; do
		mv "$A/blobs/sha256/$blob" "$T/moved"
		ln -s "$T/moved" "$A/blobs/sha256/$blob"
		refuse "of $A: there is a symbolic link on the way"
		rm "$A/blobs/sha256/$blob"
		mkfifo -m 0600 "$A/blobs/sha256/$blob"
		refuse "of $A: "
		rm "$A/blobs/sha256/$blob"
		mv "$T/moved" "$A/blobs/sha256/$blob"
	done
	mv "$record" "$T/moved"
	ln -s "$T/moved" "$record"
	refuse "in $A: there is a symbolic link on the way"
	rm "$record"
	mv "$T/moved" "$record"
	for dir in images blobs blobs/sha256; do
		mv "$A/$dir" "$T/moved"
		ln -s "$T/moved" "$A/$dir"
		assert_run "$UCTR" images -q
		assertOut ""
		assertErrLine "additional store $A is not used: there is a symbolic link on the way"
		rm "$A/$dir"
		mv "$T/moved" "$A/$dir"
	done
	starts tool
}

# Names, ids and layers that a record claims.
test_records()
{
	need fullmap || return 0
	good=$(cat "$record")
	zeros=$(printf '%064d' 0)
	for name in '../../etc/x' 'localhost/../x:latest' '' 'tool' 'localhost/tool:latest@sha256:'"$zeros" \
		'localhost/other:latest' 'localhost/tool:\u001b[31m'; do
		replace "$record" "$(echo "$good" | sed "s|\"name\":\"[^\"]*\"|\"name\":\"$(echo "$name" | sed 's/\\/\\\\/g')\"|")"
		refuse "images/localhost+tool:latest.json in $A: "
		assert_run "$UCTR" images -q
		assertExit 0
		assertOut ""
		assertErrLine "uctr: warning: images/localhost+tool:latest.json in $A: "
	done
	# A file whose name says the same as the record's: still no name of an image.
	replace "$A/images/a+..+x:latest.json" "$(echo "$good" | sed 's|localhost/tool:|a/../x:|')"
	replace "$record" "$good"
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertOut localhost/tool
	assertErrLine "uctr: warning: images/a+..+x:latest.json in $A: "
	rm "$A/images/a+..+x:latest.json"
	replace "$record" "$(echo "$good" | sed "s/$id/..\/..\/..\/etc\/passwd/")"
	refuse "id: want a digest"
	# Another image's id: what is in the store by that id stays what it is.
	replace "$record" "$(echo "$good" | sed "s/$id/$zeros/")"
	assert_run "$UCTR" run --rm --network none --pull never tool /bin/x
	assertExit 125
	assertErrLine "its record names another configuration"
	replace "$record" "$(echo "$good" | sed 's/"schema":1/"schema":7/')"
	assert_run "$UCTR" run --rm --network none --pull never tool /bin/x
	assertExit 125
	assertErrLine "images/localhost+tool:latest.json in $A: schema 7"
	# It says that the layer's blob is another layer, which the user has: that is not believed.
	replace "$record" "$good"
	tar -C "$T/root" -cf "$T/other.tar" text
	"$UCTR" import "$T/other.tar" other > "$T/out"
	theirs=$(sha256sum < "$T/other.tar" | cut -d' ' -f1)
	diff=$(gunzip -c "$T/tool.tar.gz" | sha256sum | cut -d' ' -f1)
	replace "$record" "$(echo "$good" | sed "s/$diff/$theirs/")"
	starts tool
}

# A pull takes layers from there that the registry has too, and from the registry when they are bad.
test_pull()
{
	need fullmap || return 0
	registry_start "$T/reg"
	R=$T/reg
	host=127.0.0.1:$port
	UCTR_DATA=$A "$UCTR" push -q tool "docker://$host/tool:latest" > "$T/out" 2>&1
	: > "$R/log"
	assert_run "$UCTR" pull -q "$host/tool"
	assertExit 0
	assertOut "$id"
	assertErrEmpty
	assertEquals "no layer is fetched" 0 "$(grep -c "blobs/sha256:$layer" "$R/log")"
	starts "$host/tool"
	assertEquals "0 1" "$(own_layers | xargs)"
	"$UCTR" rmi "$host/tool" > "$T/out"
	chmod u+w "$A/blobs/sha256/$layer"
	echo more >> "$A/blobs/sha256/$layer"
	assert_run "$UCTR" pull -q "$host/tool"
	assertExit 0
	assertOut "$id"
	assertErrLine "uctr: warning: blob sha256:$(echo "$layer" | cut -c1-12) of the additional store $A is damaged"
	assertEquals "1 1" "$(own_layers | xargs)"
	starts "$host/tool"
}

# Whoever lets others read a store need not do so again after each pull.
test_new_files_are_as_readable_as_their_directory()
{
	need fullmap || return 0
	chmod -R u+w "$A/images" "$A/blobs"
	chmod -R a+rX "$A/images" "$A/blobs"
	tar -C "$T/root" -cf "$T/other.tar" text
	(umask 077 && UCTR_DATA=$A "$UCTR" import "$T/other.tar" other > "$T/out")
	assertEquals 644 "$(stat -c %a "$A"/images/* "$A"/blobs/sha256/* | sort -u | xargs)"
	(umask 0 && "$UCTR" import "$T/other.tar" other > "$T/out")
	assertEquals 600 "$(stat -c %a "$UCTR_DATA"/images/*.json "$UCTR_DATA"/blobs/sha256/* | sort -u | xargs)"
}

. shunit2
