#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flags of uctr run about the process: environment, directory, user, entry point, names, times.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers tf1
	"$UCTR" rmi -f flags > /dev/null 2>&1
	return 0
}

# assertRefused TEXT...: exit code 125, one line with the texts, nothing left.
assertRefused()
{
	assertExit 125
	assertOut ""
	assertErrLine "$@"
	assertNothingLeft
}

# --- environment ------------------------------------------------------------------------------

test_environment_is_clean_by_default()
{
	need fullmap || return 0
	SECRET=1 assert_run env SECRET=1 "$UCTR" run --rm --network none -h inner busybox env
	assertExit 0
	assertEquals "HOME=/root HOSTNAME=inner PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=uctr" \
		"$(echo "$out" | grep -vE '^(SHLVL|PWD)=' | sort | tr '\n' ' ' | sed 's/ $//')"
}

test_env()
{
	need fullmap || return 0
	export FROM_CALLER='of the caller' EMPTY=''
	unset NOT_SET || :
	ctr -e A=1 --env B='x=y z' -e FROM_CALLER -e EMPTY -e NOT_SET -e A=2 -e HOME=/else busybox \
		sh -c 'echo "$A|$B|$FROM_CALLER|${EMPTY-unset}|${NOT_SET-unset}|$HOME"'
	assertExit 0
	assertOut "2|x=y z|of the caller||unset|/else"
	unset FROM_CALLER EMPTY
	ctr -e =x busybox true
	assertRefused "uctr: --env: a variable without a name"
}

test_env_file()
{
	need fullmap || return 0
	export FROM_CALLER=passed
	unset NOT_SET || :
	printf '%s\n' '# a comment' '' '  # an indented one' 'A=1' 'B="quotes stay"' 'C=a # not a comment' \
		'FROM_CALLER' 'NOT_SET' 'D=x=y' '  E=indented' > "$T/env"
	printf 'CR=1\r\nLAST=no newline' >> "$T/env"
	ctr --env-file "$T/env" -e A=flag busybox \
		sh -c 'echo "$A|$B|$C|$FROM_CALLER|${NOT_SET-unset}|$D|$E|$CR|$LAST"'
	assertExit 0
	assertOut 'flag|"quotes stay"|a # not a comment|passed|unset|x=y|indented|1|no newline'
	unset FROM_CALLER
	echo 'A=later' > "$T/env2"
	ctr --env-file "$T/env" --env-file "$T/env2" busybox sh -c 'echo $A'
	assertOut later
	echo 'A B=1' > "$T/env"
	ctr --env-file "$T/env" busybox true
	assertRefused "uctr: --env-file $T/env: variable name 'A B=1' contains blanks"
	ctr --env-file "$T/none" busybox true
	assertRefused "uctr: --env-file $T/none: No such file or directory"
}

# --- directory, entry point -------------------------------------------------------------------

test_workdir()
{
	need fullmap || return 0
	ctr -w /usr/bin busybox pwd
	assertOut /usr/bin
	ctr --workdir /new/deep/dir busybox sh -c 'pwd; touch file && ls'
	assertExit 0
	assertOut "$(printf '/new/deep/dir\nfile')"
	ctr --read-only -w /new busybox pwd
	assertOut /new
	ctr -w relative busybox true
	assertRefused "uctr: --workdir 'relative' must be an absolute path"
	ctr -w /etc/passwd busybox true
	assertRefused "working directory /etc/passwd" "Not a directory"
}

test_entrypoint()
{
	need fullmap || return 0
	mkimage flags -c 'ENTRYPOINT ["echo","entry"]' -c 'CMD ["cmd"]' -c 'WORKDIR /srv' -c 'ENV FROM=image' \
		-c 'USER nobody' -c 'LABEL k=image' < /dev/null || fail "no image"
	ctr flags
	assertOut "entry cmd"
	ctr flags a b
	assertOut "entry a b"
	ctr --entrypoint printf flags '%s.' a b
	assertOut a.b.
	ctr --entrypoint id flags
	assertOut "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"
	ctr --entrypoint '' flags sh -c 'echo $FROM; pwd'
	assertOut "$(printf 'image\n/srv')"
	ctr --entrypoint '' flags
	assertRefused "uctr: no command: the image has none, so give one behind the image's name"
	start_quiet --name tf1 --label k2=mine --entrypoint sleep flags 60
	assert_run "$UCTR" ps --format '{{.Labels}}'
	assertOut "k=image,k2=mine"
}

# --- users and groups -------------------------------------------------------------------------

