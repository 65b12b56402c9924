#!/bin/sh
# `gneiss whatif`: what it says is freed or added is what `gneiss stat` counts of the fleet without or with those
# images; its JSON is as its schema says and adds up; two runs write the same bytes.
#
#   whatif_test.sh GNEISS
set -eu

gneiss=$1
fleet=datasets/debian-fleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "whatif_test: $*" >&2
  exit 1
}

"$gneiss" snapshot --quiet "$fleet" >"$work/fleet.ndjson"
stored() { "$gneiss" stat --quiet --layers-only --json --scope "$1" "$2" | sed -n 's/.*"physical_bytes": \([0-9]*\).*/\1/p'; }
member() { sed -n "s/^  \"$1\": \([0-9]*\),*\$/\1/p" "$2"; }

# Refs that --list names, taken out of the fleet file, free what was said. Layers only: the file gives the sizes of
# configs and manifests with one ref of an image.
for scope in global namespace repository; do
  before=$(stored $scope "$work/fleet.ndjson")
  for question in "--delete apps/*" "--delete build/gcc:12 --delete data/*" "--keep-last 1"; do
    # shellcheck disable=SC2086
    set -f
    "$gneiss" whatif --quiet --layers-only $question --scope $scope --json "$work/fleet.ndjson" >"$work/json"
    "$gneiss" whatif --quiet --layers-only $question --scope $scope --list "$work/fleet.ndjson" >"$work/list"
    set +f
    [ -s "$work/list" ] || fail "$question lists nothing"
    sed 's/.*/"ref":"&"/' "$work/list" >"$work/patterns"
    grep -vFf "$work/patterns" "$work/fleet.ndjson" >"$work/left.ndjson"
    after=$(stored $scope "$work/left.ndjson")
    [ "$(member freed_bytes "$work/json")" = $((before - after)) ] ||
      fail "$question, $scope: $(member freed_bytes "$work/json") told, $((before - after)) freed"
    # Put back, they cost the same.
    grep -Ff "$work/patterns" "$work/fleet.ndjson" >"$work/new.ndjson"
    "$gneiss" whatif --quiet --layers-only --add "$work/new.ndjson" --scope $scope --json "$work/left.ndjson" >"$work/json"
    [ "$(member new_bytes "$work/json")" = $((before - after)) ] || fail "adding again: $question, $scope"
  done
done

# Digests of images to delete, likewise; repositories are part of what is listed.
"$gneiss" whatif --quiet --layers-only --free 400MB --json "$work/fleet.ndjson" >"$work/json"
"$gneiss" whatif --quiet --layers-only --free 400MB --list "$work/fleet.ndjson" | sed 's/.*@//' >"$work/list"
grep -vFf "$work/list" "$work/fleet.ndjson" >"$work/left.ndjson"
freed=$(($(stored global "$work/fleet.ndjson") - $(stored global "$work/left.ndjson")))
[ "$(member freed_bytes "$work/json")" = $freed ] || fail "--free: $freed freed"
[ $freed -ge 400000000 ] || fail "--free: only $freed freed"

"$gneiss" whatif --quiet --delete 'apps/*' --json "$fleet" >"$work/delete.json"
"$gneiss" whatif --quiet --free 450MB --frontier --json "$fleet" >"$work/free.json"
"$gneiss" whatif --quiet --free 1TB --json "$fleet" >"$work/too_much.json" && fail "1 TB can be freed"
"$gneiss" whatif --quiet --frontier --loss pulls --layers-only --json "$fleet" >"$work/frontier.json"
"$gneiss" whatif --quiet --keep-last 1 --json "$fleet" >"$work/keep_last.json"
"$gneiss" whatif --quiet --rebase platform/debian:12.0=platform/debian:13 --json "$fleet" >"$work/rebase.json"
"$gneiss" whatif --quiet --add datasets/debian-small --json "$fleet" >"$work/add.json"
"$gneiss" whatif --quiet --free 450MB --frontier --json "$fleet" | cmp -s - "$work/free.json" || fail "two runs differ"

[ -z "${CI:-}" ] || [ -x /usr/bin/python3 ] || fail "python3 is missing"
[ -z "${CI:-}" ] || /usr/bin/python3 -c 'import jsonschema' || fail "python3-jsonschema is missing"
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work" <<'PYTHON' || fail "the JSON is not as it should be"
import json, sys
answers = {name: json.load(open(f"{sys.argv[1]}/{name}.json"))
           for name in ("delete", "free", "too_much", "frontier", "keep_last", "rebase", "add")}
