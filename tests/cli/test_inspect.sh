#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr inspect: docker's shape, the id map, several names and unknown ones, images.
# shellcheck disable=SC2016 # what is in single quotes expands in the container
# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/cli.sh
. "$(dirname "$0")/../lib/cli.sh"

tearDown()
{
	remove_containers ti1 ti2 ti3
	"$UCTR" rmi -f ti-image > /dev/null 2>&1
	return 0
}

# inspect TEMPLATE NAME: what the template makes of it.
inspect()
{
	assert_run "$UCTR" inspect -f "$@"
	assertExit 0
	assertErrEmpty
}

# zero_time: docker's word for "not yet".
zero_time=0001-01-01T00:00:00Z

# assertTime TEXT: a moment of today or yesterday, as RFC 3339.
assertTime()
{
	echo "$1" | grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$' ||
		fail "no time: [$1]"
	age=$(($(date +%s) - $(date -d "$1" +%s)))
	assertTrue "$1 is now" "[ $age -ge -1 ] && [ $age -lt 300 ]"
}

test_running()
{
	need fullmap || return 0
	start_quiet --name ti1 -l color=red --annotation org.x=y --stop-signal INT --stop-timeout 7 \
		busybox sleep 300
	id=$out
	inspect '{{.Id}} {{.Name}} {{.Path}} {{json .Args}}' ti1
	assertOut "$id /ti1 sleep [\"300\"]"
	inspect '{{.State.Status}} {{.State.Running}} {{.State.Dead}} {{.State.Pid}} {{.State.ExitCode}}|{{.State.Error}}|' \
		"$(echo "$id" | cut -c1-12)"
	assertOut "running true false $(pid_of ti1) 0||"
	inspect '{{.Created}}' ti1
	assertTime "$out"
	inspect '{{.State.StartedAt}}' ti1
	assertTime "$out"
	inspect '{{.State.FinishedAt}}' ti1
	assertOut $zero_time
	inspect '{{.Image}}|{{.ImageName}}|{{.Config.Image}}|{{.Rootfs}}|{{.GraphDriver.Name}}|{{.Driver}}' ti1
	driver=$("$UCTR" ps --filter name=ti1 --format '{{.Driver}}')
	image=$("$UCTR" images --no-trunc -q localhost/busybox)
	assertOut "$image|localhost/busybox:latest|localhost/busybox:latest||$driver|$driver"
	inspect '{{.HostConfig.NetworkMode}} {{.HostConfig.AutoRemove}} {{.HostConfig.UsernsMode}}' ti1
	assertOut "none false full"
	inspect '{{json .Config.Labels}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.Config.Tty}} {{.Config.OpenStdin}} {{json .HostConfig.Annotations}}' ti1
	assertOut '{"color":"red"} SIGINT 7 false false {"org.x":"y"}'
	inspect '{{.State.CgroupPath}}' ti1
	[ -z "$out" ] || assertTrue "$out" "[ -d '$out' ]"
}

test_config_as_dockers()
{
	need fullmap || return 0
	mkdir "$T/vol"
	start_quiet --name ti1 -e A=b -w /tmp -u 5:6 -h box --entrypoint sleep -v "$T/vol:/vol:ro" --cap-drop ALL \
		--cap-add CHOWN --read-only --security-opt no-new-privileges busybox 300
	inspect '{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Hostname}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{json .Args}}' ti1
	assertOut '5:6 /tmp box ["sleep"] ["300"] sleep ["300"]'
	inspect '{{range .Config.Env}}{{.}}|{{end}}' ti1
	assertOutHas "A=b|" "PATH=/usr/local/sbin:"
	inspect '{{json .HostConfig.Binds}} {{json .HostConfig.CapDrop}} {{json .HostConfig.CapAdd}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}} {{json .HostConfig.SecurityOpt}}' ti1
	assertOut "[\"$T/vol:/vol:ro\"] [\"ALL\"] [\"CHOWN\"] true false [\"no-new-privileges\"]"
	start_quiet --name ti2 busybox sleep 300
	inspect '{{.Config.User}}|{{.Config.WorkingDir}}|{{.Config.Hostname}}|{{json .Config.Entrypoint}}|{{json .Config.Cmd}}|{{.HostConfig.Memory}}|{{json .HostConfig.Binds}}' ti2
	assertOut "|/|$("$UCTR" exec ti2 hostname)|null|[\"sleep\",\"300\"]|0|[]"
}

