#!/bin/sh
# What users of other tools have reported, each as an input of the corpus whose README says what is right
# (fixtures/reports): gneiss gets it right. A folder with a `run` judges by itself; for the others it is here what
# gneiss shows, says and ends with.
#
#   reports_test.sh GNEISS [NAME]...
#
# NAME: these inputs only. Status 77 (skipped) without the corpus or, except under CI, a tool.
set -eu

reports=$(realpath -m "${GNEISS_CORPUS:-../shared}/fixtures/reports")
if [ ! -d "$reports" ]; then
  echo "reports_test: skipped, no folder $reports; GNEISS_CORPUS names another than ../shared"
  exit 77
fi
growth=$(realpath tests/cli/growth.py)
. "$(dirname "$0")/work_directory.sh"
shift
for tool in bash python3 /usr/bin/python3 valgrind; do
  command -v "$tool" >tool && continue
  [ -z "${CI:-}" ] || fail "$tool is missing"
  echo "reports_test: skipped, $tool is missing"
  exit 77
done
GNEISS=$gneiss
PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=$reports/lib
export GNEISS PYTHONDONTWRITEBYTECODE PYTHONPATH

# judged FOLDER: what its own `run` says, which makes its input elsewhere, is in `said`.
judged() {
  bash "$reports/$1/run" >said 2>&1 || fail "its run says: $(tail -n 20 said)"
}

# make_input FOLDER SCRIPT: the layouts that it writes are in the working directory.
make_input() {
  python3 "$reports/$1/$2" >made 2>&1 || fail "$2: $(tail -n 5 made)"
}

# shown LAYOUT REF: a line for each path that the image shows. Directories that no layer lists have any time.
shown() {
  "$gneiss" files "$2" "$1" --quiet --format json >files.json || fail "files $2 $1: exit code $?"
  /usr/bin/python3 -c '
import json
for e in json.load(open("files.json"))["entries"]:
    time = (e["mtime"] or "any").partition(".")[0]
    print(e["path"], e["type"], e["mode"], "%d:%d" % (e["uid"], e["gid"]), e["size"], time, e.get("sha256", "-")[:12],
          *(["-> " + e["target"]] if "target" in e else []),
          *("%s=%s" % x for x in e["xattrs"].items()), *("= " + name for name in e["links"]))'
}

# shows LAYOUT REF FILE: the image shows what is in the file, at any time where that says so.
shows() {
  shown "$1" "$2" >timed
  awk 'NR == FNR { any[FNR] = $6 == "any"; next } any[FNR] { $6 = "any" } { print }' "$3" timed >found
  diff "$3" found >difference || fail "$2 of $1 shows: $(cat difference)"
}

# keeps LAYOUT REF [LEVEL]...: after plan and apply of these levels, or of all, the image shows what it did, and the
# fleet is proven the same. Leaves the layouts beside each other, in folders called as the levels.
keeps() {
  layout=$1
  ref=$2
  shift 2
  shown "$layout" "$ref" >before
  run 0 scan --quiet "$layout"
  run 0 plan --quiet "$layout" -o plan.json
  for level in ${*:-squash bases carve}; do
    rm -rf "$level"
    mkdir "$level"
    run 0 apply --quiet plan.json --from "oci:$layout" --to "oci:$level/$(basename "$layout")" --level "$level"
    run 0 verify --quiet --rescan "$layout" "$level/$(basename "$layout")"
    shows "$level/$(basename "$layout")" "$ref" before
  done
}

# says FILE WORDS: a line of the file has them.
says() {
  grep -qF -- "$2" "$1" || fail "expected \"$2\" in: $(cat "$1")"
}

