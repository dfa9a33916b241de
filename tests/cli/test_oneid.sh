#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Root emulation in a container with one id: programs find what they would find with a full map.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers to1
}

# one ARG...: a throw-away container with one id, the test programs in /h.
one()
{
	ctr --userns one -v "$HELPERS:/h:ro" "$@"
}

# same_as_full PROBE-ARG...: idprobe prints the same in a container with the full map, where the
# kernel itself answers.
same_as_full()
{
	ctr --userns full -v "$HELPERS:/h:ro" busybox /h/idprobe "$@"
	assertExit 0
	printf '%s\n' "$out" > "$T/full"
	one busybox /h/idprobe "$@"
	assertExit 0
	assertErrEmpty
	printf '%s\n' "$out" > "$T/one"
	assertEquals "idprobe $* differs" "" "$(diff "$T/full" "$T/one")"
	assertNotEquals "nothing was printed" "" "$out"
}

# record_of_file NAME PATH: the owner recorded on a file of the container, from outside.
record_of_file()
{
	getfattr --only-values -n user.uctr.owner "$(dirname "$(record_of "$1")")/upper$2" 2> /dev/null
}

test_random_changes_of_credentials()
{
	need fullmap helper:idprobe || return 0
	for seed in 1 2 3; do
		same_as_full walk $seed 60
	done
}

test_credentials_are_inherited()
{
	need fullmap helper:idprobe || return 0
	same_as_full inherit
}

test_chown_in_all_its_forms()
{
	need fullmap helper:idprobe || return 0
	same_as_full files /tmp
	same_as_full files /dev/shm
}

test_chown_without_the_capability()
{
	need fullmap helper:idprobe || return 0
	for map in full one; do
		ctr --userns $map --cap-drop chown --cap-drop setuid busybox sh -c \
			'chown 5 /tmp 2>&1; su nobody -s /bin/true 2>&1; chown 0 /tmp && echo own'
		printf '%s\n' "$out" > "$T/$map"
	done
	assertEquals "" "$(diff "$T/full" "$T/one")"
	assertOutHas "chown: /tmp: Operation not permitted" own
}

test_user_and_groups_at_the_start()
{
	need userns helper:idprobe || return 0
	one -u 1000:1001 --group-add 7 --group-add 3 busybox /h/idprobe ids
	assertExit 0
	assertOut "ids: uid 1000 1000 1000 fs 1000 (1000 1000), gid 1001 1001 1001 fs 1001 (1001 1001), groups 3: 3 7 1001"
	# The kernel takes it for root at execve, and gives it nothing all the same.
	one -u 1000 busybox sh -c 'grep CapEff /proc/self/status; chown 5 /tmp; setsid true; su -s /bin/true'
	assertOutHas "CapEff:	0000000000000000"
	assertEquals "" "$(printf '%s' "$out" | sed 1d)"
	assertEquals "chown: /tmp: Operation not permitted" "$(printf '%s\n' "$err" | head -n 1)"
	one --security-opt no-new-privileges busybox sh -c 'chown 5 /tmp && exec su nobody -s /usr/bin/id'
	assertExit 0
	assertOutHas "uid=65534"
}

test_exec_is_emulated_too()
{
	need userns helper:idprobe cmd:getfattr || return 0
	start_quiet --name to1 --userns one -v "$HELPERS:/h:ro" busybox sleep 300
	for _ in 1 2 3; do
		assert_run "$UCTR" exec -u 77 to1 /h/idprobe ids
		assertOut "ids: uid 77 77 77 fs 77 (77 77), gid 0 0 0 fs 0 (0 0), groups 1: 0"
	done
	assert_run "$UCTR" exec to1 sh -c 'touch /f /g && chown 5:6 /f /g && chown 0:0 /g; ln -s f /l; chown -h 7:8 /l'
	assertExit 0
	assertEquals 5:6 "$(record_of_file to1 /f)"
	assertEquals "root's is not recorded" "" "$(record_of_file to1 /g)"
	assertContains "what carries no attribute" "$(cat "$(dirname "$(record_of to1)")/owners")" " l 7:8"
	assert_run "$UCTR" rm -f to1
	assertNothingLeft
}

test_devices_are_described()
{
	need userns helper:idprobe cmd:getfattr || return 0
	start_quiet --name to1 --userns one -v "$HELPERS:/h:ro" busybox sh -c \
		'/h/idprobe device /x; echo done; sleep 300'
	wait_for 5 logged to1 "as user: EPERM" || fail "it did not say so: $("$UCTR" logs to1)"
	assertEquals "character device: 0;again: EEXIST;/x.c has mode 620;block device: 0;fifo: 0;nowhere: ENOENT;root: EEXIST;setuid: 0;as user: EPERM;" \
		"$("$UCTR" logs to1 | sed /done/d | tr '\n' ';')"
	upper=$(dirname "$(record_of to1)")/upper
	assertEquals "c 4:300" "$(getfattr --only-values -n user.uctr.device "$upper/x.c")"
	assertEquals "b 8:1" "$(getfattr --only-values -n user.uctr.device "$upper/x.b")"
}

