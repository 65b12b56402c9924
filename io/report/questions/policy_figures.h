// Figures and limits of a policy's rules in words, for every form of its report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/text/format.h"
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

}  // namespace gneiss
