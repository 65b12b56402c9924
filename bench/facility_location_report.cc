// facility_location_report: solves facility location problems and prints a line for each,
//
//     name cost lower_bound seconds [gap root_gap nodes open] [cbc_seconds ratio]
//
// in fixed columns. Costs are exact: a file's costs are read as multiples of its last decimal
// (10^-5 in the OR-Library's capa, capb and capc), so what is printed is the optimum to all its
// digits, 17156454.47830 for capa.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/facility_cbc.h"
#include "bench/facility_file.h"
#include "bench/facility_instances.h"
#include "solver/facilities/facility_location.h"

namespace gneiss {
namespace {

using FacilityClock = std::chrono::steady_clock;

struct FacilityReportOptions {
  double gap = 0;
  double time_limit = 0;
  std::uint32_t max_open = 0;
  bool exactly = false;
  bool details = false;
  bool cbc = false;
};

double SecondsSince(FacilityClock::time_point begin) {
  return std::chrono::duration<double>(FacilityClock::now() - begin).count();
}

// Throws when the plan does not cost what the solver says: a fast wrong answer is none.
void CheckPlan(const FacilityProblem& problem, const FacilityPlan& plan) {
  if (plan.status == FacilityStatus::kInfeasible) {
    throw std::runtime_error("no plan: more facilities asked for than there are, or too few");
  }
  if (plan.cost == kNoCost) throw std::runtime_error("no plan found in time");
  if (CostOfOpening(problem, plan.open) != plan.cost || plan.lower_bound > plan.cost) {
    throw std::logic_error("the plan does not cost what the solver says");
  }
}

// What branch and bound begins with: mostly the gap of the linear program.
double RootGap(const FacilityPlan& plan) {
  FacilityPlan root = plan;
  root.lower_bound = std::min(plan.root_bound, plan.cost);
  return root.gap();
}

void ReportInstance(const std::string& name, const FacilityInstance& instance,
                    const FacilityReportOptions& report) {
  const FacilityProblem problem = instance.problem();
  FacilityOptions options;
  options.gap_tolerance = report.gap;
  if (report.max_open > 0) options.max_open = report.max_open;
  if (report.exactly) options.min_open = options.max_open;
  const auto begin = FacilityClock::now();
  if (report.time_limit > 0) {
    options.should_stop = [&] { return SecondsSince(begin) >= report.time_limit; };
  }
  const FacilityPlan plan = SolveFacilityLocation(problem, options);
  const double seconds = SecondsSince(begin);
  CheckPlan(problem, plan);
  std::string line = fmt::format("{:<20} {:>20} {:>20} {:>12.6f}", name,
                                 FormatDecimal(plan.cost, instance.num_decimals),
                                 FormatDecimal(plan.lower_bound, instance.num_decimals), seconds);
  if (report.details)
    line += fmt::format(" {:>9.4f}% {:>9.4f}% {:>8} {:>6}", 100 * plan.gap(), 100 * RootGap(plan),
                        plan.num_nodes, plan.open.size());
  if (report.cbc) {
    double unit = 1;
    for (int k = 0; k < instance.num_decimals; ++k) unit /= 10;
    const CbcFacilityResult cbc = SolveWithCbc(problem, options, unit);
    const double cost = static_cast<double>(plan.cost) * unit;
    if (cbc.optimal && plan.status == FacilityStatus::kOptimal &&
        (cbc.cost < cost * (1 - 1e-6) || cbc.cost > cost * (1 + 1e-6))) {
      throw std::logic_error(fmt::format("CBC finds an optimum of {}", cbc.cost));
    }
    line += fmt::format(" {:>12.6f} {:>9.1f}", cbc.seconds, cbc.seconds / seconds);
  }
  std::puts(line.c_str());
  std::fflush(stdout);
}

std::uint32_t NumberOf(const std::string& text, std::uint32_t least, std::uint32_t most) {
  std::uint32_t value = 0;
  if (!CLI::detail::lexical_cast(text, value) || value < least || value > most ||
      text.starts_with('-')) {
    throw CLI::ValidationError(
        fmt::format("expected a number from {} to {}, found '{}'", least, most, text));
  }
  return value;
}

std::size_t OneOf(const std::string& text, const std::vector<std::string>& choices) {
  for (std::size_t k = 0; k < choices.size(); ++k) {
    if (text == choices[k]) return k;
  }
  throw CLI::ValidationError(
      fmt::format("expected one of {}, found '{}'", CLI::detail::join(choices, ", "), text));
}

constexpr std::uint32_t kMostMadeUp = 20'000;

FacilityInstance KoerkelGhoshOf(const std::vector<std::string>& words) {
  return MakeKoerkelGhosh(NumberOf(words[0], 1, kMostMadeUp), NumberOf(words[1], 0, 1U << 31),
                          OneOf(words[2], {"ASYM", "SYM"}) == 1,
                          static_cast<KoerkelGhoshClass>(OneOf(words[3], {"A", "B", "C"})));
}

FacilityInstance BaseLikeOf(const std::vector<std::string>& words, std::uint32_t num_lineages) {
  return MakeBaseLike({.num_images = NumberOf(words[0], 1, 1'000'000),
                       .num_bases = NumberOf(words[1], 1, kMostMadeUp),
                       .num_lineages = num_lineages,
                       .dense = OneOf(words[3], {"SPARSE", "DENSE"}) == 1,
                       .seed = NumberOf(words[2], 0, 1U << 31)});
}

int RunFacilityReport(int argc, char** argv) {
  FacilityReportOptions report;
  std::vector<std::string> files;
  std::vector<std::string> koerkel_ghosh;
  std::vector<std::string> base_like;
  std::uint32_t num_lineages = 40;
  CLI::App app(
      "Solves facility location problems; a line each: name cost lower_bound seconds.\n"
      "FILE is in the format of the OR-Library.");
  app.add_option("FILE", files, "problems to solve");
  app.add_option("--koerkel-ghosh", koerkel_ghosh,
                 "N SEED SYM|ASYM A|B|C: a made-up problem, N customers and N facilities")
      ->expected(4);
  app.add_option("--base-like", base_like,
                 "IMAGES BASES SEED DENSE|SPARSE: made-up images and candidate bases, in bytes")
      ->expected(4);
  app.add_option("--lineages", num_lineages,
                 "of --base-like: groups of bases that images move within; few are hard")
      ->check(CLI::Range(1U, kMostMadeUp))
      ->capture_default_str();
  app.add_option("--gap", report.gap, "stop at this relative gap")->check(CLI::Range(0.0, 1.0));
  app.add_option("--time-limit", report.time_limit, "seconds for each problem; 0: none")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-open", report.max_open, "open at most so many facilities; 0: any number");
  app.add_flag("--exactly", report.exactly, "open as many as --max-open says, no fewer");
  app.add_flag("--details", report.details,
               "also print the gap, the gap before branch and bound, its nodes, and how many "
               "facilities are open");
  app.add_flag("--cbc", report.cbc, "also print CBC's seconds on the same problem, and the ratio");
  std::vector<std::pair<std::string, FacilityInstance>> made_up;
  try {
    app.parse(argc, argv);
    if (report.cbc && !HasCbc()) throw CLI::ValidationError("--cbc: built without CBC");
    if (files.empty() && koerkel_ghosh.empty() && base_like.empty()) {
      throw CLI::RequiredError("FILE, --koerkel-ghosh or --base-like");
    }
    if (report.exactly && report.max_open == 0) throw CLI::RequiredError("--max-open");
    // Before any file is solved: a mistake on the command line is told at once.
    if (!koerkel_ghosh.empty())
      made_up.push_back({fmt::format("kg{}-{}-{}-{}", koerkel_ghosh[0], koerkel_ghosh[2],
                                     koerkel_ghosh[3], koerkel_ghosh[1]),
                         KoerkelGhoshOf(koerkel_ghosh)});
    if (!base_like.empty())
      made_up.push_back(
          {fmt::format("bases{}x{}-{}-{}", base_like[0], base_like[1], base_like[3], base_like[2]),
           BaseLikeOf(base_like, num_lineages)});
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const std::string& file : files) {
    const FacilityInstance instance = ReadFacilityFile(file);
    ReportInstance(std::filesystem::path(file).stem().string(), instance, report);
  }
  for (const auto& [name, instance] : made_up) ReportInstance(name, instance, report);
  return 0;
}

}  // namespace
}  // namespace gneiss

int main(int argc, char** argv) {
  try {
    return gneiss::RunFacilityReport(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "facility_location_report: %s\n", error.what());
    return 1;
  }
}
