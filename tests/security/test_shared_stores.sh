#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Additional stores that a stranger keeps or changed (rows B8, B12 and B18 of the security bar).

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

# The store $A with the image "tool", named by the user's settings, and his own empty one.
setUp()
{
	fresh_tmp
	export XDG_CONFIG_HOME="$T/config" UCTR_DATA="$T/data"
	A=$T/shared
	mkdir -p "$T/config/uctr" "$T/root"
	echo "additional = [\"$A\"]" > "$T/config/uctr/storage.conf"
	has fullmap || return 0
	echo good > "$T/root/text"
	tar -C "$T/root" -cf "$T/good.tar" text
	echo evil > "$T/root/text"
	tar -C "$T/root" -cf "$T/evil.tar" text
	UCTR_DATA=$A "$UCTR" import "$T/good.tar" tool > "$T/out"
	layer=$A/blobs/sha256/$(sha256sum < "$T/good.tar" | cut -d' ' -f1)
	chmod a+rx "$A" && chmod -R a+rX "$A/images" "$A/blobs"
}

tearDown()
{
	[ -n "${UCTR_DATA:-}" ] || return 0
	"$UCTR" unshare rm -rf "$A" "$UCTR_DATA"
	unset UCTR_DATA XDG_CONFIG_HOME
}

attack_stranger()
{
	"$UCTR" unshare chown "$@" || return 1
	[ -z "$(u images -q 2> /dev/null)" ] || bad "the image is listed"
}

# row B8: an additional store, its directories or a record of another user of the host | red: without additional-owner
test_B8_store_of_a_stranger()
{
	need fullmap || return 0
	for what in "$A" "$A/images" "$A/blobs" "$A/blobs/sha256" "$A/images/localhost+tool:latest.json"; do
		holds attack_stranger 4242:0 "$what"
		falls_without additional-owner "the image is listed" attack_stranger 4242:0 "$what"
		"$UCTR" unshare chown 0:0 "$what"
	done
	assertNotEquals "it is there" "" "$("$UCTR" images -q)"
}

attack_content()
{
	u tag tool mine > /dev/null 2>&1
	code=0
	! "$UCTR" unshare grep -qrs evil "$UCTR_DATA/layers" || bad "the layer is unpacked" || code=1
	"$UCTR" unshare rm -rf "$UCTR_DATA"
	return $code
}

# row B12: another archive of the same length in the place of a layer of an additional store | red: without match
test_B12_other_layer()
{
	need fullmap || return 0
	assertEquals "$(stat -c %s "$T/good.tar")" "$(stat -c %s "$T/evil.tar")"
	cat "$T/evil.tar" > "$layer"
	holds attack_content
	falls_without match "the layer is unpacked" attack_content
}

attack_link()
{
	case $(u images -a --format '{{.Repository}}' 2> /dev/null) in
	*tool*) bad "read through the link" ;;
	esac
}

# row B18: a record of an additional store that is a link | red: without links
test_B18_record_that_is_a_link()
{
	need fullmap || return 0
	mv "$A/images/localhost+tool:latest.json" "$A/record"
	ln -s ../record "$A/images/localhost+tool:latest.json"
	holds attack_link
	falls_without links "read through the link" attack_link
}

. shunit2
