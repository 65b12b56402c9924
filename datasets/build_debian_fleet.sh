#!/bin/bash
# Builds a fleet of real container images out of Debian packages, as one OCI layout.
#
# Every image is written down below in the form of a small Dockerfile and is really built: a RUN's command runs
# in a chroot, and its layer is what umoci finds changed afterwards. Repeated files, whiteouts, copies made by
# a chmod, leftover caches and drifted bases are therefore the real thing. Only the files of the made-up
# applications (COPY) are generated text.
#
# What comes out the same when run again on the same packages: tags, configurations, history, dates, the files
# of packages and of applications, the stamps in logs; every mtime after BASE_DATE is set back to BASE_DATE.
# What does not: layer digests once the mirror has newer packages, and files that a package's set-up script
# fills with random or run-dependent bytes.
#
# What must not come out: the machine. The mirror's address is in two files that are mounted over placeholders
# while a command runs; commands run in mount, PID and host name spaces of their own, so nothing stays mounted
# whatever ends the script; and the last step searches all layers and JSON for mirror, host name and paths.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'EOF'
usage: build_debian_fleet.sh [OUT [WORK]]
       build_debian_fleet.sh --manifests-only DIR [OUT]

Builds a fleet of container images from Debian packages (a quarter of an hour of CPU time, 5 GB of disk).

  OUT    OCI layout to make, or to finish if an earlier run was cut short   (default: debian-fleet.oci)
  WORK   scratch: root file systems, .deb cache, log; kept between runs     (default: OUT.work)

  --manifests-only DIR   build nothing; copy OUT without its layer blobs to DIR (must not exist or be empty)
  --help                 this text

Needs root, and: debootstrap umoci skopeo jq zstd
The mirrors are those that this machine's apt uses. To use others, set MIRROR (…/debian) and
SECURITY_MIRROR (…/debian-security) to their addresses.
EOF
}

die() { printf 'build_debian_fleet.sh: %s\n' "$*" >&2; exit 1; }
logged() { "$@" >> "$LOG" 2>&1 < /dev/null || die "$1 $2 failed: see the end of $LOG"; }
say() { printf '%4d s  %s\n' "$SECONDS" "$*" >&2; }

BASE_DATE=2026-09-14T06:00:00Z # week 0; no file in any layer is younger
EPOCH=$(date -ud "$BASE_DATE" +%s)
NEEDS=(debootstrap umoci skopeo jq zstd)

# ------------------------------------------------------------------------------------------------ the layout

ref_key='.annotations["org.opencontainers.image.ref.name"]'
descriptor() { # REF: its descriptor, nothing if there is none
  jq -c --arg ref "$1" ".manifests[]? | select($ref_key == \$ref) | del(.annotations)" "$OUT/index.json"
}
tagged() { [ -n "$(descriptor "$1")" ]; }
refs() { jq -r ".manifests[] | $ref_key" "${1:-$OUT}/index.json" | sort; }
tag() { tagged "$2" || die "no such image: $2"; logged umoci tag --image "$OUT:$2" "$1"; }
blob() { printf '%s/blobs/sha256/%s' "$OUT" "${1#sha256:}"; }
manifest() { blob "$(descriptor "$1" | jq -r .digest)"; } # REF: the file
manifests() { # the manifest digests, each once
  jq -r '.manifests[].digest' "$OUT/index.json" | sort -u
}
layers() { # the layer digests, each once
  local m
  for m in $(manifests); do jq -r '.layers[].digest' "$(blob "$m")"; done | sort -u
}
json_blobs() { # digests of manifests and configurations, each once
  local m
  for m in $(manifests); do echo "$m"; jq -r .config.digest "$(blob "$m")"; done | sort -u
}
sort_index() { # index.json on standard output, in the order of the refs
  jq -cS ".manifests |= sort_by($ref_key)" "$OUT/index.json"
}

copy_manifests() { # DIR
  local d
  [ -f "$OUT/index.json" ] || die "no OCI layout at $OUT"
  [ -z "$(ls -A "$1" 2>/dev/null)" ] || die "$1 is not empty"
  mkdir -p "$1/blobs/sha256"
  cp "$OUT/oci-layout" "$1/"
  sort_index > "$1/index.json"
  for d in $(json_blobs); do cp "$(blob "$d")" "$1/blobs/sha256/"; done
  (cd "$1/blobs/sha256" && for d in *; do echo "$d  $d"; done | sha256sum --check --quiet) ||
    die "a blob in $1 does not hash to its name"
  find "$1" -type f -exec chmod 644 {} +
  say "$(refs "$1" | wc -l) refs, $(find "$1/blobs" -type f | wc -l) manifests and configurations copied"
}

# ---------------------------------------------------------------------------------------------- the machine

