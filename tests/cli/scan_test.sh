#!/bin/sh
# `gneiss scan` as a process: what it reports, what the store holds afterwards, and what it says when
# a layer or the store is not as it should be.
#
#   scan_test.sh GNEISS
set -eu

. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/work_directory.sh"

# layers OUTCOME: how many there are of it in the table.
layers() { sed -n "s/^$1  *\([0-9]*\) .*/\1/p" out; }
expect_layers() { # expect_layers SCANNED STORED MISSING NOT_A_TAR BAD
  found="$(layers scanned) $(layers 'in the store') $(layers 'blob missing') $(layers 'not a tar') $(layers bad)"
  [ "$found" = "$*" ] || fail "expected layers $*, found $found: $(cat out)"
}
expect_err() { [ "$(cat err)" = "$1" ] || fail "expected \"$1\" on standard error, found: $(cat err)"; }
expect_no_leftovers() {
  found=$(find "$1" -name '.*' -not -name . -print)
  [ -z "$found" ] || fail "left behind: $found"
}

# Four layers of 50 files each, two images.
mkdir layout
for layer in 1 2 3 4; do
  mkdir -p root/usr/share/doc
  for file in $(seq 50); do seq $((layer * file)) $((layer * file + 200)) >"root/usr/share/doc/$file"; done
  add_tar layout root >"layer$layer"
  rm -r root
done
add_image layout 1 "$(cat layer1)" "$(cat layer2)"
add_image layout 2 "$(cat layer1)" "$(cat layer3)" "$(cat layer4)"

# Once scanned, a layer is not read again, and its file not written.
run 0 scan oci:layout --store store --jobs 2
expect_layers 4 0 0 0 0
expect_err ""
grep -q '^TOTAL  *4 .* 216 ' out || fail "expected 216 entries in: $(cat out)"
expect_no_leftovers store
find store -type f -newermt @0 -printf '%p %i %T@\n' | LC_ALL=C sort >before
[ "$(wc -l <before)" = 4 ] || fail "expected four files, found: $(cat before)"
run 0 scan layout --store store --json
find store -type f -printf '%p %i %T@\n' | LC_ALL=C sort | cmp before - || fail "a good file was written again"
grep -q '"schema": "gneiss.scan/1"' out || fail "no schema in: $(cat out)"
grep -q '"bytes_read": 0' out || fail "layers were read again: $(cat out)"
run 0 scan layout --store store
expect_layers 0 4 0 0 0

# Any number of threads, the same bytes.
for jobs in 1 3 16; do
  run 0 scan layout --store "store$jobs" --jobs $jobs
  diff -r store "store$jobs" || fail "--jobs $jobs makes another store"
  cp out "out$jobs"
  cmp out1 "out$jobs" || fail "--jobs $jobs gives another report"
done

# So do archives of the same layers, several threads reading one: of the layout, compressed or not,
# and as `docker save` wrote them.
tar -cf layout.tar -C layout .
gzip -k layout.tar
mkdir saved
for layer in 1 2 3 4; do
  mkdir "saved/$layer"
  cp "layout/blobs/sha256/$(sed 's/sha256:\([^ ]*\) .*/\1/' "layer$layer")" "saved/$layer/layer.tar"
done
echo '{"os":"linux","architecture":"amd64"}' >saved/config.json
echo '[{"Config":"config.json","RepoTags":["shop:1"],"Layers":["1/layer.tar","2/layer.tar"]},
  {"Config":"config.json","RepoTags":["shop:2"],"Layers":["1/layer.tar","3/layer.tar","4/layer.tar"]}]' \
  >saved/manifest.json
tar -cf saved.tar -C saved .
gzip -k saved.tar
for source in oci-archive:layout.tar layout.tar.gz docker-archive:saved.tar saved.tar.gz; do
  run 0 scan "$source" --store "store $source" --jobs 4
  expect_err ""
  diff -r store "store $source" || fail "$source makes another store"
done

# The store's place when none is given.
run 0 scan layout
diff -r store cache/gneiss || fail "no store in XDG_CACHE_HOME"
(unset XDG_CACHE_HOME; HOME=$work/home run 0 scan layout)
diff -r store home/.cache/gneiss || fail "no store in HOME"

# A damaged inventory is said and made again.
cp -r store damaged
inventory=$(find damaged -name '*.inv' | LC_ALL=C sort | head -n 1)
: >"$inventory"
run 0 scan layout --store damaged
expect_layers 1 3 0 0 0
expect_err "gneiss: warning: $inventory: expected an inventory, found a file of 0 bytes"
diff -r store damaged || fail "a damaged inventory was not replaced"

