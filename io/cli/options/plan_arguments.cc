#include "io/cli/options/plan_arguments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/bytes/interrupt.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/tables/lineage_file.h"
#include "io/text/format.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Fleets of this size or more take longer than a second.
constexpr std::size_t kManyImages = 20'000;

std::optional<LayerCodec> ParseCodec(const std::string& text) {
  if (text == "today") return std::nullopt;
  return text == "zstd" ? LayerCodec::kZstd : LayerCodec::kGzip;
}

// Weights and counts; what is no number at all CLI11 has refused already.
std::string CheckCount(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (std::isfinite(value) && value >= 0) return "";
  return fmt::format("expected a finite number of 0 or more, found \"{}\"", text);
}

std::string CheckTimeLimit(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (std::isfinite(value) && value > 0) return "";
  return fmt::format("expected more than 0 seconds, found \"{}\"", text);
}

// Says when the levels made of contents have had their time: half of it for the bases, what is left
// for carving.
class PlanClock {
 public:
  PlanClock(const Progress& progress, double time_limit)
      : progress_(progress), time_limit_(time_limit) {}

  void Begin(PlanStage stage) {
    if (stage < PlanStage::kNewBases) return;
    if (!stop_) {
      begin_ = progress_.elapsed_seconds();
      stop_.emplace();
    }
    end_ = begin_ + (stage == PlanStage::kNewBases ? time_limit_ / 2 : time_limit_);
  }
  bool IsOver() const {
    return (stop_ && stop_->signal() != 0) ||
           (stop_ && time_limit_ > 0 && progress_.elapsed_seconds() >= end_);
  }
  int signal() const { return stop_ ? stop_->signal() : 0; }

 private:
  const Progress& progress_;
  double time_limit_;  // 0: none
  double begin_ = 0;   // of the first of these levels, and the end of the one at hand
  double end_ = 0;
  std::optional<StopOnInterrupt> stop_;  // once one of them has begun
};

std::string_view StageName(PlanStage stage) {
  constexpr std::array<std::string_view, 9> kNames = {
      "today's layout",  "squash boundaries", "recommendations",
      "bases and drift", "comparisons",       "contents of images",
      "common bases",    "carved layers",     "frontier"};
  return kNames[static_cast<std::size_t>(stage)];
}

void RequireContents(const PlanArguments& arguments, const Plan& plan) {
  if (arguments.level != "bases" && arguments.level != "carve") return;
  if (plan.from_contents) {
    if (arguments.level == "carve" || plan.from_contents->bases) return;
    throw InputError(fmt::format(
        "--level bases takes at most {} images with known contents, found {}: plan part of the "
        "fleet, or --level carve",
        FormatCount(kMaxMergeTreeImages), FormatCount(plan.from_contents->num_images)));
  }
  throw InputError(fmt::format(
      "--level {} needs the contents of layers, and no image has all of its layers scanned; run "
      "gneiss scan on the same sources first{}",
      arguments.level, arguments.no_contents ? ", and leave --no-contents out" : ""));
}

}  // namespace

CostOptions PlanArguments::cost() const {
  CostOptions cost = plan.cost;
  cost.scope = *ParseScope(scope);
  return cost;
}

