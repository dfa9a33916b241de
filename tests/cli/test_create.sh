#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# create and start: what run does, in two steps, and again.
# shellcheck disable=SC2016 # what is in single quotes expands in the container

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	mkdir "$T/tmp"
}

# create NAME ARG...: without a network; a failure is the test's.
create()
{
	name=$1
	shift
	assert_run "$UCTR" create --name "$name" --network none "$@"
	assertExit 0
	assertErrEmpty
}

# started NAME OUTPUT: runs it in the foreground.
started()
{
	assert_run "$UCTR" start -a "$1"
	assertExit 0
	assertErrEmpty
	assertOut "$2"
}

test_two_steps()
{
	need fullmap || return 0
	create one --cidfile "$T/cid" busybox sh -c 'echo out; exit 7'
	assertOut "$(cat "$T/cid")"
	assertEquals created "$(state_of one)"
	assertEquals 'created false 0' \
		"$("$UCTR" inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}}' one)"
	assert_run "$UCTR" ps -q
	assertOut ""
	assert_run "$UCTR" logs one
	assertExit 0
	assertOut ""
	assert_run "$UCTR" exec one true
	assertExit 125
	assertErrLine "container one is not running (created)"
	assert_run "$UCTR" stop one
	assertExit 0
	assert_run "$UCTR" start -a one
	assertExit 7
	assertOut out
	assert_run "$UCTR" start one
	assertExit 0
	assertOut one
	assert_run "$UCTR" wait one
	assertOut 7
	assertEquals 2 "$("$UCTR" logs one | grep -c out)"
}

test_what_it_keeps()
{
	need fullmap || return 0
	mkdir "$T/work"
	echo volume > "$T/work/file"
	echo "FROM_FILE=1" > "$T/env"
	cd "$T/work" || return 1
	PASSED=through create one -e PASSED -e OWN=1 --env-file ../env -v ./:/one \
		--mount type=bind,src=../work,target=/two --hostname host -w /one --label a=b \
		--user 5:6 --read-only --entrypoint sh busybox -c \
		'echo $PASSED $OWN $FROM_FILE $(cat file /two/file) $(hostname) $(pwd) $(id -u):$(id -g)'
	rm ../env
	cd / || return 1
	PASSED=other started one "through 1 1 volume volume host /one 5:6"
	PASSED=other started one "through 1 1 volume volume host /one 5:6"
	assertEquals b "$("$UCTR" inspect -f '{{.Config.Labels.a}}' one)"
}

test_files_stay()
{
	need fullmap || return 0
	for how in '' '--userns one' '--userns auto' '--userns keep-id:uid=5,gid=5' \
		'--storage-opt driver=copy'; do
		# shellcheck disable=SC2086 # words
		create one $how --user 0 busybox sh -c '
			[ -e /log ] || chmod 711 / || exit
			echo x >> /log; rm -f /etc/issue; echo $(stat -c %a /; cat /log)'
		started one "711 x"
		started one "711 x x"
		assert_run "$UCTR" rm one
		assertExit 0
	done
	start_quiet --name two busybox sh -c 'echo x >> /log; cat /log'
	assert_run "$UCTR" wait two
	started two "x
x"
}

test_input_and_terminal()
{
	need fullmap || return 0
	create one -i busybox cat
	assertEquals text "$(echo text | "$UCTR" start -ai one)"
	assertEquals "" "$(echo text | "$UCTR" start -a one)"
	create two -t busybox sh -c 'test -t 0 && echo terminal'
	assert_run "$UCTR" start -a two
	assertExit 0
	assertOutHas terminal
	assert_run "$UCTR" start -i one
	assertExit 125
	assertErrLine "--interactive needs --attach"
}

test_rm_option()
{
	need fullmap || return 0
	create one --rm busybox sh -c 'exit 3'
	assert_run "$UCTR" start -a one
	assertExit 3
	assertEquals "" "$("$UCTR" ps -aq)"
}

test_a_start_that_fails_leaves_it()
{
	need fullmap || return 0
	create one --rm busybox nosuch
	for i in 1 2; do
		assert_run "$UCTR" start one
		assertExit 127
		assertErrLine "exec 'nosuch': executable file not found"
		assertEquals "$i" created "$(state_of one)"
	done
	assertContains "$("$UCTR" inspect -f '{{.State.Error}}' one)" "exec 'nosuch'"
	assert_run "$UCTR" rm one
	assertExit 0
	mkdir "$T/volume"
	create two -v "$T/volume:/v" busybox sh -c 'echo x >> /v/log'
	rmdir "$T/volume"
	assert_run "$UCTR" start two
	assertExit 125
	assertErrLine "--volume: source $T/volume: No such file"
	mkdir "$T/volume"
	assert_run "$UCTR" start -a two
	assertExit 0
	assertEquals x "$(cat "$T/volume/log")"
	mv "$T/volume" "$T/away"
	assert_run "$UCTR" start two
	assertExit 125
	assertEquals exited "$(state_of two)"
}

