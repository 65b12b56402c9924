// A PolicyReport as text for a screen or as a table of Markdown: one line for each rule.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "io/text/table.h"
#include "planner/questions/policy.h"

namespace gneiss {

struct PolicyScreen {
  ScreenStyle style = {};
  std::size_t top = 3;  // offences named for each rule, 0 for all
  bool markdown = false;
};

// "2 of 7 rules failed, 1 could not be judged"; every form begins or ends with it.
[[nodiscard]] std::string PolicySummary(const PolicyReport& report);

void PrintPolicy(const PolicyReport& report, const PolicyScreen& screen, std::ostream& out);

}  // namespace gneiss