test_user_by_name_and_number()
{
	need fullmap || return 0
	ctr -u nobody busybox sh -c 'id; echo $HOME'
	assertOut "$(printf 'uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n/nonexistent')"
	ctr --user 0 busybox id
	assertOut "uid=0(root) gid=0(root) groups=0(root)"
	ctr -u daemon:tty busybox sh -c 'id; echo $HOME'
	assertOut "$(printf 'uid=1(daemon) gid=5(tty) groups=5(tty)\n/usr/sbin')"
	ctr -u 1:2 busybox sh -c 'id -u; id -g; id -G'
	assertOut "$(printf '1\n2\n2')"
	ctr -u nobody:0 busybox id -g
	assertOut 0
	ctr -u nobody:nogroup busybox id
	assertOut "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"
}

test_unknown_number_gets_a_passwd_entry()
{
	need fullmap || return 0
	ctr -u 1234 busybox sh -c 'whoami; id; tail -n 1 /etc/passwd; echo $HOME'
	assertExit 0
	assertOut "$(printf '1234\nuid=1234(1234) gid=0(root) groups=0(root)\n1234:x:1234:0:container user:/:/bin/sh\n/')"
	ctr -u 1234 -e HOME=/tmp busybox tail -n 1 /etc/passwd
	assertOut "1234:x:1234:0:container user:/tmp:/bin/sh"
	ctr busybox cat /etc/passwd
	case $out in
	*1234*) fail "the entry went to the image" ;;
	esac
}

test_users_that_cannot_be()
{
	need fullmap || return 0
	ctr -u ghost busybox true
	assertRefused "uctr: no user 'ghost' in the container's /etc/passwd"
	ctr -u 0:ghosts busybox true
	assertRefused "uctr: no group 'ghosts' in the container's /etc/group"
	ctr -u 70000 busybox true
	assertRefused "become user 70000" "this user id is not mapped in the container"
	for bad in 4294967295 4294967296 99999999999999999999 -1 +1 0x0 '' 01 'a b' ':'; do
		ctr -u "$bad" busybox true
		assertRefused "'"
	done
}

test_groups()
{
	need fullmap || return 0
	ctr --group-add 44 --group-add nogroup busybox id -G
	assertOut "0 44 65534"
	ctr --group-add ghosts busybox true
	assertRefused "uctr: no group 'ghosts' in the container's /etc/group"
	ctr --group-add keep-groups --group-add 44 busybox true
	assertRefused "--group-add keep-groups cannot be combined with other groups"
}

test_keep_groups_keeps_the_callers_rights()
{
	need fullmap || return 0
	# Without it the process has no group but its own; with it, those of the caller, of which all but
	# his first have no number inside.
	ctr busybox grep Groups: /proc/self/status
	assertEquals "0" "$(groups_shown)"
	ctr --group-add keep-groups busybox grep Groups: /proc/self/status
	for id in $(id -G); do
		[ "$id" = "$(id -g)" ] && echo 0 || echo 65534
	done | sort -u > "$T/want"
	assertEquals "$(cat "$T/want")" "$(groups_shown | sort -u)"
}

groups_shown()
{
	echo "$out" | tr -s '[:space:]' '\n' | grep -v Groups: | grep .
}

# --- names, clock, modes ----------------------------------------------------------------------

test_hostname()
{
	need fullmap || return 0
	ctr --hostname a.b-c busybox sh -c 'hostname; cat /etc/hostname; grep -c "a.b-c" /etc/hosts'
	assertOut "$(printf 'a.b-c\na.b-c\n1')"
	start_quiet --name tf1 busybox sh -c 'hostname; sleep 60'
	wait_for 5 logged tf1 "$(echo "$out" | cut -c1-12)" || fail "the host name is not the short id"
	remove_containers tf1
	for bad in '' -x 'a b' a/b "$(printf 'a\nb')" "$(printf '%065d' 1)"; do
		ctr -h "$bad" busybox true
		assertRefused "is not a host name (letters, digits, '-', '.', at most 64)"
	done
}

test_umask()
{
	need fullmap || return 0
	ctr busybox sh -c umask
	assertOut 0022
	ctr --umask 0077 busybox sh -c 'umask; touch /f; stat -c %a /f'
	assertOut "$(printf '0077\n600')"
	for bad in 999 01777 rwx ''; do
		ctr --umask "$bad" busybox true
		assertRefused "uctr: --umask '$bad': want octal digits, 0 to 0777"
	done
}

