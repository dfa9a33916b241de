#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile archives: whatever names, links, types, xattrs and sizes a layer has, nothing outside its
# tree changes, and what is inside is what was meant (rows B1-B7, B9-B11 of the security bar).

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

# The store of each test is its own; the victim is open to everybody, so that only the unpacker's
# care protects it.
setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	mkdir -p "$T/victim/dir"
	echo precious > "$T/victim/f"
	ln -s f "$T/victim/link"
	chmod 0777 "$T/victim" "$T/victim/dir"
	chmod 0666 "$T/victim/f"
	touch -d 2001-01-01 "$T/victim/f" "$T/victim/dir" "$T/victim"
	before=$(snapshot "$T/victim")
	# Depth enough to climb to the real root from anywhere in the store.
	up=../../../../../../../../../../../../../../../..
}

# import: the entries of standard input become the image x.
import()
{
	mktar "$T/x.tar"
	assert_run "$UCTR" import "$T/x.tar" x
}

# tree: the directory of the last imported layer.
tree()
{
	for dir in "$UCTR_DATA"/layers/*/*; do
		case $dir in
		*.ok | *.lock | *.new) ;;
		*) [ -d "$dir" ] && echo "$dir" ;;
		esac
	done
}

# at PATH: type, mode, owner and link target of a file in the tree, as the owner's namespace sees it.
at()
{
	stat -c '%F %a' "$(tree)/$1" 2>&1
}

unharmed()
{
	assertEquals "the victim $(context)" "$before" "$(snapshot "$T/victim")"
	assertEquals "left in the store $(context)" "" \
		"$(find "$UCTR_DATA" -name '*.new' -o -name '*.lock' -path '*/layers/*' -o -name '*.blob' 2> /dev/null)"
}

# refused TEXT...: the import failed with one line that has TEXT, and left no image.
refused()
{
	assertExit 125
	assertErrLine "$@"
	assertEquals "no image $(context)" "" "$("$UCTR" images -aq)"
	assertEquals "no tree $(context)" "" "$(tree)"
	unharmed
}

contained()
{
	assertExit 0
	unharmed
}

# contained_or_refused TEXT: a link that leads nowhere may be followed inside the tree, or not at all.
contained_or_refused()
{
	if [ "$rc" = 0 ]; then
		contained
	else
		refused "$1"
	fi
}

# --- B1, B2: links made by the archive, then used by it ------------------------------------------

# row B1: a link, then files below it | red: without in-root landlock
test_link_then_file_below()
{
	need fullmap || return 0
	for target in "/proc/self/root$T/victim" "$up$T/victim" "$T/victim"; do
		rm -rf "$UCTR_DATA"
		import <<- END
			symlink out $target
			file out/f 0644 evil
			dir out/dir 0700
			file out/new 0644 evil
		END
		contained_or_refused "out/f"
	done
	itself_falls_without "in-root landlock" test_link_then_file_below
}

# row B1: links that lead elsewhere in the tree | red: without in-root landlock
test_link_to_existing_inside_is_followed_inside()
{
	need fullmap || return 0
	import <<- END
		dir usr 0755
		dir usr/lib 0755
		symlink lib /usr/lib
		file lib/x 0644 text
		symlink up $up/usr
		file up/y 0644 text
	END
	contained
	assertEquals "regular file 644" "$(at usr/lib/x)"
	assertEquals "regular file 644" "$(at usr/y)"
	itself_falls_without "in-root landlock" test_link_to_existing_inside_is_followed_inside
}

# row B2: a link over two hops | red: without in-root landlock
test_link_two_hops()
{
	need fullmap || return 0
	import <<- END
		dir inner 0755
		symlink inner/go_up ..
		symlink inner/go_up/escape $up$T/victim
		file inner/go_up/escape/f 0644 evil
	END
	contained_or_refused "escape/f"
	itself_falls_without "in-root landlock" test_link_two_hops
}

# row B1: links to what is not there, loops | red: without in-root landlock
test_link_to_nothing_is_made_inside()
{
	need fullmap || return 0
	import <<- END
		dir var 0755
		symlink var/run /run
		file var/run/x 0644 text
		symlink var/loop loop
	END
	contained
	assertEquals "regular file 644" "$(at run/x)"
	rm -rf "$UCTR_DATA"
	import <<- END
		symlink loop loop
		file loop/x 0644 text
	END
	refused "loop/x" "Too many levels of symbolic links"
	itself_falls_without "in-root landlock" test_link_to_nothing_is_made_inside
}

# row B2: a link to the neighbour of the tree | red: without in-root landlock
test_link_to_sibling_of_the_tree()
{
	need fullmap || return 0
	import <<- END
		symlink s ../$(basename "$T")-evil
		file s/f 0644 evil
		symlink q ..
		file q/planted 0644 evil
	END
	unharmed
	assertEquals "" "$(find "$UCTR_DATA" -name planted -not -path '*/layers/*/*/*')"
	itself_falls_without "in-root landlock" test_link_to_sibling_of_the_tree
}

