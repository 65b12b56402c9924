// `gneiss forecast --json`: gneiss.forecast/1, described in io/report/schema.
#pragma once

#include <ostream>

#include "io/report/questions/forecast_report.h"

namespace gneiss {

void WriteForecastJson(const ForecastReport& report, std::ostream& out);

}  // namespace gneiss
