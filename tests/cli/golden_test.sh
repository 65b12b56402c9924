#!/bin/sh
# Compares what commands print with what they printed when somebody last looked at it: standard output
# with golden/NAME.out, standard error with golden/NAME.err, which must be empty where there is no such
# file, and the exit code.
#
#   golden_test.sh GNEISS            runs every case of golden_cases.txt
#   golden_test.sh GNEISS --update   writes the golden files instead; look at the difference afterwards
set -eu

gneiss=$(realpath "$1")
update=${2:-}
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
cases=0

unset NO_COLOR COLUMNS || true
while IFS='|' read -r name code arguments; do
  case $name in '' | '#'*) continue ;; esac
  cases=$((cases + 1))
  found=0
  # The arguments of a case are words without spaces.
  # shellcheck disable=SC2086
  "$gneiss" $arguments >"$work/out" 2>"$work/err" </dev/null || found=$?
  if [ "$update" = --update ]; then
    cp "$work/out" "golden/$name.out"
    if [ -s "$work/err" ]; then cp "$work/err" "golden/$name.err"; else rm -f "golden/$name.err"; fi
  fi
  expected_err=golden/$name.err
  [ -e "$expected_err" ] || expected_err=/dev/null
  if [ "$found" != "$code" ]; then
    echo "$name: expected exit code $code, found $found: gneiss $arguments"
    failures=$((failures + 1))
  fi
  for stream in out err; do
    expected=golden/$name.out
    [ $stream = out ] || expected=$expected_err
    if ! diff -u "$expected" "$work/$stream"; then
      echo "$name: standard $stream differs: gneiss $arguments"
      failures=$((failures + 1))
    fi
  done
done <golden_cases.txt

# A golden file that no case names would look like a test and be none.
for file in golden/*; do
  name=$(basename "${file%.*}")
  if ! grep -q "^$name|" golden_cases.txt; then
    echo "$file belongs to no case"
    failures=$((failures + 1))
  fi
done
[ "$cases" -gt 0 ] || { echo "no case"; exit 1; }
[ "$failures" = 0 ] || { echo "$failures failures in $cases cases"; exit 1; }
echo "$cases cases passed"