# row B1: a link that is replaced by a file | red: without exclusive landlock
test_link_replaced_by_file_not_written_through()
{
	need fullmap || return 0
	import <<- END
		symlink a $T/victim/f
		file a 0600 evil
		hardlink b a
		symlink c $T/victim/f
		hardlink d c
		file d 0600 evil
	END
	contained
	assertEquals "regular file 600" "$(at a)"
	assertEquals "symbolic link 777" "$(at c)"
	assertEquals "regular file 600" "$(at d)"
	itself_falls_without "exclusive landlock" test_link_replaced_by_file_not_written_through
}

# row B1: a directory that becomes a link | red: without in-root landlock
test_link_takes_the_place_of_a_parent()
{
	need fullmap || return 0
	import <<- END
		dir d 0755
		file d/one 0644 x
		symlink d $T/victim
		file d/f 0644 evil
		file d/two 0644 evil
	END
	contained_or_refused "d/f"
	itself_falls_without "in-root landlock" test_link_takes_the_place_of_a_parent
}

# --- B3: names ------------------------------------------------------------------------------------

# row B3: names with `..` | red: without clean-name
test_bad_names()
{
	need fullmap || return 0
	for name in ../x a/../../x a/.. .. /../x ./../x; do
		rm -rf "$UCTR_DATA"
		import <<- END
			file ok 0644 x
			file $name 0644 evil
		END
		refused "bad name" "$name" '".." component'
	done
	itself_falls_without "clean-name" test_bad_names
}

# row B3: absolute names, blanks, new lines, bytes that are no UTF-8 | red: without clean-name in-root landlock
test_names_kept_inside()
{
	need fullmap || return 0
	import <<- END
		file //abs 0644 x
		file /abs2 0644 x
		file ./a/./b//c 0644 x
		file new\nline 0644 x
		file caf\xe9 0644 x
		file -rf 0644 x
		file $T/victim/f 0644 evil
	END
	contained
	assertEquals "regular file 644" "$(at abs)"
	assertEquals "regular file 644" "$(at abs2)"
	assertEquals "regular file 644" "$(at a/b/c)"
	assertEquals "regular file 644" "$(at -rf)"
	assertEquals "regular file 644" "$(at "$T/victim/f")"
	itself_falls_without "clean-name in-root landlock" test_names_kept_inside
}

# row B3: names by PAX | red: without clean-name
test_pax_path_overrides_the_header()
{
	need fullmap || return 0
	import <<- END
		pax path ../../evil
		file harmless 0644 x
	END
	refused "bad name" "../../evil"
	import <<- END
		pax linkpath $T/victim/f
		hardlink harmless ok
	END
	refused "harmless"
	itself_falls_without "clean-name" test_pax_path_overrides_the_header
}

# row B3: names too deep and too long | red: without clean-name
test_deep_and_long_names()
{
	need fullmap || return 0
	deep=$(printf 'd/%.0s' $(seq 300))
	import <<- END
		file ${deep}f 0644 x
	END
	refused "bad name" "too deep"
	import <<- END
		file $(printf 'n%.0s' $(seq 256)) 0644 x
	END
	refused "bad name" "too long"
	import <<- END
		file $(printf 'd/%.0s' $(seq 200))f 0644 x
	END
	contained
	itself_falls_without "clean-name" test_deep_and_long_names
}

# --- B4: hard links -------------------------------------------------------------------------------

