#!/bin/sh
# What `gneiss files` shows of the tables by which containerd, umoci, moby and containers/storage test their
# unpacking, held against what containerd and umoci made of them, which is on record in ../judge/tables.json.
#
#   tables_test.sh GNEISS
#
# How to record it anew is in ../judge/tables.py.
set -eu

tables=$(realpath "$(dirname "$0")/../judge/tables.py")
. "$(dirname "$0")/work_directory.sh"

if [ ! -x /usr/bin/python3 ]; then
  [ -z "${CI:-}" ] || fail "python3 is missing"
  echo "$script: skipped, python3 is missing"
  exit 77
fi
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$tables" --work "$work" --gneiss "$gneiss"
