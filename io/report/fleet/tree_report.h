// `gneiss tree`: the layer trie cut down to what fits a screen. Runs of layers that the same images
// hold are one row; branches that weigh little are counted, not listed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <vector>

#include "io/json/json_writer.h"
#include "io/text/table.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/layer_trie.h"

namespace gneiss {

struct TreeLimits {
  std::size_t top = 0;     // branches listed, heaviest first; 0 for all
  std::int64_t depth = 0;  // layers from the root, 0 for all
  Bytes min_size = 0;      // of a branch with all below it
  bool fold = true;        // runs of layers with one child each, where no image ends, are one row
};

// One line: a branch (`first` .. `last` of a run of layers), or the branches left out beside listed
// ones. A branch below which nothing is listed says itself what is left out below it.
struct TreeRow {
  NodeIndex first = kNoNode;  // kNoNode: left out
  NodeIndex last = kNoNode;
  std::uint32_t level = 0;  // 0 for a root
  bool is_last = false;     // of its siblings
  std::int64_t layers = 0;  // nodes of the row
  std::int64_t images = 0;  // at or below
  Bytes own = 0;            // bytes of its nodes
  Bytes branch = 0;         // own, and all below: the sum of own and the rows one level below,
                            // unless the row itself leaves out what is below
  std::size_t first_left_out = 0;  // into TreeReport::left_out
  std::size_t num_left_out = 0;    // branches
};

// Foreign layers weigh nothing: they are stored elsewhere.
struct TreeReport {
  LayerTrie trie;
  std::vector<Bytes> bytes_below;   // per node, its own layer included
  std::vector<TreeRow> rows;        // in reading order, siblings by `branch`, heaviest first
  std::vector<NodeIndex> left_out;  // heads of branches
  Bytes trie_bytes = 0;             // a blob counts wherever it stands
  Bytes stored_bytes = 0;           // a blob counts once

  std::span<const NodeIndex> left_out_of(const TreeRow& row) const {
    return {left_out.data() + row.first_left_out, row.num_left_out};
  }
};

// Throws InputError when a sum leaves int64. Time O(nodes log nodes).
[[nodiscard]] TreeReport MakeTreeReport(const Fleet& fleet, const TreeLimits& limits);

// Bytes of the node's layer in this registry.
[[nodiscard]] inline Bytes StoredSize(const Layer& layer) { return layer.foreign ? 0 : layer.size; }

// A TreeReport as text: figures on the left, the tree on the right.

// REQUIRES: `report` was made of `fleet`.
void PrintTree(const Fleet& fleet, const TreeReport& report, const ScreenStyle& style,
               std::ostream& out);

// The layer trie as JSON, schema "gneiss.tree/1": a flat list of nodes, parents before children.

// Lists every node within limits.depth whose branch weighs limits.min_size or more; limits.top and
// limits.fold are for screens. REQUIRES: `report` was made of `fleet`.
void WriteTreeJson(const Fleet& fleet, const TreeReport& report, const TreeLimits& limits,
                   std::ostream& out);

// The layer trie of a report: branches that a page draws as nested bars. Small branches beside
// larger ones are one node that counts them.

// The member "tree" of the object that `json` has open. A node's branch_bytes are its bytes and
// those of its children, which are branches or one node of others. REQUIRES: `report` is of
// `fleet`, made with limits.fold.
void WriteReportTree(const Fleet& fleet, const TreeReport& report, JsonWriter& json);

}  // namespace gneiss
