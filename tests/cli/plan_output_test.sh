#!/bin/sh
# What `gneiss plan` writes: JSON that fits its schema, the same bytes at every run and for every order of the
# input's lines, a file that is the same as standard output, nothing on stderr where nothing is odd.
#
#   plan_output_test.sh GNEISS [few]     status 77 (skipped) without python3-jsonschema, except under CI
#
# few: fewer images, for a slow GNEISS
set -eu

gneiss=$1
size=${2:-}
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
# With the inventories beside its blobs, and without. Seven of its images, with pins, few layers, one
# base, no time to improve anything, points of the frontier, and a gap that is enough.
few=
if [ -d datasets/debian-fleet ]; then
  plan debian --quiet --level squash datasets/debian-fleet
  plan debian_manifests --no-contents datasets/debian-fleet
  few="--quiet --store datasets/debian-fleet --trust-store"
  refs="apps/shop:1.0 apps/shop:1.4 platform/debian:12"
  [ -n "$size" ] || refs="$refs apps/kiosk:1.0 apps/api:2.0 data/redis:7.0 data/redis:7.0-zstd"
  for ref in $refs; do
    few="$few oci:datasets/debian-fleet:$ref"
  done
  # shellcheck disable=SC2086
  {
    plan few $few
    plan few_pinned --pin 'apps/*' --max-layers 3 $few
    plan few_one --level bases --bases 1 --mtime ignore $few
    plan few_hurry --level carve --time-limit 0.001 --max-layers 3 $few
    plan few_frontier --frontier --max-layers 3 $few
    plan few_near --gap 0.3 $few
    plan few_near_again --gap 0.3 $few
  }
  cmp -s "$work/few_near.json" "$work/few_near_again.json" || fail "two runs that end at a gap differ"
fi