test_keepcaps()
{
	need userns helper:idprobe || return 0
	# A kernel that gives all programs the same addresses leaves no sign of execve
	# (docs/ARCHITECTURE.md).
	after=EPERM
	[ "$(cat /proc/sys/kernel/randomize_va_space)" != 0 ] || after=0
	one busybox /h/idprobe keep
	assertExit 0
	assertOut "$(printf '%s\n' 'keep: 0' 'setresuid: 0' 'setresgid: 0' \
		"after exec: $after")"
	one busybox /h/idprobe return
	assertOut "after exec: 0"
}

# supervisors NAME: the pids of keeper and supervisor, in this order.
supervisors()
{
	for pid in $(pgrep -P "$1"); do
		grep -qz '^uctr: root emul' "/proc/$pid/cmdline" && echo "$pid" && pgrep -P "$pid"
	done
}

test_calls_fail_without_the_supervisor()
{
	need userns helper:idprobe || return 0
	mkdir -m 0777 "$T/v"
	start_quiet --name to1 --userns one -v "$HELPERS:/h:ro" -v "$T/v:/v" busybox sleep 300
	assert_run "$UCTR" exec to1 chown 5 /tmp
	# shellcheck disable=SC2046 # two words
	set -- $(supervisors "$(monitor_of to1)")
	assertEquals "keeper and supervisor" 2 $#
	assert_run "$UCTR" exec -d to1 sh -c 'while [ ! -e /v/go ]; do sleep 0.05; done
		/h/idprobe chown /etc/passwd 5 > /v/said; echo end >> /v/said'
	kill -KILL "$1"
	wait_for 3 is_gone "$2" || fail "the supervisor outlives its keeper"
	assert_run "$UCTR" exec to1 true
	assertExit 125
	assertErrLine "root emulation: its supervisor has ended"
	touch "$T/v/go"
	wait_for 5 grep -q end "$T/v/said"
	assertEquals "chown: ENOSYS" "$(head -n 1 "$T/v/said")"
	assertTrue "the container lives" "is_state to1 running"
	assert_run "$UCTR" rm -f to1
	assertExit 0
	assertNothingLeft
}

test_a_killed_supervisor_is_replaced_and_nothing_forgotten()
{
	need userns helper:idprobe || return 0
	mkdir -m 0777 "$T/v"
	start_quiet --name to1 --userns one -v "$T/v:/v" busybox sh -c \
		'exec su nobody -s /bin/sh -c ": > /v/ready; while [ ! -e /v/go ]; do sleep 0.05; done; id -u > /v/said"'
	wait_for 10 test -e "$T/v/ready" || fail "su did not end"
	# shellcheck disable=SC2046
	set -- $(supervisors "$(monitor_of to1)")
	kill -KILL "$2"
	wait_for 3 is_gone "$2"
	touch "$T/v/go"
	assert_run "$UCTR" wait to1
	assertEquals 65534 "$(cat "$T/v/said")"
}

# A file system in user mode lets in only who is in its user namespace; and it may stop to answer.
test_on_a_file_system_that_hangs()
{
	need userns helper:idprobe fuse cmd:fuse-overlayfs "file:${UCTR_OVERLAY_DIR:-/no overlay directory}" ||
		return 0
	export UCTR_DATA="$UCTR_OVERLAY_DIR/one"
	mkdir -m 0777 "$T/v"
	"$UCTR" run -d --name to1 --userns one --network none --storage-opt driver=fuse-overlayfs \
		-v "$HELPERS:/h:ro" -v "$T/v:/v" busybox /h/idprobe wait /v/go /etc/group /v \
		> "$T/id" 2> "$T/said" || fail "$(cat "$T/said")"
	assert_run "$UCTR" exec to1 chown 5 /etc/passwd
	assertExit 0
	server=$(pgrep -u "$(id -u)" -x fuse-overlayfs)
	kill -STOP "$server"
	touch "$T/v/go"
	wait_for 25 logged to1 "then: 0" || fail "it still waits: $("$UCTR" logs to1)"
	assertEquals "hangs: EIO;then: 0;" "$("$UCTR" logs to1 | tr '\n' ';')"
	kill -CONT "$server"
	assert_run "$UCTR" exec to1 chown 6 /etc/group
	assertExit 0
	assert_run "$UCTR" rm -f to1
	assertExit 0
	unset UCTR_DATA
}

test_the_mark_is_out_of_reach()
{
	need userns helper:idprobe || return 0
	one busybox sh -c 'su nobody -s /bin/sh -c "ulimit -x 0; ulimit -x unlimited; id -u"'
	assertOut 65534
	one --ulimit locks=100 busybox true
	assertExit 125
	assertErrLine "limit locks (ulimit -x, --ulimit locks): the hard limit is 100"
}

test_many_sets_of_credentials()
{
	need userns helper:idprobe || return 0
	one busybox /h/idprobe many 3000
	assertExit 0
	assertOut "all: uid 0 0 0 fs 0 (0 0), gid 0 0 0 fs 0 (0 0), groups 2: 7 3000"
}

. shunit2
