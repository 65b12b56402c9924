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
#include <string_view>
#include <vector>

#include "io/apply/side_reading.h"
#include "io/json/go_json.h"
#include "io/source/layer_blobs.h"
#include "io/store/inventory_store.h"
#include "planner/contents/file_system_diff.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_pairs.h"

namespace gneiss {

// How two image configs differ: in what a container gets to see, or in all of it.

// `left` and `right` are JSON, or "nothing" where a side has no such member.
struct ConfigDifference {
  std::string pointer;  // RFC 6901: "/config/Env/0"
  std::string left;
  std::string right;

  friend bool operator==(const ConfigDifference&, const ConfigDifference&) = default;
};

enum class ConfigPart : std::uint8_t {
  // `config` (Env, Cmd, Entrypoint, ...) and the platform. Members of `config` and of its
  // Healthcheck that are absent, null, empty, false or 0 say the same to every runtime; but for a
  // StopTimeout of 0, which kills at once. Left out are members that no runtime takes from an
  // image, because they tell of the container that it was made in: Hostname, Domainname, Image,
  // MacAddress, NetworkDisabled, Attach*, Tty, OpenStdin, StdinOnce, and what docker once took of
  // limits (Memory, MemorySwap, CpuShares). Members that nobody knows are compared.
  kRuntime,
  kWhole,  // every member, rootfs, history and times included
};

// In the order of their pointers, which have the names as the specification spells them. Both texts
// are read as Go reads them (io/json/go_json.h), once as containerd does and once as docker does:
// what differs to one of them is a difference. Throws InputError, placed at the first text that is
// no config: not JSON, nested too deep, no object.
[[nodiscard]] std::vector<ConfigDifference> CompareConfigs(std::string_view left,
                                                           std::string_view right, ConfigPart part);

// What of a config stays when its layers are made anew: a hash of all but rootfs and history.
// Throws InputError as above.
[[nodiscard]] Digest ConfigFingerprint(std::string_view config);

// The diff_ids that a config gives its layers to one reader, as it writes them; empty when it gives
// none. Throws InputError as above.
[[nodiscard]] std::vector<std::string> DiffIdTexts(std::string_view config,
                                                   GoReader reader = GoReader::kContainerd);

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
