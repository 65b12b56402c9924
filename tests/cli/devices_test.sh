#!/bin/sh
# Every file that a command line names is read with a limit: a device that never ends costs one
# clear line, little memory and little time.
#
#   devices_test.sh GNEISS
set -eu

gneiss=$(realpath "$1")
cd "$(dirname "$0")"
small=data/small.ndjson
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache" HOME="$work"
# Far more than any of these runs needs, far less than a reader without a limit takes.
ulimit -v 1000000

fail() {
  echo "devices_test: $*" >&2
  exit 1
}

# refuse TEXT ARGUMENT...: one line that holds TEXT, and exit code 1.
refuse() {
  text=$1
  shift
  code=0
  timeout 60 "$gneiss" "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" = 1 ] || fail "gneiss $*: expected exit code 1, found $code: $(cut -c1-300 "$work/err")"
  [ "$(wc -l <"$work/err")" = 1 ] || fail "gneiss $*: expected one line, found: $(cat "$work/err")"
  [ "$(wc -c <"$work/err")" -lt 400 ] || fail "gneiss $*: expected a short line"
  grep -qF "$text" "$work/err" ||
    fail "gneiss $*: expected \"$text\", found: $(cat "$work/err")"
}

zero=/dev/zero
refuse $zero plan --pulls $zero $small
refuse $zero plan --pools $zero $small
refuse $zero plan --lineages $zero $small
refuse $zero plan --events $zero $small
refuse $zero report --history $zero $small
refuse $zero check --policy $zero $small
refuse $zero replay $zero $small
refuse $zero replay data/events.ndjson --manifests $zero --layers $zero
refuse $zero replay --keep-going data/events.ndjson --plan $zero $small
refuse $zero forecast $zero
printf '2026-01-01,100\n2026-02-01,110\n2026-03-01,120\n' >"$work/series"
refuse $zero forecast "$work/series" --plan $zero
refuse $zero apply $zero --from oci:none --to oci:"$work/to"
refuse $zero diff $zero $small
for option in --cacert --cert; do
  refuse $zero stat $option $zero docker://127.0.0.1:1/none
done
refuse $zero stat fleet:$zero
refuse $zero stat $zero
refuse $zero stat docker-archive:$zero
refuse $zero stat oci-archive:$zero

# A text without an end, and without lines.
endless() {
  mkfifo "$work/endless"
  { printf '%s' "$1"; yes x | tr -d '\n'; } >"$work/endless" 2>/dev/null &
  refused=$2
  shift 2
  refuse "$refused" "$@"
  wait
  rm "$work/endless"
}
endless '' 'expected a line of at most 16777216 bytes' plan --pools "$work/endless" $small
endless '{"apiVersion": "' 'expected a line of at most' plan --pulls "$work/endless" $small
endless '{"' 'expected a policy of at most 1048576 bytes' check --policy "$work/endless" $small
endless '' 'expected a line of 4096 bytes' plan --lineages "$work/endless" $small
endless '' 'found one without an end' stat "fleet:$work/endless"
