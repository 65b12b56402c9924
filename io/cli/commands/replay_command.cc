#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/cli/commands/commands.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/progress.h"
#include "io/report/questions/replay.h"
#include "io/tables/event_file.h"
#include "io/tables/history_tables.h"
#include "io/tables/plan_file.h"
#include "planner/contents/fleet_part.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/platform.h"
#include "planner/plan/followed_plan.h"
#include "planner/questions/tag_replay.h"
#include "planner/squash/squash.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

struct ReplayArguments {
  std::string events;
  std::string manifests;
  std::string layers;
  FleetOptions fleet;
  std::string plan;
  std::string plan_at;
  std::string step = "month";
  std::int64_t nodes = 100;
  double images_per_node = 10;
  ReportOptions report;
};

std::string CheckImages(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (value > 0 && value <= 1e9) return "";
  return fmt::format("expected a number above 0, up to 1e9, found \"{}\"", text);
}

const std::map<std::string, CalendarStep>& Steps() {
  static const std::map<std::string, CalendarStep> kSteps = {
      {"day", CalendarStep::kDay}, {"week", CalendarStep::kWeek}, {"month", CalendarStep::kMonth}};
  return kSteps;
}

class ReplayRun {
 public:
  ReplayRun(const ReplayArguments& arguments, Console& console)
      : arguments_(arguments), console_(console), progress_(console, arguments.fleet.quiet) {}

  int Run() {
    if (arguments_.manifests.empty() != arguments_.layers.empty()) {
      throw UsageError("--manifests and --layers go together; give both");
    }
    if (arguments_.manifests.empty() == arguments_.fleet.sources.empty()) {
      throw UsageError(
          "expected the images that events name: either SOURCEs, or --manifests and --layers");
    }
    const RegistryArguments& registry = arguments_.fleet.registry;
    if (!arguments_.manifests.empty() &&
        (!registry.include.empty() || !registry.exclude.empty() || registry.newest_tags > 0)) {
      throw UsageError(
          "--include, --exclude and --newest-tags choose what is read of registry://HOST; leave "
          "them out with --manifests");
    }
    progress_.Show("reading events");
    events_ = ReadEvents(OpenFile(arguments_.events, "a file of events"), arguments_.events);
    LoadImages();
    image_of_ = ImagesOfManifests(events_, *fleet_, by_number_);
    KeepPlatform();
    CountUnknown();
    progress_.Show("replaying");
    Replay();
    progress_.Erase();
    OutputFile output(arguments_.report.output, console_);
    if (arguments_.report.json) {
      WriteReplayJson(report_, output.stream());
    } else {
      PrintReplay(report_, StyleFor(arguments_.report, output, console_), output.stream());
    }
    output.Finish();
    return exit_code_;
  }

 private:
  void LoadImages() {
    if (arguments_.manifests.empty()) {
      loaded_ = LoadFleet(arguments_.fleet, console_);
      exit_code_ = loaded_->exit_code;
      fleet_ = &loaded_->fleet;
      return;
    }
    progress_.Show("reading manifests");
    tables_ = ReadHistoryTables(
        OpenFile(arguments_.manifests, "a table of manifests"), arguments_.manifests,
        OpenFile(arguments_.layers, "a table of layers"), arguments_.layers);
    fleet_ = &tables_->fleet;
    by_number_ = tables_->by_number;
  }

