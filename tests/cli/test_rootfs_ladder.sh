#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Root file systems where the kernel refuses an overlay, and each of them by name.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers rl1
	unset UCTR_DATA
}

# Data on an overlay, which the kernel takes as no overlay's upper layer.
on_overlay()
{
	need "file:${UCTR_OVERLAY_DIR:-/no overlay directory}" || return 1
	export UCTR_DATA="$UCTR_OVERLAY_DIR/data"
}

# without FILE COMMAND...: assert_run as the same user, in a namespace of his in which nobody can use
# FILE; ids are his alone there.
without()
{
	file=$1
	shift
	[ -e "$T.nothing" ] || (umask 777 && : > "$T.nothing")
	assert_run unshare -Urm sh -c 'mount --bind "$1" "$2" || exit 99
		uid=$3 gid=$4
		shift 4
		exec unshare -U --map-user="$uid" --map-group="$gid" "$@"' sh \
		"$T.nothing" "$file" "$(id -u)" "$(id -g)" "$@"
	ran=$*
}

fstype='grep " / " /proc/mounts | tail -n 1 | cut -d" " -f3'

# What a person may do with a root file system, whatever it is made of.
behaves()
{
	driver=$1
	ctr --storage-opt "driver=$driver" busybox sh -c '
		touch /f && chown 33:44 /f && chmod 4750 /f && stat -c "%u:%g %a" /f
		rm /etc/passwd && ls /etc/passwd 2> /dev/null || echo removed
		mkdir /d && mv /f /d/g && ls /d; ln -s g /d/l && ln /d/g /d/h && stat -c %h /d/h
		rm -r /home && mkdir /home && ls /home | wc -l
		echo text > /etc/shells && cat /etc/shells; stat -c "%u:%g %a" /'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '33:44 4750\nremoved\ng\n2\n0\ntext\n0:0 755')"
	# Nothing of it is seen by the next container.
	ctr --storage-opt "driver=$driver" busybox cat /etc/shells
	assertOut "$(printf '/bin/sh\n/bin/ash')"
	ctr --storage-opt "driver=$driver" --read-only busybox \
		sh -c 'touch /x 2> /dev/null || echo refused; touch /tmp/x && echo fine'
	assertOut "$(printf 'refused\nfine')"
	assertNothingLeft
}

# One that stays: exec, its record, stop, rm.
lives()
{
	driver=$1
	start_quiet --storage-opt "driver=$driver" --name rl1 busybox sh -c \
		'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for 5 logged rl1 ready || fail "it did not start"
	assert_run "$UCTR" ps --format '{{.Names}} {{.Driver}}'
	assertOut "rl1 $driver"
	assert_run "$UCTR" exec rl1 sh -c "echo inside > /f; chown 7:7 /f; $fstype"
	assertExit 0
	assert_run "$UCTR" stop rl1
	assertExit 0
	assert_run "$UCTR" rm rl1
	assertExit 0
	assertNothingLeft
}

test_overlay_by_name()
{
	need fullmap overlay || return 0
	behaves overlay
	lives overlay
	assertOut rl1
	ctr busybox sh -c "$fstype"
	assertOut overlay
	assertErrEmpty
}

test_tmpfs_by_name()
{
	need fullmap overlay tmpfs_attributes || return 0
	behaves tmpfs
	lives tmpfs
}

test_fuse_by_name()
{
	need fullmap fuse cmd:fuse-overlayfs || return 0
	behaves fuse-overlayfs
	lives fuse-overlayfs
	ctr --storage-opt driver=fuse-overlayfs busybox sh -c "$fstype"
	assertOut fuse.fuse-overlayfs
}

test_copy_by_name()
{
	need fullmap || return 0
	behaves copy
	lives copy
	ctr --storage-opt driver=copy busybox sh -c "$fstype"
	case $out in
	overlay | fuse*) fail "the root is no copy: $out" ;;
	esac
}

test_size_of_tmpfs_is_kept_and_data_lies_elsewhere()
{
	need fullmap overlay tmpfs_attributes || return 0
	ctr --storage-opt driver=tmpfs --storage-opt size=2m busybox sh -c \
		'dd if=/dev/zero of=/big bs=1M count=4 2>&1 | grep -o "No space.*"
		[ $(stat -c %s /big) -le 2097152 ] && echo kept'
	assertOut "$(printf 'No space left on device\nkept')"
}

