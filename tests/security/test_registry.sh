#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile registries and people in between: who gets credentials, who is believed, what is stored
# (rows B12 to B15 of the security bar). Registry A is the one that is asked, B is somebody else's.

# shellcheck source=tests/lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=tests/lib/redteam.sh
. "$(dirname "$0")/../lib/redteam.sh"
# shellcheck source=tests/lib/registry.sh
. "$(dirname "$0")/../lib/registry.sh"

setUp()
{
	fresh_tmp
	export UCTR_DATA="$T/data" UCTR_NET_TIMEOUT=20 XDG_CONFIG_HOME="$T/xdg"
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG CONTAINERS_REGISTRIES_CONF
	has fullmap || return 0
	mklayers
	A=$T/a B=$T/b
	registry_start "$B" 127.0.0.2
	b=127.0.0.2:$port
	registry_start "$A"
	a=127.0.0.1:$port
	registry_image "$A" latest "$T/1.tar" "$T/2.tar"
	cp "$A/blobs/"* "$B/blobs/"
	cp "$A/manifests/"* "$B/manifests/"
	# What must not get to B: the password in any form, and the token that A gave.
	basic=$(printf me:pass-word | base64)
}

tearDown()
{
	registries_stop
}

# leaked: B has seen a secret, or any header that could carry one.
leaked()
{
	grep -aiE "^(authorization|cookie|proxy-authorization):|pass-word|identity-word|$basic" "$B/seen" > /dev/null 2>&1
}

# attack_pull [ARG...]: a pull from A with credentials; it has to reach B, or it shows nothing.
attack_pull()
{
	rm -rf "$UCTR_DATA"
	rm -f "$B/seen"
	u pull -q "$@" "$a/x" > "$T/pull.out" 2>&1 || true
	[ -s "$B/seen" ] || bad "B was not asked: $(cat "$T/pull.out")" || return 1
	! leaked || bad "B has seen a secret"
}

# --- B14: credentials -----------------------------------------------------------------------------

# row B14: blobs and manifests redirected to another host and another port, by each kind of redirect | red: without foreign-origin
test_redirected()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	for code in 301 302 303 307 308; do
		echo "/v2/x/blobs/ redirect to=http://$b code=$code" > "$A/rules"
		holds attack_pull --creds me:pass-word
		assertEquals "it was fetched there ($code)" "$id" "$(cat "$T/pull.out")"
	done
	falls_without foreign-origin "B has seen a secret" attack_pull --creds me:pass-word
	echo "/manifests/ redirect to=http://$b" > "$A/rules"
	holds attack_pull --creds me:pass-word
	echo "token me:pass-word http://$a/token" > "$A/auth"
	echo "/v2/x/blobs/ redirect to=http://$b" > "$A/rules"
	holds attack_pull --creds me:pass-word
	assertEquals "$id" "$(cat "$T/pull.out")"
	falls_without foreign-origin "B has seen a secret" attack_pull --creds me:pass-word
	# The same host by another port is somebody else as well.
	registry_start "$T/port"
	B=$T/port
	cp "$A/blobs/"* "$B/blobs/"
	echo "/v2/x/blobs/ redirect to=http://127.0.0.1:$port" > "$A/rules"
	holds attack_pull --creds me:pass-word
	assertEquals "$id" "$(cat "$T/pull.out")"
	falls_without foreign-origin "B has seen a secret" attack_pull --creds me:pass-word
}

# row B14: a redirect's target asks for a password | red: without foreign-origin
test_foreign_challenge()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	echo "/v2/x/blobs/ redirect to=http://$b" > "$A/rules"
	for kind in "basic me:pass-word" "token me:pass-word http://$b/token"; do
		echo "$kind" > "$B/auth"
		holds attack_pull --creds me:pass-word
		assertEquals "no token is asked for there" 0 "$(grep -c /token "$B/log")"
	done
	echo "basic me:pass-word" > "$B/auth"
	falls_without foreign-origin "B has seen a secret" attack_pull --creds me:pass-word
}

# settings: registries.conf from standard input.
settings()
{
	mkdir -p "$XDG_CONFIG_HOME/uctr"
	cat > "$XDG_CONFIG_HOME/uctr/registries.conf"
}

