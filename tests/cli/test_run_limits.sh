#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flags of uctr run about networks, names and limits.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tl1
}

# assertRefused TEXT...: exit code 125, one line with the texts, nothing left.
assertRefused()
{
	assertExit 125
	assertOut ""
	assertErrLine "$@"
	assertNothingLeft
}

net()
{
	assert_run "$UCTR" run --rm --network "$@"
}

# In a container: until port 80 is listened on. The server speaks: an nc whose input is at its end
# before the other's words are there would hear the end of the connection instead.
listening='until grep -q ":0050 .* 0A " /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done'

# --- networks ---------------------------------------------------------------------------------

test_network_none()
{
	need fullmap helper:payload || return 0
	net none -v "$HELPERS:/helper:ro" busybox sh -c \
		'ls /sys/class/net; cat /proc/net/route | wc -l; cat /etc/resolv.conf; /helper/payload icmp &&
		nc -l -p 80 -e echo hello & '"$listening"'; nc 127.0.0.1 80 < /dev/null; wait'
	assertExit 0
	assertOut "$(printf 'lo\n1\nhello')"
}

test_network_host()
{
	need fullmap || return 0
	net host busybox sh -c 'readlink /proc/self/ns/net; ls /sys/class/net'
	assertExit 0
	assertEquals "$(readlink /proc/self/ns/net; ls /sys/class/net)" "$out"
	net host busybox sh -c 'hostname other 2> /dev/null; ip link set lo down 2> /dev/null || echo refused'
	assertOut refused
	net host busybox sh -c 'grep -c ^nameserver /etc/resolv.conf'
	assertOut "$(grep -c ^nameserver /etc/resolv.conf)"
}

test_network_slirp4netns()
{
	need fullmap slirp4netns || return 0
	net slirp4netns busybox sh -c \
		'ip -4 -o addr show tap0 | grep -o "10.0.2.100/24"; ip route; cat /etc/resolv.conf; grep 10.0.2 /etc/hosts'
	assertExit 0
	assertErrEmpty
	assertOutHas 10.0.2.100/24 "default via 10.0.2.2 dev tap0" "nameserver 10.0.2.3" "10.0.2.100"
	# It is what one gets when nothing was asked for.
	assert_run "$UCTR" run --rm busybox ls /sys/class/net
	assertOut "$(printf 'lo\ntap0')"
	assertErrEmpty
	assertNothingLeft
}

test_slirp4netns_is_ready_every_time()
{
	need fullmap slirp4netns || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		net slirp4netns busybox ip -4 -o addr show tap0
		assertExit 0
		assertOutHas 10.0.2.100
	done
	assertNothingLeft
}

# row E1: a server on 127.0.0.1 of the host by the gateway and the name server of slirp4netns | red: by hand: the server answers with `--network host`, looked at in every run
test_loopback_of_the_host_is_closed()
{
	need fullmap slirp4netns || return 0
	port=$((20000 + $$ % 20000))
	echo secret > "$T/secret"
	assert_run "$UCTR" run -d --name tl1 --network host -v "$T:/www:ro" busybox \
		httpd -f -p 127.0.0.1:$port -h /www
	assertExit 0
	# Red control: something does listen.
	wait_for 5 sh -c '"$0" run --rm --network host busybox timeout 3 wget -qO- "http://127.0.0.1:$1/secret" |
		grep -q secret' "$UCTR" $port || fail "nobody listens"
	for address in 10.0.2.2 10.0.2.3 127.0.0.1; do
		net slirp4netns busybox timeout 3 wget -qO- http://$address:$port/secret
		assertNotEquals 0 $rc
		assertOut ""
	done
}

test_network_that_is_unknown()
{
	for bad in bridge '' 'container:x' none,host; do
		net "$bad" busybox true
		assertRefused "uctr: --network: unknown network '$bad'; this version has none, host, slirp4netns"
	done
}

test_ping_sockets_and_low_ports_need_no_capability()
{
	need fullmap helper:payload || return 0
	for user in 0 65534 1234; do
		net none -u $user -v "$HELPERS:/helper:ro" busybox sh -c \
			'/helper/payload icmp && { nc -l -p 80 -e echo low & '"$listening"'
			nc 127.0.0.1 80 < /dev/null; wait; }'
		assertExit 0
		assertOut low
	done
}

