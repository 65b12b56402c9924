#!/bin/sh
# What `gneiss apply` and `gneiss verify` take for a whole fleet, beside tools that do comparable work
# on the same blobs in the same run, which are left out where they are missing: umoci unpacks every
# image, skopeo recompresses every image into another layout.
#
#   apply_report.sh GNEISS LAYOUT [WORK]     LAYOUT: an OCI layout with its blobs
#
# WORK (default: a temporary directory) needs room for the blobs six times, and for the largest
# image. MB of tar are those that a tool reads: a layer counts once for apply and verify, which read
# it once, and once for each image for the others.
set -eu

gneiss=$1
layout=$2
work=${3:-$(mktemp -d)}
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
store=$work/store

timed() { # timed NAME MEGABYTES COMMAND...: a line of the table
  name=$1
  megabytes=$2
  shift 2
  /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >"$work/out" 2>"$work/err" || {
    echo "apply_report: $name failed: $(tail -1 "$work/err")" >&2
    exit 1
  }
  awk -v name="$name" -v mb="$megabytes" '
    { printf "%-28s %9.0f %8.1f %8.1f %11.0f %10.0f %10.0f\n", name, mb, $1, $2 + $3, mb / $1, mb / ($2 + $3), $4 / 1024 }
  ' "$work/time"
}

"$gneiss" scan --quiet --store "$store" "$layout" >/dev/null
"$gneiss" plan --quiet --store "$store" -o "$work/plan.json" "$layout" >/dev/null
images=$(python3 - "$layout" <<'PYTHON'
import json, sys
for entry in json.load(open(sys.argv[1] + "/index.json"))["manifests"]:
    name = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
    if name:
        print(name)
PYTHON
)
# MB of tar of all layers, each once and once for each image.
set -- $(python3 - "$layout" <<'PYTHON'
import json, subprocess, sys
def path(digest):
    return sys.argv[1] + "/blobs/" + digest.replace(":", "/")
def tar_bytes(digest):
    magic = open(path(digest), "rb").read(2)
    unpack = {b"\x1f\x8b": ["gzip", "-dc"], b"\x28\xb5": ["zstd", "-dcq"]}.get(magic, ["cat"])
    lines = subprocess.Popen(unpack + [path(digest)], stdout=subprocess.PIPE)
    return int(subprocess.run(["wc", "-c"], stdin=lines.stdout, capture_output=True).stdout)
size, logical = {}, 0
for entry in json.load(open(sys.argv[1] + "/index.json"))["manifests"]:
    for layer in json.load(open(path(entry["digest"])))["layers"]:
        digest = layer["digest"]
        if digest not in size:
            size[digest] = tar_bytes(digest)
        logical += size[digest]
print(sum(size.values()) / 1e6, logical / 1e6)
PYTHON
)
tar=$1
logical=$2

printf '%-28s %9s %8s %8s %11s %10s %10s\n' "" "MB of tar" "wall s" "CPU s" "MB/s (wall)" "MB/s (CPU)" "peak MiB"
for level in squash bases carve; do
  timed "apply $level" "$tar" "$gneiss" apply "$work/plan.json" --quiet --level "$level" --store "$store" \
    --from "$layout" --to "oci:$work/$level"
  timed "verify $level, not scanned" "$tar" "$gneiss" verify --quiet --store "$store" "$layout" "oci:$work/$level"
done
if command -v umoci >/dev/null; then
  cat >"$work/umoci.sh" <<'SH'
for image in $3; do
  umoci unpack --rootless --image "$1:$image" "$2/bundle"
  chmod -R u+rwx "$2/bundle"
  rm -rf "$2/bundle"
done
SH
  timed "umoci unpack, all images" "$logical" sh "$work/umoci.sh" "$layout" "$work" "$images"
fi
if command -v skopeo >/dev/null; then
  cat >"$work/skopeo.sh" <<'SH'
for image in $3; do
  skopeo copy --quiet --insecure-policy --dest-decompress "oci:$1:$image" "dir:$2/plain"
  skopeo copy --quiet --insecure-policy --dest-compress "dir:$2/plain" "oci:$2/skopeo:$image"
  rm -rf "$2/plain"
done
SH
  timed "skopeo recompress, all images" "$logical" sh "$work/skopeo.sh" "$layout" "$work" "$images"
fi
du -sm "$layout/blobs" "$work/squash/blobs" "$work/bases/blobs" "$work/carve/blobs" | awk '{ print $1 " MiB in " $2 }' |
  sed "s#$work/##"
