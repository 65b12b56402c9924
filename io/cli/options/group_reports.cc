#include "io/cli/options/group_reports.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "io/bytes/atomic_file.h"
#include "io/cli/terminal/output_file.h"
#include "io/report/whole/fleet_report.h"
#include "io/report/whole/report_index.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/contents/fleet_part.h"
#include "planner/contents/kept_images.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

class GroupReporter {
 public:
  GroupReporter(const PlanArguments& arguments, const GroupReportsRequest& request,
                Console& console, Progress& progress)
      : arguments_(arguments), request_(request), console_(console), progress_(progress) {}

  int Run() {
    whole_ = ReadForPlan(arguments_, console_, progress_);
    const Fleet& fleet = whole_->loaded.fleet;
    groups_ = GroupsOf(fleet, request_.grouping);
    // A pattern that matches nowhere is a mistake; one that matches in other groups is none.
    static_cast<void>(MatchPins(fleet, arguments_.plan.squash.pins));
    ReportIndex index = MakeIndex();
    const std::vector<std::vector<ImageIndex>> images = ImagesOfGroups();
    MakeDirectories(request_.directory);
    for (std::size_t r = 0; r < index.rows.size(); ++r) {
      IndexRow& row = index.rows[r];
      const auto g = std::ranges::lower_bound(groups_.names, row.group.name);
      progress_.Show(
          fmt::format("report {} of {}: {}", r + 1, index.rows.size(), Printable(row.group.name)));
      const int signal =
          ReportOne(row, images[static_cast<std::size_t>(g - groups_.names.begin())]);
      if (signal != 0) return 128 + signal;
    }
    progress_.Erase();
    OutputFile file(PathOf(IndexFileName(request_.form.format)), console_);
    WriteReportIndex(index, request_.form.format, file.stream());
    file.Finish();
    SayWhatIsWritten(index);
    return whole_->loaded.exit_code;
  }

 private:
  std::string PathOf(const std::string& file) const {
    return (std::filesystem::path(request_.directory) / file).string();
  }

  ReportIndex MakeIndex() const {
    const Fleet& fleet = whole_->loaded.fleet;
    const StatReport stat = MakeStatReport(fleet, {.scope = *ParseScope(arguments_.scope),
                                                   .layers_only = arguments_.layers_only,
                                                   .groupings = {request_.grouping}});
    const GroupTable& table = stat.tables.front();
    ReportIndex index{.grouping = request_.grouping,
                      .totals = stat.accounting.totals,
                      .images_in_several = table.images_in_several,
                      .repeated_images = table.repeated_images,
                      .repeated_logical = table.repeated_logical,
                      .rows = {}};
    if (request_.grouping.kind == Grouping::Kind::kLabel) {
      index.images_without = std::ranges::count_if(fleet.images, [&](const Image& image) {
        return fleet.label(image, request_.grouping.label).empty();
      });
    }
    std::vector<std::string> names;
    for (const GroupAccount& group : table.rows) names.push_back(group.name);
    const std::vector<std::string> files =
        GroupFileNames(names, ReportFormatName(request_.form.format));
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      index.rows.push_back({.group = table.rows[r], .file = files[r], .best_level = {}});
    }
    return index;
  }

  std::vector<std::vector<ImageIndex>> ImagesOfGroups() const {
    std::vector<std::vector<ImageIndex>> images(groups_.size());
    for (ImageIndex i = 0; i < whole_->loaded.fleet.images.size(); ++i) {
      for (const GroupIndex g : groups_.of(i)) images[g].push_back(i);
    }
    return images;
  }

  // Plans the group and writes its report. Returns the signal that ended the planning, or 0.
  int ReportOne(IndexRow& row, const std::vector<ImageIndex>& images) {
    FleetPart part = TakePart(whole_->loaded.fleet, images, RefsOf(row.group.name));
    std::optional<LayerContents> contents;
    if (whole_->contents) contents.emplace(ContentsOfPart(part, *whole_->contents));
    LoadedFleet loaded;
    loaded.fleet = std::move(part.fleet);
    PlannedFleet planned(std::move(loaded));
    planned.contents = std::move(contents);
    FleetReportRequest request = RequestFor(planned.loaded.fleet, row.group.name);
    request.waste = FindReportWaste(planned.loaded.fleet, arguments_.cost(),
                                    planned.contents ? &*planned.contents : nullptr);
    try {
      PlanWhatIsRead(ArgumentsFor(planned.loaded.fleet), planned, progress_);
    } catch (const InputError& error) {
      throw InputError(
          fmt::format("{} {}: {}", GroupingName(request_.grouping), row.group.name, error.what()));
    }
    const FleetReport report =
        MakeFleetReport(planned.loaded.fleet, *planned.plan, std::move(request));
    OutputFile file(PathOf(row.file), console_);
    WriteReport(report, request_.form, file.stream());
    file.Finish();
    row.alone_bytes = report.levels.front().cost.storage_bytes;
    row.best_level = report.best_level().name;
    row.best_bytes = report.best_level().cost.storage_bytes;
    return planned.signal;
  }

  // Refs that belong to the group; all where images are not sorted by their refs.
  std::function<bool(std::string_view)> RefsOf(const std::string& group) const {
    const Grouping::Kind kind = request_.grouping.kind;
    if (kind != Grouping::Kind::kRepository && kind != Grouping::Kind::kNamespace) return {};
    const GroupBy by =
        kind == Grouping::Kind::kRepository ? GroupBy::kRepository : GroupBy::kNamespace;
    return [group, by](std::string_view ref) { return GroupOfRef(ref, by) == group; };
  }

  // Without pins of other groups.
  PlanArguments ArgumentsFor(const Fleet& part) const {
    PlanArguments arguments = arguments_;
    std::erase_if(arguments.plan.squash.pins, [&](const std::string& pattern) {
      try {
        return MatchPins(part, {pattern}).empty();
      } catch (const InputError&) {
        return true;
      }
    });
    return arguments;
  }

  FleetReportRequest RequestFor(const Fleet& part, const std::string& group) const {
    FleetReportRequest request{
        .scope = *ParseScope(arguments_.scope),
        .layers_only = arguments_.layers_only,
        .labels = request_.labels,
        .group = ReportGroup{.by = GroupingName(request_.grouping), .name = group}};
    std::set<std::string_view> keys;
    for (const Label& label : part.labels) keys.insert(part.text(label.key));
    std::erase_if(request.labels, [&](const std::string& key) { return !keys.contains(key); });
    return request;
  }

  void SayWhatIsWritten(const ReportIndex& index) const {
    if (arguments_.fleet.quiet) return;
    if (index.images_without > 0) {
      *console_.err << fmt::format("gneiss: {} of {} have no label {}: they are in (none)\n",
                                   FormatCount(index.images_without),
                                   FormatCounted(index.totals.images, "image"),
                                   Printable(index.grouping.label));
    }
    *console_.err << fmt::format(
        "gneiss: {} and {} in {}\n",
        FormatCounted(static_cast<std::int64_t>(index.rows.size()), "report"),
        IndexFileName(request_.form.format), Printable(request_.directory));
  }

  const PlanArguments& arguments_;
  const GroupReportsRequest& request_;
  Console& console_;
  Progress& progress_;
  std::unique_ptr<PlannedFleet> whole_;
  ImageGroups groups_;
};

}  // namespace

int WriteGroupReports(const PlanArguments& arguments, const GroupReportsRequest& request,
                      Console& console, Progress& progress) {
  return GroupReporter(arguments, request, console, progress).Run();
}

}  // namespace gneiss
