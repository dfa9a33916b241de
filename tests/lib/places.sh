# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What suites need that only root can make: a directory on an overlay, a small file system, a second
# user. Sourced by asuser and by the first script in the virtual machine (tests/vm/guest/main).
#
# Before: $ASUSER_BASE, an existing directory; $ASUSER_USER and, if wanted, $ASUSER_SECOND_USER; $self,
# the path of asuser; $uid and $gid of the user; say().
# shellcheck disable=SC2154

# A directory of the user's on an overlay, which the kernel refuses as the upper layer of another:
# UCTR_OVERLAY_DIR names it to tests of what happens then.
overlay_dir()
{
	at=$ASUSER_BASE/overlay
	mkdir "$at" "$at.parts"
	mount -t tmpfs -o mode=0755 tmpfs "$at.parts"
	mkdir "$at.parts/lower" "$at.parts/upper" "$at.parts/work"
	if mount -t overlay -o "lowerdir=$at.parts/lower,upperdir=$at.parts/upper,workdir=$at.parts/work" \
		overlay "$at" 2> /dev/null; then
		chown "$ASUSER_USER" "$at"
		export UCTR_OVERLAY_DIR="$at"
	else
		say "no overlay here; tests of what happens without a kernel overlay will say so"
	fi
}

# A directory of the user's on a file system that is soon full: UCTR_SMALL_DIR names it to tests of
# what happens then.
small_dir()
{
	at=$ASUSER_BASE/small
	mkdir "$at"
	mount -t tmpfs -o "mode=0700,uid=$uid,gid=$gid,nosuid,nodev,size=8m,nr_inodes=1000" tmpfs "$at"
	export UCTR_SMALL_DIR="$at"
}

# own_tmpfs DIR USER: a private, empty directory of that user's.
own_tmpfs()
{
	mount -t tmpfs -o "mode=0700,uid=$(id -u "$2"),gid=$(id -g "$2"),nosuid,nodev" tmpfs "$1"
}

# The second user waits for scripts of the first's: UCTR_SECOND_DIR/drop/script, announced by a line
# in `ask`; what it prints is in `out/text`, its exit code comes through `answer`.
second_user()
{
	second=$ASUSER_SECOND_USER
	at=$ASUSER_BASE/second
	mkdir "$at" "$at/drop" "$at/out" "$at/run"
	mkfifo "$at/ask" "$at/answer"
	chown "$ASUSER_USER" "$at/drop"
	chown "$second" "$at/ask" "$at/answer" "$at/out"
	chmod 0622 "$at/ask"
	chmod 0644 "$at/answer"
	own_tmpfs "$at/run" "$second"
	home=$(getent passwd "$second" | cut -d: -f6)
	[ "$(stat -f -c %T "$home")" != overlayfs ] || own_tmpfs "$home" "$second"
	export UCTR_SECOND_DIR="$at"
	setpriv --reuid "$(id -u "$second")" --regid "$(id -g "$second")" --init-groups --inh-caps=-all \
		sh "$self" --stage-second < /dev/null > /dev/null 2>&1 &
}

# A store of root's that everybody may read, with the image "shared": UCTR_SHARED_STORE names it.
shared_store()
{
	path=${ASUSER_PATH:+$ASUSER_PATH:}$PATH
	env PATH="$path" sh -c 'command -v uctr' > /dev/null || return 0
	at=$ASUSER_BASE/shared
	mkdir -m 0755 "$at"
	mkdir -m 0700 "$at.run"
	if env PATH="$path" UCTR_DATA="$at" XDG_RUNTIME_DIR="$at.run" uctr tag busybox shared > "$at.log" 2>&1; then
		chmod -R a+rX "$at/images" "$at/blobs"
		export UCTR_SHARED_STORE="$at"
	else
		say "no image store of root's: $(cat "$at.log")"
	fi
}

# A directory of the user's on a file system whose files can share blocks: UCTR_CLONING_DIR names it.
cloning_dir()
{
	at=$ASUSER_BASE/cloning
	mkdir "$at"
	truncate -s 400M "$at.img"
	if mkfs.btrfs -q "$at.img" > "$at.log" 2>&1 &&
		mount -t btrfs -o loop,nosuid,nodev "$at.img" "$at" 2>> "$at.log"; then
		chmod 0700 "$at"
		chown "$ASUSER_USER" "$at"
		export UCTR_CLONING_DIR="$at"
	else
		say "no btrfs here; tests of what files share will say so"
	fi
}
