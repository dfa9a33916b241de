# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# doctor, info and version: what they find, their exit codes and their formats.
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

# row NAME: status and finding that doctor gives to one probe.
row()
{
	assert_run "$UCTR" doctor --format '{{if eq .name "'"$1"'"}}{{.status}}: {{.finding}}; {{.cure}}{{end}}'
	out=$(printf '%s\n' "$out" | grep -v '^$')
}

test_ready()
{
	need fullmap overlay || return 0
	assert_run "$UCTR" doctor
	assertExit 0
	assertErrEmpty
	assertOutHas "user namespaces" "uctr run will work here."
	case $out in *MISSING*) fail "MISSING on a host where run works: $out" ;; esac
	row "newuidmap and newgidmap"
	assertOut "ok: a full map was written; "
	row overlay
	assertOutHas "ok: "
}

test_leaves_nothing()
{
	need userns || return 0
	UCTR_DATA=$T/data assert_run "$UCTR" doctor
	assertOutHas "$T/data"
	assertEquals "left behind" "" "$(ls -A "$T/data")"
}

test_namespaces_forbidden()
{
	need userns || return 0
	# The knob belongs to each user namespace, so it can be turned without touching the host.
	# shellcheck disable=SC2016 # expanded by the inner shell
	assert_run unshare -Ur sh -c \
		'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" doctor' "$UCTR"
	assertExit 1
	assertOutHas "MISSING  max_user_namespaces" "user.max_user_namespaces=15000" \
		"uctr run will not work here"
}

test_no_subordinate_ids()
{
	need userns || return 0
	: > "$T/subuid"
	: > "$T/subgid"
	assert_run_subids "$T/subuid" "$T/subgid" "$UCTR" doctor
	assertExit 0
	assertOutHas "missing  subordinate ids" "100000-165535 $(id -un)"
}

test_free_range_does_not_overlap()
{
	need userns || return 0
	printf 'a:100000:65536\nb:231072:65536\nc:90000:10001\n' > "$T/subuid"
	printf 'a:296608:10\n' > "$T/subgid"
	assert_run_subids "$T/subuid" "$T/subgid" "$UCTR" doctor
	assertExit 0
	assertOutHas "165536-231071"
}

test_data_directory()
{
	UCTR_DATA=/proc/nowhere assert_run "$UCTR" doctor
	assertExit 1
	assertOutHas "MISSING  data directory" "/proc/nowhere" "UCTR_DATA"
}

test_runtime_directory()
{
	mkdir -m 0777 "$T/open"
	chmod 0777 "$T/open"
	XDG_RUNTIME_DIR=$T/open row "runtime directory"
	assertOutHas "warn: " "XDG_RUNTIME_DIR is not a directory of yours that only you can write to"
}

test_doctor_json()
{
	assert_run "$UCTR" doctor --format json
	assertOutHas '"name": "kernel"' '"status": "ok"' '"needed": true'
	assert_run "$UCTR" doctor --format '{{.nope}}'
	assertExit 125
	assertErrLine "no field .nope" "finding"
}

test_no_colour_in_a_pipe()
{
	assert_run "$UCTR" doctor
	assertEquals "escape sequences" 0 "$(tr -cd '\033' < "$T.out" | wc -c | tr -d ' ')"
}

test_version()
{
	assert_run "$UCTR" version
	assertExit 0
	assertOutHas "Client:" "Version:"
	assert_run "$UCTR" version --format '{{.Client.Version}} {{.Server.APIVersion}}'
	assertExit 0
	assertOut "0.1.0 1.41"
	assert_run "$UCTR" version --format '{{.Client.Nope}}'
	assertExit 125
	assertErrLine "--format" "no field .Nope"
	assert_run "$UCTR" version --format '{{.Client'
	assertExit 125
	assertErrLine "expected }}"
}

test_output_that_cannot_be_written()
{
	need file:/dev/full || return 0
	# shellcheck disable=SC2016
	assert_run sh -c '"$0" version > /dev/full' "$UCTR"
	assertExit 125
	assertErrLine "write to standard output: No space left on device"
}

test_info()
{
	UCTR_DATA=$T/data assert_run "$UCTR" info
	assertExit 0
	assertOutHas "Containers: 0" "Data directory: $T/data" "Kernel: $(uname -r)"
	UCTR_DATA=$T/data assert_run "$UCTR" info \
		--format '{{.Containers}} {{.DockerRootDir}} {{.CgroupVersion}} {{.OSType}}'
	assertOut "0 $T/data 2 linux"
	UCTR_DATA=$T/data assert_run "$UCTR" info --format '{{json .SecurityOptions}}'
	assertOut '["name=seccomp,profile=default","name=rootless","name=cgroupns"]'
}

. shunit2
