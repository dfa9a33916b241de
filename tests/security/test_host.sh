#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A15, A17, A18, A19, A23 and G2: what an image can put into programs, files and terminals of the host.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

newline='
'

tearDown()
{
	"$UCTR" rm -f host > /dev/null 2>&1
	return 0
}

# The switches of the red controls are in the test build alone.
# no row: the switches of the red controls are in the test build alone
test_no_switches()
{
	assertEquals "in uctr" 0 "$(grep -c UCTR_RED "$UCTR")"
	assertNotEquals "in the test build" 0 "$(grep -c UCTR_RED "$RED")"
}

# --- A18 ------------------------------------------------------------------------------------------

# pids_of COMM: processes of that name which this test's container brought.
pids_of()
{
	grep -lsx "$1" /proc/[0-9]*/comm | cut -d/ -f3
}

# clean_environment COMM: every such process, and there is one, has no word of the image's.
clean_environment()
{
	found=0
	for pid in $(pids_of "$1"); do
		tr '\000' '\n' < "/proc/$pid/environ" > "$T/env" 2> /dev/null || continue
		found=$((found + 1))
		! grep hostile "$T/env" || bad "in the environment of $1" || return 1
		# The monitor is the caller's own program; others need nothing of his.
		[ "$1" = uctr-monitor ] || ! grep canary "$T/env" ||
			bad "the caller's environment in $1" || return 1
	done
	[ $found -gt 0 ] || bad "no process $1"
}

# row A18: LD_* and others of the image in the environment of slirp4netns and the monitor; its sandbox | red: the same look at the container's own process
test_A18_environment_of_helpers()
{
	need fullmap slirp4netns || return 0
	own_images
	mkconfig a18 '{"Env":["LD_PRELOAD=/hostile.so","LD_LIBRARY_PATH=/hostile","LD_AUDIT=/hostile","GLIBC_TUNABLES=hostile","HOME=/hostile","XDG_RUNTIME_DIR=/hostile","BASH_ENV=/hostile","PATH=/hostile:/bin"]}'
	export UCTR_A18=canary
	"$UCTR" run -d --name host --network slirp4netns a18 sleep 4242 > /dev/null
	unset UCTR_A18 UCTR_IMAGES
	holds clean_environment slirp4netns
	holds clean_environment uctr-monitor
	falls "in the environment of sleep" clean_environment sleep
	pid=$(pids_of slirp4netns | head -n 1)
	assertEquals "filter" 2 "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")"
	assertEquals "no_new_privs" 1 "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$pid/status")"
	assertContains "sandbox" "$(tr '\000' ' ' < "/proc/$pid/cmdline")" \
		"--disable-host-loopback --enable-sandbox --enable-seccomp"
}

# --- A19 ------------------------------------------------------------------------------------------

labels='"uctr.privileged":"true","uctr.mounts":"/:/host","run.oci.keep_original_groups":"1",
"run.oci.hooks.stdout":"/tmp/evil","run.oci.handler":"/bin/evil","run.oci.seccomp_bpf_file":"/tmp/evil",
"io.podman.annotations.privileged":"TRUE","io.podman.annotations.seccomp":"unconfined",
"io.podman.annotations.userns":"host","org.systemd.property.ExecStartPre":"[(\"/bin/evil\",[\"evil\"],false)]",
"cdi.k8s.io/evil":"evil.com/device=all","log-driver":"file:///bin/evil","containerd.io/restart.loguri":"binary:///bin/evil",
"io.containers.autoupdate":"registry","security.nesting":"true","uctr.seccomp":"unconfined"'

# rights IMAGE: what a container of it may do and sees.
# shellcheck disable=SC2016
rights()
{
	u run --rm --network none "$1" sh -c '
		grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)" /proc/self/status
		cut -d" " -f5-6 /proc/self/mountinfo
		ls /dev
		env | grep -v HOSTNAME
		cat /proc/self/limits /proc/self/oom_score_adj' 2>&1
}

