// Manifests and configs of live registries by their digests, so that a second run asks only for
// what tags name:
//
//   DIR/manifests/v1/ab/ab12....json     named by their sha256
//
// What does not match its name counts as absent. Any number of threads and processes may use one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gneiss {

class ManifestCache {
 public:
  // Touches nothing. Without a directory nothing is kept.
  explicit ManifestCache(std::string directory) : directory_(std::move(directory)) {}

  // nullopt when it is not there, is damaged, or its digest is no sha256.
  [[nodiscard]] std::optional<std::string> Read(std::string_view digest_text) const;
  // Keeps `text` unless that digest is another's. A cache that cannot be written costs requests
  // later, and is no error.
  void Write(std::string_view digest_text, std::string_view text) const;

 private:
  std::string PathOf(std::string_view hex) const;

  std::string directory_;
};

}  // namespace gneiss
