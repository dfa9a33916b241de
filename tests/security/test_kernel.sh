#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows H5, H6, H8, H9, H10 and H11: how much of the kernel a container can reach.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

tearDown()
{
	"$UCTR" rm -f kernel > /dev/null 2>&1
	return 0
}

# inside [RUN-OPTION...] -- HELPER [ARG...]: a test program in a container.
inside()
{
	opts=
	while [ "$1" != -- ]; do
		opts="$opts $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	u run --rm --network none $opts -v "$HELPERS:/h:ro" busybox "$@" 2>&1
}

# --- H5: keys -------------------------------------------------------------------------------------

# The caller's session keyring holds a key. The filter and the container's own keyring each keep it
# from the container.
attack_keys()
{
	# shellcheck disable=SC2016
	seen=$("$HELPERS/keyprobe" hold uctr-canary canary-secret sh -c '
		helpers=$1
		shift
		exec timeout -k 2 $((10 * UCTR_SLOW)) "$@" -v "$helpers:/h:ro" busybox \
			/h/keyprobe find uctr-canary "$KEY_ID"' - "$HELPERS" \
		"$U" run --rm --network none "$@" 2>&1 < /dev/null)
	case $seen in
	*canary-secret*) bad "the key was read: $seen" ;;
	*"by id"*"by request"*"by search"*) ;;
	*) bad "no look: $seen" ;;
	esac
}

attack_keys_at_exec()
{
	# shellcheck disable=SC2016
	seen=$("$HELPERS/keyprobe" hold uctr-canary canary-secret sh -c '
		"$1" run -d --name kernel --network none --security-opt seccomp=unconfined \
			-v "$2:/h:ro" busybox sleep 1000 > /dev/null
		timeout -k 2 $((10 * UCTR_SLOW)) "$1" exec kernel /h/keyprobe find uctr-canary "$KEY_ID"
		"$1" rm -f kernel > /dev/null' - "$U" "$HELPERS" 2>&1 < /dev/null)
	case $seen in
	*canary-secret*) bad "the key was read: $seen" ;;
	*"by id"*"by request"*"by search"*) ;;
	*) bad "no look: $seen" ;;
	esac
}

# row H5: a key in the caller's session keyring: by id, request and search, in run and exec | red: without keyring; flag `seccomp=unconfined`
test_H5_keys()
{
	need fullmap || return 0
	# shellcheck disable=SC2016
	seen=$("$HELPERS/keyprobe" hold x canary-secret sh -c '"$1" find x "$KEY_ID"' - "$HELPERS/keyprobe")
	assertContains "the key is there for the caller" "$seen" "by search: read canary-secret"
	holds attack_keys
	holds attack_keys --security-opt seccomp=unconfined
	holds attack_keys_at_exec
	falls_without keyring "the key was read" attack_keys --security-opt seccomp=unconfined
	falls_without keyring "the key was read" attack_keys_at_exec
	assertEquals "/proc/keys" 0 "$(inside -- wc -c /proc/keys | cut -d' ' -f1)"
	set -- "keyctl EPERM;add_key EPERM;request_key EPERM;" keyctl add_key request_key --
	holds probes "$@"
	falls "request_key EFAULT" probes "$@" --security-opt=seccomp=unconfined
}

# --- H6, H8, H9, H10: the filter ------------------------------------------------------------------

# probes WANT NAME... -- [RUN-OPTION...]: sysprobe says WANT of these.
probes()
{
	want=$1 names=
	shift
	while [ "$1" != -- ]; do
		names="$names $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	seen=$(inside "$@" -- /h/sysprobe $names | tr '\n' ';')
	[ "$seen" = "$want" ] || bad "[$seen] is not [$want]"
}

# Asked with a type that no socket has, the kernel says EINVAL whether it knows the family or not: so
# the answer is the filter's, also on a kernel without AF_ALG or AF_VSOCK.
# row H7: AF_ALG by socket and socketcall, with nesting and every capability | red: flag `seccomp=unconfined`
test_H7_alg()
{
	need fullmap || return 0
	holds probes "alg-odd EAFNOSUPPORT;" alg-odd --
	holds probes "alg-odd EAFNOSUPPORT;" alg-odd -- --security-opt=nesting
	holds probes "alg-odd EAFNOSUPPORT;" alg-odd -- --cap-add=all
	falls "alg-odd EINVAL" probes "alg-odd EAFNOSUPPORT;" alg-odd -- --security-opt=seccomp=unconfined
	# By the door of 32-bit programs, which the address families of a filter do not see.
	holds attack_foreign_abi
}