symlink_parent() {
  cat >expected <<'END'
app directory 0755 0:0 0 any -
app/main file 0755 0:0 2000 0 ccca685709aa
bin symlink 0777 0:0 0 0 - -> usr/bin
lib symlink 0777 0:0 0 0 - -> usr/lib
usr directory 0755 0:0 0 0 -
usr/bin directory 0755 0:0 0 0 -
usr/bin/tool file 0755 0:0 1000 0 98c5d56ef337
usr/lib directory 0755 0:0 0 0 -
usr/lib/libc.so.6 file 0755 0:0 5000 0 0786f809f430
usr/lib/libfoo.so.1 file 0755 0:0 3000 0 309eaf25f50f
END
  shows "$reports/symlink-parent/layout" layout:img expected
  keeps "$reports/symlink-parent/layout" layout:img
  run 0 stat "$reports/symlink-parent/layout"
  # Nothing of it is written twice, although the links stand where the files' names begin.
  run 0 waste "$reports/symlink-parent/layout" --json
  says out '"findings": []'
}

# As containerd has it: the file's mode is that of its link's header, which it unpacks last.
hardlink_through_symlink() {
  cat >expected <<'END'
bin symlink 0777 0:0 0 0 - -> usr/bin
usr directory 0755 0:0 0 0 -
usr/bin directory 0755 0:0 0 0 -
usr/bin/perl file 0644 0:0 100 0 8a6a024eb102 = usr/bin/perl5.36
usr/bin/perl5.36 file 0644 0:0 100 0 8a6a024eb102 = usr/bin/perl
END
  shows "$reports/hardlink-through-symlink/layout" layout:img expected
  keeps "$reports/hardlink-through-symlink/layout" layout:img
}

breakout_HardlinkSymlinkBeforeCreateTarget() {
  cat >expected <<'END'
etc directory 0770 0:0 0 0 -
etc/passwd file 0644 0:0 5 0 f39592393ef0
localpasswd symlink 0777 0:0 0 0 - -> /etc/passwd = localpasswd-dup
localpasswd-dup symlink 0777 0:0 0 0 - -> /etc/passwd = localpasswd
zz file 0644 0:0 2000 0 8bdaa66a082e
END
  shows "$reports/breakout-HardlinkSymlinkBeforeCreateTarget/layout" layout:img expected
  keeps "$reports/breakout-HardlinkSymlinkBeforeCreateTarget/layout" layout:img
}

xattr_bsdtar() {
  cat >expected <<'END'
f file 0644 0:0 1 1796059930 6b86b273ff34 user.a=aGVsbG8=
zz file 0644 0:0 2000 0 8bdaa66a082e
END
  shows "$reports/xattr-bsdtar/layout" layout:img expected
  keeps "$reports/xattr-bsdtar/layout" layout:img
}

xattr_both_prefixes() {
  sed 's/ 1796059930 / 0 /' >expected <<'END'
f file 0644 0:0 1 0 6b86b273ff34 user.a=aGVsbG8=
zz file 0644 0:0 2000 0 8bdaa66a082e
END
  shows "$reports/xattr-both-prefixes/layout" layout:img expected
  keeps "$reports/xattr-both-prefixes/layout" layout:img
}

# Its `run` asks its own tree.py, which knows no directory that no entry lists: it finds those new in a layer that
# lists them, as new layers do. containerd and umoci unpack the same before and after.
implied_dir_emptied() {
  make_input implied-dir-emptied make.py
  cat >expected <<'END'
big file 0644 0:0 300000 1600000000 c0495fc69e3e
lib directory 0755 0:0 0 any -
lib/systemd directory 0755 0:0 0 any -
lib/systemd/system directory 0755 0:0 0 any -
tmp1 file 0644 0:0 50000 1600000000 3f51072ce4df
var directory 0755 0:0 0 any -
var/lib directory 0755 0:0 0 any -
var/lib/app directory 0755 0:0 0 any -
x file 0644 0:0 300 1600000000 1adfd03e7441
END
  shows in app:1 expected
  keeps in app:1
  for level in squash bases carve; do
    shown in solo:1 >expected
    says expected 'srv/data directory 0755 0:0'
    shows $level/in solo:1 expected
  done
}