test_time_zone()
{
	need fullmap file:/usr/share/zoneinfo/Asia/Tokyo || return 0
	ctr --tz Asia/Tokyo busybox date +%Z%z
	assertOut "JST+0900"
	ctr --tz Asia/Nowhere busybox true
	assertRefused "--tz Asia/Nowhere: /usr/share/zoneinfo/Asia/Nowhere" "No such file or directory"
	for bad in ../../etc/passwd /etc/passwd ''; do
		ctr --tz "$bad" busybox true
		assertRefused "uctr: --tz '$bad': want a zone such as Europe/Berlin, or local"
	done
}

test_local_time_zone()
{
	need fullmap file:/etc/localtime || return 0
	ctr --tz local busybox md5sum /etc/localtime
	assertOut "$(md5sum < /etc/localtime | cut -d' ' -f1)  /etc/localtime"
}

test_timeout()
{
	need fullmap || return 0
	RUN_TIMEOUT=20
	ctr --timeout 1 busybox sh -c 'trap "" TERM; sleep 60'
	assertExit 137
	start_quiet --name tf1 --timeout 1s busybox sleep 60
	assert_run "$UCTR" wait tf1
	assertOut 137
	remove_containers tf1
	ctr --timeout 60 busybox true
	assertExit 0
	for bad in 0 -1 soon ''; do
		ctr --timeout "$bad" busybox true
		assertRefused "uctr: --timeout '$bad': want seconds, or 90s, 5m, 1h"
	done
}

test_stop_signal_and_stop_timeout()
{
	need fullmap || return 0
	start_quiet --name tf1 --stop-signal USR1 busybox sh -c \
		'trap "echo got USR1; exit 4" USR1; echo ready; while :; do sleep 0.05; done'
	wait_for 5 logged tf1 ready
	assert_run "$UCTR" stop tf1
	assertExit 0
	assert_run "$UCTR" logs tf1
	assertOut "$(printf 'ready\ngot USR1')"
	assert_run "$UCTR" rm tf1
	# One that will not hear is killed after its time, not after ten seconds.
	start_quiet --name tf1 --stop-timeout 1 busybox sh -c 'trap "" TERM; echo ready; sleep 60'
	wait_for 5 logged tf1 ready
	begin=$(date +%s)
	assert_run "$UCTR" stop tf1
	took=$(($(date +%s) - begin))
	assertTrue "stop took $took s" "[ $took -ge 1 ] && [ $took -le 6 ]"
	assert_run "$UCTR" wait tf1
	assertOut 137
	"$UCTR" rm tf1 > /dev/null
	ctr --stop-signal NOSUCH busybox true
	assertRefused "uctr: --stop-signal 'NOSUCH' is not a signal"
	ctr --stop-timeout x busybox true
	assertRefused "uctr: --stop-timeout 'x': want seconds"
}

# --- the plan ---------------------------------------------------------------------------------

test_explain_prints_the_plan_and_runs_nothing()
{
	need fullmap || return 0
	mkdir "$T/vol"
	ctr --explain --userns full --name tf1 --cidfile "$T/cid" -v "$T/vol:/vol:ro" --cap-drop all --cap-add CHOWN -u 7 \
		-w /srv --sysctl kernel.shmmax=5 busybox touch /vol/ran
	assertExit 0
	assertErrEmpty
	assertOutHas '"command": [' '"touch"' '"user": "7"' '"workdir": "/srv"' '"network": "none"' \
		"/vol: bind of $T/vol, read-only, recursively" '"CAP_CHOWN"' '"kernel.shmmax=5"' \
		"0-0 inside is $(id -u)-$(id -u) of the host" '"/proc/kcore"' 'filter of ' '"cgroup": {'
	case $out in
	*CAP_KILL*) fail "a dropped capability is in the plan" ;;
	esac
	balanced "$out" || fail "not JSON: $out"
	[ ! -e "$T/cid" ] || fail "a cidfile was written"
	assertEquals "" "$(ls "$T/vol")"
	assertEquals "" "$("$UCTR" ps -aq)"
	assertNothingLeft
	# What could not run is refused here, too.
	ctr --explain -u 'a b' --cap-add NOSUCH busybox true
	assertExit 125
	assertErrLine "--cap-add 'NOSUCH'"
}

# balanced TEXT: brackets and quotes balance, which a half-written plan would not.
balanced()
{
	[ "$(echo "$1" | tr -cd '{[' | wc -c)" = "$(echo "$1" | tr -cd '}]' | wc -c)" ] &&
		[ $(($(echo "$1" | tr -cd '"' | wc -c) % 2)) = 0 ]
}

test_ports_are_refused_by_name()
{
	ctr -p 8080:80 busybox true
	assertRefused "uctr: --publish: published ports are not available in this version; use --network host"
	ctr -P busybox true
	assertRefused "uctr: --publish-all: published ports are not available in this version"
}

. shunit2
