#include "bench/base_pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gneiss {
namespace {

// Fitted to the numbers of images that layers are in; of 1000.
constexpr std::uint32_t kFresh = 300;
constexpr std::uint32_t kNewest = 650;  // of the others, the line's newest version
constexpr int kTries = 16;

}  // namespace

std::uint32_t BasePool::AddLine(const PlatformList& platforms, std::uint32_t num_layers,
                                std::string ref) {
  lines_.push_back({.platforms = &platforms,
                    .first_version = versions_.size(),
                    .num_layers = num_layers,
                    .ref = std::move(ref)});
  return static_cast<std::uint32_t>(lines_.size() - 1);
}

void BasePool::AddVersion(std::uint32_t line, std::span<const SyntheticChain> chains,
                          std::int64_t created) {
  assert(line + 1 == lines_.size());
  Line& added_to = lines_[line];
  versions_.push_back({.first_blob = blobs_.size(), .created = created});
  for (std::uint32_t p = 0; p < NumPlatforms(*added_to.platforms); ++p) {
    assert(chains[p].size() == added_to.num_layers);
    blobs_.insert(blobs_.end(), chains[p].begin(), chains[p].end());
  }
  fresh_.push_back({.line = line, .version = added_to.num_versions++});
}

bool BasePool::Fits(const Line& line, std::uint32_t max_layers, const PlatformList& platforms) {
  if (line.num_versions == 0 || line.num_layers > max_layers) return false;
  // A base for several platforms serves images for the first ones of them.
  return std::ranges::equal(platforms, *line.platforms, [](std::string_view a, std::string_view b) {
    return a.empty() || a == b;
  });
}

std::optional<BaseChoice> BasePool::Choose(std::uint32_t max_layers, const PlatformList& platforms,
                                           Random& random) {
  std::optional<BaseChoice> choice;
  if (random.Chance(kFresh)) {
    for (int i = 0; i < kTries && !choice && !fresh_.empty(); ++i) {
      BaseChoice& fresh = fresh_[random.Below(fresh_.size())];
      if (!Fits(lines_[fresh.line], max_layers, platforms)) continue;
      choice = fresh;
      fresh = fresh_.back();
      fresh_.pop_back();
    }
  }
  for (int i = 0; i < kTries && !choice && !taken_.empty(); ++i) {
    const std::uint32_t line = taken_[random.Below(taken_.size())];
    if (!Fits(lines_[line], max_layers, platforms)) continue;
    const std::uint32_t num_versions = lines_[line].num_versions;
    const bool newest = random.Chance(kNewest);
    choice = {.line = line,
              .version = newest ? num_versions - 1
                                : static_cast<std::uint32_t>(random.Below(num_versions))};
  }
  if (choice) taken_.push_back(choice->line);
  return choice;
}

std::span<const SyntheticBlob> BasePool::ChainOf(BaseChoice choice, std::uint32_t platform) const {
  const Line& line = lines_[choice.line];
  const Version& version = versions_[line.first_version + choice.version];
  const std::uint64_t offset = std::uint64_t{platform} * line.num_layers;
  return {blobs_.data() + version.first_blob + offset, line.num_layers};
}

std::int64_t BasePool::CreatedOf(BaseChoice choice) const {
  return versions_[lines_[choice.line].first_version + choice.version].created;
}

}  // namespace gneiss
