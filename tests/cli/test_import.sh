#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr import: formats, names, changes, what stays behind when it fails.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	{
		echo "dir . 0755"
		echo "dir etc 0755"
		echo "file etc/conf 0640 setting"
		echo "owner 1 2"
		echo "file bin 4755 program"
		echo "owner 0 0"
		echo "symlink link etc/conf"
		echo "hardlink hard etc/conf"
	} | mktar "$T/root.tar"
}

tree()
{
	for dir in "$UCTR_DATA"/layers/*/*; do
		case $dir in
		*.ok | *.lock | *.new) ;;
		*) [ -d "$dir" ] && echo "$dir" ;;
		esac
	done
}

nothing_left()
{
	assertEquals "files left behind $(context)" "" \
		"$(find "$UCTR_DATA" -type f -not -name .lock 2> /dev/null)"
	assertEquals "trees left behind $(context)" "" "$(tree)"
}

# config KEY: a part of the only image's config blob, as text.
config()
{
	id=$("$UCTR" images -aq --no-trunc | sed 's/sha256://')
	grep -o "\"$1\":[^]}]*[]}]*" "$UCTR_DATA/blobs/sha256/$id"
}

test_plain_tar()
{
	need fullmap || return 0
	assert_run "$UCTR" import "$T/root.tar" mine
	assertExit 0
	assertErrEmpty
	id=${out#sha256:}
	assertEquals "the id is the config's digest" "$id" \
		"$(sha256sum < "$UCTR_DATA/blobs/sha256/$id" | cut -d' ' -f1)"
	assertEquals "the diff id is the archive's digest" "$(sha256sum < "$T/root.tar" | cut -d' ' -f1)" \
		"$(basename "$(tree)")"
	assertEquals "the archive is kept as it came" "$(sha256sum < "$T/root.tar")" \
		"$(sha256sum < "$UCTR_DATA/blobs/sha256/$(basename "$(tree)")")"
	assertEquals 640 "$(stat -c %a "$(tree)/etc/conf")"
	assertEquals 4755 "$(stat -c %a "$(tree)/bin")"
	assertEquals 2 "$(stat -c %h "$(tree)/etc/conf")"
	assertEquals etc/conf "$(readlink "$(tree)/link")"
	assertEquals 1704067200 "$(stat -c %Y "$(tree)/etc/conf")"
	assertEquals 1704067200 "$(stat -c %Y "$(tree)/etc")"
	assertEquals "root of the image is the user" "$(id -u)" "$(stat -c %u "$(tree)/etc/conf")"
	sub=$(sed -n "s/^$(id -un):\([0-9]*\):.*/\1/p" /etc/subuid | head -n 1)
	assertEquals "user 1 is the first subordinate id" "$sub" "$(stat -c %u "$(tree)/bin")"
}

test_compressed()
{
	need fullmap cmd:gzip cmd:xz cmd:bzip2 cmd:zstd || return 0
	plain=$(sha256sum < "$T/root.tar" | cut -d' ' -f1)
	for tool in gzip xz bzip2 zstd; do
		rm -rf "$UCTR_DATA"
		"$tool" -c < "$T/root.tar" > "$T/packed"
		assert_run "$UCTR" import "$T/packed" "by-$tool"
		assertExit 0
		assertEquals "$tool: diff id" "$plain" "$(basename "$(tree)")"
		assertTrue "$tool: kept as it came" \
			"[ -f '$UCTR_DATA/blobs/sha256/$(sha256sum < "$T/packed" | cut -d' ' -f1)' ]"
	done
}

test_standard_input()
{
	need fullmap || return 0
	RUN_STDIN=$T/root.tar
	assert_run "$UCTR" import - mine
	assertExit 0
	assertEquals localhost/mine:latest "$("$UCTR" images --format '{{.Repository}}:{{.Tag}}')"
	assert_pty "expect terminal" "$UCTR" import - other
	assertExit 125
	assertOutHas "standard input is a terminal"
}

test_without_name()
{
	need fullmap || return 0
	assert_run "$UCTR" import "$T/root.tar"
	assertExit 0
	assertEquals "" "$("$UCTR" images -q)"
	assertEquals "<none>:<none>" "$("$UCTR" images -a --format '{{.Repository}}:{{.Tag}}')"
}

