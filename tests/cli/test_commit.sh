# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# uctr commit: containers become images, whatever their ids and the kind of their root are.
# shellcheck disable=SC2016 # what inner shells expand
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/cli.sh"
. "$(dirname "$0")/../lib/redteam.sh"

tearDown()
{
	remove_containers c d
}

# What a container changes: contents, owners, modes, links, kinds, deletions, a directory made anew.
CHANGE='echo new > /new && chown 5:6 /new && chmod 4711 /new && ln /new /new2 && ln -s x /sym
	mkdir -m 1777 /t && mkfifo -m 600 /pipe && rm /bin/vi && rm -r /srv /etc && mkdir /etc
	echo root:x:0:0:::/bin/sh > /etc/passwd && echo more > /tmp/more && touch -d @1 /old'
LOOK='stat -c "%n %A %u:%g" /new /new2 /sym /t /pipe /etc /etc/passwd /tmp /tmp/more; stat -c %h /new
	cat /new /tmp/more; stat -c %Y /old; ls /etc /srv /bin/vi 2>&1 | grep -v applet'
SEEN='/new -rws--x--x 5:6
/new2 -rws--x--x 5:6
/sym lrwxrwxrwx 0:0
/t drwxrwxrwt 0:0
/pipe prw------- 0:0
/etc drwxr-xr-x 0:0
/etc/passwd -rw-r--r-- 0:0
/tmp drwxrwxrwt 0:0
/tmp/more -rw-r--r-- 0:0
2
new
more
1
ls: /srv: No such file or directory
ls: /bin/vi: No such file or directory
/etc:
passwd'

# changed ARG...: a container c that has made the changes and runs on.
changed()
{
	start_quiet --name c "$@" busybox sh -c "$CHANGE; touch /ready; exec sleep 1000"
	wait_for 10 "$UCTR" exec c test -e /ready || fail "the container did not get ready"
}

# committed ARG...: image t of c, as a new container with these options shows it.
committed()
{
	assert_run "$UCTR" commit c t
	assertExit 0
	assertErrEmpty
	ctr "$@" t sh -c "$LOOK"
	# What a start puts over files of /etc has no part in this.
	out=$(printf '%s\n' "$out" | grep -vx -e hosts -e hostname -e resolv.conf)
	assertOut "$SEEN"
}

test_running_and_ended()
{
	changed
	committed
	"$UCTR" stop -t 0 c > "$T/stop"
	committed
}

test_every_root()
{
	for driver in tmpfs fuse-overlayfs copy; do
		[ $driver != fuse-overlayfs ] || need fuse || continue
		changed --storage-opt driver=$driver
		committed
		remove_containers c
	done
}

test_memory_is_gone()
{
	start_quiet --name c --storage-opt driver=tmpfs busybox true
	wait_for 5 is_state c exited
	assert_run "$UCTR" commit c
	assertExit 125
	assertErrLine "what container c wrote was in memory"
}

# Whatever the ids are on the host: the image has those that the container saw.
test_every_map()
{
	for map in keep-id auto:size=1000 nomap; do
		changed --userns $map -u 0
		committed
		committed --userns $map -u 0
		remove_containers c
	done
}

test_one_id()
{
	start_quiet --name c --userns one busybox sh -c \
		'touch /f; chown 7:8 /f; ln -s x /l; chown -h 9:9 /l; mknod /n c 1 3; chown 1:1 /etc/group; sleep 1000'
	wait_for 10 "$UCTR" exec c grep -q . /etc/group
	assert_run "$UCTR" diff c
	assertOutHas "A /n"
	assert_run "$UCTR" commit c t
	assertExit 0
	ctr t stat -c '%n %F %u:%g' /f /l /etc/group
	assertOut "/f regular empty file 7:8
/l symbolic link 9:9
/etc/group regular file 1:1"
	assert_run sh -c '"$1" export c | tar tvn | sed -n "s/ .*1,3.* n$/ n/p"' sh "$UCTR"
	assertOut "crw-r--r-- n"
	# And on from there, with the same one id.
	remove_containers c
	start_quiet --name c --userns one t sh -c 'echo x >> /f; sleep 1000'
	wait_for 10 "$UCTR" exec c test -s /f
	"$UCTR" commit c t > "$T/id"
	ctr t stat -c '%n %s %u:%g' /f
	assertOut "/f 2 7:8"
}

