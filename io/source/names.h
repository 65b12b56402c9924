// Names of repositories and tags, by the grammar of the OCI distribution spec (spec.md, "Pulling
// manifests").
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace gneiss {

// Some of the refs that a source has, for the message when the wanted one is not among them.

class KnownRefs {
 public:
  // Keeps the first few that are not empty.
  void Add(std::string_view ref);
  // Throws InputError with `source`: "expected an image WANTED, found refs ...".
  [[noreturn]] void ThrowMissing(const std::string& source, std::string_view wanted) const;

 private:
  std::set<std::string, std::less<>> refs_;
};

// What registries take; the spec leaves it to them and names this number for names with the host.
inline constexpr std::size_t kMaxRepositoryName = 255;
inline constexpr std::size_t kMaxTagName = 128;

// "library/debian": lower-case words joined by ".", "_", "__" or "-"s, in parts joined by "/".
[[nodiscard]] bool IsRepositoryName(std::string_view name);
// "1.0-slim": at most 128 word characters, "." and "-", the first a word character.
[[nodiscard]] bool IsTagName(std::string_view name);

}  // namespace gneiss
