// Writes an image as one line of a fleet file (design.md 7), which FleetLineParser reads back as it
// was.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "planner/fleet/fleet.h"
#include "planner/fleet/fleet_builder.h"

namespace gneiss {

enum class FleetLineStyle {
  kFull,     // every key that the record has a value for
  kCompact,  // ref, platform, manifest_digest, pulls; of layers digest and size: what planning
             // needs
};

// Appends the line for `record`, with its newline.
void AppendFleetLine(const ImageRecord& record, FleetLineStyle style, std::string& text);

// A fleet as a fleet file (design.md 7): what commands knew of its images, without what the layers
// hold. Read back it is the same fleet, whatever it was read from.

// Hands over a line for each image and ref, in the fleet's order, each with its newline. What an
// image has once for all its refs stands in its first line; the others repeat what makes it known,
// and values beyond the first of a label. Memory is the longest line.
void WriteFleetLines(const Fleet& fleet, const std::function<void(std::string_view line)>& write);

// Two fleets as one.

// As if the sources of both had been read together; pulls of an image under refs of both add up.
// Throws InputError where they contradict each other: a digest with two sizes, a pool with two
// numbers of nodes. Time O(size), by way of fleet lines.
[[nodiscard]] Fleet JoinFleets(const Fleet& first, const Fleet& second);

}  // namespace gneiss
