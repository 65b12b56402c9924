#include "io/report/whole/report_markdown.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "io/report/fleet/merge_warnings.h"
#include "io/report/plan/recommendation_text.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

std::string Bytes3(Bytes size) { return FormatBytes(size, ByteUnits::kSi); }

std::string SavedBytes(Bytes saved) {
  if (saved == 0) return "0";
  return (saved > 0 ? "-" : "+") + Bytes3(saved > 0 ? saved : -saved);
}

std::string ChangeOf(Bytes value, Bytes today) {
  if (value == today || today == 0) return "=";
  const double change = 100 * (static_cast<double>(value) / static_cast<double>(today) - 1);
  if (std::abs(change) < 0.05) return change > 0 ? "+<0.1 %" : "-<0.1 %";
  return fmt::format("{:+.1f} %", change);
}

std::string ProofOfLevel(const ReportLevel& level) {
  if (level.role == LevelRole::kFloor) return "every file stored once";
  if (level.role == LevelRole::kComparison) return "for comparison";
  if (!level.proof) return "";
  const std::string gap = fmt::format("gap {:.2g} %", 100 * level.proof->gap);
  return fmt::format("{}, {}", PlanStatusName(level.proof->status), gap);
}

class MarkdownWriter {
 public:
  MarkdownWriter(const FleetReport& report, std::size_t top, std::ostream& out)
      : report_(report), top_(top), out_(out) {}

  void Write() {
    WriteHeadline();
    WriteLevels();
    WriteRecommendations();
    WriteWaste();
    for (const GroupTable& table : report_.stat.tables) {
      if (table.rows.size() > 1) WriteGroups(table);
    }
    out_ << "\n1 MB = 1,000,000 bytes, compressed as stored. "
         << MarkdownText(report_.plan.DescribeModel()) << ".\n";
  }

 private:
  std::size_t NumShown(std::size_t size) const { return top_ == 0 ? size : std::min(size, top_); }

  void Row(const std::vector<std::string>& cells) {
    out_ << '|';
    for (const std::string& cell : cells) out_ << ' ' << cell << " |";
    out_ << '\n';
  }

  // `left`: columns of text, the others are figures.
  void Header(const std::vector<std::string>& titles, std::span<const std::size_t> left) {
    out_ << '\n';
    Row(titles);
    out_ << '|';
    for (std::size_t c = 0; c < titles.size(); ++c) {
      out_ << (std::ranges::find(left, c) == left.end() ? "---:|" : "---|");
    }
    out_ << '\n';
  }

  void WriteHeadline() {
    const FleetTotals& totals = report_.stat.accounting.totals;
    out_ << "## gneiss report";
    if (const auto& group = report_.request.group) {
      out_ << ": " << MarkdownText(group->by) << ' ' << MarkdownText(group->name);
    }
    out_ << fmt::format(
        "\n\n{}, {}: {} logical, **{} stored**, {} shared.", FormatCounted(totals.images, "image"),
        FormatCounted(totals.layers, "layer"), Bytes3(totals.logical_bytes),
        Bytes3(totals.physical_bytes), FormatRatio(totals.logical_bytes, totals.physical_bytes));
    const ReportLevel& best = report_.best_level();
    const Bytes today = report_.levels.front().cost.storage_bytes;
    if (best.cost.storage_bytes < today) {
      out_ << fmt::format(" The best plan, {}, stores {} ({}).", best.name,
                          Bytes3(best.cost.storage_bytes),
                          ChangeOf(best.cost.storage_bytes, today));
    }
    out_ << '\n';
    for (const std::string& line : DescribeKept(report_.plan.squash)) {
      out_ << fmt::format("\n{}{}.\n", static_cast<char>(std::toupper(line.front())),
                          line.substr(1));
    }
    if (report_.plan.squash.num_known_layers == 0) {
      out_ << "\nContents of no layer known: `gneiss scan` reads the layers, then waste, bases and "
              "carved layers are here too.\n";
    } else if (const std::string_view word = OnWhoseWord(report_.plan.contents->belief);
               !word.empty()) {
      out_ << fmt::format("\nContents known{}.\n", word);
    }
    if (report_.request.bad_images > 0) {
      out_ << fmt::format("\n{} left out.\n", FormatCounted(report_.request.bad_images,
                                                            "bad entry is", "bad entries are"));
    }
  }

  void WriteLevels() {
    const LayoutCost& today = report_.levels.front().cost;
    out_ << "\n### Levels\n";
    Header({"layers only", "stored", "", "moved", "", "layers/image", "cost", "proof"},
           std::vector<std::size_t>{0, 7});
    for (const ReportLevel& level : report_.levels) {
      const bool is_today = level.role == LevelRole::kToday;
      const LayoutCost& cost = level.cost;
      Row({std::string(level.name), Bytes3(cost.storage_bytes),
           is_today ? "" : ChangeOf(cost.storage_bytes, today.storage_bytes),
           Bytes3(cost.transfer_bytes),
           is_today ? "" : ChangeOf(cost.transfer_bytes, today.transfer_bytes),
           FormatNumber(cost.layers_per_image), Bytes3(cost.cost), ProofOfLevel(level)});
    }
  }

