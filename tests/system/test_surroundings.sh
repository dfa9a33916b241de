# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What a caller may bring along: directories, environment, descriptors, signals, limits.
# shellcheck disable=SC2016 # what is in single quotes expands in an inner shell
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

shared=/tmp/uctr-$(id -u)
[ -e "$shared" ] && had_shared=1

oneTimeSetUp()
{
	"$UCTR" run --rm --network none busybox true
}

tearDown()
{
	"$UCTR" rm -f sur1 > /dev/null 2>&1
	[ -n "${had_shared:-}" ] || rm -rf "$shared"
}

# around [ENV-OPTION...]: a run below env(1) with these.
around()
{
	assert_run env "$@" "$UCTR" run --rm --network none busybox echo fine
}

# assertFine: it worked and said nothing.
assertFine()
{
	assertExit 0
	assertOut fine
	assertErrEmpty
}

# finding NAME [ENV-OPTION...]: what doctor says of one thing.
finding()
{
	name=$1
	shift
	assert_run env "$@" "$UCTR" doctor \
		--format '{{if eq .name "'"$name"'"}}{{.status}}: {{.finding}}; {{.cure}}{{end}}'
	out=$(printf '%s\n' "$out" | grep -v '^$')
}

# --- the runtime directory --------------------------------------------------------------------

test_runtime_directory_unset()
{
	need fullmap || return 0
	around -u XDG_RUNTIME_DIR
	assertFine
	if [ -d "/run/user/$(id -u)" ]; then
		return 0
	fi
	assertEquals "mode and owner" "700 $(id -u)" "$(stat -c '%a %u' "$shared")"
	finding "runtime directory" -u XDG_RUNTIME_DIR
	assertOutHas "warn: $shared/uctr, as XDG_RUNTIME_DIR is not set" "loginctl enable-linger"
}

test_runtime_directory_that_is_none_of_ours()
{
	need fullmap || return 0
	mkdir -m 0777 "$T/open" && chmod 0777 "$T/open"
	mkdir -m 0700 "$T/own" && ln -s own "$T/link"
	: > "$T/file"
	# As after su: the directory of the user before.
	for dir in /proc/1 / "$T/open" "$T/missing" "$T/file" "$T/link" "" relative; do
		around "XDG_RUNTIME_DIR=$dir"
		assertFine
	done
	assertEquals "nothing put there" "" "$(find "$T/open" "$T/own" -mindepth 1)"
	for dir in /proc/1 "$T/open" "$T/missing" "$T/file"; do
		finding "runtime directory" "XDG_RUNTIME_DIR=$dir"
		assertOutHas "warn: " \
			"as XDG_RUNTIME_DIR is not a directory of yours that only you can write to" \
			"loginctl enable-linger"
	done
}

# Somebody else has the name in /tmp: not used, and no way to keep uctr from working.
test_runtime_directory_squatted()
{
	need userns || return 0
	assert_run unshare -Urm sh -c '
		mount -t tmpfs tmpfs /tmp && mkdir -m 0777 /tmp/uctr-0 && chmod 0777 /tmp/uctr-0 &&
		mount -t tmpfs tmpfs /dev/shm && unset XDG_RUNTIME_DIR &&
		if [ -d /run/user/0 ]; then mount -t tmpfs -o mode=755 tmpfs /run/user; fi &&
		"$0" doctor | grep "runtime directory" && ls -A /tmp/uctr-0 && stat -c %a /dev/shm/uctr-0' "$UCTR"
	assertOutHas "/dev/shm/uctr-0/uctr, as XDG_RUNTIME_DIR is not set" "
700"
	assert_run unshare -Urm sh -c '
		mount -t tmpfs tmpfs /tmp && ln -s /dev /tmp/uctr-0 &&
		mount -t tmpfs tmpfs /dev/shm && : > /dev/shm/uctr-0 && unset XDG_RUNTIME_DIR &&
		if [ -d /run/user/0 ]; then mount -t tmpfs -o mode=755 tmpfs /run/user; fi &&
		"$0" ps' "$UCTR"
	assertExit 125
	assertErrLine "uctr: runtime directory /dev/shm/uctr-0: " \
		"; set XDG_RUNTIME_DIR to a directory of yours with mode 0700"
}

# --- the home directory -----------------------------------------------------------------------

