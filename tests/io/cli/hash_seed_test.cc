#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "solver/hashing/seeded_hash.h"
#include "tests/make/cli_run.h"

namespace gneiss {
namespace {

CliRun RunWith(const HashSeed& seed, const std::vector<std::string>& arguments) {
  const HashSeed before = ProcessHashSeed();
  ProcessHashSeed() = seed;
  CliRun run = RunCli(arguments);
  ProcessHashSeed() = before;
  return run;
}

TEST_CASE("What commands print does not depend on the seed of the hashes", "[io][hash_seed]") {
  const std::string layout = "datasets/debian-small";
  const std::string fleet = "tests/cli/data/small.ndjson";
  const std::string later = "tests/cli/data/later.ndjson";
  const std::vector<std::vector<std::string>> commands = {
      {"stat", fleet, "--images", "--json"},
      {"stat", layout, "--json"},
      {"plan", fleet, "--no-contents", "--json"},
      {"plan", layout, "--level", "all", "--json", "--store", "no-store"},
      {"waste", layout, "--json", "--dive", "--store", "no-store"},
      {"report", layout, "--format", "md", "--store", "no-store"},
      {"diff", fleet, later, "--json"},
      {"replay", "tests/cli/data/events.ndjson", fleet, "--json", "--keep-going"},
      {"snapshot", fleet, "--pulls", "tests/cli/data/pulls.csv"}};
  for (const std::vector<std::string>& arguments : commands) {
    INFO(arguments.front() << " " << arguments[1]);
    const CliRun first = RunWith({.low = 1, .high = 2}, arguments);
    CHECK(!first.out.empty());
    for (const HashSeed& seed : {HashSeed{}, HashSeed{.low = ~0ULL, .high = 77}}) {
      const CliRun run = RunWith(seed, arguments);
      CHECK(run.code == first.code);
      CHECK(run.out == first.out);
      CHECK(run.err == first.err);
    }
  }
}

}  // namespace
}  // namespace gneiss
