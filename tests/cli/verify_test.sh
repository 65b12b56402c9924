#!/bin/sh
# `gneiss verify` as a user runs it: layers that real tar wrote, joined by a real tar; JSON that fits its
# schema; names that are no text; terminals.
#
#   verify_test.sh GNEISS
set -eu

schema=$(realpath io/report/schema/gneiss.verify-1.schema.json)
. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/work_directory.sh"

fits_schema() {
  # A bare machine has no Python; CI has.
  [ -z "${CI:-}" ] || /usr/bin/python3 -c 'import jsonschema' || fail "python3-jsonschema is missing"
  [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import jsonschema' 2>/dev/null || return 0
  /usr/bin/python3 - "$schema" out <<'PYTHON' || fail "the JSON does not fit its schema"
import json, sys
import jsonschema
schema, found = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(found)
assert sum(found["verdicts"].values()) == len(found["images"])
for image in found["images"]:
    assert image["differences"] == len(image["config"]) + len(image["files"])
assert sum(i["paths"] for i in found["images"]) == found["paths"]
found["images"][0]["differences"] = -1
assert not jsonschema.Draft202012Validator(schema).is_valid(found), "the schema accepts anything"
PYTHON
}

# Two layers, and the same as one.
mkdir -p before after lower/etc lower/bin upper/etc joined
echo old >lower/etc/passwd
echo tool >lower/bin/tool
ln lower/bin/tool lower/bin/alias
ln -s tool lower/bin/link
echo gone >lower/etc/gone
odd=$(printf 'od\351d\nname')
echo odd >"lower/$odd"
echo new >upper/etc/passwd
: >upper/etc/.wh.gone
cp -a lower/. joined
cp upper/etc/passwd joined/etc/passwd
rm joined/etc/gone
lower=$(add_tar before lower)
upper=$(add_tar before upper)
add_image before 1 "$lower" "$upper"
add_image before 2 "$lower"
whole=$(add_tar after joined)
kept=$(add_tar after lower)
add_image after 1 "$whole"
add_image after 2 "$kept"
run 0 verify before after
[ ! -s err ] || fail "found: $(cat err)"
head -n 1 out | grep -qx '2 images, 2 the same' || fail "found: $(cat out)"
run 0 verify oci:before:shop:1 oci:after:shop:1 --json
fits_schema

# One byte, one whiteout; a name that is no text stays one line.
echo odD >"joined/$odd"
: >joined/etc/gone
touch -r lower/etc/gone joined/etc/gone
whole=$(add_tar after joined)
rm after/manifests
add_image after 1 "$whole"
run 3 verify before after
grep -qx '/etc/gone  *path  *nothing -> file' out ||
  fail "no lost whiteout in: $(cat out)"
grep -qF '/od\xe9d\nname' out || fail "no odd name in: $(cat out)"
grep -qx 'shop:2 (linux/amd64): not in after' out || fail "no missing image in: $(cat out)"
run 3 verify before after --json
fits_schema
cp out first
run 3 verify before after --json --jobs 3
cmp first out || fail "two runs differ"

# Of an entry that cannot be read nothing is said, unless that is wanted.
cp after/index.json index.json
sed 's/"manifests":\[/&{"mediaType":"application\/vnd.oci.image.manifest.v1+json","digest":"none","size":1},/' \
  index.json >after/index.json
run 1 verify oci:after:shop:1 after
run 0 verify oci:after:shop:1 after --keep-going
cp index.json after/index.json

# A blob that is cut is not proven, although the store knows what it held.
add_image after 2 "$kept"
cut=after/blobs/sha256/$(echo "${kept#*:}" | cut -d' ' -f1)
truncate -s -512 "$cut"
run 3 verify before after
grep -qF "on the right: expected a blob of ${kept#* } bytes, found $((${kept#* } - 512))" out || fail "found: $(cat out)"
run 1 verify oci:before:shop:2 oci:after:shop:2
run 1 verify oci:before:shop:2 oci:after:shop:2 --json --quiet
fits_schema
[ ! -s err ] || fail "--quiet said: $(cat err)"
echo "verify_test: passed"
