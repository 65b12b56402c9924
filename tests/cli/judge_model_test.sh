#!/bin/sh
# What `gneiss files` shows of seeded histories of layers, ordinary and hostile, held against a model of
# containerd. The model is held against containerd itself by judge_test.sh, end to end.
#
#   judge_model_test.sh GNEISS [--trees N] [--seed S] [--only REF] [--show N]
set -eu

judge=$(realpath "$(dirname "$0")/../judge/judge.py")
. "$(dirname "$0")/work_directory.sh"
shift

if [ ! -x /usr/bin/python3 ]; then
  [ -z "${CI:-}" ] || fail "python3 is missing"
  echo "$script: skipped, python3 is missing"
  exit 77
fi
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$judge" --work "$work" --gneiss "$gneiss" --quick --trees 300 "$@"
