#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Flags of uctr run about rights: capabilities, seccomp, masked paths, nesting, privileged.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

# assertRefused TEXT...: exit code 125, one line with the texts, nothing left.
assertRefused()
{
	assertExit 125
	assertOut ""
	assertErrLine "$@"
	assertNothingLeft
}

# caps KIND: the capability set of that kind (Eff, Bnd, Prm, Inh, Amb) in $out, as a number.
caps()
{
	echo "$out" | sed -n "s/^Cap$1:[[:space:]]*0*\(.\)/\1/p"
}

# all_caps: the number with every capability of this kernel.
all_caps()
{
	printf '%x\n' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1))
}

# --- capabilities -----------------------------------------------------------------------------

test_default_capabilities()
{
	need fullmap || return 0
	# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap
	ctr busybox cat /proc/self/status
	for kind in Eff Prm Bnd; do
		assertEquals "Cap$kind" 800405fb "$(caps $kind)"
	done
	for kind in Inh Amb; do
		assertEquals "Cap$kind" 0 "$(caps $kind)"
	done
	ctr -u nobody busybox cat /proc/self/status
	for kind in Eff Prm Inh Amb; do
		assertEquals "Cap$kind" 0 "$(caps $kind)"
	done
	assertEquals 800405fb "$(caps Bnd)"
}

test_cap_drop_and_add()
{
	need fullmap || return 0
	ctr --cap-drop all busybox cat /proc/self/status
	for kind in Eff Prm Bnd; do
		assertEquals "Cap$kind" 0 "$(caps $kind)"
	done
	ctr --cap-drop ALL --cap-add chown --cap-add CAP_KILL busybox cat /proc/self/status
	assertEquals 21 "$(caps Eff)"
	ctr --cap-drop CHOWN,cap_fowner busybox sh -c 'cat /proc/self/status; touch /f; chown 1 /f || echo no chown'
	assertEquals 800405f2 "$(caps Bnd)"
	assertOutHas "no chown"
	ctr --cap-add all busybox cat /proc/self/status
	assertEquals "$(all_caps)" "$(caps Eff)"
	ctr --cap-add SYS_ADMIN --security-opt seccomp=unconfined busybox mount -t tmpfs none /mnt
	assertExit 0
	# Red control.
	ctr --security-opt seccomp=unconfined busybox mount -t tmpfs none /mnt
	assertExit 1
}

test_an_added_capability_serves_an_ordinary_user()
{
	need fullmap || return 0
	ctr -u nobody --cap-add CHOWN busybox sh -c 'cat /proc/self/status; touch /tmp/f; chown 1:1 /tmp/f && stat -c "owner %u" /tmp/f'
	assertExit 0
	for kind in Eff Prm Inh Amb; do
		assertEquals "Cap$kind" 1 "$(caps $kind)"
	done
	assertOutHas "owner 1"
}

test_capabilities_that_are_none()
{
	for bad in NOSUCH '' CAP_ 99 'CHOWN,NOSUCH'; do
		ctr --cap-add "$bad" busybox true
		assertRefused "uctr: --cap-add '" "': no such capability; see capabilities(7)"
		ctr --cap-drop "$bad" busybox true
		assertRefused "uctr: --cap-drop '" "': no such capability; see capabilities(7)"
	done
}

# --- no new privileges ------------------------------------------------------------------------

# suid_euid OPTION...: the effective id that a setuid-root file gives an ordinary user.
suid_euid()
{
	ctr -v "$HELPERS:/helper:ro" "$@" busybox sh -c 'cp /helper/payload /suid && chmod 4755 /suid &&
		exec su -s /bin/sh nobody -c "/suid euid"'
}

test_no_new_privileges()
{
	need fullmap helper:payload || return 0
	for opt in no-new-privileges no-new-privileges=true no-new-privileges:true; do
		ctr --security-opt $opt busybox grep NoNewPrivs /proc/self/status
		assertOut "$(printf 'NoNewPrivs:\t1')"
		suid_euid --security-opt $opt
		assertOut 65534
	done
	for opt in no-new-privileges=false no-new-privileges:false label=disable; do
		ctr --security-opt $opt busybox grep NoNewPrivs /proc/self/status
		assertOut "$(printf 'NoNewPrivs:\t0')"
	done
	suid_euid
	assertExit 0
	assertOut 0
	ctr --security-opt no-new-privileges=maybe busybox true
	assertRefused "uctr: --security-opt 'no-new-privileges=maybe' is not known"
}

# --- seccomp ----------------------------------------------------------------------------------

test_seccomp_default_and_unconfined()
{
	need fullmap || return 0
	ctr busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U id -u; echo $?'
	assertOutHas "$(printf 'Seccomp:\t2')"
	assertErrLine "Operation not permitted"
	ctr --security-opt seccomp=unconfined busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U id -u'
	assertExit 0
	assertOut "$(printf 'Seccomp:\t0\n65534')"
}

