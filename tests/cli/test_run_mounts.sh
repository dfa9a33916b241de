#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flags of uctr run about the file system: volumes, mounts, tmpfs, read-only root, shm, devices.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tm1
	cd "$HOME" || return
}

# assertRefused TEXT...: exit code 125, one line with the texts, nothing left.
assertRefused()
{
	assertExit 125
	assertOut ""
	assertErrLine "$@"
	assertNothingLeft
}

# options_of PATH: how the container of $out (its /proc/mounts) mounted PATH.
options_of()
{
	echo "$out" | awk -v path="$1" '$2 == path { options = $4 } END { print options }'
}

# assertOption PATH WORD: the mount at PATH has that option.
assertOption()
{
	case ",$(options_of "$1")," in
	*",$2,"*) assertTrue "" 0 ;;
	*) fail "$1 is not mounted with $2: [$(options_of "$1")]" ;;
	esac
}

# --- volumes ----------------------------------------------------------------------------------

test_volume_directory_read_and_write()
{
	need fullmap || return 0
	mkdir "$T/vol"
	echo outside > "$T/vol/old"
	ctr -v "$T/vol:/deep/new/place" busybox sh -c \
		'cat /deep/new/place/old; echo inside > /deep/new/place/new; stat -c "%u %g" /deep/new/place/old'
	assertExit 0
	assertOut "$(printf 'outside\n0 0')"
	assertEquals inside "$(cat "$T/vol/new")"
	assertEquals "root inside is the caller" "$(id -u)" "$(stat -c %u "$T/vol/new")"
}

test_volume_file()
{
	need fullmap || return 0
	echo outside > "$T/file"
	ctr -v "$T/file:/etc/new.conf" busybox sh -c 'cat /etc/new.conf; echo inside > /etc/new.conf'
	assertOut outside
	assertEquals inside "$(cat "$T/file")"
	# Over a file of the image, and over one that uctr makes.
	ctr -v "$T/file:/etc/passwd" -v "$T/file:/etc/hosts" busybox sh -c 'cat /etc/passwd /etc/hosts'
	assertOut "$(printf 'inside\ninside')"
	# The made-up entry of an unknown user goes to the image's file, never to the caller's.
	ctr -u 1234 -v "$T/file:/etc/passwd" busybox id -u
	assertOut 1234
	assertEquals "the caller's file is as it was" inside "$(cat "$T/file")"
}

test_volume_relative_source()
{
	need fullmap || return 0
	mkdir -p "$T/vol/sub"
	echo here > "$T/vol/sub/file"
	cd "$T/vol" || return
	ctr -v ./sub:/v busybox cat /v/file
	assertOut here
	ctr -v sub/file:/f busybox cat /f
	assertOut here
	ctr -v .:/v busybox cat /v/sub/file
	assertOut here
	ctr -v ../vol/sub:/v busybox cat /v/file
	assertOut here
}

test_volume_through_a_link()
{
	need fullmap || return 0
	mkdir "$T/vol"
	echo here > "$T/vol/file"
	ln -s vol "$T/link"
	start_quiet --name tm1 -v "$T/link:/v" busybox sleep 60
	assert_run "$UCTR" exec tm1 cat /v/file
	assertOut here
	assert_run "$UCTR" ps --format '{{.Mounts}}'
	assertOut "$T/vol:/v"
}

test_volume_options()
{
	need fullmap || return 0
	mkdir "$T/vol"
	ctr -v "$T/vol:/v:ro" busybox sh -c 'cat /proc/mounts; echo x > /v/new'
	assertExit 1
	assertErrLine "Read-only file system"
	for word in ro nosuid nodev; do
		assertOption /v $word
	done
	ctr -v "$T/vol:/v:rw,noexec" busybox sh -c \
		'cat /proc/mounts; cp /bin/busybox /v/true; chmod +x /v/true; /v/true'
	assertExit 126
	for word in rw nosuid nodev noexec; do
		assertOption /v $word
	done
	# z and Z relabel where SELinux is; without it they change nothing.
	for word in z Z ro,z rslave rprivate rshared,z; do
		ctr -v "$T/vol:/v:$word" busybox ls /v/true
		assertExit 0
		assertOut /v/true
	done
	ctr -v "$T/vol:/v:bogus" busybox true
	assertRefused "uctr: --volume: unknown mount option 'bogus'"
	ctr -v "$T/vol:/v:idmap" busybox true
	assertRefused "uctr: --volume: idmapped mounts"
}

test_read_only_volume_has_no_writable_part()
{
	need fullmap || return 0
	# A mount below the volume, made in the user's own namespace.
	mkdir -p "$T/vol/sub"
	assert_run unshare -Urm sh -c 'mount -t tmpfs tmpfs "$1/sub" && cd "$1" && shift &&
		exec "$@"' sh "$T/vol" sh -c 'touch sub/writable && ls sub'
	assertOut writable
	if [ "$("$UCTR" unshare id -u)" = 0 ]; then
		ctr -v "/dev:/v:ro" busybox sh -c 'touch /v/shm/uctr-probe'
		assertNotEquals 0 $rc
		assertErrLine "Read-only file system"
	fi
}

