#include "planner/bases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>

#include <boost/container_hash/hash.hpp>
#include <fmt/format.h>

namespace gneiss {
namespace {

constexpr std::string_view kBaseNameKey = "org.opencontainers.image.base.name";
constexpr std::string_view kBaseDigestKey = "org.opencontainers.image.base.digest";
constexpr std::size_t kMaxBases = 1000;  // kept for the report; the rest saves less
constexpr std::size_t kMaxDrift = 1000;
constexpr std::uint64_t kAuditBudget = 20'000'000;  // layer references audited for single moves

std::vector<LayerIndex> PrefixOf(const LayerTrie& trie, NodeIndex v) {
  std::vector<LayerIndex> prefix(trie.depth[v]);
  for (std::size_t d = prefix.size(); d-- > 0; v = trie.parent[v]) prefix[d] = trie.layer[v];
  return prefix;
}

// The first ref of the prefix, else the digest of its last layer.
std::string NameOf(const Fleet& fleet, const LayerTrie& trie, NodeIndex v) {
  const auto ending = trie.images_ending(v);
  if (!ending.empty()) return fleet.name(fleet.images[ending.front()]);
  return fleet.digest_text(fleet.layers[trie.layer[v]]);
}

bool IsBelow(const LayerTrie& trie, NodeIndex v, NodeIndex ancestor) {
  return v != kNoNode && v >= ancestor && v < trie.subtree_end[ancestor];
}

// Everything that the search for drift looks things up in.
class DriftSearch {
 public:
  DriftSearch(const Fleet& fleet, const LayerTrie& trie) : fleet_(fleet), trie_(trie) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      for (const TextIndex ref : fleet.refs_of(fleet.images[i])) {
        by_ref_[{ShortRef(fleet.text(ref)), fleet.images[i].platform}].push_back(i);
      }
    }
  }

  std::vector<Drift> Run() {
    AddTwins();
    AddBaseNames();
    AddTagHistory();
    AddFirstInstructions();
    return std::move(drift_);
  }

 private:
  using RefKey = std::pair<std::string_view, TextIndex>;  // ref and platform

  std::string_view Created(ImageIndex i) const { return fleet_.text(fleet_.images[i].created); }

  // The image that was created last; ties: the one with more images on it, then the first.
  ImageIndex Newest(const std::vector<ImageIndex>& images) const {
    return *std::ranges::max_element(images, [&](ImageIndex a, ImageIndex b) {
      return std::tuple(Created(a), NumBelow(a), b) < std::tuple(Created(b), NumBelow(b), a);
    });
  }

  std::size_t NumBelow(ImageIndex i) const {
    const NodeIndex v = trie_.node_of_image[i];
    return v == kNoNode ? 0 : trie_.images_below(v).size();
  }

  // Keeps the move of `images` (any order) from prefix `from` to prefix `to`.
  void Add(LineageSign sign, std::string_view lineage, NodeIndex from, NodeIndex to,
           std::vector<ImageIndex> images) {
    std::erase_if(images, [&](ImageIndex i) { return IsBelow(trie_, trie_.node_of_image[i], to); });
    if (images.empty() || from == to) return;
    std::ranges::sort(images);
    drift_.push_back({.sign = sign,
                      .lineage = std::string(lineage),
                      .from = PrefixOf(trie_, from),
                      .to = PrefixOf(trie_, to),
                      .from_name = NameOf(fleet_, trie_, from),
                      .to_name = NameOf(fleet_, trie_, to),
                      .images = std::move(images)});
  }

