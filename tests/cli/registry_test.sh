#!/bin/sh
# Live registries: the real docker-registry, filled by skopeo, over http, over TLS with an authority of
# its own, with passwords and with tokens. What is read is what the layout has that was pushed, and a
# second run asks for each tag once.
#
#   registry_test.sh GNEISS     status 77 (skipped) without a tool, except under CI
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/work_directory.sh"
. "$here/scan_layout.sh"
. "$here/start_registry.sh"
for tool in docker-registry skopeo jq openssl htpasswd /usr/bin/python3; do
  command -v "$tool" >/dev/null && continue
  [ -z "${CI:-}" ] || fail "$tool is missing"
  echo "registry_test: skipped, $tool is missing"
  exit 77
done
servers=
trap '[ -z "$servers" ] || kill $servers; rm -rf "$work"' EXIT

# A layout of images that share layers.
mkdir -p layout root/usr/bin root/etc
seq 30000 >root/usr/bin/base
base=$(add_tar layout root)
rm root/usr/bin/base
seq 100 >root/etc/app
app=$(add_tar layout root)
seq 200 >root/etc/app
new=$(add_tar layout root)
add_image layout 1 "$base" "$app"
add_image layout 2 "$base" "$new"
add_image layout 3 "$base"

# start NAME [CONFIG...]: a registry on the storage that all share; its port.
start() {
  name=$1
  shift
  start_registry "$name" "$work/storage" "$@"
  servers="$servers $registry_process"
  port=$registry_port
}

# figures FILE: of a plan or stat JSON, what does not depend on what images are called.
figures() {
  jq '{images, layers, layer_references, logical_bytes, physical_bytes, levels: [.levels[]? | [.current, .planned, .lower_bound]]}' "$1"
}

# same SOURCE [OPTION...]: the source gives the figures of the layout.
same() {
  for command in stat "plan --no-contents"; do
    # shellcheck disable=SC2086
    run 0 $command --quiet --json oci:layout
    figures out >expected
    # shellcheck disable=SC2086
    run 0 $command --quiet --json "$@"
    figures out >found
    cmp -s expected found || fail "$command $*: $(diff expected found)"
  done
}

requests() { # of a registry's log, by method and path
  sed -n 's/^127[^"]*"\([A-Z]*\) \([^ ?"]*\)[^"]* HTTP[^"]*" .*/\1 \2/p' "$1"
}

start plain
plain=127.0.0.1:$port
for tag in 1 2 3; do
  skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false "oci:layout:shop:$tag" \
    "docker://$plain/team/shop:$tag" || fail "skopeo does not push $tag"
done
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false --dest-tls-verify=false \
  "docker://$plain/team/shop:3" "docker://$plain/other/base:latest"
requests plain.log >before
same "registry://$plain/team"
requests plain.log | tail -n "+$(($(wc -l <before) + 1))" >asked
# stat asked for all, plan for the tags alone: catalogue, list of tags, and each tag's digest.
[ "$(grep -c '^GET /v2/team/shop/manifests/' asked)" = 3 ] || fail "manifests asked for: $(cat asked)"
[ "$(grep -c '^HEAD /v2/team/shop/manifests/' asked)" = 6 ] || fail "tags asked for: $(cat asked)"
[ "$(grep -c '^GET /v2/team/shop/blobs/' asked)" = 3 ] || fail "configs asked for: $(cat asked)"
! grep -q /other/ asked || fail "another repository was asked for: $(cat asked)"

run 0 stat --json "registry://$plain"
[ "$(jq .images out)" = 3 ] && [ "$(jq .refs out)" = 4 ] || fail "all repositories: $(cat out)"
run 0 stat --json "registry://$plain" --include 'team/*:[12]' --exclude '*:1'
[ "$(jq .refs out)" = 1 ] || fail "--include and --exclude: $(cat out)"
run 0 stat --json "docker://$plain/other/base"
[ "$(jq .images out)" = 1 ] || fail "the latest image: $(cat out)"
digest=$(jq -r '.manifests[0].digest' layout/index.json)
run 0 stat --json "docker://$plain/team/shop@$digest"
[ "$(jq .layers out)" = 2 ] || fail "by digest: $(cat out)"
run 1 stat "docker://$plain/team/shop:none"
grep -q "^gneiss: docker://$plain/team/shop:none: expected an image, found none" err || fail "no such tag: $(cat err)"
run 1 stat "registry://$plain/nobody"
grep -q 'expected repositories at or below nobody, found none among 2' err || fail "no such prefix: $(cat err)"

# Layers are streamed into the scan.
run 0 scan --quiet --json --store there oci:layout
run 0 scan --quiet --json --store here "registry://$plain/team"
(cd there && find inventories -type f | LC_ALL=C sort | xargs sha256sum) >expected
(cd here && find inventories -type f | LC_ALL=C sort | xargs sha256sum) >found
cmp -s expected found || fail "inventories differ"
[ "$(wc -l <found)" = 3 ] || fail "inventories: $(cat found)"

# What was pushed is what was there, configs too.
run 0 verify --store here --quiet oci:layout:shop:1 "docker://$plain/team/shop:1"
run 3 verify --store here --quiet oci:layout:shop:2 "docker://$plain/team/shop:1"

# TLS with an authority that only --cacert knows.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -addext 'subjectAltName=IP:127.0.0.1' \
  -keyout key.pem -out cert.pem >openssl.log 2>&1 || fail "openssl: $(cat openssl.log)"
start tls "http: {addr: '127.0.0.1:0', tls: {certificate: $work/cert.pem, key: $work/key.pem}}"
same "registry://127.0.0.1:$port/team" --cacert cert.pem
run 1 stat "registry://127.0.0.1:$port"
grep -q -- '--cacert' err || fail "an unknown authority: $(cat err)"

# Passwords: given, from a file, wrong, none; never in any output.
htpasswd -Bbn reader 'secret word' >htpasswd 2>htpasswd.log || fail "htpasswd: $(cat htpasswd.log)"
start password 'http: {addr: "127.0.0.1:0"}' "auth: {htpasswd: {realm: tests, path: $work/htpasswd}}"
same "registry://127.0.0.1:$port/team" --creds 'reader:secret word'
printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$port" "$(printf 'reader:secret word' | base64)" >auth.json
same "registry://127.0.0.1:$port/team" --authfile auth.json
run 1 stat "registry://127.0.0.1:$port" --creds 'reader:another secret'
grep -q 401 err || fail "a wrong password: $(cat err)"
! grep -q 'secret' out err || fail "a password is shown: $(cat out err)"
run 1 stat "registry://127.0.0.1:$port"
grep -q -- '--creds' err || fail "no password: $(cat err)"

# Tokens.
/usr/bin/python3 "$here/token_server.py" key.pem cert.pem >tokens.log 2>tokens.err &
servers="$servers $!"
realm=$(timeout 60 tail -n +1 -F tokens.log 2>/dev/null | sed -n '1{p;q}') || true
[ -n "$realm" ] || fail "the token server does not start: $(cat tokens.err)"
start token 'http: {addr: "127.0.0.1:0"}' \
  "auth: {token: {realm: 'http://127.0.0.1:$realm/token', service: tests, issuer: tests, rootcertbundle: $work/cert.pem}}"
same "registry://127.0.0.1:$port/team" --creds 'reader:secret word'
grep -q "repository:team/shop:pull" tokens.log || fail "tokens: $(cat tokens.log)"
run 1 stat "registry://127.0.0.1:$port/team" --creds 'reader:another secret'
! grep -q 'secret' out err || fail "a password is shown: $(cat out err)"
echo "registry_test: passed"
