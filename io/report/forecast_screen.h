// `gneiss forecast` on a screen.
#pragma once

#include <ostream>

#include "io/report/forecast_report.h"
#include "io/report/table.h"

namespace gneiss {

void PrintForecast(const ForecastReport& report, const ScreenStyle& style, std::ostream& out);

}  // namespace gneiss
