// Writes an image as one line of a fleet file (design.md 7), which FleetLineParser reads back as it
// was.
#pragma once

#include <string>

#include "planner/fleet/fleet_builder.h"

namespace gneiss {

enum class FleetLineStyle {
  kFull,     // every key that the record has a value for
  kCompact,  // ref, platform, manifest_digest, pulls; of layers digest and size: what planning
             // needs
};

// Appends the line for `record`, with its newline.
void AppendFleetLine(const ImageRecord& record, FleetLineStyle style, std::string& text);

}  // namespace gneiss