test_volume_does_not_bring_setuid()
{
	need fullmap || return 0
	mkdir "$T/vol"
	cp "$UCTR" "$T/vol/file"
	chmod 4755 "$T/vol/file"
	ctr -v "$T/vol:/v" busybox cat /proc/mounts
	assertOption /v nosuid
	assertOption /v nodev
}

test_volumes_that_cannot_be()
{
	need fullmap || return 0
	mkdir "$T/vol"
	ctr -v "$T/none:/v" busybox true
	assertRefused "uctr: --volume: source $T/none: No such file or directory; create it first: mkdir -p $T/none"
	ctr -v "$T/vol:v" busybox true
	assertRefused "uctr: --volume: target 'v' must be an absolute path"
	ctr -v "$T/vol:/" busybox true
	assertRefused "uctr: --volume: target must not be '/'"
	ctr -v "$T/vol:/proc" busybox true
	assertRefused "mount target /proc lies on /proc; nothing may be mounted there"
	ctr -v "$T/vol:/proc/self/fd" busybox true
	assertRefused "mount target /proc/self/fd"
	for bad in "$T/vol" "a:b:c:d" ":/v" ""; do
		ctr -v "$bad" busybox true
		assertRefused "uctr: --volume '$bad': want SOURCE:TARGET[:OPTIONS]"
	done
	ctr -v name:/v busybox true
	assertRefused "uctr: --volume 'name:/v': named volumes are not available in this version; for the directory write ./name"
	mkfifo "$T/fifo"
	RUN_TIMEOUT=10
	ctr -v "$T/vol:/etc/passwd/x" busybox true
	assertRefused "mount target /etc/passwd/x" "Not a directory"
}

# --- mount ------------------------------------------------------------------------------------

test_mount_bind()
{
	need fullmap || return 0
	mkdir "$T/odd name:x"
	echo here > "$T/odd name:x/file"
	for words in readonly ro readonly=true ro=1 rw=false; do
		ctr --mount "type=bind,source=$T/odd name:x,target=/v,$words" busybox \
			sh -c 'cat /v/file; echo x > /v/new'
		assertExit 1
		assertOut here
		assertErrLine "Read-only file system"
	done
	for words in readonly=false rw bind-propagation=rslave relabel=shared; do
		ctr --mount "type=bind,src=$T/odd name:x,dst=/v,$words" busybox sh -c 'echo x > /v/new'
		assertExit 0
	done
	ctr --mount "type=bind,src=$T/odd name:x/file,destination=/f" busybox cat /f
	assertOut here
}

test_mount_tmpfs()
{
	need fullmap || return 0
	ctr --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0711 busybox \
		sh -c 'cat /proc/mounts; stat -c "mode %a" /t'
	assertOption /t size=1024k
	assertOption /t nosuid
	assertOutHas "mode 711"
	ctr --mount type=tmpfs,dst=/t,readonly busybox touch /t/x
	assertExit 1
	assertErrLine "Read-only file system"
}

test_mounts_that_cannot_be()
{
	need fullmap || return 0
	ctr --mount "type=bind,source=$T" busybox true
	assertRefused "uctr: --mount 'type=bind,source=$T': target= is missing"
	ctr --mount type=bind,target=/v busybox true
	assertRefused "source= is missing"
	ctr --mount "type=bind,source=$T,target=/v,bogus=1" busybox true
	assertRefused "uctr: --mount: unknown or incomplete key 'bogus'"
	ctr --mount "type=bind,source=$T,target=/v,readonly=perhaps" busybox true
	assertRefused "uctr: --mount: readonly wants true or false"
	ctr --mount type=tmpfs,source=x,target=/v busybox true
	assertRefused "a tmpfs has no source"
	for type in volume devpts proc overlay; do
		ctr --mount type=$type,target=/v busybox true
		assertRefused "uctr: --mount type '$type' is not available; use bind or tmpfs"
	done
	ctr --mount "type=bind,source=$T/none,target=/v" busybox true
	assertRefused "uctr: --mount: source $T/none: No such file or directory"
}

# --- tmpfs, read-only root, shm ---------------------------------------------------------------

