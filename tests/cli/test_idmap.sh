#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The ladder of id maps: --userns, and what uctr does by itself where ids are missing.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

runtime_was=$XDG_RUNTIME_DIR

# own_dirs: another store and another namespace, for as long as the test runs.
own_dirs()
{
	export UCTR_DATA="$T/data" XDG_RUNTIME_DIR="$T/run"
	mkdir -m 0700 "$XDG_RUNTIME_DIR"
}

tearDown()
{
	unset UCTR_DATA
	export XDG_RUNTIME_DIR="$runtime_was"
	remove_containers ti1 ti2 ti3
	"$UCTR" rmi -f ti-image > /dev/null 2>&1
	return 0
}

# inside_map: the maps that the container printed, one "INSIDE OUTSIDE COUNT" a line.
inside_map()
{
	echo "$out" | awk '{ print $1, $2, $3 }'
}

# owned_image: root's, an application's and a third owner's files.
owned_image()
{
	mkimage ti-image "$@" << 'END'
owner 1000 1000
dir app 755
file app/data 640 data
symlink app/link data
owner 7 8
file app/third 4755 third
END
}

test_one_id()
{
	need userns || return 0
	ctr --userns one busybox sh -c 'cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u'
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf '0 0 1\n0 0 1\ndeny  \n0  ')" "$(inside_map)"
	# What it makes is the caller's outside.
	mkdir "$T/dir"
	ctr --userns one -v "$T/dir:/dir" busybox sh -c 'touch /dir/f /f; chown 0:0 /f; stat -c %u:%g /dir/f'
	assertExit 0
	assertOut 0:0
	assertEquals "$(id -u):$(id -g)" "$(stat -c %u:%g "$T/dir/f")"
	assertNothingLeft
}

test_one_id_needs_no_helper()
{
	need userns || return 0
	printf '' > "$T/none"
	assert_run_subids "$T/none" "$T/none" "$UCTR" run --rm --network none --userns one busybox id -u
	assertExit 0
	assertErrEmpty
	assertOut 0
	assertNothingLeft
}

test_no_ranges_is_one_id_and_one_line()
{
	need userns || return 0
	printf '' > "$T/none"
	assert_run_subids "$T/none" "$T/none" "$UCTR" run --rm --network none busybox cat /proc/self/uid_map
	assertExit 0
	assertErrLine "uctr: warning: containers have one id, yours: no subordinate user ids for user $(id -un)" \
		"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
	assertEquals "0 0 1" "$(inside_map)"
	assert_run_subids "$T/none" "$T/none" "$UCTR" unshare id -u
	assertExit 0
	assertErrLine "containers have one id, yours"
	assertOut 0
	assertNothingLeft
}

test_no_rights_for_the_helpers_is_one_id_and_one_line()
{
	need userns cmd:setpriv || return 0
	assert_run setpriv --no-new-privs "$UCTR" run --rm --network none busybox cat /proc/self/uid_map
	assertExit 0
	assertErrLine "containers have one id, yours: newuidmap gets no rights under no_new_privs"
	assertEquals "0 0 1" "$(inside_map)"
	assertNothingLeft
}

test_one_id_beside_the_full_map()
{
	need fullmap helper:payload || return 0
	start_quiet --name ti1 busybox sleep 300
	start_quiet --name ti2 --userns one busybox sleep 300
	assertEquals "0 0 1" "$("$UCTR" exec ti2 cat /proc/self/uid_map | awk '{ print $1, $2, $3 }')"
	assertEquals 2 "$("$UCTR" exec ti1 cat /proc/self/uid_map | grep -c .)"
	assertNotEquals "$("$HELPERS/payload" parentns "$(pid_of ti1)")" \
		"$("$HELPERS/payload" parentns "$(pid_of ti2)")"
	# The next of each kind joins its own.
	start_quiet --name ti3 --userns one busybox sleep 300
	assertEquals "$("$HELPERS/payload" parentns "$(pid_of ti2)")" \
		"$("$HELPERS/payload" parentns "$(pid_of ti3)")"
	assert_run "$UCTR" rm -f ti1 ti2 ti3
	assertExit 0
	assertNothingLeft
}

test_one_id_records_owners()
{
	need userns cmd:getfattr || return 0
	own_dirs
	printf '' > "$T/none"
	mktar "$T/owned.tar" << 'END'
owner 1000 1000
dir app 755
file app/data 640 data
symlink app/link data
owner 0 7
file app/half 644 half
owner 0 0
file app/mine 644 mine
END
	assert_run_subids "$T/none" "$T/none" "$UCTR" import "$T/owned.tar" ti-image
	assertExit 0
	assertErrLine "containers have one id, yours"
	tree=$(find "$UCTR_DATA/layers" -name app)
	assertEquals "$(id -u):$(id -g)" "$(stat -c %u:%g "$tree/data")"
	assertEquals 640 "$(stat -c %a "$tree/data")"
	assertEquals 1000:1000 "$(getfattr --only-values -n user.uctr.owner "$tree/data")"
	assertEquals 1000:1000 "$(getfattr --only-values -n user.uctr.owner "$tree")"
	assertEquals 0:7 "$(getfattr --only-values -n user.uctr.owner "$tree/half")"
	assertEquals "" "$(getfattr -d "$tree/mine")"
	assert_run "$UCTR" rmi ti-image
	assertExit 0
	assertEquals "" "$(find "$UCTR_DATA/layers" -name app)"
}

