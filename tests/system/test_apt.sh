#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's package manager in a container with one id, with nothing changed in the image; and on the way
# from one registry to the next with either map.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

oneTimeSetUp()
{
	[ ! -f "${UCTR_DEBIAN:-}/root.tar.zst" ] ||
		"$UCTR" import "$UCTR_DEBIAN/root.tar.zst" ts-debian > /dev/null
}

tearDown()
{
	remove_containers ts1
	registries_stop
}

# debian ARG...: run ARG in the Debian root, as the only id, and leave the container for a look.
debian()
{
	U_TIMEOUT=200 u run --name ts1 --userns one --network none -e DEBIAN_FRONTEND=noninteractive \
		-v "$UCTR_DEBIAN/repo:/repo:ro" ts-debian "$@"
}

# owner PATH: what is recorded for a file of the container.
owner()
{
	getfattr --only-values -n user.uctr.owner "$(dirname "$(record_of ts1)")/upper$1" 2> /dev/null
}

installs()
{
	debian sh -ec 'apt-get update
		apt-get install -y --no-install-recommends cron dbus openssh-server
		dpkg --audit
		dpkg-statoverride --list
		echo "crontab is $(getent group crontab | cut -d: -f3)."
		echo "messagebus is $(getent group messagebus | cut -d: -f3)."
		stat -c "%n %a" /usr/lib/dbus-1.0/dbus-daemon-launch-helper /usr/bin/crontab
		id sshd > /dev/null && echo installed' > "$T/out" 2>&1
}

test_apt_get_install()
{
	need userns debian cmd:getfattr || return 0
	installs || fail "apt-get: $(tail -n 20 "$T/out")"
	said=$(cat "$T/out")
	for text in installed "Setting up cron " "/usr/bin/crontab 2755" "dbus-daemon-launch-helper 4754"; do
		assertContains "$said" "$text"
	done
	# No word of a download without the sandbox, of a chown that failed, of anything at all.
	assertEquals "" "$(grep -E '^[WE]:|Operation not permitted|cannot change|chown:' "$T/out")"
	crontab=$(sed -n 's/^crontab is \(.*\)\.$/\1/p' "$T/out")
	messagebus=$(sed -n 's/^messagebus is \(.*\)\.$/\1/p' "$T/out")
	assertNotEquals "" "$crontab"
	assertEquals "0:$crontab" "$(owner /usr/bin/crontab)"
	assertEquals "0:$messagebus" "$(owner /usr/lib/dbus-1.0/dbus-daemon-launch-helper)"
	# Without the emulation the same fails at the first id that is another.
	"$UCTR" rm -f ts1 > /dev/null
	falls_without emulate "" installs
}

test_dpkg_i()
{
	need userns debian cmd:getfattr || return 0
	debian sh -ec 'dpkg -i /repo/sensible-utils_*.deb /repo/cron-daemon-common_*.deb
		dpkg -i /repo/cron_*.deb
		echo "crontab is $(getent group crontab | cut -d: -f3)."
		dpkg -r cron' > "$T/out" 2>&1 || fail "dpkg: $(tail -n 20 "$T/out")"
	assertEquals "" "$(grep -E 'dpkg: error|Operation not permitted' "$T/out")"
	assertContains "$(cat "$T/out")" "Removing cron"
	assertEquals "0:$(sed -n 's/^crontab is \(.*\)\.$/\1/p' "$T/out")" "$(owner /var/spool/cron/crontabs)"
}

test_everyday_tools()
{
	need userns debian cmd:getfattr || return 0
	debian sh -ec '
		useradd -m -u 1234 somebody
		install -o somebody -g 1234 -m 640 /etc/passwd /root/installed
		cp -a /root/installed /root/copied
		tar -C /root -cf /tmp/a.tar --owner=77 --group=88 installed
		mkdir /root/x && tar -C /root/x -xpf /tmp/a.tar --same-owner
		chgrp -R 55 /root/x
		su somebody -c "id -u; touch ~/mine; mkdir ~/dir"
		setpriv --reuid 1234 --regid 1234 --init-groups id -u
		chroot --userspec=1234:1234 / id -u
		useradd -r -g 0 system
		userdel somebody
		getent passwd somebody || echo end' > "$T/out" 2>&1
	assertEquals "$(printf "1234\n1234\n1234\nend")" "$(cat "$T/out")"
	assertEquals 1234:1234 "$(owner /root/installed)"
	assertEquals 77:55 "$(owner /root/x/installed)"
}

# exported CONTAINER: the list of what its files are, as it sees them itself.
exported()
{
	"$UCTR" export "$1" | python3 "$UCTR_TESTS/lib/list.py" -
}

# from_the_mirror MAP: a package of the mirror that this host is configured for, installed into an image of
# the registry $host, which comes back from there with the same files.
from_the_mirror()
{
	U_TIMEOUT=200 u run --name ts1 --userns "$1" --network host -e DEBIAN_FRONTEND=noninteractive \
		-v /etc/apt:/host/apt:ro "$host/debian" sh -ec '
		rm /etc/apt/sources.list
		cp -r /host/apt/sources.list* /host/apt/apt.conf.d /etc/apt/
		apt-get update
		apt-get install -y --no-install-recommends cron
		dpkg --audit
		echo installed' > "$T/out" 2>&1 || fail "apt-get with map $1: $(tail -n 20 "$T/out")"
	assertContains "$(cat "$T/out")" "Setting up cron "
	assertEquals "" "$(grep -E '^[WE]:|Operation not permitted|cannot change|chown:' "$T/out")"
	exported ts1 > "$T/before"
	assertEquals "the group's program" 1 "$(grep -c "^'/usr/bin/crontab' -rwxr-sr-x 0:10[0-9] " "$T/before")"
	"$UCTR" commit -q ts1 "$host/debian:$1" > /dev/null
	"$UCTR" rm -f ts1 > /dev/null
	assert_run "$UCTR" push -q "$host/debian:$1"
	assertExit 0
	digest=$out
	"$UCTR" rmi -f "$host/debian:$1" > /dev/null
	assert_run "$UCTR" pull -q "$host/debian:$1@$digest"
	assertExit 0
	"$UCTR" run --name ts1 --network none "$host/debian:$1@$digest" true
	exported ts1 > "$T/after"
	"$UCTR" rm -f ts1 > /dev/null
	assertTrue "files: $(wc -l < "$T/before")" "[ $(wc -l < "$T/before") -gt 3000 ]"
	cmp -s "$T/before" "$T/after" || fail "map $1: $(diff "$T/before" "$T/after" | head -n 10)"
}

test_from_registry_to_registry()
{
	need fullmap debian file:/etc/apt || return 0
	fresh_tmp
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG
	registry_start "$T/reg"
	host=127.0.0.1:$port
	assert_run "$UCTR" push -q ts-debian "$host/debian"
	assertExit 0
	digest=$out
	assert_run "$UCTR" pull -q "$host/debian"
	assertExit 0
	assertEquals "$digest" "$("$UCTR" images --format '{{.Digest}}' "$host/debian")"
	from_the_mirror full
	from_the_mirror one
}

. shunit2
