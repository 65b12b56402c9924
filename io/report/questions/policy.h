// Figures and limits of a policy's rules in words, for every form of its report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "io/text/format.h"
#include "io/text/table.h"
#include "planner/questions/policy.h"

namespace gneiss {

[[nodiscard]] std::string_view PolicyVerdictName(PolicyVerdict verdict);  // "not judged"

// The pattern of a section, "fleet" for the whole.
[[nodiscard]] std::string_view PolicyPartName(const PolicyResult& result);

// A figure in the unit of its limit: "1.08 GB", "12", "5.30 %", "2.51x"; with all its digits where
// rounding would make it look like the limit that it is not.
[[nodiscard]] std::string PolicyFigure(const PolicyLimit& limit, std::int64_t figure,
                                       ByteUnits units);

// "at most 2.00 GB", "at least 2.50x", "none", "debian:12*, alpine:*".
[[nodiscard]] std::string PolicyLimitText(const PolicyLimit& limit, ByteUnits units);

// What broke the rule, or why it was not judged: "3 of 48 images: data/etl:2.0 (7), ...", naming at
// most `max_named`, 0 for all. Empty for a rule that is met.
[[nodiscard]] std::string PolicyReason(const PolicyResult& result, ByteUnits units,
                                       std::size_t max_named);

// A PolicyReport as text for a screen or as a table of Markdown: one line for each rule.

struct PolicyScreen {
  ScreenStyle style = {};
  std::size_t top = 3;  // offences named for each rule, 0 for all
  bool markdown = false;
};

// "2 of 7 rules failed, 1 could not be judged"; every form begins or ends with it.
[[nodiscard]] std::string PolicySummary(const PolicyReport& report);

void PrintPolicy(const PolicyReport& report, const PolicyScreen& screen, std::ostream& out);

// A PolicyReport as JSON, schema "gneiss.check/1": raw integers, every offence.

// `bad_images` are those that reading left out.
void WritePolicyJson(const PolicyReport& report, std::int64_t bad_images, std::ostream& out);

// A PolicyReport as JUnit XML, the form that CI servers show as tests: a suite for each section, a
// test for each rule.

// `text` for an attribute or element of XML: markup escaped, and every character that XML 1.0 does
// not allow written out.
[[nodiscard]] std::string XmlText(std::string_view text);

// Rules that could not be judged are errors, or skipped where the policy allows that. `top`: at
// most so many offences for each rule, 0 for all.
void WritePolicyJunit(const PolicyReport& report, ByteUnits units, std::size_t top,
                      std::ostream& out);

// A PolicyReport as GitHub workflow commands: what fails is shown at its line of the policy file.

// Text for the message of a workflow command, and for a property of it, which may hold neither ':'
// nor ','.
[[nodiscard]] std::string AnnotationMessage(std::string_view text);
[[nodiscard]] std::string AnnotationProperty(std::string_view text);

// "::error file=...,line=...,title=...::message" for a rule that fails or is not judged,
// "::warning" for one that is not judged where the policy allows that, plain words for the rest.
void WritePolicyAnnotations(const PolicyReport& report, std::string_view policy_path,
                            ByteUnits units, std::size_t top, std::ostream& out);

}  // namespace gneiss
