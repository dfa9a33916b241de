# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Campaigns with the tracer tests/helper/killer.c, sourced after common.sh and cli.sh: scenarios of
# uctr commands, points in them chosen by a seed, and what must hold after each.
#
# UCTR_SEED chooses the points (default 1; the same seed, the same points), UCTR_COUNT says how many
# (default: what the suite says), UCTR_REPLAY is one point, as a failure prints it: SCENARIO MODE ROLE N.

ctr_name=k1

# scenario NAME: sets $script, which the tracer runs with sh, and $UCTR_DATA.
scenario()
{
	UCTR_DATA=$HOME/campaign/data
	quiet="--name $ctr_name --network none -v $HELPERS:/helper:ro"
	case $1 in
	plain) script="uctr run --rm --name $ctr_name --network none busybox true" ;;
	kept) script="uctr run --init --name $ctr_name --network none busybox true
		uctr rm $ctr_name" ;;
	cling) script="uctr run --rm $quiet busybox /helper/payload cling camp" ;;
	detached) script="uctr run -d $quiet busybox /helper/payload stubborn camp
		uctr stop -t 0 $ctr_name
		uctr rm $ctr_name" ;;
	exec) script="uctr run -d $quiet busybox sleep 100
		uctr exec $ctr_name /helper/payload cling camp
		uctr rm -f $ctr_name" ;;
	slirp) script="uctr run --rm --name $ctr_name --network slirp4netns busybox true" ;;
	fuse)
		UCTR_DATA=$UCTR_OVERLAY_DIR/data
		script="uctr run --rm --name $ctr_name --network none --storage-opt driver=fuse-overlayfs busybox true"
		;;
	execs) script="uctr run -d $quiet busybox sleep 100 || exit
		uctr exec $ctr_name true; rc=\$?
		uctr rm -f $ctr_name > /dev/null 2>&1 || uctr rm -f $ctr_name > /dev/null; exit \$rc" ;;
	first) script="uctr rmi busybox
		uctr run --rm --name $ctr_name --network none busybox true" ;;
	*) fail "no scenario $1" ;;
	esac
	export UCTR_DATA
}

# prepare SCENARIO: what has to be there before its script; before every run of it.
prepare()
{
	:
}

# can_run SCENARIO
can_run()
{
	case $1 in
	slirp) has slirp4netns ;;
	fuse) has fuse cmd:fuse-overlayfs && [ -n "${UCTR_OVERLAY_DIR:-}" ] ;;
	*) true ;;
	esac
}

# traced KILLER-ARGUMENT...: the scenario's script; its exit code in $rc, output in $T.out and $err.
traced()
{
	rc=0
	KILLER_LOG=$T/killer.log
	export KILLER_LOG KILLER_SECONDS="$((30 * UCTR_SLOW))"
	: > "$KILLER_LOG"
	"$HELPERS/killer" "$@" sh -c "$script" < /dev/null > "$T.out" 2> "$T.err" || rc=$?
	err=$(cat "$T.err")
}

# everything: what a container may leave, anywhere, one line each.
everything()
{
	find "$UCTR_DATA/containers" "$UCTR_DATA/names" -mindepth 1 -maxdepth 1 2> /dev/null
	find "$XDG_RUNTIME_DIR" -mindepth 1 ! -name '*lock*' ! -path '*/userns/*' \( ! -type d -o -path '*/c/*' \) \
		2> /dev/null
	cg=$(own_cgroup)
	[ -z "$cg" ] || find "$cg" -mindepth 1 -type d -name 'uctr-*' ! -name uctr-cli 2> /dev/null
	grep -HxE 'uctr.*|slirp4netns|fuse-overlayfs|newuidmap|newgidmap|payload|sleep' \
		/proc/[0-9]*/comm 2> /dev/null
	cut -d' ' -f5 /proc/self/mountinfo
}

baseline()
{
	everything | sort > "$T/baseline"
}

as_before()
{
	everything | sort > "$T/now"
	comm -13 "$T/baseline" "$T/now" > "$T/left"
	[ ! -s "$T/left" ]
}

# told_rightly: what ps says of the container is so.
told_rightly()
{
	"$UCTR" ps -a --filter "name=$ctr_name" --format '{{.State}} {{.Pid}}' > "$T/ps" 2> "$T/ps.err" ||
		return 1
	[ ! -s "$T/ps.err" ] || return 1
	while read -r state pid; do
		case $state in
		running) is_gone "$pid" && return 1 ;;
		exited | dead | created) ;;
		*) return 1 ;;
		esac
	done < "$T/ps"
	return 0
}

complain()
{
	fail "$point: $*; tracer: $(cat "$T/killer.log")
to replay: UCTR_REPLAY='$point' tests/run $campaign"
}

