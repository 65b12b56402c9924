#include "io/report/fleet/stat_report.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/make/cli_run.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/source_files.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using nlohmann::json;

const std::vector<Grouping> kAllGroupings = {{.kind = Grouping::Kind::kRepository, .label = ""},
                                             {.kind = Grouping::Kind::kNamespace, .label = ""},
                                             {.kind = Grouping::Kind::kPlatform, .label = ""}};

std::string Screen(const Fleet& fleet, const StatRequest& request, const StatScreen& screen) {
  std::ostringstream out;
  PrintStat(fleet, MakeStatReport(fleet, request), screen, out);
  return out.str();
}

json Written(const Fleet& fleet, const StatRequest& request) {
  std::ostringstream out;
  WriteStatJson(fleet, MakeStatReport(fleet, request), 0, true, out);
  return json::parse(out.str());
}

// A column of a table printed with raw figures: values of its rows, the last one being the TOTAL.
// Cells end where the column's header ends.
std::vector<std::int64_t> ColumnOf(const std::vector<std::string>& table,
                                   const std::string& header) {
  const std::size_t end = table[0].find(header) + header.size();
  std::vector<std::int64_t> values;
  for (std::size_t row = 1; row < table.size(); ++row) {
    std::string digits;
    for (std::size_t i = std::min(end, table[row].size()); i-- > 0 && table[row][i] != ' ';) {
      if (table[row][i] != ',') digits.insert(digits.begin(), table[row][i]);
    }
    values.push_back(digits.empty() ? 0 : std::stoll(digits));
  }
  return values;
}

// The tables of a screen: blocks of lines that end with a TOTAL.
std::vector<std::vector<std::string>> TablesOf(const std::string& screen) {
  std::vector<std::vector<std::string>> tables;
  std::istringstream lines(screen);
  bool is_headline = true;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      is_headline = false;
      tables.emplace_back();
    } else if (!is_headline) {
      tables.back().push_back(line);
    }
  }
  return tables;
}

TEST_CASE("Stat says in words what the fleet holds", "[io][stat]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"base:1000000", "a:500000"}},
                                     {.ref = "b:1", .layers = {"base:1000000"}},
                                     {.ref = "c:1", .layers = {"c:250000"}}});
  const std::string screen = Screen(fleet, {.layers_only = true}, {});
  CHECK(screen ==
        "3 images under 3 refs: 2.75 MB logical, 1.75 MB stored, 1.57x shared\n"
        "3 layers: 1.33 per image, 2 at most; 2 (66.7 %) in one image only\n"
        "2 components that share nothing with each other; the largest has 2 images\n"
        "scope global: one store for the whole registry; 1 MB = 1,000,000 bytes\n"
        "counted: layers only\n");
}

TEST_CASE("Sizes that no manifest tells are said to be missing", "[io][stat]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10"}}});
  CHECK_THAT(
      Screen(fleet, {}, {}),
      Catch::Contains("counted: layers, configs of unknown size, manifests of unknown size"));
}

TEST_CASE("Every table of the screen adds up", "[io][stat]") {
  std::mt19937_64 random(31);
  std::size_t num_tables = 0;
  std::size_t num_others = 0;
  std::size_t num_several = 0;
  for (int round = 0; round < NumRounds(200); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random, 12));
    for (const Scope scope : {Scope::kGlobal, Scope::kNamespace, Scope::kRepository}) {
      const StatRequest request = {.scope = scope, .groupings = kAllGroupings};
      const Bytes physical = MakeStatReport(fleet, request).accounting.totals.physical_bytes;
      const std::string screen = Screen(
          fleet, request,
          {.style = {.units = ByteUnits::kRaw}, .top = 2, .images = true, .one_group = true});
      CAPTURE(screen);
      for (const std::vector<std::string>& table : TablesOf(screen)) {
        ++num_tables;
        num_others += screen.find("other") != std::string::npos ? 1 : 0;
        num_several += screen.find("in several rows") != std::string::npos ? 1 : 0;
        REQUIRE(table.back().ends_with("TOTAL"));
        for (const char* const header :
             {"images", "layers", "logical", "exclusive", "proportional"}) {
          if (table[0].find(header) == std::string::npos) continue;
          const std::vector<std::int64_t> values = ColumnOf(table, header);
          std::int64_t sum = 0;
          for (std::size_t i = 0; i + 1 < values.size(); ++i) sum += values[i];
          CAPTURE(header);
          REQUIRE(sum == values.back());
          if (std::string_view(header) == "proportional") REQUIRE(sum == physical);
        }
      }
    }
  }
  CHECK(num_tables == static_cast<std::size_t>(NumRounds(200)) * 3 * 4);
  CHECK(num_others > 0);
  CHECK(num_several > 0);
}

