#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr-oci: spec and run of a bundle, as engines and schedulers call them.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
OCI=$UCTR-oci
STATES=$XDG_RUNTIME_DIR/uctr/oci

# bundle ARGS: a bundle in $T/b without a terminal that runs ARGS (a JSON list, with \" as in JSON).
bundle()
{
	if [ ! -d "$T/b/rootfs" ]; then
		mkrootfs "$T/b/rootfs"
		"$OCI" spec --rootless --bundle "$T/b" || return 1
		tr -d '\n' < "$T/b/config.json" > "$T/config.orig"
	fi
	cp "$T/config.orig" "$T/b/config.json"
	edit 's/"terminal": true/"terminal": false/'
	printf '%s' "$1" > "$T/args"
	awk -v file="$T/args" '
		BEGIN { while ((getline line < file) > 0) args = args line }
		{
			at = index($0, "\"args\": ["); rest = substr($0, at)
			print substr($0, 1, at - 1) "\"args\": " args substr(rest, index(rest, "]") + 1)
		}' "$T/b/config.json" > "$T/edited"
	mv "$T/edited" "$T/b/config.json"
}

# edit SED-EXPRESSION: changes config.json, which is one line.
edit()
{
	sed "$1" "$T/b/config.json" > "$T/edited"
	mv "$T/edited" "$T/b/config.json"
}

run_bundle()
{
	assert_run "$OCI" run --bundle "$T/b" c1
}

no_state()
{
	[ -z "$(ls -A "$STATES" 2> /dev/null)" ]
}

# --- spec and the command line ----------------------------------------------------------------

test_version_is_what_engines_parse()
{
	assert_run "$OCI" --version
	assertExit 0
	assertOut "uctr-oci version 0.1.0
spec: 1.0.2"
	assert_run "$OCI" -v
	assertExit 0
}

test_spec_writes_and_never_overwrites()
{
	cd "$T" || return
	assert_run "$OCI" spec
	assertExit 0
	assertOut ""
	assertErrEmpty
	cp config.json before
	assert_run "$OCI" spec --rootless
	assertExit 1
	assertErrLine "./config.json exists already"
	assertTrue "unchanged" "cmp -s before config.json"
	assert_run "$OCI" spec -b "$T/missing"
	assertExit 1
	assertErrLine "$T/missing: No such file or directory"
	ln -sf "$T/victim" "$T/link"
	mkdir "$T/d" && ln -s "$T/victim" "$T/d/config.json"
	assert_run "$OCI" spec -b "$T/d"
	assertExit 1
	assertFalse "through a link" "[ -e '$T/victim' ]"
	cd "$HOME" || return
}

test_help()
{
	assert_run "$OCI" --help
	assertExit 0
	assertOutHas "Usage: uctr-oci" "run " "spec " "--systemd-cgroup" "--rootless"
	assert_run "$OCI" run --help
	assertExit 0
	assertOutHas "Usage: uctr-oci run [OPTIONS] ID" "--pid-file"
}

test_bad_command_lines()
{
	assert_run "$OCI" frobnicate
	assertExit 1
	assertErrLine "uctr-oci: unknown command 'frobnicate'; see 'uctr-oci --help'"
	assert_run "$OCI" --frobnicate
	assertExit 1
	assertErrLine "unknown flag --frobnicate; see 'uctr-oci --help'"
	assert_run "$OCI" run --frobnicate c1
	assertExit 1
	assertErrLine "unknown flag --frobnicate; see 'uctr-oci run --help'"
	assert_run "$OCI" run
	assertExit 1
	assertErrLine "run: ID is missing"
	assert_run "$OCI" run c1 c2
	assertExit 1
	assertErrLine "run: unexpected operand 'c2'"
	assert_run "$OCI" --log-format xml run c1
	assertExit 1
	assertErrLine "--log-format: 'xml' is not 'text' or 'json'"
	assert_run "$OCI" --log-level loud run c1
	assertExit 1
	assertErrLine "--log-level: 'loud' is not one of"
	assert_run "$OCI" --rootless=maybe run c1
	assertExit 1
	assertErrLine "--rootless: 'maybe' is not one of true, false, auto"
	assert_run "$OCI" --rootless=false run c1
	assertExit 1
	assertErrLine "--rootless: false needs root"
}

