#include "io/bytes/file_head.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gneiss {

using std::string_view_literals::operator""sv;

bool IsTarHeader(std::string_view head) {
  constexpr std::size_t kField = 148;
  constexpr std::size_t kFieldBytes = 8;
  if (head.size() < kFileHeadBytes) return false;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kFileHeadBytes; ++i) {
    const bool in_field = i >= kField && i < kField + kFieldBytes;
    sum += in_field ? ' ' : static_cast<unsigned char>(head[i]);
  }
  std::uint32_t stored = 0;
  bool has_digits = false;
  for (const char c : head.substr(kField, kFieldBytes)) {
    if (c >= '0' && c <= '7') {
      stored = stored * 8 + static_cast<std::uint32_t>(c - '0');
      has_digits = true;
    } else if (has_digits) {
      break;
    }
  }
  return has_digits && stored == sum;
}

std::string DescribeBytes(std::string_view head) {
  struct Magic {
    std::string_view bytes;
    std::string_view what;
  };
  constexpr std::array kMagics = {
      Magic{"\x1f\x8b"sv, "gzip compressed data"},
      Magic{"\x28\xb5\x2f\xfd"sv, "zstd compressed data"},
      Magic{"\xfd\x37zXZ\0"sv, "xz compressed data"},
      Magic{"BZh"sv, "bzip2 compressed data"},
      Magic{"\x04\x22\x4d\x18"sv, "lz4 compressed data"},
      Magic{"]\0\0"sv, "lzma compressed data"},
      Magic{"PK\x03\x04"sv, "a zip archive"},
      Magic{"PK\x05\x06"sv, "a zip archive"},
      Magic{"\x7f\x45LF"sv, "an ELF file"},
      Magic{"hsqs"sv, "a squashfs image"},
  };
  if (head.empty()) return "zero bytes";
  for (const Magic& magic : kMagics) {
    if (head.starts_with(magic.bytes)) return std::string(magic.what);
  }
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && (head[first] == '{' || head[first] == '[')) return "JSON";
  const bool is_text = std::ranges::all_of(head, [](char c) {
    return static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\r' || c == '\t';
  });
  return is_text ? "text" : "unknown data";
}

}  // namespace gneiss
