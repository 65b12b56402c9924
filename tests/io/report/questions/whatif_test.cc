#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/cli/options/creation_ranks.h"
#include "io/cli/options/ref_patterns.h"
#include "io/source/fleet_line_writer.h"
#include "tests/make/random_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

TEST_CASE("Images rank by their date, whatever zone it is told in", "[io][cli][whatif]") {
  const Fleet fleet =
      MakeTinyFleet({{.ref = "a:1", .layers = {"a:1"}, .created = "2026-01-01T00:00:00Z"},
                     {.ref = "b:1", .layers = {"b:1"}, .created = "2026-01-01T01:00:00+01:00"},
                     {.ref = "c:1", .layers = {"c:1"}, .created = "2025-12-31T23:30:00-01:00"},
                     {.ref = "d:1", .layers = {"d:1"}, .created = "1970-01-01T00:00:00Z"},
                     {.ref = "e:1", .layers = {"e:1"}, .created = "1980-01-01T00:00:01Z"},
                     {.ref = "f:1", .layers = {"f:1"}, .created = "yesterday"},
                     {.ref = "g:1", .layers = {"g:1"}}});
  CHECK(CreationRanks(fleet) == std::vector<std::uint32_t>{0, 0, 2, kNone, kNone, kNone, kNone});
}

TEST_CASE("Two fleets join to what their sources would have made", "[io][cli][whatif]") {
  std::mt19937_64 random(19);
  for (int round = 0; round < NumRounds(100); ++round) {
    const RandomFleet made = MakeRandomFleet(random);
    const std::uint64_t all = std::uint64_t{1} << made.images.size();
    const std::uint64_t second = random() % all;
    if (second == 0 || second + 1 == all) continue;
    const Fleet whole = BuildRandomFleet(made);
    const Fleet joined =
        JoinFleets(BuildRandomFleet(made, second), BuildRandomFleet(made, ~second));
    REQUIRE(joined.images.size() == whole.images.size());
    REQUIRE(joined.refs.size() == whole.refs.size());
    REQUIRE(joined.layer_references == whole.layer_references);
    for (ImageIndex i = 0; i < whole.images.size(); ++i) {
      REQUIRE(joined.images[i].identity == whole.images[i].identity);
      REQUIRE(joined.images[i].manifest_size == whole.images[i].manifest_size);
    }
  }
}

TEST_CASE("Fleets that contradict each other do not join", "[io][cli][whatif]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:1"}}});
  const Fleet other = MakeTinyFleet({{.ref = "b:1", .layers = {"x:2"}}});
  CHECK_THROWS_AS(JoinFleets(fleet, other), InputError);
}

TEST_CASE("A pattern that matches nothing is named with what may be meant", "[io][cli][whatif]") {
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "web/shop:1", .layers = {"x:1"}}, {.ref = "web/cart:1", .layers = {"y:1"}}});
  const auto select = [&](const std::string& pattern) {
    return SelectNamedRefs(fleet, std::vector<std::string>{"*", pattern}, "--keep");
  };
  CHECK(select("web/*").refs == std::vector<std::uint8_t>{1, 1});
  CHECK_THROWS_WITH(select("web/shop"),
                    "--keep web/shop matches no ref or digest of the fleet; did you mean "
                    "'web/shop:*'?");
  CHECK_THROWS_WITH(select("shop"),
                    "--keep shop matches no ref or digest of the fleet; did you mean '*/shop:*'?");
  CHECK_THROWS_WITH(
      select("web/crat:1"),
      "--keep web/crat:1 matches no ref or digest of the fleet; did you mean web/cart:1?");
  CHECK_THROWS_WITH(select("?"),
                    "--keep '?' matches no ref or digest of the fleet; expected a shell pattern "
                    "over whole refs, such as web/cart:1, or a manifest digest");
}

}  // namespace
}  // namespace gneiss
