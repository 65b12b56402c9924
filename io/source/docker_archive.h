// Archives of `docker save`: a tar with a manifest.json that lists images as a config, refs and
// layers, each the name of a member. Of the old form (ID/layer.tar, links among them), of the form
// since Docker 25 (blobs/sha256/HEX, an OCI layout as well) and of other writers (skopeo,
// go-containerregistry). What Docker wrote before 1.10, without manifest.json, is not read.
#pragma once

#include <memory>
#include <string_view>

#include "io/source/source.h"
#include "io/source/tar_archive.h"

namespace gneiss {

inline constexpr std::string_view kDockerManifestName = "manifest.json";

// Adds the images of the archive to `builder`, of every platform that options.platform matches. In
// either form the list is manifest.json, never the index.json beside it: it is what `docker load`,
// skopeo and go-containerregistry take, and the index of an archive that Docker 25 saved by an
// image's ID is empty. (oci-archive: reads the index.) The archive knows no manifests: an image is
// known by its config and layers.
//
// `ref`, unless empty, selects: "@N", the N-th image, counted from 0; a name, which means its
// :latest where it has no tag; a tag. Images selected by a name keep the refs that it selects.
//
// A layer has the digest that its name gives (blobs/sha256/HEX; what holds it against the content
// is the scan, as for layouts), otherwise that of its bytes, which are read for it. A layer that is
// a plain tar but not what the config's diff_id says is counted as a warning.
//
// An image whose config or a layer is missing or wrong goes to `report` with the member's path as
// source. Throws InputError when manifest.json is missing or no list of images, or when `ref` names
// nothing; std::system_error when reading fails.
void ReadDockerArchive(const std::shared_ptr<TarArchive>& archive, std::string_view ref,
                       const ReadOptions& options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
