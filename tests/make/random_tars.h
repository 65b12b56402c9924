// Layers of random small histories as real tars, with all that is hard to write: odd names, sparse
// files, attributes, times before 1970.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/scan_result.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {

using Records = std::vector<std::pair<std::string, std::string>>;

inline std::string WithRecords(const Records& records, const std::string& entry) {
  std::string text;
  for (const auto& [key, value] : records) text += PaxRecordText(key, value);
  return text.empty() ? entry : PaxRaw(text) + entry;
}

// A file of `size` with these parts, as GNU tar's version 1.0 has it.
inline std::string SparseFile(const std::string& name, Bytes size,
                              const std::vector<std::pair<Bytes, std::string>>& parts,
                              Records records = {}) {
  std::string map = std::to_string(parts.size()) + "\n";
  std::string data;
  for (const auto& [offset, bytes] : parts) {
    map += fmt::format("{}\n{}\n", offset, bytes.size());
    data += bytes;
  }
  records.insert(records.end(), {{"GNU.sparse.major", "1"},
                                 {"GNU.sparse.minor", "0"},
                                 {"GNU.sparse.name", name},
                                 {"GNU.sparse.realsize", std::to_string(size)}});
  return WithRecords(records, File("GNUSparseFile.0/x", map + Padding(map.size()) + data));
}

class RandomTars {
 public:
  explicit RandomTars(unsigned seed) : random_(seed) {}

  unsigned Below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  // A layer that the scanner accepts.
  std::string Tar(bool has_links) {
    for (;;) {
      std::string tar = "";
      for (const TinyEntry& entry : RandomTinyLayer(random_)) {
        if (entry.type == EntryType::kHardLink && !has_links) continue;
        tar += Entry(entry);
      }
      tar += EndBlocks();
      try {
        (void)ScanBlob(tar);
        return tar;
      } catch (const InputError&) {
        continue;
      }
    }
  }

  // The same, of any codec.
  std::string Blob(bool has_links) {
    std::string tar = Tar(has_links);
    switch (Below(3)) {
      case 0:
        return tar;
      case 1:
        return Gzip(tar);
      default:
        return Zstd(tar);
    }
  }

 private:
  // Components "a", "b" and "c" as names that are hard to write.
  static std::string Name(const std::string& path) {
    std::string name;
    for (const char c : path) {
      if (c == 'b') {
        name += "b\xff\xc3\n%";
      } else if (c == 'c') {
        name += "c" + std::string(150, 'x') + "\xc3\xa9";
      } else {
        name += c;
      }
    }
    return name;
  }

  std::string Bytes(std::size_t size) {
    std::string bytes(size, static_cast<char>('a' + Below(3)));
    for (std::size_t i = 0; i < size; i += 50) bytes[i] = static_cast<char>(Below(3));
    return bytes;
  }

  std::string Entry(const TinyEntry& entry) {
    std::string name = Name(entry.path);
    TarHeader header{.mode = Octal(Below(4096), 7), .uid = Octal(Below(3), 7)};
    Records records;
    if (Below(3) == 0) records.emplace_back("uid", std::to_string(3'000'000 + Below(2)));
    if (Below(3) == 0) records.emplace_back("gid", "4294967295");
    if (Below(3) == 0) header.mtime = Octal(1'600'000'000 + Below(5));
    if (Below(3) == 0) records.emplace_back("mtime", Below(2) == 0 ? "-7.25" : "99.000000001");
    if (Below(4) == 0) {
      records.emplace_back("SCHILY.xattr.user.a", std::string("\0=\n\xff", 4));
      records.emplace_back("SCHILY.xattr.security.capability", "");
    }
    std::string body;
    switch (entry.type) {
      case EntryType::kWhiteout:
      case EntryType::kOpaque: {
        const std::string parent =
            entry.type == EntryType::kOpaque ? entry.path : std::string(ParentPath(entry.path));
        name = Name(parent) + (parent.empty() ? "" : "/") + ".wh." +
               (entry.type == EntryType::kOpaque ? ".wh..opq"
                                                 : Name(std::string(BaseName(entry.path))));
        records.clear();
        break;
      }
      case EntryType::kDirectory:
        header.type = '5';
        name += '/';
        break;
      case EntryType::kHardLink:
        header.type = '1';
        records.emplace_back("linkpath", Name(entry.content));
        break;
      case EntryType::kSymlink:
        header.type = "2346"[Below(4)];
        if (header.type == '2') records.emplace_back("linkpath", Name(entry.content));
        if (header.type == '3' || header.type == '4') {
          header.device_major = Octal(Below(300), 7);
          header.device_minor = Octal(Below(2'000'000), 7);
        }
        break;
      default:
        if (Below(4) == 0) {
          std::vector<std::pair<gneiss::Bytes, std::string>> parts;
          const gneiss::Bytes size = Below(60'000);
          if (size > 100) parts.emplace_back(Below(50), Bytes(20 + Below(30)));
          if (size > 40'000) parts.emplace_back(8192 * (1 + Below(3)), Bytes(5000));
          return SparseFile(name, size, parts, records);
        }
        body = Bytes(Below(3) == 0 ? 0 : Below(20'000));
    }
    records.emplace_back("path", name);
    header.name = "short";
    return WithRecords(records, TarEntry(header, body));
  }

  std::mt19937 random_;
};

}  // namespace gneiss