"$python" - io/report/schema/gneiss.plan-1.schema.json "$work"/*.json <<'PYTHON' || fail "a plan does not fit its schema"
import json, os, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

def numbers(ranges):
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)

def check_generated(plan, level, name):
    """Recounts a level of new layers from its images; no image has an entry twice."""
    size = {layer["id"]: layer["size"] for layer in level["layers"]}
    entries = {layer["id"]: {(part["digest"], n) for part in layer["from"] for n in numbers(part["entries"])}
               for layer in level["layers"]}
    used, kept = {}, set()
    for image in level["images"]:
        for layer in image["layers"]:
            if "entries" in layer:
                used[layer["entries"]] = used.get(layer["entries"], 0) + 1
            else:
                kept.update(layer["from"])
        assert len(image["layers"]) <= plan["model"]["max_layers"] or kept, name
    assert used == {layer["id"]: layer["images"] for layer in level["layers"]}, name
    if plan["model"]["scope"] == "global":
        rest = level["planned"]["storage_bytes"] - sum(size.values())
        assert (rest > 0) == bool(kept), (name, rest)
    assert plan["floor"]["storage_bytes"] <= level["planned"]["storage_bytes"], name
    assert plan["floor"]["cost"] <= level["planned"]["cost"], name
    for base in level.get("bases", []):
        assert len(base["images"]) == used[base["layer"]], name
        assert "on" not in base or base["size"] > size[base["on"]], name

for name in sys.argv[2:]:
    plan = json.load(open(name))
    validator.validate(plan)
    for level in plan["levels"]:
        layers = sum(len(image["layers"]) for image in level["images"])
        assert layers == level["planned"]["layer_references"], name
        assert level["lower_bound"] <= level["planned"]["cost"], name
        if level["level"] != "squash":
            check_generated(plan, level, name)
            continue
        # Every image keeps its layers, in order; savings add up to the difference.
        flat = sum(len(part["from"]) for image in level["images"] for part in image["layers"])
        assert flat == level["current"]["layer_references"], name
        for figure in ("cost", "storage_bytes", "transfer_bytes", "layers"):
            key = "layer_references" if figure == "layers" else figure
            saved = sum(r["saves_" + figure] for r in level["recommendations"])
            assert saved == level["current"][key] - level["planned"][key], (name, figure)
        hidden = sum(run["hidden_bytes"] for r in level["recommendations"] for run in r["runs"])
        assert hidden == 0 or plan["model"]["contents"]["known_layers"] > 0, name
plans = {os.path.basename(name): json.load(open(name)) for name in sys.argv[2:]}
if "debian.json" in plans:
    contents, manifests = plans["debian.json"], plans["debian_manifests.json"]
    odd = {"replaced_symlinks": 0, "unlisted_parents": 0, "opaque_roots": 0}
    assert contents["model"]["contents"] == \
        {"known_layers": 74, "store": "shipped", "images_from_manifests": 0} | odd | {"unlisted_parents": 4}, \
        contents["model"]["contents"]
    assert manifests["model"]["contents"] == \
        {"known_layers": 0, "store": "none", "images_from_manifests": 48} | odd, manifests["model"]["contents"]
    planned = [p["levels"][0]["planned"]["cost"] for p in (contents, manifests)]
    assert planned[0] < planned[1], planned
    assert [level["level"] for level in manifests["levels"]] == ["squash"]
    few = plans["few.json"]
    squash, bases, carve = (level["planned"]["cost"] for level in few["levels"])
    assert carve <= bases < squash, (squash, bases, carve)
    pinned = [layer for image in plans["few_pinned.json"]["levels"][1]["images"]
              for layer in image["layers"] if "from" in layer]
    assert pinned, "no image keeps its layers"
    assert len(plans["few_one.json"]["levels"][1]["bases"]) == 1
    assert plans["few_hurry.json"]["levels"][1]["planned"]["max_layers"] <= 3
    points = plans["few_frontier.json"]["frontier"]["by_layers"]
    assert [point["max_layers"] for point in points] == [1, 2, 3], points
    assert plans["few_frontier.json"]["levels"][1]["frontier"][0]["bases"] == 0
    for level, full in zip(plans["few_near.json"]["levels"], few["levels"]):
        assert level["status"] in ("optimal", "gap reached"), (level["level"], level["status"])
        assert full["gap"] <= level["gap"] <= 0.3, (level["level"], level["gap"])
        assert full["status"] != "gap reached", full["level"]
    assert plans["few_near.json"]["levels"][2]["status"] == "gap reached"
broken = json.loads(json.dumps(plan))
broken["levels"][0]["gap"] = -1
assert not validator.is_valid(broken), "the schema accepts anything"
PYTHON

# Images with layers that are not known are told; without a home there is no store, and no error.
if [ -d datasets/debian-fleet ]; then
  cp -R datasets/debian-fleet "$work/partly"
  find "$work/partly/inventories" -name '*.inv' | LC_ALL=C sort | head -n 10 | xargs rm
  "$gneiss" plan --quiet --level squash "$work/partly" >"$work/screen"
  grep -q '^contents known of 64 of 74 layers, as the shipped inventories say; [0-9]* images with others planned$' \
    "$work/screen" || fail "the screen does not say which images are planned from manifests"
fi
# The planned fleet, drawn, has the layers that the plan counts; one recommendation is told in full.
if [ -n "$few" ]; then
  for level in squash bases carve; do
    # shellcheck disable=SC2086
    "$gneiss" graph --json --level $level $few >"$work/graph.$level"
  done
  "$python" - "$work" <<'PYTHON' || fail "a graph differs from its plan"
import json, sys
plan = json.load(open(sys.argv[1] + "/few.json"))
for level in plan["levels"]:
    graph = json.load(open(f"{sys.argv[1]}/graph.{level['level']}"))
    layers = [node["size"] for node in graph["nodes"] if node["kind"] == "layer"]
    assert sum(layers) == level["planned"]["storage_bytes"], level["level"]
    assert len(graph["edges"]) <= level["planned"]["layer_references"], level["level"]
PYTHON
  # shellcheck disable=SC2086
  "$gneiss" explain n1 $few >"$work/screen"
  grep -q '^N1  a common base of ' "$work/screen" || fail "explain n1 says: $(head -n 1 "$work/screen")"
  grep -q '^largest files (20 of ' "$work/screen" || fail "explain n1 shows no files"
  # shellcheck disable=SC2086
  if "$gneiss" explain Q7 $few >"$work/screen" 2>"$work/err"; then
    fail "a recommendation that is not there was explained"
  fi
  grep -q '^gneiss: there is no recommendation "Q7"; this plan has S1 to ' "$work/err" ||
    fail "explain Q7 says: $(cat "$work/err")"
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
"$gneiss" plan --json -o "$work/alone.json" "$scenarios/base-under-thousands.ndjson.gz" >"$work/screen"
cmp -s "$work/thousands.json" "$work/alone.json" || fail "--json -o and --json differ"
[ ! -s "$work/screen" ] || fail "--json -o FILE writes to standard output as well"
if "$gneiss" plan -o "$work/no/such/folder" "$scenarios/languages-apart.ndjson" >/dev/null 2>"$work/err"; then
  fail "a plan was written into a folder that is not there"
fi
[ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line, found: $(cat "$work/err")"
echo "plan_output_test: passed"
