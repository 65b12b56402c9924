// `gneiss graph`: the sharing graph or the layer trie for other programs, as DOT, GraphML or JSON.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/graph/compressed_sparse_row_graph.hpp>

#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

enum class GraphKind { kSharing, kTrie };
enum class GraphFormat { kDot, kGraphMl, kJson };

// Properties of a vertex. Texts are raw, as the fleet has them; writers escape.
struct GraphVertex {
  std::string_view kind;    // "image", "layer" (a blob), or "chain" (a node of the trie)
  std::string label;        // name of the image, instruction or short digest of the layer
  std::string digest;       // of the manifest (empty without one) or of the layer
  std::string diff_id;      // of the layer; empty where not known
  std::string chain_id;     // of the image, or of the chain; empty where not known
  Bytes size = 0;           // of the layer; of an image its layers, each counted once
  std::int64_t images = 1;  // that hold the layer, or are at or below the chain
};

// What is drawn. Sharing: edges from an image to each of its layers. Trie: from a chain to the
// chains one layer longer, and to the images that end there; a first layer has no edge above it.
class ReportGraph {
 public:
  using Graph =
      boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                         boost::no_property, std::uint32_t, std::uint32_t>;

  // Keeps only layers (nodes) of at least `min_shared` images, and images with one of them left.
  // `fleet` must outlive the graph. Time and space O(references).
  ReportGraph(const Fleet& fleet, GraphKind kind, std::int64_t min_shared);

  const Graph& graph() const { return graph_; }
  GraphKind kind() const { return kind_; }
  // Made anew at each call, so that a large graph holds no strings. REQUIRES: v is a vertex.
  GraphVertex vertex(std::uint32_t v) const;
  std::int64_t num_images_left_out() const { return num_images_left_out_; }

 private:
  using Edge = std::pair<std::uint32_t, std::uint32_t>;

  std::vector<Edge> ConnectSharing(std::int64_t min_shared);
  std::vector<Edge> ConnectTrie(std::int64_t min_shared);
  GraphVertex ImageVertex(ImageIndex i) const;
  GraphVertex LayerVertex(LayerIndex l) const;

  const Fleet& fleet_;
  GraphKind kind_;
  LayerTrie trie_;
  std::vector<Digest> chain_ids_;
  // Vertices: images_, then the layers or nodes in blobs_.
  std::vector<ImageIndex> images_;
  std::vector<std::uint32_t> blobs_;
  std::vector<std::int64_t> num_holders_;  // per layer, sharing only
  std::int64_t num_images_left_out_ = 0;
  Graph graph_;
};

// Same graph, same bytes.
void WriteGraph(const ReportGraph& graph, GraphFormat format, std::ostream& out);

}  // namespace gneiss