test_refused_by_name()
{
	bundle '["true"]'
	assert_run "$OCI" --systemd-cgroup run -b "$T/b" c1
	assertExit 1
	assertErrLine "--systemd-cgroup is not supported"
	assert_run "$OCI" --cgroup-manager systemd run -b "$T/b" c1
	assertExit 1
	assertErrLine "--cgroup-manager: 'systemd' is not supported"
	for option in --no-pivot --no-new-keyring --detach "--console-socket=/x" "--preserve-fds=2"; do
		assert_run "$OCI" run -b "$T/b" "$option" c1
		assertExit 1
		assertErrLine "${option%%=*}" "support"
	done
	assertTrue "no state" no_state
}

# --- running ----------------------------------------------------------------------------------

test_streams_and_success()
{
	need userns || return 0
	bundle '["sh", "-c", "cat; echo error >&2"]'
	printf 'a  b\n' > "$T/in"
	RUN_STDIN=$T/in
	run_bundle
	assertExit 0
	assertOut "a  b"
	assertEquals "error" "$err"
	assertTrue "no state left" no_state
}

test_exit_codes()
{
	need userns || return 0
	for code in 0 1 42 255; do
		bundle "[\"sh\", \"-c\", \"exit $code\"]"
		run_bundle
		assertExit $code
		assertErrEmpty
	done
}

test_options_before_and_after_the_id()
{
	need userns || return 0
	bundle '["true"]'
	assert_run "$OCI" --rootless=true --root "$T/states" --log "$T/log" run c1 -b "$T/b" \
		--pid-file "$T/pid"
	assertExit 0
	assertErrEmpty
	assertTrue "pid file" "grep -qxE '[0-9]+' '$T/pid'"
	assertEquals "no state left" "" "$(ls -A "$T/states")"
	assertEquals "nothing logged" "" "$(cat "$T/log")"
	assert_run "$OCI" --rootless true --cgroup-manager disabled run --bundle="$T/b" c.1_x-2
	assertExit 0
}

test_program_not_found_or_not_executable()
{
	need userns || return 0
	bundle '["nosuch"]'
	run_bundle
	assertExit 127
	assertErrLine "uctr-oci: exec 'nosuch': executable file not found in \$PATH"
	bundle '["/bin/nosuch"]'
	run_bundle
	assertExit 127
	assertErrLine "exec '/bin/nosuch': no such file or directory"
	bundle '["/etc/passwd"]'
	run_bundle
	assertExit 126
	assertErrLine "exec '/etc/passwd': Permission denied"
	assertTrue "no state left" no_state
}

test_errors_are_logged_for_engines()
{
	need userns || return 0
	bundle '["nosuch"]'
	assert_run "$OCI" --log "$T/log" --log-format json run -b "$T/b" c1
	assertExit 127
	assertTrue "json log: $(cat "$T/log")" \
		"grep -qE '^\\{\"level\":\"error\",\"msg\":\"exec .nosuch.: executable file not found in .*\",\"time\":\"20[0-9T:-]*Z\"\\}\$' '$T/log'"
	assert_run "$OCI" --log "$T/log" run -b "$T/b" ../x
	assertExit 1
	assertEquals "appended" 2 "$(wc -l < "$T/log")"
	assertTrue "text log: $(cat "$T/log")" \
		"tail -n 1 '$T/log' | grep -q '^time=\".*Z\" level=error msg=\"container id '"
	assert_run "$OCI" --log /nonexistent/log run -b "$T/b" c1
	assertExit 1
	assertErrLine "--log: open /nonexistent/log: No such file or directory"
}

