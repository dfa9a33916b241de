# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the suites of the command line share, sourced after common.sh.
# shellcheck disable=SC2154 # assert_run sets $ran

# ctr ARG...: assert_run of a throw-away container without a network.
ctr()
{
	assert_run "$UCTR" run --rm --network none "$@"
}

# assert_run_subids SUBUID SUBGID COMMAND...: assert_run where these files stand for /etc/subuid and
# /etc/subgid: as the same user, in a namespace of his in which no helper gets rights.
assert_run_subids()
{
	subuid=$1 subgid=$2
	shift 2
	# shellcheck disable=SC2016 # expands in the inner shell
	assert_run unshare -Urm sh -c 'mount --bind "$1" /etc/subuid && mount --bind "$2" /etc/subgid || exit 99
		uid=$3 gid=$4
		shift 4
		exec unshare -U --map-user="$uid" --map-group="$gid" "$@"' sh \
		"$subuid" "$subgid" "$(id -u)" "$(id -g)" "$@"
	ran=$*
}

# start_quiet ARG...: a detached container without a network; a failure to start is the test's.
start_quiet()
{
	assert_run "$UCTR" run -d --network none "$@"
	assertExit 0
	assertErrEmpty
}

# background COMMAND...: starts it, output to $T.bg.out and $T.bg.err; its pid is in $bg.
background()
{
	: > "$T.bg.out" # now: the redirection below happens in its own time
	"$@" < /dev/null > "$T.bg.out" 2> "$T.bg.err" &
	bg=$!
}

# background_exit CODE: waits for what background started; fails on another exit code.
background_exit()
{
	bg_rc=0
	wait "$bg" || bg_rc=$?
	assertEquals "exit code; stderr: [$(cat "$T.bg.err")]" "$1" "$bg_rc"
}

# at_rest PID: it sleeps and did not run between two looks: it waits for something to happen.
at_rest()
{
	look=$(grep -E '^(State|.*ctxt_switches)' "/proc/$1/status")
	sleep 0.2
	[ "$look" = "$(grep -E '^(State|.*ctxt_switches)' "/proc/$1/status")" ] || return 1
	case $look in
	*'S (sleeping)'*) ;;
	*) return 1 ;;
	esac
}

# printed TEXT [FILE]: has the background command (or FILE) printed a line TEXT by now?
printed()
{
	grep -qxF -- "$1" "${2:-$T.bg.out}"
}

# logged NAME TEXT: has the container printed the line TEXT by now?
logged()
{
	"$UCTR" logs "$1" 2>&1 | grep -qxF -- "$2"
}

# state_of NAME: created, running, exited, dead, or nothing when there is no such container.
state_of()
{
	"$UCTR" ps -a --filter "name=$1" --format '{{.Names}} {{.State}}' | sed -n "s/^$1 //p"
}

# is_state NAME STATE
is_state()
{
	[ "$(state_of "$1")" = "$2" ]
}

# pid_of NAME: the container's first process, as the host numbers it.
pid_of()
{
	"$UCTR" ps --filter "name=$1" --format '{{.Names}} {{.Pid}}' | sed -n "s/^$1 //p"
}

# record_of NAME: the path of its record, which names its monitor.
record_of()
{
	echo "$(data_dir)/containers/$(readlink "$(data_dir)/names/$1")/record.json"
}

# monitor_of NAME: the monitor's pid.
monitor_of()
{
	sed -n 's/.*"monitor":\([0-9]*\).*/\1/p' "$(record_of "$1")"
}

data_dir()
{
	echo "${UCTR_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/uctr}"
}

# The process that removes what images held goes on behind the command.
cleared()
{
	[ -z "$(find "$(data_dir)/layers" "$(data_dir)/tmp" -name 'gone-*' 2> /dev/null | head -n 1)" ]
}

assertCleared()
{
	wait_for 10 cleared || fail "still there: $(find "$(data_dir)" -name 'gone-*')"
}

# is_gone PID: neither alive nor a zombie that still does something.
is_gone()
{
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2> /dev/null)
	[ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ]
}

# remains: one line for each thing a container may leave: directories, names, sockets,
# registrations of living monitors, cgroups, processes. A login has files of others in its runtime
# directory, which are none of ours.
remains()
{
	find "$(data_dir)/containers" "$(data_dir)/names" -mindepth 1 -maxdepth 1 2> /dev/null
	find "$XDG_RUNTIME_DIR/uctr" -mindepth 1 ! -type d ! -name '*lock*' 2> /dev/null |
		while read -r f; do
			case $f in
			*/userns/[0-9]* | */userns-one/[0-9]*) is_gone "${f##*/}" || echo "$f" ;;
			*) echo "$f" ;;
			esac
		done
	cg=$(own_cgroup)
	[ -z "$cg" ] || find "$cg" -mindepth 1 -type d -name 'uctr-*' ! -name uctr-cli 2> /dev/null
	grep -zl '^uctr: monitor of' /proc/[0-9]*/cmdline 2> /dev/null | while IFS=/ read -r _ _ pid _; do
		is_gone "$pid" || echo "process $pid"
	done
}

no_remains()
{
	[ -z "$(remains)" ]
}

# assertNothingLeft: waits a moment for what is ending, then fails on everything that is left.
assertNothingLeft()
{
	wait_for 3 no_remains || fail "left behind by \"$ran\": $(remains)"
}

# remove_containers NAME...: for tearDown.
remove_containers()
{
	"$UCTR" rm -f "$@" > /dev/null 2>&1
	return 0
}
