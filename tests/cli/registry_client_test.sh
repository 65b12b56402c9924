#!/bin/sh
# The registry's client at the real docker-registry: plain, then with TLS and htpasswd.
#
#   registry_client_test.sh TEST      status 77 (skipped) without a tool, except under CI
# TEST is the binary with io/registry/registry_real_test.cc in it.
set -eu

. "$(dirname "$0")/start_registry.sh"
test=$(realpath "$1")
fail() {
  echo "registry_client_test: $*" >&2
  exit 1
}
for tool in docker-registry curl openssl /usr/bin/python3; do
  command -v "$tool" >/dev/null && continue
  [ -z "${CI:-}" ] || fail "$tool is missing"
  echo "registry_client_test: skipped, $tool is missing"
  exit 77
done

work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
cd "$work"

# serve NAME [CONFIG...]: starts a registry on the same storage; its host is in GNEISS_REGISTRY.
serve() {
  [ -z "$registry" ] || { kill "$registry"; wait "$registry" || true; }
  name=$1
  shift
  start_registry "$name" "$work/storage" "$@"
  registry=$registry_process
  GNEISS_REGISTRY=127.0.0.1:$registry_port
  export GNEISS_REGISTRY
}

# push_blob REPOSITORY FILE: prints its descriptor's end.
push_blob() {
  digest=sha256:$(sha256sum "$2" | cut -d' ' -f1)
  upload=$(curl -fsS -X POST -o curl.out -w '%header{location}' "http://$GNEISS_REGISTRY/v2/$1/blobs/uploads/")
  curl -fsS -X PUT -H 'Content-Type: application/octet-stream' -o curl.out --data-binary "@$2" "$upload&digest=$digest"
  printf '"digest":"%s","size":%d' "$digest" "$(wc -c <"$2")"
}

# push REPOSITORY TAG: an image of a config and one layer.
push() {
  type=application/vnd.oci.image
  echo '{}' >config
  head -c 3000000 /dev/urandom >layer
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s}]}' \
    $type.manifest.v1+json $type.config.v1+json "$(push_blob "$1" config)" \
    $type.layer.v1.tar "$(push_blob "$1" layer)" >manifest
  curl -fsS -X PUT -H "Content-Type: $type.manifest.v1+json" -o curl.out --data-binary @manifest \
    "http://$GNEISS_REGISTRY/v2/$1/manifests/$2"
}

serve plain
for image in "team/app 1" "app 2" "app 1" "app 3" "other 1"; do
  # shellcheck disable=SC2086
  push $image
done
"$test" "[real_registry]" || fail "plain"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
  -keyout key.pem -out cert.pem 2>openssl.log || fail "$(cat openssl.log)"
/usr/bin/python3 -W ignore -c '
import crypt
print("me:" + crypt.crypt("pass word", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >htpasswd
serve tls "http: {addr: '127.0.0.1:0', tls: {certificate: $work/cert.pem, key: $work/key.pem}}" \
  "auth: {htpasswd: {realm: r, path: $work/htpasswd}}"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$GNEISS_REGISTRY" "$(printf 'me:pass word' | base64)" >auth.json
GNEISS_REGISTRY_CACERT=$work/cert.pem
GNEISS_REGISTRY_AUTH=$work/auth.json
export GNEISS_REGISTRY_CACERT GNEISS_REGISTRY_AUTH
"$test" "[real_registry],[real_registry_auth]" || fail "TLS and htpasswd"
echo "registry_client_test: passed"
