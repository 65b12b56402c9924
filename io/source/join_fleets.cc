#include "io/source/join_fleets.h"

#include <string>
#include <string_view>

#include "io/bytes/line_reader.h"
#include "io/source/fleet_line.h"
#include "io/source/fleet_snapshot.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

Fleet JoinFleets(const Fleet& first, const Fleet& second) {
  FleetBuilder builder;
  FleetLineParser parser;
  std::string padded;
  const auto add = [&](std::string_view line) {
    padded.assign(line);
    padded.append(LineReader::kPadding, '\0');
    const FleetLine parsed = parser.Parse(std::string_view(padded).substr(0, line.size()));
    if (parsed.image != nullptr) builder.Add(*parsed.image);
  };
  WriteFleetLines(first, add);
  WriteFleetLines(second, add);
  return builder.Build();
}

}  // namespace gneiss
