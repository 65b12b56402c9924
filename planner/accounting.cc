#include "planner/accounting.h"

#include <algorithm>
#include <boost/range/iterator_range.hpp>
#include <cmath>
#include <numeric>

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
  for (ImageIndex i = 0; i < num_images; ++i) {
    Account& account = accounting.images[i];
    for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing.graph))) {
      const std::uint32_t vertex = boost::target(edge, sharing.graph);
      const StoredBlob& blob = sharing.blob_at(vertex);
      const auto holders = static_cast<Bytes>(boost::in_degree(vertex, sharing.graph));
      account.size = CheckedAdd(account.size, blob.size);
      (holders == 1 ? account.exclusive : account.shared) += blob.size;
      whole[i] += blob.size / holders;
      fraction[i] += static_cast<double>(blob.size % holders) / static_cast<double>(holders);
    }
  }
  const std::vector<Bytes> shares = RoundShares(totals.physical_bytes, std::move(whole), fraction);
  for (ImageIndex i = 0; i < num_images; ++i) accounting.images[i].proportional = shares[i];
  return accounting;
}

std::vector<GroupAccount> AccountForGroups(const SharingGraph& sharing,
                                           const Accounting& accounting,
                                           const ImageGroups& groups) {
  std::vector<GroupAccount> result(groups.size());
  std::vector<std::vector<ImageIndex>> members(groups.size());
  std::vector<Bytes> whole(groups.size(), 0);
  std::vector<double> fraction(groups.size(), 0);
  for (ImageIndex i = 0; i < sharing.num_images; ++i) {
    const auto of = groups.of(i);
    const auto n = static_cast<Bytes>(of.size());
    const Bytes share = accounting.images[i].proportional;
    for (const GroupIndex g : of) {
      members[g].push_back(i);
      result[g].logical = CheckedAdd(result[g].logical, accounting.images[i].size);
      whole[g] = CheckedAdd(whole[g], share / n);
      fraction[g] += static_cast<double>(share % n) / static_cast<double>(n);
    }
  }
  const std::vector<Bytes> shares =
      RoundShares(accounting.totals.physical_bytes, std::move(whole), fraction);
  std::vector<std::uint32_t> held(sharing.blobs.size(), 0);
  std::vector<std::uint32_t> touched;
  for (GroupIndex g = 0; g < groups.size(); ++g) {
    GroupAccount& group = result[g];
    group.name = groups.names[g];
    group.num_images = static_cast<std::int64_t>(members[g].size());
    group.account.proportional = shares[g];
    for (const ImageIndex i : members[g]) {
      for (const auto edge : boost::make_iterator_range(boost::out_edges(i, sharing.graph))) {
        const std::uint32_t blob = boost::target(edge, sharing.graph) - sharing.num_images;
        if (held[blob]++ == 0) touched.push_back(blob);
      }
    }
    for (const std::uint32_t blob : touched) {
      const Bytes size = sharing.blobs[blob].size;
      const bool alone = held[blob] == sharing.num_holders(blob);
      group.account.size += size;
      (alone ? group.account.exclusive : group.account.shared) += size;
      held[blob] = 0;
    }
    touched.clear();
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