test_what_the_default_gives()
{
	need userns || return 0
	# shellcheck disable=SC2016 # for the shell inside
	bundle '["sh", "-c", "id -u; hostname; pwd; echo $HOME; echo $PPID; grep -E Cap\\|NoNewPrivs /proc/self/status; ls /dev; wc -c < /proc/kallsyms; (echo 1 > /proc/sys/kernel/msgmax) 2>&1; (echo x > /file) 2>&1; ulimit -n; umask"]'
	run_bundle
	assertExit 0
	assertErrEmpty
	assertOutHas "0
uctr
/
/root
0
CapInh:	0000000000000000
CapPrm:	00000000800405fb
CapEff:	00000000800405fb
CapBnd:	00000000800405fb
CapAmb:	0000000000000000
NoNewPrivs:	1
fd
full
mqueue
null
ptmx
pts
random
shm
stderr
stdin
stdout
tty
urandom
zero
0
" "/proc/sys/kernel/msgmax: Read-only file system" "/file: Read-only file system" "1024
0022"
}

test_user_and_mounts()
{
	need fullmap || return 0
	bundle '["sh", "-c", "id -u; id -g; cat /data/f; (echo x > /data/f) 2>&1; cat /proc/self/uid_map"]'
	sub=$(sed -n "s/^$(id -un):\([0-9]*\):.*/\1/p" /etc/subuid | head -n 1)
	mkdir "$T/b/data"
	echo content > "$T/b/data/f"
	edit 's/"uid": 0/"uid": 7/; s/"gid": 0/"gid": 8/'
	edit "s/\"uidMappings\": \[/&{\"containerID\":1,\"hostID\":$sub,\"size\":1000},/"
	edit "s/\"gidMappings\": \[/&{\"containerID\":1,\"hostID\":$sub,\"size\":1000},/"
	edit 's|"mounts": \[|&{"destination":"/data","type":"bind","source":"data","options":["rbind","ro"]},|'
	chmod 755 "$T" "$T/b" "$T/b/rootfs"
	run_bundle
	assertExit 0
	assertErrEmpty
	assertOutHas "7
8
content" "/data/f: Read-only file system" "$sub       1000"
}

test_host_views_where_namespaces_are_shared()
{
	need userns || return 0
	bundle '["sh", "-c", "(echo 1 > /sys/fs/cgroup/x) 2>&1; (echo 1 > /sys/x) 2>&1; ls /sys/class/net/lo/mtu; ls /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs 2> /dev/null | grep -c . > /dev/null && echo groups"]'
	edit 's/, *{ *"type": "cgroup" *}//; s|"type": "none", *"source": "/sys", *"options": \[ *"rbind",|"type": "sysfs", "source": "sysfs", "options": [|'
	assertTrue "edited: $(cat "$T/b/config.json")" "grep -q sysfs '$T/b/config.json'"
	run_bundle
	assertExit 0
	assertErrEmpty
	assertOutHas "/sys/fs/cgroup/x: Read-only file system" "/sys/x: Read-only file system" \
		"/sys/class/net/lo/mtu" groups
	assertFalse "edited: $(cat "$T/b/config.json")" "grep -q '\"type\": \"cgroup\" *}' '$T/b/config.json'"
}

test_descriptors_of_the_caller_stay_outside()
{
	need userns || return 0
	bundle '["ls", "-l", "/proc/self/fd"]'
	exec 9< "$HOME"
	run_bundle
	exec 9<&-
	assertExit 0
	assertEquals "$out" "" "$(echo "$out" | grep -v '^total' | grep -vE ' ([0-2] -> .*|3)$')"
	for dir in /proc/self/fd/9 /proc/1/fd/9; do
		bundle '["pwd"]'
		edit "s|\"cwd\": \"/\"|\"cwd\": \"$dir\"|"
		exec 9< "$HOME"
		run_bundle
		exec 9<&-
		assertExit 1
		assertErrLine "working directory $dir"
	done
}

