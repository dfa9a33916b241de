# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Real logins in the virtual machine, for root's scripts: getty, login, PAM, logind.
#
# The getty of the third serial line logs the user `tester` in and his .profile runs the script
# below; when it ends, he is logged out. That is a session of logind with a scope of its own.
# shellcheck disable=SC2034 # what logged_in leaves is for the suites

LOGIN_DIR=/run/login
LOGIN_LINE=serial-getty@ttyS2.service

# login_as_tester SCRIPT: runs the shell text SCRIPT in a login; its exit code.
login_as_tester()
{
	mkdir -p $LOGIN_DIR
	chown tester $LOGIN_DIR
	# A login knows nothing of our environment; the tests' settings travel in the script.
	{
		env | sed -n "s/^\(UCTR_[A-Za-z0-9_]*\|CI\)=\(.*\)/export \1='\2'/p"
		echo 'export PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8'
		echo "$1"
	} > $LOGIN_DIR/script
	# shellcheck disable=SC2016 # expands in the login shell
	echo '[ "$(tty)" != /dev/ttyS2 ] || { sh /run/login/script; echo $? > /run/login/rc; exit; }' \
		> ~tester/.profile
	rm -f $LOGIN_DIR/rc
	systemctl start --wait $LOGIN_LINE
	return "$(cat $LOGIN_DIR/rc 2> /dev/null || echo 255)"
}

# logged_in SCRIPT: like assert_run: leaves $rc, $out and $err.
logged_in()
{
	ran="login: $1"
	rc=0
	login_as_tester "exec > $LOGIN_DIR/out 2> $LOGIN_DIR/err < /dev/null; $1" || rc=$?
	cp $LOGIN_DIR/out "$T.out"
	cp $LOGIN_DIR/err "$T.err"
	out=$(cat "$T.out")
	err=$(cat "$T.err")
}

# container_cgroups: groups of containers, wherever they are.
container_cgroups()
{
	find /sys/fs/cgroup -type d -name 'uctr-*' ! -name uctr-cli ! -name uctr-vm.service
}

no_cgroups()
{
	[ -z "$(container_cgroups)" ]
}

# leftovers: processes of tester's or of his subordinate ids, groups and mounts of containers, his
# runtime directory; `leftovers manager` leaves out what belongs to his systemd.
leftovers()
{
	first=$(sed -n 's/^tester:\([0-9]*\):.*/\1/p' /etc/subuid)
	for p in /proc/[0-9]*; do
		uid=$(stat -c %u "$p" 2> /dev/null) || continue
		[ "$uid" -eq 1000 ] || { [ "$uid" -ge "$first" ] && [ "$uid" -lt $((first + 65536)) ]; } || continue
		case ${1:-}$(sed -n 's/^0:://p' "$p/cgroup" 2> /dev/null) in
		manager/user.slice/user-1000.slice/user@1000.service/*) continue ;;
		esac
		echo "process ${p#/proc/} $(tr '\000' ' ' < "$p/cmdline" 2> /dev/null)"
	done
	container_cgroups
	grep -E ' /(home/[^ ]*/uctr|run/user/1000)/' /proc/self/mountinfo
	[ "${1:-}" = manager ] || find /run/user -mindepth 1 -maxdepth 1 -name 1000
}

all_gone()
{
	[ -z "$(leftovers)" ]
}

all_gone_but_manager()
{
	[ -z "$(leftovers manager)" ]
}