# --- names ------------------------------------------------------------------------------------

test_dns()
{
	need fullmap || return 0
	ctr --dns 192.0.2.1 --dns 2001:db8::1 --dns-search a.example --dns-search b --dns-option ndots:3 \
		--dns-opt rotate busybox cat /etc/resolv.conf
	assertOut "$(printf 'nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch a.example b\noptions ndots:3 rotate')"
	ctr --dns-search . busybox grep -c search /etc/resolv.conf
	assertOut 0
	for bad in x 1.2.3 '' '1.2.3.4 5.6.7.8' "$(printf '1.2.3.4\nnameserver 5.6.7.8')"; do
		ctr --dns "$bad" busybox true
		assertRefused "uctr: --dns '" "' is not an IP address"
	done
	for flag in dns-search dns-option; do
		for bad in '' 'a b' "$(printf 'a\nnameserver 1.2.3.4')"; do
			ctr --$flag "$bad" busybox true
			assertRefused "uctr: --$flag '" "' is not valid"
		done
	done
}

test_add_host()
{
	need fullmap || return 0
	ctr --add-host db:192.0.2.7 --add-host six:2001:db8::7 --add-host 'b=[2001:db8::8]' busybox \
		grep -E '(db|six|b)$' /etc/hosts
	assertOut "$(printf '192.0.2.7\tdb\n2001:db8::7\tsix\n2001:db8::8\tb')"
	ctr --add-host gw:host-gateway busybox true
	assertRefused "network none has no gateway"
	ctr --add-host name busybox true
	assertRefused "uctr: --add-host 'name': want NAME:ADDRESS"
	ctr --add-host name:x busybox true
	assertRefused "uctr: --add-host 'name:x': not an IP address"
	for bad in ':1.2.3.4' 'a b:1.2.3.4' "$(printf 'a\nb:1.2.3.4')"; do
		ctr --add-host "$bad" busybox true
		assertRefused "uctr: --add-host '" "': not a host name"
	done
}

test_add_host_gateway()
{
	need fullmap slirp4netns || return 0
	net slirp4netns --add-host gw:host-gateway busybox grep gw /etc/hosts
	assertOut "$(printf '10.0.2.2\tgw')"
	net host --add-host gw:host-gateway busybox grep gw /etc/hosts
	assertOut "$(printf '127.0.0.1\tgw')"
}

# --- cgroup limits ----------------------------------------------------------------------------

# Each of the three exists either way: enforced where the controller is, else an error by name.

test_cpus()
{
	need fullmap || return 0
	if has cpu; then
		ctr --cpus 0.5 busybox cat /sys/fs/cgroup/cpu.max
		assertOut "50000 100000"
		ctr --cpus 2 busybox cat /sys/fs/cgroup/cpu.max
		assertOut "200000 100000"
	else
		ctr --cpus 0.5 busybox true
		assertRefused "uctr: a CPU quota (--cpus) cannot be enforced:" "cpu" "systemd-run --user --scope -p Delegate=yes uctr"
	fi
	for bad in x -1 '' 1e3 0.001 1,5; do
		ctr --cpus "$bad" busybox true
		assertRefused "uctr: --cpus '$bad':"
	done
}

test_memory()
{
	need fullmap || return 0
	if has memory; then
		ctr -m 64m busybox cat /sys/fs/cgroup/memory.max
		assertOut 67108864
		ctr --memory 16m busybox sh -c 'x=$(head -c 64m /dev/zero | tr "\0" x); echo survived'
		assertNotEquals 0 $rc
		assertOut ""
	else
		ctr --memory 64m busybox true
		assertRefused "uctr: a memory limit (--memory) cannot be enforced:" "memory" "systemd-run --user --scope"
	fi
	for bad in x -1 '' 64q 99999999999999999999g; do
		ctr --memory "$bad" busybox true
		assertRefused "uctr: --memory '$bad': want a size such as 512m or 2g"
	done
	ctr --memory 100k busybox true
	assertRefused "uctr: --memory '100k': the least is 512k"
}

