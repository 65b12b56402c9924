// The JSON of `gneiss waste`: "schema": "gneiss.waste/1", all findings, raw integers. Same input,
// same bytes.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "io/report/waste/waste_screen.h"

namespace gneiss {

void WriteWasteJson(const Fleet& fleet, const Today& today, const LayerContents& contents,
                    const WasteReport& report, const CostModel& model,
                    const std::vector<DiveRow>& dive, std::int64_t bad_images, std::ostream& out);

}  // namespace gneiss
