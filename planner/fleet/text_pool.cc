#include "planner/fleet/text_pool.h"

#include <algorithm>
#include <stdexcept>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {
constexpr std::size_t kMinTextSlots = 64;
}  // namespace

TextPool::TextPool() : offsets_{0} { Intern(""); }

TextIndex TextPool::Intern(std::string_view text) {
  if (2 * (size() + 1) > slots_.size()) Rehash(std::max(kMinTextSlots, 4 * (size() + 1)));
  const std::size_t slot = SlotOf(text);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  if (size() >= 0xfffffffeU) throw std::length_error("more than 2^32 distinct strings");
  text_.append(text);
  offsets_.push_back(text_.size());
  slots_[slot] = static_cast<std::uint32_t>(size());
  return static_cast<TextIndex>(size() - 1);
}

std::optional<TextIndex> TextPool::Find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t found = slots_[SlotOf(text)];
  return found == 0 ? std::nullopt : std::optional<TextIndex>(found - 1);
}

std::size_t TextPool::SlotOf(std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = HashText(text) & mask;
  while (slots_[slot] != 0 && (*this)[slots_[slot] - 1] != text) slot = (slot + 1) & mask;
  return slot;
}

void TextPool::Seal() {
  slots_ = {};
  text_.shrink_to_fit();
  offsets_.shrink_to_fit();
}

void TextPool::Rehash(std::size_t num_slots) {
  std::size_t power = kMinTextSlots;
  while (power < num_slots) power *= 2;
  slots_.assign(power, 0);
  for (std::size_t i = 0; i < size(); ++i) {
    std::size_t slot = HashText((*this)[static_cast<TextIndex>(i)]) & (power - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (power - 1);
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace gneiss
