#include "solver/carving/merge_tree.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <Eigen/Sparse>

namespace gneiss {

std::vector<std::int64_t> ImageOverlap(const AtomTable& atoms) {
  using Matrix = Eigen::SparseMatrix<std::int64_t, Eigen::ColMajor, std::int64_t>;
  const auto num_images = static_cast<std::int64_t>(atoms.num_images);
  const auto num_atoms = static_cast<std::int64_t>(atoms.size());
  Matrix has(num_images, num_atoms);
  Matrix bytes(num_images, num_atoms);
  has.reserve(static_cast<std::int64_t>(atoms.images.size()));
  bytes.reserve(static_cast<std::int64_t>(atoms.images.size()));
  for (std::int64_t a = 0; a < num_atoms; ++a) {
    has.startVec(a);
    bytes.startVec(a);
    for (const std::uint32_t i : atoms.signature(static_cast<AtomIndex>(a))) {
      has.insertBack(i, a) = 1;
      bytes.insertBack(i, a) = atoms.bytes[static_cast<std::size_t>(a)];
    }
  }
  has.finalize();
  bytes.finalize();
  const Matrix product = bytes * has.transpose();
  std::vector<std::int64_t> overlap(std::size_t{atoms.num_images} * atoms.num_images, 0);
  for (std::int64_t column = 0; column < num_images; ++column) {
    for (Matrix::InnerIterator entry(product, column); entry; ++entry) {
      overlap[static_cast<std::size_t>(entry.row() * num_images + column)] = entry.value();
    }
  }
  return overlap;
}

namespace {

// Bytes that groups have in common, while they are joined. A group has the place of its first
// image.
class GroupOverlap {
 public:
  GroupOverlap(const AtomTable& atoms, std::span<const std::int64_t> overlap)
      : atoms_(atoms), overlap_(overlap.begin(), overlap.end()), nearest_(atoms.num_images, 0) {
    groups_having_.reserve(atoms.size());
    for (AtomIndex a = 0; a < atoms.size(); ++a) {
      groups_having_.emplace_back(atoms.num_images, atoms.signature(a));
    }
    places_.resize(atoms.num_images);
    std::iota(places_.begin(), places_.end(), 0U);
    for (const std::uint32_t g : places_) FindNearest(g);
  }

  // The two groups with the most bytes in common, the first one before the second.
  std::array<std::uint32_t, 2> Nearest() const {
    std::uint32_t best = places_[0];
    for (const std::uint32_t g : places_) {
      if (g != places_.back() && At(g, nearest_[g]) > At(best, nearest_[best])) best = g;
    }
    return {best, nearest_[best]};
  }

  // Joins h into g. REQUIRES: g < h.
  void Join(std::uint32_t g, std::uint32_t h) {
    std::erase(places_, h);
    std::vector<std::int64_t> row(atoms_.num_images, 0);
    for (AtomIndex a = 0; a < groups_having_.size(); ++a) {
      IndexSet& groups = groups_having_[a];
      const bool both = groups.Contains(g) && groups.Contains(h);
      groups.Erase(h);
      if (both) {
        groups.ForEach([&](std::uint32_t k) { row[k] += atoms_.bytes[a]; });
      } else {
        groups.Erase(g);
      }
    }
    for (const std::uint32_t k : places_) At(g, k) = At(k, g) = row[k];
    for (const std::uint32_t k : places_) {
      if (k > h) break;
      // Joining never adds to what a group has in common with others.
      if (k == g || nearest_[k] == g || nearest_[k] == h) FindNearest(k);
    }
  }

 private:
  std::int64_t& At(std::uint32_t g, std::uint32_t h) {
    return overlap_[std::size_t{g} * atoms_.num_images + h];
  }
  std::int64_t At(std::uint32_t g, std::uint32_t h) const {
    return overlap_[std::size_t{g} * atoms_.num_images + h];
  }

  // Among the groups after g.
  void FindNearest(std::uint32_t g) {
    const auto after = std::ranges::upper_bound(places_, g);
    if (after == places_.end()) return;
    nearest_[g] = *std::max_element(after, places_.end(), [&](std::uint32_t k, std::uint32_t l) {
      return At(g, k) < At(g, l);
    });
  }

