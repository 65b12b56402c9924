#include "io/text/format.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace gneiss {
namespace {

constexpr std::array<std::string_view, 7> kSiUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
constexpr std::array<std::string_view, 7> kIecUnits = {"B",   "KiB", "MiB", "GiB",
                                                       "TiB", "PiB", "EiB"};

// The smallest value that is shown with four digits before the point.
constexpr double kFourDigits = 999.5;

std::string Scaled(double size, double base, const std::array<std::string_view, 7>& units) {
  if (size < base) return fmt::format("{:.0f} {}", size, units[0]);
  std::size_t unit = 0;
  // 1000 to 1023 KiB have four digits and stay in their unit's neighbour, as 0.98 MiB.
  while (size >= kFourDigits && unit + 1 < units.size()) {
    size /= base;
    ++unit;
  }
  return fmt::format("{} {}", FormatNumber(size), units[unit]);
}

}  // namespace

std::string FormatBytes(Bytes size, ByteUnits units) {
  if (units == ByteUnits::kRaw) return FormatCount(size);
  const bool iec = units == ByteUnits::kIec;
  const std::string text =
      Scaled(std::abs(static_cast<double>(size)), iec ? 1024 : 1000, iec ? kIecUnits : kSiUnits);
  return size < 0 ? fmt::format("-{}", text) : text;
}

std::string_view UnitsNote(ByteUnits units) {
  switch (units) {
    case ByteUnits::kSi:
      return "1 MB = 1,000,000 bytes";
    case ByteUnits::kIec:
      return "1 MiB = 1,048,576 bytes";
    case ByteUnits::kRaw:
      break;
  }
  return "sizes in bytes";
}

std::string FormatCount(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

std::string FormatCounted(std::int64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  if (!plural.empty()) return fmt::format("{} {}", FormatCount(count), plural);
  return fmt::format("{} {}s", FormatCount(count), singular);
}

std::string FormatPercent(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (part > 0 && percent < 0.05) return "<0.1 %";
  return fmt::format("{:.1f} %", percent);
}

std::string FormatChange(Bytes change, ByteUnits units) {
  return (change > 0 ? "+" : "") + FormatBytes(change, units);
}

std::string FormatChangePercent(Bytes change, Bytes before) {
  if (before == 0 || change == 0) return "";
  const double percent = 100 * static_cast<double>(change) / static_cast<double>(before);
  if (std::abs(percent) < 0.05) return change > 0 ? "+<0.1 %" : "-<0.1 %";
  return fmt::format("{:+.1f} %", percent);
}

std::string FormatRatio(std::int64_t a, std::int64_t b) {
  if (b == 0) return "-";
  return FormatNumber(static_cast<double>(a) / static_cast<double>(b)) + "x";
}

std::string FormatNumber(double value) {
  // Limits half a last digit below a power of ten, where rounding adds a digit.
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return FormatCount(std::llround(value));
}

}  // namespace gneiss
