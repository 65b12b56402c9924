#!/bin/sh
# `gneiss report` in every format, of the fleet and of each group: the JSON is valid by its schema, the page
# holds the same data, every table adds up to what `gneiss stat`, `plan` and `waste` say, a file is
# complete or not there.
#
#   report_test.sh GNEISS
set -eu

gneiss=$1
fleet=datasets/debian-small
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "report_test: $*" >&2
  exit 1
}
# report NAME ARGUMENT...: standard error has to stay empty.
report() {
  name=$1
  shift
  "$gneiss" report --quiet -o "$work/$name" "$@" 2>"$work/err" || fail "$name: exit status $?: $(cat "$work/err")"
  [ ! -s "$work/err" ] || fail "$name: stderr: $(cat "$work/err")"
}

small=tests/cli/data/small.ndjson
hostile=tests/cli/data/hostile-names.ndjson
report fleet.json "$fleet" --format json
report fleet.html "$fleet"
report again.html "$fleet"
cmp -s "$work/fleet.html" "$work/again.html" || fail "two runs differ"
report small.json "$small" --json --max-images 3
report hostile.json "$hostile" --json --scope repository --layers-only
report hostile.html "$hostile" --scope repository --layers-only
report fleet.prom "$fleet" --format prom
report hostile.prom "$hostile" --format prom
for table in repositories namespaces images layers recommendations levels waste; do
  report "$table.csv" "$fleet" --format csv --table $table
done
report labels.csv "$small" --format csv --table labels
for format in html md prom json csv; do
  table=
  [ $format != csv ] || table="--table images"
  # shellcheck disable=SC2086
  report "by-$format" "$small" --by label:team --format $format $table
done
# A pattern that matches in some groups only is none of the others'; refs that are strangers' are files.
report by-namespace "$small" --by namespace --json --pin 'web/site:*'
report by-repository "$hostile" --by repository
"$gneiss" stat --json "$fleet" >"$work/stat" 2>/dev/null
"$gneiss" plan --json "$fleet" >"$work/plan" 2>/dev/null
"$gneiss" waste --json "$fleet" >"$work/waste" 2>/dev/null
grep -q "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-" "$work/fleet.html" ||
  fail "the page has no policy"

