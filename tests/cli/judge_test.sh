#!/bin/sh
# How gneiss merges layers, judged by runtimes that others wrote: histories of layers, ordinary and hostile,
# are unpacked by containerd and umoci, before and after `apply` of each level, and compared path by path with
# `gneiss files`. What is compared, and how, is in ../judge/judge.py. Without options the tables of ../judge/tables.py
# are unpacked anew, too, and must be what is on record.
#
#   judge_test.sh GNEISS [--trees N] [--seed S] [--levels M] [--only REF] [--show]
#
# Status 77 (skipped) without root or, except under CI, a tool or overlayfs.
set -eu

gneiss=$(realpath "$1")
shift
judge=$(realpath "$(dirname "$0")/../judge/judge.py")

skip() {
  if [ -n "${CI:-}" ]; then
    echo "judge_test: $*" >&2
    exit 1
  fi
  echo "judge_test: skipped, $*"
  exit 77
}

if [ "$(id -u)" != 0 ]; then
  echo "judge_test: skipped, unpacking owners and devices takes root"
  exit 77
fi
for tool in containerd ctr umoci tar /usr/bin/python3; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mkdir "$work/lower" "$work/upper" "$work/work" "$work/merged"
mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" overlay "$work/merged" ||
  skip "overlayfs cannot be mounted in $work"
umount "$work/merged"

XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
/usr/bin/python3 "$judge" --work "$work" --gneiss "$gneiss" --trees 300 --levels 60 "$@"
[ $# -gt 0 ] || /usr/bin/python3 "${judge%judge.py}tables.py" --work "$work/tables" --check
