// The merge tree of a fleet: images joined two by two by what all of them have in common (design.md
// 5.2 b). A node stands for the images below it and for the atoms common to them; its layer, if it
// gets one, has those that no chosen node above it has. So no image gets what it did not have.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "solver/carving/atoms.h"
#include "solver/carving/index_set.h"

namespace gneiss {

// How many bytes each two images have in common: A diag(z) A^T, with A the image x atom matrix of
// signatures and z the atoms' bytes (design.md 5.2).

// Row by row, num_images x num_images, symmetric; the diagonal has the bytes of each image. Time
// O(sum over atoms of the square of their signature's size). REQUIRES: bytes of an image < 2^63.
[[nodiscard]] std::vector<std::int64_t> ImageOverlap(const AtomTable& atoms);

using TreeNode = std::uint32_t;
inline constexpr TreeNode kNoTreeNode = 0xffffffffU;

// Nodes 0 .. num_images - 1 are the images, the others have two children each; one root. With no
// image there is no node.
class MergeTree {
 public:
  // Joins the two groups of images with the most bytes in common, again and again; of equals the
  // ones with the smallest images. `overlap` as ImageOverlap(atoms) gives it. `atoms` must outlive
  // the tree. Time O(images^3 + images * sum of signature sizes), and mostly far below.
  MergeTree(const AtomTable& atoms, std::span<const std::int64_t> overlap);

  std::uint32_t num_images() const { return num_images_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(parent_.size()); }
  TreeNode root() const { return root_; }
  TreeNode parent(TreeNode v) const { return parent_[v]; }
  bool is_leaf(TreeNode v) const { return v < num_images_; }
  // REQUIRES: not a leaf.
  const std::array<TreeNode, 2>& children(TreeNode v) const { return children_[v]; }
  // Atoms that all images below have.
  const IndexSet& common(TreeNode v) const { return common_[v]; }
  std::int64_t common_bytes(TreeNode v) const { return common_bytes_[v]; }
  const std::vector<std::int64_t>& atom_bytes() const { return atoms_->bytes; }
  std::vector<std::uint32_t> images_below(TreeNode v) const;
  // Children before parents.
  std::vector<TreeNode> postorder() const;
  // Nodes on the longest way from the root down.
  std::uint32_t height() const;

  // Takes v out and joins it with w: they become the children of the node that was v's parent,
  // at w's place. REQUIRES: CanRegraft(v, w).
  void Regraft(TreeNode v, TreeNode w);
  // v has a parent, w is neither below v nor v, nor its parent or sibling.
  bool CanRegraft(TreeNode v, TreeNode w) const;
  TreeNode sibling(TreeNode v) const;

 private:
  TreeNode Join(TreeNode a, TreeNode b);
  void SetCommon(TreeNode v);
  void UpdateAbove(TreeNode v);
  void ReplaceChild(TreeNode parent, TreeNode old, TreeNode by);

  const AtomTable* atoms_;
  std::uint32_t num_images_ = 0;
  TreeNode root_ = kNoTreeNode;
  std::vector<TreeNode> parent_;
  std::vector<std::array<TreeNode, 2>> children_;
  std::vector<IndexSet> common_;
  std::vector<std::int64_t> common_bytes_;
};

}  // namespace gneiss
