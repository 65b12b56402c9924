#!/bin/sh
# Kills `gneiss apply` with SIGKILL and SIGTERM twenty times, at moments that a seed chooses: after some
# more blobs, or as soon as something is in the making. What is there after each is marked or
# complete, and one run to the end leaves what an undisturbed run leaves.
#
#   apply_crash_test.sh GNEISS [SEED]
set -eu

. "$(dirname "$0")/scan_layout.sh"
. "$(dirname "$0")/kills.sh"
. "$(dirname "$0")/work_directory.sh"

mkdir layout
for image in $(seq 12); do
  mkdir root
  for file in $(seq 20); do seq $((image * file)) $((image * file + 4000)) >"root/$image-$file"; done
  add_tar layout root >lower
  rm "root/$image-1"
  : >"root/.wh.$image-1"
  add_tar layout root >upper
  rm -r root
  add_image layout "$image" "$(cat lower)" "$(cat upper)"
done
"$gneiss" scan layout --store store --quiet >out
"$gneiss" plan layout --store store --max-layers 2 --level squash --layer-cost 10MB --pin 'shop:1?' \
  --quiet --json -o plan.json
apply() {
  "$gneiss" apply plan.json --from layout --to oci:"$1" --store store --jobs 2 >out 2>err
}
apply undisturbed

count() { find target -path "$1" 2>find.log | wc -l; }

kills=0
making=0
for attempt in $(seq 400); do
  [ $kills -lt 20 ] || break
  choice=$(choose $attempt)
  before=$(count '*/sha256/*')
  "$gneiss" apply plan.json --from layout --to oci:target --store store --jobs 2 >out 2>err &
  child=$!
  # Fewer than 4: that many more blobs. Otherwise: a blob in the making.
  while kill -0 $child 2>kill.log; do
    if [ "$choice" -lt 4 ]; then
      [ "$(count '*/sha256/*')" -lt $((before + choice)) ] || break
    else
      [ "$(count '*.tmp/[0-9]*')" = 0 ] || break
    fi
  done
  signal=KILL
  [ $((choice % 2)) = 0 ] || signal=TERM
  kill_child $signal
  case $code in
    137 | 143) kills=$((kills + 1)) ;;
    0) ;; # done before the signal came
    *) fail "exit code $code: $(cat err)" ;;
  esac
  [ "$(count '*.tmp/[0-9]*')" = 0 ] || making=$((making + 1))
  if [ -e target/index.json ]; then
    diff -r -x 'gneiss-apply.*' undisturbed target || fail "attempt $attempt left half a layout"
  elif [ -e target ]; then
    [ -e target/gneiss-apply.json ] || [ "$(find target -type f ! -name '.gneiss-*' | wc -l)" = 0 ] ||
      fail "attempt $attempt left no marker"
  fi
  # A note that names another blob is found out.
  notes=target/gneiss-apply.notes
  if [ -s $notes ]; then
    other=$(find target/blobs/sha256 -type f -size +1k | LC_ALL=C sort | head -1)
    [ -z "$other" ] || sed -i "1s/ .*/ sha256:$(basename "$other") $(wc -c <"$other")/" $notes
  fi
  # Start over once it is complete.
  if [ $code = 0 ]; then
    diff -r undisturbed target || fail "the layout is not what an undisturbed run leaves"
    rm -r target
  fi
done
[ $kills = 20 ] || fail "expected 20 kills, found $kills"

if [ ! -e target/index.json ] || [ -e target/gneiss-apply.json ]; then apply target; fi
diff -r undisturbed target || fail "the layout is not what an undisturbed run leaves"
echo "apply_crash_test: passed, $making kills left something in the making"
