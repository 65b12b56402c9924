#include "io/tables/lineage_file.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include "io/bytes/line_reader.h"
#include "io/tables/record_lines.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

// Up to the first that starts with '#'.
std::vector<std::string_view> WordsOf(std::string_view line) {
  constexpr std::string_view kBlanks = " \t";
  std::vector<std::string_view> words;
  for (std::size_t begin = line.find_first_not_of(kBlanks);
       begin != std::string_view::npos && line[begin] != '#';
       begin = line.find_first_not_of(kBlanks, begin)) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

}  // namespace

std::vector<LineageRule> ReadLineages(ByteSource& file, const std::string& path) {
  std::vector<LineageRule> rules;
  LineReader reader(file, kMaxLineageLineBytes, LongLines::kStop);
  while (const auto line = reader.Next()) {
    const auto fail = [&](const std::string& problem) {
      throw InputError(path, std::to_string(line->number), problem);
    };
    if (line->too_long) {
      fail(
          fmt::format("expected a line of {} bytes at most, found a longer one; is this a mapping "
                      "file?",
                      kMaxLineageLineBytes));
    }
    if (line->text.find('\0') != std::string_view::npos) {
      fail("expected text, found a NUL byte; is this a mapping file?");
    }
    const std::vector<std::string_view> words = WordsOf(line->text);
    if (words.empty()) continue;
    if (words.size() != 2) {
      fail(
          fmt::format("expected a pattern and a name, such as 'platform/debian:* debian', found {} "
                      "word{}; names have no blanks",
                      words.size(), words.size() == 1 ? "" : "s"));
    }
    if (rules.size() == kMaxLineageRules) {
      fail(fmt::format("expected {} rules at most, found more; patterns may match many refs",
                       kMaxLineageRules));
    }
    rules.push_back({.pattern = std::string(words[0]), .name = std::string(words[1])});
  }
  if (rules.empty()) {
    throw InputError(path, "",
                     "expected lines 'PATTERN NAME', found none; write one for each base");
  }
  return rules;
}

std::vector<LineageRule> ReadLineageFile(const std::string& path) {
  const std::unique_ptr<ByteSource> file = Decompress(OpenFile(path, "a mapping file"));
  std::vector<LineageRule> rules;
  WithPath(path, [&] { rules = ReadLineages(*file, path); });
  return rules;
}

}  // namespace gneiss
