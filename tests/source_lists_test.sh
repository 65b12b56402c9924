#!/bin/sh
# Every source is named in the CMakeLists.txt of its floor, because lists are kept by hand and a
# test file that no list names would never run.
#
#   source_lists_test.sh ROOT          prints each source that is not listed; status 1 if there is one
#   source_lists_test.sh --self-test   plants such a source, and wants it to be found
set -eu

check() (
  cd "$1"
  status=0
  for floor in bench io planner solver tests; do
    case $floor in
      # No library is made of them, so their headers have no list.
      bench | tests) kinds="-name *.cc -o -name *.sh" ;;
      *) kinds="-name *.cc -o -name *.h" ;;
    esac
    listed=$(tr -s ' ()' '\n' <"$floor/CMakeLists.txt")
    set -f # for $kinds
    sources=$(cd "$floor" && find . $kinds)
    set +f
    if echo "$sources" | sed 's,^\./,,' | LC_ALL=C sort | grep -Fvx "$listed" |
      sed "s,.*,$floor/& is not named in $floor/CMakeLists.txt," | grep .; then
      status=1
    fi
  done
  exit $status
)

self_test() {
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  cd "$temporary"
  mkdir -p bench io/cli planner solver tests
  touch bench/a.cc bench/a.h io/cli/b.cc planner/c.cc planner/c.h solver/d.h tests/e.cc tests/e.h
  echo 'gneiss_add_benchmark(a.cc)' >bench/CMakeLists.txt
  printf 'target_sources(gneiss_io PRIVATE\n  cli/b.cc)\n' >io/CMakeLists.txt
  echo 'target_sources(gneiss_planner PRIVATE c.cc PUBLIC FILE_SET HEADERS FILES c.h)' >planner/CMakeLists.txt
  echo 'target_sources(gneiss_solver PUBLIC FILE_SET HEADERS FILES d.h)' >solver/CMakeLists.txt
  echo 'add_executable(x e.cc)' >tests/CMakeLists.txt
  check . || { echo "a tree in order fails"; return 1; }
  for file in bench/z.cc io/b.cc io/cli/z.h planner/z.h solver/d.cc tests/z.cc tests/z_test.sh; do
    touch "$file"
    if found=$(check .) || [ "$found" != "$file is not named in ${file%%/*}/CMakeLists.txt" ]; then
      echo "not listed: $file; found: $found"
      return 1
    fi
    rm "$file"
  done
}

case "$1" in
  --self-test) self_test ;;
  *) check "$1" ;;
esac