test_home_unset()
{
	need fullmap || return 0
	around -u HOME
	assertFine
	around HOME=
	assertFine
	around HOME=relative
	assertFine
	assert_run env -u HOME "$UCTR" info --format '{{.DockerRootDir}}'
	assertOut "$HOME/.local/share/uctr"
}

test_home_of_services()
{
	need fullmap || return 0
	: > "$T/file"
	for home in /nonexistent /root "$T/file" /proc; do
		around "HOME=$home"
		assertExit 0
		assertOut fine
		assertErrLine "uctr: warning: data directory $home/.local/share/uctr: " \
			"; using $HOME/.local/share/uctr; set HOME or UCTR_DATA to a directory of yours"
	done
	finding "data directory" HOME=/nonexistent
	assertOutHas "warn: data directory /nonexistent/.local/share/uctr" "export UCTR_DATA=DIR"
}

test_home_of_another_user()
{
	need fullmap || return 0
	mkdir "$T/home" "$T/empty"
	# Made by somebody else, and readable: as with su and a kept HOME.
	assert_run env HOME=/nonexistent XDG_DATA_HOME=/proc/1 "$UCTR" ps -q
	assertExit 0
	assertErrLine "data directory /proc/1/uctr: "
}

# no_passwd COMMAND...: where the user database knows nobody, the user's ids and map stay.
no_passwd()
{
	printf 'root:x:0:0:root:/nonexistent:/bin/sh\n' > "$T/passwd"
	assert_run unshare -Urm sh -c 'mount --bind "$1/passwd" /etc/passwd && shift &&
		exec env HOME=/nonexistent "$@"' sh "$T" "$@"
}

test_no_home_at_all()
{
	need userns || return 0
	no_passwd "$UCTR" ps -q
	assertExit 0
	assertErrLine "uctr: warning: data directory /nonexistent/.local/share/uctr: " \
		"; using $XDG_RUNTIME_DIR/uctr/data, which is gone after a reboot; set HOME or UCTR_DATA"
	no_passwd env -u HOME "$UCTR" ps -q
	assertExit 0
	assertErrLine "uctr: warning: uid 0 has no home directory; using $XDG_RUNTIME_DIR/uctr/data"
	no_passwd env -u HOME "$UCTR" info --format '{{.DockerRootDir}}'
	assertOut "$XDG_RUNTIME_DIR/uctr/data"
	rm -rf "$XDG_RUNTIME_DIR/uctr/data"
}

# What was asked for by name is not passed over.
test_chosen_data_directory_has_no_stand_in()
{
	mkdir -m 0777 "$T/open" && chmod 0777 "$T/open"
	assert_run env UCTR_DATA=/nonexistent/data "$UCTR" ps
	assertExit 125
	assertErrLine "uctr: data directory /nonexistent/data: " "; set UCTR_DATA to a directory you can write to"
	assert_run env UCTR_DATA=/proc/1 "$UCTR" ps
	assertExit 125
	assertErrLine "uctr: data directory /proc/1 belongs to someone else; set UCTR_DATA"
	assert_run env "UCTR_DATA=$T/open" "$UCTR" ps
	assertExit 125
	assertErrLine "uctr: others can write to the data directory $T/open; run: chmod go-w $T/open"
	mkdir -p "$T/data/uctr" && chmod 0777 "$T/data/uctr"
	assert_run env "XDG_DATA_HOME=$T/data" "$UCTR" ps
	assertExit 125
	assertErrLine "uctr: others can write to the data directory $T/data/uctr"
}

