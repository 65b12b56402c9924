// The manifests and layers that events name by number (event_file.h), from two files of JSON lines,
// plain or compressed:
//
//   layers     {"id":0,"digest":"sha256:...","size":49732675,"media_type"?}
//   manifests  {"id":0,"manifest_digest":"sha256:...","layers":[0,5],"platform"?,"created"?,
//               "config_digest"?,"first_ref"?}
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/bytes/byte_source.h"
#include "planner/fleet/fleet.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {

struct HistoryTables {
  Fleet fleet;  // of all manifests
  SeededMap<std::int64_t, ImageIndex> by_number;
};

// Throws InputError with the path and line for a line that is none, a number that comes twice, and
// a layer that no line of the other file is; what ByteSource::Read throws.
[[nodiscard]] HistoryTables ReadHistoryTables(std::unique_ptr<ByteSource> manifests,
                                              const std::string& manifests_path,
                                              std::unique_ptr<ByteSource> layers,
                                              const std::string& layers_path);

}  // namespace gneiss
