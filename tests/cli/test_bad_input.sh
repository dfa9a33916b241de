#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear line that names what is wrong and the cure, and nothing left behind.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tb1
	"$UCTR" rmi -f hostile > /dev/null 2>&1
	return 0
}

# refused TEXT... -- ARG...: uctr with these arguments says one line with the texts, exits with 125
# and leaves nothing.
refused()
{
	: > "$T.want"
	while [ "$1" != -- ]; do
		printf '%s\n' "$1" >> "$T.want"
		shift
	done
	shift
	RUN_TIMEOUT=20
	assert_run "$UCTR" "$@"
	assertExit 125
	assertOut ""
	while IFS= read -r text; do
		assertErrLine "$text"
	done < "$T.want"
	case $err in
	"uctr: "*) ;;
	*) fail "the line does not begin with uctr: $err" ;;
	esac
	assertNothingLeft
}

# --- things that are not there ----------------------------------------------------------------

test_unknown_things()
{
	need fullmap || return 0
	refused no-such-image "uctr images" -- run --rm --pull never no-such-image true
	refused "unknown flag --no-such-flag" "'uctr run --help'" -- run --no-such-flag busybox
	refused "unknown flag -Z" "'uctr run --help'" -- run -Z busybox
	refused "unknown command 'no-such-command'" "'uctr --help' lists them" -- no-such-command
	refused "no user 'ghost'" -- run --rm -u ghost --network none busybox true
	refused "source $T/none" "create it first: mkdir -p $T/none" -- run -v "$T/none:/x" busybox true
	refused "--cap-add 'NO_SUCH'" "capabilities(7)" -- run --cap-add NO_SUCH busybox true
	refused "--device /dev/none: No such file" -- run --device /dev/none busybox true
	refused "unknown network 'nowhere'" "none, host, slirp4netns" -- run --network nowhere busybox true
	refused "'nosuch' is not known" "seccomp=FILE|unconfined" -- run --security-opt nosuch busybox true
	for verb in stop kill wait rm logs; do
		refused "no such container: ghost; 'uctr ps -a' lists them" -- $verb ghost
	done
	refused "no such container: ghost" -- exec ghost true
}

test_missing_values_and_operands()
{
	refused "--name needs a value (NAME)" -- run --name
	refused "-e needs a value" -- run -e
	refused "run takes more arguments; usage: uctr run IMAGE [COMMAND] [ARG...]" -- run -d
	refused "--rm: 'perhaps' is not true or false" -- run --rm=perhaps busybox true
}

# --- names ------------------------------------------------------------------------------------

test_names()
{
	need fullmap || return 0
	for bad in a/b ../x . .. .hidden -dash _under '' 'a b' 'a:b' "$(printf 'a\nb')" "$(printf 'a\033[31mb')" \
		"$(printf '%0300d' 1)" "$(printf '%0129d' 1)" 'ü' 'a*'; do
		refused "--name: invalid container name '" \
			"use letters, digits, '_', '.', '-', at most 128, beginning with a letter or digit" \
			-- run --rm --network none "--name=$bad" busybox true
	done
	# What would reach a terminal is made harmless.
	assert_run "$UCTR" run --rm --name "$(printf 'a\033[31m\nb')" busybox true
	assertEquals "no control characters" "" "$(tr -d '\n' < "$T.err" | tr -cd '\000-\037')"
	ctr --name "$(printf '%0128d' 1)" busybox echo longest
	assertOut longest
	for verb in stop kill wait rm logs; do
		refused "no such container: ../../x" -- $verb ../../x
	done
}

test_image_names()
{
	for bad in '' 'UPPER' 'a b' ../x "$(printf 'a\nb')" "$(printf '%0300d' 1)" 'a:' 'a@sha256:0'; do
		assert_run "$UCTR" run --rm -- "$bad" true
		assertExit 125
		assertErrLine "uctr: "
		assertNothingLeft
	done
}

# --- numbers and sizes ------------------------------------------------------------------------

test_numbers_and_sizes()
{
	need fullmap || return 0
	for bad in x '' -5 1x 99999999999999999999999 0x10 ' 1' '1 ' 1e9; do
		refused "--memory '$bad': want a size such as 512m or 2g" -- run --memory "$bad" busybox true
		refused "--shm-size '$bad': want a size such as 64m" -- run --shm-size "$bad" busybox true
		refused "--cpus '$bad':" -- run --cpus "$bad" busybox true
		refused "--pids-limit '$bad': want a number, -1 for no limit" -- run --pids-limit "$bad" busybox true
		refused "--ulimit 'nofile=$bad': not a number" -- run --ulimit "nofile=$bad" busybox true
		refused "--stop-timeout '$bad': want seconds" -- run --stop-timeout "$bad" busybox true
		refused "--timeout '$bad': want seconds, or 90s, 5m, 1h" -- run --timeout "$bad" busybox true
	done
}

# --- the command ------------------------------------------------------------------------------

test_root_without_the_command()
{
	need fullmap || return 0
	mkdir "$T/root"
	ctr --rootfs "$T/root" /bin/sh
	assertExit 127
	assertErrLine "uctr: exec '/bin/sh': no such file or directory in the container"
	mkdir "$T/root/bin"
	echo text > "$T/root/bin/sh"
	ctr --rootfs "$T/root" /bin/sh
	assertExit 126
	assertErrLine "uctr: exec '/bin/sh'" "Permission denied"
	chmod +x "$T/root/bin/sh"
	ctr --rootfs "$T/root" sh
	assertExit 126
	assertErrLine "uctr: exec 'sh'" "Exec format error"
	assertNothingLeft
}

