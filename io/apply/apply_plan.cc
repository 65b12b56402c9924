#include "io/apply/apply_plan.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/apply/content_spool.h"
#include "io/apply/image_rewriter.h"
#include "io/apply/index_rewriter.h"
#include "io/apply/json_spans.h"
#include "io/apply/layout_writer.h"
#include "io/apply/plan_match.h"
#include "io/report/format.h"
#include "io/report/json_writer.h"
#include "io/scan/parallel_for.h"
#include "io/source/compressor.h"
#include "io/source/manifest.h"
#include "planner/input_error.h"
#include "planner/new_layer.h"

#ifndef GNEISS_VERSION
#define GNEISS_VERSION "0.1.0"
#endif

namespace gneiss {
namespace {

constexpr std::string_view kBaseRepository = "gneiss-base";

int LevelOf(const CompressionOptions& compression) {
  return compression.level.value_or(LevelsOf(compression.codec).standard);
}

// What a run writes, so that one that was ended is gone on with by an equal one only.
std::string MarkerText(const PlanFile& plan, const PlanFileLevel& level,
                       const CompressionOptions& compression) {
  return Json({{"schema", "gneiss.apply-marker/1"},
               {"gneiss", GNEISS_VERSION},
               {"plan", FormatDigest(plan.digest)},
               {"level", level.name},
               {"compression", LayerCodecName(compression.codec)},
               {"compression_level", LevelOf(compression)}})
      .dump();
}

// The sources are never touched.
void ExpectApart(const std::string& target, const LayerBlobs& blobs) {
  const std::filesystem::path to = std::filesystem::weakly_canonical(target);
  for (const std::string& directory : blobs.directories()) {
    const std::filesystem::path from = std::filesystem::weakly_canonical(directory);
    if (std::ranges::mismatch(from, to).in1 != from.end()) continue;
    throw InputError(target, "",
                     fmt::format("expected a directory outside of the source {}", directory));
  }
}

class PlanRun {
 public:
  PlanRun(const PlanFile& plan, const PlanFileLevel& level, const Fleet& fleet,
          const LayerBlobs& blobs, const LayerContents& contents, const ApplyOptions& options)
      : fleet_(fleet),
        blobs_(blobs),
        contents_(contents),
        options_(options),
        level_(level),
        planned_(MatchPlan(plan, level, fleet, contents)),
        indexes_(fleet, blobs),
        layers_(planned_.blobs.size()),
        written_(planned_.blobs.size()),
        writer_(options.target, MarkerText(plan, level, options.compression)) {
    report_.target = options.target;
    report_.level = level.name;
    report_.codec = LayerCodecName(options.compression.codec);
    report_.compression_level = LevelOf(options.compression);
    ExpectApart(options.target, blobs);
  }

  ApplyReport Run() {
    MakeNewLayers();
    FindCarried();
    ExpectSpace();
    writer_.Begin();
    Carry();
    WriteNewLayers();
    WriteImages();
    Count();
    return std::move(report_);
  }

 private:
  // What is new, entry by entry; what an ended run wrote of it.
  void MakeNewLayers() {
    for (std::uint32_t b = 0; b < planned_.blobs.size(); ++b) {
      const PlannedBlob& blob = planned_.blobs[b];
      if (!blob.is_new()) continue;
      layers_[b] =
          blob.segment.empty()
              ? TakeEntries(contents_, fleet_.chain(fleet_.images[blob.image]), blob.entries)
              : MergeLayers(contents_, blob.segment, blob.is_first);
      if ((written_[b] = writer_.FindNewLayer(KeyOf(blob)))) continue;
      to_write_.push_back(b);
      AppendContents(layers_[b], wanted_);
    }
    // Threads end together.
    std::ranges::stable_sort(to_write_, std::greater{},
                             [&](std::uint32_t b) { return planned_.blobs[b].predicted; });
  }

  // What a new layer is made of, as one digest.
  std::string KeyOf(const PlannedBlob& blob) const {
    std::string text = fmt::format("{} {}", blob.segment.empty() ? "take" : "join", blob.is_first);
    const auto add_layers = [&](std::span<const LayerIndex> layers) {
      for (const LayerIndex l : layers) text += " " + fleet_.digest_text(fleet_.layers[l]);
    };
    add_layers(blob.segment.empty() ? fleet_.chain(fleet_.images[blob.image]) : blob.segment);
    LayerIndex last = kNone;
    for (const EntryRef& ref : blob.entries) {
      if (ref.layer != last) add_layers({&ref.layer, 1});
      last = ref.layer;
      fmt::format_to(std::back_inserter(text), " {}", contents_.EntryOf(ref).position);
    }
    return FormatDigest(Sha256(text)).substr(7);
  }