test_dev_as_a_link_touches_nothing_outside()
{
	need userns || return 0
	bundle '["true"]'
	mkdir "$T/victim"
	echo marker > "$T/victim/null"
	snapshot "$T/victim" > "$T/before"
	for name in dev proc sys; do
		rm -rf "$T/b/rootfs/$name"
		ln -s "$T/victim" "$T/b/rootfs/$name"
		run_bundle
		assertExit 1
		assertErrLine "/$name is a symbolic link in the image"
		snapshot "$T/victim" > "$T/after"
		assertTrue "victim unchanged" "cmp -s '$T/before' '$T/after'"
		rm "$T/b/rootfs/$name"
	done
	# The control: without the links it starts.
	run_bundle
	assertExit 0
}

# --- ids and state ----------------------------------------------------------------------------

test_bad_ids()
{
	bundle '["true"]'
	long=$(printf '%0256d' 0)
	newline='a
b'
	for id in "" . .. ../x a/b /a .hidden "a b" "$newline" 'a*' 'é' "a:b" "$long"; do
		assert_run "$OCI" run -b "$T/b" "$id"
		assertExit 1
		assertErrLine "container id '" "want at most 255 letters"
	done
	assert_run "$OCI" run -b "$T/b" -- -x
	assertExit 1
	assertErrLine "container id '-x'"
	assertTrue "nothing made" no_state
	assertFalse "nothing outside" "[ -e '$XDG_RUNTIME_DIR/uctr/x' ]"
}

# running ID COMMAND-IN-SH: starts the bundle in the background, waits until it printed "up".
running()
{
	bundle "[\"sh\", \"-c\", \"$2\"]"
	"$OCI" run -b "$T/b" "$1" > "$T/bg.out" 2> "$T/bg.err" < /dev/null &
	bg=$!
	wait_for 10 grep -q up "$T/bg.out"
}

test_an_id_in_use_is_refused()
{
	need userns || return 0
	running same "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done"
	assert_run "$OCI" run -b "$T/b" same
	assertExit 1
	assertErrLine "container id 'same' is in use"
	kill -TERM $bg
	wait $bg
	assertEquals "signal passed on" 3 $?
	assertTrue "no state left" no_state
	bundle '["true"]'
	assert_run "$OCI" run -b "$T/b" same
	assertExit 0
}

alive()
{
	pgrep -f "$1" > /dev/null
}

gone()
{
	! alive "$1"
}

test_the_container_ends_with_its_killed_runner()
{
	need userns || return 0
	# What clears every parent-death signal: new sessions, two forks, no parent left.
	running killed "setsid sh -c 'setsid sleep 987.125 & setsid sleep 987.125 &'; echo up; sleep 987.125"
	wait_for 5 alive 'sleep 987.125'
	assertTrue "it runs" "alive 'sleep 987.125'"
	kill -KILL $bg
	wait $bg
	assertEquals 137 $?
	assertTrue "all of it ended" "wait_for 5 gone 'sleep 987.125'"
	assertTrue "no state left" "wait_for 5 no_state"
}

test_a_dead_owners_id_is_taken_over()
{
	need userns || return 0
	running stale "echo up; sleep 987.25"
	# The runner and its guard at once, so that nobody clears up.
	# shellcheck disable=SC2046 # a list of pids
	kill -KILL $bg $(pgrep -P $bg -f "^$OCI run|uctr-oci run")
	wait $bg
	assertTrue "the record is left" "[ -f '$STATES/stale/state.json' ]"
	bundle '["echo", "taken"]'
	assert_run "$OCI" run -b "$T/b" stale
	assertExit 0
	assertOut taken
	assertTrue "the old one is ended" "wait_for 5 gone 'sleep 987.25'"
	assertTrue "no state left" no_state
}

test_state_directories_of_others_are_refused()
{
	need userns || return 0
	bundle '["true"]'
	mkdir -m 0777 "$T/open"
	chmod 0777 "$T/open"
	assert_run "$OCI" --root "$T/open" run -b "$T/b" c1
	assertExit 1
	assertErrLine "state directory $T/open belongs to someone else or others can write to it"
}

# --- cgroups ----------------------------------------------------------------------------------

