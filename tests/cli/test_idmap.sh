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
	mkimage ti-image << 'END'
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
	assert_run_subids "$T/none" "$T/none" "$UCTR" run --explain --network none busybox true
	assertOutHas '"userns": "one"' '"usernsWhy": "no subordinate user ids for user '
	ctr --explain --userns one busybox true
	assertOutHas '"userns": "one"'
	assertFalse "a reason for what was asked for" "grep -q usernsWhy $T.out"
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
	assertCleared
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
	elsewhere "$@" "$UCTR" unshare cat /proc/self/uid_map /proc/self/gid_map
}

# elsewhere SUBUID SUBGID COMMAND...: COMMAND in such a namespace. With the runtime directory of the
# uctr around it, one in there would be at home and make no namespace.
elsewhere()
{
	[ -d "$T/run.inner" ] || mkdir -m 0700 "$T/run.inner"
	assert_run env INNER="$T/run.inner" "$UCTR" unshare sh -c 'mount --bind "$0" /etc/subuid &&
		mount --bind "$1" /etc/subgid && export XDG_RUNTIME_DIR="$INNER" && shift && exec "$@"' "$@"
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
	elsewhere "$T/subuid" "$T/subgid" "$UCTR" run --rm --network none busybox \
		sh -c "cat /proc/self/uid_map; touch /f; chown 107:60 /f; stat -c %u:%g /f"
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

# owners FILE...: as a container with the map $1 shows them, without any map's other differences.
owners_under()
{
	map=$1
	shift
	ctr --userns "$map" -u 0 ti-image stat -c '%n %u:%g %A %s' "$@"
	assertExit 0
	assertErrEmpty
}

test_owners_are_the_same_under_every_map()
{
	need fullmap || return 0
	owned_image
	set -- /app /app/data /app/third /app/link /bin/busybox /etc/passwd
	owners_under full "$@"
	want=$out
	assertOutHas "/app 1000:1000 drwxr-xr-x" "/app/data 1000:1000 -rw-r-----" "/app/third 7:8 -rwsr-xr-x" \
		"/app/link 1000:1000 lrwxrwxrwx" "/bin/busybox 0:0 "
	for map in keep-id keep-id:uid=1000,gid=1000 keep-id:uid=7,gid=3 nomap auto:size=2000 host \
		keep-id:uid=5,gid=6,size=1500; do
		owners_under $map "$@"
		assertEquals "$map" "$want" "$out"
	done
	# A map that lacks an owner: root has it, nobody becomes root by it, and who it was is known.
	ctr --userns auto:size=8 -u 0 ti-image stat -c '%u:%g %A' /app/data /app/third
	assertExit 0
	assertOut "$(printf '0:0 -rw-r-----\n7:0 -rwxr-xr-x')"
	assert_run "$UCTR" rmi ti-image
	assertExit 0
	assertCleared
	assertEquals "forms are left" "" "$(find "$(data_dir)/layers" -name third)"
}

test_capabilities_of_files()
{
	need fullmap cmd:getfattr || return 0
	# cap_net_bind_service as permitted, version 2, as images bring it.
	printf 'pax LIBARCHIVE.xattr.security.capability %s\nfile app 755 x\n' AQAAAgAEAAAAAAAAAAAAAAAAAAA= |
		mkimage ti-image
	for map in full keep-id nomap auto; do
		ctr --userns $map ti-image true
		assertExit 0
	done
	# Version 2 is root's of the namespace that looks; others are told by the id of their root.
	for map in full keep-id nomap auto; do
		start_quiet --userns $map --name ti1 ti-image sleep 300
		root=$("$UCTR" exec -u 0 ti1 awk '$1 == 0 { print $2 }' /proc/self/uid_map)
		"$UCTR" unshare cp -a "/proc/$(pid_of ti1)/root/app" "$T/app.$map"
		case $root in
		0) want=0x0100000200040000000000000000000000000000 ;;
		*) want=0x01000003000400000000000000000000000000000${root}000000 ;;
		esac
		assertEquals "$map" "$want" "$(caps_of "$map")"
		"$UCTR" rm -f ti1 > /dev/null
	done
}

# caps_of MAP: file capabilities of the tree of ti-image's layer under that map.
caps_of()
{
	"$UCTR" unshare getfattr -e hex -n security.capability "$T/app.$1" 2> /dev/null | sed -n 's/^security.capability=//p'
}

