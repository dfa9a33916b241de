#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A6, A7, A8, A16 and H12: devices, masks and the terminal when /dev is the attacker's, writes to
# procfs, the cgroup hierarchy.
# shellcheck disable=SC2016 # what is in single quotes expands in the container

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

# Every mask over a file is the null device, on a file system of devices, and takes what is written.
look='for f in interrupts kallsyms kcore keys kmsg timer_list; do
	[ ! -f /proc/$f ] || echo "/proc/$f is not masked"
	[ ! -e /proc/$f ] || [ "$(stat -L -c %t:%T /proc/$f)" = 1:3 ] || echo "/proc/$f is no null device"
done
echo looked'

# masked_with BUNDLE-NODE: a bundle whose /dev/null is that of the image, and which masks files.
masked_with()
{
	mkbundle "$T/bundle" sh -c "look"
	echo "$look" > "$T/bundle/rootfs/look"
	sed -i 's|"args":\[[^]]*\]|"args":["sh","/look"]|; s|{"path":"/dev/null","type":"c","major":1,"minor":3},||
		s|"linux":{|&"maskedPaths":["/proc/interrupts","/proc/kallsyms","/proc/kcore","/proc/keys","/proc/kmsg","/proc/timer_list"],|' \
		"$T/bundle/config.json"
	mkdir -p "$T/bundle/rootfs/dev"
	rm -f "$T/bundle/rootfs/dev/null"
	case $1 in
	file) : > "$T/bundle/rootfs/dev/null" ;;
	*) ln -s "$1" "$T/bundle/rootfs/dev/null" ;;
	esac
	seen=$(cd "$T/bundle" && timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run "masks-$$" 2>&1 < /dev/null)
	rm -rf "$T/bundle"
	case $seen in
	looked) ;;
	*"is not masked"* | *"is no null"*) bad "/dev/null -> $1: $seen" ;;
	*) bad "/dev/null -> $1, not looked: $seen" ;;
	esac
}

# dev_of_volume WHAT [RUN-OPTION...]: /dev is a volume with that in place of the null device.
dev_of_volume()
{
	what=$1
	shift
	rm -rf "${T:?}/dev"
	mkdir -p "$T/dev"
	case $what in
	file) : > "$T/dev/null" ;;
	fifo) mkfifo "$T/dev/null" ;;
	*) ln -s "$what" "$T/dev/null" ;;
	esac
	seen=$(u run --rm --network none -v "$T/dev:/dev" "$@" busybox sh -c "$look" 2>&1)
	case $seen in
	looked | "uctr: "*"/dev/null is a symbolic link"*) ;;
	*) bad "/dev/null is $what: $seen" ;;
	esac
}

attack_null()
{
	for what in /proc/sys/kernel/core_pattern /proc/version file; do
		masked_with $what || return 1
	done
	for what in /proc/sys/kernel/core_pattern /proc/sysrq-trigger file fifo; do
		dev_of_volume $what || return 1
	done
}

# row A6: masks and /dev/null when the null device is the image's or a volume's: a link to a file of procfs, a file, a FIFO | red: without hostnull
test_A6_null_device_of_the_image()
{
	need fullmap || return 0
	holds attack_null
	falls_without hostnull "is n" masked_with /proc/version
	falls_without hostnull "is n" masked_with file
}

# console_of WHAT: a bundle with a terminal and without a /dev of its own, in which that is the console.
console_of()
{
	mkbundle "$T/bundle" sh /look
	dev=$T/bundle/rootfs/dev
	mkdir -p "$dev/pts"
	echo precious > "$dev/target"
	case $1 in
	link) ln -s target "$dev/console" ;;
	procfs) ln -s /proc/sysrq-trigger "$dev/console" ;;
	fifo) mkfifo "$dev/console" ;;
	dir) mkdir "$dev/console" ;;
	pts) ln -s /proc/sysrq-trigger "$dev/pts/0" ;;
	esac
	echo 'echo "console $(stat -c %t /dev/console) target $(stat -c %F /dev/target)"' > "$T/bundle/rootfs/look"
	sed -i 's|"process":{|&"terminal":true,|
		s|"source":"proc"}|&,{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["newinstance","ptmxmode=0666"]}|' \
		"$T/bundle/config.json"
	echo "sleep 1" > "$T/steps"
	seen=$(cd "$T/bundle" && "$HELPERS/ptydrive" -t 10 "$T/steps" "${U%/*}/uctr-oci" run "masks-$$" 2>&1 < /dev/null |
		tr -d '\r')
	left=$(cat "$dev/target")
	rm -rf "$T/bundle"
	case $seen in
	*"console 88 target regular file"* | *"make /dev/console: "*) ;;
	*) bad "$1: $seen" || return 1 ;;
	esac
	[ "$left" = precious ] || bad "$1: the target was written: $left"
}

attack_console()
{
	for what in link procfs fifo dir pts; do
		console_of $what || return 1
	done
}

# row A7: /dev/console and /dev/pts/0 of the image as link, FIFO, directory | red: without links
test_A7_console_of_the_image()
{
	need fullmap || return 0
	holds attack_console
	falls_without links "target character" console_of link
}