# row B14: a mirror, or the place where registries.conf says a registry is, asks for a password | red: without named-host
test_mirror()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	echo "basic other:other" > "$B/auth"
	printf '[[registry]]\nlocation = "%s"\n[[registry.mirror]]\nlocation = "%s"\n' "$a" "$b" | settings
	holds attack_pull --creds me:pass-word
	assertEquals "$id" "$(cat "$T/pull.out")"
	falls_without named-host "B has seen a secret" attack_pull --creds me:pass-word
	printf '[[registry]]\nprefix = "%s"\nlocation = "%s"\n' "$a" "$b" | settings
	holds attack_pull --creds me:pass-word
	falls_without named-host "B has seen a secret" attack_pull --creds me:pass-word
	# A password that is given to login is for the host that is named as well.
	printf pass-word > "$T/password"
	rm -f "$B/seen"
	RUN_STDIN=$T/password assert_run "$UCTR" login --authfile "$T/auth.json" -u me --password-stdin "$a"
	assertExit 0
	assertFalse "B was not asked" "[ -e '$B/seen' ]"
	printf '[[registry]]\nprefix = "docker.io"\nlocation = "%s/hub"\n' "$a" | settings
	: > "$A/log"
	assert_run "$UCTR" search --authfile "$T/auth.json" docker.io/one
	assertExit 0
	assertEquals "docker.io's place was asked" 1 "$(grep -c '_catalog.* 200 ' "$A/log")"
}

# row B14: a proxy, and a registry on this machine, which is spoken to in plain text | red: without loopback-proxy
test_proxy()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	export http_proxy="http://$b" all_proxy="http://$b"
	attack_proxy()
	{
		rm -rf "$UCTR_DATA" "$B/seen"
		u pull -q --creds me:pass-word "$a/x" > "$T/pull.out" 2>&1 || true
		[ ! -e "$B/seen" ] || bad "the proxy was asked"
	}
	holds attack_proxy
	assertEquals "$id" "$(cat "$T/pull.out")"
	falls_without loopback-proxy "the proxy was asked" attack_proxy
	unset http_proxy all_proxy
}

# row B14: redirects to user names, other schemes and nowhere, without end | red: without url-user, redirect-limit
test_redirects_refused()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	for to in "http://me:pass-word@$b/" file:///etc/passwd gopher://$b/ "http://$b:99999/" 'http://[' ; do
		echo "/v2/x/blobs/ redirect to=$to exact=1" > "$A/rules"
		assert_run "$UCTR" pull -q --creds me:pass-word "$a/x"
		assertExit 125
		assertErrLine "$a/x:latest: " "a redirect of the registry"
		nothing_stored
	done
	assertFalse "B was not asked" "[ -e '$B/log' ]"
	echo "/v2/x/blobs/ redirect to=http://me:pass-word@$b" > "$A/rules"
	falls_without url-user "B has seen a secret" attack_pull --creds me:pass-word
	rm -rf "$UCTR_DATA" "$B/seen" "$B/log"
	echo "/v2/x/blobs/ redirect to=http://$b" > "$A/rules"
	echo "/v2/x/blobs/ redirect to=http://$a" > "$B/rules"
	assert_run "$UCTR" pull -q --creds me:pass-word "$a/x"
	assertExit 125
	assertErrLine "redirects more than 5 times"
	assertFalse "no secret in a chain" leaked
	assertTrue "few requests" "[ $(wc -l < "$B/log") -lt 20 ]"
	nothing_stored
	round=0
	attack_chain()
	{
		round=$((round + 1)) # each line of rules counts for itself
		echo "/v2/x/blobs/ redirect to=http://$b times=$((20 + round))" > "$A/rules"
		rm -rf "$UCTR_DATA"
		! u pull -q --creds me:pass-word "$a/x" > "$T/pull.out" 2>&1 || bad "it was followed to its end"
	}
	holds attack_chain
	falls_without redirect-limit "it was followed" attack_chain
}

# row B14: a token server at another host gets no password and no identity token | red: without auth-realm
test_token_server_elsewhere()
{
	need fullmap || return 0
	printf '{"auths":{"%s":{"auth":"bWU6","identitytoken":"identity-word"}}}' "$a" > "$T/identity.json"
	echo "token me:pass-word http://$b/token" > "$A/auth"
	echo "token anonymous: http://$b/token" > "$B/auth"
	for how in "--creds me:pass-word" "--authfile $T/identity.json"; do
		# shellcheck disable=SC2086 # two words
		holds attack_pull $how
		# shellcheck disable=SC2086
		falls_without auth-realm "B has seen a secret" attack_pull $how
	done
	echo "token me:pass-word http://$b/token" > "$B/auth"
	assert_run "$UCTR" pull -q --creds me:pass-word "$a/x"
	assertExit 125
	assertErrLine "the password was not sent there"
	# login has no other way to the password than the registry's own host either.
	printf pass-word > "$T/password"
	rm -f "$B/seen"
	RUN_STDIN=$T/password assert_run "$UCTR" login --authfile "$T/auth.json" -u me --password-stdin "$a"
	assertExit 125
	assertTrue "B was asked" "[ -s '$B/seen' ]"
	assertFalse "no secret at login" leaked
}

