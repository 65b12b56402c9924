#include "bench/synthetic_atoms.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/seeded_random.h"

namespace gneiss {
namespace {

using EntryId = std::uint32_t;

constexpr std::uint32_t kImagesPerFamily = 70;
constexpr std::uint32_t kImagesPerApp = 5;  // tags of one application
constexpr std::uint32_t kNumVersions = 6;   // of a family

// Parts of an image's entries, in per mille.
constexpr std::uint32_t kBasePart = 300;
constexpr std::uint32_t kPackagesPart = 450;

// What changes, in per mille of entries.
constexpr std::uint32_t kBaseChange = 40;      // with a version of the base
constexpr std::uint32_t kPackageBump = 150;    // of packages, with a version of the base
constexpr std::uint32_t kPackageChange = 600;  // of the entries of a package that is bumped
constexpr std::uint32_t kTagChange = 60;       // of the application, with a tag

// Of shared entries one in so many is of a kind that images change for themselves: configuration,
// caches, the package database. Images change the same ones, and leave the others alone.
constexpr EntryId kEntriesPerOwnKind = 500;

// Entries of one thing, by version.
using Versions = std::vector<std::vector<EntryId>>;

class AtomMaker {
 public:
  explicit AtomMaker(const SyntheticAtomsShape& shape) : shape_(shape), random_(shape.seed) {}

  AtomTable Make() {
    const std::uint32_t num_families = 1 + (shape_.num_images - 1) / kImagesPerFamily;
    const std::uint32_t num_base = shape_.entries_per_image / 1000 * kBasePart;
    for (std::uint32_t f = 0; f < num_families; ++f) {
      bases_.push_back(MakeVersions(num_base, kNumVersions, 1000, kBaseChange));
    }
    packages_.resize(num_families);
    images_.reserve(shape_.num_images);
    while (images_.size() < shape_.num_images) AddApplication();
    return MakeTable();
  }

 private:
  EntryId NewEntry() {
    // About 2 KiB in the median; a few are megabytes.
    const Q16 log_size = ToQ16(7.6) + (random_.Normal() * 2);
    bytes_.push_back(1 + static_cast<std::int64_t>(Exp(std::clamp(log_size, Q16{0}, ToQ16(17.5)))));
    return static_cast<EntryId>(bytes_.size() - 1);
  }

  Versions MakeVersions(std::uint32_t num_entries, std::uint32_t num_versions, std::uint32_t bump,
                        std::uint32_t change) {
    Versions versions(1);
    for (std::uint32_t e = 0; e < num_entries; ++e) versions[0].push_back(NewEntry());
    for (std::uint32_t v = 1; v < num_versions; ++v) {
      versions.push_back(versions.back());
      if (!random_.Chance(bump)) continue;
      for (EntryId& entry : versions.back()) {
        if (random_.Chance(change)) entry = NewEntry();
      }
    }
    return versions;
  }

  // Popular packages are drawn often: the product of two uniforms is small more often than not.
  const Versions& DrawPackage(std::uint32_t family) {
    const std::uint64_t num_packages = 60 + shape_.num_images / 2;
    const auto package = static_cast<std::uint32_t>(random_.Below(1 + random_.Below(num_packages)));
    const auto found = packages_[family].find(package);
    if (found != packages_[family].end()) return found->second;
    // Entries of a package: tens to thousands.
    const Q16 log_entries = ToQ16(4.6) + random_.Normal() * 5 / 4;
    const auto num_entries = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(Exp(std::clamp(log_entries, Q16{0}, ToQ16(9))), 3, 4000));
    return packages_[family]
        .emplace(package, MakeVersions(num_entries, kNumVersions, kPackageBump, kPackageChange))
        .first->second;
  }

  void AddApplication() {
    const auto family = static_cast<std::uint32_t>(random_.Below(1 + random_.Below(bases_.size())));
    const std::uint32_t num_packaged = shape_.entries_per_image / 1000 * kPackagesPart;
    std::vector<const Versions*> packages;
    for (std::size_t n = 0; n < num_packaged;) {
      const Versions* package = &DrawPackage(family);
      if (std::ranges::find(packages, package) == packages.end()) packages.push_back(package);
      n += 10 + (*package)[0].size();
    }
    const std::uint32_t num_own =
        shape_.entries_per_image / 1000 * (1000 - kBasePart - kPackagesPart);
    const auto num_tags = static_cast<std::uint32_t>(1 + random_.Below(2 * kImagesPerApp));
    const Versions own = MakeVersions(num_own, num_tags, 1000, kTagChange);
    auto version = static_cast<std::uint32_t>(random_.Below(kNumVersions));
    for (std::uint32_t tag = 0; tag < num_tags && images_.size() < shape_.num_images; ++tag) {
      if (version + 1 < kNumVersions && random_.Chance(250)) ++version;
      std::vector<EntryId> image = bases_[family][version];
      for (const Versions* package : packages) {
        image.insert(image.end(), (*package)[version].begin(), (*package)[version].end());
      }
      for (EntryId& entry : image) {
        if (entry % kEntriesPerOwnKind != 0) continue;
        if (random_.Chance(shape_.own_changes)) entry = NewEntry();
      }
      image.insert(image.end(), own[tag].begin(), own[tag].end());
      images_.push_back(std::move(image));
    }
  }

  AtomTable MakeTable() {
    std::vector<std::vector<std::uint32_t>> having(bytes_.size());
    for (std::uint32_t i = 0; i < images_.size(); ++i) {
      for (const EntryId entry : images_[i]) having[entry].push_back(i);
    }
    std::vector<EntryId> order(bytes_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, [&](EntryId a, EntryId b) { return having[a] < having[b]; });
    AtomTable table{.num_images = shape_.num_images, .bytes = {}, .first_image = {0}, .images = {}};
    const std::vector<std::uint32_t>* last = nullptr;
    for (const EntryId entry : order) {
      if (having[entry].empty()) continue;  // a version that no image has
      if (last == nullptr || *last != having[entry]) {
        last = &having[entry];
        table.images.insert(table.images.end(), last->begin(), last->end());
        table.first_image.push_back(table.images.size());
        table.bytes.push_back(0);
      }
      table.bytes.back() += bytes_[entry];
    }
    return table;
  }

  const SyntheticAtomsShape shape_;
  Random random_;
  std::vector<std::int64_t> bytes_;  // per entry
  std::vector<Versions> bases_;      // per family
  std::vector<std::map<std::uint32_t, Versions>> packages_;
  std::vector<std::vector<EntryId>> images_;
};

}  // namespace

AtomTable MakeSyntheticAtoms(const SyntheticAtomsShape& shape) { return AtomMaker(shape).Make(); }

}  // namespace gneiss