  // Leaves out what is not of --platform, by what events say, else by their images.
  void KeepPlatform() {
    if (arguments_.fleet.platform.empty()) return;
    PlatformFilter filter;
    try {
      filter = PlatformFilter(arguments_.fleet.platform);
    } catch (const InputError& error) {
      throw UsageError(error.what());
    }
    // A removal that names no platform is of the tag that was moved before.
    std::map<TextIndex, bool> is_kept;
    const auto is_other = [&](const TagEvent& event) {
      if (event.platform != 0) return !filter.Matches(events_.texts[event.platform]);
      if (event.kind != TagEvent::Kind::kMove) {
        const auto found = is_kept.find(event.ref);
        return found != is_kept.end() && !found->second;
      }
      const ImageIndex image = image_of_[event.manifest];
      // Of an image that is not known, as of one that was not read, nothing can be said.
      const bool keeps =
          image != kNone && filter.Matches(fleet_->text(fleet_->images[image].platform));
      is_kept[event.ref] = keeps;
      return !keeps;
    };
    std::erase_if(events_.events, is_other);
    if (events_.events.empty()) {
      throw UsageError(fmt::format("--platform {} matches no event", arguments_.fleet.platform));
    }
  }

  void CountUnknown() {
    for (const TagEvent& event : events_.events) {
      if (event.kind != TagEvent::Kind::kMove || image_of_[event.manifest] != kNone) continue;
      if (!arguments_.fleet.keep_going) {
        throw InputError(arguments_.events, std::to_string(event.line),
                         fmt::format("expected a manifest that is known, found {}; give the source "
                                     "that has it, or --keep-going to leave such images out",
                                     events_.manifests[event.manifest].name));
      }
      ++report_.unknown_images;
    }
  }

  void Replay() {
    report_.step = Steps().at(arguments_.step);
    report_.events = std::ssize(events_.events);
    report_.first_time = events_.events.front().time;
    report_.last_time = events_.events.back().time;
    report_.has_pulls = std::ranges::any_of(
        events_.events, [](const TagEvent& event) { return event.kind == TagEvent::Kind::kPull; });
    report_.num_nodes = static_cast<double>(arguments_.nodes);
    report_.images_per_node = arguments_.images_per_node;
    const ReplayOptions options{
        .ends = PeriodEnds(report_.first_time, report_.last_time, report_.step),
        .num_nodes = report_.num_nodes,
        .images_per_node = report_.images_per_node};
    report_.periods = ReplayTags(events_, image_of_, *fleet_, CurrentLayout(*fleet_), options);
    if (arguments_.plan.empty() && arguments_.plan_at.empty()) return;
    const PlannedSegments planned =
        arguments_.plan.empty() ? PlanThen(ParseDate(arguments_.plan_at)) : ReadPlan();
    FollowedPlan followed = FollowPlan(events_, image_of_, *fleet_, planned);
    report_.planned = {
        .plan =
            arguments_.plan.empty()
                ? "squash plan of " + DateText(ParseDate(arguments_.plan_at), CalendarStep::kDay)
                : "plan",
        .planned = followed.num_planned,
        .followed = followed.num_followed,
        .unchanged = followed.num_unchanged,
        .periods = ReplayTags(events_, image_of_, *fleet_, followed.layout, options)};
  }

  std::map<Digest, ImageIndex> ImagesByDigest() const {
    std::map<Digest, ImageIndex> images;
    for (ImageIndex i = 0; i < fleet_->images.size(); ++i) {
      images.emplace(fleet_->images[i].identity, i);
    }
    return images;
  }

  // The squash level of what tags named at that time.
  PlannedSegments PlanThen(std::int64_t time) const {
    if (time > report_.last_time + kDaySeconds) {
      throw UsageError(fmt::format("--plan-at: {} is after the last event, of {}",
                                   arguments_.plan_at,
                                   DateText(report_.last_time, CalendarStep::kDay)));
    }
    const std::vector<ImageIndex> images = ImagesNamedAt(events_, image_of_, time);
    if (images.empty()) {
      throw UsageError(fmt::format("--plan-at: no tag names an image before {}; events begin on {}",
                                   arguments_.plan_at,
                                   DateText(report_.first_time, CalendarStep::kDay)));
    }
    const FleetPart part = TakePart(*fleet_, images);
    const CostModel model(part.fleet, {});
    const SquashPlan plan = PlanSquash(part.fleet, model, MakeToday(part.fleet, model), {});
    const std::map<Digest, ImageIndex> whole = ImagesByDigest();
    PlannedSegments planned(fleet_->images.size());
    for (ImageIndex i = 0; i < part.fleet.images.size(); ++i) {
      const auto lengths = plan.layout.of(i);
      planned[whole.at(part.fleet.images[i].identity)].assign(lengths.begin(), lengths.end());
    }
    return planned;
  }

