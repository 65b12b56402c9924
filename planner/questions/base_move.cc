#include "planner/questions/base_move.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "planner/cost/layout.h"

namespace gneiss {
namespace {

bool BeginsWith(std::span<const LayerIndex> chain, std::span<const LayerIndex> prefix) {
  return chain.size() >= prefix.size() && std::ranges::equal(chain.first(prefix.size()), prefix);
}

BaseMove MoveOf(const Fleet& fleet, const BasePair& pair) {
  const Image& from = fleet.images[pair.from];
  const Image& to = fleet.images[pair.to];
  const auto old_chain = fleet.chain(from);
  const auto new_chain = fleet.chain(to);
  if (std::ranges::equal(old_chain, new_chain)) {
    throw InputError(fmt::format("{} and {} have the same layers: expected two different bases",
                                 fleet.name(from), fleet.name(to)));
  }
  if (old_chain.empty()) {
    throw InputError(
        fmt::format("{} has no layers: expected a base that images stand on", fleet.name(from)));
  }
  if (from.is_windows || to.is_windows) {
    throw InputError(fmt::format(
        "{} is of Windows: the layers of its images cannot stand on another base, as "
        "registry hives are deltas that the runtime merges; build them anew and compare "
        "the two with gneiss diff",
        fleet.name(from.is_windows ? from : to)));
  }
  BaseMove move;
  move.pair = pair;
  move.drift.sign = LineageSign::kMapping;
  move.drift.from.assign(old_chain.begin(), old_chain.end());
  move.drift.to.assign(new_chain.begin(), new_chain.end());
  move.drift.from_name = fleet.name(from);
  move.drift.to_name = fleet.name(to);
  // Where the new base stands on the old one, its images do so too.
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    if (i == pair.from || i == pair.to || image.platform != from.platform) continue;
    const auto chain = fleet.chain(image);
    if (!new_chain.empty() && BeginsWith(chain, new_chain) && new_chain.size() > old_chain.size()) {
      ++move.num_there;
    } else if (BeginsWith(chain, old_chain)) {
      move.drift.images.push_back(i);
    } else if (!new_chain.empty() && BeginsWith(chain, new_chain)) {
      ++move.num_there;
    }
  }
  return move;
}

Bytes SizeOf(const Fleet& fleet, std::span<const LayerIndex> chain) {
  Bytes size = 0;
  for (const LayerIndex l : std::set<LayerIndex>(chain.begin(), chain.end())) {
    if (!fleet.layers[l].foreign) size = CheckedAdd(size, fleet.layers[l].size);
  }
  return size;
}

}  // namespace

BaseMoves MoveBases(const Fleet& fleet, const CostModel& model, const ImageGroups& cells,
                    std::span<const BasePair> pairs) {
  BaseMoves result;
  for (const BasePair& pair : pairs) result.moves.push_back(MoveOf(fleet, pair));
  MovedChains chains(fleet);
  std::vector<std::uint8_t> is_old(fleet.images.size(), 0);
  for (const BaseMove& move : result.moves) {
    chains.Move(move.drift);
    is_old[move.pair.from] = 1;
    for (const ImageIndex i : move.drift.images) {
      const auto before = fleet.chain(fleet.images[i]);
      const auto after = chains(i);
      result.images.push_back({.image = i,
                               .layers_before = static_cast<std::uint32_t>(before.size()),
                               .layers_after = static_cast<std::uint32_t>(after.size()),
                               .before = SizeOf(fleet, before),
                               .after = SizeOf(fleet, after)});
    }
  }
  if (result.images.empty()) {
    throw InputError(
        fmt::format("no image stands on {}: expected a base whose layers other images begin with",
                    result.moves.empty() ? "it" : result.moves.front().drift.from_name));
  }
  std::ranges::sort(result.images, {}, &MovedImage::image);
  result.before = AuditLayout(fleet, model, cells, CurrentLayout(fleet));
  const ChainOfImage after = [&](ImageIndex i) { return chains(i); };
  result.after = AuditLayout(fleet, model, cells, CurrentLayout(fleet, after), after);
  const ChainOfImage without_old = [&](ImageIndex i) {
    return is_old[i] != 0 ? std::span<const LayerIndex>() : chains(i);
  };
  result.freed_without_old =
      result.after.storage_bytes -
      AuditLayout(fleet, model, cells, CurrentLayout(fleet, without_old), without_old)
          .storage_bytes;
  return result;
}

}  // namespace gneiss
