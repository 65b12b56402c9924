#include "planner/bases/rebase_blobs.h"

#include <algorithm>
#include <map>

namespace gneiss {
namespace {

template <typename Value>
void SortUnique(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

}  // namespace

RebaseBlobs::RebaseBlobs(const Fleet& fleet, const CostModel& model, const Today& today,
                         const RebaseProblem& problem)
    : fleet_(fleet),
      model_(model),
      problem_(problem),
      rates_(fleet, model, today.cells),
      less_(problem.groups.size()) {
  for (const std::vector<LayerIndex>& lower : problem.lowers) {
    layers_.insert(layers_.end(), lower.begin(), lower.end());
  }
  SortUnique(layers_);
  std::vector<std::uint32_t> blob_of(fleet.layers.size(), kNone);
  for (std::uint32_t b = 0; b < size(); ++b) {
    const Layer& layer = fleet.layers[layers_[b]];
    blob_of[layers_[b]] = b;
    size_bytes_.push_back(layer.foreign ? 0 : layer.size);
  }
  for (const std::vector<LayerIndex>& lower : problem.lowers) {
    std::vector<std::uint32_t>& blobs = of_lower_.emplace_back();
    for (const LayerIndex l : lower) blobs.push_back(blob_of[l]);
    SortUnique(blobs);
  }

  std::vector<std::uint8_t> is_in_group(fleet.images.size());
  std::vector<std::vector<ImageIndex>> fixed(size());
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    const RebaseGroup& group = problem.groups[g];
    all_of_.push_back(SetOf(group.images));
    std::map<std::uint32_t, std::vector<ImageIndex>> holding;  // above the lower part
    for (const ImageIndex i : group.images) {
      is_in_group[i] = 1;
      for (const LayerIndex l : fleet.chain(fleet.images[i]).subspan(group.depth)) {
        if (blob_of[l] != kNone) holding[blob_of[l]].push_back(i);
      }
    }
    for (auto& [b, images] : holding) {
      SortUnique(images);
      fixed[b].insert(fixed[b].end(), images.begin(), images.end());
      std::vector<ImageIndex> others;
      std::ranges::set_difference(group.images, images, std::back_inserter(others));
      less_[g].emplace_back(b, SetOf(others));
    }
  }
  for (std::uint32_t b = 0; b < size(); ++b) {
    for (const ImageIndex i : today.holders_of(layers_[b])) {
      if (is_in_group[i] == 0) fixed[b].push_back(i);
    }
    fixed_.push_back(SetOf(fixed[b]));
  }
}

HolderSet RebaseBlobs::SetOf(std::span<const ImageIndex> images) const {
  HolderSet set{.num_images = static_cast<std::int64_t>(images.size())};
  for (const ImageIndex i : images) {
    set.pulls = CheckedAdd(set.pulls, fleet_.images[i].pulls);
    const auto elements = rates_.elements_of(i);
    set.elements.insert(set.elements.end(), elements.begin(), elements.end());
  }
  SortUnique(set.elements);
  return set;
}

const HolderSet& RebaseBlobs::added_by(std::uint32_t g, std::uint32_t b) const {
  const auto found =
      std::ranges::lower_bound(less_[g], b, {}, &std::pair<std::uint32_t, HolderSet>::first);
  return found != less_[g].end() && found->first == b ? found->second : all_of_[g];
}

Bytes RebaseBlobs::OverheadOf(std::uint32_t g, std::uint32_t lower) const {
  return CheckedMultiply(
      model_.options().layer_cost,
      CheckedMultiply(all_of_[g].pulls, static_cast<std::int64_t>(problem_.lowers[lower].size())));
}

}  // namespace gneiss
