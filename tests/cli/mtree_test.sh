#!/bin/sh
# `gneiss files --format mtree` against a tree that umoci has unpacked, judged by NetBSD's mtree: every path, type,
# mode, owner, size, sha256, link target, device and time, and nothing besides.
#
#   mtree_test.sh GNEISS     status 77 (skipped) without root or, except under CI, a tool
set -eu

. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/work_directory.sh"

skip() {
  [ -z "${CI:-}" ] || fail "$*"
  echo "$script: skipped, $*"
  exit 77
}
if [ "$(id -u)" != 0 ]; then
  echo "$script: skipped, unpacking owners and devices takes root"
  exit 77
fi
for tool in mtree umoci bsdtar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done

# add_layer FOLDER NAME...: a layer of what is there, owners, times and attributes included.
add_layer() {
  from=$1
  shift
  tar -C "$from" --sort=name --numeric-owner --format=posix --xattrs --xattrs-include='*' \
    -cf layout/layer "$@"
  add_blob layout layout/layer
}

# add_runnable TAG "DIGEST SIZE"...: an image that umoci takes, which wants the diff_ids: of plain tars their digests.
add_runnable() {
  tag=$1
  shift
  layers=
  diff_ids=
  for layer in "$@"; do
    # The words of a layer are its digest and its size.
    # shellcheck disable=SC2086
    layers="$layers${layers:+,}$(descriptor layer.v1.tar $layer)"
    diff_ids="$diff_ids${diff_ids:+,}\"${layer% *}\""
  done
  printf '{"os":"linux","architecture":"amd64","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "$diff_ids" >layout/json
  # shellcheck disable=SC2046
  config=$(descriptor config.v1+json $(add_blob layout layout/json))
  printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$config" "$layers" >layout/json
  # shellcheck disable=SC2046
  manifest=$(descriptor manifest.v1+json $(add_blob layout layout/json))
  echo "${manifest%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"$tag\"}}" >>layout/manifests
  printf '{"schemaVersion":2,"manifests":[%s]}' "$(paste -sd, layout/manifests)" >layout/index.json
  echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
}

mkdir layout one two three
mkdir -m 755 one/d one/d/sub one/gone one/opaque
printf 'contents' >one/d/file
ln one/d/file one/d/other
ln one/d/file one/d/sub/third
ln -s '../d/file with space#and*' one/d/link
mkfifo -m 640 one/d/fifo
mknod -m 600 one/d/null c 1 3
mknod -m 660 one/d/disk b 259 70000
printf 's' >one/d/setuid
chown 1000:1001 one/d/setuid
chmod 6755 one/d/setuid
mkdir -m 1777 one/tmp
touch one/gone/x one/opaque/x
touch "$(printf 'one/d/na me#\\[*?]\303\244\351')"
printf 'negative' >one/d/old
touch -d '1960-01-02 03:04:05.678901234' one/d/old one/d/sub
one=$(add_layer one .)

# Nothing of the directories that its entries stand in; hard links to files below.
mkdir -p two/d/sub two/opaque two/new/dir
printf 'newer' >two/d/other
ln two/d/other two/new/dir/name
touch two/.wh.gone two/opaque/.wh..wh..opq
printf 'y' >two/opaque/y
two=$(add_layer two d/other new/dir/name .wh.gone opaque/.wh..wh..opq opaque/y)

mkdir -p three/d
mkdir -m 700 three/d/fifo
printf 'f' >three/d/fifo/in
printf 'f' >three/tmp
three=$(add_layer three d/fifo tmp)
add_runnable 1 "$one" "$two" "$three"
add_runnable 2 "$one"

# The files of real packages, with their links.
real=$(tar -C / --numeric-owner --format=posix -cf layout/layer etc/alternatives usr/sbin &&
  add_blob layout layout/layer)
add_runnable real "$one" "$real"

for tag in 1 2 real; do
  umoci --log=error raw unpack --image "layout:$tag" "tree-$tag" >log 2>&1 || fail "umoci: $(cat log)"
  run 0 files "layout:$tag" layout --format mtree
  [ ! -s err ] || fail "standard error: $(cat err)"
  cp out "$tag.mtree"
  mtree -f "$tag.mtree" -p "tree-$tag" >found 2>&1 || fail "image $tag: mtree finds $(cat found)"
  [ ! -s found ] || fail "image $tag: mtree says $(cat found)"
  # A judge that accepts everything would be none.
  touch "tree-$tag/d/extra"
  printf 'other' >>"tree-$tag/d/old"
  if mtree -f "$tag.mtree" -p "tree-$tag" >found 2>&1; then fail "mtree finds no difference"; fi
  grep -q '^extra: d/extra' found || fail "mtree does not find a file more: $(cat found)"
  # libarchive reads the same.
  bsdtar -tf "$tag.mtree" >names || fail "bsdtar does not read $tag.mtree"
  [ "$(wc -l <names)" = "$(grep -c '^\.' "$tag.mtree")" ] || fail "bsdtar reads other names: $(cat names)"
done

# A part has the directories that it stands in.
run 0 files layout:1 layout --format mtree --path 'new/dir/*'
printf '%s\n' '. type=dir' './new type=dir' './new/dir type=dir' >expected
sed -n '2,4p' out | cmp - expected || fail "a part: $(cat out)"

echo "$script: passed"
