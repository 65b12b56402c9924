#!/bin/sh
# `gneiss diff` of fleets and of plans: the parts sum to the change that `gneiss stat` sees, JSON keeps to its
# schema, two runs write the same bytes, and what does not compare is refused.
#
#   diff_test.sh GNEISS
set -eu

gneiss=$1
before=tests/cli/data/small.ndjson
after=tests/cli/data/later.ndjson
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the user's own store.
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "diff_test: $*" >&2
  exit 1
}

"$gneiss" plan "$before" --no-contents -o "$work/before.json" --json
"$gneiss" plan "$after" --no-contents -o "$work/after.json" --json
"$gneiss" diff "$work/before.json" "$work/after.json" --json >"$work/plans.json" || fail "plans: exit status $?"
"$gneiss" diff "$work/before.json" "$work/after.json" --format markdown >"$work/plans.md" || fail "markdown"
grep -q '^| change | saved before' "$work/plans.md" || grep -q 'recommendation |$' "$work/plans.md" ||
  fail "no table of recommendations: $(cat "$work/plans.md")"
for scope in global namespace repository; do
  for layers in '' --layers-only; do
    # shellcheck disable=SC2086
    {
      "$gneiss" stat "$before" --json --scope $scope $layers >"$work/stat-before.json"
      "$gneiss" stat "$after" --json --scope $scope $layers >"$work/stat-after.json"
      "$gneiss" diff "$before" "$after" --json --scope $scope $layers >"$work/diff.json"
      "$gneiss" diff "$before" "$after" --json --scope $scope $layers >"$work/again.json"
    }
    cmp -s "$work/diff.json" "$work/again.json" || fail "two runs differ"
    # A bare machine has no Python; CI has.
    [ -z "${CI:-}" ] || [ -x /usr/bin/python3 ] || fail "python3 is missing"
    [ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work" <<'PYTHON' || fail "scope $scope $layers: the parts are wrong"
import json, sys
read = lambda name: json.load(open(f"{sys.argv[1]}/{name}.json"))
diff, before, after = read("diff"), read("stat-before"), read("stat-after")
try:
    import jsonschema
    schema = json.load(open("io/report/schema/gneiss.diff-1.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for document in (diff, read("plans")):
        jsonschema.Draft202012Validator(schema).validate(document)
except ImportError:
    pass
assert diff["growth"]["net_bytes"] == after["physical_bytes"] - before["physical_bytes"]
for figure in ("new_bytes", "gone_bytes", "net_bytes"):
    for table in ("by_cause", "by_repository", "images"):
        assert sum(row[figure] for row in diff[table]) == diff["growth"][figure], (table, figure)
    for image in diff["images"]:
        assert sum(row[figure] for row in image["by_cause"]) == image[figure]
for change in ("added", "removed", "moved", "unchanged"):
    assert sum(row[change] for row in diff["by_repository"]) <= diff["changes"][change]
PYTHON
  done
done

expect_error() {
  expected=$1
  shift
  code=0
  "$gneiss" diff "$@" >/dev/null 2>"$work/err" || code=$?
  [ $code = 1 ] || fail "$*: exit code $code"
  grep -qF "$expected" "$work/err" || fail "$*: $(cat "$work/err")"
}
expect_error "$after: expected a plan, as \"$work/before.json\" is one, found none" "$work/before.json" "$after"
expect_error "$before: expected a plan, as \"$work/after.json\" is one, found none" "$before" "$work/after.json"
"$gneiss" stat "$before" --json >"$work/stat.json"
expect_error "$work/stat.json: expected a fleet, or a plan of schema \"gneiss.plan/1\", found schema \"gneiss.stat/1\"" \
  "$before" "$work/stat.json"
# A plan is one by its content: sorted by somebody else, compressed, under another name.
gzip -c "$work/before.json" >"$work/before.ndjson"
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 -c 'import json, sys
json.dump(json.load(open(sys.argv[1])), open(sys.argv[2], "w"), sort_keys=True, indent=1)' \
  "$work/after.json" "$work/sorted.json"
[ -e "$work/sorted.json" ] || cp "$work/after.json" "$work/sorted.json"
"$gneiss" diff "$work/before.ndjson" "$work/sorted.json" --json | cmp - "$work/plans.json" ||
  fail "a plan compressed or sorted is another one"

echo "diff_test: passed"
