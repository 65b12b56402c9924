#include "io/text/table.h"

#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "io/text/screen_text.h"

namespace gneiss {
namespace {

Table ExampleTable() {
  Table table({{"size"}, {"kind", Align::kLeft}, {"name", Align::kLeft}});
  table.AddRow({"12.3 MB", "a", "registry.example/team/application:1.0"});
  table.AddRow({"1 B", "caf\u00e9", "x"});
  table.AddNote({"5 B", "", "[2 others]"});
  table.AddTotal({"12.3 MB", "", "TOTAL"});
  return table;
}

std::string Printed(const Table& table, const ScreenStyle& style) {
  std::ostringstream out;
  table.Print(style, out);
  return out.str();
}

TEST_CASE("Columns are aligned by what the screen shows", "[io][table]") {
  CHECK(Printed(ExampleTable(), {}) ==
        "   size  kind  name\n"
        "12.3 MB  a     registry.example/team/application:1.0\n"
        "    1 B  caf\u00e9  x\n"
        "    5 B        [2 others]\n"
        "12.3 MB        TOTAL\n");
}

TEST_CASE("The last column is cut in the middle to fit the width", "[io][table]") {
  const std::string text = Printed(ExampleTable(), {.width = 36});
  CHECK(text.find("12.3 MB  a     registry.e…cation:1.0\n") != std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(DisplayWidth(line) <= 36);
}

TEST_CASE("Names keep some columns on the narrowest screen", "[io][table]") {
  CHECK(Printed(ExampleTable(), {.width = 3}).find("regis…on:1.0") != std::string::npos);
}

TEST_CASE("Colour marks headers, notes and totals and changes no text", "[io][table]") {
  const std::string plain = Printed(ExampleTable(), {});
  std::string coloured = Printed(ExampleTable(), {.colour = true});
  CHECK(coloured.starts_with("\x1b[1m   size"));
  CHECK(coloured.find("\x1b[2m    5 B") != std::string::npos);
  for (std::size_t at = coloured.find('\x1b'); at != std::string::npos;
       at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  CHECK(coloured == plain);
}

TEST_CASE("A cell cannot break out of its row", "[io][table]") {
  Table table({{"name", Align::kLeft}});
  table.AddRow({"a\nTOTAL 0\x1b[2K"});
  CHECK(Printed(table, {}) == "name\na\\nTOTAL 0\\x1b[2K\n");
}

TEST_CASE("Bold and dim are nothing without colour", "[io][table]") {
  CHECK(Bold("x", {}) == "x");
  CHECK(Dim("x", {.colour = true}) == "\x1b[2mx\x1b[0m");
  CHECK(Bold("", {.colour = true}).empty());
}

}  // namespace
}  // namespace gneiss