test_an_image_brings_no_record()
{
	need userns cmd:getfattr || return 0
	own_dirs
	printf 'pax SCHILY.xattr.user.uctr.owner 5:5\npax SCHILY.xattr.user.other 1\nfile f 644 x\n' |
		mkimage_raw ti-image
	assertEquals 1 "$(getfattr --only-values -n user.other "$(find "$UCTR_DATA/layers" -name f)")"
	assertFalse "a record of the image's own" \
		"getfattr -n user.uctr.owner $(find "$UCTR_DATA/layers" -name f) 2> /dev/null"
}

# explained_map SUBUID SUBGID: the map of the namespace that uctr makes for root of a namespace with
# all the caller's ids, where it writes maps directly.
explained_map()
{
	assert_run "$UCTR" unshare sh -c 'mount --bind "$0" /etc/subuid && mount --bind "$1" /etc/subgid &&
		shift && exec "$@"' "$@" "$UCTR" unshare cat /proc/self/uid_map /proc/self/gid_map
}

test_many_ranges()
{
	need fullmap || return 0
	own_dirs
	# By name, by number, what is no range, and an id that two lines name.
	printf 'root:100:50\nother:5:5\n0:1000:50\nroot:140:100\nroot:0:9\nroot:2000:0\nroot\nroot:3000:7' > "$T/subuid"
	printf '0:200:10\nroot:100:50\n' > "$T/subgid"
	explained_map "$T/subuid" "$T/subgid"
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf '0 0 1\n1 100 50\n51 1000 50\n101 3000 7\n0 0 1\n1 200 10\n11 100 50')" "$(inside_map)"
	# A start in them: the child's map is cut at the same places.
	assert_run "$UCTR" unshare sh -c 'mount --bind "$0" /etc/subuid && mount --bind "$1" /etc/subgid &&
		exec "$2" run --rm --network none busybox sh -c "cat /proc/self/uid_map; touch /f; chown 107:60 /f; stat -c %u:%g /f"' \
		"$T/subuid" "$T/subgid" "$UCTR"
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf '0 0 1\n1 1 50\n51 51 50\n101 101 7\n107:60  ')" "$(inside_map)"
	# More lines than the kernel takes: a start all the same.
	i=0
	while [ $i -lt 400 ]; do
		i=$((i + 1))
		echo "root:$((100 + i * 10)):5"
	done > "$T/subuid"
	explained_map "$T/subuid" "$T/subuid"
	assertExit 0
	assertErrEmpty
	lines=$(echo "$out" | grep -c .)
	assertTrue "$lines lines for users and groups" "[ $lines -gt 400 ] && [ $lines -lt 680 ]"
}

test_ranges_of_another_namespace()
{
	need fullmap || return 0
	# Root of a namespace has what that maps, whatever /etc/subuid says of the host's ids.
	own_dirs
	echo root:900000000:65536 > "$T/subids"
	explained_map "$T/subids" "$T/subids"
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf '0 0 1\n1 1 65536\n0 0 1\n1 1 65536')" "$(inside_map)"
}

test_ranges_of_a_directory_service()
{
	need fullmap cmd:setpriv || return 0
	own_dirs
	printf '' > "$T/none"
	echo 'subid: fake' > "$T/nsswitch"
	printf '#!/bin/sh\necho "0: $1 500 100"\n' > "$T/getsubids"
	echo 'dirserv:x:70:70::/:/bin/sh' > "$T/passwd"
	chmod -R a+rX "$T" && chmod 755 "$T/getsubids"
	# Another user below the caller's ranges, whom no file knows. That no helper gets rights there,
	# not that there are no ranges, is what is told.
	cat > "$T/try" << 'END'
mount --bind "$1/none" /etc/subuid && mount --bind "$1/none" /etc/subgid &&
	mount --bind "$1/passwd" /etc/passwd &&
	if [ "$2" = yes ]; then
		mount --bind "$1/getsubids" /usr/bin/getsubids && mount --bind "$1/nsswitch" /etc/nsswitch.conf
	fi || exit 99
mount -t tmpfs -o mode=0700,uid=70,gid=70 none /mnt || exit 98
cd /
export UCTR_DATA=/mnt/data XDG_RUNTIME_DIR=/mnt
exec setpriv --reuid 70 --regid 70 --clear-groups "$3" unshare true
END
	assert_run "$UCTR" unshare sh "$T/try" "$T" no "$UCTR"
	assertErrLine "containers have one id, yours: no subordinate user ids for user dirserv"
	assert_run "$UCTR" unshare sh "$T/try" "$T" yes "$UCTR"
	assertErrLine "containers have one id, yours: /usr/bin/newuidmap is neither setuid root"
	assertExit 0
}

test_misuse()
{
	need userns || return 0
	ctr --userns frob busybox true
	assertExit 125
	assertErrLine "uctr: --userns 'frob': want "
	assertNothingLeft
}

. shunit2
