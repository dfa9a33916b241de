#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A13, A20, A22, B17 and H13: who a process in the container is, what it may do, and which of
# the caller's secrets an image can name.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

newline='
'

tearDown()
{
	unset UCTR_IMAGES
	"$UCTR" rm -f identity > /dev/null 2>&1
	return 0
}

# --- A13: capabilities ----------------------------------------------------------------------------

# caps_are WHAT WANT COMMAND...: CapInh, CapPrm, CapEff, CapBnd and CapAmb as printed by COMMAND.
caps_are()
{
	what=$1 want=$2
	shift 2
	seen=$("$@" sed -n 's/^Cap[A-Z][a-z]*:[[:space:]]*0*//p' /proc/self/status 2>&1 | tr '\n' ' ')
	[ "$seen" = "$want" ] || bad "$what: capabilities [$seen], want [$want]"
}

attack_inheritable()
{
	all=800405fb
	chroot=40000
	net=1000
	caps_are run " $all $all $all  " u run --rm --network none busybox &&
		caps_are "run --cap-add" " 800415fb 800415fb 800415fb  " \
			u run --rm --network none --cap-add net_admin busybox &&
		caps_are "run -u" "   $all  " u run --rm --network none -u 1000 busybox &&
		caps_are "run -u --cap-add" "$net $net $net 800415fb $net " \
			u run --rm --network none -u 1000 --cap-add net_admin busybox &&
		caps_are "run --cap-drop all" "     " \
			u run --rm --network none --cap-drop all busybox &&
		caps_are "run --cap-drop all --cap-add" " $chroot $chroot $chroot  " \
			u run --rm --network none --cap-drop all --cap-add sys_chroot busybox || return 1
	u run -d --name identity --network none busybox sleep 1000 > /dev/null || bad "no container" ||
		return 1
	code=0
	caps_are exec " $all $all $all  " u exec identity &&
		caps_are "exec -u" "   $all  " u exec -u 1000 identity || code=1
	u rm -f identity > /dev/null
	return $code
}

# row A13: inheritable and ambient sets of the first process and of exec, for root and others | red: without inheritable
test_A13_inheritable_capabilities()
{
	need fullmap || return 0
	holds attack_inheritable
	falls_without inheritable "run: capabilities [800405fb 800405fb" attack_inheritable
}

# --- A20: USER ------------------------------------------------------------------------------------

# One string a line: not one of them asks for uid 0. The image's passwd has entries for many.
users='2147483648
4294967294
4294967295
4294967296
4294967297
8589934592
18446744073709551615
18446744073709551616
99999999999999999999999
-1
-0
-4294967296
+0
+1
0x0
0x1
1e3
00
01
000000000000
0.0
0,1
1:
:
:0
:1
0:
1:2:3
1:-1
1:00
1:0x0
1:4294967295
1:4294967296
0:4294967296
root:4294967296
root:x:0
no-such-user
1:no-such-group
../0
root/
٠'

# not_root USER COMMAND...: refused with one line, or somebody else.
not_root()
{
	user=$1
	shift
	code=0
	# shellcheck disable=SC2016
	seen=$("$@" sh -c 'echo uid=$(id -u) gid=$(id -g)' 2>&1) || code=$?
	case "$code $seen" in
	124*) bad "hangs with user '$user'" ;;
	*uid=*) bad "user '$user' became $seen" ;;
	125*uctr:*) [ "$(echo "$seen" | wc -l)" -eq 1 ] || bad "user '$user': $seen" ;;
	*) bad "user '$user': exit code $code: $seen" ;;
	esac
}

attack_users()
{
	u run -d --name identity --network none a20 sleep 1000 > /dev/null || bad "no container" ||
		return 1
	IFS=$newline
	for user in $users " 0" "0 " "root${newline}" "x${newline}root" "	0"; do
		unset IFS
		not_root "$user" u run --rm --network none "--user=$user" a20 || break
		not_root "$user" u exec "--user=$user" identity || break
	done
	# $user is that of the last turn: with a break, the bad one.
	u rm -f identity > /dev/null
	[ "$user" = "	0" ]
}

