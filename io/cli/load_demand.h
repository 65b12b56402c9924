// --pulls and --pools: demand that is known elsewhere than where the images are.
#pragma once

#include <string>

#include "io/cli/console.h"
#include "planner/fleet.h"

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

}  // namespace gneiss
