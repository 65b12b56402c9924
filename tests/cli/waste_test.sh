#!/bin/sh
# `gneiss waste` and `gneiss history` on the real fleet in datasets/: findings sum to the total, known waste is
# found where it was put, two runs write the same bytes, and what is not known is said.
#
#   waste_test.sh GNEISS [few]
#
# few: fewer runs, for a slow GNEISS
set -eu

gneiss=$1
size=${2:-}
fleet=datasets/debian-fleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the user's own store.
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "waste_test: $*" >&2
  exit 1
}

"$gneiss" waste --json --dive "$fleet" >"$work/waste.json" 2>"$work/err" || fail "exit status $?"
echo "gneiss: contents of 74 layers as $fleet itself has them, without the blobs" >"$work/trust"
cmp -s "$work/trust" "$work/err" || fail "stderr: $(cat "$work/err")"
if [ -z "$size" ]; then
  "$gneiss" waste --json --dive "$fleet" >"$work/again.json"
  cmp -s "$work/waste.json" "$work/again.json" || fail "two runs differ"
fi

# A bare machine has no Python; CI has.
[ -z "${CI:-}" ] || [ -x /usr/bin/python3 ] || fail "python3 is missing"
[ -z "${CI:-}" ] || /usr/bin/python3 -c 'import jsonschema' || fail "python3-jsonschema is missing"
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work/waste.json" <<'PYTHON' || fail "the waste is not what the fleet holds"
import json, sys
waste = json.load(open(sys.argv[1]))
try:
    import jsonschema
    schema = json.load(open("io/report/schema/gneiss.waste-1.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(waste)
except ImportError:
    pass
assert sum(l["needless_bytes"] for l in waste["layers"]) == sum(f["blob_bytes"] for f in waste["findings"])
assert waste["fleet"]["known_layers"] == waste["fleet"]["layers"] == 74
assert waste["fleet"]["store"] == "shipped"
for figure in ("saves_storage_bytes", "saves_transfer_bytes"):
    assert sum(f[figure] for f in waste["findings"]) == waste[figure]
    assert sum(k[figure] for k in waste["kinds"]) == waste[figure]
assert 0 < waste["saves_storage_bytes"] < waste["fleet"]["storage_bytes"]
by_layer = {}
for f in waste["findings"]:
    assert f["blob_bytes"] > 0 and f["entries"] > 0 and f["how"], f
    by_layer[f["layer"]] = by_layer.get(f["layer"], 0) + f["blob_bytes"]
kinds = lambda image: {f["kind"] for f in waste["findings"] if image in f["images"]}
assert "package cache" in kinds("data/backup:1")            # caches left in
assert "deleted later" in kinds("data/etl:2.0")             # removed by a later layer
assert "only attributes changed" in kinds("build/gcc:12-hardened")  # chmod of a shared layer's files
assert "recompressed" in kinds("data/redis:7.0-zstd")       # the zstd twin
assert all(0 < i["dive"]["efficiency"] <= 1 for i in waste["images"])
PYTHON

"$gneiss" history data/etl:2.0 "$fleet" >"$work/history" || fail "history: exit status $?"
grep -q '^data/etl:2.0: ' "$work/history" || fail "history does not name its image"
code=0
"$gneiss" history data/elt:2.0 "$fleet" >/dev/null 2>"$work/err" || code=$?
[ "$code" = 1 ] || fail "history of no image gave exit status $code"
grep -q 'did you mean "data/etl:2.0"?' "$work/err" || fail "no suggestion: $(cat "$work/err")"

# Without inventories there is nothing to say, and what to do about it.
cp -r "$fleet" "$work/bare"
rm -r "$work/bare/inventories"
code=0
"$gneiss" waste "$work/bare" >/dev/null 2>"$work/err" || code=$?
[ "$code" = 1 ] || fail "waste without contents gave exit status $code"
grep -q 'no contents known of any of 74 layers; run `gneiss scan' "$work/err" || fail "$(cat "$work/err")"
"$gneiss" waste --store "$work/a b" "$work/bare" >/dev/null 2>"$work/err" && fail "an empty store is enough"
grep -qF "run \`gneiss scan --store '$work/a b' $work/bare\` first" "$work/err" || fail "$(cat "$work/err")"

# What a layout says of its layers is believed of no other source's.
"$gneiss" waste "$fleet" "$work/bare" >/dev/null 2>"$work/err" && fail "inventories of one layout serve another"

# A damaged inventory is named, and its images are reported without it.
cp -r "$fleet" "$work/damaged"
first=$(find "$work/damaged/inventories" -name '*.inv' | LC_ALL=C sort | head -n 1)
printf 'x' >>"$first"
"$gneiss" waste "$work/damaged" >"$work/out" 2>"$work/err" || fail "a damaged inventory: exit status $?"
grep -q 'warning: .*\.inv' "$work/err" || fail "the damaged inventory is not named: $(cat "$work/err")"
grep -q 'contents known of 73 of 74 layers' "$work/out" || fail "the damaged inventory was used"
# A hard link that no layer has a file for: noted, and refused if asked.
. "$(dirname "$0")/scan_layout.sh"
mkdir "$work/root" "$work/links"
echo content >"$work/root/a"
ln "$work/root/a" "$work/root/b"
tar -C "$work/root" -cf "$work/links/tar" a b
tar -f "$work/links/tar" --delete a
link=$(add_blob "$work/links" "$work/links/tar")
plain=yes
add_image "$work/links" 1 "$link"
"$gneiss" scan "$work/links" --store "$work/link-store" >"$work/out"
grep -q '^hard link to a lower layer: 1 time in 1 layer, first in sha256:[0-9a-f]*: b$' "$work/out" ||
  fail "the scan does not name the link: $(cat "$work/out")"
short=$(echo "$link" | cut -c 1-19)
"$gneiss" waste "$work/links" --store "$work/link-store" >"$work/out"
grep -qx "odd: 1 hard link to nothing; b in $short" "$work/out" || fail "no odd link: $(cat "$work/out")"
code=0
"$gneiss" waste --strict "$work/links" --store "$work/link-store" >"$work/out" 2>"$work/err" || code=$?
[ $code = 1 ] || fail "a hard link to nothing passes --strict with exit code $code"
echo "gneiss: ${link%% *}: entry \"b\": expected a hard link to a file of this layer or one below, found no file \"a\" there" |
  cmp - "$work/err" || fail "found: $(cat "$work/err")"

echo "waste_test: passed"
