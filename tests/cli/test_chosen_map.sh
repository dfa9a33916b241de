#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The map that is chosen by itself: a container's user who is not root becomes the caller where a
# volume is the caller's.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	rm -rf "${T:?}/etc"
	mkdir "$T/dir"
	echo mine > "$T/dir/secret"
	chmod 0700 "$T/dir"
	chmod 0600 "$T/dir/secret"
	# The usual second is not enough on a busy machine.
	export UCTR_MAP_BUDGET=60s
}

tearDown()
{
	unset UCTR_MAP_BUDGET
	remove_containers ti1
	"$UCTR" rmi -f ti-image > /dev/null 2>&1
	"$UCTR" unshare rm -rf "$T/dir"
	return 0
}

app_passwd='root:x:0:0:root:/root:/bin/sh
app:x:1042:1043:an application:/opt/app:/bin/sh'
app_group='root:x:0:
app:x:1043:
more:x:1050:app
other:x:1060:'

# app_image USER: one whose passwd knows app.
app_image()
{
	mkdir -p "$T/etc"
	echo "$app_passwd" > "$T/etc/passwd"
	echo "$app_group" > "$T/etc/group"
	image_of "$1" etc/passwd etc/group
}

# image_of USER FILE...: busybox with files of $T, as root's.
image_of()
{
	image_user=$1
	shift
	gzip -dc "$(bundled_layer)" > "$T.image.tar"
	tar -rf "$T.image.tar" --owner 0 --group 0 -C "$T" "$@"
	"$UCTR" import --change "USER $image_user" "$T.image.tar" ti-image > /dev/null
	assertEquals 0 $?
	rm -f "$T.image.tar"
}

# in_dir [RUN-OPTION...] IMAGE: who it is, and what it can do in the caller's directory.
in_dir()
{
	rm -f "$T/dir/made"
	ctr -v "$T/dir:/dir" "$@" sh -c 'id -u; id -g; cat /dir/secret; touch /dir/made'
}

assert_mine()
{
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '%s\n%s\nmine' "$1" "$2")"
	assertEquals "$(id -u):$(id -g)" "$(stat -c %u:%g "$T/dir/made")"
}

# assert_closed UID: the full map: a subordinate user, to whom the directory is closed.
assert_closed()
{
	assertExit 1
	assertContains "$out" "$1"
	assertContains "$err" "can't open '/dir/secret': Permission denied"
	assertFalse "made" "[ -e '$T/dir/made' ]"
}

test_user_of_the_image()
{
	need fullmap || return 0
	app_image app
	in_dir ti-image
	assert_mine 1042 1043
	in_dir -u 1042 ti-image
	assert_mine 1042 1043
	in_dir -u app:other ti-image
	assert_mine 1042 1060
	in_dir -u 1042:7 ti-image
	assert_mine 1042 7
	in_dir -u 77 ti-image
	assert_mine 77 0
	# Who he is, is the image's word as ever: name, home, further groups.
	ctr -v "$T/dir:/dir" ti-image sh -c 'id -un; id -G; echo $HOME'
	assertExit 0
	assertOut "$(printf 'app\n1043 1050\n/opt/app')"
	# And a mount as --mount says it.
	ctr --mount "type=bind,src=$T/dir,dst=/dir" ti-image cat /dir/secret
	assertExit 0
	assertOut mine
	assertNothingLeft
}

test_the_callers_number()
{
	need fullmap || return 0
	in_dir -u "$(id -u):$(id -g)" busybox
	assert_mine "$(id -u)" "$(id -g)"
	in_dir -u "$(id -u)" busybox
	assertExit 0
	assertEquals "$(id -u)" "$(stat -c %u "$T/dir/made")"
}

test_it_is_told()
{
	need fullmap || return 0
	app_image 1042:1043
	start_quiet --name ti1 -v "$T/dir:/dir" ti-image sleep 300
	assertEquals "keep-id:uid=1042,gid=1043" "$("$UCTR" ps --filter name=ti1 --format '{{.Userns}}')"
	assertContains "$(cat "$(record_of ti1)")" "the container's user is not root, and $T/dir is yours"
	assert_run "$UCTR" exec ti1 sh -c 'id -u; cat /dir/secret'
	assertOut "$(printf '1042\nmine')"
	assert_run "$UCTR" exec -u 0 ti1 id -u
	assertOut 0
	assert_run "$UCTR" rm -f ti1
	ctr --explain -v "$T/dir:/dir" ti-image true
	assertExit 0
	assertOutHas '"userns": "keep-id:uid=1042,gid=1043"' "$T/dir is yours" \
		"1042-1042 inside is $(id -u)-$(id -u) of the host"
	assertNothingLeft
}

test_full_stays()
{
	need fullmap || return 0
	app_image app
	in_dir --userns full ti-image
	assert_closed 1042
	in_dir --userns host ti-image
	assert_closed 1042
	# Root is the caller anyway.
	for user in 0 root 0:0 root:1 0:1043; do
		ctr --explain -u $user -v "$T/dir:/dir" ti-image true
		assertOutHas '"userns": "full"'
	done
	# No volume, or none of the caller's.
	for volume in /etc:/host:ro /:/host:ro; do
		ctr --explain -v $volume ti-image true
		assertOutHas '"userns": "full"'
	done
	ctr --explain ti-image true
	assertOutHas '"userns": "full"'
	ctr --explain --tmpfs /dir --mount type=tmpfs,dst=/other ti-image true
	assertOutHas '"userns": "full"'
	mkrootfs "$T/root"
	ctr --explain --rootfs -u 1042 -v "$T/dir:/dir" "$T/root" true
	assertOutHas '"userns": "full"'
	# Nobody is asked for twice: an error is the merge's.
	ctr -u nobody-there -v "$T/dir:/dir" ti-image true
	assertExit 125
	assertErrLine "no user 'nobody-there' in the container's /etc/passwd"
	assertNothingLeft
}