# Its `run` asks its own tree.py, which cannot open a tar of zero bytes.
zero_byte_layer() {
  make_input zero-byte-layer make.py
  run 0 scan in
  says out 'layer of zero bytes: 2 times in 2 layers'
  grep -qE '^not a tar +0 ' out || fail "found: $(cat out)"
  cat >expected <<'END'
a file 0644 0:0 900 1600000000 2a40b3dc29c9
b file 0644 0:0 900 1600000000 584f40c9b831
END
  shows in zero:1 expected
  sed 's/^b \(.*\) .*/c \1 afd8cb74adc8/' expected >raw
  shows in zeroraw:1 raw
  keeps in zero:1
  for level in squash bases carve; do
    shows $level/in zeroraw:1 raw
    # Joined: an empty layer is as good as any other, and the good image is not touched by it.
    run 0 stat --images $level/in
    [ "$(grep -cE '^ +1 .* (zero|zeroraw|good):1$' out)" = 3 ] || fail "$level: expected 3 images of a layer, found: $(cat out)"
  done
}

unreadable_layers_and_apply() {
  judged unreadable-layers-and-apply
  # It does not judge the image whose blob is absent: it stops nobody who asks to go on.
  make_input unreadable-layers-and-apply make.py
  run 0 plan --quiet missing -o plan.json
  run 0 apply --quiet --keep-going plan.json --from oci:missing --to oci:rest --level squash
  says err 'odd:1'
  run 0 files --quiet good:1 rest
}

windows_hives() {
  judged windows-hives
  says said 'windows: 4 images of Windows keep their layers'
  make_input windows-hives make.py
  run 0 stat --quiet in
  says out '4 images'
  run 0 scan --quiet in
  run 0 waste --quiet in --json
  says out '"findings": []'
}

go_gnu_multi_hdrs() {
  echo 'second file 0644 0:0 0 0 e3b0c44298fc' >expected
  shows "$reports/go-gnu-multi-hdrs/layout" layout:img expected
  keeps "$reports/go-gnu-multi-hdrs/layout" layout:img
}

go_invalid_go17() {
  name=$(printf '%0120d' 0 | tr 0 p)
  cat >expected <<END
$name directory 0755 0:0 0 any -
$name/foo file 0644 2097152:0 0 0 e3b0c44298fc
END
  shows "$reports/go-invalid-go17/layout" layout:img expected
  keeps "$reports/go-invalid-go17/layout" layout:img
}

# Small layers that are joined for their headers' sake.
false_why() {
  run 0 scan --quiet "$reports/false-why/layout"
  run 0 plan --quiet "$reports/false-why/layout"
  says out 'join 5 layers of layout:a'
  says out 'no file is hidden'
  for command in plan waste 'report --format md'; do
    # shellcheck disable=SC2086
    run 0 $command --quiet "$reports/false-why/layout"
    ! grep -iE 'delete|replace|overwrit|whiteout|(is|are) hidden' out | grep -v 'no file is hidden' ||
      fail "$command speaks of hidden files: no path occurs twice"
  done
}

verify_config_image() {
  run 0 verify --rescan docker-archive:"$reports/verify-config-image/docker-save.tar" oci:"$reports/verify-config-image/oci"
  says out '1 image, 1 the same'
}

# Where each differs: keys without regard to case, the last object of a name, and of a name's objects all members.
verify_casefold() {
  for pair in '45 /config/StopTimeout' '54 /config/User' '55 /config/User' '56 /config/Volumes' '57 /evil' \
    '59 /rootfs/diff_ids/0'; do
    folder=$reports/verify-casefold/DIFF${pair%% *}
    run 3 verify --quiet "oci:${folder}l" "oci:${folder}r"
    says out "${pair#* } "
    run 0 verify --quiet "oci:${folder}l" "oci:${folder}l"
  done
}

# refused PLAN LEVEL: by the image and what it would lose, before anything is there.
refused() {
  rm -rf out.oci
  run 1 apply "$1" --from oci:lay --to oci:out.oci --level "$2"
  [ "$(wc -l <err)" = 1 ] || fail "$1, $2: expected one line, found: $(cat err)"
  says err 'img'
  says err 'plan these sources anew'
  [ ! -e out.oci/index.json ] || fail "$1, $2: a layout is there"
}