  // Chains of equal diff_ids and other digests.
  void AddTwins() {
    const std::vector<Digest> chain_ids = ChainIds(fleet_, trie_);
    const Digest unknown;
    const auto hash = [](const Digest& digest) { return HashDigest(digest); };
    std::unordered_map<Digest, NodeIndex, decltype(hash)> first(trie_.size(), hash);
    std::unordered_map<Digest, std::vector<NodeIndex>, decltype(hash)> twins_of(0, hash);
    for (NodeIndex v = 0; v < trie_.size(); ++v) {
      if (chain_ids[v] == unknown) continue;
      const auto [found, is_new] = first.try_emplace(chain_ids[v], v);
      if (is_new) continue;
      std::vector<NodeIndex>& twins = twins_of[chain_ids[v]];
      if (twins.empty()) twins.push_back(found->second);
      twins.push_back(v);
    }
    const auto best = [&](const std::vector<NodeIndex>& twins) {
      return *std::ranges::max_element(twins, [&](NodeIndex a, NodeIndex b) {
        return std::tuple(trie_.images_below(a).size(), b) <
               std::tuple(trie_.images_below(b).size(), a);
      });
    };
    // Each image moves at its longest twin prefix.
    std::map<std::pair<NodeIndex, NodeIndex>, std::vector<ImageIndex>> moves;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      for (NodeIndex v = trie_.node_of_image[i]; v != kNoNode; v = trie_.parent[v]) {
        const auto twins = twins_of.find(chain_ids[v]);
        if (twins == twins_of.end()) continue;
        const NodeIndex to = best(twins->second);
        if (to != v) moves[{v, to}].push_back(i);
        break;
      }
    }
    for (auto& [move, images] : moves) {
      Add(LineageSign::kTwin, NameOf(fleet_, trie_, move.second), move.first, move.second,
          std::move(images));
    }
  }

  // Images that name their base, but do not stand on what that name holds now.
  void AddBaseNames() {
    std::map<RefKey, std::vector<ImageIndex>> lineages;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      const std::string_view name = fleet_.label(fleet_.images[i], kBaseNameKey);
      if (!name.empty() && fleet_.images[i].num_layers > 0) {
        lineages[{ShortRef(name), fleet_.images[i].platform}].push_back(i);
      }
    }
    for (const auto& [key, images] : lineages) {
      const auto named = by_ref_.find(key);
      // Without the base itself in the fleet its length is not known: compare first layers only.
      const bool known = named != by_ref_.end();
      const ImageIndex newest = Newest(known ? named->second : images);
      NodeIndex to = trie_.node_of_image[newest];
      if (!known) to = FirstNode(to);
      if (to == kNoNode) continue;
      std::map<NodeIndex, std::vector<ImageIndex>> by_base;
      for (const ImageIndex i : images) {
        if (IsBelow(trie_, trie_.node_of_image[i], to)) continue;
        by_base[known ? BaseNode(i, key.first) : FirstNode(trie_.node_of_image[i])].push_back(i);
      }
      for (auto& [from, movers] : by_base) {
        Add(LineageSign::kBaseName, key.first, from, to, std::move(movers));
      }
    }
  }

  NodeIndex FirstNode(NodeIndex v) const {
    while (v != kNoNode && trie_.parent[v] != kNoNode) v = trie_.parent[v];
    return v;
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

  // One tag that names several manifests: images on the older ones.
  void AddTagHistory() {
    std::map<RefKey, const std::vector<ImageIndex>*> moved;  // in an order of their own
    for (const auto& [key, versions] : by_ref_) {
      if (versions.size() > 1) moved[key] = &versions;
    }
    for (const auto& [key, found] : moved) {
      const std::vector<ImageIndex>& versions = *found;
      const NodeIndex to = trie_.node_of_image[Newest(versions)];
      if (to == kNoNode) continue;
      for (const ImageIndex old : versions) {
        const NodeIndex from = trie_.node_of_image[old];
        if (from == kNoNode || from == to) continue;
        const auto below = trie_.images_below(from);
        const std::size_t ending = trie_.num_ends[from];
        Add(LineageSign::kTagHistory, key.first, from, to,
            std::vector<ImageIndex>(below.begin() + static_cast<std::ptrdiff_t>(ending),
                                    below.end()));
      }
    }
  }

  // First layers with one instruction and nearly one size.
  void AddFirstInstructions() {
    std::map<std::pair<TextIndex, TextIndex>, std::vector<NodeIndex>> roots;
    for (NodeIndex v = 0; v < trie_.size(); v = trie_.subtree_end[v]) {
      const TextIndex instruction = fleet_.layers[trie_.layer[v]].created_by;
      if (instruction == 0) continue;
      roots[{instruction, fleet_.images[trie_.images_below(v).front()].platform}].push_back(v);
    }
    const auto first_built = [&](NodeIndex v) {
      std::string_view earliest;
      for (const ImageIndex i : trie_.images_below(v)) {
        if (earliest.empty() || Created(i) < earliest) earliest = Created(i);
      }
      return earliest;
    };
    for (const auto& [key, versions] : roots) {
      if (versions.size() < 2) continue;
      NodeIndex to = versions.front();  // the one built last, of equals the first
      std::string_view to_built = first_built(to);
      for (const NodeIndex v : std::span(versions).subspan(1)) {
        const std::string_view built = first_built(v);
        if (built <= to_built) continue;
        to = v;
        to_built = built;
      }
      const double size = static_cast<double>(fleet_.layers[trie_.layer[to]].size);
      for (const NodeIndex from : versions) {
        const double other = static_cast<double>(fleet_.layers[trie_.layer[from]].size);
        if (from == to || std::abs(other - size) > 0.1 * size) continue;
        const auto below = trie_.images_below(from);
        Add(LineageSign::kFirstInstruction, fleet_.text(key.first), from, to,
            std::vector<ImageIndex>(below.begin(), below.end()));
      }
    }
  }

  const Fleet& fleet_;
  const LayerTrie& trie_;
  std::unordered_map<RefKey, std::vector<ImageIndex>, boost::hash<RefKey>> by_ref_;
  std::vector<Drift> drift_;
};

