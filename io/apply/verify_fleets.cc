#include "io/apply/verify_fleets.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/bytes/parallel_for.h"
#include "io/bytes/sha256_stream.h"
#include "io/source/manifest.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/bytes.h"

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

// What the config of an image says, in hashes.
struct ConfigPrints {
  // By which images of one name are told apart; of the image itself where its config cannot be had.
  Digest fingerprint;
  Digest diff_ids;  // meaningless unless `is_read`
  bool is_read = false;
};

ConfigPrints PrintsOf(const VerifySide& side, const Image& image) {
  const ReadConfigText config = ReadConfigOf(side, image);
  if (!config.problem.empty()) return {.fingerprint = image.identity, .diff_ids = {}};
  try {
    std::string ids;
    for (const GoReader reader : {GoReader::kContainerd, GoReader::kDocker}) {
      for (const std::string& id : DiffIdTexts(config.text, reader)) ids += id + '\n';
      ids += '\n';
    }
    return {
        .fingerprint = ConfigFingerprint(config.text), .diff_ids = Sha256(ids), .is_read = true};
  } catch (const InputError&) {
    // Whoever compares the configs says what is wrong.
    return {.fingerprint = image.identity, .diff_ids = {}};
  }
}

std::vector<ConfigPrints> PrintsOf(const VerifySide& side, std::int64_t jobs) {
  std::vector<ConfigPrints> prints(side.fleet.images.size());
  ParallelFor(prints.size(), jobs, [&](const ParallelItem& item) {
    prints[item.index] = PrintsOf(side, side.fleet.images[item.index]);
  });
  return prints;
}

std::vector<Digest> Fingerprints(std::span<const ConfigPrints> prints) {
  std::vector<Digest> fingerprints;
  fingerprints.reserve(prints.size());
  for (const ConfigPrints& print : prints) fingerprints.push_back(print.fingerprint);
  return fingerprints;
}

// The layers of both sides under one numbering, those of one digest once.
struct JointNumbers {
  std::vector<LayerIndex> left;  // of each layer of the fleet
  std::vector<LayerIndex> right;

  JointNumbers(const Fleet& left_fleet, const Fleet& right_fleet) {
    std::map<std::pair<Digest, bool>, LayerIndex> known;
    for (const Fleet* const fleet : {&left_fleet, &right_fleet}) {
      std::vector<LayerIndex>& numbers = fleet == &left_fleet ? left : right;
      for (const Layer& layer : fleet->layers) {
        const auto next = static_cast<LayerIndex>(known.size());
        numbers.push_back(known.try_emplace({layer.digest, layer.verifiable}, next).first->second);
      }
    }
  }

  static std::vector<LayerIndex> Map(std::span<const LayerIndex> chain,
                                     const std::vector<LayerIndex>& numbers) {
    std::vector<LayerIndex> mapped;
    for (const LayerIndex l : chain) mapped.push_back(numbers[l]);
    return mapped;
  }
};

// Layers that both chains begin with.
std::size_t CommonBottom(std::span<const LayerIndex> left, std::span<const LayerIndex> right) {
  return static_cast<std::size_t>(std::ranges::mismatch(left, right).in1 - left.begin());
}

// Layers that both chains end with.
std::size_t CommonTop(std::span<const LayerIndex> left, std::span<const LayerIndex> right) {
  std::size_t top = 0;
  while (top < left.size() && top < right.size() &&
         left[left.size() - 1 - top] == right[right.size() - 1 - top]) {
    ++top;
  }
  return top;
}

// Finds what has to be read, pair by pair.
class ReadingList {
 public:
  ReadingList(const Fleet& left, const Fleet& right)
      : left_(left),
        right_(right),
        numbers_(left, right),
        scan_left_(left.layers.size()),
        scan_right_(right.layers.size()),
        check_left_(left.layers.size()) {}