apply_dropped_layer() {
  make_input apply-dropped-layer mk1.py
  run 0 scan --quiet lay
  for plan in m_c1 m_c5 q_drop; do
    cp "$reports/apply-dropped-layer/$plan.json" .
    refused $plan.json carve
    # Nothing else was changed in them.
    for level in squash bases; do
      rm -rf other.oci
      run 0 apply $plan.json --from oci:lay --to oci:other.oci --level $level
      run 0 verify --quiet --rescan lay other.oci
    done
  done
  # The same in a plan of today, at every level: the first image's last layer, and the first range shortened.
  run 0 plan --quiet lay -o plan.json
  for level in squash bases carve; do
    for change in layer range; do
      /usr/bin/python3 - $level $change <<'PYTHON'
import json, sys
plan = json.load(open("plan.json"))
level = next(level for level in plan["levels"] if level["level"] == sys.argv[1])
if sys.argv[2] == "layer":
    del level["images"][0]["layers"][-1]
elif "layers" in level and level["layers"]:
    # The last entry may be a directory that no layer lists, without which no image shows another.
    source = level["layers"][0]["from"][-1]
    assert source["entries"].startswith("0-"), source
    source["entries"] = "1" + source["entries"][1:]
else:
    del level["images"][0]["layers"][-1]["from"][-1]
json.dump(plan, open("changed.json", "w"))
PYTHON
      refused changed.json $level
    done
  done
}

