// Strings in one flat buffer, each stored once and known by a 32-bit index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gneiss {

// Index into a TextPool. Index 0 is always the empty string, and stands for "not given".
using TextIndex = std::uint32_t;

// Invariants: offsets_.size() == size() + 1; slots_ holds index + 1, 0 for free, and is a power of
// two.
class TextPool {
 public:
  TextPool();

  // Index of `text`, which is stored at the first call. Throws std::length_error past 2^32 - 2
  // strings.
  TextIndex Intern(std::string_view text);

  // Index of `text` if it is stored. REQUIRES: not sealed since the last Intern.
  std::optional<TextIndex> Find(std::string_view text) const;

  // Valid until the next Intern.
  std::string_view operator[](TextIndex index) const {
    return {text_.data() + offsets_[index],
            static_cast<std::size_t>(offsets_[index + 1] - offsets_[index])};
  }

  std::size_t size() const { return offsets_.size() - 1; }

  // Frees the hash table and the spare capacity. Intern may be called again and rebuilds it.
  void Seal();

 private:
  void Rehash(std::size_t num_slots);
  // The slot that holds `text`, or the free one where it belongs. REQUIRES: slots_ not empty.
  std::size_t SlotOf(std::string_view text) const;

  std::string text_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> slots_;
};

}  // namespace gneiss
