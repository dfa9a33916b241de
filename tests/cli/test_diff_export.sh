# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# uctr diff and uctr export: what a container has, and what of it is new.
# shellcheck disable=SC2016 # what inner shells expand
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers c
}

ended()
{
	assert_run "$UCTR" run --network none --name c "$@"
	assertExit 0
}

CHANGED='C /bin
D /bin/vi
C /etc
C /etc/passwd
A /new
A /new/file'

test_diff()
{
	for driver in overlay copy; do
		ended --storage-opt driver=$driver busybox sh -c 'rm /bin/vi; mkdir /new; echo > /new/file; echo >> /etc/passwd'
		assert_run "$UCTR" diff c
		assertOut "$CHANGED"
		remove_containers c
	done
}

test_diff_formats()
{
	ended busybox sh -c 'echo > /new; rm /bin/vi'
	assert_run "$UCTR" diff --format '{{.Kind}} {{.Path}}' c
	assertOut "0 /bin
2 /bin/vi
1 /new"
	assert_run sh -c '"$1" diff --format json c | tr -d " \n"' sh "$UCTR"
	assertOut '[{"Path":"/bin","Kind":0,"Type":"C"},{"Path":"/bin/vi","Kind":2,"Type":"D"},{"Path":"/new","Kind":1,"Type":"A"}]'
}

# Places of volumes and of what every container mounts are no changes.
test_diff_leaves_places_out()
{
	mkdir "$T/v"
	ended -v "$T/v:/my/volume" --userns keep-id -u 0 busybox touch /my/volume/x /own
	assert_run sh -c '"$1" diff c | grep -v passwd' sh "$UCTR"
	assertOut "C /etc
A /my
A /own"
}

test_diff_of_images()
{
	ended busybox sh -c 'echo > /new; rm /bin/vi'
	"$UCTR" commit c t > "$T/id"
	assert_run "$UCTR" diff t
	assertOut "C /bin
D /bin/vi
A /new"
	assert_run "$UCTR" diff busybox t
	assertOut "C /bin
D /bin/vi
A /new"
	assert_run "$UCTR" diff t busybox
	assertOut "C /bin
A /bin/vi
D /new"
	assert_run "$UCTR" diff nobody
	assertExit 125
	assertErrLine "no such container: nobody" "no image of that name"
}

# Out and in again is the same, with every owner, mode, link and time.
test_export_and_import()
{
	printf '%s\n' 'owner 100 200' 'file f 4755 x' 'dir d 1777' 'hardlink d/h f' 'symlink s t' \
		'owner 0 0' 'pax SCHILY.xattr.user.a b' 'file x 0644 x' 'fifo p 0600' | mkimage i
	ended i sh -c 'rm /bin/vi; touch -d @7 /d/new; chown 3:4 /d/new'
	assert_run "$UCTR" export -o "$T/1.tar" c
	assertExit 0
	assertErrEmpty
	"$UCTR" import "$T/1.tar" again > "$T/id"
	remove_containers c
	ended again true
	"$UCTR" export c > "$T/2.tar"
	assertEquals "" "$(cmp "$T/1.tar" "$T/2.tar" 2>&1)"
	assert_run sh -c 'tar tvnf "$1" d/ f s p --full-time | sed "s/ \(2026\|20[0-9][0-9]\)-.* / T /"' sh "$T/1.tar"
	assertOutHas "-rw-r--r-- 3/4 " "d/new" "hrwsr-xr-x 100/200" "drwxrwxrwt 100/200"
	assertEquals "" "$(tar tf "$T/1.tar" | grep -x bin/vi)"
}

test_export_refused()
{
	ended busybox true
	assert_pty 'expect standard output is a terminal' "$UCTR" export c
	assertExit 125
	assertOutHas "standard output is a terminal"
	assert_run "$UCTR" export -o "$T/none/x" c
	assertExit 125
	assertErrLine "make $T/none/x: No such file"
	assert_run sh -c '"$1" export c > /dev/full' sh "$UCTR"
	assertExit 125
	assertErrLine "write the archive: No space left on device"
	assert_run "$UCTR" export nobody
	assertErrLine "no such container: nobody"
}

# In an image such a name would delete; it is told that the file is not in the archive.
test_names_of_deletions()
{
	ended busybox sh -c 'echo mine > /.wh.x; echo too > /y'
	assert_run sh -c '"$1" export c | tar xO y' sh "$UCTR"
	assertOut too
	assertErrLine "uctr: warning: 1 sockets, or files with names that mean deletions in images, were left out"
}

test_export_of_a_directory()
{
	mkrootfs "$T/root"
	echo mine > "$T/root/mine"
	ended --rootfs "$T/root" true
	assert_run sh -c '"$1" export c | tar xO mine' sh "$UCTR"
	assertOut mine
	assert_run "$UCTR" diff c
	assertErrLine "container c has no image"
}

# row C7: a FIFO, a socket, a device, a file of 16 TB of nothing | red: by hand: with FIFOs opened like files
test_special_files()
{
	RUN_TIMEOUT=$((30 * UCTR_SLOW))
	start_quiet --name c busybox sh -c 'mkfifo /fifo; mknod /dev/x p; truncate -s 16492674416640 /huge; echo end >> /small
		nc -l -p 1 -s 127.0.0.1 local:/sock > /dev/null 2>&1 & ln /fifo /fifo2; touch /ready; exec sleep 1000'
	wait_for 10 "$UCTR" exec c test -e /ready
	assert_run "$UCTR" export -o "$T/x.tar" c
	assertExit 0
	assertTrue "size" "[ $(stat -c %s "$T/x.tar") -lt 10000000 ]"
	assertEquals "16492674416640" "$(tar tvf "$T/x.tar" huge | awk '{print $3}')"
	assert_run "$UCTR" commit c t
	assertExit 0
	ctr t stat -c '%n %F %s' /fifo /fifo2 /huge
	assertOut "/fifo fifo 0
/fifo2 fifo 0
/huge regular file 16492674416640"
}

# row C7: directories deeper than a path can be | red: by hand: without the limit in push()
test_deep_directories()
{
	RUN_TIMEOUT=$((30 * UCTR_SLOW))
	ended busybox sh -c 'n=$(printf "%0200d" 0); i=0 p=; while [ $i -lt 18 ]; do p=$p/$n i=$((i+1)); done
		mkdir -p /a$p /b$p && mv /a /b$p'
	for command in "export -o $T/x" "commit"; do
		# shellcheck disable=SC2086 # words
		assert_run "$UCTR" $command c
		assertExit 125
		assertErrLine "images cannot have directories as deep"
	done
	assertFalse "half an archive" "[ -e $T/x ]"
	echo older > "$T/x"
	assert_run "$UCTR" export -o "$T/x" c
	assertExit 125
	assertEquals "an older archive stays" older "$(cat "$T/x")"
	rm "$T/x"
	assertEquals "" "$(find "$(data_dir)/tmp" -name '*.blob')"
	assert_run "$UCTR" diff c
	assertExit 125
}

# row C7: files that change what they are while they are read | red: none yet
test_files_that_change()
{
	RUN_TIMEOUT=$((30 * UCTR_SLOW))
	start_quiet --name c busybox sh -c 'while :; do rm -f /x; mkfifo /x; rm /x; echo a > /x; rm /x; mkdir /x; rmdir /x; ln -s /proc/1/environ /x; done'
	for _ in 1 2 3 4 5; do
		assert_run "$UCTR" commit --pause=false c t
		assertExit 0
	done
}

. shunit2
