# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# For tests of the security bar, which suites source after common.sh.
#
# An attack is a function: exit code 0 and no output when the protection held, else a word about
# what it saw. It runs the program as "$U". A test runs it twice: `holds` against uctr, and
# `falls_without CHECK` against the test build in which that one check is switched off
# (src/base/red.h): there the same attack has to succeed, or the test proves nothing.
#
#	attack_x()
#	{
#		u run --rm busybox true || bad "it did not start"
#	}
#	test_x()
#	{
#		holds attack_x
#		falls_without CHECK "it did not start" attack_x
#	}

# shellcheck disable=SC2034
RED=${UCTR%/bin/*}/red/uctr
U=$UCTR

# u ARG...: the program under attack; nothing may take longer than 10 seconds.
u()
{
	timeout -k 2 $((${U_TIMEOUT:-10} * UCTR_SLOW)) "$U" "$@" < /dev/null
}

bad()
{
	echo "$*"
	return 1
}

# holds ATTACK [ARG...]
holds()
{
	why=$("$@" 2>&1) && status=0 || status=$?
	assertEquals "$* succeeded: $why; status" 0 "$status"
	assertEquals "$* said something; words" "" "$why"
}

# falls TEXT ATTACK [ARG...]: it succeeds here, and what it says contains TEXT.
falls()
{
	want=$1
	shift
	why=$("$@" 2>&1) && status=0 || status=$?
	assertNotEquals "red control: $* was not seen failing: $why; status" 0 "$status"
	case $why in
	*"$want"*) assertTrue "" 0 ;;
	*) fail "red control: $* failed without [$want]: [$why]" ;;
	esac
}

# works ARG...: for falls: uctr does what it refuses the attacks, so that the refusals have their reason.
works()
{
	if u "$@" > "$T/works.out" 2>&1; then
		bad "it worked"
	else
		echo "it was refused: $(cat "$T/works.out")"
	fi
}

# falls_without CHECK TEXT ATTACK [ARG...]: so it is in the test build without CHECK.
falls_without()
{
	export UCTR_RED="$1"
	U=$RED
	shift
	falls "$@"
	U=$UCTR
	unset UCTR_RED
}

# itself_falls_without "CHECK..." TEST: for suites whose tests are one attack each; the last line of TEST. It
# runs once more, against the test build without these checks, and has to fail there.
itself_falls_without()
{
	[ -z "${UCTR_RED:-}" ] || return 0
	setUp
	export UCTR_RED="$1"
	real=$UCTR
	UCTR=$RED
	why=$("$2" 2>&1)
	UCTR=$real
	unset UCTR_RED
	case $why in
	*ASSERT:*) assertTrue "" 0 ;;
	*) fail "red control: $2 was not seen failing without $1: [$why]" ;;
	esac
}

# --- what attacks aim at ----------------------------------------------------------------------

# mkvictim: a directory of the host's that everybody may write to, with the names that container
# runtimes create. It is $VICTIM; `victim_touched` says how it changed, or fails.
mkvictim()
{
	VICTIM=$T/victim
	rm -rf "$VICTIM"
	mkdir -p "$VICTIM/sub"
	for name in ptmx null console fd passwd; do
		echo "victim $name" > "$VICTIM/$name"
	done
	chmod -R a+rwX "$VICTIM"
	victim_state > "$T.victim"
}

victim_state()
{
	find "$VICTIM" -printf '%p %i %y %m %U:%G %n %s %T@ %C@ %l\n' | sort
	find "$VICTIM" -type f -exec sha256sum {} + | sort
	cat /proc/self/mountinfo
}

victim_touched()
{
	victim_state > "$T.victim.now"
	if cmp -s "$T.victim" "$T.victim.now"; then
		return 1
	fi
	echo "victim touched: $(diff "$T.victim" "$T.victim.now" | head -n 4 | tr '\n' ';')"
}

# --- images no honest tool would make ---------------------------------------------------------

# mkconfig NAME CONFIG: an image layout with busybox's files and this JSON text as "config". Needs
# UCTR_IMAGES to point to a directory of the test's own (own_images).
own_images()
{
	export UCTR_IMAGES="$T/images"
	mkdir -p "$UCTR_IMAGES"
	cp -R "${UCTR%/bin/*}/share/uctr/images/busybox" "$UCTR_IMAGES/busybox"
}

mkconfig()
{
	L=$UCTR_IMAGES/$1
	rm -rf "$L"
	mkdir -p "$L/blobs/sha256"
	printf '{"imageLayoutVersion":"1.0.0"}' > "$L/oci-layout"
	layer=$(bundled_layer)
	cp "$layer" "$L/blobs/sha256/"
	arch=$(sed -n 's/.*"architecture":"\([^"]*\)".*/\1/p' "$UCTR_IMAGES/busybox/index.json")
	printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$arch" "$2" "$(gzip -dc "$layer" | sha256sum | cut -d' ' -f1)" > "$T.config"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
		"$(layout_blob "$T.config")" "$(layout_blob "$layer")" > "$T.manifest"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' \
		"$(layout_blob "$T.manifest")" > "$L/index.json"
}

layout_blob()
{
	hex=$(sha256sum < "$1" | cut -d' ' -f1)
	cp "$1" "$L/blobs/sha256/$hex"
	printf '"digest":"sha256:%s","size":%s' "$hex" "$(stat -c %s "$1")"
}

# mkimage_files NAME DIR: busybox and the files of DIR as root's, with their modes.
mkimage_files()
{
	gzip -dc "$(bundled_layer)" > "$T.files.tar" &&
		tar -rf "$T.files.tar" --owner=0 --group=0 -C "$2" . &&
		"$UCTR" import "$T.files.tar" "$1" > /dev/null
	status=$?
	rm -f "$T.files.tar"
	return $status
}

# mkbundle DIR COMMAND...: busybox's files and a config.json without a /dev, a filter, or anything
# else that its one user would not need.
mkbundle()
{
	bundle=$1
	shift
	mkrootfs "$bundle/rootfs"
	args=
	for arg in "$@"; do
		args="$args${args:+,}\"$arg\""
	done
	cat > "$bundle/config.json" << END
{"ociVersion":"1.0.2","root":{"path":"rootfs"},
"process":{"args":[$args],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}},
"mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
"linux":{"devices":[{"path":"/dev/null","type":"c","major":1,"minor":3},
{"path":"/dev/zero","type":"c","major":1,"minor":5}],"namespaces":[{"type":"user"},{"type":"mount"},{"type":"pid"},{"type":"uts"}],
"uidMappings":[{"containerID":0,"hostID":$(id -u),"size":1}],
"gidMappings":[{"containerID":0,"hostID":$(id -g),"size":1}]}}
END
}
