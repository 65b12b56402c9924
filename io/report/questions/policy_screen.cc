#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "io/report/questions/policy.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "io/text/table.h"

namespace gneiss {
namespace {

// A list of bases may be of any length, and each row of a table is as wide as the widest.
constexpr std::size_t kMaxLimitWidth = 100;

std::string VerdictCell(const PolicyReport& report, PolicyVerdict verdict) {
  if (verdict == PolicyVerdict::kPass) return "pass";
  if (verdict == PolicyVerdict::kFail) return "FAIL";
  return report.unjudged_passes ? "not judged" : "NOT JUDGED";
}

}  // namespace

std::string PolicySummary(const PolicyReport& report) {
  const std::int64_t failed = report.count(PolicyVerdict::kFail);
  const std::int64_t not_judged = report.count(PolicyVerdict::kNotJudged);
  const std::string rules = FormatCounted(std::ssize(report.results), "rule");
  std::string text = failed == 0 ? fmt::format("{}, none failed", rules)
                                 : fmt::format("{} of {} failed", FormatCount(failed), rules);
  if (not_judged > 0) {
    text += fmt::format(", {} could not be judged", FormatCount(not_judged));
    if (report.unjudged_passes) text += ", which the policy allows";
  }
  return text;
}

void PrintPolicy(const PolicyReport& report, const PolicyScreen& screen, std::ostream& out) {
  const ByteUnits units = screen.style.units;
  Table table({{"", Align::kLeft},
               {"rule", Align::kLeft},
               {"of", Align::kLeft},
               {"found"},
               {"limit", Align::kLeft},
               {"why", Align::kLeft}});
  for (const PolicyResult& result : report.results) {
    const bool has_figure = result.verdict != PolicyVerdict::kNotJudged && result.num_checked > 0;
    table.AddRow({VerdictCell(report, result.verdict),
                  std::string(PolicyRuleName(result.limit.rule)),
                  std::string(PolicyPartName(result)),
                  has_figure ? PolicyFigure(result.limit, result.figure, units) : "",
                  CutEnd(PolicyLimitText(result.limit, units), kMaxLimitWidth),
                  PolicyReason(result, units, screen.top)});
  }
  if (screen.markdown) {
    out << "**" << MarkdownCell(PolicySummary(report)) << "**\n\n";
    table.PrintMarkdown(out);
    return;
  }
  table.Print(screen.style, out);
  out << Bold(PolicySummary(report), screen.style) << '\n';
}

}  // namespace gneiss
