#include "io/json/json_value.h"

#include <string>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

std::string JsonErrorOf(const std::string& text) {
  return MessageOf<InputError>([&] { (void)ParseJson(text); });
}

std::string Nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

TEST_CASE("A JSON document becomes a tree that keeps the order of members", "[io][json_value]") {
  const JsonDocument document =
      ParseJson(R"( {"b":[null,true,-1,18446744073709551615,1.5,"x\u00e9\n"],"a":{}} )");
  REQUIRE(document.root.kind() == JsonKind::kObject);
  CHECK(document.root.members()[0].first == "b");
  CHECK(document.root.members()[1].first == "a");
  const JsonValue::Array& elements = document.root.Find("b")->elements();
  REQUIRE(elements.size() == 6);
  CHECK(elements[0].kind() == JsonKind::kNull);
  CHECK(std::get<bool>(elements[1].variant()));
  CHECK(std::get<std::int64_t>(elements[2].variant()) == -1);
  CHECK(std::get<std::uint64_t>(elements[3].variant()) == 18446744073709551615U);
  CHECK(std::get<double>(elements[4].variant()) == 1.5);
  CHECK(elements[5].text() == "x\xc3\xa9\n");
  CHECK(document.root.Find("a")->members().empty());
  CHECK(document.root.Find("c") == nullptr);
  CHECK(elements[0].Find("b") == nullptr);
}

TEST_CASE("Of a key given twice the last value is found and the others are counted",
          "[io][json_value]") {
  const JsonDocument document = ParseJson(R"({"a":1,"b":{"x":1,"x":2,"x":3},"a":2})");
  CHECK(document.num_duplicate_keys == 3);
  CHECK(std::get<std::uint64_t>(document.root.Find("a")->variant()) == 2);
}

TEST_CASE("Text that is not JSON is an error at its byte", "[io][json_value]") {
  CHECK(JsonErrorOf("") ==
        "byte 1: not JSON: syntax error while parsing value - unexpected end of "
        "input; expected '[', '{', or a literal");
  CHECK(JsonErrorOf(R"({"a":tru})") ==
        "byte 9: not JSON: syntax error while parsing value - invalid literal");
  CHECK(JsonErrorOf(R"({"a":1)") ==
        "byte 7: not JSON: syntax error while parsing object - unexpected "
        "end of input; expected '}'");
  CHECK(JsonErrorOf("{} {}") ==
        "byte 4: not JSON: syntax error while parsing value - unexpected '{'; "
        "expected end of input");
  CHECK(JsonErrorOf("[1e400]") == "byte 6: not JSON: number overflow parsing '1e400'");
  CHECK(JsonErrorOf("[\"a\nb\"]") ==
        "byte 4: not JSON: syntax error while parsing value - invalid string: control character "
        "U+000A (LF) must be escaped to \\u000A or \\n");
}

TEST_CASE("What follows a NUL byte is not passed over, nor a byte order mark", "[io][json_value]") {
  CHECK(JsonErrorOf(std::string("{}\0{}", 5)) ==
        "byte 3: not JSON: expected JSON text, found a NUL byte");
  CHECK(JsonErrorOf("\xef\xbb\xbf{}") ==
        "byte 1: not JSON: expected JSON text, found a byte order mark");
}

TEST_CASE("Text that is not UTF-8 is an error", "[io][json_value]") {
  const std::string expected =
      "not JSON: syntax error while parsing value - invalid string: ill-formed UTF-8 byte";
  CHECK(JsonErrorOf("[\"a\xff\"]") == "byte 4: " + expected);
  CHECK(JsonErrorOf("[\"\xc0\xaf\"]") == "byte 3: " + expected);
  CHECK(JsonErrorOf("[\"\xed\xa0\x80\"]") == "byte 4: " + expected);
}

TEST_CASE("JSON may nest 100 levels and no more", "[io][json_value]") {
  CHECK(ParseJson(Nested(100)).root.kind() == JsonKind::kArray);
  CHECK(JsonErrorOf(Nested(101)) == "JSON is nested deeper than 100 levels");
  CHECK(JsonErrorOf(std::string(1'000'000, '[')) == "JSON is nested deeper than 100 levels");
}

TEST_CASE("Text in messages is quoted, printable and short", "[io][json_value]") {
  CHECK(Quote("plain \xc3\xa9") == "\"plain \xc3\xa9\"");
  CHECK(Quote("a\"b\n\x1b\xff") == R"("a\"b\x0a\x1b\xff")");
  CHECK(Quote(std::string(200, 'x')) == "\"" + std::string(80, 'x') + "\"...");
  CHECK(Quote(std::string(79, 'x') + "\xc3\xa9") == "\"" + std::string(79, 'x') + "\"...");
}

TEST_CASE("A number or a text of megabytes does not fill the message", "[io][json_value]") {
  const std::string number = "1" + std::string(3'000'000, '0');
  const std::string expected = "byte 3000002: not JSON: number overflow parsing '1";
  CHECK(JsonErrorOf("[" + number + "]") ==
        expected +
            std::string(kMaxShownBytes - std::string("number overflow parsing '1").size(), '0') +
            "...");
  const std::string text = std::string(3'000'000, 'x');
  CHECK(JsonErrorOf("[\"" + text + "\n\"]").size() < 200);
  CHECK(JsonErrorOf("[" + text + "]").size() < 200);
  CHECK(JsonErrorOf("[1" + text + "]").size() < 200);
}

}  // namespace
}  // namespace gneiss
