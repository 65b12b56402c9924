#include <utility>

#include "io/json/json_writer.h"
#include "io/report/fleet/tree_report.h"

namespace gneiss {
namespace {

class NodeRows {
 public:
  NodeRows(const Fleet& fleet, const TreeReport& report)
      : fleet_(fleet), report_(report), trie_(report.trie), chain_ids_(ChainIds(fleet, trie_)) {}

  Json Row(NodeIndex v) const {
    const Layer& layer = fleet_.layers[trie_.layer[v]];
    Json row = {{"id", v},
                {"parent", trie_.parent[v] == kNoNode ? Json(nullptr) : Json(trie_.parent[v])},
                {"depth", trie_.depth[v]},
                {"digest", fleet_.digest_text(layer)},
                {"size", layer.size},
                {"bytes_below", report_.bytes_below[v]},
                {"images_below", trie_.end_image[v] - trie_.first_image[v]},
                {"images_ending", trie_.num_ends[v]},
                {"refs", Refs(v)}};
    if (layer.foreign) row["foreign"] = true;
    if (layer.diff_id != kNone) row["diff_id"] = FormatDigest(fleet_.diff_ids[layer.diff_id]);
    if (chain_ids_[v] != Digest()) row["chain_id"] = FormatDigest(chain_ids_[v]);
    if (layer.created_by != 0) row["created_by"] = fleet_.text(layer.created_by);
    return row;
  }

 private:
  // Of the images that end at `v`.
  Json Refs(NodeIndex v) const {
    Json refs = Json::array();
    for (const ImageIndex i : trie_.images_ending(v)) {
      for (const TextIndex ref : fleet_.refs_of(fleet_.images[i])) {
        refs.push_back(fleet_.text(ref));
      }
    }
    return refs;
  }

  const Fleet& fleet_;
  const TreeReport& report_;
  const LayerTrie& trie_;
  std::vector<Digest> chain_ids_;
};

}  // namespace

void WriteTreeJson(const Fleet& fleet, const TreeReport& report, const TreeLimits& limits,
                   std::ostream& out) {
  const LayerTrie& trie = report.trie;
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.tree/1");
  json.Field("images", fleet.images.size());
  json.Field("images_without_layers", trie.num_without_layers);
  json.Field("trie_nodes", trie.size());
  json.Field("trie_bytes", report.trie_bytes);
  json.Field("stored_bytes", report.stored_bytes);
  const NodeRows rows(fleet, report);
  json.Key("nodes");
  json.BeginArray();
  for (NodeIndex v = 0; v < trie.size(); ++v) {
    // What passes lies below what passes, so the parent of a listed node is listed.
    if (limits.depth != 0 && trie.depth[v] > limits.depth) continue;
    if (report.bytes_below[v] < limits.min_size) continue;
    json.Value(rows.Row(v));
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
