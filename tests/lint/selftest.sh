#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every lint rule is seen to fail on a seeded violation and to pass without it.
# shellcheck disable=SC2016 # seeds hold other files' variables
set -u
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# fresh: a small tree in which no rule finds anything.
fresh()
{
	rm -rf "$tree"
	mkdir -p "$tree/src/base" "$tree/src/sys" "$tree/src/runtime" "$tree/src/image" \
		"$tree/src/engine" "$tree/src/net" "$tree/src/cli" "$tree/helpers/transfer" "$tree/contrib"
	cp "$here/../../.clang-format" "$tree/"
	printf '/* SPDX-License-Identifier: Apache-2.0 */\n/* A clean file. */\n#include "base/a.h"\n\nint a(void)\n{\n\treturn 0;\n}\n' \
		> "$tree/src/sys/a.c"
	printf '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n# A clean script.\necho "$1"\n' \
		> "$tree/contrib/a"
}

# expect RULE RC [TEXT]
expect()
{
	out=$(sh "$here/$1.sh" "$tree" 2>&1)
	rc=$?
	if [ "$rc" -ne "$2" ] || { [ $# -gt 2 ] && ! printf '%s' "$out" | grep -qF -- "$3"; }; then
		echo "selftest: $1: exit code $rc, expected $2 ${3:+with '$3'} in: $out"
		failed=1
	fi
}

# seed RULE FILE BODY TEXT: BODY, put into FILE of a fresh tree, makes the rule fail with TEXT.
seed()
{
	fresh
	mkdir -p "$(dirname "$tree/$2")"
	{
		case $2 in
		*.c | *.h) printf '/* SPDX-License-Identifier: Apache-2.0 */\n/* A file. */\n' ;;
		*) printf '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n# A file.\n' ;;
		esac
		printf '%b\n' "$3"
	} > "$tree/$2"
	expect "$1" 1 "$4"
}

for rule in layers sizes banned format shell cppcheck headers rows; do
	fresh
	expect "$rule" 0
done

seed layers src/base/b.c '#include "sys/a.h"' 'src/base/b.c:3: includes "sys/a.h"'
seed layers src/runtime/b.c '#include "image/a.h"' 'includes "image/a.h"'
seed layers src/runtime/b.h '#include "net/a.h"' 'includes "net/a.h"'
seed layers src/runtime/b.c '#include "engine/a.h"' 'includes "engine/a.h"'
seed layers src/image/b.c '#include "runtime/a.h"' 'includes "runtime/a.h"'
seed layers src/engine/b.c '#include "cli/a.h"' 'includes "cli/a.h"'
seed layers helpers/transfer/b.c '#include "engine/a.h"' 'includes "engine/a.h"'
seed layers helpers/veth/b.c '#include "base/a.h"' 'includes "base/a.h"'
seed layers src/sys/b.c '#include "../base/a.h"' 'climbs'
seed layers src/sys/b.c '#include "b.h"' 'names no folder'
seed layers src/image/b.c '#include <archive.h>' 'does not belong'

lines=$(awk 'BEGIN { for (i = 0; i < 59; i++) printf "\\ta();\\n" }')
seed sizes src/sys/b.c "void b(void)\n{\n$lines}" 'function b has 61 lines'
seed sizes tests/unit/b.c "$(awk 'BEGIN { for (i = 0; i < 499; i++) printf "int a;\\n" }')" 'at most 500'

seed banned src/sys/b.c 'int b(void)\n{\n\treturn system("x");\n}' 'src/sys/b.c:5: banned function'
seed banned tests/helper/b.c '\tstrcpy(a, b);' 'banned function'
seed banned helpers/init/b.c '\tx = atoi(a);' 'banned function'
seed banned src/engine/b.c '\tprintf("x");' 'only the command line prints'
seed banned src/cli/b.c '\texit(1);' 'only main ends the program'
seed banned src/runtime/b.c '\tabort();' 'only main ends the program'
seed banned src/runtime/b.c '\tfd = open(p, O_WRONLY | O_TRUNC | O_CLOEXEC);' 'O_TRUNC'
seed banned src/sys/b.c '\tfd = open(p, O_RDONLY);' 'descriptor without O_CLOEXEC'
seed banned src/sys/b.c '\tfd = openat(dirfd, p,\n\t\tO_RDONLY);' 'descriptor without O_CLOEXEC'
seed banned src/sys/b.c '\tpipe(p);' 'not close-on-exec'
seed banned src/sys/b.c '\tf = fopen(p, "r");' 'fopen without'

seed format src/sys/b.c 'int  b( void ){ return 0; }' 'src/sys/b.c:3'
seed shell contrib/b 'echo $1' 'SC2086'
seed shell tests/b.sh 'unused=1' 'SC2034'
seed cppcheck src/sys/b.c 'int b(int i)\n{\n\tint a[2];\n\n\ta[0] = i;\n\treturn a[2];\n}' 'arrayIndexOutOfBounds'
seed headers src/sys/b.c '/* TO''DO: later */' 'unfinished work'
seed headers contrib/b 'echo /home/''somebody/x' "developer's machine"
seed headers contrib/b "echo $tree/src" 'path of this checkout'
fresh
echo 'int b;' > "$tree/src/sys/b.c"
expect headers 1 'no SPDX line'
printf '/* SPDX-License-Identifier: Apache-2.0 */\nint b;\n' > "$tree/src/sys/b.c"
expect headers 1 'no sentence'

# labelled LABEL BODY: a tree with one row and one test, and its page.
labelled()
{
	fresh
	mkdir -p "$tree/tests/security" "$tree/docs"
	printf 'A1*|an attack|\n' > "$tree/tests/security/rows.txt"
	printf '%s\ntest_a()\n{\n\t%s\n}\n' "$1" "$2" > "$tree/tests/security/test_a.sh"
	sh "$here/../security/mkdoc" "$tree" > "$tree/docs/security-tests.md"
}

labelled '# row A1: an attack | red: without x' 'falls_without x "y" z'
expect rows 0
echo more >> "$tree/docs/security-tests.md"
expect rows 1 'docs/security-tests.md:1: is not what'
labelled '# row A1: an attack | red: without x' 'holds z'
expect rows 1 'test test_a runs no red control'
labelled '# row A1: an attack | red: without x' 'falls_without other "y" z'
expect rows 1 'test test_a has no falls_without x'
labelled '# row A1: an attack' 'holds z'
expect rows 1 'row A1 without a red control'
labelled '# row A2: an attack | red: flag y' 'falls y z'
expect rows 1 'row A2 is not in'
expect rows 1 'row A1 has neither test nor reason'
labelled '# a comment' 'holds z'
expect rows 1 'test test_a has no label'
exit $failed
