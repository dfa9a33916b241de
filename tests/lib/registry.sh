# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Registries of the test's own on loopback addresses, sourced after common.sh. tests/lib/registry.py
# says how they can misbehave.
# shellcheck disable=SC2034 # what functions tell, they tell in variables

type=application/vnd.oci.image
MACHINE=$(sed -n 's/.*"architecture":"\([^"]*\)".*/\1/p' \
	"${UCTR%/bin/*}/share/uctr/images/busybox/index.json")
registries=

# registry_setup: for setUp: a store and settings of the test's own, two small layers, and the
# registry $host with its files in $R.
registry_setup()
{
	fresh_tmp
	export UCTR_DATA="$T/data" UCTR_NET_TIMEOUT=20
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG
	R=$T/reg
	has fullmap || return 0
	mklayers
	registry_start "$R"
	host=127.0.0.1:$port
}

# registry_start DIR [ADDRESS [CERT KEY]]: its port goes to $port; registries_stop ends all.
registry_start()
{
	mkdir -p "$1/blobs" "$1/manifests"
	rm -f "$1/port"
	python3 "$UCTR_TESTS/lib/registry.py" "$@" 2> "$1/stderr" &
	registries="$registries $!"
	wait_for 20 [ -f "$1/port" ] || fail "the registry did not start: $(cat "$1/stderr")"
	port=$(cat "$1/port")
}

registries_stop()
{
	for pid in $registries; do
		kill "$pid" && wait "$pid"
	done 2> /dev/null
	registries=
}

digest_of()
{
	sha256sum < "$1" | cut -d' ' -f1
}

# registry_blob DIR FILE: adds it and prints its digest.
registry_blob()
{
	hex=$(digest_of "$2")
	cp "$2" "$1/blobs/$hex"
	echo "$hex"
}

# registry_image DIR TAG LAYER.tar...: an image with these layers, compressed by gzip. Its config is
# $id, its manifest $manifest; $extra_config goes into the config.
registry_image()
{
	dir=$1 tag=$2
	shift 2
	diffs='' layers=''
	for tar in "$@"; do
		diffs="$diffs${diffs:+,}\"sha256:$(digest_of "$tar")\""
		gzip -nc "$tar" > "$T/layer.gz"
		layers="$layers${layers:+,}{\"mediaType\":\"$type.layer.v1.tar+gzip\",\"digest\":\"sha256:$(registry_blob "$dir" "$T/layer.gz")\",\"size\":$(stat -c %s "$T/layer.gz")}"
	done
	printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/bin/x"],"Labels":{"tag":"%s"}},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"${arch:-$MACHINE}" "$tag" "$diffs" > "$T/config"
	id=$(registry_blob "$dir" "$T/config")
	printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		"$type" "$type" "$id" "$(stat -c %s "$T/config")" "$layers" > "$T/manifest"
	registry_document "$dir" "$tag" "$T/manifest" "$type.manifest.v1+json"
	manifest=$hex
}

# registry_document DIR TAG FILE TYPE: a manifest or index, by tag and by digest; its digest is $hex.
registry_document()
{
	hex=$(digest_of "$3")
	for name in "$2" "sha256:$hex"; do
		cp "$3" "$1/manifests/$name"
		printf %s "$4" > "$1/manifests/$name.type"
	done
}

# layers_good: two small layers $T/1.tar and $T/2.tar.
mklayers()
{
	printf 'dir bin 0755\nfile bin/x 0755 text\n' | mktar "$T/1.tar"
	printf 'dir etc 0755\nfile etc/y 0644 more\n' | mktar "$T/2.tar"
}

# mkbig FILE BYTES: a layer of this size that does not get smaller.
mkbig()
{
	mkdir -p "$T/big"
	head -c "$2" /dev/urandom > "$T/big/random"
	tar -cf "$1" --owner=0 --group=0 -C "$T/big" .
}

# nothing_stored: no image, tree or blob, and nothing unfinished but parts.
nothing_stored()
{
	assertEquals "no image $(context)" "" "$("$UCTR" images -aq)"
	assertEquals "nothing stored $(context)" "" \
		"$(find "$UCTR_DATA/blobs" "$UCTR_DATA/layers" "$UCTR_DATA/tmp" -type f ! -name '*.part' ! -name clear.lock 2> /dev/null)"
}

# real_registry [CONFIG [HTTP]]: Debian's docker-registry at $host; CONFIG is more of its file, HTTP more
# of what that says of http.
real_registry()
{
	mkdir -p "$T/storage"
	free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:%s"%s}\n%s\n' \
		"$T/storage" "$free" "${2:-}" "${1:-}" > "$T/registry.yml"
	docker-registry serve "$T/registry.yml" > "$T/registry.log" 2>&1 &
	registries="$registries $!"
	host=127.0.0.1:$free
	wait_for 20 python3 -c "import socket; socket.create_connection(('127.0.0.1', $free))" ||
		fail "docker-registry did not start: $(cat "$T/registry.log")"
}

# authority NAME [SAN], certificate NAME AUTHORITY SAN [OPTION...]: $T/NAME.crt and $T/NAME.key.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" ${2:+-addext "subjectAltName=$2"} \
		-keyout "$T/$1.key" -out "$T/$1.crt" 2> /dev/null
}

certificate()
{
	printf 'subjectAltName=%s\n' "$3" > "$T/san"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
		-keyout "$T/$1.key" -out "$T/csr" 2> /dev/null
	openssl x509 -req -in "$T/csr" -CA "$T/$2.crt" -CAkey "$T/$2.key" -CAcreateserial \
		-days "${4:-1}" -extfile "$T/san" -out "$T/$1.crt" 2> /dev/null
}