test_tmpfs_options()
{
	need fullmap || return 0
	ctr --tmpfs /t busybox sh -c 'cat /proc/mounts; stat -c "mode %a" /t'
	assertOutHas "mode 1777"
	for word in rw nosuid nodev noexec; do
		assertOption /t $word
	done
	ctr --tmpfs /t:size=1m,mode=700,uid=5,gid=6,exec busybox sh -c \
		'stat -c "%a %u %g" /t; cp /bin/busybox /t/echo && /t/echo runs
		dd if=/dev/zero of=/t/x bs=1M count=3 2> /dev/null || echo full'
	assertOut "$(printf '700 5 6\nfull')"
	ctr --tmpfs /t:exec busybox sh -c 'cp /bin/busybox /t/echo && /t/echo runs'
	assertOut runs
	ctr --tmpfs /t:ro busybox touch /t/x
	assertErrLine "Read-only file system"
	ctr --tmpfs /t:bogus=1 busybox true
	assertRefused "uctr: --tmpfs /t: unknown option 'bogus=1'"
	ctr --tmpfs /t:bogus busybox true
	assertRefused "bogus"
	ctr --tmpfs /t:size=huge busybox true
	assertRefused "mount /t"
	ctr --tmpfs t busybox true
	assertRefused "uctr: --tmpfs: target 't' must be an absolute path"
	ctr --tmpfs / busybox true
	assertRefused "uctr: --tmpfs: target must not be '/'"
}

test_read_only_root()
{
	need fullmap || return 0
	mkdir "$T/vol"
	ctr --read-only -v "$T/vol:/v" busybox sh -c '
		for d in /tmp /run /var/tmp /dev/shm /v; do touch $d/x || echo "not writable: $d"; done
		for d in / /etc /usr /var /dev/..; do touch $d/x 2> /dev/null && echo "writable: $d"; done
		mount -o remount,rw / 2> /dev/null && echo remounted; true'
	assertExit 0
	assertOut ""
	[ -e "$T/vol/x" ] || fail "a volume is read-only as well"
	# Red control: without the flag the same places are writable.
	ctr busybox sh -c 'touch /x /etc/x /usr/x /var/x && echo all'
	assertOut all
	ctr --read-only --tmpfs /tmp:size=1m busybox cat /proc/mounts
	assertOption /tmp size=1024k
	assertOption / ro
}

test_shm_size()
{
	need fullmap || return 0
	ctr busybox cat /proc/mounts
	assertOption /dev/shm size=65536k
	ctr --shm-size 1m busybox sh -c 'cat /proc/mounts
		dd if=/dev/zero of=/dev/shm/x bs=1M count=2 2> /dev/null || echo full'
	assertOption /dev/shm size=1024k
	assertOutHas full
	for bad in 0 -1 x ''; do
		ctr --shm-size "$bad" busybox true
		assertRefused "uctr: --shm-size '$bad': want a size such as 64m"
	done
}

# --- devices ----------------------------------------------------------------------------------

test_device()
{
	need fullmap || return 0
	ctr --device /dev/zero:/dev/myzero busybox sh -c \
		'head -c 3 /dev/myzero | od -An -tx1; echo x > /dev/myzero && echo wrote; stat -c %t:%T /dev/myzero'
	assertOut "$(printf ' 00 00 00\nwrote\n1:5')"
	ctr --device /dev/zero:/dev/sub/dir/zero:rw busybox test -c /dev/sub/dir/zero
	assertExit 0
	ctr --device /dev/full:rwm busybox sh -c 'echo x > /dev/full'
	assertErrLine "No space left on device"
}

test_only_the_devices_asked_for()
{
	need fullmap || return 0
	ctr busybox sh -c 'cd /dev && for f in *; do [ -h $f ] || [ ! -c $f ] || echo $f; done | sort'
	assertOut "$(printf 'full\nnull\nrandom\ntty\nurandom\nzero')"
	ctr busybox mknod /dev/mem c 1 1
	assertExit 1
	assertErrLine "Operation not permitted"
}

test_devices_that_cannot_be()
{
	need fullmap || return 0
	ctr --device /dev/none busybox true
	assertRefused "uctr: --device /dev/none: No such file or directory"
	ctr --device /etc/passwd:/dev/x busybox true
	assertRefused "uctr: --device /etc/passwd is not a device"
	ctr --device /dev/zero:/etc/zero busybox true
	assertRefused "want absolute paths, inside below /dev"
	ctr --device /dev/zero:/dev/../etc/zero busybox true
	assertRefused "want absolute paths, inside below /dev"
	for bad in zero '' :/dev/x; do
		ctr --device "$bad" busybox true
		assertRefused "uctr: --device '$bad': want"
	done
	ctr --device /dev/zero:/dev/x:q busybox true
	assertRefused "uctr: --device '/dev/zero:/dev/x:q': want HOST[:CONTAINER][:rwm]"
	# What cannot be enforced is not promised.
	for access in r w m; do
		ctr --device /dev/zero:/dev/x:$access busybox true
		assertRefused "uctr: --device '/dev/zero:/dev/x:$access': access '$access' cannot be enforced without root"
	done
}

# None of them is dropped, however many.
test_tmpfs_with_many_options()
{
	need fullmap || return 0
	many=$(printf 'uid=0,%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
	ctr --tmpfs "/t:${many}mode=0711" busybox stat -c %a /t
	assertExit 0
	assertOut 711
}

. shunit2
