# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Campaigns over the commands that change the image store, sourced after campaign.sh: whatever happens to
# them, the store is in the state before or after, is whole, and is left clean.
# shellcheck disable=SC2154 # what the campaign and registry.sh set

# images_begin: the archives of the scenarios and the store that they start from.
images_begin()
{
	C=$HOME/campaign
	UCTR_DATA=$C/data
	export UCTR_DATA UCTR_NET_TIMEOUT=20
	mkdir -p "$C/root/bin" "$C/root/etc"
	cp "$HELPERS/fdlist" "$C/root/bin/x"
	ln "$C/root/bin/x" "$C/root/bin/y"
	ln -s x "$C/root/bin/z"
	echo one > "$C/root/etc/text"
	tar -C "$C/root" --owner=3 --group=4 -czf "$C/a.tar.gz" .
	tar -C "$C/root" --owner=5 --group=6 -cf "$C/b.tar" .
	"$UCTR" import "$C/b.tar" kept > /dev/null || return 1
	"$UCTR" run -d --network none --name ctr busybox sleep 1000 > /dev/null || return 1
	"$UCTR" exec ctr sh -c 'echo new > /etc/new; rm /bin/ls' || return 1
	"$UCTR" commit ctr two > /dev/null && "$UCTR" save -o "$C/two.tar" two && "$UCTR" rmi two > /dev/null &&
		"$UCTR" system prune -f > /dev/null || return 1
	wait_for 10 cleared
	T=$C/reg
	mkdir -p "$T"
	mklayers
	registry_start "$C/registry"
	registry_image "$C/registry" latest "$C/b.tar" "$T/2.tar"
	T=$UCTR_SUITE_TMP/t
}

images_end()
{
	registries_stop
	export UCTR_DATA="$C/data"
	"$UCTR" rm -f ctr > /dev/null
	chmod -R u+rwX "$C" 2> /dev/null
	rm -rf "$C" 2> /dev/null || "$UCTR" unshare rm -rf "$C"
	unset UCTR_DATA
}

# scenario NAME: $script makes the state $after of what `told` tells out of the state $before.
scenario()
{
	before='' after=img
	case $1 in
	import) script="uctr import $C/a.tar.gz img" ;;
	load) script="uctr load -q -i $C/two.tar" after=two ;;
	pull) script="uctr pull -q 127.0.0.1:$port/img" ;;
	commit) script="uctr commit ctr img" ;;
	rmi) script="uctr rmi img" before=img after='' ;;
	prune) script="uctr system prune -f" before='<none>' after='' ;;
	*) fail "no scenario $1" ;;
	esac
}

# told: the images beside those that are always there.
told()
{
	"$UCTR" images -a --format '{{.Repository}}' | sed 's/.*\///' | grep -vxE 'kept|busybox' | sort | tr '\n' ' ' |
		sed 's/ $//'
}

# Files and directories of the store, by name alone.
stored()
{
	(cd "$UCTR_DATA" && find blobs layers images tmp -mindepth 1 -maxdepth 2 ! -name clear.lock ! -name .lock) | sort
}

drop_new()
{
	for i in $("$UCTR" images --format '{{.Repository}}' | grep -E 'img$|two$'); do
		"$UCTR" rmi -f "$i" > /dev/null
	done
	"$UCTR" system prune -f > /dev/null 2>&1
	wait_for 10 cleared
}

prepare()
{
	drop_new
	case $1 in
	rmi) "$UCTR" import "$C/a.tar.gz" img > /dev/null ;;
	prune) "$UCTR" import "$C/a.tar.gz" > /dev/null ;;
	esac
}

baseline()
{
	stored > "$T/baseline"
}

# is_whole WHEN: system check finds nothing, and what is told can be run.
is_whole()
{
	"$UCTR" system check > "$T/check" 2>&1 || complain "$1: $(cat "$T/check")"
	case $(told) in
	'' | '<none>') return 0 ;;
	esac
	case $name in
	commit | load) set -- "$1" true ;;
	*) set -- "$1" /bin/x ;;
	esac
	set -- "$1" "$("$UCTR" images --format '{{.Repository}}' | grep -E 'img$|two$')" "$2"
	"$UCTR" run --rm --pull never --network none "$2" "$3" > /dev/null 2> "$T/run.err" || complain "$1: $2 does not run: $(cat "$T/run.err")"
}

# is_well: the container is not left paused.
is_well()
{
	[ "$name" != commit ] || timeout 10 "$UCTR" exec ctr true > "$T/well" 2>&1 ||
		complain "the container is not well: $(cat "$T/well")"
}

# store_after: of a command that was killed or failed.
store_after()
{
	state=$(told)
	case $state in
	"$before" | "$after") ;;
	*) complain "the images are [$state]" ;;
	esac
	# With everything gone nobody is left to let a paused container go on, until the next commit.
	[ "$name $mode" = "commit all" ] || is_well
	is_whole afterwards
	# Either way round: what it left is nobody's business, or somebody clears it away.
	if [ $((all % 2)) -eq 0 ]; then
		"$UCTR" system prune -f > "$T/prune" 2>&1 || complain "prune: $(cat "$T/prune")"
		wait_for 10 cleared
		if [ "$state" = '' ] || [ "$name$state" = "rmi$before" ]; then
			stored > "$T/now"
			[ "$state" != "$before" ] || cmp -s "$T/baseline" "$T/now" ||
				complain "left behind: $(diff "$T/baseline" "$T/now")"
		fi
	fi
	if [ "$(told)" != "$after" ]; then
		sh -c "$script" > "$T/again" 2>&1 || complain "again: $(cat "$T/again")"
		state=$(told)
		[ "$state" = "$after" ] || complain "the images of the second time are [$state]"
		is_whole "the second time"
	fi
	[ "$name" != commit ] || [ "$state" = "$after" ] || is_well
	drop_new
	stored > "$T/now"
	cmp -s "$T/empty" "$T/now" || complain "left at last: $(diff "$T/empty" "$T/now")"
}

# store_fault: it worked, or failed with one line.
store_fault()
{
	lines=$(wc -l < "$T.err" | tr -d ' ')
	case $rc.$lines.$err in
	0.0.) [ "$(told)" = "$after" ] || complain "success, and the images are [$(told)]" ;;
	125.1.'uctr: '*:* | 125.1.'uctr: '*' '*' '*) ;;
	# The dynamic loader of uctr-transfer has its own say.
	125.2.'uctr-transfer: error while loading shared libraries: '*) ;;
	0.1.'uctr-transfer: error while loading shared libraries: '*) ;;
	*) complain "exit code $rc, $lines lines: $err" ;;
	esac
	store_after
}
