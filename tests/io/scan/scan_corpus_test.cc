// Seeds for the fuzzer of layers, which are in its corpus (tests/io/fuzz_corpus_test.cc).
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "io/scan/scan_layer.h"
#include "tests/make/scan_result.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

const std::filesystem::path kCorpus = "tests/fuzz/corpus/scan_layer";

// By name of the file.
std::map<std::string, std::string> Seeds() {
  const std::string end = EndBlocks();
  const std::string file = File("etc/x", "hello");
  const std::string body(1024, 'b');
  const std::string map_text = "1\n0\n512\n";
  const std::string sparse_body = map_text + Padding(map_text.size()) + std::string(512, 's');
  std::map<std::string, std::string> seeds = {
      {"empty", ""},
      {"json", "{}"},
      {"zeros", end},
      {"file", file + end},
      {"no_end", file},
      {"cut", file.substr(0, 700)},
      {"directory", Directory("./") + Directory("etc/") + file + end},
      {"symlink", Symlink("a", "/") + File("a/b") + end},
      {"hard_link", file + HardLink("y", "etc/x") + end},
      {"hard_link_directory", Directory("a") + HardLink("b", "a") + end},
      {"hard_link_body",
       TarEntry({.name = "b", .type = '1', .size = Octal(1024), .link = "a"}, body) + file + end},
      {"devices", TarEntry({.name = "c", .type = '3', .device_major = "0000001"}) +
                      TarEntry({.name = "b", .type = '4'}) + TarEntry({.name = "p", .type = '6'}) +
                      end},
      {"whiteouts", File("a/.wh.b") + File("a/.wh..wh..opq") + File(".wh..wh.plnk") + end},
      {"bad_whiteout", File("a/.wh...") + end},
      {"above_root", File("../../x") + end},
      {"twice", file + file + File("etc/.wh.x") + end},
      {"old_directory", TarEntry({.name = "d/", .type = '\0'}) + end},
      {"lone_zero_block", file + std::string(512, '\0') + file + end},
      {"two_tars", file + end + file + end},
      {"base256",
       TarEntry({.name = "a", .size = Base256(5), .uid = Base256(-1, 8), .mtime = Base256(-5)},
                "hello") +
           end},
      {"pax", Pax({{"path", "long"},
                   {"size", "5"},
                   {"mtime", "1.5"},
                   {"uid", "70000"},
                   {"SCHILY.xattr.user.a", "b"}}) +
                  TarEntry({.name = "x", .size = Octal(0)}, "hello") + end},
      {"pax_link", Pax({{"linkpath", "target"}}) + Symlink("a", "b") + end},
      {"pax_deleted", Pax({{"size", ""}, {"path", ""}}) + file + end},
      {"pax_damaged", PaxRaw("9 a=b\n") + file + end},
      {"pax_global",
       TarEntry({.name = "g", .type = 'g'}, PaxRecordText("comment", "c")) + file + end},
      {"pax_at_end", file + Pax({{"path", "x"}})},
      {"long_name",
       LongName(std::string(300, 'n')) + LongName("target", 'K') + HardLink("x", "y") + end},
      {"sparse_0_0", Pax({{"GNU.sparse.size", "3000"},
                          {"GNU.sparse.numblocks", "1"},
                          {"GNU.sparse.offset", "512"},
                          {"GNU.sparse.numbytes", "1024"}}) +
                         File("s", body) + end},
      {"sparse_0_1", Pax({{"GNU.sparse.major", "0"},
                          {"GNU.sparse.minor", "1"},
                          {"GNU.sparse.name", "n"},
                          {"GNU.sparse.size", "3000"},
                          {"GNU.sparse.map", "512,1024"}}) +
                         File("s", body) + end},
      {"sparse_1_0",
       Pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.realsize", "600"}}) +
           File("s", sparse_body) + end},
      {"sparse_old", TarEntry({.name = "s",
                               .type = 'S',
                               .magic = std::string("ustar  \0", 8),
                               .tail = std::string(41, '\0') + Octal(512) + '\0' + Octal(1024) +
                                       std::string(73, '\0') + Octal(3000)},
                              body) +
                         end},
      {"unknown_type", TarEntry({.name = "v", .type = 'V'}) + end},
      {"not_utf8", Pax({{"path", "\xff\xc3\xa9"}}) + file + end},
  };
  seeds["gzip"] = Gzip(file + end);
  seeds["gzip_members"] = Gzip(file, true) + Gzip("") + Gzip(end) + std::string(9, '\0');
  seeds["gzip_trailing"] = Gzip(file + end) + "garbage";
  seeds["zstd"] = Zstd(file + end);
  seeds["zstd_frames"] = std::string("\x50\x2a\x4d\x18\x01\0\0\0x", 9) + Zstd(file) + Zstd(end);
  return seeds;
}

TEST_CASE("Each seed is in the corpus as it is made here", "[io][scan_corpus]") {
  // GNEISS_WRITE_SEEDS=1 mends what differs.
  const bool writes = std::getenv("GNEISS_WRITE_SEEDS") != nullptr;
  for (const auto& [name, blob] : Seeds()) {
    INFO(name);
    const std::string path = (kCorpus / name).string();
    if (writes) std::ofstream(path, std::ios::binary) << blob;
    // Compressors change from version to version.
    if (name.starts_with("gzip") || name.starts_with("zstd")) continue;
    CHECK(ReadWholeFile(path) == blob);
  }
}

}  // namespace
}  // namespace gneiss
