#!/bin/sh
# How fast a whole live registry is read: many small images in Debian's docker-registry on this machine,
# by `gneiss stat` once and again, by skopeo in a loop over some of the tags, and a load generator (ab) that
# only asks for one manifest, which is as fast as this registry can answer.
#
#   registry_report.sh GNEISS [REPOSITORIES [TAGS]]     default: 1000 repositories of 10 tags
set -eu

gneiss=$(realpath "$1")
repositories=${2:-1000}
tags=${3:-10}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
cd "$work"
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
/usr/bin/python3 "$here/make_registry.py" "$work/storage" "$repositories" "$tags"
cat >registry.yml <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $work/storage}}
http: {addr: "127.0.0.1:0"}
YAML
docker-registry serve registry.yml >registry.log 2>&1 &
registry=$!
# At level warn it does not say where it listens.
port=
while [ -z "$port" ]; do
  port=$(ss -Hltnp | sed -n "s/.*127\.0\.0\.1:\([0-9]*\) .*pid=$registry,.*/\1/p")
  kill -0 "$registry"
done

requests() { grep -c '" "gneiss/' registry.log || true; }
timed() { # timed NAME COMMAND...: a line of the table, with the requests that came of it
  name=$1
  shift
  before=$(requests)
  /usr/bin/time -o time -f '%e %U %S %M' "$@" >out 2>err || { cat err >&2; exit 1; }
  count=$(($(requests) - before))
  [ "$count" != 0 ] || count=$asked
  awk -v name="$name" -v n="$count" '
    { printf "%-34s %8d %8.2f %8.2f %10.0f %9.0f\n", name, n, $1, $2 + $3, n / $1, $4 / 1024 }' time
}
printf '%-34s %8s %8s %8s %10s %9s\n' "" requests "wall s" "CPU s" requests/s "peak MiB"
timed "gneiss stat, first run" "$gneiss" stat --quiet "registry://127.0.0.1:$port"
timed "gneiss stat, second run" "$gneiss" stat --quiet "registry://127.0.0.1:$port"
timed "gneiss plan, third run" "$gneiss" plan --quiet --no-contents "registry://127.0.0.1:$port"
cat >skopeo.sh <<'SH'
# 20 repositories: their tags, and each of them.
for r in $(seq 0 19); do
  name=team-$r/app-$r
  for tag in $(skopeo list-tags --tls-verify=false "docker://$1/$name" | jq -r '.Tags[]'); do
    skopeo inspect --no-tags --tls-verify=false "docker://$1/$name:$tag" >inspected
  done
done
SH
asked=$((20 + 20 * tags * 2))
timed "skopeo list-tags, inspect (20)" sh skopeo.sh "127.0.0.1:$port"
asked=10000
timed "ab: one manifest, 8 at once" ab -q -k -c 8 -n 10000 -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
  "http://127.0.0.1:$port/v2/team-0/app-0/manifests/1.0"
