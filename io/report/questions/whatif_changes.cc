#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/questions/whatif.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

std::size_t RowsShown(const WhatifScreen& screen, std::size_t num_rows) {
  return screen.top == 0 ? num_rows : std::min(screen.top, num_rows);
}

Json MoveCostJson(const LayoutCost& cost) {
  return {{"cost", cost.cost},
          {"storage_bytes", cost.storage_bytes},
          {"transfer_bytes", cost.transfer_bytes},
          {"layer_references", cost.layer_references},
          {"layers_per_image", cost.layers_per_image},
          {"max_layers", cost.max_layers}};
}

void PrintCosts(const BaseMoves& moves, const ScreenStyle& style, std::ostream& out) {
  Table table(
      {{"layers only", Align::kLeft}, {"stored"}, {"moved"}, {"layers/image"}, {"most"}, {"cost"}});
  const auto add = [&](std::string name, const LayoutCost& cost) {
    table.AddRow({std::move(name), FormatBytes(cost.storage_bytes, style.units),
                  FormatBytes(cost.transfer_bytes, style.units),
                  FormatNumber(cost.layers_per_image), FormatCount(cost.max_layers),
                  FormatBytes(cost.cost, style.units)});
  };
  add("today", moves.before);
  add("after", moves.after);
  table.AddNote(
      {"change", FormatChange(moves.after.storage_bytes - moves.before.storage_bytes, style.units),
       FormatChange(moves.after.transfer_bytes - moves.before.transfer_bytes, style.units), "", "",
       FormatChange(moves.after.cost - moves.before.cost, style.units)});
  table.AddNote({"",
                 FormatChangePercent(moves.after.storage_bytes - moves.before.storage_bytes,
                                     moves.before.storage_bytes),
                 FormatChangePercent(moves.after.transfer_bytes - moves.before.transfer_bytes,
                                     moves.before.transfer_bytes),
                 "", "",
                 FormatChangePercent(moves.after.cost - moves.before.cost, moves.before.cost)});
  table.Print(style, out);
}

void PrintMovedImages(const Fleet& fleet, const BaseMoves& moves, const WhatifScreen& screen,
                      std::ostream& out) {
  Table table({{"layers"}, {"after"}, {"size"}, {"after"}, {"image", Align::kLeft}});
  const std::size_t shown = RowsShown(screen, moves.images.size());
  MovedImage total;
  MovedImage others;
  const auto add = [](MovedImage& sum, const MovedImage& image) {
    sum.layers_before += image.layers_before;
    sum.layers_after += image.layers_after;
    sum.before = CheckedAdd(sum.before, image.before);
    sum.after = CheckedAdd(sum.after, image.after);
  };
  const auto cells = [&](const MovedImage& image, std::string name) -> std::vector<std::string> {
    return {FormatCount(image.layers_before), FormatCount(image.layers_after),
            FormatBytes(image.before, screen.style.units),
            FormatBytes(image.after, screen.style.units), std::move(name)};
  };
  for (std::size_t r = 0; r < moves.images.size(); ++r) {
    add(total, moves.images[r]);
    if (r >= shown) add(others, moves.images[r]);
    if (r < shown)
      table.AddRow(cells(moves.images[r], NameWithPlatform(fleet, moves.images[r].image)));
  }
  if (shown < moves.images.size()) {
    table.AddNote(cells(
        others,
        fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(moves.images.size() - shown),
                                          "other"))));
  }
  table.AddTotal(cells(total, "TOTAL"));
  out << '\n';
  table.Print(screen.style, out);
}

Json NearestJson(const Fleet& fleet, ImageIndex image, Bytes bytes) {
  if (image == kNone) return nullptr;
  Json row = ImageJson(fleet, image);
  row["layer_bytes"] = bytes;
  return row;
}

