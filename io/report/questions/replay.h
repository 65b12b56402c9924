// `gneiss replay`: a registry's storage and traffic over time, as its tags moved. Made by the
// command; printed by replay_screen and replay_json.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "io/text/table.h"
#include "planner/fleet/calendar.h"
#include "planner/questions/tag_replay.h"

namespace gneiss {

// The same events with the layers that a plan gives.
struct PlannedReplay {
  std::string plan;            // what it is: "plan of 2017-01-01", "plan.json"
  std::int64_t planned = 0;    // images
  std::int64_t followed = 0;   // that came later, and go on as planned ones
  std::int64_t unchanged = 0;  // that had nothing to follow
  std::vector<ReplayPeriod> periods;
};

struct ReplayReport {
  CalendarStep step = CalendarStep::kMonth;
  std::int64_t events = 0;
  std::int64_t first_time = 0;      // of the first event
  std::int64_t last_time = 0;       // of the last one
  std::int64_t unknown_images = 0;  // events that name a manifest of no image, left out
  bool has_pulls = false;
  double num_nodes = 0;
  double images_per_node = 0;  // of no meaning with pulls
  std::vector<ReplayPeriod> periods;
  std::optional<PlannedReplay> planned;  // as many periods
};

// What all periods come to: sums of what was moved, and what is held at the end.
[[nodiscard]] ReplayPeriod TotalOf(const std::vector<ReplayPeriod>& periods);

// When what a period says is held was held: its end, but the last one's is the last event's.
[[nodiscard]] std::int64_t HeldAt(const ReplayReport& report, const ReplayPeriod& period);

// `gneiss replay` on a screen.

void PrintReplay(const ReplayReport& report, const ScreenStyle& style, std::ostream& out);

// `gneiss replay --json`: gneiss.replay/1, described in io/report/schema.

void WriteReplayJson(const ReplayReport& report, std::ostream& out);

}  // namespace gneiss