TEST_CASE("Every table of the JSON adds up to the stored bytes", "[io][stat]") {
  std::mt19937_64 random(32);
  for (int round = 0; round < NumRounds(100); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    const json report = Written(fleet, {.scope = Scope::kNamespace, .groupings = kAllGroupings});
    CHECK(report["schema"] == "gneiss.stat/1");
    for (const char* const table : {"by_repository", "by_namespace", "by_platform", "by_image"}) {
      std::int64_t sum = 0;
      for (const json& row : report[table]) {
        REQUIRE(row["size_bytes"] ==
                row["exclusive_bytes"].get<Bytes>() + row["shared_bytes"].get<Bytes>());
        sum += row["proportional_bytes"].get<Bytes>();
      }
      CAPTURE(table);
      REQUIRE(sum == report["physical_bytes"]);
    }
  }
}

TEST_CASE("The JSON starts with the keys of its schema, in order", "[io][stat]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10"}}});
  std::ostringstream out;
  WriteStatJson(fleet, MakeStatReport(fleet, {}), 3, false, out);
  const nlohmann::ordered_json report = nlohmann::ordered_json::parse(out.str());
  std::vector<std::string> keys;
  for (const auto& [key, value] : report.items()) keys.push_back(key);
  REQUIRE(keys.size() > 10);
  keys.resize(10);
  CHECK(keys == std::vector<std::string>{"schema", "images", "refs", "layers", "layer_references",
                                         "single_image_layers", "max_layers", "mean_layers",
                                         "logical_bytes", "physical_bytes"});
  CHECK(report["bad_images"] == 3);
  CHECK_FALSE(report.contains("by_image"));
}

TEST_CASE("The order of input lines does not show in the report", "[io][stat]") {
  std::mt19937_64 random(33);
  for (int round = 0; round < NumRounds(50); ++round) {
    RandomFleet made = MakeRandomFleet(random, 8);
    const auto write = [&] {
      const Fleet fleet = BuildRandomFleet(made);
      std::ostringstream out;
      WriteStatJson(fleet, MakeStatReport(fleet, {.groupings = kAllGroupings}), 0, true, out);
      return out.str();
    };
    const std::string before = write();
    std::ranges::shuffle(made.images, random);
    REQUIRE(write() == before);
  }
}

TEST_CASE("A label that no image has is an error that names those there are", "[io][stat]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1", .layers = {"x:10"}, .labels = {{"team", "red"}, {"\x1b[2J", "x"}}},
       {.ref = "b:1", .layers = {"y:10"}, .labels = {{"team", "blue"}}}});
  const auto report = [&](const std::string& label) {
    return MakeStatReport(fleet, {.groupings = {{.kind = Grouping::Kind::kLabel, .label = label}}});
  };
  CHECK_THROWS_WITH(report("owner"),
                    "--by label:owner: no image has this label; labels here: team, \\x1b[2J");
  const StatReport teams = report("team");
  REQUIRE(teams.tables.size() == 1);
  CHECK(teams.tables[0].rows.size() == 2);
}

TEST_CASE("Names cannot steer the terminal", "[io][stat]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "evil\x1b]0;x\x07:1", .layers = {"x:1"}}, {.ref = "b\n:1", .layers = {"y:1"}}});
  const std::string screen =
      Screen(fleet, {.groupings = kAllGroupings}, {.images = true, .one_group = true});
  CHECK(screen.find('\x1b') == std::string::npos);
  CHECK(screen.find('\x07') == std::string::npos);
  CHECK_THAT(screen, Catch::Contains("evil\\x1b]0;x\\x07"));
}

// Figures of the real fleet, to the byte (layer bytes only).
TEST_CASE("Stat reproduces the figures of the official images", "[io][stat][corpus]") {
  const auto path = CorpusPath("data/official-fleet.ndjson.gz");
  if (!path) return;
  const auto stat = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"stat", *path, "--layers-only", "--json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const CliRun run = RunCli(arguments);
    CHECK(run.code == kDone);
    CHECK(run.err.empty());
    return json::parse(run.out);
  };
  const json all = stat({});
  CHECK(all["images"] == 3145);
  CHECK(all["refs"] == 11216);
  CHECK(all["layers"] == 9791);
  CHECK(all["single_image_layers"] == 6663);
  CHECK(all["max_layers"] == 22);
  CHECK(all["logical_bytes"] == 635'291'943'177);
  CHECK(all["physical_bytes"] == 171'655'457'577);

  const json amd64 = stat({"--platform", "linux/amd64"});
  CHECK(amd64["images"] == 976);
  CHECK(amd64["refs"] == 3086);
  CHECK(amd64["layers"] == 3167);
  CHECK(amd64["single_image_layers"] == 2366);
  CHECK(amd64["mean_layers"] == 8.1875);
  CHECK(amd64["logical_bytes"] == 171'250'815'160);
  CHECK(amd64["physical_bytes"] == 63'389'068'914);
}

}  // namespace
}  // namespace gneiss
