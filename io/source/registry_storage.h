// The storage of a registry as distribution (registry:2) keeps it in a file system:
//
//   docker/registry/v2/repositories/NAME/_manifests/tags/TAG/current/link
//   docker/registry/v2/repositories/NAME/_manifests/revisions/ALGORITHM/HEX/link
//   docker/registry/v2/repositories/NAME/_layers/ALGORITHM/HEX/link
//   docker/registry/v2/blobs/ALGORITHM/HE/HEX/data
//
// A link is a file that holds a digest. The registry need not run, and may: what is pushed or
// deleted meanwhile is seen or not. Uploads under way, the history of tags and the links of layers
// are not read.
#pragma once

#include <string>
#include <string_view>

#include "io/source/source.h"

namespace gneiss {

// Whether `directory` looks like one, or like a directory from which docker/registry/v2 leads on.
[[nodiscard]] bool IsRegistryStorage(const std::string& directory);

// Adds every tag's image to `builder` as NAME:TAG, of every platform that options.platform matches;
// manifest_reader.h says what is passed over. A manifest that several tags name is read once. The
// manifests of a repository that neither a tag nor a tagged index names are counted in
// report.skipped. `directory` is the root of the storage, its docker/registry/v2, or one between.
//
// `ref`, unless empty, selects: NAME, all tags of a repository; NAME:TAG; NAME@DIGEST, a manifest
// of the repository, which keeps its tags and without one is called NAME@DIGEST.
//
// Symbolic links are not followed, and directories whose names are none of repositories, tags or
// digests passed over, both with a warning. A registry serves no image that lacks a blob: a tag
// whose manifest is gone, and an image whose config or a layer is, go to `report` with the link
// that leads nowhere as source. Throws InputError when `directory` holds no such storage or `ref`
// names nothing; std::system_error when reading fails.
//
// Cost: a file read a tag, manifest and config; a look at each revision and each distinct layer.
void ReadRegistryStorage(const std::string& directory, std::string_view ref,
                         const ReadOptions& options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
