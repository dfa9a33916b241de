#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A2, A5, A9, A10 and A11: paths of the image that lead out of it, into the host or over the
# kernel's own file systems, and descriptors of the caller that lead to the host.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

setUp()
{
	fresh_tmp
	mkvictim
	echo "$canary" > "$VICTIM/secret"
	victim_state > "$T.victim"
}

tearDown()
{
	"$UCTR" rm -f paths paths2 > /dev/null 2>&1
	return 0
}

canary=canary-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')

# run_in IMAGE...: a payload that tells where it is and what lies there.
run_in()
{
	"$HELPERS/withfds" "$VICTIM" 3 64 timeout -k 2 $((10 * UCTR_SLOW)) "$U" run --rm --network none "$@" \
		sh -c 'pwd -P; ls -a; cat secret; ls -a ..' < /dev/null
}

# --- A2: descriptors of the caller -----------------------------------------------------------------

# refused_cwd IMAGE...: no start there, and nothing seen of the host.
refused_cwd()
{
	if seen=$(run_in "$@" 2>&1); then
		bad "started in $*: $seen"
		return
	fi
	case $seen in
	*"$canary"*) bad "saw the host through $*: $seen" ;;
	*"working directory"*) return 0 ;;
	*) bad "refused $* for another reason: $seen" ;;
	esac
}

attack_workdir()
{
	n=3
	while [ $n -le 64 ]; do
		for pid in self 1; do
			refused_cwd -w "/proc/$pid/fd/$n" busybox || return 1
		done
		n=$((n + 1))
	done
	refused_cwd -w /proc/self/fd/9/sub busybox && refused_cwd -w /proc/1/fd/../fd/9 busybox
}

# row A2: `-w` through `/proc/*/fd/N`, descriptors 3 to 64 of the caller | red: without cwd, fds
test_A2_workdir()
{
	need fullmap || return 0
	holds attack_workdir
	falls_without "cwd fds" "started in" attack_workdir
}

attack_image_workdir()
{
	for image in a2-plain a2-link a2-below; do
		refused_cwd $image || return 1
	done
}

# row A2: WORKDIR through `/proc/self/fd/9`, plain and by a link | red: without cwd, fds
test_A2_image_workdir()
{
	need fullmap || return 0
	own_images
	mkconfig a2-plain '{"WorkingDir":"/proc/self/fd/9"}'
	echo 'symlink wd /proc/self/fd/9' | mkimage a2-link -c 'WORKDIR /wd'
	echo 'symlink wd /proc/self/fd/9' | mkimage a2-below -c 'WORKDIR /wd/sub'
	holds attack_image_workdir
	falls_without "cwd fds" "started in" attack_image_workdir
	unset UCTR_IMAGES
}

attack_exec_workdir()
{
	"$HELPERS/withfds" "$VICTIM" 3 64 "$U" run -d --name paths --network none busybox \
		sleep 1000 > /dev/null < /dev/null || bad "no container" || return 1
	code=0
	for dir in /proc/self/fd/3 /proc/self/fd/9 /proc/1/fd/9 /proc/self/fd/20 /proc/1/fd/64; do
		seen=$("$HELPERS/withfds" "$VICTIM" 3 64 timeout -k 2 $((10 * UCTR_SLOW)) "$U" exec -w $dir paths \
			cat secret 2>&1 < /dev/null) && code=1
		case $seen in
		*"$canary"*) code=1 ;;
		esac
		[ $code -eq 0 ] || break
	done
	u rm -f paths > /dev/null
	[ $code -eq 0 ] || bad "exec -w $dir saw the host: $seen"
}

# row A2: `exec -w` through `/proc/*/fd/N` | red: without cwd, fds
test_A2_exec_workdir()
{
	need fullmap || return 0
	holds attack_exec_workdir
	falls_without "cwd fds" "saw the host" attack_exec_workdir
}

