// Image directories: what skopeo, podman and buildah write as dir:DIR (containers-transports(5)).
// One image or one index, manifest.json, with what it names beside it: blobs as HEX (HEX.tar before
// version 1.1), manifests of an index as HEX.manifest.json. Signatures are passed over.
#pragma once

#include <string>

#include "io/source/source.h"

namespace gneiss {

// Whether `directory` looks like one.
[[nodiscard]] bool IsImageDirectory(const std::string& directory);

// Adds the images of the directory to `builder`, of every platform that options.platform matches;
// manifest_reader.h says what is passed over. They are called as the directory is, since no file in
// it says a name. Blobs may be absent, as in a layout (oci_layout.h).
//
// A manifest or image that is bad goes to `report` with its file as source. Throws InputError when
// there is no such directory, no manifest.json in it, or one of another version;
// std::system_error when reading fails.
void ReadImageDirectory(const std::string& directory, const ReadOptions& options,
                        FleetBuilder& builder, ReadReport& report);

}  // namespace gneiss