# row B14: a token server at another port of the registry's own host is trusted, as everywhere | red: the same look at what it has seen
test_token_server_at_another_port()
{
	need fullmap || return 0
	registry_start "$T/port"
	echo "token me:pass-word http://127.0.0.1:$port/token" | tee "$A/auth" > "$T/port/auth"
	assert_run "$UCTR" pull -q --creds me:wrong "$a/x"
	assertExit 125
	assertErrLine "the token server http://127.0.0.1:$port refuses (401)"
	password_stays()
	{
		! grep -q "^Authorization: Basic" "$T/port/seen" || bad "the password went there"
	}
	falls "the password went there" password_stays
}

# row B14: realms that are no servers, cloud metadata, or plain http elsewhere | red: without realm-scheme
test_bad_realms()
{
	need fullmap || return 0
	# 0.0.0.0 leads here, but is not written like this machine.
	registry_start "$T/all" 0.0.0.0
	echo "token me:pass-word http://0.0.0.0:$port/token" | tee "$A/auth" > "$T/all/auth"
	attack_realm()
	{
		rm -f "$T/all/seen"
		u pull -q --creds me:pass-word "$a/x" > "$T/pull.out" 2>&1 || true
		[ ! -s "$T/all/seen" ] || bad "it was asked"
	}
	holds attack_realm
	falls_without realm-scheme "it was asked" attack_realm
	rm -rf "$UCTR_DATA"
	echo "token me:pass-word x" > "$A/auth"
	for realm in file:///etc/passwd http://169.254.169.254/latest "http://me:pass-word@$b/token" \
		http://192.0.2.1/token "//" ""; do
		printf 'Bearer realm="%s",service="x"\n' "$realm" > "$A/realm"
		assert_run timeout $((10 * UCTR_SLOW)) "$UCTR" pull -q --creds me:pass-word "$a/x"
		assertExit 125
		assertEquals "one line for [$realm] $(context)" 1 "$(wc -l < "$T.err")"
		assertFalse "no secret in it" "grep -q pass-word '$T.err'"
	done
	assertFalse "B was not asked" "[ -e '$B/log' ]"
	nothing_stored
}

# row B14: urls of a descriptor are not followed | red: the blob at its own place, which is taken
test_urls_of_descriptors()
{
	need fullmap || return 0
	sed "s|\"size\"|\"urls\":[\"http://$b/v2/x/blobs/\"],\"size\"|g" "$T/manifest" > "$T/urls"
	registry_document "$A" latest "$T/urls" "$type.manifest.v1+json"
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 0
	assertEquals "urls are in it" 3 "$(grep -o urls "$A/manifests/latest" | wc -l)"
	rm -rf "$UCTR_DATA"
	layer=$(sed 's/.*"layers":\[{[^}]*sha256:\([0-9a-f]*\).*/\1/' "$T/manifest")
	rm "$A/blobs/$layer"
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 125
	assertErrLine "not found"
	assertFalse "B was not asked" "[ -e '$B/log' ]"
	nothing_stored
	registry_image "$A" latest "$T/1.tar"
	falls "it worked" works pull -q "$a/x"
}

# row B14: a push that is told to send its blobs elsewhere | red: without foreign-origin
test_push_elsewhere()
{
	need fullmap || return 0
	"$UCTR" import "$T/1.tar" "$a/x" > /dev/null
	echo "basic me:pass-word" > "$A/auth"
	echo "/uploads/ redirect to=http://$b/v2/x/blobs/uploads/ exact=1" > "$A/rules"
	attack_push()
	{
		rm -f "$B/seen"
		u push -q --creds me:pass-word "$a/x" > "$T/push.out" 2>&1 || true
		[ -s "$B/seen" ] || bad "B was not asked: $(cat "$T/push.out")" || return 1
		! leaked || bad "B has seen a secret"
	}
	holds attack_push
	falls_without foreign-origin "B has seen a secret" attack_push
}

# row B14: a list of tags that goes on at another host | red: without tags-origin
test_tags_elsewhere()
{
	need fullmap || return 0
	echo "basic me:pass-word" > "$A/auth"
	for link in "http://$b/v2/x/tags/list" "//$b/v2/x/tags/list" "https://$a/v2/x/tags/list" \
		"http://me@$a/v2/x/tags/list"; do
		printf '<%s>; rel="next"\n' "$link" > "$A/link"
		assert_run "$UCTR" pull -q -a --creds me:pass-word "$a/x"
		assertExit 125
		assertEquals "one line $(context)" 1 "$(wc -l < "$T.err")"
	done
	assertFalse "B was not asked" "[ -e '$B/log' ]"
	printf '</v2/x/tags/list>; rel="next"\n' > "$A/link"
	assert_run "$UCTR" pull -q -a --creds me:pass-word "$a/x"
	assertExit 125
	assertErrLine "does not end"
	nothing_stored
	itself_falls_without tags-origin test_tags_elsewhere
}

