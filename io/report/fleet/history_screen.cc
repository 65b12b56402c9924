#include "io/report/fleet/history_screen.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "io/json/json_writer.h"
#include "io/report/fleet/instruction.h"
#include "io/report/fleet/merge_warnings.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxInstructionWidth = 400;  // the table cuts it to the screen

std::string WhatMade(const Fleet& fleet, const HistoryRow& row) {
  std::string text = PrettyInstruction(fleet.text(row.created_by), kMaxInstructionWidth);
  if (text.empty() && row.layer != kNone) text = fleet.digest_text(fleet.layers[row.layer]);
  return row.is_again ? text + " (again)" : text;
}

}  // namespace

void PrintHistory(const Fleet& fleet, const LayerContents& contents, const ImageHistory& history,
                  const ScreenStyle& style, std::ostream& out) {
  const Image& image = fleet.images[history.image];
  const auto size = [&](Bytes bytes) { return FormatBytes(bytes, style.units); };
  Bytes total = 0;
  Bytes exclusive = 0;
  Bytes shadowed = 0;
  Bytes needless = 0;
  bool complete = true;
  for (const HistoryRow& row : history.rows) {
    if (row.layer == kNone || row.is_again) continue;
    total += fleet.layers[row.layer].size;
    exclusive += row.exclusive_bytes;
    shadowed += row.shadowed_bytes;
    needless += row.needless_bytes;
    complete = complete && row.contents_known;
  }
  out << Bold(
             fmt::format("{}: {}, {}; {} in no other image, {} shadowed",
                         Printable(fleet.name(image)), FormatCounted(history.num_layers(), "layer"),
                         size(total), size(exclusive), complete ? size(shadowed) : "?"),
             style)
      << '\n';
  if (image.platform != 0 || image.created != 0) {
    out << fmt::format("{}{}{}\n", Printable(fleet.text(image.platform)),
                       image.platform != 0 && image.created != 0 ? ", built " : "",
                       Printable(fleet.text(image.created)));
  }
  if (const std::string_view word = OnWhoseWord(contents.belief); !word.empty()) {
    out << "contents known" << word << '\n';
  }
  if (!complete) out << "contents of some layers are not known (`gneiss scan` says why)\n";
  if (history.is_windows) {
    out << "of Windows: nothing counts as shadowed, as registry hives are deltas that the runtime "
           "merges\n";
  }
  if (history.num_told_layers >= 0) {
    out << fmt::format("the config's history tells of {}, so no layer has an instruction\n",
                       FormatCounted(history.num_told_layers, "layer"));
  }
  out << Dim(WrapText("",
                      fmt::format("base first; sizes are compressed, but for unpacked; shadowed: "
                                  "hidden in this image; not needed: waste in the whole fleet; {}",
                                  UnitsNote(style.units)),
                      style.width),
             style)
      << '\n';
  Table table({{""},
               {"size"},
               {"unpacked"},
               {"shadowed"},
               {"not needed"},
               {"images"},
               {"exclusive"},
               {"instruction", Align::kLeft}});
  for (const HistoryRow& row : history.rows) {
    if (row.layer == kNone) {
      table.AddRow({"", "0 B", "", "", "", "", "", WhatMade(fleet, row)});
      continue;
    }
    const auto known = [&](const std::string& text) { return row.contents_known ? text : "?"; };
    table.AddRow({FormatCount(row.position), size(fleet.layers[row.layer].size),
                  known(size(row.file_bytes)), known(size(row.shadowed_bytes)),
                  known(size(row.needless_bytes)), FormatCount(row.num_images),
                  size(row.exclusive_bytes), WhatMade(fleet, row)});
  }
  table.AddTotal({"", size(total), "", complete ? size(shadowed) : "?",
                  complete ? size(needless) : "?", "", size(exclusive), "TOTAL"});
  table.Print(style, out);

  const bool any_known = std::ranges::any_of(history.rows, &HistoryRow::contents_known);
  if (any_known) out << '\n' << Bold("largest paths", style) << '\n';
  const std::size_t columns = std::max<std::size_t>(60, style.width == 0 ? 100 : style.width) - 28;
  for (const HistoryRow& row : history.rows) {
    if (row.layer == kNone || row.is_again) continue;
    const auto& inventory = contents.inventories[row.layer];
    for (std::size_t k = 0; inventory && k < std::min<std::size_t>(3, row.examples.size()); ++k) {
      const Entry& entry = inventory->entries[row.examples[k]];
      const std::string label = k == 0 ? fmt::format("layer {}", row.position) : "";
      out << fmt::format("{:<10} {:>10}  {}\n", label, size(entry.blob_bytes),
                         CutMiddle(Printable(inventory->path(entry)), columns));
    }
  }
}

void WriteHistoryJson(const Fleet& fleet, const LayerContents& contents,
                      const ImageHistory& history, std::ostream& out) {
  const Image& image = fleet.images[history.image];
  Json refs = Json::array();
  for (const TextIndex ref : fleet.refs_of(image)) refs.push_back(fleet.text(ref));
  JsonWriter json(out);
  json.BeginObject();
  json.Field("schema", "gneiss.history/1");
  json.Field("name", fleet.name(image));
  json.Field("refs", refs);
  if (image.has_manifest_digest) {
    json.Field("manifest_digest", fleet.digest_text(image.identity, false));
  }
  if (image.has_config) json.Field("config_digest", FormatDigest(image.config_digest));
  json.Field("platform", fleet.text(image.platform));
  json.Field("created", fleet.text(image.created));
  json.Field("store", BeliefName(contents.belief));
  if (history.is_windows) json.Field("windows", true);
  json.Key("steps");
  json.BeginArray();
  for (const HistoryRow& row : history.rows) {
    Json step = {{"created_by", fleet.text(row.created_by)}, {"created", fleet.text(row.created)}};
    if (row.layer != kNone) step["layer"] = row.position;
    json.Value(step);
  }
  json.EndArray();
  json.Key("layers");
  json.BeginArray();
  for (const HistoryRow& row : history.rows) {
    if (row.layer == kNone) continue;
    const Layer& layer = fleet.layers[row.layer];
    Json item = {
        {"digest", fleet.digest_text(layer)},       {"size", layer.size},
        {"created_by", fleet.text(row.created_by)}, {"images", row.num_images},
        {"repositories", row.num_repositories},     {"exclusive_bytes", row.exclusive_bytes},
        {"contents_known", row.contents_known}};
    if (const auto& inventory = contents.inventories[row.layer]; inventory) {
      item["entries"] = row.num_entries;
      item["file_bytes"] = row.file_bytes;
      item["shadowed_bytes"] = row.shadowed_bytes;
      item["shadowed_entries"] = row.num_shadowed;
      item["needless_bytes"] = row.needless_bytes;
      Json largest = Json::array();
      for (const std::uint32_t e : row.examples) {
        const Entry& entry = inventory->entries[e];
        largest.push_back({{"path", inventory->path(entry)},
                           {"type", EntryTypeName(entry.type)},
                           {"size", entry.size},
                           {"blob_bytes", entry.blob_bytes}});
      }
      item["largest"] = std::move(largest);
    }
    json.Value(item);
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
