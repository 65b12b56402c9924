# For scripts that source it: registries of Debian's docker-registry on loopback, on free ports.

# start_registry NAME STORAGE [CONFIG...]: a registry with these lines of configuration (default: plain
# http), whose requests are in NAME.log. Its port is in registry_port, its process in registry_process.
# REQUIRES: fail MESSAGE.
start_registry() {
  registry_name=$1
  printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\n' "$2" >"$registry_name.yml"
  shift 2
  [ $# != 0 ] || set -- 'http: {addr: "127.0.0.1:0"}'
  printf '%s\n' "$@" >>"$registry_name.yml"
  docker-registry serve "$registry_name.yml" >"$registry_name.log" 2>&1 &
  registry_process=$!
  registry_port=$(timeout 60 tail -n +1 -F "$registry_name.log" 2>/dev/null |
    sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p;T;q') || true
  [ -n "$registry_port" ] || fail "the registry $registry_name does not start: $(cat "$registry_name.log")"
}
