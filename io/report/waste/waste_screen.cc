#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "io/report/fleet/instruction.h"
#include "io/report/fleet/merge_warnings.h"
#include "io/report/plan/recommendation_text.h"
#include "io/report/waste/waste_report.h"
#include "io/report/waste/waste_text.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

class WastePrinter {
 public:
  WastePrinter(const Fleet& fleet, const Today& today, const LayerContents& contents,
               const WasteReport& report, const CostModel& model, const WasteScreen& screen,
               std::ostream& out)
      : fleet_(fleet),
        today_(today),
        contents_(contents),
        report_(report),
        model_(model),
        screen_(screen),
        out_(out) {}

  void Print(const std::vector<DiveRow>& dive) {
    PrintHeadline();
    switch (screen_.by) {
      case WasteBy::kKind:
        PrintKinds();
        break;
      case WasteBy::kLayer:
        PrintLayers();
        break;
      case WasteBy::kImage:
        PrintImages();
        break;
      case WasteBy::kRepository:
        PrintRepositories();
        break;
    }
    if (!dive.empty()) PrintDive(dive);
    PrintFindings();
    PrintStaticImages();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, screen_.style.units); }
  // "-5.00 kB" saved, "+100 kB" spent.
  std::string Change(Bytes saved) const {
    return saved > 0 ? "-" + Size(saved) : saved < 0 ? "+" + Size(-saved) : "0";
  }
  std::size_t NumShown(std::size_t size) const {
    return screen_.top == 0 ? size : std::min(size, screen_.top);
  }

  void PrintHeadline() {
    const auto num_layers = static_cast<std::int64_t>(fleet_.layers.size());
    std::string headline =
        fmt::format("{} of {} stored are not needed ({}), and {} of what is moved",
                    Size(report_.saves_storage_bytes), Size(today_.cost.storage_bytes),
                    FormatPercent(report_.saves_storage_bytes, today_.cost.storage_bytes),
                    Size(report_.saves_transfer_bytes));
    out_ << Bold(headline, screen_.style) << '\n';
    out_ << fmt::format("{} in {}; contents known of {}{}\n",
                        FormatCounted(report_.num_entries, "entry", "entries"),
                        FormatCounted(static_cast<std::int64_t>(fleet_.images.size()), "image"),
                        report_.num_known_layers == num_layers
                            ? "all " + FormatCounted(num_layers, "layer")
                            : fmt::format("{} of {} (`gneiss scan` says why not of the others)",
                                          FormatCount(report_.num_known_layers),
                                          FormatCounted(num_layers, "layer")),
                        OnWhoseWord(contents_.belief));
    if (report_.hidden_in_some_bytes > 0) {
      out_ << fmt::format(
          "{} more are hidden in some images and seen in others: not counted here\n",
          Size(report_.hidden_in_some_bytes));
    }
    if (report_.in_other_layers_bytes > 0) {
      out_ << fmt::format(
          "{} more are contents that other layers hold too: a common base could share them\n",
          Size(report_.in_other_layers_bytes));
    }
    if (report_.num_windows > 0) {
      out_ << WrapText("",
                       fmt::format("what layers hide of each other is not told of {} of Windows: "
                                   "registry hives are deltas that the runtime merges",
                                   FormatCounted(report_.num_windows, "image")),
                       screen_.style.width)
           << '\n';
    }
    PrintSecrets();
    PrintOddities();
    out_ << Dim(WrapText("moved: ",
                         fmt::format("{}; {}", model_.Describe(), UnitsNote(screen_.style.units)),
                         screen_.style.width),
                screen_.style)
         << '\n';
  }

  // However few bytes they are.
  void PrintSecrets() {
    for (const KindSum& sum : SumKinds(report_)) {
      if (sum.kind != WasteKind::kSecret) continue;
      out_ << Bold(fmt::format("{} in what everybody who pulls can read: see first below",
                               FormatCounted(sum.num_entries, "secret")),
                   screen_.style)
           << '\n';
    }
  }

  void PrintOddities() {
    const OverlayWarnings& odd = report_.overlay_warnings;
    std::vector<std::string> texts;
    const auto add = [&](std::int64_t count, std::string_view one, std::string_view many) {
      if (count > 0) texts.push_back(FormatCounted(count, one, many));
    };
    add(odd.whiteouts_of_nothing, "whiteout of nothing", "whiteouts of nothing");
    add(odd.links_to_nothing, "hard link to nothing", "hard links to nothing");
    add(odd.links_to_directories, "hard link to a directory", "hard links to directories");
    for (const std::string& text : MergeWarningTexts(fleet_, contents_, odd)) {
      out_ << WrapText("risk: ", text, screen_.style.width);
    }
    if (texts.empty()) return;
    out_ << fmt::format("odd: {}", fmt::join(texts, ", "));
    if (odd.bad_link.layer != kNone) {
      const Inventory& inventory = *contents_.inventories[odd.bad_link.layer];
      const std::string layer = fleet_.digest_text(fleet_.layers[odd.bad_link.layer]);
      out_ << fmt::format("; {} in {}",
                          Printable(inventory.path(inventory.entries[odd.bad_link.entry])),
                          Printable(ShortDigest(layer)));
    }
    out_ << '\n';
  }

  void PrintKinds() {
    Table table({{"stored"}, {"moved"}, {"entries"}, {"unpacked"}, {"kind", Align::kLeft}});
    KindSum total;
    for (const KindSum& sum : SumKinds(report_)) {
      table.AddRow({Size(sum.storage), Size(sum.transfer), FormatCount(sum.num_entries),
                    Size(sum.file_bytes), std::string(WasteKindName(sum.kind))});
      total.storage += sum.storage;
      total.transfer += sum.transfer;
      total.num_entries += sum.num_entries;
      total.file_bytes += sum.file_bytes;
    }
    table.AddTotal({Size(total.storage), Size(total.transfer), FormatCount(total.num_entries),
                    Size(total.file_bytes), "TOTAL"});
    table.Print(screen_.style, out_);
    out_ << '\n';
  }

  // Rows of (needless, stored, images, name), largest first.
  struct Row {
    Bytes needless = 0;
    Bytes stored = 0;
    std::int64_t num_images = 0;
    std::string name;
  };
  void PrintRows(std::vector<Row> rows, const std::string& what) {
    std::erase_if(rows, [](const Row& row) { return row.needless == 0; });
    std::ranges::stable_sort(rows, std::greater{}, &Row::needless);
    if (what != "layer") {
      out_ << "a layer counts in every " << what << " that holds it, so rows do not add up\n";
    }
    Table table({{"not needed"}, {"of"}, {""}, {"images"}, {what, Align::kLeft}});
    const std::size_t num_shown = NumShown(rows.size());
    for (const Row& row : std::span(rows).first(num_shown)) {
      table.AddRow({Size(row.needless), Size(row.stored), FormatPercent(row.needless, row.stored),
                    FormatCount(row.num_images), row.name});
    }
    if (num_shown < rows.size()) {
      Bytes needless = 0;
      for (const Row& row : std::span(rows).subspan(num_shown)) needless += row.needless;
      table.AddNote(
          {Size(needless), "", "", "",
           fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(rows.size() - num_shown),
                                             "other"))});
    }
    table.Print(screen_.style, out_);
    out_ << '\n';
  }

  void PrintLayers() {
    std::vector<Row> rows;
    for (LayerIndex l = 0; l < fleet_.layers.size(); ++l) {
      const Layer& layer = fleet_.layers[l];
      std::string name = PrettyInstruction(fleet_.text(layer.created_by), 200);
      if (name.empty()) name = fleet_.digest_text(layer);
      rows.push_back({report_.layer_needless[l], layer.size,
                      static_cast<std::int64_t>(today_.holders_of(l).size()), name});
    }
    PrintRows(std::move(rows), "layer");
  }

  void PrintImages() {
    std::vector<Row> rows;
    for (ImageIndex i = 0; i < fleet_.images.size(); ++i) {
      rows.push_back(
          {report_.images[i].needless_bytes, report_.images[i].stored_bytes, 1,
           fleet_.name(fleet_.images[i]) + (report_.images[i].complete ? "" : " (not all known)")});
    }
    PrintRows(std::move(rows), "image");
  }

  void PrintRepositories() {
    std::vector<Row> rows;
    for (const WasteGroup& group : WasteByRepository(fleet_, report_)) {
      rows.push_back({group.needless, group.stored, group.num_images, group.name});
    }
    PrintRows(std::move(rows), "repository");
  }

  void PrintDive(const std::vector<DiveRow>& dive) {
    out_ << Bold("by dive's definition, beside bytes hidden in the image", screen_.style) << '\n';
    Table table(
        {{"efficiency"}, {"wasted"}, {"of"}, {"hidden (compressed)"}, {"image", Align::kLeft}});
    const std::size_t num_shown = NumShown(dive.size());
    for (const DiveRow& row : std::span(dive).first(num_shown)) {
      table.AddRow({fmt::format("{:.2f} %", 100 * row.dive.efficiency), Size(row.dive.wasted_bytes),
                    Size(row.dive.size_bytes), Size(report_.images[row.image].hidden_bytes),
                    fleet_.name(fleet_.images[row.image])});
    }
    if (num_shown < dive.size()) {
      table.AddNote(
          {"", "", "", "",
           fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(dive.size() - num_shown),
                                             "other"))});
    }
    table.Print(screen_.style, out_);
    out_ << '\n';
  }

  void PrintFindings() {
    if (report_.findings.empty()) {
      out_ << "no waste found in what is known\n";
      return;
    }
    out_ << Bold("do first", screen_.style) << '\n';
    const std::size_t num_shown = NumShown(report_.findings.size());
    for (std::size_t f = 0; f < num_shown; ++f) PrintFinding(f);
    if (num_shown < report_.findings.size()) {
      Bytes storage = 0;
      for (const WasteFinding& finding : std::span(report_.findings).subspan(num_shown)) {
        storage += finding.saves_storage_bytes;
      }
      out_ << Dim(fmt::format(
                      "[{}: {}; --top 0 shows all]",
                      FormatCounted(static_cast<std::int64_t>(report_.findings.size() - num_shown),
                                    "other"),
                      Size(storage)),
                  screen_.style)
           << '\n';
    }
  }

  void PrintFinding(std::size_t f) {
    const WasteFinding& finding = report_.findings[f];
    const WasteText text = DescribeWaste(fleet_, finding);
    const auto holders = today_.holders_of(finding.layer);
    const std::vector<ImageIndex> images(holders.begin(), holders.end());
    const std::size_t width = screen_.style.width;
    out_ << WrapText(fmt::format("W{:<3} ", f + 1),
                     fmt::format("{} stored, {} moved: {}", Change(finding.saves_storage_bytes),
                                 Change(finding.saves_transfer_bytes), text.title),
                     width);
    out_ << WrapText("     in:   ", NameImages(fleet_, images.front(), images), width);
    out_ << WrapText("     why:  ", text.why, width);
    out_ << WrapText("     how:  ", text.how, width);
    const Inventory& inventory = *contents_.inventories[finding.layer];
    const std::size_t columns = std::max<std::size_t>(60, width == 0 ? 100 : width) - 22;
    for (const std::uint32_t e :
         std::span(finding.examples).first(std::min<std::size_t>(3, finding.examples.size()))) {
      const Entry& entry = inventory.entries[e];
      out_ << Dim(fmt::format("     {:>10}  {}", Size(entry.blob_bytes),
                              CutMiddle(Printable(inventory.path(entry)), columns)),
                  screen_.style)
           << '\n';
    }
  }

  void PrintStaticImages() {
    if (report_.static_images.empty()) return;
    out_ << '\n'
         << Bold("programs without a dynamic linker: these images could stand on scratch",
                 screen_.style)
         << '\n';
    Table table({{"stored"}, {"moved"}, {"program", Align::kLeft}, {"image", Align::kLeft}});
    const std::size_t num_shown = NumShown(report_.static_images.size());
    for (const StaticImage& found : std::span(report_.static_images).first(num_shown)) {
      const Inventory& inventory = *contents_.inventories[found.program.layer];
      table.AddRow({Change(found.saves_storage_bytes), Change(found.saves_transfer_bytes),
                    std::string(inventory.path(inventory.entries[found.program.entry])),
                    fleet_.name(fleet_.images[found.image])});
    }
    if (num_shown < report_.static_images.size()) {
      table.AddNote(
          {"", "", "",
           fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(
                                                 report_.static_images.size() - num_shown),
                                             "other"))});
    }
    table.Print(screen_.style, out_);
    out_ << "build FROM scratch or a distroless base and copy the program into it\n";
  }

  const Fleet& fleet_;
  const Today& today_;
  const LayerContents& contents_;
  const WasteReport& report_;
  const CostModel& model_;
  const WasteScreen& screen_;
  std::ostream& out_;
};

}  // namespace

void PrintWaste(const Fleet& fleet, const Today& today, const LayerContents& contents,
                const WasteReport& report, const CostModel& model, const std::vector<DiveRow>& dive,
                const WasteScreen& screen, std::ostream& out) {
  WastePrinter(fleet, today, contents, report, model, screen, out).Print(dive);
}

}  // namespace gneiss
