// The images of a synthetic fleet that others are built on, and which of them the next one takes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/seeded_random.h"
#include "bench/synthetic_layer.h"

namespace gneiss {

// The platforms that a line of images is for, empty from the end.
using PlatformList = std::array<std::string_view, 3>;

[[nodiscard]] constexpr std::uint32_t NumPlatforms(const PlatformList& platforms) {
  return platforms[1].empty() ? 1 : platforms[2].empty() ? 2 : 3;
}

// A version of a base line. Its chains, one a platform, have as many layers as all of the line.
struct BaseChoice {
  std::uint32_t line = 0;
  std::uint32_t version = 0;
};

class BasePool {
 public:
  // A line without versions. `ref` is the tag that moves along it. `platforms` must outlive the
  // pool. Returns its number: 0, 1, 2, ...
  std::uint32_t AddLine(const PlatformList& platforms, std::uint32_t num_layers, std::string ref);

  // The next version of `line`. REQUIRES: `line` is the one added last; chains[p] has the line's
  // number of layers for each platform p.
  void AddVersion(std::uint32_t line, std::span<const SyntheticChain> chains, std::int64_t created);

  // A version with at most `max_layers` layers for `platforms`: one that nobody took before, or one
  // of a line that is taken the likelier the more often it was (Yule 1925, Simon 1955), so that a
  // few bases are under much and most under little. nullopt when a number of tries finds none.
  [[nodiscard]] std::optional<BaseChoice> Choose(std::uint32_t max_layers,
                                                 const PlatformList& platforms, Random& random);

  [[nodiscard]] bool HasNext(BaseChoice choice) const {
    return choice.version + 1 < lines_[choice.line].num_versions;
  }
  // Valid until the next AddVersion.
  [[nodiscard]] std::span<const SyntheticBlob> ChainOf(BaseChoice choice,
                                                       std::uint32_t platform) const;
  [[nodiscard]] std::int64_t CreatedOf(BaseChoice choice) const;
  [[nodiscard]] std::uint32_t NumLayers(std::uint32_t line) const {
    return lines_[line].num_layers;
  }
  [[nodiscard]] const std::string& RefOf(std::uint32_t line) const { return lines_[line].ref; }

 private:
  struct Line {
    const PlatformList* platforms = nullptr;
    std::uint64_t first_version = 0;  // versions_[first_version + version]
    std::uint32_t num_versions = 0;
    std::uint32_t num_layers = 0;
    std::string ref;
  };
  struct Version {
    std::uint64_t first_blob = 0;  // blobs_[first_blob + platform * num_layers + slot]
    std::int64_t created = 0;
  };

  static bool Fits(const Line& line, std::uint32_t max_layers, const PlatformList& platforms);

  std::vector<Line> lines_;
  std::vector<Version> versions_;
  std::vector<SyntheticBlob> blobs_;
  std::vector<BaseChoice> fresh_;     // versions that nobody took
  std::vector<std::uint32_t> taken_;  // lines, once for each time they were
};

}  // namespace gneiss
