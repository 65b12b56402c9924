#include "io/source/tar_archive.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

// An archive in a directory of its own.
class Archive {
 public:
  explicit Archive(const std::string& bytes)
      : path_(directory_.Write("a.tar", bytes)), archive_(path_) {}

  const TarArchive& operator*() const { return archive_; }
  const std::string& path() const { return path_; }

  // Content of a file, "(none)" when nothing is there.
  std::string Read(const std::string& name) const {
    return ReadFile(archive_, name, kUnknownSize, 1 << 20).value_or("(none)");
  }
  std::string ErrorOf(const std::string& name) const {
    return MessageOf<InputError>([&] { (void)Read(name); });
  }

 private:
  TemporaryDirectory directory_;
  std::string path_;
  TarArchive archive_;
};

std::string ArchiveErrorOf(const std::string& path) {
  return MessageOf<InputError>([&] { const TarArchive archive(path); });
}

TEST_CASE("Members are read where they lie, whatever headers stand before them",
          "[io][tar_archive]") {
  const std::string long_name = std::string(150, 'd') + "/" + std::string(90, 'f');
  const std::string big(300'000, 'b');
  const std::string tar = File("empty") + LongName(long_name) + File("cut", "long") +
                          File("big", big) + Pax({{"path", "by/pax"}, {"mtime", "1.5"}}) +
                          File("x", "pax") +
                          TarEntry({.name = "g", .type = 'g'}, PaxRecordText("comment", "c")) +
                          File("last", "the last") + EndBlocks();
  for (const std::string& stored : {tar, Gzip(tar), Zstd(tar)}) {
    const Archive archive(stored);
    CHECK(archive.Read("empty") == "");
    CHECK(archive.Read(long_name) == "long");
    CHECK(archive.Read("big") == big);
    CHECK(archive.Read("by/pax") == "pax");
    CHECK(archive.Read("last") == "the last");
    CHECK(archive.Read("x") == "(none)");
    CHECK((*archive).SizeOf("big") == 300'000);
    CHECK((*archive).SizeOf("x") == std::nullopt);
    CHECK((*archive).Has("last"));
    CHECK_FALSE((*archive).Has("x"));
  }
}

TEST_CASE("Several files of an archive can be read at once", "[io][tar_archive]") {
  const std::string tar = File("a", "first") + File("b", "second") + EndBlocks();
  for (const std::string& stored : {tar, Gzip(tar)}) {
    const Archive archive(stored);
    const auto a = (*archive).Open("a");
    const auto b = (*archive).Open("b");
    std::string read;
    char byte = 0;
    while (a->Read({&byte, 1}) == 1) {
      read += byte;
      if (b->Read({&byte, 1}) == 1) read += byte;
    }
    CHECK(read == "fsiercsotn");
    CHECK(a->stored_size() == 5);
    CHECK(a->stored_position() == 5);
  }
}

TEST_CASE("Names are normalised, and of equal ones the last counts", "[io][tar_archive]") {
  const Archive archive(File("./a//b", "one") + File("/c", "two") + File("a/./b", "three") +
                        File("../out", "x") + File("d/../../out", "x") + EndBlocks());
  CHECK(archive.Read("a/b") == "three");
  CHECK(archive.Read("./a/b") == "three");
  CHECK(archive.Read("c") == "two");
  CHECK(archive.Read("out") == "(none)");
}

TEST_CASE("Links lead from member to member", "[io][tar_archive]") {
  const Archive archive(File("x/layer.tar", "content") + Symlink("y/layer.tar", "../x/layer.tar") +
                        HardLink("z/layer.tar", "y/layer.tar") + HardLink("h", "./x/layer.tar") +
                        EndBlocks());
  for (const std::string name : {"y/layer.tar", "z/layer.tar", "h"}) {
    INFO(name);
    CHECK(archive.Read(name) == "content");
    CHECK((*archive).Target(name) == "x/layer.tar");
    CHECK((*archive).SizeOf(name) == 7);
  }
  CHECK((*archive).Target("none") == std::nullopt);
}

TEST_CASE("Links out of the archive, to nothing and in circles are not followed",
          "[io][tar_archive]") {
  const std::string expected = ": expected a plain file, found ";
  const Archive archive(Symlink("up", "../../etc/passwd") + Symlink("root", "/etc/passwd") +
                        HardLink("hard", "../x") + Symlink("none", "absent") + Symlink("a", "b") +
                        Symlink("b", "a") + EndBlocks());
  const auto found = [&](const std::string& name) {
    const std::string error = archive.ErrorOf(name);
    const std::string start = archive.path() + ":" + name + expected;
    REQUIRE(error.starts_with(start));
    CHECK((*archive).SizeOf(name) == std::nullopt);
    return error.substr(start.size());
  };
  CHECK(found("up") == "a link to ../../etc/passwd, which is outside the archive");
  CHECK(found("root") == "a link to /etc/passwd, which is outside the archive");
  CHECK(found("hard") == "a link to ../x, which is outside the archive");
  CHECK(found("none") == "a link to absent, which the archive lacks");
  CHECK(found("a") == "more than 16 links in a row");
}

TEST_CASE("What is no plain file is refused", "[io][tar_archive]") {
  const Archive archive(
      Directory("d/") + TarEntry({.name = "p", .type = '6'}) +
      Pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.realsize", "600"}}) +
      File("s", "1\n0\n512\n" + Padding(8) + std::string(512, 's')) + EndBlocks());
  const std::string expected = ": expected a plain file, found ";
  CHECK(archive.ErrorOf("d") == archive.path() + ":d" + expected + "a directory");
  CHECK(archive.ErrorOf("p") == archive.path() + ":p" + expected + "something else");
  CHECK(archive.ErrorOf("s") == archive.path() + ":s" + expected + "a sparse one");
  for (const std::string name : {"d", "p", "s"}) CHECK((*archive).SizeOf(name) == std::nullopt);
}

TEST_CASE("A file is identified by its bytes, in a compressed archive without reading it again",
          "[io][tar_archive]") {
  const std::string layer = File("etc/x", "hello") + EndBlocks();
  const std::string tar = File("layer", layer) + File("gzip", Gzip(layer)) + EndBlocks();
  for (const bool is_compressed : {false, true}) {
    const Archive archive(is_compressed ? Zstd(tar) : tar);
    Bytes read = 0;
    const auto identify = [&](const std::string& name) {
      return (*archive).Identify(name, [&](Bytes bytes) { read += bytes; });
    };
    CHECK(identify("layer").digest == Sha256(layer));
    CHECK(identify("layer").is_tar);
    CHECK(identify("gzip").digest == Sha256(Gzip(layer)));
    CHECK_FALSE(identify("gzip").is_tar);
    CHECK((read == 0) == is_compressed);
  }
}

TEST_CASE("A file can be given another name", "[io][tar_archive]") {
  const TemporaryDirectory directory;
  TarArchive archive(directory.Write("a.tar", File("x", "content") + Symlink("y", "x")));
  archive.AddName("blobs/sha256/abc", "y");
  archive.AddName("x", "x");
  CHECK(ReadFile(archive, "blobs/sha256/abc", 7, 100) == "content");
  CHECK(ReadFile(archive, "x", 7, 100) == "content");
}

TEST_CASE("An archive is named like its file without what says that it is a tar",
          "[io][tar_archive]") {
  const TemporaryDirectory directory;
  const std::string tar = File("x") + EndBlocks();
  for (const std::string name : {"shop", "shop.tar", "shop.tar.gz", "shop.tgz", "shop.tar.zst"}) {
    INFO(name);
    const TarArchive archive(directory.Write(name, name.ends_with("gz") ? Gzip(tar) : tar));
    CHECK(archive.repository() == "shop");
    CHECK(archive.directory() == "");
  }
}

TEST_CASE("A tar without its last blocks is whole, one without its last bytes is not",
          "[io][tar_archive]") {
  const TemporaryDirectory directory;
  const std::string tar = File("a", "first") + File("b", std::string(3000, 'b'));
  CHECK(TarArchive(directory.Write("a.tar", tar)).SizeOf("b") == 3000);
  const std::string path = directory.Write("cut.tar", tar.substr(0, 2536));
  CHECK(ArchiveErrorOf(path) ==
        path +
            ":b: expected 3000 bytes, found 1000; the archive is truncated, fetch or write it "
            "again");
  const std::string gzip = Gzip(tar.substr(0, 2536));
  directory.Write("cut.tar", gzip);
  CHECK(ArchiveErrorOf(path) ==
        path +
            ":b: expected 3000 bytes, found 1000; the archive is truncated, fetch or write it "
            "again");
  directory.Write("cut.tar", gzip.substr(0, gzip.size() - 3));
  CHECK(ArchiveErrorOf(path) == path + ":byte " + std::to_string(gzip.size() - 3) +
                                    ": gzip stream ends early; the file is truncated, fetch or "
                                    "write it again");
  directory.Write("cut.tar", tar.substr(0, 1100));
  CHECK(ArchiveErrorOf(path) ==
        path +
            ":tar byte 1024: expected the header of a tar's member, found none: Truncated tar "
            "archive");
  const std::string bad = File("a") + TarEntry({.name = "b", .wrong_checksum = 1}) + EndBlocks();
  directory.Write("cut.tar", bad);
  CHECK(ArchiveErrorOf(path) ==
        path +
            ":tar byte 512: expected the header of a tar's member, found none: Damaged tar "
            "archive");
}

TEST_CASE("A member that cannot end is refused", "[io][tar_archive]") {
  TemporaryDirectory directory;
  for (const std::int64_t below : {1, 511, 512, 1023, 1024}) {
    const std::int64_t size = std::numeric_limits<std::int64_t>::max() - below;
    for (const std::string& member :
         {TarEntry({.name = "b", .size = Base256(size)}),
          Pax({{"size", std::to_string(size)}}) + TarEntry({.name = "b"})}) {
      const std::string tar = File("a", "1") + member + File("c") + EndBlocks();
      for (const std::string& stored : {tar, Gzip(tar)}) {
        CHECK_THAT(ArchiveErrorOf(directory.Write("a.tar", stored)),
                   Catch::Matchers::Contains("expected a member that ends within 2^63 bytes, found "
                                             "one of " +
                                             std::to_string(size) + " bytes"));
      }
    }
  }
  const std::string tar = TarEntry({.name = "b", .size = Base256(INT64_MAX - 4096)}, "x");
  CHECK_THAT(ArchiveErrorOf(directory.Write("a.tar", tar + EndBlocks())),
             Catch::Matchers::Contains("truncated"));
}

TEST_CASE("What is no tar is named for what it seems to be", "[io][tar_archive]") {
  const TemporaryDirectory directory;
  const auto found = [&](const std::string& content) {
    const std::string path = directory.Write("file", content);
    const std::string error = ArchiveErrorOf(path);
    const std::string start =
        path + ": expected a tar, plain or compressed by gzip or zstd, found ";
    REQUIRE(error.starts_with(start));
    return error.substr(start.size());
  };
  CHECK(found("") == "zero bytes");
  CHECK(found("some text\n") == "text");
  CHECK(found(Gzip("[]")) == "JSON");
  CHECK(found(std::string("\xfd\x37zXZ\0......", 12)) == "xz compressed data");
}

TEST_CASE("An archive is a file", "[io][tar_archive]") {
  const TemporaryDirectory directory;
  CHECK(ArchiveErrorOf(directory.path("none")) ==
        directory.path("none") + ": expected an archive of images, found nothing there");
  CHECK(ArchiveErrorOf(directory.path()) ==
        directory.path() + ": expected an archive of images, found a directory");
  REQUIRE(mkfifo(directory.path("pipe").c_str(), 0600) == 0);
  CHECK(ArchiveErrorOf(directory.path("pipe")) ==
        directory.path("pipe") +
            ": expected a file, found a pipe or a device; write the archive to a file first");
}

TEST_CASE("An archive that changes under the reader is an error", "[io][tar_archive]") {
  const Archive archive(File("a", "first") + File("b", std::string(1000, 'b')));
  const auto before = (*archive).Open("b");
  std::filesystem::resize_file(archive.path(), 1600);
  CHECK(archive.ErrorOf("b") ==
        archive.path() + ":b: the archive became shorter while it was read");
  std::filesystem::resize_file(archive.path(), 700);
  CHECK(archive.ErrorOf("b") ==
        archive.path() + ":b: the archive became shorter while it was read");
  std::filesystem::remove(archive.path());
  CHECK(archive.ErrorOf("a") ==
        archive.path() + ": expected an archive of images, found nothing there");
}

TEST_CASE("What an archive unpacks to is bounded", "[io][tar_archive]") {
  const TemporaryDirectory directory;
  const std::string small = File("zeros", std::string(15 << 20, '\0'));
  CHECK(TarArchive(directory.Write("small", Zstd(small))).SizeOf("zeros") == 15 << 20);
  const std::string large = File("zeros", std::string(40 << 20, '\0'));
  CHECK(TarArchive(directory.Write("plain", large)).SizeOf("zeros") == 40 << 20);
  const std::string path = directory.Write("bomb", Zstd(large));
  const std::string error = ArchiveErrorOf(path);
  CHECK(error.starts_with(path + ":tar byte "));
  CHECK(error.ends_with(
      ": expected a tar of at most 1100 times the archive's stored size, found more; decompress it "
      "first"));
}

TEST_CASE("Names of members are bounded", "[io][tar_archive]") {
  const TemporaryDirectory directory;
  const std::string name(4096, 'n');
  const TarArchive archive(directory.Write("ok.tar", LongName(name) + File("x", "1")));
  CHECK(archive.SizeOf(name) == 1);
  const std::string expected =
      ":tar byte 512: expected names of at most 4096 bytes, found one of 4097";
  std::string path = directory.Write("name.tar", File("a") + LongName(name + "n") + File("x"));
  CHECK(ArchiveErrorOf(path) == path + expected);
  path = directory.Write("target.tar", File("a") + LongName(name + "n", 'K') + Symlink("x", "y"));
  CHECK(ArchiveErrorOf(path) == path + expected);
}

}  // namespace
}  // namespace gneiss