test_seccomp_custom_profile()
{
	need fullmap || return 0
	profile 13 > "$T/profile"
	ctr --security-opt "seccomp=$T/profile" busybox mkdir /x
	assertExit 1
	assertErrLine "Permission denied"
	# Another content under the same name counts at once, whatever was cached.
	profile 2 > "$T/profile"
	for _ in 1 2; do
		ctr --security-opt seccomp="$T/profile" busybox mkdir /x
		assertExit 1
		assertErrLine "No such file or directory"
	done
	ctr --security-opt no-new-privileges --security-opt "seccomp=$T/profile" -u nobody busybox mkdir /tmp/x
	assertErrLine "No such file or directory"
}

# profile ERRNO: a profile in docker's format that makes mkdir fail with it.
profile()
{
	cat << EOT
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
 {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": $1}]}
EOT
}

test_seccomp_profiles_that_cannot_be()
{
	need fullmap || return 0
	echo '{' > "$T/bad"
	ctr --security-opt "seccomp=$T/bad" busybox true
	assertRefused "$T/bad: not valid JSON at line 2"
	echo '{"defaultAction": "SCMP_ACT_NOSUCH"}' > "$T/bad"
	ctr --security-opt "seccomp=$T/bad" busybox true
	assertRefused "$T/bad" "SCMP_ACT_NOSUCH"
	ctr --security-opt "seccomp=$T/none" busybox true
	assertRefused "uctr: --security-opt seccomp=$T/none: No such file or directory"
	ctr --security-opt seccomp= busybox true
	assertRefused "uctr: --security-opt 'seccomp=' is not known"
}

# --- masked paths -----------------------------------------------------------------------------

# masks: what of these is covered; /proc/keys and /proc/sys are on every kernel.
masks()
{
	echo "$out" | awk '$2 == "/proc/keys" || $2 == "/proc/sys" || $2 == "/sys/firmware" { print $2 }' |
		sort | tr '\n' ' '
}

test_masked_paths()
{
	need fullmap file:/proc/keys file:/sys/firmware || return 0
	ctr busybox sh -c 'cat /proc/mounts; echo "keys: $(cat /proc/keys)"; ls /sys/firmware; echo x > /proc/sys/kernel/domainname'
	assertEquals "/proc/keys /proc/sys /sys/firmware " "$(masks)"
	assertOutHas "keys: "
	assertErrLine "/proc/sys/kernel/domainname: Read-only file system"
	ctr --security-opt unmask=/proc/keys busybox cat /proc/mounts
	assertEquals "/proc/sys /sys/firmware " "$(masks)"
	ctr --security-opt unmask=/proc/keys:/sys/firmware busybox cat /proc/mounts
	assertEquals "/proc/sys " "$(masks)"
	ctr --security-opt 'unmask=/proc/*' busybox cat /proc/mounts
	assertEquals "/sys/firmware " "$(masks)"
	for opt in unmask=ALL unmask=all systempaths=unconfined nesting; do
		ctr --security-opt $opt busybox cat /proc/mounts
		assertEquals "$opt" "" "$(masks)"
	done
}

# --- nesting and privileged -------------------------------------------------------------------

nest='unshare -Urmpf --mount-proc sh -c "id -u; mount -t tmpfs none /mnt && echo mounted; echo pid \$\$"'

test_nesting()
{
	need fullmap || return 0
	ctr --security-opt nesting busybox sh -c "$nest"
	assertExit 0
	assertOut "$(printf '0\nmounted\npid 1')"
	# It opens user namespaces, and gives no capability by itself.
	ctr --security-opt nesting busybox cat /proc/self/status
	assertEquals 800405fb "$(caps Eff)"
	# Red control.
	ctr busybox sh -c "$nest"
	assertExit 1
	assertErrLine "Operation not permitted"
	# Shut twice: where a custom filter lets it through, the namespace's own limit holds.
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' > "$T/open"
	ctr --security-opt "seccomp=$T/open" busybox unshare -U true
	assertExit 1
	assertErrLine "No space left on device"
}

test_privileged()
{
	need fullmap || return 0
	ctr --privileged busybox sh -c 'cat /proc/self/status /proc/mounts; mount -t tmpfs none /mnt && echo mounted'
	assertExit 0
	assertEquals "$(all_caps)" "$(caps Eff)"
	assertOutHas mounted "$(printf 'Seccomp:\t0')"
	assertEquals "" "$(masks)"
	ctr --privileged busybox sh -c "$nest"
	assertExit 0
	# Never more than the caller's own rights.
	ctr --privileged busybox sh -c 'echo 0 > /proc/sys/kernel/printk || mknod /x b 8 0 || echo refused'
	assertOut refused
	ctr --privileged --cap-drop SYS_ADMIN busybox mount -t tmpfs none /mnt
	assertExit 1
	# A filter that was asked for stays.
	profile 13 > "$T/profile"
	ctr --privileged --security-opt "seccomp=$T/profile" busybox mkdir /x
	assertExit 1
	assertErrLine "Permission denied"
}

test_labels_without_effect_here_are_accepted()
{
	need fullmap || return 0
	for opt in label=disable label:disable apparmor=unconfined apparmor:unconfined; do
		ctr --security-opt $opt busybox echo fine
		assertExit 0
		assertOut fine
		assertErrEmpty
	done
	for bad in bogus label=enable systempaths=confined '' apparmor= nesting=1 unmask=; do
		ctr --security-opt "$bad" busybox true
		assertRefused "uctr: --security-opt '$bad' is not known; there are no-new-privileges[=true|false]"
	done
}

. shunit2
