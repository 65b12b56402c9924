#!/bin/sh
# What `gneiss plan` writes: JSON that fits its schema, the same bytes at every run and for every order of the
# input's lines, a file that is the same as standard output, nothing on stderr where nothing is odd.
#
#   plan_output_test.sh GNEISS     status 77 (skipped) without python3-jsonschema, except under CI
set -eu

gneiss=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Not what this machine's user has scanned.
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "plan_output_test: $*" >&2
  exit 1
}

# Debian's own Python has Debian's modules.
python=/usr/bin/python3
if ! "$python" -c 'import jsonschema' 2>/dev/null; then
  [ -z "${CI:-}" ] || fail "python3-jsonschema is missing"
  echo "plan_output_test: skipped, python3-jsonschema is missing"
  exit 77
fi

plan() { # plan NAME SOURCE...: writes NAME.json, fails when there is a word on stderr
  name=$1
  shift
  "$gneiss" plan --json "$@" >"$work/$name.json" 2>"$work/$name.err" || fail "$name: exit status $?"
  [ ! -s "$work/$name.err" ] || fail "$name: stderr is not empty: $(cat "$work/$name.err")"
}

scenarios=datasets/scenarios
plan web "$scenarios/shared-web-server.ndjson"
plan web_ecr --scope ecr --images-per-node 0 --pin 'web/shop:*' "$scenarios/shared-web-server.ndjson"
plan priced --storage-price 0.10 --transfer-price 0.09 "$scenarios/shared-web-server.ndjson"
plan thousands "$scenarios/base-under-thousands.ndjson.gz"
plan lone --max-layers 3 --transfer-weight 0 "$scenarios/image-that-shares-nothing.ndjson"
plan two "$scenarios/languages-apart.ndjson" "$scenarios/languages-in-one.ndjson"
# With the inventories beside its blobs, and without.
if [ -d datasets/debian-fleet ]; then
  plan debian --quiet datasets/debian-fleet
  plan debian_manifests --no-contents datasets/debian-fleet
fi

"$python" - io/report/schema/gneiss.plan-1.schema.json "$work"/*.json <<'PYTHON' || fail "a plan does not fit its schema"
import json, os, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sys.argv[2:]:
    plan = json.load(open(name))
    validator.validate(plan)
    for level in plan["levels"]:
        # Every image keeps its layers, in order; savings add up to the difference.
        joined = sum(len(image["layers"]) for image in level["images"])
        assert joined == level["planned"]["layer_references"], name
        flat = sum(len(part["from"]) for image in level["images"] for part in image["layers"])
        assert flat == level["current"]["layer_references"], name
        for figure in ("cost", "storage_bytes", "transfer_bytes", "layers"):
            key = "layer_references" if figure == "layers" else figure
            saved = sum(r["saves_" + figure] for r in level["recommendations"])
            assert saved == level["current"][key] - level["planned"][key], (name, figure)
        assert level["lower_bound"] <= level["planned"]["cost"], name
        hidden = sum(run["hidden_bytes"] for r in level["recommendations"] for run in r["runs"])
        assert hidden == 0 or plan["model"]["contents"]["known_layers"] > 0, name
plans = {os.path.basename(name): json.load(open(name)) for name in sys.argv[2:]}
if "debian.json" in plans:
    contents, manifests = plans["debian.json"], plans["debian_manifests.json"]
    assert contents["model"]["contents"] == {"known_layers": 74, "images_from_manifests": 0}
    assert manifests["model"]["contents"] == {"known_layers": 0, "images_from_manifests": 48}
    planned = [p["levels"][0]["planned"]["cost"] for p in (contents, manifests)]
    assert planned[0] < planned[1], planned
broken = json.loads(json.dumps(plan))
broken["levels"][0]["gap"] = -1
assert not validator.is_valid(broken), "the schema accepts anything"
PYTHON

# Images with layers that are not known are told; without a home there is no store, and no error.
if [ -d datasets/debian-fleet ]; then
  cp -R datasets/debian-fleet "$work/partly"
  find "$work/partly/inventories" -name '*.inv' | LC_ALL=C sort | head -n 10 | xargs rm
  "$gneiss" plan --quiet "$work/partly" >"$work/screen"
  grep -q '^contents known of 64 of 74 layers; [0-9]* images with others planned from manifests there$' \
    "$work/screen" || fail "the screen does not say which images are planned from manifests"
fi
env -u HOME -u XDG_CACHE_HOME "$gneiss" plan "$scenarios/languages-apart.ndjson" >"$work/screen" ||
  fail "no plan without a home"
! grep -q '^contents known' "$work/screen" || fail "contents of layers that nobody has scanned"

# Twice the same, and whatever the order of the lines.
plan again "$scenarios/base-under-thousands.ndjson.gz"
cmp -s "$work/thousands.json" "$work/again.json" || fail "two runs differ"
gzip -dc "$scenarios/base-under-thousands.ndjson.gz" >"$work/lines"
LC_ALL=C sort -r "$work/lines" >"$work/reversed.ndjson"
shuf --random-source="$work/lines" "$work/lines" >"$work/shuffled.ndjson"
cmp -s "$work/lines" "$work/shuffled.ndjson" && fail "the lines were not shuffled"
plan reversed "$work/reversed.ndjson"
plan shuffled "$work/shuffled.ndjson"
cmp -s "$work/thousands.json" "$work/reversed.json" || fail "the order of lines shows in the plan"
cmp -s "$work/thousands.json" "$work/shuffled.json" || fail "the order of lines shows in the plan"

# -o keeps the plan beside the screen, whole or not at all.
"$gneiss" plan -o "$work/kept.json" "$scenarios/base-under-thousands.ndjson.gz" >"$work/screen"
cmp -s "$work/thousands.json" "$work/kept.json" || fail "-o and --json differ"
grep -q 'optimal, gap' "$work/screen" || fail "the screen does not state the proof"
if "$gneiss" plan -o "$work/no/such/folder" "$scenarios/languages-apart.ndjson" >/dev/null 2>"$work/err"; then
  fail "a plan was written into a folder that is not there"
fi
[ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line, found: $(cat "$work/err")"
echo "plan_output_test: passed"