attack_labels()
{
	rights busybox > "$T/plain"
	rights a19 > "$T/labelled"
	diff "$T/plain" "$T/labelled" > "$T/diff" || bad "labels have an effect: $(grep '^[<>]' "$T/diff")" ||
		return 1
	[ ! -e /tmp/evil ] || bad "a file was made"
}

# row A19: labels of the configuration, annotations of manifest and index with the names of other engines' orders: groups, privileges, seccomp, hooks, log drivers, devices | red: without labels
test_A19_labels()
{
	need fullmap group || return 0
	own_images
	mkconfig a19 "{\"Labels\":{$labels},\"Annotations\":{$labels},\"OnBuild\":[\"RUN evil\"]}"
	# Once more beside the configuration: annotations of the manifest and of the index.
	sed -i "s|^{|{\"annotations\":{$(echo "$labels" | tr -d '\n' | sed 's/\\/\\\\/g')},|" "$L/index.json"
	holds attack_labels
	falls_without labels "labels have an effect" attack_labels
	unset UCTR_IMAGES
}

# --- A17 ------------------------------------------------------------------------------------------

# own_namespaces COMMAND...: what the command starts shares no namespace with us but that of time.
# shellcheck disable=SC2016
own_namespaces()
{
	seen=$("$@" sh -c 'for n in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$n; done' 2>&1) ||
		bad "not started: $seen" || return 1
	[ "$(echo "$seen" | wc -l)" = 7 ] || bad "not looked: $seen" || return 1
	for n in cgroup ipc mnt net pid user uts; do
		case $seen in
		*"$(readlink /proc/self/ns/$n)"*) bad "the $n namespace is shared" || return 1 ;;
		esac
	done
	return 0
}

attack_long_messages()
{
	long=$(head -c 70000 /dev/zero | tr '\000' x)
	own_namespaces u run --rm --network none -e "X=$long" -e "Y=$long" busybox &&
		own_namespaces u run --rm --network none --label "x=$long" busybox || return 1
	set --
	i=0
	while [ $i -lt 300 ]; do
		set -- "$@" --tmpfs "/m/$i"
		i=$((i + 1))
	done
	own_namespaces u run --rm --network none "$@" busybox || return 1
	deep=$(printf '/%0.200d' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
	own_namespaces u run --rm --network none -w "$deep" busybox || return 1
	seen=$(u run --rm --network none --hostname "$(echo "$long" | head -c 4096)" busybox true 2>&1) &&
		{ bad "a host name of 4096 bytes"; return 1; }
	case $seen in
	*"is not a host name"*) ;;
	*) bad "a host name of 4096 bytes: $seen" ;;
	esac
}

# row A17: values of 70 KB, 300 mounts, a path of 3800 bytes, a host name of 4096: own namespaces, or refused | red: the same look at a process without a container
test_A17_long_messages()
{
	need fullmap || return 0
	holds attack_long_messages
	falls "namespace is shared" own_namespaces env
}

# --- A15 ------------------------------------------------------------------------------------------

# handled: everything that is done to a container from outside, and nothing of its own runs meanwhile.
handled()
{
	rm -f "$T/v/marker"
	u run -d --name host --network none -v "$T/v:/v" a15 /bin/busybox sleep 1000 > /dev/null ||
		bad "not started" || return 1
	u exec host "$@" > /dev/null 2>&1
	u ps -a > /dev/null
	u logs host > /dev/null
	u stop -t 0 host > /dev/null
	u rm host > /dev/null
	[ ! -e "$T/v/marker" ] || bad "run by the container's word: $(cat "$T/v/marker")"
}

# row A15: tools, ld.so.preload and nsswitch.conf of the image while the container is handled from outside | red: the tool, run by name
test_A15_tools_of_the_image()
{
	need fullmap || return 0
	mkdir -p "$T/v" "$T/files/usr/bin" "$T/files/usr/sbin" "$T/files/etc"
	for tool in ps nsenter tar xz gzip unpigz newuidmap newgidmap getent ld.so slirp4netns uctr; do
		printf '#!/bin/busybox sh\necho %s >> /v/marker\n' $tool > "$T/files/usr/bin/$tool"
		cp "$T/files/usr/bin/$tool" "$T/files/usr/sbin/$tool"
	done
	chmod 0755 "$T/files/usr/bin/"* "$T/files/usr/sbin/"*
	echo /v/evil.so > "$T/files/etc/ld.so.preload"
	echo 'passwd: evil' > "$T/files/etc/nsswitch.conf"
	mkimage_files a15 "$T/files"
	holds handled /bin/busybox true
	falls "run by the container's word: nsenter" handled nsenter
}