# Nothing but 0, 1 and 2, in every way to get a process into a container.
attack_descriptors()
{
	for how in "run --rm" "run --rm --init" "run --rm -i" "exec" "exec -i"; do
		case $how in
		run*) set -- --network none -v "$HELPERS:/h:ro" busybox /h/fdlist ;;
		*)
			"$HELPERS/withfds" "$VICTIM" 3 64 "$U" run -d --name paths --network none \
				-v "$HELPERS:/h:ro" busybox sleep 1000 > /dev/null < /dev/null
			set -- paths /h/fdlist
			;;
		esac
		# shellcheck disable=SC2086
		seen=$("$HELPERS/withfds" "$VICTIM" 3 64 timeout -k 2 $((10 * UCTR_SLOW)) "$U" $how "$@" 2>&1 < /dev/null)
		u rm -f paths > /dev/null 2>&1
		case $seen in
		0*cwd\ /) ;;
		*) bad "$how: $seen" || return 1 ;;
		esac
		[ "$(echo "$seen" | cut -d' ' -f1 | tr '\n' ' ')" = "0 1 2 cwd " ] ||
			bad "$how: descriptors: $seen" || return 1
	done
}

# row A2: what is open in the container, by run and exec | red: without fds
test_A2_descriptors()
{
	need fullmap || return 0
	holds attack_descriptors
	falls_without fds "descriptors: " attack_descriptors
}

# --- A5: /proc and /sys that are not --------------------------------------------------------------

# never_started TEXT RUN-ARG...: refused, with TEXT in the one line of the error.
never_started()
{
	text=$1
	shift
	seen=$(u run --rm --network none "$@" sh -c 'echo started; mount' 2>&1)
	case $seen in
	*started*) bad "started with $*: $(echo "$seen" | head -n 3)" || return 1 ;;
	*"$text"*) ;;
	*) bad "refused $* for another reason: $seen" || return 1 ;;
	esac
	! victim_touched
}

attack_links_of_kernel_fs()
{
	for at in proc sys dev; do
		for to in tmp victim; do
			never_started "/$at is a symbolic link" "a5-$at-$to" || return 1
			never_started "/$at is a symbolic link" --rootfs "$T/root-$at-$to" || return 1
		done
	done
}

# row A5 A9: `/proc`, `/sys`, `/dev`, `/dev/null` as links to the host, absolute and relative | red: without links
test_A5_A9_kernel_file_systems_as_links()
{
	need fullmap || return 0
	for at in proc sys dev; do
		for to in tmp victim; do
			[ $to = tmp ] && target=/tmp || target=$VICTIM
			mkrootfs "$T/root-$at-$to"
			rmdir "$T/root-$at-$to/$at"
			ln -s "$target" "$T/root-$at-$to/$at"
			tar -cf "$T/root.tar" -C "$T/root-$at-$to" . &&
				"$UCTR" import "$T/root.tar" "a5-$at-$to" > /dev/null
		done
	done
	holds attack_links_of_kernel_fs
	falls_without links "started with" attack_links_of_kernel_fs
}

attack_mount_on_proc()
{
	mkdir -p "$T/x"
	echo fake > "$T/f"
	for at in /proc /proc/ /proc/self /proc/sys /proc/sys/kernel /proc/1 /proc/fs; do
		never_started "/proc" -v "$T/x:$at" busybox || return 1
		never_started "/proc" --tmpfs "$at" busybox || return 1
	done
	never_started "/proc" -v "$T/f:/proc/self/attr/exec" busybox || return 1
	never_started "/proc" -v "$T/f:/proc/sysrq-trigger" busybox || return 1
	never_started "/link" -v "$T/f:/link" a5-link || return 1
	never_started "/magic" -v "$T/x:/magic" a5-link
}

# row A5: mounts on `/proc` and below, directly and by link | red: without procfs
test_A5_mounts_on_proc()
{
	need fullmap || return 0
	printf 'symlink link /proc/sysrq-trigger\nsymlink magic /proc/self/cwd\n' | mkimage a5-link
	holds attack_mount_on_proc
	falls_without procfs "started with" attack_mount_on_proc
}

# A mount on "/" itself would lie below everything and be seen by nobody.
attack_mount_on_root()
{
	mkdir -p "$T/x"
	for at in /.. /. /mnt/.. /a/../..; do
		never_started "/" -v "$T/x:$at" busybox || return 1
		never_started "/" --tmpfs "$at" busybox || return 1
	done
	never_started "is the container's root directory" -v "$T/x:/top" a10-top
}

# row A10: a mount on `/` by another name | red: without top
test_A10_mounts_on_the_root()
{
	need fullmap || return 0
	echo 'symlink top ../..' | mkimage a10-top
	holds attack_mount_on_root
	falls_without top "started with" attack_mount_on_root
}

