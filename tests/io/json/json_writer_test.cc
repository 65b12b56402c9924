#include "io/json/json_writer.h"

#include <set>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace gneiss {
namespace {

std::string Parsed(const std::string& text) {
  return nlohmann::json::parse(DumpJson(text)).get<std::string>();
}

TEST_CASE("What a terminal would obey is escaped in JSON and parses to what it was",
          "[io][json_writer]") {
  const std::string odd =
      "a\n\x1b[31m\x7f\xc2\x9b"
      "31m\xe2\x80\xae\xe2\x81\xa6\xf3\xa0\x81\x81";
  CHECK(DumpJson(odd) == "\"a\\n\\u001b[31m\\u007f\\u009b31m\\u202e\\u2066\\udb40\\udc41\"");
  CHECK(Parsed(odd) == odd);
  CHECK(DumpJson(Json{{"\xc2\x9b", 1}}) == "{\"\\u009b\":1}");
  std::ostringstream out;
  JsonWriter writer(out);
  writer.BeginObject();
  writer.Field("\xe2\x80\xae", "\xc2\x85");
  writer.EndObject();
  CHECK(out.str() == "{\n  \"\\u202e\": \"\\u0085\"\n}");
}

TEST_CASE("Text that harms nobody stays as it is in JSON", "[io][json_writer]") {
  for (const std::string text : {"", "plain", "caf\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\xaa\xa8"}) {
    CHECK(DumpJson(text) == "\"" + text + "\"");
  }
}

TEST_CASE("Two names are two in JSON, whatever their bytes", "[io][json_writer]") {
  const std::set<std::string> names = {"caf\xe9",
                                       "caf\xe8",
                                       "caf",
                                       "caf\xef\xbf\xbd",
                                       "caf\xef\xbf",
                                       "caf\xef\xbf\xbd"
                                       "e9",
                                       "cafe9",
                                       "\xed\xa0\x80",
                                       "\xc0\x80"};
  std::set<std::string> parsed;
  for (const std::string& name : names) parsed.insert(Parsed(name));
  CHECK(parsed.size() == names.size());
  CHECK(Parsed("caf\xe9") ==
        "caf\xef\xbf\xbd"
        "e9");
  CHECK(Parsed("\xef\xbf\xbd") ==
        "\xef\xbf\xbd"
        "ef\xef\xbf\xbd"
        "bf\xef\xbf\xbd"
        "bd");
  // In keys and inside containers too.
  const Json nested = {{"list", {"\xff", {{"\xfe", "\xfd"}}}}, {"number", 7}};
  CHECK(nlohmann::json::parse(DumpJson(nested)) == nlohmann::json{{"list",
                                                                   {"\xef\xbf\xbd"
                                                                    "ff",
                                                                    {{"\xef\xbf\xbd"
                                                                      "fe",
                                                                      "\xef\xbf\xbd"
                                                                      "fd"}}}},
                                                                  {"number", 7}});
}

}  // namespace
}  // namespace gneiss
