#include "planner/bases/rebase_problem.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace gneiss {
namespace {

// Where an image stands in a lineage.
struct Stand {
  ImageIndex image = 0;
  std::uint32_t lineage = 0;
  std::uint32_t version = 0;

  friend auto operator<=>(const Stand&, const Stand&) = default;
};

class GroupMaker {
 public:
  GroupMaker(const Fleet& fleet, const LayerTrie& trie, std::span<const Lineage> lineages,
             const RebaseRules& rules)
      : fleet_(fleet), trie_(trie), lineages_(lineages), rules_(rules) {}

  RebaseProblem Run() {
    FindStands();
    // Images with equal stands, in order of the first.
    std::map<std::vector<std::pair<std::uint32_t, std::uint32_t>>, std::size_t> group_of;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> key;
    for (std::size_t begin = 0, end = 0; begin < stands_.size(); begin = end) {
      key.clear();
      for (; end < stands_.size() && stands_[end].image == stands_[begin].image; ++end) {
        key.emplace_back(stands_[end].lineage, stands_[end].version);
      }
      const auto [found, is_new] = group_of.try_emplace(key, problem_.groups.size());
      if (is_new) AddGroup(key);
      problem_.groups[found->second].images.push_back(stands_[begin].image);
    }
    for (RebaseGroup& group : problem_.groups) AddLowers(group);
    return std::move(problem_);
  }

 private:
  // Versions that groups of lineage l may move to, ascending.
  std::vector<std::uint32_t> TargetsOf(const Lineage& lineage) const {
    std::vector<std::uint32_t> targets(lineage.versions.size());
    for (std::uint32_t k = 0; k < targets.size(); ++k) targets[k] = k;
    if (targets.size() <= kMaxTargets) return targets;
    std::vector<std::int64_t> pulls(targets.size());
    for (const std::uint32_t k : targets) {
      for (const ImageIndex i : lineage.versions[k].images) pulls[k] += fleet_.images[i].pulls;
    }
    std::ranges::stable_sort(targets.begin(), targets.end() - 1, std::greater{},
                             [&](std::uint32_t k) { return pulls[k]; });
    std::swap(targets[kMaxTargets - 1], targets.back());
    targets.resize(kMaxTargets);
    std::ranges::sort(targets);
    return targets;
  }

  bool MayMove(const Lineage& lineage, std::uint32_t from, std::uint32_t to) const {
    if (from == to) return false;
    return (rules_.allow_older && lineage.sign != LineageSign::kTwin) ||
           lineage.versions[to].age_rank >= lineage.versions[from].age_rank;
  }

  // Of all images that have somewhere to go there.
  void FindStands() {
    for (std::uint32_t l = 0; l < lineages_.size(); ++l) {
      const Lineage& lineage = lineages_[l];
      targets_.emplace_back();
      if (IsWeak(lineage.sign) != rules_.weak) continue;
      targets_.back() = TargetsOf(lineage);
      for (std::uint32_t k = 0; k < lineage.versions.size(); ++k) {
        const auto leads = [&](std::uint32_t to) { return MayMove(lineage, k, to); };
        if (!std::ranges::any_of(targets_.back(), leads)) continue;
        for (const ImageIndex i : lineage.versions[k].images) {
          if (rules_.pinned.empty() || rules_.pinned[i] == 0) stands_.push_back({i, l, k});
        }
      }
    }
    std::ranges::sort(stands_);
  }

  using Stands = std::span<const std::pair<std::uint32_t, std::uint32_t>>;  // lineage, version

  // Each choice by the first, most trusted, lineage.
  void AddGroup(Stands stands) {
    RebaseGroup& group = problem_.groups.emplace_back();
    group.choices.emplace_back();
    std::set<std::tuple<NodeIndex, NodeIndex, NodeIndex, NodeIndex>> seen;
    const auto add = [&](RebaseChoice choice) {
      if (!seen.emplace(choice.from, choice.to, choice.base_from, choice.base_to).second) return;
      group.choices.push_back(choice);
    };
    for (const auto& [l, k] : stands) {
      const Lineage& lineage = lineages_[l];
      const NodeIndex from = lineage.versions[k].node;
      group.depth = std::max(group.depth, trie_.depth[from]);
      for (const std::uint32_t t : targets_[l]) {
        if (!MayMove(lineage, k, t)) continue;
        const NodeIndex to = lineage.versions[t].node;
        add({.from = from, .to = to, .lineage = l});
        if (lineage.sign == LineageSign::kTwin) AddTwinOnOtherBases(stands, from, to, add);
      }
    }
  }

  template <typename Add>
  void AddTwinOnOtherBases(Stands stands, NodeIndex from, NodeIndex twin, const Add& add) const {
    for (const auto& [l, k] : stands) {
      const Lineage& lineage = lineages_[l];
      if (lineage.sign == LineageSign::kTwin) continue;
      const std::optional<std::uint32_t> base = VersionBelow(lineage, twin);
      if (!base) continue;
      for (const std::uint32_t t : targets_[l]) {
        if (!MayMove(lineage, *base, t)) continue;
        add({.from = from,
             .to = twin,
             .lineage = l,
             .base_from = lineage.versions[*base].node,
             .base_to = lineage.versions[t].node});
      }
    }
  }

  // The longest version that is a proper prefix of v.
  std::optional<std::uint32_t> VersionBelow(const Lineage& lineage, NodeIndex v) const {
    for (v = trie_.parent[v]; v != kNoNode; v = trie_.parent[v]) {
      const auto found = std::ranges::find(lineage.versions, v, &BaseVersion::node);
      if (found == lineage.versions.end()) continue;
      return static_cast<std::uint32_t>(found - lineage.versions.begin());
    }
    return std::nullopt;
  }

