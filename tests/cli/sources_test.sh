#!/bin/sh
# The same images wherever they lie: a layout copied by skopeo into every kind of source, and pushed to a
# real registry whose storage is then read. Reports and plans say the same of all, and `scan` reads them.
#
# So do archives and layouts that others wrote, where there is the corpus (GNEISS_CORPUS).
#
#   sources_test.sh GNEISS     status 77 (skipped), except under CI, without a tool
set -eu

here=$(realpath "$(dirname "$0")")
corpus=$(realpath -m "${GNEISS_CORPUS:-$here/../../../shared}")/fixtures
. "$here/scan_layout.sh"
. "$here/start_registry.sh"
. "$here/source_figures.sh"
for tool in docker-registry skopeo jq; do
  command -v "$tool" >/dev/null && continue
  echo "sources_test: skipped, $tool is missing"
  [ -z "${CI:-}" ] || exit 1
  exit 77
done
. "$here/work_directory.sh"
registry=
trap '[ -z "$registry" ] || kill "$registry"; chmod -R u+w "$work"; rm -rf "$work"' EXIT

# copy [OPTION...] SOURCE TARGET
copy() {
  skopeo --insecure-policy copy -q --dest-tls-verify=false "$@" || fail "skopeo does not copy $*"
}

# layer NAME FROM TO: a layer with a file of numbers; keeps its digest, size and diff_id in NAME.layer.
mkdir -p layout files
layer() {
  mkdir -p "files/$1/srv"
  seq "$2" "$3" >"files/$1/srv/$1"
  # shellcheck disable=SC2046
  set -- "$1" $(add_tar layout "files/$1")
  gzip -n <"layout/blobs/sha256/${2#*:}" >layout/layer
  rm "layout/blobs/sha256/${2#*:}"
  echo "$(add_blob layout layout/layer) $2" >"$1.layer"
}

# add_whole_image TAG LAYER...: as add_image, with all that skopeo's archives and registries ask for;
# replaces index.json, which lists the images added so far.
add_whole_image() {
  tag=$1
  shift
  for layer in "$@"; do cat "$layer.layer"; done | jq -Rs 'split("\n") | map(select(. != "") | split(" "))' >layers
  jq '{os: "linux", architecture: "amd64", created: "2024-05-06T07:08:09Z",
    rootfs: {type: "layers", diff_ids: map(.[2])}, history: map({created_by: ("RUN make " + .[2][7:15])})}' \
    layers >layout/json
  # shellcheck disable=SC2046
  config=$(descriptor config.v1+json $(add_blob layout layout/json))
  jq --argjson config "$config" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: $config, layers: map({mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: .[0],
    size: (.[1] | tonumber)})}' layers >layout/json
  # shellcheck disable=SC2046
  manifest=$(descriptor manifest.v1+json $(add_blob layout layout/json))
  echo "${manifest%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"team/shop:$tag\"}}" >>manifests
  jq -s '{schemaVersion: 2, manifests: .}' manifests >layout/index.json
  echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
}

layer base 1 9000
layer middle 200 7000
layer web 1 40
mkdir -p files/clean/srv
: >files/clean/srv/.wh.middle
layer clean 1 300
tags="1 2 3 4"
add_whole_image 1 base middle clean
add_whole_image 2 base middle web
add_whole_image 3 base web
add_whole_image 4 base

start_registry registry "$work/registry"
registry=$registry_process
port=$registry_port

for tag in $tags; do
  image=oci:layout:team/shop:$tag
  copy "$image" "oci:copy:team/shop:$tag"
  copy "$image" "oci-archive:archive$tag.tar:team/shop:$tag"
  copy "$image" "dir:dir$tag"
  # Archives of docker hold no compressed layers; these directories have the same.
  copy "$image" "docker-archive:saved$tag.tar:team/shop:$tag"
  copy --dest-decompress "$image" "dir:plain$tag"
  copy "$image" "docker://127.0.0.1:$port/team/shop:$tag"
