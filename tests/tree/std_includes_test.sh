#!/bin/sh
# Every header includes what it uses of the standard library by itself: for each std:: name one of the
# standard headers that have it. With that, CI may compile headers with the standard library read
# beforehand, which takes a tenth of the time.
#
#   std_includes_test.sh ROOT          prints each offence below ROOT; status 1 if there is one
#   std_includes_test.sh --list        the standard headers that are known
#   std_includes_test.sh --self-test   plants offences, and wants each to be found
set -eu

# name: headers that have it, any of which will do
names='
all_of: algorithm
array: array
atomic: atomic
bad_alloc: new
bitset: bitset
chrono: chrono
countr_zero: bit
deque: deque
endian: bit
error_code: system_error
exception_ptr: exception
exchange: utility
function: functional
get: array tuple utility variant
is_integral_v: type_traits
int32_t int64_t uint8_t uint16_t uint32_t uint64_t: cstdint
equal_to: functional unordered_map unordered_set
less: functional map set
logic_error runtime_error: stdexcept
map multimap: map
memcpy: cstring
memory_order_relaxed: atomic
min: algorithm
move: utility
mutex: mutex
nullopt optional: optional
nullptr_t ptrdiff_t: cstddef
numeric_limits: limits
ostream: ostream
pair: utility map
popcount: bit
set: set
shared_ptr unique_ptr: memory
size_t: cstddef array deque functional map memory optional set span streambuf string string_view unordered_map unordered_set vector
span: span
ssize: span string string_view vector
streambuf: streambuf
streamsize: streambuf ostream
string to_string: string
string_view: string_view string
strong_ordering: compare
swap: utility
system_error: system_error
tuple: tuple
unordered_map: unordered_map
unordered_set: unordered_set
variant: variant
vector: vector
'

list() {
  printf '%s' "$names" | sed 's/.*: //' | tr ' ' '\n' | grep . | LC_ALL=C sort -u
}

check() (
  cd "$1"
  files=$(find io planner solver -name '*.h' | LC_ALL=C sort)
  [ -n "$files" ] || { echo "no headers below $1"; exit 1; }
  printf '%s' "$names" | awk '
    FILENAME == "-" {
      if (split($0, sides, ": ") < 2) next
      count = split(sides[1], known, " ")
      for (i = 1; i <= count; i++) headers[known[i]] = sides[2]
      next
    }
    function finish(    name, any, i, count, list) {
      for (name in used) {
        if (!(name in headers)) {
          printf "%s:%d: std::%s is not in the list of tests/tree/std_includes_test.sh\n", file, used[name], name
          offences++
          continue
        }
        any = 0
        count = split(headers[name], list, " ")
        for (i = 1; i <= count; i++) any = any || (list[i] in included)
        if (!any) {
          printf "%s:%d: std::%s without #include <%s>\n", file, used[name], name, list[1]
          offences++
        }
      }
      delete used
      delete included
    }
    FNR == 1 { if (file != "") finish(); file = FILENAME }
    {
      code = $0
      sub(/\/\/.*/, "", code)
    }
    code ~ /^[ \t]*#[ \t]*include[ \t]*</ {
      gsub(/.*<|>.*/, "", code)
      included[code] = 1
      next
    }
    {
      gsub(/"[^"]*"/, "", code)
      while (match(code, /(^|[^A-Za-z0-9_])std::(ranges::)?[A-Za-z0-9_]+/)) {
        name = substr(code, RSTART, RLENGTH)
        sub(/.*std::/, "", name)
        sub(/^ranges::/, "", name)
        if (!(name in used)) used[name] = FNR
        code = substr(code, RSTART + RLENGTH)
      }
    }
    END {
      if (file != "") finish()
      exit offences > 0
    }
  ' - $files
)

case "$1" in
  --list) list ;;
  --self-test)
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    mkdir -p "$root/io" "$root/planner" "$root/solver"
    plant() { # plant STATUS TEXT: a header with it is found, or is not
      printf '%s\n' "$2" >"$root/solver/a.h"
      found=0
      check "$root" >"$root/out" 2>&1 || found=1
      [ "$found" = "$1" ] || { echo "std_includes_test: status $found for: $2"; cat "$root/out"; exit 1; }
    }
    plant 0 '#include <vector>
std::vector<int> v;  // std::map
const char* text = "std::set";'
    plant 0 '#include <array>
std::size_t n = std::get<0>(a);'
    plant 1 'std::vector<int> v;'
    plant 1 '#include <vector>
std::vector<std::string> v;'
    plant 1 '#include <vector>
std::vector<int> v;
using std::list_of_things;'
    plant 1 '#include "planner/vector.h"
std::ranges::min(a);'
    ;;
  *) check "$1" ;;
esac