  const AtomTable& atoms_;
  std::vector<std::int64_t> overlap_;
  std::vector<IndexSet> groups_having_;  // per atom
  std::vector<std::uint32_t> places_;    // of groups, ascending
  std::vector<std::uint32_t> nearest_;   // per place: the group after it with the most in common
};

}  // namespace

MergeTree::MergeTree(const AtomTable& atoms, std::span<const std::int64_t> overlap)
    : atoms_(&atoms), num_images_(atoms.num_images) {
  if (num_images_ == 0) return;
  common_.assign(num_images_, IndexSet(static_cast<std::uint32_t>(atoms.size())));
  common_bytes_.assign(num_images_, 0);
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    for (const std::uint32_t i : atoms.signature(a)) {
      common_[i].Insert(a);
      common_bytes_[i] += atoms.bytes[a];
    }
  }
  parent_.assign(num_images_, kNoTreeNode);
  children_.assign(num_images_, {kNoTreeNode, kNoTreeNode});
  std::vector<TreeNode> node_of(num_images_);
  std::iota(node_of.begin(), node_of.end(), 0U);
  GroupOverlap groups(atoms, overlap);
  for (std::uint32_t n = 1; n < num_images_; ++n) {
    const auto [g, h] = groups.Nearest();
    node_of[g] = Join(node_of[g], node_of[h]);
    groups.Join(g, h);
  }
  root_ = node_of[0];
}

TreeNode MergeTree::Join(TreeNode a, TreeNode b) {
  const auto v = static_cast<TreeNode>(parent_.size());
  parent_.push_back(kNoTreeNode);
  children_.push_back({a, b});
  common_.emplace_back();
  common_bytes_.push_back(0);
  parent_[a] = parent_[b] = v;
  SetCommon(v);
  return v;
}

void MergeTree::SetCommon(TreeNode v) {
  common_[v] = common_[children_[v][0]] & common_[children_[v][1]];
  common_bytes_[v] = 0;
  common_[v].ForEach([&](AtomIndex a) { common_bytes_[v] += atoms_->bytes[a]; });
}

std::vector<TreeNode> MergeTree::postorder() const {
  std::vector<TreeNode> order;
  if (root_ == kNoTreeNode) return order;
  order.reserve(size());
  std::vector<TreeNode> open = {root_};
  while (!open.empty()) {
    const TreeNode v = open.back();
    open.pop_back();
    order.push_back(v);
    if (!is_leaf(v)) open.insert(open.end(), children_[v].begin(), children_[v].end());
  }
  std::ranges::reverse(order);
  return order;
}

std::uint32_t MergeTree::height() const {
  std::vector<std::uint32_t> depth(size(), 1);
  std::uint32_t height = 0;
  const std::vector<TreeNode> order = postorder();
  for (auto v = order.rbegin(); v != order.rend(); ++v) {
    if (parent_[*v] != kNoTreeNode) depth[*v] = depth[parent_[*v]] + 1;
    height = std::max(height, depth[*v]);
  }
  return height;
}

std::vector<std::uint32_t> MergeTree::images_below(TreeNode top) const {
  std::vector<std::uint32_t> images;
  std::vector<TreeNode> open = {top};
  while (!open.empty()) {
    const TreeNode v = open.back();
    open.pop_back();
    if (is_leaf(v)) {
      images.push_back(v);
    } else {
      open.insert(open.end(), children_[v].begin(), children_[v].end());
    }
  }
  std::ranges::sort(images);
  return images;
}

TreeNode MergeTree::sibling(TreeNode v) const {
  const std::array<TreeNode, 2>& pair = children_[parent_[v]];
  return pair[0] == v ? pair[1] : pair[0];
}

bool MergeTree::CanRegraft(TreeNode v, TreeNode w) const {
  if (parent_[v] == kNoTreeNode || w == parent_[v] || w == sibling(v)) return false;
  for (TreeNode u = w; u != kNoTreeNode; u = parent_[u]) {
    if (u == v) return false;
  }
  return true;
}

void MergeTree::ReplaceChild(TreeNode parent, TreeNode old, TreeNode by) {
  parent_[by] = parent;
  if (parent == kNoTreeNode) {
    root_ = by;
  } else {
    std::array<TreeNode, 2>& pair = children_[parent];
    (pair[0] == old ? pair[0] : pair[1]) = by;
  }
}

void MergeTree::UpdateAbove(TreeNode v) {
  for (; v != kNoTreeNode; v = parent_[v]) SetCommon(v);
}

void MergeTree::Regraft(TreeNode v, TreeNode w) {
  const TreeNode joint = parent_[v];
  const TreeNode above = parent_[joint];
  ReplaceChild(above, joint, sibling(v));
  ReplaceChild(parent_[w], w, joint);
  children_[joint] = {w, v};
  parent_[w] = parent_[v] = joint;
  UpdateAbove(above);
  UpdateAbove(joint);
}

}  // namespace gneiss
