#include "io/tables/lineage_file.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

std::vector<LineageRule> Read(const std::string& text, std::size_t chunk = 0) {
  const auto file = ReadMemory(text, chunk);
  return ReadLineages(*file, "map");
}

TEST_CASE("A mapping file is patterns and names, with comments", "[io][lineage_file]") {
  const std::string text =
      "# our bases\n"
      "\n"
      "platform/debian:* debian  # all of them\r\n"
      "\t*/python#3:*\tpython\n"
      "  #nothing";
  const std::vector<LineageRule> expected = {{"platform/debian:*", "debian"},
                                             {"*/python#3:*", "python"}};
  REQUIRE(Read(text) == expected);
  REQUIRE(Read(text, 1) == expected);
}

TEST_CASE("A mapping file's errors name the line", "[io][lineage_file]") {
  REQUIRE_THROWS_WITH(Read("a b\nalone # b\n"),
                      "map:2: expected a pattern and a name, such as 'platform/debian:* debian', "
                      "found 1 word; names have no blanks");
  REQUIRE_THROWS_WITH(Read("a b c\n"),
                      "map:1: expected a pattern and a name, such as 'platform/debian:* debian', "
                      "found 3 words; names have no blanks");
  REQUIRE_THROWS_WITH(Read(std::string("a b\na\0 b\n", 9)),
                      "map:2: expected text, found a NUL byte; is this a mapping file?");
  REQUIRE_THROWS_WITH(Read("a b\n" + std::string(kMaxLineageLineBytes + 1, 'x')),
                      "map:2: expected a line of 4096 bytes at most, found a longer one; is this a "
                      "mapping file?");
  REQUIRE_THROWS_WITH(Read("# nothing\n"),
                      "map: expected lines 'PATTERN NAME', found none; write one for each base");
  REQUIRE_THROWS_AS(ReadLineageFile("/no/such/file"), InputError);
}

TEST_CASE("A mapping file has a limit of rules", "[io][lineage_file]") {
  std::string text;
  for (std::size_t k = 0; k < kMaxLineageRules; ++k) text += "a b\n";
  REQUIRE(Read(text).size() == kMaxLineageRules);
  REQUIRE_THROWS_WITH(Read(text + "a b\n"),
                      "map:100001: expected 100000 rules at most, found more; patterns may match "
                      "many refs");
}

}  // namespace
}  // namespace gneiss
