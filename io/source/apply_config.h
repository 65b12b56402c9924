// What an image's config adds to what its manifest says of it.
#pragma once

#include <cstdint>
#include <string>

#include "io/source/manifest.h"
#include "io/source/source.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

// Fills in what `record`, made from a manifest, does not say yet; `record` keeps views of `config`.
// Lists that do not match the layers are left out with a warning, as are duplicate keys; `path` is
// what the warning calls the config.
void ApplyConfig(const ImageConfig& config, const std::string& path, ImageRecord& record,
                 ReadReport& report);

// Counts members of a JSON document at `path` that a later one replaces.
void CountDuplicateKeys(std::int64_t count, const std::string& path, ReadReport& report);

}  // namespace gneiss