# row B4: hard links to the outside, to directories, through links | red: without clean-name in-root landlock
test_hardlinks_out()
{
	need fullmap || return 0
	for target in "../victim/f" "/../victim/f" "$up$T/victim/f" "$T/victim/f" "later" "." "/"; do
		rm -rf "$UCTR_DATA"
		import <<- END
			hardlink h $target
			file later 0644 x
		END
		refused "h"
	done
	import <<- END
		symlink s $T/victim
		hardlink h s/f
	END
	refused "h"
	import <<- END
		dir d 0755
		hardlink h d
	END
	refused "h"
	itself_falls_without "clean-name in-root landlock" test_hardlinks_out
}

# row B4: hard links inside, absolute and through links, work | red: without same-file
test_hardlinks_inside()
{
	need fullmap || return 0
	import <<- END
		dir d 0755
		file d/f 0640 text
		hardlink abs /d/f
		symlink s d
		hardlink via s/f
		hardlink via via
		hardlink d/f via
	END
	contained
	assertEquals "3" "$(stat -c %h "$(tree)/abs")"
	assertEquals "regular file 640" "$(at via)"
	itself_falls_without "same-file" test_hardlinks_inside
}

# --- B5: the root itself --------------------------------------------------------------------------

# row B5: the root as link, file, FIFO, device | red: without root-entry
test_bad_roots()
{
	need fullmap || return 0
	for name in . ./ / .//.; do
		for entry in "symlink $name $T/victim" "file $name 0777 x" "hardlink $name a" \
			"char $name 0 0" "fifo $name 0666"; do
			case $entry in
			hardlink* | "file "*/" "*) why="import" ;; # the tar reader itself finds it odd
			*) why="root directory" ;;
			esac
			rm -rf "$UCTR_DATA"
			import <<- END
				$entry
				file f 0644 evil
			END
			refused "$why"
			rm -rf "$UCTR_DATA"
			import <<- END
				file a 0644 x
				$entry
			END
			refused "$why"
		done
	done
	itself_falls_without "root-entry" test_bad_roots
}

# --- B6: whiteouts --------------------------------------------------------------------------------

# row B6: marks that name nothing | red: without whiteout-names
test_whiteout_names()
{
	need fullmap || return 0
	for name in .wh. .wh.. .wh... d/.wh. d/.wh..; do
		rm -rf "$UCTR_DATA"
		import <<- END
			dir d 0755
			file $name 0644
		END
		refused "names nothing"
	done
	import <<- END
		file .wh.d/x 0644
	END
	refused "deletion mark is used as directory"
	itself_falls_without "whiteout-names" test_whiteout_names
}

# row B6: marks below a link | red: without in-root landlock
test_whiteout_through_link()
{
	need fullmap || return 0
	import <<- END
		symlink s $T/victim
		file s/.wh.f 0644
		file s/.wh.gone 0644
	END
	contained_or_refused "s/.wh."
	import <<- END
		symlink s $T/victim
		file s/.wh..wh..opq 0644
	END
	contained_or_refused "s/.wh..wh..opq"
	itself_falls_without "in-root landlock" test_whiteout_through_link
}

# row B6: marks against entries of the same layer | red: none yet
test_whiteouts_become_overlay_marks()
{
	need fullmap || return 0
	import <<- END
		dir d 0755
		file d/.wh.gone 0644
		file .wh..wh.plnk 0644
		file here 0644 x
		file .wh.here 0644
		dir kept 0755
		file kept/f 0644 x
		file .wh.kept 0644
		file .wh.again 0644
		file again 0644 x
		file .wh.sub 0644
		file sub/f 0644 x
	END
	contained
	assertEquals "character special file 0" "$(at d/gone)"
	assertEquals "0:0" "$(stat -c %t:%T "$(tree)/d/gone")"
	assertEquals "a layer's own file wins" "regular file 644" "$(at here)"
	assertEquals "a layer's own directory stays" "regular file 644" "$(at kept/f)"
	assertEquals "made again after the mark" "regular file 644" "$(at again)"
	assertEquals "made again as a parent" "regular file 644" "$(at sub/f)"
	assertEquals "no aufs files" "" "$(find "$(tree)" -name '.wh*')"
	assertEquals "no other device" "1" "$(find "$(tree)" -type c -o -type b | wc -l)"
}

# --- B7: special files ----------------------------------------------------------------------------

