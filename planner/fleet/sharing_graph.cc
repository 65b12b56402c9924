#include "planner/fleet/sharing_graph.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/graph/incremental_components.hpp>
#include <boost/pending/disjoint_sets.hpp>
#include <boost/property_map/property_map.hpp>

#include "planner/fleet/digest.h"

namespace gneiss {
namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;

// Numbers of the distinct config digests, per image; kNone without a config.
std::vector<std::uint32_t> NumberConfigs(const Fleet& fleet, std::uint32_t& num_configs) {
  std::vector<std::uint32_t> config_of_image(fleet.images.size(), kNone);
  std::vector<ImageIndex> first_image;
  DigestIndex index;
  const auto digest_at = [&](std::uint32_t i) -> const Digest& {
    return fleet.images[first_image[i]].config_digest;
  };
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    if (!image.has_config) continue;
    std::uint32_t config = index.Find(image.config_digest, digest_at);
    if (config == DigestIndex::kAbsent) {
      config = static_cast<std::uint32_t>(first_image.size());
      first_image.push_back(i);
      index.Insert(config, digest_at);
    }
    config_of_image[i] = config;
  }
  num_configs = static_cast<std::uint32_t>(first_image.size());
  return config_of_image;
}

}  // namespace

SharingGraph BuildSharingGraph(const Fleet& fleet, const ImageGroups& cells, bool layers_only) {
  SharingGraph sharing;
  sharing.num_images = static_cast<std::uint32_t>(fleet.images.size());
  sharing.layers_only = layers_only;

  // Images by cell, so that one table of "blob -> its number in this cell" serves all cells in
  // turn.
  std::vector<std::pair<GroupIndex, ImageIndex>> memberships;
  memberships.reserve(cells.groups.size());
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (const GroupIndex cell : cells.of(i)) memberships.emplace_back(cell, i);
  }
  std::ranges::sort(memberships);

  std::uint32_t num_configs = 0;
  std::vector<std::uint32_t> config_of_image;
  if (!layers_only) config_of_image = NumberConfigs(fleet, num_configs);
  // Per layer, then per config: the blob in the present cell, and the image that held it last.
  const std::size_t num_keys = fleet.layers.size() + num_configs;
  std::vector<std::uint32_t> blob_of_key(num_keys, kNone);
  std::vector<GroupIndex> cell_of_key(num_keys, kNone);

  std::vector<Edge> edges;
  edges.reserve(fleet.layer_references.size());
  const auto hold = [&](ImageIndex image, GroupIndex cell, std::size_t key, StoredBlob blob) {
    if (cell_of_key[key] != cell) {
      cell_of_key[key] = cell;
      blob_of_key[key] = static_cast<std::uint32_t>(sharing.blobs.size());
      blob.cell = cell;
      sharing.blobs.push_back(blob);
    }
    edges.emplace_back(image, sharing.num_images + blob_of_key[key]);
  };
  for (const auto& [cell, i] : memberships) {
    const Image& image = fleet.images[i];
    const std::size_t first_edge = edges.size();
    for (const LayerIndex l : fleet.chain(image)) {
      const Layer& layer = fleet.layers[l];
      hold(i, cell, l,
           {.kind = BlobKind::kLayer, .index = l, .size = layer.foreign ? 0 : layer.size});
    }
    if (!layers_only) {
      if (image.has_config) {
        hold(
            i, cell, fleet.layers.size() + config_of_image[i],
            {.kind = BlobKind::kConfig, .index = i, .size = std::max<Bytes>(0, image.config_size)});
      }
      if (image.has_manifest_digest) {
        edges.emplace_back(i,
                           sharing.num_images + static_cast<std::uint32_t>(sharing.blobs.size()));
        sharing.blobs.push_back({.kind = BlobKind::kManifest,
                                 .cell = cell,
                                 .index = i,
                                 .size = std::max<Bytes>(0, image.manifest_size)});
      }
    }
    // A manifest may repeat a digest; it is held once.
    const auto begin = edges.begin() + static_cast<std::ptrdiff_t>(first_edge);
    std::sort(begin, edges.end());
    edges.erase(std::unique(begin, edges.end()), edges.end());
  }
  const std::size_t num_vertices = sharing.num_images + sharing.blobs.size();
  sharing.graph = SharingGraph::Graph(boost::edges_are_unsorted_multi_pass, edges.begin(),
                                      edges.end(), static_cast<std::uint32_t>(num_vertices));
  return sharing;
}

Components FindComponents(const SharingGraph& sharing) {
  const std::size_t n = boost::num_vertices(sharing.graph);
  std::vector<std::uint32_t> rank(n, 0);
  std::vector<std::uint32_t> parent(n);
  const boost::identity_property_map index;
  const auto rank_map = boost::make_iterator_property_map(rank.begin(), index);
  const auto parent_map = boost::make_iterator_property_map(parent.begin(), index);
  boost::disjoint_sets<decltype(rank_map), decltype(parent_map)> sets(rank_map, parent_map);
  boost::initialize_incremental_components(sharing.graph, sets);
  boost::incremental_components(sharing.graph, sets);

  Components components;
  components.of_image.resize(sharing.num_images);
  std::vector<std::uint32_t> number(n, kNone);
  std::vector<std::uint32_t> num_images;
  for (std::uint32_t i = 0; i < sharing.num_images; ++i) {
    std::uint32_t& component = number[sets.find_set(i)];
    if (component == kNone) {
      component = components.count++;
      num_images.push_back(0);
    }
    components.of_image[i] = component;
    components.largest_images = std::max(components.largest_images, ++num_images[component]);
  }
  return components;
}

}  // namespace gneiss
