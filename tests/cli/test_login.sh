#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# uctr login and logout: files, programs, tokens; registries.conf.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" UCTR_NET_TIMEOUT=20 DOCKER_CONFIG="$T/docker"
	export XDG_CONFIG_HOME="$T/xdg"
	unset REGISTRY_AUTH_FILE CONTAINERS_REGISTRIES_CONF
	R=$T/reg
	mklayers
	registry_start "$R"
	host=127.0.0.1:$port
	echo "basic me:secret" > "$R/auth"
	printf 'secret\n' > "$T/password"
	registry_image "$R" latest "$T/1.tar"
}

tearDown()
{
	registries_stop
}

login()
{
	RUN_STDIN=$T/password assert_run "$UCTR" login -u me --password-stdin "$@"
}

test_files()
{
	need fullmap || return 0
	login "$host"
	assertExit 0
	assertOut "Login Succeeded!"
	file=$T/docker/config.json
	assertEquals 600 "$(stat -c %a "$file")"
	assertEquals "bWU6c2VjcmV0" "$(python3 -c "import json; print(json.load(open('$file'))['auths']['$host']['auth'])")"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 0
	# What else is in the file stays.
	python3 -c "import json; d = json.load(open('$file')); d['psFormat'] = 'x'; json.dump(d, open('$file', 'w'))"
	assert_run "$UCTR" logout "$host"
	assertExit 0
	assertEquals '{"auths":{},"psFormat":"x"}' "$(python3 -c "import json; print(json.dumps(json.load(open('$file')), sort_keys=True, separators=(',', ':')))")"
	assert_run "$UCTR" logout "$host"
	assertExit 125
	assertErrLine "not logged in to $host"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 125
	assertErrLine "nobody is logged in"
	login --authfile "$T/mine.json" "$host"
	assertExit 0
	assert_run "$UCTR" pull -q --authfile "$T/mine.json" "$host/a/b"
	assertExit 0
}

# A password may be a document, as Google's registry has it.
test_all_of_standard_input()
{
	need fullmap || return 0
	printf '{\n  "key": "x y"\n}\n' > "$T/password"
	printf 'basic me:%%7b%%0a%%20%%20%%22key%%22:%%20%%22x%%20y%%22%%0a%%7d' > "$R/auth"
	login "$host"
	assertExit 0
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 0
	head -c 70000 /dev/zero | tr '\0' x > "$T/password"
	login "$host"
	assertExit 125
	assertErrLine "too long"
}

# The shell that asked is not left without echo.
# shellcheck disable=SC2016 # expands in the shell on the terminal
test_interrupted_while_asking()
{
	need helper:ptydrive cmd:stty || return 0
	assert_pty 'expect Password:
send \x03
expect echo is on' sh -c '"$1" login -u me "$2"; stty -a | grep -q " echo " && echo "echo is on"' sh "$UCTR" "$host"
}

test_refused()
{
	printf wrong > "$T/password"
	login "$host"
	assertExit 125
	assertErrLine "$host: wrong user name or password"
	assertEquals "nothing is stored" "" "$(ls -A "$T/docker" 2> /dev/null)"
	assert_run "$UCTR" login --password-stdin "$host"
	assertErrLine "needs -u"
	assert_run "$UCTR" login "$host"
	assertErrLine "standard input is no terminal"
	assert_run "$UCTR" login -u me -p secret "no such host"
	assertErrLine "want HOST"
}

test_asked_without_echo()
{
	# The terminal shows the name that was typed, and not the password.
	timeout $((30 * UCTR_SLOW)) python3 -c '
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
for question, answer in ((b"Username: ", b"me\n"), (b"Password: ", b"secret\n")):
    while question not in seen:
        seen += os.read(fd, 100)
    os.write(fd, answer)
try:
    while True:
        seen += os.read(fd, 100)
except OSError:
    pass
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$UCTR" login "$host" > "$T/seen"
	assertEquals "$(cat "$T/seen")" 0 $?
	assertEquals "the name is seen" 1 "$(grep -c '^Username: me' "$T/seen")"
	assertEquals "the password is not" 0 "$(grep -c secret "$T/seen")"
}