find_mirrors() {
  local codename targets
  # shellcheck disable=SC1091
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  # apt itself reads both kinds of source lists; the address, the release and the component come out
  # shellcheck disable=SC2016
  targets=$(apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)')
  mirror_of() { awk -v r="$1" '$1 == "Packages" && $3 == r && $4 == "main" { print $2; exit }' <<< "$targets"; }
  MIRROR=${MIRROR:-$(mirror_of "$codename")}
  SECURITY_MIRROR=${SECURITY_MIRROR:-$(mirror_of "$codename-security")}
  case $MIRROR in http*://*) ;; *) die "apt has no http source with Debian's main component: set MIRROR" ;; esac
  case $SECURITY_MIRROR in http*://*) ;; *) die "apt has no http source of Debian's security suite: set SECURITY_MIRROR" ;; esac
  PROXY=$(apt-config dump --format '%v%n' Acquire::http::Proxy)
  if [ -n "$PROXY" ] && [ "$PROXY" != DIRECT ]; then export http_proxy=$PROXY https_proxy=$PROXY; else PROXY=; fi
}

host_of() { sed -E 's,^[a-z+]+://,,; s,/.*,,; s,.*@,,; s,:[0-9]+$,,' <<< "$1"; }

prepare() { # everything that a command sees under /dev/build while it runs, and only then
  mkdir -p "$WORK"/{run/debs,roots}
  echo "$MIRROR" > "$WORK/run/debian.list"
  echo "$SECURITY_MIRROR" > "$WORK/run/security.list"
  {
    apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-|ForceIPv)' || true
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
      cp /etc/ssl/certs/ca-certificates.crt "$WORK/run/"
      echo 'Acquire::https::CAInfo "/dev/build/ca-certificates.crt";'
    fi
    echo 'DPkg::Pre-Install-Pkgs:: "sh /dev/build/keep";'
  } > "$WORK/run/apt.conf"
  # apt names the packages of a run to this; they go to the cache, and their names to a list
  cat > "$WORK/run/keep" <<'EOF'
while read -r deb; do
  case $deb in *.deb) cp -pn "$deb" /dev/build/debs/; echo "${deb##*/}" >> /dev/build/used ;; esac
done
EOF
}

# ------------------------------------------------------------------------------------------ file systems

