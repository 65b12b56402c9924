#!/bin/sh
# Every source of bench/ and every script of tests/ is named in the CMakeLists.txt there: it says what
# each belongs to, and a test that it does not name would never run.
#
#   source_lists_test.sh ROOT          prints each source that is not listed; status 1 if there is one
#   source_lists_test.sh --self-test   plants such a source, and wants it to be found
set -eu

check() (
  cd "$1"
  status=0
  for floor in bench tests; do
    kinds="-name *.sh"
    [ "$floor" = tests ] || kinds="$kinds -o -name *.cc" # headers, and tests in C++, have no list
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
  mkdir -p bench tests/page
  touch bench/a.cc bench/a.h tests/e_test.cc tests/e.h tests/page/f.sh
  echo 'gneiss_add_benchmark(a.cc)' >bench/CMakeLists.txt
  printf 'gneiss_add_script_test(f COMMAND\n  page/f.sh)\n' >tests/CMakeLists.txt
  check . || { echo "a tree in order fails"; return 1; }
  for file in bench/z.cc bench/z.sh tests/z_test.sh tests/page/z.sh; do
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
