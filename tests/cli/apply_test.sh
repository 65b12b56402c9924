#!/bin/sh
# `gneiss apply` on a small layout: what it says of it fits its schema, and other people's tools read
# what it writes; a target that cannot be written, and a disk that is too small, are told in a line.
#
#   apply_test.sh GNEISS
set -eu

schema=$(realpath io/report/schema/gneiss.apply-1.schema.json)
. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/work_directory.sh"

mkdir layout root
seq 20000 >root/base
add_tar layout root >base
seq 30000 >root/tools
add_tar layout root >tools
rm root/base
echo 1 >root/app
: >root/.wh.base
add_tar layout root >app
add_image layout 1 "$(cat base)" "$(cat tools)" "$(cat app)"
add_image layout 2 "$(cat base)" "$(cat tools)"
"$gneiss" scan layout --quiet >scan.out
"$gneiss" plan layout --max-layers 3 --quiet --json -o plan.json

for level in squash bases carve; do
  run 0 apply plan.json --from layout --to oci:$level --level $level --json
  [ ! -s err ] || fail "$level: $(cat err)"
  mv out $level.json
  [ "$(find $level -maxdepth 1 | LC_ALL=C sort | tr '\n' ' ')" = \
    "$level $level/blobs $level/index.json $level/oci-layout " ] || fail "$level: $(ls $level)"
  for blob in "$level"/blobs/sha256/*; do
    [ "$(sha256sum "$blob" | cut -d' ' -f1)" = "$(basename "$blob")" ] || fail "$blob is another"
  done
  # Tools that others wrote, where they are there.
  if command -v skopeo >tool; then
    skopeo copy -q oci:$level:shop:1 dir:copy || fail "$level: skopeo does not copy it"
    skopeo inspect oci:$level:shop:1 >inspect || fail "$level: skopeo does not read it"
  fi
done

# A bare machine has no Python; CI has.
if /usr/bin/python3 -c 'import jsonschema' 2>python.err; then
  /usr/bin/python3 - "$schema" squash.json bases.json carve.json <<'PYTHON' || fail "what it says does not fit the schema"
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for name in sys.argv[2:]:
    report = json.load(open(name))
    jsonschema.Draft202012Validator(schema).validate(report)
    assert report["images"] == 2 and report["new_layers"]
    assert report["written"]["layer_references"] == report["predicted"]["layer_references"]
PYTHON
else
  [ -z "${CI:-}" ] || fail "python3-jsonschema is missing"
fi

refused() { # refused TARGET WORDS: one line that has them, exit code 1, no layout
  run 1 apply plan.json --from layout --to "oci:$1" --level carve
  [ "$(wc -l <err)" = 1 ] || fail "$1: expected one line, found: $(cat err)"
  grep -q "$2" err || fail "$1: expected $2, found: $(cat err)"
  [ ! -e "$1/index.json" ] || fail "$1: a layout is there"
}

mkdir closed
chmod a-w closed
if [ "$(id -u)" != 0 ]; then refused closed/out 'Permission denied'; fi
: >file
refused file/out 'Not a directory'
# Contents and layers need more than a file may have; what was begun goes on.
(
  ulimit -f 100
  refused small 'File too large'
)
[ -e small/gneiss-apply.json ] || fail "small: no marker"
run 0 apply plan.json --from layout --to oci:small --level carve
diff -r carve small || fail "what went on is another layout"
echo "apply_test: passed"
