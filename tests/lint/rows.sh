#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each row of the security bar has a labelled test with a red control, or a reason; the page is current.
. "$(dirname "$0")/lib.sh"

if [ -f tests/security/rows.txt ]; then
	sh "$lint_dir/../security/mkdoc" --check "$root" >> "$found"
	sh "$lint_dir/../security/mkdoc" "$root" | cmp -s - docs/security-tests.md ||
		violation "docs/security-tests.md:1: is not what the labels say; run: make docs"
fi
finish
