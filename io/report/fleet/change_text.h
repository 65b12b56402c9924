// Differences in words: what became of an image.
#pragma once

#include <string>

#include "planner/fleet/fleet.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {

// The refs of an image that changed: the first and how many more, and its platform.
[[nodiscard]] std::string NameOfChange(const Fleet& before, const Fleet& after,
                                       const ImageChange& change);

// "changed own layers, from 4 of 5 on: COPY . /app"; names what it began with where it moved.
[[nodiscard]] std::string DescribeChange(const Fleet& before, const Fleet& after,
                                         const ImageChange& change);

}  // namespace gneiss
