// --pulls and --pools: demand that is known elsewhere than where the images are; and the moves of
// their tags.
#pragma once

#include <string>
#include <vector>

#include "io/cli/terminal/console.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/tag_history.h"

namespace CLI {
class App;
}

namespace gneiss {

struct DemandOptions {
  std::string pulls;  // --pulls FILE, empty: none
  std::string pools;  // --pools FILE
};

// `options` must outlive the parsing.
void AddDemandOptions(CLI::App& app, DemandOptions& options);

// Reads the files and joins them to the fleet. What does not join is counted and listed on
// console.err, unless quiet. Throws what ReadPulls and ReadPools throw, and InputError when a file
// names no image of the fleet.
void JoinDemand(const DemandOptions& options, Fleet& fleet, bool quiet, Console& console);

// What images of the fleet were called before, by a file of events. Says on console.err what was
// joined and what was not, unless quiet. Throws what ReadEvents throws, and InputError when the
// file speaks of no image and no ref of the fleet.
[[nodiscard]] std::vector<PastRef> PastRefsOf(const std::string& path, const Fleet& fleet,
                                              bool quiet, Console& console);

}  // namespace gneiss
