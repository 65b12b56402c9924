#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "io/report/questions/forecast.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/calendar.h"

namespace gneiss {
namespace {

constexpr std::int64_t kWeek = 7 * 86'400;

std::string Day(std::int64_t time) { return DateText(time, CalendarStep::kDay); }

class ForecastPrinter {
 public:
  ForecastPrinter(const ForecastReport& report, const ScreenStyle& style, std::ostream& out)
      : report_(report), style_(style), out_(out) {}

  void Print() {
    for (const GrowthCurve& curve : report_.curves) PrintCurve(curve);
    out_ << Dim(
        WrapText("",
                 fmt::format("expected to go on as in the {} steps learned from (least squares); "
                             "intervals of {}; {}",
                             report_.curves.front().points.size() - 1, Confidence(),
                             UnitsNote(style_.units)),
                 style_.width),
        style_);
    PrintAhead();
    if (!report_.tests.empty()) PrintTests();
  }

 private:
  std::string Size(double bytes) const {
    // What is expected may lie beyond what sizes can be.
    return FormatBytes(std::llround(std::clamp(bytes, -9e18, 9e18)), style_.units);
  }

  std::string Confidence() const { return fmt::format("{:g} %", 100 * report_.request.confidence); }

  void PrintCurve(const GrowthCurve& curve) {
    const GrowthPoint& first = curve.points.front();
    const GrowthPoint& last = curve.points.back();
    out_ << Bold(fmt::format("{}: {} on {}, {} on {}", curve.name, Size(first.bytes),
                             Day(first.time), Size(last.bytes), Day(last.time)),
                 style_)
         << '\n';
    out_ << fmt::format("  {}{} a month, give or take {}{}\n", curve.bytes_a_month < 0 ? "" : "+",
                        Size(curve.bytes_a_month), Size(curve.bytes_a_month_margin),
                        curve.season == 0      ? ""
                        : curve.season > kWeek ? "; with a swing over the year"
                                               : "; with a swing over the week");
    if (report_.request.quota && curve.is_stored) out_ << "  " << Quota(curve, last.time) << '\n';
    if (curve.costs) {
      out_ << fmt::format("  {} over {} at {} a GB and month\n", FormatNumber(*curve.costs),
                          FormatCounted(report_.request.months, "month"),
                          fmt::format("{:g}", *report_.request.price));
    }
  }

  // "500 GB: in 14 months (2027-01-03); between 9 and 31 months (80 %)".
  std::string Quota(const GrowthCurve& curve, std::int64_t now) const {
    const std::string quota = Size(static_cast<double>(*report_.request.quota));
    if (curve.is_over_quota) return quota + ": exceeded already";
    const std::string never = fmt::format("not in {} years", kQuotaYears);
    const auto months = [&](const std::optional<std::int64_t>& time) {
      if (!time) return never;
      return fmt::format("in {} months", FormatNumber(static_cast<double>(*time - now) /
                                                      static_cast<double>(kMeanMonth)));
    };
    std::string text = fmt::format("{}: {}", quota, months(curve.reached));
    if (curve.reached) text += fmt::format(" ({})", Day(*curve.reached));
    if (!curve.reached_first) return text;
    text += fmt::format("; at the earliest {}, at the latest {} ({})", months(curve.reached_first),
                        months(curve.reached_last), Confidence());
    return text;
  }

  void PrintAhead() {
    std::vector<Column> columns = {{"expected on", Align::kLeft}};
    for (const GrowthCurve& curve : report_.curves) {
      columns.push_back({curve.name});
      columns.push_back({"low"});
      columns.push_back({"high"});
    }
    Table table(std::move(columns));
    for (std::size_t m = 0; m < report_.curves.front().ahead.size(); ++m) {
      std::vector<std::string> cells = {Day(report_.curves.front().ahead[m].time)};
      for (const GrowthCurve& curve : report_.curves) {
        cells.push_back(Size(curve.ahead[m].bytes));
        cells.push_back(Size(curve.ahead[m].low));
        cells.push_back(Size(curve.ahead[m].high));
      }
      table.AddRow(std::move(cells));
    }
    out_ << '\n';
    table.Print(style_, out_);
  }

  void PrintTests() {
    Table table({{"not learned from", Align::kLeft},
                 {"found"},
                 {"expected"},
                 {"error"},
                 {"low"},
                 {"high"},
                 {"", Align::kLeft}});
    for (const ForecastTest& test : report_.tests) {
      const double error = test.expected.bytes - test.found.bytes;
      const bool inside =
          test.found.bytes >= test.expected.low && test.found.bytes <= test.expected.high;
      table.AddRow({Day(test.found.time), Size(test.found.bytes), Size(test.expected.bytes),
                    fmt::format("{}{}", error < 0 ? "-" : "+",
                                FormatPercent(std::llround(std::abs(error)),
                                              std::llround(test.found.bytes))),
                    Size(test.expected.low), Size(test.expected.high),
                    test.curve + (inside ? "" : ", outside")});
    }
    out_ << '\n';
    table.Print(style_, out_);
  }

  const ForecastReport& report_;
  const ScreenStyle& style_;
  std::ostream& out_;
};

}  // namespace

void PrintForecast(const ForecastReport& report, const ScreenStyle& style, std::ostream& out) {
  ForecastPrinter(report, style, out).Print();
}

}  // namespace gneiss
