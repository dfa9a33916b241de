#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rows A1, A3, A14 and G1: what a container can do to the program that starts it and joins it, to
# the process that is joining, and to the caller's terminal.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"

tearDown()
{
	"$UCTR" rm -f join > /dev/null 2>&1
	return 0
}

# --- A1, A3: a spy in the container ---------------------------------------------------------------

# own_program MODE: a copy of the program under attack that belongs to the user, who is the
# container's root. The attack goes on with it.
own_program()
{
	rm -rf "$T/own"
	mkdir -p "$T/own/bin"
	cp "$U" "$T/own/bin/uctr"
	for dir in libexec share; do
		ln -s "${UCTR%/bin/*}/$dir" "$T/own/$dir"
	done
	chmod "$1" "$T/own/bin/uctr"
	ln -s uctr "$T/own/bin/uctr-oci"
	U=$T/own/bin/uctr
}

# spied_on COMMANDS [RUN-OPTION...]: 100 times a process joins a container in which a spy looks at
# it, to execute one of the COMMANDS.
spied_on()
{
	commands=$1
	shift
	sum=$(sha256sum < "$U")
	u run -d --name join --network none "$@" -v "$HELPERS:/h:ro" a1 /h/exespy 8 \
		"$(stat -c %d "$U")" "$(stat -c %i "$U")" "$HOME" > /dev/null || bad "no container" ||
		return 1
	i=0
	while [ $i -lt 100 ]; do
		for command in $commands; do
			u exec join "$command"
			i=$((i + 1))
		done
	done > /dev/null 2>&1
	wait_for 10 sh -c "\"$UCTR\" logs join | grep -q ^looked"
	seen=$("$UCTR" logs join 2>&1)
	"$UCTR" rm -f join > /dev/null
	[ "$(sha256sum < "$U")" = "$sum" ] || bad "the program was changed: $seen" || return 1
	case $seen in
	*exe* | *writable* | *link* | *ptrace*) bad "seen: $seen" ;;
	looked\ [1-9]*) ;;
	*) bad "the spy did not look: $seen" ;;
	esac
}

attack_program()
{
	own_program "$1"
	spied_on "true /proc/self/exe /script /link"
}

# mkbundle_again COMMAND...: the bundle of the image's files with another command.
mkbundle_again()
{
	rm -rf "$T/bundle"
	mkbundle "$T/bundle" "$@"
	cp -R "$T/files/." "$T/bundle/rootfs/"
}

# The entry point itself is the program that starts it.
attack_entrypoint()
{
	own_program "$1"
	sum=$(sha256sum < "$U")
	for entry in /proc/self/exe /script /link; do
			seen=$(u run --rm --network none a1 $entry version 2>&1)
		mkbundle_again $entry version
		seen=$seen$(cd "$T/bundle" && timeout -k 2 $((10 * UCTR_SLOW)) "$T/own/bin/uctr-oci" run a1 2>&1 < /dev/null)
		case $seen in
		# By its loader where it asks for one, else by itself.
		*"the loader runs"* | *"Client: uctr"*) bad "$entry ran the host's program" || return 1 ;;
		*uctr-init*uctr-init*) ;;
		*) bad "$entry did not run: $seen" || return 1 ;;
		esac
	done
	[ "$(sha256sum < "$U")" = "$sum" ] || bad "the program was changed"
}

# The image brings the loader that the host's program asks for, if it asks for one.
a1_image()
{
	loader=$(grep -ao '/lib[a-z0-9/]*/ld-[a-z0-9._-]*' "$UCTR" | head -n 1)
	mkdir -p "$T/files${loader%/*}"
	[ -z "$loader" ] || cp "$HELPERS/loader" "$T/files$loader"
	echo '#!/proc/self/exe' > "$T/files/script"
	chmod 0755 "$T/files/script"
	ln -s /proc/self/exe "$T/files/link"
	mkimage_files a1 "$T/files"
}