# covered MOUNT: a bundle that lays something over that file of procfs, and asks for writes to it.
covered()
{
	mkbundle "$T/bundle" sh -c true
	echo evil > "$T/evil"
	sed -i "s|\"source\":\"proc\"}|&,{\"destination\":\"$1\",\"type\":\"bind\",\"source\":\"$T/evil\",\"options\":[\"bind\"]}|
		s|\"process\":{|&\"oomScoreAdj\":500,|; s|\"args\":\[[^]]*\]|\"args\":[\"cat\",\"$1\"]|
		s|{\"type\":\"uts\"}|&,{\"type\":\"ipc\"}|; s|\"linux\":{|&\"sysctl\":{\"kernel.shm_rmid_forced\":\"1\"},|" "$T/bundle/config.json"
	seen=$(cd "$T/bundle" && timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run "masks-$$" 2>&1 < /dev/null)
	rm -rf "$T/bundle"
	case $seen in
	*"lies on /proc; nothing may be mounted there"*) ;;
	*) bad "started with $1 covered: $seen" || return 1 ;;
	esac
	[ "$(cat "$T/evil")" = evil ] || bad "written to what covers $1: $(cat "$T/evil")"
}

attack_procfs_writes()
{
	for f in /proc/self/attr/exec /proc/self/oom_score_adj /proc/sys/kernel/shm_rmid_forced; do
		covered $f || return 1
	done
	# A setting goes to the real procfs also where the image's /proc is full of files.
	mkbundle "$T/bundle" cat /proc/sys/kernel/shm_rmid_forced
	mkdir -p "$T/bundle/rootfs/proc/sys/kernel"
	echo evil > "$T/bundle/rootfs/proc/sys/kernel/shm_rmid_forced"
	sed -i 's|{"type":"uts"}|&,{"type":"ipc"}|; s|"linux":{|&"sysctl":{"kernel.shm_rmid_forced":"1"},|' "$T/bundle/config.json"
	seen=$(cd "$T/bundle" && timeout -k 2 $((10 * UCTR_SLOW)) "${U%/*}/uctr-oci" run "masks-$$" 2>&1 < /dev/null)
	evil=$(cat "$T/bundle/rootfs/proc/sys/kernel/shm_rmid_forced")
	rm -rf "$T/bundle"
	[ "$seen $evil" = "1 evil" ] || bad "the setting: $seen, the file: $evil"
}

# row A8: mounts over attr/exec, oom_score_adj and a sysctl that are written at the same start; an image with files in /proc | red: without procfs
test_A8_writes_to_procfs()
{
	need fullmap || return 0
	holds attack_procfs_writes
	falls_without procfs "started with" covered /proc/self/oom_score_adj
}

# --- A16 ------------------------------------------------------------------------------------------

cgroup='cd /sys/fs/cgroup
for f in cgroup.procs cgroup.subtree_control memory.max pids.max cpu.max cgroup.kill ../cgroup.procs; do
	(echo 0 > $f) 2> /dev/null && echo "wrote $f"
done
mkdir x 2> /dev/null && echo "made a group"
for type in cgroup cgroup2; do
	mount -t $type none /mnt 2> /dev/null && echo "mounted $type"
done
(echo /evil > release_agent) 2> /dev/null && echo "wrote release_agent"
mount -o remount,rw /sys/fs/cgroup 2> /dev/null && echo "mounted writable"
echo tried'

attack_cgroup()
{
	seen=$(u run --rm --network none "$@" busybox sh -c "$cgroup" 2>&1)
	[ "$seen" = tried ] || bad "$(echo "$seen" | tr '\n' ';')"
}

# row A16: own and other cgroups written, hierarchies mounted, remounted writable, a release agent set | red: flag --cap-add sys_admin
test_A16_cgroup_hierarchy()
{
	need fullmap || return 0
	holds attack_cgroup
	holds attack_cgroup --cap-add dac_override
	falls "mounted" attack_cgroup --cap-add sys_admin
}

# --- H12 ------------------------------------------------------------------------------------------

nodes='for at in / /dev /dev/shm /tmp; do
	for node in "c 1 3" "c 1 1" "c 10 229" "b 254 0" "c 5 1"; do
		mknod $at/node $node 2> /dev/null && cat $at/node < /dev/null > /dev/null 2>&1 && echo "made $node"
		rm -f $at/node
	done
done
for f in null zero urandom; do
	[ ! -e /hostdev/$f ] || ! head -c 1 /hostdev/$f > /dev/null 2>&1 || echo "opened the host'"'"'s $f"
done
[ -e /hostdev/zero ] || echo "no devices of the host"
echo tried'

attack_nodes()
{
	seen=$(u run --rm --network none -v /dev:/hostdev "$@" busybox sh -c "$nodes" 2>&1)
	[ "$seen" = tried ] || bad "$(echo "$seen" | tr '\n' ';')"
}

# row H12: device nodes made in every place, also with CAP_MKNOD; those of the host through a volume | red: without nosuid
test_H12_device_nodes()
{
	need fullmap || return 0
	holds attack_nodes
	holds attack_nodes --cap-add mknod
	falls_without nosuid "opened the host's zero" attack_nodes
}

. shunit2
