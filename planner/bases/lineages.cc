#include "planner/bases/lineages.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

constexpr std::string_view kBaseNameKey = "org.opencontainers.image.base.name";
constexpr std::string_view kBaseDigestKey = "org.opencontainers.image.base.digest";

// A name within a platform: bases of different platforms are never versions of each other.
using PlatformName = std::pair<std::string_view, TextIndex>;

class LineageSearch {
 public:
  LineageSearch(const Fleet& fleet, const LayerTrie& trie, const LineageOptions& options)
      : fleet_(fleet), trie_(trie), options_(options), first_seen_(trie.size()) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      for (const TextIndex ref : fleet.refs_of(fleet.images[i])) {
        by_ref_[{ShortRef(fleet.text(ref)), fleet.images[i].platform}].push_back(i);
      }
    }
    for (const PastRef& past : options.past_refs) {
      by_ref_[{ShortRef(past.ref), fleet.images[past.image].platform}].push_back(past.image);
    }
    // A base is as old as the first image that is it; of a base that is no image, the first on it.
    for (auto v = static_cast<NodeIndex>(trie.size()); v-- > 0;) {
      std::string_view built;
      for (const ImageIndex i : trie.images_ending(v)) KeepEarlier(built, Created(i));
      if (!built.empty()) first_seen_[v] = built;
      const NodeIndex up = trie.parent[v];
      if (up != kNoNode) KeepEarlier(first_seen_[up], first_seen_[v]);
    }
  }

  std::vector<Lineage> Run() {
    AddTwins();
    AddMappings();
    AddBaseNames();
    AddTagHistory();
    AddOsReleases();
    AddFirstInstructions();
    // Platforms are numbered as the input named them; nodes are not.
    std::ranges::sort(lineages_, {}, [](const Lineage& lineage) {
      return std::tuple(lineage.sign, std::string_view(lineage.name), lineage.first_node());
    });
    return std::move(lineages_);
  }

 private:
  using Groups = std::map<NodeIndex, std::vector<ImageIndex>>;

  std::string_view Created(ImageIndex i) const { return fleet_.text(fleet_.images[i].created); }

  static void KeepEarlier(std::string_view& earliest, std::string_view time) {
    if (!time.empty() && (earliest.empty() || time < earliest)) earliest = time;
  }

  NodeIndex FirstNode(NodeIndex v) const {
    while (v != kNoNode && trie_.parent[v] != kNoNode) v = trie_.parent[v];
    return v;
  }

  // The longest of `versions` that the image stands on without being it, else kNoNode.
  NodeIndex StandOf(ImageIndex i, const Groups& versions) const {
    const NodeIndex top = trie_.node_of_image[i];
    if (top == kNoNode || versions.contains(top)) return kNoNode;
    for (NodeIndex v = trie_.parent[top]; v != kNoNode; v = trie_.parent[v]) {
      if (versions.contains(v)) return v;
    }
    return kNoNode;
  }

  // Puts every image above a version into the group of the longest it stands on.
  void AddAllAbove(Groups& versions) const {
    std::set<ImageIndex> above;
    for (const auto& [v, images] : versions) {
      const auto below = trie_.images_below(v).subspan(trie_.num_ends[v]);
      above.insert(below.begin(), below.end());
    }
    for (const ImageIndex i : above) {
      if (const NodeIndex v = StandOf(i, versions); v != kNoNode) versions[v].push_back(i);
    }
  }

  // Keeps the lineage when there is a choice and somebody to make it.
  void Add(LineageSign sign, std::string name, Groups groups,
           const std::vector<NodeIndex>* twins = nullptr) {
    if (groups.size() < 2) return;
    Lineage lineage{.sign = sign, .name = std::move(name), .versions = {}};
    std::size_t num_images = 0;
    for (auto& [v, images] : groups) {
      std::ranges::sort(images);
      num_images += images.size();
      lineage.versions.push_back({.node = v, .age_rank = 0, .images = std::move(images)});
    }
    if (num_images == 0) return;
    if (twins != nullptr) {
      const auto position = [&](NodeIndex v) { return std::ranges::find(*twins, v); };
      std::ranges::sort(lineage.versions, {},
                        [&](const BaseVersion& version) { return position(version.node); });
    } else {
      std::ranges::stable_sort(lineage.versions, {}, [&](const BaseVersion& version) {
        return first_seen_[version.node];
      });
    }
    for (std::size_t k = 1; k < lineage.versions.size(); ++k) {
      const BaseVersion& before = lineage.versions[k - 1];
      const bool newer =
          twins != nullptr || first_seen_[before.node] != first_seen_[lineage.versions[k].node];
      lineage.versions[k].age_rank = before.age_rank + (newer ? 1 : 0);
    }
    lineages_.push_back(std::move(lineage));
  }

  // Chains of equal diff_ids and other digests. Images stand on their longest twin.
  void AddTwins() {
    const std::vector<Digest> chain_ids = ChainIds(fleet_, trie_);
    const Digest unknown;
    std::unordered_map<Digest, NodeIndex, DigestHash> first(trie_.size());
    std::map<NodeIndex, std::vector<NodeIndex>> twins_of;  // by the first of them
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      if (chain_ids[v] == unknown) continue;
      const auto [found, is_new] = first.try_emplace(chain_ids[v], v);
      if (is_new) continue;
      std::vector<NodeIndex>& twins = twins_of[found->second];
      if (twins.empty()) twins.push_back(found->second);
      twins.push_back(v);
    }
    if (twins_of.empty()) return;
    std::map<NodeIndex, Groups> found;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      for (NodeIndex v = trie_.node_of_image[i]; v != kNoNode; v = trie_.parent[v]) {
        if (chain_ids[v] == unknown) continue;
        const NodeIndex lead = first.find(chain_ids[v])->second;
        if (!twins_of.contains(lead)) continue;
        found[lead][v].push_back(i);
        break;
      }
    }
    for (auto& [lead, twins] : twins_of) {
      std::ranges::sort(twins, [&](NodeIndex a, NodeIndex b) {
        return std::tuple(trie_.images_below(a).size(), b) <
               std::tuple(trie_.images_below(b).size(), a);
      });
      Groups& groups = found[lead];
      for (const NodeIndex v : twins) groups[v];
      Add(LineageSign::kTwin, NameOfNode(fleet_, trie_, twins.back()), std::move(groups), &twins);
    }
  }

  // What the user's rules name, and all that others build on it.
  void AddMappings() {
    std::map<std::pair<std::string_view, TextIndex>, Groups> lineages;
    for (const LineageRule& rule : options_.rules) {
      bool matched = false;
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
        for (const TextIndex ref : fleet_.refs_of(fleet_.images[i])) {
          const std::string text(fleet_.text(ref));
          if (fnmatch(rule.pattern.c_str(), text.c_str(), 0) != 0) continue;
          matched = true;
          if (trie_.node_of_image[i] == kNoNode) continue;
          lineages[{rule.name, fleet_.images[i].platform}][trie_.node_of_image[i]];
        }
      }
      if (matched) continue;
      throw InputError(fmt::format(
          "lineage '{}': pattern '{}' matches no ref of the fleet; expected a shell pattern over "
          "whole refs, such as '{}'",
          rule.name, rule.pattern,
          fleet_.refs.empty() ? "repository:*" : fleet_.text(fleet_.refs.front())));
    }
    for (auto& [key, groups] : lineages) {
      AddAllAbove(groups);
      Add(LineageSign::kMapping, std::string(key.first), std::move(groups));
    }
  }

  // Images that name their base.
  void AddBaseNames() {
    std::map<PlatformName, std::vector<ImageIndex>> lineages;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      const std::string_view name = fleet_.label(fleet_.images[i], kBaseNameKey);
      if (!name.empty() && fleet_.images[i].num_layers > 0) {
        lineages[{ShortRef(name), fleet_.images[i].platform}].push_back(i);
      }
    }
    for (const auto& [key, images] : lineages) {
      Groups groups;
      const auto named = by_ref_.find(key);
      // Without the base itself in the fleet its length is not known: versions are first layers.
      const bool known = named != by_ref_.end();
      if (known) {
        for (const ImageIndex i : named->second) {
          if (trie_.node_of_image[i] != kNoNode) groups[trie_.node_of_image[i]];
        }
      }
      std::vector<std::pair<NodeIndex, ImageIndex>> elsewhere;
      for (const ImageIndex i : images) {
        const NodeIndex v = known ? StandOf(i, groups) : kNoNode;
        if (v != kNoNode) {
          groups[v].push_back(i);
          continue;
        }
        const NodeIndex top = trie_.node_of_image[i];
        const NodeIndex base = known ? BaseNode(i, key.first) : FirstNode(top);
        if (base != top && !groups.contains(top)) elsewhere.emplace_back(base, i);
      }
      for (const auto& [v, i] : elsewhere) groups[v].push_back(i);
      Add(LineageSign::kBaseName, std::string(key.first), std::move(groups));
    }
  }

  // The prefix of image i that is its base: the manifest that base.digest names, else the nearest
  // image below it from the base's repository, else the first layer.
  NodeIndex BaseNode(ImageIndex i, std::string_view base_name) const {
    const std::string_view digest = fleet_.label(fleet_.images[i], kBaseDigestKey);
    const std::string_view repository = SplitRef(base_name).repository;
    const NodeIndex top = trie_.node_of_image[i];
    for (NodeIndex v = trie_.parent[top]; v != kNoNode; v = trie_.parent[v]) {
      for (const ImageIndex base : trie_.images_ending(v)) {
        if (fleet_.digest_text(fleet_.images[base].identity, false) == digest) return v;
        for (const TextIndex ref : fleet_.refs_of(fleet_.images[base])) {
          if (SplitRef(ShortRef(fleet_.text(ref))).repository == repository) return v;
        }
      }
    }
    return FirstNode(top);
  }

  // One tag that names several manifests: all that stands on any of them.
  void AddTagHistory() {
    std::map<PlatformName, const std::vector<ImageIndex>*> moved;  // in an order of their own
    for (const auto& [key, versions] : by_ref_) {
      if (versions.size() > 1) moved[key] = &versions;
    }
    for (const auto& [key, versions] : moved) {
      Groups groups;
      for (const ImageIndex i : *versions) {
        if (trie_.node_of_image[i] != kNoNode) groups[trie_.node_of_image[i]];
      }
      AddAllAbove(groups);
      Add(LineageSign::kTagHistory, std::string(key.first), std::move(groups));
    }
  }

  // The shortest prefixes that say which release they are of.
  void AddOsReleases() {
    if (options_.os_release.empty()) return;
    std::map<PlatformName, Groups> lineages;
    std::vector<std::uint8_t> is_named(trie_.size());  // a release is known at or below the node
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      const NodeIndex up = trie_.parent[v];
      if (up != kNoNode && is_named[up] != 0) {
        is_named[v] = 1;
        continue;
      }
      const std::string& release = options_.os_release[trie_.layer[v]];
      if (release.empty()) continue;
      is_named[v] = 1;
      const TextIndex platform = fleet_.images[trie_.images_below(v).front()].platform;
      lineages[{release, platform}][v];
    }
    for (auto& [key, groups] : lineages) {
      AddAllAbove(groups);
      Add(LineageSign::kOsRelease, std::string(key.first), std::move(groups));
    }
  }

  // First layers with one instruction, and nearly the size of the newest of them.
  void AddFirstInstructions() {
    std::map<std::pair<TextIndex, TextIndex>, std::vector<NodeIndex>> roots;
    for (NodeIndex v = 0; v < trie_.size(); v = trie_.subtree_end[v]) {
      const TextIndex instruction = fleet_.layers[trie_.layer[v]].created_by;
      if (instruction == 0) continue;
      roots[{instruction, fleet_.images[trie_.images_below(v).front()].platform}].push_back(v);
    }
    for (const auto& [key, versions] : roots) {
      const NodeIndex newest = *std::ranges::max_element(versions, [&](NodeIndex a, NodeIndex b) {
        return std::tuple(first_seen_[a], b) < std::tuple(first_seen_[b], a);
      });
      const auto size = static_cast<double>(fleet_.layers[trie_.layer[newest]].size);
      Groups groups;
      for (const NodeIndex v : versions) {
        const auto other = static_cast<double>(fleet_.layers[trie_.layer[v]].size);
        if (std::abs(other - size) > 0.1 * size) continue;
        const auto below = trie_.images_below(v);
        groups[v].assign(below.begin(), below.end());
      }
      Add(LineageSign::kFirstInstruction, std::string(fleet_.text(key.first)), std::move(groups));
    }
  }

  struct PlatformNameHash {
    std::size_t operator()(const PlatformName& key) const {
      return KeyedHash().Add(key.second).AddText(key.first).Finish();
    }
  };

  const Fleet& fleet_;
  const LayerTrie& trie_;
  const LineageOptions& options_;
  std::vector<std::string_view> first_seen_;  // per node, empty: not known
  std::unordered_map<PlatformName, std::vector<ImageIndex>, PlatformNameHash> by_ref_;
  std::vector<Lineage> lineages_;
};

}  // namespace

std::vector<Lineage> FindLineages(const Fleet& fleet, const LayerTrie& trie,
                                  const LineageOptions& options) {
  return LineageSearch(fleet, trie, options).Run();
}

std::string NameOfNode(const Fleet& fleet, const LayerTrie& trie, NodeIndex v) {
  const auto ending = trie.images_ending(v);
  if (!ending.empty()) return fleet.name(fleet.images[ending.front()]);
  return fleet.digest_text(fleet.layers[trie.layer[v]]);
}

std::vector<LayerIndex> PrefixOf(const LayerTrie& trie, NodeIndex v) {
  std::vector<LayerIndex> prefix(trie.depth[v]);
  for (std::size_t d = prefix.size(); d-- > 0; v = trie.parent[v]) prefix[d] = trie.layer[v];
  return prefix;
}

}  // namespace gneiss
