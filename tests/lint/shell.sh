#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No complaint of the shell checker about any shell file.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# -x follows the libraries that a file sources, as its source= directive says (from the root of
# the tree); shunit2 is not ours, and calls tests and setUp by name, as traps do (SC2317).
for f in $(shell_files); do
	shellcheck -x -P SCRIPTDIR:. -f gcc -e SC1091,SC2317 "$f" >> "$found"
done
finish
