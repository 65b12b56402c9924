// "did you mean": the word nearest to one that was mistyped.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gneiss {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal
// string alignment distance).
[[nodiscard]] std::size_t EditDistance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, the first of equals; empty when none is near: more than a third
// of the longer word differs, and more than one letter.
[[nodiscard]] std::string NearestWord(std::string_view word,
                                      std::span<const std::string> candidates);

}  // namespace gneiss
