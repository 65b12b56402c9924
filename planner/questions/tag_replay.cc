#include "planner/questions/tag_replay.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "planner/fleet/bytes.h"
#include "planner/fleet/image_groups.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// A ref for one platform.
using Tag = std::pair<TextIndex, TextIndex>;

Tag TagOf(const TagEvent& event) { return {event.ref, event.platform}; }

// What each tag names.
class TagTable {
 public:
  // What the tag named before, kNone for nothing.
  ImageIndex Set(const Tag& tag, ImageIndex image) {
    if (image == kNone) {
      const auto found = images_.find(tag);
      if (found == images_.end()) return kNone;
      const ImageIndex before = found->second;
      images_.erase(found);
      return before;
    }
    const auto [found, is_new] = images_.try_emplace(tag, image);
    return is_new ? kNone : std::exchange(found->second, image);
  }

  ImageIndex Find(const Tag& tag) const {
    const auto found = images_.find(tag);
    return found == images_.end() ? kNone : found->second;
  }

  std::int64_t size() const { return std::ssize(images_); }
  const std::map<Tag, ImageIndex>& images() const { return images_; }

 private:
  std::map<Tag, ImageIndex> images_;
};

// The blobs of each image, each once.
class ImageBlobs {
 public:
  ImageBlobs(const Fleet& fleet, const Layout& layout)
      : table_(FindLayoutBlobs(fleet, WholeFleet(fleet), layout, {}, HolderLists::kDrop)) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      first_.push_back(blobs_.size());
      const std::size_t begin = layout.first[i];
      const std::size_t end = layout.first[i + 1];
      blobs_.insert(blobs_.end(), table_.of_segment.begin() + static_cast<std::ptrdiff_t>(begin),
                    table_.of_segment.begin() + static_cast<std::ptrdiff_t>(end));
      const auto own = blobs_.begin() + static_cast<std::ptrdiff_t>(first_.back());
      std::sort(own, blobs_.end());
      blobs_.erase(std::unique(own, blobs_.end()), blobs_.end());
    }
    first_.push_back(blobs_.size());
  }

  std::span<const std::uint32_t> of(ImageIndex i) const {
    return {blobs_.data() + first_[i], first_[i + 1] - first_[i]};
  }
  Bytes size(std::uint32_t blob) const { return table_.blobs[blob].size; }
  std::size_t num_blobs() const { return table_.blobs.size(); }

 private:
  static ImageGroups WholeFleet(const Fleet& fleet) { return ScopeCells(fleet, Scope::kGlobal); }

  BlobTable table_;
  std::vector<std::size_t> first_;
  std::vector<std::uint32_t> blobs_;
};

class Replay {
 public:
  Replay(const TagEvents& events, std::span<const ImageIndex> image_of, const Fleet& fleet,
         const Layout& layout, const ReplayOptions& options)
      : events_(events),
        image_of_(image_of),
        blobs_(fleet, layout),
        options_(options),
        names_of_image_(fleet.images.size()),
        images_of_blob_(blobs_.num_blobs()),
        tags_of_blob_(blobs_.num_blobs()),
        share_without_(blobs_.num_blobs(), 1.0),
        has_pulls_(std::ranges::any_of(events.events, [](const TagEvent& event) {
          return event.kind == TagEvent::Kind::kPull;
        })) {}

  std::vector<ReplayPeriod> Run() {
    std::vector<ReplayPeriod> periods;
    auto event = events_.events.begin();
    for (const std::int64_t end : options_.ends) {
      now_ = {.end = end};
      fetched_ = 0;
      for (; event != events_.events.end() && event->time < end; ++event) Take(*event);
      now_.tags = tags_.size();
      now_.images = num_images_;
      now_.layers = num_layers_;
      now_.logical = logical_;
      now_.stored = stored_;
      now_.fetched = RoundedBytes(fetched_);
      periods.push_back(now_);
    }
    assert(event == events_.events.end());
    return periods;
  }

 private:
  static Bytes RoundedBytes(double bytes) {
    // Beyond what sums of sizes may be, the rest is of no matter.
    return bytes < 9e18 ? std::llround(bytes) : CheckedAdd(9'000'000'000'000'000'000, 1);
  }

  void Take(const TagEvent& event) {
    switch (event.kind) {
      case TagEvent::Kind::kPull:
        now_.pulls = CheckedAdd(now_.pulls, event.pulls);
        Pull(tags_.Find(TagOf(event)), event.pulls);
        return;
      case TagEvent::Kind::kRemoval:
        ++now_.removals;
        Drop(tags_.Set(TagOf(event), kNone));
        return;
      case TagEvent::Kind::kMove:
        break;
    }
    ++now_.moves;
    const ImageIndex image = image_of_[event.manifest];
    const ImageIndex before = tags_.Set(TagOf(event), image);
    if (image == before) return;
    if (image != kNone) {
      if (!has_pulls_) FetchMoved(image, before);
      // Before the old one goes: what they share is not sent again.
      Name(image);
    }
    Drop(before);
  }

