#include "io/report/fleet/scan_report.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

void AddLayer(const Layer& layer, const LayerScan& scan, ScanTotals& totals) {
  ++totals.layers;
  totals.blob_bytes = CheckedAdd(totals.blob_bytes, layer.size);
  totals.tar_bytes = CheckedAdd(totals.tar_bytes, scan.tar_size);
  totals.entries += scan.num_entries;
  totals.store_bytes = CheckedAdd(totals.store_bytes, scan.file_bytes);
}

// Which images have the layers that need a word.
void FindImages(const Fleet& fleet, std::vector<ScanNote*> notes) {
  std::vector<ScanNote*> note_of(fleet.layers.size(), nullptr);
  for (ScanNote* const note : notes) note_of[note->layer] = note;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const std::span<const LayerIndex> chain = fleet.chain(fleet.images[i]);
    for (auto layer = chain.begin(); layer != chain.end(); ++layer) {
      ScanNote* const note = note_of[*layer];
      // Once for an image that has a layer twice.
      if (note == nullptr || std::find(chain.begin(), layer, *layer) != layer) continue;
      if (note->num_images++ == 0) note->image = i;
    }
  }
}

}  // namespace

ScanReport MakeScanReport(const Fleet& fleet, const FleetScan& scan) {
  ScanReport report;
  std::map<std::string_view, ScanOddity> oddities;
  for (LayerIndex i = 0; i < fleet.layers.size(); ++i) {
    const Layer& layer = fleet.layers[i];
    const LayerScan& result = scan.layers[i];
    AddLayer(layer, result, report.outcomes[static_cast<std::size_t>(result.outcome)]);
    AddLayer(layer, result, report.all);
    if (result.was_read) {
      report.bytes_read = CheckedAdd(report.bytes_read, layer.size);
      report.bytes_unpacked = CheckedAdd(report.bytes_unpacked, result.tar_size);
    }
    for (const InventoryWarning& warning : result.warnings) {
      ScanOddity& oddity = oddities[warning.kind];
      if (oddity.num_layers++ == 0) {
        oddity.kind = warning.kind;
        oddity.layer = i;
        oddity.where = warning.first;
      }
      oddity.count += warning.count;
    }
    if (!result.damage.empty() && report.num_damaged++ == 0) report.first_damage = result.damage;
    if (!result.doubt.empty() && report.num_doubted++ == 0) report.first_doubt = result.doubt;
    if (result.belief == Belief::kTrusted) ++report.num_trusted;
    if (result.outcome != LayerOutcome::kBad) {
      report.belief = std::max(report.belief, result.belief);
    }
    const ScanNote note{.layer = i};
    if (result.outcome == LayerOutcome::kBad) report.bad.push_back(note);
    if (result.outcome == LayerOutcome::kNotATar) report.not_tars.push_back(note);
    if (result.outcome == LayerOutcome::kNoBlob) report.no_blobs.push_back(note);
  }
  for (auto& [kind, oddity] : oddities) report.oddities.push_back(std::move(oddity));
  std::vector<ScanNote*> notes;
  for (auto* const list : {&report.bad, &report.not_tars, &report.no_blobs}) {
    for (ScanNote& note : *list) notes.push_back(&note);
  }
  FindImages(fleet, std::move(notes));
  return report;
}

}  // namespace gneiss
