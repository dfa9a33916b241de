#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Attacks on the supervisor of root emulation, which acts with its own rights on paths of the payload's.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

inside_one()
{
	u run --rm --userns one --network none -v "$HELPERS:/h:ro" busybox "$@" 2>&1
}

# The supervisor's own view of the host (its procfs, the monitor's root) must be no place that a path of
# the payload's can name.
attack_outside()
{
	touch "$T/victim"
	for path in "/1/root$T/victim" "/proc/1/root$T/victim" "../../../../../..$T/victim" \
		"/proc/self/root$T/victim" "$T/victim"; do
		said=$(inside_one /h/idprobe chown "$path" 77)
		case $said in
		"chown: ENOENT" | "chown: ELOOP") ;;
		*) bad "$path: $said" || return 1 ;;
		esac
	done
	[ -z "$(getfattr -d "$T/victim" 2> /dev/null)" ] || bad "the victim has an owner"
}

# row A2: one id: chown of `/1/root/...`, `/proc/1/root/...` and `../..` through the supervisor of root emulation | red: without chroot, magiclinks, container
test_paths_out_of_the_root()
{
	need userns helper:idprobe cmd:getfattr || return 0
	holds attack_outside
	falls_without "chroot magiclinks container" "chown: 0" attack_outside
}

# Names change between a file and a link while chown looks at them: only the file may get the owner.
attack_swap()
{
	"$U" rm -f oneid > /dev/null 2>&1
	U_TIMEOUT=40 u run --name oneid --userns one --network none -v "$HELPERS:/h:ro" busybox sh -c \
		'mkdir /w && /h/idprobe swap /w 300' > "$T/said" 2>&1
	grep -q "some were files: 1" "$T/said" || bad "no chown got through: $(cat "$T/said")" || return 1
	data=${UCTR_DATA:-$HOME/.local/share/uctr}
	dir=$data/containers/$(readlink "$data/names/oneid")
	changed=$(getfattr -R -d "$dir/upper/etc" 2> /dev/null | grep user.uctr)
	"$U" rm -f oneid > /dev/null 2>&1
	[ -z "$changed" ] || bad "a link was followed: $changed"
}

# row A4: one id: names exchanged with links while the supervisor of root emulation looks at them | red: without follow
test_names_that_change()
{
	need userns helper:idprobe cmd:getfattr || return 0
	holds attack_swap
	falls_without follow "a link was followed" attack_swap
}

# An emulated user may not come back, by no call and no limit that the supervisor looks at.
attack_return()
{
	said=$(inside_one su nobody -s /bin/sh -c '/h/idprobe return; ulimit -x 0 2> /dev/null; id -u')
	[ "$said" = "$(printf 'after exec: EPERM\n65534')" ] || bad "said: $said"
}

# row F12: one id: an emulated user takes root's ids back, by calls and by the limit that marks him | red: without drop, mark
test_dropped_ids_do_not_return()
{
	need userns helper:idprobe || return 0
	holds attack_return
	falls_without drop "after exec: 0" attack_return
	falls_without mark "said: after exec: 0" attack_return
}

. shunit2
