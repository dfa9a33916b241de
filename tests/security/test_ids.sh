#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A21, F12 and H15: groups that deny, and which host id an id of a container is.
# shellcheck disable=SC2016 # what is in single quotes expands in the container

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

newline='
'

tearDown()
{
	"$UCTR" rm -f ids > /dev/null 2>&1
	return 0
}

# --- A21: groups of the image's user --------------------------------------------------------------

# in_groups WANT RUN-OPTION...: the process has the groups WANT, by run and by exec.
in_groups()
{
	want=$1
	shift
	seen=$(u run --rm --network none "$@" a21 sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status 2>&1)
	[ "${seen% }" = "$want" ] || bad "run $*: groups [$seen], not [$want]" || return 1
	seen=$(u exec "$@" ids sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status 2>&1)
	[ "${seen% }" = "$want" ] || bad "exec $*: groups [$seen], not [$want]"
}

# denied USER: what a group of the user may not read stays closed, also to a program that runs as
# another primary group and so forgets the first one (CVE-2022-36109).
denied()
{
	for f in /of-primary /of-listed; do
		for program in cat /setgid/cat; do
			seen=$(u exec -u "$1" ids $program $f 2>&1) && { bad "$1: $program read $f: $seen"; return 1; }
			case $seen in
			*"Permission denied"*) ;;
			*) bad "$1: $program $f: $seen" || return 1 ;;
			esac
		done
	done
}

attack_groups()
{
	u run -d --name ids --network none a21 sh -c '
		mkdir /setgid
		cp /bin/busybox /setgid/cat
		chgrp 702 /setgid/cat
		chmod 2755 /setgid/cat
		echo secret | tee /of-primary > /of-listed
		chgrp 1000 /of-primary
		chgrp 700 /of-listed
		chmod 0604 /of-primary /of-listed
		touch /ready
		exec sleep 1000' > /dev/null
	wait_for 5 "$UCTR" exec ids ls /ready || bad "no container" || return 1
	code=0
	in_groups "700 701 1000" -u app &&
		in_groups "700 701 1000" -u 1000 &&
		in_groups "1000" -u 1000:1000 &&
		in_groups "700" -u app:listed &&
		in_groups "0" -u 4321 &&
		in_groups "0" -u root && denied app && denied 1000 || code=1
	u rm -f ids > /dev/null
	return $code
}

# row A21: a group of the image's user is missing, so that a file which this group may not read opens: by name and number, run and exec, through a setgid program | red: without groups
test_A21_groups_of_the_user()
{
	need fullmap || return 0
	mkimage a21 <<- 'END'
		file etc/passwd 0644 root:x:0:0::/root:/bin/sh\x0aapp:x:1000:1000::/:/bin/sh\x0a
		file etc/group 0644 root:x:0:\x0aapp:x:1000:\x0alisted:x:700:app,other\x0athird:x:701:app\x0aelse:x:702:apple,ap\x0a
	END
	holds attack_groups
	falls_without groups "not [700 701 1000]" attack_groups
}

# --- F12: a group that the caller cannot get rid of -----------------------------------------------

# denying_file: a file of somebody else's that the caller's other group, and no one else, may not read.
denying_file()
{
	other=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1)
	mkdir -m 0777 "$T/shared"
	chgrp "$other" "$T/shared"
	chmod 2777 "$T/shared"
	"$UCTR" run --rm --network none --userns full -u 1000:1000 -v "$T/shared:/shared" busybox \
		sh -c 'umask 0062; echo secret > /shared/f'
	assertEquals "604 $other" "$(stat -c '%a %g' "$T/shared/f")"
	assertNotEquals "$(id -u)" "$(stat -c %u "$T/shared/f")"
	cat "$T/shared/f" > /dev/null 2>&1
	assertEquals "closed to the caller" 1 $?
}

tries='cat /shared/f 2> /dev/null
/dropgroups cat /shared/f 2>&1 | grep -v "denied"
echo "setgroups $(cat /proc/self/setgroups)"'

