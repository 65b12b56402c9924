#include "io/text/screen_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace gneiss {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t num_bytes = 1;
  bool valid = false;
};

// The first code point of `text` by the table of RFC 3629: no overlong forms, no surrogates.
// REQUIRES: text is not empty.
CodePoint FirstCodePoint(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {.value = first, .num_bytes = 1, .valid = true};
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t value = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) return {};
  return {.value = value, .num_bytes = length, .valid = true};
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool IsIn(char32_t c, const std::array<Range, N>& ranges) {
  return std::ranges::any_of(ranges, [c](const Range& r) { return c >= r.first && c <= r.last; });
}

// Characters that steer the terminal, reorder what follows, or take no room at all.
constexpr std::array<Range, 9> kUnsafe = {{{0x00, 0x1f},
                                           {0x7f, 0x9f},
                                           {0xad, 0xad},
                                           {0x61c, 0x61c},
                                           {0x200b, 0x200f},
                                           {0x2028, 0x202e},
                                           {0x2060, 0x206f},
                                           {0xfeff, 0xfeff},
                                           {0xe0000, 0xe0fff}}};
constexpr std::array<Range, 4> kCombining = {
    {{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe2f}}};
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115f},
                                          {0x2e80, 0xa4cf},
                                          {0xac00, 0xd7a3},
                                          {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f},
                                          {0xff00, 0xff60},
                                          {0xffe0, 0xffe6},
                                          {0x1f300, 0x1f64f},
                                          {0x1f900, 0x1f9ff},
                                          {0x20000, 0x3fffd}}};

std::size_t WidthOf(char32_t c) {
  if (c < 0x300) return 1;
  if (IsIn(c, kCombining)) return 0;
  return IsIn(c, kWide) ? 2 : 1;
}

void AppendEscaped(std::string& out, char32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  const auto number = static_cast<std::uint32_t>(c);
  if (number < 0x100) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", number);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", number);
  }
}

// Bytes of the longest prefix that takes at most `width` columns.
std::size_t PrefixBytes(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  std::size_t used = 0;
  while (bytes < text.size()) {
    const CodePoint c = FirstCodePoint(text.substr(bytes));
    used += WidthOf(c.value);
    if (used > width) break;
    bytes += c.num_bytes;
  }
  return bytes;
}

// The first byte of the longest suffix that takes at most `width` columns.
std::size_t SuffixStart(std::string_view text, std::size_t width) {
  std::size_t rest = DisplayWidth(text);
  std::size_t begin = 0;
  while (rest > width) {
    const CodePoint c = FirstCodePoint(text.substr(begin));
    rest -= WidthOf(c.value);
    begin += c.num_bytes;
  }
  return begin;
}

constexpr std::string_view kEllipsis = "…";

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    if (!c.valid) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (IsIn(c.value, kUnsafe)) {
      AppendEscaped(out, c.value);
    } else {
      out.append(text.substr(0, c.num_bytes));
    }
    text.remove_prefix(c.num_bytes);
  }
  return out;
}

std::string PrintableJson(std::string json) {
  constexpr auto kIsPlain = [](char c) { return static_cast<unsigned char>(c) < 0x7f; };
  // Most texts are ASCII, and long.
  if (std::ranges::all_of(json, kIsPlain)) return json;
  std::string out;
  out.reserve(json.size());
  for (std::string_view text = json; !text.empty();) {
    const auto plain =
        static_cast<std::size_t>(std::ranges::find_if_not(text, kIsPlain) - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const CodePoint c = FirstCodePoint(text);
    if (!c.valid || !IsIn(c.value, kUnsafe)) {
      out.append(text.substr(0, c.num_bytes));
    } else if (const auto number = static_cast<std::uint32_t>(c.value); number < 0x10000) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", number);
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}\\u{:04x}",
                     0xd800 + ((number - 0x10000) >> 10U), 0xdc00 + ((number - 0x10000) & 0x3ffU));
    }
    text.remove_prefix(c.num_bytes);
  }
  return out;
}

std::string NameInvalidBytes(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    const std::string_view bytes = text.substr(0, c.num_bytes);
    text.remove_prefix(c.num_bytes);
    if (c.valid && bytes != kReplacement) {
      out.append(bytes);
      continue;
    }
    for (const char byte : bytes) {
      fmt::format_to(std::back_inserter(out), "{}{:02x}", kReplacement,
                     static_cast<unsigned char>(byte));
    }
  }
  return out;
}

std::string_view ShortDigest(std::string_view text) {
  constexpr std::string_view kSha256 = "sha256:";
  return text.starts_with(kSha256) ? text.substr(0, kSha256.size() + 12) : text;
}

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint c = FirstCodePoint(text);
    width += WidthOf(c.value);
    text.remove_prefix(c.num_bytes);
  }
  return width;
}

std::string CutEnd(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string cut(text.substr(0, PrefixBytes(text, width - 1)));
  return cut.append(kEllipsis);
}

std::string CutMiddle(std::string_view text, std::size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return {};
  // The larger half to the end: tags tell more than hosts.
  const std::size_t front = (width - 1) / 2;
  std::string cut(text.substr(0, PrefixBytes(text, front)));
  return cut.append(kEllipsis).append(text.substr(SuffixStart(text, width - 1 - front)));
}

std::string WrapText(std::string_view first, std::string_view text, std::size_t width) {
  width = width == 0 ? 100 : std::max<std::size_t>(40, width);
  const std::string indent(DisplayWidth(first), ' ');
  std::string wrapped(first);
  std::size_t used = indent.size();
  bool empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t columns = DisplayWidth(word);
    if (!empty && used + 1 + columns > width) {
      wrapped += '\n';
      wrapped += indent;
      used = indent.size();
      empty = true;
    }
    if (!empty) wrapped += ' ';
    used += columns + (empty ? 0 : 1);
    wrapped += word;
    empty = false;
  }
  wrapped += '\n';
  return wrapped;
}

}  // namespace gneiss
