#include <string>
#include <vector>

#include "io/report/fleet/instruction.h"
#include "io/report/fleet/tree_report.h"

namespace gneiss {
namespace {

constexpr std::size_t kTreeNodeColumns = 80;

class TreeNodeWriter {
 public:
  TreeNodeWriter(const Fleet& fleet, const TreeReport& report, JsonWriter& json)
      : fleet_(fleet), report_(report), json_(json) {}

  void Write() {
    json_.Key("tree");
    json_.BeginObject();
    json_.Field("trie_bytes", report_.trie_bytes);
    json_.Field("stored_bytes", report_.stored_bytes);
    json_.Key("nodes");
    json_.BeginArray();
    for (const TreeRow& row : report_.rows) WriteRow(row);
    json_.EndArray();
    json_.EndObject();
  }

 private:
  void WriteRow(const TreeRow& row) {
    above_.resize(row.level);
    if (row.first == kNoNode) {
      WriteOthers(row, row.own);
      return;
    }
    const LayerTrie& trie = report_.trie;
    const Layer& last = fleet_.layers[trie.layer[row.last]];
    Json node = Parent();
    const auto ending = trie.images_ending(row.last);
    if (!ending.empty()) node["name"] = fleet_.name(fleet_.images[ending.front()]);
    node["digest"] = fleet_.digest_text(last);
    if (last.created_by != 0) {
      node["created_by"] = PrettyInstruction(fleet_.text(last.created_by), kTreeNodeColumns);
    }
    node["layers"] = row.layers;
    node["images"] = row.images;
    node["images_ending"] = ending.size();
    node["bytes"] = row.own;
    node["branch_bytes"] = row.branch;
    json_.Value(node);
    above_.push_back(num_written_++);
    if (row.num_left_out > 0) WriteOthers(row, row.branch - row.own);
  }

  // The branches that `row` leaves out, below it or beside others.
  void WriteOthers(const TreeRow& row, Bytes bytes) {
    std::int64_t layers = 0;
    std::int64_t images = 0;
    for (const NodeIndex head : report_.left_out_of(row)) {
      layers += report_.trie.subtree_end[head] - head;
      images += report_.trie.end_image[head] - report_.trie.first_image[head];
    }
    Json node = Parent();
    node["others"] = row.num_left_out;
    node["layers"] = layers;
    node["images"] = images;
    node["bytes"] = bytes;
    node["branch_bytes"] = bytes;
    json_.Value(node);
    ++num_written_;
  }

  Json Parent() const {
    Json node = Json::object();
    if (!above_.empty()) node["parent"] = above_.back();
    return node;
  }

  const Fleet& fleet_;
  const TreeReport& report_;
  JsonWriter& json_;
  std::vector<std::int64_t> above_;  // places of the branches that lead to the row
  std::int64_t num_written_ = 0;
};

}  // namespace

void WriteReportTree(const Fleet& fleet, const TreeReport& report, JsonWriter& json) {
  TreeNodeWriter(fleet, report, json).Write();
}

}  // namespace gneiss
