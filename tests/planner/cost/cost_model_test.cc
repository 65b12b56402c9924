#include "planner/cost/cost_model.h"

#include <limits>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

TEST_CASE("Prices set the weights, and costs come back as money", "[planner][cost_model]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10"}}});
  const CostModel model(
      fleet,
      {.storage_weight = 7, .transfer_weight = 7, .storage_price = 0.10, .transfer_price = 0.09});
  CHECK(model.has_prices());
  CHECK(model.options().storage_weight == 1);
  CHECK(model.options().transfer_weight == Approx(0.9));
  // Two GB stored once and fetched three times.
  const Bytes cost = model.BlobCost(2'000'000'000, 1, 3);
  CHECK(model.MoneyOf(cost) == Approx(2 * 0.10 + 6 * 0.09));
  CHECK_THAT(model.Describe(),
             Catch::StartsWith("0.1 a GB stored + 0.09 a GB moved + 256 KiB a layer pulled"));
  const CostModel transfer_only(fleet, {.transfer_price = 0.5});
  CHECK(transfer_only.options().storage_weight == 0);
  CHECK(transfer_only.options().transfer_weight == 1);
  CHECK_FALSE(CostModel(fleet, {}).has_prices());
}

TEST_CASE("A weight, price or count that is none is refused by name", "[planner][cost_model]") {
  const Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"x:10"}}});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(CostModel(fleet, {.storage_weight = -1}),
                    "--storage-weight: expected a finite number of 0 or more, found -1");
  CHECK_THROWS_WITH(CostModel(fleet, {.transfer_weight = nan}),
                    "--transfer-weight: expected a finite number of 0 or more, found nan");
  CHECK_THROWS_WITH(CostModel(fleet, {.storage_price = -0.5}),
                    "--storage-price: expected a finite number of 0 or more, found -0.5");
  CHECK_THROWS_WITH(CostModel(fleet, {.storage_price = 1, .transfer_price = nan}),
                    "--transfer-price: expected a finite number of 0 or more, found nan");
  CHECK_THROWS_WITH(CostModel(fleet, {.storage_price = 0, .transfer_price = 0}),
                    "--storage-price and --transfer-price: expected one above 0, found none");
}

}  // namespace
}  // namespace gneiss