# row A20: some 50 strings as `-u` and `exec -u`; passwd entries for numbers that overflow | red: without numbers
test_A20_users()
{
	need fullmap || return 0
	printf '%s\n' 'file etc/passwd 0644 root:x:0:0::/root:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n2147483648:x:0:0::/:/bin/sh\n-1:x:0:0::/:/bin/sh\n00:x:0:0::/:/bin/sh\n+0:x:0:0::/:/bin/sh\n:x:0:0::/:/bin/sh\nbig:x:4294967296:0::/:/bin/sh\nminus:x:-1:0::/:/bin/sh\n' |
		mkimage a20
	users="$users
big
minus
big:0
minus:1"
	holds attack_users
	falls_without numbers "became uid=0" attack_users
}

# An image keeps its config for good once it is in the store: a name for each.
attack_image_users()
{
	number=0
	IFS=$newline
	# The last ones in JSON's own notation: blanks, a new line, a zero byte, no text at all.
	for user in $users ' 0' 'root\n' 'root\u0000x' '0\u0000'; do
		unset IFS
		number=$((number + 1))
		mkconfig a20-$number "{\"User\":\"$user\"}"
		code=0
		seen=$(u run --rm --network none a20-$number id -u 2>&1) || code=$?
		case "$code $seen" in
		125*uctr:*) ;;
		*) bad "image with user '$user' runs as $seen ($code)" || return 1 ;;
		esac
	done
	for user in 0 null '["0"]' '{}'; do
		number=$((number + 1))
		mkconfig a20-$number "{\"User\":$user}"
		u run --rm --network none a20-$number id -u > "$T/out" 2>&1 && [ "$user" != null ] && { bad "image with user $user ran"; return 1; }
	done
	return 0
}

# row A20: the same strings as the image's User | red: without numbers
test_A20_users_of_the_image()
{
	need fullmap || return 0
	own_images
	holds attack_image_users
	falls_without numbers "runs as 0" attack_image_users
}

# --- A22: passwd and group ------------------------------------------------------------------------

# named_user TEXT RUN-ARG...: a start under a name ends at once with TEXT, and with little memory.
named_user()
{
	text=$1
	shift
	code=0
	# shellcheck disable=SC3045
	seen=$(ulimit -v 400000 && U_TIMEOUT=5 u run --rm --network none -u alice "$@" id 2>&1) || code=$?
	case "$code $seen" in
	124* | 137*)
		# A writer lets the stuck reader go on, and so the container end.
		timeout 2 sh -c ": > '$2/etc/passwd' > '$2/etc/group'" 2> /dev/null
		bad "hangs with $*"
		;;
	125*"$text"*) ;;
	*) bad "with $*: $code $seen" ;;
	esac || return 1
	# Root needs nothing from the file: he starts all the same.
	seen=$(U_TIMEOUT=5 u run --rm --network none "$@" echo started 2>&1) || code=$?
	[ "$seen" = started ] || bad "root's start with $*: $seen"
}

attack_passwd_files()
{
	for file in passwd group; do
		for kind in fifo dir zero; do
			named_user "is not a regular file" --rootfs "$T/$file-$kind" || return 1
		done
		for kind in large sparse line; do
			named_user "is larger than 4 MiB" --rootfs "$T/$file-$kind" || return 1
		done
	done
	named_user "no user 'alice'" --rootfs "$T/passwd-host" &&
		named_user "no user 'alice'" --rootfs "$T/passwd-up"
}

