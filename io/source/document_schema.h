// Which of gneiss's own JSON documents a file is: what its member "schema" says, by content.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gneiss {

// "gneiss.plan/1"; empty for anything that is no JSON document with a schema, such as a fleet file,
// a layout or nothing at all: whoever reads those has better words for what is wrong. The file may
// be compressed. Reads its first 64 KiB, and all of it only where it is JSON in several lines whose
// start does not tell. Throws std::system_error when it cannot be read.
[[nodiscard]] std::string SchemaOfFile(const std::string& path);

// The value of a first member "schema" of the object that a text begins with, however it goes on;
// empty where it has none.
[[nodiscard]] std::string LeadingSchema(std::string_view text);

// All of a file, decompressed. Throws InputError "PATH: expected EXPECTED of at most N bytes ..."
// and what ByteSource throws.
[[nodiscard]] std::string ReadDocument(const std::string& path, std::string_view expected,
                                       std::size_t max_bytes);

}  // namespace gneiss
