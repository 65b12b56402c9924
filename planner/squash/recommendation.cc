#include "planner/squash/recommendation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "planner/contents/overlay.h"
#include "planner/fleet/accounting.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// What one blob of a layout takes.
struct Footprint {
  Bytes storage = 0;
  Bytes cost = 0;
  double transfer = 0;
};

Footprint FootprintOf(const LayoutBlob& blob, const CostModel& model) {
  const double fetches = model.Fetches(blob.pulls, blob.pool_nodes);
  return {.storage = CheckedMultiply(blob.size, blob.cells),
          .cost = model.BlobCost(blob.size, blob.cells, fetches),
          .transfer = static_cast<double>(blob.size) * fetches};
}

// Part number `part` of `amount` in `num_parts` whole parts that sum to it and differ by one at
// most.
Bytes EvenPart(Bytes amount, std::int64_t num_parts, std::int64_t part) {
  const Bytes rest = amount % num_parts;  // has the sign of `amount`
  const bool takes_one = part < (rest < 0 ? -rest : rest);
  return amount / num_parts + (takes_one ? (rest < 0 ? -1 : 1) : 0);
}

// Rounds to whole numbers that sum to `total`, by largest remainder. REQUIRES: the sum of `values`
// is less than one for each value away from `total`.
std::vector<Bytes> RoundToSum(const std::vector<double>& values, Bytes total) {
  std::vector<Bytes> rounded;
  std::vector<std::size_t> order;
  Bytes missing = total;
  for (std::size_t i = 0; i < values.size(); ++i) {
    rounded.push_back(static_cast<Bytes>(std::floor(values[i])));
    missing -= rounded.back();
    order.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::size_t i) { return values[i] - std::floor(values[i]); });
  for (std::size_t k = 0; missing > 0 && k < order.size(); ++k, --missing) ++rounded[order[k]];
  for (std::size_t k = order.size(); missing < 0 && k-- > 0; ++missing) --rounded[order[k]];
  return rounded;
}

// The images of one repository whose Dockerfile steps are the same.
using GroupKey = std::tuple<std::string_view, std::uint32_t, TextIndex, TextIndex>;

// The image whose build made the run: the holder with the shortest chain.
ImageIndex OwnerOf(const Fleet& fleet, const BlobTable& blobs, const LayoutBlob& blob) {
  ImageIndex owner = blob.image;
  for (const ImageIndex i : blobs.holders_of(blob)) {
    if (fleet.images[i].num_layers < fleet.images[owner].num_layers) owner = i;
  }
  return owner;
}

std::string_view RepositoryOf(const Fleet& fleet, ImageIndex image) {
  const Image& found = fleet.images[image];
  const std::string_view ref =
      found.num_refs > 0 ? fleet.text(fleet.refs_of(found).front()) : std::string_view();
  return SplitRef(ref).repository;
}

std::uint32_t OffsetIn(const Fleet& fleet, ImageIndex image, std::span<const LayerIndex> run) {
  const auto chain = fleet.chain(fleet.images[image]);
  const auto found = std::search(chain.begin(), chain.end(), run.begin(), run.end());
  return static_cast<std::uint32_t>(found - chain.begin());
}

// Tells what the layers of runs hide of each other.
class RunMerger {
 public:
  // `contents` may be null; then nothing is known to be hidden.
  explicit RunMerger(const LayerContents* contents) : contents_(contents) {
    if (contents != nullptr) overlay_.emplace(contents->paths);
  }

