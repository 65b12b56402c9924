#!/bin/sh
# The page of `gneiss report`, opened by a real browser: no complaint, no request, the figures of the JSON
# report, zoom, search, sort, keyboard, dark mode, print.
#
#   page_test.sh GNEISS [FOLDER]     FOLDER keeps the screenshots; status 77 (skipped) without node, npm
#                                    or chromium, except under CI
set -eu

gneiss=$(realpath "$1")
pictures=${2:-}
here=$(dirname "$(realpath "$0")")

fail() {
  echo "page_test: $*" >&2
  exit 1
}
for tool in node npm chromium; do
  command -v $tool >/dev/null && continue
  [ -z "${CI:-}" ] || fail "$tool is missing"
  echo "page_test: skipped, $tool is missing"
  exit 77
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
cp "$here/package.json" "$here/package-lock.json" "$here/page_test.js" "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || fail "npm ci: $(cat "$work/npm.log")"

# judge NAME SOURCE...
judge() {
  name=$1
  shift
  mkdir "$work/$name"
  "$gneiss" report --quiet -o "$work/$name/page.html" "$@" || fail "$name: exit status $?"
  "$gneiss" report --quiet --json -o "$work/$name/page.json" "$@" || fail "$name: exit status $?"
  (cd "$work" && node page_test.js "$(command -v chromium)" "$name/page.html" "$name/page.json" "$name") ||
    fail "$name: the page is not what it should be"
  [ -z "$pictures" ] || cp -r "$work/$name" "$pictures"
}

printf 'time,stored,logical\n1700000000,600000000,1100000000\n1702592000,650000000,1200000000\n1705184000,708000000,1300000000\n' \
  >"$work/history.csv"
judge real datasets/debian-small --history "$work/history.csv"
judge hostile tests/cli/data/hostile-names.ndjson tests/cli/data/small.ndjson
echo "page_test: passed"
