#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/bytes/interrupt.h"
#include "io/cli/commands/commands.h"
#include "io/cli/options/creation_ranks.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/ref_patterns.h"
#include "io/cli/options/report_options.h"
#include "io/cli/options/scope_option.h"
#include "io/cli/terminal/output_file.h"
#include "io/cli/terminal/progress.h"
#include "io/report/questions/deletion.h"
#include "io/report/questions/whatif.h"
#include "io/source/fleet_line_writer.h"
#include "io/text/format.h"
#include "io/text/screen_text.h"
#include "planner/questions/addition.h"
#include "planner/questions/base_move.h"
#include "planner/questions/deletion.h"
#include "planner/questions/free_space.h"
#include "planner/questions/retention.h"

namespace gneiss {
namespace {

struct WhatifOptions {
  FleetOptions fleet;
  ReportOptions report;
  std::string scope = "global";
  bool layers_only = false;
  std::int64_t top = 20;
  std::vector<std::string> deleted;
  Bytes free = -1;
  bool frontier = false;
  std::string loss;
  double time_limit = 0;
  std::int64_t keep_last = 0;
  std::vector<std::string> keep;
  std::string rebase;
  std::vector<std::string> added;
  bool list = false;
};

enum class WhatifMode { kDelete, kFree, kKeepLast, kRebase, kAdd };

// The one question that was asked.
WhatifMode ModeOf(const WhatifOptions& options) {
  std::vector<std::pair<std::string_view, WhatifMode>> asked;
  if (!options.deleted.empty()) asked.emplace_back("--delete", WhatifMode::kDelete);
  if (options.free >= 0) {
    asked.emplace_back("--free", WhatifMode::kFree);
  } else if (options.frontier) {
    asked.emplace_back("--frontier", WhatifMode::kFree);
  }
  if (options.keep_last > 0) asked.emplace_back("--keep-last", WhatifMode::kKeepLast);
  if (!options.rebase.empty()) asked.emplace_back("--rebase", WhatifMode::kRebase);
  if (!options.added.empty()) asked.emplace_back("--add", WhatifMode::kAdd);
  constexpr std::string_view kExpected =
      "expected one of --delete, --free, --frontier, --keep-last, --rebase and --add";
  if (asked.empty()) throw UsageError(fmt::format("{}, found none", kExpected));
  if (asked.size() > 1) {
    throw UsageError(fmt::format("{}, found {} and {}", kExpected, asked[0].first, asked[1].first));
  }
  return asked.front().second;
}

void CheckFits(const WhatifOptions& options, WhatifMode mode) {
  const auto expect = [](bool holds, std::string_view option, std::string_view with) {
    if (!holds) throw UsageError(fmt::format("{} goes with {} only", option, with));
  };
  const bool deletes =
      mode == WhatifMode::kDelete || mode == WhatifMode::kKeepLast || options.free >= 0;
  if (!options.loss.empty()) {
    expect(mode == WhatifMode::kFree, "--loss", "--free or --frontier");
  }
  if (options.frontier) expect(mode == WhatifMode::kFree, "--frontier", "--free, or alone");
  if (options.time_limit > 0) expect(options.free >= 0, "--time-limit", "--free");
  if (!options.keep.empty()) {
    expect(deletes || mode == WhatifMode::kFree, "--keep",
           "--delete, --free, --frontier or --keep-last");
  }
  if (options.list) expect(deletes, "--list", "--delete, --free or --keep-last");
}

WhatifQuestion QuestionOf(const WhatifOptions& options, const LoadedFleet& loaded,
                          std::string_view name) {
  return {.fleet = &loaded.fleet,
          .name = name,
          .scope = *ParseScope(options.scope),
          .layers_only = options.layers_only,
          .bad_images = loaded.bad_images};
}

// Where an answer goes, and how it looks there.
class WhatifOutput {
 public:
  WhatifOutput(const WhatifOptions& options, Console& console)
      : options_(options), file_(options.report.output, console) {
    screen_.style = StyleFor(options.report, file_, console);
    screen_.top = static_cast<std::size_t>(options.top);
  }

  bool json() const { return options_.report.json; }
  const WhatifScreen& screen() const { return screen_; }
  std::ostream& stream() { return file_.stream(); }
  void Finish() { file_.Finish(); }