# map_of PID uid|gid: its map as inspect tells it.
map_of()
{
	awk '{ printf "%s%s:%s:%s", (NR > 1 ? " " : ""), $1, $2, $3 }' "/proc/$1/$2_map"
}

test_the_map_is_the_kernels()
{
	need fullmap || return 0
	start_quiet --name ti1 busybox sleep 300
	start_quiet --name ti2 --userns keep-id busybox sleep 300
	start_quiet --name ti3 --userns one busybox sleep 300
	for c in ti1 ti2 ti3; do
		pid=$(pid_of $c)
		inspect '{{range $i, $l := .Userns.UidMap}}{{if $i}} {{end}}{{$l}}{{end}}|{{range $i, $l := .Userns.GidMap}}{{if $i}} {{end}}{{$l}}{{end}}' $c
		assertOut "$(map_of "$pid" uid)|$(map_of "$pid" gid)"
	done
	inspect '{{.Userns.Mode}} {{json .Userns.UidMap}}' ti3
	assertOut "one [\"0:$(id -u):1\"]"
	inspect '{{.Userns.Mode}}|{{.Userns.Why}}' ti2
	assertOut "$("$UCTR" ps --filter name=ti2 --format '{{.Userns}}')|"
	# It is known after the end as well.
	inspect '{{json .Userns}}' ti2
	before=$out
	"$UCTR" stop -t 0 ti2 > /dev/null
	inspect '{{json .Userns}}' ti2
	assertOut "$before"
}

test_why_there_is_one_id()
{
	need userns || return 0
	printf '' > "$T/none"
	mkrootfs "$T/root"
	assert_run_subids "$T/none" "$T/none" "$UCTR" run -d --name ti1 --network none --rootfs "$T/root" sleep 300
	assertExit 0
	inspect '{{.Userns.Mode}}|{{.Userns.Why}}' ti1
	assertOutHas "one|" "subuid"
}

test_ended()
{
	need fullmap || return 0
	assert_run "$UCTR" run --name ti1 --network none busybox sh -c 'exit 3'
	assertExit 3
	inspect '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.Path}} {{json .Args}}' ti1
	assertOut 'exited false 0 3 sh ["-c","exit 3"]'
	inspect '{{.State.FinishedAt}}' ti1
	assertTime "$out"
	start_quiet --name ti2 busybox sleep 300
	kill -KILL "$(monitor_of ti2)"
	wait_for 5 is_state ti2 dead || fail "not dead: $(state_of ti2)"
	inspect '{{.State.Status}} {{.State.Dead}} {{.State.Pid}} {{.State.ExitCode}} {{.State.Error}} {{.State.FinishedAt}}' ti2
	assertOut "dead true 0 255 its monitor was killed $zero_time"
}

test_mounts()
{
	need fullmap || return 0
	mkdir "$T/a" "$T/b:c"
	start_quiet --name ti1 -v "$T/a:/mnt/a:ro" --mount "type=bind,source=$T/b:c,target=/mnt/x:/y" \
		--tmpfs /mnt/t busybox sleep 300
	inspect '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}}{{println}}{{end}}' ti1
	assertEquals 2 "$(echo "$out" | grep -c bind)"
	assertOutHas "bind $T/a /mnt/a false" "bind $T/b:c /mnt/x:/y true"
	assert_run "$UCTR" ps --filter name=ti1 --format '{{.Mounts}}'
	assertOutHas "$T/a:/mnt/a" "$T/b:c:/mnt/x:/y"
	start_quiet --name ti2 busybox sleep 300
	inspect '{{len .Mounts}} {{json .Mounts}}' ti2
	assertOut "0 []"
}

test_rootfs()
{
	need fullmap || return 0
	mkrootfs "$T/root"
	start_quiet --name ti1 --rootfs "$T/root" sleep 300
	inspect '{{.Rootfs}}|{{.Image}}|{{.ImageName}}|{{.Config.Image}}|{{.Driver}}|' ti1
	assertOut "$T/root|||||"
}

