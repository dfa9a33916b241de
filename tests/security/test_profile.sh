#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The default profile: what a container really has, thing by thing, against profile.expect.
#
# What is observed becomes lines "THING VALUE". The table says for each line in which kinds of
# container it has to be seen; a line that is seen and does not stand there is a failure, and so is
# one that stands there and is not seen.
# shellcheck disable=SC2016 # what is in single quotes expands in the container

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

table=$(cd "$(dirname "$0")" && pwd)/profile.expect

tearDown()
{
	"$UCTR" rm -f profile > /dev/null 2>&1
	return 0
}

# Runs inside, with the caller's namespaces as arguments.
observer='for f in 0 1 2 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$f ] || echo "fd $f"; done
sed -n "s/^\(Uid\|Gid\|Groups\|Umask\|CapInh\|CapPrm\|CapEff\|CapBnd\|CapAmb\|NoNewPrivs\|Seccomp\|Seccomp_filters\):[[:space:]]*/\1 /p" /proc/self/status
echo "cwd $(pwd)"
for own in $*; do
	name=${own%%:*}
	[ "$(readlink /proc/self/ns/$name)" = "$own" ] && echo "namespace $name shared" || echo "namespace $name own"
done
awk "{
	for (i = 7; \$i != \"-\"; i++) ;
	source = \$4 == \"/null\" || \$3 ~ /^0:/ && \$4 ~ /^.(zero|full|random|urandom|tty)\$/ ? \" \" \$4 : \"\"
	n = split(\$(i + 3), word, \",\")
	kept = \"\"
	for (j = 1; j <= n; j++)
		if (word[j] ~ /^(size|nr_inodes|mode|ptmxmode|redirect_dir|metacopy|index)=/ && source == \"\" && \$(i + 1) ~ /^(tmpfs|devpts|overlay|fuse.*)\$/)
			kept = kept \" \" word[j]
	sub(\",relatime\", \"\", \$6)
	if (source != \"\" && \$(i + 1) ~ /^(dev)?tmpfs\$/)
		\$(i + 1) = \"node\"
	print \"mount\", \$5, \$(i + 1), \$6 source kept
}" /proc/self/mountinfo
find /dev ! -path "/dev/pts/[0-9]*" | while read -r f; do
	[ -L $f ] && echo "device $f -> $(readlink $f)" && continue
	echo "device $f $(stat -c "%F %a %t:%T" $f)"
done
for d in / /etc /run /tmp /mnt /var/tmp; do
	ls -A $d | sed "s|^|file ${d%/}/|"
done
sed -n "s/^Max core file size *\([^ ]*\) *\([^ ]*\).*/limit core \1 \2/p; s/^Max open files *\([^ ]*\) *\([^ ]*\).*/limit nofile \1 \2/p" /proc/self/limits
env | grep -v "^\(HOSTNAME\|SHLVL\|PWD\|OLDPWD\)=" | sed "s/^/env /"
for s in net/ipv4/ping_group_range net/ipv4/ip_unprivileged_port_start; do
	echo "sysctl $s $(tr "\t" " " < /proc/sys/$s)"
done
[ "$(cat /proc/sys/user/max_user_namespaces)" = 0 ] || echo "user namespaces"
echo "oom_score_adj $(cat /proc/self/oom_score_adj)"
echo "setgroups $(cat /proc/self/setgroups)"
echo "cgroup $(sed -n s/^0:://p /proc/self/cgroup)"
echo "session $(cut -d" " -f6 /proc/1/stat)"
for i in lo tap0 eth0; do [ ! -e /sys/class/net/$i ] || echo "interface $i"; done
[ "$(ls /sys/class/net | wc -l)" = 1 ] || echo "interfaces $(ls /sys/class/net | tr "\n" " ")"
(: >> /proc/sys/kernel/hostname) 2> /dev/null && echo "writable /proc/sys"
mkdir /sys/fs/cgroup/x 2> /dev/null && echo "writable /sys/fs/cgroup"
(: > /dev/x) 2> /dev/null && echo "writable /dev" && rm /dev/x
echo observed'

namespaces()
{
	for n in cgroup ipc mnt net pid user uts time; do
		readlink /proc/self/ns/$n
	done
}

# observe KIND [RUN-OPTION...]: the lines of such a container.
observe()
{
	kind=$1
	shift
	# shellcheck disable=SC2046
	case $kind in
	e)
		"$U" run -d --name profile --network none "$@" busybox sleep 1000 > /dev/null < /dev/null
		u exec profile sh -c "$observer" - $(namespaces) 2>&1
		u rm -f profile > /dev/null
		;;
	*) u run --rm --network none "$@" busybox sh -c "$observer" - $(namespaces) 2>&1 ;;
	esac
}

# What the table leaves to the machine: the caller's limit, the width of his map, the kernel.
wanted()
{
	hard=$(awk '/^Max open files/ { print $5 }' /proc/self/limits)
	[ "$hard" != unlimited ] && [ "$hard" -le 524288 ] || hard=524288
	top=$(awk -F: -v me="$(id -un)" -v uid="$(id -u)" '$1 == me || $1 == uid { n += $3 } END { print n }' /etc/subgid)
	all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	{
		sed -e '/^#/d; /^$/d' -e "s/@NOFILE@/$hard/; s/@TOP@/$top/; s/@ALL@/$all/" "$table"
		for dir in /sys/devices/system/cpu/cpu[0-9]*/thermal_throttle; do
			[ ! -d "$dir" ] ||
				echo "rue mount $dir tmpfs ro,nosuid,nodev,noexec size=0k nr_inodes=1 mode=000"
		done
	} |
		while read -r kinds line; do
			case $kinds in
			*"$1"*) ;;
			*) continue ;;
			esac
			# "?": where the kernel has the path.
			case $kinds in
			"?"*)
				path=${line#* }
				[ -e "${path%% *}" ] || continue
				;;
			esac
			echo "$line"
		done | LC_ALL=C sort
}

as_expected()
{
	kind=$1
	wanted "$kind" > "$T/want"
	observe "$@" | sed 's/ *$//' | LC_ALL=C sort > "$T/seen"
	grep -qx observed "$T/seen" || bad "$*: not observed: $(head -n 3 "$T/seen")" || return 1
	grep -vx observed "$T/seen" | diff "$T/want" - > "$T/diff" ||
		bad "$*: $(grep '^[<>]' "$T/diff")"
}

# row H9 H11 H12 H14: the default profile thing by thing: mounts, masks, devices, capabilities, filter, limits, environment, namespaces, descriptors, files; run, `-u`, exec, nesting, privileged | red: without inheritable; one thing more or less of each sort
test_default_profile()
{
	need fullmap overlay || return 0
	holds as_expected r
	holds as_expected u -u 1000
	holds as_expected e
	holds as_expected n --security-opt nesting
	holds as_expected p --privileged
	# A thing too much, of each sort, is noticed.
	falls "> mount /v " as_expected r -v "$T:/v"
	falls "> device /dev/x " as_expected r --device /dev/null:/dev/x
	falls "> CapEff 00000000800415fb" as_expected r --cap-add net_admin
	falls "< mount /proc/keys " as_expected r --security-opt unmask=/proc/keys
	falls "> env A=b" as_expected r -e A=b
	falls "> Seccomp 0" as_expected r --security-opt seccomp=unconfined
	falls "> limit core 1" as_expected r --ulimit core=1:1
	falls_without inheritable "> CapInh 00000000800405fb" as_expected r
	falls_without groups "> Groups" as_expected u -u 1000
}

. shunit2
