#include "io/apply/plan_match.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "io/json/json_value.h"
#include "planner/contents/merged_size.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"

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
      if (!IsToChange(i)) continue;
      for (const LayerIndex l : fleet_.chain(fleet_.images[i])) wanted[l] = 1;
      for (const PlanImageLayer& layer : LayersOf(i)) {
        if (layer.new_layer == kNone) continue;
        for (const PlanEntries& from : level_.layers[layer.new_layer].from) {
          wanted[LayerOf(from)] = 1;
        }
      }
    }
    std::vector<LayerIndex> layers;
    for (LayerIndex l = 0; l < wanted.size(); ++l) {
      if (wanted[l] != 0) layers.push_back(l);
    }
    return layers;
  }

  PlannedImages Match(const LayerContents& contents, const UnknownLayers& unknown) {
    contents_ = &contents;
    unknown_ = &unknown;
    kept_.assign(fleet_.layers.size(), kNone);
    of_plan_layer_.assign(level_.layers.size(), kNone);
    is_first_ = FindFirstLayers(fleet_);
    path_seen_.assign(contents.paths.size(), kNone);
    result_.of_image.resize(fleet_.images.size());
    result_.is_changed.assign(fleet_.images.size(), 0);
    result_.is_planned.assign(fleet_.images.size(), 1);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) AddImage(i);
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) ExpectEachPathOnce(i);
    ExpectWhatIsShown();
    LeaveOut(left_out_, result_);
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

  // Whether it gets a new layer, or none at all.
  bool IsToChange(ImageIndex i) const {
    return std::ranges::any_of(LayersOf(i),
                               [](const PlanImageLayer& layer) {
                                 return layer.new_layer != kNone || layer.from.size() > 1;
                               }) ||
           (planned_[i] != kNone && LayersOf(i).empty() && fleet_.images[i].num_layers > 0);
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
      result_.is_planned[i] = 0;
      for (const LayerIndex l : chain) Append(i, KeptBlob(l));
      return;
    }
    if (const std::string why = WhyNot(i, chain); !why.empty()) {
      left_out_.emplace(i, why);
      return;
    }
    std::size_t at = 0;
    for (const PlanImageLayer& layer : LayersOf(i)) {
      if (layer.new_layer != kNone) {
        Append(i, MadeBlob(layer.new_layer));
      } else if (layer.from.size() == 1) {
        Append(i, KeptBlob(chain[at]));
      } else {
        Append(i, JoinedBlob(chain.subspan(at, layer.from.size())));
      }
      at += layer.from.size();
    }
    if (result_.of_image[i].empty() && !chain.empty()) result_.is_changed[i] = 1;
  }

  // Why its new layers cannot be made; empty: they can, as far as the contents go.
  std::string WhyNot(ImageIndex i, std::span<const LayerIndex> chain) const {
    std::size_t at = 0;
    for (const PlanImageLayer& layer : LayersOf(i)) {
      std::string why;
      if (layer.new_layer != kNone) {
        why = WhyUnknown(chain);
        for (const PlanEntries& from : level_.layers[layer.new_layer].from) {
          const LayerIndex l = LayerOf(from);
          if (why.empty()) why = WhyUnknown({&l, 1});
        }
      } else if (layer.from.size() > 1) {
        const auto segment = chain.subspan(at, layer.from.size());
        why = WhyUnknown(segment);
        const auto foreign =
            std::ranges::find_if(segment, [&](LayerIndex l) { return fleet_.layers[l].foreign; });
        if (why.empty() && foreign != segment.end()) {
          why = WhyNotMade(*foreign, "expected a layer that is stored here, found a foreign one");
        }
      }
      if (!why.empty()) return why;
      at += layer.from.size();
    }
    return IsToChange(i) && LayersOf(i).empty() ? WhyUnknown(chain) : "";
  }

  std::string WhyUnknown(std::span<const LayerIndex> layers) const {
    for (const LayerIndex l : layers) {
      if (contents_->inventories[l]) continue;
      const auto known = unknown_->find(l);
      return WhyNotMade(l, known == unknown_->end() ? "its contents are not known" : known->second);
    }
    return "";
  }

  std::string WhyNotMade(LayerIndex l, std::string_view why) const {
    return fmt::format("layer {}, which the plan makes other layers of: {}",
                       fleet_.digest_text(fleet_.layers[l]), why);
  }

  void Append(ImageIndex i, std::uint32_t b) {
    result_.of_image[i].push_back(b);
    if (result_.blobs[b].is_new()) result_.is_changed[i] = 1;
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

  std::uint32_t JoinedBlob(std::span<const LayerIndex> segment) {
    std::vector<LayerIndex> key(segment.begin(), segment.end());
    const auto [found, is_new] = joined_.emplace(key, kNone);
    if (!is_new) return found->second;
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
        if (IsMarkerEntry(type)) {
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

  bool IsMade(ImageIndex i) const {
    return result_.is_changed[i] != 0 &&
           std::ranges::all_of(result_.of_image[i], [&](std::uint32_t b) {
             return result_.blobs[b].is_new() && result_.blobs[b].segment.empty();
           });
  }

  // The layers that an image gets list all that it shows, and nothing else. Directories that no
  // layer lists may be left out. Images of layers made of entries, by their chains: of two that
  // begin alike what they have in common is merged once.
  void ExpectWhatIsShown() {
    std::vector<ImageIndex> images;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (IsMade(i)) images.push_back(i);
    }
    const auto chain_of = [&](ImageIndex i) { return fleet_.chain(fleet_.images[i]); };
    std::ranges::stable_sort(images, [&](ImageIndex a, ImageIndex b) {
      return std::ranges::lexicographical_compare(chain_of(a), chain_of(b));
    });
    Overlay overlay(contents_->paths);
    std::vector<LayerIndex> pushed;
    std::vector<Hiding> hidden;
    for (const ImageIndex i : images) {
      const auto chain = chain_of(i);
      const auto common =
          static_cast<std::size_t>(std::ranges::mismatch(chain, pushed).in1 - chain.begin());
      for (; pushed.size() > common; pushed.pop_back()) overlay.Pop();
      for (const LayerIndex l : chain.subspan(common)) {
        overlay.Push({.layer = l,
                      .inventory = &*contents_->inventories[l],
                      .paths = &contents_->layer_paths[l]},
                     hidden);
        hidden.clear();
        pushed.push_back(l);
      }
      ExpectWhatIsShown(i, overlay);
    }
  }

  void ExpectWhatIsShown(ImageIndex i, const Overlay& overlay) {
    const PlanImage& image = level_.images[planned_[i]];
    const std::uint32_t mark = num_marks_++;
    for (const std::uint32_t b : result_.of_image[i]) {
      for (const EntryRef& ref : result_.blobs[b].entries) {
        if (!overlay.Exists(contents_->PathOf(ref))) {
          Fail(image.place,
               fmt::format("expected in layer {} only what {} shows, found {}, which it does not",
                           result_.blobs[b].id, image.name, TextOf(ref)));
        }
        path_seen_[contents_->PathOf(ref)] = mark;
      }
    }
    PathIndex absent = kNone;
    PathIndex link_to_nothing = kNone;
    overlay.ForEachSeen([&](PathIndex path, const EntryRef& entry) {
      if (entry == EntryRef{} || contents_->EntryOf(entry).implied) return;
      if (path_seen_[path] != mark) absent = std::min(absent, path);
      const std::uint32_t contents = overlay.ContentsAt(path);
      if (contents != kNone && overlay.HolderOf(contents) == EntryRef{}) {
        link_to_nothing = std::min(link_to_nothing, path);
      }
    });
    if (link_to_nothing != kNone) {
      left_out_.emplace(
          i, fmt::format("{}: expected a hard link to a file, found one to nothing, which new "
                         "layers cannot have",
                         Quote(contents_->paths.key(link_to_nothing))));
    } else if (absent != kNone) {
      Fail(image.place,
           fmt::format("expected layers of {} that list all that it shows, found {} in none of "
                       "them: the plan was changed, or is of other images; plan these sources anew",
                       image.name, Quote(contents_->paths.key(absent))));
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
  const UnknownLayers* unknown_ = nullptr;
  DigestIndex layers_;
  DigestIndex images_;
  std::vector<std::uint32_t> planned_;  // per image, into level_.images; kNone: not there
  PlannedImages result_;
  std::map<ImageIndex, std::string> left_out_;
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
                        const LayerContents& contents, const UnknownLayers& unknown) {
  return PlanMatcher(plan, level, fleet).Match(contents, unknown);
}

void LeaveOut(const std::map<ImageIndex, std::string>& images, PlannedImages& planned) {
  for (const auto& [image, why] : images) {
    planned.left_out.emplace(image, why);
    planned.of_image[image].clear();
    planned.is_changed[image] = 0;
  }
  for (PlannedBlob& blob : planned.blobs) {
    blob.image = kNone;
    blob.num_images = 0;
  }
  std::vector<ImageIndex> counted(planned.blobs.size(), kNone);  // the last that was, by blob
  for (ImageIndex i = 0; i < planned.of_image.size(); ++i) {
    for (const std::uint32_t b : planned.of_image[i]) {
      if (std::exchange(counted[b], i) == i) continue;
      PlannedBlob& blob = planned.blobs[b];
      ++blob.num_images;
      if (blob.image == kNone) blob.image = i;
    }
  }
}

}  // namespace gneiss