test_tmpfs_has_half_of_the_memory_at_most()
{
	need fullmap overlay tmpfs_attributes || return 0
	if ! has memory; then
		ctr -m 64m --storage-opt driver=tmpfs busybox true
		assertExit 125
		assertErrLine "a memory limit (--memory) cannot be enforced:"
		return 0
	fi
	ctr -m 64m --storage-opt driver=tmpfs busybox sh -c \
		'dd if=/dev/zero of=/big bs=1M count=48 2> /dev/null; stat -c %s /big'
	assertTrue "at most 32 MiB: $out" "[ $out -le 33554432 ]"
	assertTrue "about 32 MiB: $out" "[ $out -ge 30000000 ]"
}

test_bad_options()
{
	for bad in driver=vfs 'driver=' size=0 size=x colour=blue ''; do
		ctr --storage-opt "$bad" busybox true
		assertExit 125
		assertErrLine "--storage-opt" "want"
	done
	ctr --storage-opt size=1g busybox true
	assertExit 125
	assertErrLine "only driver=tmpfs"
	mkrootfs "$T/root"
	ctr --storage-opt driver=copy --rootfs "$T/root" true
	assertExit 125
	assertErrLine "--rootfs uses the directory itself"
	assertNothingLeft
}

test_on_an_overlay_throw_away_containers_write_to_memory()
{
	need fullmap overlay tmpfs_attributes && on_overlay || return 0
	ctr busybox sh -c "$fstype; rm /etc/passwd; touch /etc/new; exit 3"
	assertExit 3
	assertOut overlay
	assertErrLine "what the container writes goes to memory" "as the kernel refused: mount overlay"
	# Asked for by name it needs no word, and the first rung no other.
	ctr --storage-opt driver=tmpfs busybox true
	assertErrEmpty
	ctr --storage-opt driver=overlay busybox true
	assertExit 125
	assertErrLine "mount overlay"
	assertNothingLeft
}

test_on_an_overlay_containers_that_stay_use_fuse()
{
	need fullmap overlay fuse cmd:fuse-overlayfs && on_overlay || return 0
	assert_run "$UCTR" run --name rl1 --network none busybox sh -c "$fstype"
	assertOut fuse.fuse-overlayfs
	assertErrLine "using fuse-overlayfs, which is slower, as the kernel refused: mount overlay"
	assert_run "$UCTR" ps -a --format '{{.Driver}}'
	assertOut fuse-overlayfs
}

test_copy_when_there_is_no_fuse()
{
	need userns cmd:fuse-overlayfs fuse && on_overlay || return 0
	without /dev/fuse "$UCTR" run --name rl1 --userns one --network none busybox \
		sh -c 'touch /f && ls /f; ls /bin/busybox'
	assertExit 0
	assertOut "$(printf '/f\n/bin/busybox')"
	assertErrLine "using a copy of the image, as the kernel refused: mount overlay" \
		"and /dev/fuse is not the FUSE device"
	assert_run "$UCTR" ps -a --format '{{.Driver}}'
	assertOut copy
	assert_run "$UCTR" rm rl1
	assertExit 0
	without "$(command -v fuse-overlayfs)" "$UCTR" run --name rl1 --userns one --network none busybox true
	assertExit 0
	assertErrLine "using a copy" "and fuse-overlayfs is not installed"
	without /dev/fuse "$UCTR" run --rm --userns one --network none --storage-opt driver=fuse-overlayfs \
		busybox true
	assertExit 125
	assertErrLine "--storage-opt driver=fuse-overlayfs: /dev/fuse is not the FUSE device"
}

test_copy_when_fuse_overlayfs_fails()
{
	need userns fuse && on_overlay || return 0
	printf '#!/bin/sh\necho "it is broken" >&2\nexit 7\n' > "$T/broken"
	chmod 755 "$T/broken"
	assert_run unshare -Urm sh -c 'mount --bind "$1" "$2" || exit 99
		uid=$3 gid=$4
		shift 4
		exec unshare -U --map-user="$uid" --map-group="$gid" "$@"' sh \
		"$T/broken" "$(command -v fuse-overlayfs)" "$(id -u)" "$(id -g)" \
		"$UCTR" run --name rl1 --userns one --network none busybox sh -c 'touch /f && ls /f'
	assertExit 0
	assertOut /f
	assertErrLine "using a copy" "fuse-overlayfs failed (exit code 7): it is broken"
}