make_root() { # SUITE: WORK/roots/SUITE.tar, the root file system that a base image holds
  local suite=$1 r=$WORK/roots/$1
  [ -f "$r.tar" ] && return
  rm -rf "$r"
  mkdir -p "$WORK/debootstrap/$suite"
  unshare --mount --pid --fork --kill-child --mount-proc -- \
    debootstrap --variant=minbase --cache-dir="$WORK/debootstrap/$suite" "$suite" "$r" "$MIRROR" \
    > "$WORK/$suite.log" 2>&1 < /dev/null || die "debootstrap $suite failed: see $WORK/$suite.log"
  find "$r/dev" -mindepth 1 -delete
  rm -rf "$r"/var/cache/apt/archives/*.deb "$r"/var/lib/apt/lists/* "$r"/var/log/bootstrap.log
  : > "$r/etc/machine-id"
  : > "$r/etc/resolv.conf"
  echo localhost > "$r/etc/hostname"
  printf '127.0.0.1\tlocalhost\n' > "$r/etc/hosts"
  printf '#!/bin/sh\nexit 101\n' > "$r/usr/sbin/policy-rc.d"
  chmod 755 "$r/usr/sbin/policy-rc.d"
  echo force-unsafe-io > "$r/etc/dpkg/dpkg.cfg.d/container"
  # no binary caches, which never come out the same twice
  printf 'Dir::Cache::%s "";\n' pkgcache srcpkgcache > "$r/etc/apt/apt.conf.d/container"
  mkdir -p "$r/etc/apt/mirrors"
  echo 'http://deb.example.org/debian' > "$r/etc/apt/mirrors/debian.list"
  echo 'http://deb.example.org/debian-security' > "$r/etc/apt/mirrors/security.list"
  echo "deb mirror+file:/etc/apt/mirrors/debian.list $suite main" > "$r/etc/apt/sources.list"
  tar -C "$r" -cf "$r.tar.part" .
  mv "$r.tar.part" "$r.tar"
  rm -rf "$r"
}

run_in() { # ROOTFS COMMAND: as a Dockerfile's RUN
  local r=$1 debs=$1/var/cache/apt/archives stage=$WORK/archives deb
  # apt works in a copy of its archive directory that also has all packages fetched before
  rm -rf "$stage" "$WORK/run/used"
  cp -al "$WORK/run/debs" "$stage"
  find "$debs" -maxdepth 1 -name '*.deb' -printf '%f\n' > "$WORK/run/used"
  while read -r deb; do cp -p --remove-destination "$debs/$deb" "$stage/"; done < "$WORK/run/used"
  # shellcheck disable=SC2016
  unshare --mount --uts --ipc --pid --fork --kill-child -- bash -euc '
    r=$1 work=$2 command=$3
    hostname build
    mount -t proc proc "$r/proc"
    mount -t tmpfs tmpfs "$r/dev"
    for d in null zero full random urandom tty; do : > "$r/dev/$d"; mount --bind "/dev/$d" "$r/dev/$d"; done
    ln -s /proc/self/fd "$r/dev/fd"
    mkdir "$r/dev/build"
    mount --bind "$work/run" "$r/dev/build"
    mount --bind "$work/archives" "$r/var/cache/apt/archives"
    for f in debian security; do mount --bind "$work/run/$f.list" "$r/etc/apt/mirrors/$f.list"; done
    for f in resolv.conf hosts; do mount --bind "/etc/$f" "$r/etc/$f"; done
    exec chroot "$r" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive APT_CONFIG=/dev/build/apt.conf \
      sh -c "$command"
  ' run "$r" "$WORK" "$2" >> "$LOG" 2>&1 < /dev/null || die "RUN $2: failed, see $LOG"
  # of that directory the image gets the packages that this command, or an earlier one, left there
  while read -r deb; do
    if [ ! -e "$stage/$deb" ]; then rm -f "$debs/$deb"; elif [ ! -e "$debs/$deb" ]; then cp -p "$stage/$deb" "$debs/"; fi
  done < "$WORK/run/used"
  rm -rf "$stage" "$WORK/run/used"
}

settle() { # ROOTFS: takes the time of the run out of whatever has just been written
  local r=$1 day=${BASE_DATE%T*} clock=${BASE_DATE#*T}
  clock=${clock%Z}
  rm -f "$r/var/cache/ldconfig/aux-cache"
  [ ! -d "$r/var/log" ] || find "$r/var/log" -type f -name '*.log' -newermt "@$EPOCH" -exec \
    sed -Ei "s/20[0-9]{2}-[0-9]{2}-[0-9]{2}( +)[0-9]{2}:[0-9]{2}:[0-9]{2}/$day\1$clock/" {} +
  [ ! -d "$r/etc" ] || find "$r/etc" -maxdepth 1 \( -name shadow -o -name shadow- \) -newermt "@$EPOCH" -exec \
    sed -Ei "s/^([^:]+:[^:]*:)[0-9]+:/\1$((EPOCH / 86400)):/" {} +
  find "$r" -xdev -newermt "@$EPOCH" -exec touch -h -d "@$EPOCH" {} +
}

# ----------------------------------------------------------------------------- files of the applications

tree() { # DIR COUNT LINES EXT VERSION SPREAD: generated text; each version changes one file in SPREAD
  mkdir -p "$1"
  awk -v dir="$1" -v count="$2" -v lines="$3" -v ext="$4" -v version="$5" -v spread="$6" '
    function next_number() { return x = x * 16807 % 2147483647 }
    BEGIN {
      split("order price stock user basket total event route query cache token batch label state index", word, " ")
      for (i = 0; i < count; i++) {
        x = 1 + i * 7919 + int((version + i) / spread) * 104729
        file = sprintf("%s/%s_%03d.%s", dir, word[1 + i % 15], i, ext)
        for (n = 0; n < lines; n++)
          printf "%s_%d = %s(%d, \"%08x\")\n", word[1 + next_number() % 15], n, word[1 + next_number() % 15],
            next_number() % 1000, next_number() > file
        close(file)
      }
    }'
}
copy_src() { tree "$2" 60 90 js "$1" 5; }
copy_node_modules() { tree "$2" 320 160 js "$1" 3; }
copy_api() { tree "$2" 45 110 py "$1" 4; }
copy_jobs() { tree "$2" 20 150 py "$1" 2; }
copy_site() { tree "$2" 150 120 html "$1" 6; }

# --------------------------------------------------------------------------------------------- the builder

BUILDING=unfinished # the tag that an image has until it is complete

unpacked() { # DIGEST: the bundle that umoci makes of this manifest, made once
  local dir=$WORK/unpacked/${1#sha256:}
  if [ ! -d "$dir" ]; then
    rm -rf "$dir.part"
    mkdir -p "$WORK/unpacked"
    logged umoci unpack --image "$OUT:$BUILDING" "$dir.part"
    mv "$dir.part" "$dir"
  fi
  echo "$dir"
}

open_bundle() { # a fresh bundle of what BUILDING names, to be written to
  local dir
  dir=$(unpacked "$(descriptor "$BUILDING" | jq -r .digest)")
  close_bundle
  mkdir -p "$WORK"/{bundle,upper,overlay}
  mount -t overlay -o "lowerdir=$dir,upperdir=$WORK/upper,workdir=$WORK/overlay" overlay "$WORK/bundle" 2>> "$LOG" ||
    cp -a "$dir/." "$WORK/bundle/"
}

close_bundle() {
  ! mountpoint -q "$WORK/bundle" || umount "$WORK/bundle"
  rm -rf "$WORK"/{bundle,upper,overlay}
}

rebase_bundle() { # umoci notes which manifest it unpacked, but an ENV may have made a new one since
  local b=$WORK/bundle d
  d=$(descriptor "$BUILDING")
  jq -c --argjson d "$d" '.from_descriptor_path.descriptor_walk = [$d]' "$b/umoci.json" > "$WORK/umoci.json"
  cp "$WORK/umoci.json" "$b/umoci.json"
  mv -n "$b"/sha256_*.mtree "$b/$(jq -r '.digest | sub(":"; "_")' <<< "$d").mtree"
}

words_to_flags() { # FLAG JSON-ARRAY: in FLAGS
  local word
  FLAGS=()
  while IFS= read -r word; do FLAGS+=("$1" "$word"); done < <(jq -r '.[]' <<< "$2")
}

instruction() { # STYLE VERB REST: carries it out in the bundle, or leaves umoci's flags in FLAGS; its history in BY
  local r=$WORK/bundle/rootfs word what version dir shown="$2 $3"
  FLAGS=()
  case $2 in
    ADD) # suite, perhaps a command to change it by before it becomes the layer
      read -r what dir <<< "$3"
      tar -C "$r" -xf "$WORK/roots/$what.tar"
      [ -z "$dir" ] || run_in "$r" "$dir"
      shown="ADD file:$what.tar in / " ;;
    SQUASH)
      logged umoci unpack --image "$OUT:$3" "$WORK/squash"
      cp -a "$WORK/squash/rootfs/." "$r/"
      rm -rf "$WORK/squash"
      shown='ADD file:rootfs.tar in / ' ;;
    RUN) run_in "$r" "$3" ;;
    COPY) # what, version, directory
      read -r what version dir <<< "$3"
      "copy_$what" "$version" "$WORK/copy$dir"
      shown="COPY $what $dir"
      [ "$1" = buildkit ] || shown="COPY dir:$what in $dir " ;;
    ENV) for word in $3; do FLAGS+=(--config.env "$word"); done ;;
    LABEL) for word in $3; do FLAGS+=(--config.label "$word"); done ;;
    CMD) words_to_flags --config.cmd "$3" ;;
    ENTRYPOINT) words_to_flags --config.entrypoint "$3" ;;
    EXPOSE) FLAGS=(--config.exposedports "$3/tcp") ;;
    USER) FLAGS=(--config.user "$3") ;;
    WORKDIR) FLAGS=(--config.workingdir "$3") ;;
    *) die "no such instruction: $2" ;;
  esac
  case $1-$2 in
    classic-RUN) BY="/bin/sh -c $3" ;;
    classic-*) BY="/bin/sh -c #(nop)  $shown" ;;
    *-RUN) BY="RUN /bin/sh -c $3 # buildkit" ;;
    *-COPY) BY="$shown # buildkit" ;;
    *) BY=$shown ;;
  esac
}

image() { # TAG WEEK [classic] < instructions: FROM, ADD (a suite's root), SQUASH (an image), RUN, COPY, ENV, …
  # BuildKit and the classic builder differ in their history, and only the first says what an image is based on
  local name=$1 week=$2 style=${3:-buildkit} base start now line verb i=0 last=0
  local -a lines flags
  mapfile -t lines
  ! tagged "$name" || return 0
  for line in "${lines[@]}"; do
    case $line in ADD* | SQUASH* | RUN*) last=$i ;; esac
    i=$((i + 1))
  done

  base=${lines[0]#FROM }
  if [ "$base" = scratch ]; then logged umoci new --image "$OUT:$BUILDING"; else tag "$BUILDING" "$base"; fi
  start=$((EPOCH + week * 604800))
  if [ "$base" != scratch ]; then # an hour after its base, if that is of the same week
    now=$(jq -r .created "$(blob "$(jq -r .config.digest "$(manifest "$base")")")")
    now=$(($(date -ud "$now" +%s) + 3600))
    [ "$now" -le "$start" ] || start=$now
  fi
  [ "$last" = 0 ] || open_bundle
  for ((i = 1; i < ${#lines[@]}; i++)); do
    line=${lines[i]} verb=${lines[i]%% *}
    now=$(date -ud "@$((start + i * 17))" +%Y-%m-%dT%H:%M:%SZ)
    instruction "$style" "$verb" "${line#* }"
    flags=(--image "$OUT:$BUILDING" --history.created "$now" --history.created_by "$BY")
    [ "$style" = classic ] || flags+=(--history.comment buildkit.dockerfile.v0)
    case $verb in
      COPY) # needs no unpacked image
        [ "$i" -gt "$last" ] || die "$name: a COPY has to come after every RUN"
        tar -C "$WORK/copy" --sort=name --mtime="@$EPOCH" --owner=0 --group=0 --numeric-owner \
          -cf "$WORK/copy.tar" -- "$(ls "$WORK/copy")"
        logged umoci raw add-layer "${flags[@]}" "$WORK/copy.tar"
        rm -rf "$WORK"/copy{,.tar} ;;
      ADD | SQUASH | RUN)
        settle "$WORK/bundle/rootfs"
        rebase_bundle
        [ "$i" = "$last" ] || flags+=(--refresh-bundle)
        logged umoci repack "${flags[@]}" "$WORK/bundle" ;;
      *) logged umoci config "${flags[@]}" "${FLAGS[@]}" ;;
    esac
  done
  close_bundle

  flags=(--image "$OUT:$BUILDING" --no-history --created "$now" --clear manifest.annotations)
  [ "$base" = scratch ] || [ "$style" = classic ] || flags+=(
    --manifest.annotation "org.opencontainers.image.base.name=$base"
    --manifest.annotation "org.opencontainers.image.base.digest=$(descriptor "$base" | jq -r .digest)")
  logged umoci config "${flags[@]}"
  tag "$name" "$BUILDING"
  logged umoci rm --image "$OUT:$BUILDING"
  say "$name"
}

zstd_twin() { # TAG OF: the same image, its layers compressed with zstd
  tagged "$1" && return
  # by way of a second layout: within one, skopeo takes the gzip blobs that are there already
  rm -rf "$WORK/twin"
  logged skopeo --insecure-policy copy -q --dest-compress-format zstd "oci:$OUT:$2" "oci:$WORK/twin:twin"
  logged skopeo --insecure-policy copy -q "oci:$WORK/twin:twin" "oci:$OUT:$1"
  rm -rf "$WORK/twin"
  say "$1: zstd twin of $2"
}

# ------------------------------------------------------------------------------------------------ the fleet

GET='apt-get update && apt-get install -y --no-install-recommends'
CLEAN='apt-get clean && rm -rf /var/lib/apt/lists/*'
SECURITY_UPDATES="echo 'deb mirror+file:/etc/apt/mirrors/security.list bookworm-security main' >> /etc/apt/sources.list && \
apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends ca-certificates && $CLEAN"
GIT=https://git.example.org

base_image() { # TAG WEEK INSTRUCTION
  image "$1" "$2" classic << EOF
FROM scratch
$3
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL team=platform org.opencontainers.image.source=$GIT/platform/debian
CMD ["bash"]
EOF
}

python_image() { # TAG WEEK BASE: one RUN that cleans up after itself; empty layers around it
  image "$1" "$2" << EOF
FROM $3
LABEL team=platform org.opencontainers.image.source=$GIT/platform/python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN $GET python3 && $CLEAN
CMD ["python3"]
EOF
}

node_image() { # TAG WEEK
  image "$1" "$2" << EOF
FROM platform/debian:12
LABEL team=platform org.opencontainers.image.source=$GIT/platform/node
ENV NODE_ENV=production
RUN $GET nodejs && $CLEAN
CMD ["node"]
EOF
}

nginx_image() { # TAG WEEK: configuration in several small layers
  image "$1" "$2" << EOF
FROM platform/debian:12
LABEL team=web org.opencontainers.image.source=$GIT/web/nginx
RUN $GET nginx-light && $CLEAN
RUN ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
RUN echo 'server_tokens off;' > /etc/nginx/conf.d/tokens.conf
RUN printf 'gzip_types text/css application/json;\ngzip_min_length 512;\n' > /etc/nginx/conf.d/gzip.conf
RUN rm /etc/nginx/sites-enabled/default && printf 'server {\n  listen 8080;\n  root /var/www/html;\n}\n' > /etc/nginx/conf.d/site.conf
EXPOSE 8080
CMD ["nginx", "-g", "daemon off;"]
EOF
}

portal_image() { # TAG WEEK VERSION
  image "$1" "$2" << EOF
FROM web/nginx:1.22
LABEL team=portal org.opencontainers.image.source=$GIT/web/portal
COPY site $3 /var/www/html
EOF
}

shop_image() { # MINOR: version 1.MINOR, made in week MINOR
  image "apps/shop:1.$1" "$1" << EOF
FROM platform/node:18
LABEL team=shop org.opencontainers.image.source=$GIT/apps/shop org.opencontainers.image.version=1.$1
WORKDIR /app
COPY node_modules $(($1 / 4)) /app/node_modules
COPY src $1 /app/src
EXPOSE 3000
CMD ["node", "src/index.js"]
EOF
}

web_stack_image() { # TAG WEEK
  image "$1" "$2" << EOF
FROM platform/python:3.11
LABEL team=orders org.opencontainers.image.source=$GIT/apps/python-web
RUN $GET python3-flask python3-requests gunicorn && $CLEAN
EOF
}

api_image() { # MINOR WEEK
  image "apps/api:2.$1" "$2" << EOF
FROM apps/python-web:1
LABEL team=orders org.opencontainers.image.source=$GIT/apps/api org.opencontainers.image.version=2.$1
COPY api $1 /srv/api
USER www-data
ENTRYPOINT ["gunicorn", "--chdir", "/srv/api", "main:app"]
EOF
}

build_fleet() {
  local n

  # three suites
  base_image platform/debian:12.0 0 'ADD bookworm'
  base_image platform/debian:11 0 'ADD bullseye'
  base_image platform/debian:13 0 'ADD trixie'
  tag platform/debian:12 platform/debian:12.0

  # good practice, on each of them
  python_image platform/python:3.11-r1 0 platform/debian:12
  python_image platform/python:3.9 0 platform/debian:11
  python_image platform/python:3.13 0 platform/debian:13
  tag platform/python:3.11 platform/python:3.11-r1
  node_image platform/node:18-r1 0
  tag platform/node:18 platform/node:18-r1

  # the same tree in one layer
  image platform/python:3.11-flat 1 classic << EOF
FROM scratch
SQUASH platform/python:3.11-r1
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
LABEL team=platform org.opencontainers.image.source=$GIT/platform/python
CMD ["python3"]
EOF

  # two names for one manifest, and a twin with the same diff_ids
  image data/redis:7.0 1 << EOF
FROM platform/debian:12
LABEL team=data org.opencontainers.image.source=$GIT/data/redis
RUN $GET redis-server && $CLEAN
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
EOF
  tag data/redis:latest data/redis:7.0
  zstd_twin data/redis:7.0-zstd data/redis:7.0

  # apt's packages and lists left in and removed by a later layer; or left in for good
  image data/etl:2.0 1 classic << EOF
FROM platform/debian:12
LABEL team=data org.opencontainers.image.source=$GIT/data/etl
RUN $GET python3 python3-pandas-lib python3-numpy sqlite3
RUN $CLEAN
COPY jobs 0 /opt/jobs
CMD ["python3", "/opt/jobs/main.py"]
EOF
  image data/backup:1 2 classic << EOF
FROM platform/debian:12
RUN $GET rsync openssh-client zstd
CMD ["rsync", "--daemon", "--no-detach"]
EOF

  # a toolchain: big layer, clean-up in the next; then a chmod that copies whole files, and deletions
  image build/gcc:12 1 classic << EOF
FROM platform/debian:12
LABEL team=build org.opencontainers.image.source=$GIT/build/gcc
RUN $GET gcc g++ libc6-dev make
RUN $CLEAN
EOF
  tag build/gcc:latest build/gcc:12
  image build/gcc:12-hardened 2 << 'EOF'
FROM build/gcc:12
RUN chmod 750 /usr/lib/gcc/*/12/cc1 /usr/lib/gcc/*/12/cc1plus /usr/lib/gcc/*/12/lto1
EOF
  image build/gcc:12-slim 2 << 'EOF'
FROM build/gcc:12
RUN rm -rf /usr/share/doc /usr/share/man /usr/share/locale
RUN rm -f /usr/lib/gcc/*/12/lto1 /usr/lib/gcc/*/12/lto-wrapper /usr/bin/*-lto-dump*
EOF
  image build/ci:41 3 classic << EOF
FROM build/gcc:12
LABEL team=build org.opencontainers.image.source=$GIT/build/ci
RUN $GET cmake git ca-certificates
RUN mkdir -p /builds && git config --system safe.directory '*'
RUN apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/doc/cmake*
EOF
  image build/perl:5.36 1 << EOF
FROM platform/debian:12.0
LABEL team=build org.opencontainers.image.source=$GIT/build/perl
RUN $GET perl libwww-perl libjson-perl && $CLEAN
CMD ["perl", "-de0"]
EOF

  # one thing a line
  image build/toolbox:1 2 classic << 'EOF'
FROM platform/debian:12
LABEL team=build
RUN apt-get update
RUN apt-get install -y --no-install-recommends curl
RUN apt-get install -y --no-install-recommends jq
RUN apt-get install -y --no-install-recommends less
RUN apt-get install -y --no-install-recommends procps
RUN apt-get install -y --no-install-recommends unzip
RUN apt-get install -y --no-install-recommends file
RUN useradd -m tool
RUN mkdir -p /work && chown tool /work
RUN echo 'alias ll="ls -l"' >> /home/tool/.bashrc
RUN echo 'export PAGER=less' >> /home/tool/.bashrc
RUN mkdir -p /etc/toolbox && echo 1 > /etc/toolbox/version
RUN ln -s /usr/bin/jq /usr/local/bin/j
RUN chown -R tool:tool /home/tool /work
RUN rm -rf /var/lib/apt/lists/*
USER tool
CMD ["bash"]
EOF

  # the web server, two sites on it, and one more chmod
  nginx_image web/nginx:1.22.0 1
  tag web/nginx:1.22 web/nginx:1.22.0
  portal_image web/portal:3.0 2 0
  portal_image web/portal:3.1 4 1
  image web/nginx:1.22-hardened 3 << EOF
FROM web/nginx:1.22
RUN chmod 750 /usr/sbin/nginx && rm -rf /usr/share/doc /usr/share/man
USER www-data
EOF

  # the same packages in either order, and the same bytes at another path
  image apps/reports:5.0 3 << EOF
FROM platform/debian:12
LABEL team=reports org.opencontainers.image.source=$GIT/apps/reports
RUN $GET python3 && $CLEAN
RUN $GET nginx-light && $CLEAN
EOF
  image apps/intake:5.0 3 << EOF
FROM platform/debian:12
LABEL team=reports org.opencontainers.image.source=$GIT/apps/intake
RUN $GET nginx-light && $CLEAN
RUN $GET python3 && $CLEAN
EOF
  image apps/kiosk:1.0 4 << 'EOF'
FROM platform/node:18
LABEL team=shop
RUN mkdir -p /opt/kiosk/runtime && cp -a /usr/bin/node /usr/lib/*/libnode.so.* /usr/lib/*/libicudata.so.* /opt/kiosk/runtime/
CMD ["/opt/kiosk/runtime/node"]
EOF
  image apps/legacy:0.9 4 << EOF
FROM platform/python:3.9
LABEL team=orders org.opencontainers.image.source=$GIT/apps/legacy
COPY api 0 /srv/api
EOF
  image apps/edge:1.0 5 << EOF
FROM platform/python:3.13
LABEL team=orders org.opencontainers.image.source=$GIT/apps/edge
COPY api 3 /srv/api
EOF

  # applications over time: a version a week on the base of that week
  web_stack_image apps/python-web:1-r1 1
  tag apps/python-web:1 apps/python-web:1-r1
  for n in 0 1 2 3 4 5 6; do shop_image $n; done
  api_image 0 2
  api_image 1 4

  # week 6: security updates, flattened; the tags move on, and what is built from now on stands on them
  base_image platform/debian:12.1 6 "ADD bookworm $SECURITY_UPDATES"
  tag platform/debian:12 platform/debian:12.1
  python_image platform/python:3.11-r2 6 platform/debian:12
  tag platform/python:3.11 platform/python:3.11-r2
  node_image platform/node:18-r2 6
  tag platform/node:18 platform/node:18-r2
  nginx_image web/nginx:1.22.1 7
  tag web/nginx:1.22 web/nginx:1.22.1
  web_stack_image apps/python-web:1-r2 7
  tag apps/python-web:1 apps/python-web:1-r2
  portal_image web/portal:3.2 8 2
  for n in 7 8 9; do shop_image $n; done
  tag apps/shop:latest apps/shop:1.9
  api_image 2 7
  api_image 3 9
  tag apps/api:latest apps/api:2.3
}

# ------------------------------------------------------------------------------------------------ the checks

check_readable() {
  local ref
  for ref in $(refs); do
    skopeo inspect "oci:$OUT:$ref" > /dev/null 2>> "$LOG" || die "skopeo cannot read $ref"
  done
  say "skopeo reads all $(refs | wc -l) refs"
}

check_leaks() { # nothing of the machine in any name or byte of any layer, or in any manifest or configuration
  local t=$WORK/leaks uri host digest file leaks=0 shipped=0
  host=$(hostname)
  rm -rf "$t"
  mkdir -p "$t"
  {
    for uri in "$MIRROR" "$SECURITY_MIRROR" ${PROXY:+"$PROXY"}; do
      host_of "$uri"
      getent ahostsv4 "$(host_of "$uri")" | awk '{ print $1 }' || true
    done
    sed -n 's/^nameserver *//p' /etc/resolv.conf
    printf '%s\n' "$OUT" "$WORK"
    [ ${#host} -lt 6 ] || echo "$host" # a shorter one turns up by chance, and is looked for as a word below
  } | sed "/^$/d" | sort -u > "$t/words"

  for file in "$OUT/index.json" "$OUT/oci-layout" $(json_blobs | while read -r digest; do blob "$digest"; echo; done); do
    if grep -Ff "$t/words" "$file" || grep -wF "$host" "$file"; then die "that is in ${file##*/}"; fi
  done

  : > "$t/found"
  : > "$t/md5"
  for digest in $(layers); do
    zstd -dcq "$(blob "$digest")" > "$t/tar" || die "layer $digest is damaged"
    tar -tvf "$t/tar" > "$t/list" || die "layer $digest is not a whole tar archive"
    if grep -Ff "$t/words" "$t/list"; then die "such a name is in layer $digest"; fi
    rm -rf "$t/files"
    mkdir "$t/files"
    if grep -aqFf "$t/words" "$t/tar"; then # in which file?
      tar -C "$t/files" --no-same-owner -xf "$t/tar"
    else # only where a host name might be, and lists of checksums; not every layer has those
      tar -C "$t/files" --no-same-owner --wildcards -xf "$t/tar" 'etc/*' 'home/*' 'root/*' 'run/*' 'var/lib/apt/*' \
        'var/lib/dpkg/*' 'var/log/*' 'var/mail/*' 2> /dev/null || true
    fi
    (
      cd "$t/files"
      # what packages and the archive's signed index say of their own files: those may name Debian's default mirror
      [ ! -d var/lib ] || find var/lib \( -name '*.md5sums' -o -name status -o -name '*_InRelease' \) -type f \
        -exec grep -ohE '\b[0-9a-f]{32}\b' {} + >> "$t/md5" || true
      {
        grep -rlaZFf "$t/words" . || true
        for dir in etc root home run var/log var/mail; do
          [ ! -d "$dir" ] || grep -rlaZwF --exclude='*.[gx]z' -e "$host" "./$dir" || true
        done
      } | xargs -r0 md5sum | sed "s/^/$digest /" >> "$t/found"
    )
  done
  sort -u -o "$t/md5" "$t/md5"
  while read -r digest md5 file; do
    if grep -qxF "$md5" "$t/md5"; then
      shipped=$((shipped + 1))
    else
      echo "$digest $file" >&2
      leaks=$((leaks + 1))
    fi
  done < "$t/found"
  [ "$leaks" = 0 ] || die "$leaks files name the mirror or this machine"
  say "$(layers | wc -l) layers and $(json_blobs | wc -l) JSON blobs searched for $(wc -l < "$t/words") words and the" \
    "host name: none found but in $shipped files that are as Debian publishes them"
  rm -rf "$t"
}

figures() { # a table of the refs, then the sums over distinct images and distinct layers
  local ref m
  for ref in $(refs); do
    jq -r --arg ref "$ref" '"\($ref)\t\(.layers | length)\t\([.layers[].size] | add)"' "$(manifest "$ref")"
  done | awk -F '\t' '{ printf "%-28s %3d layers %8.1f MB\n", $1, $2, $3 / 1e6 }'
  for m in $(manifests); do cat "$(blob "$m")"; done | jq -rs --arg refs "$(refs | wc -l)" '
    "\($refs) refs, \(length) images, \([.[].layers[].digest] | unique | length) layers",
    "logical \([.[].layers[].size] | add) bytes, physical \([.[].layers[] | {digest, size}] | unique | map(.size) | add) bytes"'
}

# ------------------------------------------------------------------------------------------------------ main

case ${1:-} in
  -h | --help) usage; exit ;;
  --manifests-only)
    [ $# -eq 2 ] || [ $# -eq 3 ] || die "--manifests-only takes a directory and, if need be, OUT: see --help"
    command -v jq > /dev/null || die "jq is missing: apt-get install -y --no-install-recommends jq"
    OUT=$(realpath -m "${3:-debian-fleet.oci}")
    copy_manifests "$(realpath -m "$2")"
    exit ;;
  -*) die "no such option: $1; see --help" ;;
