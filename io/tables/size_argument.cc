#include "io/tables/size_argument.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "io/json/json_value.h"
#include "io/text/screen_text.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

struct SizeUnit {
  std::string_view name;  // in lower case
  std::int64_t bytes;
};

constexpr std::array<SizeUnit, 12> kUnits = {{{"", 1},
                                              {"b", 1},
                                              {"kb", 1'000},
                                              {"mb", 1'000'000},
                                              {"gb", 1'000'000'000},
                                              {"tb", 1'000'000'000'000},
                                              {"pb", 1'000'000'000'000'000},
                                              {"kib", 1LL << 10},
                                              {"mib", 1LL << 20},
                                              {"gib", 1LL << 30},
                                              {"tib", 1LL << 40},
                                              {"pib", 1LL << 50}}};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

[[noreturn]] void Refuse(std::string_view expected, std::string_view text) {
  throw InputError("expected " + std::string(expected) + ", found \"" + CutText(Printable(text)) +
                   "\"");
}

}  // namespace

Bytes ParseSize(std::string_view text) {
  const std::size_t end_of_number = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, end_of_number);
  std::string_view unit_name = text.substr(end_of_number);
  if (unit_name.starts_with(' ')) unit_name.remove_prefix(1);
  const std::string lower = Lower(unit_name);
  if (lower == "k" || lower == "m" || lower == "g" || lower == "t") {
    Refuse("a unit of 1000 (kB, MB, GB, TB) or of 1024 (KiB, MiB, GiB, TiB)", text);
  }
  const auto unit = std::ranges::find(kUnits, lower, &SizeUnit::name);
  if (number.empty() || unit == kUnits.end()) {
    Refuse("a size such as 4096, 256KiB or 1.5GB", text);
  }
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (error == std::errc::result_out_of_range) Refuse("a size below 8 EiB", text);
  if (error == std::errc() && end == number.data() + number.size()) {
    Bytes bytes = 0;
    if (__builtin_mul_overflow(whole, unit->bytes, &bytes)) Refuse("a size below 8 EiB", text);
    return bytes;
  }
  double decimal = 0;
  const auto [decimal_end, decimal_error] = std::from_chars(
      number.data(), number.data() + number.size(), decimal, std::chars_format::fixed);
  if (decimal_error != std::errc() || decimal_end != number.data() + number.size()) {
    Refuse("a size such as 4096, 256KiB or 1.5GB", text);
  }
  const double bytes = std::round(decimal * static_cast<double>(unit->bytes));
  if (bytes >= 9223372036854775808.0) Refuse("a size below 8 EiB", text);
  return static_cast<Bytes>(bytes);
}

}  // namespace gneiss