# Files that uctr writes, where the image has something else: never through a link, never a hang.
attack_engine_files()
{
	for name in hosts resolv.conf hostname; do
		for kind in fifo link dangling dir parent; do
			code=0
			seen=$(u run --rm --network none --rootfs "$T/etc-$name-$kind" \
				cat /etc/$name 2>&1) || code=$?
			case "$kind $code $seen" in
			dir\ 125*) ;;
			*' 0 '*victim*) bad "$name as $kind shows the victim: $seen" || return 1 ;;
			*' 0 '*) ;;
			*) bad "$name as $kind: $code $seen" || return 1 ;;
			esac
			! victim_touched || return 1
		done
	done
}

# row A12: `/etc/hosts`, `resolv.conf`, `hostname` or `/etc` itself as FIFO, link, directory | red: without pivot
test_A12_engine_files()
{
	need fullmap || return 0
	mkrootfs "$T/base"
	for name in hosts resolv.conf hostname; do
		for kind in fifo link dangling dir parent; do
			cp -al "$T/base" "$T/etc-$name-$kind"
			f=$T/etc-$name-$kind/etc/$name
			rm -f "$f"
			case $kind in
			fifo) mkfifo "$f" ;;
			link) ln -s "$VICTIM/passwd" "$f" ;;
			dangling) ln -s "$VICTIM/new-$name" "$f" ;;
			dir) mkdir "$f" ;;
			parent) rm -rf "${f%/*}" && ln -s "$VICTIM" "${f%/*}" ;;
			esac
		done
	done
	holds attack_engine_files
	falls_without pivot "victim touched" attack_engine_files
}

# A link of the image's from /etc/hosts into a volume: uctr's own file makes nothing on the host.
attack_engine_file_in_volume()
{
	rm -rf "$T/vol"
	mkdir "$T/vol"
	u run --rm --network none -v "$T/vol:/v" --rootfs "$T/etc-in-volume" true || bad "no start" ||
		return 1
	[ -z "$(ls -A "$T/vol")" ] || bad "made on the host: $(ls -A "$T/vol")"
}

# row A12: `/etc/hosts` as a link of the image into a volume | red: without volumes
test_A12_engine_file_in_volume()
{
	need fullmap || return 0
	mkrootfs "$T/etc-in-volume"
	mkdir -p "$T/etc-in-volume/etc"
	rm -f "$T/etc-in-volume/etc/hosts"
	ln -s /v/made "$T/etc-in-volume/etc/hosts"
	holds attack_engine_file_in_volume
	falls_without volumes "made on the host: made" attack_engine_file_in_volume
}

# An image's VOLUME on /proc or /sys neither hides them nor opens what is masked.
attack_image_volumes()
{
	for image in a5-vol busybox; do
		# shellcheck disable=SC2016
		seen=$(u run --rm --network none ${1:+"$1"} $image sh -c '
			grep -c " /proc proc rw," /proc/mounts
			grep -c " /sys sysfs ro," /proc/mounts
			for f in kcore keys timer_list; do head -c 16 /proc/$f; done 2> /dev/null | wc -c
			ls -A /sys/firmware | wc -l
			touch /proc/sys/kernel/x 2> /dev/null; echo 1 2> /dev/null > /proc/sys/vm/swappiness
			grep -c " /proc/sys proc ro," /proc/mounts' 2>&1 | tr '\n' ' ')
		[ "$seen" = "1 1 0 0 1 " ] || bad "kernel file systems of $image: $seen" || return 1
	done
}

# row A5: VOLUME on `/proc` and below | red: flag `unmask=ALL`
test_A5_image_volumes()
{
	need fullmap || return 0
	own_images
	mkconfig a5-vol '{"Volumes":{"/proc":{},"/proc/sys":{},"/sys":{},"/dev":{}}}'
	holds attack_image_volumes
	falls "kernel file systems of" attack_image_volumes --security-opt=unmask=ALL
	unset UCTR_IMAGES
}

# --- A9: /dev -------------------------------------------------------------------------------------

# The same by config.json, which need not put a tmpfs on /dev: then nodes and links are made in
# the root file system's own directory.
attack_dev_of_bundle()
{
	for to in victim up dots null; do
		code=0
		victim_state > "$T.victim"
		seen=$(cd "$T/bundle-$to" && UCTR_RED="${UCTR_RED:-}" timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run \
			"dev-$to" 2>&1 < /dev/null) || code=$?
		! victim_touched || return 1
		case "$code $seen" in
		*started*) bad "started with /dev as a link ($to): $seen" || return 1 ;;
		*" is a symbolic link"*) ;;
		*) bad "refused for another reason ($to): $seen" || return 1 ;;
		esac
	done
}

