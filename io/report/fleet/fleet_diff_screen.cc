#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/report/fleet/fleet_diff.h"
#include "io/text/format.h"
#include "io/text/table.h"

namespace gneiss {
namespace {

class FleetDiffPrinter {
 public:
  FleetDiffPrinter(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                   const DiffScreen& screen, std::ostream& out)
      : before_(before), after_(after), diff_(diff), screen_(screen), out_(out) {}

  void Print() {
    PrintHeadlines();
    if (diff_.images.empty()) return;
    PrintCauses();
    if (diff_.repositories.size() > 1) PrintRepositories();
    PrintImages();
  }

 private:
  std::string Change(Bytes change) const { return FormatChange(change, screen_.style.units); }

  std::string Size(Bytes size) const {
    const std::string text = FormatBytes(size, screen_.style.units);
    return screen_.style.units == ByteUnits::kRaw ? text + " bytes" : text;
  }

  void PrintLine(const std::string& line, bool is_main) {
    if (screen_.markdown) {
      out_ << (is_main ? "**" : "") << MarkdownCell(line) << (is_main ? "**" : "") << "\n\n";
    } else {
      out_ << (is_main ? Bold(line, screen_.style) : line) << '\n';
    }
  }

  void PrintHeadlines() {
    const Bytes growth = diff_.growth.net();
    const std::string percent = FormatChangePercent(growth, diff_.before.physical_bytes);
    PrintLine(
        fmt::format("{} stored{}: {} new, {} gone",
                    growth == 0 ? "no change in what is" : (growth > 0 ? "+" : "") + Size(growth),
                    percent.empty() ? "" : fmt::format(" ({})", percent), Size(diff_.growth.added),
                    Size(diff_.growth.gone)),
        /*is_main=*/true);
    const auto count = [&](ChangeKind kind) {
      return FormatCount(diff_.num_changes[static_cast<std::size_t>(kind)]);
    };
    using enum ChangeCause;
    PrintLine(fmt::format(
                  "images, in each repository: {} added{}, {} removed{}, {} moved{}, {} unchanged",
                  count(ChangeKind::kAdded), CountCauses({kNewName}), count(ChangeKind::kRemoved),
                  CountCauses({kRemovedName}), count(ChangeKind::kMoved),
                  CountCauses({kChangedBase, kChangedLayers, kRecompressed, kChangedConfig}),
                  count(ChangeKind::kUnchanged)),
              false);
    if (!screen_.markdown) out_ << '\n';
    PrintTotals();
    if (screen_.markdown) out_ << '\n';
    const std::string note =
        fmt::format("scope {}; {}; {}", ScopeName(diff_.scope),
                    diff_.layers_only ? "layers only" : "with configs and manifests",
                    UnitsNote(screen_.style.units));
    if (screen_.markdown) {
      out_ << MarkdownCell(note) << '\n';
    } else {
      out_ << Dim(note, screen_.style) << '\n';
    }
  }

  // " (1 changed base, 2 recompressed)"; empty where no image changed for these causes.
  std::string CountCauses(std::initializer_list<ChangeCause> causes) const {
    std::vector<std::string> counts;
    for (const ChangeCause cause : causes) {
      const std::int64_t n = diff_.num_causes[static_cast<std::size_t>(cause)];
      if (n == 0) continue;
      counts.push_back(fmt::format("{} {}", FormatCount(n),
                                   cause == ChangeCause::kChangedConfig ? "config or manifest alone"
                                                                        : ChangeCauseName(cause)));
    }
    return counts.empty() ? "" : fmt::format(" ({})", fmt::join(counts, ", "));
  }

  void PrintTotals() {
    Table table({{"images"}, {"layers"}, {"logical"}, {"stored"}, {"shared"}, {"", Align::kLeft}});
    const auto row = [&](const FleetTotals& totals, std::string name) {
      table.AddRow({FormatCount(totals.images), FormatCount(totals.layers),
                    FormatBytes(totals.logical_bytes, screen_.style.units),
                    FormatBytes(totals.physical_bytes, screen_.style.units),
                    FormatRatio(totals.logical_bytes, totals.physical_bytes), std::move(name)});
    };
    row(diff_.before, "before");
    row(diff_.after, "after");
    const auto signed_count = [](std::int64_t n) { return (n > 0 ? "+" : "") + FormatCount(n); };
    table.AddTotal({signed_count(diff_.after.images - diff_.before.images),
                    signed_count(diff_.after.layers - diff_.before.layers),
                    Change(diff_.after.logical_bytes - diff_.before.logical_bytes),
                    Change(diff_.growth.net()), "", "CHANGE"});
    PrintTable(table);
  }