done
# As people keep them: compressed, under a second tag, and one that was replaced.
gzip -k archive1.tar saved2.tar
copy dir:plain4 "docker://127.0.0.1:$port/team/shop:old"
copy oci:layout:team/shop:3 "docker://127.0.0.1:$port/team/shop:old"
# each_fixture COMMAND...: calls it with a number and a source, of one image each.
each_fixture() {
  number=0
  for source in docker-archive:go-containerregistry/pkg/v1/tarball/testdata/hello-world-v25.tar:@0 \
    docker-archive:go-containerregistry/pkg/v1/tarball/testdata/test_link.tar:@0 \
    docker-archive:go-containerregistry/pkg/v1/tarball/testdata/test_bundle.tar:@1 \
    docker-archive:go-containerregistry/pkg/v1/mutate/testdata/whiteout_dir.tar:@0 \
    docker-archive:containers-image/docker/archive/fixtures/almostempty.tar:@0 \
    docker-archive:dive/test-docker-image.tar:@0 \
    oci:go-containerregistry/pkg/v1/layout/testdata/test_gc_index:1; do
    number=$((number + 1))
    "$@" "$number" "${source%%:*}:$corpus/${source#*:}"
  done
}
copy_fixture() {
  copy "$2" "dir:fixture$1"
  copy "$2" "docker://127.0.0.1:$port/fixtures/$1:1"
}
[ ! -d "$corpus" ] || each_fixture copy_fixture
{ kill "$registry" && wait "$registry"; } 2>wait.err || true
registry=

# The manifest that a tag had before is told of where whole repositories are read.
expect_no_words() {
  ! grep -vx "gneiss: 1 untagged manifest skipped" err || fail "it says more: $(cat out)"
}

figures layout oci:layout
jq -e '.images == 4 and .layers == 4 and .layer_references == 9' stat.layout >found || fail "$(cat stat.layout)"
jq -e 'map(.level) | index("squash") != null and index("carve") != null' plan.layout >found ||
  fail "the plan lacks levels"
figures copy oci:copy
same copy
figures archives oci-archive:archive1.tar.gz oci-archive:archive2.tar archive3.tar archive4.tar
same archives
figures directories dir:dir1 dir2 dir:dir3 dir:dir4
same directories
figures plain dir:plain1 dir:plain2 dir:plain3 dir:plain4
figures saved docker-archive:saved1.tar saved2.tar.gz saved3.tar docker-archive:saved4.tar
same saved plain
same_contents plain layout
same_contents saved layout
verify_fixture() {
  run 0 verify "$2" "dir:fixture$1" --quiet
  run 0 verify "$2" "registry-fs:registry:fixtures/$1:1" --quiet
}
if [ -d "$corpus" ]; then
  each_fixture verify_fixture
  rm -r registry/docker/registry/v2/repositories/fixtures
fi
for root in registry registry/docker registry/docker/registry/v2; do
  figures storage "registry-fs:$root:team/shop:1" "registry-fs:$root:team/shop:2" "registry-fs:$root:team/shop:3" \
    "registry-fs:$root:team/shop:4"
  same storage
  figures sniffed "$root"
  same sniffed
done

# All in one are the images of one: a manifest is known by its digest, wherever it lies.
figures all layout oci-archive:archive2.tar dir3 registry-fs:registry
same all

# The same filesystems too, whatever the images are called there.
for tag in $tags; do
  for source in "dir:dir$tag" "registry-fs:registry:team/shop:$tag" "docker-archive:saved$tag.tar:team/shop:$tag"; do
    run 0 verify "oci:layout:team/shop:$tag" "$source" --quiet
  done
done
run 3 verify oci:layout:team/shop:1 dir:dir2 --quiet
# A second tag of one of them is an image more only by its name.
run 3 verify layout registry-fs:registry --quiet
grep -q '^team/shop:old (linux/amd64): not in layout$' out || fail "$(cat out)"

run 0 stat registry-fs:registry --images --json
[ "$(cat err)" = "gneiss: 1 untagged manifest skipped" ] || fail "$(cat err)"
[ "$(jq -r '[.by_image[].refs[]] | sort | join(" ")' out)" = \
  "team/shop:1 team/shop:2 team/shop:3 team/shop:4 team/shop:old" ] || fail "$(cat out)"
run 0 stat dir:dir1 --images --json
[ "$(jq -r '[.by_image[].refs[]] | sort | join(" ")' out)" = dir1 ] || fail "$(cat out)"

# A storage from which a manifest was collected, an archive that ends too soon.
copy_of=$(sed 's/.*://' registry/docker/registry/v2/repositories/team/shop/_manifests/tags/1/current/link)
rm "registry/docker/registry/v2/blobs/sha256/$(echo "$copy_of" | cut -c1-2)/$copy_of/data"
run 1 stat registry-fs:registry
head -n 1 err | grep -q "^gneiss: registry/docker/registry/v2/repositories/team/shop/_manifests/tags/1/current/link: expected a link to a manifest that the storage holds, found no " ||
  fail "$(cat err)"
head -c 5000 archive1.tar >short.tar
run 1 stat oci-archive:short.tar
grep -q "^gneiss: short.tar:" err || fail "$(cat err)"
head -c 5000 saved2.tar.gz >short.tar.gz
run 1 stat short.tar.gz
grep -q "^gneiss: short.tar.gz:" err || fail "$(cat err)"
echo "sources_test: passed"
