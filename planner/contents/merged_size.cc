#include "planner/contents/merged_size.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace gneiss {
namespace {

// When an entry takes effect: layer by layer, markers first, then in the tar's order; from 1, so
// that 0 is before all.
using Moment = std::uint64_t;

Moment MomentOf(std::size_t position, bool is_marker, std::uint32_t in_tar) {
  return (std::uint64_t{position + 1} << 33) | (std::uint64_t{is_marker ? 0U : 1U} << 32) | in_tar;
}
std::uint64_t PositionOf(Moment moment) { return moment >> 33; }

}  // namespace

// Of each entry: what has happened after it at its path, above and below, and so whether it is seen
// in the end. No file system is built.
class MergedSizes::Recount {
 public:
  explicit Recount(const LayerContents& contents) : contents_(contents) {}

  // Bytes of what is seen, and with `keep_markers` of the markers that stay.
  Bytes Run(std::span<const LayerIndex> segment, bool keep_markers) {
    NumberPaths(segment);
    ReadEntries(segment, /*is_lowest=*/!keep_markers);
    LookAround();
    ResolveLinks();
    Bytes bytes = 0;
    for (Put& put : puts_) {
      put.is_seen = IsSeen(put);
      if (put.is_seen && put.owner != kNone) puts_[put.owner].is_needed = true;
      if (put.is_seen && put.owner == kNone) put.is_needed = true;
      if (put.is_seen && put.is_link) put.is_needed = true;
    }
    for (const Put& put : puts_) {
      if (put.is_needed) bytes = CheckedAdd(bytes, put.bytes);
    }
    if (!keep_markers) return bytes;
    for (const Marker& marker : markers_) {
      if (Stays(marker)) bytes = CheckedAdd(bytes, marker.bytes);
    }
    return bytes;
  }

 private:
  struct Put {
    std::uint32_t path = 0;      // as the paths of the segment are numbered
    std::uint32_t link = kNone;  // of a hard link to a file of a layer below
    bool is_directory = false;
    bool is_superseded = false;  // by another of its layer
    bool is_link = false;        // a hard link, which has a header of its own
    Moment moment = 0;
    Bytes bytes = 0;
    std::uint32_t owner = kNone;  // put that holds the contents
    bool is_seen = false;
    bool is_needed = false;
  };

  struct Marker {
    std::uint32_t path = 0;
    bool is_opaque = false;
    Moment moment = 0;
    Bytes bytes = 0;
  };

  // What has happened last at a path, and around it.
  struct PathPast {
    std::uint32_t parent = 0;
    Moment put = 0;
    Moment file = 0;     // put that is no directory
    Moment implied = 0;  // directory that a layer has without listing it
    Moment whiteout = 0;
    Moment opaque = 0;
    Moment put_below = 0;
    Moment cleared_above = 0;  // by something at a path above that hides all below itself
    bool is_target = false;    // of a hard link, and was a file
  };

  // Moments by path, sorted.
  class MomentLists {
   public:
    template <typename Items, typename Accept>
    MomentLists(std::size_t num_paths, const Items& items, const Accept& accept)
        : first_(num_paths + 1, 0) {
      for (const auto& item : items) first_[item.path + 1] += accept(item) ? 1 : 0;
      for (std::size_t p = 0; p < num_paths; ++p) first_[p + 1] += first_[p];
      std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
      index_.resize(first_.back());
      moments_.resize(first_.back());
      for (std::uint32_t i = 0; i < items.size(); ++i) {
        if (!accept(items[i])) continue;
        moments_[next[items[i].path]] = items[i].moment;
        index_[next[items[i].path]++] = i;
      }
    }

    // Index of the last item at `path` before `moment`; kNone when there is none.
    std::uint32_t LastBefore(std::uint32_t path, Moment moment) const {
      const auto begin = moments_.begin() + first_[path];
      const auto at = std::lower_bound(begin, moments_.begin() + first_[path + 1], moment);
      return at == begin ? kNone : index_[static_cast<std::size_t>(at - moments_.begin()) - 1];
    }
    bool HasBetween(std::uint32_t path, Moment after, Moment before) const {
      const auto begin = moments_.begin() + first_[path];
      const auto at = std::lower_bound(begin, moments_.begin() + first_[path + 1], before);
      return at != begin && *(at - 1) > after;
    }

   private:
    std::vector<std::uint32_t> first_;
    std::vector<std::uint32_t> index_;
    std::vector<Moment> moments_;
  };

