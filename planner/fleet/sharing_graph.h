// The sharing graph (design.md 1): images on one side, stored blobs on the other, an edge where an
// image holds a blob. A stored blob is a digest in one scope cell: what the registry keeps once.
#pragma once

#include <cstdint>
#include <vector>

#include <boost/graph/compressed_sparse_row_graph.hpp>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"

namespace gneiss {

enum class BlobKind : std::uint8_t { kLayer, kConfig, kManifest };

struct StoredBlob {
  BlobKind kind = BlobKind::kLayer;
  GroupIndex cell = 0;
  std::uint32_t index = 0;  // kLayer: LayerIndex; else the first ImageIndex that has it
  Bytes size = 0;           // 0 for a foreign layer, which is not stored here, and where not known
};

// Vertices 0 .. num_images - 1 are the images, the rest the blobs. Edges go from image to blob,
// each once however often the manifest repeats a digest. Memory: 8 bytes an edge (both directions)
// and 24 a blob.
struct SharingGraph {
  using Graph = boost::compressed_sparse_row_graph<boost::bidirectionalS, boost::no_property,
                                                   boost::no_property, boost::no_property,
                                                   std::uint32_t, std::uint32_t>;
  Graph graph;
  std::uint32_t num_images = 0;
  bool layers_only = false;
  std::vector<StoredBlob> blobs;

  std::uint32_t vertex_of_blob(std::uint32_t blob) const { return num_images + blob; }
  const StoredBlob& blob_at(std::uint32_t vertex) const { return blobs[vertex - num_images]; }
  // Number of images that hold the blob (within its cell).
  std::uint32_t num_holders(std::uint32_t blob) const {
    return static_cast<std::uint32_t>(boost::in_degree(vertex_of_blob(blob), graph));
  }
  std::uint32_t num_edges() const { return static_cast<std::uint32_t>(boost::num_edges(graph)); }
};

// `layers_only` leaves out configs and manifests. Time and space O(references), times the cells of
// an image.
[[nodiscard]] SharingGraph BuildSharingGraph(const Fleet& fleet, const ImageGroups& cells,
                                             bool layers_only);

// Connected components: images that share no layer, directly or through others, can be planned
// apart.
struct Components {
  std::vector<std::uint32_t> of_image;  // component of each image, numbered by first image
  std::uint32_t count = 0;
  std::uint32_t largest_images = 0;  // images in the largest
};
[[nodiscard]] Components FindComponents(const SharingGraph& sharing);

}  // namespace gneiss