# row B7: block and character devices, hard links to them | red: without devices
test_devices_left_out()
{
	need fullmap || return 0
	import <<- END
		block disk 254 0
		char mem 1 1
		char zero 0 0
		char dev/null 1 3
		fifo pipe 0640
		file f 0644 x
		hardlink h disk
	END
	refused "h"
	import <<- END
		block disk 254 0
		char mem 1 1
		char zero 0 0
		fifo pipe 0640
		file f 0644 x
	END
	contained
	assertEquals "" "$(find "$(tree)" -type c -o -type b)"
	assertEquals "fifo 640" "$(at pipe)"
	itself_falls_without "devices" test_devices_left_out
}

# --- B9: xattrs that overlayfs and others would obey ----------------------------------------------

# row B9: attributes of overlay, fuse-overlayfs and security modules | red: without xattrs
test_control_xattrs()
{
	need fullmap cmd:getfattr || return 0
	for prefix in SCHILY.xattr. LIBARCHIVE.xattr.; do
		rm -rf "$UCTR_DATA"
		for name in user.overlay.opaque user.overlay.redirect user.overlay.whiteout \
			user.overlay.metacopy trusted.overlay.opaque user.fuseoverlayfs.opaque \
			user.containers.override_stat security.selinux system.posix_acl_access \
			user.keep; do
			printf 'pax %s%s eQ==\n' "$prefix" "$name"
		done > "$T/spec"
		{
			cat "$T/spec"
			echo dir d 0755
			cat "$T/spec"
			echo file f 0644 x
			cat "$T/spec"
			echo dir . 0755
		} > "$T/entries"
		import < "$T/entries"
		contained
		for f in d f .; do
			assertEquals "$prefix on $f" "user.keep" \
				"$(getfattr -m - "$(tree)/$f" 2> /dev/null | grep -v -e '^#' -e '^$')"
		done
	done
	itself_falls_without "xattrs" test_control_xattrs
}

# --- B10: attributes through links ----------------------------------------------------------------

# row B10: owner, mode and times of entries that are links | red: without link-attrs
test_attributes_not_through_links()
{
	need fullmap || return 0
	import <<- END
		owner 1 1
		symlink a $T/victim/f
		symlink b $T/victim/dir
		hardlink c a
		symlink e $T/victim/dir
		dir e 0700
		symlink g $T/victim/f
		fifo g 0600
	END
	contained
	assertEquals "directory 700" "$(at e)"
	assertEquals "fifo 600" "$(at g)"
	assertEquals "symbolic link 777" "$(at a)"
	itself_falls_without "link-attrs" test_attributes_not_through_links
}

# --- B11: bombs -----------------------------------------------------------------------------------

# row B11: more bytes than a layer may have | red: without max-bytes
test_bomb_in_size()
{
	need fullmap || return 0
	{
		echo "file f 0644 x"
		echo "fill zeros 0644 300000000"
	} | mktar "$T/x.tar"
	gzip -9 "$T/x.tar"
	UCTR_MAX_LAYER_SIZE=100m
	export UCTR_MAX_LAYER_SIZE
	assert_run "$UCTR" import "$T/x.tar.gz" x
	unset UCTR_MAX_LAYER_SIZE
	refused "more than 104857600 bytes"
	itself_falls_without "max-bytes" test_bomb_in_size
}

# row B11: sparse files of 10 GB and of 100 PB | red: without holes
test_sparse_file_costs_nothing()
{
	need fullmap || return 0
	import <<- END
		sparse big 0644 10000000000
	END
	contained
	assertEquals "10000000000" "$(stat -c %s "$(tree)/big")"
	assertEquals "0" "$(stat -c %b "$(tree)/big")"
	import <<- END
		sparse big 0644 99999999999999999
	END
	assertExit 125
	assertErrLine "big"
	unharmed
	itself_falls_without "holes" test_sparse_file_costs_nothing
}

# row B11: 20 MB behind the end | red: without trailer
test_trailing_bytes()
{
	need fullmap || return 0
	echo "file f 0644 x" | mktar "$T/x.tar"
	head -c 20000000 /dev/zero >> "$T/x.tar"
	assert_run "$UCTR" import "$T/x.tar" x
	refused "follow the archive's end"
	itself_falls_without "trailer" test_trailing_bytes
}

zeros()
{
	head -c "$1" /dev/zero
}

