// What the last component of a path in a layer makes of its entry (OCI image spec, layer.md).
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

enum class MarkerKind {
  kPlain,     // an entry at its own path
  kWhiteout,  // deletes `path`, where it is the whiteout's without ".wh."
  kOpaque,    // hides the lower contents of the directory `path`
  kAufs,      // one of aufs's own files, which were never part of an image
  kNameless,  // a whiteout of "", "." or "..", which would delete its directory or the one above
};

struct MarkerName {
  MarkerKind kind = MarkerKind::kPlain;
  std::string path;  // a key, of kWhiteout and kOpaque
};

// `key`: as the entry's name has it. A directory is never a whiteout or opaque marker.
[[nodiscard]] MarkerName ReadMarkerName(std::string_view key, bool is_directory);

}  // namespace gneiss