test_keep_id()
{
	need fullmap || return 0
	mkdir "$T/dir"
	ctr --userns keep-id -v "$T/dir:/dir" busybox sh -c \
		'id -u; id -g; whoami; echo $HOME; touch /dir/f; stat -c %u:%g /dir /dir/f / /etc/hosts; touch /x'
	assertExit 1
	assertErrLine "touch: /x: Permission denied"
	me=$(id -u) mine=$(id -u):$(id -g)
	assertOut "$(printf '%s\n' "$me" "$(id -g)" "$(id -un)" / "$mine" "$mine" 0:0 0:0)"
	assertEquals "$mine" "$(stat -c %u:%g "$T/dir/f")"
	# The caller as another number; his home is his home where it is mounted.
	ctr --userns keep-id:uid=1000,gid=50 -v "$HOME:$HOME" busybox sh -c 'id -u; id -g; echo $HOME; touch $HOME/keep'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '1000\n50\n%s' "$HOME")"
	assertEquals "$mine" "$(stat -c %u:%g "$HOME/keep")"
	rm "$HOME/keep"
	# -u counts inside, and root is a subordinate id outside.
	ctr --userns keep-id -u 0 -v "$T/dir:/dir" busybox sh -c 'id -u; touch /x /dir/g && stat -c %u /dir/g'
	assertExit 0
	assertOut "$(printf '0\n0')"
	assertNotEquals "$(id -u)" "$(stat -c %u "$T/dir/g")"
	# An id beyond all ranges.
	ctr --userns keep-id:uid=1234567,gid=1234567 busybox sh -c 'id -u; cat /proc/self/uid_map'
	assertExit 0
	assertEquals "$(printf '1234567  \n0 1 65536\n1234567 0 1')" "$(inside_map)"
	ctr --userns keep-id:uid=3,gid=3,size=10 busybox cat /proc/self/uid_map
	assertEquals "$(printf '0 1 3\n3 0 1\n4 4 6')" "$(inside_map)"
	assertNothingLeft
}

test_keep_id_with_all_else()
{
	need fullmap || return 0
	start_quiet --userns keep-id --name ti1 --hostname h --read-only --tmpfs /tmp -v /etc:/host:ro busybox sleep 300
	assert_run "$UCTR" exec ti1 sh -c 'id -u; hostname; touch /tmp/x; head -c 4 /etc/hosts > /dev/null && cat /etc/hostname'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '%s\nh\nh' "$(id -u)")"
	assert_run "$UCTR" exec -u 0 ti1 id -u
	assertOut 0
	assertEquals "keep-id:uid=$(id -u),gid=$(id -g)" "$("$UCTR" ps --filter name=ti1 --format '{{.Userns}}')"
	mkrootfs "$T/root"
	ctr --userns keep-id --rootfs "$T/root" sh -c 'id -u; touch /made'
	assertExit 0
	assertOut "$(id -u)"
	assertEquals "$(id -u)" "$(stat -c %u "$T/root/made")"
	assert_pty 'expect uid=' "$UCTR" run --rm -it --network none --userns keep-id busybox id
	assertExit 0
}

test_nomap()
{
	need fullmap || return 0
	mkdir "$T/dir" && echo secret > "$T/dir/f" && chmod 0700 "$T/dir"
	ctr --userns nomap -v "$T/dir:/dir" busybox sh -c 'cat /proc/self/uid_map; id -u; touch /x; stat -c %u / /x /dir; cat /dir/f'
	assertExit 1
	assertErrLine "cat: can't open '/dir/f': Permission denied"
	assertEquals "$(printf '0 1 65536\n0  \n0  \n0  \n65534  ')" "$(inside_map)"
	start_quiet --userns nomap --name ti1 busybox sleep 300
	range=$(sed -n "s/^$(id -un):\([0-9]*\):.*/\1/p" /etc/subuid | head -n 1)
	assertEquals "container root is not the caller" "$range" "$(awk '/^Uid/ { print $2 }' "/proc/$(pid_of ti1)/status")"
	assert_run "$UCTR" rm -f ti1
	assertExit 0
	assertNothingLeft
}

