// The screen and the JSON of `gneiss history`: one image, layer by layer, base first.
#pragma once

#include <ostream>

#include "io/text/table.h"
#include "planner/waste/image_history.h"

namespace gneiss {

void PrintHistory(const Fleet& fleet, const LayerContents& contents, const ImageHistory& history,
                  const ScreenStyle& style, std::ostream& out);

// "schema": "gneiss.history/1".
void WriteHistoryJson(const Fleet& fleet, const LayerContents& contents,
                      const ImageHistory& history, std::ostream& out);

}  // namespace gneiss
