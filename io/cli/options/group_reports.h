// `gneiss report --by`: one report for each group of a fleet, each planned by itself, and an index.
#pragma once

#include <string>
#include <vector>

#include "io/cli/options/plan_arguments.h"
#include "io/report/fleet/grouping.h"
#include "io/report/whole/report_format.h"

namespace gneiss {

struct GroupReportsRequest {
  Grouping grouping;
  std::string directory;  // made where it is not there
  ReportForm form;
  std::vector<std::string>
      labels;  // as of FleetReportRequest; those that a group lacks are left out
};

// Each file is complete or not there; the index comes last. Says on console.err what was written,
// and how many images lack the label. Files of groups that are no more stay. Returns the exit code.
// Throws what PlanWhatIsRead throws, naming the group; InputError for a label that no image has.
int WriteGroupReports(const PlanArguments& arguments, const GroupReportsRequest& request,
                      Console& console, Progress& progress);

}  // namespace gneiss