  void Tell(std::span<const LayerIndex> layers, JoinedRun& run) {
    const auto is_known = [&](LayerIndex l) { return contents_->inventories[l].has_value(); };
    if (contents_ == nullptr || !std::ranges::all_of(layers, is_known)) return;
    hidings_.clear();
    // Known to the overlay by position: a run may have a layer more than once.
    for (LayerIndex k = 0; k < layers.size(); ++k) {
      overlay_->Push({.layer = k,
                      .inventory = &*contents_->inventories[layers[k]],
                      .paths = &contents_->layer_paths[layers[k]]},
                     hidings_);
    }
    for (std::size_t k = 0; k < layers.size(); ++k) overlay_->Pop();
    for (const Hiding& hiding : hidings_) {
      if (Bytes* const sum = SumFor(hiding.cause, run)) {
        const EntryRef hidden{layers[hiding.hidden.layer], hiding.hidden.entry};
        *sum = CheckedAdd(*sum, contents_->EntryOf(hidden).blob_bytes);
      }
    }
  }

 private:
  static Bytes* SumFor(HideCause cause, JoinedRun& run) {
    switch (cause) {
      case HideCause::kDeleted:
        return &run.deleted_bytes;
      case HideCause::kReplaced:
        return &run.replaced_bytes;
      case HideCause::kMetadataChange:
      case HideCause::kWrittenAgain:
      case HideCause::kTwiceInLayer:
        return &run.repeated_bytes;
      case HideCause::kDirectoryAgain:
      case HideCause::kNothingDeleted:
        break;
    }
    return nullptr;
  }

  const LayerContents* contents_;
  std::optional<Overlay> overlay_;
  std::vector<Hiding> hidings_;
};

}  // namespace

std::vector<Recommendation> RecommendJoins(const Fleet& fleet, const CostModel& model,
                                           const Today& today, const SquashPlan& plan,
                                           const LayerContents* contents) {
  const BlobTable& planned = plan.blobs;
  RunMerger merger(contents);
  std::vector<std::uint32_t> kept_of_layer(fleet.layers.size(), kNone);
  const auto layer_of = [&](const LayoutBlob& blob) {
    return fleet.chain(fleet.images[blob.image])[blob.offset];
  };
  const auto run_of = [&](const LayoutBlob& blob) {
    return fleet.chain(fleet.images[blob.image]).subspan(blob.offset, blob.length);
  };
  const auto users = [&](LayerIndex l) {
    return static_cast<std::int64_t>(today.holders_of(l).size());
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

  const auto hash = [](const GroupKey& key) {
    const auto& [repository, length, first, last] = key;
    return KeyedHash()
        .Add(length)
        .Add(std::uint64_t{first} << 32 | last)
        .AddText(repository)
        .Finish();
  };
  std::unordered_map<GroupKey, std::size_t, decltype(hash)> index(0, hash);
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
    Bytes cost = -paid.cost;
    double fetched = -paid.transfer;
    for (const LayerIndex l : run) {
      if (std::exchange(last_run[l], b) == b) continue;
      const Footprint before = FootprintOf(today.blobs.blobs[l], model);
      const Footprint after = kept_of_layer[l] == kNone
                                  ? Footprint{}
                                  : FootprintOf(planned.blobs[kept_of_layer[l]], model);
      const std::int64_t part = runs_credited[l]++;
      storage += EvenPart(before.storage - after.storage, num_runs[l], part);
      cost += EvenPart(before.cost - after.cost, num_runs[l], part);
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
    into.saves_cost += cost;
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
                         .hidden_bytes = SumOfSizes(fleet, run) - blob.size,
                         .num_images = static_cast<std::int64_t>(holders.size()),
                         .users_below = offset == 0 ? 0 : users(chain[offset - 1]),
                         .users_of_first = users(chain[offset]),
                         .users_of_last = users(chain[end - 1]),
                         .users_above = end == chain.size() ? 0 : users(chain[end])});
    merger.Tell(run, into.runs.back());
  }

  const std::vector<Bytes> saved =
      RoundToSum(transfer, plan.current.transfer_bytes - plan.planned.transfer_bytes);
  for (std::size_t m = 0; m < made.size(); ++m) {
    Recommendation& r = made[m];
    r.saves_transfer_bytes = saved[m];
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
