// A FleetDiff as text for a screen or as Markdown for a merge request: what changed in words, then
// tables by cause, by repository and by image, whose rows add up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include "io/text/table.h"
#include "planner/fleet/fleet.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {

// Differences in words: what became of an image.

// The refs of an image that changed: the first and how many more, and its platform.
[[nodiscard]] std::string NameOfChange(const Fleet& before, const Fleet& after,
                                       const ImageChange& change);

// "changed own layers, from 4 of 5 on: COPY . /app"; names what it began with where it moved.
[[nodiscard]] std::string DescribeChange(const Fleet& before, const Fleet& after,
                                         const ImageChange& change);

struct DiffScreen {
  ScreenStyle style = {};
  std::size_t top = 20;   // rows of a table, the rest in "[N others]"; 0 for all
  bool markdown = false;  // `style` gives the units only
};

// REQUIRES: `diff` was made of `before` and `after`.
void PrintFleetDiff(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                    const DiffScreen& screen, std::ostream& out);

// A FleetDiff as JSON, schema "gneiss.diff/1", kind "fleets": raw integers, every row.

// `bad_images` are those that reading left out, of both sides. REQUIRES: `diff` was made of
// `before` and `after`.
void WriteFleetDiffJson(const Fleet& before, const Fleet& after, const FleetDiff& diff,
                        std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