test_read_only_data_directory()
{
	need fullmap || return 0
	export UCTR_DATA="$T/data"
	"$UCTR" run --rm --network none busybox true
	# Its removal is not waited for by the command.
	wait_for 5 sh -c '[ -z "$(ls -A "$0/containers")" ]' "$UCTR_DATA" || fail "not removed"
	mktar "$T/x.tar" < /dev/null
	find "$UCTR_DATA" -name layers -prune -o -type d -exec chmod 0500 {} +
	chmod 0500 "$UCTR_DATA"/layers "$UCTR_DATA"/layers/*
	snapshot "$UCTR_DATA" > "$T/before" 2> /dev/null
	around A=b
	assertExit 0
	assertOut fine
	assertErrLine "uctr: warning: data directory $T/data can only be read: its images can be used" \
		"containers are kept in $XDG_RUNTIME_DIR/uctr/data, which is gone after a reboot" \
		"; set UCTR_DATA to a directory you can write to"
	# A container that stays, seen by the commands that follow.
	assert_run "$UCTR" run -d --name sur1 --network none busybox sleep 300
	assertExit 0
	assert_run "$UCTR" exec sur1 echo inside
	assertExit 0
	assertOut inside
	assertEquals running "$(state_of sur1 2> /dev/null)"
	assert_run "$UCTR" rm -f sur1
	assertExit 0
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertOut localhost/busybox
	assert_run "$UCTR" import "$T/x.tar" another
	assertExit 125
	assertErrLine "$T/data" "can only be read" "UCTR_DATA"
	assert_run "$UCTR" rmi busybox
	assertExit 125
	assertErrLine "$T/data" "can only be read" "UCTR_DATA"
	finding "data directory"
	assertOutHas "warn: $T/data can only be read" "export UCTR_DATA=DIR"
	snapshot "$UCTR_DATA" > "$T/after" 2> /dev/null
	assertEquals "changed there" "" "$(diff "$T/before" "$T/after")"
	chmod 0700 "$UCTR_DATA" "$UCTR_DATA"/* "$UCTR_DATA"/layers/*
	unset UCTR_DATA
	rm -rf "$XDG_RUNTIME_DIR/uctr/data"
}

# --- environment ------------------------------------------------------------------------------

test_empty_environment()
{
	need fullmap || return 0
	around -i
	assertFine
	assert_run env -i "$UCTR" run --rm --network none busybox env
	assertExit 0
	assertEquals "PATH HOME HOSTNAME container" "HOME HOSTNAME PATH container" \
		"$(echo "$out" | sed 's/=.*//' | sort | tr '\n' ' ' | sed 's/ $//')"
	# As cron does.
	around -i HOME="$HOME" LOGNAME="$(id -un)" SHELL=/bin/sh PATH=/usr/bin:/bin
	assertFine
	around -u PATH
	assertFine
	around -u TERM
	assertFine
	assert_pty "expect fine" env -u TERM "$UCTR" run --rm -t --network none busybox echo fine
	assertExit 0
}

test_huge_environment()
{
	need fullmap || return 0
	big=$(head -c 120000 /dev/zero | tr '\000' x)
	around "A=$big" "B=$big" "C=$big" "D=$big" "E=$big" "F=$big" "G=$big" "H=$big"
	assertFine
	assert_run env "A=$big" "$UCTR" run --rm -e A --network none busybox sh -c 'echo ${#A}'
	assertExit 0
	assertOut 120000
}

# --- descriptors ------------------------------------------------------------------------------

test_closed_descriptors()
{
	need fullmap || return 0
	assert_run sh -c '"$0" run --rm --network none busybox echo fine <&-' "$UCTR"
	assertFine
	assert_run sh -c '"$0" run --rm --network none busybox echo fine 2>&-' "$UCTR"
	assertExit 0
	assertOut fine
	assert_run sh -c '"$0" run --rm --network none busybox sh -c "echo fine; exit 3" >&-' "$UCTR"
	assertExit 3
	assert_run sh -c '"$0" run --rm --network none busybox sh -c "exit 3" <&- >&- 2>&-' "$UCTR"
	assertExit 3
	assert_run sh -c '"$0" run --rm -i --network none busybox cat <&-' "$UCTR"
	assertExit 0
	assertOut ""
	# What uctr opens must not become the container's output.
	assert_run sh -c '"$0" run -d --name sur1 --network none busybox sh -c "echo fine; exit 4" <&- >&- 2>&-' "$UCTR"
	assertExit 0
	assert_run "$UCTR" wait sur1
	assertOut 4
	assert_run "$UCTR" logs sur1
	assertOut fine
	assert_run sh -c '"$0" ps <&- >&- 2>&-' "$UCTR"
	assertExit 0
}

test_standard_input_that_is_none()
{
	need fullmap || return 0
	assert_run sh -c '"$0" run --rm -i --network none busybox cat < /tmp' "$UCTR"
	assertExit 125
	assertErrLine "uctr: standard input is a directory; leave out -i"
	assert_run sh -c '"$0" run --rm --network none busybox echo fine < /tmp' "$UCTR"
	assertFine
	assert_run sh -c '"$0" run --rm -i --network none busybox cat 0> "$1"' "$UCTR" "$T/out"
	assertExit 125
	assertErrLine "uctr: standard input is open for writing only; leave out -i"
}