# row H8: AF_VSOCK | red: flag `seccomp=unconfined`
test_H8_vsock()
{
	need fullmap || return 0
	holds probes "family-vsock EAFNOSUPPORT;vsock-odd EAFNOSUPPORT;" family-vsock vsock-odd --
	falls "vsock-odd EINVAL" probes "vsock-odd EAFNOSUPPORT;" vsock-odd -- \
		--security-opt=seccomp=unconfined
}

# row H6: nested user namespaces by clone, unshare, clone3; the namespace's own limit | red: flags `seccomp=unconfined`, `nesting`
test_H6_nested_user_namespaces()
{
	need fullmap || return 0
	want="clone-user EPERM;clone-user-high EPERM;unshare-user EPERM;clone3 ENOSYS;"
	set -- "$want" unshare-user clone-user clone-user-high clone3
	holds probes "$@" --
	holds probes "$@" -- -u 1000
	holds probes "$@" -- --cap-add=sys_ptrace
	falls "clone-user ok;clone-user-high ok;unshare-user ok" probes "$@" -- --security-opt=seccomp=unconfined
	falls "clone-user ok;clone-user-high ok;unshare-user ok" probes "$@" -- --security-opt=nesting
	# The second lock, where the filter is the user's own: the namespace's limit is 0.
	holds limit_of_namespaces
	falls "[" limit_of_namespaces --security-opt=nesting
}

limit_of_namespaces()
{
	seen=$(inside "$@" -- cat /proc/sys/user/max_user_namespaces)
	[ "$seen" = 0 ] || bad "[$seen]"
}

expected='kexec_load EPERM
init_module EPERM
finit_module EPERM
delete_module EPERM
reboot EPERM
swapon EPERM
swapoff EPERM
bpf EPERM
perf_event_open EPERM
kcmp EPERM
pidfd_getfd EPERM
keyctl EPERM
add_key EPERM
request_key EPERM
io_uring_setup EPERM
io_uring_enter EPERM
io_uring_register EPERM
userfaultfd EPERM
move_pages EPERM
migrate_pages EPERM
mount EPERM
umount2 EPERM
pivot_root EPERM
open_tree EPERM
move_mount EPERM
fsopen EPERM
fsconfig EPERM
fsmount EPERM
fspick EPERM
mount_setattr EPERM
setns EPERM
clone-user EPERM
clone-user-high EPERM
unshare-user EPERM
unshare-net EPERM
clone3 ENOSYS
open_by_handle_at EPERM
settimeofday EPERM
clock_settime EPERM
acct EPERM
quotactl EPERM
sethostname EPERM
vhangup EPERM
syslog EPERM
personality EPERM
fanotify_init EPERM
lookup_dcookie EPERM
call-600 ENOSYS
call-999 ENOSYS
getpid ok
ptrace ESRCH
personality-query ok
x32-getpid ENOSYS
iopl EPERM
family-unix ok
family-inet ok
family-inet6 ok
family-netlink ok
family-alg EAFNOSUPPORT
family-vsock EAFNOSUPPORT
family-packet EAFNOSUPPORT
family-key EAFNOSUPPORT
family-tipc EAFNOSUPPORT
family-rds EAFNOSUPPORT
family-can EAFNOSUPPORT
family-xdp EAFNOSUPPORT
family-bluetooth EAFNOSUPPORT
family-nfc EAFNOSUPPORT
family-qipcrtr EAFNOSUPPORT
family-smc EAFNOSUPPORT
family-kcm EAFNOSUPPORT
family-9999 EAFNOSUPPORT
alg-odd EAFNOSUPPORT
vsock-odd EAFNOSUPPORT
inet-odd EINVAL
tiocsti EPERM
tiocsti-high EPERM
tioclinux EPERM
tioclinux-high EPERM
tiocsetd EPERM
tiocgwinsz ENOTTY'

attack_surface()
{
	echo "$expected" > "$T/want"
	[ "$(uname -m)" = x86_64 ] || sed -i '/^x32-getpid/d; /^iopl/d' "$T/want"
	inside "$@" -- /h/sysprobe > "$T/seen"
	diff "$T/want" "$T/seen" > "$T/diff" || bad "calls answer otherwise: $(grep '^[<>]' "$T/diff")"
}

attack_surface_of_exec()
{
	echo "$expected" > "$T/want"
	[ "$(uname -m)" = x86_64 ] || sed -i '/^x32-getpid/d; /^iopl/d' "$T/want"
	u run -d --name kernel --network none "$@" -v "$HELPERS:/h:ro" busybox sleep 1000 > /dev/null
	u exec kernel /h/sysprobe > "$T/seen"
	u rm -f kernel > /dev/null
	diff "$T/want" "$T/seen" > "$T/diff" || bad "calls answer otherwise: $(grep '^[<>]' "$T/diff")"
}

