# For scripts that source it: OCI layouts with layers of known contents.

# add_blob LAYOUT FILE: moves a file among the blobs; prints its digest and its size.
add_blob() {
  mkdir -p "$1/blobs/sha256"
  hex=$(sha256sum "$2" | cut -d' ' -f1)
  size=$(wc -c <"$2")
  mv "$2" "$1/blobs/sha256/$hex"
  echo "sha256:$hex" $((size))
}

# add_tar LAYOUT FOLDER: adds a layer that holds what is in the folder.
add_tar() {
  tar -C "$2" --sort=name --mtime=@1600000000 --owner=0 --group=0 --numeric-owner --format=posix \
    --pax-option=delete=atime,delete=ctime,exthdr.name=%d/PaxHeaders/%f -cf "$1/layer" .
  add_blob "$1" "$1/layer"
}

# descriptor TYPE DIGEST SIZE
descriptor() {
  printf '{"mediaType":"application/vnd.oci.image.%s","digest":"%s","size":%d}' "$1" "$2" "$3"
}

# add_image LAYOUT TAG "DIGEST SIZE"...: an image of layers, base first; replaces index.json, which
# lists the images added so far. With `plain` set its layers are no more than tars, and its config has
# the rootfs that a strict reading asks for.
add_image() {
  image_layout=$1
  image_tag=$2
  shift 2
  history=
  layers=
  diff_ids=
  for layer in "$@"; do
    # The words of a layer are its digest and its size.
    # shellcheck disable=SC2086
    layers="$layers${layers:+,}$(descriptor layer.v1.tar $layer)"
    diff_ids="$diff_ids${diff_ids:+,}\"${layer%% *}\""
    history="$history${history:+,}{\"created_by\":\"RUN make $image_tag\"}"
  done
  rootfs=
  [ -z "${plain:-}" ] || rootfs="\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[$diff_ids]},"
  printf '{"os":"linux","architecture":"amd64",%s"history":[%s]}' "$rootfs" "$history" >"$image_layout/json"
  # shellcheck disable=SC2046
  config=$(descriptor config.v1+json $(add_blob "$image_layout" "$image_layout/json"))
  printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$config" "$layers" >"$image_layout/json"
  # shellcheck disable=SC2046
  manifest=$(descriptor manifest.v1+json $(add_blob "$image_layout" "$image_layout/json"))
  echo "${manifest%\}},\"annotations\":{\"org.opencontainers.image.ref.name\":\"shop:$image_tag\"}}" \
    >>"$image_layout/manifests"
  printf '{"schemaVersion":2,"manifests":[%s]}' "$(paste -sd, "$image_layout/manifests")" \
    >"$image_layout/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$image_layout/oci-layout"
}
