#!/bin/sh
# Holds the direction of includes, io -> planner -> solver: with one root include path the compiler
# would not object to an upward one. Also: every include of ours is from the root, nothing includes
# bench/ or tests/ but themselves, and solver/ neither prints nor reads.
#
#   include_direction_test.sh ROOT          prints each offence below ROOT; status 1 if there is one
#   include_direction_test.sh --self-test   plants offences, and wants each to be found
set -eu

check() (
  cd "$1"
  files=$(find bench io planner solver tests -name '*.h' -o -name '*.cc' | LC_ALL=C sort)
  [ -n "$files" ] || { echo "no sources below $1"; exit 1; }
  awk '
    BEGIN {
      allowed["solver"] = " solver "
      allowed["planner"] = " planner solver "
      allowed["io"] = " io planner solver "
      allowed["bench"] = allowed["tests"] = " bench io planner solver tests "
      word = "(^|[^A-Za-z0-9_])"
    }
    function offence(why) {
      printf "%s:%d: %s: %s\n", FILENAME, FNR, why, $0
      offences++
    }
    function exists(path,    ignored, status) {
      status = (getline ignored < path)
      close(path)
      return status >= 0
    }
    FNR == 1 { split(FILENAME, parts, "/"); floor = parts[1] }
    {
      code = $0
      sub(/\/\/.*/, "", code)
    }
    code ~ /^[ \t]*#[ \t]*include[ \t]*"/ {
      path = $0
      sub(/^[^"]*"/, "", path)
      sub(/".*/, "", path)
      split(path, parts, "/")
      if (path ~ /(^|\/)\.\.?\// || !exists(path)) {
        offence("not an include from the root")
      } else if (!index(allowed[floor], " " parts[1] " ")) {
        offence(floor "/ may not include " parts[1] "/")
      }
    }
    code ~ /^[ \t]*#[ \t]*include[ \t]*<(bench|io|planner|solver|tests)\// {
      offence("ours, so it is included with quotes")
    }
    floor == "solver" && (\
        code ~ /^[ \t]*#[ \t]*include[ \t]*<([io]*stream|fstream|cstdio|stdio\.h|filesystem|fmt\/.*)>/ || \
        code ~ word "([a-z]*printf|f?puts|putchar|f(re)?open|fread|fwrite)[ \t]*\\(" || \
        code ~ word "(std::(cin|cout|cerr|clog|[io]?fstream)|fmt::)") {
      offence("solver/ neither prints nor reads")
    }
    END { exit offences > 0 }
  ' $files
)

# File $1 with the lines $3... is to have the offence $2 in its last line, or none where $2 is empty.
failures=0
expect() {
  file=$1
  want=$2
  want_status=0
  shift 2
  cp -R "$clean" "$temporary/tree"
  printf '%s\n' "$@" >"$temporary/tree/$file"
  if [ -n "$want" ]; then
    for last in "$@"; do :; done
    want="$file:$#: $want: $last"
    want_status=1
  fi
  status=0
  found=$(check "$temporary/tree") || status=$?
  rm -r "$temporary/tree"
  if [ "$status" != "$want_status" ] || [ "$found" != "$want" ]; then
    printf 'planted in %s: %s\n  expected status %s: %s\n  found status %s: %s\n' \
      "$file" "$*" "$want_status" "$want" "$status" "$found"
    failures=$((failures + 1))
  fi
}

self_test() {
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  clean=$temporary/clean
  for floor in bench io planner solver tests; do
    mkdir -p "$clean/$floor"
    printf '#pragma once\n' >"$clean/$floor/a.h"
  done
  mkdir "$clean/io/cli"
  printf '#include <vector>\n\n#include "solver/a.h"\n' >"$clean/solver/a.cc"

  expect solver/b.cc "" '#include <algorithm>' '#include "solver/a.h"' '// printf(x) is for io/'
  expect planner/b.cc "" '#include "planner/a.h"' '#include "solver/a.h"' 'fmt::print(x);'
  expect io/cli/b.cc "" '#include <cstdio>' '#include "planner/a.h"' 'std::printf(x);'
  expect tests/b.cc "" '#include "tests/a.h"' '#include "bench/a.h"' '#include "io/a.h"'

  expect solver/b.cc 'solver/ may not include planner/' '#include "planner/a.h"'
  expect solver/b.h 'solver/ may not include io/' '#pragma once' '  #  include "io/a.h"'
  expect planner/b.cc 'planner/ may not include io/' '#include "solver/a.h"' '#include "io/a.h"'
  expect planner/b.cc 'planner/ may not include tests/' '#include "tests/a.h"  // for now'
  expect io/cli/b.cc 'io/ may not include bench/' '#include "bench/a.h"'
  expect io/b.h 'io/ may not include tests/' '#include "tests/a.h"'

  expect planner/b.cc 'not an include from the root' '#include "a.h"'
  expect planner/b.cc 'not an include from the root' '#include "../solver/a.h"'
  expect planner/b.cc 'not an include from the root' '#include "solver/../io/a.h"'
  expect planner/b.cc 'not an include from the root' '#include "planner/absent.h"'
  expect tests/b.cc 'not an include from the root' '#include "nlohmann/json.hpp"'
  expect planner/b.cc 'ours, so it is included with quotes' '#include <io/a.h>'

  for line in '#include <iostream>' '#include <ostream>' '#include <fstream>' '#include <cstdio>' \
    '#include <fmt/format.h>' '#include <filesystem>' '  std::printf("x");' 'fprintf(stderr, "x");' \
    'auto* f = fopen("x", "r");' 'std::cerr << x;' 'x = fmt::format("x");' 'puts ("x");'; do
    expect solver/b.cc 'solver/ neither prints nor reads' "$line"
  done

  rm "$clean"/*/*.h "$clean"/*/*.cc
  if check "$clean" >/dev/null; then
    echo "an empty tree passes"
    failures=$((failures + 1))
  fi
  [ "$failures" = 0 ]
}

case "$1" in
  --self-test) self_test ;;
  *) check "$1" ;;
esac
