#include "io/text/suggestion.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

TEST_CASE("The edit distance counts swaps of neighbours once", "[io][suggestion]") {
  CHECK(EditDistance("", "") == 0);
  CHECK(EditDistance("stat", "stat") == 0);
  CHECK(EditDistance("stat", "sta") == 1);
  CHECK(EditDistance("stat", "stxat") == 1);
  CHECK(EditDistance("stat", "stet") == 1);
  CHECK(EditDistance("stat", "tsat") == 1);
  CHECK(EditDistance("tree", "graph") == 4);
  CHECK(EditDistance("kitten", "sitting") == 3);
}

TEST_CASE("Only a near word is suggested", "[io][suggestion]") {
  const std::vector<std::string> words = {"stat", "tree", "graph", "plan"};
  CHECK(NearestWord("stta", words) == "stat");
  CHECK(NearestWord("status", words) == "stat");
  CHECK(NearestWord("grahp", words) == "graph");
  CHECK(NearestWord("PLAN", words).empty());
  CHECK(NearestWord("deploy", words).empty());
  CHECK(NearestWord("x", {}).empty());
}

}  // namespace
}  // namespace gneiss
