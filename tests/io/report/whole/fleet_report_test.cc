#include "io/report/whole/fleet_report.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/report/whole/report_format.h"
#include "io/report/whole/report_prom.h"
#include "planner/fleet/bytes.h"
#include "planner/plan/plan.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

using nlohmann::json;

std::string Reported(const Fleet& fleet, const ReportForm& form,
                     const FleetReportRequest& request = {}) {
  const Plan plan = MakePlan(fleet, {});
  const FleetReport report = MakeFleetReport(fleet, plan, request);
  std::ostringstream out;
  WriteReport(report, form, out);
  return out.str();
}

Fleet TeamFleet() {
  return MakeTinyFleet({{.ref = "web/a:1",
                         .layers = {"base:1000", "a:500"},
                         .labels = {{.key = "team", .value = "x"}}},
                        {.ref = "web/b:1",
                         .layers = {"base:1000", "b:300"},
                         .labels = {{.key = "team", .value = "y"}}},
                        {.ref = "db/c:1", .layers = {"base:1000", "c:200", "d:100"}}});
}

// Lines of a CSV whose fields hold no line ends and no commas.
std::vector<std::vector<std::string>> FieldsOf(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(csv);
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(line.ends_with('\r'));
    line.pop_back();
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(field);
  }
  return rows;
}

std::int64_t SumOfColumn(const std::string& csv, const std::string& title) {
  const auto rows = FieldsOf(csv);
  const auto column = std::ranges::find(rows[0], title) - rows[0].begin();
  std::int64_t sum = 0;
  for (std::size_t r = 1; r < rows.size(); ++r) {
    sum += std::stoll(rows[r][static_cast<std::size_t>(column)]);
  }
  return sum;
}

TEST_CASE("Every table of a report adds up to the fleet", "[io][report]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < NumRounds(20); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    const json doc = json::parse(
        Reported(fleet, {.format = ReportFormat::kJson, .limits = {.images = 3, .groups = 2}}));
    const json& totals = doc["fleet"];
    for (const json& table : doc["tables"]) {
      const auto sum = [&](const char* key) {
        std::int64_t all = table["left_out"][key];
        for (const json& row : table["rows"]) all += row[key].get<std::int64_t>();
        return all;
      };
      CHECK(table["rows"].size() <= 2);
      CHECK(sum("proportional_bytes") == totals["physical_bytes"]);
      CHECK(sum("images") - table["repeated_images"].get<std::int64_t>() == totals["images"]);
      CHECK(sum("logical_bytes") - table["repeated_logical_bytes"].get<std::int64_t>() ==
            totals["logical_bytes"].get<std::int64_t>() -
                totals["repeated_bytes"].get<std::int64_t>());
    }
    std::int64_t share = doc["images_left_out"]["proportional_bytes"];
    for (const json& image : doc["images"])
      share += image["proportional_bytes"].get<std::int64_t>();
    CHECK(share == totals["physical_bytes"]);
    CHECK(doc["images"].size() + doc["images_left_out"]["images"].get<std::size_t>() ==
          totals["images"]);
  }
}

TEST_CASE("Branches of a report's tree are their own bytes and their children's", "[io][report]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < NumRounds(20); ++round) {
    const Fleet fleet = BuildRandomFleet(MakeRandomFleet(random));
    const json tree = json::parse(Reported(fleet, {.format = ReportFormat::kJson}))["tree"];
    std::vector<std::int64_t> rest;
    std::int64_t roots = 0;
    for (const json& node : tree["nodes"]) {
      const std::int64_t branch = node["branch_bytes"];
      rest.push_back(branch - node["bytes"].get<std::int64_t>());
      if (node.contains("parent")) {
        REQUIRE(node["parent"].get<std::size_t>() + 1 < rest.size());
        rest[node["parent"].get<std::size_t>()] -= branch;
      } else {
        roots += branch;
      }
    }
    CHECK(roots == tree["trie_bytes"]);
    CHECK(std::ranges::all_of(rest, [](std::int64_t bytes) { return bytes == 0; }));
  }
}

TEST_CASE("CSV tables are the rows of the fleet", "[io][report]") {
  const Fleet fleet = TeamFleet();
  const auto csv = [&](ReportTable table) {
    return Reported(fleet, {.format = ReportFormat::kCsv, .table = table},
                    {.layers_only = true, .labels = {"team"}});
  };
  CHECK(csv(ReportTable::kNamespaces) ==
        "name,images,logical_bytes,size_bytes,exclusive_bytes,shared_bytes,proportional_bytes\r\n"
        "web,2,2800,1800,800,1000,1466\r\n"
        "db,1,1300,1300,300,1000,634\r\n");
  CHECK(csv(ReportTable::kLabels).starts_with("label,name,images,"));
  CHECK(csv(ReportTable::kLabels).find("\r\nteam,(none),1,1300,") != std::string::npos);
  for (const ReportTable table : {ReportTable::kRepositories, ReportTable::kNamespaces,
                                  ReportTable::kLabels, ReportTable::kImages}) {
    CHECK(SumOfColumn(csv(table), "proportional_bytes") == 2100);
  }
  CHECK(SumOfColumn(csv(ReportTable::kLayers), "size") == 2100);
  CHECK(FieldsOf(csv(ReportTable::kLevels))[1][0] == "today");
  CHECK_THROWS_WITH(csv(ReportTable::kWaste),
                    "--table waste: the contents of no layer are known; run gneiss scan on the "
                    "same sources first");
}