try:
    import jsonschema
    schema = json.load(open("io/report/schema/gneiss.whatif-1.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for answer in answers.values():
        jsonschema.Draft202012Validator(schema).validate(answer)
except ImportError:
    pass
for name in ("delete", "free", "keep_last"):
    answer = answers[name]
    rows = answer["deleted"]
    assert rows and answer["freed_bytes"] == answer["exclusive_bytes"] + answer["joint_bytes"]
    assert sum(r["exclusive_bytes"] for r in rows) == answer["exclusive_bytes"]
    assert sum(r["joint_share_bytes"] for r in rows) == answer["joint_bytes"]
    assert sum(r["freed_share_bytes"] for r in rows) == answer["freed_bytes"]
free = answers["free"]
assert free["status"] == "optimal" and free["loss"] == free["lower_bound"] == len(free["deleted"])
assert free["freed_bytes"] >= free["wanted_bytes"] == 450_000_000
for answer in (free, answers["frontier"]):
    points = answer["frontier"]
    assert points[-1]["freed_bytes"] == answer["most_freed_bytes"]
    assert points[-1]["images"] == sum(len(p["adds"]) for p in points)
    slopes = [(b["freed_bytes"] - a["freed_bytes"]) / (b["loss"] - a["loss"]) for a, b in zip(points, points[1:])]
    assert slopes == sorted(slopes, reverse=True)
assert answers["too_much"]["status"] == "infeasible" and not answers["too_much"]["deleted"]
rebase = answers["rebase"]
assert sum(m["moved_images"] for m in rebase["moves"]) == len(rebase["moved"]) == 28
add = answers["add"]
assert sum(r["new_bytes"] for r in add["added"]) == add["new_bytes"]
assert add["stored_bytes_after"] - add["stored_bytes_before"] == add["new_bytes"]
PYTHON

# A tag of two platforms, one of which stays, or was not read, is not listed; its manifest is.
cat >"$work/two.ndjson" <<'JSON'
{"ref":"app:1","platform":"linux/amd64","manifest_digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","layers":[{"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","size":10}]}
{"ref":"app:1","platform":"linux/arm64","manifest_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","layers":[{"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","size":10}]}
JSON
amd=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
arm=sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
[ "$("$gneiss" whatif "$work/two.ndjson" --delete app:1 --list)" = app:1 ] || fail "both platforms go with their tag"
[ "$("$gneiss" whatif "$work/two.ndjson" --delete app:1 --keep $amd --list)" = app@$arm ] || fail "what is kept goes too"
[ "$("$gneiss" whatif "$work/two.ndjson" --delete app:1 --platform linux/amd64 --list)" = app@$amd ] ||
  fail "what was not read goes too"
code=0
"$gneiss" whatif "$work/two.ndjson" --delete app:1 --exclude 'app:*' >"$work/out" 2>"$work/err" || code=$?
[ "$code" = 2 ] || fail "--exclude of a file is taken: $(cat "$work/out")"
code=0
"$gneiss" whatif "$work/two.ndjson" --free 1TB --list >"$work/out" 2>"$work/err" || code=$?
{ [ "$code" = 3 ] && [ -s "$work/err" ]; } || fail "nothing says why nothing is listed"
# What chooses among a registry's tags is taken where one of the sides is a registry, whichever is read first: the
# runs get as far as asking it.
none=registry://127.0.0.1:9
policy=tests/cli/data/policy.json
for run in "diff $work/two.ndjson $none" "verify $work/two.ndjson $none" "whatif $work/two.ndjson --add $none" \
  "check --policy $policy --baseline $none $work/two.ndjson" "check --policy $policy --baseline $work/two.ndjson $none" \
  "forecast 2024-01-01=$work/two.ndjson 2024-02-01=$none"; do
  code=0
  # shellcheck disable=SC2086
  "$gneiss" $run --quiet --include 'app*' >"$work/out" 2>"$work/err" || code=$?
  { [ "$code" = 1 ] && grep -q '127\.0\.0\.1:9' "$work/err"; } || fail "$run: exit status $code: $(cat "$work/err")"
done
echo "whatif_test: passed"
