#!/bin/sh
# One fleet in every kind of source, and how fast each is scanned: a layout copied by skopeo into archives,
# directories and Debian's docker-registry on this machine, whose storage is read as well. Fails unless all
# give the same sharing graph, the same stat and the same plan. Images are numbered in the order of their
# refs, since an image directory is called as it lies, and names decide the order in which carving tries.
#
#   sources_report.sh GNEISS LAYOUT [WORK]     LAYOUT: an OCI layout with its blobs
#
# WORK (default: a temporary directory) needs room for the images three times as they are stored, and twice
# decompressed: archives of docker hold no compressed layers, so what they say is that of directories of
# skopeo with decompressed layers, and has the same diff_ids in the same images as the layout.
set -eu

layout=$(realpath "$2")
[ -z "${3:-}" ] || { mkdir -p "$3" && export TMPDIR="$(realpath "$3")"; }
tests=$(realpath "$(dirname "$0")/../tests/cli")
. "$tests/work_directory.sh"
. "$tests/start_registry.sh"
. "$tests/source_figures.sh"
registry=
trap '[ -z "$registry" ] || kill "$registry"; chmod -R u+w "$work"; rm -rf "$work"' EXIT

copy() { # copy [OPTION...] SOURCE TARGET, whose manifest stays what it is where it can
  skopeo --insecure-policy copy -q --dest-tls-verify=false "$@" 2>copy.err || fail "skopeo: $(cat copy.err)"
}
expect_no_words() { # of a fleet that others made
  ! grep -q 'cannot\|expected\|warning: .*bad' err || fail "$(cat err)"
}
timed() { # timed NAME SOURCE...: its figures, and a line of the table
  kind=$1
  figures "$@"
  shift
  rm -rf "store.$kind.again"
  /usr/bin/time -o time -f '%e %U %S %M' "$gneiss" scan --quiet --json --store "store.$kind.again" "$@" >out
  awk -v kind="$kind" -v mb="$(jq .physical_bytes "stat.$kind")" -v images="$(jq .images "stat.$kind")" \
    -v layers="$(jq .layers "stat.$kind")" '
    { printf "%-14s %7d %7d %11.1f %8.1f %8.1f %9.0f %9.0f\n", kind, images, layers, mb / 1e6, $1, $2 + $3, mb / 1e6 / $1, $4 / 1024 }' time
}

jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"] // empty' "$layout/index.json" |
  LC_ALL=C sort -u >refs
start_registry registry "$work/registry"
registry=$registry_process
host=127.0.0.1:$registry_port
number=1000
while read -r ref; do
  number=$((number + 1))
  copy --preserve-digests "oci:$layout:$ref" "oci-archive:archive$number.tar:$ref"
  copy --preserve-digests "oci:$layout:$ref" "dir:dir$number"
  copy --preserve-digests "oci:$layout:$ref" "docker://$host/fleet/image$number:1"
  copy --dest-decompress "oci:$layout:$ref" "dir:plain$number"
  # skopeo takes no zstd layer into an archive of docker.
  copy "dir:plain$number" "docker-archive:saved$number.tar:fleet/image$number:1"
done <refs

# each PREFIX [SUFFIX]: the sources PREFIX1001SUFFIX, PREFIX1002SUFFIX, ...
each() {
  seq 1001 "$number" | sed "s|.*|$1&${2:-}|"
}
printf '%-14s %7s %7s %11s %8s %8s %9s %9s\n' scan images layers "MB stored" "wall s" "CPU s" "MB/s" "peak MiB"
timed oci "oci:$layout"
# shellcheck disable=SC2046
{
  timed oci-archive $(each oci-archive:archive .tar)
  timed dir $(each dir:dir)
  timed docker $(each "docker://$host/fleet/image" :1)
  timed registry "registry://$host"
  timed registry-fs registry-fs:registry
  timed dir-plain $(each dir:plain)
  timed docker-archive $(each docker-archive:saved .tar)
}
for kind in oci-archive dir docker registry registry-fs; do same "$kind" oci; done
same docker-archive dir-plain
same_contents docker-archive oci
echo "the same sharing graph, stat and plan from each; archives of docker: as their layers decompressed"
