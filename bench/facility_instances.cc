#include "bench/facility_instances.h"

#include <algorithm>
#include <array>
#include <vector>

#include "bench/seeded_random.h"

namespace gneiss {
namespace {

std::int64_t UniformIn(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(high - low + 1)));
}

constexpr std::int64_t kMegabyte = 1'000'000;

}  // namespace

FacilityInstance MakeKoerkelGhosh(std::uint32_t n, std::uint64_t seed, bool symmetric,
                                  KoerkelGhoshClass opening) {
  Random random(seed);
  const std::int64_t least = opening == KoerkelGhoshClass::kA   ? 100
                             : opening == KoerkelGhoshClass::kB ? 1000
                                                                : 10000;
  FacilityInstance instance;
  for (std::uint32_t j = 0; j < n; ++j) {
    instance.opening_cost.push_back(UniformIn(random, least, 2 * least));
  }
  std::vector<std::vector<std::int64_t>> costs(n, std::vector<std::int64_t>(n));
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = symmetric ? i : 0; j < n; ++j) {
      costs[i][j] = UniformIn(random, 1000, 2000);
      if (symmetric) costs[j][i] = costs[i][j];
    }
  }
  for (const auto& row : costs) instance.AddCustomer(row);
  return instance;
}

FacilityInstance MakeBaseLike(const BaseLikeOptions& options) {
  Random random(options.seed);
  struct Base {
    std::uint32_t lineage;
    // What of a lineage's 16 components it has in which version; equal versions are shared.
    std::array<std::uint8_t, 16> version;
  };
  constexpr std::size_t kComponents = 16;
  constexpr std::size_t kSharedComponents = 5;
  std::vector<std::array<std::int64_t, kComponents>> component_bytes(options.num_lineages);
  for (auto& bytes : component_bytes) {
    for (std::int64_t& b : bytes) b = UniformIn(random, kMegabyte / 4, 12 * kMegabyte);
  }
  const auto total_bytes = [&](std::uint32_t lineage) {
    std::int64_t sum = 0;
    for (const std::int64_t b : component_bytes[lineage]) sum += b;
    return sum;
  };
  FacilityInstance instance;
  std::vector<Base> bases;
  std::vector<std::array<std::uint8_t, kComponents>> newest(options.num_lineages);
  for (std::uint32_t j = 0; j < options.num_bases; ++j) {
    Base base{.lineage = static_cast<std::uint32_t>(random.Below(options.num_lineages)),
              .version = {}};
    // The next release: the one before with some components renewed.
    base.version = newest[base.lineage];
    for (auto& v : base.version) v = static_cast<std::uint8_t>(v + (random.Chance(120) ? 1 : 0));
    newest[base.lineage] = base.version;
    bases.push_back(base);
    instance.opening_cost.push_back(total_bytes(base.lineage) +
                                    UniformIn(random, 0, 4 * kMegabyte));
  }
  for (std::uint32_t i = 0; i < options.num_images; ++i) {
    const Base& near = bases[random.Below(options.num_bases)];
    std::array<std::uint8_t, kComponents> version = near.version;
    for (auto& v : version) {
      // Some have what is renewed later already.
      v = static_cast<std::uint8_t>(v + (random.Chance(60) ? 1 : 0));
    }
    const std::int64_t own = UniformIn(random, kMegabyte / 10, 30 * kMegabyte);
    std::vector<FacilityLink> row;
    for (std::uint32_t j = 0; j < options.num_bases; ++j) {
      const bool same = bases[j].lineage == near.lineage;
      if (!same && !options.dense) continue;
      std::int64_t cost = own;
      for (std::size_t k = 0; k < kComponents; ++k) {
        // The first components are of the distribution, the same for all lineages.
        const bool comparable = same || k < kSharedComponents;
        if (!comparable || bases[j].version[k] != version[k]) {
          cost += component_bytes[near.lineage][k];
        }
      }
      row.push_back({.facility = j, .cost = cost});
    }
    std::stable_sort(row.begin(), row.end(),
                     [](const auto& a, const auto& b) { return a.cost < b.cost; });
    instance.links.insert(instance.links.end(), row.begin(), row.end());
    instance.first_link.push_back(instance.links.size());
  }
  return instance;
}

}  // namespace gneiss