  void WriteRecommendations() {
    const auto& all = report_.recommendations;
    out_ << "\n### Do first\n";
    if (all.empty()) {
      out_ << "\nNothing to do: today's layers are the best ones.\n";
      return;
    }
    Header({"", "stored", "moved", "layers", "images", "effort", "what"},
           std::vector<std::size_t>{0, 5, 6});
    const std::size_t shown = NumShown(all.size());
    for (const Recommendation* const r : std::span(all).first(shown)) {
      const RecommendationText text =
          DescribeRecommendation(report_.fleet, report_.plan, *r, ByteUnits::kSi);
      const std::string fewer = FormatCount(std::abs(r->saves_layers));
      Row({r->id, SavedBytes(r->saves_storage_bytes), SavedBytes(r->saves_transfer_bytes),
           (r->saves_layers > 0   ? "-"
            : r->saves_layers < 0 ? "+"
                                  : "") +
               fewer,
           FormatCount(std::ssize(r->images)), std::string(EffortName(r->effort)),
           MarkdownText(text.title)});
    }
    if (shown < all.size()) {
      out_ << fmt::format("\n{}; `gneiss explain ID` tells one in full.\n",
                          FormatCounted(static_cast<std::int64_t>(all.size() - shown), "other"));
    }
  }

  void WriteWaste() {
    if (!report_.waste) return;
    out_ << "\n### Waste by cause\n";
    Header({"cause", "stored", "moved", "entries"}, std::vector<std::size_t>{0});
    std::int64_t entries = 0;
    for (const KindSum& sum : report_.waste_kinds) {
      entries += sum.num_entries;
      Row({std::string(WasteKindName(sum.kind)), Bytes3(sum.storage), Bytes3(sum.transfer),
           FormatCount(sum.num_entries)});
    }
    Row({"**TOTAL**", Bytes3(report_.waste->saves_storage_bytes),
         Bytes3(report_.waste->saves_transfer_bytes), FormatCount(entries)});
  }

  void WriteGroups(const GroupTable& table) {
    const Bytes stored = report_.stat.accounting.totals.physical_bytes;
    out_ << fmt::format("\n### By {}\n", MarkdownText(GroupingName(table.grouping)));
    Header({"name", "images", "logical", "exclusive", "proportional", "of stored"},
           std::vector<std::size_t>{0});
    const std::size_t shown = NumShown(table.rows.size());
    GroupAccount others;
    GroupAccount total;
    const auto add = [](GroupAccount& sum, const GroupAccount& row) {
      sum.num_images += row.num_images;
      sum.logical = CheckedAdd(sum.logical, row.logical);
      sum.account.exclusive = CheckedAdd(sum.account.exclusive, row.account.exclusive);
      sum.account.proportional = CheckedAdd(sum.account.proportional, row.account.proportional);
    };
    const auto print = [&](const std::string& name, const GroupAccount& row) {
      Row({name, FormatCount(row.num_images), Bytes3(row.logical), Bytes3(row.account.exclusive),
           Bytes3(row.account.proportional), FormatPercent(row.account.proportional, stored)});
    };
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      add(total, table.rows[r]);
      if (r < shown) {
        print(MarkdownText(table.rows[r].name), table.rows[r]);
      } else {
        add(others, table.rows[r]);
      }
    }
    if (shown < table.rows.size()) {
      print(
          fmt::format("\\[{}\\]",
                      FormatCounted(static_cast<std::int64_t>(table.rows.size() - shown), "other")),
          others);
    }
    if (table.images_in_several > 0) {
      Row({fmt::format("\\[{} in several rows\\]", FormatCounted(table.images_in_several, "image")),
           FormatCount(-table.repeated_images), Bytes3(-table.repeated_logical), "", "", ""});
      total.num_images -= table.repeated_images;
      total.logical -= table.repeated_logical;
    }
    print("**TOTAL**", total);
  }

  const FleetReport& report_;
  std::size_t top_;
  std::ostream& out_;
};

}  // namespace

std::string MarkdownText(std::string_view text) {
  // A mention or a reference ends at a comment; backslashes keep only some hosts from making one.
  constexpr std::string_view kBroken = "@#";
  constexpr std::string_view kEscaped = "\\`*_{}[]<>()+!|~&$^:=%\"'";
  std::string safe;
  char before = ' ';
  for (const char c : Printable(text)) {
    const bool ends_www = c == '.' && (before == 'w' || before == 'W');
    if (kEscaped.find(c) != std::string_view::npos || ends_www) safe += '\\';
    safe += c;
    if (kBroken.find(c) != std::string_view::npos) safe += "<!-- -->";
    before = c;
  }
  return safe;
}

void WriteReportMarkdown(const FleetReport& report, std::size_t top, std::ostream& out) {
  MarkdownWriter(report, top, out).Write();
}

}  // namespace gneiss
