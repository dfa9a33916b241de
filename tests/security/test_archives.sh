#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile archives and layouts of images: what they may not reach, read or rename.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data"
	has fullmap || return 0
	echo "file one 0644 1" | mktar "$T/one.tar"
	"$UCTR" import "$T/one.tar" one > /dev/null
	"$UCTR" save --format docker-archive -o "$T/one.docker" one
	"$UCTR" save --format oci-dir -o "$T/lay" one
}

attack_index_link()
{
	rm -rf "$T/linked"
	cp -R "$T/lay" "$T/linked"
	mv "$T/linked/index.json" "$T/outside.json"
	ln -s ../outside.json "$T/linked/index.json"
	if u load -i "$T/linked" > /dev/null 2>&1; then
		bad "read through the link"
	fi
}

attack_taken_name()
{
	"$UCTR" tag busybox one
	before=$("$UCTR" images -q --no-trunc one)
	u load -i "$T/one.docker" > /dev/null 2>&1
	[ "$before" = "$("$UCTR" images -q --no-trunc one)" ] || bad "the name moved"
}

# row B18: index.json of a layout as a link to a file outside | red: without bundle-links
test_index_link()
{
	need fullmap || return 0
	holds attack_index_link
	falls_without bundle-links "read through the link" attack_index_link
}

# row B18: an archive with the name of an image that is there | red: without load-replaces
test_taken_name()
{
	need fullmap || return 0
	holds attack_taken_name
	falls_without load-replaces "the name moved" attack_taken_name
}

# shellcheck disable=SC1091
. shunit2