  // Numbers the paths of the entries and of their links and all above them; 0 is the root, and what
  // is above has the smaller number.
  void NumberPaths(std::span<const LayerIndex> segment) {
    number_.resize(contents_.paths.size(), kNone);
    for (const PathIndex path : paths_) number_[path] = kNone;
    paths_.assign(1, kRootPath);
    number_[kRootPath] = 0;
    const auto add = [&](PathIndex path) {
      for (; path != kNone && number_[path] == kNone; path = contents_.paths.parent(path)) {
        number_[path] = 0;
        paths_.push_back(path);
      }
    };
    for (const LayerIndex l : segment) {
      for (const PathIndex path : contents_.layer_paths[l].path) add(path);
      for (const PathIndex path : contents_.layer_paths[l].link) add(path);
    }
    std::ranges::sort(paths_);
    past_.assign(paths_.size(), {});
    for (std::uint32_t p = 0; p < paths_.size(); ++p) number_[paths_[p]] = p;
    for (std::uint32_t p = 1; p < paths_.size(); ++p) {
      past_[p].parent = number_[contents_.paths.parent(paths_[p])];
    }
  }

  void ReadEntries(std::span<const LayerIndex> segment, bool is_lowest) {
    puts_.clear();
    markers_.clear();
    for (std::size_t position = 0; position < segment.size(); ++position) {
      ReadLayer(segment[position], position, is_lowest && position == 0);
    }
  }

  void ReadLayer(LayerIndex layer, std::size_t position, bool is_lowest) {
    const Inventory& inventory = *contents_.inventories[layer];
    const LayerPaths& paths = contents_.layer_paths[layer];
    put_of_.assign(inventory.entries.size(), kNone);
    for (const std::uint32_t e : paths.in_tar) {
      const Entry& entry = inventory.entries[e];
      const std::uint32_t path = number_[paths.path[e]];
      const bool is_marker = IsMarkerEntry(entry.type);
      const bool is_superseded = paths.superseded(is_lowest)[e] != kNone;
      const Moment moment = MomentOf(position, is_marker, entry.position);
      const Bytes bytes = contents_.NewBytes(layer, entry);
      PathPast& past = past_[path];
      if (is_marker) {
        const bool is_opaque = entry.type == EntryType::kOpaque;
        if (is_superseded) continue;
        markers_.push_back({path, is_opaque, moment, bytes});
        // At the root it hides nothing.
        if (path != 0) (is_opaque ? past.opaque : past.whiteout) = moment;
        continue;
      }
      put_of_[e] = static_cast<std::uint32_t>(puts_.size());
      Put put{.path = path,
              .is_directory = entry.type == EntryType::kDirectory,
              .is_superseded = is_superseded,
              .moment = moment,
              .bytes = bytes,
              .owner = put_of_[e]};
      if (entry.type == EntryType::kHardLink) {
        put.is_link = true;
        const std::uint32_t owner = paths.owner[e];
        put.owner = owner == kNone || owner == e ? kNone : puts_[put_of_[owner]].owner;
        if (owner == e) put.link = number_[paths.link[e]];
        // A link to such a link.
        if (owner != kNone && owner != e) put.link = puts_[put_of_[owner]].link;
      }
      puts_.push_back(put);
      if (is_superseded || (path == 0 && !put.is_directory)) continue;
      if (entry.implied) {
        past.implied = moment;
        continue;
      }
      past.put = moment;
      if (!put.is_directory) past.file = moment;
    }
  }

  void LookAround() {
    for (std::size_t p = 1; p < past_.size(); ++p) {
      const PathPast& above = past_[past_[p].parent];
      past_[p].cleared_above =
          std::max({above.cleared_above, above.file, above.whiteout, above.opaque});
    }
    for (std::size_t p = past_.size() - 1; p > 0; --p) {
      PathPast& above = past_[past_[p].parent];
      above.put_below =
          std::max({above.put_below, past_[p].put, past_[p].implied, past_[p].put_below});
    }
  }

  // REQUIRES: of names alone, contents apart.
  bool IsSeen(const Put& put) const {
    const PathPast& past = past_[put.path];
    if (put.path == 0) return !put.is_directory || put.moment == past.put;
    return !put.is_superseded && put.moment == past.put && put.moment > past.whiteout &&
           put.moment > past.cleared_above &&
           (put.is_directory || put.moment > std::max(past.put_below, past.implied));
  }

  bool Stays(const Marker& marker) const {
    const PathPast& past = past_[marker.path];
    Moment covered = std::max({past.cleared_above, past.whiteout, past.file});
    if (marker.is_opaque) covered = std::max(covered, past.opaque);
    return PositionOf(covered) <= PositionOf(marker.moment);
  }

