#include "io/tables/record_lines.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/json/json_field.h"
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

RecordLines::RecordLines(std::unique_ptr<ByteSource> stored, const std::string& path,
                         std::span<const std::string_view> columns, std::size_t num_needed)
    : bytes_(Decompress(std::move(stored))),
      lines_(*bytes_, kMaxLineBytes, LongLines::kStop),
      path_(path),
      columns_(columns),
      num_needed_(num_needed) {
  for (std::size_t c = 0; c < columns.size(); ++c) place_.push_back(c);
}

void RecordLines::ForEach(
    const std::function<void(std::int64_t line, const std::vector<std::string>&)>& take_fields,
    const std::function<void(std::int64_t line, const JsonValue&)>& take_object) {
  bool is_first = true;
  std::int64_t num_taken = 0;
  while (const std::optional<Line> line = lines_.Next()) {
    try {
      if (line->too_long) {
        throw InputError(
            fmt::format("expected a line of at most {} bytes, found a longer one", kMaxLineBytes));
      }
      std::string_view text = line->text;
      if (line->number == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
      text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
      if (text.empty() || text.starts_with('#')) continue;
      if (text.starts_with('{')) {
        take_object(line->number, ParseJson(text).root);
      } else {
        const std::vector<std::string> fields = SplitCsvLine(text);
        if (std::exchange(is_first, false) && ReadHeader(fields)) continue;
        take_fields(line->number, InOrder(fields));
      }
      ++num_taken;
    } catch (const InputError& error) {
      throw InputError(
          path_, std::to_string(line->number),
          error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
    }
  }
  if (num_taken == 0) {
    throw InputError(
        path_, "",
        fmt::format("expected lines \"{}\" or JSON objects, found none", fmt::join(columns_, ",")));
  }
}

bool RecordLines::ReadHeader(const std::vector<std::string>& fields) {
  std::vector<std::size_t> place;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const auto found = std::ranges::find(fields, columns_[c]);
    if (found == fields.end() && c < num_needed_) return false;
    place.push_back(static_cast<std::size_t>(found - fields.begin()));
  }
  place_ = std::move(place);
  return true;
}

std::vector<std::string> RecordLines::InOrder(const std::vector<std::string>& fields) const {
  std::vector<std::string> ordered;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (place_[c] < fields.size()) {
      ordered.push_back(fields[place_[c]]);
    } else if (c < num_needed_) {
      throw InputError(fmt::format("expected \"{}\", found {} of these columns",
                                   fmt::join(columns_, ","), fields.size()));
    } else {
      ordered.emplace_back();
    }
  }
  return ordered;
}

std::int64_t ParseCount(std::string_view text, std::string_view what) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0 ||
      count > kMaxBlobSize) {
    throw InputError(fmt::format("expected a whole number of {} from 0 to {}, found {}", what,
                                 kMaxBlobSize, Quote(text)));
  }
  return count;
}

const JsonValue* FindMember(const JsonValue& object, std::string_view key) {
  const JsonValue* const value = object.Find(key);
  return value == nullptr || value->kind() == JsonKind::kNull ? nullptr : value;
}

std::string ExpectText(const JsonValue& object, std::string_view key, std::string_view expected) {
  const JsonPath path;
  const JsonValue* const value = FindMember(object, key);
  if (value == nullptr) ThrowMissing(path.member(key), expected);
  return std::string(ReadText(TreeJson(*value), path.member(key)));
}

void ExpectName(std::string_view name, std::string_view what) {
  if (name.empty()) throw InputError(fmt::format("expected {}, found an empty one", what));
}

void WithPath(const std::string& path, const std::function<void()>& read) {
  try {
    read();
  } catch (const InputError& error) {
    if (!error.source().empty()) throw;
    throw error.WithSource(path, error.place());
  }
}

}  // namespace gneiss