  // `has_other_diff_ids`: the configs call their layers otherwise, so one of them is wrong even
  // when these are the same.
  void Add(const ImagePair& pair, bool has_other_diff_ids) {
    const std::span<const LayerIndex> left = left_.chain(left_.images[pair.left]);
    const std::span<const LayerIndex> right = right_.chain(right_.images[pair.right]);
    const std::vector<LayerIndex> joint_left = JointNumbers::Map(left, numbers_.left);
    std::vector<LayerIndex> joint_right = JointNumbers::Map(right, numbers_.right);
    const bool has_same_layers = joint_left == joint_right;
    if (has_same_layers && !has_other_diff_ids) return;
    for (const LayerIndex l : right) scan_right_[l] = 1;
    const std::size_t bottom = CommonBottom(joint_left, joint_right);
    std::ranges::sort(joint_right);
    for (std::size_t i = bottom; i < left.size(); ++i) {
      const bool is_on_right = std::ranges::binary_search(joint_right, joint_left[i]);
      (is_on_right ? check_left_ : scan_left_)[left[i]] = 1;
    }
  }

  SideLayers Left() const { return {Marked(scan_left_), Marked(check_left_)}; }
  // Of the right side every blob is checked.
  SideLayers Right() const { return {Marked(scan_right_), All(right_)}; }

  static std::vector<LayerIndex> All(const Fleet& fleet) {
    std::vector<LayerIndex> layers(fleet.layers.size());
    std::iota(layers.begin(), layers.end(), LayerIndex{0});
    return layers;
  }

 private:
  static std::vector<LayerIndex> Marked(const std::vector<std::uint8_t>& marks) {
    std::vector<LayerIndex> layers;
    for (LayerIndex l = 0; l < marks.size(); ++l) {
      if (marks[l] != 0) layers.push_back(l);
    }
    return layers;
  }

  const Fleet& left_;
  const Fleet& right_;
  JointNumbers numbers_;
  std::vector<std::uint8_t> scan_left_;
  std::vector<std::uint8_t> scan_right_;
  std::vector<std::uint8_t> check_left_;
};

// What is known of the layers of both sides, under one numbering.
class JointContents {
 public:
  JointContents(const VerifySide& left, const VerifySide& right, const VerifyReadings& readings,
                const InventoryStore* trusted_store)
      : contents_(left.fleet.layers.size() + right.fleet.layers.size()),
        numbers_(left.fleet, right.fleet) {
    AddSide(left.fleet, readings.left, numbers_.left, trusted_store);
    AddSide(right.fleet, readings.right, numbers_.right, trusted_store);
  }

  const PathTree& paths() const { return contents_.paths; }
  bool IsKnown(LayerIndex joint) const { return contents_.inventories[joint].has_value(); }
  std::optional<std::size_t> FindMisread(std::span<const LayerIndex> joint_chain) const {
    return contents_.FindMisread(joint_chain);
  }
  const Inventory& inventory(LayerIndex joint) const { return *contents_.inventories[joint]; }
  std::vector<LayerIndex> ChainOfLeft(std::span<const LayerIndex> chain) const {
    return JointNumbers::Map(chain, numbers_.left);
  }
  std::vector<LayerIndex> ChainOfRight(std::span<const LayerIndex> chain) const {
    return JointNumbers::Map(chain, numbers_.right);
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
  void AddSide(const Fleet& fleet, SideReading& reading, const std::vector<LayerIndex>& numbers,
               const InventoryStore* trusted_store) {
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      if (contents_.inventories[numbers[l]]) continue;
      if (auto inventory = Take(fleet.layers[l], reading.scan.layers[l], reading, trusted_store)) {
        contents_.Add(numbers[l], *std::move(inventory));
      }
    }
  }

  static std::optional<Inventory> Take(const Layer& layer, const LayerScan& scan,
                                       SideReading& reading, const InventoryStore* trusted_store) {
    if (scan.outcome == LayerOutcome::kScanned) {
      const auto read = reading.inventories.find(layer.digest);
      if (read != reading.inventories.end()) return std::move(read->second);
    }
    if (scan.outcome != LayerOutcome::kStored || trusted_store == nullptr) return std::nullopt;
    InventoryStore::ReadLayer stored =
        trusted_store->Read({.digest = layer.digest, .verifiable = layer.verifiable});
    return stored.scanned ? std::move(stored.scanned->inventory) : std::nullopt;
  }

