// A FleetReport as Prometheus text (exposition format 0.0.4), for the node exporter's textfile
// collector: gauges named gneiss_*, in base units.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "io/report/whole/fleet_report.h"

namespace gneiss {

// Of each table the `top` groups with the largest shares (0: all), and what the others come to; a
// report of one group says which in labels of every sample, so that many fit one collector.
void WriteReportProm(const FleetReport& report, std::size_t top, std::ostream& out);

// The value of a label as it stands between its quotes. Made Printable; a text that was not gets
// digits of its hash, so that two names never make one sample.
[[nodiscard]] std::string PromLabelValue(std::string_view text);

}  // namespace gneiss