# row A9: `/dev` as a link by `config.json` without a tmpfs there | red: without links pivot
test_A9_dev_of_a_bundle()
{
	need fullmap || return 0
	for to in victim up dots null; do
		mkbundle "$T/bundle-$to" sh -c "echo started"
		rm -rf "$T/bundle-$to/rootfs/dev"
	done
	ln -s "$VICTIM" "$T/bundle-victim/rootfs/dev"
	ln -s ../../victim "$T/bundle-up/rootfs/dev"
	ln -s ../../../../../../../../../../../../../../../.."$VICTIM" "$T/bundle-dots/rootfs/dev"
	mkdir "$T/bundle-null/rootfs/dev"
	ln -s "$VICTIM/new-null" "$T/bundle-null/rootfs/dev/null"
	holds attack_dev_of_bundle
	falls_without "links pivot" "victim touched" attack_dev_of_bundle
}

# --- A10, A11: places that are made ---------------------------------------------------------------

# contained RUN-ARG...: it may start or not; the victim stays as it is.
contained()
{
	seen=$(u run --rm --network none "$@" 2>&1)
	code=$?
	[ $code -ne 124 ] || bad "hangs with $*" || return 1
	! victim_touched || bad "with $*: $seen"
}

attack_mount_targets()
{
	mkdir -p "$T/x"
	echo text > "$T/f"
	for image in a10-abs a10-rel "--rootfs $T/root"; do
		# shellcheck disable=SC2086
		{
			contained -v "$T/x:/mnt/new/dir" $image true &&
				contained -v "$T/f:/mnt/new/file" $image true &&
				contained -v "$T/f:/mnt/dangling" $image true &&
				contained --tmpfs /mnt/t $image true &&
				contained --mount "type=tmpfs,target=/mnt/a/b/c" $image true &&
				contained -w /mnt/wd $image true &&
				contained -v "$T/x:/up/new" $image true
		} || return 1
	done
}

# row A10 A11: mount targets and WORKDIR made below a link to the host | red: without pivot
test_A10_A11_mount_targets()
{
	need fullmap || return 0
	mkrootfs "$T/root"
	rm -rf "$T/root/mnt"
	ln -s "$VICTIM" "$T/root/mnt"
	ln -s ../victim "$T/root/up"
	printf 'symlink mnt %s\nsymlink up ..%s\n' "$VICTIM" "$VICTIM" | mkimage a10-abs
	printf 'symlink mnt ../../../../../../../../..%s\nsymlink up /mnt\n' "$VICTIM" | mkimage a10-rel
	holds attack_mount_targets
	falls_without pivot "victim touched" attack_mount_targets
}

# A container exchanges a directory of a shared volume with a link to the victim, while others
# start with mounts below that directory.
attack_race()
{
	rm -rf "$T/vol"
	mkdir -p "$T/vol/a" "$T/x"
	ln -s "$VICTIM" "$T/vol/b"
	u run -d --name paths2 --network none -v "$T/vol:/m" -v "$HELPERS:/h:ro" busybox \
		/h/exchange /m/a /m/b > /dev/null || bad "no racer" || return 1
	i=0
	while [ $i -lt 100 ]; do
		contained -v "$T/vol:/m" -v "$T/x:/m/a/new" busybox true || break
		contained -v "$T/vol:/m" --tmpfs /m/a/tmp -w /m/a/wd busybox true || break
		i=$((i + 1))
	done
	u rm -f paths2 > /dev/null
	[ $i -eq 100 ]
}

# row A4 A10: a container exchanges a directory of a shared volume with a link while others mount below it | red: without pivot
test_A10_race()
{
	need fullmap || return 0
	holds attack_race
	falls_without pivot "victim touched" attack_race
}

. shunit2
