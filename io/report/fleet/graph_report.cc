#include "io/report/fleet/graph_report.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <boost/graph/graphml.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/property_map/function_property_map.hpp>
#include <boost/range/iterator_range.hpp>

#include "io/json/json_writer.h"
#include "io/report/fleet/instruction.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kLabelColumns = 60;

// In DOT a backslash starts an escape in labels, and only a quote needs one elsewhere.
std::string QuoteForDot(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : Printable(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted += '"';
}

void WriteDot(const ReportGraph& graph, std::ostream& out) {
  const auto write_graph = [](std::ostream& o) { o << "rankdir=LR;\nnode [shape=ellipse];\n"; };
  const auto write_vertex = [&](std::ostream& o, std::uint32_t v) {
    const GraphVertex vertex = graph.vertex(v);
    o << "[kind=" << vertex.kind << ", label=" << QuoteForDot(vertex.label);
    const auto attribute = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) o << ", " << name << "=" << QuoteForDot(value);
    };
    attribute("digest", vertex.digest);
    attribute("diff_id", vertex.diff_id);
    attribute("chain_id", vertex.chain_id);
    o << ", size=" << vertex.size << ", images=" << vertex.images;
    if (vertex.kind == "image") o << ", shape=box";
    o << "]";
  };
  const auto write_edge = [](std::ostream&, const auto&) {};
  boost::write_graphviz(out, graph.graph(), write_vertex, write_edge, write_graph);
}

void WriteGraphMl(const ReportGraph& graph, std::ostream& out) {
  // Asked for one property after the other of one vertex after the other.
  struct Last {
    std::uint32_t v = kNone;
    GraphVertex vertex;
  } last;
  const auto vertex_at = [&graph, &last](std::uint32_t v) -> const GraphVertex& {
    if (last.v != v) last = {v, graph.vertex(v)};
    return last.vertex;
  };
  boost::dynamic_properties properties(boost::ignore_other_properties);
  const auto add = [&](const char* name, auto value_of) {
    properties.property(
        name, boost::make_function_property_map<std::uint32_t>(
                  [vertex_at, value_of](std::uint32_t v) { return value_of(vertex_at(v)); }));
  };
  // XML allows no control characters, not even as entities; Printable leaves none.
  add("kind", [](const GraphVertex& v) { return std::string(v.kind); });
  add("label", [](const GraphVertex& v) { return Printable(v.label); });
  add("digest", [](const GraphVertex& v) { return Printable(v.digest); });
  add("diff_id", [](const GraphVertex& v) { return v.diff_id; });
  add("chain_id", [](const GraphVertex& v) { return v.chain_id; });
  add("size", [](const GraphVertex& v) { return v.size; });
  add("images", [](const GraphVertex& v) { return v.images; });
  constexpr bool kVerticesInOrder = true;
  boost::write_graphml(out, graph.graph(), properties, kVerticesInOrder);
}

void WriteJson(const ReportGraph& graph, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.graph/1");
  json.Field("what", graph.kind() == GraphKind::kSharing ? "sharing" : "trie");
  json.Key("nodes");
  json.BeginArray();
  for (const std::uint32_t v : boost::make_iterator_range(boost::vertices(graph.graph()))) {
    const GraphVertex vertex = graph.vertex(v);
    Json row = {{"id", v}, {"kind", vertex.kind}, {"label", vertex.label}};
    if (!vertex.digest.empty()) row["digest"] = vertex.digest;
    if (!vertex.diff_id.empty()) row["diff_id"] = vertex.diff_id;
    if (!vertex.chain_id.empty()) row["chain_id"] = vertex.chain_id;
    row["size"] = vertex.size;
    row["images"] = vertex.images;
    json.Value(row);
  }
  json.EndArray();
  json.Key("edges");
  json.BeginArray();
  for (const auto& edge : boost::make_iterator_range(boost::edges(graph.graph()))) {
    json.Value({{"source", boost::source(edge, graph.graph())},
                {"target", boost::target(edge, graph.graph())}});
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace

ReportGraph::ReportGraph(const Fleet& fleet, GraphKind kind, std::int64_t min_shared)
    : fleet_(fleet), kind_(kind), trie_(BuildLayerTrie(fleet)), chain_ids_(ChainIds(fleet, trie_)) {
  std::vector<Edge> edges =
      kind == GraphKind::kSharing ? ConnectSharing(min_shared) : ConnectTrie(min_shared);
  num_images_left_out_ = std::ssize(fleet.images) - std::ssize(images_);
  std::ranges::sort(edges);
  edges.erase(std::ranges::unique(edges).begin(), edges.end());
  graph_ = Graph(boost::edges_are_sorted, edges.begin(), edges.end(),
                 static_cast<std::uint32_t>(images_.size() + blobs_.size()));
}

std::vector<ReportGraph::Edge> ReportGraph::ConnectSharing(std::int64_t min_shared) {
  num_holders_.assign(fleet_.layers.size(), 0);
  std::vector<ImageIndex> last_image(fleet_.layers.size(), kNone);
  for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
    for (const LayerIndex l : fleet_.chain(fleet_.images[i])) {
      if (last_image[l] != i) ++num_holders_[l];
      last_image[l] = i;
    }
  }
  const auto is_kept = [&](LayerIndex l) { return num_holders_[l] >= min_shared; };
  for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
    const auto chain = fleet_.chain(fleet_.images[i]);
    // With nothing to leave out, an image without layers stays.
    if (min_shared <= 1 || std::ranges::any_of(chain, is_kept)) images_.push_back(i);
  }
  std::vector<std::uint32_t> vertex_of_layer(fleet_.layers.size(), kNone);
  for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
    if (!is_kept(l)) continue;
    vertex_of_layer[l] = static_cast<std::uint32_t>(images_.size() + blobs_.size());
    blobs_.push_back(l);
  }
  std::vector<Edge> edges;
  for (std::uint32_t v = 0; v < images_.size(); ++v) {
    for (const LayerIndex l : fleet_.chain(fleet_.images[images_[v]])) {
      if (vertex_of_layer[l] != kNone) edges.emplace_back(v, vertex_of_layer[l]);
    }
  }
  return edges;
}