test_it_costs_nothing_without_reason()
{
	need fullmap cmd:strace || return 0
	app_image app
	for args in "-u 0 -v $T/dir:/dir" "-u app" "-u app -v /etc:/host:ro" "-u 5:5 -v $T/dir:/dir"; do
		# shellcheck disable=SC2086 # options
		strace -f -e trace=openat2 -o "$T/trace" "$UCTR" run --explain $args ti-image true > /dev/null 2>&1
		assertEquals "$args" "" "$(grep '"etc"\|"passwd"' "$T/trace")"
	done
	strace -f -e trace=openat2 -o "$T/trace" "$UCTR" run --explain -v "$T/dir:/dir" ti-image true > /dev/null 2>&1
	assertContains "the control" "$(cat "$T/trace")" '"passwd"'
}

# stored: all of the data directory but what containers need, the (empty) directories of forms, and
# the notes of tries that failed.
stored()
{
	find "$(data_dir)" -mindepth 1 ! -path '*/containers*' ! -path '*/names*' ! -name '.slow-*' \( ! -path '*/layers/*' -o -path '*/layers/*/*' \) -print | sort
}

# A try that failed is not made again for the same time, but for more.
test_no_time_is_remembered()
{
	need fullmap cmd:strace || return 0
	app_image app
	ctr --userns full ti-image true
	export UCTR_MAP_BUDGET=4ms
	for why in "cannot be unpacked" "could not be unpacked, when that was tried,"; do
		in_dir ti-image
		assertContains "$err" "the layers of image localhost/ti-image:latest $why within 0.004 s"
	done
	strace -f -e trace=execve -o "$T/trace" "$UCTR" run --explain -v "$T/dir:/dir" ti-image true > /dev/null 2>&1
	assertContains "it was traced" "$(cat "$T/trace")" "exited with 0"
	assertFalse "a second try" "grep -q uctr-transfer $T/trace"
	# Neither for ever, nor for more time.
	find "$(data_dir)/layers" -maxdepth 2 -name '.slow-*' -exec touch -d '2 days ago' {} +
	in_dir ti-image
	assertContains "$err" " cannot be unpacked within 0.004 s"
	export UCTR_MAP_BUDGET=60s
	in_dir ti-image
	assert_mine 1042 1043
	assertNothingLeft
}

test_no_time()
{
	need fullmap || return 0
	app_image app
	ctr --userns full ti-image true
	stored > "$T/before"
	for time in 4ms 0 1us; do
		export UCTR_MAP_BUDGET=$time
		why="are too large to be unpacked"
		[ $time != 4ms ] || why="cannot be unpacked" # by trying it
		in_dir ti-image
		assertContains "$err" "uctr: warning: user 1042 of the container is not you, although a volume is yours: the layers of image localhost/ti-image:latest $why within"
		assertContains "$err" "; --userns keep-id:uid=1042,gid=1043 takes the time it needs, --userns full stops asking"
		assert_closed 1042
		ctr --explain -v "$T/dir:/dir" ti-image true
		assertOutHas '"userns": "full"' '"usernsWhy": "the layers of image'
		assertNothingLeft
		assertEquals "after $time" "" "$(stored | grep -vxFf "$T/before")"
	done
	# No line where it is said.
	in_dir --userns full ti-image
	assert_closed 1042
	assertFalse "a line" "grep -q warning $T.err"
	export UCTR_MAP_BUDGET=soon
	in_dir ti-image
	assertExit 125
	assertErrLine 'uctr: UCTR_MAP_BUDGET: want a time such as 500ms or 10s, not "soon"'
	export UCTR_MAP_BUDGET=60s
	in_dir ti-image
	assert_mine 1042 1043
	# They exist: no time is needed.
	export UCTR_MAP_BUDGET=0
	in_dir ti-image
	assert_mine 1042 1043
	assertNothingLeft
}

# stays_full: with whatever lies at /etc of the image, there is no choice, no hang, and no word.
stays_full()
{
	RUN_TIMEOUT=20
	assert_run "$UCTR" run --explain --network none -v "$T/dir:/dir" ti-image true
	assertExit 0
	assertErrEmpty
	assertOutHas '"userns": "full"'
}

test_hostile_passwd()
{
	need fullmap || return 0
	mkdir "$T/etc"
	echo 'app:x:4242:4242::/:/bin/sh' > "$T/passwd"
	ln -s "$T/passwd" "$T/etc/passwd"
	image_of app etc/passwd
	stays_full
	rm "$T/etc/passwd"
	mkfifo "$T/etc/passwd"
	image_of app etc/passwd
	stays_full
	rm "$T/etc/passwd"
	truncate -s 5M "$T/etc/passwd"
	image_of app etc/passwd
	stays_full
	rm "$T/etc/passwd"
	mkdir "$T/etc/passwd"
	image_of app etc/passwd
	stays_full
	rmdir "$T/etc/passwd"
	for line in 'app:x:0:0::/:' 'app:x:4294967295:1::/:' 'app:x:-1:1::/:' 'app:x::1::/:' 'app' ''; do
		echo "$line" > "$T/etc/passwd"
		image_of app etc/passwd
		stays_full
	done
	# The directory itself a link to the host's.
	rm -r "${T:?}/etc"
	ln -s "$T" "$T/etc"
	image_of app etc
	stays_full
}

. shunit2
