// A PolicyReport as JUnit XML, the form that CI servers show as tests: a suite for each section, a
// test for each rule.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "io/text/format.h"
#include "planner/questions/policy.h"

namespace gneiss {

// `text` for an attribute or element of XML: markup escaped, and every character that XML 1.0 does
// not allow written out.
[[nodiscard]] std::string XmlText(std::string_view text);

// Rules that could not be judged are errors, or skipped where the policy allows that. `top`: at
// most so many offences for each rule, 0 for all.
void WritePolicyJunit(const PolicyReport& report, ByteUnits units, std::size_t top,
                      std::ostream& out);

}  // namespace gneiss
