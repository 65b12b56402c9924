// Hashes for tables whose keys come from outside. Whoever knows a hash can choose keys that share a
// slot, and make a table of n keys cost n^2; so every such table hashes with a secret that each
// process draws anew: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
// 2012).
//
// What a table yields must not depend on the seed: an unordered container is looked up in, and
// never walked in its own order where that could reach an answer.
//
// Indices that we count ourselves (LayerIndex, PathIndex, ...) need none of this: n of N dense
// numbers, as std::hash leaves them, meet at most N / n times in each of n or more slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace gneiss {

struct HashSeed {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// From the system's random numbers.
[[nodiscard]] HashSeed DrawHashSeed();

// Of this process. Tests may set it. REQUIRES of those: no table made with another seed is used.
[[nodiscard]] inline HashSeed& ProcessHashSeed() {
  static HashSeed seed = DrawHashSeed();
  return seed;
}

// SipHash-1-3 of words, or of a text.
class KeyedHash {
 public:
  KeyedHash() : KeyedHash(ProcessHashSeed()) {}
  explicit KeyedHash(const HashSeed& seed)
      : v0_(seed.low ^ 0x736f6d6570736575U),
        v1_(seed.high ^ 0x646f72616e646f6dU),
        v2_(seed.low ^ 0x6c7967656e657261U),
        v3_(seed.high ^ 0x7465646279746573U) {}

  KeyedHash& Add(std::uint64_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
    return *this;
  }

  // A text that ends in its length, so that no two texts give the same words.
  KeyedHash& AddText(std::string_view text) {
    const std::uint64_t last_byte = std::uint64_t{text.size()} << 56;
    for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
      std::uint64_t word;
      std::memcpy(&word, text.data(), sizeof word);
      Add(word);
    }
    std::uint64_t rest = 0;
    // An empty text may have no bytes to point to.
    if (text.size() > 0) std::memcpy(&rest, text.data(), text.size());
    return Add(rest | last_byte);
  }

  [[nodiscard]] std::uint64_t Finish() {
    v2_ ^= 0xff;
    Round();
    Round();
    Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static std::uint64_t Rotate(std::uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
  }
  void Round() {
    v0_ += v1_;
    v1_ = Rotate(v1_, 13) ^ v0_;
    v0_ = Rotate(v0_, 32);
    v2_ += v3_;
    v3_ = Rotate(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = Rotate(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = Rotate(v1_, 17) ^ v2_;
    v2_ = Rotate(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

// REQUIRES of tables of words: all keys have as many.
[[nodiscard]] inline std::uint64_t HashWords(std::span<const std::uint64_t> words) {
  KeyedHash hash;
  for (const std::uint64_t word : words) hash.Add(word);
  return hash.Finish();
}

[[nodiscard]] inline std::uint64_t HashText(std::string_view text) {
  return KeyedHash().AddText(text).Finish();
}

// For the standard's containers; texts are looked up by views of them.
struct SeededHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const { return HashText(text); }
  template <typename Number>
  requires std::is_integral_v<Number> std::size_t operator()(Number number) const {
    return KeyedHash().Add(static_cast<std::uint64_t>(number)).Finish();
  }
};

// Text is std::string, or std::string_view where others keep the bytes.
template <typename Key, typename Value>
using SeededMap = std::unordered_map<Key, Value, SeededHash, std::equal_to<>>;
template <typename Key>
using SeededSet = std::unordered_set<Key, SeededHash, std::equal_to<>>;

}  // namespace gneiss