  PlannedSegments ReadPlan() const {
    const PlanFile file = ReadPlanFile(arguments_.plan);
    const std::map<Digest, ImageIndex> images = ImagesByDigest();
    PlannedSegments planned(fleet_->images.size());
    bool matches = false;
    for (const PlanImage& image : file.Level("squash").images) {
      const auto found = images.find(image.manifest_digest);
      if (found == images.end()) continue;
      std::vector<std::uint32_t> lengths;
      std::uint32_t sum = 0;
      for (const PlanImageLayer& layer : image.layers) {
        lengths.push_back(static_cast<std::uint32_t>(layer.from.size()));
        sum += lengths.back();
      }
      if (sum != fleet_->images[found->second].num_layers) {
        throw InputError(arguments_.plan, image.place,
                         fmt::format("expected {} layers of {}, found {}; is it a plan of this "
                                     "fleet?",
                                     fleet_->images[found->second].num_layers, image.name, sum));
      }
      planned[found->second] = std::move(lengths);
      matches = true;
    }
    if (!matches) {
      throw InputError(arguments_.plan, "",
                       "expected a plan of images that events name, found none of them in it");
    }
    return planned;
  }

  const ReplayArguments& arguments_;
  Console& console_;
  Progress progress_;
  TagEvents events_;
  std::optional<LoadedFleet> loaded_;
  std::optional<HistoryTables> tables_;
  const Fleet* fleet_ = nullptr;
  SeededMap<std::int64_t, ImageIndex> by_number_;
  std::vector<ImageIndex> image_of_;
  ReplayReport report_;
  int exit_code_ = kDone;
};

}  // namespace

CommandBody ConfigureReplay(CLI::App& app) {
  const auto arguments = std::make_shared<ReplayArguments>();
  app.add_option("events", arguments->events,
                 "what happened to tags, in order of time: JSON lines {\"t\",\"ref\",\"digest\"} "
                 "or CSV \"time,ref,manifest,platform\"; a line with \"pulls\" is pulls")
      ->required()
      ->type_name("EVENTS");
  AddFleetOptions(app, arguments->fleet);
  app.get_option("source")->required(false)->type_name("[SOURCE...]");
  app.add_option("--manifests", arguments->manifests,
                 "manifests that events name by number, JSON lines; instead of SOURCEs")
      ->type_name("FILE");
  app.add_option("--layers", arguments->layers, "the layers that those name by number")
      ->type_name("FILE");
  CLI::Option* plan =
      app.add_option("--plan", arguments->plan,
                     "the same once more with the squash level of this plan; images that came "
                     "after it end their layers as those their tags named before")
          ->type_name("FILE");
  app.add_option(
         "--plan-at", arguments->plan_at,
         "the same with a squash plan of what tags named as that day began; a month is its first")
      ->check(CheckDate)
      ->excludes(plan)
      ->type_name("DATE");
  app.add_option("--step", arguments->step, "day, week or month (default: month)")
      ->check(OneOf({"day", "week", "month"}))
      ->type_name("STEP");
  AddCountOption(app, "--nodes", arguments->nodes, "nodes that fetch (default: 100)", 1);
  app.add_option("--images-per-node", arguments->images_per_node,
                 "images that a node runs, without pulls among the events (default: 10)")
      ->check(CheckImages)
      ->type_name("N");
  AddReportOptions(app, arguments->report);
  return [arguments](Console& console) { return ReplayRun(*arguments, console).Run(); };
}

}  // namespace gneiss
