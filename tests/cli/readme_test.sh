#!/bin/sh
# The runs that README.md shows are what the executable prints.
#
#   readme_test.sh GNEISS
set -eu

gneiss=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The indented blocks that start with a command, each in a file of its own.
awk -v prefix="$work/block" '
  /^    \$ gneiss / { close(file); file = prefix (++count); print >file; next }
  !file { next }
  /^    / { for (; blank > 0; --blank) print "" >file; print >file; next }
  /^$/ { ++blank; next }
  { close(file); file = ""; blank = 0 }' README.md
sed -i 's/^    //' "$work"/block*

[ -e "$work/block2" ] || {
  echo "readme_test: README.md shows less than two runs"
  exit 1
}
for block in "$work"/block*; do
  command=$(sed -n '1s/^\$ gneiss //p' "$block")
  sed 1d "$block" >"$work/expected"
  # The arguments are words without spaces.
  # shellcheck disable=SC2086
  "$gneiss" $command >"$work/found" 2>"$work/err"
  diff -u "$work/expected" "$work/found" || {
    echo "readme_test: README.md shows another output of: gneiss $command"
    exit 1
  }
done