apply_symlinked_work() {
  make_input apply-dropped-layer mk1.py
  code=0
  bash "$reports/apply-symlinked-work/run.sh" >said 2>&1 || code=$?
  [ $code = 1 ] || fail "expected exit code 1, found $code: $(cat said)"
  says said 'found gneiss-apply.tmp'
  untouched() {
    [ "$(cat victim/p victim/sub/q)" = "$(printf 'precious\nx')" ] || fail "what is outside of the target was touched"
    [ "$(find victim | wc -l)" = 4 ] || fail "outside of the target: $(find victim)"
  }
  untouched
  for name in blobs blobs/sha256 gneiss-apply.tmp gneiss-apply.json index.json oci-layout; do
    rm -rf t
    mkdir -p "$(dirname "t/$name")"
    ln -s "$work/victim" "t/$name"
    run 1 apply plan.json --store st --from oci:lay --level carve --to oci:t
    untouched
  done
  # A layer that someone else has begun, and notes that tell it done.
  rm -rf t
  mkdir -p t/gneiss-apply.tmp
  mkdir good
  run 0 apply plan.json --store st --from oci:lay --level carve --to oci:good/t
  printf '{"schema":"gneiss.apply-marker/1","gneiss":"0.1.0","plan":"sha256:%s","level":"carve","compression":"gzip","compression_level":6}\n' \
    "$(sha256sum plan.json | cut -d' ' -f1)" >t/gneiss-apply.json
  mkdir -p t/blobs/sha256
  for blob in good/t/blobs/sha256/*; do
    name=$(basename "$blob")
    head -c "$(wc -c <"$blob")" /dev/zero >"t/blobs/sha256/$name"
  done
  code=0
  "$gneiss" apply plan.json --store st --from oci:lay --level carve --to oci:t >out 2>err || code=$?
  [ $code = 1 ] || diff -r good/t t >difference || fail "planted blobs were believed: $(cat difference)"
  [ $code != 1 ] || [ ! -e t/index.json ] || fail "a layout is there"
}

# Instructions at a size and at four times that, so that the machine's load does not matter; colliding names beside
# others as well.
quadratic() {
  python3 "$growth" "$gneiss" "$work" --reports "$reports" >growth.out 2>growth.err ||
    fail "$(cat growth.out growth.err)"
}

fleet_blinded() {
  fleet=$reports/fleet-blinded/overone.ndjson
  for command in 'stat --images' tree 'plan --no-contents' 'report --format md'; do
    # shellcheck disable=SC2086
    run 1 $command "$fleet"
    says err "overone.ndjson:2: expected an image of at most 500 layers (--max-image-layers), found 1025"
    grep -qE 'good/a:1|1 image' out || fail "$command: found: $(cat out)"
    # Where it may have as many layers, they may not have more bytes than can be counted.
    run 1 $command "$fleet" --max-image-layers 2000
    says err 'overone.ndjson:2: '
    grep -qE 'good/a:1|1 image' out || fail "$command: found: $(cat out)"
  done
  make_input fleet-blinded gen.py
  # Each beside an image that is good: named by its layout in one short line, the other is reported.
  for layout in badsize deepconf deepman hugenum manydistinct manylayers nan surr; do
    code=0
    "$gneiss" stat --images $layout dag >out 2>err || code=$?
    [ $code = 1 ] || fail "$layout: expected exit code 1, found $code: $(cat err)"
    says err "$layout/"
    says out 'x:1'
    awk -v layout=$layout 'length($0) > 400 { print layout ": a line of " length($0) " bytes"; exit 1 }' err || exit 1
  done
  run 0 stat --images --keep-going deepidx dag
  says err 'deepidx/index.json: JSON is nested deeper than 100 levels'
  says out 'x:1'
  for layout in dupkeys env hist labels1e5; do
    run 0 stat --images $layout dag
    says out 'r:1'
  done
}

# Row 18 of the hostile layers: a whiteout below a link of its own layer deletes where the link leads to, one below
# a link of a lower layer does not.
whiteout_below_symlink() {
  python3 - <<'PYTHON'
from kit import *
L = Layout("links")
base = L.layer(tar([e("etc/"), e("etc/passwd", "p"), e("etc/group", "g"), e("srv/"), e("srv/x", "x")]))
linked = L.layer(tar([e("etc/"), e("etc/passwd", "p"), e("localetc", type="l", link="etc")]))
marks = [e("localetc", type="l", link="etc"), e("localsrv", type="l", link="/srv"), e("localetc/.wh.passwd", ""),
         e("localsrv/.wh..wh..opq", "")]
L.image("same:1", [base, L.layer(tar(marks))])
L.image("lower:1", [linked, L.layer(tar([e("localetc/.wh.passwd", ""), e("y", "y")]))])
L.write()
PYTHON
  cat >same <<'END'
etc directory 0755 0:0 0 1600000000 -
etc/group file 0644 0:0 1 1600000000 cd0aa9856147
localetc symlink 0777 0:0 0 1600000000 - -> etc
localsrv symlink 0777 0:0 0 1600000000 - -> /srv
srv directory 0755 0:0 0 1600000000 -
END
  cat >lower <<'END'
etc directory 0755 0:0 0 1600000000 -
etc/passwd file 0644 0:0 1 1600000000 148de9c5a7a4
localetc directory 0755 0:0 0 any -
y file 0644 0:0 1 1600000000 a1fce4363854
END
  shows links same:1 same
  shows links lower:1 lower
  keeps links same:1
  for level in squash bases carve; do shows $level/links lower:1 lower; done
  run 0 scan links
  says out 'entry below a symlink of its layer: 2 times'
  for command in plan waste; do
    run 0 $command links
    says out 'risk: 1 symlink (localetc of '
  done
}

names="symlink-parent hardlink-through-symlink breakout-HardlinkSymlinkBeforeCreateTarget xattr-bsdtar
xattr-both-prefixes implied-dir-emptied zero-byte-layer unreadable-layers-and-apply windows-hives go-gnu-multi-hdrs
go-invalid-go17 false-why verify-config-image verify-casefold apply-dropped-layer apply-symlinked-work quadratic
fleet-blinded whiteout-below-symlink"
failed=
for name in ${*:-$names}; do
  mkdir "$work/$name"
  # Not the left side of || or &&, where a shell goes on after what fails.
  set +e
  (
    set -e
    script="reports_test: $name"
    work=$work/$name
    XDG_CACHE_HOME=$work/cache
    cd "$work"
    "$(echo "$name" | tr - _)"
  )
  code=$?
  set -e
  [ $code = 0 ] || failed="$failed $name"
  rm -rf "${work:?}/$name"
done
[ -z "$failed" ] || fail "failed:$failed"
echo "reports_test: passed"
