#include "io/report/fleet/tree_report.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace gneiss {
namespace {

class TreeFolder {
 public:
  TreeFolder(const Fleet& fleet, const TreeLimits& limits, TreeReport& report)
      : fleet_(fleet), limits_(limits), report_(report), trie_(report.trie) {}

  void Fold() {
    Weigh();
    Select();
    Emit();
  }

 private:
  // Of TreeReport::left_out.
  struct LeftOut {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  struct Pending {
    NodeIndex head = kNoNode;  // kNoNode: the branches in left_out
    LeftOut left_out;
    std::uint32_t level = 0;
    bool is_last = false;
  };

  NodeIndex num_nodes() const { return static_cast<NodeIndex>(trie_.size()); }

  // Heads of the branches below `v`, or all roots for kNoNode.
  template <typename F>
  void ForEachChild(NodeIndex v, const F& f) const {
    const NodeIndex end = v == kNoNode ? num_nodes() : trie_.subtree_end[v];
    for (NodeIndex c = v == kNoNode ? 0 : v + 1; c < end; c = trie_.subtree_end[c]) f(c);
  }

  // The last node of the run that starts at `v`.
  NodeIndex EndOfRun(NodeIndex v) const {
    while (limits_.fold && trie_.num_ends[v] == 0 && v + 1 < trie_.subtree_end[v] &&
           trie_.subtree_end[v + 1] == trie_.subtree_end[v] && IsWithinDepth(v + 1)) {
      ++v;
    }
    return v;
  }

  bool IsWithinDepth(NodeIndex v) const {
    return limits_.depth == 0 || trie_.depth[v] <= limits_.depth;
  }

  bool Heavier(NodeIndex a, NodeIndex b) const {
    if (report_.bytes_below[a] != report_.bytes_below[b]) {
      return report_.bytes_below[a] > report_.bytes_below[b];
    }
    const auto images = [&](NodeIndex v) { return trie_.end_image[v] - trie_.first_image[v]; };
    return images(a) != images(b) ? images(a) > images(b) : a < b;
  }

  void Weigh() {
    report_.bytes_below.resize(trie_.size());
    for (NodeIndex v = num_nodes(); v-- > 0;) {
      Bytes& below = report_.bytes_below[v];
      below = CheckedAdd(below, StoredSize(fleet_.layers[trie_.layer[v]]));
      Bytes& above =
          trie_.parent[v] == kNoNode ? report_.trie_bytes : report_.bytes_below[trie_.parent[v]];
      above = CheckedAdd(above, below);
    }
    for (const Layer& layer : fleet_.layers) {
      report_.stored_bytes = CheckedAdd(report_.stored_bytes, StoredSize(layer));
    }
  }

  // Marks the heads of listed branches: the heaviest whose ancestors are listed too.
  void Select() {
    is_listed_.assign(trie_.size(), false);
    const auto lighter = [this](NodeIndex a, NodeIndex b) { return Heavier(b, a); };
    std::priority_queue<NodeIndex, std::vector<NodeIndex>, decltype(lighter)> queue(lighter);
    const auto offer = [&](NodeIndex c) {
      if (IsWithinDepth(c) && report_.bytes_below[c] >= limits_.min_size) queue.push(c);
    };
    ForEachChild(kNoNode, offer);
    for (std::size_t listed = 0; !queue.empty() && (limits_.top == 0 || listed < limits_.top);
         ++listed) {
      const NodeIndex head = queue.top();
      queue.pop();
      is_listed_[head] = true;
      ForEachChild(EndOfRun(head), offer);
    }
  }

  // Rows in reading order. Chains may be as long as a manifest, so this keeps a stack of its own.
  void Emit() {
    std::vector<NodeIndex> listed;
    const LeftOut left_out = SortChildren(kNoNode, listed);
    Push(listed, left_out, 0);
    while (!stack_.empty()) {
      const Pending pending = stack_.back();
      stack_.pop_back();
      if (pending.head == kNoNode) {
        EmitLeftOut(pending);
      } else {
        EmitBranch(pending);
      }
    }
  }

  // Parts the heads below `v` into those listed, heaviest first, and those left out.
  LeftOut SortChildren(NodeIndex v, std::vector<NodeIndex>& listed) {
    listed.clear();
    const std::size_t first = report_.left_out.size();
    ForEachChild(v, [&](NodeIndex c) { (is_listed_[c] ? listed : report_.left_out).push_back(c); });
    std::ranges::sort(listed, [this](NodeIndex a, NodeIndex b) { return Heavier(a, b); });
    return {.first = first, .count = report_.left_out.size() - first};
  }

  void Push(const std::vector<NodeIndex>& listed, LeftOut left_out, std::uint32_t level) {
    bool is_last = true;
    if (left_out.count > 0) {
      stack_.push_back({.left_out = left_out, .level = level, .is_last = true});
      is_last = false;
    }
    for (auto head = listed.rbegin(); head != listed.rend(); ++head) {
      stack_.push_back({.head = *head, .left_out = {}, .level = level, .is_last = is_last});
      is_last = false;
    }
  }

  void EmitBranch(const Pending& pending) {
    const NodeIndex last = EndOfRun(pending.head);
    TreeRow row{.first = pending.head,
                .last = last,
                .level = pending.level,
                .is_last = pending.is_last,
                .layers = std::int64_t{last - pending.head} + 1,
                .images = std::int64_t{trie_.end_image[last]} - trie_.first_image[last],
                .branch = report_.bytes_below[pending.head]};
    for (NodeIndex v = pending.head; v <= last; ++v) {
      row.own += StoredSize(fleet_.layers[trie_.layer[v]]);
    }
    std::vector<NodeIndex> listed;
    const LeftOut left_out = SortChildren(last, listed);
    if (listed.empty()) {
      row.first_left_out = left_out.first;
      row.num_left_out = left_out.count;
    } else {
      Push(listed, left_out, pending.level + 1);
    }
    report_.rows.push_back(row);
  }

  void EmitLeftOut(const Pending& pending) {
    TreeRow row{.level = pending.level,
                .is_last = true,
                .first_left_out = pending.left_out.first,
                .num_left_out = pending.left_out.count};
    for (const NodeIndex head : report_.left_out_of(row)) {
      row.layers += trie_.subtree_end[head] - head;
      row.images += trie_.end_image[head] - trie_.first_image[head];
      row.branch += report_.bytes_below[head];
    }
    row.own = row.branch;
    report_.rows.push_back(row);
  }

  const Fleet& fleet_;
  const TreeLimits& limits_;
  TreeReport& report_;
  const LayerTrie& trie_;
  std::vector<bool> is_listed_;
  std::vector<Pending> stack_;
};

}  // namespace

TreeReport MakeTreeReport(const Fleet& fleet, const TreeLimits& limits) {
  TreeReport report;
  report.trie = BuildLayerTrie(fleet);
  TreeFolder(fleet, limits, report).Fold();
  return report;
}

}  // namespace gneiss
