#include "planner/questions/deletion.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/range/iterator_range.hpp>

#include "planner/fleet/accounting.h"

namespace gneiss {
namespace {

// The cells that image `i` leaves, ascending.
std::vector<GroupIndex> CellsLeft(const Fleet& fleet, const ImageGroups& cells,
                                  const RefSelection& selection, ImageIndex i) {
  const auto all = cells.of(i);
  const auto refs = fleet.refs_of(fleet.images[i]);
  if (selection.images[i] != 0) return {all.begin(), all.end()};
  if (refs.empty()) return {};
  std::vector<GroupIndex> left(all.begin(), all.end());
  for (std::uint32_t r = 0; r < refs.size(); ++r) {
    if (!selection.has(fleet, i, r)) std::erase(left, GroupOfRef(cells, fleet.text(refs[r])));
  }
  return left;
}

class DeletionCounter {
 public:
  DeletionCounter(const Fleet& fleet, const SharingGraph& sharing)
      : fleet_(fleet), sharing_(sharing), num_leaving_(sharing.blobs.size(), 0) {}

  Deletion Count(const ImageGroups& cells, const RefSelection& selection) {
    for (const StoredBlob& blob : sharing_.blobs) {
      deletion_.stored = CheckedAdd(deletion_.stored, blob.size);
    }
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      std::vector<GroupIndex> left = CellsLeft(fleet_, cells, selection, i);
      CountRefs(selection, i);
      if (left.empty()) continue;
      const bool leaves_fleet = left.size() == cells.of(i).size();
      deletion_.num_leaving_fleet += leaves_fleet ? 1 : 0;
      deletion_.images.push_back({.image = i, .leaves_fleet = leaves_fleet});
      cells_left_.push_back(std::move(left));
      ForBlobs(cells_left_.size() - 1, [&](std::uint32_t blob) { ++num_leaving_[blob]; });
    }
    CountNames();
    SplitFreed();
    return std::move(deletion_);
  }

 private:
  void CountRefs(const RefSelection& selection, ImageIndex i) {
    const auto refs = fleet_.refs_of(fleet_.images[i]);
    PartlyDeletedImage partly{.image = i};
    for (std::uint32_t r = 0; r < refs.size(); ++r) {
      const bool goes = selection.has(fleet_, i, r);
      if (goes) names_.push_back(fleet_.text(refs[r]));
      ++(goes ? partly.num_refs_deleted : partly.num_refs_left);
    }
    if (partly.num_refs_deleted > 0 && partly.num_refs_left > 0) {
      deletion_.partly.push_back(partly);
    }
  }

  void CountNames() {
    std::ranges::sort(names_);
    deletion_.num_refs = std::unique(names_.begin(), names_.end()) - names_.begin();
  }

  // Blobs of the n-th leaving image in the cells that it leaves.
  template <typename Visit>
  void ForBlobs(std::size_t n, const Visit& visit) const {
    for (const auto edge :
         boost::make_iterator_range(boost::out_edges(deletion_.images[n].image, sharing_.graph))) {
      const std::uint32_t blob = boost::target(edge, sharing_.graph) - sharing_.num_images;
      if (std::ranges::binary_search(cells_left_[n], sharing_.blobs[blob].cell)) visit(blob);
    }
  }

  void SplitFreed() {
    const std::size_t n = deletion_.images.size();
    std::vector<Bytes> whole(n, 0);
    std::vector<double> fraction(n, 0);
    std::vector<std::uint8_t> is_counted(sharing_.blobs.size(), 0);
    for (std::size_t k = 0; k < n; ++k) {
      LeavingImage& image = deletion_.images[k];
      ForBlobs(k, [&](std::uint32_t blob) {
        const Bytes size = sharing_.blobs[blob].size;
        const auto holders = static_cast<Bytes>(sharing_.num_holders(blob));
        image.size = CheckedAdd(image.size, size);
        if (holders == 1) {
          image.exclusive += size;
        } else if (num_leaving_[blob] < sharing_.num_holders(blob)) {
          image.staying += size;
        } else {
          whole[k] += size / holders;
          fraction[k] += static_cast<double>(size % holders) / static_cast<double>(holders);
          if (is_counted[blob] == 0) deletion_.joint += size;
          is_counted[blob] = 1;
        }
      });
      deletion_.exclusive += image.exclusive;
    }
    const std::vector<Bytes> shares = RoundShares(deletion_.joint, std::move(whole), fraction);
    for (std::size_t k = 0; k < n; ++k) deletion_.images[k].joint_share = shares[k];
  }

  const Fleet& fleet_;
  const SharingGraph& sharing_;
  Deletion deletion_;
  std::vector<std::vector<GroupIndex>> cells_left_;  // per leaving image
  std::vector<std::uint32_t> num_leaving_;           // holders that leave, per blob
  std::vector<std::string_view> names_;
};

}  // namespace

Deletion CountDeletion(const Fleet& fleet, const ImageGroups& cells, const SharingGraph& sharing,
                       const RefSelection& selection) {
  return DeletionCounter(fleet, sharing).Count(cells, selection);
}

}  // namespace gneiss
