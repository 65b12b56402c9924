# For scripts that source it, with GNEISS as $1: an empty directory to work in, which goes with the
# script, and nothing of the user's own store.

script=${script:-$(basename "$0" .sh)}
gneiss=$(realpath "$1")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME

fail() {
  echo "$script: $*" >&2
  exit 1
}

# run CODE ARGUMENTS...: runs gneiss; standard output is in out, standard error in err.
run() {
  expected_code=$1
  shift
  code=0
  "$gneiss" "$@" >out 2>err || code=$?
  [ "$code" = "$expected_code" ] ||
    fail "gneiss $*: expected exit code $expected_code, found $code: $(cat out err)"
}
