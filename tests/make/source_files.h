// What tests of io/source share: files in a directory of their own, compressed bytes made in
// memory, and the corpus of real files where it is there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>
#include <zlib.h>
#include <zstd.h>

#include "io/source/source.h"

namespace gneiss {

using Counts = std::map<std::string, std::int64_t>;

// How often each kind of warning came up.
inline Counts CountsOf(const ReadReport& report) {
  Counts counts;
  for (const auto& [kind, warning] : report.warnings) counts[kind] = warning.count;
  return counts;
}

// A directory that is removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::random_device seed;
    do {
      path_ = std::filesystem::temp_directory_path() / ("gneiss-test-" + std::to_string(seed()));
    } while (!std::filesystem::create_directory(path_));
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path() const { return path_.string(); }
  std::string path(std::string_view name) const { return (path_ / name).string(); }

  // Writes a file, and the directories above it. Returns its path.
  std::string Write(std::string_view name, std::string_view content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One gzip member. With a header, it has a file name, a comment and an extra field.
inline std::string Gzip(std::string_view content, bool with_header = false, int level = 6) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string name = "fleet";
  std::string comment = "made by a test";
  std::string extra = "ABCD";
  gz_header header{};
  header.name = reinterpret_cast<Bytef*>(name.data());
  header.comment = reinterpret_cast<Bytef*>(comment.data());
  header.extra = reinterpret_cast<Bytef*>(extra.data());
  header.extra_len = static_cast<uInt>(extra.size());
  if (with_header) deflateSetHeader(&stream, &header);
  std::string compressed(deflateBound(&stream, content.size()) + 256, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  const int status = deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("deflate");
  return compressed;
}

// The content of one gzip member.
inline std::string Gunzip(std::string_view compressed) {
  z_stream stream{};
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) throw std::runtime_error("inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string content;
  int status = Z_OK;
  while (status == Z_OK) {
    std::string part(1 << 16, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    status = inflate(&stream, Z_NO_FLUSH);
    content += part.substr(0, part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("inflate");
  return content;
}

// One zstd frame, with the size of its content in the header.
inline std::string Zstd(std::string_view content) {
  std::string compressed(ZSTD_compressBound(content.size()), '\0');
  compressed.resize(
      ZSTD_compress(compressed.data(), compressed.size(), content.data(), content.size(), 3));
  return compressed;
}

// What the exception that `action` throws says; fails the test when it throws none.
template <typename Exception, typename F>
std::string MessageOf(const F& action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  }
  FAIL("expected an exception");
  return {};
}

// Path of a file of the corpus, the folder GNEISS_CORPUS (tests/main.cc sets it where the user does
// not); nullopt, said on the test's output, when there is no such folder.
inline std::optional<std::string> CorpusPath(std::string_view name) {
  const char* const variable = std::getenv("GNEISS_CORPUS");
  if (variable == nullptr || !std::filesystem::is_directory(variable)) {
    WARN("skipped: no corpus (set GNEISS_CORPUS)");
    SUCCEED("skipped");
    return std::nullopt;
  }
  const std::filesystem::path path = std::filesystem::path(variable) / name;
  INFO(path);
  REQUIRE(std::filesystem::exists(path));
  return path.string();
}

}  // namespace gneiss
