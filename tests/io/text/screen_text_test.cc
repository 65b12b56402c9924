#include "io/text/screen_text.h"

#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"

namespace gneiss {
namespace {

TEST_CASE("Control characters are written out", "[io][screen_text]") {
  CHECK(Printable("debian:9") == "debian:9");
  CHECK(Printable("\x1b[2J\x1b]0;owned\x07") == "\\x1b[2J\\x1b]0;owned\\x07");
  CHECK(Printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(Printable(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(Printable("\x7f") == "\\x7f");
  // U+009B is the one-byte CSI of eight-bit terminals.
  CHECK(Printable("\xc2\x9b"
                  "31m") == "\\x9b31m");
}

TEST_CASE("Marks that reorder or hide text are written out", "[io][screen_text]") {
  CHECK(Printable("a\u202eb") == "a\\u202eb");
  CHECK(Printable("a\u200bb") == "a\\u200bb");
  CHECK(Printable("\ufeff") == "\\ufeff");
  CHECK(Printable("\u2028") == "\\u2028");
}

TEST_CASE("Bytes that are not UTF-8 are written out one by one", "[io][screen_text]") {
  CHECK(Printable("caf\u00e9") == "caf\u00e9");
  CHECK(Printable("\xff") == "\\xff");
  CHECK(Printable("\xc3") == "\\xc3");
  CHECK(Printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(Printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(Printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(Printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // past U+10FFFF
}

TEST_CASE("Printable text stays as it is, whatever the bytes were", "[io][screen_text]") {
  std::mt19937 random(3);
  for (int round = 0; round < NumRounds(2000); ++round) {
    std::string bytes(random() % 12, ' ');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string once = Printable(bytes);
    REQUIRE(Printable(once) == once);
    for (const char c : once) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

TEST_CASE("Width counts columns, not bytes", "[io][screen_text]") {
  CHECK(DisplayWidth("abc") == 3);
  CHECK(DisplayWidth("caf\u00e9") == 4);
  CHECK(DisplayWidth("cafe\u0301") == 4);
  CHECK(DisplayWidth("\u65e5\u672c") == 4);
  CHECK(DisplayWidth("├─ ") == 3);
}

TEST_CASE("Text is cut at whole characters", "[io][screen_text]") {
  CHECK(CutEnd("abcdef", 6) == "abcdef");
  CHECK(CutEnd("abcdef", 5) == "abcd…");
  CHECK(CutEnd("\u65e5\u672c\u8a9e", 4) == "\u65e5…");
  CHECK(CutEnd("abc", 0).empty());
  CHECK(CutMiddle("abcdefghij", 10) == "abcdefghij");
  CHECK(CutMiddle("abcdefghij", 5) == "ab…ij");
  CHECK(CutMiddle("abcdefghij", 6) == "ab…hij");
  CHECK(CutMiddle("abc", 1) == "…");
}

TEST_CASE("Cut text is never wider than asked for", "[io][screen_text]") {
  const std::string text = "r\u65e5example/\u00e9\u672c:1.0";
  for (std::size_t width = 0; width < 20; ++width) {
    REQUIRE(DisplayWidth(CutEnd(text, width)) <= width);
    REQUIRE(DisplayWidth(CutMiddle(text, width)) <= width);
  }
}

}  // namespace
}  // namespace gneiss
