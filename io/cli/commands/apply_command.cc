#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "io/apply/apply_plan.h"
#include "io/apply/apply_report.h"
#include "io/apply/layer_writer.h"
#include "io/apply/plan_match.h"
#include "io/bytes/compressor.h"
#include "io/cli/commands/commands.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scan_layers.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/output_file.h"
#include "io/cli/terminal/progress.h"
#include "io/json/json_value.h"
#include "io/report/plan/apply_screen.h"
#include "io/scan/scan_fleet.h"
#include "io/store/inventory_store.h"
#include "io/tables/plan_file.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::int64_t kLeftOutShown = 10;

struct ApplyCommandOptions {
  std::string plan;
  FleetOptions fleet;
  std::string to;
  std::string level;
  std::string compression;              // empty: the plan's
  std::int64_t compression_level = -1;  // -1: the codec's default
  ScanArguments scan;
  StoreArguments store;
  ReportOptions report;
};

std::string DirectoryOf(const std::string& to) {
  constexpr std::string_view kTransport = "oci:";
  if (!to.starts_with(kTransport)) {
    throw UsageError(fmt::format("--to: expected oci:DIR, found {}", Quote(ShownSource(to))));
  }
  std::string directory = to.substr(kTransport.size());
  if (directory.empty() || directory.find(':') != std::string::npos) {
    throw UsageError(fmt::format("--to: expected oci:DIR, a directory without a REF, found {}",
                                 Quote(ShownSource(to))));
  }
  return directory;
}

CompressionOptions CompressionOf(const ApplyCommandOptions& options,
                                 const std::optional<LayerCodec>& of_plan) {
  CompressionOptions compression{.codec = of_plan.value_or(LayerCodec::kGzip)};
  if (options.compression == "zstd") {
    compression.codec = LayerCodec::kZstd;
  } else if (options.compression == "gzip") {
    compression.codec = LayerCodec::kGzip;
  } else if (!options.compression.empty()) {
    throw UsageError(
        fmt::format("--compression: expected gzip or zstd, found {}", Quote(options.compression)));
  }
  if (options.compression_level < 0) return compression;
  const CompressionLevels levels = LevelsOf(compression.codec);
  if (options.compression_level < levels.lowest || options.compression_level > levels.highest) {
    throw UsageError(
        fmt::format("--compression-level: expected a level of {} from {} to {}, found "
                    "{}",
                    LayerCodecName(compression.codec), levels.lowest, levels.highest,
                    options.compression_level));
  }
  compression.level = static_cast<int>(options.compression_level);
  return compression;
}

// Why a layer has no inventory although it was to be scanned. `damage`: of its file in the store.
std::string WhyUnknown(const LayerScan& scan, const std::string& damage) {
  switch (scan.outcome) {
    case LayerOutcome::kNoBlob:
      return "expected its blob in a source, found it in none";
    case LayerOutcome::kNotATar:
      return "expected a tar, found " + scan.problem;
    case LayerOutcome::kBad:
      return scan.problem;
    case LayerOutcome::kScanned:
    case LayerOutcome::kStored:
      break;
  }
  return damage.empty() ? "its inventory is gone from the store" : damage;
}

// Scans the layers among `wanted` that are not in the store yet. Those that it cannot, and why.
UnknownLayers ScanMissing(const ApplyCommandOptions& options, const LoadedFleet& loaded,
                          const std::vector<LayerIndex>& wanted, LayerContents& contents,
                          Console& console) {
  UnknownLayers unknown;
  std::vector<LayerIndex> missing;
  for (const LayerIndex l : wanted) {
    if (!contents.inventories[l]) missing.push_back(l);
  }
  if (missing.empty()) return unknown;
  InventoryStore store = OpenStore(options.store);
  Progress progress(console, options.fleet.quiet);
  FleetScanOptions scan_options =
      MakeScanOptions(options.scan, /*strict=*/false, options.fleet.quiet, console, progress);
  scan_options.layers = missing;
  std::mutex mutex;
  std::map<LayerIndex, Inventory> scanned_layers;
  scan_options.on_scanned = [&](LayerIndex l, const ScannedLayer& scanned) {
    if (!scanned.inventory) return;
    const std::lock_guard lock(mutex);
    scanned_layers.emplace(l, *scanned.inventory);
  };
  const FleetScan scan = ScanFleet(loaded.fleet, loaded.blobs, store, ScanLayer, scan_options);
  for (const LayerIndex l : missing) {
    const Layer& layer = loaded.fleet.layers[l];
    const LayerOutcome outcome = scan.layers[l].outcome;
    std::string damage;
    if (const auto found = scanned_layers.find(l); found != scanned_layers.end()) {
      if (outcome == LayerOutcome::kScanned) {
        contents.Add(l, std::move(found->second));
        continue;
      }
    } else if (outcome == LayerOutcome::kStored) {
      InventoryStore::ReadLayer read =
          store.Read({.digest = layer.digest, .verifiable = layer.verifiable});
      if (read.scanned && read.scanned->inventory) {
        contents.Add(l, std::move(*read.scanned->inventory), read.belief);
        continue;
      }
      damage = std::move(read.damage);
    }
    unknown.emplace(l, WhyUnknown(scan.layers[l], damage));
  }
  return unknown;
}