  void Name(ImageIndex image) {
    for (const std::uint32_t blob : blobs_.of(image)) ++tags_of_blob_[blob];
    if (names_of_image_[image]++ > 0) return;
    ++num_images_;
    for (const std::uint32_t blob : blobs_.of(image)) {
      logical_ = CheckedAdd(logical_, blobs_.size(blob));
      if (images_of_blob_[blob]++ > 0) continue;
      ++num_layers_;
      stored_ = CheckedAdd(stored_, blobs_.size(blob));
      now_.pushed = CheckedAdd(now_.pushed, blobs_.size(blob));
    }
  }

  void Drop(ImageIndex image) {
    if (image == kNone) return;
    for (const std::uint32_t blob : blobs_.of(image)) --tags_of_blob_[blob];
    if (--names_of_image_[image] > 0) return;
    --num_images_;
    for (const std::uint32_t blob : blobs_.of(image)) {
      logical_ -= blobs_.size(blob);
      if (--images_of_blob_[blob] > 0) continue;
      --num_layers_;
      stored_ -= blobs_.size(blob);
    }
  }

  // What the nodes that run the tag fetch. REQUIRES: the tag is set, `image` not yet named by it.
  void FetchMoved(ImageIndex image, ImageIndex before) {
    const double share =
        std::min(1.0, options_.images_per_node / static_cast<double>(tags_.size()));
    const std::span<const std::uint32_t> old =
        before == kNone ? std::span<const std::uint32_t>() : blobs_.of(before);
    for (const std::uint32_t blob : blobs_.of(image)) {
      if (std::ranges::binary_search(old, blob)) continue;
      fetched_ += options_.num_nodes * share * static_cast<double>(blobs_.size(blob)) *
                  std::pow(1 - share, static_cast<double>(tags_of_blob_[blob]));
    }
  }

  void Pull(ImageIndex image, std::int64_t pulls) {
    if (image == kNone) now_.lost_pulls += pulls;
    if (image == kNone || pulls == 0) return;
    const double left = std::pow(1 - 1 / options_.num_nodes, static_cast<double>(pulls));
    for (const std::uint32_t blob : blobs_.of(image)) {
      double& without = share_without_[blob];
      fetched_ +=
          options_.num_nodes * without * (1 - left) * static_cast<double>(blobs_.size(blob));
      without *= left;
    }
  }

  const TagEvents& events_;
  std::span<const ImageIndex> image_of_;
  const ImageBlobs blobs_;
  const ReplayOptions& options_;

  TagTable tags_;
  std::vector<std::int64_t> names_of_image_;  // tags that name it
  std::vector<std::int64_t> images_of_blob_;  // of those that are named
  std::vector<std::int64_t> tags_of_blob_;
  std::vector<double> share_without_;  // of the nodes, per blob
  const bool has_pulls_;
  std::int64_t num_images_ = 0;
  std::int64_t num_layers_ = 0;
  Bytes logical_ = 0;
  Bytes stored_ = 0;
  ReplayPeriod now_;
  double fetched_ = 0;
};

}  // namespace

std::vector<ImageIndex> ImagesOfManifests(const TagEvents& events, const Fleet& fleet,
                                          const SeededMap<std::int64_t, ImageIndex>& by_number) {
  std::map<Digest, ImageIndex> by_digest;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    if (fleet.images[i].has_manifest_digest) by_digest.emplace(fleet.images[i].identity, i);
  }
  std::vector<ImageIndex> images;
  for (const EventManifest& manifest : events.manifests) {
    ImageIndex image = kNone;
    if (manifest.digest) {
      const auto found = by_digest.find(*manifest.digest);
      if (found != by_digest.end()) image = found->second;
    } else if (const auto found = by_number.find(manifest.number); found != by_number.end()) {
      image = found->second;
    }
    images.push_back(image);
  }
  return images;
}

std::vector<ReplayPeriod> ReplayTags(const TagEvents& events, std::span<const ImageIndex> image_of,
                                     const Fleet& fleet, const Layout& layout,
                                     const ReplayOptions& options) {
  return Replay(events, image_of, fleet, layout, options).Run();
}

std::vector<ImageIndex> ImagesNamedAt(const TagEvents& events, std::span<const ImageIndex> image_of,
                                      std::int64_t time) {
  TagTable tags;
  for (const TagEvent& event : events.events) {
    if (event.time >= time) break;
    if (event.kind == TagEvent::Kind::kPull) continue;
    tags.Set(TagOf(event), event.kind == TagEvent::Kind::kMove ? image_of[event.manifest] : kNone);
  }
  std::set<ImageIndex> images;
  for (const auto& [tag, image] : tags.images()) images.insert(image);
  return {images.begin(), images.end()};
}

}  // namespace gneiss
