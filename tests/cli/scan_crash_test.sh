#!/bin/sh
# Kills `gneiss scan` with SIGKILL twenty times, at moments that a seed chooses: after some more
# inventories, or as soon as a file is being written. Whatever stands in the store after each is
# whole, and one run to the end leaves what an undisturbed run leaves.
#
#   scan_crash_test.sh GNEISS [SEED]
set -eu

. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/kills.sh"
. "$(dirname "$0")/work_directory.sh"

# Layers of one size: none is done long before the others.
mkdir layout
for layer in $(seq 60); do
  mkdir root
  for file in $(seq 40); do seq $((layer * file)) $((layer * file + 2000)) >"root/$file"; done
  add_tar layout root >>layers
  rm -r root
done
set --
while read -r layer; do set -- "$@" "$layer"; done <layers
add_image layout 1 "$@"
"$gneiss" scan layout --store undisturbed >out

count() { find store -name "$1" 2>find.log | wc -l; }

kills=0
writing=0
for attempt in $(seq 400); do
  [ $kills -lt 20 ] || break
  choice=$(choose $attempt)
  before=$(count '*.inv')
  "$gneiss" scan layout --store store --jobs 2 >out 2>err &
  child=$!
  # Fewer than 4: that many more inventories. Otherwise: a temporary file, from this run or before.
  while kill -0 $child 2>kill.log; do
    if [ "$choice" -lt 4 ]; then
      [ "$(count '*.inv')" -lt $((before + choice)) ] || break
    else
      [ "$(count '.gneiss-*')" = 0 ] || break
    fi
  done
  kill_child KILL
  case $code in
    137) kills=$((kills + 1)) ;;
    0) ;; # done before the signal came
    *) fail "exit code $code: $(cat err)" ;;
  esac
  [ "$(count '.gneiss-*')" = 0 ] || writing=$((writing + 1))
  for file in $(find store -name '*.inv' 2>find.log); do
    cmp "$file" "undisturbed/${file#store/}" || fail "attempt $attempt left half an inventory"
  done
  # Start over while kills are wanted and nothing is left to do.
  if [ "$(count '*.inv')" = 60 ]; then rm -rf store; fi
done
[ $kills = 20 ] || fail "expected 20 kills, found $kills"

"$gneiss" scan layout --store store >out
diff -r undisturbed store || fail "the store is not what an undisturbed run leaves"
echo "scan_crash_test: passed, $writing kills left a temporary file"
