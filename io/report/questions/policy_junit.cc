#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "io/report/questions/policy.h"
#include "io/text/screen_text.h"

namespace gneiss {
namespace {

struct JunitCounts {
  std::int64_t tests = 0;
  std::int64_t failures = 0;
  std::int64_t errors = 0;
  std::int64_t skipped = 0;

  void Take(const PolicyReport& report, const PolicyResult& result) {
    ++tests;
    if (result.verdict == PolicyVerdict::kFail) ++failures;
    if (result.verdict == PolicyVerdict::kNotJudged) ++(report.unjudged_passes ? skipped : errors);
  }
  std::string text() const {
    return fmt::format(R"(tests="{}" failures="{}" errors="{}" skipped="{}")", tests, failures,
                       errors, skipped);
  }
};

void WriteTest(const PolicyReport& report, const PolicyResult& result, ByteUnits units,
               std::size_t top, std::ostream& out) {
  const std::string_view rule = PolicyRuleName(result.limit.rule);
  out << fmt::format(R"(    <testcase classname="gneiss.{}" name="{}")",
                     XmlText(PolicyPartName(result)), rule);
  if (result.verdict == PolicyVerdict::kPass) {
    out << "/>\n";
    return;
  }
  const std::string limit = PolicyLimitText(result.limit, units);
  const std::string reason = PolicyReason(result, units, top);
  out << ">\n      ";
  if (result.verdict == PolicyVerdict::kFail) {
    const std::string message = fmt::format(
        "found {}, expected {}", PolicyFigure(result.limit, result.figure, units), limit);
    out << fmt::format(R"(<failure type="{}" message="{}">{}</failure>)", rule, XmlText(message),
                       XmlText(reason));
  } else {
    const std::string_view element = report.unjudged_passes ? "skipped" : "error";
    const std::string type = report.unjudged_passes ? "" : R"( type="not judged")";
    out << fmt::format(R"(<{}{} message="{}"/>)", element, type, XmlText("not judged: " + reason));
  }
  out << "\n    </testcase>\n";
}

}  // namespace

std::string XmlText(std::string_view text) {
  const std::string printable = Printable(text);
  std::string xml;
  for (std::size_t i = 0; i < printable.size(); ++i) {
    const char c = printable[i];
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '"':
        xml += "&quot;";
        break;
      case '\'':
        xml += "&apos;";
        break;
      default: {
        // U+FFFE and U+FFFF are no characters of XML.
        const bool is_none = printable.compare(i, 3, "\xef\xbf\xbe") == 0 ||
                             printable.compare(i, 3, "\xef\xbf\xbf") == 0;
        if (is_none) {
          xml += printable[i + 2] == '\xbe' ? "\\ufffe" : "\\uffff";
          i += 2;
        } else {
          xml += c;
        }
      }
    }
  }
  return xml;
}

void WritePolicyJunit(const PolicyReport& report, ByteUnits units, std::size_t top,
                      std::ostream& out) {
  JunitCounts all;
  std::vector<std::string_view> parts;  // in the order of the policy
  std::map<std::string_view, JunitCounts> counts;
  for (const PolicyResult& result : report.results) {
    const std::string_view part = PolicyPartName(result);
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
    counts[part].Take(report, result);
    all.Take(report, result);
  }
  out << R"(<?xml version="1.0" encoding="UTF-8"?>)" << '\n';
  out << fmt::format(R"(<testsuites name="gneiss check" {}>)", all.text()) << '\n';
  for (const std::string_view part : parts) {
    out << fmt::format(R"(  <testsuite name="{}" {}>)", XmlText(part), counts[part].text()) << '\n';
    for (const PolicyResult& result : report.results) {
      if (PolicyPartName(result) == part) WriteTest(report, result, units, top, out);
    }
    out << "  </testsuite>\n";
  }
  out << "</testsuites>\n";
}

}  // namespace gneiss
