#!/bin/sh
# `gneiss files` on layouts with layers of known contents: what each path is and where it comes from, what one
# layer does, what is hidden; JSON by its schema; layers are scanned when the store lacks them.
#
#   files_test.sh GNEISS
set -eu

schema=$(realpath io/report/schema/gneiss.files-1.schema.json)
fleet=$(realpath datasets/debian-small)
. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/work_directory.sh"

# A bare machine has no Python; CI has.
python=/usr/bin/python3
[ -z "${CI:-}" ] || [ -x "$python" ] || fail "python3 is missing"
[ -z "${CI:-}" ] || "$python" -c 'import jsonschema' || fail "python3-jsonschema is missing"

# check_json FILE: each line, or the whole, is a document of the schema.
check_json() {
  [ ! -x "$python" ] || "$python" - "$schema" "$1" <<'PYTHON' || fail "$1 does not fit its schema"
import json, sys
text = open(sys.argv[2]).read()
documents = [json.loads(line) for line in text.splitlines()] if text.startswith('{"') else [json.loads(text)]
try:
    import jsonschema
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    for document in documents:
        jsonschema.Draft202012Validator(schema).validate(document)
except ImportError:
    pass
PYTHON
}

mkdir layout base top
mkdir -m 755 base/etc base/bin
printf 'one\n' >base/etc/a
printf 'two\n' >base/etc/b
printf 'x' >"base/etc/odd$(printf '\351\n.')name"
ln base/etc/a base/etc/a2
ln -s ../etc/a base/bin/link
chmod 4755 base/etc/b
chmod 644 base/etc/a base/etc/odd*
mkdir -m 755 top/etc top/new
printf 'three' >top/etc/a
printf '' >top/etc/.wh.b
printf 'n' >top/new/file
chmod 644 top/etc/a top/etc/.wh.b top/new/file
base=$(add_tar layout base)
tar -C top --sort=name --mtime=@-2 --owner=7 --group=8 --numeric-owner --format=posix \
  --pax-option=delete=atime,delete=ctime,SCHILY.xattr.user.note:=hello -cf layout/layer \
  etc/a etc/.wh.b new/file
top=$(add_blob layout layout/layer)
add_image layout 1 "$base" "$top"
add_image layout 2 "$base"

cat >expected <<'TEXT'
shop:1: 9 paths of 2 layers, 11 B of files
layer: of the entry that is seen, 1 is the base; -: a directory that the last
layer to put something there does not list; size: unpacked, a file with several
names once in sums; 1 MB = 1,000,000 bytes

layer  mode        owner  size  path
    -  drwxr-xr-x    0:0        /
    1  drwxr-xr-x    0:0        bin/
    1  lrwxrwxrwx    0:0        bin/link -> ../etc/a
    -  drwxr-xr-x    0:0        etc/
    2  -rw-r--r--    7:8   5 B  etc/a
    1  -rw-r--r--    0:0   4 B  etc/a2
    1  -rw-r--r--    0:0   1 B  etc/odd\xe9\n.name
    -  drwxr-xr-x    0:0        new/
    2  -rw-r--r--    7:8   1 B  new/file
                          11 B  TOTAL
TEXT
run 0 files shop:1 layout --width 80
[ ! -s err ] || fail "standard error: $(cat err)"
diff expected out || fail "another text"
cp out text

run 0 files shop:1 layout --json
check_json out
cp out one.json
[ ! -x "$python" ] || "$python" - out <<'PYTHON' || fail "the JSON is not what the layers hold"
import hashlib, json, sys
document = json.load(open(sys.argv[1]))
assert document["image"]["refs"] == ["shop:1"] and len(document["image"]["layers"]) == 2
assert document["image"]["platform"] == "linux/amd64"
entries = {e["path"]: e for e in document["entries"]}
assert list(entries) == ["", "bin", "bin/link", "etc", "etc/a", "etc/a2", "etc/odd\ufffde9\n.name", "new",
                         "new/file"], list(entries)
sha = lambda b: hashlib.sha256(b).hexdigest()
assert entries["etc/a"] == {"path": "etc/a", "type": "file", "mode": "0644", "uid": 7, "gid": 8, "size": 5,
    "mtime": "-2.000000000", "sha256": sha(b"three"), "xattrs": {"user.note": "aGVsbG8="}, "links": [], "layer": 2}
assert entries["etc/a2"]["sha256"] == sha(b"one\n") and entries["etc/a2"]["layer"] == 1
assert entries["etc"] == {"path": "etc", "type": "directory", "mode": "0755", "uid": 0, "gid": 0, "size": 0,
    "mtime": "1600000000.000000000", "xattrs": {}, "links": [], "layer": None, "implied": True}
assert entries["new"]["mtime"] is None and entries["new"]["implied"]
assert entries["bin/link"]["target"] == "../etc/a" and entries["bin/link"]["mode"] == "0777"
PYTHON
run 0 files shop:2 layout --json
check_json out
[ ! -x "$python" ] || "$python" - out <<'PYTHON' || fail "the JSON of shop:2"
import json, sys
entries = {e["path"]: e for e in json.load(open(sys.argv[1]))["entries"]}
assert entries["etc/a"]["links"] == ["etc/a2"] and entries["etc/a2"]["links"] == ["etc/a"]
assert entries["etc/b"]["mode"] == "4755"
PYTHON

# Every image, one a line; what one image says is the same.
run 0 files --all layout
check_json out
[ "$(wc -l <out)" = 2 ] || fail "not one line for each image"
[ ! -x "$python" ] || "$python" - out one.json <<'PYTHON' || fail "--all differs"
import json, sys
assert json.loads(open(sys.argv[1]).readline()) == json.load(open(sys.argv[2]))
PYTHON
run 0 files --all --hidden layout
check_json out

