# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# uctr system df, prune and reset: also with files of other ids, and on a damaged store.
# shellcheck disable=SC2016 # what inner shells expand
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/cli.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
}

tearDown()
{
	chmod -R u+rwX "$(data_dir)" 2> /dev/null
	"$UCTR" system reset -f > /dev/null 2>&1
	return 0
}

# A container that ended and holds 4 MB that only a subordinate id can look into, and one that runs.
both()
{
	assert_run "$UCTR" run --network none --name c busybox sh -c \
		'mkdir /x; dd if=/dev/zero of=/x/f bs=1M count=4 2> /dev/null; chown -R 5:5 /x; chmod 700 /x'
	assertExit 0
	start_quiet --name d busybox sleep 1000
}

df_of()
{
	"$UCTR" system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.SizeBytes}} {{.ReclaimableBytes}}' |
		sed -n "s/^$1 //p"
}

empty()
{
	ls -A "$(data_dir)"
}

test_df()
{
	both
	# shellcheck disable=SC2046 # words
	set -- $(df_of Containers)
	assertEquals "2 1" "$1 $2"
	assertTrue "size $3" "[ $3 -ge 4194304 ]"
	assertTrue "reclaimable $4" "[ $4 -ge 4194304 ] && [ $4 -lt $3 ]"
	# shellcheck disable=SC2046
	set -- $(df_of Images)
	assertEquals "1 1" "$1 $2"
	assertTrue "size $3" "[ $3 -gt 2000000 ]"
	assertEquals 0 "$4"
	echo 'fill big 0644 3000000 x' | mkimage other
	# shellcheck disable=SC2046
	set -- $(df_of Images)
	assertEquals "2 1" "$1 $2"
	assertTrue "reclaimable $4" "[ $4 -gt 2000000 ] && [ $4 -lt $3 ]"
	assert_run "$UCTR" system df -v
	assertOutHas "TYPE " "Images " "Containers " "CONTAINER ID" "exited" "running"
	assertErrEmpty
}

test_prune()
{
	both
	echo | mkimage other
	"$UCTR" commit c > "$T/unnamed"
	id=$(readlink "$(data_dir)/names/c")
	assert_run "$UCTR" system prune -f
	assertExit 0
	assertOutHas "Deleted container: $id" "Deleted: $(sed 's/sha256://' "$T/unnamed")"
	assertEquals "d" "$("$UCTR" ps -a --format '{{.Names}}')"
	assertEquals "busybox other" "$("$UCTR" images --format '{{.Repository}}' | sed 's/.*\///' | sort | tr '\n' ' ' | sed 's/ $//')"
	assert_run "$UCTR" system prune -a -f
	assertExit 0
	assertOutHas "Total reclaimed space of images: "
	assertEquals "localhost/busybox" "$("$UCTR" images --format '{{.Repository}}')"
	assert_run "$UCTR" exec d true
	assertExit 0
}

# part DIGIT AGE: the beginning of a blob whose digest has this digit only.
part()
{
	hex=$(printf '%064d' 0 | tr 0 "$1")
	echo begun > "$(data_dir)/tmp/$hex.part"
	: > "$(data_dir)/tmp/$hex.lock"
	touch -d "$2" "$(data_dir)/tmp/$hex.part"
}

# parts: which there are, by their digit.
parts()
{
	(cd "$(data_dir)/tmp" && ls) | sed -n 's/^\(.\).*\.part$/\1/p' | tr -d '\n'
}

test_parts()
{
	echo | mkimage one
	part a 'now'
	part b '8 days ago'
	part c '8 days ago'
	python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[2], "w")
time.sleep(60)' "$(data_dir)/tmp/$hex.lock" "$T/held" &
	holder=$!
	wait_for 10 test -e "$T/held"
	echo 'file x 0644 y' | mkimage two
	assertEquals "the old one that nobody fetches is gone" ac "$(parts)"
	assert_run "$UCTR" system prune -f
	assertExit 0
	assertEquals "of any age" c "$(parts)"
	kill "$holder"
	wait "$holder" 2> /dev/null
	assert_run "$UCTR" system prune -f
	assertExit 0
	assertEquals "" "$(parts)"
	assertEquals "no locks stay" "" "$(find "$(data_dir)/tmp" -name '*.lock' ! -name clear.lock)"
}

# Nothing goes without a word from a person.
test_asks()
{
	both
	for command in prune reset; do
		assert_run "$UCTR" system $command
		assertExit 125
		assertErrLine "-f goes on without asking"
	done
	assertEquals 2 "$("$UCTR" ps -aq | wc -l)"
	assert_pty 'expect everything that uctr has
send n\r' "$UCTR" system reset
	assertEquals 2 "$("$UCTR" ps -aq | wc -l)"
}

test_reset()
{
	both
	touch "$(data_dir)/mine"
	mkdir -p "$(data_dir)/tmp" && touch "$(data_dir)/tmp/make-1-2.blob"
	assert_run "$UCTR" system reset -f
	assertExit 0
	assertErrEmpty
	assertEquals mine "$(empty)"
	rm "$(data_dir)/mine"
	assert_run "$UCTR" run --rm --network none busybox echo again
	assertOut again
}

# Damaged in every way: each command does what it can, and reset all of it.
test_damaged()
{
	both
	"$UCTR" rm -f d > "$T/rm"
	record=$(record_of c)
	echo '{"schema"' > "$record"
	for f in "$(data_dir)"/images/*.json; do
		head -c 20 "$f" > "$T/cut" && cp "$T/cut" "$f"
	done
	chmod 0 "$(data_dir)/blobs/sha256"
	assert_run "$UCTR" system df
	assertExit 0
	assertOutHas "Images" "Containers"
	assert_run "$UCTR" system reset -f
	assertExit 0
	assertEquals "" "$(empty)"
	assert_run "$UCTR" run --rm --network none busybox echo again
	assertOut again
}

test_refused()
{
	assert_run "$UCTR" system prune --volumes -f
	assertExit 125
	assertErrLine "unknown flag --volumes"
	assert_run "$UCTR" system df x
	assertExit 125
	assertErrLine "df takes fewer arguments"
}

. shunit2
