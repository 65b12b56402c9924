// Paths of a layer's entries as keys: relative to the root, components joined by single '/', none
// of them empty, "." or "..". The root is the empty key. Bytes are bytes: no encoding is assumed,
// and two names that look alike are two keys. A key is never opened.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace gneiss {

struct PathKey {
  std::string key;
  bool above_root = false;  // ".." led out of the root, where it was stopped
};

// Key of a name as an archive gives it: "/etc//x", "./etc/x" and "etc/a/../x/" are all "etc/x".
// Lexical: links are not followed. Time O(name).
[[nodiscard]] PathKey MakePathKey(std::string_view name);

// Whether a text is a key. Time O(text).
[[nodiscard]] bool IsPathKey(std::string_view text);

// Order by components: a directory comes before all that lies below it, and that before anything
// else, so a subtree is a range. ('/' sorts below every other byte.)
[[nodiscard]] std::strong_ordering ComparePaths(std::string_view a, std::string_view b);

// Whether a key lies below another, which is not the root.
[[nodiscard]] bool IsBelow(std::string_view path, std::string_view directory);

// Of a key that is not the root: the key of its directory, and its last component.
[[nodiscard]] std::string_view ParentPath(std::string_view key);
[[nodiscard]] std::string_view BaseName(std::string_view key);

// Number of components, 0 for the root.
[[nodiscard]] std::size_t PathDepth(std::string_view key);

}  // namespace gneiss
