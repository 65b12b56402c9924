#!/bin/sh
# The run that README.md shows is what the executable prints.
#
#   readme_test.sh GNEISS
set -eu

gneiss=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The indented block that starts with the command.
awk '/^    \$ gneiss / { shown = 1; print; next } shown && /^$/ { print; next } shown && !/^    / { exit } shown' README.md |
  sed 's/^    //' >"$work/block"
command=$(sed -n '1s/^\$ gneiss //p' "$work/block")
[ -n "$command" ] || {
  echo "readme_test: README.md shows no run"
  exit 1
}
sed 1d "$work/block" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$work/expected"
# The arguments are words without spaces.
# shellcheck disable=SC2086
"$gneiss" $command >"$work/found"
diff -u "$work/expected" "$work/found" || {
  echo "readme_test: README.md shows another output of: gneiss $command"
  exit 1
}