# row A1: the container reaches the program that starts or joins it: `/proc/self/exe`, `#!/proc/self/exe`, a link to it, an own loader; uctr belongs to the user, mode 0755 and 0555; also `uctr-oci` | red: without seal
test_A1_program_of_the_user()
{
	need fullmap || return 0
	a1_image
	for mode in 0755 0555; do
		holds attack_program $mode
		holds attack_entrypoint $mode
		falls_without seal "exe" attack_program $mode
		falls_without seal "ran the host's program" attack_entrypoint $mode
	done
}

attack_joining()
{
	spied_on true --cap-add sys_ptrace
}

# row A3: a spy with CAP_SYS_PTRACE looks at 100 joining processes: ptrace, exe, cwd, root, descriptors | red: without dumpable
test_A3_joining_process()
{
	need fullmap || return 0
	a1_image
	holds attack_joining
	falls_without dumpable "exe" attack_joining
}

# --- A14: what a joined process is bound by -------------------------------------------------------

# shellcheck disable=SC2016
report='grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)" /proc/self/status
cat /proc/self/cgroup /proc/self/oom_score_adj /proc/self/limits
umask
for n in /proc/self/ns/*; do readlink $n; done
echo reported'

# same_rights [RUN-OPTION...]: exec in every form reports what the first process does.
same_rights()
{
	u run -d --name join "$@" busybox sh -c "$report; sleep 1000" > /dev/null || bad "no container" ||
		return 1
	wait_for 5 sh -c "\"$UCTR\" logs join | grep -q reported"
	"$UCTR" logs join > "$T/first"
	code=0
	u exec join sh -c "$report" > "$T/exec" || code=1
	timeout $((10 * UCTR_SLOW)) "$U" exec -i join sh -c "$report" > "$T/exec-i" < /dev/null || code=1
	echo "sleep 1" > "$T/steps"
	"$HELPERS/ptydrive" -t 10 "$T/steps" "$U" exec -t join sh -c "$report" < /dev/null |
		tr -d '\r' > "$T/exec-t" || code=1
	u rm -f join > /dev/null
	[ $code -eq 0 ] || bad "exec failed" || return 1
	for how in exec exec-i exec-t; do
		diff "$T/first" "$T/$how" > "$T/diff" ||
			bad "$how is bound otherwise: $(tr '\n' ';' < "$T/diff")" || return 1
	done
}

attack_exec_rights()
{
	same_rights --network none &&
		same_rights --network none --security-opt no-new-privileges --umask 027 \
			--ulimit nofile=100:200 --cap-drop all --cap-add chown &&
		same_rights --network none -u 1000:1000 --group-add 7 --cap-add net_bind_service
}

# row A14: exec, `-i` and `-t` against the first process: capabilities, filter, no_new_privs, groups, cgroup, limits, umask, namespaces | red: without join
test_A14_exec_rights()
{
	need fullmap || return 0
	holds attack_exec_rights
	falls_without join "is bound otherwise" attack_exec_rights
}

# --- H9: a profile that does not know how uctr starts programs ------------------------------------

# An allow list as a recorder writes it for another engine: everything but execveat.
allow_list()
{
	for call in read write open openat close stat fstat newfstatat lstat poll lseek mmap mprotect munmap brk \
		rt_sigaction rt_sigprocmask rt_sigreturn ioctl access faccessat faccessat2 pipe pipe2 dup dup2 \
		dup3 getpid getppid getuid geteuid getgid getegid setgroups setresuid setresgid setuid setgid \
		capset capget prctl arch_prctl clone fork vfork execve exit exit_group wait4 fcntl uname getcwd \
		set_tid_address set_robust_list rseq prlimit64 getrandom futex readlink readlinkat sendmsg \
		setpgid rt_sigtimedwait kill close_range sched_getaffinity; do
		printf '%s"%s"' "$comma" "$call"
		comma=,
	done
}

# started_under_list MODE [RUN-OPTION...]: the payload runs, by run and by exec, and has no execveat.
started_under_list()
{
	own_program "$1"
	shift
	comma=
	printf '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":[%s],"action":"SCMP_ACT_ALLOW"}]}' \
		"$(allow_list)" > "$T/list.json"
	set -- --network none --security-opt "seccomp=$T/list.json" -v "$HELPERS:/h:ro" "$@"
	seen=$(u run --rm "$@" busybox /h/leaveprobe 2>&1)
	[ "$seen" = "execveat EPERM" ] || bad "run: $seen" || return 1
	u run -d --name join "$@" busybox /h/leaveprobe wait > /dev/null 2>&1 ||
		bad "not started" || return 1
	seen=$(u exec join /h/leaveprobe 2>&1)
	"$UCTR" rm -f join > /dev/null
	[ "$seen" = "execveat EPERM" ] || bad "exec: $seen"
}

# row H9: a profile of allowed calls that lacks execveat: programs start, and get no execveat by that | red: without leave
test_H9_allow_list_without_execveat()
{
	need fullmap || return 0
	holds started_under_list 0755
	holds started_under_list 0755 --init
	holds started_under_list 0755 --security-opt no-new-privileges -u 1000
	falls_without leave "start the init program" started_under_list 0755
	falls_without leave "start the init program" started_under_list 0755 --init
	# The probe sees a call that is let through.
	seen=$(u run --rm --network none -v "$HELPERS:/h:ro" busybox /h/leaveprobe)
	assertEquals "by the default filter" "execveat worked" "$seen"
}

# --- G1: the caller's terminal --------------------------------------------------------------------

# on_terminal COMMAND...: runs it on a terminal, on which nothing may wait to be read afterwards.
on_terminal()
{
	echo "sleep 1" > "$T/steps"
	# shellcheck disable=SC2016
	seen=$("$HELPERS/ptydrive" -t 20 "$T/steps" sh -c '
		check=$1
		shift
		"$@"
		"$check" check' - "$HELPERS/ttypush" "$@" 2>&1 | tr -d '\r' | tr '\n' ';')
	case $seen in
	*"waiting 0;"*) ;;
	*) bad "typed: $seen" || return 1 ;;
	esac
	case $seen in
	*"stdin TIOCSTI"*) ;;
	*) bad "not tried: $seen" ;;
	esac
}

push='echo pwned'

attack_terminal()
{
	on_terminal "$U" run --rm --network none "$@" -v "$HELPERS:/h:ro" busybox /h/ttypush "$push"
}

attack_terminal_of_exec()
{
	u run -d --name join --network none --security-opt seccomp=unconfined -v "$HELPERS:/h:ro" \
		busybox sleep 1000 > /dev/null || bad "no container" || return 1
	code=0
	for opt in -d=false -i -t -it; do
		on_terminal "$U" exec $opt join /h/ttypush "$push" || code=1
	done
	u rm -f join > /dev/null
	return $code
}

# uctr-oci hands its own descriptors on: there the session is what protects, and no filter.
attack_terminal_of_bundle()
{
	cd "$T/bundle" || return 1
	on_terminal "${U%/*}/uctr-oci" run "tty-$$"
}

# row G1: TIOCSTI (also with high bits) and TIOCLINUX on every terminal in reach, with and without the filter: run, exec, `uctr-oci run` | red: without session; the same payload without a container
test_G1_terminal()
{
	need fullmap || return 0
	if [ "$(cat /proc/sys/dev/tty/legacy_tiocsti 2> /dev/null || echo 1)" != 1 ]; then
		echo "SKIP: this host lacks: dev.tty.legacy_tiocsti=1"
		return 0
	fi
	# The attack is one: without a container between, the terminal has input.
	falls "typed: " on_terminal "$HELPERS/ttypush" "$push"
	for opt in --rm -i -t -it; do
		holds attack_terminal $opt
		holds attack_terminal $opt --security-opt seccomp=unconfined
	done
	holds attack_terminal_of_exec
	mkbundle "$T/bundle" /ttypush "$push"
	cp "$HELPERS/ttypush" "$T/bundle/rootfs/ttypush"
	holds attack_terminal_of_bundle
	falls_without session "typed: " attack_terminal_of_bundle
}

. shunit2