  // What --list asks for. Names that no client would take as they are printed are told beside it.
  void List(const Fleet& fleet, const RefSelection& goes, Console& console) {
    const DeletionList list = ListSelection(fleet, goes, !options_.fleet.platform.empty());
    for (const std::string& line : list.names) {
      if (Printable(line) == line) {
        file_.stream() << line << '\n';
      } else {
        *console.err << "gneiss: not listed, no client takes such a name: " << Printable(line)
                     << '\n';
      }
    }
    for (const std::string& ref : list.unnamed) {
      *console.err << "gneiss: not listed, to delete it would take what stays: " << Printable(ref)
                   << '\n';
    }
  }

 private:
  const WhatifOptions& options_;
  OutputFile file_;
  WhatifScreen screen_;
};

// Takes what is to be kept out of what is to go.
void Protect(const Fleet& fleet, const RefSelection& keep, RefSelection& goes) {
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const bool by_digest = goes.images[i] != 0;
    bool keeps_any = keep.images[i] != 0;
    for (std::uint32_t r = 0; r < image.num_refs; ++r) keeps_any |= keep.has(fleet, i, r);
    if (!keeps_any) continue;
    goes.images[i] = 0;
    for (std::uint32_t r = 0; r < image.num_refs; ++r) {
      std::uint8_t& ref = goes.refs[image.first_ref + r];
      ref = (by_digest || ref != 0) && !keep.has(fleet, i, r) ? 1 : 0;
    }
  }
}

int RunDelete(const WhatifOptions& options, const LoadedFleet& loaded, Console& console) {
  const Fleet& fleet = loaded.fleet;
  RefSelection goes = SelectNamedRefs(fleet, options.deleted, "--delete");
  Protect(fleet, SelectNamedRefs(fleet, options.keep, "--keep"), goes);
  const WhatifQuestion question = QuestionOf(options, loaded, "delete");
  const ImageGroups cells = ScopeCells(fleet, question.scope);
  const Deletion deletion =
      CountDeletion(fleet, cells, BuildSharingGraph(fleet, cells, question.layers_only), goes);
  WhatifOutput output(options, console);
  if (options.list) {
    output.List(fleet, goes, console);
  } else if (output.json()) {
    WriteDeletionJson(question, deletion, output.stream());
  } else {
    PrintDeletion(question, deletion, output.screen(), output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

int RunKeepLast(const WhatifOptions& options, const LoadedFleet& loaded, Console& console) {
  const Fleet& fleet = loaded.fleet;
  const RefSelection keep = SelectNamedRefs(fleet, options.keep, "--keep");
  const Retention retention = PlanRetention(fleet, GroupImages(fleet, GroupBy::kRepository),
                                            CreationRanks(fleet), options.keep_last, keep);
  const WhatifQuestion question = QuestionOf(options, loaded, "keep_last");
  const ImageGroups cells = ScopeCells(fleet, question.scope);
  const Deletion deletion = CountDeletion(
      fleet, cells, BuildSharingGraph(fleet, cells, question.layers_only), retention.goes);
  WhatifOutput output(options, console);
  if (options.list) {
    output.List(fleet, retention.goes, console);
  } else if (output.json()) {
    WriteRetentionJson(question, options.keep_last, retention, deletion, output.stream());
  } else {
    PrintRetention(question, options.keep_last, retention, deletion, output.screen(),
                   output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

int RunFree(const WhatifOptions& options, const LoadedFleet& loaded, Console& console) {
  const Fleet& fleet = loaded.fleet;
  const RefSelection keep = SelectNamedRefs(fleet, options.keep, "--keep");
  std::vector<std::uint8_t> kept = keep.images;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    for (std::uint32_t r = 0; r < fleet.images[i].num_refs; ++r) {
      if (keep.has(fleet, i, r)) kept[i] = 1;
    }
  }
  const WhatifQuestion question = QuestionOf(options, loaded, "free");
  Progress progress(console, options.fleet.quiet);
  const StopOnInterrupt interrupt;
  FreeSpaceRequest request{
      .wants_frontier = options.frontier,
      .loss = options.loss == "pulls" ? DeletionLoss::kPulls : DeletionLoss::kImages};
  if (options.free >= 0) request.wanted = options.free;
  request.should_stop = [&] {
    if (progress.IsDue()) progress.Show("choosing images");
    return interrupt.signal() != 0 ||
           (options.time_limit > 0 && progress.elapsed_seconds() >= options.time_limit);
  };
  const ImageGroups cells = ScopeCells(fleet, question.scope);
  const FreeSpace plan =
      PlanFreeSpace(fleet, cells, BuildSharingGraph(fleet, cells, question.layers_only), kept,
                    std::move(request));
  progress.Erase();
  WhatifOutput output(options, console);
  if (options.list) {
    output.List(fleet, plan.goes, console);
  } else if (output.json()) {
    WriteFreeSpaceJson(question, plan, options.frontier, output.stream());
  } else {
    PrintFreeSpace(question, plan, options.frontier, output.screen(), output.stream());
  }
  output.Finish();
  if (interrupt.signal() != 0) return 128 + interrupt.signal();
  const bool is_met = !plan.choice || plan.choice->status != DeletionStatus::kInfeasible;
  if (!is_met && options.list) {
    *console.err << "gneiss: nothing listed: that much cannot be freed; without --list it says how "
                    "much can\n";
  }
  return is_met ? loaded.exit_code : kPolicyNotMet;
}

// The images that the names stand for, by platform.
std::vector<BasePair> PairBases(const Fleet& fleet, std::string_view argument, bool quiet,
                                Console& console) {
  const std::size_t equals = argument.find('=');
  const std::string_view from = argument.substr(0, equals);
  const std::string_view to = argument.substr(equals + 1);
  const std::vector<ImageIndex> old_bases = FindImages(fleet, from);
  const std::vector<ImageIndex> new_bases = FindImages(fleet, to);
  std::vector<BasePair> pairs;
  for (const ImageIndex old_base : old_bases) {
    for (const ImageIndex new_base : new_bases) {
      if (fleet.images[old_base].platform != fleet.images[new_base].platform) continue;
      const auto has_platform = [&](const BasePair& pair) {
        return fleet.images[pair.from].platform == fleet.images[old_base].platform;
      };
      if (std::ranges::any_of(pairs, has_platform)) {
        throw InputError(fmt::format(
            "--rebase: several images of one platform are called \"{}\" or \"{}\"; name them by "
            "digest",
            Printable(from), Printable(to)));
      }
      pairs.push_back({.from = old_base, .to = new_base});
    }
  }
  if (pairs.empty()) {
    throw InputError(fmt::format("--rebase: \"{}\" and \"{}\" are of no common platform: {} and {}",
                                 Printable(from), Printable(to),
                                 Printable(fleet.text(fleet.images[old_bases[0]].platform)),
                                 Printable(fleet.text(fleet.images[new_bases[0]].platform))));
  }
  const std::size_t without = old_bases.size() - pairs.size();
  if (without > 0 && !quiet) {
    *console.err << fmt::format("gneiss: {} of \"{}\" without \"{}\" stay{} where they are\n",
                                FormatCounted(static_cast<std::int64_t>(without), "platform"),
                                Printable(from), Printable(to), without == 1 ? "s" : "");
  }
  return pairs;
}

int RunRebase(const WhatifOptions& options, const LoadedFleet& loaded, Console& console) {
  const Fleet& fleet = loaded.fleet;
  const WhatifQuestion question = QuestionOf(options, loaded, "rebase");
  const CostModel model(fleet, {.scope = question.scope});
  const BaseMoves moves = MoveBases(fleet, model, ScopeCells(fleet, question.scope),
                                    PairBases(fleet, options.rebase, options.fleet.quiet, console));
  WhatifOutput output(options, console);
  if (output.json()) {
    WriteBaseMovesJson(question, model, moves, output.stream());
  } else {
    PrintBaseMoves(question, model, moves, output.screen(), output.stream());
  }
  output.Finish();
  return loaded.exit_code;
}

int RunAdd(const WhatifOptions& options, LoadedFleet loaded, Console& console) {
  FleetOptions added_options = options.fleet;
  added_options.sources = options.added;
  added_options.other_sources = options.fleet.sources;
  added_options.demand = {};
  const LoadedFleet added = LoadFleet(added_options, console);
  const Fleet before = std::move(loaded.fleet);
  loaded.fleet = JoinFleets(before, added.fleet);
  loaded.bad_images += added.bad_images;
  const Fleet& fleet = loaded.fleet;
  const RefSelection offered = SelectPart(fleet, added.fleet);
  RefSelection is_new = offered;
  const RefSelection old = SelectPart(fleet, before);
  for (std::size_t r = 0; r < is_new.refs.size(); ++r) {
    if (old.refs[r] != 0) is_new.refs[r] = 0;
  }
  for (std::size_t i = 0; i < is_new.images.size(); ++i) {
    if (old.images[i] != 0) is_new.images[i] = 0;
  }
  const WhatifQuestion question = QuestionOf(options, loaded, "add");
  const ImageGroups cells = ScopeCells(fleet, question.scope);
  const Addition addition = CountAddition(
      fleet, cells, BuildSharingGraph(fleet, cells, question.layers_only), is_new, offered);
  WhatifOutput output(options, console);
  if (output.json()) {
    WriteAdditionJson(question, addition, output.stream());
  } else {
    PrintAddition(question, addition, output.screen(), output.stream());
  }
  output.Finish();
  return std::max(loaded.exit_code, added.exit_code);
}

int RunWhatif(const WhatifOptions& options, Console& console) {
  const WhatifMode mode = ModeOf(options);
  CheckFits(options, mode);
  FleetOptions held = options.fleet;
  held.other_sources = options.added;
  LoadedFleet loaded = LoadFleet(held, console);
  switch (mode) {
    case WhatifMode::kDelete:
      return RunDelete(options, loaded, console);
    case WhatifMode::kFree:
      return RunFree(options, loaded, console);
    case WhatifMode::kKeepLast:
      return RunKeepLast(options, loaded, console);
    case WhatifMode::kRebase:
      return RunRebase(options, loaded, console);
    case WhatifMode::kAdd:
      break;
  }
  return RunAdd(options, std::move(loaded), console);
}

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "expected a name or a pattern, found an empty one" : "";
}

std::string CheckRebase(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0 && equals + 1 < text.size()) return "";
  return fmt::format("expected OLD=NEW, two refs or digests, found \"{}\"", text);
}

std::string CheckSeconds(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  if (std::isfinite(value) && value > 0) return "";
  return fmt::format("expected more than 0 seconds, found \"{}\"", text);
}

void AddQuestions(CLI::App& app, WhatifOptions& options) {
  app.add_option("--delete", options.deleted,
                 "what deleting refs frees: a shell pattern over refs or manifest digests; may be "
                 "given again")
      ->check(CheckNotEmpty)
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  AddSizeOption(app, "--free", options.free,
                "which images to delete for so much, at the least loss; exit code 3 when there is "
                "not as much");
  app.add_flag("--frontier", options.frontier,
               "how much can be freed at every loss; JSON has all points");
  AddCountOption(app, "--keep-last", options.keep_last,
                 "what goes when the newest N images of each repository and platform stay", 1);
  app.add_option("--rebase", options.rebase,
                 "what moving all images that stand on one base to another does: refs or digests")
      ->check(CheckRebase)
      ->type_name("OLD=NEW");
  app.add_option("--add", options.added,
                 "what the images of a SOURCE cost that are new to the fleet; may be given again")
      ->check(CheckNotEmpty)
      ->allow_extra_args(false)
      ->type_name("SOURCE");
}

}  // namespace

CommandBody ConfigureWhatif(CLI::App& app) {
  const auto options = std::make_shared<WhatifOptions>();
  AddQuestions(app, *options);
  AddFleetOptions(app, options->fleet);
  AddDemandOptions(app, options->fleet.demand);
  app.add_option("--keep", options->keep,
                 "images or refs that stay, a shell pattern over refs or manifest digests; may be "
                 "given again")
      ->check(CheckNotEmpty)
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  app.add_option("--loss", options->loss,
                 "what --free and --frontier count as loss: images (default) or their pulls")
      ->check(OneOf({"images", "pulls"}))
      ->type_name("WHAT");
  app.add_option("--time-limit", options->time_limit,
                 "seconds for --free; the best so far counts then, with its bound")
      ->check(CheckSeconds)
      ->type_name("SECONDS");
  AddScopeOption(app, options->scope);
  app.add_flag("--layers-only", options->layers_only, "leave out configs and manifests");
  AddCountOption(app, "--top", options->top,
                 "rows of a table, 0 for all (default: 20); JSON has all");
  AddReportOptions(app, options->report);
  app.add_flag("--list", options->list,
               "only what to delete, one ref or REPOSITORY@DIGEST a line, for scripts")
      ->excludes(app.get_option("--json"));
  return [options](Console& console) { return RunWhatif(*options, console); };
}

}  // namespace gneiss
