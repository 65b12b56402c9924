// What the last component of a path in a layer makes of its entry (OCI image spec, layer.md).
#pragma once

#include <string>
#include <string_view>

namespace gneiss {

enum class MarkerKind {
  kPlain,     // an entry at its own path
  kWhiteout,  // deletes `path`, where it is the whiteout's without ".wh."
  kOpaque,    // hides the lower contents of the directory `path`
  kNameless,  // a whiteout of "", "." or "..", which would delete its directory or the one above
};

struct MarkerName {
  MarkerKind kind = MarkerKind::kPlain;
  std::string path;  // a key, of kWhiteout and kOpaque
};

// `key`: of an entry of any type: runtimes make markers of directories and links, too.
[[nodiscard]] MarkerName ReadMarkerName(std::string_view key);

// Whether a key is, or is below, one of aufs's own files (".wh..wh.plnk"), which were never meant
// to be part of an image.
[[nodiscard]] bool IsAufsMetadata(std::string_view key);

}  // namespace gneiss
