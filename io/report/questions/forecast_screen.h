// `gneiss forecast` on a screen.
#pragma once

#include <ostream>

#include "io/report/questions/forecast_report.h"
#include "io/text/table.h"

namespace gneiss {

void PrintForecast(const ForecastReport& report, const ScreenStyle& style, std::ostream& out);

}  // namespace gneiss
