#include "io/verify/verify_fleets.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/scan/parallel_for.h"
#include "io/source/byte_source.h"
#include "io/source/manifest.h"
#include "io/source/verified_blob.h"
#include "planner/input_error.h"
#include "planner/layer_contents.h"

namespace gneiss {
namespace {

// The config of an image, checked against its digest; or why there is none.
struct ReadConfigText {
  std::string text;
  std::string problem;
};

ReadConfigText ReadConfigOf(const VerifySide& side, const Image& image) {
  if (!image.has_config) return {.text = {}, .problem = "the source says of no config"};
  const std::string digest = side.fleet.digest_text(image.config_digest, false);
  try {
    const std::unique_ptr<ByteSource> blob = side.blobs.Open(digest, image.config_size);
    if (blob == nullptr) return {.text = {}, .problem = "no source has the config " + digest};
    VerifiedBlob config = ReadVerified(*blob, digest, kUnknownSize, kMaxManifestBytes);
    if (config.is_verified) return {.text = std::move(config.content), .problem = {}};
    return {.text = {},
            .problem = fmt::format("expected a config with digest {}, found {}", digest,
                                   FormatDigest(config.found))};
  } catch (const InputError& error) {
    return {.text = {}, .problem = error.what()};
  } catch (const std::system_error& error) {
    return {.text = {}, .problem = error.what()};
  }
}

// A hash by which images of one name are told apart; of the image itself where its config cannot be
// had.
Digest FingerprintOf(const VerifySide& side, const Image& image) {
  const ReadConfigText config = ReadConfigOf(side, image);
  if (!config.problem.empty()) return image.identity;
  try {
    return ConfigFingerprint(config.text);
  } catch (const InputError&) {
    return image.identity;  // whoever compares the configs says what is wrong
  }
}

std::vector<Digest> FingerprintsOf(const VerifySide& side, std::int64_t jobs) {
  std::vector<Digest> fingerprints(side.fleet.images.size());
  ParallelFor(fingerprints.size(), jobs, [&](const ParallelItem& item) {
    fingerprints[item.index] = FingerprintOf(side, side.fleet.images[item.index]);
  });
  return fingerprints;
}

// The layers of both sides under one numbering, those of one digest once.
class JointContents {
 public:
  JointContents(const VerifySide& left, const VerifySide& right, const InventoryStore& store)
      : contents_(left.fleet.layers.size() + right.fleet.layers.size()) {
    std::map<std::pair<Digest, bool>, LayerIndex> known;
    for (const VerifySide* const side : {&left, &right}) {
      std::vector<LayerIndex>& joint = side == &left ? left_ : right_;
      for (LayerIndex l = 0; l < side->fleet.layers.size(); ++l) {
        const Layer& layer = side->fleet.layers[l];
        const auto next = static_cast<LayerIndex>(known.size());
        const auto [found, is_new] = known.try_emplace({layer.digest, layer.verifiable}, next);
        joint.push_back(found->second);
        if (contents_.inventories[found->second]) continue;
        if (auto inventory = Take(*side, l, store)) {
          contents_.Add(found->second, *std::move(inventory));
        }
      }
    }
  }

  const PathTree& paths() const { return contents_.paths; }
  bool IsKnown(LayerIndex joint) const { return contents_.inventories[joint].has_value(); }
  const Inventory& inventory(LayerIndex joint) const { return *contents_.inventories[joint]; }
  std::vector<LayerIndex> ChainOfLeft(std::span<const LayerIndex> chain) const {
    return Map(chain, left_);
  }
  std::vector<LayerIndex> ChainOfRight(std::span<const LayerIndex> chain) const {
    return Map(chain, right_);
  }
  // REQUIRES: all are known.
  std::vector<OverlayLayer> Layers(std::span<const LayerIndex> joint_chain) const {
    std::vector<OverlayLayer> layers;
    for (const LayerIndex j : joint_chain) {
      layers.push_back({.layer = j,
                        .inventory = &*contents_.inventories[j],
                        .paths = &contents_.layer_paths[j]});
    }
    return layers;
  }

 private:
  static std::vector<LayerIndex> Map(std::span<const LayerIndex> chain,
                                     const std::vector<LayerIndex>& joint) {
    std::vector<LayerIndex> mapped;
    for (const LayerIndex l : chain) mapped.push_back(joint[l]);
    return mapped;
  }

  static std::optional<Inventory> Take(const VerifySide& side, LayerIndex l,
                                       const InventoryStore& store) {
    const LayerOutcome outcome = side.reading.scan.layers[l].outcome;
    if (outcome != LayerOutcome::kScanned && outcome != LayerOutcome::kStored) return std::nullopt;
    const Layer& layer = side.fleet.layers[l];
    const auto read = side.reading.inventories.find(layer.digest);
    if (read != side.reading.inventories.end()) return std::move(read->second);
    InventoryStore::ReadLayer stored =
        store.Read({.digest = layer.digest, .verifiable = layer.verifiable});
    return stored.scanned ? std::move(stored.scanned->inventory) : std::nullopt;
  }

