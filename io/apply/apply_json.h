// The report of a plan that was carried out, as JSON, schema "gneiss.apply/1": raw integers, no
// times, no paths, nothing of how blobs came to be there. One plan, one text.
#pragma once

#include <ostream>

#include "io/apply/apply_report.h"

namespace gneiss {

void WriteApplyJson(const ApplyReport& report, std::ostream& out);

}  // namespace gneiss