test_impossible_limits_are_an_error()
{
	need userns || return 0
	bundle '["true"]'
	edit 's/"linux": {/&"resources":{"memory":{"limit":10000000}},/'
	assert_run "$OCI" --cgroup-manager disabled run -b "$T/b" c1
	assertExit 1
	assertErrLine "linux.resources cannot be enforced with --cgroup-manager disabled"
	has memory && return 0
	run_bundle
	assertExit 1
	assertErrLine "memory limit" "cannot be enforced"
	assertTrue "no state left" no_state
}

test_a_cgroup_by_name()
{
	need userns cgroup || return 0
	bundle '["sh", "-c", "grep ^0:: /proc/self/cgroup; sleep 987.5"]'
	edit 's|"linux": {|&"cgroupsPath":"named-group",|'
	"$OCI" run -b "$T/b" grouped > "$T/bg.out" 2> "$T/bg.err" < /dev/null &
	bg=$!
	wait_for 10 grep -q 0:: "$T/bg.out"
	assertEquals "own view: $(cat "$T/bg.err")" "0::/" "$(cat "$T/bg.out")"
	group=$(find "$(own_cgroup)" -name named-group)
	assertNotEquals "made" "" "$group"
	assertNotEquals "not empty" "" "$(cat "$group/cgroup.procs")"
	kill -KILL $bg
	wait $bg
	assertTrue "removed" "wait_for 5 test ! -d '$group'"
	edit 's|named-group|a/b|'
	run_bundle
	assertExit 1
	assertErrLine "linux.cgroupsPath: 'a/b' is not one name below the delegated cgroup"
}

# --- the terminal -----------------------------------------------------------------------------

test_terminal()
{
	need userns helper:ptydrive || return 0
	bundle '["sh"]'
	edit 's/"terminal": false/"terminal": true/'
	assert_pty 'expect #
send tty; stty size\r
expect /dev/pts/0
expect 24 80
expect #
size 33 111
sleep 200
send stty size\r
expect 33 111
expect #
send sleep 987\r
sleep 300
send \x03
expect #
send exit 5\r' "$OCI" run -b "$T/b" c1
	assertExit 5
	assertTrue "no state left" no_state
}

test_terminal_is_restored()
{
	need userns helper:ptydrive || return 0
	bundle '["stty", "raw"]'
	edit 's/"terminal": false/"terminal": true/'
	assert_pty 'sleep 10' sh -c "stty -a > $T/before; $OCI run -b $T/b c1; stty -a > $T/after"
	assertExit 0
	assertTrue "as before" "cmp '$T/before' '$T/after'"
}

test_terminal_hangs_up()
{
	need userns helper:ptydrive || return 0
	bundle '["sh"]'
	edit 's/"terminal": false/"terminal": true/'
	RUN_TIMEOUT=15
	assert_pty 'expect #
hangup' "$OCI" run -b "$T/b" c1
	assertExit 0
	assertTrue "no state left" "wait_for 5 no_state"
}

test_terminal_without_one()
{
	bundle '["sh"]'
	edit 's/"terminal": false/"terminal": true/'
	run_bundle
	assertExit 1
	assertErrLine "process.terminal is true, but standard input is not a terminal"
}

# --- bad config.json --------------------------------------------------------------------------

# bad SED-EXPRESSION TEXT: with this change config.json is refused with TEXT, before anything is done.
bad()
{
	bundle '["true"]'
	cp "$T/b/config.json" "$T/good"
	edit "$1"
	assertFalse "[$1] changes nothing" "cmp -s '$T/good' '$T/b/config.json'"
	run_bundle
	assertExit 1
	assertErrLine "uctr-oci: config.json: $2"
	assertTrue "no state" no_state
}

