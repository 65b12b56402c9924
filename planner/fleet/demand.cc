#include "planner/fleet/demand.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Images by what they are called; those of one name in the fleet's order.
class ImagesByName {
 public:
  explicit ImagesByName(const Fleet& fleet) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const Image& image = fleet.images[i];
      std::string before;
      for (const TextIndex ref : fleet.refs_of(image)) {
        std::string name = CanonicalRef(fleet.text(ref));
        if (name == before) continue;
        by_ref_[name].push_back(i);
        before = std::move(name);
      }
      if (image.has_manifest_digest) by_digest_[image.identity].push_back(i);
      if (image.has_config) by_digest_[image.config_digest].push_back(i);
    }
  }

  // Empty: the fleet has no such image.
  std::span<const ImageIndex> Find(std::string_view name) const {
    for (const std::string_view scheme : {"docker-pullable://", "docker://", "containerd://"}) {
      if (name.starts_with(scheme)) name.remove_prefix(scheme.size());
    }
    const std::size_t at = name.find('@');
    const std::string_view text = at == std::string_view::npos ? name : name.substr(at + 1);
    if (const std::optional<ParsedDigest> digest = ParseDigest(text);
        digest && digest->verifiable) {
      const auto found = by_digest_.find(digest->digest);
      if (found != by_digest_.end()) return found->second;
    }
    const auto found = by_ref_.find(CanonicalRef(name.substr(0, at)));
    if (found == by_ref_.end()) return {};
    return found->second;
  }

 private:
  SeededMap<std::string, std::vector<ImageIndex>> by_ref_;
  std::unordered_map<Digest, std::vector<ImageIndex>, DigestHash> by_digest_;
};

// Names met so far, and those that were of no use.
class NamesMet {
 public:
  // Whether the name is new.
  bool Add(const std::string& name) { return names_.insert(name).second; }
  void AddUnknown(const std::string& name) { unknown_.insert(name); }

  void Report(DemandJoin& join) const {
    join.num_names = std::ssize(names_);
    join.unknown.assign(unknown_.begin(), unknown_.end());
  }

 private:
  std::set<std::string> names_;
  std::set<std::string> unknown_;
};

bool IsOfPlatform(const Fleet& fleet, ImageIndex i, std::string_view platform) {
  return platform.empty() || fleet.text(fleet.images[i].platform) == platform;
}

// The one of several platforms that nodes run, as far as can be told.
ImageIndex UsualImage(const Fleet& fleet, std::span<const ImageIndex> images) {
  const auto usual = std::ranges::find_if(
      images, [&](ImageIndex i) { return IsOfPlatform(fleet, i, "linux/amd64"); });
  return usual == images.end() ? images.front() : *usual;
}

}  // namespace

DemandJoin JoinPulls(const Demand& demand, Fleet& fleet) {
  DemandJoin join;
  const ImagesByName by_name(fleet);
  NamesMet names;
  std::vector<std::optional<std::int64_t>> pulls(fleet.images.size());
  for (const PullCount& count : demand.pulls) {
    const bool is_new = names.Add(count.name);
    std::vector<ImageIndex> images;
    std::ranges::copy_if(by_name.Find(count.name), std::back_inserter(images),
                         [&](ImageIndex i) { return IsOfPlatform(fleet, i, count.platform); });
    if (images.empty()) {
      names.AddUnknown(count.name);
      continue;
    }
    if (is_new && images.size() > 1) ++join.num_several_platforms;
    const std::int64_t num_images = std::ssize(images);
    for (std::int64_t k = 0; k < num_images; ++k) {
      std::optional<std::int64_t>& sum = pulls[images[static_cast<std::size_t>(k)]];
      const std::int64_t share = count.pulls / num_images + (k < count.pulls % num_images ? 1 : 0);
      sum = CheckedAdd(sum.value_or(0), share);
    }
  }
  std::int64_t total = 0;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    Image& image = fleet.images[i];
    if (pulls[i]) {
      ++join.num_images;
      image.pulls = *pulls[i];
    }
    total = CheckedAdd(total, image.pulls);
  }
  names.Report(join);
  return join;
}

DemandJoin JoinPools(const Demand& demand, Fleet& fleet) {
  DemandJoin join;
  const ImagesByName by_name(fleet);
  NamesMet names;
  // All pools by name, and all images on them.
  std::map<std::string, std::int64_t> pools = demand.pools;
  for (const Pool& pool : fleet.pools) {
    const std::string name(fleet.text(pool.name));
    const auto [known, is_new] = pools.try_emplace(name, pool.nodes);
    if (!is_new && known->second != pool.nodes) {
      throw InputError("pool \"" + name + "\" has " + std::to_string(pool.nodes) +
                       " nodes in the fleet, here " + std::to_string(known->second) +
                       "; give it one number everywhere");
    }
  }
  std::map<std::string_view, PoolIndex> index;
  std::vector<Pool> ordered;
  for (const auto& [name, nodes] : pools) {
    index.emplace(name, static_cast<PoolIndex>(ordered.size()));
    ordered.push_back({.name = fleet.texts.Intern(name), .nodes = nodes});
  }
  std::vector<std::vector<PoolIndex>> on(fleet.images.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const PoolIndex p : fleet.pools_of(fleet.images[i])) {
      on[i].push_back(index.at(fleet.text(fleet.pools[p].name)));
    }
  }
  std::set<ImageIndex> joined;
  for (const PoolUse& use : demand.pool_uses) {
    const bool is_new = names.Add(use.name);
    const std::span<const ImageIndex> images = by_name.Find(use.name);
    if (images.empty()) {
      names.AddUnknown(use.name);
      continue;
    }
    if (is_new && images.size() > 1) ++join.num_several_platforms;
    const ImageIndex image = UsualImage(fleet, images);
    on[image].push_back(index.at(use.pool));
    joined.insert(image);
  }
  fleet.pools = std::move(ordered);
  fleet.pool_references.clear();
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    std::ranges::sort(on[i]);
    on[i].erase(std::ranges::unique(on[i]).begin(), on[i].end());
    fleet.images[i].first_pool = static_cast<std::uint32_t>(fleet.pool_references.size());
    fleet.images[i].num_pools = static_cast<std::uint32_t>(on[i].size());
    fleet.pool_references.insert(fleet.pool_references.end(), on[i].begin(), on[i].end());
  }
  join.num_images = std::ssize(joined);
  names.Report(join);
  return join;
}

}  // namespace gneiss
