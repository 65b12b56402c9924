// The proof that two fleets hold the same images: every pair of images compared by what their
// layers show (planner/contents/file_system_diff.h) and by their configs.
//
// What counts as proven. Contents are what this run read out of the blobs, each held against its
// digest; no inventory that a store, a layout or another run has takes part, unless the store is
// trusted on request. What both sides have under one digest at one place need not be read twice:
//   - Images of the same layers are equal by their digests, whether or not anybody can look into
//     those; the blobs of the right side, which will be used from now on, are read against them.
//   - A run of equal layers at the bottom of two chains is read on the right.
//   - Every other layer of an image is read from its blob on both sides. A digest that stands
//     elsewhere in the other chain is unpacked on the right, and on the left read against its
//     digest.
//   - A layer that nobody can look into does not stand in the way when it belongs to a run of equal
//     layers at the top of both chains, and what lies below that run shows the same.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/apply/config_diff.h"
#include "io/apply/left_out.h"
#include "io/apply/side_reading.h"
#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "planner/contents/file_system_diff.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_pairs.h"

namespace gneiss {

// One side of a comparison. What it refers to must outlive the calls.
struct VerifySide {
  const Fleet& fleet;
  const LayerBlobs& blobs;
  std::vector<std::string> repositories;  // as PairingSide has them
  // Images that could not be read are in no fleet: the other side's may be theirs.
  std::int64_t num_bad_images = 0;
  std::vector<ExcusedImage> left_out = {};  // of the right side
};

struct VerifyOptions {
  PairBy pair_by = PairBy::kRef;
  FileSystemDiffOptions files;
  ConfigPart config = ConfigPart::kRuntime;
  // Contents of layers that the store knows are taken from there, of either side.
  bool trusts_store = false;
  bool reads_all = false;  // every layer of both sides is scanned
  std::int64_t jobs = 1;
};

// Which images are to be compared, and what has to be read for it.
struct PairedSides {
  ImagePairs pairs;
  SideLayers left;
  SideLayers right;
};

// Reads the configs of both sides. Time O(images + layer references) and that.
[[nodiscard]] PairedSides PairSides(const VerifySide& left, const VerifySide& right,
                                    const VerifyOptions& options);

enum class Verdict : std::uint8_t {
  kSame,
  kDifferent,
  kUnproven,   // something could not be read, and what could is the same
  kOnlyLeft,   // no image of this name on the right
  kOnlyRight,  // nor on the left
  kNewBase,    // on the right, for images there: no difference
  kLeftOut,    // no image of this name on the right, which says so
};
inline constexpr std::size_t kNumVerdicts = 7;

struct ImageVerdict {
  Verdict verdict = Verdict::kSame;
  ImageIndex left = kNone;   // kNone: there is none
  ImageIndex right = kNone;  // the same
  std::vector<std::string> refs;
  bool has_same_layers = false;  // so their contents need no comparison
  FileSystemDiff files;
  std::vector<ConfigDifference> config;
  std::vector<std::string> unproven;  // what could not be read, or why it is left out, in words

  std::int64_t num_differences() const { return files.num_differences + std::ssize(config); }
};

struct VerifyReport {
  // Pairs by left image, then what is on the left only or left out, on the right only, new bases.
  std::vector<ImageVerdict> images;
  std::array<std::int64_t, kNumVerdicts> counts = {};
  std::int64_t num_same_layers = 0;  // images of kSame
  std::int64_t num_paths = 0;        // compared, over all pairs
  Bytes file_bytes = 0;              // of their files, likewise
  std::int64_t num_blobs_read = 0;   // in this run, of both sides
  Bytes blob_bytes_read = 0;
  std::int64_t num_trusted = 0;  // layers of both sides whose contents the store told

  std::int64_t count(Verdict verdict) const { return counts[static_cast<std::size_t>(verdict)]; }
  std::int64_t num_pairs() const {
    return count(Verdict::kSame) + count(Verdict::kDifferent) + count(Verdict::kUnproven);
  }
};

// What was read of each side; its inventories are moved from.
struct VerifyReadings {
  SideReading& left;
  SideReading& right;
};

// REQUIRES: `paired` is of these sides and options, and what it asks for was read. Inventories that
// no reading has are those of `store` when it is trusted. `on_progress` is called with the pairs
// done and their number, in the caller's thread, about ten times a second; may be empty. Throws
// InputError when sums of sizes leave int64. Time O(entries of all chains).
[[nodiscard]] VerifyReport VerifyFleets(
    const VerifySide& left, const VerifySide& right, PairedSides paired,
    const VerifyReadings& readings, const InventoryStore& store, const VerifyOptions& options,
    const std::function<void(std::size_t done, std::size_t total)>& on_progress = {});

}  // namespace gneiss
