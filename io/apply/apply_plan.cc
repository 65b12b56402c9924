#include "io/apply/apply_plan.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/apply/apply_report.h"
#include "io/apply/content_spool.h"
#include "io/apply/image_rewriter.h"
#include "io/apply/index_rewriter.h"
#include "io/apply/layout_writer.h"
#include "io/apply/plan_match.h"
#include "io/apply/written_images.h"
#include "io/bytes/compressor.h"
#include "io/bytes/parallel_for.h"
#include "io/json/json_edit.h"
#include "io/json/json_writer.h"
#include "io/source/manifest.h"
#include "io/text/format.h"
#include "planner/contents/new_layer.h"
#include "planner/fleet/bytes.h"

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
          const LayerBlobs& blobs, LayerContents& contents, const UnknownLayers& unknown,
          const ApplyOptions& options)
      : fleet_(fleet),
        blobs_(blobs),
        contents_(contents),
        options_(options),
        level_(level),
        planned_(MatchPlan(plan, level, fleet, contents, unknown)),
        indexes_(fleet, blobs),
        layers_(planned_.blobs.size()),
        made_for_(planned_.blobs.size(), kNone),
        below_(planned_.blobs.size()),
        written_(planned_.blobs.size()),
        inventories_(planned_.blobs.size()),
        writer_(options.target, MarkerText(plan, level, options.compression)) {
    report_.target = options.target;
    report_.level = level.name;
    report_.codec = LayerCodecName(options.compression.codec);
    report_.compression_level = LevelOf(options.compression);
    ExpectApart(options.target, blobs);
  }

  ApplyReport Run() {
    FindUnlisted();
    MakeNewLayers();
    ExpectRewritable();
    FindWritten();
    const std::vector<CarriedBlob> carried = FindCarried();
    ExpectSpace(carried);
    writer_.Begin();
    Carry(carried);
    WriteNewLayers();
    CompareImages();
    WriteImages();
    return std::move(report_);
  }

 private:
  using Reasons = std::map<ImageIndex, std::string>;

  // From here on these images are not in the new layout.
  void LeaveOut(const Reasons& images) {
    if (images.empty()) return;
    if (options_.is_strict) FailFor(images.begin()->first, images.begin()->second);
    gneiss::LeaveOut(images, planned_);
    ExpectSomeLeft();
  }

  void ExpectSomeLeft() const {
    if (planned_.left_out.size() < fleet_.images.size()) return;
    const auto& [first, why] = *planned_.left_out.begin();
    const std::size_t others = planned_.left_out.size() - 1;
    FailFor(first, others == 0 ? why
                               : fmt::format("{}; no image is left, as {} cannot be carried over "
                                             "either",
                                             why, FormatCounted(others, "other")));
  }

  [[noreturn]] void FailFor(ImageIndex image, const std::string& why) const {
    throw InputError(fmt::format("{}: {}", fleet_.name(fleet_.images[image]), why));
  }

  bool IsLeftOut(ImageIndex i) const { return planned_.left_out.contains(i); }

  // What cannot be had from an index: images of sources that have none, entries that are bad.
  void FindUnlisted() {
    if (options_.is_strict && !planned_.left_out.empty()) {
      FailFor(planned_.left_out.begin()->first, planned_.left_out.begin()->second);
    }
    ExpectSomeLeft();
    Reasons unlisted;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (!indexes_.manifest(i).empty()) continue;
      unlisted.emplace(i,
                       "expected it in an index.json of the sources, found it in none: images are "
                       "carried over from OCI layouts only");
    }
    for (const auto& [entry, why] : indexes_.bad_entries()) {
      const ImageIndex image = indexes_.FindImage(entry.digest_text);
      if (image != kNone) {
        unlisted.insert_or_assign(image, why);
      } else if (options_.has_bad_entries) {
        other_left_out_.emplace(entry, why);
      }
    }
    LeaveOut(unlisted);
  }

  // What is new, entry by entry. A layer is made for the first image that has it; when that one is
  // left out it is made anew, for the next one.
  void MakeNewLayers() {
    while (true) {
      Reasons failed;
      FindBelow();
      for (std::uint32_t b = 0; b < planned_.blobs.size(); ++b) {
        const PlannedBlob& blob = planned_.blobs[b];
        if (!blob.is_new() || blob.image == kNone || made_for_[b] == blob.image) continue;
        if (made_for_[b] != kNone && !blob.segment.empty()) continue;
        try {
          layers_[b] = MakeNewLayer(b);
        } catch (const InputError& error) {
          if (blob.segment.empty()) FailFor(blob.image, error.what());
          for (const ImageIndex i : ImagesWith(b)) failed.emplace(i, error.what());
          continue;
        }
        made_for_[b] = blob.image;
        written_[b].reset();
        inventories_[b].reset();
      }
      if (failed.empty()) return;
      LeaveOut(failed);
    }
  }

  // What lies below joined layers that are not made yet, in the images that get them.
  void FindBelow() {
    std::vector<std::set<std::vector<LayerIndex>>> below(planned_.blobs.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] == 0) continue;
      const auto chain = fleet_.chain(fleet_.images[i]);
      std::size_t at = 0;
      for (const std::uint32_t b : planned_.of_image[i]) {
        const PlannedBlob& blob = planned_.blobs[b];
        if (!blob.segment.empty() && made_for_[b] == kNone) {
          std::vector<LayerIndex> known;
          for (const LayerIndex l : chain.first(at)) {
            if (contents_.inventories[l]) known.push_back(l);
          }
          below[b].insert(std::move(known));
        }
        at += std::max<std::size_t>(blob.segment.size(), 1);
      }
    }
    for (std::uint32_t b = 0; b < below.size(); ++b) {
      if (!below[b].empty()) below_[b].assign(below[b].begin(), below[b].end());
    }
  }

  NewLayer MakeNewLayer(std::uint32_t b) const {
    const PlannedBlob& blob = planned_.blobs[b];
    if (!blob.segment.empty()) {
      return MergeLayers(contents_, blob.segment, blob.is_first, below_[b]);
    }
    return TakeEntries(contents_, fleet_.chain(fleet_.images[blob.image]), blob.entries);
  }

  std::vector<ImageIndex> ImagesWith(std::uint32_t b) const {
    std::vector<ImageIndex> images;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (std::ranges::find(planned_.of_image[i], b) != planned_.of_image[i].end()) {
        images.push_back(i);
      }
    }
    return images;
  }

  // What is wrong with manifests and configs is found before layers are written for them.
  void ExpectRewritable() {
    Reasons failed;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] == 0) continue;
      try {
        (void)RewriteImage(i, nullptr);
      } catch (const InputError& error) {
        failed.emplace(i, error.what());
      } catch (const std::system_error& error) {
        failed.emplace(i, error.what());
      }
    }
    LeaveOut(failed);
    MakeNewLayers();
  }

  // What a new layer is made of, as one digest.
  std::string KeyOf(std::uint32_t b) const {
    const PlannedBlob& blob = planned_.blobs[b];
    std::string text = fmt::format("{} {}", blob.segment.empty() ? "take" : "join", blob.is_first);
    const auto add_layers = [&](std::span<const LayerIndex> layers) {
      for (const LayerIndex l : layers) text += " " + fleet_.digest_text(fleet_.layers[l]);
    };
    add_layers(blob.segment.empty() ? fleet_.chain(fleet_.images[blob.image]) : blob.segment);
    for (const std::vector<LayerIndex>& below : below_[b]) {
      text += " over";
      add_layers(below);
    }
    LayerIndex last = kNone;
    for (const EntryRef& ref : blob.entries) {
      if (ref.layer != last) add_layers({&ref.layer, 1});
      last = ref.layer;
      fmt::format_to(std::back_inserter(text), " {}", contents_.EntryOf(ref).position);
    }
    return FormatDigest(Sha256(text)).substr(7);
  }

  // New layers that an ended run wrote: those that hold what they are to hold.
  void FindWritten() {
    const std::vector<std::uint32_t> missing = ToWrite();
    std::atomic<std::size_t> done = 0;
    ParallelFor(
        missing.size(), options_.jobs,
        [&](const ParallelItem& item) {
          const std::uint32_t b = missing[item.index];
          const auto noted = writer_.FindNewLayer(KeyOf(b));
          ++done;
          if (!noted) return;
          try {
            Inventory found =
                ReadNewLayer(*noted->blob, noted->digest, noted->size, options_.limits);
            if (!HoldsLayer(found, layers_[b], contents_)) return;
            written_[b] = WrittenLayer{.digest = noted->digest,
                                       .diff_id = found.diff_id,
                                       .size = noted->size,
                                       .tar_size = found.tar_size};
            inventories_[b] = std::move(found);
          } catch (const InputError&) {
            // It is written again.
          } catch (const std::system_error&) {
            // Likewise.
          }
        },
        [&] {
          Show("checking what an ended run wrote", static_cast<Bytes>(done.load()),
               std::ssize(missing));
        });
    for (const std::uint32_t b : missing) {
      if (written_[b]) writer_.BelieveNewLayer(KeyOf(b));
    }
  }

  // Those with most to write first, so that threads end together.
  std::vector<std::uint32_t> ToWrite() const {
    std::vector<std::uint32_t> missing;
    for (std::uint32_t b = 0; b < planned_.blobs.size(); ++b) {
      const PlannedBlob& blob = planned_.blobs[b];
      if (blob.is_new() && blob.image != kNone && !written_[b]) missing.push_back(b);
    }
    std::ranges::stable_sort(missing, std::greater{},
                             [&](std::uint32_t b) { return planned_.blobs[b].predicted; });
    return missing;
  }

  std::vector<EntryRef> ContentsOf(std::span<const std::uint32_t> blobs) const {
    std::vector<EntryRef> wanted;
    for (const std::uint32_t b : blobs) AppendContents(layers_[b], wanted);
    return wanted;
  }

  std::set<std::string, std::less<>> LeftOutDigests() const {
    std::set<std::string, std::less<>> digests;
    for (const auto& [image, why] : planned_.left_out) digests.insert(DigestOf(image));
    for (const auto& [entry, why] : other_left_out_) digests.insert(entry.digest_text);
    return digests;
  }

  std::string DigestOf(ImageIndex i) const {
    return fleet_.digest_text(fleet_.images[i].identity, false);
  }

  // Blobs that stay, largest first.
  std::vector<CarriedBlob> FindCarried() {
    // Which manifests change is all that matters here.
    std::vector<std::string> new_manifests(fleet_.images.size());
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] != 0) new_manifests[i] = "{}";
    }
    CarriedBlobs carried = indexes_.Rewrite(new_manifests, {}, LeftOutDigests()).carried;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (planned_.is_changed[i] == 0) continue;
      for (const std::uint32_t b : planned_.of_image[i]) {
        const PlannedBlob& blob = planned_.blobs[b];
        if (blob.is_new()) continue;
        const Layer& layer = fleet_.layers[blob.kept];
        CarriedBlob& kept = carried[fleet_.digest_text(layer)];
        if (kept.digest_text.empty()) {
          kept.digest_text = fleet_.digest_text(layer);
          kept.size = layer.size;
          kept.is_optional = layer.foreign || MayBeElsewhere(fleet_.text(layer.media_type));
        }
        kept.of_manifests.push_back(DigestOf(i));
      }
    }
    std::vector<CarriedBlob> sorted;
    for (auto& [digest_text, blob] : carried) sorted.push_back(std::move(blob));
    std::ranges::stable_sort(sorted, std::greater{}, &CarriedBlob::size);
    return sorted;
  }

  void ExpectSpace(std::span<const CarriedBlob> carried) const {
    const std::vector<std::uint32_t> missing = ToWrite();
    const Bytes contents = FindSpoolNeeds(contents_, ContentsOf(missing)).disk_bytes;
    Bytes layers = 0;
    for (const std::uint32_t b : missing) {
      layers = CheckedAdd(layers, planned_.blobs[b].predicted);
    }
    Bytes copies = 0;
    for (const CarriedBlob& blob : carried) {
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

  void Carry(std::span<const CarriedBlob> carried) {
    Bytes total = 0;
    for (const CarriedBlob& blob : carried)
      total = CheckedAdd(total, std::max<Bytes>(blob.size, 0));
    std::atomic<Bytes> done = 0;
    std::atomic<std::int64_t> linked = 0;
    std::atomic<std::int64_t> copied = 0;
    std::vector<std::string> problems(carried.size());
    ParallelFor(
        carried.size(), options_.jobs,
        [&](const ParallelItem& item) {
          try {
            const std::optional<Carried> how =
                writer_.Carry(blobs_, carried[item.index], [&](Bytes bytes) { done += bytes; });
            if (how == Carried::kLinked) ++linked;
            if (how == Carried::kCopied) ++copied;
          } catch (const InputError& error) {
            problems[item.index] = error.what();
          }
        },
        [&] { Show("checking blobs that stay", done, total); });
    report_.linked_blobs = linked;
    report_.copied_blobs = copied;
    Reasons failed;
    for (std::size_t c = 0; c < carried.size(); ++c) {
      if (!problems[c].empty()) BlameManifests(carried[c], problems[c], failed);
    }
    LeaveOut(failed);
  }

  // What cannot do without a blob.
  void BlameManifests(const CarriedBlob& blob, const std::string& why, Reasons& failed) {
    for (const std::string& digest_text : blob.of_manifests) {
      if (indexes_.IsIndex(digest_text)) {
        throw InputError(fmt::format("index {}: {}", digest_text, why));
      }
      if (const ImageIndex image = indexes_.FindImage(digest_text); image != kNone) {
        failed.emplace(image, why);
        continue;
      }
      const IndexEntryName entry = indexes_.NameOf(digest_text);
      if (other_left_out_.contains(entry)) continue;
      if (options_.is_strict) {
        throw InputError(fmt::format("{}: {}", entry.ref.empty() ? digest_text : entry.ref, why));
      }
      other_left_out_.emplace(entry, why);
    }
  }

  // Layers that new ones of an image are made of.
  std::vector<LayerIndex> ReplacedLayers(ImageIndex i) const {
    std::vector<LayerIndex> replaced;
    if (planned_.is_changed[i] == 0) return replaced;
    const auto chain = fleet_.chain(fleet_.images[i]);
    bool is_made = planned_.of_image[i].empty();
    for (const std::uint32_t b : planned_.of_image[i]) {
      const PlannedBlob& blob = planned_.blobs[b];
      if (!blob.is_new()) continue;
      if (blob.segment.empty()) is_made = true;
      replaced.insert(replaced.end(), blob.segment.begin(), blob.segment.end());
    }
    if (is_made) replaced.assign(chain.begin(), chain.end());
    return replaced;
  }

  // Until all layers that are to be read can be: images with others are left out meanwhile.
  ContentSpool ReadContents() {
    ContentSpoolOptions spool_options;
    spool_options.jobs = options_.jobs;
    spool_options.scan.limits = options_.limits;
    spool_options.on_progress = [&](const FleetScanProgress& at) {
      Show("reading contents", at.bytes_read, at.bytes_total);
    };
    while (true) {
      MakeNewLayers();
      std::set<LayerIndex> replaced;
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
        for (const LayerIndex l : ReplacedLayers(i)) replaced.insert(l);
      }
      const std::vector<LayerIndex> also_read(replaced.begin(), replaced.end());
      spool_options.also_read = also_read;
      ContentSpool spool = ContentSpool::Fill(fleet_, blobs_, contents_, ContentsOf(ToWrite()),
                                              writer_.work_directory(), spool_options);
      if (spool.unreadable().empty()) return spool;
      Reasons failed;
      for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
        for (const LayerIndex l : ReplacedLayers(i)) {
          const auto found = spool.unreadable().find(l);
          if (found == spool.unreadable().end()) continue;
          failed.emplace(i, fmt::format("layer {}, which the plan makes other layers of: {}",
                                        fleet_.digest_text(fleet_.layers[l]), found->second));
        }
      }
      LeaveOut(failed);
    }
  }

  void WriteNewLayers() {
    if (std::ranges::count(planned_.is_changed, 1) == 0) return;
    const ContentSpool spool = ReadContents();
    const std::vector<std::uint32_t> missing = ToWrite();
    Bytes total = 0;
    for (const std::uint32_t b : missing) total = CheckedAdd(total, planned_.blobs[b].predicted);
    std::atomic<Bytes> done = 0;
    std::vector<std::string> problems(missing.size());
    ParallelFor(
        missing.size(), options_.jobs,
        [&](const ParallelItem& item) {
          const std::uint32_t b = missing[item.index];
          try {
            WriteNewLayer(b, spool);
          } catch (const InputError& error) {
            problems[item.index] = error.what();
          }
          done += planned_.blobs[b].predicted;
        },
        [&] { Show("writing new layers", done, total); });
    Reasons failed;
    for (std::size_t m = 0; m < missing.size(); ++m) {
      if (problems[m].empty()) continue;
      for (const ImageIndex i : ImagesWith(missing[m])) failed.emplace(i, problems[m]);
    }
    LeaveOut(failed);
  }

  // The blob is read back before it is taken for what it is to be.
  void WriteNewLayer(std::uint32_t b, const ContentSpool& spool) {
    const OpenDirectory& work = writer_.work_directory();
    const std::string name = writer_.NewName();
    const WrittenLayer layer =
        WriteLayer(layers_[b], contents_, spool, options_.compression, work, name);
    const std::unique_ptr<ByteSource> blob = work.OpenFile(name);
    if (blob == nullptr) throw InputError("expected the new layer that was written, found nothing");
    inventories_[b] = ReadNewLayer(*blob, layer.digest, layer.size, LimitsOfOwnLayers());
    writer_.AddNewLayer(KeyOf(b), name, layer.digest);
    written_[b] = layer;
  }

  void CompareImages() {
    LeaveOut(CompareWrittenImages(fleet_, planned_, contents_, inventories_, options_.jobs,
                                  [&](std::size_t done, std::size_t total) {
                                    Show("comparing images", static_cast<Bytes>(done),
                                         static_cast<Bytes>(total));
                                  }));
  }

  std::optional<Digest> DiffIdOf(const PlannedBlob& blob) const {
    const Layer& layer = fleet_.layers[blob.kept];
    if (contents_.inventories[blob.kept]) return contents_.inventories[blob.kept]->diff_id;
    if (layer.diff_id != kNone) return fleet_.diff_ids[layer.diff_id];
    return std::nullopt;
  }

  // New layers that are not written yet have no digests.
  std::vector<ChainLayer> ChainOf(std::span<const std::uint32_t> blobs) const {
    std::vector<ChainLayer> chain;
    std::uint32_t position = 0;
    for (const std::uint32_t b : blobs) {
      const PlannedBlob& blob = planned_.blobs[b];
      ChainLayer layer{.first = position, .num_layers = 1, .is_new = blob.is_new()};
      if (!blob.is_new()) {
        layer.diff_id = DiffIdOf(blob);
      } else {
        const WrittenLayer written = written_[b].value_or(WrittenLayer());
        layer.digest = written.digest;
        layer.diff_id = written.diff_id;
        layer.size = written.size;
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
      const BaseReference* base = nullptr;
      if (planned_.base_of_image[i] != kNone) {
        base = &base_names_.at({planned_.base_of_image[i], fleet_.images[i].platform});
      }
      try {
        RewrittenImage image = RewriteImage(i, base);
        WriteBlob(image.config);
        WriteBlob(image.manifest);
        report_.after.layer_references += std::ssize(ParseManifest(image.manifest).layers);
        new_manifests[i] = std::move(image.manifest);
      } catch (const InputError& error) {
        FailFor(i, error.what());  // its config could be read before
      }
    }
    const RewrittenIndex index =
        indexes_.Rewrite(new_manifests, base_descriptors_, LeftOutDigests());
    for (const std::string& text : index.new_indexes) WriteBlob(text);
    for (const CarriedBlob& blob : FindCarried()) {
      if (const auto digest = ParseDigest(blob.digest_text)) to_stay_.insert(digest->digest);
    }
    report_.left_out = index.num_left_out;
    for (const Descriptor& entry : ParseManifest(index.text, index.text.size()).manifests) {
      report_.first_ref = FindAnnotation(entry.annotations, "org.opencontainers.image.ref.name");
      if (!report_.first_ref.empty()) break;
    }
    Count();
    std::ostringstream record;
    if (!report_.left_out_images.empty()) WriteApplyJson(report_, record);
    writer_.Finish(index.text, to_stay_, record.str());
  }

  void WriteBlob(std::string_view content) {
    writer_.WriteBlob(content);
    to_stay_.insert(Sha256(content));
  }

  struct RewrittenImage {
    std::string config;
    std::string manifest;
  };
  // Throws InputError that does not name the image.
  RewrittenImage RewriteImage(ImageIndex i, const BaseReference* base) const {
    const std::string& manifest = indexes_.manifest(i);
    const Manifest parsed = ParseManifest(manifest);
    const std::string config = ReadCarried(blobs_, parsed.config->digest_text, parsed.config->size);
    const std::vector<ChainLayer> chain = ChainOf(planned_.of_image[i]);
    RewrittenImage image{.config = RewriteConfig(config, chain, fleet_.images[i].num_layers),
                         .manifest = {}};
    image.manifest =
        RewriteManifest(manifest, chain, options_.compression.codec, image.config, base);
    return image;
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
    WriteBlob(config);
    WriteBlob(manifest);
    const BaseReference name{
        .name = fmt::format("{}:{}", kBaseRepository, planned_.bases[base].id),
        .digest_text = FormatDigest(Sha256(manifest)),
    };
    base_descriptors_.push_back(MakeDescriptor(manifest, fleet_.text(platform), name.name));
    base_names_.emplace(std::pair(base, platform), name);
  }

  void Count() {
    CountLeftOut();
    report_.images = std::ssize(fleet_.images) - std::ssize(planned_.left_out);
    report_.rewritten_images = std::ranges::count(planned_.is_changed, 1);
    report_.resumed_blobs = writer_.num_found();
    std::set<LayerIndex> today;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      if (IsLeftOut(i)) continue;
      const auto chain = fleet_.chain(fleet_.images[i]);
      today.insert(chain.begin(), chain.end());
      if (planned_.is_planned[i] == 0) ++report_.images_not_planned;
      report_.before.layer_references += std::ssize(chain);
      report_.predicted.layer_references += std::ssize(planned_.of_image[i]);
      // Of the others what was written was counted.
      if (planned_.is_changed[i] == 0) report_.after.layer_references += std::ssize(chain);
    }
    for (const LayerIndex l : today) {
      if (!fleet_.layers[l].foreign) AddLayer(report_.before, fleet_.layers[l].size);
    }
    std::set<Digest> seen;
    for (std::uint32_t b = 0; b < planned_.blobs.size(); ++b) {
      const PlannedBlob& blob = planned_.blobs[b];
      if (blob.image == kNone) continue;
      if (blob.is_new()) {
        to_stay_.insert(written_[b]->digest);
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
  }

  // Images in the fleet's order, then what else there is.
  void CountLeftOut() {
    for (const auto& [i, why] : planned_.left_out) {
      const Image& image = fleet_.images[i];
      report_.left_out_images.push_back(
          {.ref = image.num_refs == 0 ? "" : std::string(fleet_.text(fleet_.refs_of(image)[0])),
           .manifest_digest = image.has_manifest_digest ? DigestOf(i) : "",
           .why = why});
    }
    for (const auto& [entry, why] : other_left_out_) {
      report_.left_out_images.push_back({.ref = entry.ref,
                                         .manifest_digest = entry.digest_text,
                                         .why = why,
                                         .is_bad_entry = indexes_.bad_entries().contains(entry)});
    }
  }

  static void AddLayer(LayoutFigures& figures, Bytes size) {
    figures.storage_bytes = CheckedAdd(figures.storage_bytes, size);
    ++figures.distinct_layers;
  }

  const Fleet& fleet_;
  const LayerBlobs& blobs_;
  LayerContents& contents_;
  const ApplyOptions& options_;
  const PlanFileLevel& level_;
  PlannedImages planned_;
  IndexRewriter indexes_;
  std::vector<NewLayer> layers_;                             // per planned blob
  std::vector<ImageIndex> made_for_;                         // as above; kNone: not made
  std::vector<std::vector<std::vector<LayerIndex>>> below_;  // as above, of joined ones
  std::vector<std::optional<WrittenLayer>> written_;         // as above
  std::vector<std::optional<Inventory>> inventories_;  // as above: what was written, read back
  std::multimap<IndexEntryName, std::string> other_left_out_;  // that are no images of the fleet
  LayoutWriter writer_;
  std::set<Digest> to_stay_;  // blobs of the new layout
  std::map<std::pair<std::uint32_t, TextIndex>, BaseReference> base_names_;  // by base and platform
  std::vector<std::string> base_descriptors_;
  ApplyReport report_;
};

}  // namespace

std::string ExpectUsableTarget(const PlanFile& plan, const PlanFileLevel& level,
                               const ApplyOptions& options) {
  const LayoutWriter writer(options.target, MarkerText(plan, level, options.compression));
  return writer.WhoElseWrites();
}

ApplyReport ApplyPlan(const PlanFile& plan, const PlanFileLevel& level, const Fleet& fleet,
                      const LayerBlobs& blobs, LayerContents& contents,
                      const UnknownLayers& unknown, const ApplyOptions& options) {
  return PlanRun(plan, level, fleet, blobs, contents, unknown, options).Run();
}

}  // namespace gneiss