test_working_directory_gone_or_shut()
{
	need fullmap || return 0
	mkdir "$T/gone"
	assert_run sh -c 'cd "$1" && rmdir "$1" && "$0" run --rm --network none busybox echo fine' "$UCTR" "$T/gone"
	assertFine
	mkdir "$T/shut"
	assert_run sh -c 'cd "$1" && chmod 0 "$1" && "$0" run --rm --network none busybox echo fine' "$UCTR" "$T/shut"
	assertFine
	mkdir "$T/gone"
	assert_run sh -c 'cd "$1" && rmdir "$1" && "$0" run --rm --network none -v .:/m busybox true' "$UCTR" "$T/gone"
	assertExit 125
	assertErrLine "No such file or directory"
}

# --- what a process inherits ------------------------------------------------------------------

test_umask()
{
	need fullmap || return 0
	for mask in 0777 0700 0077 0; do
		assert_run sh -c 'umask "$1" && export UCTR_DATA="$2" XDG_RUNTIME_DIR="$3" &&
			mkdir -m 0700 "$3" && "$0" run --rm --network none busybox sh -c "umask; stat -c %a / /bin"' \
			"$UCTR" "$mask" "$T/data$mask" "$T/run$mask"
		assertExit 0
		assertOut "0022
755
755"
		assertErrEmpty
		wait_for 10 rmdir "$T/data$mask/containers" || fail "it is not removed"
		assertEquals "open to others" "" \
			"$(find "$T/data$mask" "$T/run$mask" \( -path '*/layers/*/*' -o -name skeleton \) -prune -o ! -type l -perm /077 -print)"
	done
	assert_run sh -c 'umask 0777; "$0" run --rm --network none --cidfile "$1" busybox true' "$UCTR" "$T/cid"
	assertExit 0
	assertEquals 600 "$(stat -c %a "$T/cid")"
	assert_run sh -c 'umask 0022; "$0" run --rm --network none --cidfile "$1" busybox true' "$UCTR" "$T/cid2"
	assertExit 0
	assertEquals 644 "$(stat -c %a "$T/cid2")"
}

test_signals_ignored_or_blocked()
{
	need fullmap || return 0
	for how in --ignore-signal=CHLD --ignore-signal=PIPE --block-signal --ignore-signal \
		--block-signal=CHLD; do
		assert_run env "$how" "$UCTR" run --rm --network none busybox \
			grep -E '^Sig(Blk|Ign)' /proc/self/status
		assertExit 0
		assertErrEmpty
		assertOut "SigBlk:	0000000000000000
SigIgn:	0000000000000000"
	done
	assert_run "$UCTR_TESTS/helper/ignoring" 32 "$UCTR" run --rm --network none busybox \
		grep -E '^SigIgn' /proc/self/status
	assertOut "SigIgn:	0000000000000000"
	assert_run env --block-signal "$UCTR" run -d --name sur1 --network none busybox sleep 300
	assertExit 0
	assert_run env --ignore-signal "$UCTR" exec sur1 grep -E '^Sig(Blk|Ign)' /proc/self/status
	assertExit 0
	assertOut "SigBlk:	0000000000000000
SigIgn:	0000000000000000"
	assert_run env --ignore-signal "$UCTR" stop -t 0 sur1
	assertExit 0
}

# limited LIMIT: a run below a limit that can be lifted (-S: it is not the hard one).
limited()
{
	assert_run sh -c 'ulimit $1 && exec "$0" run --rm --network none busybox echo fine' "$UCTR" "$1"
}

test_low_limits()
{
	need fullmap || return 0
	for limit in "-S -n 16" "-S -n 64" "-n 128" "-s 256" "-v 200000" "-l 0" "-c 0" "-t 60"; do
		limited "$limit"
		assertFine
	done
	limited "-n 30"
	assertExit 125
	assertErrLine "Too many open files"
	# The words go through a pipe, as the limit holds for them too.
	assert_run sh -c '{ ulimit -f 0; "$0" run --rm --network none busybox echo fine; echo "code $?"; } 2>&1 | cat' "$UCTR"
	assertOutHas "File too large
code 125"
	# Lifted for uctr alone: what the container gets is said by --ulimit and the default.
	assert_run sh -c 'ulimit -S -n 16 && exec "$0" run --rm --network none --ulimit nofile=20:30 busybox sh -c "ulimit -Sn; ulimit -Hn"' "$UCTR"
	assertOut "20
30"
}

. shunit2