# --- B19: names that are parsed in two ways -------------------------------------------------------

# row B19: user information, escapes, line breaks, ways up in the name of an image | red: the plain name, which is taken
test_odd_names()
{
	need fullmap || return 0
	cr=$(printf '\r')
	long=$(head -c 4096 /dev/zero | tr '\0' t)
	for name in "me@$a/x" "me:pass@$a/x" "$a@$b/x" "$a/x?y=z" "$a/x#y" "$a/x%2f..%2fy" "$a/%2e%2e/x" \
		"$a/../x" "$a/x/../y" "$a/./x" "$a//x" "/$a/x" "$a/x:" "$a/x:t:t" "$a/x:$long" "$a/X" \
		"$a/x@sha256:0" "$a/x@md5:00" "$a/x@" "http://$a/x" "[$a]/x" "$a:/x" "127.0.0.1:99999/x" \
		"127.0.0.1:+80/x" "$a/x y" "$a/x${cr}X: y" "$a/x
Host: $b" "$a/x:t
Host: $b"; do
		assert_run "$UCTR" pull -q "$name"
		assertExit 125
		assertEquals "one line for [$name] $(context)" 1 "$(wc -l < "$T.err")"
	done
	assertFalse "nobody was asked: $(cat "$A/log" "$B/log" 2> /dev/null)" "[ -s '$A/log' ] || [ -s '$B/log' ]"
	nothing_stored
	falls "it worked" works pull -q "$a/x"
}

# --- B15: certificates ----------------------------------------------------------------------------

# secure NAME: a registry A with this certificate; the authority "ca" is trusted for it.
secure()
{
	A=$T/$1.registry
	registry_start "$A" 127.0.0.1 "$T/$1.crt" "$T/$1.key"
	a=127.0.0.1:$port
	registry_image "$A" latest "$T/1.tar"
	mkdir -p "$XDG_CONFIG_HOME/uctr/certs.d/$a"
	cp "$T/ca.crt" "$XDG_CONFIG_HOME/uctr/certs.d/$a/"
}

# refused [ARG...]: no pull, and no request has come through.
refused()
{
	assert_run "$UCTR" pull -q --creds me:pass-word "$@" "$a/x"
	assertExit 125
	assertErrLine "no trusted connection to https://$a"
	assertFalse "nothing is asked" "[ -e '$A/log' ]"
	nothing_stored
}

# attack_tls: the registry gets a request.
attack_tls()
{
	rm -f "$A/log"
	u pull -q --creds me:pass-word "$a/x" > "$T/pull.out" 2>&1 || true
	[ ! -e "$A/log" ] || bad "it was asked"
}

# row B15: no authority, another's, its own; expired; another host's | red: without tls-verify
test_certificates()
{
	need fullmap cmd:openssl || return 0
	authority ca
	authority other
	certificate good ca IP:127.0.0.1
	certificate foreign other IP:127.0.0.1
	certificate wrong ca DNS:example.test,IP:127.0.0.9
	certificate expired ca IP:127.0.0.1 -1
	authority self IP:127.0.0.1
	secure good
	assert_run "$UCTR" pull -q --tls-verify=true "$a/x"
	assertExit 0
	assertOut "$id"
	rm -rf "$UCTR_DATA" "$XDG_CONFIG_HOME/uctr/certs.d" "$A/log"
	refused
	for name in foreign self wrong expired; do
		secure $name
		refused
		refused --tls-verify=true
		falls_without tls-verify "it was asked" attack_tls
		rm -rf "$UCTR_DATA"
		assert_run "$UCTR" pull -q --tls-verify=false "$a/x"
		assertExit 0
		assertOut "$id"
		rm -rf "$UCTR_DATA"
	done
}

