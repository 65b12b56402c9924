#include "planner/fleet/accounting.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <boost/range/iterator_range.hpp>

namespace gneiss {
namespace {

void CountLayers(const Fleet& fleet, bool layers_only, FleetTotals& totals) {
  totals.images = static_cast<std::int64_t>(fleet.images.size());
  totals.refs = static_cast<std::int64_t>(fleet.refs.size());
  totals.layers = static_cast<std::int64_t>(fleet.layers.size());
  totals.layer_references = static_cast<std::int64_t>(fleet.layer_references.size());
  totals.diff_ids = static_cast<std::int64_t>(fleet.diff_ids.size());
  std::vector<std::uint8_t> num_images(fleet.layers.size(), 0);  // 0, 1, or 2 for more
  std::vector<ImageIndex> last_image(fleet.layers.size(), kNone);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    totals.max_layers = std::max<std::int64_t>(totals.max_layers, image.num_layers);
    if (!layers_only) {
      // Sizes that are not known are negative.
      if (image.has_config && image.config_size > 0) {
        totals.logical_bytes = CheckedAdd(totals.logical_bytes, image.config_size);
      }
      if (image.has_manifest_digest && image.manifest_size > 0) {
        totals.logical_bytes = CheckedAdd(totals.logical_bytes, image.manifest_size);
      }
    }
    for (const LayerIndex l : fleet.chain(image)) {
      const Layer& layer = fleet.layers[l];
      const bool repeated = last_image[l] == i;
      last_image[l] = i;
      if (!repeated) num_images[l] = static_cast<std::uint8_t>(std::min(2, num_images[l] + 1));
      if (layer.foreign) continue;
      totals.logical_bytes = CheckedAdd(totals.logical_bytes, layer.size);
      if (repeated) totals.repeated_bytes = CheckedAdd(totals.repeated_bytes, layer.size);
    }
  }
  totals.single_image_layers = std::ranges::count(num_images, 1);
  if (totals.images > 0) {
    totals.mean_layers =
        static_cast<double>(totals.layer_references) / static_cast<double>(totals.images);
  }
  for (const Layer& layer : fleet.layers) {
    if (layer.foreign) totals.foreign_bytes = CheckedAdd(totals.foreign_bytes, layer.size);
  }
}

void CountTwins(const Fleet& fleet, FleetTotals& totals) {
  struct Twins {
    std::int64_t count = 0;
    Bytes sum = 0;
    Bytes smallest = 0;
  };
  std::vector<Twins> twins(fleet.diff_ids.size());
  for (const Layer& layer : fleet.layers) {
    if (layer.diff_id == kNone || layer.foreign) continue;
    Twins& t = twins[layer.diff_id];
    t.smallest = t.count == 0 ? layer.size : std::min(t.smallest, layer.size);
    t.sum = CheckedAdd(t.sum, layer.size);
    ++t.count;
  }
  for (const Twins& t : twins) {
    if (t.count < 2) continue;
    totals.twin_layers += t.count;
    totals.twin_bytes += t.sum - t.smallest;
  }
}

// Holds the product of two sizes.
__extension__ using Wide = __int128;

// Splits what images pay over their groups: by the bytes they hold in each cell, then evenly over
// the groups of the cell.
class ShareSplitter {
 public:
  ShareSplitter(const SharingGraph& sharing, const Placements& placements, std::size_t num_groups)
      : sharing_(sharing), placements_(placements), whole_(num_groups), fraction_(num_groups) {}