# --- hostile roots ----------------------------------------------------------------------------

# hostile ENTRY...: an image of busybox with these entries (see mktar) in place of its own.
hostile()
{
	"$UCTR" rmi -f hostile > /dev/null 2>&1
	printf '%s\n' "$@" | mkimage hostile || fail "no image"
}

# starts: the image starts, as with a harmless one.
starts()
{
	RUN_TIMEOUT=20
	ctr hostile sh -c 'echo started in $(pwd)'
	assertExit 0
	assertErrEmpty
	assertOutHas "started in "
	assertNothingLeft
}

refused_image()
{
	refused "$1" -- run --rm --network none "$2" "$3" hostile true
}

test_links_in_place_of_mount_points()
{
	need fullmap || return 0
	for at in dev proc sys; do
		for to in /etc etc ../../../etc /proc/self/root; do
			hostile "symlink $at $to"
			refused "/$at is a symbolic link in the image; refusing to mount through it" -- \
				run --rm --network none hostile true
		done
		for entry in "fifo $at 644" "file $at 644 x"; do
			hostile "$entry"
			refused "mount target /$at: Not a directory" -- run --rm --network none hostile true
		done
	done
}

test_dev_of_the_image_is_covered()
{
	need fullmap || return 0
	hostile 'symlink dev/pts /etc' 'symlink dev/null /etc/passwd' 'fifo dev/tty 666' 'symlink dev/console /etc/passwd'
	ctr -t hostile sh -c 'echo x > /dev/null; cat /etc/passwd | head -n 1; tty'
	assertExit 0
	assertEquals "$(printf 'root:x:0:0:root:/root:/bin/sh\n/dev/pts/0')" "$(echo "$out" | tr -d '\r')"
}

test_passwd_that_is_no_file()
{
	need fullmap || return 0
	for entry in 'symlink etc/passwd /proc/self/environ' 'fifo etc/passwd 644' 'dir etc/passwd 755'; do
		hostile "$entry"
		refused_image "/etc/passwd in the container is not a regular file" -u 5
		# Root needs nothing from it.
		starts
	done
	hostile 'fill etc/passwd 644 5000000 x'
	refused_image "/etc/passwd in the container is larger than 4 MiB" -u 5
	starts
	hostile 'fifo etc/group 644'
	refused_image "/etc/group in the container is not a regular file" -u 5:users
	# A link inside the root is an ordinary one, and never leaves it.
	hostile 'symlink etc/passwd ../../../../etc/other' 'file etc/other 644 five:x:5:5::/home:/bin/sh'
	ctr -u five hostile id -u
	assertOut 5
}

test_workdir_that_is_no_directory()
{
	need fullmap || return 0
	hostile 'symlink work /proc/1/root'
	refused_image "working directory /work leads through a link of /proc; refused" -w /work
	for entry in 'fifo work 644' 'file work 644 x'; do
		hostile "$entry"
		refused_image "working directory /work: Not a directory" -w /work
	done
	hostile 'symlink work ../../../../../../usr'
	ctr -w /work hostile pwd
	assertOut /usr
	hostile 'symlink work /made/by/uctr'
	ctr -w /work hostile pwd
	assertOut /made/by/uctr
	[ ! -e /made ] || fail "a directory of the host was made"
}

test_etc_files_that_lead_elsewhere()
{
	need fullmap || return 0
	for file in resolv.conf hosts hostname; do
		hostile "symlink etc/$file /etc/passwd"
		starts
		hostile "fifo etc/$file 644"
		starts
		hostile "symlink etc/$file ../../../../../..$T/outside"
		starts
		[ ! -e "$T/outside" ] || fail "a file of the host was made"
	done
	hostile 'symlink etc/resolv.conf /proc/sysrq-trigger'
	refused "mount target /etc/resolv.conf" -- run --rm --network none hostile true
}

test_volume_targets_that_lead_elsewhere()
{
	need fullmap || return 0
	mkdir "$T/vol"
	echo volume > "$T/vol/file"
	hostile 'symlink data ../../../../../../usr/share'
	ctr -v "$T/vol:/data" hostile cat /usr/share/file
	assertOut volume
	hostile 'symlink data /proc/self'
	refused "/data" -- run --rm --network none -v "$T/vol:/data" hostile true
	hostile 'fifo data 644'
	refused "mount target /data: Not a directory" -- run --rm --network none -v "$T/vol:/data" hostile true
}

# --- nothing lost -----------------------------------------------------------------------------

test_a_failed_start_touches_no_other_container()
{
	need fullmap || return 0
	"$UCTR" run -d --name tb1 --network none busybox sleep 60 > /dev/null
	assert_run "$UCTR" run -d --name tb1 --replace --network none busybox no-such-program
	assertExit 127
	# --replace has removed the older one by then, as it was told; a mere clash does not.
	"$UCTR" run -d --name tb1 --network none busybox sleep 60 > /dev/null
	for bad in --memory=x --user='a b' --cap-add=x --name=tb1; do
		assert_run "$UCTR" run -d "$bad" --network none busybox true
		assertExit 125
		assertEquals running "$(state_of tb1)"
	done
}

test_bad_plan_is_found_before_the_older_container_goes()
{
	need fullmap || return 0
	"$UCTR" run -d --name tb1 --network none busybox sleep 60 > /dev/null
	for bad in --memory=x --cap-add=x --volume=/none:/x --network=x --sysctl=x --shm-size=x; do
		assert_run "$UCTR" run -d --name tb1 --replace "$bad" busybox true
		assertExit 125
		assertEquals "after $bad" running "$(state_of tb1)"
	done
}

. shunit2
