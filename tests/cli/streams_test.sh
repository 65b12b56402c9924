#!/bin/sh
# What a process does with its streams and signals: failed writes, a reader that goes away, Ctrl-C,
# terminals, files written whole or not at all.
#
#   streams_test.sh GNEISS
set -eu

gneiss=$(realpath "$1")
cd "$(dirname "$0")"
small=data/small.ndjson
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "streams_test: $*" >&2
  exit 1
}

# expect CODE TEXT: the last run's exit code, and its standard error, one line that holds TEXT.
expect() {
  [ "$code" = "$1" ] || fail "expected exit code $1, found $code: $(cat "$work/err")"
  grep -qF "$2" "$work/err" || fail "expected \"$2\" on standard error, found: $(cat "$work/err")"
  [ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line, found: $(cat "$work/err")"
}

# A full disk.
code=0
"$gneiss" stat $small >/dev/full 2>"$work/err" || code=$?
expect 1 "gneiss: standard output: No space left on device"

# Standard output closed by the caller; no file opened later may take its place.
code=0
"$gneiss" stat $small >&- 2>"$work/err" || code=$?
expect 1 "gneiss: standard output: "
code=0
"$gneiss" stat $small -o "$work/report" >&- 2>"$work/err" || code=$?
"$gneiss" stat $small >"$work/expected"
cmp "$work/report" "$work/expected" || fail "-o with standard output closed wrote something else"

# Standard error closed: nobody to tell, and the report is right all the same.
"$gneiss" stat $small >"$work/out" 2>&- || fail "a closed standard error is no failure"
cmp "$work/out" "$work/expected" || fail "a closed standard error changed the report"

# A reader that goes away, with more to write than a pipe holds.
awk 'BEGIN { for (i = 0; i < 2000; ++i)
  printf "{\"ref\":\"a:%d\",\"layers\":[{\"digest\":\"sha256:%064x\",\"size\":1}]}\n", i, i }' >"$work/large.ndjson"
# shellcheck disable=SC2216
{ code=0; "$gneiss" graph "$work/large.ndjson" 2>"$work/err" || code=$?; echo $code >"$work/code"; } | :
code=$(cat "$work/code")
expect 1 "gneiss: standard output: Broken pipe"

# Interrupted while it waits for input. The opening of the pipe's other end returns when gneiss has
# opened it. Shells start jobs in the background with SIGINT ignored, which gneiss would keep.
mkfifo "$work/pipe"
for signal in INT TERM HUP; do
  env --default-signal=$signal "$gneiss" stat "fleet:$work/pipe" -o "$work/interrupted" 2>"$work/err" &
  child=$!
  exec 3>"$work/pipe"
  kill -$signal $child
  code=0
  wait $child || code=$?
  exec 3>&-
  case $signal in
    INT) expect 130 "gneiss: interrupted" ;;
    TERM) expect 143 "gneiss: terminated" ;;
    HUP) expect 129 "gneiss: hung up" ;;
  esac
  [ ! -e "$work/interrupted" ] || fail "an interrupted run left a report"
done

# A failed write of -o leaves the old file, and no other.
mkdir "$work/folder"
echo old >"$work/folder/report"
code=0
(ulimit -f 1; "$gneiss" graph "$work/large.ndjson" -o "$work/folder/report" 2>"$work/err") || code=$?
[ "$code" != 0 ] || fail "a file that could not be written is no failure"
[ "$(cat "$work/folder/report")" = old ] || fail "the old report is gone"
[ "$(ls -A "$work/folder")" = report ] || fail "left behind: $(ls -A "$work/folder")"

# A file without a name is wrong usage, not standard output.
code=0
"$gneiss" stat $small -o '' >"$work/out" 2>"$work/err" || code=$?
[ "$code" = 2 ] || fail "-o '' gave exit status $code"
[ ! -s "$work/out" ] || fail "-o '' wrote to standard output"

# Pipes and standard input are read as files are.
cat $small | "$gneiss" stat fleet:/dev/stdin >"$work/out" || fail "standard input is not read"
cmp "$work/out" "$work/expected" || fail "standard input gives another report"

# On a terminal there is colour, unless NO_COLOR says otherwise; the text is the same.
# Not where no pseudo-terminal is to be had, as in a chroot; CI has one.
if [ -n "${CI:-}" ] || script -qec true /dev/null </dev/null >/dev/null 2>&1; then
  escape=$(printf '\033')
  on_terminal() { # on_terminal [VARIABLE=VALUE]...
    env -u NO_COLOR TERM=xterm "$@" script -qec "'$gneiss' stat $small --width 0" /dev/null </dev/null | tr -d '\r'
  }
  on_terminal >"$work/colour"
  grep -q "$escape\[1m" "$work/colour" || fail "no colour on a terminal"
  sed "s/$escape\[[0-9]*m//g" "$work/colour" | cmp - "$work/expected" || fail "colour changed the text"
  on_terminal NO_COLOR=1 >"$work/out"
  cmp "$work/out" "$work/expected" || fail "NO_COLOR is not honoured"
  on_terminal TERM=dumb >"$work/out"
  cmp "$work/out" "$work/expected" || fail "a dumb terminal got colour"
fi
echo "streams_test: passed"
