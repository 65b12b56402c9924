// Plain files in a directory that is held open.
#pragma once

#include <memory>
#include <string>

#include "io/bytes/byte_source.h"

namespace gneiss {

// As OpenPlainFile, for a name in a directory; `path` is what messages call the file.
[[nodiscard]] std::unique_ptr<ByteSource> OpenPlainFileIn(int directory, const std::string& name,
                                                          const std::string& path);

}  // namespace gneiss