std::vector<ReportGraph::Edge> ReportGraph::ConnectTrie(std::int64_t min_shared) {
  const auto is_kept = [&](NodeIndex v) {
    return std::int64_t{trie_.end_image[v]} - trie_.first_image[v] >= min_shared;
  };
  for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
    const NodeIndex end = trie_.node_of_image[i];
    if (end == kNoNode ? min_shared <= 1 : is_kept(end)) images_.push_back(i);
  }
  std::vector<std::uint32_t> vertex_of_node(trie_.size(), kNone);
  std::vector<Edge> edges;
  for (NodeIndex v = 0; v < trie_.size(); ++v) {
    if (!is_kept(v)) continue;
    vertex_of_node[v] = static_cast<std::uint32_t>(images_.size() + blobs_.size());
    blobs_.push_back(v);
    // A parent has the images of its children, so it is kept with them.
    if (trie_.parent[v] != kNoNode) {
      edges.emplace_back(vertex_of_node[trie_.parent[v]], vertex_of_node[v]);
    }
  }
  for (std::uint32_t v = 0; v < images_.size(); ++v) {
    const NodeIndex end = trie_.node_of_image[images_[v]];
    if (end != kNoNode) edges.emplace_back(vertex_of_node[end], v);
  }
  return edges;
}

GraphVertex ReportGraph::vertex(std::uint32_t v) const {
  if (v < images_.size()) return ImageVertex(images_[v]);
  const std::uint32_t index = blobs_[v - images_.size()];
  if (kind_ == GraphKind::kSharing) {
    GraphVertex vertex = LayerVertex(index);
    vertex.kind = "layer";
    vertex.images = num_holders_[index];
    return vertex;
  }
  GraphVertex vertex = LayerVertex(trie_.layer[index]);
  vertex.kind = "chain";
  vertex.images = std::int64_t{trie_.end_image[index]} - trie_.first_image[index];
  if (chain_ids_[index] != Digest()) vertex.chain_id = FormatDigest(chain_ids_[index]);
  return vertex;
}

GraphVertex ReportGraph::ImageVertex(ImageIndex i) const {
  const Image& image = fleet_.images[i];
  GraphVertex vertex;
  vertex.kind = "image";
  vertex.label = fleet_.name(image);
  if (image.platform != 0) vertex.label.append(" ").append(fleet_.text(image.platform));
  if (image.has_manifest_digest) vertex.digest = fleet_.digest_text(image.identity, false);
  const NodeIndex end = trie_.node_of_image[i];
  if (end != kNoNode && chain_ids_[end] != Digest()) {
    vertex.chain_id = FormatDigest(chain_ids_[end]);
  }
  const auto chain = fleet_.chain(image);
  std::vector<LayerIndex> layers(chain.begin(), chain.end());
  std::ranges::sort(layers);
  layers.erase(std::ranges::unique(layers).begin(), layers.end());
  for (const LayerIndex l : layers) vertex.size = CheckedAdd(vertex.size, fleet_.layers[l].size);
  return vertex;
}

GraphVertex ReportGraph::LayerVertex(LayerIndex l) const {
  const Layer& layer = fleet_.layers[l];
  GraphVertex vertex;
  vertex.digest = fleet_.digest_text(layer);
  vertex.size = layer.size;
  vertex.label = PrettyInstruction(fleet_.text(layer.created_by), kLabelColumns);
  if (vertex.label.empty()) vertex.label = ShortDigest(vertex.digest);
  if (layer.diff_id != kNone) vertex.diff_id = FormatDigest(fleet_.diff_ids[layer.diff_id]);
  return vertex;
}

void WriteGraph(const ReportGraph& graph, GraphFormat format, std::ostream& out) {
  switch (format) {
    case GraphFormat::kDot:
      return WriteDot(graph, out);
    case GraphFormat::kGraphMl:
      return WriteGraphMl(graph, out);
    case GraphFormat::kJson:
      return WriteJson(graph, out);
  }
}

}  // namespace gneiss