esac
[ $# -le 2 ] || die "at most two arguments, OUT and WORK; see --help"

missing=()
for program in "${NEEDS[@]}"; do command -v "$program" > /dev/null || missing+=("$program"); done
[ ${#missing[@]} = 0 ] || die "missing: ${missing[*]}; to install: apt-get install -y --no-install-recommends ${missing[*]}"
[ "$(id -u)" = 0 ] || die "must be run as root: it unpacks and enters root file systems"
unshare --mount --uts --ipc --pid --fork true 2> /dev/null || die "may not make name spaces here: needs CAP_SYS_ADMIN"
[ "$(date +%s)" -gt "$EPOCH" ] || die "this machine's clock is before $BASE_DATE, the date that the images bear"

# all mounts are made in a space that ends with this script
[ "${FLEET_MOUNT_SPACE:-}" = own ] || FLEET_MOUNT_SPACE=own exec unshare --mount -- "$BASH" "$0" "$@"

OUT=$(realpath -m "${1:-debian-fleet.oci}")
WORK=$(realpath -m "${2:-$OUT.work}")
case $OUT$WORK in *:*) die "OUT and WORK must not contain a colon" ;; esac
LOG=$WORK/build.log
mkdir -p "$WORK"
exec 9> "$WORK/lock"
flock -n 9 || die "another run is using $WORK"
trap 'close_bundle; rm -rf "$WORK"/{unpacked,copy,copy.tar,squash,twin,leaks,archives,umoci.json}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

find_mirrors
prepare
[ -f "$OUT/index.json" ] || logged umoci init --layout "$OUT"

jobs=()
for suite in bookworm bullseye trixie; do make_root $suite & jobs+=($!); done
for job in "${jobs[@]}"; do wait "$job" || die "no root file systems"; done
say "root file systems of three suites"

build_fleet
logged umoci gc --layout "$OUT"
sort_index > "$WORK/index.json"
mv "$WORK/index.json" "$OUT/index.json"
check_readable
check_leaks
figures
