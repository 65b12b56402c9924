#include "planner/fleet/text_pool.h"

#include <string>

#include <catch2/catch.hpp>

namespace gneiss {
namespace {

TEST_CASE("Each text is stored once and index 0 is the empty one", "[planner][text_pool]") {
  TextPool pool;
  CHECK(pool.size() == 1);
  CHECK(pool.Intern("") == 0);
  const TextIndex first = pool.Intern("first");
  CHECK(pool.Intern("second") != first);
  CHECK(pool.Intern("first") == first);
  CHECK(pool.size() == 3);
  CHECK(pool[first] == "first");
  CHECK(pool[0].empty());
}

TEST_CASE("A pool finds what it stores and adds nothing by it", "[planner][text_pool]") {
  TextPool pool;
  const TextIndex stored = pool.Intern("stored");
  CHECK(pool.Find("stored") == stored);
  CHECK(pool.Find("") == 0U);
  CHECK_FALSE(pool.Find("other").has_value());
  CHECK(pool.size() == 2);
}

TEST_CASE("Indices stay while a pool grows and after it is sealed", "[planner][text_pool]") {
  TextPool pool;
  for (int i = 0; i < 5000; ++i)
    REQUIRE(pool.Intern(std::to_string(i)) == static_cast<TextIndex>(i + 1));
  pool.Seal();
  for (int i = 0; i < 5000; ++i) REQUIRE(pool[static_cast<TextIndex>(i + 1)] == std::to_string(i));
  CHECK(pool.Intern("17") == 18);
  CHECK(pool.Intern("new") == 5001);
}

}  // namespace
}  // namespace gneiss
