// Random numbers and the few transforms that synthetic data needs, in integers only: the same seed
// gives the same values on every platform, compiler and standard library.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace gneiss {

// Fixed point with 16 fractional bits.
using Q16 = std::int64_t;

// Constants only; no value from a run passes through double.
consteval Q16 ToQ16(double value) {
  return static_cast<Q16>(value * 65536.0 + (value < 0 ? -0.5 : 0.5));
}

// A bijection of 64 bits that mixes well (the finalizer of splitmix64, Steele et al. 2014).
[[nodiscard]] constexpr std::uint64_t Mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// e^x * 2^fraction_bits, rounded down, to about 1e-6 of its value. REQUIRES: the result < 2^62.
[[nodiscard]] std::uint64_t Exp(Q16 x, int fraction_bits = 0);

// A point of a distribution: `probability` (of 2^32) of values lie below e^log_value.
struct LogQuantile {
  std::uint64_t probability;
  Q16 log_value;
};

// `probability` in 0..1, the value as its natural logarithm.
consteval LogQuantile AtQuantile(double probability, double log_value) {
  return {static_cast<std::uint64_t>(probability * 4294967296.0), ToQ16(log_value)};
}

// The value at quantile u / 2^32, rounded to the nearest integer; between points the logarithm is
// linear. REQUIRES: points ascend from probability 0 to 1.
[[nodiscard]] std::int64_t ValueAt(std::span<const LogQuantile> points, std::uint32_t u);

// xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t Next();
  std::uint32_t Next32() { return static_cast<std::uint32_t>(Next() >> 32); }

  // Uniform in 0..bound - 1. REQUIRES: 0 < bound < 2^32.
  std::uint64_t Below(std::uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }

  bool Chance(std::uint32_t per_mille) { return Below(1000) < per_mille; }

  // Standard normal, near enough: a binomial of 128 coins made continuous by a uniform. Never
  // beyond 11.4, kurtosis 2.98.
  Q16 Normal();

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace gneiss
