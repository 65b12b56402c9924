# For scripts that source it after work_directory.sh: whether sources say the same of the same images.

# figures NAME SOURCE...: scans the sources into a store of their own and keeps what stat and plan say of
# them, but for the names of the images, and the sharing graph: the layers of each image by digest, and by
# diff_id, which decompressed layers have for a digest.
# REQUIRES: expect_no_words, which judges what was said on standard error.
figures() {
  name=$1
  shift
  rm -rf "store.$name"
  run 0 scan "$@" --store "store.$name"
  expect_no_words
  # Archives of docker have no manifests.
  run 0 stat "$@" --json --layers-only
  expect_no_words
  jq -S '{images, layers, layer_references, single_image_layers, max_layers, mean_layers, logical_bytes,
    physical_bytes}' out >"stat.$name"
  run 0 plan "$@" --json --layers-only --store "store.$name"
  expect_no_words
  jq -S '[.levels[] | {level, current, planned, lower_bound, gap, status,
    images: [.images[] | .layers] | sort}]' out >"plan.$name"
  run 0 snapshot "$@"
  jq -c '[.layers[].digest]' out | sort -u >"graph.$name"
  # A layer's diff_id stands with its first image.
  jq -sc '(map(.layers[] | select(.diff_id) | {(.digest): .diff_id}) | add // {}) as $known |
    map([.layers[] | $known[.digest] // .digest]) | unique[]' out >"contents.$name"
}

# same NAME [OTHER]: that the sources of NAME say what those of OTHER say.
same() {
  for report in graph stat plan store; do
    diff -r "$report.${2:-layout}" "$report.$1" || fail "$1: another $report than of ${2:-layout}"
  done
}

# same_contents NAME OTHER: that they hold the same layers in the same images, however compressed.
same_contents() {
  diff "contents.$2" "contents.$1" || fail "$1: other layers in images than of $2"
}