  LayerContents contents_;
  std::vector<LayerIndex> left_;  // of each layer of the fleet: its number here
  std::vector<LayerIndex> right_;
};

class FleetVerification {
 public:
  FleetVerification(const VerifySide& left, const VerifySide& right, const InventoryStore& store,
                    const VerifyOptions& options)
      : left_(left), right_(right), options_(options), contents_(left, right, store) {}

  VerifyReport Run(const std::function<void(std::size_t, std::size_t)>& on_progress) {
    const std::vector<Digest> left_prints = FingerprintsOf(left_, options_.jobs);
    const std::vector<Digest> right_prints = FingerprintsOf(right_, options_.jobs);
    ImagePairs pairs =
        PairImages({left_.fleet, left_prints, left_.repositories},
                   {right_.fleet, right_prints, right_.repositories}, options_.pair_by);
    VerifyReport report;
    report.images.resize(pairs.pairs.size());
    std::atomic<std::size_t> done = 0;
    ParallelFor(
        pairs.pairs.size(), options_.jobs,
        [&](const ParallelItem& item) {
          report.images[item.index] = Compare(pairs.pairs[item.index]);
          ++done;
        },
        [&] {
          if (on_progress) on_progress(done, pairs.pairs.size());
        });
    for (UnpairedImage& image : pairs.only_left) {
      AddUnpaired(Verdict::kOnlyLeft, image.image, kNone, std::move(image.refs),
                  right_.num_bad_images, report);
    }
    for (UnpairedImage& image : pairs.only_right) {
      AddUnpaired(Verdict::kOnlyRight, kNone, image.image, std::move(image.refs),
                  left_.num_bad_images, report);
    }
    for (const ImageIndex image : pairs.new_bases) AddNewBase(image, report);
    Sum(report);
    return report;
  }

 private:
  ImageVerdict Compare(const ImagePair& pair) const {
    ImageVerdict verdict{.left = pair.left, .right = pair.right, .refs = pair.refs};
    const Image& left = left_.fleet.images[pair.left];
    const Image& right = right_.fleet.images[pair.right];
    const std::vector<LayerIndex> left_chain = contents_.ChainOfLeft(left_.fleet.chain(left));
    const std::vector<LayerIndex> right_chain = contents_.ChainOfRight(right_.fleet.chain(right));
    verdict.has_same_layers = left_chain == right_chain;
    FindBadBlobs(pair.right, verdict);
    if (!verdict.has_same_layers) CompareLayers(pair, left_chain, right_chain, verdict);
    CompareConfigsOf(pair, right_chain, verdict);
    if (verdict.num_differences() > 0) {
      verdict.verdict = Verdict::kDifferent;
    } else if (!verdict.unproven.empty()) {
      verdict.verdict = Verdict::kUnproven;
    }
    return verdict;
  }

  void FindBadBlobs(ImageIndex image, ImageVerdict& verdict) const {
    ForEachLayer(right_, image, [&](LayerIndex l) {
      AddProblem(right_, l, right_.reading.blob_problems[l], verdict);
    });
  }

  void CompareLayers(const ImagePair& pair, std::span<const LayerIndex> left_chain,
                     std::span<const LayerIndex> right_chain, ImageVerdict& verdict) const {
    const auto is_known = [&](LayerIndex j) { return contents_.IsKnown(j); };
    if (std::ranges::all_of(left_chain, is_known) && std::ranges::all_of(right_chain, is_known)) {
      const std::vector<OverlayLayer> left = contents_.Layers(left_chain);
      const std::vector<OverlayLayer> right = contents_.Layers(right_chain);
      verdict.files = CompareFileSystems(contents_.paths(), left, right, options_.files);
      return;
    }
    ForEachLayer(left_, pair.left, [&](LayerIndex l) { AddUnknown(left_, l, verdict); });
    ForEachLayer(right_, pair.right, [&](LayerIndex l) {
      // A bad blob has been named already.
      if (right_.reading.blob_problems[l].empty()) AddUnknown(right_, l, verdict);
    });
  }

  // Each layer of an image once.
  template <typename Visit>
  static void ForEachLayer(const VerifySide& side, ImageIndex image, const Visit& visit) {
    const auto chain = side.fleet.chain(side.fleet.images[image]);
    std::vector<LayerIndex> layers(chain.begin(), chain.end());
    std::ranges::sort(layers);
    const auto repeats = std::ranges::unique(layers);
    layers.erase(repeats.begin(), repeats.end());
    for (const LayerIndex l : layers) visit(l);
  }

  void AddUnknown(const VerifySide& side, LayerIndex l, ImageVerdict& verdict) const {
    const std::vector<LayerIndex> joint =
        &side == &left_ ? contents_.ChainOfLeft({&l, 1}) : contents_.ChainOfRight({&l, 1});
    if (contents_.IsKnown(joint.front())) return;
    const LayerScan& scan = side.reading.scan.layers[l];
    switch (scan.outcome) {
      case LayerOutcome::kNoBlob:
        return AddProblem(side, l, "no source has the blob, and no inventory is known", verdict);
      case LayerOutcome::kNotATar:
        return AddProblem(side, l, "not a tar: " + scan.problem, verdict);
      case LayerOutcome::kBad:
        return AddProblem(side, l, scan.problem, verdict);
      case LayerOutcome::kScanned:
      case LayerOutcome::kStored:
        return AddProblem(side, l, "its inventory is gone from the store", verdict);
    }
  }