  LayerContents contents_;
  JointNumbers numbers_;
};

class FleetVerification {
 public:
  FleetVerification(const VerifySide& left, const VerifySide& right, PairedSides paired,
                    const VerifyReadings& readings, const InventoryStore& store,
                    const VerifyOptions& options)
      : left_(left),
        right_(right),
        paired_(std::move(paired)),
        readings_(readings),
        options_(options),
        contents_(left, right, readings, options.trusts_store ? &store : nullptr) {
    for (const ExcusedImage& image : right.left_out) {
      left_out_.emplace(LeftOutKey(image.ref, image.manifest_digest), &image);
    }
  }

  VerifyReport Run(const std::function<void(std::size_t, std::size_t)>& on_progress) {
    ImagePairs& pairs = paired_.pairs;
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
      if (std::optional<std::string> why = FindLeftOut(image)) {
        ImageVerdict& verdict = report.images.emplace_back();
        verdict.verdict = Verdict::kLeftOut;
        verdict.left = image.image;
        verdict.refs = std::move(image.refs);
        if (!why->empty()) verdict.unproven.push_back(*std::move(why));
        continue;
      }
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
    FindBadBlobs(left_, readings_.left, pair.left, verdict);
    FindBadBlobs(right_, readings_.right, pair.right, verdict);
    if (!verdict.has_same_layers) CompareLayers(pair, left_chain, right_chain, verdict);
    CompareConfigsOf(pair, left_chain, right_chain, verdict);
    if (verdict.num_differences() > 0) {
      verdict.verdict = Verdict::kDifferent;
    } else if (!verdict.unproven.empty()) {
      verdict.verdict = Verdict::kUnproven;
    }
    return verdict;
  }

  void FindBadBlobs(const VerifySide& side, const SideReading& reading, ImageIndex image,
                    ImageVerdict& verdict) const {
    ForEachLayer(side, image,
                 [&](LayerIndex l) { AddProblem(side, l, reading.blob_problems[l], verdict); });
  }

  void CompareLayers(const ImagePair& pair, std::span<const LayerIndex> left_chain,
                     std::span<const LayerIndex> right_chain, ImageVerdict& verdict) const {
    const std::size_t top =
        AreKnown(left_chain) && AreKnown(right_chain) ? 0 : CommonTop(left_chain, right_chain);
    const auto left_below = left_chain.first(left_chain.size() - top);
    const auto right_below = right_chain.first(right_chain.size() - top);
    if (AreKnown(left_below) && AreKnown(right_below)) {
      const std::string misread = FindMisread(left_below) + FindMisread(right_below);
      if (!misread.empty()) {
        verdict.unproven.push_back(misread);
        return;
      }
      const std::vector<OverlayLayer> left = contents_.Layers(left_below);
      const std::vector<OverlayLayer> right = contents_.Layers(right_below);
      FileSystemDiff files = CompareFileSystems(contents_.paths(), left, right, options_.files);
      // What differs below a layer that nobody can look into may be hidden by it.
      if (top == 0 || files.num_differences == 0) {
        verdict.files = std::move(files);
        return;
      }
    }
    ForEachLayer(left_, pair.left, [&](LayerIndex l) { AddUnknown(left_, l, verdict); });
    ForEachLayer(right_, pair.right, [&](LayerIndex l) { AddUnknown(right_, l, verdict); });
  }

  bool AreKnown(std::span<const LayerIndex> joint_chain) const {
    return std::ranges::all_of(joint_chain, [&](LayerIndex j) { return contents_.IsKnown(j); });
  }

  // Why what is known of a layer does not hold where the chain has it; empty where it does.
  std::string FindMisread(std::span<const LayerIndex> joint_chain) const {
    const std::optional<std::size_t> place = contents_.FindMisread(joint_chain);
    if (!place) return "";
    return fmt::format(
        "layer {}: the lowest of one image and not of another, and means something else there; "
        "compare the images one by one",
        FormatDigest(contents_.inventory(joint_chain[*place]).layer));
  }