# Two runs, the second one with the contents in the store, write the same.
run 0 files shop:1 layout --width 80
cmp -s out text || fail "two runs differ"
[ "$(find cache -name '*.inv' | wc -l)" = 2 ] || fail "not both layers are in the store"

run 0 files shop:1 layout --layer 2
sed -n 's/^\(added\|changed\|removed\) .* \([^ ]*\)$/\1 \2/p' out >found
printf '%s\n' 'changed etc/a' 'removed etc/b' 'added new/' 'added new/file' | cmp - found ||
  fail "--layer: $(cat out)"
grep -q '^shop:1: layer 2 of 2 adds 2 paths, changes 1, removes 1$' out || fail "$(cat out)"
run 0 files shop:1 layout --layer 2 --json
check_json out
run 0 files shop:1 layout --hidden
grep -q '^ *1 *2 .* deleted *etc/b$' out || fail "--hidden: $(cat out)"
run 0 files shop:1 layout --hidden --json
check_json out
[ ! -x "$python" ] || "$python" - out <<'PYTHON' || fail "the JSON of --hidden"
import json, sys
hidden = json.load(open(sys.argv[1]))["hidden"]
assert [(h["path"], h["layer"], h["by_layer"], h["cause"]) for h in hidden] == [
    ("etc/b", 1, 2, "deleted")], hidden
PYTHON

# Paths, order, rows.
run 0 files shop:1 layout --path /etc/ --sort size --top 1
grep -q '^    2  .* etc/a$' out || fail "the largest is not first: $(cat out)"
grep -q '\[3 others; --top 0 shows all\]' out || fail "$(cat out)"
run 0 files shop:1 layout --path '*/a*' --path new
[ "$(grep -c ' 2  ' out)" = 2 ] || fail "--path: $(cat out)"
for width in 60 80 100 160; do
  for what in '' --hidden '--layer 2'; do
    # shellcheck disable=SC2086
    run 0 files shop:1 layout $what --width $width
    awk -v width=$width 'length($0) > width { print; bad = 1 } END { exit bad }' out >wide ||
      fail "wider than $width: $(cat wide)"
  done
done

# Bad input.
expect_error() {
  grep -qF -- "$1" err || fail "expected '$1', found: $(cat err)"
}
run 1 files shop:3 layout
expect_error 'no image "shop:3" in the fleet; did you mean "shop:'
run 1 files shop:1 layout --layer 99
expect_error 'shop:1: expected --layer from 1 to 2, found 99'
run 2 files shop:1 layout --layer 0
run 1 files shop:1 layout --path etc/aa
expect_error "--path etc/aa matches no path of shop:1; did you mean etc/a?"
run 1 files --all layout --path nowhere/at/all
expect_error "matches no path; expected a path from the root"
run 2 files shop:1 layout --format tar
expect_error 'expected text, json or mtree'
run 2 files shop:1 layout --format mtree --hidden
run 2 files --all layout --format mtree
run 2 files --all layout --layer 1
run 2 files shop:1
expect_error 'expected at least one SOURCE'
run 2 files
expect_error 'expected IMAGE'

# Without a home, and with a store that takes nothing, what is read serves this run.
(
  unset XDG_CACHE_HOME
  HOME='' "$gneiss" files shop:1 layout --width 80 >out 2>err || fail "no home: $(cat err)"
)
cmp -s out text || fail "without a home the text is another"
: >file
code=0
"$gneiss" files shop:1 layout --store file/store --width 80 >out 2>err || code=$?
[ $code = 0 ] || fail "a store that cannot be: $(cat err)"
expect_error 'what is read now is not kept'
cmp -s out text || fail "without a store the text is another"

# A layer that nobody has, one that is no tar, an image of Windows.
cp -r layout lacking
rm "lacking/blobs/sha256/$(echo "${top%% *}" | cut -d: -f2)"
rm -r cache
run 1 files shop:1 lacking
expect_error "shop:1: the contents of layer 2 of 2, ${top%% *}, are not known: no source has its blob"
[ ! -s out ] || fail "something is shown: $(cat out)"
run 1 files --all lacking
[ "$(wc -l <out)" = 1 ] || fail "the other image is missing"
expect_error '1 image is left out; --keep-going makes the exit code 0'
run 0 files --all lacking --keep-going
mkdir text-layout
printf 'no tar at all, just words' >text-layout/words
words=$(add_blob text-layout text-layout/words)
add_image text-layout 1 "$words"
run 1 files shop:1 text-layout
expect_error 'are not known: it is no tar, but'
cp -r layout windows
rm windows/manifests windows/index.json
add_image windows 1 "$base"
sed -i 's/"manifests":\[{/&"platform":{"os":"windows","architecture":"amd64"},/' windows/index.json
run 1 files shop:1 windows
expect_error 'shop:1 is an image of Windows'

# A file with very many names: what is written of them stays linear.
mkdir linked linked-layout
: >linked/n0
seq 1 1000 | while read -r n; do ln linked/n0 "linked/n$n"; done
linked=$(add_tar linked-layout linked)
add_image linked-layout 1 "$linked"
run 0 files shop:1 linked-layout --json
check_json out
[ "$(grep -c '"links":\["n0"\]' out)" = 1000 ] || fail "names beside the first do not name it alone"
[ "$(grep -c '"path":"n0",.*"n1","n10","n100","n1000",.*"n999"\]' out)" = 1 ] ||
  fail "the first name lacks others"

# The inventories that a layout brings are enough.
run 0 files debian-small:redis "$fleet" --json
check_json out

echo "files_test: passed"