test_pids_limit()
{
	need fullmap || return 0
	if has pids; then
		ctr --pids-limit 10 busybox cat /sys/fs/cgroup/pids.max
		assertOut 10
		ctr busybox cat /sys/fs/cgroup/pids.max
		assertOut 2048
		ctr --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait; echo all'
		assertNotEquals 0 $rc
	else
		ctr --pids-limit 10 busybox true
		assertRefused "uctr: a limit of processes (--pids-limit) cannot be enforced:" "pids" "systemd-run --user --scope"
	fi
	ctr --pids-limit -1 busybox echo fine
	assertOut fine
	for bad in x -2 '' 1.5 99999999999; do
		ctr --pids-limit "$bad" busybox true
		assertRefused "uctr: --pids-limit '$bad': want a number, -1 for no limit"
	done
}

test_a_cgroup_of_its_own()
{
	need fullmap cgroup || return 0
	assert_run "$UCTR" run -d --name tl1 --network none busybox sh -c 'cat /proc/self/cgroup | grep ^0; sleep 60'
	dir=$(find "$(own_cgroup)" -type d -name "uctr-$out")
	[ -d "$dir" ] || fail "no cgroup of the container below $(own_cgroup)"
	assertEquals "$(pid_of tl1)" "$(sed -n 1p "$dir/cgroup.procs")"
	wait_for 5 logged tl1 "0::/" || fail "its cgroup is not the root of its view"
	assert_run "$UCTR" rm -f tl1
	[ ! -d "$dir" ] || fail "the cgroup is still there"
}

# --- rlimits, sysctls -------------------------------------------------------------------------

test_ulimit()
{
	need fullmap || return 0
	ctr busybox sh -c 'ulimit -c; ulimit -n'
	assertOut "$(printf '0\n1024')"
	ctr --ulimit nofile=100:200 --ulimit core=-1 --ulimit stack=1048576 busybox \
		sh -c 'ulimit -n; ulimit -Hn; ulimit -c; ulimit -s'
	assertOut "$(printf '100\n200\nunlimited\n1024')"
	ctr --ulimit nofile=64 busybox sh -c 'ulimit -n; ulimit -Hn'
	assertOut "$(printf '64\n64')"
	ctr --ulimit nofile=1:99999999 busybox true
	assertRefused "limit nofile=1:99999999: Operation not permitted; it may not exceed the hard limit of uctr's caller"
	ctr --ulimit nofile=5:4 busybox true
	assertRefused "uctr: --ulimit 'nofile=5:4': the soft limit exceeds the hard one"
	for bad in bogus=1 nofile '' =1; do
		ctr --ulimit "$bad" busybox true
		assertRefused "uctr: --ulimit '$bad': want NAME=SOFT[:HARD], e.g. nofile=1024"
	done
	for bad in nofile= nofile=x nofile=1:x nofile=1: nofile=-2; do
		ctr --ulimit "$bad" busybox true
		assertRefused "uctr: --ulimit '$bad': not a number"
	done
}

test_sysctl()
{
	need fullmap || return 0
	ctr --sysctl kernel.shmmax=4096 --sysctl fs.mqueue.msg_max=7 --sysctl net.ipv4.ip_forward=1 busybox \
		cat /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max /proc/sys/net/ipv4/ip_forward
	assertOut "$(printf '4096\n7\n1')"
	for bad in kernel.panic=1 vm.swappiness=1 kernel.hostname=x user.max_user_namespaces=9; do
		ctr --sysctl $bad busybox true
		assertRefused "uctr: --sysctl ${bad%=*}: not a setting of the container's own namespaces"
	done
	for bad in kernel.shmmax '' =1 net/../../kernel/panic=1 net...kernel.panic=1 "$(printf 'kernel.shmmax=1\n2')"; do
		ctr --sysctl "$bad" busybox true
		assertRefused "uctr: --sysctl '" "': want KEY=VALUE"
	done
	ctr --sysctl net.no.such.key=1 busybox true
	assertRefused "sysctl 'net.no.such.key=1': No such file or directory"
	net host --sysctl net.ipv4.ip_forward=1 busybox true
	assertRefused "net.* (not with --network host)"
}

. shunit2