# one_id: a container of one id alone. It reads nothing and may set no groups.
one_id()
{
	mkbundle "$T/bundle" sh /tries
	echo "$tries" > "$T/bundle/rootfs/tries"
	cp "$HELPERS/dropgroups" "$T/bundle/rootfs/"
	mkdir "$T/bundle/rootfs/shared"
	sed -i "s|\"mounts\":\[|&{\"destination\":\"/shared\",\"type\":\"bind\",\"source\":\"$T/shared\",\"options\":[\"bind\"]},|" \
		"$T/bundle/config.json"
	seen=$(cd "$T/bundle" && timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run ids 2>&1 < /dev/null)
	rm -rf "$T/bundle"
	[ "$seen" = "dropgroups: setgroups refused${newline}setgroups deny" ] || bad "one id: $seen"
}

# many_ids [RUN-OPTION...]: the same with the range that an administrator gave.
many_ids()
{
	echo "$tries" > "$T/shared/tries"
	seen=$(u run --rm --network none -v "$T/shared:/shared" -v "$HELPERS/dropgroups:/dropgroups" \
		"$@" busybox sh /shared/tries 2>&1)
	case $seen in
	*secret*) bad "many ids: $seen" ;;
	esac
}

# row F12: the caller sheds a group that denies him a file, by a user namespace of one id | red: a range of group ids, which is the administrator's word that he may (newgidmap(1))
test_F12_group_that_denies()
{
	need fullmap group || return 0
	denying_file
	holds one_id
	falls secret many_ids
	# Kept groups deny there too, until they are dropped, which the payload may.
	seen=$(u run --rm --network none -v "$T/shared:/shared" --group-add keep-groups busybox \
		cat /shared/f 2>&1)
	assertContains "kept" "$seen" "Permission denied"
	rm -rf "$T/shared" 2> /dev/null || "$UCTR" unshare rm -rf "$T/shared"
}

# --- H15: which host id it is ---------------------------------------------------------------------

# host_id FILE ID: the host id of ID behind the ranges of FILE, as documented: 0 is the caller, and
# the ranges follow.
host_id()
{
	awk -F: -v me="$(id -un)" -v uid="$(id -u)" -v own="$3" -v id="$2" '
		BEGIN { if (id == 0) { print own; exit } left = id - 1 }
		$1 == me || $1 == uid { if (left < $3) { print $2 + left; exit } left -= $3 }' "$1"
}

# owners_are [RUN-OPTION...]: files made by several ids have the planned owners on the host.
owners_are()
{
	rm -rf "$T/made" 2> /dev/null || "$UCTR" unshare rm -rf "$T/made"
	mkdir -m 0777 "$T/made"
	for id in 0 1 1000 65534; do
		u run --rm --network none --userns full -u "$id:$id" -v "$T/made:/made" "$@" busybox touch "/made/$id" ||
			bad "no file of $id" || return 1
		want=$(host_id /etc/subuid $id "$(id -u)"):$(host_id /etc/subgid $id "$(id -g)")
		seen=$(stat -c %u:%g "$T/made/$id")
		[ "$seen" = "$want" ] || bad "id $id is $seen on the host, not $want" || return 1
	done
	# Somebody who is not in the map has no name and no number inside, and nothing can be given to him.
	seen=$(u run --rm --network none -v /:/host:ro -v "$T/made:/made" "$@" busybox sh -c '
		stat -c %u:%g /host/bin/
		for id in 70000 4294967294; do
			chown $id /made/0 2> /dev/null && echo "given to $id"
		done' 2>&1)
	[ "$(id -u)" = 0 ] || [ "$seen" = 65534:65534 ] || bad "outside the map: $seen" || return 1
	# What the kernel holds is what was planned.
	u run -d --name ids --network none "$@" busybox sleep 1000 > /dev/null || bad "no container" || return 1
	pid=$("$UCTR" ps --filter name=ids --format '{{.Pid}}')
	seen=$(awk 'NR == 1 { print $1, $2, $3 }' "/proc/$pid/uid_map")
	u rm -f ids > /dev/null
	[ "$seen" = "0 $(id -u) 1" ] || bad "the map begins with [$seen]"
}

# row H15: an id of the container is another on the host than was planned; a file of an unmapped owner can be seen as somebody's or given to nobody | red: without idmap
test_H15_host_ids()
{
	need fullmap || return 0
	holds owners_are
	falls_without idmap "on the host, not" owners_are
	rm -rf "$T/made" 2> /dev/null || "$UCTR" unshare rm -rf "$T/made"
}

. shunit2
