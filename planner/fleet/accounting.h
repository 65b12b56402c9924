// What a fleet holds and who pays for it (design.md 3). Exact, in bytes; every table adds up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/fleet/sharing_graph.h"

namespace gneiss {

// The share of an image, or of a group of them, in what storage holds.
// size == exclusive + shared, a digest counted once per image and cell.
struct Account {
  Bytes size = 0;          // bytes of its blobs; of an image in several cells, of all its copies
  Bytes exclusive = 0;     // what deleting it, and nothing else, would free
  Bytes shared = 0;        // held by others too
  Bytes proportional = 0;  // each blob split evenly over its images; sums to physical to the byte
};

struct GroupAccount {
  std::string name;
  std::int64_t num_images = 0;  // an image in two groups counts in both
  Bytes logical = 0;            // sum of the sizes of its images, one copy of each
  Account account;              // of the group as one: `size` is what it would hold alone;
                                // `exclusive` what goes when all its refs go, which leaves images
                                // that are in other groups too where they are
};

// The figures of design.md 7, gneiss.stat/1.
struct FleetTotals {
  std::int64_t images = 0;
  std::int64_t refs = 0;
  std::int64_t layers = 0;            // distinct digests
  std::int64_t layer_references = 0;  // positions in all manifests
  std::int64_t single_image_layers = 0;
  std::int64_t max_layers = 0;
  double mean_layers = 0;
  Bytes logical_bytes = 0;    // sum over images, a layer as often as the manifest lists it; with
                              // configs and manifests unless the graph has layers only
  Bytes repeated_bytes = 0;   // of that, repeats within one manifest
  Bytes physical_bytes = 0;   // distinct blobs per scope cell
  Bytes layer_bytes = 0;      // of physical: layers
  Bytes config_bytes = 0;     // of physical: configs whose size is known
  Bytes manifest_bytes = 0;   // of physical: manifests whose size is known
  Bytes foreign_bytes = 0;    // layers with urls: stored elsewhere, in no other figure but layers
  std::int64_t diff_ids = 0;  // distinct, where known
  std::int64_t twin_layers = 0;  // layers whose diff_id another digest has too
  Bytes twin_bytes = 0;         // what keeping one blob per diff_id would free (the smallest stays)
  std::int64_t components = 0;  // of the sharing graph
  std::int64_t largest_component_images = 0;
};

struct Accounting {
  FleetTotals totals;
  std::vector<Account> images;  // per image; proportional sums to physical_bytes
  std::vector<Bytes> logical;   // per image: size of one copy, a repeated digest once; sums to
                                // logical_bytes - repeated_bytes
};

// Accounts for every image. Throws InputError when a sum leaves int64. Time O(edges log images).
[[nodiscard]] Accounting AccountFor(const Fleet& fleet, const SharingGraph& sharing);

// The same for groups of images; proportional sums to physical_bytes (an image in several groups of
// one cell is split evenly between them). Sorted by proportional, largest first, then by name.
// REQUIRES: `placements` are those of the sharing graph's cells and of `groups`.
[[nodiscard]] std::vector<GroupAccount> AccountForGroups(const SharingGraph& sharing,
                                                         const Accounting& accounting,
                                                         const ImageGroups& groups,
                                                         const Placements& placements);

// Exact bytes freed by deleting all of `images` (each once) together.
[[nodiscard]] Bytes FreedBy(const SharingGraph& sharing, const std::vector<ImageIndex>& images);

// Splits `total` in proportion to whole[i] + fraction[i] by largest remainder: returns whole
// numbers that sum to `total`. REQUIRES: total - sum of whole is the sum of the fractions, up to
// rounding.
[[nodiscard]] std::vector<Bytes> RoundShares(Bytes total, std::vector<Bytes> whole,
                                             const std::vector<double>& fraction);

}  // namespace gneiss
