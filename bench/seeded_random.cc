#include "bench/seeded_random.h"

#include <bit>
#include <cassert>

namespace gneiss {

std::uint64_t Exp(Q16 x, int fraction_bits) {
  // e^x = 2^(whole + fraction); 2^fraction by its Taylor series, coefficients ln(2)^k / k! in Q30.
  static constexpr std::int64_t kLog2E = 1549082005;  // Q30
  static constexpr std::int64_t kCoefficients[] = {1073741824, 744261118, 257941248, 59597083,
                                                   10327387,   1431680,   165394,    16377};
  const std::int64_t exponent = x * kLog2E;  // Q46
  const std::int64_t whole = (exponent >> 46) + fraction_bits;
  const std::int64_t fraction = (exponent & ((std::int64_t{1} << 46) - 1)) >> 16;  // Q30
  std::int64_t power = 0;
  for (int k = 7; k >= 0; --k) power = kCoefficients[k] + ((power * fraction) >> 30);
  assert(whole < 62);
  const auto bits = static_cast<std::uint64_t>(power);
  if (whole >= 30) return bits << (whole - 30);
  return whole <= -34 ? 0 : bits >> (30 - whole);
}

std::int64_t ValueAt(std::span<const LogQuantile> points, std::uint32_t u) {
  std::size_t i = 1;
  while (i + 1 < points.size() && points[i].probability <= u) ++i;
  const LogQuantile& low = points[i - 1];
  const LogQuantile& high = points[i];
  const auto width = static_cast<std::int64_t>(high.probability - low.probability);
  const auto offset = static_cast<std::int64_t>(u) - static_cast<std::int64_t>(low.probability);
  const Q16 value = low.log_value + (high.log_value - low.log_value) * offset / width;
  return static_cast<std::int64_t>((Exp(value, 8) + 128) >> 8);
}

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = Mix64(seed += 0x9e3779b97f4a7c15ULL);
}

std::uint64_t Random::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

Q16 Random::Normal() {
  const std::int64_t heads = std::popcount(Next()) + std::popcount(Next());
  const auto uniform = static_cast<std::int64_t>(Next() >> 48);
  // Variance 128 / 4 + 1 / 12, so the deviation is 5.66421.
  return (((heads - 64) * 65536 + uniform - 32768) * ToQ16(0.176547)) >> 16;
}

}  // namespace gneiss
