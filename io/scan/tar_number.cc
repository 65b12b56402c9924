#include "io/scan/tar_number.h"

#include <algorithm>
#include <charconv>

namespace gneiss {
namespace {

std::optional<std::int64_t> ParseBase256(std::string_view field) {
  const bool is_negative = (static_cast<unsigned char>(field.front()) & 0x40U) != 0;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(field[i]);
    if (is_negative) byte ^= 0xffU;
    if (i == 0) byte &= 0x7fU;
    if (number >> 55U != 0) return std::nullopt;
    number = number << 8U | byte;
  }
  const auto magnitude = static_cast<std::int64_t>(number);
  return is_negative ? ~magnitude : magnitude;
}

}  // namespace

std::optional<std::int64_t> ParseTarNumber(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field.front()) & 0x80U) != 0) {
    return ParseBase256(field);
  }
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  std::int64_t number = 0;
  const std::size_t size = field.size();
  while (!field.empty() && field.front() >= '0' && field.front() <= '7') {
    if (number >> 60 != 0) return std::nullopt;
    number = number << 3 | (field.front() - '0');
    field.remove_prefix(1);
  }
  if (field.empty()) return number;
  if (field.size() < size && field.front() == '\0') return number;
  // Digits behind a leading zero byte are digits for some readers only.
  const bool is_padding = std::ranges::all_of(field, [](char c) { return c == ' ' || c == '\0'; });
  return is_padding ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> ParseDecimal(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return number;
}

}  // namespace gneiss