# row A22: `/etc/passwd` and `/etc/group` as FIFO, directory, link to `/dev/zero` or to the host, 8 MB, 2 GB sparse, a line of 100 MB | red: without regular
test_A22_passwd_and_group()
{
	need fullmap || return 0
	echo 'alice:x:0:0::/:/bin/sh' > "$T/host-passwd"
	mkrootfs "$T/base"
	mkdir "$T/base/dev.own"
	for file in passwd group; do
		for kind in fifo dir zero large sparse line host up; do
			cp -al "$T/base" "$T/$file-$kind"
			f=$T/$file-$kind/etc/$file
			rm -f "$f"
			case $kind in
			fifo) mkfifo "$f" ;;
			dir) mkdir "$f" ;;
			zero) ln -s /dev/zero "$f" ;;
			large) head -c 8M /dev/zero | tr '\000' '\n' > "$f" ;;
			sparse) truncate -s 2G "$f" ;;
			line) head -c 100M /dev/zero | tr '\000' x > "$f" ;;
			host) ln -s "$T/host-passwd" "$f" ;;
			up) ln -s ../../host-passwd "$f" ;;
			esac
		done
	done
	holds attack_passwd_files
	falls_without regular "hangs with" attack_passwd_files
	# The last line may lack its end.
	printf 'bob:x:7:7::/:/bin/sh' > "$T/base/etc/passwd.new"
	mv "$T/base/etc/passwd.new" "$T/base/etc/passwd"
	assert_run "$UCTR" run --rm --network none -u bob --rootfs "$T/base" id -u
	assertExit 0
	assertOut 7
}

# For a uid without a name uctr adds a line to passwd, with root's rights in the container and a
# HOME of the image's choice: never to a file of the host's, where the image's link may lead.
attack_passwd_on_volume()
{
	echo 'export PATH' > "$T/volume/.profile"
	cp "$T/base/etc/passwd" "$T/volume/passwd"
	sum=$(cat "$T/volume/.profile" "$T/volume/passwd" | sha256sum)
	u run --rm --network none -u 1234 -e 'HOME=/;touch pwned;' -v "$T/volume:/v" a22-link true ||
		bad "did not start" || return 1
	u run --rm --network none -u 1234 -v "$T/volume/passwd:/etc/passwd" busybox true ||
		bad "did not start" || return 1
	[ "$(cat "$T/volume/.profile" "$T/volume/passwd" | sha256sum)" = "$sum" ] ||
		bad "written to the host: $(tail -n 1 "$T/volume/.profile")"
}

# row A22: a uid without a name, `/etc/passwd` as a link to a volume or a volume itself: the line that uctr adds | red: without onroot
test_A22_passwd_on_a_volume()
{
	need fullmap || return 0
	mkdir "$T/volume"
	mkrootfs "$T/base"
	echo 'symlink etc/passwd /v/.profile' | mkimage a22-link
	holds attack_passwd_on_volume
	falls_without onroot "written to the host: 1234:" attack_passwd_on_volume
}

# The container puts a FIFO there while it runs.
attack_fifo_at_exec()
{
	u run -d --name identity --network none busybox sh -c \
		'rm /etc/passwd; mkfifo /etc/passwd; echo ready; sleep 1000' > /dev/null
	# No exec to see it: without the check that one would hang.
	wait_for 5 sh -c "\"$UCTR\" logs identity | grep -q ready" || bad "no container" || return 1
	code=0
	seen=$(U_TIMEOUT=5 u exec -u alice identity id 2>&1) || code=$?
	u rm -f identity > /dev/null
	case "$code $seen" in
	125*"is not a regular file"*) ;;
	*) bad "exec -u ended with $code: $seen" ;;
	esac
}

# row A22: a FIFO put there before an exec | red: without regular
test_A22_fifo_at_exec()
{
	need fullmap || return 0
	holds attack_fifo_at_exec
	falls_without regular "exec -u ended with 1" attack_fifo_at_exec
}

# --- B17: variables -------------------------------------------------------------------------------

attack_environment()
{
	seen=$(u run --rm --network none "$1" env 2>&1) || bad "refused: $seen" || return 1
	case $seen in
	*canary*) bad "the caller's variable came through: $seen" ;;
	*B17_GOOD=yes*) ;;
	*) bad "the image's own variable is lost: $seen" ;;
	esac
}