# header TYPE OCTAL-SIZE: one tar header with a true checksum, for what mktar does not write.
header()
{
	h=$T/header
	{
		printf 'x' && zeros 99
		printf '0000644\0000000000\0000000000\000%s\00000000000000\000        %s' "$2" "$1"
		zeros 100
		printf 'ustar\00000' && zeros 247
	} > "$h"
	# The sum is over the header with blanks in its own place, bytes 148 to 155.
	sum=$({
		head -c 148 "$h"
		printf '        '
		tail -c +157 "$h"
	} | od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++) s += $i } END { printf "%06o", s }')
	head -c 148 "$h"
	printf '%s\0 ' "$sum"
	tail -c +157 "$h"
}

# row B11: headers of 1 GB | red: a small one, which is taken
test_huge_header()
{
	need fullmap || return 0
	header x 00000001000 > "$T/x.tar"
	assertEquals 512 "$(stat -c %s "$T/x.tar")"
	# PAX records and GNU long names of 1 GiB: refused before that much memory is asked for.
	for type in x g L K; do
		header $type 10000000000 > "$T/x.tar"
		head -c 4000000 /dev/zero >> "$T/x.tar"
		assert_run "$UCTR" import "$T/x.tar" x
		refused "import $T/x.tar: "
		case $err in
		*"not a tar archive"*"nrecognized"*) fail "the header itself is broken $(context)" ;;
		esac
	done
	printf 'pax comment small\nfile f 0644 x\n' | mktar "$T/x.tar"
	falls "became an image" taken
}

# no row: owners that are not in the map are refused by name
test_ids_outside_the_map()
{
	need fullmap || return 0
	import <<- END
		owner 4000000000 0
		file f 0644 x
	END
	refused "f belongs to user 4000000000" "/etc/subuid"
	import <<- END
		owner 0 4294967295
		file f 0644 x
	END
	refused "f belongs to group 4294967295" "/etc/subgid"
}

# xz_with_dictionary CODE < XZ: the same with another size of dictionary in the block's header.
xz_with_dictionary()
{
	python3 -c 'import struct, sys, zlib
d = bytearray(sys.stdin.buffer.read())
n = (d[12] + 1) * 4
assert d[14:16] == b"\x21\x01"
d[16] = int(sys.argv[1])
d[12 + n - 4:12 + n] = struct.pack("<I", zlib.crc32(bytes(d[12:12 + n - 4])))
sys.stdout.buffer.write(d)' "$1"
}

# taken: the attack succeeds when the archive becomes an image.
taken()
{
	"$UCTR" import "$T/x.tar" x > /dev/null 2>&1 || return 0
	echo "it became an image"
	return 1
}

# zstd_window CODE: one frame without a size, its window, and an empty last block; then an ordinary one.
zstd_window()
{
	{
		printf '\050\265\057\375\000'
		printf '%b' "$1"
		printf '\001\000\000'
		zstd -q -c "$T/good.tar"
	} > "$T/x.tar"
}

# row B11: windows of 2 GiB (zstd), dictionaries of 1.5 GiB (xz) | red: the same with small ones, which are taken
test_decompressors_that_want_memory()
{
	need fullmap cmd:python3 cmd:xz cmd:zstd || return 0
	echo 'file f 0644 text' | mktar "$T/good.tar"
	xz -0 -k "$T/good.tar"
	zstd_window '\0250'
	assert_run "$UCTR" import "$T/x.tar" x
	refused "the zstd window is larger than 128 MB, the limit"
	zstd_window '\0210'
	falls "became an image" taken
	rm -rf "$UCTR_DATA"
	xz_with_dictionary 37 < "$T/good.tar.xz" > "$T/x.tar"
	assert_run "$UCTR" import "$T/x.tar" x
	refused "import $T/x.tar: "
	xz_with_dictionary 16 < "$T/good.tar.xz" > "$T/x.tar"
	falls "became an image" taken
}

# peak: $out is the most memory in MB that a process of this import had, $rc its exit code.
peak()
{
	assert_run python3 -c 'import resource, subprocess, sys
r = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(r)' "$UCTR" import "$T/x.tar" x
}

# small: the attack succeeds when that is more than 64 MB.
small()
{
	peak
	[ "$rc" = 0 ] || bad "it was not imported"
	[ "$out" -le 64 ] || bad "it took $out MB"
}

# row B11: memory stays below 64 MB and the window, however much comes | red: a window of 128 MB, which is seen
test_memory()
{
	need fullmap cmd:python3 cmd:zstd || return 0
	printf 'fill f 0644 200000000 x\n' | mktar "$T/tar"
	gzip -1 -c "$T/tar" > "$T/x.tar"
	holds small
	zstd -q --long=24 -c "$T/tar" > "$T/x.tar"
	holds small
	zstd -q --long=27 -c "$T/tar" > "$T/x.tar"
	falls "it took 1" small
}

