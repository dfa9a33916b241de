#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The storage budget: which images make room, and what is told of it.
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" XDG_CONFIG_HOME="$T/config"
	mkdir -p "$T/config/uctr" "$T/root"
	for i in 1 2 3 4; do
		head -c 1000000 /dev/urandom > "$T/root/file"
		tar -C "$T/root" -cf "$T/$i.tar" .
	done
	for i in 1 2 3; do
		"$UCTR" import "$T/$i.tar" "img$i" > "$T/import" || fail "import: $(cat "$T/import")"
	done
}

tearDown()
{
	"$UCTR" rm -fa > /dev/null 2>&1
	assertCleared
	"$UCTR" system reset -f
	unset UCTR_DATA XDG_CONFIG_HOME
}

# used NAME AGO: it was used last then.
used()
{
	touch -d "$2" "$UCTR_DATA/images/localhost+$1:latest.json"
}

# budget SIZE
budget()
{
	echo "budget = \"$1\"" > "$T/config/uctr/storage.conf"
}

images()
{
	"$UCTR" images --format '{{.Repository}}' | sed 's|localhost/||' | sort | tr '\n' ' '
}

test_least_recently_used_goes()
{
	need fullmap || return 0
	used img1 "2 hours ago"
	used img2 "4 hours ago"
	used img3 "3 hours ago"
	budget 7m
	assert_run "$UCTR" import "$T/4.tar" img4
	assertExit 0
	# Each takes 2 MB: blob and tree.
	assertErrLine "uctr: warning: storage budget of 7.34MB: removed localhost/img2:latest (2MB)"
	assertEquals "img1 img3 img4 " "$(images)"
	assertCleared
	assertEquals 3 "$(find "$UCTR_DATA/blobs/sha256" -type f -size +500k | wc -l)"
}

test_use_is_noted()
{
	need fullmap || return 0
	used img1 "4 hours ago"
	used img2 "3 hours ago"
	used img3 "2 hours ago"
	assert_run "$UCTR" run --rm --network none img1 /file
	assertExit 126
	budget 7m
	assert_run "$UCTR" import "$T/4.tar" img4
	assertErrLine "removed localhost/img2:latest ("
	assertEquals "img1 img3 img4 " "$(images)"
}

test_in_use_and_new_ones_stay()
{
	need fullmap || return 0
	"$UCTR" run -d --network none --name c busybox sleep 1000 > "$T/c"
	used busybox "9 hours ago"
	used img1 "8 hours ago"
	budget 1k
	assert_run "$UCTR" import "$T/4.tar" img4
	assertExit 0
	assertEquals "lines of [$err]" 2 "$(wc -l < "$T.err")"
	assertEquals "uctr: warning: storage budget of 1.02kB: removed localhost/img1:latest" "$(sed -n '1s/ (.*//p' "$T.err")"
	case $err in
	*"more than the storage budget of 1.02kB, and all of them are in use or new"*) ;;
	*) fail "stderr: $err" ;;
	esac
	assertEquals "busybox img2 img3 img4 " "$(images)"
	assert_run "$UCTR" exec c true
	assertExit 0
}

test_no_budget_and_enough()
{
	need fullmap || return 0
	used img1 "9 hours ago"
	assert_run "$UCTR" import "$T/4.tar" img4
	assertErrEmpty
	budget 100m
	assert_run "$UCTR" import "$T/4.tar" img5
	assertErrEmpty
	assertEquals "img1 img2 img3 img4 img5 " "$(images | sed 's/<none> //')"
	assert_run "$UCTR" system df --format '{{.Type}} {{.Size}}'
	assertOutHas "Budget 105MB"
}

test_bad_settings()
{
	need fullmap || return 0
	budget "a lot"
	assert_run "$UCTR" import "$T/4.tar" img4
	assertExit 0
	assertErrLine "uctr: warning: the storage budget is not kept: $T/config/uctr/storage.conf: budget: want a size such as \"20g\""
	assert_run "$UCTR" system df
	assertExit 125
	assertErrLine "want a size such as"
	echo 'budget = 5' > "$T/config/uctr/storage.conf"
	assert_run "$UCTR" import "$T/4.tar" img4
	assertErrLine "the storage budget is not kept: $T/config/uctr/storage.conf: budget"
}

. shunit2
