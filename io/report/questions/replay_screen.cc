#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/questions/replay.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

class ReplayPrinter {
 public:
  ReplayPrinter(const ReplayReport& report, const ScreenStyle& style, std::ostream& out)
      : report_(report), style_(style), out_(out) {}

  void Print() {
    PrintHead();
    PrintPeriods();
    if (report_.planned) PrintPlanned();
  }

 private:
  std::string Size(Bytes size) const { return FormatBytes(size, style_.units); }

  std::string Name(const ReplayPeriod& period) const {
    return DateText(period.end - 1, report_.step);
  }

  void PrintHead() {
    const ReplayPeriod total = TotalOf(report_.periods);
    out_ << Bold(fmt::format("{} from {} to {}: {} pushed, {} stored at the end",
                             FormatCounted(report_.events, "event"),
                             DateText(report_.first_time, CalendarStep::kDay),
                             DateText(report_.last_time, CalendarStep::kDay), Size(total.pushed),
                             Size(total.stored)),
                 style_)
         << '\n';
    if (report_.unknown_images > 0) {
      out_ << fmt::format(
          "{} that are not known: left out\n",
          FormatCounted(report_.unknown_images, "move to an image", "moves to images"));
    }
    if (total.lost_pulls > 0) {
      out_ << fmt::format("{} of tags that named nothing: nothing fetched\n",
                          FormatCounted(total.lost_pulls, "pull"));
    }
    const std::string fetches =
        report_.has_pulls
            ? fmt::format("each pull by any of {} nodes, which keep what they have",
                          FormatCount(std::llround(report_.num_nodes)))
            : fmt::format("a moved tag by those of {} nodes that run it, {:g} images each",
                          FormatCount(std::llround(report_.num_nodes)), report_.images_per_node);
    out_ << Dim(WrapText("",
                         fmt::format("layers only; stored: those of images that a tag names; "
                                     "fetched: {}; {}",
                                     fetches, UnitsNote(style_.units)),
                         style_.width),
                style_)
         << '\n';
  }

  static std::string_view StepName(CalendarStep step) {
    return step == CalendarStep::kDay ? "day" : step == CalendarStep::kWeek ? "week to" : "month";
  }

  void PrintPeriods() {
    const bool pulls = report_.has_pulls;
    std::vector<Column> columns = {{std::string(StepName(report_.step)), Align::kLeft},
                                   {"events"},
                                   {"tags"},
                                   {"images"},
                                   {"layers"},
                                   {"logical"},
                                   {"stored"},
                                   {"pushed"},
                                   {"fetched"}};
    if (pulls) columns.push_back({"pulls"});
    Table table(std::move(columns));
    const auto cells = [&](const ReplayPeriod& period, std::string name) {
      std::vector<std::string> row = {std::move(name),
                                      FormatCount(period.moves + period.removals),
                                      FormatCount(period.tags),
                                      FormatCount(period.images),
                                      FormatCount(period.layers),
                                      Size(period.logical),
                                      Size(period.stored),
                                      Size(period.pushed),
                                      Size(period.fetched)};
      if (pulls) row.push_back(FormatCount(period.pulls));
      return row;
    };
    for (const ReplayPeriod& period : report_.periods) table.AddRow(cells(period, Name(period)));
    // What is held has no sum.
    std::vector<std::string> total = cells(TotalOf(report_.periods), "TOTAL");
    for (std::size_t c = 2; c <= 6; ++c) total[c] = "";
    table.AddTotal(std::move(total));
    table.Print(style_, out_);
  }

  void PrintPlanned() {
    const PlannedReplay& planned = *report_.planned;
    out_ << '\n'
         << Bold(fmt::format("as if pushed by the {}: {} of it, {} that came later and end their "
                             "layers alike, {} unchanged",
                             Printable(planned.plan), FormatCounted(planned.planned, "image"),
                             FormatCount(planned.followed), FormatCount(planned.unchanged)),
                 style_)
         << '\n';
    Table table({{std::string(StepName(report_.step)), Align::kLeft},
                 {"layers"},
                 {"stored"},
                 {""},
                 {"pushed"},
                 {""},
                 {"fetched"},
                 {""}});
    const auto cells = [&](const ReplayPeriod& period, const ReplayPeriod& today,
                           std::string name) {
      return std::vector<std::string>{
          std::move(name),      FormatCount(period.layers),
          Size(period.stored),  FormatChangePercent(period.stored - today.stored, today.stored),
          Size(period.pushed),  FormatChangePercent(period.pushed - today.pushed, today.pushed),
          Size(period.fetched), FormatChangePercent(period.fetched - today.fetched, today.fetched)};
    };
    for (std::size_t p = 0; p < planned.periods.size(); ++p) {
      table.AddRow(cells(planned.periods[p], report_.periods[p], Name(planned.periods[p])));
    }
    std::vector<std::string> total =
        cells(TotalOf(planned.periods), TotalOf(report_.periods), "TOTAL");
    for (std::size_t c = 1; c <= 3; ++c) total[c] = "";
    table.AddTotal(std::move(total));
    table.Print(style_, out_);
  }

  const ReplayReport& report_;
  const ScreenStyle& style_;
  std::ostream& out_;
};

}  // namespace

void PrintReplay(const ReplayReport& report, const ScreenStyle& style, std::ostream& out) {
  ReplayPrinter(report, style, out).Print();
}

}  // namespace gneiss
