// A finding of waste in words: what, why it is there, and what to write instead, fitted to the
// instruction that caused it. Texts are printable; only paths are named, never what files hold.
#pragma once

#include <string>

#include "planner/fleet/fleet.h"
#include "planner/waste/waste.h"

namespace gneiss {

struct WasteText {
  std::string title;  // "apt lists left by `RUN apt-get update && ...`"
  std::string why;
  std::string how;
};

// REQUIRES: `finding` is about a layer of `fleet`.
[[nodiscard]] WasteText DescribeWaste(const Fleet& fleet, const WasteFinding& finding);

}  // namespace gneiss