# --- A23 ------------------------------------------------------------------------------------------

# injected RUN-OPTION...: refused, or without effect: no line "evil" in what is written.
injected()
{
	code=0
	seen=$(u run --rm --network none "$@" busybox cat /etc/passwd /etc/hosts /etc/resolv.conf \
		/etc/hostname /proc/sys/kernel/core_pattern 2>&1) || code=$?
	case "$code $seen" in
	0*"${newline}evil"*) bad "written by $*: $seen" ;;
	0* | 125*) ;;
	*) bad "$*: $code $seen" ;;
	esac
}

attack_injection()
{
	nl="$newline"
	injected -u 1234 -e "HOME=/x${nl}evil::0:0::/:" &&
		injected -u 1234 -e "HOME=/x:/bin/sh${nl}evil" &&
		injected --hostname "a${nl}evil" &&
		injected --add-host "a${nl}evil:1.2.3.4" &&
		injected --add-host "a:1.2.3.4${nl}evil" &&
		injected --dns "1.1.1.1${nl}evil" &&
		injected --dns-search "a${nl}evil" &&
		injected --dns-option "a${nl}evil" &&
		injected --sysctl "kernel.shm_rmid_forced=1${nl}evil" &&
		injected --sysctl "kernel.shm_rmid_forced=1+kernel.core_pattern=evil" || return 1
	for key in kernel.core_pattern ../sysrq-trigger kernel/../../sysrq-trigger ///sysrq-trigger \
		kernel.core_pattern.. net/../kernel/core_pattern vm.drop_caches fs.suid_dumpable; do
		seen=$(u run --rm --network none --sysctl "$key=0" busybox true 2>&1) && { bad "sysctl $key was set"; return 1; }
	done
	return 0
}

# row A23: new lines, colons and `..` in sysctls, hosts, name servers, host name, HOME | red: the same look at values that are allowed
test_A23_injection()
{
	need fullmap || return 0
	holds attack_injection
	# The assertion sees what is written by the caller's right.
	falls "written by" injected --dns-search a --add-host "evil:1.2.3.4" -v "$(evil_hosts):/etc/hosts"
}

evil_hosts()
{
	printf '\nevil\n' > "$T/hosts"
	echo "$T/hosts"
}

# --- G2 -------------------------------------------------------------------------------------------

# shows COMMAND...: on a terminal, it prints no sequence of the container's making.
shows()
{
	echo "sleep 300" > "$T/steps"
	"$HELPERS/ptydrive" -t 10 "$T/steps" "$U" "$@" > "$T/shown" 2>&1 < /dev/null
	[ -s "$T/shown" ] || bad "$* shows nothing" || return 1
	! grep -q "$(printf '\033\\|\302\233')" "$T/shown" || bad "$* shows raw sequences"
}

attack_terminal_output()
{
	for command in "ps -a" "ps -a --no-trunc" "ps -a --format {{.Command}}" \
		"ps -a --format {{.Labels}}" "ps -a --format json" images \
		"run --rm --network none busybox $(printf '\033[31mx')" \
		"exec host $(printf '\033[31mx')" "rm $(printf '\033[31mx')" \
		"run --rm $(printf '\302\233x') true"; do
		# shellcheck disable=SC2086
		shows $command || return 1
	done
}

# row G2: terminal sequences in commands and labels: `ps`, `images`, messages on a terminal | red: the same text by `logs`, which shows what the container wrote
test_G2_terminal_sequences()
{
	need fullmap || return 0
	"$UCTR" run --name host --label "a=$(printf 'x\033[32my')" --network none busybox \
		echo "$(printf '\033[31mred\302\233')" > /dev/null
	holds attack_terminal_output
	falls "logs host shows raw sequences" shows logs host
}

. shunit2
