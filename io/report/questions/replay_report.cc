#include <algorithm>

#include "io/report/questions/replay.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

ReplayPeriod TotalOf(const std::vector<ReplayPeriod>& periods) {
  ReplayPeriod total = periods.empty() ? ReplayPeriod() : periods.back();
  total.moves = total.removals = total.pulls = total.lost_pulls = total.pushed = total.fetched = 0;
  for (const ReplayPeriod& period : periods) {
    total.moves += period.moves;
    total.removals += period.removals;
    total.pulls = CheckedAdd(total.pulls, period.pulls);
    total.lost_pulls += period.lost_pulls;
    total.pushed = CheckedAdd(total.pushed, period.pushed);
    total.fetched = CheckedAdd(total.fetched, period.fetched);
  }
  return total;
}

std::int64_t HeldAt(const ReplayReport& report, const ReplayPeriod& period) {
  return std::min(period.end, report.last_time);
}

}  // namespace gneiss