# A file system of 24 MiB for data, in which free space is left for the layer but not for its copy.
test_disk_full_while_copying()
{
	need userns tmpfs_attributes || return 0
	mkdir "$T/small"
	head -c 12000000 /dev/urandom > "$T/big"
	mkrootfs "$T/root"
	mv "$T/big" "$T/root/big"
	tar -cf "$T/image.tar" -C "$T/root" .
	assert_run unshare -Urm sh -c 'mount -t tmpfs -o size=34m tmpfs "$1" || exit 99
		uid=$2 gid=$3 uctr=$4 tar=$5
		exec unshare -U --map-user="$uid" --map-group="$gid" sh -c "
			export UCTR_DATA=\"$1/data\"
			\"$uctr\" import \"$tar\" big > /dev/null 2>&1 || exit 98
			\"$uctr\" run --rm --userns one --network none --storage-opt driver=copy big true
			echo \$?; ls \"$1/data/containers\" \"$1/data/names\" | grep -v :
			\"$uctr\" run --rm --userns one --network none big ls /big"' sh \
		"$T/small" "$(id -u)" "$(id -g)" "$UCTR" "$T/image.tar"
	assertOut "$(printf '125\n\n/big')"
	assertErrLine "make a copy of the image for the container: copy big: No space left on device"
}

# layer FILE: a layer of a layout from the entry lines on standard input; its blob, its diff id.
layer()
{
	mktar "$T.layer.tar"
	diff_ids="$diff_ids${diff_ids:+,}\"sha256:$(sha256sum < "$T.layer.tar" | cut -d' ' -f1)\""
	layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",$(blob "$T.layer.tar")}"
}

blob()
{
	hex=$(sha256sum < "$1" | cut -d' ' -f1)
	cp "$1" "$L/blobs/sha256/$hex"
	printf '"digest":"sha256:%s","size":%s' "$hex" "$(stat -c %s "$1")"
}

# An image of busybox and two more layers, which delete, hide and replace.
mklayers()
{
	export UCTR_IMAGES="$T/images"
	L=$UCTR_IMAGES/layers
	mkdir -p "$L/blobs/sha256"
	printf '{"imageLayoutVersion":"1.0.0"}' > "$L/oci-layout"
	base=$(bundled_layer)
	diff_ids="\"sha256:$(gzip -dc "$base" | sha256sum | cut -d' ' -f1)\""
	layers="{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",$(blob "$base")}"
	layer << END
dir o 0755
file o/low 0644 low
dir m 0755
file m/low 0644 low
file m/gone 0644 low
file gone 0644 low
owner 5 6
file tofile 04755 low
END
	layer << END
file o/.wh..wh..opq 0644
file o/high 0644 high
dir m 0711
file m/.wh.gone 0644
file m/high 0644 high
file .wh.gone 0644
dir etc/passwd 0700
END
	arch=$(sed -n 's/.*"architecture":"\([^"]*\)".*/\1/p' "${UCTR%/bin/*}/share/uctr/images/busybox/index.json")
	printf '{"architecture":"%s","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$arch" "$diff_ids" > "$T.config"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[%s]}' \
		"$(blob "$T.config")" "$layers" > "$T.manifest"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' \
		"$(blob "$T.manifest")" > "$L/index.json"
}

test_every_rung_shows_the_same_files()
{
	need fullmap overlay tmpfs_attributes fuse cmd:fuse-overlayfs || return 0
	mklayers
	look='cd / && find /o /m /etc /tofile /bin/sh -path /etc/hosts -o -path /etc/hostname -o -path /etc/resolv.conf \
		-o -exec stat -c "%n %F %a %u:%g %s %h %Y" {} + | sort; ls -d /gone 2> /dev/null'
	for driver in overlay tmpfs fuse-overlayfs copy; do
		ctr --storage-opt driver=$driver layers sh -c "$look"
		assertErrEmpty
		# Sizes of directories are the file system's own, and /etc gets hosts and the like.
		echo "$out" | sed -e '/ directory /s/ [0-9]* [0-9]* \([0-9]*\)$/ - - \1/' \
			-e '/^\/etc /s/ [0-9]*$//' > "$T.$driver"
		assertEquals "$driver differs from overlay" "" "$(diff "$T.overlay" "$T.$driver")"
	done
	for shown in '^/m/high ' '^/o/high ' '^/tofile .*4755 5:6 '; do
		grep -q "$shown" "$T.copy" || fail "no $shown: $(cat "$T.copy")"
	done
	assertEquals "hidden and deleted" "" "$(grep -E '/o/low|/m/gone|^/gone' "$T.copy")"
	unset UCTR_IMAGES
	"$UCTR" rmi layers > /dev/null
}

. shunit2