  // What an image that is left out is found by.
  static std::string LeftOutKey(std::string_view ref, std::string_view manifest_digest) {
    return ref.empty() ? std::string(manifest_digest) : CanonicalRef(ref);
  }

  // Why an image is not on the right, as the right side says, if it says so of all its refs.
  std::optional<std::string> FindLeftOut(const UnpairedImage& unpaired) const {
    const std::string digest =
        left_.fleet.digest_text(left_.fleet.images[unpaired.image].identity, false);
    const auto find = [&](std::string_view ref) -> const ExcusedImage* {
      const auto [first, last] = left_out_.equal_range(LeftOutKey(ref, digest));
      for (auto found = first; found != last; ++found) {
        const std::string& told = found->second->manifest_digest;
        if (told.empty() || told == digest) return found->second;
      }
      return nullptr;
    };
    const std::vector<std::string> refs =
        unpaired.refs.empty() ? std::vector<std::string>{""} : unpaired.refs;
    std::string why;
    for (const std::string& ref : refs) {
      const ExcusedImage* found = find(ref);
      if (found == nullptr) found = find(WithoutRepository(ref, left_.repositories));
      if (found == nullptr) return std::nullopt;
      why = found->why;
    }
    return why;
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
    const bool is_left = &side == &left_;
    const std::vector<LayerIndex> joint =
        is_left ? contents_.ChainOfLeft({&l, 1}) : contents_.ChainOfRight({&l, 1});
    if (contents_.IsKnown(joint.front())) return;
    // What was not to be scanned here is in the other chain, where it is told.
    const SideLayers& to_read = is_left ? paired_.left : paired_.right;
    if (!std::ranges::binary_search(to_read.scan, l)) return;
    const SideReading& reading = is_left ? readings_.left : readings_.right;
    if (!reading.blob_problems[l].empty()) return;  // told already
    const LayerScan& scan = reading.scan.layers[l];
    switch (scan.outcome) {
      case LayerOutcome::kNoBlob:
        return AddProblem(side, l, NoBlobProblem(), verdict);
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
  std::string NoBlobProblem() const {
    return options_.trusts_store ? "no source has the blob, and no inventory is known"
                                 : "no source has the blob";
  }
  std::string_view SideName(const VerifySide& side) const {
    return &side == &left_ ? "on the left" : "on the right";
  }

  void CompareConfigsOf(const ImagePair& pair, std::span<const LayerIndex> left_chain,
                        std::span<const LayerIndex> right_chain, ImageVerdict& verdict) const {
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
      CheckLeftDiffIds(left_config.text, left_chain, verdict);
    } catch (const InputError& error) {
      verdict.unproven.push_back(fmt::format("config: {}", error.what()));
    }
  }

  // What the config on the right calls its layers must be what they are: runtimes refuse it else.
  void CompareDiffIds(std::string_view left_config, std::string_view right_config,
                      std::span<const LayerIndex> right_chain, ImageVerdict& verdict) const {
    for (const GoReader reader : {GoReader::kContainerd, GoReader::kDocker}) {
      const std::vector<std::string> ids = DiffIdTexts(right_config, reader);
      if (ids.empty() && DiffIdTexts(left_config, reader).empty()) continue;
      const std::size_t num_before = verdict.config.size();
      CompareDiffIds(ids, right_chain, verdict);
      if (verdict.config.size() > num_before) return;
    }
  }

  void CompareDiffIds(const std::vector<std::string>& ids, std::span<const LayerIndex> right_chain,
                      ImageVerdict& verdict) const {
    if (ids.size() != right_chain.size()) {
      verdict.config.push_back({.pointer = "/rootfs/diff_ids",
                                .left = fmt::format("{} layers", right_chain.size()),
                                .right = fmt::format("{} diff_ids", ids.size())});
      return;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::optional<std::string> found = DiffIdOf(right_chain[i]);
      if (!found || *found == ids[i]) continue;
      verdict.config.push_back({.pointer = fmt::format("/rootfs/diff_ids/{}", i),
                                .left = fmt::format("a layer with diff_id {}", *found),
                                .right = ids[i]});
    }
  }

  // Of what was read on the left.
  void CheckLeftDiffIds(std::string_view config, std::span<const LayerIndex> left_chain,
                        ImageVerdict& verdict) const {
    const std::vector<std::string> ids = DiffIdTexts(config);
    for (std::size_t i = 0; i < std::min(ids.size(), left_chain.size()); ++i) {
      const std::optional<std::string> found = DiffIdOf(left_chain[i]);
      if (!found || *found == ids[i]) continue;
      verdict.unproven.push_back(
          fmt::format("config on the left: /rootfs/diff_ids/{}: expected a layer with diff_id {}, "
                      "found {}",
                      i, ids[i], *found));
    }
  }

  std::optional<std::string> DiffIdOf(LayerIndex joint) const {
    if (!contents_.IsKnown(joint)) return std::nullopt;
    return FormatDigest(contents_.inventory(joint).diff_id);
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
    FindBadBlobs(right_, readings_.right, right, image);
    if (!image.unproven.empty()) image.verdict = Verdict::kUnproven;
  }

  void Sum(VerifyReport& report) const {
    for (const ImageVerdict& image : report.images) {
      ++report.counts[static_cast<std::size_t>(image.verdict)];
      if (image.verdict == Verdict::kSame && image.has_same_layers) ++report.num_same_layers;
      report.num_paths += image.files.num_paths;
      report.file_bytes = CheckedAdd(report.file_bytes, image.files.file_bytes);
    }
    for (const SideReading* const reading : {&readings_.left, &readings_.right}) {
      report.num_blobs_read += reading->num_blobs_read;
      report.blob_bytes_read = CheckedAdd(report.blob_bytes_read, reading->bytes_read);
      report.num_trusted += reading->num_trusted;
    }
  }

  const VerifySide& left_;
  const VerifySide& right_;
  PairedSides paired_;
  const VerifyReadings& readings_;
  const VerifyOptions& options_;
  JointContents contents_;
  std::multimap<std::string, const ExcusedImage*> left_out_;  // by LeftOutKey
};

}  // namespace

