#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/instruction.h"
#include "io/report/fleet/scan_report.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kInstructionColumns = 60;
constexpr std::size_t kPlaceColumns = 80;

struct OutcomeName {
  LayerOutcome outcome;
  std::string_view name;
  std::string_view key;  // in JSON
};
constexpr std::array<OutcomeName, kNumLayerOutcomes> kOutcomes = {{
    {LayerOutcome::kScanned, "scanned", "scanned"},
    {LayerOutcome::kStored, "in the store", "stored"},
    {LayerOutcome::kNoBlob, "blob missing", "no_blob"},
    {LayerOutcome::kNotATar, "not a tar", "not_a_tar"},
    {LayerOutcome::kBad, "bad", "bad"},
}};

// Bytes of the store for each entry of the layers that have some.
std::string BytesPerEntry(const ScanTotals& totals) {
  if (totals.entries == 0) return "-";
  return FormatNumber(static_cast<double>(totals.store_bytes) /
                      static_cast<double>(totals.entries));
}

std::string DescribeNote(const Fleet& fleet, const FleetScan& scan, const ScanNote& note) {
  const Layer& layer = fleet.layers[note.layer];
  std::string text =
      fmt::format("{} of {}", fleet.digest_text(layer), fleet.name(fleet.images[note.image]));
  if (note.num_images > 1) {
    text += fmt::format(" and {}", FormatCounted(note.num_images - 1, "other image"));
  }
  const std::string instruction =
      PrettyInstruction(fleet.text(layer.created_by), kInstructionColumns);
  if (!instruction.empty()) text += fmt::format(" (`{}`)", instruction);
  const std::string& problem = scan.layers[note.layer].problem;
  return Printable(problem.empty() ? text : fmt::format("{}: {}", text, problem));
}

std::string DescribeOddity(const Fleet& fleet, const ScanOddity& oddity) {
  const std::string layer(ShortDigest(fleet.digest_text(fleet.layers[oddity.layer])));
  return Printable(fmt::format(
      "{}: {} in {}, first in {}: {}", oddity.kind, FormatCounted(oddity.count, "time"),
      FormatCounted(oddity.num_layers, "layer"), layer,
      oddity.where.empty() ? "the root" : CutMiddle(Printable(oddity.where), kPlaceColumns)));
}

// A headline and a line for each row, cut after `max_rows` (0: not).
template <typename Row, typename Describe>
void PrintList(std::string_view headline, const std::vector<Row>& rows, const Describe& describe,
               std::size_t max_rows, const ScreenStyle& style, std::ostream& out) {
  if (rows.empty()) return;
  out << '\n' << Bold(headline, style) << '\n';
  const std::size_t shown = max_rows == 0 ? rows.size() : std::min(max_rows, rows.size());
  for (std::size_t i = 0; i < shown; ++i) out << describe(rows[i]) << '\n';
  if (shown < rows.size()) {
    out << fmt::format("[{}]\n",
                       FormatCounted(static_cast<std::int64_t>(rows.size() - shown), "other"));
  }
}

void WriteTotals(const ScanTotals& totals, JsonWriter& json) {
  json.Value(Json{{"layers", totals.layers},
                  {"blob_bytes", totals.blob_bytes},
                  {"tar_bytes", totals.tar_bytes},
                  {"entries", totals.entries},
                  {"store_bytes", totals.store_bytes}});
}

void WriteNotes(std::string_view key, std::string_view problem_key, const Fleet& fleet,
                const FleetScan& scan, const std::vector<ScanNote>& notes, JsonWriter& json) {
  json.Key(key);
  json.BeginArray();
  for (const ScanNote& note : notes) {
    const Layer& layer = fleet.layers[note.layer];
    Json row = {{"digest", fleet.digest_text(layer)},
                {"size", layer.size},
                {"image", fleet.name(fleet.images[note.image])},
                {"images", note.num_images}};
    if (layer.created_by != 0) row["created_by"] = fleet.text(layer.created_by);
    if (!problem_key.empty()) row[std::string(problem_key)] = scan.layers[note.layer].problem;
    json.Value(row);
  }
  json.EndArray();
}