# A bare machine has no Python; CI has.
[ -z "${CI:-}" ] || [ -x /usr/bin/python3 ] || fail "python3 is missing"
[ -z "${CI:-}" ] || /usr/bin/python3 -c 'import jsonschema' || fail "python3-jsonschema is missing"
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work" <<'PYTHON' || fail "a report is not what the fleet holds"
import csv, glob, json, os, re, sys
work = sys.argv[1]
load = lambda name: json.load(open(f"{work}/{name}"))
try:
    import jsonschema
    def valid(document, name):
        schema = json.load(open(f"io/report/schema/gneiss.{name}-1.schema.json"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(document)
        assert not validator.is_valid({**document, "schema": "other"}), "the schema accepts anything"
except ImportError:
    valid = lambda document, name: None

def check_sums(doc):
    fleet = doc["fleet"]
    for table in doc["tables"]:
        total = lambda key: sum(row[key] for row in table["rows"]) + table["left_out"][key]
        assert total("proportional_bytes") == fleet["physical_bytes"], table["by"]
        assert total("images") - table["repeated_images"] == fleet["images"], table["by"]
        assert (total("logical_bytes") - table["repeated_logical_bytes"]
                == fleet["logical_bytes"] - fleet["repeated_bytes"]), table["by"]
    images = doc["images"], doc["images_left_out"]
    assert sum(i["proportional_bytes"] for i in images[0]) + images[1]["proportional_bytes"] == fleet["physical_bytes"]
    assert len(images[0]) + images[1]["images"] == fleet["images"]
    if doc["waste"]:
        for key in ("saves_storage_bytes", "saves_transfer_bytes"):
            assert sum(kind[key] for kind in doc["waste"]["kinds"]) == doc["waste"][key]
    for level in doc["levels"]:
        assert level.get("lower_bound", 0) <= level["cost"], level["level"]
    for image in doc["images"]:
        assert sum(length for length, _ in image["planned"]["squash"]) == len(image["layers"])
        assert max(image["layers"], default=0) < len(doc["layers"])
        for level in ("bases", "carve"):
            assert all(l < len(doc["new_layers"][level]) for l in image["planned"].get(level, []))
    for r in doc["recommendations"]:
        assert len(r["images"]) <= r["num_images"] and r["why"] and r["how"], r["id"]

for name in ("fleet.json", "small.json", "hostile.json"):
    doc = load(name)
    valid(doc, "report")
    check_sums(doc)
assert len(load("small.json")["images"]) == 3
doc = load("fleet.json")
# What other commands say of the same fleet.
stat, plan, waste = load("stat"), load("plan"), load("waste")
for key in ("images", "layers", "logical_bytes", "physical_bytes", "max_layers"):
    assert doc["fleet"][key] == stat[key], key
rows = {table["by"]: table["rows"] for table in doc["tables"]}
assert rows["repository"] == stat["by_repository"] and rows["namespace"] == stat["by_namespace"]
levels = {level["level"]: level for level in doc["levels"]}
for level in plan["levels"]:
    mine = levels[level["level"]]
    assert {key: mine[key] for key in level["planned"]} == level["planned"], level["level"]
    for key in ("lower_bound", "gap", "status"):
        assert mine[key] == level[key], key
    stored = set()
    for image in doc["images"]:
        stored.update(image["planned"].get(level["level"], []) if level["level"] != "squash" else [])
    if stored:
        made = doc["new_layers"][level["level"]]
        assert sum(made[l]["size"] for l in stored) == level["planned"]["storage_bytes"], level["level"]
assert levels["floor"]["storage_bytes"] == plan["floor"]["storage_bytes"]
assert doc["waste"]["kinds"] == waste["kinds"]

# The page's data is the document.
for name in ("fleet", "hostile"):
    page = open(f"{work}/{name}.html", encoding="utf-8").read()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
    assert json.loads(data) == load(name + ".json"), name
    assert page.count("<script") == 3 and "<!--" not in data and "\u2028" not in data
    assert not re.search(r'(src|href)="(?!#)', page), "the page names another file"

# CSV: records of one length, and the sums.
def table(name):
    raw = open(f"{work}/{name}.csv", newline="", encoding="utf-8").read()
    assert raw.endswith("\r\n") and "\n" not in raw.replace("\r\n", ""), name
    lines = list(csv.DictReader(raw.splitlines()))
    assert lines and all(None not in line and None not in line.values() for line in lines), name
    return lines
total = lambda name, key: sum(int(row[key]) for row in table(name))
for name in ("repositories", "namespaces", "images"):
    assert total(name, "proportional_bytes") == stat["physical_bytes"], name
assert total("layers", "size") == stat["layer_bytes"]
assert total("waste", "saves_storage_bytes") == waste["saves_storage_bytes"]
assert len(table("recommendations")) == len(doc["recommendations"]) + doc["recommendations_left_out"]
assert [row["level"] for row in table("levels")] == list(levels)
small = load("small.json")
assert total("labels", "proportional_bytes") == small["fleet"]["physical_bytes"]

# Prometheus text, by the grammar of the format.
label = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
sample = re.compile(r'(gneiss_[a-z_]+)(?:\{%s(?:,%s)*\})? (-?[0-9.e+-]+)$' % (label, label))
def samples(path):
    seen, kinds, found = set(), {}, {}
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("# TYPE "):
            _, _, metric, kind = line.split(" ")
            assert kind == "gauge" and metric not in kinds, line
            kinds[metric] = kind
        elif not line.startswith("# HELP "):
            match = sample.match(line)
            assert match and match.group(1) in kinds, line
            key = line.rsplit(" ", 1)[0]
            assert key not in seen, line
            seen.add(key)
            found[key] = float(match.group(2))
    return found
fleet = samples(f"{work}/fleet.prom")
assert fleet["gneiss_stored_bytes"] == stat["physical_bytes"]
assert fleet['gneiss_level_storage_bytes{level="carve"}'] == levels["carve"]["storage_bytes"]
samples(f"{work}/hostile.prom")

# One report a group: each alone, the index over all.
index = load("by-json/index.json")
valid(index, "report-index")
assert sum(row["proportional_bytes"] for row in index["groups"]) == index["physical_bytes"] == small["fleet"]["physical_bytes"]
assert sum(row["images"] for row in index["groups"]) - index["repeated_images"] == index["images"]
assert index["images_without_label"] > 0
for row in index["groups"]:
    group = load("by-json/" + row["file"])
    valid(group, "report")
    check_sums(group)
    assert group["group"] == {"by": "label:team", "name": row["name"]}
    assert group["fleet"]["images"] == row["images"]
    assert group["fleet"]["physical_bytes"] == row["size_bytes"], row["name"]
    assert group["levels"][0]["storage_bytes"] == row["alone_bytes"]
    page = open(f"{work}/by-html/{row['file'].replace('.json', '.html')}").read()
    data = re.search(r'id="data">(.*?)</script>', page, re.S).group(1)
    assert json.loads(data) == group
pinned = load("by-namespace/web.json")["model"]["pinned_images"], load("by-namespace/java.json")["model"]["pinned_images"]
assert pinned[0] > 0 and pinned[1] == 0, pinned
assert len(os.listdir(f"{work}/by-repository")) == len(load("hostile.json")["tables"][0]["rows"]) + 1
page = open(f"{work}/by-html/index.html").read()
links = re.findall(r'href="([^"]*)"', page)
assert len(links) == len(index["groups"]) and all(os.path.exists(f"{work}/by-html/{link}") for link in links)
for folder, last in (("html", "html"), ("md", "md"), ("csv", "csv"), ("prom", "csv"), ("json", "json")):
    files = sorted(os.listdir(f"{work}/by-{folder}"))
    assert len(files) == len(index["groups"]) + 1 and f"index.{last}" in files, files
every = [samples(path) for path in glob.glob(f"{work}/by-prom/*.prom")]
assert len(set().union(*every)) == sum(map(len, every)), "two groups have one sample"
PYTHON

# A label that no image has, and files that cannot be.
code=0
"$gneiss" report "$small" --by label:tean -o "$work/none" >"$work/out" 2>"$work/err" || code=$?
[ $code = 1 ] || fail "a label that no image has: exit status $code"
echo 'gneiss: --by label:tean: no image has this label; labels here: team' | cmp - "$work/err" || fail "found: $(cat "$work/err")"
[ ! -e "$work/none" ] || fail "a folder was made for nothing"
"$gneiss" report "$small" --by label:team -o "$work/said" 2>"$work/err" >"$work/out"
grep -q '^gneiss: [0-9]* of [0-9]* images have no label team: they are in (none)$' "$work/err" || fail "found: $(cat "$work/err")"
"$gneiss" report "$small" --by platform -o "$work/fleet.json" >"$work/out" 2>"$work/err" && fail "a file serves as a folder"
[ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line, found: $(cat "$work/err")"
mkdir "$work/metrics"
"$gneiss" report "$small" --format prom -o "$work/metrics/gneiss.prom"
[ "$(ls -A "$work/metrics")" = gneiss.prom ] || fail "more than the file is left: $(ls -A "$work/metrics")"
"$gneiss" report --format prom tests/cli/data/none.ndjson -o "$work/metrics/other.prom" 2>/dev/null && fail "nothing was reported"
[ "$(ls -A "$work/metrics")" = gneiss.prom ] || fail "a report that failed left a file"
echo "report_test: passed"