test_token_server()
{
	need fullmap || return 0
	echo "token me:secret http://$host/token" > "$R/auth"
	login "$host"
	assertExit 0
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 0
	assertEquals "one token for all" 1 "$(grep -c 'token?.*scope=repository%3Aa%2Fb%3Apull 200 auth=Basic' "$R/log")"
	# A token that is no good any more is replaced.
	rm -rf "$UCTR_DATA"
	printf '/blobs/ wait ms=0\n' > "$R/rules"
	echo expired > "$R/token"
	assert_run "$UCTR" push -q "$("$UCTR" pull -q "$host/a/b")" "$host/c/d"
	assertExit 0
	# An identity token is traded by POST.
	printf '{"auths":{"%s":{"auth":"bWU6","identitytoken":"identity"}}}' "$host" > "$T/identity.json"
	assert_run "$UCTR" pull -q --authfile "$T/identity.json" "$host/a/b"
	assertExit 0
	assertEquals 1 "$(grep -c 'POST /token 200 auth=none' "$R/log")"
	assert_run "$UCTR" pull -q --authfile "$T/none.json" "$host/a/b"
	assertExit 125
	assertErrLine "nobody is logged in"
}

test_programs()
{
	need fullmap || return 0
	mkdir -p "$T/bin" "$T/docker"
	cat > "$T/bin/docker-credential-test" << END
#!/bin/sh
read -r input
case \$1 in
get) [ "\$input" = "$host" ] || { echo "credentials not found"; exit 1; }
	echo '{"ServerURL":"x","Username":"me","Secret":"secret"}' ;;
store) echo "\$input" > "$T/stored" ;;
erase) echo "\$input" >> "$T/erased" ;;
list) echo '{"https://listed.test/":"me"}' ;;
esac
END
	chmod +x "$T/bin/docker-credential-test"
	printf '{"credHelpers":{"%s":"test"}}' "$host" > "$T/docker/config.json"
	PATH="$T/bin:$PATH" assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 0
	RUN_STDIN=$T/password PATH="$T/bin:$PATH" assert_run "$UCTR" login -u me --password-stdin "$host"
	assertExit 0
	assertEquals 1 "$(grep -c '"Secret":"secret"' "$T/stored")"
	assertEquals "not in the file" 0 "$(grep -c auth "$T/docker/config.json")"
	PATH="$T/bin:$PATH" assert_run "$UCTR" logout "$host"
	assertExit 0
	assertEquals "$host" "$(cat "$T/erased")"
	# A program that knows nothing of the host is no reason to give up, one that is missing is.
	printf '{"credHelpers":{"%s":"test"}}' "localhost:$port" > "$T/docker/config.json"
	PATH="$T/bin:$PATH" assert_run "$UCTR" pull -q "localhost:$port/a/b"
	assertExit 125
	assertErrLine "nobody is logged in"
	printf '{"credHelpers":{"%s":"missing"}}' "$host" > "$T/docker/config.json"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertExit 125
	assertErrLine "docker-credential-missing" "is not installed"
	# All of them: what the program for all hosts lists, and those of single hosts.
	rm "$T/erased"
	printf '{"credsStore":"test","credHelpers":{"one.test":"test"},"auths":{"two.test":{"auth":"bWU6eA=="}}}' \
		> "$T/docker/config.json"
	PATH="$T/bin:$PATH" assert_run "$UCTR" logout --all
	assertExit 0
	assertEquals "https://listed.test/