PairedSides PairSides(const VerifySide& left, const VerifySide& right,
                      const VerifyOptions& options) {
  const std::vector<ConfigPrints> left_prints = PrintsOf(left, options.jobs);
  const std::vector<ConfigPrints> right_prints = PrintsOf(right, options.jobs);
  PairedSides paired;
  paired.pairs =
      PairImages({left.fleet, Fingerprints(left_prints), left.repositories},
                 {right.fleet, Fingerprints(right_prints), right.repositories}, options.pair_by);
  if (options.reads_all || options.trusts_store) {
    paired.left.scan = ReadingList::All(left.fleet);
    if (options.reads_all) paired.left.check = paired.left.scan;
    paired.right.scan = ReadingList::All(right.fleet);
    paired.right.check = paired.right.scan;
    return paired;
  }
  ReadingList list(left.fleet, right.fleet);
  for (const ImagePair& pair : paired.pairs.pairs) {
    const ConfigPrints& a = left_prints[pair.left];
    const ConfigPrints& b = right_prints[pair.right];
    list.Add(pair, !a.is_read || !b.is_read || a.diff_ids != b.diff_ids);
  }
  paired.left = list.Left();
  paired.right = list.Right();
  return paired;
}

VerifyReport VerifyFleets(
    const VerifySide& left, const VerifySide& right, PairedSides paired,
    const VerifyReadings& readings, const InventoryStore& store, const VerifyOptions& options,
    const std::function<void(std::size_t done, std::size_t total)>& on_progress) {
  return FleetVerification(left, right, std::move(paired), readings, store, options)
      .Run(on_progress);
}

}  // namespace gneiss