// A row for each layer that has an inventory.
void WriteInventories(const Fleet& fleet, const FleetScan& scan, JsonWriter& json) {
  json.Key("inventories");
  json.BeginArray();
  for (LayerIndex i = 0; i < scan.layers.size(); ++i) {
    const LayerScan& layer = scan.layers[i];
    if (layer.outcome != LayerOutcome::kScanned && layer.outcome != LayerOutcome::kStored) continue;
    Json row = {{"layer", fleet.digest_text(fleet.layers[i])},
                {"entries", layer.num_entries},
                {"packages", layer.num_packages}};
    if (!layer.os_release.empty()) {
      row["os_release"] = {{"id", layer.os_release.id},
                           {"version_id", layer.os_release.version_id},
                           {"version_codename", layer.os_release.codename}};
    }
    json.Value(row);
  }
  json.EndArray();
}

void WriteWarnings(const Fleet& fleet, const FleetScan& scan, JsonWriter& json) {
  json.Key("warnings");
  json.BeginArray();
  for (LayerIndex i = 0; i < scan.layers.size(); ++i) {
    for (const InventoryWarning& warning : scan.layers[i].warnings) {
      json.Value(Json{{"kind", warning.kind},
                      {"count", warning.count},
                      {"layer", fleet.digest_text(fleet.layers[i])},
                      {"where", warning.first}});
    }
  }
  json.EndArray();
}

}  // namespace

void PrintScan(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
               const ScreenStyle& style, std::size_t max_rows, std::ostream& out) {
  const auto size = [&](Bytes bytes) { return FormatBytes(bytes, style.units); };
  const auto cells = [&](std::string_view name, const ScanTotals& totals) {
    return std::vector<std::string>{std::string(name),           FormatCount(totals.layers),
                                    size(totals.blob_bytes),     size(totals.tar_bytes),
                                    FormatCount(totals.entries), size(totals.store_bytes)};
  };
  Table table({{.header = "layers", .align = Align::kLeft},
               {.header = "number"},
               {.header = "blobs"},
               {.header = "unpacked"},
               {.header = "entries"},
               {.header = "inventories"}});
  for (const OutcomeName& outcome : kOutcomes) {
    table.AddRow(cells(outcome.name, report.of(outcome.outcome)));
  }
  table.AddTotal(cells("TOTAL", report.all));
  table.Print(style, out);
  out << fmt::format("read {} of blobs, unpacked {}; {} bytes of inventory an entry\n",
                     size(report.bytes_read), size(report.bytes_unpacked),
                     BytesPerEntry(report.all));
  const auto print = [&](std::string_view headline, const auto& rows, const auto& describe) {
    PrintList(headline, rows, describe, max_rows, style, out);
  };
  const auto describe_note = [&](const ScanNote& note) { return DescribeNote(fleet, scan, note); };
  print("odd but accepted", report.oddities,
        [&](const ScanOddity& oddity) { return DescribeOddity(fleet, oddity); });
  print("no tar: nothing to know of their contents", report.not_tars, describe_note);
  print("no source has their blob: their contents stay unknown", report.no_blobs, describe_note);
  print("bad layers: their contents stay unknown", report.bad, describe_note);
}

void WriteScanJson(const Fleet& fleet, const FleetScan& scan, const ScanReport& report,
                   std::int64_t bad_images, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.scan/1");
  json.Field("images", fleet.images.size());
  json.Field("bad_images", bad_images);
  json.Key("layers");
  json.BeginObject();
  for (const OutcomeName& outcome : kOutcomes) {
    json.Key(outcome.key);
    WriteTotals(report.of(outcome.outcome), json);
  }
  json.Key("all");
  WriteTotals(report.all, json);
  json.EndObject();
  json.Field("bytes_read", report.bytes_read);
  json.Field("bytes_unpacked", report.bytes_unpacked);
  json.Field("damaged_inventories", report.num_damaged);
  json.Field("unbelieved_inventories", report.num_doubted);
  json.Field("store", BeliefName(report.belief));
  WriteInventories(fleet, scan, json);
  WriteWarnings(fleet, scan, json);
  WriteNotes("bad", "problem", fleet, scan, report.bad, json);
  WriteNotes("not_a_tar", "found", fleet, scan, report.not_tars, json);
  WriteNotes("no_blob", "", fleet, scan, report.no_blobs, json);
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