test_changes_and_message()
{
	need fullmap || return 0
	assert_run "$UCTR" import -c 'CMD ["/bin", "x"]' --change 'ENV A=1 B=2' -c 'LABEL l=v' -m 'my words' \
		"$T/root.tar" mine
	assertExit 0
	assertEquals '"Cmd":["/bin","x"]' "$(config Cmd)"
	assertEquals '"Env":["A=1","B=2"]' "$(config Env)"
	assertEquals '"comment":"my words"}]}' "$(config comment)"
	assertEquals localhost/mine "$("$UCTR" images -f label=l=v --format '{{.Repository}}')"
}

test_bad_changes_cost_nothing()
{
	need fullmap || return 0
	assert_run "$UCTR" import -c 'RUN rm -rf /' "$T/root.tar" mine
	assertExit 125
	assertErrLine 'change "RUN rm -rf /": unknown instruction'
	nothing_left
}

test_bad_names()
{
	need fullmap || return 0
	long=$(printf 'n%.0s' $(seq 300))
	for name in '' Upper -- -x x/ /x a//b ../x x:-t "$long" 'a b' 'x@sha256:00' 'http://h/x' \
		"$(printf 'a\nb')" "$(printf 'a\033[2Jb')"; do
		assert_run "$UCTR" import -- "$T/root.tar" "$name"
		assertExit 125
		assertErrLine "image name"
		case $err in
		*"$(printf '\033')"*) fail "an escape reached the terminal $(context)" ;;
		esac
		nothing_left
	done
}

test_bad_input()
{
	need fullmap || return 0
	: > "$T/empty"
	printf 'no archive at all\n' > "$T/text"
	head -c 10240 /dev/zero > "$T/zeros"
	gzip -c < /dev/null > "$T/empty.gz"
	gzip -c "$T/root.tar" | head -c 150 > "$T/cut.gz"
	head -c 700 "$T/root.tar" > "$T/cut.tar"
	gzip -c "$T/root.tar" | gzip -c > "$T/twice.gz"
	for f in empty text zeros empty.gz cut.gz cut.tar twice.gz; do
		assert_run "$UCTR" import "$T/$f" mine
		assertExit 125
		assertErrLine "import $T/$f: "
		nothing_left
	done
	assert_run "$UCTR" import "$T/empty" mine
	assertErrLine "the input is empty"
	assert_run "$UCTR" import "$T/text" mine
	assertErrLine "not a tar archive"
	assert_run "$UCTR" import "$T/zeros" mine
	assertErrLine "holds no files"
	assert_run "$UCTR" import "$T/nothing" mine
	assertErrLine "open $T/nothing: No such file or directory"
	assert_run "$UCTR" import "$T" mine
	assertErrLine "is a directory" "tar -C $T -c . | uctr import - NAME"
	nothing_left
}

test_a_failed_import_leaves_the_old_image()
{
	need fullmap || return 0
	first=$("$UCTR" import "$T/root.tar" mine)
	head -c 700 "$T/root.tar" > "$T/cut.tar"
	assert_run "$UCTR" import "$T/cut.tar" mine
	assertExit 125
	assertEquals "$first" "$("$UCTR" images -q --no-trunc)"
	second=$("$UCTR" import -m other "$T/root.tar" mine)
	assertEquals "$second" "$("$UCTR" images -q --no-trunc)"
	assertEquals "the old one lost its name" "$(printf '%s\n' "$first" "$second" | sort)" \
		"$("$UCTR" images -aq --no-trunc | sort)"
}

# A killed import leaves what the next writer removes.
test_killed_import()
{
	need fullmap || return 0
	mkfifo "$T/pipe"
	"$UCTR" import - mine < "$T/pipe" > /dev/null 2>&1 &
	pid=$!
	exec 9> "$T/pipe"
	head -c 1024 "$T/root.tar" >&9
	wait_for 10 sh -c "ls '$UCTR_DATA'/layers/*/*.new"
	assertTrue "the import works aside" "ls '$UCTR_DATA'/layers/*/*.new"
	# A second one meanwhile leaves it alone.
	"$UCTR" import "$T/root.tar" other > /dev/null
	assertTrue "not disturbed by another" "ls '$UCTR_DATA'/layers/*/*.new"
	kill -KILL $pid
	wait $pid 2> /dev/null
	exec 9>&-
	wait_for 5 sh -c "'$UCTR' import '$T/root.tar' third && ! ls '$UCTR_DATA'/layers/*/*.new"
	assertEquals "" "$(find "$UCTR_DATA" -name '*.new' -o -name '*.blob' -o -name 'make-*')"
}