test_json()
{
	need fullmap || return 0
	start_quiet --name ti1 busybox sleep 300
	start_quiet --name ti2 busybox sleep 300
	assert_run "$UCTR" inspect ti1 ti2
	assertExit 0
	assertErrEmpty
	assertEquals "[" "$(echo "$out" | sed -n 1p)"
	assertEquals "]" "$(echo "$out" | tail -n 1)"
	assertEquals "in the order of the names" "/ti1 /ti2 " \
		"$(echo "$out" | sed -n 's/^        "Name": "\(.*\)",$/\1/p' | tr '\n' ' ')"
	plain=$out
	assert_run "$UCTR" inspect --format json ti1 ti2
	assertOut "$plain"
	assert_run "$UCTR" inspect --format '' ti1 ti2
	assertOut "$plain"
	inspect '{{.Name}}' ti2 ti1
	assertOut "$(printf '/ti2\n/ti1')"
}

test_unknown_names()
{
	need fullmap || return 0
	start_quiet --name ti1 busybox sleep 300
	assert_run "$UCTR" inspect -f '{{.Name}}' ti-none ti1
	assertExit 1
	assertOut /ti1
	assertErrLine "uctr: no such container or image: ti-none; 'uctr ps -a' and 'uctr images' list them"
	assert_run "$UCTR" inspect ti-none
	assertExit 1
	assertOut "[]"
	# Not a name that an image could have: the same words.
	assert_run "$UCTR" inspect TI_none
	assertExit 1
	assertErrLine "uctr: no such container or image: TI_none;"
	assert_run "$UCTR" inspect ti-none ti-nothing
	assertExit 1
	assertEquals "uctr: warning: no such container or image: ti-nothing; 'uctr ps -a' and 'uctr images' list them
uctr: no such container or image: ti-none; 'uctr ps -a' and 'uctr images' list them" "$err"
	assert_run "$UCTR" inspect --type container busybox
	assertExit 1
	assertErrLine "uctr: no such container: busybox; 'uctr ps -a' lists them"
	assert_run "$UCTR" inspect --type image ti1
	assertExit 1
	assertErrLine 'uctr: no image "ti1"'
}

test_bad_use()
{
	assert_run "$UCTR" inspect
	assertExit 125
	assertErrLine "uctr: inspect takes more arguments; usage: uctr inspect NAME..."
	assert_run "$UCTR" inspect --type volume x
	assertExit 125
	assertErrLine "uctr: --type 'volume': want container or image"
	# Found before anything is looked for.
	assert_run "$UCTR" inspect -f '{{.Name' ti-none
	assertExit 125
	assertErrLine "uctr: --format: template: expected }} at the end"
}

test_unknown_field()
{
	need fullmap || return 0
	start_quiet --name ti1 busybox sleep 300
	assert_run "$UCTR" inspect -f '{{.Nope}}' ti1
	assertExit 125
	assertErrLine "uctr: --format: template: no field .Nope; there are"
}

test_image()
{
	need fullmap || return 0
	mkimage ti-image --change 'ENV A=b' --change 'LABEL k=v' --change 'USER 5' < /dev/null
	id=$("$UCTR" images --no-trunc -q localhost/ti-image)
	assert_run "$UCTR" inspect -f '{{.Id}} {{json .RepoTags}} {{json .Config.Env}} {{.Config.User}} {{.Config.Labels.k}} {{.Os}} {{.RootFS.Type}} {{len .RootFS.Layers}}' ti-image
	assertExit 0
	assertOutHas "$id [\"localhost/ti-image:latest\"] [" '"A=b"' " 5 v linux layers 1"
	inspect '{{.Id}}' --type image "$id"
	assertOut "$id"
	# A container goes first.
	start_quiet --name ti-image --rm busybox sleep 300
	inspect '{{.Name}}' ti-image
	assertOut /ti-image
	inspect '{{.RepoTags}}' --type image ti-image
	assertOut "[localhost/ti-image:latest]"
	remove_containers ti-image
}

# Bytes of an image or of a command line never reach a terminal as they are.
test_nothing_hostile_on_a_terminal()
{
	need fullmap helper:ptydrive || return 0
	esc=$(printf '\033]0;x\007')
	c1=$(printf '\302\233')
	start_quiet --name ti1 -l "k=$esc$c1" busybox sh -c ": $esc$c1; sleep 300"
	for f in json '{{.Args}}' '{{json .Config.Labels}}'; do
		assert_pty "" "$UCTR" inspect -f "$f" ti1
		assertEquals 0 "$rc"
		assertOutHas "0;x"
		assertEquals "escape bytes by $f" 0 "$(LC_ALL=C tr -dc '\033\007' < "$T.out" | wc -c | tr -d ' ')"
		assertEquals "C1 by $f" 0 "$(LC_ALL=C grep -c "$c1" "$T.out")"
	done
}

. shunit2
