#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/fleet/stat_report.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

// One row of figures, and sums of them.
struct StatFigures {
  std::int64_t images = 0;
  Bytes logical = 0;
  Bytes exclusive = 0;
  Bytes shared = 0;
  Bytes proportional = 0;

  StatFigures& operator+=(const StatFigures& other) {
    images = CheckedAdd(images, other.images);
    logical = CheckedAdd(logical, other.logical);
    exclusive = CheckedAdd(exclusive, other.exclusive);
    shared = CheckedAdd(shared, other.shared);
    proportional = CheckedAdd(proportional, other.proportional);
    return *this;
  }
};

StatFigures FiguresOf(const GroupAccount& group) {
  return {.images = group.num_images,
          .logical = group.logical,
          .exclusive = group.account.exclusive,
          .shared = group.account.shared,
          .proportional = group.account.proportional};
}

StatFigures FiguresOf(const Account& account, Bytes logical) {
  return {.images = 1,
          .logical = logical,
          .exclusive = account.exclusive,
          .shared = account.shared,
          .proportional = account.proportional};
}

class StatPrinter {
 public:
  StatPrinter(const Fleet& fleet, const StatReport& report, const StatScreen& screen,
              std::ostream& out)
      : fleet_(fleet),
        report_(report),
        totals_(report.accounting.totals),
        screen_(screen),
        out_(out) {
    const TextIndex first = fleet.images.empty() ? 0 : fleet.images.front().platform;
    several_platforms_ = std::ranges::any_of(
        fleet.images, [first](const Image& image) { return image.platform != first; });
  }

