#include <fmt/format.h>

#include "io/report/questions/policy.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

std::string EscapePercent(std::string_view text, std::string_view escaped) {
  std::string out;
  for (const char c : text) {
    if (escaped.find(c) != std::string_view::npos) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string AnnotationMessage(std::string_view text) {
  return EscapePercent(Printable(text), "%\r\n");
}

std::string AnnotationProperty(std::string_view text) {
  return EscapePercent(Printable(text), "%\r\n:,");
}

void WritePolicyAnnotations(const PolicyReport& report, std::string_view policy_path,
                            ByteUnits units, std::size_t top, std::ostream& out) {
  for (const PolicyResult& result : report.results) {
    const std::string title =
        fmt::format("{} of {}", PolicyRuleName(result.limit.rule), PolicyPartName(result));
    const std::string figure = PolicyFigure(result.limit, result.figure, units);
    const std::string limit = PolicyLimitText(result.limit, units);
    if (result.verdict == PolicyVerdict::kPass) {
      out << "pass: " << Printable(fmt::format("{}: {}, limit {}", title, figure, limit)) << '\n';
      continue;
    }
    const bool is_judged = result.verdict == PolicyVerdict::kFail;
    std::string message =
        is_judged ? fmt::format("found {}, expected {}", figure, limit) : "not judged";
    if (const std::string reason = PolicyReason(result, units, top); !reason.empty()) {
      message += ": " + reason;
    }
    out << fmt::format("::{} file={},line={},title={}::{}\n",
                       is_judged || !report.unjudged_passes ? "error" : "warning",
                       AnnotationProperty(policy_path), result.limit.line,
                       AnnotationProperty(title), AnnotationMessage(message));
  }
  out << PolicySummary(report) << '\n';
}

}  // namespace gneiss
