# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What every test suite sources first. The last line of a suite sources shunit2:
#
#	. "$(dirname "$0")/../lib/common.sh"
#	test_something()
#	{
#		need fullmap || return 0
#		assert_run "$UCTR" run --rm busybox true
#		assertExit 0
#	}
#	. shunit2
#
# Suites run through tests/run, which provides the user, PATH and UCTR_TESTS. In them are
#   $UCTR       the program under test, by absolute path
#   $HELPERS    the directory of the C test programs (ptydrive, mktar, probes)
#   $T          an empty directory for the running test
# Mind shunit2: it finds tests by the text of the suite itself, a test's non-zero return is a
# failure, and its skipping still runs the body (hence `need ... || return 0`).

set -u
export LC_ALL=C.UTF-8
UCTR=$(command -v uctr || echo uctr-is-not-on-PATH)
: "${UCTR_TESTS:?run suites through tests/run}"
HELPERS=$UCTR_TESTS/helper
export SHUNIT_COLOR=none
# How many times slower than usual this machine is: patience grows with it, nothing else does.
export UCTR_SLOW="${UCTR_SLOW:-1}"
RUN_TIMEOUT=60
RUN_STDIN=/dev/null
UCTR_SUITE_TMP=$(mktemp -d "$HOME/suite.XXXXXX")
T=$UCTR_SUITE_TMP/t
mkdir -p "$T"

# Suites with a setUp of their own call this from it.
fresh_tmp()
{
	chmod -R u+rwX "$T" 2> /dev/null
	rm -rf "$T" 2> /dev/null || "$UCTR" unshare rm -rf "$T"
	mkdir -p "$T"
	RUN_TIMEOUT=60
	RUN_STDIN=/dev/null
}

setUp()
{
	fresh_tmp
}

# shunit2 calls this too when the suite was not run to its end.
oneTimeTearDown()
{
	cd "$HOME" || return
	chmod -R u+rwX "$UCTR_SUITE_TMP" 2> /dev/null
	rm -rf "$UCTR_SUITE_TMP" 2> /dev/null || "$UCTR" unshare rm -rf "$UCTR_SUITE_TMP"
}

# --- running and asserting --------------------------------------------------------------------

# assert_run COMMAND [ARG...]: runs it with standard input from $RUN_STDIN; after $RUN_TIMEOUT seconds
# (of a machine of the usual speed) it is ended ($rc is 124, or 137 when it would not go). Leaves $rc, $out and $err (without final newlines; the raw
# bytes are in $T.out and $T.err).
assert_run()
{
	ran=$*
	rc=0
	timeout -k 3 $((RUN_TIMEOUT * UCTR_SLOW)) "$@" < "$RUN_STDIN" > "$T.out" 2> "$T.err" || rc=$?
	out=$(tr -d '\000' < "$T.out")
	err=$(tr -d '\000' < "$T.err")
}

# context: what a failure message shows of the last run.
context()
{
	printf 'of "%s"; stdout: [%s]; stderr: [%s]' "$ran" "$out" "$err"
}

# assertExit CODE
assertExit()
{
	assertEquals "exit code $(context)" "$1" "$rc"
}

# assertOut TEXT: standard output is exactly TEXT (and a final newline or not).
assertOut()
{
	assertEquals "stdout $(context)" "$1" "$out"
}

# assertOutHas TEXT...: standard output contains each TEXT.
assertOutHas()
{
	for text in "$@"; do
		case $out in
		*"$text"*) assertTrue "" 0 ;;
		*) fail "stdout without [$text] $(context)" ;;
		esac
	done
}

# assertErrEmpty: nothing on standard error.
assertErrEmpty()
{
	assertEquals "stderr $(context)" "" "$err"
}

# assertErrLine TEXT...: standard error is exactly one line, and it contains each TEXT.
assertErrLine()
{
	assertEquals "lines on stderr $(context)" 1 "$(wc -l < "$T.err" | tr -d ' ')"
	for text in "$@"; do
		case $err in
		*"$text"*) assertTrue "" 0 ;;
		*) fail "stderr without [$text] $(context)" ;;
		esac
	done
}

# wait_for SECONDS COMMAND...: polls until it succeeds; 1 when it never did.
wait_for()
{
	tries=$(($1 * 20 * UCTR_SLOW))
	shift
	while ! "$@" > /dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# --- what this host has -----------------------------------------------------------------------

# has WHAT: cmd:NAME, helper:NAME (a built test program), file:PATH, userns, fullmap, group (the user
# is in a second one), fuse, tun, slirp4netns, cgroup, cpu, memory, pids (the controller is delegated), overlay.
has()
{
	case $1 in
	cmd:*) command -v "${1#cmd:}" > /dev/null 2>&1 ;;
	helper:*) [ -x "$HELPERS/${1#helper:}" ] ;;
	file:*) [ -e "${1#file:}" ] ;;
	userns) unshare -U true 2> /dev/null ;;
	fullmap) has userns && has cmd:newuidmap && has cmd:newgidmap &&
		grep -q "^$(id -un):" /etc/subuid && grep -q "^$(id -un):" /etc/subgid ;;
	overlay)
		mkdir -p "$UCTR_SUITE_TMP/l" "$UCTR_SUITE_TMP/u" "$UCTR_SUITE_TMP/w" "$UCTR_SUITE_TMP/m"
		unshare -Urm mount -t overlay -o "userxattr,lowerdir=$UCTR_SUITE_TMP/l,upperdir=$UCTR_SUITE_TMP/u,workdir=$UCTR_SUITE_TMP/w" \
			overlay "$UCTR_SUITE_TMP/m" 2> /dev/null
		;;
	tmpfs_attributes) # Linux 6.6 on: without them tmpfs holds no upper directory
		# shellcheck disable=SC2016 # expands in the shell of the namespace
		unshare -Urm sh -c 'mount -t tmpfs none "$1" && python3 -c "
