#!/bin/sh
# `gneiss replay` and `gneiss forecast` as commands: one history as events by digest over a fleet file, by number
# over tables, and as CSV says the same; JSON as its schema has it; rows add up to the total; a forecast of a
# replay, of the same figures as CSV and of dated snapshots says the same.
#
#   replay_test.sh GNEISS
set -eu

. "$(dirname "$0")/work_directory.sh"
schemas=$(realpath "$OLDPWD/io/report/schema")
for tool in /usr/bin/python3 jq; do
  command -v "$tool" >/dev/null && continue
  [ -z "${CI:-}" ] || fail "$tool is missing"
  echo "replay_test: skipped, $tool is missing"
  exit 77
done

# Images of a base that is renewed every third month, and of applications on it.
/usr/bin/python3 - <<'PYTHON'
import hashlib, json
def digest(text): return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
layers, manifests, events, fleet = {}, [], [], []
def layer(name, size): return layers.setdefault(name, (len(layers), digest(name), size))
def image(ref, chain):
    manifests.append((digest(ref), chain, ref))
    fleet.append({"ref": ref, "platform": "linux/amd64", "manifest_digest": digest(ref),
                  "layers": [{"digest": d, "size": s} for _, d, s in chain]})
    return len(manifests) - 1
month = 2629746
for t in range(30):
    when = 1483228800 + t * month
    base = [layer("base%d" % (t // 3), 50000000 + t * 1000)]
    moves = [("base:1", image("base:%d" % (t // 3), base))] if t % 3 == 0 else []
    for a in range(1 + t // 4):
        chain = base + [layer("tool%d-%d" % (a, t // 6), 9000000), layer("app%d-%d" % (a, t), 3000000 + 999 * a)]
        moves.append(("app%d:latest" % a, image("app%d:%d" % (a, t), chain)))
    events += [(when, ref, m) for ref, m in moves]
events.append((1483228800 + 30 * month, "app0:latest", None))
with open("fleet.ndjson", "w") as f:
    for line in fleet: f.write(json.dumps(line) + "\n")
with open("layers.ndjson", "w") as f:
    for i, d, s in layers.values(): f.write(json.dumps({"id": i, "digest": d, "size": s}) + "\n")
with open("manifests.ndjson", "w") as f:
    for i, (d, chain, ref) in enumerate(manifests):
        f.write(json.dumps({"id": i, "manifest_digest": d, "platform": "linux/amd64", "first_ref": ref,
                            "layers": [c[0] for c in chain]}) + "\n")
with open("by-digest.ndjson", "w") as f:
    for t, ref, m in events:
        f.write(json.dumps({"t": t, "ref": ref, "digest": None if m is None else manifests[m][0]}) + "\n")
with open("by-number.ndjson", "w") as f:
    for t, ref, m in events: f.write(json.dumps({"t": t, "ref": ref, "m": m}) + "\n")
with open("events.csv", "w") as f:
    f.write("time,ref,manifest\n")
    for t, ref, m in events: f.write("%d,%s,%s\n" % (t, ref, "" if m is None else manifests[m][0]))
PYTHON

run 0 replay by-digest.ndjson fleet.ndjson --json --plan-at 2018-01-01
mv out replay.json
run 0 replay events.csv fleet.ndjson --json --plan-at 2018-01-01
cmp out replay.json || fail "CSV says something else"
run 0 replay by-number.ndjson --manifests manifests.ndjson --layers layers.ndjson --json --plan-at 2018-01-01
cmp out replay.json || fail "tables say something else"

# A plan file of what the tags named then is the plan of that day.
jq -r 'select(.t < 1514764800) | [.ref, .digest] | @tsv' by-digest.ndjson |
  awk '{ last[$1] = $2 } END { for (ref in last) print last[ref] }' >then
grep -F -f then fleet.ndjson >then.ndjson
run 0 plan then.ndjson --no-contents --quiet -o plan.json
run 0 replay by-digest.ndjson fleet.ndjson --json --plan plan.json
jq 'del(.planned.plan)' out >with-file
jq 'del(.planned.plan)' replay.json | cmp - with-file || fail "a plan file of that day is another plan"

run 0 replay by-digest.ndjson fleet.ndjson --bytes --width 0
awk '/^2/ { moves += $2; gsub(",", ""); pushed += $8; fetched += $9 }
  /^TOTAL/ { gsub(",", ""); if ($2 != moves || $3 != pushed || $4 != fetched) exit 1; found = 1; exit }
  END { exit !found }' out || fail "rows do not add up: $(cat out)"

run 0 forecast replay.json --json --quota 1GB --storage-price 0.1 --learn-until 2018-12-31
mv out forecast.json
/usr/bin/python3 - "$schemas" <<'PYTHON' || fail "not as the schemas say"
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(0)
for name in ("replay", "forecast"):
    schema = json.load(open(f"{sys.argv[1]}/gneiss.{name}-1.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.load(open(name + ".json")))
PYTHON
jq -e '.curves | map(.name) == ["stored", "stored with the plan", "logical"]' forecast.json >found ||
  fail "$(cat forecast.json)"
jq -e '.tests | length > 0' forecast.json >found || fail "nothing was compared"

# The same series otherwise; of stored bytes alone.
jq -r '"time,stored,logical", (.periods[] | "\(.held_at),\(.stored_bytes),\(.logical_bytes)")' replay.json >series.csv
run 0 forecast series.csv --json --quota 1GB --storage-price 0.1 --learn-until 2018-12-31
jq '.curves |= map(select(.name != "stored with the plan")) | .tests |= map(select(.curve != "stored with the plan"))' \
  forecast.json >of-replay
jq . out | cmp - of-replay || fail "CSV is expected to grow otherwise"
head -n 4 fleet.ndjson >a.ndjson
head -n 9 fleet.ndjson >b.ndjson
head -n 15 fleet.ndjson >c.ndjson
run 0 forecast 2024-01=a.ndjson 2024-03-01=c.ndjson 2024-02=b.ndjson 2024-04-01T00:00:00Z=fleet.ndjson --json --months 1
jq -e '.curves[0].points | length == 4 and (map(.bytes) | . == sort)' out >found || fail "$(cat out)"
for n in a b c fleet; do
  run 0 stat "$n.ndjson" --json
  jq .physical_bytes out
done >physical
run 0 forecast 2024-01=a.ndjson 2024-03-01=c.ndjson 2024-02=b.ndjson 2024-04-01=fleet.ndjson --json
jq '.curves[0].points[].bytes' out | cmp - physical || fail "snapshots weigh otherwise than stat says"

# With the share that a plan leaves of what is stored.
run 0 forecast series.csv --json --quota 1GB --storage-price 0.1 --plan plan.json --level squash
jq -e --slurpfile plan plan.json '($plan[0].levels[0] | .planned.storage_bytes / .current.storage_bytes) as $share |
  .curves | .[0].points as $stored | .[1].points as $planned | .[1].name == "stored with the plan" and
  ([range($stored | length) as $k | ($stored[$k].bytes * $share - $planned[$k].bytes) | fabs] | max < 1)' \
  out >found || fail "another share than the plan's: $(cat out)"
run 2 forecast replay.json --plan plan.json
run 1 forecast series.csv --plan plan.json --level bases
grep -q '^gneiss: plan.json:levels: expected a level bases, found squash' err || fail "$(cat err)"

# What is no history, or of something else.
expect_error() { # expect_error CODE TEXT ARGUMENTS...
  code=$1
  text=$2
  shift 2
  run "$code" "$@"
  [ "$(cat err)" = "$text" ] || fail "gneiss $*: $(cat err)"
}
head -n 2 by-digest.ndjson | tac >late.ndjson
sed -i '1s/"t": [0-9]*/"t": 1999999999/' late.ndjson
expect_error 1 "gneiss: late.ndjson:2: expected a time of 1999999999 or later, as in line 1, found 1483228800; sort the events by time" \
  replay late.ndjson fleet.ndjson
head -n 1 fleet.ndjson >one.ndjson
run 1 replay by-digest.ndjson one.ndjson
grep -q '^gneiss: by-digest.ndjson:2: expected a manifest that is known, found sha256:[0-9a-f]*; give the source that has it, or --keep-going' err ||
  fail "$(cat err)"
run 0 replay by-digest.ndjson one.ndjson --keep-going --json
jq -e '.unknown_images > 0' out >found || fail "$(cat out)"
sed 's/"layers": \[0/"layers": [99999/;2q' manifests.ndjson >wrong.ndjson
expect_error 1 "gneiss: wrong.ndjson:1: layers: expected numbers of the table of layers, found 99999" \
  replay by-number.ndjson --manifests wrong.ndjson --layers layers.ndjson
cat layers.ndjson layers.ndjson >twice.ndjson
run 1 replay by-number.ndjson --manifests manifests.ndjson --layers twice.ndjson
grep -q '^gneiss: twice.ndjson:[0-9]*: expected a layer once, found 0 again$' err || fail "$(cat err)"
expect_error 2 "gneiss replay: --plan-at: no tag names an image before 2001-01; events begin on 2017-01-01; see \`gneiss replay --help\`" \
  replay by-digest.ndjson fleet.ndjson --plan-at 2001-01
sed 's,gneiss.replay/1,gneiss.replay/7,' replay.json >other.json
expect_error 1 "gneiss: other.json:schema: expected gneiss.replay/1, found \"gneiss.replay/7\"; write it with \`gneiss replay --json\`" \
  forecast other.json
# Platforms are those of the events, else of their images.
run 0 replay by-digest.ndjson fleet.ndjson --platform linux/amd64 --json --plan-at 2018-01-01
cmp out replay.json || fail "all images are of that platform"
expect_error 2 "gneiss replay: --platform linux/arm64 matches no event; see \`gneiss replay --help\`" \
  replay by-number.ndjson --manifests manifests.ndjson --layers layers.ndjson --platform linux/arm64
sed '1s/$/\n{"t":1483228800,"ref":"other:1","digest":null}\n{"t":1483228800,"ref":"other:1","pulls":7}/' by-digest.ndjson >pulls.ndjson
run 0 replay pulls.ndjson fleet.ndjson
grep -q '^7 pulls of tags that named nothing: nothing fetched$' out || fail "$(cat out)"
run 2 replay by-digest.ndjson fleet.ndjson --images-per-node nan
run 2 replay by-digest.ndjson fleet.ndjson --include 'base*'
run 2 replay by-digest.ndjson fleet.ndjson --plan-at 2030-01
for wrong in '--confidence nan' '--confidence 80' '--storage-price nan' '--storage-price 1e300' '--storage-price -1' \
  '--months 0' '--months 601' '--months 1.5' '--level carve' '--platform linux/amd64' '--nosuch'; do
  # shellcheck disable=SC2086
  run 2 forecast replay.json $wrong
  [ "$(wc -l <err)" = 1 ] || fail "more than a line: $(cat err)"
done
echo '{"ref":5}' >>a.ndjson
run 1 forecast 2024-01=a.ndjson 2024-03-01=c.ndjson 2024-02=b.ndjson 2024-04-01=fleet.ndjson --quiet
printf '2024-01-01,100\n2024-02-01,10\n2024-03-01,90\n2024-04-01,1\n' >falling.csv
run 0 forecast falling.csv --json
jq -e '[.curves[].ahead[] | .low_bytes, .bytes] | min == 0' out >found || fail "less than nothing: $(cat out)"
head -n 3 series.csv >short.csv
expect_error 1 "gneiss: short.csv: expected at least 4 points in time to learn from, found 2; take more of them, or shorter steps" \
  forecast short.csv
tac series.csv >backwards.csv
run 1 forecast backwards.csv
grep -q '^gneiss: backwards.csv:2: expected a time after [0-9]*, that of the point before, found ' err || fail "$(cat err)"
echo "replay_test: passed"
