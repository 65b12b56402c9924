// Writes an image as one line of a fleet file (design.md 7).
#pragma once

#include <string>

#include "planner/fleet_builder.h"

namespace gneiss {

enum class FleetLineStyle {
  kFull,     // every key that the record has a value for, pools and urls left out
  kCompact,  // ref, platform, manifest_digest, pulls; of layers digest and size: what planning
             // needs
};

// Appends the line for `record`, with its newline. REQUIRES: all digests are sha256.
void AppendFleetLine(const ImageRecord& record, FleetLineStyle style, std::string& text);

}  // namespace gneiss