TEST_CASE("A table of labels needs a label", "[io][report]") {
  CHECK_THROWS_WITH(
      Reported(TeamFleet(), {.format = ReportFormat::kCsv, .table = ReportTable::kLabels}),
      "--table labels: no label chosen, and no image has one that names its owner (team, owner, "
      "org.opencontainers.image.vendor); choose with --label KEY");
}

TEST_CASE("Labels that name owners are found", "[io][report]") {
  CHECK(OwnerLabels(TeamFleet()) == std::vector<std::string>{"team"});
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "a:1",
        .layers = {"a:1"},
        .labels = {{.key = "org.acme.owner", .value = "x"}, {.key = "teamwork", .value = "y"}}}});
  CHECK(OwnerLabels(fleet) == std::vector<std::string>{"org.acme.owner"});
}

// Metrics of a text in the exposition format, by name and labels. Checks the form of every line.
std::map<std::string, double> SamplesOf(const std::string& text) {
  REQUIRE(text.ends_with('\n'));
  std::map<std::string, double> samples;
  std::map<std::string, int> heads;
  std::istringstream lines(text);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line.starts_with("# HELP ")) {
      name = line.substr(7, line.find(' ', 7) - 7);
      CHECK(++heads[name] == 1);
      CHECK(name.starts_with("gneiss_"));
    } else if (line.starts_with("# TYPE ")) {
      CHECK(line == "# TYPE " + name + " gauge");
    } else {
      const std::size_t space = line.rfind(' ');
      const std::string key = line.substr(0, space);
      CHECK(key.substr(0, key.find('{')) == name);
      CHECK(samples.emplace(key, std::stod(line.substr(space + 1))).second);
    }
  }
  return samples;
}

TEST_CASE("Prometheus samples have one head each and add up", "[io][report]") {
  const Fleet fleet = TeamFleet();
  const FleetReportRequest request{.layers_only = true, .labels = {"team"}};
  const auto all = SamplesOf(Reported(fleet, {.format = ReportFormat::kProm}, request));
  CHECK(all.at("gneiss_images") == 3);
  CHECK(all.at("gneiss_stored_bytes") == 2100);
  CHECK(all.at("gneiss_level_storage_bytes{level=\"today\"}") == 2100);
  CHECK(all.at("gneiss_group_proportional_bytes{by=\"namespace\",group=\"web\"}") +
            all.at("gneiss_group_proportional_bytes{by=\"namespace\",group=\"db\"}") ==
        2100);
  CHECK(all.at("gneiss_group_images{by=\"label:team\",group=\"(none)\"}") == 1);
  CHECK(all.at("gneiss_other_groups{by=\"namespace\"}") == 0);
  const auto one = SamplesOf(Reported(fleet, {.format = ReportFormat::kProm, .top = 1}, request));
  CHECK(one.at("gneiss_other_groups{by=\"namespace\"}") == 1);
  CHECK(one.at("gneiss_other_groups_proportional_bytes{by=\"namespace\"}") +
            one.at("gneiss_group_proportional_bytes{by=\"namespace\",group=\"web\"}") ==
        2100);
  FleetReportRequest of_group = request;
  of_group.group = ReportGroup{.by = "label:team", .name = "\"x\""};
  for (const auto& [key, value] :
       SamplesOf(Reported(fleet, {.format = ReportFormat::kProm}, of_group))) {
    CHECK(key.find("{report_by=\"label:team\",report_group=\"\\\"x\\\"\"") != std::string::npos);
  }
}

TEST_CASE("Whatever images are called, the page is one page", "[io][report]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "</script><script>alert(1)</script>:1", .layers = {"a:10", "b:20"}},
                     {.ref = "<!--:1", .layers = {"a:10"}}});
  const std::string page = Reported(fleet, {});
  const auto count = [&](const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) {
      ++found;
    }
    return found;
  };
  CHECK(count("<script") == 3);
  CHECK(count("</script") == 3);
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(open) + open.size();
  const json doc = json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(doc == json::parse(Reported(fleet, {.format = ReportFormat::kJson})));
}

}  // namespace
}  // namespace gneiss