  void AddLowers(RebaseGroup& group) {
    const auto chain = fleet_.chain(fleet_.images[group.images.front()]).first(group.depth);
    for (RebaseChoice& choice : group.choices) {
      std::vector<LayerIndex> lower;
      std::size_t kept = 0;
      if (choice.to != kNoNode) {
        lower = PrefixOf(trie_, choice);
        kept = trie_.depth[choice.from];
      }
      lower.insert(lower.end(), chain.begin() + static_cast<std::ptrdiff_t>(kept), chain.end());
      const auto [found, is_new] =
          lower_index_.try_emplace(lower, static_cast<std::uint32_t>(problem_.lowers.size()));
      if (is_new) problem_.lowers.push_back(std::move(lower));
      choice.lower = found->second;
    }
  }

  const Fleet& fleet_;
  const LayerTrie& trie_;
  std::span<const Lineage> lineages_;
  const RebaseRules& rules_;
  std::vector<std::vector<std::uint32_t>> targets_;  // per lineage
  std::vector<Stand> stands_;
  RebaseProblem problem_;
  std::map<std::vector<LayerIndex>, std::uint32_t> lower_index_;
};

}  // namespace

std::vector<LayerIndex> PrefixOf(const LayerTrie& trie, const RebaseChoice& choice) {
  if (choice.base_to == kNoNode) return PrefixOf(trie, choice.to);
  std::vector<LayerIndex> prefix = PrefixOf(trie, choice.base_to);
  const std::vector<LayerIndex> twin = PrefixOf(trie, choice.to);
  prefix.insert(prefix.end(), twin.begin() + trie.depth[choice.base_from], twin.end());
  return prefix;
}

RebaseProblem MakeRebaseProblem(const Fleet& fleet, const LayerTrie& trie,
                                std::span<const Lineage> lineages, const RebaseRules& rules) {
  return GroupMaker(fleet, trie, lineages, rules).Run();
}

namespace {

template <typename Value>
void SortUnique(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

}  // namespace

RebaseBlobs::RebaseBlobs(const Fleet& fleet, const CostModel& model, const Today& today,
                         const RebaseProblem& problem)
    : fleet_(fleet),
      model_(model),
      problem_(problem),
      rates_(fleet, model, today.cells),
      less_(problem.groups.size()) {
  for (const std::vector<LayerIndex>& lower : problem.lowers) {
    layers_.insert(layers_.end(), lower.begin(), lower.end());
  }
  SortUnique(layers_);
  std::vector<std::uint32_t> blob_of(fleet.layers.size(), kNone);
  for (std::uint32_t b = 0; b < size(); ++b) {
    const Layer& layer = fleet.layers[layers_[b]];
    blob_of[layers_[b]] = b;
    size_bytes_.push_back(layer.foreign ? 0 : layer.size);
  }
  for (const std::vector<LayerIndex>& lower : problem.lowers) {
    std::vector<std::uint32_t>& blobs = of_lower_.emplace_back();
    for (const LayerIndex l : lower) blobs.push_back(blob_of[l]);
    SortUnique(blobs);
  }

  std::vector<std::uint8_t> is_in_group(fleet.images.size());
  std::vector<std::vector<ImageIndex>> fixed(size());
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    const RebaseGroup& group = problem.groups[g];
    all_of_.push_back(SetOf(group.images));
    std::map<std::uint32_t, std::vector<ImageIndex>> holding;  // above the lower part
    for (const ImageIndex i : group.images) {
      is_in_group[i] = 1;
      for (const LayerIndex l : fleet.chain(fleet.images[i]).subspan(group.depth)) {
        if (blob_of[l] != kNone) holding[blob_of[l]].push_back(i);
      }
    }
    for (auto& [b, images] : holding) {
      SortUnique(images);
      fixed[b].insert(fixed[b].end(), images.begin(), images.end());
      std::vector<ImageIndex> others;
      std::ranges::set_difference(group.images, images, std::back_inserter(others));
      less_[g].emplace_back(b, SetOf(others));
    }
  }
  for (std::uint32_t b = 0; b < size(); ++b) {
    for (const ImageIndex i : today.holders_of(layers_[b])) {
      if (is_in_group[i] == 0) fixed[b].push_back(i);
    }
    fixed_.push_back(SetOf(fixed[b]));
  }
}

HolderSet RebaseBlobs::SetOf(std::span<const ImageIndex> images) const {
  HolderSet set{.num_images = static_cast<std::int64_t>(images.size())};
  for (const ImageIndex i : images) {
    set.pulls = CheckedAdd(set.pulls, fleet_.images[i].pulls);
    const auto elements = rates_.elements_of(i);
    set.elements.insert(set.elements.end(), elements.begin(), elements.end());
  }
  SortUnique(set.elements);
  return set;
}

const HolderSet& RebaseBlobs::added_by(std::uint32_t g, std::uint32_t b) const {
  const auto found =
      std::ranges::lower_bound(less_[g], b, {}, &std::pair<std::uint32_t, HolderSet>::first);
  return found != less_[g].end() && found->first == b ? found->second : all_of_[g];
}

Bytes RebaseBlobs::OverheadOf(std::uint32_t g, std::uint32_t lower) const {
  return CheckedMultiply(
      model_.options().layer_cost,
      CheckedMultiply(all_of_[g].pulls, static_cast<std::int64_t>(problem_.lowers[lower].size())));
}

}  // namespace gneiss
