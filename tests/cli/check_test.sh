#!/bin/sh
# `gneiss check`: the forms of its report are what their readers take (XML, JSON of its schema), the example
# policies keep to theirs, rules on contents see the real fleet in datasets/, and exit codes are those of CI.
#
#   check_test.sh GNEISS
set -eu

gneiss=$1
data=tests/cli/data
fleet=datasets/debian-fleet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the user's own store.
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "check_test: $*" >&2
  exit 1
}

# check CODE ARGUMENT... : the report in $work/out
check() {
  expected=$1
  shift
  code=0
  "$gneiss" check "$@" >"$work/out" 2>"$work/err" || code=$?
  [ $code = "$expected" ] || fail "$*: exit code $code: $(cat "$work/out" "$work/err")"
}

check 3 --policy $data/policy.json $data/later.ndjson --json
cp "$work/out" "$work/check.json"
check 3 --policy $data/policy.json $data/later.ndjson --format junit
cp "$work/out" "$work/junit.xml"
[ -z "${CI:-}" ] || [ -x /usr/bin/python3 ] || fail "python3 is missing"
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work" $data/policy.json <<'PYTHON' || fail "a report is not what its readers take"
import json, re, sys
import xml.etree.ElementTree as tree
work = sys.argv[1]
report = json.load(open(f"{work}/check.json"))
policy = json.loads(re.sub(r"(?m)//.*$|/\*.*?\*/", "", open(sys.argv[2]).read()))
try:
    import jsonschema
    for name, document in (("check", report), ("policy", policy)):
        schema = json.load(open(f"io/report/schema/gneiss.{name}-1.schema.json"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(document)
    for wrong in ({"max_layer": 3}, {"max_layers": 0}, {"max_physical": "5 G"}, {"max_growth": "5 per cent"}):
        assert not jsonschema.Draft202012Validator(schema).is_valid(wrong), wrong
except ImportError:
    pass
suites = tree.parse(f"{work}/junit.xml").getroot()
tests = suites.findall("./testsuite/testcase")
assert len(tests) == len(report["rules"]) == int(suites.get("tests"))
assert len(suites.findall(".//failure")) == report["failed"] == int(suites.get("failures"))
assert len(suites.findall(".//error")) == report["not_judged"] == int(suites.get("errors"))
assert {s.get("name") for s in suites} == {"fleet", "java/*", 'web/<&"*'}
PYTHON

# Contents of the real fleet: inventories lie beside its blobs.
echo '{"max_wasted_share": "90 %", "max_wasted_bytes": "2 GB", "no_secrets": true, "max_physical": "2 GB"}' >"$work/p.json"
"$gneiss" waste --json $fleet >"$work/waste.json" 2>/dev/null
secrets=0
grep -q '"kind":"secret' "$work/waste.json" && secrets=3
check $secrets --policy "$work/p.json" $fleet --json
[ ! -x /usr/bin/python3 ] || /usr/bin/python3 - "$work" <<'PYTHON' || fail "check and waste disagree"
import json, sys
work = sys.argv[1]
rules = {r["rule"]: r for r in json.load(open(f"{work}/out"))["rules"]}
waste = json.load(open(f"{work}/waste.json"))
assert rules["max_wasted_bytes"]["figure"] == sum(f["blob_bytes"] for f in waste["findings"])
assert rules["no_secrets"]["figure"] == sum(f["entries"] for f in waste["findings"] if f["kind"].startswith("secret"))
assert rules["max_wasted_share"]["verdict"] == "pass"
PYTHON
echo '{"max_wasted_bytes": "1 MB"}' >"$work/p.json"
check 3 --policy "$work/p.json" $fleet

# Without contents nothing is said to be clean.
cp -r $fleet "$work/bare"
rm -r "$work/bare/inventories"
echo '{"no_secrets": true}' >"$work/p.json"
check 3 --policy "$work/p.json" "$work/bare"
grep -q 'NOT JUDGED.*contents known of 0 of 74 layers; run `gneiss scan` on the same sources' "$work/out" ||
  fail "$(cat "$work/out")"
echo '{"no_secrets": true, "not_judged": "pass"}' >"$work/p.json"
check 0 --policy "$work/p.json" "$work/bare"
check 0 --policy "$work/p.json" "$work/bare" --format github
grep -q '^::warning file=.*,line=1,title=no_secrets of fleet::not judged: contents known of 0' "$work/out" ||
  fail "$(cat "$work/out")"

# All is well.
echo '{"max_physical": "1 TB", "max_growth": "0 %"}' >"$work/p.json"
check 0 --policy "$work/p.json" --baseline $data/small.ndjson $data/small.ndjson
check 1 --policy "$work/none.json" $data/small.ndjson
grep -q "none.json" "$work/err" || fail "$(cat "$work/err")"

echo "check_test: passed"
