#include "bench/facility_file.h"

#include <string>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

std::string FacilityError(const std::string& text) {
  try {
    static_cast<void>(ParseFacilityFile(text, "f"));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("A facility file keeps every digit of its costs", "[bench][facility_file]") {
  const FacilityInstance instance =
      ParseFacilityFile(" 2 2\n capacity 7.\n 5 0.250\n 10 3.5 1.125\n 20 4 .5\n", "f");
  REQUIRE(instance.num_decimals == 3);
  REQUIRE(instance.opening_cost == std::vector<std::int64_t>{7000, 250});
  REQUIRE(instance.links == std::vector<FacilityLink>{{.facility = 1, .cost = 1125},
                                                      {.facility = 0, .cost = 3500},
                                                      {.facility = 1, .cost = 500},
                                                      {.facility = 0, .cost = 4000}});
  REQUIRE(FormatDecimal(1125, 3) == "1.125");
  REQUIRE(FormatDecimal(50, 3) == "0.050");
  REQUIRE(FormatDecimal(50, 0) == "50");
}

TEST_CASE("A facility file that is wrong says where", "[bench][facility_file]") {
  REQUIRE(FacilityError("") == "f:1: expected the number of facilities, found the end of the file");
  REQUIRE(FacilityError("-3 2\n") ==
          "f:1: expected the number of facilities, 1 to 10000000, found '-3'");
  REQUIRE(FacilityError("2 many\n") ==
          "f:1: expected the number of customers, 1 to 10000000, found 'many'");
  REQUIRE(FacilityError("1 1\n0 5\n1\n\n") ==
          "f:5: expected a cost of customer 1, found the end of the file");
  REQUIRE(FacilityError("1 1\n0 5\n1 -4\n") ==
          "f:3: expected a cost of customer 1, a decimal number >= 0, found '-4'");
  REQUIRE(FacilityError("1 1\n0 five\n1 4\n") ==
          "f:2: expected the opening cost of facility 1, a decimal number >= 0, found 'five'");
  REQUIRE(FacilityError("1 1\n0 5\n1 4\nmore\n") ==
          "f:4: expected the end of the file, found 'more'");
  REQUIRE(FacilityError("1 1\n0 5\n1 4.1234567890123\n") ==
          "f:3: expected a cost of customer 1 with at most 12 decimals, found '4.1234567890123'");
  REQUIRE(FacilityError("10000000 10000000\n") ==
          "f:1: expected 10000000 x 10000000 costs, found 'a file too short for them'");
  REQUIRE(FacilityError("1 1\n0 5\n1 999999999999999999999999\n") ==
          "f:3: expected a cost of customer 1 that fits 62 bits with its decimals, found "
          "'999999999999999999999999'");
  REQUIRE(
      FacilityError("1 1\n0 0.001\n1 400000000000000000\n").starts_with("f: expected costs of"));
}

}  // namespace gneiss
