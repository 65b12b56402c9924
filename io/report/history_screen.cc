#include "io/report/history_screen.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "io/report/format.h"
#include "io/report/instruction.h"
#include "io/report/json_writer.h"
#include "io/report/screen_text.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxInstructionWidth = 400;  // the table cuts it to the screen

std::string WhatMade(const Fleet& fleet, LayerIndex layer) {
  std::string text =
      PrettyInstruction(fleet.text(fleet.layers[layer].created_by), kMaxInstructionWidth);
  return text.empty() ? fleet.digest_text(fleet.layers[layer]) : text;
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
    total += fleet.layers[row.layer].size;
    exclusive += row.exclusive_bytes;
    shadowed += row.shadowed_bytes;
    needless += row.needless_bytes;
    complete = complete && row.contents_known;
  }
  out << Bold(fmt::format("{}: {}, {}; {} in no other image, {} shadowed",
                          Printable(fleet.name(image)),
                          FormatCounted(static_cast<std::int64_t>(history.rows.size()), "layer"),
                          size(total), size(exclusive), size(shadowed)),
              style)
      << '\n';
  if (image.platform != 0 || image.created != 0) {
    out << fmt::format("{}{}{}\n", Printable(fleet.text(image.platform)),
                       image.platform != 0 && image.created != 0 ? ", built " : "",
                       Printable(fleet.text(image.created)));
  }
  if (!complete) out << "contents of some layers are not known (`gneiss scan` adds them)\n";
  out << Dim(fmt::format("sizes are compressed, but for unpacked; {}", UnitsNote(style.units)),
             style)
      << "\n\n";
  Table table({{""},
               {"size"},
               {"unpacked"},
               {"shadowed"},
               {"not needed"},
               {"images"},
               {"exclusive"},
               {"instruction", Align::kLeft}});
  for (std::size_t r = 0; r < history.rows.size(); ++r) {
    const HistoryRow& row = history.rows[r];
    const auto known = [&](const std::string& text) { return row.contents_known ? text : "?"; };
    table.AddRow({FormatCount(static_cast<std::int64_t>(r) + 1), size(fleet.layers[row.layer].size),
                  known(size(row.file_bytes)), known(size(row.shadowed_bytes)),
                  known(size(row.needless_bytes)), FormatCount(row.num_images),
                  size(row.exclusive_bytes), WhatMade(fleet, row.layer)});
  }
  table.AddTotal(
      {"", size(total), "", size(shadowed), size(needless), "", size(exclusive), "TOTAL"});
  table.Print(style, out);

  out << '\n' << Bold("largest paths", style) << '\n';
  const std::size_t columns = std::max<std::size_t>(60, style.width == 0 ? 100 : style.width) - 28;
  for (std::size_t r = 0; r < history.rows.size(); ++r) {
    const HistoryRow& row = history.rows[r];
    const auto& inventory = contents.inventories[row.layer];
    for (std::size_t k = 0; inventory && k < std::min<std::size_t>(3, row.examples.size()); ++k) {
      const Entry& entry = inventory->entries[row.examples[k]];
      const std::string label = k == 0 ? fmt::format("layer {}", r + 1) : "";
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
  json.Field("platform", fleet.text(image.platform));
  json.Field("created", fleet.text(image.created));
  json.Key("layers");
  json.BeginArray();
  for (const HistoryRow& row : history.rows) {
    const Layer& layer = fleet.layers[row.layer];
    Json item = {
        {"digest", fleet.digest_text(layer)},         {"size", layer.size},
        {"created_by", fleet.text(layer.created_by)}, {"images", row.num_images},
        {"repositories", row.num_repositories},       {"exclusive_bytes", row.exclusive_bytes},
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
