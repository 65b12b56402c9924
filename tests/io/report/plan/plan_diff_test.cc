#include "io/report/plan/plan_diff.h"

#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/tables/plan_file.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

RecommendationSummary Saving(const std::string& id, const std::string& kind,
                             const std::string& title, Bytes storage,
                             std::vector<std::string> images) {
  return {.id = id,
          .kind = kind,
          .title = title,
          .saves_storage_bytes = storage,
          .images = std::move(images)};
}

// "CHANGE before -> after".
std::vector<std::string> Rows(const PlanDiff& diff) {
  std::vector<std::string> rows;
  for (const RecommendationDiff& r : diff.recommendations) {
    rows.push_back((r.before ? r.before->id : "-") + " -> " + (r.after ? r.after->id : "-"));
  }
  return rows;
}

TEST_CASE("Recommendations are known by what they do, not by their rank", "[io][plan_diff]") {
  PlanSummary before;
  before.recommendations = {Saving("S1", "join", "join 2", 100, {"a", "b"}),
                            Saving("S2", "join", "join 3", 50, {"c"}),
                            Saving("S3", "join", "join 4", 20, {"d"}),
                            Saving("C1", "carve", "carve", 500, {"a", "b", "c", "d"})};
  PlanSummary after;
  after.recommendations = {Saving("S1", "join", "join 3", 50, {"c"}),
                           Saving("S2", "join", "other words", 40, {"a", "b"}),
                           Saving("S3", "join", "join 9", 5, {"e"}),
                           Saving("C1", "carve", "carve", 510, {"a", "b", "c", "e"})};
  const PlanDiff diff = DiffPlans(before, after);
  CHECK(diff.num_unchanged == 1);  // join 3
  CHECK(Rows(diff) == std::vector<std::string>{"S1 -> S2", "S3 -> -", "C1 -> C1", "- -> S3"});
  CHECK(diff.recommendations[0].saves_storage() == -60);
}

TEST_CASE("A plan that is none is refused with the place", "[io][plan_diff]") {
  const auto error_of = [](const std::string& text) {
    try {
      (void)ParsePlanSummary("plan.json", text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(error_of(R"({"schema":"gneiss.plan/2"})") ==
        "plan.json: schema: expected \"gneiss.plan/1\", found \"gneiss.plan/2\"");
  CHECK(error_of(R"({"schema":"gneiss.plan/1","fleet":{"images":1.5}})") ==
        "plan.json: fleet.images: expected a whole number, found 1.5");
  CHECK(error_of(R"({"schema":"gneiss.plan/1","fleet":7})") ==
        "plan.json: fleet: expected an object, found 7");
}

}  // namespace
}  // namespace gneiss