test_bad_config()
{
	bad 's/"ociVersion": "1.0.2"/"ociVersion": "2.0.0"/' "ociVersion: '2.0.0' is not supported"
	bad 's/"ociVersion": "1.0.2",//' "ociVersion: missing"
	bad 's/"cwd": "\/"/"cwd": "x"/' "process.cwd: 'x' is not an absolute path"
	bad 's/"uid": 0/"uid": 4294967295/' "process.user.uid: 4294967295 is not a valid id"
	bad 's/"uid": 0/"uid": "0"/' "process.user.uid: want a whole number"
	bad 's/"CAP_KILL"/"CAP_NONSENSE"/' "process.capabilities.bounding: 'CAP_NONSENSE' is not a capability"
	bad 's/"RLIMIT_NOFILE"/"RLIMIT_X"/' "process.rlimits[0].type: 'RLIMIT_X' is not a resource limit"
	bad 's/"linux": {/"hooks":{"prestart":[{"path":"\/bin\/true"}]}, &/' "hooks: not supported"
	bad 's/"type": "ipc"/"type": "time"/' "linux.namespaces[1].type: time namespaces are not supported"
	bad 's/"type": "ipc"/"type": "pid"/' "linux.namespaces[1].type: 'pid' is given twice"
	bad 's/"type": "ipc"/"type": "ipc","path":"x"/' "linux.namespaces[1].path: 'x' is not an absolute path"
	bad 's/"size": 1 /"size": 0 /' "linux.uidMappings[0].size: 0 does not fit"
	bad 's/"linux": {/&"resources":{"cpu":{"quota":"x"}},/' "linux.resources.cpu.quota: want a whole number"
	bad 's/"linux": {/&"resources":{"rdma":{"x":{"hcaHandles":3}}},/' "linux.resources.rdma: not supported"
	bad 's/"linux": {/&"sysctl":{"kernel.core_pattern":"x"},/' "linux.sysctl: 'kernel.core_pattern' is not a setting"
	bad 's/"linux": {/&"seccomp":{"defaultAction":"NO"},/' "linux.seccomp: "
	bad 's/"linux": {/&"intelRdt":{"closID":"x"},/' "linux.intelRdt: not supported"
	bad 's/"mounts": \[/&{"destination":"\/x","type":"tmpfs","options":["idmap"]},/' "mounts[0].options: idmapped mounts"
	bad 's/"mounts": \[/&{"destination":"\/x","type":"bind"},/' "mounts[0].source: missing"
	bad 's/"user" *}/"uts"}/' "linux.namespaces"
}

test_ordinary_users_need_a_user_namespace()
{
	mkdir "$T/b"
	mkrootfs "$T/b/rootfs"
	"$OCI" spec -b "$T/b"
	tr -d '\n' < "$T/b/config.json" | sed 's/"terminal": true/"terminal": false/' > "$T/edited"
	mv "$T/edited" "$T/b/config.json"
	run_bundle
	assertExit 1
	assertErrLine "an ordinary user needs a user namespace; 'uctr-oci spec --rootless'"
}

test_bad_bundle()
{
	assert_run "$OCI" run -b "$T/missing" c1
	assertExit 1
	assertErrLine "bundle $T/missing: No such file or directory"
	mkdir "$T/b"
	run_bundle
	assertExit 1
	assertErrLine "read config.json: No such file or directory; bundle $T/b has none"
	echo '{' > "$T/b/config.json"
	run_bundle
	assertExit 1
	assertErrLine "config.json: not valid JSON at line"
	echo '{"ociVersion":"1.0.2","ociVersion":"1.0.2"}' > "$T/b/config.json"
	run_bundle
	assertExit 1
	assertErrLine "config.json: not valid JSON at line 1: duplicate object key"
	echo '[]' > "$T/b/config.json"
	run_bundle
	assertExit 1
	assertErrLine "config.json: want an object at the top level"
	assertTrue "no state" no_state
}

test_no_limit_of_other_engines()
{
	need userns || return 0
	bundle '["sh", "-c", "ulimit -c"]'
	edit 's/"soft": 1024, *"hard": 1024/"soft": 18446744073709551615, "hard": 18446744073709551615/; s/RLIMIT_NOFILE/RLIMIT_FSIZE/'
	assertTrue "edited" "grep -q 18446744073709551615 '$T/b/config.json'"
	run_bundle
	assertExit 0
	assertOut 0
}

. shunit2
