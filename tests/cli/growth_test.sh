#!/bin/sh
# The time of gneiss grows with its input and no faster, whoever made the input: instructions at n, 2n and 4n parts
# of every kind of hostile input (growth.py), counted by valgrind, so that nothing else on the machine matters.
#
#   growth_test.sh GNEISS [--long] [--only WORD]...
#
# --long: more commands, and twice the n; minutes instead of seconds
set -eu

gneiss=$1
shift
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in valgrind python3; do
  command -v "$tool" >/dev/null && continue
  if [ -n "${CI:-}" ]; then
    echo "growth_test: $tool is missing" >&2
    exit 1
  fi
  echo "growth_test: skipped, $tool is missing"
  exit 77
done

PYTHONDONTWRITEBYTECODE=1 python3 "$here/growth.py" "$gneiss" "$work" "$@"
