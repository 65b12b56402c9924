#include "io/json/json_field.h"

#include <array>
#include <charconv>
#include <cmath>

namespace gneiss {

std::string JsonPath::text() const {
  if (parent == nullptr) return std::string(name);
  std::string text = parent->text();
  if (index >= 0) return text + "[" + std::to_string(index) + "]";
  if (!text.empty()) text += '.';
  // A key that a stranger chose may hold anything.
  const std::string quoted = Quote(name);
  return text + (quoted.size() == name.size() + 2 ? std::string(name) : quoted);
}

void ThrowExpected(const JsonPath& path, std::string_view expected, std::string_view found) {
  std::string problem = path.text();
  if (!problem.empty()) problem += ": ";
  problem.append("expected ").append(expected).append(", found ").append(found);
  throw InputError(std::move(problem));
}

void ThrowMissing(const JsonPath& path, std::string_view expected) {
  ThrowExpected(path, expected, "no such key");
}

std::optional<std::int64_t> TreeJson::whole() const {
  if (const auto* const number = std::get_if<std::int64_t>(&value_->variant())) return *number;
  if (const auto* const number = std::get_if<double>(&value_->variant())) {
    return WholeNumber(*number);
  }
  const auto number = std::get<std::uint64_t>(value_->variant());
  if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::string TreeJson::scalar_text() const {
  const JsonValue::Variant& variant = value_->variant();
  if (const auto* const number = std::get_if<std::int64_t>(&variant))
    return std::to_string(*number);
  if (const auto* const number = std::get_if<std::uint64_t>(&variant))
    return std::to_string(*number);
  if (const auto* const number = std::get_if<double>(&variant)) return NumberText(*number);
  if (const auto* const boolean = std::get_if<bool>(&variant)) return *boolean ? "true" : "false";
  return "null";
}

std::optional<std::int64_t> WholeNumber(double value) {
  // From 2^53 on doubles skip integers, so that the text may have been another one.
  if (std::abs(value) >= static_cast<double>(kMaxBlobSize) || value != std::trunc(value)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value);
}

std::string NumberText(double value) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

}  // namespace gneiss
