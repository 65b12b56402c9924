#include "planner/bases/drift.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>

#include "planner/bases/lineages.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

void MovedChains::Move(const Drift& drift) {
  for (const ImageIndex i : drift.images) {
    if (move_[i] != nullptr) throw std::logic_error("an image moves twice");
    move_[i] = &drift;
  }
}

std::span<const LayerIndex> MovedChains::operator()(ImageIndex i) {
  const auto chain = fleet_.chain(fleet_.images[i]);
  if (move_[i] == nullptr) return chain;
  const Drift& drift = *move_[i];
  buffer_.assign(drift.to.begin(), drift.to.end());
  const auto rest = chain.subspan(drift.from.size());
  buffer_.insert(buffer_.end(), rest.begin(), rest.end());
  return buffer_;
}

namespace {

constexpr std::size_t kMaxBases = 1000;  // kept for the report; the rest saves less

}  // namespace

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
    base.name = NameOfNode(fleet, trie, base.node);
    for (const ImageIndex i : trie.images_below(base.node)) {
      for (const GroupIndex r : repositories.of(i)) {
        if (std::exchange(last_base[r], b) != b) ++base.num_repositories;
      }
    }
  }
  return bases;
}

}  // namespace gneiss
