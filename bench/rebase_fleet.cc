#include "bench/rebase_fleet.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/seeded_random.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {
namespace {

constexpr std::string_view kBaseNameKey = "org.opencontainers.image.base.name";

struct MadeLayer {
  std::string name;
  Bytes size = 0;
};

struct Release {
  std::string tag;
  std::uint32_t day = 0;
  std::vector<MadeLayer> layers;
};

std::string DateOf(std::uint32_t day) {
  return fmt::format("{:04}-{:02}-{:02}T00:00:00Z", 2020 + day / 336, day / 28 % 12 + 1,
                     day % 28 + 1);
}

class RebaseFleetMaker {
 public:
  explicit RebaseFleetMaker(const RebaseFleetOptions& options)
      : options_(options), random_(options.seed) {}

  Fleet Run() {
    const std::uint32_t num_lines = options_.num_systems + options_.num_runtimes;
    std::vector<std::vector<Release>> lines(num_lines);
    for (std::uint32_t v = 0; v < options_.num_versions; ++v) {
      const std::uint32_t line = v % num_lines;
      const std::uint32_t day = v * kNumDays / options_.num_versions;
      const bool is_system = line < options_.num_systems;
      Release release{.tag = fmt::format("{}:{}", is_system ? "system" : "runtime", line),
                      .day = day,
                      .layers = {}};
      // A runtime keeps to one system; the first versions of systems come before any runtime.
      if (!is_system) release.layers = lines[line % options_.num_systems].back().layers;
      for (std::uint32_t l = 0; l < (is_system ? 1U : 2U); ++l) {
        release.layers.push_back(NewLayer("base", line_size_[line % 8] + Below(2'000'000)));
      }
      Add(release.tag, release, 1, {});
      lines[line].push_back(std::move(release));
    }
    for (std::uint32_t i = 0; i < options_.num_images; ++i) AddImage(i, lines[Below(num_lines)]);
    return builder_.Build();
  }

 private:
  static constexpr std::uint32_t kNumDays = 1400;

  std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(random_.Below(n)); }

  MadeLayer NewLayer(std::string_view kind, Bytes size) {
    return {.name = fmt::format("{} {}", kind, num_layers_++), .size = size};
  }

  void AddImage(std::uint32_t number, const std::vector<Release>& line) {
    // The smaller of two: recent releases have more images.
    const auto num = static_cast<std::uint32_t>(line.size());
    const Release& base = line[num - 1 - std::min(Below(num), Below(num))];
    Release image{.tag = fmt::format("team{}/app{}:1", number % 40, number),
                  .day = base.day + Below(28),
                  .layers = base.layers};
    const std::uint32_t num_own = 1 + Below(3);
    for (std::uint32_t l = 0; l < num_own; ++l) {
      image.layers.push_back(NewLayer("own", Bytes{1000} << Below(15)));
    }
    Add(image.tag, image, std::int64_t{1} << Below(11), base.tag);
  }

  void Add(const std::string& ref, const Release& release, std::int64_t pulls,
           std::string_view base) {
    ImageRecord record;
    const std::string created = DateOf(release.day);
    record.ref = ref;
    record.platform = "linux/amd64";
    record.manifest_digest = Sha256(fmt::format("manifest {}", num_manifests_++));
    record.created = created;
    record.pulls = pulls;
    if (!base.empty()) record.labels.push_back({.key = kBaseNameKey, .value = base});
    for (const MadeLayer& layer : release.layers) {
      LayerRecord made;
      made.digest = Sha256(layer.name);
      made.size = layer.size;
      record.layers.push_back(made);
    }
    builder_.Add(record);
  }

  RebaseFleetOptions options_;
  Random random_;
  FleetBuilder builder_;
  std::uint64_t num_layers_ = 0;
  std::uint64_t num_manifests_ = 0;
  // Of a new layer, by line of releases.
  std::vector<Bytes> line_size_ = {3'000'000,  30'000'000, 50'000'000,  90'000'000,
                                   15'000'000, 40'000'000, 100'000'000, 200'000'000};
};

}  // namespace

Fleet MakeRebaseFleet(const RebaseFleetOptions& options) { return RebaseFleetMaker(options).Run(); }

}  // namespace gneiss
