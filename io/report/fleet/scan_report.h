// What a scan of a fleet's layers came to, as figures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "io/scan/scan_fleet.h"
#include "io/text/table.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Layers of one outcome, or all.
struct ScanTotals {
  std::int64_t layers = 0;
  Bytes blob_bytes = 0;  // compressed, as the fleet says
  Bytes tar_bytes = 0;
  std::int64_t entries = 0;
  Bytes store_bytes = 0;
};

// A layer that needs a word: bad, no tar, or without a blob.
struct ScanNote {
  LayerIndex layer = 0;
  ImageIndex image = 0;         // the first that has it
  std::int64_t num_images = 0;  // that have it
};

// One kind of oddity over all layers.
struct ScanOddity {
  std::string kind;
  std::int64_t count = 0;
  std::int64_t num_layers = 0;
  LayerIndex layer = 0;  // the first in the fleet's order
  std::string where;     // the first in that layer: a path, or "byte N"
};

struct ScanReport {
  std::array<ScanTotals, kNumLayerOutcomes> outcomes;  // by LayerOutcome
  ScanTotals all;
  Bytes bytes_read = 0;              // blobs read in this run, to their end
  Bytes bytes_unpacked = 0;          // of tars among them
  std::vector<ScanOddity> oddities;  // accepted in this run or before, sorted by kind
  std::int64_t num_damaged = 0;      // files of the store that were damaged
  std::string first_damage;
  std::int64_t num_doubted = 0;  // that others could have written, and that are not believed
  std::string first_doubt;
  std::int64_t num_trusted = 0;      // the same, but believed
  Belief belief = Belief::kUnknown;  // the least sure of all that is known
  std::vector<ScanNote> bad;         // in the fleet's order, as the next two
  std::vector<ScanNote> not_tars;
  std::vector<ScanNote> no_blobs;

  const ScanTotals& of(LayerOutcome outcome) const {
    return outcomes[static_cast<std::size_t>(outcome)];
  }
};

// REQUIRES: `scan` is one of `fleet`.
[[nodiscard]] ScanReport MakeScanReport(const Fleet& fleet, const FleetScan& scan);

// The report of a scan as text and as JSON.

// A table of outcomes, then lists, each of at most `max_rows` lines (0: all): kinds of oddities
// that were accepted, with the first place of each; bad layers, layers that are no tar, layers
// without a blob, each with its digest, an image that has it, the instruction that made it, and
// what is wrong and where.
void PrintScan(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
               const ScreenStyle& style, std::size_t max_rows, std::ostream& out);

// Schema "gneiss.scan/1": the same with raw integers, every layer that was left out, in
// "inventories" a row for each layer with its packages and its os-release, and in "warnings" a row
// for each layer and kind of oddity.
void WriteScanJson(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
                   std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
