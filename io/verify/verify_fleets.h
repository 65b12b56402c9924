// The proof that two fleets hold the same images: every pair of images compared by what their
// layers show (planner/file_system_diff.h) and by their configs.
//
// What counts as proven. Contents come from inventories, which say what a blob of some digest held
// when it was read; every blob of the right side is read against its digest in this run besides,
// because it is what will be used from now on. The left side, which it replaces, is held to its
// inventories. Images of the same layers are equal by their digests, whether or not anybody can
// look into those.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "io/verify/config_diff.h"
#include "io/verify/side_reading.h"
#include "planner/file_system_diff.h"
#include "planner/fleet.h"
#include "planner/image_pairs.h"

namespace gneiss {

// One side of a comparison. What it refers to must outlive the call.
struct VerifySide {
  const Fleet& fleet;
  const LayerBlobs& blobs;
  SideReading& reading;                   // its inventories are moved from
  std::vector<std::string> repositories;  // as PairingSide has them
  // Images that could not be read are in no fleet: the other side's may be theirs.
  std::int64_t num_bad_images = 0;
};

struct VerifyOptions {
  PairBy pair_by = PairBy::kRef;
  FileSystemDiffOptions files;
  ConfigPart config = ConfigPart::kRuntime;
  std::int64_t jobs = 1;
};

enum class Verdict : std::uint8_t {
  kSame,
  kDifferent,
  kUnproven,   // something could not be read, and what could is the same
  kOnlyLeft,   // no image of this name on the right
  kOnlyRight,  // nor on the left
  kNewBase,    // on the right, for images there: no difference
};
inline constexpr std::size_t kNumVerdicts = 6;

struct ImageVerdict {
  Verdict verdict = Verdict::kSame;
  ImageIndex left = kNone;   // kNone: there is none
  ImageIndex right = kNone;  // the same
  std::vector<std::string> refs;
  bool has_same_layers = false;  // so their contents need no comparison
  FileSystemDiff files;
  std::vector<ConfigDifference> config;
  std::vector<std::string> unproven;  // what could not be read, in words

  std::int64_t num_differences() const { return files.num_differences + std::ssize(config); }
};

struct VerifyReport {
  // Pairs by left image, then what is on the left only, on the right only, new bases.
  std::vector<ImageVerdict> images;
  std::array<std::int64_t, kNumVerdicts> counts = {};
  std::int64_t num_same_layers = 0;  // images of kSame
  std::int64_t num_paths = 0;        // compared, over all pairs
  Bytes file_bytes = 0;              // of their files, likewise
  std::int64_t num_blobs_read = 0;   // in this run, of both sides
  Bytes blob_bytes_read = 0;

  std::int64_t count(Verdict verdict) const { return counts[static_cast<std::size_t>(verdict)]; }
  std::int64_t num_pairs() const {
    return count(Verdict::kSame) + count(Verdict::kDifferent) + count(Verdict::kUnproven);
  }
};

// REQUIRES: the right side was read with check_blobs. Inventories that no reading has are those of
// `store`. `on_progress` is called with the pairs done and their number, in the caller's thread,
// about ten times a second; may be empty. Throws InputError when sums of sizes leave int64. Time
// O(entries of all chains).
[[nodiscard]] VerifyReport VerifyFleets(
    const VerifySide& left, const VerifySide& right, const InventoryStore& store,
    const VerifyOptions& options,
    const std::function<void(std::size_t done, std::size_t total)>& on_progress = {});

}  // namespace gneiss