  void Split(ImageIndex i, Bytes share) {
    const auto places = placements_.of(i);
    if (places.size() == 1) {
      whole_[places[0].group] = CheckedAdd(whole_[places[0].group], share);
      return;
    }
    WeighCells(i);
    Bytes total = 0;
    for (const Bytes weight : weights_) total += weight;
    for (std::size_t first = 0, c = 0; first < places.size(); ++c) {
      const auto groups = placements_.of(i, places[first].cell);
      // An image of nothing but empty blobs pays nothing, so any split will do.
      const Wide product = total == 0 ? 0 : static_cast<Wide>(share) * weights_[c];
      const auto part = static_cast<Bytes>(total == 0 ? 0 : product / total);
      const double rest =
          total == 0 ? 0 : static_cast<double>(product % total) / static_cast<double>(total);
      const auto n = static_cast<Bytes>(groups.size());
      for (const Placement& place : groups) {
        whole_[place.group] = CheckedAdd(whole_[place.group], part / n);
        fraction_[place.group] += (static_cast<double>(part % n) + rest) / static_cast<double>(n);
      }
      first += groups.size();
    }
  }

  std::vector<Bytes> Round(Bytes total) { return RoundShares(total, std::move(whole_), fraction_); }

 private:
  // Bytes that image `i` pays for in each of its cells, in their order.
  void WeighCells(ImageIndex i) {
    weights_.clear();
    cells_.clear();
    for (const Placement& place : placements_.of(i)) {
      if (!cells_.empty() && cells_.back() == place.cell) continue;
      cells_.push_back(place.cell);
      weights_.push_back(0);
    }
    for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing_.graph))) {
      const std::uint32_t vertex = boost::target(edge, sharing_.graph);
      const StoredBlob& blob = sharing_.blob_at(vertex);
      const auto cell = std::ranges::lower_bound(cells_, blob.cell) - cells_.begin();
      weights_[static_cast<std::size_t>(cell)] +=
          blob.size / static_cast<Bytes>(boost::in_degree(vertex, sharing_.graph));
    }
  }

  const SharingGraph& sharing_;
  const Placements& placements_;
  std::vector<Bytes> whole_;
  std::vector<double> fraction_;
  std::vector<GroupIndex> cells_;  // of the image at hand
  std::vector<Bytes> weights_;
};

}  // namespace

std::vector<Bytes> RoundShares(Bytes total, std::vector<Bytes> whole,
                               const std::vector<double>& fraction) {
  std::vector<double> rest(whole.size());
  Bytes left = total;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const double floor = std::floor(fraction[i]);
    whole[i] += static_cast<Bytes>(floor);
    rest[i] = fraction[i] - floor;
    left -= whole[i];
  }
  std::vector<std::uint32_t> order(whole.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, std::greater{}, [&](std::uint32_t i) { return rest[i]; });
  // Rounding in the fractions can leave a byte too few as well as too many.
  for (std::size_t i = 0; left > 0 && !order.empty(); i = (i + 1) % order.size(), --left) {
    ++whole[order[i]];
  }
  for (std::size_t i = order.size(); left < 0 && i-- > 0;) {
    if (whole[order[i]] == 0) continue;
    --whole[order[i]];
    ++left;
  }
  return whole;
}

Accounting AccountFor(const Fleet& fleet, const SharingGraph& sharing) {
  Accounting accounting;
  FleetTotals& totals = accounting.totals;
  CountLayers(fleet, sharing.layers_only, totals);
  CountTwins(fleet, totals);
  const Components components = FindComponents(sharing);
  totals.components = components.count;
  totals.largest_component_images = components.largest_images;

  for (const StoredBlob& blob : sharing.blobs) {
    Bytes& kind = blob.kind == BlobKind::kLayer    ? totals.layer_bytes
                  : blob.kind == BlobKind::kConfig ? totals.config_bytes
                                                   : totals.manifest_bytes;
    kind = CheckedAdd(kind, blob.size);
    totals.physical_bytes = CheckedAdd(totals.physical_bytes, blob.size);
  }
  const std::uint32_t num_images = sharing.num_images;
  std::vector<Bytes> whole(num_images, 0);
  std::vector<double> fraction(num_images, 0);
  accounting.images.resize(num_images);
  accounting.logical.assign(num_images, 0);
  for (ImageIndex i = 0; i < num_images; ++i) {
    Account& account = accounting.images[i];
    GroupIndex first_cell = kNone;
    for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing.graph))) {
      const std::uint32_t vertex = boost::target(edge, sharing.graph);
      const StoredBlob& blob = sharing.blob_at(vertex);
      const auto holders = static_cast<Bytes>(boost::in_degree(vertex, sharing.graph));
      account.size = CheckedAdd(account.size, blob.size);
      (holders == 1 ? account.exclusive : account.shared) += blob.size;
      whole[i] += blob.size / holders;
      fraction[i] += static_cast<double>(blob.size % holders) / static_cast<double>(holders);
      // Every cell holds the same blobs of an image.
      if (first_cell == kNone) first_cell = blob.cell;
      if (blob.cell == first_cell) accounting.logical[i] += blob.size;
    }
  }
  const std::vector<Bytes> shares = RoundShares(totals.physical_bytes, std::move(whole), fraction);
  for (ImageIndex i = 0; i < num_images; ++i) accounting.images[i].proportional = shares[i];
  return accounting;
}

