// The common bases that a fleet has already, and drift: images that stand on an older or
// recompressed version of a base of their own lineage (design.md 5.2, first cut, from manifests).
// Which bases to keep is not decided here; what each finding saves is counted exactly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/audit.h"
#include "planner/cost_model.h"
#include "planner/fleet.h"
#include "planner/recommendation.h"
#include "planner/today.h"

namespace gneiss {

// A chain prefix that is an image with others above it, or where chains part.
struct CommonBase {
  NodeIndex node = 0;  // in the trie of the whole fleet
  std::uint32_t num_layers = 0;
  Bytes size = 0;                    // of the whole prefix
  std::string name;                  // its first ref, else the digest of its last layer
  std::vector<ImageIndex> versions;  // images that are exactly this prefix; empty for a fork
  std::int64_t num_images = 0;       // that stand on it, itself included
  std::int64_t num_repositories = 0;
  Bytes saves_storage_bytes =
      0;  // against each image storing what this base adds to the base below it
};

// How we know that two chains are versions of one base.
enum class LineageSign {
  kTwin,              // equal diff_ids, other digests: the same files, compressed again
  kBaseName,          // org.opencontainers.image.base.name of the images that move
  kTagHistory,        // one tag named both manifests
  kFirstInstruction,  // equal first instruction, sizes within 10 %: a weak sign
};

// Images that would move from one version of a base to another.
struct Drift {
  LineageSign sign = LineageSign::kTwin;
  std::string lineage;           // base name, tag, or instruction as the history has it
  std::vector<LayerIndex> from;  // the prefix they stand on
  std::vector<LayerIndex> to;    // the prefix to move to
  std::string from_name;         // ref, or digest of its last layer
  std::string to_name;
  std::vector<ImageIndex> images;  // sorted
  Bytes saves_storage_bytes = 0;   // by this move alone, upper layers unchanged
  Bytes saves_transfer_bytes = 0;
  Bytes saves_cost = 0;

  bool weak() const { return sign == LineageSign::kFirstInstruction; }
  bool worth_moving() const { return !weak() && saves_cost > 0; }
};

struct BasesReport {
  std::vector<CommonBase> bases;  // largest saving first
  std::vector<Drift>
      drift;  // largest saving first, weak signs last, and those only where moving saves
  // All drift worth moving, together (an image moves once, by its first finding).
  std::int64_t num_moved_images = 0;
  LayoutCost current;
  LayoutCost moved;
};

// Finds both. Every drift's saving is the difference of two audits, or an exact difference over the
// blobs it touches, which the joint audit checks. Throws InputError on overflow. REQUIRES: `today`
// is made with `model`.
[[nodiscard]] BasesReport FindBases(const Fleet& fleet, const CostModel& model, const Today& today);

// The drift whose end saves something as recommendations, "B1" first.
[[nodiscard]] std::vector<Recommendation> RecommendMoves(const BasesReport& report);

}  // namespace gneiss
