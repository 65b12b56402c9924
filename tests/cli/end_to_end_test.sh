#!/bin/sh
# Plans carried out and judged by tools that others wrote: images of real Debian packages, every level
# applied, `verify`; then pushed to a real registry and pulled back by skopeo, unpacked by umoci, and the
# trees compared file by file.
#
#   end_to_end_test.sh GNEISS     status 77 (skipped) without root or, except under CI, a tool
set -eu

gneiss=$(realpath "$1")
. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/start_registry.sh"
compare=$(realpath "$(dirname "$0")/compare_trees.py")

fail() {
  echo "end_to_end_test: $*" >&2
  exit 1
}
skip() {
  [ -z "${CI:-}" ] || fail "$*"
  echo "end_to_end_test: skipped, $*"
  exit 77
}

if [ "$(id -u)" != 0 ]; then
  echo "end_to_end_test: skipped, unpacking owners and devices takes root"
  exit 77
fi
for tool in docker-registry curl skopeo umoci jq dpkg-query /usr/bin/python3; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done

work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
cd "$work"
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

# add_layer: moves `layer`, a compressed tar, among the blobs; prints its digest, size and diff_id.
add_layer() {
  diff_id=$(gzip -dc layer | sha256sum | cut -d' ' -f1)
  echo "$(add_blob before layer) sha256:$diff_id"
}

# add_packages NAME...: a layer of the files of installed packages, as they are on this machine.
add_packages() {
  # Paths through the links of a merged /usr are left to it.
  dpkg-query -L "$@" | /usr/bin/python3 -c '
import os, sys
paths = {os.path.normpath(line.rstrip("\n")) for line in sys.stdin} - {"/"}
print("./")
for path in sorted(paths):
    if path in ("/dev", "/proc", "/run", "/sys", "/tmp"): continue
    if os.path.lexists(path) and os.path.realpath(os.path.dirname(path)) == os.path.dirname(path):
        print("." + path)' >names
  tar -C / --no-recursion --numeric-owner --format=posix --xattrs -T names -czf layer
  add_layer
}

# descriptor_of TYPE DIGEST SIZE
descriptor_of() {
  printf '{"mediaType":"%s","digest":"%s","size":%d}' "$1" "$2" "$3"
}

# add_folder: a layer of what is in `root`.
add_folder() {
  tar -C root --sort=name --numeric-owner --format=posix -czf layer .
  rm -rf root
  add_layer
}

# add_full_image TAG "DIGEST SIZE DIFF_ID"...: an image as builders make them; replaces index.json, which
# lists the images added so far. With `vendor` set to docker its manifest is one of docker's.
vendor=oci
add_full_image() {
  tag=$1
  shift
  case $vendor in
    docker)
      manifest_type=application/vnd.docker.distribution.manifest.v2+json
      config_type=application/vnd.docker.container.image.v1+json
      layer_type=application/vnd.docker.image.rootfs.diff.tar.gzip
      ;;
    *)
      manifest_type=application/vnd.oci.image.manifest.v1+json
      config_type=application/vnd.oci.image.config.v1+json
      layer_type=application/vnd.oci.image.layer.v1.tar+gzip
      ;;
  esac
  printf '%s\n' "$@" | jq -Rs --arg tag "$tag" 'split("\n") | map(select(. != "") | split(" ")) |
    {architecture: "amd64", os: "linux", config: {Env: ["PATH=/usr/bin:/bin"], Cmd: ["sh"], Labels: {tag: $tag}},
     rootfs: {type: "layers", diff_ids: map(.[2])},
     history: (map({created_by: ("RUN make " + .[0][7:15])}) + [{created_by: "CMD [\"sh\"]", empty_layer: true}])}' \
    >json
  # shellcheck disable=SC2046
  config=$(descriptor_of "$config_type" $(add_blob before json))
  printf '%s\n' "$@" | jq -Rs --argjson config "$config" --arg type "$manifest_type" --arg layer "$layer_type" '
    split("\n") | map(select(. != "") | split(" ")) |
    {schemaVersion: 2, mediaType: $type, config: $config,
     layers: map({mediaType: $layer, digest: .[0], size: (.[1] | tonumber)})}' >json
  # shellcheck disable=SC2046
  descriptor_of "$manifest_type" $(add_blob before json) |
    jq -c --arg ref "shop:$tag" '.annotations = {"org.opencontainers.image.ref.name": $ref}' >>manifests
  jq -s '{schemaVersion: 2, manifests: .}' manifests >before/index.json
  echo '{"imageLayoutVersion":"1.0.0"}' >before/oci-layout
}

mkdir -p before/blobs/sha256
base=$(add_packages base-files libc6 coreutils bash)
mkdir -p root/etc root/usr/bin root/var/spool
echo "12.99" >root/etc/debian_version
cp -p /bin/ls root/usr/bin/ls-again
ln root/usr/bin/ls-again root/usr/bin/ls-linked
newer=$(add_folder)
perl=$(add_packages perl-base)
tools=$(add_packages tar gzip findutils sed grep)
mkdir -p root/usr/share root/dev root/tmp root/usr/bin
: >root/usr/share/.wh.doc
mknod root/dev/null c 1 3
mkfifo root/dev/queue
chmod 1777 root/tmp
cp -p /bin/cat root/usr/bin/cat
chmod 4750 root/usr/bin/cat
ln -s ../../nowhere root/usr/bin/dangling
clean=$(add_folder)
mkdir -p root/srv/app
seq 40000 >root/srv/app/data
printf 'caf\303\251' >"root/srv/app/caf$(printf '\303\251')"
app=$(add_folder)
add_full_image 1 "$base" "$perl" "$clean" "$app"
add_full_image 2 "$base" "$tools" "$app"
add_full_image 3 "$base" "$newer" "$perl"
add_full_image 4 "$tools" "$base" "$clean"
add_full_image 5 "$base"
start_registry registry "$work/registry"
registry=$registry_process
port=$registry_port