void AddPlanArguments(CLI::App& app, PlanArguments& arguments, std::vector<std::string> levels) {
  AddFleetOptions(app, arguments.fleet);
  AddDemandOptions(app, arguments.fleet.demand);
  CostOptions& cost = arguments.plan.cost;
  SquashOptions& squash = arguments.plan.squash;
  const std::string names =
      fmt::format("{} or {}", fmt::join(levels.begin(), levels.end() - 1, ", "), levels.back());
  app.add_option("--level", arguments.level,
                 fmt::format("{} (default: {})", names, arguments.level))
      ->check(OneOf(levels))
      ->type_name("LEVEL");
  CLI::Option* const storage_weight =
      app.add_option("--storage-weight", cost.storage_weight, "cost of a byte stored (default: 1)")
          ->check(CheckCount)
          ->type_name("X");
  CLI::Option* const transfer_weight = app.add_option("--transfer-weight", cost.transfer_weight,
                                                      "cost of a byte fetched (default: 1)")
                                           ->check(CheckCount)
                                           ->type_name("X");
  for (const auto& [name, price, what] :
       {std::tuple("--storage-price", &cost.storage_price, "price of a GB stored"),
        std::tuple("--transfer-price", &cost.transfer_price, "price of a GB fetched")}) {
    app.add_option(name, *price, fmt::format("{}; replaces both weights", what))
        ->check(CheckCount)
        ->type_name("X")
        ->excludes(storage_weight)
        ->excludes(transfer_weight);
  }
  AddSizeOption(app, "--layer-cost", cost.layer_cost,
                "what the request for one layer costs, in bytes (default: 256KiB)");
  app.add_option("--images-per-node", cost.images_per_node,
                 "images that a node runs on average, 0: every pull is cold (default: 10)")
      ->check(CheckCount)
      ->type_name("K");
  app.add_option("--nodes", cost.nodes, "nodes (default: all pulls / images per node)")
      ->check(CheckCount)
      ->type_name("N");
  app.add_option("--max-layers", squash.max_layers,
                 "most layers of an image (default: 127, containerd's limit)")
      ->check(CLI::Range(1U, 1'000'000U).description(""))
      ->type_name("N");
  app.add_option("--pin", squash.pins,
                 "images never to rewrite, a shell pattern over refs; may be given again")
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  app.add_option(
         "--gap", squash.gap_tolerance,
         "stop improving a level when it is proven this near to the optimum, 0.05 for 5 % of its "
         "cost (default: 0)")
      ->check(CheckCount)
      ->type_name("X");
  app.add_option("--bases", arguments.plan.num_bases,
                 "new common bases, at most (default: what costs least)")
      ->check(CLI::Range(1U, 1'000'000U).description(""))
      ->type_name("K");
  app.add_option(
         "--lineages", arguments.lineage_file,
         "which images are versions of one base: lines `PATTERN NAME`, a shell pattern over "
         "refs and a name")
      ->type_name("FILE");
  app.add_option(
         "--events", arguments.event_file,
         "moves of tags over time: what a tag once named are versions of one base; JSON lines or "
         "CSV \"time,ref,manifest,platform\"")
      ->type_name("FILE");
  app.add_flag("--allow-older", arguments.plan.allow_older,
               "images may also move to older versions of their base");
  app.add_option("--mtime", arguments.mtime,
                 "exact (default); ignore: files that differ in their time only are one")
      ->check(OneOf({"exact", "ignore"}))
      ->type_name("RULE");
  app.add_option("--compression", arguments.compression,
                 "what new layers are counted in: gzip (default) or zstd, as apply writes them; "
                 "today: as layers are")
      ->check(OneOf({"gzip", "zstd", "today"}))
      ->type_name("CODEC");
  app.add_option("--time-limit", arguments.time_limit,
                 "seconds of the search for bases and carved layers, which ends with the best so "
                 "far then; reading, and checking the plan, take their own time")
      ->check(CheckTimeLimit)
      ->type_name("SECONDS");
  AddStoreOptions(app, arguments.store);
  app.add_flag("--no-contents", arguments.no_contents,
               "plan from manifests alone: what layers hide of each other is not known");
  AddScopeOption(app, arguments.scope);
  app.add_flag("--layers-only", arguments.layers_only,
               "leave configs and manifests out of the headline; costs count layers anyway");
}

std::unique_ptr<PlannedFleet> ReadForPlan(const PlanArguments& arguments, Console& console,
                                          Progress& progress) {
  auto planned = std::make_unique<PlannedFleet>(LoadFleet(arguments.fleet, console));
  if (!arguments.event_file.empty()) {
    planned->past_refs =
        PastRefsOf(arguments.event_file, planned->loaded.fleet, arguments.fleet.quiet, console);
  }
  if (arguments.no_contents) return planned;
  if (planned->loaded.fleet.images.size() >= kManyImages) progress.Show("contents");
  planned->contents = LoadContents(planned->loaded, arguments.store, arguments.fleet.quiet, console,
                                   NoStore::kIsEmpty);
  planned->contents->SetNewCodec(ParseCodec(arguments.compression));
  return planned;
}

void PlanWhatIsRead(const PlanArguments& arguments, PlannedFleet& planned, Progress& progress) {
  const Fleet& fleet = planned.loaded.fleet;
  PlanOptions options = arguments.plan;
  options.cost = arguments.cost();
  options.wants_new_bases = arguments.level == "bases" || arguments.level == "all";
  options.wants_carve = arguments.level == "carve" || arguments.level == "all";
  if (!arguments.lineage_file.empty()) options.lineages = ReadLineageFile(arguments.lineage_file);
  options.past_refs = planned.past_refs;
  options.ignore_mtime = arguments.mtime == "ignore";
  const std::string who = FormatCounted(static_cast<std::int64_t>(fleet.images.size()), "image");
  PlanClock clock(progress, arguments.time_limit);
  // A stage cannot say how far it is; where it may take seconds it is named as it begins.
  const auto show = [&](std::string_view stage) {
    if (fleet.images.size() >= kManyImages || planned.contents) {
      progress.Show(fmt::format("planning {}: {}", who, stage));
    }
  };
  options.on_stage = [&](PlanStage stage) {
    clock.Begin(stage);
    show(StageName(stage));
  };
  options.should_stop = [&] { return clock.IsOver(); };
  show("sharing graph");
  {
    const ImageGroups cells = ScopeCells(fleet, options.cost.scope);
    planned.totals =
        AccountFor(fleet, BuildSharingGraph(fleet, cells, arguments.layers_only)).totals;
  }
  planned.plan = MakePlan(fleet, options, planned.contents ? &*planned.contents : nullptr);
  RequireContents(arguments, *planned.plan);
  planned.signal = clock.signal();
}

std::unique_ptr<PlannedFleet> PlanFleet(const PlanArguments& arguments, Console& console,
                                        Progress& progress) {
  std::unique_ptr<PlannedFleet> planned = ReadForPlan(arguments, console, progress);
  PlanWhatIsRead(arguments, *planned, progress);
  return planned;
}

}  // namespace gneiss
