#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Includes go in one direction: cli -> engine -> {image, net, runtime} -> sys -> base.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# allowed FILE: the folders whose headers this file may include.
allowed()
{
	case $1 in
	src/base/*) echo base ;;
	src/sys/*) echo sys base ;;
	src/runtime/*) echo runtime sys base ;;
	src/image/*) echo image sys base ;;
	src/net/*) echo net sys base ;;
	src/engine/*) echo engine image net runtime sys base ;;
	src/cli/*) echo cli engine image net runtime sys base ;;
	helpers/transfer/*) echo transfer sys base ;;
	*) echo ;;
	esac
}

for f in $(c_files | grep -E '^(src|helpers|include)/'); do
	may=$(allowed "$f")
	grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$f" |
		sed 's/^\([0-9]*\):[^"]*"\([^"]*\)".*/\1 \2/' | while read -r line path; do
		case $path in
		uctr/*) continue ;;
		..* | */../*) violation "$f:$line: include \"$path\" climbs; write \"folder/file.h\"" ;;
		*/*)
			case " $may " in
			*" ${path%%/*} "*) ;;
			*) violation "$f:$line: includes \"$path\"; may include only: ${may:-uctr}" ;;
			esac
			;;
		*)
			case $f in
			helpers/*) ;;
			*) violation "$f:$line: include \"$path\" names no folder" ;;
			esac
			;;
		esac
	done
	# The main program starts in a millisecond because it leaves big libraries to the helper.
	case $f in
	src/base/*) banned='archive|openssl/|curl/|netlink/|seccomp|sys/capability|sys/mount' ;;
	src/*) banned='archive|openssl/|curl/' ;;
	*) continue ;;
	esac
	grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<($banned)" "$f" |
		while IFS=: read -r line text; do
			violation "$f:$line: $text does not belong below ${f%/*}"
		done
done
finish
