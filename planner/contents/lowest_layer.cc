#include "planner/contents/lowest_layer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "planner/contents/paths.h"

namespace gneiss {
namespace {

// One walk over the sorted entries, with the directories above the path at hand. Moments are
// positions and one, so that 0 is before all.
class MarkerWalk {
 public:
  MarkerWalk(const Inventory& inventory, const std::vector<std::uint32_t>& superseded_by)
      : inventory_(inventory), by_(superseded_by) {}

  std::vector<std::uint32_t> Run() {
    const std::vector<Entry>& entries = inventory_.entries;
    for (std::uint32_t begin = 0, end = 0; begin < entries.size(); begin = end) {
      const std::string_view path = inventory_.path(entries[begin]);
      end = begin + 1;
      while (end < entries.size() && inventory_.path(entries[end]) == path) ++end;
      Enter(path);
      Read(begin, end);
    }
    while (!way_.empty()) Leave();
    return changed_ ? std::move(by_) : std::vector<std::uint32_t>();
  }

 private:
  // A path that the one at hand is, or lies below.
  struct Step {
    std::string_view path;
    std::uint32_t implied = kNone;      // entry
    std::uint32_t whiteout = kNone;     // entry, the last
    std::vector<std::uint32_t> opaque;  // entries, in the tar's order
    std::uint32_t listed = kNone;       // moment from which on the layer lists the path
    std::uint32_t needed = 0;           // moment of the last entry that needs the directory
    bool has_markers = false;           // here or above
  };

  std::uint32_t MomentOf(std::uint32_t e) const { return inventory_.entries[e].position + 1; }

  void Enter(std::string_view path) {
    const auto is_above = [&](const Step& step) {
      return step.path.empty() || path == step.path || IsBelow(path, step.path);
    };
    while (!way_.empty() && !is_above(way_.back())) Leave();
    if (way_.empty()) way_.push_back({});
    while (way_.back().path.size() < path.size()) {
      const std::size_t from = way_.back().path.empty() ? 0 : way_.back().path.size() + 1;
      const bool has_markers = way_.back().has_markers;
      way_.push_back({.path = path.substr(0, path.find('/', from)), .has_markers = has_markers});
    }
  }

  // The entries of one path.
  void Read(std::uint32_t begin, std::uint32_t end) {
    Step& here = way_.back();
    for (std::uint32_t e = begin; e < end; ++e) {
      const Entry& entry = inventory_.entries[e];
      if (entry.implied) {
        here.implied = e;
      } else if (entry.type == EntryType::kWhiteout) {
        here.whiteout = e;
      } else if (entry.type == EntryType::kOpaque) {
        here.opaque.push_back(e);
        here.needed = MomentOf(e);
      } else {
        here.listed = std::min(here.listed, MomentOf(e));
      }
      const bool is_other = entry.implied || entry.type == EntryType::kOpaque;
      if (!is_other && way_.size() > 1) Need(way_[way_.size() - 2], MomentOf(e));
      here.has_markers = here.has_markers || IsMarkerEntry(entry.type);
    }
    if (!here.has_markers) return;
    for (std::uint32_t e = begin; e < end; ++e) {
      const Entry& entry = inventory_.entries[e];
      if (!entry.implied && !IsMarkerEntry(entry.type)) RemoveAfter(e, MomentOf(e));
    }
  }

  // What a directory was made for, and made again for after a marker.
  void Leave() {
    const Step& step = way_.back();
    if (step.implied != kNone && step.has_markers) RemoveAfter(step.implied, step.needed);
    if (way_.size() > 1) Need(way_[way_.size() - 2], step.needed);
    way_.pop_back();
  }

  static void Need(Step& directory, std::uint32_t moment) {
    directory.needed = std::max(directory.needed, moment);
  }

  // What the last step has in `e` is gone when a marker comes after the moment.
  void RemoveAfter(std::uint32_t e, std::uint32_t moment) {
    if (by_[e] != kNone) return;
    const bool is_implied = inventory_.entries[e].implied;
    std::uint32_t last = kNone;
    const auto consider = [&](std::uint32_t marker) {
      if (MomentOf(marker) <= moment) return;
      if (last == kNone || MomentOf(last) < MomentOf(marker)) last = marker;
    };
    // From when on all between a step and the path were listed: an opaque marker leaves them.
    std::uint32_t listed = 0;
    for (std::size_t i = way_.size(); i-- > 0;) {
      const Step& step = way_[i];
      if (!step.has_markers) break;
      if (step.whiteout != kNone) consider(step.whiteout);
      const auto after = std::ranges::lower_bound(
          step.opaque, listed, {}, [&](std::uint32_t marker) { return MomentOf(marker); });
      const bool is_below = i + 1 < way_.size();
      if (is_below && after != step.opaque.begin()) consider(*(after - 1));
      if (is_below || is_implied) listed = std::max(listed, step.listed);
    }
    if (last == kNone) return;
    by_[e] = last;
    changed_ = true;
  }

  const Inventory& inventory_;
  std::vector<std::uint32_t> by_;
  std::vector<Step> way_;
  bool changed_ = false;
};

}  // namespace

std::vector<std::uint32_t> FindSupersededIfLowest(const Inventory& inventory,
                                                  const std::vector<std::uint32_t>& superseded_by) {
  const bool has_markers = std::ranges::any_of(
      inventory.entries, [](const Entry& entry) { return IsMarkerEntry(entry.type); });
  if (!has_markers) return {};
  return MarkerWalk(inventory, superseded_by).Run();
}

}  // namespace gneiss
