#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two users on one machine: neither sees, reaches or hinders the other, also with files planted where
# uctr looks for its own.
# shellcheck disable=SC2016 # what is in single quotes expands in the other user's shell
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

S=${UCTR_SECOND_DIR:-/no second user}
own_runtime=$XDG_RUNTIME_DIR
standin=uctr-$(id -u)

# second SCRIPT: run by the second user; leaves $rc2 and $out2.
second()
{
	echo "$1" > "$S/drop/script"
	echo go > "$S/ask"
	read -r rc2 < "$S/answer"
	out2=$(cat "$S/out/text")
}

tearDown()
{
	XDG_RUNTIME_DIR=$own_runtime
	remove_containers tu1
	[ -d "$S" ] || return 0
	second "uctr rm -f tu1; rm -rf /tmp/$standin /dev/shm/$standin '$S/drop/open/uctr' \$HOME/victim"
	rm -rf "$S/drop/open" "/tmp/$standin" "/dev/shm/$standin"
}

both_run()
{
	start_quiet --name tu1 busybox sleep 1000
	second 'uctr run -d --name tu1 --network none busybox sleep 1000 && uctr ps -q --no-trunc'
	assertEquals "the second user's start: $out2" 0 "$rc2"
}

test_the_same_name_for_both()
{
	need fullmap "file:$S" || return 0
	both_run
	mine=$(readlink "$(data_dir)/names/tu1")
	theirs=$(echo "$out2" | tail -n 1)
	assertNotEquals "$mine" "$theirs"
	assertEquals "$mine" "$("$UCTR" ps -aq --no-trunc)"
	assert_run "$UCTR" exec tu1 true
	assertExit 0
	# By its id too it is nobody's here.
	assert_run "$UCTR" rm -f "$theirs"
	second "uctr stop -t 0 tu1 > /dev/null && uctr rm tu1 > /dev/null && uctr ps -aq; uctr rm $mine"
	assertEquals "uctr: no such container: $mine; 'uctr ps -a' lists them" "$out2"
	assertEquals running "$(state_of tu1)"
}

test_neither_reaches_the_other()
{
	need fullmap "file:$S" || return 0
	both_run
	pid=$(pid_of tu1)
	second "for f in $(data_dir) $own_runtime/uctr /proc/$pid/root /proc/$pid/ns/user; do
			ls \$f/ > /dev/null 2>&1 && echo \"reached \$f\"
			readlink \$f && echo \"read \$f\"
		done
		kill -0 $pid 2> /dev/null && echo 'may kill it'
		kill -0 $(monitor_of tu1) 2> /dev/null && echo 'may kill its monitor'
		nsenter -U -t $pid true 2> /dev/null && echo 'may enter'
		exit 0"
	assertEquals "" "$out2"
	# Red control: all of that is possible for the owner.
	assertTrue "the owner reaches it" "ls $own_runtime/uctr/ > /dev/null && readlink /proc/$pid/ns/user"
	assertTrue "the owner may kill it" "kill -0 $pid"
	mine=$(readlink "/proc/$pid/ns/user")
	second 'readlink /proc/$(uctr ps --filter name=tu1 --format "{{.Pid}}")/ns/user'
	assertEquals "$out2" 0 "$rc2"
	assertNotEquals "user namespaces" "$mine" "$out2"
}

test_both_start_many_at_the_same_time()
{
	need fullmap "file:$S" || return 0
	ran="both at once"
	for i in $(seq 10); do
		"$UCTR" run --rm --name "tu-$i" --network none busybox true 2> "$T/$i.err" || echo failed >> "$T/$i.err" &
	done
	second 'for i in $(seq 10); do
			uctr run --rm --name tu-$i --network none busybox true || echo failed &
		done
		wait
		sleep 0.2
		uctr ps -aq'
	wait
	assertEquals "" "$out2"
	assertEquals "" "$(cat "$T"/*.err)"
	assertNothingLeft
}

# plant KIND PATH: by the second user, where the first one's uctr looks for its own.
plant()
{
	second "rm -rf \$HOME/victim; mkdir -m 0777 \$HOME/victim; chmod 0755 \$HOME; rm -rf $2
		case $1 in
		link) ln -s \$HOME/victim $2 ;;
		directory) mkdir -m 0777 $2 ;;
		private) mkdir -m 0700 $2 ;;
		fifo) mkfifo -m 0666 $2 ;;
		file) echo > $2; chmod 0666 $2 ;;
		esac"
	assertEquals "planted: $out2" 0 "$rc2"
}

# untouched PATH: nothing was put into what was planted.
untouched()
{
	second "find $1/ \$HOME/victim -mindepth 1 2> /dev/null; exit 0"
	assertEquals "put into what was planted" "" "$out2"
}

test_planted_in_a_runtime_directory_that_all_may_write_to()
{
	need fullmap "file:$S" || return 0
	mkdir "$S/drop/open"
	chmod 1777 "$S/drop/open"
	for kind in link directory private fifo file; do
		plant $kind "$S/drop/open/uctr"
		XDG_RUNTIME_DIR=$S/drop/open
		RUN_TIMEOUT=10
		ctr busybox echo fine
		XDG_RUNTIME_DIR=$own_runtime
		assertExit 0
		assertOut fine
		untouched "$S/drop/open/uctr"
	done
}

test_planted_in_tmp()
{
	need fullmap "file:$S" || return 0
	for kind in link directory private fifo file; do
		plant $kind "/tmp/$standin"
		RUN_TIMEOUT=10
		assert_run env -u XDG_RUNTIME_DIR "$UCTR" run --rm --network none busybox echo fine
		assertExit 0
		assertOut fine
		untouched "/tmp/$standin"
		# With no place left it says so.
		rm -rf "/dev/shm/$standin"
		second "mkdir -m 0777 /dev/shm/$standin"
		assert_run env -u XDG_RUNTIME_DIR "$UCTR" run --rm --network none busybox echo fine
		assertExit 125
		assertErrLine "uctr: runtime directory /dev/shm/$standin" \
			"set XDG_RUNTIME_DIR to a directory of yours with mode 0700"
		untouched "/dev/shm/$standin"
		second "rm -rf /dev/shm/$standin"
	done
}

. shunit2