# push_as_is LAYOUT TAG REPOSITORY: the manifest byte for byte, docker's too, which skopeo does not find in
# a layout.
push_as_is() {
  manifest=$1/blobs/sha256/$(jq -r --arg ref "shop:$2" '.manifests[] |
    select(.annotations["org.opencontainers.image.ref.name"] == $ref) | .digest[7:]' "$1/index.json")
  repository=http://127.0.0.1:$port/v2/$3
  for digest in $(jq -r '.config.digest, .layers[].digest' "$manifest"); do
    upload=$(curl -fsS -X POST -o curl.out -w '%header{location}' "$repository/blobs/uploads/")
    curl -fsS -X PUT -H 'Content-Type: application/octet-stream' -o curl.out \
      --data-binary "@$1/blobs/sha256/${digest#*:}" "$upload&digest=$digest"
  done
  curl -fsS -X PUT -H "Content-Type: $(jq -r .mediaType "$manifest")" -o curl.out --data-binary "@$manifest" \
    "$repository/manifests/$2"
}

# pull REPOSITORY TAG LAYOUT
pull() {
  skopeo --insecure-policy copy -q --src-tls-verify=false "docker://127.0.0.1:$port/$1:$2" "oci:$3:shop:$2" ||
    fail "$1: skopeo does not pull shop:$2"
}

# compare_tree NAME LAYOUT TAG: umoci makes the same tree of the image as of the original.
compare_tree() {
  umoci unpack --image "$2:shop:$3" unpacked >umoci.log 2>&1 || fail "umoci: $(cat umoci.log)"
  /usr/bin/python3 "$compare" "tree.$3/rootfs" unpacked/rootfs || fail "$1: shop:$3 is not what it was"
  rm -rf unpacked
}

# apply_level LEVEL NAME [OPTION...]: carries the plan out into the layout NAME, and verifies it.
apply_level() {
  level=$1
  name=$2
  shift 2
  "$gneiss" apply plan.json --from before --to "oci:$name" --level "$level" --quiet "$@" >apply.out
  "$gneiss" verify before "oci:$name" --quiet >verify.out || fail "$name: $(cat verify.out)"
}

# pushed_and_pulled NAME TAG: by skopeo to the registry and back into NAME.back.
pushed_and_pulled() {
  skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$1:shop:$2" \
    "docker://127.0.0.1:$port/$1:$2" || fail "$1: skopeo does not push shop:$2"
  pull "$1" "$2" "$1.back"
  # As many layers as steps that are not empty.
  skopeo inspect --raw "oci:$1:shop:$2" | jq '.layers | length' >layers
  skopeo inspect --config "oci:$1:shop:$2" | jq '[.history[] | select(.empty_layer | not)] | length' >steps
  cmp -s layers steps || fail "$1: shop:$2 has $(cat layers) layers and $(cat steps) steps"
}

for tag in 1 2 3 4 5; do
  umoci unpack --image "before:shop:$tag" "tree.$tag" >umoci.log 2>&1 || fail "umoci: $(cat umoci.log)"
done

# In zstd, which umoci does not read: skopeo compresses for it what the registry gave back.
"$gneiss" scan before --quiet >scan.out
"$gneiss" plan before --max-layers 12 --compression zstd --quiet -o plan.json >plan.out
apply_level carve zstd
for tag in 1 2 3 4 5; do
  pushed_and_pulled zstd "$tag"
  skopeo inspect --raw "oci:zstd.back:shop:$tag" | jq -r '.layers[].mediaType' >types
  grep -q '+zstd$' types || fail "shop:$tag has no layer in zstd: $(cat types)"
  skopeo --insecure-policy copy -q --dest-decompress "oci:zstd.back:shop:$tag" dir:plain
  skopeo --insecure-policy copy -q --dest-compress dir:plain "oci:zstd.gzip:shop:$tag"
  rm -rf plain
  compare_tree zstd zstd.gzip "$tag"
done
"$gneiss" verify before oci:zstd.back --quiet >verify.out || fail "zstd, pulled: $(cat verify.out)"

vendor=docker
add_full_image 6 "$base" "$clean" "$app"
push_as_is before 6 original
pull original 6 original
umoci unpack --image original:shop:6 tree.6 >umoci.log 2>&1 || fail "umoci: $(cat umoci.log)"
"$gneiss" scan before --quiet >scan.out
"$gneiss" plan before --max-layers 12 --quiet -o plan.json >plan.out
for level in squash bases carve; do
  apply_level "$level" "$level"
  for tag in 1 2 3 4 5; do
    pushed_and_pulled "$level" "$tag"
    compare_tree "$level" "$level.back" "$tag"
  done
  push_as_is "$level" 6 "$level"
  pull "$level" 6 "$level.back"
  compare_tree "$level" "$level.back" 6
  "$gneiss" verify before "oci:$level.back" --quiet >verify.out || fail "$level, pulled: $(cat verify.out)"
done
jq -e "[.manifests[].mediaType] | index(\"application/vnd.docker.distribution.manifest.v2+json\")" carve/index.json >found ||
  fail "no manifest of docker's is left"

# The comparison sees what it is for.
chmod u-w tree.5/rootfs/etc
/usr/bin/python3 "$compare" "tree.5/rootfs" "tree.1/rootfs" >different && fail "no difference is found"
echo "end_to_end_test: passed"