# What is no layer: one bad does not hide the others.
mkdir bad
echo '{"a":1}' >bad/json
json=$(add_blob bad bad/json)
head -c 4096 "layout/blobs/sha256/$(cut -d: -f2 layer1 | cut -d' ' -f1)" >bad/cut
cut=$(add_blob bad bad/cut)
cp "layout/blobs/sha256/$(cut -d: -f2 layer2 | cut -d' ' -f1)" bad/changed
changed=$(cat layer2)
changed_hex=${changed%% *}
changed_hex=${changed_hex#sha256:}
printf 'X' | dd of=bad/changed bs=1 seek=600 conv=notrunc 2>dd.log
found_hex=$(sha256sum bad/changed | cut -d' ' -f1)
mv bad/changed "bad/blobs/sha256/$changed_hex"
cp "layout/blobs/sha256/$(cut -d: -f2 layer3 | cut -d' ' -f1)" bad/good
good=$(add_blob bad bad/good)
missing="sha256:$(printf '%064d' 0) 7"
add_image bad 1 "$json" "$cut" "$good"
add_image bad 2 "$cut" "$changed" "$missing"
run 1 scan bad --store bad-store
expect_layers 1 0 1 1 2
[ "$(cat err)" = "gneiss: warning: no source has the blob of 1 layer; the report names it
gneiss: 2 bad layers are left out; --keep-going makes the exit code 0" ] || fail "found: $(cat err)"
grep -qF "sha256:$changed_hex of shop:2 (\`RUN make 2\`): byte 0: expected a layer with digest sha256:$changed_hex, found sha256:$found_hex" out ||
  fail "the changed layer is not in: $(cat out)"
grep -qF "${cut%% *} of shop:1 and 1 other image (\`RUN make 1\`): tar byte " out ||
  fail "the layer that was cut is not in: $(cat out)"
grep -qF "${missing% *} of shop:2 (\`RUN make 2\`)" out || fail "the missing layer is not in: $(cat out)"
grep -qF "${json%% *} of shop:1 (\`RUN make 1\`): JSON" out || fail "JSON is not named in: $(cat out)"
run 0 scan bad --store bad-store --keep-going --quiet --json
grep -q "\"digest\":\"${json%% *}\".*\"found\":\"JSON\"" out || fail "JSON is not named in: $(cat out)"
expect_err "gneiss: 2 bad layers are left out"
[ "$(find bad-store -type f | wc -l)" = 2 ] || fail "a bad layer has an inventory"

# A limit is named as its option, also where the store has the layers.
for limited in limited store; do
  run 1 scan layout --store $limited --max-entries 10
  grep -qF -- "--max-entries" out || fail "the limit is not named: $(cat out)"
  expect_layers 0 0 0 0 4
done
run 2 scan layout --store limited --max-ratio 0
expect_err "gneiss scan: --max-ratio: expected a whole number, 1 or more, found \"0\"; see \`gneiss scan --help\`"
run 2 scan layout --store limited --max-tar-bytes 0
expect_err "gneiss scan: --max-tar-bytes: expected a size of 1 or more bytes, found \"0\"; see \`gneiss scan --help\`"

# What is odd is named, in a second run as in the first, and refused when --strict comes later.
mkdir odd root
echo content >root/file
tar -C root -cPf odd/tar --transform 's,^,../,' file
plain=yes
add_image odd 1 "$(add_blob odd odd/tar)"
plain=
rm -r root
run 0 scan odd --store odd-store
tail -n 2 out >first
grep -qx 'path above the root: 1 time in 1 layer, first in sha256:[0-9a-f]\{12\}: file' first || fail "no oddity in: $(cat out)"
run 0 scan odd --store odd-store
tail -n 2 out | cmp first - || fail "the second run says other than the first: $(cat out)"
run 1 scan odd --store odd-store --strict
expect_layers 0 0 0 0 1

# A store that cannot be written; nothing is read first, and nothing left.
echo file >file
run 1 scan layout --store file
expect_err "gneiss: file: expected a directory of inventories, found a file; choose another with --store"
run 2 scan layout --store ''
expect_err "gneiss scan: --store: expected a directory's name, found an empty one; see \`gneiss scan --help\`"
if [ "$(id -u)" != 0 ]; then
  cp -r store locked
  chmod -R a-w locked
  run 0 scan layout --store locked
  expect_layers 0 4 0 0 0
  rm -f "$(find store3 -name '*.inv' | head -n 1)"
  chmod -R a-w store3
  run 1 scan layout --store store3
  expect_err "gneiss: store3/inventories/v5: Permission denied; run as a user who may, or choose another path"
fi

# A disk that is full: a limit on the size of files fails the same write.
code=0
(ulimit -f 1; "$gneiss" scan layout --store full --jobs 1 >out 2>err) || code=$?
[ "$code" = 1 ] || fail "a full disk gave exit code $code"
grep -q '^gneiss: full/inventories/v5/sha256/../.*\.inv: File too large; 0 of 4 layers were scanned before that and are kept$' err || fail "found: $(cat err)"
[ "$(wc -l <err)" = 1 ] || fail "expected one line, found: $(cat err)"
[ -z "$(find full -type f)" ] || fail "left behind: $(find full -type f)"

# Interrupted while blobs are being read: what is there is whole, and there is nothing else. Shells
# start jobs in the background with SIGINT ignored, which gneiss would keep.
mkdir many
for layer in $(seq 40); do
  mkdir root
  seq $((layer * 1000)) $((layer * 1000 + 150000)) >root/numbers
  add_tar many root >>layers
  rm -r root
done
# One word a layer.
while read -r layer; do set -- "$@" "$layer"; done <layers
shift
add_image many 1 "$@"
"$gneiss" scan many --store whole >out
env --default-signal=INT "$gneiss" scan many --store interrupted --jobs 2 >out 2>err &
child=$!
while [ -z "$(find interrupted -name '*.inv' 2>find.log | head -n 1)" ]; do :; done
kill -INT $child
code=0
wait $child || code=$?
if [ $code != 0 ]; then
  [ $code = 130 ] || fail "an interrupt gave exit code $code: $(cat err)"
  expect_err "gneiss: interrupted"
fi
expect_no_leftovers interrupted
(cd interrupted && find . -name '*.inv') | while read -r file; do
  cmp "interrupted/$file" "whole/$file" || fail "an interrupt left half an inventory"
done
run 0 scan many --store interrupted
diff -r whole interrupted || fail "a second run did not complete the store"
echo "scan_test: passed"
