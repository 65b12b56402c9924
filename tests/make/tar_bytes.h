// Tars made in memory header by header, so that each field can be wrong; and the scan of one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "io/bytes/byte_source.h"
#include "io/scan/scan_layer.h"
#include "planner/contents/inventory.h"
#include "planner/fleet/digest.h"

namespace gneiss {

// One header with the fields that tests vary. Octal() and Base256() make the numbers.
struct TarHeader {
  std::string name;
  char type = '0';
  std::string size;  // of what follows; empty: made from the body
  std::string link;
  std::string mode = "0000644";
  std::string uid = "0000000";
  std::string gid = "0000000";
  std::string mtime = "00000000000";
  std::string magic = std::string("ustar\00000", 8);
  std::string device_major;
  std::string device_minor;
  std::string tail;        // from offset 345: prefix, or what GNU tar has there
  int wrong_checksum = 0;  // added to the sum
};

inline std::string Octal(std::uint64_t number, std::size_t digits = 11) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; number >>= 3U)
    text[i] = static_cast<char>('0' + number % 8);
  return text;
}

// A field of 12 bytes, or of 8 for owners.
inline std::string Base256(std::int64_t number, std::size_t size = 12) {
  std::string field(size, number < 0 ? '\xff' : '\0');
  for (std::size_t i = size; i-- > std::max<std::size_t>(size - 8, 1); number >>= 8) {
    field[i] = static_cast<char>(number & 0xff);
  }
  field[0] = static_cast<char>(number < 0 ? 0xff : 0x80);
  return field;
}

inline std::string Padding(std::size_t size) { return std::string((512 - size % 512) % 512, '\0'); }

// The header, the body, its padding.
inline std::string TarEntry(const TarHeader& header, std::string_view body = "") {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, std::string_view(header.name).substr(0, 100));
  put(100, header.mode);
  put(108, header.uid);
  put(116, header.gid);
  put(124, header.size.empty() ? Octal(body.size()) : header.size);
  put(136, header.mtime);
  put(148, "        ");
  block[156] = header.type;
  put(157, header.link);
  put(257, header.magic);
  put(329, header.device_major);
  put(337, header.device_minor);
  put(345, header.tail);
  unsigned sum = static_cast<unsigned>(header.wrong_checksum);
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, Octal(sum, 6));
  block[154] = '\0';
  return block + std::string(body) + Padding(body.size());
}

inline std::string File(std::string name, std::string_view body = "") {
  return TarEntry({.name = std::move(name)}, body);
}
inline std::string Directory(std::string name) {
  return TarEntry({.name = std::move(name), .type = '5', .mode = "0000755"});
}
inline std::string Symlink(std::string name, std::string target) {
  return TarEntry({.name = std::move(name), .type = '2', .link = std::move(target)});
}
inline std::string HardLink(std::string name, std::string target) {
  return TarEntry({.name = std::move(name), .type = '1', .link = std::move(target)});
}

// One PAX record with its length.
inline std::string PaxRecordText(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (rest + std::to_string(length).size() != length) ++length;
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}
inline std::string PaxRaw(std::string_view records) {
  return TarEntry({.name = "PaxHeaders/x", .type = 'x'}, records);
}
inline std::string Pax(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string records;
  for (const auto& [key, value] : pairs) records += PaxRecordText(key, value);
  return PaxRaw(records);
}
// GNU tar's long name ('L') or long link target ('K').
inline std::string LongName(std::string_view name, char type = 'L') {
  return TarEntry({.name = "././@LongLink", .type = type, .magic = std::string("ustar  \0", 8)},
                  std::string(name) + '\0');
}

inline std::string EndBlocks() { return std::string(1024, '\0'); }

inline ExpectedLayer Describe(std::string_view blob) {
  return {.digest = {.digest = Sha256(blob)}, .size = static_cast<Bytes>(blob.size())};
}

// Scans a blob as its descriptor would have it.
inline ScannedLayer ScanBlob(std::string_view blob, const ScanOptions& options = {},
                             std::size_t chunk = 0) {
  const auto source = ReadMemory(blob, chunk);
  return ScanLayer(*source, Describe(blob), options);
}

}  // namespace gneiss