import os, sys
os.setxattr(sys.argv[1], \"user.overlay.x\", b\"y\")" "$1"' sh "$UCTR_SUITE_TMP" 2> /dev/null
		;;
	group) [ "$(id -G | wc -w)" -gt 1 ] ;;
	fuse) [ -w /dev/fuse ] ;;
	tun) [ -w /dev/net/tun ] ;;
	debian) [ -f "${UCTR_DEBIAN:-}/root.tar.zst" ] ;;
	slirp4netns) has cmd:slirp4netns && has tun ;;
	cgroup) [ -n "$(own_cgroup)" ] ;;
	cpu | memory | pids)
		dir=$(own_cgroup)
		[ -n "$dir" ] && grep -qw "$1" "$dir/cgroup.controllers"
		;;
	*)
		fail "has: unknown requirement $1"
		return 1
		;;
	esac
}

# need WHAT... || return 0: skips the test when something is missing; under UCTR_NO_SKIP=1 (what
# continuous integration sets) that is a failure.
need()
{
	for what in "$@"; do
		has "$what" && continue
		if [ "${UCTR_NO_SKIP:-0}" = 1 ]; then
			fail "this host lacks: $what"
		else
			echo "SKIP: this host lacks: $what"
		fi
		return 1
	done
}

# own_cgroup: the cgroup v2 directory that belongs to this user, or nothing.
own_cgroup()
{
	dir=$(sed -n 's/^0:://p' /proc/self/cgroup)
	dir=/sys/fs/cgroup${dir%/*}
	[ -f "$dir/cgroup.subtree_control" ] && [ -w "$dir" ] && [ -w "$dir/cgroup.procs" ] &&
		echo "$dir"
}

# --- roots, images, terminals -----------------------------------------------------------------

# bundled_layer: the root file system archive of the bundled image.
bundled_layer()
{
	find "${UCTR%/bin/*}/share/uctr/images/busybox/blobs/sha256" -type f -size +100k | head -n 1
}

# mkrootfs DIR: a busybox root file system as plain files of this user.
mkrootfs()
{
	mkdir -p "$1" && tar -xzf "$(bundled_layer)" --no-same-owner -C "$1"
}

# mktar FILE: an archive from the entry lines on standard input (see tests/helper/mktar.c).
mktar()
{
	"$HELPERS/mktar" > "$1"
}

# mkimage NAME [IMPORT-OPTION...]: an image of busybox plus the entry lines on standard input, which
# may be empty. Later entries replace earlier ones.
mkimage()
{
	image_name=$1
	shift
	mktar "$T.extra.tar" || return 1
	gzip -dc "$(bundled_layer)" > "$T.image.tar" || return 1
	# Two archives in a row: cut the first one's end mark (GNU tar's -A does it) and go on.
	tar -A -f "$T.image.tar" "$T.extra.tar" || return 1
	"$UCTR" import "$@" "$T.image.tar" "$image_name" > "$T.import.out" || return 1
	rm -f "$T.extra.tar" "$T.image.tar"
}

# mkimage_raw NAME [IMPORT-OPTION...]: an image of nothing but the entry lines on standard input.
mkimage_raw()
{
	image_name=$1
	shift
	mktar "$T.image.tar" && "$UCTR" import "$@" "$T.image.tar" "$image_name" > "$T.import.out"
	status=$?
	rm -f "$T.image.tar"
	return $status
}

# assert_pty STEPS COMMAND...: plays STEPS (lines, see tests/helper/ptydrive.c) against the command
# on a pseudo terminal; $rc is its exit code, $out what the terminal showed (no carriage returns).
assert_pty()
{
	printf '%s\n' "$1" > "$T.steps"
	shift
	ran="pty: $*"
	rc=0
	"$HELPERS/ptydrive" -t $((RUN_TIMEOUT * UCTR_SLOW)) "$T.steps" "$@" > "$T.out" 2> "$T.err" || rc=$?
	out=$(tr -d '\000\r' < "$T.out")
	err=$(cat "$T.err")
}

# snapshot DIR: path, type, mode, owner, size, time and checksum of everything below it: equal
# before and after means that nothing was touched.
snapshot()
{
	find "$1" -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
	find "$1" -type f -exec sha256sum {} + | sort
}