  void AddProblem(const VerifySide& side, LayerIndex l, const std::string& problem,
                  ImageVerdict& verdict) const {
    if (problem.empty()) return;
    verdict.unproven.push_back(fmt::format(
        "layer {} {}: {}", side.fleet.digest_text(side.fleet.layers[l]), SideName(side), problem));
  }
  std::string_view SideName(const VerifySide& side) const {
    return &side == &left_ ? "on the left" : "on the right";
  }

  void CompareConfigsOf(const ImagePair& pair, std::span<const LayerIndex> right_chain,
                        ImageVerdict& verdict) const {
    const Image& left = left_.fleet.images[pair.left];
    const Image& right = right_.fleet.images[pair.right];
    const ReadConfigText right_config = ReadConfigOf(right_, right);
    if (!right_config.problem.empty()) {
      verdict.unproven.push_back("config on the right: " + right_config.problem);
      return;
    }
    const bool is_same_config = left.has_config && left.config_digest == right.config_digest;
    if (is_same_config && verdict.has_same_layers) return;
    const ReadConfigText left_config = is_same_config ? right_config : ReadConfigOf(left_, left);
    if (!left_config.problem.empty()) {
      verdict.unproven.push_back("config on the left: " + left_config.problem);
      return;
    }
    try {
      verdict.config = CompareConfigs(left_config.text, right_config.text, options_.config);
      CompareDiffIds(left_config.text, right_config.text, right_chain, verdict);
    } catch (const InputError& error) {
      verdict.unproven.push_back(fmt::format("config: {}", error.what()));
    }
  }

  // What the config on the right calls its layers must be what they are: runtimes refuse it else.
  void CompareDiffIds(std::string_view left_config, std::string_view right_config,
                      std::span<const LayerIndex> right_chain, ImageVerdict& verdict) const {
    const std::vector<std::string> ids = DiffIdTexts(right_config);
    if (ids.empty() && DiffIdTexts(left_config).empty()) return;
    if (ids.size() != right_chain.size()) {
      verdict.config.push_back({.pointer = "/rootfs/diff_ids",
                                .left = fmt::format("{} layers", right_chain.size()),
                                .right = fmt::format("{} diff_ids", ids.size())});
      return;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!contents_.IsKnown(right_chain[i])) continue;
      const std::string found = FormatDigest(contents_.inventory(right_chain[i]).diff_id);
      if (found == ids[i]) continue;
      verdict.config.push_back({.pointer = fmt::format("/rootfs/diff_ids/{}", i),
                                .left = fmt::format("a layer with diff_id {}", found),
                                .right = ids[i]});
    }
  }

  static void AddUnpaired(Verdict verdict, ImageIndex left, ImageIndex right,
                          std::vector<std::string> refs, std::int64_t num_bad_images,
                          VerifyReport& report) {
    ImageVerdict& image = report.images.emplace_back();
    image.verdict = verdict;
    image.left = left;
    image.right = right;
    image.refs = std::move(refs);
    if (num_bad_images == 0) return;
    image.verdict = Verdict::kUnproven;
    image.unproven.push_back(
        fmt::format("no image of this name {}, where {} could not be read",
                    verdict == Verdict::kOnlyLeft ? "on the right" : "on the left",
                    num_bad_images == 1 ? "an image" : "images"));
  }

  void AddNewBase(ImageIndex right, VerifyReport& report) const {
    ImageVerdict& image = report.images.emplace_back();
    image.verdict = Verdict::kNewBase;
    image.right = right;
    for (const TextIndex ref : right_.fleet.refs_of(right_.fleet.images[right])) {
      image.refs.emplace_back(right_.fleet.text(ref));
    }
    FindBadBlobs(right, image);
    if (!image.unproven.empty()) image.verdict = Verdict::kUnproven;
  }

  void Sum(VerifyReport& report) const {
    for (const ImageVerdict& image : report.images) {
      ++report.counts[static_cast<std::size_t>(image.verdict)];
      if (image.verdict == Verdict::kSame && image.has_same_layers) ++report.num_same_layers;
      report.num_paths += image.files.num_paths;
      report.file_bytes = CheckedAdd(report.file_bytes, image.files.file_bytes);
    }
    for (const VerifySide* const side : {&left_, &right_}) {
      report.num_blobs_read += side->reading.num_blobs_read;
      report.blob_bytes_read = CheckedAdd(report.blob_bytes_read, side->reading.bytes_read);
    }
  }

  const VerifySide& left_;
  const VerifySide& right_;
  const VerifyOptions& options_;
  JointContents contents_;
};

}  // namespace

VerifyReport VerifyFleets(
    const VerifySide& left, const VerifySide& right, const InventoryStore& store,
    const VerifyOptions& options,
    const std::function<void(std::size_t done, std::size_t total)>& on_progress) {
  return FleetVerification(left, right, store, options).Run(on_progress);
}

}  // namespace gneiss
