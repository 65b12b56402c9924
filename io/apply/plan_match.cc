#include "io/apply/plan_match.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "io/source/json_value.h"
#include "planner/digest_index.h"
#include "planner/input_error.h"
#include "planner/merged_size.h"

namespace gneiss {
namespace {

// Finds the plan's images and layers in the fleet.
class PlanMatcher {
 public:
  PlanMatcher(const PlanFile& plan, const PlanFileLevel& level, const Fleet& fleet)
      : plan_(plan), level_(level), fleet_(fleet) {
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      layers_.Insert(l, [&](std::uint32_t at) { return fleet.layers[at].digest; });
    }
    // Images without a manifest's digest may be equal by accident only, to nothing that is here.
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      images_.Insert(i, [&](std::uint32_t at) { return fleet.images[at].identity; });
    }
    planned_.assign(fleet.images.size(), kNone);
    for (std::uint32_t p = 0; p < level.images.size(); ++p) MatchImage(p);
  }

  std::vector<LayerIndex> LayersToRead() const {
    std::vector<std::uint8_t> wanted(fleet_.layers.size(), 0);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      const auto chain = fleet_.chain(fleet_.images[i]);
      std::size_t at = 0;
      for (const PlanImageLayer& layer : LayersOf(i)) {
        if (layer.new_layer != kNone) {
          for (const LayerIndex l : chain) wanted[l] = 1;
          for (const PlanEntries& from : level_.layers[layer.new_layer].from) {
            wanted[LayerOf(from)] = 1;
          }
          continue;
        }
        for (std::size_t k = 0; k < layer.from.size() && layer.from.size() > 1; ++k) {
          wanted[chain[at + k]] = 1;
        }
        at += layer.from.size();
      }
    }
    std::vector<LayerIndex> layers;
    for (LayerIndex l = 0; l < wanted.size(); ++l) {
      if (wanted[l] != 0) layers.push_back(l);
    }
    return layers;
  }

  PlannedImages Match(const LayerContents& contents) {
    contents_ = &contents;
    kept_.assign(fleet_.layers.size(), kNone);
    of_plan_layer_.assign(level_.layers.size(), kNone);
    is_first_ = FindFirstLayers(fleet_);
    path_seen_.assign(contents.paths.size(), kNone);
    result_.of_image.resize(fleet_.images.size());
    result_.is_changed.assign(fleet_.images.size(), 0);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) AddImage(i);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) ExpectEachPathOnce(i);
    AddBases();
    return std::move(result_);
  }

 private:
  [[noreturn]] void Fail(std::string place, std::string problem) const {
    throw InputError(plan_.path, std::move(place), std::move(problem));
  }

  std::span<const PlanImageLayer> LayersOf(ImageIndex i) const {
    if (planned_[i] == kNone) return {};
    return level_.images[planned_[i]].layers;
  }

  void MatchImage(std::uint32_t p) {
    const PlanImage& image = level_.images[p];
    const ImageIndex i = images_.Find(image.manifest_digest,
                                      [&](std::uint32_t at) { return fleet_.images[at].identity; });
    if (i == DigestIndex::kAbsent || !fleet_.images[i].has_manifest_digest) {
      Fail(
          image.place,
          fmt::format("expected image {} in the sources, found none with its manifest {}: the plan "
                      "is of another fleet; plan these sources anew",
                      image.name, fleet_.digest_text(image.manifest_digest, false)));
    }
    if (planned_[i] != kNone) Fail(image.place, "expected each image once, found it again");
    planned_[i] = p;
    ExpectChain(image, fleet_.chain(fleet_.images[i]));
  }

  // Its layers of today, where the plan names them.
  void ExpectChain(const PlanImage& image, std::span<const LayerIndex> chain) const {
    const auto num_made = std::ranges::count_if(
        image.layers, [](const PlanImageLayer& layer) { return layer.new_layer != kNone; });
    if (num_made > 0) {
      if (num_made != std::ssize(image.layers)) {
        Fail(image.place, "expected layers either all of today or all made of entries, found both");
      }
      return;
    }
    std::size_t at = 0;
    for (const PlanImageLayer& layer : image.layers) {
      for (const Digest& digest : layer.from) {
        if (at >= chain.size() || fleet_.layers[chain[at]].digest != digest) {
          Fail(image.place,
               fmt::format("expected layer {} of {} to be {}, found {} in the sources: the plan is "
                           "of another fleet; plan these sources anew",
                           at + 1, image.name, FormatDigest(digest),
                           at < chain.size() ? fleet_.digest_text(fleet_.layers[chain[at]])
                                             : "no such layer"));
        }
        ++at;
      }
    }
    // An image all of whose files are gone may get no layer at all.
    if (at == 0 && level_.name != "squash") return;
    if (at < chain.size()) {
      Fail(image.place, fmt::format("expected the {} layers that {} has in the sources, found {}: "
                                    "the plan is of another fleet; plan these sources anew",
                                    chain.size(), image.name, at));
    }
  }

  LayerIndex LayerOf(const PlanEntries& from) const {
    const LayerIndex l =
        layers_.Find(from.digest, [&](std::uint32_t at) { return fleet_.layers[at].digest; });
    if (l == DigestIndex::kAbsent) {
      Fail(from.place, fmt::format("expected a layer of the sources, found {}: the plan is of "
                                   "another fleet; plan these sources anew",
                                   from.digest_text));
    }
    return l;
  }

  void AddImage(ImageIndex i) {
    const auto chain = fleet_.chain(fleet_.images[i]);
    if (planned_[i] == kNone) {
      ++result_.num_not_planned;
      for (const LayerIndex l : chain) Append(i, KeptBlob(l));
      return;
    }
    std::size_t at = 0;
    for (const PlanImageLayer& layer : LayersOf(i)) {
      if (layer.new_layer != kNone) {
        Append(i, MadeBlob(layer.new_layer));
      } else if (layer.from.size() == 1) {
        Append(i, KeptBlob(chain[at]));
      } else {
        Append(i, JoinedBlob(i, chain.subspan(at, layer.from.size())));
      }
      at += layer.from.size();
    }
    if (result_.of_image[i].empty() && !chain.empty()) result_.is_changed[i] = 1;
  }

  void Append(ImageIndex i, std::uint32_t b) {
    PlannedBlob& blob = result_.blobs[b];
    std::vector<std::uint32_t>& of_image = result_.of_image[i];
    if (std::ranges::find(of_image, b) == of_image.end()) ++blob.num_images;
    of_image.push_back(b);
    if (blob.image == kNone) blob.image = i;
    if (blob.is_new()) result_.is_changed[i] = 1;
  }

  std::uint32_t Add(PlannedBlob blob) {
    result_.blobs.push_back(std::move(blob));
    return static_cast<std::uint32_t>(result_.blobs.size() - 1);
  }

  std::uint32_t KeptBlob(LayerIndex l) {
    if (kept_[l] == kNone) {
      PlannedBlob blob;
      blob.kept = l;
      blob.predicted = fleet_.layers[l].size;
      kept_[l] = Add(std::move(blob));
    }
    return kept_[l];
  }

  std::uint32_t JoinedBlob(ImageIndex i, std::span<const LayerIndex> segment) {
    std::vector<LayerIndex> key(segment.begin(), segment.end());
    const auto [found, is_new] = joined_.emplace(key, kNone);
    if (!is_new) return found->second;
    for (const LayerIndex l : segment) {
      if (contents_->inventories[l] && !fleet_.layers[l].foreign) continue;
      Fail(level_.images[planned_[i]].place,
           fmt::format("expected layers that can be joined, found {}, whose contents {}",
                       fleet_.digest_text(fleet_.layers[l]),
                       fleet_.layers[l].foreign ? "are stored elsewhere" : "are not known"));
    }
    if (!sizes_) sizes_.emplace(fleet_, *contents_);
    PlannedBlob blob;
    blob.is_first = is_first_[segment.front()] != 0;
    blob.predicted = sizes_->Of(segment);
    blob.segment = std::move(key);
    return found->second = Add(std::move(blob));
  }

  std::uint32_t MadeBlob(std::uint32_t plan_layer) {
    if (of_plan_layer_[plan_layer] != kNone) return of_plan_layer_[plan_layer];
    const PlanLayer& layer = level_.layers[plan_layer];
    PlannedBlob blob;
    blob.id = layer.id;
    blob.predicted = layer.size;
    for (const PlanEntries& from : layer.from) AddEntries(from, blob.entries);
    std::ranges::sort(blob.entries, [&](const EntryRef& a, const EntryRef& b) {
      return a.layer != b.layer ? a.layer < b.layer
                                : contents_->EntryOf(a).position < contents_->EntryOf(b).position;
    });
    ExpectEachPathOnce(layer, blob.entries);
    return of_plan_layer_[plan_layer] = Add(std::move(blob));
  }

  std::string TextOf(const EntryRef& ref) const {
    return Quote(contents_->InventoryOf(ref).path(contents_->EntryOf(ref)));
  }

  void AddEntries(const PlanEntries& from, std::vector<EntryRef>& entries) {
    const LayerIndex l = LayerOf(from);
    if (!contents_->inventories[l]) {
      Fail(from.place, fmt::format("expected a layer of known contents, found {}",
                                   fleet_.digest_text(fleet_.layers[l])));
    }
    const std::vector<std::uint32_t>& by_position = contents_->layer_paths[l].in_tar;
    for (const auto& [first, last] : from.ranges) {
      if (last >= by_position.size()) {
        Fail(from.place + ".entries",
             fmt::format("expected positions below {}, the entries of {}, found {}",
                         by_position.size(), fleet_.digest_text(fleet_.layers[l]), last));
      }
      for (std::uint32_t p = first; p <= last; ++p) {
        const EntryRef ref{.layer = l, .entry = by_position[p]};
        const EntryType type = contents_->EntryOf(ref).type;
        if (type == EntryType::kWhiteout || type == EntryType::kOpaque) {
          Fail(from.place + ".entries",
               fmt::format("expected entries that an image shows, found the {} of {} at {}",
                           EntryTypeName(type), TextOf(ref), p));
        }
        entries.push_back(ref);
      }
    }
  }

  // `mark` is of this check alone.
  bool WasSeen(const EntryRef& ref, std::uint32_t mark) {
    return std::exchange(path_seen_[contents_->PathOf(ref)], mark) == mark;
  }

  void ExpectEachPathOnce(const PlanLayer& layer, std::span<const EntryRef> entries) {
    const std::uint32_t mark = num_marks_++;
    for (const EntryRef& ref : entries) {
      if (!WasSeen(ref, mark)) continue;
      Fail(layer.from.front().place,
           fmt::format("expected each path once in layer {}, found {} again in {}", layer.id,
                       TextOf(ref), fleet_.digest_text(fleet_.layers[ref.layer])));
    }
  }

  // Directories may be listed in several layers of an image; nothing else.
  void ExpectEachPathOnce(ImageIndex i) {
    const std::uint32_t mark = num_marks_++;
    for (const std::uint32_t b : result_.of_image[i]) {
      const PlannedBlob& blob = result_.blobs[b];
      for (const EntryRef& ref : blob.entries) {
        if (contents_->EntryOf(ref).type == EntryType::kDirectory || !WasSeen(ref, mark)) continue;
        const PlanImage& image = level_.images[planned_[i]];
        Fail(image.place, fmt::format("expected each path in one layer of {}, found {} in layer {} "
                                      "again",
                                      image.name, TextOf(ref), blob.id));
      }
    }
  }

  void AddBases() {
    result_.base_of_image.assign(fleet_.images.size(), kNone);
    std::map<std::uint32_t, std::uint32_t> planned_of;  // by PlanBase::layer
    for (const PlanBase& base : level_.bases) {
      PlannedBase planned{.id = level_.layers[base.layer].id};
      if (base.on != kNone) {
        // Images on this one would be on that one.
        if (!planned_of.contains(base.on)) continue;
        planned.on = planned_of.at(base.on);
        planned.blobs = result_.bases[planned.on].blobs;
      }
      planned.blobs.push_back(of_plan_layer_[base.layer]);
      bool is_used = false;
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
        if (!StartsWith(result_.of_image[i], planned.blobs)) continue;
        is_used = true;
        // Of two that it starts with, the longer one comes later: it is on the other.
        result_.base_of_image[i] = static_cast<std::uint32_t>(result_.bases.size());
      }
      if (!is_used) continue;
      planned_of[base.layer] = static_cast<std::uint32_t>(result_.bases.size());
      result_.bases.push_back(std::move(planned));
    }
  }

  static bool StartsWith(std::span<const std::uint32_t> chain,
                         std::span<const std::uint32_t> base) {
    return base.size() <= chain.size() && std::ranges::equal(chain.first(base.size()), base);
  }

  const PlanFile& plan_;
  const PlanFileLevel& level_;
  const Fleet& fleet_;
  const LayerContents* contents_ = nullptr;
  DigestIndex layers_;
  DigestIndex images_;
  std::vector<std::uint32_t> planned_;  // per image, into level_.images; kNone: not there
  PlannedImages result_;
  std::vector<std::uint8_t> is_first_;
  std::optional<MergedSizes> sizes_;
  std::vector<std::uint32_t> kept_;           // per layer, its blob
  std::vector<std::uint32_t> of_plan_layer_;  // per layer of the level, its blob
  std::map<std::vector<LayerIndex>, std::uint32_t> joined_;
  std::vector<std::uint32_t> path_seen_;  // per path, the last check that met it
  std::uint32_t num_marks_ = 0;
};

}  // namespace

std::vector<LayerIndex> LayersToRead(const PlanFile& plan, const PlanFileLevel& level,
                                     const Fleet& fleet) {
  return PlanMatcher(plan, level, fleet).LayersToRead();
}

PlannedImages MatchPlan(const PlanFile& plan, const PlanFileLevel& level, const Fleet& fleet,
                        const LayerContents& contents) {
  return PlanMatcher(plan, level, fleet).Match(contents);
}

}  // namespace gneiss
