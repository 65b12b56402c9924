// A set of indices (of images, of atoms) as bits: what solvers that compare many sets compute with.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {

// Sets that meet in one operation must be over the same number of indices.
class IndexSet {
 public:
  IndexSet() = default;
  explicit IndexSet(std::uint32_t num_indices) : words_((num_indices + 63) / 64, 0) {}
  IndexSet(std::uint32_t num_indices, std::span<const std::uint32_t> indices)
      : IndexSet(num_indices) {
    for (const std::uint32_t i : indices) Insert(i);
  }

  void Insert(std::uint32_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  void Erase(std::uint32_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  bool Contains(std::uint32_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }

  bool empty() const {
    return std::ranges::all_of(words_, [](std::uint64_t w) { return w == 0; });
  }
  std::uint32_t size() const {
    std::uint32_t n = 0;
    for (const std::uint64_t w : words_) n += static_cast<std::uint32_t>(std::popcount(w));
    return n;
  }
  // REQUIRES: not empty.
  std::uint32_t first() const {
    std::size_t w = 0;
    while (words_[w] == 0) ++w;
    return static_cast<std::uint32_t>(w * 64) +
           static_cast<std::uint32_t>(std::countr_zero(words_[w]));
  }

  bool IsSubsetOf(const IndexSet& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      if ((words_[w] & ~other.words_[w]) != 0) return false;
    }
    return true;
  }
  bool Intersects(const IndexSet& other) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      if ((words_[w] & other.words_[w]) != 0) return true;
    }
    return false;
  }

  IndexSet& operator|=(const IndexSet& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
    return *this;
  }
  IndexSet& operator&=(const IndexSet& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] &= other.words_[w];
    return *this;
  }
  IndexSet& operator-=(const IndexSet& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] &= ~other.words_[w];
    return *this;
  }
  friend IndexSet operator|(IndexSet a, const IndexSet& b) { return a |= b; }
  friend IndexSet operator&(IndexSet a, const IndexSet& b) { return a &= b; }
  friend IndexSet operator-(IndexSet a, const IndexSet& b) { return a -= b; }
  friend bool operator==(const IndexSet&, const IndexSet&) = default;

  // visit(index), ascending.
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      for (std::uint64_t bits = words_[w]; bits != 0; bits &= bits - 1) {
        visit(static_cast<std::uint32_t>(w * 64) +
              static_cast<std::uint32_t>(std::countr_zero(bits)));
      }
    }
  }
  std::vector<std::uint32_t> ToVector() const {
    std::vector<std::uint32_t> indices;
    ForEach([&](std::uint32_t i) { indices.push_back(i); });
    return indices;
  }

  struct Hash {
    std::size_t operator()(const IndexSet& set) const { return HashWords(set.words_); }
  };

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace gneiss
