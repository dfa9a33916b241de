#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Row G5: names and ids that are paths, options or terminal sequences, over every command.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

newline='
'
esc=$(printf '\033[31m')
long=$(printf '%0300d' 0 | tr 0 x)

setUp()
{
	fresh_tmp
	mkdir -p "$T/host/data" "$T/host/sub"
	mkdir -m 0700 "$T/host/run"
	export UCTR_DATA="$T/host/data"
	export XDG_RUNTIME_DIR="$T/host/run"
	"$UCTR" run --rm --network none busybox true
	places > "$T.places"
}

tearDown()
{
	if [ -d "$T/host/data" ]; then
		# shellcheck disable=SC2046
		"$UCTR" rm -f $("$UCTR" ps -aq) > /dev/null 2>&1
	fi
	return 0
}

# Where something could appear: beside the store and the state, and at the top of either.
places()
{
	ls -A "$T/host" "$T/host/sub" "$T/host/data" "$T/host/run" "$T/host/run/uctr" "$HOME"
	# Other users put there what they like.
	find /tmp -maxdepth 1 -user "$(id -un)"
}

nothing_new()
{
	places > "$T.now"
	cmp -s "$T.places" "$T.now" || bad "made: $(diff "$T.places" "$T.now" | grep '^[<>]' | tr '\n' ' ')"
}

# One name a line; those with a new line in them follow apart.
names="../pwn
../../pwn
../../../pwn
../../sub/pwn
a/../../../pwn
/pwn
$T/host/pwn
a/b
a/
.
..
...
.hidden
-x
--rm
_x
a b
a;touch pwn
\$(touch pwn)
\`touch pwn\`
a|b
a&b
a*
?
a\\b
a:b
a@b
a%s%n
a,b
a=b
é
٠
${esc}red
$(printf 'a\tb')
$(printf 'a\rb')
$(printf 'a\bb')
$(printf '\302\233x')
$(printf '\377')
$long"

# each FUNCTION: calls it with every name until it fails.
each()
{
	IFS=$newline
	for name in $names "${newline}pwn" "a${newline}b" "a${newline}"; do
		unset IFS
		"$1" "$name" || return 1
	done
	unset IFS
}

# refused NAME COMMAND...: one line, no control bytes, nothing made. Exit code 125, or whatever
# commands say of a name that nobody has.
refused()
{
	shown=$(printf '%s' "$1" | tr '\000-\037' '?' | cut -c1-60)
	shift
	code=0
	u "$@" > "$T.out" 2> "$T.err" || code=$?
	nothing_new || return 1
	[ $code -ne 0 ] && [ $code -ne 124 ] || bad "'$shown': exit code $code of $1" || return 1
	[ "$(wc -l < "$T.err")" -eq 1 ] || bad "'$shown': $1 says $(cat "$T.err")" || return 1
	[ "$(tr -d '[:print:]\200-\377\n' < "$T.err" | wc -c)" -eq 0 ] ||
		bad "'$shown': control bytes from $1"
}

new_container()
{
	refused "$1" run --network none "--name=$1" busybox true &&
		refused "$1" run -d --network none --replace "--name=$1" busybox true
}

attack_new_containers()
{
	each new_container || return 1
	refused "" run --network none --name= busybox true
}

# row G5: some 40 names for new containers | red: without names
test_G5_names_of_new_containers()
{
	need fullmap || return 0
	holds attack_new_containers
	falls_without names "made: " attack_new_containers
}

named_container()
{
	for command in stop kill wait logs rm; do
		refused "$1" $command -- "$1" || return 1
	done
	refused "$1" exec -- "$1" true
}

attack_named_containers()
{
	each named_container
}

# row G5: the same for containers that are handled, by every command | red: without names
test_G5_names_of_containers()
{
	need fullmap || return 0
	# A record outside the store, which a path as a name would reach.
	mkdir -p "$T/host/sub/names"
	"$UCTR" run --network none --name real busybox true
	cp "$UCTR_DATA/names/real" "$UCTR_DATA/pwn" 2> /dev/null ||
		cp -P "$UCTR_DATA/names/real" "$UCTR_DATA/pwn"
	places > "$T.places"
	holds attack_named_containers
	falls_without names "exit code 0 of" attack_named_containers
}

image_name()
{
	case $1 in
	# A path with a dot or a slash is looked up as what it says; these are plain names.
	...) return 0 ;;
	esac
	refused "$1" run --rm --network none -- "$1" true && refused "$1" rmi -- "$1" &&
		case $1 in
		a/b | a:b | _x) return 0 ;;
		*) refused "$1" import -- "$T/image.tar" "$1" ;;
		esac
}

attack_images()
{
	each image_name
}

# row G5: the same for images | red: a good name, which is seen to be taken
test_G5_names_of_images()
{
	need fullmap || return 0
	echo 'file x 0644 text' | mktar "$T/image.tar"
	holds attack_images
	# The parser of names has a table of its own (unit/test_ref); here a name that is one is seen
	# to be taken, so that being refused says something.
	all_names=$names names=good-name
	falls "exit code 0 of import" attack_images
	names=$all_names
}

oci_id()
{
	shown=$(printf '%s' "$1" | tr '\000-\037' '?' | cut -c1-60)
	code=0
	timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run --bundle "$T/bundle" -- "$1" \
		> "$T.out" 2> "$T.err" < /dev/null || code=$?
	case $1 in
	_x) [ $code -eq 0 ] || bad "'$shown' is a good id: $(cat "$T.err")" ;;
	*) [ $code -ne 0 ] || bad "'$shown': started" ;;
	esac || return 1
	[ $code -eq 0 ] || [ "$(wc -l < "$T.err")" -eq 1 ] || bad "'$shown': $(cat "$T.err")" || return 1
	[ "$(tr -d '[:print:]\200-\377\n' < "$T.err" | wc -c)" -eq 0 ] ||
		bad "'$shown': control bytes" || return 1
	nothing_new
}

attack_oci_ids()
{
	each oci_id
}

# row G5: the same as ids of `uctr-oci` | red: without names
test_G5_ids_of_oci_containers()
{
	need fullmap || return 0
	mkbundle "$T/bundle" true
	# Its state directory is made with the first container.
	(cd "$T/bundle" && "${UCTR%/*}/uctr-oci" run first)
	places > "$T.places"
	holds attack_oci_ids
	falls_without names "started" attack_oci_ids
}

. shunit2