test_auto_is_disjoint()
{
	need fullmap || return 0
	for name in ti1 ti2 ti3; do
		"$UCTR" run -d --network none --userns auto:size=1000 --name $name busybox sleep 300 > "$T/$name.out" 2>&1 &
	done
	wait
	for name in ti1 ti2 ti3; do
		"$UCTR" exec $name cat /proc/self/uid_map | awk '{ print $2, $3 }'
	done | sort -n > "$T/maps"
	assertEquals "$(printf '1 1000\n1001 1000\n2001 1000')" "$(cat "$T/maps")"
	# Stopped ones keep theirs; removed ones do not.
	second=$(sed -n '2p' "$T/maps")
	"$UCTR" stop -t 0 ti1 ti2 ti3 > /dev/null
	ctr --userns auto:size=1000 busybox cat /proc/self/uid_map
	assertEquals "0 3001 1000" "$(inside_map)"
	"$UCTR" rm ti1 ti2 ti3 > /dev/null
	ctr --userns auto:size=1000 busybox cat /proc/self/uid_map
	assertEquals "0 1 1000" "$(inside_map)"
	ctr --userns auto:size=1000 busybox cat /proc/self/uid_map
	assertEquals "given back at once: $second" "0 1 1000" "$(inside_map)"
	ctr --userns auto:size=65536 busybox id -u
	assertExit 0
	ctr --userns auto:size=65537 busybox id -u
	assertExit 125
	assertErrLine "uctr: --userns auto:size=65537: you have 65536 ids"
	start_quiet --userns auto:size=65000 --name ti1 busybox sleep 300
	ctr --userns auto:size=600 busybox true
	assertExit 125
	assertErrLine "uctr: --userns auto: no 600 ids in a row are left of your 65536; 1 containers have the others"
	assert_run "$UCTR" rm -f ti1
	assertNothingLeft
}

test_lines()
{
	need fullmap || return 0
	ctr --uidmap 0:1:10 --uidmap 10:0:1 busybox sh -c 'cat /proc/self/uid_map /proc/self/gid_map; stat -c %u /'
	assertExit 0
	assertErrEmpty
	assertEquals "$(printf '0 1 10\n10 0 1\n0 1 10\n10 0 1\n0  ')" "$(inside_map)"
	# Across the caller and his range: cut into two.
	ctr --uidmap 0:0:100 --gidmap "0:@$(id -g)" busybox cat /proc/self/uid_map /proc/self/gid_map
	assertExit 0
	assertEquals "$(printf '0 0 1\n1 1 99\n0 0 1')" "$(inside_map)"
	for bad in '+0:0:1' 0 0:0:0 0:0:1:1 x:0:1 0:-1:1 0:0:4294967296 :0:1; do
		ctr --uidmap "$bad" busybox true
		assertExit 125
		assertErrLine "uctr: --uidmap '$bad': want CONTAINER:HOST[:COUNT]"
	done
	ctr --uidmap 0:0:65538 busybox true
	assertErrLine "uctr: --uidmap '0:0:65538': id 0 and what follows are not all yours"
	ctr --gidmap 0:@0:1 busybox true
	assertErrLine "the host's 0 and what follows are not all yours"
	ctr --uidmap 0:0:10 --uidmap 5:20:1 busybox true
	assertErrLine "uctr: --uidmap: '5:20:1' has an id that another line has too"
	ctr --uidmap 4294967290:0:10 busybox true
	assertErrLine "uctr: --uidmap '4294967290:0:10': there are no ids beyond 4294967293"
	ctr --uidmap 1:0:10 busybox true
	assertErrLine "uctr: the map has no user 0, which every container needs"
	ctr --uidmap 0:0:1 --userns keep-id busybox true
	assertErrLine "uctr: --uidmap says what --userns says too; give one of them"
	assertExit 125
	assertNothingLeft
}

test_ranges_are_needed()
{
	need userns || return 0
	printf '' > "$T/none"
	for map in keep-id nomap auto; do
		assert_run_subids "$T/none" "$T/none" "$UCTR" run --rm --userns $map busybox true
		assertExit 125
		assertErrLine "uctr: --userns $map" " needs more ids than yours: no subordinate user ids for user"
	done
}

test_misuse()
{
	need userns || return 0
	ctr --userns frob busybox true
	assertExit 125
	assertErrLine "uctr: --userns 'frob': want full, host, keep-id[:uid=N,gid=N,size=N], nomap, auto[:size=N] or one"
	for bad in keep-id:foo=1 keep-id:uid auto:uid=1 nomap:size=1 one:size=1 container:x ns:/x ''; do
		ctr --userns "$bad" busybox true
		assertExit 125
		assertErrLine "uctr: --userns '$bad': want full, host, "
	done
	for bad in uid=-1 uid=x gid=4294967295 size=0 uid=99999999999; do
		ctr --userns "keep-id:$bad" busybox true
		assertExit 125
		assertErrLine "uctr: --userns: $bad: not a valid number"
	done
	ctr --userns keep-id:size=1 busybox true
	assertExit 125
	assertErrLine "uctr: the map has no user 0, which every container needs (keep-id: size must be at least 2)"
	assertNothingLeft
}

. shunit2