// The chains after some images have moved.
class MovedChains {
 public:
  explicit MovedChains(const Fleet& fleet) : fleet_(fleet), move_(fleet.images.size(), nullptr) {}

  // REQUIRES: `drift` outlives this. False when the image has moved already.
  bool Move(ImageIndex i, const Drift& drift) {
    if (move_[i] != nullptr) return false;
    move_[i] = &drift;
    return true;
  }
  void Reset(const Drift& drift) {
    for (const ImageIndex i : drift.images) move_[i] = nullptr;
  }

  std::span<const LayerIndex> operator()(ImageIndex i) {
    const auto chain = fleet_.chain(fleet_.images[i]);
    if (move_[i] == nullptr) return chain;
    const Drift& drift = *move_[i];
    buffer_.assign(drift.to.begin(), drift.to.end());
    const auto rest = chain.subspan(drift.from.size());
    buffer_.insert(buffer_.end(), rest.begin(), rest.end());
    return buffer_;
  }

 private:
  const Fleet& fleet_;
  std::vector<const Drift*> move_;
  std::vector<LayerIndex> buffer_;
};

// Exact savings of single moves, from the blobs they touch only.
class MoveCounter {
 public:
  MoveCounter(const Fleet& fleet, const CostModel& model, const Today& today)
      : fleet_(fleet), model_(model), today_(today) {}

  void Count(Drift& drift) {
    MovedChains chains(fleet_);
    for (const ImageIndex i : drift.images) chains.Move(i, drift);
    std::set<LayerIndex> touched(drift.from.begin(), drift.from.end());
    touched.insert(drift.to.begin(), drift.to.end());
    double transfer = 0;
    for (const LayerIndex l : touched) {
      const auto before = today_.holders_of(l);
      std::vector<ImageIndex> after;
      std::ranges::set_difference(before, drift.images, std::back_inserter(after));
      for (const ImageIndex i : drift.images) {
        const auto chain = chains(i);
        if (std::ranges::find(chain, l) != chain.end()) after.push_back(i);
      }
      const Use was = UseOf(l, before);
      const Use is = UseOf(l, after);
      drift.saves_storage_bytes += was.storage - is.storage;
      drift.saves_cost += was.cost - is.cost;
      transfer += was.transfer - is.transfer;
    }
    const auto fewer =
        static_cast<std::int64_t>(drift.from.size()) - static_cast<std::int64_t>(drift.to.size());
    for (const ImageIndex i : drift.images) {
      drift.saves_cost += CheckedMultiply(model_.options().layer_cost,
                                          CheckedMultiply(fleet_.images[i].pulls, fewer));
    }
    drift.saves_transfer_bytes = static_cast<Bytes>(std::llround(transfer));
  }

 private:
  struct Use {
    Bytes storage = 0;
    Bytes cost = 0;
    double transfer = 0;
  };

  Use UseOf(LayerIndex l, std::span<const ImageIndex> holders) const {
    if (holders.empty()) return {};
    const BlobUse use = CountUse(fleet_, today_.cells, holders);
    const Bytes size = fleet_.layers[l].foreign ? 0 : fleet_.layers[l].size;
    const double fetches = model_.Fetches(use.pulls, use.pool_nodes);
    return {.storage = CheckedMultiply(size, use.cells),
            .cost = model_.BlobCost(size, use.cells, fetches),
            .transfer = static_cast<double>(size) * fetches};
  }

  const Fleet& fleet_;
  const CostModel& model_;
  const Today& today_;
};

