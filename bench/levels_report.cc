// levels_report SOURCE...: how good the plans of a fleet are, as one table a level of planning, and
// then for every limit of layers the rules that tools in use go by, on the same contents. For
// fleets whose layers have been scanned.
//
// Bytes are in MB of 1,000,000. Every row is counted by the planner's audit or recount, none by the
// solver that chose the layers.
#include <array>
#include <cstdint>
#include <ctime>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/origin_atoms.h"
#include "bench/rule_contest.h"
#include "io/cli/options/load_contents.h"
#include "io/cli/options/load_fleet.h"
#include "io/cli/options/report_options.h"
#include "planner/carve/carve.h"
#include "planner/plan/plan.h"

namespace gneiss {
namespace {

constexpr std::array<std::uint32_t, 6> kLimits = {2, 5, 8, 12, 20, 40};
constexpr std::uint32_t kBasesLimit = 12;

struct LevelsOptions {
  FleetOptions fleet;
  CostOptions cost;
  StoreArguments store;
  std::vector<std::uint32_t> limits{kLimits.begin(), kLimits.end()};
  bool no_contest = false;
};

// Of the processor, on one thread: what others run beside this does not count.
double Now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double Megabytes(Bytes bytes) { return static_cast<double>(bytes) / 1e6; }

void PrintLine(const std::string& line) { std::cout << line << '\n' << std::flush; }

struct LevelRow {
  LayoutCost cost;
  Bytes lower_bound = 0;
  bool has_bound = false;
  Bytes directory_bytes = 0;  // of what is stored
  double seconds = 0;
};

class LevelsReport {
 public:
  LevelsReport(const LevelsOptions& options, const LoadedFleet& loaded,
               const LayerContents& contents)
      : options_(options),
        fleet_(loaded.fleet),
        contents_(contents),
        model_(fleet_, options.cost),
        today_(MakeToday(fleet_, model_)),
        begin_(Now()),
        problem_(fleet_, model_, today_, contents_),
        atoms_(problem_.atoms()),
        atoms_seconds_(Now() - begin_),
        rates_(fleet_, model_, today_.cells),
        origins_(SplitByOrigin(atoms_, contents_)) {}

  void Run() {
    Describe();
    PrintLevels();
    if (!options_.no_contest) PrintContests();
  }

 private:
  void Describe() {
    const AtomTable& files = atoms_.files.atoms;
    PrintLine(fmt::format("{} images ({} with contents known), {} layers; {} atoms of {} units",
                          fleet_.images.size(), atoms_.num_known, fleet_.layers.size(),
                          files.size(), atoms_.files.units.size()));
    PrintLine(model_.Describe());
    PrintLine(fmt::format("atoms found in {:.2f} s of processor time; MB = 1,000,000 bytes",
                          atoms_seconds_));
  }

  void PrintLevels() {
    floor_ = problem_.floor().storage_bytes;
    PrintLine("");
    PrintLine(fmt::format("{:<24} {:>9} {:>8} {:>7} {:>9} {:>9} {:>9} {:>7} {:>6} {:>7} {:>7}",
                          "level", "stored", "of floor", "x less", "moved", "cost", "bound",
                          "gap %", "layers", "dirs", "cpu s"));
    PrintLevel("today", {.cost = today_.cost});
    PrintLevel("squash from manifests", Squash(nullptr));
    PrintLevel("squash with contents", Squash(&contents_));
    PrintLevel(fmt::format("bases, K={}", kBasesLimit), Bases(kBasesLimit));
    PrintLevel("bases, any K", Bases(kContainerdMaxLayers));
    for (const std::uint32_t k : options_.limits)
      PrintLevel(fmt::format("carve, K={}", k), Carve(k));
    PrintLevel(fmt::format("carve, K={}", kContainerdMaxLayers), Carve(kContainerdMaxLayers));
    PrintLine(fmt::format("{:<24} {:>9.3f}", "floor: every file once", Megabytes(floor_)));
  }

  void PrintLevel(const std::string& name, const LevelRow& row) const {
    std::string bound = fmt::format("{:>9} {:>7}", "", "");
    if (row.has_bound) {
      const double gap = row.cost.cost == 0 ? 0
                                            : static_cast<double>(row.cost.cost - row.lower_bound) /
                                                  static_cast<double>(row.cost.cost);
      bound = fmt::format("{:>9.3f} {:>7.3f}", Megabytes(row.lower_bound), 100 * gap);
    }
    const double stored = static_cast<double>(row.cost.storage_bytes);
    PrintLine(fmt::format(
        "{:<24} {:>9.3f} {:>+7.2f}% {:>7.2f} {:>9.3f} {:>9.3f} {} {:>6.2f} {:>7.3f} {:>7.2f}", name,
        Megabytes(row.cost.storage_bytes), 100 * (stored / static_cast<double>(floor_) - 1),
        static_cast<double>(today_.cost.storage_bytes) / stored, Megabytes(row.cost.transfer_bytes),
        Megabytes(row.cost.cost), bound, row.cost.layers_per_image, Megabytes(row.directory_bytes),
        row.seconds));
  }

  LevelRow Squash(const LayerContents* contents) const {
    const double begin = Now();
    const SquashPlan plan = PlanSquash(fleet_, model_, today_, {}, contents);
    return {.cost = plan.planned,
            .lower_bound = plan.lower_bound,
            .has_bound = true,
            .seconds = Now() - begin};
  }

  LevelRow Bases(std::uint32_t max_layers) const {
    const double begin = Now();
    const NewBases bases = PlanNewBases(problem_, {.max_layers = max_layers});
    return RowOf(bases.plan, begin);
  }

