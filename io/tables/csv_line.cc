#include "io/tables/csv_line.h"

#include <cstddef>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

std::string_view TrimBlanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

std::vector<std::string> SplitCsvLine(std::string_view line) {
  std::vector<std::string> fields;
  for (std::string_view rest = line;;) {
    std::string field;
    const std::size_t begin = rest.find_first_not_of(" \t");
    if (begin != std::string_view::npos && rest[begin] == '"') {
      std::size_t i = begin + 1;
      for (;; ++i) {
        if (i >= rest.size()) {
          throw InputError("expected a closing double quote, found the end of the line");
        }
        if (rest[i] != '"') {
          field += rest[i];
        } else if (i + 1 < rest.size() && rest[i + 1] == '"') {
          field += rest[i++];
        } else {
          break;
        }
      }
      rest.remove_prefix(i + 1);
      const std::string_view after = TrimBlanks(rest.substr(0, rest.find(',')));
      if (!after.empty()) {
        throw InputError("expected a comma after a quoted field, found " + Quote(after));
      }
    } else {
      field = TrimBlanks(rest.substr(0, rest.find(',')));
    }
    fields.push_back(std::move(field));
    const std::size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return fields;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace gneiss