  void Print() {
    PrintHeadline();
    PrintNotes();
    for (const GroupTable& table : report_.tables) {
      if (table.rows.size() > 1 || screen_.one_group) PrintGroups(table);
    }
    if (screen_.images) PrintImages();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, screen_.style.units); }

  // "172 GB"; with --bytes "171,655,457,577 bytes".
  std::string SizeInWords(Bytes size) const {
    return screen_.style.units == ByteUnits::kRaw ? Size(size) + " bytes" : Size(size);
  }

  void PrintHeadline() {
    const std::string refs =
        totals_.refs == 0 ? "" : fmt::format(" under {}", FormatCounted(totals_.refs, "ref"));
    const std::string headline = fmt::format(
        "{}{}: {} logical, {} stored, {} shared", FormatCounted(totals_.images, "image"), refs,
        SizeInWords(totals_.logical_bytes), SizeInWords(totals_.physical_bytes),
        FormatRatio(totals_.logical_bytes, totals_.physical_bytes));
    out_ << Bold(headline, screen_.style) << '\n';
    out_ << fmt::format("{}: {} per image, {} at most; {} ({}) in one image only\n",
                        FormatCounted(totals_.layers, "layer"), FormatNumber(totals_.mean_layers),
                        FormatCount(totals_.max_layers), FormatCount(totals_.single_image_layers),
                        FormatPercent(totals_.single_image_layers, totals_.layers));
    if (totals_.components > 1) {
      out_ << fmt::format("{} components that share nothing with each other; the largest has {}\n",
                          FormatCount(totals_.components),
                          FormatCounted(totals_.largest_component_images, "image"));
    }
  }

  void PrintNotes() {
    if (totals_.twin_layers > 0) {
      out_ << fmt::format("{} hold contents that another digest holds too (twins): {} to gain\n",
                          FormatCounted(totals_.twin_layers, "layer"),
                          SizeInWords(totals_.twin_bytes));
    }
    if (totals_.foreign_bytes > 0) {
      out_ << fmt::format("{} of foreign layers are stored elsewhere and not counted\n",
                          SizeInWords(totals_.foreign_bytes));
    }
    if (totals_.repeated_bytes > 0) {
      out_ << fmt::format("{} of the logical bytes are layers that a manifest lists again\n",
                          SizeInWords(totals_.repeated_bytes));
    }
    PrintNote(fmt::format("scope {}: {}; {}", ScopeName(report_.request.scope),
                          WhyOf(report_.request.scope), UnitsNote(screen_.style.units)));
    PrintNote(fmt::format("counted: {}", WhatIsCounted()));
  }

  void PrintNote(std::string_view note) { out_ << Dim(note, screen_.style) << '\n'; }

  static std::string_view WhyOf(Scope scope) {
    return std::ranges::find(ScopePresets(), scope, &ScopePreset::scope)->why;
  }

  std::string WhatIsCounted() const {
    if (report_.request.layers_only) return "layers only";
    std::string text = "layers";
    text += InWords("configs", totals_.config_bytes, report_.configs_without_size);
    text += InWords("manifests", totals_.manifest_bytes, report_.manifests_without_size);
    return text;
  }

  // ", configs 12.3 MB", ", no manifests (3 of unknown size)".
  std::string InWords(std::string_view what, Bytes size, std::int64_t unknown) const {
    if (unknown == totals_.images) return fmt::format(", {} of unknown size", what);
    std::string text = fmt::format(", {} {}", what, SizeInWords(size));
    if (unknown > 0) text += fmt::format(" ({} of unknown size)", FormatCount(unknown));
    return text;
  }

  std::vector<std::string> Cells(const StatFigures& figures, std::string name) const {
    return {FormatCount(figures.images),
            Size(figures.logical),
            Size(figures.exclusive),
            Size(figures.shared),
            Size(figures.proportional),
            FormatPercent(figures.proportional, totals_.physical_bytes),
            std::move(name)};
  }

  // The row TOTAL. What several rows share has no sum: each of them counts it in full.
  std::vector<std::string> TotalCells(const StatFigures& figures) const {
    std::vector<std::string> cells = Cells(figures, "TOTAL");
    cells[3] = "";
    return cells;
  }

  std::size_t NumShown(std::size_t num_rows) const {
    return screen_.top == 0 ? num_rows : std::min(screen_.top, num_rows);
  }

  void PrintGroups(const GroupTable& table) {
    static constexpr std::array<std::string_view, 3> kTitles = {"repository", "namespace",
                                                                "platform"};
    const bool by_label = table.grouping.kind == Grouping::Kind::kLabel;
    const std::string title =
        by_label ? "label " + table.grouping.label
                 : std::string(kTitles[static_cast<std::size_t>(table.grouping.kind)]);
    Table screen({{"images"},
                  {"logical"},
                  {"exclusive"},
                  {"shared"},
                  {"proportional"},
                  {"of stored"},
                  {title, Align::kLeft}});
    const std::size_t shown = NumShown(table.rows.size());
    StatFigures total;
    StatFigures others;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      const StatFigures figures = FiguresOf(table.rows[r]);
      total += figures;
      if (r < shown) {
        screen.AddRow(Cells(figures, table.rows[r].name));
      } else {
        others += figures;
      }
    }
    AddOthers(table.rows.size() - shown, others, screen);
    if (table.images_in_several > 0) {
      const StatFigures again = {.images = -table.repeated_images,
                                 .logical = -table.repeated_logical};
      std::vector<std::string> cells = Cells(again, "");
      for (std::size_t c = 2; c <= 5; ++c) cells[c] = "";
      cells.back() =
          fmt::format("[{} in several rows]", FormatCounted(table.images_in_several, "image"));
      screen.AddNote(std::move(cells));
      total += again;
    }
    screen.AddTotal(TotalCells(total));
    out_ << '\n';
    screen.Print(screen_.style, out_);
  }

  void AddOthers(std::size_t count, const StatFigures& others, Table& screen) const {
    if (count == 0) return;
    std::vector<std::string> cells = Cells(
        others, fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(count), "other")));
    cells[3] = "";
    screen.AddNote(std::move(cells));
  }

  void PrintImages() {
    Table screen({{"layers"},
                  {"logical"},
                  {"exclusive"},
                  {"shared"},
                  {"proportional"},
                  {"of stored"},
                  {"image", Align::kLeft}});
    const std::size_t shown = NumShown(report_.images_by_share.size());
    StatFigures total;
    StatFigures others;
    std::int64_t layers = 0;
    std::int64_t layers_of_others = 0;
    for (std::size_t r = 0; r < report_.images_by_share.size(); ++r) {
      const ImageIndex i = report_.images_by_share[r];
      const StatFigures figures =
          FiguresOf(report_.accounting.images[i], report_.accounting.logical[i]);
      const std::int64_t num_layers = fleet_.images[i].num_layers;
      total += figures;
      layers += num_layers;
      if (r < shown) {
        std::vector<std::string> cells = Cells(figures, NameOf(fleet_.images[i]));
        cells[0] = FormatCount(num_layers);
        screen.AddRow(std::move(cells));
      } else {
        others += figures;
        layers_of_others += num_layers;
      }
    }
    if (shown < report_.images_by_share.size()) {
      std::vector<std::string> cells = Cells(others, "");
      cells[0] = FormatCount(layers_of_others);
      cells[3] = "";
      cells.back() = fmt::format("[{}]", FormatCounted(others.images, "other"));
      screen.AddNote(std::move(cells));
    }
    std::vector<std::string> cells = TotalCells(total);
    cells[0] = FormatCount(layers);
    screen.AddTotal(std::move(cells));
    out_ << '\n';
    screen.Print(screen_.style, out_);
  }

  // "debian:9 +2 linux/amd64"; without the platform where all images have the same.
  std::string NameOf(const Image& image) const {
    std::string name = fleet_.name(image);
    if (image.num_refs > 1) name += fmt::format(" +{}", image.num_refs - 1);
    if (several_platforms_ && image.platform != 0)
      name.append(" ").append(fleet_.text(image.platform));
    return name;
  }

  const Fleet& fleet_;
  const StatReport& report_;
  const FleetTotals& totals_;
  const StatScreen& screen_;
  std::ostream& out_;
  bool several_platforms_ = false;
};

}  // namespace

void PrintStat(const Fleet& fleet, const StatReport& report, const StatScreen& screen,
               std::ostream& out) {
  StatPrinter(fleet, report, screen, out).Print();
}

}  // namespace gneiss