std::vector<GroupAccount> AccountForGroups(const SharingGraph& sharing,
                                           const Accounting& accounting, const ImageGroups& groups,
                                           const Placements& placements) {
  std::vector<GroupAccount> result(groups.size());
  std::vector<std::vector<ImageIndex>> members(groups.size());
  ShareSplitter splitter(sharing, placements, groups.size());
  for (ImageIndex i = 0; i < sharing.num_images; ++i) {
    for (const GroupIndex g : groups.of(i)) members[g].push_back(i);
    splitter.Split(i, accounting.images[i].proportional);
  }
  const std::vector<Bytes> shares = splitter.Round(accounting.totals.physical_bytes);
  std::vector<std::uint32_t> held_only_here(sharing.blobs.size(), 0);
  std::vector<std::uint8_t> is_held(sharing.blobs.size(), 0);
  std::vector<std::uint32_t> held;
  for (GroupIndex g = 0; g < groups.size(); ++g) {
    GroupAccount& group = result[g];
    group.name = groups.names[g];
    group.num_images = static_cast<std::int64_t>(members[g].size());
    group.account.proportional = shares[g];
    for (const ImageIndex i : members[g]) {
      group.logical = CheckedAdd(group.logical, accounting.logical[i]);
      for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing.graph))) {
        const std::uint32_t blob = boost::target(edge, sharing.graph) - sharing.num_images;
        const auto places = placements.of(i, sharing.blobs[blob].cell);
        if (!std::ranges::binary_search(places, g, {}, &Placement::group)) continue;
        if (is_held[blob] == 0) held.push_back(blob);
        is_held[blob] = 1;
        if (places.size() == 1) ++held_only_here[blob];
      }
    }
    for (const std::uint32_t blob : held) {
      const Bytes size = sharing.blobs[blob].size;
      const bool alone = held_only_here[blob] == sharing.num_holders(blob);
      group.account.size += size;
      (alone ? group.account.exclusive : group.account.shared) += size;
      is_held[blob] = 0;
      held_only_here[blob] = 0;
    }
    held.clear();
  }
  std::ranges::sort(result, [](const GroupAccount& a, const GroupAccount& b) {
    if (a.account.proportional != b.account.proportional) {
      return a.account.proportional > b.account.proportional;
    }
    return a.name < b.name;
  });
  return result;
}

Bytes FreedBy(const SharingGraph& sharing, const std::vector<ImageIndex>& images) {
  std::vector<std::uint32_t> held(sharing.blobs.size(), 0);
  Bytes freed = 0;
  for (const ImageIndex i : images) {
    for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing.graph))) {
      const std::uint32_t blob = boost::target(edge, sharing.graph) - sharing.num_images;
      if (++held[blob] == sharing.num_holders(blob)) freed += sharing.blobs[blob].size;
    }
  }
  return freed;
}

}  // namespace gneiss
