#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers of an ordinary user's login under systemd: limits, and where they are enforced.
# shellcheck disable=SC2016 # what is in single quotes expands in the login
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/vm/guest/lib.sh
. "$(dirname "$0")/guest/lib.sh"

scope='systemd-run --user --scope -q -p Delegate=yes uctr'

oneTimeSetUp()
{
	login_as_tester 'uctr run --rm --network none busybox true'
}

tearDown()
{
	login_as_tester 'uctr rm -f $(uctr ps -aq)' > /dev/null 2>&1
	no_cgroups || fail "cgroups left: $(container_cgroups)"
}

test_a_login_is_a_session_of_logind()
{
	logged_in 'sed -n "s/^0:://p" /proc/self/cgroup; ps -o tty= -p $$; id -un
		loginctl show-session --property=Name --property=Service --value "$XDG_SESSION_ID"
		stat -c %U:%a "$XDG_RUNTIME_DIR"'
	assertExit 0
	session=$(echo "$out" | sed -n 1p)
	case $session in
	/user.slice/user-1000.slice/session-*.scope) ;;
	*) fail "not a session's scope: $session" ;;
	esac
	assertEquals "$(printf 'ttyS2\ntester\ntester\nlogin\ntester:700')" "$(echo "$out" | sed 1d)"
}

test_a_container_needs_no_more_than_a_login()
{
	logged_in 'uctr run --rm busybox sh -c "id -u; cat /proc/self/cgroup; ls /sys/class/net"'
	assertExit 0
	assertErrEmpty
	assertOut "$(printf '0\n0::/\nlo\ntap0')"
}

test_cpus_in_a_delegated_scope()
{
	logged_in "$scope"' run -d --name c --network none --cpus 0.2 busybox sh -c "while :; do :; done" &&
		dir=$(find /sys/fs/cgroup/user.slice -type d -name "uctr-????????????*") && cat "$dir/cpu.max" &&
		from=$(sed -n "s/^usage_usec //p" "$dir/cpu.stat") && read -r up _ < /proc/uptime && sleep 10 &&
		to=$(sed -n "s/^usage_usec //p" "$dir/cpu.stat") && read -r now _ < /proc/uptime &&
		echo "$from $to $up $now" && sed -n "s/^nr_throttled //p" "$dir/cpu.stat" && uctr exec c cat /sys/fs/cgroup/cpu.max
		uctr rm -f c'
	assertExit 0
	assertErrEmpty
	assertEquals "20000 100000" "$(echo "$out" | sed -n 2p)"
	assertEquals "as seen inside" "20000 100000" "$(echo "$out" | sed -n 5p)"
	# Per mille of one processor; a quota is overdrawn by less than a tick in each period.
	share=$(echo "$out" | awk 'NR == 3 { printf "%d", ($2 - $1) / ($4 - $3) / 1000 }')
	if [ "$share" -lt 100 ] || [ "$share" -gt 250 ]; then
		fail "used $share of 1000 instead of 200: $out"
	fi
	[ "$(echo "$out" | sed -n 4p)" -gt 10 ] || fail "hardly ever throttled: $out"
}

test_memory_in_a_delegated_scope()
{
	logged_in "$scope"' run --rm --network none -m 32m busybox sh -c \
		"cat /sys/fs/cgroup/memory.max; exec sh -c \"x=\\$(head -c 256m /dev/zero | tr \\\\\\\\0 x); echo survived\""'
	assertExit 137
	assertOut 33554432
	assertErrLine 'uctr: ' ' ended for lack of memory: its limit (--memory) is 32768 kB'
}

test_pids_in_a_delegated_scope()
{
	logged_in "$scope"' run --rm --network none --pids-limit 7 busybox sh -c \
		"cat /sys/fs/cgroup/pids.max; for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo all"'
	assertNotEquals 0 "$rc"
	assertEquals 7 "$(echo "$out" | sed -n 1p)"
	case $out in
	*all*) fail "9 processes under a limit of 7" ;;
	esac
}

. shunit2