# sparse_map REGIONS: a sparse file of PAX 1.0 whose list has so many regions.
sparse_map()
{
	python3 -c 'import io, sys, tarfile
n = int(sys.argv[1])
data = b"%d\n" % n + b"1\n0\n" * n
data += bytes(-len(data) % 512)
t = tarfile.open(sys.argv[2], "w", format=tarfile.PAX_FORMAT)
i = tarfile.TarInfo("GNUSparseFile.0/f")
i.size = len(data)
i.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "f", "GNU.sparse.realsize": "100"}
t.addfile(i, io.BytesIO(data))
t.close()' "$1" "$T/x.tar"
}

# row B11: a sparse file with ten million regions | red: one with ten, which is taken
test_sparse_regions()
{
	need fullmap cmd:python3 || return 0
	sparse_map 10000000
	peak
	assertTrue "$out MB" "[ $out -ge 2 ] && [ $out -le 256 ]"
	# libarchive gives up by itself, and has a line of its own on that.
	assertExit 125
	assertEquals "uctr: import $T/x.tar: uctr-transfer ended without an answer (exit code 1)" "$(tail -n 1 "$T.err")"
	assertEquals "" "$("$UCTR" images -aq)"
	unharmed
	sparse_map 10
	falls "became an image" taken
}

# entries N: a file, and N entries that cost nothing to write down.
entries()
{
	{
		echo 'file f 0644 text'
		yes 'char c 1 3' | head -n "$1"
	} | "$HELPERS/mktar" | gzip -1 > "$T/x.tar"
}

# row B11: more than a million entries | red: a thousand, which are taken
test_too_many_entries()
{
	need fullmap || return 0
	entries 1000000
	assert_run "$UCTR" import "$T/x.tar" x
	refused "the archive has more than 1000000 entries, the limit"
	entries 1000
	falls "became an image" taken
}

# deep N: a file below N directories.
deep()
{
	printf 'file %sf 0644 text\n' "$(printf 'd/%.0s' $(seq "$1"))" | mktar "$T/x.tar"
}

# row B11: names with 20 000 components | red: one with 200, which is taken
test_depth()
{
	need fullmap || return 0
	deep 20000
	assert_run "$UCTR" import "$T/x.tar" x
	refused "it is too"
	deep 200
	falls "became an image" taken
}

# --- B16: decompressors ---------------------------------------------------------------------------

nothing_ran()
{
	[ ! -e "$T/ran" ] || bad "$(cat "$T/ran") was run"
}

# row B16: programs named like decompressors, in the image and on the caller's PATH | red: the marker run by hand, which is seen
test_no_decompressor_is_run()
{
	need fullmap cmd:zstd cmd:xz || return 0
	mkdir "$T/bin"
	for tool in gzip gunzip unpigz pigz xz unxz zstd unzstd bzip2 tar; do
		printf '#!/bin/sh\necho %s >> %s/ran\ncat\n' "$tool" "$T" > "$T/bin/$tool"
		chmod 0755 "$T/bin/$tool"
	done
	for tool in gzip unpigz xz zstd bzip2; do
		printf 'file usr/bin/%s 0755 x\nfile bin/%s 0755 x\n' "$tool" "$tool"
	done | mktar "$T/x.tar"
	gzip -k "$T/x.tar"
	zstd -q "$T/x.tar"
	xz -k "$T/x.tar"
	for form in gz zst xz; do
		PATH="$T/bin:$PATH" assert_run "$UCTR" import "$T/x.tar.$form" x
		assertExit 0
		assertEquals "regular file 755" "$(at usr/bin/gzip)"
		PATH="$T/bin:$PATH" assert_run "$UCTR" save -o "$T/saved.$form" x
		assertExit 0
		rm -rf "$UCTR_DATA"
		PATH="$T/bin:$PATH" assert_run "$UCTR" load -i "$T/saved.$form"
		assertExit 0
		rm -rf "$UCTR_DATA"
	done
	holds nothing_ran
	PATH="$T/bin:$PATH" gzip < /dev/null
	falls "gzip was run" nothing_ran
}

# shellcheck disable=SC1091
. shunit2