# check_after: nothing of the scenario stays, ps was right, the name can be used again.
check_after()
{
	wait_for 5 told_rightly || complain "ps says: $(cat "$T/ps" "$T/ps.err")"
	timeout $((20 * UCTR_SLOW)) "$UCTR" rm -f $ctr_name > /dev/null 2> "$T/rm.err" || complain "rm -f fails: $(cat "$T/rm.err")"
	[ ! -s "$T/rm.err" ] || complain "rm -f says: $(cat "$T/rm.err")"
	wait_for 5 as_before || complain "left behind: $(tr '\n' ' ' < "$T/left")"
	timeout $((20 * UCTR_SLOW)) "$UCTR" run --rm --name $ctr_name --network none busybox true 2> "$T/run.err" ||
		complain "the next run fails: $(cat "$T/run.err")"
	case $(cat "$T/run.err") in
	'' | *fuse-overlayfs*) ;;
	*) complain "the next run says: $(cat "$T/run.err")" ;;
	esac
	wait_for 5 as_before || {
		complain "left behind by the next run: $(tr '\n' ' ' < "$T/left")"
		"$UCTR" rm -a -f > /dev/null 2>&1
	}
}

# check_fault: it worked, or failed with one line; either way nothing is there that was not before,
# or nothing that the next look does not clear away, when a call of the removal itself failed.
check_fault()
{
	lines=$(wc -l < "$T.err" | tr -d ' ')
	case $rc.$lines.$err in
	0.0.) ;;
	*.1.'uctr: warning: using fuse-overlayfs'*) ;;
	125.1.'uctr: '*:* | 125.1.'uctr: '*' '*' '*) ;;
	*) complain "exit code $rc, $lines lines: $err" ;;
	esac
	[ ! -s "$T/killer.log" ] || "$UCTR" ps -a > /dev/null 2>&1
	wait_for 5 as_before || complain "left behind: $(tr '\n' ' ' < "$T/left")"
	"$UCTR" rm -f $ctr_name > /dev/null 2>&1
}

# points MODE COUNT SCENARIO...: "SCENARIO MODE ROLE N" lines in $T/points, every role of every scenario
# in turn; when there are more of these than points, some of each scenario. MODE kill takes the roles' system calls; an errno, the calls that may fail so.
points()
{
	what=$1
	number=$2
	shift 2
	: > "$T/roles"
	for s in "$@"; do
		can_run "$s" || continue
		scenario "$s"
		# Once before: what only a first start does is a scenario of its own.
		prepare "$s"
		[ "$s" = first ] || sh -c "$script" > /dev/null 2>&1
		prepare "$s"
		case $what in
		kill) traced count ;;
		*) traced "count:$what" ;;
		esac
		[ "$rc" -eq 0 ] || fail "the dry run of $s: $(cat "$T.err")"
		sed -n "s/^\([a-z0-9-]*\) \([1-9][0-9]*\)$/$s \1 \2/p" "$T.out" >> "$T/roles"
	done
	[ -s "$T/roles" ] || fail "no points for $what"
	awk -v seed="${UCTR_SEED:-1}" -v count="${UCTR_COUNT:-$number}" -v what="$what" '
		{ name[NR] = $1; role[NR] = $2; most[NR] = $3 }
		END {
			x = (seed * 7919 + 17) % 2147483647
			for (i = 0; i < count; i++) {
				x = (x * 16807) % 2147483647
				r = (count < NR ? int(i * NR / count) : i % NR) + 1
				n = 1 + int(most[r] * (x / 2147483647))
				print name[r], (what == "kill" && x % 4 == 0 ? "all" : what), role[r], n
			}
		}' "$T/roles" > "$T/points"
}

# campaign NAME CHECK MODE COUNT SCENARIO...: CHECK is called after each point.
campaign()
{
	campaign=$1
	check=$2
	shift 2
	mkdir -p "$HOME/campaign"
	if [ -n "${UCTR_REPLAY:-}" ]; then
		echo "$UCTR_REPLAY" > "$T/points"
		scenario "${UCTR_REPLAY%% *}"
		prepare "${UCTR_REPLAY%% *}"
		sh -c "$script" > /dev/null 2>&1
	else
		points "$@"
	fi
	hit=0
	all=0
	while read -r name mode role n; do
		point="$name $mode $role $n"
		[ -z "${UCTR_VERBOSE_POINTS:-}" ] || echo "$point"
		scenario "$name"
		prepare "$name"
		baseline
		traced "$mode" "$role" "$n"
		all=$((all + 1))
		[ ! -s "$T/killer.log" ] || hit=$((hit + 1))
		[ "$rc" -ne 99 ] || complain "it hangs"
		[ "$rc" -ne 98 ] || complain "the tracer failed: $err"
		"$check"
	done < "$T/points"
	echo "# $campaign: $all points, $hit of them reached, seed ${UCTR_SEED:-1}"
	# Runs differ by a few calls; most of the points must be there all the same.
	assertTrue "$hit of $all points were reached" "[ $((hit * 10)) -ge $((all * 6)) ]"
	unset UCTR_DATA
}