one.test" "$(cat "$T/erased")"
	assertEquals "" "$(grep -o two.test "$T/docker/config.json")"
	printf '{"credsStore":"missing"}' > "$T/docker/config.json"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertErrLine "nobody is logged in"
	# Nor does it keep from logging out; one for this very host does, before anything is changed.
	for args in "$host" --all; do
		printf '{"credsStore":"missing","auths":{"%s":{"auth":"bWU6eA=="}}}' "$host" \
			> "$T/docker/config.json"
		assert_run "$UCTR" logout "$args"
		assertExit 0
		assertErrEmpty
		assertNull "$(grep -o "$host" "$T/docker/config.json")"
	done
	printf '{"credHelpers":{"%s":"missing"},"auths":{"%s":{"auth":"bWU6eA=="}}}' "$host" "$host" \
		> "$T/docker/config.json"
	assert_run "$UCTR" logout "$host"
	assertExit 125
	assertErrLine "docker-credential-missing" "is not installed"
	assertContains "$(cat "$T/docker/config.json")" bWU6eA==
	printf '{"credHelpers":{"%s":"../../x"}}' "$host" > "$T/docker/config.json"
	assert_run "$UCTR" pull -q "$host/a/b"
	assertErrLine "malformed name"
}

# --- registries.conf ------------------------------------------------------------------------------

conf()
{
	mkdir -p "$XDG_CONFIG_HOME/uctr"
	cat > "$XDG_CONFIG_HOME/uctr/registries.conf"
}

test_aliases_and_search()
{
	need fullmap || return 0
	rm "$R/auth"
	registry_start "$T/empty"
	empty=127.0.0.1:$port
	conf << END
unqualified-search-registries = ["$empty", "$host"]
[aliases]
"short" = "$host/some/where"   # a comment
END
	assert_run "$UCTR" pull -q short
	assertExit 0
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertOut "$host/some/where"
	assert_run "$UCTR" pull -q a/b
	assertExit 0
	assertOut "$id"
	mkdir -p "$XDG_CONFIG_HOME/containers/registries.conf.d"
	printf '[aliases]\nother = "%s/over/there"\n' "$host" \
		> "$XDG_CONFIG_HOME/containers/registries.conf.d/x.conf"
	assert_run "$UCTR" pull -q other
	assertExit 0
	# One that does not answer may have it: no other's image of that name is taken instead.
	conf << END
unqualified-search-registries = ["127.0.0.1:1", "$host"]
END
	assert_run "$UCTR" pull -q a/b
	assertExit 125
	assertErrLine "no answer from http://127.0.0.1:1"
}

test_mirrors()
{
	need fullmap || return 0
	rm "$R/auth"
	conf << END
[[registry]]
prefix = "example.test/team"
location = "127.0.0.1:1/team"
[[registry.mirror]]
location = "127.0.0.1:2/gone"
[[registry.mirror]]
location = "$host/cache"
END
	assert_run "$UCTR" pull -q example.test/team/app
	assertExit 0
	assertOut "$id"
	assertEquals "the mirror was asked" 1 "$(grep -c '/v2/cache/app/manifests/latest' "$R/log")"
	assert_run "$UCTR" images --format '{{.Repository}}'
	assertOut example.test/team/app
	registries_stop
	assert_run "$UCTR" pull -q example.test/team/app
	assertErrLine "no answer from http://127.0.0.1:1"
}

test_blocked()
{
	conf << END
[[registry]]
location = "$host"
blocked = true
END
	assert_run "$UCTR" pull "$host/a/b"
	assertExit 125
	assertErrLine "$host/a/b is blocked by registries.conf"
	assertFalse "nothing is asked" "[ -s '$R/log' ]"
}

test_malformed()
{
	for text in 'x = ' '[a' 'a = "b' 'a = [1, 2' 'registry = 5' '[[registry]]
location = 5' 'a = 1 2'; do
		echo "$text" | conf
		assert_run "$UCTR" pull "$host/a/b"
		assertExit 125
		assertErrLine "registries.conf"
	done
}

# shellcheck disable=SC1091
. shunit2