# row B15: a registry that may be insecure redirects to a host that may not | red: without tls-host
test_insecure_is_for_one_host()
{
	need fullmap cmd:openssl || return 0
	authority ca
	authority other
	certificate good ca IP:127.0.0.1
	certificate foreign other IP:127.0.0.2
	secure good
	B=$T/foreign
	registry_start "$B" 127.0.0.2 "$T/foreign.crt" "$T/foreign.key"
	cp "$A/blobs/"* "$B/blobs/"
	echo "/v2/x/blobs/ redirect to=https://127.0.0.2:$port" > "$A/rules"
	attack_insecure()
	{
		rm -rf "$UCTR_DATA" "$B/log"
		u pull -q "$@" "$a/x" > "$T/pull.out" 2>&1 || true
		[ ! -e "$B/log" ] || bad "another host was believed"
	}
	holds attack_insecure --tls-verify=false
	assertEquals 1 "$(grep -c "no trusted connection to https://127.0.0.2" "$T/pull.out")"
	falls_without tls-host "another host was believed" attack_insecure --tls-verify=false
	# The authority of one registry does not speak for other hosts.
	cp "$T/other.crt" "$XDG_CONFIG_HOME/uctr/certs.d/$a/"
	holds attack_insecure
	assertEquals 1 "$(grep -c "no trusted connection to https://127.0.0.2" "$T/pull.out")"
	falls_without tls-host "another host was believed" attack_insecure
}

# row B15: keys of several clients: a certificate goes with the key of its name | red: the pair of one name, which is taken
test_client_certificate()
{
	need fullmap cmd:openssl || return 0
	authority ca
	certificate good ca IP:127.0.0.1
	certificate client ca DNS:client
	certificate stranger ca DNS:stranger
	export CLIENT_CA="$T/ca.crt"
	secure good
	unset CLIENT_CA
	dir=$XDG_CONFIG_HOME/uctr/certs.d/$a
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 125
	cp "$T/stranger.key" "$dir/z.key"
	cp "$T/client.crt" "$dir/client.cert"
	cp "$T/client.key" "$dir/client.key"
	cp "$T/stranger.key" "$dir/a.key"
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 0
	assertOut "$id"
	# What the command names comes before what lies in directories.
	mkdir "$T/named"
	mv "$dir/client.cert" "$dir/client.key" "$T/named"
	authority other
	certificate alien other DNS:alien
	cp "$T/alien.crt" "$dir/a.cert"
	cp "$T/alien.key" "$dir/a.key"
	rm -rf "$UCTR_DATA"
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 125
	falls "it worked" works pull -q --cert-dir "$T/named" "$a/x"
	rm "$dir/a.cert"
	mv "$T/named"/* "$dir"
	rm "$dir/client.key"
	assert_run "$UCTR" pull -q "$a/x"
	assertExit 125
	assertErrLine "client.key"
}

# row B15: a server that knows TLS 1.1 and older alone | red: without tls-version
test_old_tls()
{
	need fullmap cmd:openssl || return 0
	authority ca
	certificate good ca IP:127.0.0.1
	export OLD_TLS=1
	secure good
	unset OLD_TLS
	refused
	case $err in
	*protocol*) assertTrue "" 0 ;;
	*) fail "refused for another reason $(context)" ;;
	esac
	falls_without tls-version "it was asked" attack_tls
}

# row B15 B14: plain http where it was not allowed, and a redirect from https to http | red: without plain-http, https-downgrade
test_no_plain_http()
{
	need fullmap cmd:openssl || return 0
	assert_run "$UCTR" pull -q --tls-verify=true --creds me:pass-word "$a/x"
	assertExit 125
	assertEquals "one line $(context)" 1 "$(wc -l < "$T.err")"
	assertFalse "no request by http" "[ -e '$A/log' ]"
	# The same for every host that is not written like this machine, without a word of options.
	registry_start "$T/all" 0.0.0.0
	attack_http()
	{
		rm -f "$T/all/log"
		u pull -q --creds me:pass-word "0.0.0.0:$port/x" > "$T/pull.out" 2>&1 || true
		[ ! -e "$T/all/log" ] || bad "it was asked"
	}
	holds attack_http
	falls_without plain-http "it was asked" attack_http
	assert_run "$UCTR" pull -q --tls-verify=false "$a/x"
	assertExit 0
	rm -rf "$UCTR_DATA"
	authority ca
	certificate good ca IP:127.0.0.1
	secure good
	echo "/v2/x/blobs/ redirect to=http://$b" > "$A/rules"
	assert_run "$UCTR" pull -q --creds me:pass-word "$a/x"
	assertExit 125
	assertErrLine "redirects from https to http"
	assertFalse "B was not asked" "[ -e '$B/log' ]"
	nothing_stored
	attack_downgrade()
	{
		u pull -q --creds me:pass-word "$a/x" > "$T/pull.out" 2>&1 || true
		[ ! -e "$B/log" ] || bad "it was asked"
	}
	falls_without https-downgrade "it was asked" attack_downgrade
}

# shellcheck disable=SC1091
. shunit2
