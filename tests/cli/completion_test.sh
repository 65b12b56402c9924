#!/bin/sh
# Completions and manual pages, as their readers take them: bash completes, zsh and fish parse (where they are
# installed), man and groff print every page without a warning; every command has an example.
#
#   completion_test.sh GNEISS
set -eu

gneiss=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "completion_test: $*" >&2
  exit 1
}

commands=$("$gneiss" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 13 ] || fail "the help lists no commands"
for command in $commands; do
  "$gneiss" "$command" --help | grep -A1 '^Example:' | grep -q "^  gneiss $command " ||
    fail "$command --help has no example"
done

"$gneiss" completion bash >"$work/gneiss.bash"
"$gneiss" completion zsh >"$work/_gneiss"
"$gneiss" completion fish >"$work/gneiss.fish"
if [ -z "$(command -v bash)" ]; then
  echo "completion_test: no bash" >&2
  exit 77
fi
mkdir "$work/here" "$work/here/dir" "$work/here/my dir"
touch "$work/here/data.ndjson" "$work/here/day one.ndjson"
cat >"$work/complete.bash" <<'BASH'
# complete.bash SCRIPT WORD... : what bash offers for the last word
source "$1"
shift
complete -p gneiss >/dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_gneiss
printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd '|'
BASH
# offers EXPECTED WORD...
offers() {
  expected=$1
  shift
  found=$(cd "$work/here" && bash "$work/complete.bash" "$work/gneiss.bash" "$@" 2>"$work/err") || fail "bash: $(cat "$work/err")"
  [ ! -s "$work/err" ] || fail "bash says: $(cat "$work/err")"
  [ "$found" = "$expected" ] || fail "$*: expected $expected, found $found"
}
offers 'scan|snapshot|stat' gneiss s
offers '--scope|--store|--store-key|--strict' gneiss waste --s
offers 'ecr' gneiss stat --scope e
offers 'ecr' gneiss stat --scope = e
offers 'gitlab|global' gneiss stat --scope = g
offers 'bash|fish|zsh' gneiss completion ''
offers 'carve' gneiss plan --level c
offers 'markdown' gneiss diff --format ma
offers 'data.ndjson|day one.ndjson' gneiss stat da
offers 'dir|my dir' gneiss scan --store ''
offers 'dir' gneiss tree oci : di
offers 'oci-archive:|oci:' gneiss tree oci
offers '' gneiss stat --top 1
offers 'stat' gneiss help st
offers 'stat' gneiss man st
# Every option of every help is offered.
for command in $commands; do
  for option in $("$gneiss" "$command" --help | sed -n 's/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p'); do
    (cd "$work/here" && bash "$work/complete.bash" "$work/gneiss.bash" gneiss "$command" "$option") |
      tr '|' '\n' | grep -qxF -- "$option" || fail "$command: $option is not offered"
  done
done
[ -z "$(command -v zsh)" ] || zsh -n "$work/_gneiss" || fail "zsh does not parse its script"
[ -z "$(command -v fish)" ] || fish --no-execute "$work/gneiss.fish" || fail "fish does not parse its script"

"$gneiss" man --directory "$work/man"
for command in $commands; do
  [ -s "$work/man/gneiss-$command.1" ] || fail "no page of $command"
  "$gneiss" man "$command" | cmp - "$work/man/gneiss-$command.1" || fail "two pages of $command"
done
if [ -n "$(command -v groff)" ]; then
  for page in "$work"/man/*.1; do
    groff -ww -man -Tascii "$page" >"$work/page" 2>"$work/err" || fail "groff: $page"
    [ ! -s "$work/err" ] || fail "groff on $page: $(cat "$work/err")"
  done
fi
if [ -n "$(command -v man)" ]; then
  for page in "$work"/man/*.1; do
    LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings=all -l "$page" >"$work/page" 2>"$work/err" || fail "man: $page: $(cat "$work/err")"
    [ ! -s "$work/err" ] || fail "man on $page: $(cat "$work/err")"
  done
fi

echo "completion_test: passed"