// Images that the loader has not named already, and what comes of all of them.
void SayLeftOut(const ApplyReport& report, const LoadedFleet& loaded, bool keep_going,
                Console& console) {
  std::int64_t num_new = 0;
  for (const LeftOutImage& image : report.left_out_images) {
    if (image.is_bad_entry) continue;
    if (num_new++ >= kLeftOutShown) continue;
    *console.err << fmt::format("gneiss: {}: {}\n",
                                Printable(image.ref.empty() ? image.manifest_digest : image.ref),
                                Printable(image.why));
  }
  if (num_new > kLeftOutShown) {
    *console.err << fmt::format("gneiss: [{} more]\n", FormatCount(num_new - kLeftOutShown));
  }
  if (num_new == 0) return;
  *console.err << fmt::format(
      "gneiss: {} left out of {}{}\n", FormatCounted(num_new, "image is", "images are"),
      Printable("oci:" + report.target),
      keep_going || loaded.exit_code != kDone ? "" : "; --keep-going makes the exit code 0");
}

int RunApply(const ApplyCommandOptions& options, Console& console) {
  if (options.plan.empty()) throw UsageError("expected a PLAN, as `gneiss plan -o FILE` writes it");
  if (options.fleet.sources.empty()) throw UsageError("expected --from SOURCE");
  if (options.to.empty()) throw UsageError("expected --to oci:DIR");
  const std::string target = DirectoryOf(options.to);
  if (!options.compression.empty()) {
    (void)CompressionOf(options, std::nullopt);  // a wrong one is found before the plan is read
  }

  const PlanFile plan = ReadPlanFile(options.plan);
  ApplyOptions apply{.target = target,
                     .compression = CompressionOf(options, plan.codec),
                     .jobs = NumJobs(options.scan),
                     .limits = options.scan.limits,
                     .is_strict = options.fleet.strict};
  const PlanFileLevel& level = plan.Level(options.level);
  if (plan.codec && *plan.codec != apply.compression.codec && !options.fleet.quiet) {
    *console.err << fmt::format(
        "gneiss: warning: {} counts new layers in {}; {} will not have the sizes that it "
        "predicts\n",
        Printable(options.plan), LayerCodecName(*plan.codec),
        LayerCodecName(apply.compression.codec));
  }
  if (const std::string who = ExpectUsableTarget(plan, level, apply);
      !who.empty() && !options.fleet.quiet) {
    *console.err << fmt::format("gneiss: warning: {} can be written to by {}, and so changed\n",
                                Printable(target), who);
  }
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  apply.has_bad_entries = loaded.bad_images > 0;
  const std::vector<LayerIndex> wanted = LayersToRead(plan, level, loaded.fleet);
  LayerContents contents = LoadContents(loaded, options.store, options.fleet.quiet, console);
  const UnknownLayers unknown = ScanMissing(options, loaded, wanted, contents, console);
  contents.SetNewCodec(apply.compression.codec);

  Progress progress(console, options.fleet.quiet);
  if (console.err_is_terminal && !options.fleet.quiet) {
    apply.on_progress = [&](const ApplyProgress& at) {
      if (!progress.IsDue()) return;
      progress.Show(fmt::format("{}: {} of {} ({})", at.what, FormatBytes(at.done, ByteUnits::kSi),
                                FormatBytes(at.total, ByteUnits::kSi),
                                FormatPercent(at.done, at.total)));
    };
  }
  const ApplyReport report =
      ApplyPlan(plan, level, loaded.fleet, loaded.blobs, contents, unknown, apply);
  progress.Erase();
  SayLeftOut(report, loaded, options.fleet.keep_going, console);
  OutputFile output(options.report.output, console);
  if (options.report.json) {
    WriteApplyJson(report, output.stream());
  } else {
    PrintApply(report, options.fleet.sources, StyleFor(options.report, output, console),
               output.stream());
  }
  output.Finish();
  return report.left_out_images.empty() || options.fleet.keep_going ? loaded.exit_code : kFailed;
}

}  // namespace

CommandBody ConfigureApply(CLI::App& app) {
  const auto options = std::make_shared<ApplyCommandOptions>();
  app.add_option("plan", options->plan, "the plan, as `gneiss plan -o FILE` writes it")
      ->type_name("PLAN");
  app.add_option(
         "--from", options->fleet.sources,
         "where the fleet was read from: oci:DIR[:REF], oci-archive:FILE[:REF]; may be given "
         "again")
      ->allow_extra_args(false)
      ->type_name("SOURCE");
  app.add_option(
         "--to", options->to,
         "the layout to write: a directory that is empty, not there, or left by this command "
         "when it was ended")
      ->type_name("oci:DIR");
  app.add_option("--level", options->level,
                 "squash, bases or carve, where the plan has more than one")
      ->check(Offering({"squash", "bases", "carve"}))
      ->type_name("LEVEL");
  app.add_option("--compression", options->compression,
                 "of new layers, gzip or zstd (default: what the plan counts in); docker manifests "
                 "take gzip only")
      ->check(Offering({"gzip", "zstd"}))
      ->type_name("CODEC");
  AddCountOption(app, "--compression-level", options->compression_level,
                 "of gzip 1 to 9, of zstd 1 to 19 (default: 6, 3)", 0);
  CLI::Option* const strict =
      app.add_flag("--strict", options->fleet.strict,
                   "write nothing when an image cannot be read or carried over");
  app.add_flag("--keep-going", options->fleet.keep_going,
               "exit code 0 although images could not be read or carried over, and are left out")
      ->excludes(strict);
  AddJobsOption(app, options->scan, "blobs read and written at once");
  AddStoreOptions(app, options->store);
  app.add_flag("--quiet", options->fleet.quiet, "no progress and no warnings; errors only");
  AddReportOptions(app, options->report);
  AddLimitOptions(app, options->scan.limits);
  return [options](Console& console) { return RunApply(*options, console); };
}

}  // namespace gneiss
