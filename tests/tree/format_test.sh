#!/bin/sh
# format_test.sh ROOT: every source below ROOT is as .clang-format says.
# Skipped (status 77) where there is no clang-format, unless CI=true.
set -eu
cd "$1"
# Versions differ in what they do; Debian 12's is ours.
clang_format=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$clang_format" ]; then
  echo "no clang-format"
  [ "${CI:-}" = true ] && exit 1
  exit 77
fi
files=$(find bench io planner solver tests -name '*.h' -o -name '*.cc')
[ -n "$files" ] || { echo "no sources below $1"; exit 1; }
if ! complaints=$("$clang_format" --dry-run --Werror $files 2>&1); then
  echo "not as .clang-format says; mend with: $clang_format -i"
  echo "$complaints" | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error:.*/  \1/p' | sort -u | grep . || echo "$complaints"
  exit 1
fi
