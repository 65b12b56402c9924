#include "io/bytes/line_reader.h"

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"

namespace gneiss {
namespace {

struct ReadLine {
  std::string text;
  std::int64_t number;
  bool too_long;

  friend bool operator==(const ReadLine&, const ReadLine&) = default;
};

std::vector<ReadLine> ReadLines(const std::string& text, std::size_t chunk = 0,
                                std::size_t max_line_bytes = LineReader::kMaxLineBytes) {
  const auto source = ReadMemory(text, chunk);
  LineReader reader(*source, max_line_bytes);
  std::vector<ReadLine> lines;
  while (const auto line = reader.Next()) {
    lines.push_back({std::string(line->text), line->number, line->too_long});
    if (line->too_long) continue;
    // Promised readable; the sanitizer build checks it.
    unsigned sum = 0;
    for (std::size_t i = 0; i < LineReader::kPadding; ++i) {
      sum += static_cast<unsigned char>(line->text.data()[line->text.size() + i]);
    }
    REQUIRE(sum <= 255 * LineReader::kPadding);
  }
  CHECK_FALSE(reader.Next().has_value());
  return lines;
}

std::vector<std::string> TextsOf(const std::string& text) {
  std::vector<std::string> texts;
  for (const ReadLine& line : ReadLines(text)) texts.push_back(line.text);
  return texts;
}

TEST_CASE("Lines end at \\n or \\r\\n or where the bytes end", "[io][line_reader]") {
  using LineTexts = std::vector<std::string>;
  CHECK(TextsOf("").empty());
  CHECK(TextsOf("a") == LineTexts{"a"});
  CHECK(TextsOf("a\n") == LineTexts{"a"});
  CHECK(TextsOf("a\r\nb\r\n") == LineTexts{"a", "b"});
  CHECK(TextsOf("\n\na\n\n") == LineTexts{"", "", "a", ""});
  CHECK(TextsOf("a\rb\n") == LineTexts{"a\rb"});
}

TEST_CASE("Lines are numbered from 1, blank and long ones included", "[io][line_reader]") {
  const std::vector<ReadLine> lines = ReadLines("a\n\nlonger\nd", 0, 5);
  CHECK(lines ==
        std::vector<ReadLine>{{"a", 1, false}, {"", 2, false}, {"", 3, true}, {"d", 4, false}});
}

TEST_CASE("The limit on a line counts its text and not its end", "[io][line_reader]") {
  for (const std::size_t chunk : {0U, 1U, 3U}) {
    CHECK_FALSE(ReadLines("12345\n", chunk, 5).at(0).too_long);
    CHECK_FALSE(ReadLines("12345\r\n", chunk, 5).at(0).too_long);
    CHECK_FALSE(ReadLines("12345", chunk, 5).at(0).too_long);
    CHECK(ReadLines("123456\n", chunk, 5).at(0).too_long);
    CHECK(ReadLines("123456", chunk, 5).at(0).too_long);
    CHECK(ReadLines("1234567890123\n", chunk, 5).at(0).too_long);
  }
}

TEST_CASE("A line far beyond the limit is passed over without being kept", "[io][line_reader]") {
  const std::string text = "first\n" + std::string(5'000'000, 'x') + "\nlast\n";
  const std::vector<ReadLine> lines = ReadLines(text, 0, 1000);
  CHECK(lines == std::vector<ReadLine>{{"first", 1, false}, {"", 2, true}, {"last", 3, false}});
}

TEST_CASE("Lines longer than the buffer come whole", "[io][line_reader]") {
  const std::string first(3'000'000, 'x');
  const std::string second(700'000, 'y');
  CHECK(TextsOf(first + "\n" + second) == std::vector<std::string>{first, second});
}

TEST_CASE("How reads are cut changes no line", "[io][line_reader]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < NumRounds(200); ++round) {
    std::string text;
    const std::size_t size = random() % 60;
    for (std::size_t i = 0; i < size; ++i) text += "\n\rab"[random() % 4];
    const std::vector<ReadLine> whole = ReadLines(text, 0, 6);
    for (const std::size_t chunk : {1U, 2U, 5U}) CHECK(ReadLines(text, chunk, 6) == whole);
  }
}

// 'x' without an end.
class EndlessLine : public ByteSource {
 public:
  std::size_t Read(std::span<char> buffer) override {
    std::ranges::fill(buffer, 'x');
    position_ += std::ssize(buffer);
    return buffer.size();
  }
  std::int64_t stored_position() const override { return position_; }
  std::int64_t stored_size() const override { return 0; }

 private:
  std::int64_t position_ = 0;
};

TEST_CASE("A line without an end is an error, not a run without one", "[io][line_reader]") {
  EndlessLine endless;
  LineReader passing(endless, 100);
  CHECK_THROWS_WITH(passing.Next(),
                    "1: expected a line of at most 100 bytes, found one without an end");
  EndlessLine again;
  LineReader stopping(again, 1'000'000, LongLines::kStop);
  const auto line = stopping.Next();
  REQUIRE(line.has_value());
  CHECK(line->too_long);
  CHECK(line->number == 1);
  CHECK(again.stored_position() < 8'000'000);
}

TEST_CASE("The rest of a text comes as it is, with a limit and without NUL bytes",
          "[io][line_reader]") {
  const auto source = ReadMemory("one\r\ntwo\n\nthree");
  LineReader reader(*source);
  CHECK(reader.Next()->text == "one");
  CHECK(reader.Peek(3) == "two");
  CHECK(reader.ReadRest("a poem", 100) == "two\n\nthree");
  CHECK_FALSE(reader.Next().has_value());

  const auto long_one = ReadMemory("0123456789");
  CHECK_THROWS_WITH(LineReader(*long_one).ReadRest("a poem", 9),
                    "expected a poem of at most 9 bytes, found more");
  const auto binary = ReadMemory(std::string_view("01\0", 3));
  CHECK_THROWS_WITH(LineReader(*binary).ReadRest("a poem", 9),
                    "byte 2: expected a poem, a text, found a NUL byte");
}

TEST_CASE("Peeking takes nothing", "[io][line_reader]") {
  const auto source = ReadMemory("first\nsecond\n", 1);
  LineReader reader(*source);
  CHECK(reader.Peek(8) == "first\nse");
  CHECK(reader.Next()->text == "first");
  CHECK(reader.Peek(100) == "second\n");
  CHECK(reader.Next()->text == "second");
  CHECK(reader.Peek(1).empty());
}

}  // namespace
}  // namespace gneiss
