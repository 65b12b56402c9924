#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"
#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

// Gives the parser its bytes and counts the lines that it has taken. The copies that the parser
// makes count together.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::int64_t* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }

 private:
  const char* at_;
  std::int64_t* line_;
};

// Builds the tree from the events of the parser. A key's event comes before the parser reads on, so
// the line counted then is the key's.
class LinedTreeBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  LinedTreeBuilder(std::string_view text, const std::int64_t& line) : text_(text), line_(line) {}

  bool null() { return PutScalar(JsonKind::kNull, "null"); }
  bool boolean(bool value) { return PutScalar(JsonKind::kBoolean, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) {
    return PutScalar(JsonKind::kNumber, fmt::format("{}", value));
  }
  bool number_unsigned(number_unsigned_t value) {
    return PutScalar(JsonKind::kNumber, fmt::format("{}", value));
  }
  bool number_float(number_float_t /*value*/, const string_t& text) {
    return PutScalar(JsonKind::kNumber, text);
  }
  bool string(string_t& value) { return PutScalar(JsonKind::kText, value); }
  bool binary(binary_t& /*value*/) { return false; }  // no such thing in JSON text
  bool start_object(std::size_t /*size*/) { return OpenContainer(JsonKind::kObject); }
  bool start_array(std::size_t /*size*/) { return OpenContainer(JsonKind::kArray); }
  bool end_object() { return CloseContainer(); }
  bool end_array() { return CloseContainer(); }
  bool key(string_t& value) {
    auto& members = open_.back()->members;
    const auto [before, is_new] = key_lines_.back().try_emplace(value, line_);
    if (!is_new) {
      return Refuse(line_, fmt::format("expected each key once, found {} again, which stands in "
                                       "line {} already",
                                       Quote(value), before->second));
    }
    members.push_back({.key = std::move(value), .value = {.line = line_}});
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) {
    const auto end =
        static_cast<std::ptrdiff_t>(std::min(position == 0 ? 0 : position - 1, text_.size()));
    const std::int64_t line = 1 + std::count(text_.begin(), text_.begin() + end, '\n');
    return Refuse(line, "not JSON: " + JsonRefusal(error.what()));
  }

  LinedJson Finish() {
    if (error_) throw *error_;
    return std::move(root_);
  }

 private:
  bool Refuse(std::int64_t line, std::string problem) {
    error_ = InputError("", fmt::format("{}", line), std::move(problem));
    return false;
  }

  LinedJson& Place(JsonKind kind) {
    LinedJson* target = &root_;
    if (!open_.empty()) {
      LinedJson& container = *open_.back();
      if (container.kind == JsonKind::kArray) {
        target = &container.elements.emplace_back(LinedJson{.line = line_});
      } else {
        target = &container.members.back().value;
      }
    }
    target->kind = kind;
    return *target;
  }

  bool PutScalar(JsonKind kind, std::string text) {
    Place(kind).text = std::move(text);
    return true;
  }

  bool OpenContainer(JsonKind kind) {
    if (open_.size() == kMaxJsonDepth) {
      return Refuse(line_, fmt::format("JSON is nested deeper than {} levels", kMaxJsonDepth));
    }
    // Only the innermost container grows, so the addresses of the open ones stay.
    open_.push_back(&Place(kind));
    key_lines_.emplace_back();
    return true;
  }

  bool CloseContainer() {
    open_.pop_back();
    key_lines_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::int64_t& line_;
  LinedJson root_;
  std::vector<LinedJson*> open_;
  std::vector<SeededMap<std::string, std::int64_t>> key_lines_;  // of each open one
  std::optional<InputError> error_;
};

}  // namespace

const LinedJson* LinedJson::Find(std::string_view key) const {
  for (const auto& [name, member] : members) {
    if (name == key) return &member;
  }
  return nullptr;
}

std::string LinedJson::Describe() const {
  if (kind == JsonKind::kObject) return "an object";
  if (kind == JsonKind::kArray) return "an array";
  return kind == JsonKind::kText ? Quote(text) : CutText(text);
}

LinedJson ParseLinedJson(std::string_view text) {
  std::int64_t line = 1;
  LinedTreeBuilder builder(text, line);
  nlohmann::json::sax_parse(CountingIterator(text.data(), &line),
                            CountingIterator(text.data() + text.size(), &line), &builder,
                            nlohmann::json::input_format_t::json, /*strict=*/true,
                            /*ignore_comments=*/true);
  LinedJson root = builder.Finish();
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(nul);
    throw InputError("", fmt::format("{}", 1 + std::count(text.begin(), end, '\n')),
                     "not JSON: expected JSON text, found a NUL byte");
  }
  return root;
}

}  // namespace gneiss
