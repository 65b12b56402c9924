#include "planner/waste/dive_efficiency.h"

#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

using namespace tiny;

DiveEfficiency Of(const std::vector<std::vector<TinyEntry>>& layers) {
  std::vector<Inventory> inventories;
  for (const auto& entries : layers) inventories.push_back(MakeTinyInventory(entries));
  std::vector<const Inventory*> chain;
  for (const Inventory& inventory : inventories) chain.push_back(&inventory);
  return ComputeDiveEfficiency(chain);
}

TEST_CASE("An image without bytes is efficient", "[planner][dive_efficiency]") {
  CHECK(Of({}).efficiency == 1);
  CHECK(Of({{Directory("d")}}).efficiency == 1);
}

TEST_CASE("Paths in two layers are wasted, the seen copy too", "[planner][dive_efficiency]") {
  const DiveEfficiency found =
      Of({{Directory("d"), File("d/a", "1234"), File("b", "12")}, {File("d/a", "123456")}});
  CHECK(found.size_bytes == 12);
  CHECK(found.user_bytes == 6);
  CHECK(found.wasted_bytes == 10);
  CHECK(found.efficiency == 6.0 / 12.0);
}

TEST_CASE("A whiteout weighs nothing, one of a directory what it hides",
          "[planner][dive_efficiency]") {
  const DiveEfficiency file = Of({{File("a", "1234")}, {Whiteout("a")}});
  CHECK(file.wasted_bytes == 4);
  CHECK(file.efficiency == 0);
  const DiveEfficiency directory =
      Of({{Directory("d"), File("d/a", "1234"), File("d/b", "12")}, {Whiteout("d")}});
  CHECK(directory.wasted_bytes == 0);  // d itself is seen in one layer only: it is no leaf below
  CHECK(directory.efficiency == 1);
}

}  // namespace
}  // namespace gneiss
