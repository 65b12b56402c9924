#include "io/scan/tar_number.h"

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
  // What pads a field may stand on both sides, and a zero byte ends the digits.
  const auto is_padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!field.empty() && is_padding(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_padding(field.back())) field.remove_suffix(1);
  std::int64_t number = 0;
  for (const char c : field) {
    if (c == '\0') break;
    if (c < '0' || c > '7' || number >> 60 != 0) return std::nullopt;
    number = number << 3 | (c - '0');
  }
  return number;
}

std::optional<std::int64_t> ParseSigned(std::string_view text) {
  std::int64_t number = 0;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> ParseDecimal(std::string_view text) {
  const std::optional<std::int64_t> number = ParseSigned(text);
  return number && *number < 0 ? std::nullopt : number;
}

}  // namespace gneiss