  // Sets the owners: what stood at the path of a hard link's target when the link was made.
  void ResolveLinks() {
    bool has_links = false;
    for (const Put& put : puts_) {
      if (put.link == kNone) continue;
      has_links = true;
      PathPast& target = past_[put.link];
      target.is_target = target.file != 0;
    }
    if (!has_links) return;
    const auto lasts = [](const Put& put) { return !put.is_superseded; };
    const MomentLists puts(past_.size(), puts_, lasts);
    const MomentLists files(past_.size(), puts_, [&](const Put& put) {
      return !put.is_superseded && !put.is_directory;
    });
    const MomentLists markers(past_.size(), markers_,
                              [](const Marker& marker) { return marker.path != 0; });
    const MomentLists whiteouts(past_.size(), markers_,
                                [](const Marker& marker) { return !marker.is_opaque; });
    std::unordered_map<std::uint32_t, std::vector<Moment>> puts_below;  // of targets
    for (const Put& put : puts_) {
      for (std::uint32_t p = put.path; p != 0 && !put.is_superseded;) {
        p = past_[p].parent;
        if (past_[p].is_target) puts_below[p].push_back(put.moment);
      }
    }
    const auto was_seen = [&](const Put& put, Moment then) {
      if (whiteouts.HasBetween(put.path, put.moment, then)) return false;
      const auto below = puts_below.find(put.path);
      if (below != puts_below.end()) {
        const auto next = std::ranges::upper_bound(below->second, put.moment);
        if (next != below->second.end() && *next < then) return false;
      }
      for (std::uint32_t p = put.path; p != 0;) {
        p = past_[p].parent;
        if (files.HasBetween(p, put.moment, then) || markers.HasBetween(p, put.moment, then)) {
          return false;
        }
      }
      return true;
    };
    for (Put& put : puts_) {
      if (put.link == kNone) continue;
      // As layers below show it, without what the markers of the link's own layer hide.
      const Moment then = MomentOf(PositionOf(put.moment) - 1, /*is_marker=*/false, 0);
      const std::uint32_t target = puts.LastBefore(put.link, then);
      if (target == kNone || puts_[target].is_directory) continue;
      if (was_seen(puts_[target], then)) put.owner = puts_[target].owner;
    }
  }

  const LayerContents& contents_;
  std::vector<std::uint32_t> number_;  // of paths of the tree, kNone for others
  std::vector<PathIndex> paths_;
  std::vector<PathPast> past_;
  std::vector<Put> puts_;              // by layer, then position
  std::vector<Marker> markers_;        // by moment
  std::vector<std::uint32_t> put_of_;  // of the entries of the layer that is read
};

std::vector<std::uint8_t> FindFirstLayers(const Fleet& fleet) {
  std::vector<std::uint8_t> is_first(fleet.layers.size(), 1);
  for (const Image& image : fleet.images) {
    const auto chain = fleet.chain(image);
    for (std::size_t p = 1; p < chain.size(); ++p) is_first[chain[p]] = 0;
  }
  return is_first;
}

Bytes SumOfSizes(const Fleet& fleet, std::span<const LayerIndex> segment) {
  Bytes sum = 0;
  for (const LayerIndex l : segment) {
    if (!fleet.layers[l].foreign) sum = CheckedAdd(sum, fleet.layers[l].size);
  }
  return sum;
}

MergedSizes::MergedSizes(const Fleet& fleet, const LayerContents& contents)
    : fleet_(fleet),
      contents_(contents),
      is_first_(FindFirstLayers(fleet)),
      recount_(std::make_unique<Recount>(contents)) {}
MergedSizes::~MergedSizes() = default;

bool MergedSizes::AreKnown(std::span<const LayerIndex> segment) const {
  return std::ranges::all_of(segment, [&](LayerIndex l) {
    return contents_.inventories[l].has_value() && !fleet_.layers[l].foreign;
  });
}

Bytes MergedSizes::Of(std::span<const LayerIndex> segment) {
  if (segment.size() == 1 || !AreKnown(segment)) return SumOfSizes(fleet_, segment);
  Bytes overhead = contents_.inventories[segment.front()]->overhead_bytes;
  for (const LayerIndex l : segment) {
    overhead = std::min(overhead, contents_.inventories[l]->overhead_bytes);
  }
  const bool keep_markers = is_first_[segment.front()] == 0;
  return CheckedAdd(overhead, recount_->Run(segment, keep_markers));
}

}  // namespace gneiss
