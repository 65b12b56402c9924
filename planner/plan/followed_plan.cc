#include "planner/plan/followed_plan.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "planner/contents/kept_images.h"

namespace gneiss {
namespace {

using Lengths = std::vector<std::uint32_t>;

class PlanFollower {
 public:
  PlanFollower(const TagEvents& events, std::span<const ImageIndex> image_of, const Fleet& fleet,
               const PlannedSegments& planned)
      : events_(events),
        image_of_(image_of),
        fleet_(fleet),
        standalone_(FindStandaloneLayers(fleet, nullptr)),
        lengths_(planned) {
    for (const Lengths& lengths : planned) result_.num_planned += lengths.empty() ? 0 : 1;
    is_known_.assign(planned.size(), 0);
    for (ImageIndex i = 0; i < planned.size(); ++i) is_known_[i] = planned[i].empty() ? 0 : 1;
  }

  FollowedPlan Run() {
    std::map<std::pair<TextIndex, TextIndex>, ImageIndex> tags;
    for (const TagEvent& event : events_.events) {
      if (event.kind != TagEvent::Kind::kMove) continue;
      const ImageIndex image = image_of_[event.manifest];
      if (image == kNone) continue;
      const auto [tag, is_new] = tags.try_emplace({event.ref, event.platform}, image);
      Repository& repository = RepositoryOf(event);
      if (lengths_[image].empty()) {
        Follow(image, is_new ? LikeIn(repository, image) : tag->second);
      }
      tag->second = image;
      if (is_known_[image] != 0) {
        repository.last = image;
        repository.last_of_depth[fleet_.images[image].num_layers] = image;
      }
    }
    Lay();
    return std::move(result_);
  }

 private:
  struct Repository {
    ImageIndex last = kNone;
    std::map<std::uint32_t, ImageIndex> last_of_depth;  // by number of layers
  };

  Repository& RepositoryOf(const TagEvent& event) {
    return repositories_[{std::string(SplitRef(events_.texts[event.ref]).repository),
                          event.platform}];
  }

  ImageIndex LikeIn(const Repository& repository, ImageIndex image) const {
    const auto found = repository.last_of_depth.find(fleet_.images[image].num_layers);
    return found == repository.last_of_depth.end() ? repository.last : found->second;
  }

  void Follow(ImageIndex image, ImageIndex model) {
    // What has nothing to follow is tried again with its next tag.
    if (model == kNone || is_known_[model] == 0) return;
    is_known_[image] = 1;
    ++result_.num_followed;
    const std::span<const LayerIndex> chain = fleet_.chain(fleet_.images[image]);
    const auto size = static_cast<std::uint32_t>(chain.size());
    Lengths& lengths = lengths_[image];
    std::uint32_t begin = 0;
    std::uint32_t model_end = 0;
    const Lengths model_lengths = lengths_[model];
    for (std::size_t k = 0; k < model_lengths.size() && begin < size; ++k) {
      model_end += model_lengths[k];
      const std::uint32_t end = k + 1 == model_lengths.size() ? size : std::min(model_end, size);
      AddSegment(chain, begin, end, fleet_.images[image].is_windows, lengths);
      begin = end;
    }
  }

  // Layers [begin, end), or parts of it around layers that stay alone.
  void AddSegment(std::span<const LayerIndex> chain, std::uint32_t begin, std::uint32_t end,
                  bool keeps_layers, Lengths& lengths) const {
    std::uint32_t open = begin;
    for (std::uint32_t k = begin; k < end; ++k) {
      if (!keeps_layers && standalone_[chain[k]] == 0) continue;
      if (k > open) lengths.push_back(k - open);
      lengths.push_back(1);
      open = k + 1;
    }
    if (end > open) lengths.push_back(end - open);
  }

  void Lay() {
    Layout& layout = result_.layout;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      layout.first.push_back(layout.lengths.size());
      if (is_known_[i] == 0) {
        ++result_.num_unchanged;
        layout.lengths.insert(layout.lengths.end(), fleet_.images[i].num_layers, 1);
      } else {
        layout.lengths.insert(layout.lengths.end(), lengths_[i].begin(), lengths_[i].end());
      }
    }
    layout.first.push_back(layout.lengths.size());
  }

  const TagEvents& events_;
  std::span<const ImageIndex> image_of_;
  const Fleet& fleet_;
  std::vector<std::uint8_t> standalone_;  // per layer
  PlannedSegments lengths_;
  std::vector<std::uint8_t> is_known_;  // planned, or following
  std::map<std::pair<std::string, TextIndex>, Repository> repositories_;
  FollowedPlan result_;
};

}  // namespace

FollowedPlan FollowPlan(const TagEvents& events, std::span<const ImageIndex> image_of,
                        const Fleet& fleet, const PlannedSegments& planned) {
  return PlanFollower(events, image_of, fleet, planned).Run();
}

}  // namespace gneiss