  LevelRow Carve(std::uint32_t max_layers) const {
    const double begin = Now();
    return RowOf(PlanCarve(problem_, {.max_layers = max_layers}), begin);
  }

  static LevelRow RowOf(const GeneratedPlan& plan, double begin) {
    const double seconds = Now() - begin;
    Bytes directory_bytes = 0;
    for (const GeneratedLayer& layer : plan.layout.layers) directory_bytes += layer.directory_bytes;
    return {.cost = plan.planned,
            .lower_bound = plan.lower_bound,
            .has_bound = true,
            .directory_bytes = directory_bytes,
            .seconds = seconds};
  }

  void PrintContests() const {
    ContestEntry today{.name = "leave as is", .cost = today_.cost};
    MergedSizes sizes(fleet_, contents_);
    ContestEntry kept_base{.name = "keep base, squash rest",
                           .cost = AuditLayout(fleet_, model_, today_.cells,
                                               KeptBaseLayout(fleet_, today_.trie), {}, &sizes)};
    int num_wins = 0;
    for (const std::uint32_t k : options_.limits) {
      const Contest contest = HoldContest(contest_fleet(), k, Now);
      PrintLine("");
      PrintLine(fmt::format("K={:<22} {:>9} {:>8} {:>9} {:>8} {:>9} {:>8} {:>7} {:>7} {:>7}", k,
                            "stored", "ours", "moved", "ours", "cost", "ours", "dirs", "most",
                            "cpu s"));
      for (const ContestEntry* ours :
           {&contest.for_cost, &contest.for_storage, &contest.for_transfer}) {
        PrintEntry(contest, *ours);
      }
      for (const ContestEntry& rule : contest.rules) num_wins += PrintEntry(contest, rule);
      // Not made for a limit: only where they keep it.
      for (ContestEntry* entry : {&today, &kept_base}) {
        if (entry->cost.max_layers > static_cast<std::int64_t>(k)) continue;
        MarkWins(contest, *entry);
        num_wins += PrintEntry(contest, *entry);
      }
    }
    PrintLine("");
    PrintLine(
        "ours: carving made for the column, in % of the row; WINS marks a column in which a "
        "rule is better");
    PrintLine(fmt::format("columns in which a rule is better: {}", num_wins));
  }

  static int PrintEntry(const Contest& contest, const ContestEntry& entry) {
    const auto part = [](Bytes ours, Bytes theirs) {
      return 100 * static_cast<double>(ours) / static_cast<double>(theirs);
    };
    std::string wins;
    if (entry.wins_storage) wins += "  WINS stored";
    if (entry.wins_transfer) wins += "  WINS moved";
    if (entry.wins_cost) wins += "  WINS cost";
    PrintLine(fmt::format(
        "{:<24} {:>9.3f} {:>7.1f}% {:>9.3f} {:>7.1f}% {:>9.3f} {:>7.1f}% {:>7} {:>7} {:>7.2f}{}",
        entry.name, Megabytes(entry.cost.storage_bytes),
        part(contest.for_storage.cost.storage_bytes, entry.cost.storage_bytes),
        Megabytes(entry.cost.transfer_bytes),
        part(contest.for_transfer.cost.transfer_bytes, entry.cost.transfer_bytes),
        Megabytes(entry.cost.cost), part(contest.for_cost.cost.cost, entry.cost.cost),
        entry.file_bytes == 0
            ? std::string()
            : fmt::format("{:.3f}", Megabytes(entry.cost.storage_bytes - entry.file_bytes)),
        entry.cost.max_layers, entry.seconds, wins));
    return (entry.wins_storage ? 1 : 0) + (entry.wins_transfer ? 1 : 0) + (entry.wins_cost ? 1 : 0);
  }

  ContestFleet contest_fleet() const {
    return {fleet_, contents_, model_, today_, atoms_, origins_, rates_};
  }

  const LevelsOptions& options_;
  const Fleet& fleet_;
  const LayerContents& contents_;
  CostModel model_;
  Today today_;
  double begin_;
  ContentProblem problem_;
  const ContentAtoms& atoms_;
  double atoms_seconds_;
  FleetRates rates_;
  OriginAtoms origins_;
  Bytes floor_ = 0;
};

int RunLevelsReport(int argc, char** argv) {
  LevelsOptions options;
  CLI::App app(
      "How good the plans of a fleet are: its levels with their bounds, and the rules in use "
      "beside carving.");
  AddFleetOptions(app, options.fleet);
  AddStoreOptions(app, options.store);
  CostOptions& cost = options.cost;
  app.add_option("--storage-weight", cost.storage_weight, "cost of a byte stored (default: 1)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--transfer-weight", cost.transfer_weight, "cost of a byte fetched (default: 1)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--images-per-node", cost.images_per_node, "images that a node runs (default: 10)")
      ->check(CLI::NonNegativeNumber);
  AddSizeOption(app, "--layer-cost", cost.layer_cost,
                "what the request for one layer costs, in bytes (default: 256KiB)");
  app.add_option("--max-layers", options.limits, "limits of layers an image, in place of all six")
      ->check(CLI::Range(1U, 1'000'000U));
  app.add_flag("--no-contest", options.no_contest, "levels only");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  Console console = ProbeConsole(std::cout, std::cerr);
  const LoadedFleet loaded = LoadFleet(options.fleet, console);
  const LayerContents contents =
      LoadContents(loaded, options.store, options.fleet.quiet, console, NoStore::kIsEmpty);
  LevelsReport(options, loaded, contents).Run();
  return loaded.exit_code;
}

}  // namespace
}  // namespace gneiss

int main(int argc, char** argv) {
  try {
    return gneiss::RunLevelsReport(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "levels_report: " << error.what() << '\n';
    return 1;
  }
}