test_the_image_stays()
{
	need fullmap || return 0
	create one busybox echo first
	assert_run "$UCTR" rmi busybox
	assertExit 125
	assertErrLine "is used by a container"
	# Another image takes the name: the container has its own.
	create two busybox true
	assert_run "$UCTR" commit -q -c 'CMD ["false"]' two busybox
	assertExit 0
	assert_run "$UCTR" rm two
	started one first
}

test_several()
{
	need fullmap || return 0
	create one busybox sleep 100
	create two --userns one busybox sleep 100
	assert_run "$UCTR" start one nosuch two nosuch2
	assertExit 125
	assertOut "one
two"
	assertContains "$err" "no such container: nosuch;"
	assertContains "$err" "no such container: nosuch2;"
	assertEquals "running running" "$(state_of one) $(state_of two)"
	assert_run "$UCTR" start one
	assertExit 0
	assertOut one
	assert_run "$UCTR" start -a one
	assertExit 125
	assertErrLine "container one is running already"
	assert_run "$UCTR" rm -f one two
	assertExit 0
}

test_one_of_many_starts_wins()
{
	need fullmap || return 0
	create one -v "$T/tmp:/v" busybox sh -c 'echo x >> /v/log; exec sleep 100'
	for i in 1 2 3 4 5 6; do
		"$UCTR" start one > "$T/$i.out" 2>&1 &
	done
	wait
	assertEquals "one one one one one one" "$(cat "$T"/?.out | xargs)"
	wait_for 10 test -s "$T/tmp/log"
	assertEquals x "$(cat "$T/tmp/log")"
	assert_run "$UCTR" rm -f one
	assertExit 0
}

test_removal_against_start()
{
	need fullmap || return 0
	for i in 1 2 3 4 5 6 7 8; do
		create one busybox sleep 100
		"$UCTR" start one > /dev/null 2>&1 &
		bg=$!
		sleep "0.00$i"
		assert_run "$UCTR" rm -f one
		assertExit 0
		wait "$bg"
		assertEquals "" "$("$UCTR" ps -aq)"
		assertEquals "no process is left" "" "$(pgrep -u "$(id -u)" -f 'uctr: monitor of one$')"
	done
}

test_killed_starts()
{
	need fullmap || return 0
	create one busybox echo ended
	for i in 1 2 3 4 5 6 7 8 9; do
		"$UCTR" start one > /dev/null 2>&1 &
		bg=$!
		sleep "0.00$i"
		kill -9 "$bg" 2> /dev/null
		wait "$bg" 2> /dev/null
	done
	wait_for 10 sh -c "! pgrep -u $(id -u) -f 'uctr: monitor of one$'"
	started one ended
	assert_run "$UCTR" rm one
	assertExit 0
}

test_other_ids()
{
	need fullmap || return 0
	create one busybox true
	sed 's/"uidMap":\["0:[0-9]*/"uidMap":["0:77/' "$(record_of one)" > "$T/record"
	cp "$T/record" "$(record_of one)"
	assert_run "$UCTR" start one
	assertExit 125
	assertErrLine "the files of container one belong to other ids than you have now"
}

test_refusals()
{
	need fullmap || return 0
	assert_run "$UCTR" create -d busybox
	assertExit 125
	assertErrLine "create: --detach belongs to 'uctr run'"
	assert_run "$UCTR" create --network none -e "$(printf 'A=\377')" busybox true
	assertExit 125
	assertErrLine "must be UTF-8"
	assert_run "$UCTR" create --pull never nosuch/image
	assertExit 125
	assertEquals "" "$("$UCTR" ps -aq)"
	create one busybox true
	assert_run "$UCTR" create --name one busybox true
	assertExit 125
	assertErrLine "the name 'one' is in use"
	start_quiet --name two -e "$(printf 'A=\377')" busybox true
	assert_run "$UCTR" wait two
	assert_run "$UCTR" start two
	assertExit 125
	assertErrLine "container two cannot be started again"
}

test_views_of_a_created_one()
{
	need fullmap || return 0
	create one busybox true
	assert_run "$UCTR" diff one
	assertExit 0
	assertOut ""
	assert_run "$UCTR" commit -q one copy
	assertExit 0
	assert_run "$UCTR" export -o "$T/one.tar" one
	assertExit 0
	assert_run "$UCTR" system prune -f
	assertExit 0
	assertEquals "" "$("$UCTR" ps -aq)"
}

# shellcheck disable=SC1091 # the system's
. shunit2
