// OCI image layouts: index.json, blobs/ALGORITHM/HEX. Which entries are read, and what they are
// called; manifest_reader.h follows them. Layers are looked for, never opened, and may be absent.
#pragma once

#include <memory>
#include <string_view>

#include "io/source/layout.h"
#include "io/source/source.h"

namespace gneiss {

// Adds the images of the layout to `builder`, of every platform that
// options.platform matches. Images of a nested index inherit the ref of its entry in index.json; a
// tag in its annotations is one of a repository named like the layout (RefOf).
//
// `ref`, unless empty, selects: a full name, a tag, or the digest of an entry or a manifest.
//
// Every JSON blob must be a plain file of at most 4 MiB with the size and digest of its descriptor.
// An image with a bad or missing blob goes to `report` with the blob's path as source; an absent
// config only costs what the config says, with a warning.
//
// Throws InputError when the files are no layout, its index.json cannot be used, or `ref` names
// nothing; std::system_error when reading fails.
void ReadOciLayout(const std::shared_ptr<const LayoutFiles>& layout, std::string_view ref,
                   const ReadOptions& options, FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