# row B17: Env entries without `=`, with globs, empty | red: without env
test_B17_environment_of_the_image()
{
	need fullmap || return 0
	own_images
	# shellcheck disable=SC2016
	mkconfig b17 '{"Env":["UCTR_B17","UCTR_B*","*","$UCTR_B17","B17_GOOD=yes"]}'
	mkconfig b17-empty '{"Env":["","=","=x","=UCTR_B17","UCTR_B17","B17_GOOD=yes"]}'
	export UCTR_B17=canary
	holds attack_environment b17
	holds attack_environment b17-empty
	falls_without env "the caller's variable came through" attack_environment b17
	# What the caller himself names is his choice.
	# shellcheck disable=SC2016
	assert_run "$UCTR" run --rm --network none -e UCTR_B17 b17 sh -c 'echo "$UCTR_B17"'
	assertOut canary
	unset UCTR_B17
}

# row B17: a zero byte in Env, 100 000 entries | red: 4000 entries, which are taken
test_B17_absurd_environments()
{
	need fullmap || return 0
	own_images
	mkconfig b17-nul '{"Env":["A\u0000B=x"]}'
	assert_run "$UCTR" run --rm --network none b17-nul env
	assertExit 125
	mkconfig b17-many "{\"Env\":[$(seq -s, 100000 | sed 's/[0-9][0-9]*/"V&=x"/g')]}"
	assert_run "$UCTR" run --rm --network none b17-many env
	assertExit 125
	assertErrLine "more than 4096 entries"
	mkconfig b17-some "{\"Env\":[$(seq -s, 4000 | sed 's/[0-9][0-9]*/"V&=x"/g')]}"
	falls "it worked" works run --rm --network none b17-some true
}

# --- H13: setuid ----------------------------------------------------------------------------------

# stays TEXT RUN-ARG...: what suidprobe prints contains TEXT.
stays()
{
	text=$1
	shift
	seen=$(u run --rm --network none -u 1000 "$@" 2>&1)
	case $seen in
	*"$text"*) ;;
	*) bad "rights gained: $seen ($*)" ;;
	esac
}

none='uid 1000 euid 1000 eff 0000000000000000'

attack_setuid_of_image()
{
	stays "$none" "$@" h13 /suid
}

attack_file_caps()
{
	u run -d --name identity --network none "$@" h13 sh -c \
		'cp /plain /caps; /plain grant /caps && touch /ready; sleep 1000' > /dev/null
	wait_for 5 "$UCTR" exec identity ls /ready || bad "no container" || return 1
	seen=$(u exec -u 1000 identity /caps 2>&1)
	u rm -f identity > /dev/null
	[ "$seen" = "$none" ] || bad "rights gained: $seen"
}

# The full map: where user 1000 is the caller, the file is his own and gives nothing.
attack_setuid_of_volume()
{
	stays "$none" --userns full -v "$T/volume:/v" busybox /v/suid &&
		stays "$none" --userns full --mount "type=bind,source=$T/volume,target=/v" busybox /v/suid &&
		stays "$none" --userns full -v "$T/volume/suid:/suid:ro" busybox /suid || return 1
	seen=$(u run --rm --network none -v "$T/volume:/v" busybox \
		sh -c 'grep " /v " /proc/self/mountinfo' 2>&1)
	case $seen in
	*nosuid,nodev*) ;;
	*) bad "the volume's mount: $seen" ;;
	esac
}

# row H13: setuid and file capabilities in the image with no-new-privileges; setuid in a volume | red: without nosuid; without the flag
test_H13_setuid()
{
	need fullmap || return 0
	mkdir "$T/files" "$T/volume"
	cp "$HELPERS/suidprobe" "$T/files/suid"
	cp "$HELPERS/suidprobe" "$T/files/plain"
	cp "$HELPERS/suidprobe" "$T/volume/suid"
	chmod 4755 "$T/files/suid" "$T/volume/suid"
	mkimage_files h13 "$T/files"
	holds attack_setuid_of_image --security-opt no-new-privileges
	holds attack_file_caps --security-opt no-new-privileges
	holds attack_setuid_of_volume
	# Without the flag setuid programs of the image work, as sudo has to.
	falls "euid 0" attack_setuid_of_image
	falls "euid 1000 eff 0000000000040000" attack_file_caps
	falls_without nosuid "euid 0" attack_setuid_of_volume
}

. shunit2