std::vector<CommonBase> FindCommonBases(const Fleet& fleet, const LayerTrie& trie) {
  const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
  std::vector<std::uint32_t> num_children(trie.size(), 0);
  for (const NodeIndex up : trie.parent) {
    if (up != kNoNode) ++num_children[up];
  }
  std::vector<Bytes> size(trie.size());
  std::vector<Bytes> own(trie.size());  // bytes since the base below
  std::vector<std::uint8_t> is_base(trie.size());
  std::vector<CommonBase> bases;
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    const NodeIndex up = trie.parent[v];
    const Layer& layer = fleet.layers[trie.layer[v]];
    const Bytes bytes = layer.foreign ? 0 : layer.size;
    size[v] = CheckedAdd(up == kNoNode ? 0 : size[up], bytes);
    own[v] = CheckedAdd(up == kNoNode || is_base[up] != 0 ? 0 : own[up], bytes);
    const auto below = static_cast<std::int64_t>(trie.images_below(v).size());
    is_base[v] = below > 1 && (num_children[v] > 1 || trie.num_ends[v] > 0) ? 1 : 0;
    if (is_base[v] == 0) continue;
    bases.push_back({.node = v,
                     .num_layers = trie.depth[v],
                     .size = size[v],
                     .name = {},
                     .versions = {},
                     .num_images = below,
                     .num_repositories = 0,
                     .saves_storage_bytes = CheckedMultiply(own[v], below - 1)});
  }
  std::ranges::stable_sort(bases, std::greater{}, &CommonBase::saves_storage_bytes);
  if (bases.size() > kMaxBases) bases.resize(kMaxBases);
  std::vector<std::size_t> last_base(repositories.size(), bases.size());
  for (std::size_t b = 0; b < bases.size(); ++b) {
    CommonBase& base = bases[b];
    const auto ending = trie.images_ending(base.node);
    base.versions.assign(ending.begin(), ending.end());
    base.name = NameOf(fleet, trie, base.node);
    for (const ImageIndex i : trie.images_below(base.node)) {
      for (const GroupIndex r : repositories.of(i)) {
        if (std::exchange(last_base[r], b) != b) ++base.num_repositories;
      }
    }
  }
  return bases;
}

}  // namespace

BasesReport FindBases(const Fleet& fleet, const CostModel& model, const Today& today) {
  BasesReport report;
  report.bases = FindCommonBases(fleet, today.trie);
  report.current = today.cost;
  report.moved = report.current;

  report.drift = DriftSearch(fleet, today.trie).Run();
  if (report.drift.empty()) return report;
  MoveCounter counter(fleet, model, today);
  for (Drift& drift : report.drift) counter.Count(drift);
  std::erase_if(report.drift, [](const Drift& d) {
    return d.weak() && d.saves_cost <= 0;  // not even worth a look
  });
  std::ranges::stable_sort(report.drift, [](const Drift& a, const Drift& b) {
    if (a.weak() != b.weak()) return b.weak();
    return a.saves_cost > b.saves_cost;
  });
  if (report.drift.size() > kMaxDrift) report.drift.resize(kMaxDrift);

  MovedChains chains(fleet);
  const ChainOfImage after = [&](ImageIndex i) { return chains(i); };
  std::uint64_t audited = 0;
  for (const Drift& drift : report.drift) {
    audited += fleet.layer_references.size();
    if (audited > kAuditBudget) break;
    for (const ImageIndex i : drift.images) chains.Move(i, drift);
    const LayoutCost cost =
        AuditLayout(fleet, model, today.cells, CurrentLayout(fleet, after), after);
    RequireEqual("the storage that moving to another base saves", drift.saves_storage_bytes,
                 report.current.storage_bytes - cost.storage_bytes);
    RequireEqual("the cost that moving to another base saves", drift.saves_cost,
                 report.current.cost - cost.cost);
    chains.Reset(drift);
  }
  for (const Drift& drift : report.drift) {
    if (!drift.worth_moving()) continue;
    for (const ImageIndex i : drift.images)
      report.num_moved_images += chains.Move(i, drift) ? 1 : 0;
  }
  if (report.num_moved_images == 0) return report;
  report.moved = AuditLayout(fleet, model, today.cells, CurrentLayout(fleet, after), after);
  return report;
}

std::vector<Recommendation> RecommendMoves(const BasesReport& report) {
  constexpr std::array<Effort, 4> kEfforts = {Effort::kPushAgain, Effort::kRebuild,
                                              Effort::kRebuild, Effort::kChangeFrom};
  std::vector<Recommendation> made;
  for (std::size_t d = 0; d < report.drift.size(); ++d) {
    const Drift& drift = report.drift[d];
    if (drift.saves_cost <= 0) continue;
    Recommendation r;
    r.id = fmt::format("B{}", made.size() + 1);
    r.kind = RecommendationKind::kRebase;
    r.effort = kEfforts[static_cast<std::size_t>(drift.sign)];
    r.saves_cost = drift.saves_cost;
    r.saves_storage_bytes = drift.saves_storage_bytes;
    r.saves_transfer_bytes = drift.saves_transfer_bytes;
    r.saves_layers = (static_cast<std::int64_t>(drift.from.size()) -
                      static_cast<std::int64_t>(drift.to.size())) *
                     static_cast<std::int64_t>(drift.images.size());
    r.images = drift.images;
    r.drift = d;
    made.push_back(std::move(r));
  }
  return made;
}

}  // namespace gneiss
