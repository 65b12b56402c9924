#include "io/cli/options/load_demand.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/bytes/byte_source.h"
#include "io/tables/demand_file.h"
#include "io/tables/event_file.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/demand.h"

namespace gneiss {
namespace {

constexpr std::size_t kUnknownNamesShown = 5;

// `what` the images got that were joined.
void TellJoin(const std::string& path, const DemandJoin& join, std::string_view what,
              const Fleet& fleet, bool quiet, Console& console) {
  const std::span<const std::string> unknown = join.unknown;
  const auto shown = unknown.first(std::min(unknown.size(), kUnknownNamesShown));
  if (join.num_images == 0) {
    throw InputError(path, "",
                     fmt::format("expected names of images of the fleet, found none among {}: {}",
                                 FormatCounted(join.num_names, "name"), fmt::join(shown, ", ")));
  }
  if (quiet) return;
  const auto say = [&](const std::string& text) {
    *console.err << "gneiss: " << Printable(fmt::format("{}: {}", path, text)) << '\n';
  };
  say(fmt::format("{} of {} of {}", what, FormatCount(join.num_images),
                  FormatCounted(std::ssize(fleet.images), "image")));
  if (join.num_several_platforms > 0) {
    say(fmt::format("{} of several platforms",
                    FormatCounted(join.num_several_platforms, "name stands for images",
                                  "names stand for images")));
  }
  if (unknown.empty()) return;
  const std::size_t rest = unknown.size() - shown.size();
  say(fmt::format("{} of {} not in the fleet: {}{}", FormatCount(std::ssize(unknown)),
                  FormatCounted(join.num_names, "name"), fmt::join(shown, ", "),
                  rest == 0 ? "" : fmt::format(" [{} more]", rest)));
}

}  // namespace

void AddDemandOptions(CLI::App& app, DemandOptions& options) {
  app.add_option("--pulls", options.pulls,
                 "how often images are pulled: CSV \"ref,pulls\" or JSON lines")
      ->type_name("FILE");
  app.add_option("--pools", options.pools,
                 "which nodes run which images: CSV \"pool,nodes,ref\", JSON lines, or what "
                 "`kubectl get pods -A -o json` prints")
      ->type_name("FILE");
}

void JoinDemand(const DemandOptions& options, Fleet& fleet, bool quiet, Console& console) {
  if (!options.pulls.empty()) {
    Demand demand;
    ReadPulls(OpenFile(options.pulls, "a file of pulls"), options.pulls, demand);
    TellJoin(options.pulls, JoinPulls(demand, fleet), "pulls", fleet, quiet, console);
  }
  if (!options.pools.empty()) {
    Demand demand;
    ReadPools(OpenFile(options.pools, "a file of pools"), options.pools, demand);
    TellJoin(options.pools, JoinPools(demand, fleet), "nodes", fleet, quiet, console);
    const auto without = std::ranges::count(fleet.images, 0U, &Image::num_pools);
    if (without > 0 && !quiet) {
      *console.err << fmt::format("gneiss: warning: {} on no pool, never fetched\n",
                                  FormatCounted(without, "image"));
    }
  }
}

std::vector<PastRef> PastRefsOf(const std::string& path, const Fleet& fleet, bool quiet,
                                Console& console) {
  TagHistory history = JoinTagEvents(ReadEvents(OpenFile(path, "a file of events"), path), fleet);
  if (history.num_unknown_refs == history.num_refs) {
    throw InputError(
        path, "",
        fmt::format("expected moves of the fleet's tags, found none among {}: {}",
                    FormatCounted(history.num_refs, "ref"), fmt::join(history.unknown, ", ")));
  }
  if (quiet) return std::move(history.past_refs);
  const auto say = [&](const std::string& text) {
    *console.err << "gneiss: " << Printable(fmt::format("{}: {}", path, text)) << '\n';
  };
  say(fmt::format("{} of tags; {} of {} once had other names",
                  FormatCounted(history.num_moves, "move"), FormatCount(history.num_images),
                  FormatCounted(std::ssize(fleet.images), "image")));
  if (history.num_gone_manifests > 0) {
    say(fmt::format("{} of {} not in the fleet", FormatCount(history.num_gone_manifests),
                    FormatCounted(history.num_manifests, "manifest")));
  }
  if (history.num_unknown_refs > 0) {
    const std::int64_t rest = history.num_unknown_refs - std::ssize(history.unknown);
    say(fmt::format("{} of {} not in the fleet: {}{}", FormatCount(history.num_unknown_refs),
                    FormatCounted(history.num_refs, "ref"), fmt::join(history.unknown, ", "),
                    rest == 0 ? "" : fmt::format(" [{} more]", rest)));
  }
  return std::move(history.past_refs);
}

}  // namespace gneiss