test_config()
{
	start_quiet --name c --label a=1 busybox sleep 1000
	assert_run "$UCTR" commit -a "A. U. Thor" -m "a message" -c 'ENV K=v' -c 'ENTRYPOINT ["/bin/echo"]' \
		-c 'CMD ["hi"]' c t
	assertExit 0
	id=$out
	assert_run "$UCTR" inspect --type image --format '{{.Author}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.Labels}} {{.Id}}' t
	assertOut "A. U. Thor [/bin/echo] [hi] map[a:1] $id"
	ctr t
	assertOut hi
	assert_run "$UCTR" commit c
	assertExit 0
	assert_run "$UCTR" inspect --type image --format '{{.Config.Cmd}} {{.RepoTags}} {{len .RootFS.Layers}}' "$out"
	assertOut '[sleep 1000] [] 2'
	manifest=$(grep -l diff.tar.zstd "$(data_dir)"/blobs/sha256/* | head -n 1)
	assertEquals "" "$manifest"
	assert_run "$UCTR" commit -f docker --compression zstd c t
	assertExit 0
	assertNotEquals "" "$(grep -l 'docker.*diff.tar.zstd' "$(data_dir)"/blobs/sha256/*)"
	ctr t true
	assertExit 0
}

test_entry_point_of_the_image()
{
	echo | mkimage e -c 'ENTRYPOINT ["/bin/echo","-n"]'
	start_quiet --name c e one two
	"$UCTR" commit c t > "$T/id"
	assert_run "$UCTR" inspect --type image --format '{{.Config.Entrypoint}}{{.Config.Cmd}}' t
	assertOut '[/bin/echo -n][one two]'
	start_quiet --name d --entrypoint /bin/true e one
	"$UCTR" commit d t > "$T/id"
	assert_run "$UCTR" inspect --type image --format '{{.Config.Entrypoint}}{{.Config.Cmd}}' t
	assertOut '[/bin/true][one]'
}

test_refused()
{
	start_quiet --name c busybox true
	for args in '--format x c' '--compression xz c' '-c NONSENSE=1 c' 'c UPPER' 'c a@sha256:0'; do
		# shellcheck disable=SC2086 # words
		assert_run "$UCTR" commit $args
		assertExit 125
		assertEquals "$args" 1 "$(wc -l < "$T.err")"
	done
	assert_run "$UCTR" commit nobody
	assertErrLine "no such container: nobody"
	mkrootfs "$T/root"
	start_quiet --name d --rootfs "$T/root" true
	assert_run "$UCTR" commit d
	assertErrLine "container d has no image" "--rootfs"
	assertEquals "" "$(find "$(data_dir)/tmp" -mindepth 1 ! -name '*.lock')"
}

# A writer is held while its two files are read: they belong together. Then it goes on.
test_pause()
{
	start_quiet --name c busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i > /n; mv /n /a; echo $i > /n; mv /n /b; done'
	for _ in 1 2 3; do
		assert_run "$UCTR" commit c t
		assertExit 0
		ctr t sh -c 'echo $(($(cat /a) - $(cat /b)))'
		case $out in
		0 | 1) ;;
		*) fail "a and b differ by $out" ;;
		esac
	done
	was=$("$UCTR" exec c cat /b)
	wait_for 5 sh -c '[ "$("$1" exec c cat /b)" -gt "$2" ]' sh "$UCTR" "$was" ||
		fail "it does not go on"
}

# Whoever is killed meanwhile: nothing stays frozen, nothing half-made.
test_killed_while_paused()
{
	start_quiet --name c busybox sh -c 'dd if=/dev/urandom of=/big bs=1M count=64 2>/dev/null; touch /ready; while :; do date +%s%N > /now; done'
	wait_for 20 "$UCTR" exec c test -e /ready
	"$UCTR" commit c t > "$T/id" 2>&1 &
	pid=$!
	wait_for 5 sh -c 'ls "$1"/tmp/*.blob' sh "$(data_dir)"
	kill -9 $pid
	wait $pid 2> /dev/null
	was=$("$UCTR" exec c cat /now)
	wait_for 5 sh -c '[ "$("$1" exec c cat /now)" != "$2" ]' sh "$UCTR" "$was" ||
		fail "it stayed frozen"
	assert_run "$UCTR" commit c t
	assertExit 0
	assertEquals "" "$(find "$(data_dir)/tmp" -name '*.blob')"
	ctr t sh -c 'stat -c %s /big'
	assertOut 67108864
}

# Without a cgroup the processes are stopped by signals.
test_pause_without_cgroup()
{
	start_quiet --name c busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i > /n; mv /n /a; echo $i > /n; mv /n /b; done'
	sed 's/"cgroup":"[^"]*"/"cgroup":null/' "$(record_of c)" > "$T/record"
	cp "$(record_of c)" "$T/was"
	cp "$T/record" "$(record_of c)"
	assert_run "$UCTR" commit c t
	cp "$T/was" "$(record_of c)"
	assertExit 0
	ctr t sh -c 'echo $(($(cat /a) - $(cat /b)))'
	case $out in
	0 | 1) ;;
	*) fail "a and b differ by $out" ;;
	esac
	was=$("$UCTR" exec c cat /b)
	wait_for 5 sh -c '[ "$("$1" exec c cat /b)" -gt "$2" ]' sh "$UCTR" "$was" ||
		fail "it does not go on"
}

# row B9: attributes that steer the overlay, on their way out | red: without xattrs
# No attribute by which overlayfs, fuse-overlayfs or uctr steer files leaves; those of the files do.
test_attributes()
{
	need cmd:getfattr || return 0
	printf '%s\n' 'pax SCHILY.xattr.user.mine yes' 'file f 0644 x' 'dir d 0755' | mkimage a
	start_quiet --name c a sh -c 'rm -r /d; mkdir /d; echo y >> /f; sleep 1000'
	wait_for 5 "$UCTR" exec c grep -q y /f
	assert_run sh -c '"$1" export c | grep -ac "user\.\(overlay\|uctr\|fuse\)"' sh "$UCTR"
	assertOut 0
	"$UCTR" commit --compression none c t > "$T/id"
	blob=$(grep -l '\.wh\.\.wh\.\.opq' "$(data_dir)"/blobs/sha256/* | head -n 1)
	assertEquals "SCHILY.xattr.user.mine=yes" "$(grep -ao 'SCHILY.xattr.*' "$blob")"
	assertEquals 0 "$(grep -ac 'user\.overlay' "$blob")"
	"$UCTR" rm -f c > /dev/null
	itself_falls_without xattrs test_attributes
}

. shunit2