  void PrintTable(const Table& table) {
    if (screen_.markdown) {
      table.PrintMarkdown(out_);
    } else {
      table.Print(screen_.style, out_);
    }
  }

  // "new", "gone", "net" and what follows.
  std::vector<std::string> Cells(const Growth& growth, std::vector<std::string> more) const {
    std::vector<std::string> cells = {FormatBytes(growth.added, screen_.style.units),
                                      FormatBytes(growth.gone, screen_.style.units),
                                      Change(growth.net())};
    for (std::string& cell : more) cells.push_back(std::move(cell));
    return cells;
  }

  std::size_t NumShown(std::size_t num_rows) const {
    return screen_.top == 0 ? num_rows : std::min(screen_.top, num_rows);
  }

  static std::string Others(std::size_t count) {
    return fmt::format("[{}]", FormatCounted(static_cast<std::int64_t>(count), "other"));
  }

  void PrintCauses() {
    Table table({{"new"}, {"gone"}, {"net"}, {"cause", Align::kLeft}});
    std::vector<std::size_t> causes;
    for (std::size_t c = 0; c < kNumChangeCauses; ++c) {
      if (!diff_.by_cause[c].is_zero()) causes.push_back(c);
    }
    std::ranges::stable_sort(causes, {},
                             [&](std::size_t c) { return -std::abs(diff_.by_cause[c].net()); });
    for (const std::size_t c : causes) {
      const std::string name(ChangeCauseName(static_cast<ChangeCause>(c)));
      table.AddRow(Cells(diff_.by_cause[c], {name}));
    }
    table.AddTotal(Cells(diff_.growth, {"TOTAL"}));
    out_ << '\n';
    PrintTable(table);
  }

  std::vector<std::string> RepositoryCells(const RepositoryDiff& repository,
                                           std::string name) const {
    std::vector<std::string> more;
    for (const ChangeKind kind : {ChangeKind::kAdded, ChangeKind::kRemoved, ChangeKind::kMoved}) {
      more.push_back(FormatCount(repository.num_changes[static_cast<std::size_t>(kind)]));
    }
    more.push_back(std::move(name));
    return Cells(repository.growth, std::move(more));
  }

  void PrintRepositories() {
    Table table({{"new"},
                 {"gone"},
                 {"net"},
                 {"added"},
                 {"removed"},
                 {"moved"},
                 {"repository", Align::kLeft}});
    const std::size_t shown = NumShown(diff_.repositories.size());
    RepositoryDiff others;
    RepositoryDiff total;
    for (std::size_t r = 0; r < diff_.repositories.size(); ++r) {
      const RepositoryDiff& repository = diff_.repositories[r];
      for (RepositoryDiff* const sum : {&others, &total}) {
        if (sum == &others && r < shown) continue;
        sum->growth += repository.growth;
        for (std::size_t k = 0; k < kNumChangeKinds; ++k) {
          sum->num_changes[k] += repository.num_changes[k];
        }
      }
      if (r < shown) table.AddRow(RepositoryCells(repository, repository.name));
    }
    if (shown < diff_.repositories.size()) {
      table.AddNote(RepositoryCells(others, Others(diff_.repositories.size() - shown)));
    }
    table.AddTotal(RepositoryCells(total, "TOTAL"));
    out_ << '\n';
    PrintTable(table);
  }

  void PrintImages() {
    Table table({{"new"},
                 {"gone"},
                 {"net"},
                 {"what", Align::kLeft},
                 {"image", Align::kLeft},
                 {"why", Align::kLeft}});
    const std::size_t shown = NumShown(diff_.images.size());
    Growth others;
    for (std::size_t i = 0; i < diff_.images.size(); ++i) {
      const ImageDiff& image = diff_.images[i];
      if (i >= shown) {
        others += image.growth;
        continue;
      }
      table.AddRow(Cells(image.growth, {std::string(ChangeKindName(image.change.kind)),
                                        NameOfChange(before_, after_, image.change),
                                        DescribeChange(before_, after_, image.change)}));
    }
    if (shown < diff_.images.size()) {
      table.AddNote(Cells(others, {"", Others(diff_.images.size() - shown), ""}));
    }
    table.AddTotal(Cells(diff_.growth, {"", "TOTAL", ""}));
    out_ << '\n';
    PrintTable(table);
  }

  const Fleet& before_;
  const Fleet& after_;
  const FleetDiff& diff_;
  const DiffScreen& screen_;
  std::ostream& out_;
};

}  // namespace

void PrintFleetDiff(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                    const DiffScreen& screen, std::ostream& out) {
  FleetDiffPrinter(before, after, diff, screen, out).Print();
}

}  // namespace gneiss
