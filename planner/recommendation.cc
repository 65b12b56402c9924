#include "planner/recommendation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "planner/accounting.h"

namespace gneiss {
namespace {

// Storage and transfer of the blobs of one layout.
struct Footprint {
  Bytes storage = 0;
  double transfer = 0;
};

Footprint FootprintOf(const LayoutBlob& blob, const CostModel& model) {
  return {.storage = CheckedMultiply(blob.size, blob.cells),
          .transfer = static_cast<double>(blob.size) * model.Fetches(blob.pulls, blob.pool_nodes)};
}

// The images of one repository whose Dockerfile steps are the same.
using GroupKey = std::tuple<std::string, std::uint32_t, TextIndex, TextIndex>;

// The image whose build made the run: the holder with the shortest chain.
ImageIndex OwnerOf(const Fleet& fleet, const BlobTable& blobs, const LayoutBlob& blob) {
  ImageIndex owner = blob.image;
  for (const ImageIndex i : blobs.holders_of(blob)) {
    if (fleet.images[i].num_layers < fleet.images[owner].num_layers) owner = i;
  }
  return owner;
}

std::string RepositoryOf(const Fleet& fleet, ImageIndex image) {
  const Image& found = fleet.images[image];
  const std::string_view ref =
      found.num_refs > 0 ? fleet.text(fleet.refs_of(found).front()) : std::string_view();
  return std::string(SplitRef(ref).repository);
}

std::uint32_t OffsetIn(const Fleet& fleet, ImageIndex image, std::span<const LayerIndex> run) {
  const auto chain = fleet.chain(fleet.images[image]);
  const auto found = std::search(chain.begin(), chain.end(), run.begin(), run.end());
  return static_cast<std::uint32_t>(found - chain.begin());
}

}  // namespace

std::vector<Recommendation> RecommendJoins(const Fleet& fleet, const CostModel& model,
                                           const ImageGroups& cells, const Layout& layout) {
  const BlobTable today = FindLayoutBlobs(fleet, cells, CurrentLayout(fleet));
  const BlobTable planned = FindLayoutBlobs(fleet, cells, layout);
  std::vector<std::uint32_t> blob_of_layer(fleet.layers.size(), kNone);
  std::vector<std::uint32_t> kept_of_layer(fleet.layers.size(), kNone);
  const auto layer_of = [&](const LayoutBlob& blob) {
    return fleet.chain(fleet.images[blob.image])[blob.offset];
  };
  const auto run_of = [&](const LayoutBlob& blob) {
    return fleet.chain(fleet.images[blob.image]).subspan(blob.offset, blob.length);
  };
  for (std::uint32_t b = 0; b < today.blobs.size(); ++b) {
    blob_of_layer[layer_of(today.blobs[b])] = b;
  }
  const auto users = [&](LayerIndex l) {
    return std::int64_t{today.blobs[blob_of_layer[l]].num_holders};
  };
  // How many joined runs contain each layer (each run once however often it repeats the layer).
  std::vector<std::int64_t> num_runs(fleet.layers.size(), 0);
  std::vector<std::uint32_t> last_run(fleet.layers.size(), kNone);
  for (std::uint32_t b = 0; b < planned.blobs.size(); ++b) {
    const LayoutBlob& blob = planned.blobs[b];
    if (blob.length == 1) {
      kept_of_layer[layer_of(blob)] = b;
      continue;
    }
    for (const LayerIndex l : run_of(blob)) {
      if (std::exchange(last_run[l], b) != b) ++num_runs[l];
    }
  }

  std::map<GroupKey, std::size_t> index;
  std::vector<Recommendation> made;
  std::vector<double> transfer;
  std::ranges::fill(last_run, kNone);
  std::vector<std::int64_t> runs_credited(fleet.layers.size(), 0);
  for (std::uint32_t b = 0; b < planned.blobs.size(); ++b) {
    const LayoutBlob& blob = planned.blobs[b];
    if (blob.length == 1) continue;
    const auto run = run_of(blob);
    const Footprint paid = FootprintOf(blob, model);
    Bytes storage = -paid.storage;
    double fetched = -paid.transfer;
    for (const LayerIndex l : run) {
      if (std::exchange(last_run[l], b) == b) continue;
      const Footprint before = FootprintOf(today.blobs[blob_of_layer[l]], model);
      const Footprint after = kept_of_layer[l] == kNone
                                  ? Footprint{}
                                  : FootprintOf(planned.blobs[kept_of_layer[l]], model);
      const Bytes freed = before.storage - after.storage;
      const Bytes share = freed / num_runs[l];
      const bool takes_rest = runs_credited[l]++ < freed % num_runs[l];
      storage += share + (takes_rest ? 1 : 0);
      fetched += (before.transfer - after.transfer) / static_cast<double>(num_runs[l]);
    }
    const ImageIndex owner = OwnerOf(fleet, planned, blob);
    const GroupKey key{RepositoryOf(fleet, owner), blob.length,
                       fleet.layers[run.front()].created_by, fleet.layers[run.back()].created_by};
    const auto [found, is_new] = index.try_emplace(key, made.size());
    if (is_new) {
      made.emplace_back();
      transfer.push_back(0);
    }
    Recommendation& into = made[found->second];
    const auto holders = planned.holders_of(blob);
    into.saves_storage_bytes += storage;
    transfer[found->second] += fetched;
    into.saves_layers += static_cast<std::int64_t>(holders.size()) * (blob.length - 1);
    into.saves_cost = CheckedAdd(
        into.saves_cost,
        CheckedMultiply(model.options().layer_cost, CheckedMultiply(blob.pulls, blob.length - 1)));
    into.images.insert(into.images.end(), holders.begin(), holders.end());
    const auto chain = fleet.chain(fleet.images[owner]);
    const std::uint32_t offset = OffsetIn(fleet, owner, run);
    const std::uint32_t end = offset + blob.length;
    into.runs.push_back({.image = owner,
                         .offset = offset,
                         .length = blob.length,
                         .size = blob.size,
                         .num_images = static_cast<std::int64_t>(holders.size()),
                         .users_below = offset == 0 ? 0 : users(chain[offset - 1]),
                         .users_of_first = users(chain[offset]),
                         .users_of_last = users(chain[end - 1]),
                         .users_above = end == chain.size() ? 0 : users(chain[end])});
  }

  for (std::size_t m = 0; m < made.size(); ++m) {
    Recommendation& r = made[m];
    r.saves_transfer_bytes = static_cast<Bytes>(std::llround(transfer[m]));
    r.saves_cost += static_cast<Bytes>(
        std::llround(model.options().storage_weight * static_cast<double>(r.saves_storage_bytes) +
                     model.options().transfer_weight * transfer[m]));
    std::ranges::sort(r.images);
    r.images.erase(std::ranges::unique(r.images).begin(), r.images.end());
    std::ranges::stable_sort(r.runs, std::greater{}, &JoinedRun::num_images);
  }
  std::ranges::stable_sort(made, [](const Recommendation& a, const Recommendation& b) {
    return a.saves_cost > b.saves_cost;
  });
  for (std::size_t m = 0; m < made.size(); ++m) made[m].id = fmt::format("S{}", m + 1);
  return made;
}

}  // namespace gneiss