// What a new image shares and with whom.
std::string DescribeNearest(const Fleet& fleet, const AddedImage& added, const ScreenStyle& style) {
  std::vector<std::string> parts;
  if (added.stands_on != kNone) {
    parts.push_back(fmt::format("stands on {} ({})", NameWithPlatform(fleet, added.stands_on),
                                SizeInWords(added.base, style)));
  } else if (added.could_stand_on != kNone) {
    parts.push_back(fmt::format(
        "stands on no image of the fleet; {} could be its base, as that of {}",
        NameWithPlatform(fleet, added.could_stand_on), FormatCounted(added.num_on_that, "image")));
  }
  if (added.shares_most_with == kNone) {
    parts.emplace_back("shares nothing with any image");
  } else if (added.shares_most_with != added.stands_on) {
    parts.push_back(fmt::format("shares most with {} ({})",
                                NameWithPlatform(fleet, added.shares_most_with),
                                SizeInWords(added.shared, style)));
  }
  if (added.twins > 0) {
    parts.push_back(fmt::format(
        "{} more are layers that the fleet has compressed otherwise: push those instead",
        SizeInWords(added.twins, style)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

void PrintBaseMoves(const WhatifQuestion& question, const CostModel& model, const BaseMoves& moves,
                    const WhatifScreen& screen, std::ostream& out) {
  const Fleet& fleet = *question.fleet;
  for (const BaseMove& move : moves.moves) {
    std::string line =
        fmt::format("{} from {} to {}",
                    FormatCounted(std::ssize(move.drift.images), "image moves", "images move"),
                    NameWithPlatform(fleet, move.pair.from), NameWithPlatform(fleet, move.pair.to));
    if (move.num_there > 0) {
      line +=
          fmt::format("; {} already", FormatCounted(move.num_there, "stands there", "stand there"));
    }
    out << Bold(line, screen.style) << '\n';
  }
  out << WrapText("their files change: ",
                  "what the new base has in other versions, and what the layers above expect of "
                  "the old one; build and test them anew",
                  screen.style.width);
  std::string model_lines =
      WrapText("model: ", fmt::format("{}; {}", model.Describe(), UnitsNote(screen.style.units)),
               screen.style.width);
  model_lines.pop_back();
  out << Dim(model_lines, screen.style) << "\n\n";
  PrintCosts(moves, screen.style, out);
  if (moves.freed_without_old > 0) {
    out << fmt::format("deleting the old {} as well frees {} more\n",
                       moves.moves.size() == 1 ? "base" : "bases",
                       SizeInWords(moves.freed_without_old, screen.style));
  } else {
    out << "deleting the old base as well frees no layer: other images hold them all\n";
  }
  PrintMovedImages(fleet, moves, screen, out);
  out << '\n'
      << WrapText("carry out: ",
                  "change FROM in their Dockerfiles, or `crane rebase --old_base ... --new_base "
                  "...`, which keeps the layers above",
                  screen.style.width);
}

void WriteBaseMovesJson(const WhatifQuestion& question, const CostModel& model,
                        const BaseMoves& moves, std::ostream& out) {
  const Fleet& fleet = *question.fleet;
  JsonWriter json(out);
  json.BeginObject();
  WriteWhatifHead(question, json);
  json.Field("model", model.Describe());
  json.Field("files_change", true);
  json.Field("before", MoveCostJson(moves.before));
  json.Field("after", MoveCostJson(moves.after));
  json.Field("freed_without_old_bytes", moves.freed_without_old);
  json.Key("moves");
  json.BeginArray();
  for (const BaseMove& move : moves.moves) {
    json.Value(Json{{"from", ImageJson(fleet, move.pair.from)},
                    {"to", ImageJson(fleet, move.pair.to)},
                    {"moved_images", move.drift.images.size()},
                    {"there_already", move.num_there}});
  }
  json.EndArray();
  json.Key("moved");
  json.BeginArray();
  for (const MovedImage& image : moves.images) {
    Json row = ImageJson(fleet, image.image);
    row["layers_before"] = image.layers_before;
    row["layers_after"] = image.layers_after;
    row["bytes_before"] = image.before;
    row["bytes_after"] = image.after;
    json.Value(row);
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

void PrintAddition(const WhatifQuestion& question, const Addition& addition,
                   const WhatifScreen& screen, std::ostream& out) {
  const Fleet& fleet = *question.fleet;
  Bytes size = 0;
  for (const AddedImage& image : addition.images) size = CheckedAdd(size, image.stored.size);
  const Bytes before = addition.deletion.stored - addition.deletion.freed();
  out << Bold(fmt::format("adding {} of {} stores {} more: {} become {}",
                          FormatCounted(std::ssize(addition.images), "image"),
                          SizeInWords(size, screen.style),
                          SizeInWords(addition.deletion.freed(), screen.style),
                          SizeInWords(before, screen.style),
                          SizeInWords(addition.deletion.stored, screen.style)),
              screen.style)
      << '\n'
      << fmt::format("a node that has the fleet's images fetches {}\n",
                     SizeInWords(addition.fetched, screen.style));
  if (addition.num_known > 0) {
    out << fmt::format("the fleet has {} already\n",
                       FormatCounted(addition.num_known, "of these images", "of these images"));
  }
  PrintWhatifNotes(question, screen.style, out);
  Table table({{"size"},
               {"in fleet"},
               {"new alone"},
               {"new share"},
               {"stores"},
               {"fetches"},
               {"image", Align::kLeft}});
  const std::size_t shown = RowsShown(screen, addition.images.size());
  AddedImage total;
  AddedImage others;
  const auto add = [](AddedImage& sum, const AddedImage& image) {
    for (Bytes LeavingImage::*field : {&LeavingImage::size, &LeavingImage::staying,
                                       &LeavingImage::exclusive, &LeavingImage::joint_share}) {
      sum.stored.*field = CheckedAdd(sum.stored.*field, image.stored.*field);
    }
  };
  const auto cells = [&](const AddedImage& image, bool with_fetched,
                         std::string name) -> std::vector<std::string> {
    const auto words = [&](Bytes bytes) { return FormatBytes(bytes, screen.style.units); };
    return {words(image.stored.size),
            words(image.stored.staying),
            words(image.stored.exclusive),
            words(image.stored.joint_share),
            words(image.stored.freed_share()),
            with_fetched ? words(image.fetched) : "",
            std::move(name)};
  };
  for (std::size_t r = 0; r < addition.images.size(); ++r) {
    const AddedImage& image = addition.images[r];
    add(total, image);
    if (r >= shown) add(others, image);
    if (r < shown) table.AddRow(cells(image, true, NameWithPlatform(fleet, image.stored.image)));
  }
  if (shown < addition.images.size()) {
    table.AddNote(cells(
        others, false,
        fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(addition.images.size() - shown),
                                          "other"))));
  }
  // One node fetches what two images share once.
  total.fetched = addition.fetched;
  table.AddTotal(cells(total, true, "TOTAL"));
  out << '\n';
  table.Print(screen.style, out);
  out << '\n';
  for (std::size_t r = 0; r < shown; ++r) {
    out << WrapText(NameWithPlatform(fleet, addition.images[r].stored.image) + ": ",
                    DescribeNearest(fleet, addition.images[r], screen.style), screen.style.width);
  }
}

void WriteAdditionJson(const WhatifQuestion& question, const Addition& addition,
                       std::ostream& out) {
  const Fleet& fleet = *question.fleet;
  JsonWriter json(out);
  json.BeginObject();
  WriteWhatifHead(question, json);
  json.Field("stored_bytes_before", addition.deletion.stored - addition.deletion.freed());
  json.Field("stored_bytes_after", addition.deletion.stored);
  json.Field("new_bytes", addition.deletion.freed());
  json.Field("fetched_bytes", addition.fetched);
  json.Field("known_images", addition.num_known);
  json.Key("added");
  json.BeginArray();
  for (const AddedImage& image : addition.images) {
    Json row = ImageJson(fleet, image.stored.image);
    row["size_bytes"] = image.stored.size;
    row["in_fleet_bytes"] = image.stored.staying;
    row["new_exclusive_bytes"] = image.stored.exclusive;
    row["new_share_bytes"] = image.stored.joint_share;
    row["new_bytes"] = image.stored.freed_share();
    row["fetched_bytes"] = image.fetched;
    row["twin_bytes"] = image.twins;
    row["stands_on"] = NearestJson(fleet, image.stands_on, image.base);
    row["shares_most_with"] = NearestJson(fleet, image.shares_most_with, image.shared);
    row["could_stand_on"] =
        image.could_stand_on == kNone ? Json(nullptr) : ImageJson(fleet, image.could_stand_on);
    json.Value(row);
  }
  json.EndArray();
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