# row H9: 81 calls, socket families and ioctls against a table, in run, `--init`, no-new-privileges, exec | red: flag `seccomp=unconfined`
test_H9_surface()
{
	need fullmap || return 0
	holds attack_surface
	holds attack_surface --security-opt=no-new-privileges
	holds attack_surface --init
	falls "> io_uring_setup EFAULT" attack_surface --security-opt=seccomp=unconfined
	holds attack_surface_of_exec
	falls "> io_uring_setup EFAULT" attack_surface_of_exec --security-opt=seccomp=unconfined
}

attack_foreign_abi()
{
	seen=$(inside "$@" -- /h/int80 | tr '\n' ';')
	case $seen in
	*" ok;"*) bad "calls through: $seen" ;;
	esac
}

# row H10: `int $0x80`, socketcall, x32 | red: flag `seccomp=unconfined`
test_H10_foreign_abi()
{
	need fullmap || return 0
	[ "$(uname -m)" = x86_64 ] || return 0
	case $("$HELPERS/int80") in
	*getpid\ ok*) ;;
	*)
		echo "SKIP: this host lacks: 32-bit system calls"
		return 0
		;;
	esac
	holds attack_foreign_abi
	falls "calls through" attack_foreign_abi --security-opt=seccomp=unconfined
}

# --- H11: /proc and /sys --------------------------------------------------------------------------

# Everything that is masked reads as nothing, by every name it has; nothing can be unmounted.
# shellcheck disable=SC2016
look='for p in acpi asound interrupts kallsyms kcore keys kmsg kpagecgroup kpagecount kpageflags \
	latency_stats sched_debug scsi sysrq-trigger timer_list timer_stats; do
	for at in /proc /proc/1/root/proc /proc/self/cwd/proc /proc/self/task/../../../proc; do
		f=$at/$p
		if [ -d $f ]; then
			[ -z "$(ls -A $f 2> /dev/null)" ] || echo "$f has entries"
		elif [ -e $f ]; then
			[ "$(timeout 1 head -c 16 $f 2> /dev/null | wc -c)" = 0 ] || echo "$f can be read"
			[ "$(stat -L -c %t:%T $f)" = 1:3 ] || echo "$f is no null device"
		fi
		umount $f 2> /dev/null && echo "$f can be unmounted"
	done
done
for d in firmware devices/virtual/powercap fs/selinux dev/block kernel/debug kernel/tracing \
	kernel/security kernel/btf; do
	[ ! -e /sys/$d ] || [ -z "$(ls -A /sys/$d 2> /dev/null)" ] || echo "/sys/$d has entries"
done
for f in /proc/sys/net/ipv4/ip_forward /sys/x /sys/fs/cgroup/x \
	/sys/fs/cgroup/cgroup.procs; do
	(: >> $f) 2> /tmp/why && echo "$f can be written"
	# Where no cgroup is delegated they belong to real root, which the kernel looks at first.
	case $f in
	*.procs) grep -qE "Read-only file system|Permission denied" /tmp/why ;;
	*) grep -q "Read-only file system" /tmp/why ;;
	esac || echo "$f: $(cat /tmp/why)"
done
mount -o remount,rw /proc/sys 2> /dev/null && echo "/proc/sys can be remounted"
mount -t proc proc /mnt 2> /dev/null && echo "a second procfs can be mounted"
echo looked'

attack_proc_leaks()
{
	seen=$(u run --rm --network none --cap-add net_admin "$@" busybox sh -c "$look" 2>&1 | tr '\n' ';')
	[ "$seen" = "looked;" ] || bad "$seen"
}

# row H11: masked paths by four names each, unmounting, remounting, a second procfs; read-only paths | red: flags `unmask=`, `--cap-add sys_admin`
test_H11_leaks()
{
	need fullmap || return 0
	holds attack_proc_leaks
	holds attack_proc_leaks --security-opt unmask=/nothing
	falls "can be read" attack_proc_leaks --security-opt unmask=ALL
	falls "ip_forward can be written" attack_proc_leaks --security-opt unmask=ALL
	# Who asks for CAP_SYS_ADMIN gets it.
	falls "can be unmounted" attack_proc_leaks --cap-add sys_admin
	falls "/proc/timer_list" attack_proc_leaks --security-opt unmask=/proc/timer_list:/proc/interrupts
}

. shunit2
