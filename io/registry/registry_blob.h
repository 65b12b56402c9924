// A blob of a registry as a ByteSource: streamed, and asked for again from where it broke.
#pragma once

#include <memory>

#include "io/bytes/byte_source.h"
#include "io/registry/registry_session.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// `request` is for the whole blob of `size` bytes.
[[nodiscard]] std::unique_ptr<ByteSource> OpenRegistryBlob(std::shared_ptr<RegistrySession> session,
                                                           RegistryRequest request, Bytes size);

}  // namespace gneiss