  void FindCarried() {
    // Which manifests change is all that matters here.
    std::vector<std::string> new_manifests(fleet_.images.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] != 0) new_manifests[i] = "{}";
    }
    CarriedBlobs carried = indexes_.Rewrite(new_manifests, {}).carried;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] == 0) continue;
      for (const std::uint32_t b : planned_.of_image[i]) {
        const PlannedBlob& blob = planned_.blobs[b];
        if (blob.is_new()) continue;
        const Layer& layer = fleet_.layers[blob.kept];
        const std::string digest_text = fleet_.digest_text(layer);
        carried.try_emplace(digest_text, CarriedBlob{.digest_text = digest_text,
                                                     .size = layer.size,
                                                     .of = fleet_.name(fleet_.images[i]),
                                                     .is_optional = layer.foreign});
      }
    }
    for (auto& [digest_text, blob] : carried) carried_.push_back(std::move(blob));
    std::ranges::stable_sort(carried_, std::greater{}, &CarriedBlob::size);
  }

  void ExpectSpace() const {
    const Bytes contents = FindSpoolNeeds(contents_, wanted_).disk_bytes;
    Bytes layers = 0;
    for (const std::uint32_t b : to_write_) {
      layers = CheckedAdd(layers, planned_.blobs[b].predicted);
    }
    Bytes copies = 0;
    for (const CarriedBlob& blob : carried_) {
      if (writer_.HasFile(blob.digest_text, blob.size) || writer_.CanLink(blobs_, blob)) continue;
      copies = CheckedAdd(copies, std::max<Bytes>(blob.size, 0));
    }
    const Bytes needed = CheckedAdd(CheckedAdd(contents, layers), copies);
    const Bytes found = writer_.FreeBytes();
    if (needed <= found) return;
    const auto size = [](Bytes bytes) { return FormatBytes(bytes, ByteUnits::kSi); };
    throw InputError(
        options_.target, "",
        fmt::format(
            "expected {} of free space ({} bytes: {} for contents while layers are written, "
            "{} for new layers, {} for copies of blobs that stay), found {} ({} bytes)",
            size(needed), needed, size(contents), size(layers), size(copies), size(found), found));
  }

  void Show(std::string_view what, Bytes done, Bytes total) const {
    if (options_.on_progress) {
      options_.on_progress({.what = what, .done = done, .total = total});
    }
  }

  void Carry() {
    Bytes total = 0;
    for (const CarriedBlob& blob : carried_)
      total = CheckedAdd(total, std::max<Bytes>(blob.size, 0));
    std::atomic<Bytes> done = 0;
    std::atomic<std::int64_t> linked = 0;
    std::atomic<std::int64_t> copied = 0;
    ParallelFor(
        carried_.size(), options_.jobs,
        [&](const ParallelItem& item) {
          const std::optional<Carried> how =
              writer_.Carry(blobs_, carried_[item.index], [&](Bytes bytes) { done += bytes; });
          if (how == Carried::kLinked) ++linked;
          if (how == Carried::kCopied) ++copied;
        },
        [&] { Show("checking blobs that stay", done, total); });
    report_.linked_blobs = linked;
    report_.copied_blobs = copied;
  }

  void WriteNewLayers() {
    if (to_write_.empty()) return;
    ContentSpoolOptions spool_options;
    spool_options.jobs = options_.jobs;
    spool_options.on_progress = [&](const FleetScanProgress& at) {
      Show("reading contents", at.bytes_read, at.bytes_total);
    };
    const ContentSpool spool = ContentSpool::Fill(fleet_, blobs_, contents_, wanted_,
                                                  writer_.work_directory(), spool_options);
    Bytes total = 0;
    for (const std::uint32_t b : to_write_) total = CheckedAdd(total, planned_.blobs[b].predicted);
    std::atomic<Bytes> done = 0;
    ParallelFor(
        to_write_.size(), options_.jobs,
        [&](const ParallelItem& item) {
          const std::uint32_t b = to_write_[item.index];
          const std::string path = writer_.NewName();
          written_[b] = WriteLayer(layers_[b], contents_, spool, options_.compression, path);
          writer_.AddNewLayer(KeyOf(planned_.blobs[b]), path, *written_[b]);
          done += planned_.blobs[b].predicted;
        },
        [&] { Show("writing new layers", done, total); });
  }

  std::optional<Digest> DiffIdOf(const PlannedBlob& blob) const {
    const Layer& layer = fleet_.layers[blob.kept];
    if (contents_.inventories[blob.kept]) return contents_.inventories[blob.kept]->diff_id;
    if (layer.diff_id != kNone) return fleet_.diff_ids[layer.diff_id];
    return std::nullopt;
  }

  std::vector<ChainLayer> ChainOf(std::span<const std::uint32_t> blobs) const {
    std::vector<ChainLayer> chain;
    std::uint32_t position = 0;
    for (const std::uint32_t b : blobs) {
      const PlannedBlob& blob = planned_.blobs[b];
      ChainLayer layer{.first = position, .num_layers = 1, .is_new = blob.is_new()};
      if (!blob.is_new()) {
        layer.diff_id = DiffIdOf(blob);
      } else {
        layer.digest = written_[b]->digest;
        layer.diff_id = written_[b]->diff_id;
        layer.size = written_[b]->size;
        layer.num_layers = static_cast<std::uint32_t>(blob.segment.size());
        if (blob.segment.empty()) {
          layer.created_by = fmt::format("gneiss: layer {} of {}", blob.id, level_.name);
          layer.comment = fmt::format("gneiss: {} entries", layers_[b].entries.size());
        } else {
          layer.comment = fmt::format("gneiss: {} layers joined", blob.segment.size());
        }
      }
      position += layer.num_layers;
      chain.push_back(std::move(layer));
    }
    return chain;
  }

  void WriteImages() {
    WriteBases();
    std::vector<std::string> new_manifests(fleet_.images.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] == 0) continue;
      new_manifests[i] = RewriteImage(i);
      writer_.WriteBlob(new_manifests[i]);
      report_.after.layer_references += std::ssize(ParseManifest(new_manifests[i]).layers);
    }
    const RewrittenIndex index = indexes_.Rewrite(new_manifests, base_descriptors_);
    for (const std::string& text : index.new_indexes) writer_.WriteBlob(text);
    report_.left_out = index.num_left_out;
    for (const Descriptor& entry : ParseManifest(index.text, index.text.size()).manifests) {
      report_.first_ref = FindAnnotation(entry.annotations, "org.opencontainers.image.ref.name");
      if (!report_.first_ref.empty()) break;
    }
    writer_.Finish(index.text);
  }

  std::string RewriteImage(ImageIndex i) {
    const Image& image = fleet_.images[i];
    const std::string name = fleet_.name(image);
    try {
      const std::string& manifest = indexes_.manifest(i);
      const Manifest parsed = ParseManifest(manifest);
      const std::string config =
          ReadCarried(blobs_, parsed.config->digest_text, parsed.config->size, "its config");
      const std::vector<ChainLayer> chain = ChainOf(planned_.of_image[i]);
      const std::string new_config = RewriteConfig(config, chain, image.num_layers);
      const BaseReference* base = nullptr;
      if (planned_.base_of_image[i] != kNone) {
        base = &base_names_.at({planned_.base_of_image[i], image.platform});
      }
      std::string new_manifest =
          RewriteManifest(manifest, chain, options_.compression.codec, new_config, base);
      writer_.WriteBlob(new_config);
      return new_manifest;
    } catch (const InputError& error) {
      throw InputError(name, error.place(),
                       error.source().empty() ? error.problem() : error.what());
    }
  }

  // A base for each platform of the images that start with it.
  void WriteBases() {
    for (std::uint32_t base = 0; base < planned_.bases.size(); ++base) {
      const std::vector<std::uint32_t>& blobs = planned_.bases[base].blobs;
      const std::vector<ChainLayer> chain = ChainOf(blobs);
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
        const auto& of_image = planned_.of_image[i];
        const TextIndex platform = fleet_.images[i].platform;
        if (of_image.size() < blobs.size() || base_names_.contains({base, platform}) ||
            !std::equal(blobs.begin(), blobs.end(), of_image.begin())) {
          continue;
        }
        WriteBase(base, platform, chain);
      }
    }
    report_.new_bases = std::ssize(base_descriptors_);
  }

  void WriteBase(std::uint32_t base, TextIndex platform, std::span<const ChainLayer> chain) {
    const std::string config = MakeConfig(fleet_.text(platform), chain);
    const std::uint32_t on = planned_.bases[base].on;
    const BaseReference* const below = on == kNone ? nullptr : &base_names_.at({on, platform});
    const std::string manifest = MakeManifest(chain, options_.compression.codec, config, below);
    writer_.WriteBlob(config);
    writer_.WriteBlob(manifest);
    const BaseReference name{
        .name = fmt::format("{}:{}", kBaseRepository, planned_.bases[base].id),
        .digest_text = FormatDigest(Sha256(manifest)),
    };
    base_descriptors_.push_back(MakeDescriptor(manifest, fleet_.text(platform), name.name));
    base_names_.emplace(std::pair(base, platform), name);
  }

  void Count() {
    report_.images = std::ssize(fleet_.images);
    report_.rewritten_images = std::ranges::count(planned_.is_changed, 1);
    report_.images_not_planned = planned_.num_not_planned;
    report_.resumed_blobs = writer_.num_found();
    for (const Layer& layer : fleet_.layers) {
      if (!layer.foreign) AddLayer(report_.before, layer.size);
    }
    std::set<Digest> seen;
    for (std::uint32_t b = 0; b < planned_.blobs.size(); ++b) {
      const PlannedBlob& blob = planned_.blobs[b];
      if (blob.is_new()) {
        report_.new_layers.push_back({.id = blob.id,
                                      .num_joined = std::ssize(blob.segment),
                                      .num_images = blob.num_images,
                                      .digest = FormatDigest(written_[b]->digest),
                                      .diff_id = FormatDigest(written_[b]->diff_id),
                                      .predicted = blob.predicted,
                                      .size = written_[b]->size,
                                      .tar_size = written_[b]->tar_size});
        ++report_.new_layer_count;
      } else {
        ++report_.kept_layers;
        if (fleet_.layers[blob.kept].foreign) continue;
      }
      AddLayer(report_.predicted, blob.predicted);
      const Digest& digest = blob.is_new() ? written_[b]->digest : fleet_.layers[blob.kept].digest;
      if (!seen.insert(digest).second) continue;
      AddLayer(report_.after, blob.is_new() ? written_[b]->size : blob.predicted);
    }
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      report_.before.layer_references += fleet_.images[i].num_layers;
      report_.predicted.layer_references += std::ssize(planned_.of_image[i]);
      // Of the others what was written was counted.
      if (planned_.is_changed[i] == 0) {
        report_.after.layer_references += fleet_.images[i].num_layers;
      }
    }
  }

  static void AddLayer(LayoutFigures& figures, Bytes size) {
    figures.storage_bytes = CheckedAdd(figures.storage_bytes, size);
    ++figures.distinct_layers;
  }

  const Fleet& fleet_;
  const LayerBlobs& blobs_;
  const LayerContents& contents_;
  const ApplyOptions& options_;
  const PlanFileLevel& level_;
  PlannedImages planned_;
  IndexRewriter indexes_;
  std::vector<NewLayer> layers_;                      // per planned blob
  std::vector<std::optional<WrittenLayer>> written_;  // as above
  LayoutWriter writer_;
  std::vector<std::uint32_t> to_write_;  // into planned_.blobs
  std::vector<EntryRef> wanted_;
  std::vector<CarriedBlob> carried_;
  std::map<std::pair<std::uint32_t, TextIndex>, BaseReference> base_names_;  // by base and platform
  std::vector<std::string> base_descriptors_;
  ApplyReport report_;
};

}  // namespace

void ExpectUsableTarget(const PlanFile& plan, const PlanFileLevel& level,
                        const ApplyOptions& options) {
  const LayoutWriter writer(options.target, MarkerText(plan, level, options.compression));
}

ApplyReport ApplyPlan(const PlanFile& plan, const PlanFileLevel& level, const Fleet& fleet,
                      const LayerBlobs& blobs, const LayerContents& contents,
                      const ApplyOptions& options) {
  return PlanRun(plan, level, fleet, blobs, contents, options).Run();
}

}  // namespace gneiss
