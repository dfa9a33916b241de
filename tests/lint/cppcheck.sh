#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cppcheck finds no fault in the C sources.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

list=$(c_files | grep '\.c$' | grep -E '^(src|helpers|docs|tests)/')
[ -n "$list" ] || finish
cache=
if [ -d build ]; then
	mkdir -p build/cppcheck
	cache=--cppcheck-build-dir=build/cppcheck
fi
# cppcheck does not know the cleanup attribute: what it frees looks leaked.
# Its guesses across files (ctu) take arguments for NULL that no caller passes as NULL.
# In fd.c it takes the array that a loop fills for qsort as not initialised.
# It reads no system headers, so the loops that jansson defines are spelled out here.
macros=$(mktemp)
trap 'rm -f "$found" "$macros"' EXIT
cat > "$macros" <<'END'
#define json_array_foreach(a, i, v) \
	for (i = 0; i < json_array_size(a) && (v = json_array_get(a, i)); i++)
#define json_object_foreach(o, k, v) \
	for (void *it_ = json_object_iter(o); \
	     (k = json_object_iter_key(it_)) && (v = json_object_iter_value(it_)); \
	     it_ = json_object_iter_next(o, it_))
END
# shellcheck disable=SC2086 # a list of names without blanks
cppcheck -q -j 2 $cache --std=c11 --language=c --enable=warning,performance,portability \
	--inline-suppr --error-exitcode=1 -D_GNU_SOURCE -D__linux__ -D__x86_64__ --include="$macros" -Isrc -Iinclude \
	--suppress=missingInclude --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
	--suppress=ctunullpointer --suppress=memleak --suppress=resourceLeak --suppress=memleakOnRealloc \
	--suppress=uninitvar:src/base/fd.c \
	--template='{file}:{line}: {id}: {message}' $list 2>> "$found" > /dev/null
finish
