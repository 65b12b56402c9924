// Reads the SOURCEs of a command line into one fleet, with progress while it reads and a word on
// what was odd afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/cli/options/load_demand.h"
#include "io/cli/options/registry_options.h"
#include "io/cli/terminal/command_body.h"
#include "io/cli/terminal/console.h"
#include "io/source/layer_blobs.h"
#include "planner/fleet/fleet.h"

namespace CLI {
class App;
}

namespace gneiss {

// Options that every command which reads a fleet takes.
struct FleetOptions {
  std::vector<std::string> sources;
  // Read apart from these, with the same options: the other side, a baseline.
  std::vector<std::string> other_sources = {};
  std::string platform;                 // --platform OS/ARCH[/VARIANT], empty for all
  bool strict = false;                  // --strict: stop at the first bad image
  std::int64_t max_image_layers = 500;  // --max-image-layers: images with more are bad
  bool keep_going = false;  // --keep-going: bad images and sources do not make the exit code 1
  bool quiet = false;       // --quiet: no progress, no warnings
  DemandOptions demand;     // of commands that take it
  RegistryArguments registry;
};

// `options` must outlive the parsing.
void AddFleetOptions(CLI::App& app, FleetOptions& options);

// The same without the sources, for commands that name theirs otherwise.
void AddFleetRules(CLI::App& app, FleetOptions& options);

struct LoadedFleet {
  Fleet fleet;                            // at least one image
  std::int64_t bad_images = 0;            // left out, and listed on console.err
  std::size_t num_sources = 0;            // each once
  std::size_t num_selections = 0;         // sources that name one image
  std::vector<std::string> repositories;  // named like a layout, of tags that have no other
  LayerBlobs blobs;                       // of the layouts among the sources
  int exit_code = kDone;                  // what a command returns when all else went well
};

// Bad images are listed and left out. A source that cannot be read as a whole ends the run, or with
// keep_going counts like a bad image; a source given twice is read once.
// Throws InputError when no image is left, saying why; UsageError when --platform is none.
[[nodiscard]] LoadedFleet LoadFleet(const FleetOptions& options, Console& console);

}  // namespace gneiss