test_many_at_the_same_time()
{
	need fullmap || return 0
	pids=
	for i in 1 2 3 4 5 6; do
		"$UCTR" import "$T/root.tar" "many:$i" > /dev/null 2> "$T/err.$i" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid"
		assertEquals "exit code of one of many: $(cat "$T"/err.*)" 0 $?
	done
	assertEquals 6 "$("$UCTR" images --format '{{.Tag}}' many | wc -l)"
	assertEquals "one tree for all" 1 "$(tree | wc -l)"
	assertEquals "" "$(find "$UCTR_DATA" -name '*.new' -o -name '*.blob' -o -name 'make-*')"
}

test_limit_of_size()
{
	need fullmap || return 0
	export UCTR_MAX_LAYER_SIZE=1k
	assert_run "$UCTR" import "$T/root.tar" mine
	assertExit 125
	assertErrLine "more than 1024 bytes"
	export UCTR_MAX_LAYER_SIZE=lots
	assert_run "$UCTR" import "$T/root.tar" mine
	assertErrLine "UCTR_MAX_LAYER_SIZE: want a size"
	unset UCTR_MAX_LAYER_SIZE
	nothing_left
}

# described DIR: every file below it as the user namespace sees it.
# shellcheck disable=SC2016 # expands in the shell of the namespace
described()
{
	"$UCTR" unshare sh -c 'cd "$0" && find . ! -type d -printf "%P %y %#m %U:%G %s %T@ %n %l\n" -o \
		-printf "%P %y %#m %U:%G %T@\n" | sort; getfattr -Rhd -m - . 2> /dev/null | sort' "$1"
}

# What tar makes of an archive is what the layer is: long names, PAX and GNU forms, sparse files,
# hard links, FIFOs, times with fractions, owners, special modes, attributes.
test_as_tar_unpacks_it()
{
	need fullmap cmd:getfattr || return 0
	r=$T/nasty
	long=$(printf 'l%.0s' $(seq 250))
	mkdir -p "$r/dir/$long/$long" "$r/sticky" "$r/closed"
	echo one > "$r/dir/$long/$long/f"
	ln "$r/dir/$long/$long/f" "$r/hard"
	ln -s "$long/$long/none" "$r/dir/link"
	ln -s "$(printf 'x/%.0s' $(seq 200))" "$r/longlink"
	mkfifo "$r/fifo"
	truncate -s 5M "$r/sparse"
	echo end | dd of="$r/sparse" bs=1 seek=3000000 conv=notrunc 2> /dev/null
	truncate -s 1M "$r/hole"
	printf 'a b\n' > "$r/$(printf 'new\nline')"
	echo x > "$r/prog"
	setfattr -n user.note -v text "$r/prog"
	chmod 4755 "$r/prog"
	chmod 1777 "$r/sticky"
	chmod 000 "$r/closed"
	touch -h -d '2001-02-03 04:05:06.789012345' "$r/prog" "$r/dir/link" "$r/sticky"
	touch -d '1960-01-01' "$r/hole"
	for format in gnu pax; do
		more="--owner=7 --group=8"
		[ $format = gnu ] || more="$more --xattrs"
		# shellcheck disable=SC2086 # options
		tar -C "$r" -S --format=$format $more -cf "$T/nasty.tar" .
		rm -rf "$T/data2" && mkdir "$T/data2"
		"$UCTR" unshare tar -C "$T/data2" -xpS --xattrs --numeric-owner -f "$T/nasty.tar"
		assert_run env UCTR_DATA="$T/store$format" "$UCTR" import "$T/nasty.tar" nasty
		assertExit 0
		tree=$(find "$T/store$format/layers" -mindepth 2 -maxdepth 2 -type d)
		assertEquals "as $format" "$(described "$T/data2")" "$(described "$tree")"
		assertTrue "holes stay holes in $format" "[ $(du -k "$tree/sparse" | cut -f1) -lt 100 ]"
		"$UCTR" unshare rm -rf "$T/data2" "$T/store$format"
	done
	chmod 755 "$r/closed"
}

# shellcheck disable=SC1091
. shunit2
