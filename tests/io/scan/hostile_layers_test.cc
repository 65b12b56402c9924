// Layers from strangers: each row of the table of bad and odd inputs that one layer alone can show,
// with its verdict. R: refused; W: accepted with a warning; A: accepted.
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "io/scan/scan_layer.h"
#include "tests/make/scan_result.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

const std::string kEnd = EndBlocks();
const ScanOptions kStrict = {.strict = true};

TEST_CASE("Row 1: a path above the root stops there, and is refused if strict",
          "[io][scan_hostile]") {
  const std::string tar = File("../x") + File("a/../../y") + File("b/../c") + kEnd;
  const Inventory inventory = ScanTar(tar);
  CHECK(List(inventory) == "file c 0\nfile x 0\nfile y 0\n");
  CHECK(Warnings(inventory) == "path above the root 2 x\n");
  CHECK(ScanError(tar, kStrict) ==
        "tar byte 0: expected paths below the root, found a path above the root (entry \"x\")");
  // One file, not two.
  CHECK(Warnings(ScanTar(File("../x") + File("x") + kEnd)) ==
        "path above the root 1 x\npath given twice 1 x\n");
}

TEST_CASE("Row 2: an absolute path is the one below the root", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("/etc/x") + HardLink("y", "/etc/x") + kEnd, kStrict);
  CHECK(List(inventory) == "file etc/x 0\nhard link y -> etc/x\n");
  CHECK(Warnings(inventory).empty());
}

TEST_CASE("Row 3: spellings of one path are one key, and the root is a directory",
          "[io][scan_hostile]") {
  for (const char* name : {"a/b", "./a/b", "a//b", "a/./b", ".//a/b", "/./a/b"}) {
    CHECK(List(ScanTar(File(name) + kEnd)) == "file a/b 0\n");
    CHECK(List(ScanTar(Directory(std::string(name) + "/") + kEnd)) == "directory a/b\n");
  }
  for (const char* name : {".", "./", "/", ""}) {
    CHECK(List(ScanTar(Directory(name) + kEnd)) == "directory \n");
  }
  CHECK(ScanError(File("a") + File("./") + kEnd) ==
        "tar byte 512: expected a directory at the root, found a file");
  CHECK(ScanError(Symlink(".", "a") + kEnd) ==
        "tar byte 0: expected a directory at the root, found a symlink");
}

TEST_CASE("Row 4: a hard link out of the root stops at the root, as for all runtimes",
          "[io][scan_hostile]") {
  const std::string tar = File("f") + HardLink("d/a", "../../f") + kEnd;
  CHECK(List(ScanTar(tar)) == "hard link d/a -> f\nfile f 0\n");
  CHECK(Warnings(ScanTar(tar)) == "path above the root 1 d/a\n");
  CHECK(ScanError(tar, kStrict) ==
        "tar byte 512: expected paths below the root, found a path above the root (entry \"d/a\")");
  CHECK(
      ScanError(HardLink("a", "/..") + kEnd) ==
      "tar byte 0: expected a hard link to a file, found one to the directory \"\" (entry \"a\")");
}

TEST_CASE("Rows 5 and 6: a hard link to nothing in this layer has no bytes, and is noted",
          "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(HardLink("a", "lower/file") + kEnd);
  CHECK(List(inventory) == "hard link a -> lower/file\n");
  CHECK(inventory.entries[0].size == 0);
  CHECK(Warnings(inventory) == "hard link to a lower layer 1 a\n");
  // What comes later is not there when the link is made, nor is what only a whiteout names.
  const std::string warned = "hard link to a lower layer 1 b\n";
  CHECK(Warnings(ScanTar(HardLink("b", "a") + File("a") + kEnd)) == warned);
  CHECK(List(ScanTar(File(".wh.a") + HardLink("b", "a") + kEnd)) ==
        "whiteout a\nwhiteout device b\n");
  CHECK(Warnings(ScanTar(File(".wh.a") + HardLink("b", "a") + kEnd)) ==
        "hard link to a whiteout 1 b\n");
  CHECK(Warnings(ScanTar(File("a") + HardLink("b", "a") + HardLink("c", "b") + kEnd)).empty());
}

TEST_CASE("Row 7: the size of a hard link is not counted, its body passed over",
          "[io][scan_hostile]") {
  const TarHeader link{.name = "b", .type = '1', .size = Octal(700), .link = "a"};
  const std::string body(700, 'x');
  const std::string listed = "file a 1\nhard link b -> a\nfile c 2\n";
  const std::string warned = "hard link with a size 1 b\n";
  for (const std::string& magic : {std::string("ustar\00000", 8), std::string("ustar  \0", 8)}) {
    TarHeader header = link;
    header.magic = magic;
    // With no body, as Go and GNU tar read it.
    Inventory inventory = ScanTar(File("a", "1") + TarEntry(header) + File("c", "22") + kEnd);
    CHECK(List(inventory) == listed);
    CHECK(Warnings(inventory) == warned);
    // With one, as POSIX allows.
    inventory = ScanTar(File("a", "1") + TarEntry(header, body) + File("c", "22") + kEnd);
    CHECK(List(inventory) == listed);
    CHECK(Warnings(inventory) == warned);
  }
  for (const std::string& pax : {Pax({{"size", "700"}}), Pax({{"comment", "1"}})}) {
    const Inventory inventory =
        ScanTar(File("a", "1") + pax + TarEntry(link, body) + File("c", "22") + kEnd);
    CHECK(List(inventory) == listed);
    CHECK(Warnings(inventory) == warned);
  }
  // A body that runs past the end of the stream is only known by its length.
  CHECK(ScanError(File("a", "1") + TarEntry(link, body).substr(0, 1024)) ==
        "tar byte 1536: expected 512 more bytes of this entry; the tar is truncated at byte 2048");
}

TEST_CASE("Row 8: a hard link to itself or to a directory is refused", "[io][scan_hostile]") {
  CHECK(ScanError(HardLink("a/b", "./a//b") + kEnd) ==
        "tar byte 0: expected a hard link to another path, found one to itself");
  const auto error = [](int at, const std::string& target) {
    return "tar byte " + std::to_string(at) +
           ": expected a hard link to a file, found one to the directory \"" + target +
           "\" (entry \"b\")";
  };
  CHECK(ScanError(Directory("a") + HardLink("b", "a") + kEnd) == error(512, "a"));
  CHECK(ScanError(File("a") + Directory("a") + File(".wh.a") + HardLink("b", "a") + kEnd) ==
        error(1536, "a"));
  CHECK(ScanError(HardLink("b", "/") + kEnd) == error(0, ""));
  // That only what lies below it shows.
  CHECK(ScanError(File("a/x") + HardLink("b", "a") + kEnd) == error(512, "a"));
  // What comes later or was replaced does not count; a symlink is linked and not followed.
  CHECK(List(ScanTar(HardLink("b", "a") + Directory("a") + kEnd)) ==
        "directory a\nhard link b -> a\n");
  CHECK(List(ScanTar(Directory("a") + File("a") + HardLink("b", "a") + kEnd)) ==
        "directory a\nfile a 0\nhard link b -> a\n");
  CHECK(List(ScanTar(Symlink("a", "/") + HardLink("b", "a") + kEnd)) ==
        "symlink a -> /\nhard link b -> a\n");
}

TEST_CASE("Row 8: the target of a hard link is found through symlinks of the layer",
          "[io][scan_hostile]") {
  const Inventory inventory =
      ScanTar(Symlink("a", "usr/a") + File("a/f", "1") + HardLink("g", "a/f") +
              HardLink("h", "./a//f") + HardLink("i", "usr/a/f") + kEnd);
  CHECK(List(inventory) ==
        "symlink a -> usr/a\nhard link g -> usr/a/f\nhard link h -> usr/a/f\n"
        "hard link i -> usr/a/f\nfile usr/a/f 1\n");
  CHECK(Warnings(inventory) ==
        "entry below a symlink of its layer 1 a/f\n"
        "hard link through a symlink of its layer 2 g\n");
  // ".." of a link's target is taken where the link leads.
  CHECK(List(ScanTar(Symlink("a", "x/y") + File("x/f") + HardLink("g", "a/../f") + kEnd)) ==
        "symlink a -> x/y\nhard link g -> x/f\nfile x/f 0\n");
  // Another name of a symlink is one, and leads from where it stands.
  CHECK(List(ScanTar(Symlink("d/a", "t") + HardLink("b", "d/a") + File("b/x") + kEnd)) ==
        "hard link b -> d/a\nsymlink d/a -> t\nfile t/x 0\n");
  // What a link replaces is gone before its target is looked for.
  CHECK(List(ScanTar(Symlink("a", "b") + File("b/f") + HardLink("a", "a/../b/f") + kEnd)) ==
        "symlink a -> b\nhard link a -> b/f\nfile b/f 0\n");
  CHECK(ScanError(Symlink("a", "b") + File("b/f") + HardLink("a/f", "b/f") + kEnd) ==
        "tar byte 1024: expected a hard link to another path, found one to itself");
  CHECK(ScanError(Symlink("a", "b") + Directory("b/d") + HardLink("f", "a/d") + kEnd) ==
        "tar byte 1024: expected a hard link to a file, found one to the directory \"b/d\" (entry "
        "\"f\")");
}

TEST_CASE("Row 9: what lies below a symlink of the layer lies where that leads",
          "[io][scan_hostile]") {
  const auto seen = [](const std::string& tar) { return List(ScanTar(tar + kEnd)); };
  const Inventory inventory = ScanTar(Symlink("lib", "usr/lib") + File("lib/libx.so", "1") +
                                      File("lib/d/y") + Directory("./lib/e") + kEnd);
  CHECK(List(inventory) ==
        "symlink lib -> usr/lib\nfile usr/lib/d/y 0\ndirectory usr/lib/e\n"
        "file usr/lib/libx.so 1\n");
  CHECK(Warnings(inventory) == "entry below a symlink of its layer 3 lib/libx.so\n");

  // Inside the root, from the root or from where the link stands.
  CHECK(seen(Symlink("a", "/") + File("a/etc/x")) == "symlink a -> /\nfile etc/x 0\n");
  CHECK(seen(Symlink("a", "..") + File("a/x")) == "symlink a -> ..\nfile x 0\n");
  CHECK(seen(Symlink("a", ".") + File("a/x")) == "symlink a -> .\nfile x 0\n");
  CHECK(seen(Symlink("d/a", "/b") + File("d/a/x")) == "file b/x 0\nsymlink d/a -> /b\n");
  CHECK(seen(Symlink("d/a", "b/") + File("d/a/x")) == "symlink d/a -> b/\nfile d/b/x 0\n");
  CHECK(seen(Symlink("d/a", "../../../b") + File("d/a/x")) ==
        "file b/x 0\nsymlink d/a -> ../../../b\n");
  CHECK(seen(Symlink("d/e/l", "../../t") + File("d/e/l/u/v/x")) ==
        "symlink d/e/l -> ../../t\nfile t/u/v/x 0\n");
  // In a row, through what other links put in the way, and to what is not there.
  CHECK(seen(Symlink("a", "b") + Symlink("b", "c") + File("a/x")) ==
        "symlink a -> b\nsymlink b -> c\nfile c/x 0\n");
  CHECK(seen(Symlink("a", "b/c") + Symlink("b", "d") + Symlink("d/c", "../e") + File("a/x")) ==
        "symlink a -> b/c\nsymlink b -> d\nsymlink d/c -> ../e\nfile e/x 0\n");
  CHECK(seen(Symlink("m", "nowhere/../z") + File("m/x")) ==
        "symlink m -> nowhere/../z\nfile z/x 0\n");
  // ".." of a name counts before links are followed; of a target that is walked as it is, after.
  CHECK(seen(Symlink("l", "p/q") + File("l/../x")) == "symlink l -> p/q\nfile x 0\n");
  CHECK(seen(Symlink("l", "p/q") + Symlink("m", "l/../z") + File("m/x")) ==
        "symlink l -> p/q\nsymlink m -> l/../z\nfile p/z/x 0\n");
  CHECK(seen(Symlink("l", "p/q") + Symlink("m", "l/../z") + File("m/s/x")) ==
        "symlink l -> p/q\nsymlink m -> l/../z\nfile z/s/x 0\n");
  CHECK(seen(Symlink("l", "p/q") + Symlink("m", "l/../z") + File("/m/x")) ==
        "symlink l -> p/q\nsymlink m -> l/../z\nfile z/x 0\n");
  // The last component is never followed.
  CHECK(seen(Symlink("a", "b") + Symlink("a/c", "d") + File("b/c", "1")) ==
        "symlink a -> b\nsymlink b/c -> d\nfile b/c 1\n");
}

TEST_CASE("Row 9: a symlink leads as long as it stands", "[io][scan_hostile]") {
  const auto seen = [](const std::string& tar) { return List(ScanTar(tar + kEnd)); };
  CHECK(seen(File("l/x") + Symlink("m", "t") + File("l/y")) ==
        "file l/x 0\nfile l/y 0\nsymlink m -> t\n");
  CHECK(seen(Symlink("l", "p") + File("l/x") + Symlink("l", "q") + File("l/x")) ==
        "symlink l -> p\nsymlink l -> q\nfile p/x 0\nfile q/x 0\n");
  CHECK(seen(Symlink("l", "t") + Directory("l/") + File("l/x")) ==
        "symlink l -> t\ndirectory l\nfile l/x 0\n");
  CHECK(seen(Symlink("l", "t") + File("l") + Directory("l") + File("l/x")) ==
        "symlink l -> t\nfile l 0\ndirectory l\nfile l/x 0\n");
  CHECK(seen(Symlink("d/l", "t") + File("d") + Directory("d") + File("d/l/x")) ==
        "file d 0\ndirectory d\nsymlink d/l -> t\nfile d/l/x 0\n");
  CHECK(seen(Symlink("d/l", "/t") + Directory("d") + File("d/l/x")) ==
        "directory d\nsymlink d/l -> /t\nfile t/x 0\n");
  CHECK(seen(Symlink("d.l", "t") + File("d") + File("d.l/x")) ==
        "file d 0\nsymlink d.l -> t\nfile t/x 0\n");
  CHECK(seen(Symlink("l", "t") + File(".wh.l") + File("l/x")) ==
        "symlink l -> t\nwhiteout l\nfile t/x 0\n");
}

TEST_CASE("Row 10: an entry below a loop of symlinks is refused", "[io][scan_hostile]") {
  const auto error = [](const std::string& path, int at) {
    return "tar byte " + std::to_string(at) +
           ": expected a parent directory, found a loop of the layer's symlinks or more than 255 "
           "in a "
           "row (directory \"" +
           path + "\")";
  };
  const std::string loop = Symlink("a", "b") + Symlink("b", "a");
  CHECK(ScanError(loop + File("a/x") + kEnd) == error("a", 1024));
  CHECK(ScanError(loop + File("b/.wh.x") + kEnd) == error("b", 1024));
  CHECK(ScanError(loop + File("b/.wh..wh..opq") + kEnd) == error("b", 1024));
  CHECK(ScanError(loop + HardLink("c", "b/x") + kEnd) == error("b", 1024));
  CHECK(ScanError(Symlink("d/a", "./a") + File("d/a/x/y") + kEnd) == error("d/a/x", 512));
  CHECK(ScanError(Symlink("d/a", "../e/b") + Symlink("e/b", "/d/a") + File("d/a/x") + kEnd) ==
        error("d/a", 1024));
  // Through a directory, and round a parent that is a symlink itself.
  CHECK(ScanError(Symlink("a", "b/c") + Symlink("b", "a") + File("a/x") + kEnd) ==
        error("a", 1024));
  std::string row;
  for (int i = 0; i < 256; ++i) {
    row += Symlink("s" + std::to_string(i), "s" + std::to_string(i + 1));
  }
  CHECK(ScanError(row + File("s0/x") + kEnd) == error("s0", 256 * 512));
  CHECK_THAT(List(ScanTar(row + File("s1/x") + kEnd)),
             Catch::Matchers::Contains("\nfile s256/x 0\n"));
  // A loop with nothing below it, a replaced one, one that comes later, and ways that end.
  for (const std::string& tar :
       {loop, loop + File("c/x"), loop + Directory("a") + File("a/x"),
        Symlink("a", "b") + File("a/x") + Symlink("b", "a"),
        Symlink("a", "b/c") + Symlink("b/c", "../d") + File("a/x"),
        Symlink("a", "../../a/..") + Symlink("b", "nowhere/./b") + File("b/x"),
        Symlink("a", "") + File("a/x")}) {
    INFO(tar.substr(0, 8));
    CHECK(FindInventoryFault(ScanTar(tar + kEnd)).empty());
  }
}

TEST_CASE("Row 10: what symlinks cost is bounded", "[io][scan_hostile]") {
  // Each has entries below it and a long way to go, over the next ones.
  std::string tar;
  std::string way;
  for (int i = 0; i < 20'000; ++i) way += "d/";
  for (int i = 0; i < 250; ++i) {
    const std::string name = "s" + std::to_string(1000 + i);
    tar = LongName(way + "../s" + std::to_string(1001 + i), 'K') + Symlink(name, "x") + tar;
  }
  for (int i = 0; i < 250; ++i) tar += File("s" + std::to_string(1000 + i) + "/x");
  ScanOptions options;
  options.limits.max_path_depth = 100'000;
  CHECK_THAT(ScanError(tar + kEnd, options),
             Catch::Matchers::Contains("expected symlinks of the layer that lead over at most 4096 "
                                       "bytes of paths for each entry below them, found more "
                                       "(directory \"s10"));
}

TEST_CASE("Row 11: a whiteout without a name is refused", "[io][scan_hostile]") {
  CHECK(ScanError(File(".wh.") + kEnd) ==
        "tar byte 0: expected a whiteout of a name, found \".wh.\"");
  CHECK(ScanError(File("a") + File("etc/.wh.") + kEnd) ==
        "tar byte 512: expected a whiteout of a name, found \"etc/.wh.\"");
}

TEST_CASE("Row 12: a whiteout of a directory itself or its parent is refused",
          "[io][scan_hostile]") {
  for (const std::string name : {".wh..", ".wh...", "etc/.wh..", "etc/.wh..."}) {
    CHECK(ScanError(File(name) + kEnd) ==
          "tar byte 0: expected a whiteout of a name, found \"" + name + "\"");
  }
  CHECK(List(ScanTar(File(".wh....") + kEnd)) == "whiteout ...\n");
}

TEST_CASE("Row 13: the opaque marker anywhere; other files of aufs are as they are named",
          "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("a/x") + File("a/.wh..wh..opq") + File(".wh..wh..opq") +
                                      Directory(".wh..wh.plnk") + File(".wh..wh.plnk/1.2", "body") +
                                      File(".wh..wh.aufs") + kEnd);
  CHECK(List(inventory) ==
        "opaque \nfile .wh..wh.plnk/1.2 4\nwhiteout .wh.aufs\nwhiteout .wh.plnk\nopaque a\n"
        "file a/x 0\n");
  CHECK(Warnings(inventory) ==
        "aufs metadata 3 .wh..wh.plnk\n"
        "whiteout that is no file 1 .wh.plnk\n");
}

TEST_CASE("Row 14: a whiteout and its file in one layer both stay", "[io][scan_hostile]") {
  const std::string listed = "file a 1\nwhiteout a\n";
  const Inventory behind = ScanTar(File("a", "1") + File(".wh.a") + kEnd);
  CHECK(List(behind) == listed);
  CHECK(Warnings(behind) == "whiteout behind its own path 1 a\n");
  const Inventory inventory = ScanTar(File(".wh.a") + File("a", "1") + kEnd);
  CHECK(List(inventory) == "whiteout a\nfile a 1\n");
  CHECK(Warnings(inventory).empty());
}

TEST_CASE("Row 15: an opaque marker counts the same behind its siblings", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("a/b") + File("a/.wh..wh..opq") + kEnd);
  CHECK(List(inventory) == "opaque a\nfile a/b 0\n");
  CHECK(inventory.entries[0].position == 1);
}

TEST_CASE("Row 17: a whiteout with a body or of another type", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File(".wh.a", "body") + Symlink(".wh.b", "x") +
                                      Directory(".wh.c") + File(".wh.c/d", "1") + kEnd);
  CHECK(List(inventory) == "file .wh.c/d 1\nwhiteout a\nwhiteout b\nwhiteout c\n");
  CHECK(Warnings(inventory) ==
        "whiteout that is no file 2 b\n"
        "whiteout with a body 1 a\n");
  CHECK(inventory.entries[1].blob_bytes == 1024);
  CHECK(List(ScanTar(Directory("d/.wh..wh..opq") + Symlink("e/.wh..wh..opq", "x") + kEnd)) ==
        "opaque d\nopaque e\n");
}

TEST_CASE("Row 17: overlayfs's own whiteout is one", "[io][scan_hostile]") {
  const auto device = [](const std::string& name, char type, const std::string& minor) {
    return TarEntry({.name = name, .type = type, .device_minor = minor});
  };
  const Inventory inventory = ScanTar(device("a", '3', "") + device("b", '3', "0000001") +
                                      device("c", '4', "0000000") + kEnd);
  CHECK(List(inventory) == "whiteout device a\ncharacter device b\nblock device c\n");
  CHECK(Warnings(inventory) == "whiteout as a character device 1 a\n");
}

TEST_CASE("Row 14: a whiteout that a directory of its layer replaces deletes nothing",
          "[io][scan_hostile]") {
  const auto seen = [](const std::string& tar) { return List(ScanTar(tar + kEnd)); };
  const Inventory inventory =
      ScanTar(File("b") + File(".wh.a") + Directory("a") + File("a/x") + kEnd);
  CHECK(List(inventory) == "directory a\nfile a/x 0\nfile b 0\n");
  CHECK(Warnings(inventory) == "whiteout undone by a directory of its layer 1 a\n");
  CHECK(inventory.overhead_bytes == 512 + 1024);
  CHECK(inventory.entries[0].position == 1);
  // Not by another entry, and not by a directory that came before it.
  CHECK(seen(File(".wh.a") + Symlink("a", "b")) == "whiteout a\nsymlink a -> b\n");
  CHECK(seen(Directory("a") + File(".wh.a")) == "directory a\nwhiteout a\n");
  CHECK(seen(File(".wh.a") + File("a") + Directory("a")) == "file a 0\ndirectory a\n");
  CHECK(seen(File(".wh.a") + Directory("a") + File("a")) == "directory a\nfile a 0\n");
  // A marker goes with its directory.
  const Inventory opaque = ScanTar(File("a/.wh..wh..opq") + File("a/b/.wh.c") + File("a") +
                                   Directory("a") + File("a/.wh.d") + kEnd);
  CHECK(List(opaque) == "file a 0\ndirectory a\nwhiteout a/d\n");
  CHECK(Warnings(opaque) ==
        "opaque marker undone by a directory of its layer 1 a\n"
        "path given twice 1 a\n"
        "whiteout undone by a directory of its layer 1 a/b/c\n");
  CHECK(seen(File("a/.wh..wh..opq") + Directory("a")) == "opaque a\ndirectory a\n");
  CHECK(seen(File("a/.wh..wh..opq") + File("a")) == "opaque a\nfile a 0\n");
}

TEST_CASE("Row 14: a whiteout behind what it could delete is noted", "[io][scan_hostile]") {
  const auto count = [](const std::string& tar) { return Warnings(ScanTar(tar + kEnd)); };
  CHECK(count(File("a/x") + File(".wh.a")) == "whiteout behind its own path 1 a\n");
  CHECK(count(File("a/.wh.x") + File(".wh.a")) == "whiteout behind its own path 1 a\n");
  CHECK(count(File("a/b/x") + File("a/.wh.b") + File(".wh.a")) ==
        "whiteout behind its own path 2 a/b\n");
  CHECK(count(File("a.b") + File("a-b") + File(".wh.a") + File("b/a")).empty());
}

TEST_CASE("Row 18: a marker below a symlink of the layer is one where that leads",
          "[io][scan_hostile]") {
  const Inventory inventory =
      ScanTar(Directory("etc") + Symlink("localetc", "etc") + File("localetc/.wh.passwd") +
              File("localetc/.wh..wh..opq") + kEnd);
  CHECK(List(inventory) ==
        "directory etc\nopaque etc\nwhiteout etc/passwd\nsymlink localetc -> etc\n");
  CHECK(Warnings(inventory) == "entry below a symlink of its layer 2 localetc/.wh.passwd\n");
  // Before the link is there, a directory is.
  CHECK(List(ScanTar(File("l/.wh.p") + File("l/.wh..wh..opq") + Symlink("l", "etc") + kEnd)) ==
        "opaque l\nsymlink l -> etc\nwhiteout l/p\n");
}

TEST_CASE("Row 18: in a lowest layer a marker takes symlinks away", "[io][scan_hostile]") {
  const auto seen = [](const std::string& tar, bool is_lowest) {
    const std::string blob = tar + kEnd;
    ExpectedLayer expected = Describe(blob);
    expected.is_lowest = is_lowest;
    const auto source = ReadMemory(blob);
    const Inventory inventory = *ScanLayer(*source, expected, {}).inventory;
    CHECK(IsReadFor(is_lowest, inventory.warnings));
    return std::pair(List(inventory), !IsReadFor(!is_lowest, inventory.warnings));
  };
  const std::string link = Symlink("l", "t");
  CHECK(seen(link + File(".wh.l") + File("l/x"), false) ==
        std::pair(std::string("symlink l -> t\nwhiteout l\nfile t/x 0\n"), true));
  CHECK(seen(link + File(".wh.l") + File("l/x"), true) ==
        std::pair(std::string("symlink l -> t\nwhiteout l\nfile l/x 0\n"), true));
  // What is not met stays, and such a layer is the same everywhere.
  for (const std::string& marker : {File(".wh.m"), File("l/.wh.x"), File("l.d/.wh..wh..opq")}) {
    CHECK_FALSE(seen(link + marker + File("l/x"), true).second);
    CHECK(seen(link + marker + File("l/x"), true) == seen(link + marker + File("l/x"), false));
  }
  CHECK_FALSE(seen(File(".wh.l") + link + File("l/x"), true).second);

  // Below a whiteout, and below directories that an opaque marker finds unlisted.
  const auto leads = [&](const std::string& tar, const std::string& name) {
    return seen(tar + File(name), true).first.ends_with("file t/x 0\n");
  };
  const std::string below = Symlink("d/e/l", "/t");
  CHECK_FALSE(leads(below + File(".wh.d"), "d/e/l/x"));
  CHECK_FALSE(leads(below + File("d/.wh.e"), "d/e/l/x"));
  CHECK_FALSE(leads(below + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK_FALSE(leads(below + File(".wh..wh..opq"), "d/e/l/x"));
  CHECK_FALSE(leads(Directory("d") + below + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK(leads(below + File("d/e/.wh..wh..opq"), "d/e/l/x"));
  CHECK(leads(Directory("d/e") + below + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK(leads(below + Directory("d/e") + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK_FALSE(leads(Directory("d/e") + below + File(".wh..wh..opq"), "d/e/l/x"));
  // Once a marker has been met, what follows counts likewise.
  const std::string first = below + File("d/.wh..wh..opq");
  CHECK_FALSE(leads(first + below + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK(leads(first + Directory("d/e") + below + File("d/.wh..wh..opq"), "d/e/l/x"));
  CHECK(leads(first + below + Directory("d/e") + File("d/.wh..wh..opq"), "d/e/l/x"));
}

TEST_CASE("A directory whose name leads elsewhere in the end has no time", "[io][scan_hostile]") {
  const auto times_in = [](const std::string& tar) {
    const Inventory inventory = ScanTar(tar + kEnd);
    std::map<std::string, std::string, std::less<>> times;
    for (const Entry& entry : inventory.entries) {
      if (entry.type != EntryType::kDirectory) continue;
      times[std::string(inventory.path(entry))] =
          HasTime(entry) ? std::to_string(entry.mtime) : "none";
    }
    return times;
  };
  using Times = std::map<std::string, std::string, std::less<>>;
  const auto directory = [](const char* name, std::int64_t mtime) {
    return TarEntry({.name = name, .type = '5', .mtime = Octal(mtime)});
  };
  const auto time_of_d = [&](const std::string& later) {
    return times_in(Symlink("l", "t") + directory("l/d", 5) + later)["t/d"];
  };
  CHECK(time_of_d(File("l/d/x")) == "5");
  // What its own header has set stays until something is made in it.
  const std::string elsewhere = Symlink("l", "u");
  CHECK(time_of_d(elsewhere) == "5");
  CHECK(time_of_d(File("l/d/x") + elsewhere) == "none");
  CHECK(time_of_d(elsewhere + File("t/d/x/y")) == "none");
  CHECK(time_of_d(elsewhere + File("t/d/.wh.x")) == "none");
  CHECK(time_of_d(elsewhere + File("t/d/x/.wh..wh..opq")) == "none");
  CHECK(time_of_d(elsewhere + File("t/d/.wh..wh..opq")) == "5");
  CHECK(time_of_d(elsewhere + directory("t/d", 6)) == "6");
  const auto time_since = [&](const std::string& before, const std::string& later) {
    return times_in(Symlink("l", "t") + before + directory("l/d", 5) + later + elsewhere)["t/d"];
  };
  CHECK(time_since(File("l/d/x"), "") == "5");
  CHECK(time_since(File("l/d/x"), File("l/d/x")) == "none");
  CHECK(time_since(File("l/d/x/y"), File("l/d/x/z") + Directory("l/d/x")) == "5");
  CHECK(time_since(Directory("l/d/x"), Directory("l/d/x") + File("l/d/x/y")) == "5");
  CHECK(time_since("", Directory("l/d/x")) == "none");
  // It is given to what the name leads to then.
  CHECK(times_in(directory("u/d", 4) + Symlink("l", "t") + directory("l/d", 5) + File("l/d/x") +
                 elsewhere) == Times{{"t/d", "none"}, {"u/d", "5"}});
}

TEST_CASE("Row 23: an entry below a file of its layer is noted", "[io][scan_hostile]") {
  const auto count = [](const std::string& tar) { return Warnings(ScanTar(tar + kEnd)); };
  CHECK(count(File("a") + File("a/b/x") + File("a/.wh.y")) ==
        "entry below a file of its layer 2 a/b/x\n");
  CHECK(count(File("a") + Symlink("l", "a") + File("l/x")) ==
        "entry below a file of its layer 1 a/x\n"
        "entry below a symlink of its layer 1 l/x\n");
  CHECK(count(File("a/x") + File("a")).empty());
  CHECK(count(File("a") + Directory("a") + File("a/x") + File("a")) == "path given twice 2 a\n");
}

TEST_CASE("Row 20: a path given twice keeps both entries, the later one last",
          "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("a", "first") + File("b") + File("./a", "2") + kEnd);
  CHECK(List(inventory) == "file a 5\nfile a 1\nfile b 0\n");
  CHECK(inventory.entries[0].position == 0);
  CHECK(inventory.entries[1].position == 2);
  CHECK(Warnings(inventory) == "path given twice 1 a\n");
}

TEST_CASE("Row 24: a PAX size counts for the next entry, not for headers in between",
          "[io][scan_hostile]") {
  const std::string body = File("hidden", "x");  // 1024 bytes that look like an entry
  const std::string pax = Pax({{"size", "1024"}});
  const TarHeader carrier{.name = "carrier", .size = Octal(0)};
  const std::string tail = File("last", "1") + kEnd;
  CHECK(List(ScanTar(pax + TarEntry(carrier) + body + tail)) == "file carrier 1024\nfile last 1\n");
  CHECK(List(ScanTar(pax + LongName("long name") + TarEntry(carrier) + body + tail)) ==
        "file last 1\nfile long name 1024\n");
  // And not for the entry after that.
  CHECK(List(ScanTar(pax + TarEntry(carrier) + body + File("next", "22") + kEnd)) ==
        "file carrier 1024\nfile next 2\n");
}

TEST_CASE("Row 24: what has no body has none, whatever size it gives", "[io][scan_hostile]") {
  for (const char type : {'2', '3', '4', '5', '6'}) {
    const TarHeader header{.name = "a", .type = type, .size = Octal(512), .link = "x"};
    for (const std::string& entry :
         {TarEntry(header), Pax({{"size", "512"}}) + TarEntry({.name = "a", .type = type})}) {
      const Inventory inventory = ScanTar(entry + File("b", "1") + kEnd);
      CHECK(List(inventory).ends_with("\nfile b 1\n"));
      CHECK_THAT(Warnings(inventory),
                 Catch::Matchers::Contains("size of an entry without a body 1 tar byte "));
    }
    CHECK(List(ScanTar(TarEntry({.name = "a", .type = type, .size = Base256(-1)}) + File("b", "1") +
                       kEnd))
              .ends_with("\nfile b 1\n"));
    CHECK_THAT(ScanError(TarEntry(header, std::string(512, 'x')) + kEnd),
               Catch::Matchers::StartsWith("tar byte 512: expected a tar header with checksum"));
  }
}

TEST_CASE("Row 24: of several extended headers of a kind the last counts", "[io][scan_hostile]") {
  const auto seen = [](const std::string& tar) { return List(ScanTar(tar + kEnd)); };
  CHECK(seen(LongName("first") + LongName("second") + LongName("one", 'K') + LongName("two", 'K') +
             Symlink("x", "y")) == "symlink second -> two\n");
  CHECK(seen(LongName("first") + LongName("") + File("x")) == "file x 0\n");
  // Records of one header do not stay for the next.
  const Inventory inventory = ScanTar(Pax({{"path", "first"}, {"uid", "7"}}) +
                                      Pax({{"path", "second"}, {"gid", "8"}}) + File("x") + kEnd);
  CHECK(List(inventory) == "file second 0\n");
  CHECK(inventory.entries[0].uid == 0);
  CHECK(inventory.entries[0].gid == 8);
  CHECK(seen(Pax({{"size", "512"}}) + Pax({{"mtime", "1"}}) + File("x", "1") + File("y")) ==
        "file x 1\nfile y 0\n");
  // GNU tar's name counts before that of PAX, in either order.
  const std::string pax = Pax({{"path", "pax"}, {"linkpath", "to"}});
  for (const std::string& both : {pax + LongName("gnu"), LongName("gnu") + pax}) {
    CHECK(seen(both + Symlink("x", "y")) == "symlink gnu -> to\n");
  }
  CHECK(Warnings(ScanTar(pax + LongName("gnu") + File("x") + kEnd)) ==
        "name by PAX and by GNU tar 1 tar byte 2048\n");
}

TEST_CASE("Row 24: padding of a number may stand on both sides", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(TarEntry({.name = "a",
                                                .size = std::string("\0 0000000003", 12),
                                                .mode = std::string("\0\0 755 \0", 8),
                                                .uid = std::string("\0  7\0", 6),
                                                .mtime = std::string("\0\0\0 5\0junk", 10)},
                                               "abc") +
                                      TarEntry({.name = "b",
                                                .type = '3',
                                                .device_major = std::string("\0\0"
                                                                            "3",
                                                                            3),
                                                .device_minor = std::string("\0 10 ", 5)}) +
                                      kEnd);
  CHECK(List(inventory) == "file a 3\ncharacter device b\n");
  CHECK(inventory.entries[0].mode == 0755);
  CHECK(inventory.entries[0].uid == 7);
  CHECK(inventory.entries[0].mtime == 5);
  CHECK(inventory.entries[1].device_major == 3);
  CHECK(inventory.entries[1].device_minor == 8);
  CHECK(Warnings(inventory).empty());
  for (const std::string& size : {std::string("12 34"), std::string("\0x", 2), std::string("8")}) {
    CHECK(ScanError(TarEntry({.name = "a", .size = size}) + kEnd) ==
          "tar byte 0: expected the size of an entry, found no number from 0 to 2^63 - 1");
  }
}

TEST_CASE("Row 24: a zero byte ends a number, whatever stands behind it", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(
      TarEntry(
          {.name = "a", .size = std::string("3\0junk 7", 8), .mode = std::string("755\0x 9", 7)},
          "abc") +
      TarEntry({.name = "b",
                .size = std::string("0\0"
                                    "00000003",
                                    10)}) +
      File("c", "d") + kEnd);
  CHECK(List(inventory) == "file a 3\nfile b 0\nfile c 1\n");
  CHECK(inventory.entries[0].mode == 0755);
  CHECK(inventory.contents[0] == Sha256("abc"));
}

TEST_CASE("Row 42: attributes are those that Go's reader has", "[io][scan_hostile]") {
  const auto xattrs = [](const std::string& pax) {
    const Inventory inventory = ScanTar(pax + File("a") + kEnd);
    return std::string(inventory.texts[inventory.entries[0].xattrs]);
  };
  CHECK(xattrs(Pax({{"LIBARCHIVE.xattr.user.a", "MQ"}, {"RHT.security.selinux", "x"}})).empty());
  CHECK(xattrs(Pax({{"SCHILY.xattr.user.a", "1"}, {"LIBARCHIVE.xattr.user.a", "Mg"}})) ==
        FormatXattrs({{"user.a", "1"}}));
  CHECK(xattrs(Pax({{"SCHILY.xattr.user.b", "1"},
                    {"SCHILY.xattr.user.a", std::string("x=\0y\n", 5)},
                    {"SCHILY.xattr.user.b", "2"}})) ==
        FormatXattrs({{"user.a", std::string("x=\0y\n", 5)}, {"user.b", "2"}}));
  // An empty one is one to containerd.
  CHECK(xattrs(Pax({{"SCHILY.xattr.user.a", ""}})) == FormatXattrs({{"user.a", ""}}));
  CHECK(xattrs(Pax({{"SCHILY.xattr.user.a", std::string(1'000'000, 'c')}})).size() > 1'000'000);
}

TEST_CASE("Row 25: a PAX size that is no size is refused", "[io][scan_hostile]") {
  for (const std::string size : {"-1", "x", "1.5", "9223372036854775808", " 1", "+-1"}) {
    CHECK(ScanError(Pax({{"size", size}}) + File("a") + kEnd) ==
          "tar byte 1024: PAX size: expected a size below 2^63, found \"" + size + "\"");
  }
}

TEST_CASE("Row 26: a base-256 size out of range is refused, an owner only noted",
          "[io][scan_hostile]") {
  const std::string error =
      "tar byte 0: expected the size of an entry, found no number from 0 to 2^63 - 1";
  CHECK(ScanError(TarEntry({.name = "a", .size = Base256(-1)}) + kEnd) == error);
  std::string huge = Base256(0);
  huge[3] = 1;  // 2^64
  CHECK(ScanError(TarEntry({.name = "a", .size = huge}) + kEnd) == error);
  CHECK(ScanError(TarEntry({.name = "a", .size = "00000000099"}) + kEnd) == error);
  const Inventory inventory =
      ScanTar(TarEntry({.name = "a", .uid = Base256(-1, 8)}) +
              TarEntry({.name = "b", .gid = Base256(std::int64_t{1} << 40, 8)}) +
              TarEntry({.name = "c", .mtime = huge}) +
              TarEntry({.name = "d", .mtime = Base256(-1)}) + kEnd);
  CHECK(List(inventory) == "file a 0\nfile b 0\nfile c 0\nfile d 0\n");
  CHECK(inventory.entries[3].mtime == -1);
  CHECK(Warnings(inventory) ==
        "odd number in a header 3 tar byte 0\n"
        "owner out of range 2 a\n");
}

TEST_CASE("Row 26: owners have 32 bits", "[io][scan_hostile]") {
  const Inventory inventory =
      ScanTar(Pax({{"uid", "4294967301"}, {"gid", "-2"}}) + File("a") +
              Pax({{"uid", "4294967295"}, {"gid", "4294967294"}}) + File("b") + kEnd);
  CHECK(inventory.entries[0].uid == 5);
  CHECK(inventory.entries[0].gid == 4'294'967'294);
  CHECK(inventory.entries[1].uid == 0);
  CHECK(inventory.entries[1].gid == 4'294'967'294);
  CHECK(Warnings(inventory) == "owner out of range 3 a\n");
}

TEST_CASE("Row 26: times are those that Go's reader has", "[io][scan_hostile]") {
  const auto mtime = [](const std::string& text) {
    const Inventory inventory = ScanTar(Pax({{"mtime", text}}) + File("a") + kEnd);
    CHECK(Warnings(inventory).empty());
    return std::pair(inventory.entries[0].mtime, inventory.entries[0].mtime_nsec);
  };
  CHECK(mtime("1.000000001") == std::pair(std::int64_t{1}, 1U));
  CHECK(mtime("5.1234567899") == std::pair(std::int64_t{5}, 123'456'789U));
  CHECK(mtime("5.") == std::pair(std::int64_t{5}, 0U));
  CHECK(mtime("-1.5") == std::pair(std::int64_t{-2}, 500'000'000U));
  CHECK(mtime("-0.25") == std::pair(std::int64_t{-1}, 750'000'000U));
  CHECK(mtime("-7") == std::pair(std::int64_t{-7}, 0U));
}

TEST_CASE("Row 26: numbers of PAX that no reader can use are noted and passed over",
          "[io][scan_hostile]") {
  const Inventory inventory =
      ScanTar(Pax({{"mtime", "99999999999999999999999"}, {"uid", "1.0"}}) + File("a") +
              Pax({{"mtime", "5.x"}, {"gid", "1e3"}}) + File("b") +
              Pax({{"mtime", "-7.5"}, {"gid", "70000"}}) + File("c") + kEnd);
  CHECK(Warnings(inventory) == "odd number in a header 2 tar byte 1024\n");
  CHECK(inventory.entries[0].uid == 0);
  CHECK(inventory.entries[0].mtime == inventory.entries[1].mtime);
  CHECK(inventory.entries[2].gid == 70'000);
  CHECK(inventory.entries[2].mtime < 0);
}

TEST_CASE("Row 26: numbers of PAX may have a plus, as Go reads them", "[io][scan_hostile]") {
  const Inventory inventory =
      ScanTar(Pax({{"uid", "+7"}, {"gid", "+08"}, {"mtime", "+9.5"}, {"size", "+3"}}) +
              TarEntry({.name = "a", .size = Octal(0)}, "abc") + File("b") + kEnd);
  CHECK(List(inventory) == "file a 3\nfile b 0\n");
  CHECK(inventory.contents[0] == Sha256("abc"));
  CHECK(inventory.entries[0].uid == 7);
  CHECK(inventory.entries[0].gid == 8);
  CHECK(inventory.entries[0].mtime == 9);
  CHECK(Warnings(inventory).empty());
  CHECK(Warnings(ScanTar(Pax({{"uid", "+-7"}, {"gid", "++8"}, {"mtime", "+"}}) + File("a") + kEnd))
            .starts_with("odd number in a header 1 "));
}

TEST_CASE("Row 27: an entry that passes the end of the tar is refused", "[io][scan_hostile]") {
  CHECK(ScanError(TarEntry({.name = "a", .size = Octal(2000)}, std::string(100, 'x'))) ==
        "tar byte 0: expected 1536 more bytes of this entry; the tar is truncated at byte 1024");
  CHECK(
      ScanError(TarEntry({.name = "a", .size = Base256(INT64_MAX)})) ==
      "tar byte 0: expected a tar of at most 274877906944 bytes (--max-tar-bytes), found an entry "
      "of 9223372036854775807");
  CHECK(ScanError(File("a", std::string(100, 'x')).substr(0, 600)) ==
        "tar byte 0: expected 424 more bytes of this entry; the tar is truncated at byte 600");
  CHECK(ScanError(File("a") + File("b").substr(0, 300)) ==
        "tar byte 512: expected a header of 512 bytes, found 300; the tar is truncated");
}

TEST_CASE("Row 28: a PAX record that is none is refused; an empty value deletes its key",
          "[io][scan_hostile]") {
  const auto error = [](std::string_view records) {
    return ScanError(PaxRaw(records) + File("a") + kEnd);
  };
  const std::string record = "tar byte 1024: expected a PAX record \"LENGTH KEY=VALUE\", found ";
  CHECK(error("99 a=b\n") == record + "a wrong length");
  CHECK(error("3 a=b\n") == record + "a wrong length");
  CHECK(error("x a=b\n") == record + "a wrong length");
  CHECK(error("6 a=bc") == record + "no newline at its end");
  CHECK(error("6 abc\n") == record + "none with a key");
  CHECK(error("6 =bc\n") == record + "none with a key");
  CHECK(error(PaxRecordText("path", std::string("a\0b", 3))) == record + "a zero byte in it");
  CHECK(error(PaxRecordText(std::string("a\0b", 3), "x")) == record + "a zero byte in it");
  CHECK(error(PaxRecordText("a", "b") + "\n") == record + "a wrong length");
  const Inventory inventory = ScanTar(Pax({{"path", ""}, {"size", ""}, {"linkpath", ""}}) +
                                      File("a", "body") + File("b") + kEnd);
  CHECK(List(inventory) == "file a 4\nfile b 0\n");
  CHECK(Warnings(inventory).empty());
}

TEST_CASE("Row 28: a deleted key is as if it had never been given", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(
      Pax({{"path", "evil"}, {"path", ""}, {"size", "1024"}, {"size", ""}}) + File("good", "abc") +
      Pax({{"linkpath", "evil"}, {"linkpath", ""}}) + HardLink("link", "good") +
      Pax({{"uid", "7"}, {"uid", ""}, {"mtime", "5"}}) + File("owned") + kEnd);
  CHECK(List(inventory) == "file good 3\nhard link link -> good\nfile owned 0\n");
  CHECK(inventory.entries[2].uid == 0);
  CHECK(inventory.entries[2].mtime == 5);
}

TEST_CASE("Rows 24 and 35: names are those that Go's reader has, byte for byte",
          "[io][scan_hostile]") {
  const auto name_of = [](const std::string& entry) { return List(ScanTar(entry + kEnd)); };
  // A reader that converts encodings drops the tags U+E0000 to U+E007F.
  const std::string tag = "\xf3\xa0\x80\x81";
  CHECK(name_of(File("etc/passwd", "real") + Pax({{"path", "etc/pass" + tag + "wd"}}) +
                File("x", "other!")) == "file etc/passwd 4\nfile etc/pass" + tag + "wd 6\n");
  CHECK(name_of(Pax({{"path", "a/." + tag + "./x"}}) + File("x")) == "file a/." + tag + "./x 0\n");
  CHECK(name_of(Pax({{"linkpath", tag}}) + Symlink("s", "t")) == "symlink s -> " + tag + "\n");
  // The header's own field may be empty.
  for (const std::string& longer : {LongName("target", 'K'), Pax({{"linkpath", "target"}})}) {
    CHECK(name_of(File("target") + longer + HardLink("h", "")) ==
          "hard link h -> target\nfile target 0\n");
    CHECK(name_of(longer + Symlink("s", "")) == "symlink s -> target\n");
  }
  // What is empty does not count.
  CHECK(name_of(LongName("") + File("short")) == "file short 0\n");
  // A record that only fills the header up.
  CHECK(name_of(Pax({{"path", "right"}, {"comment", std::string(1'000'100, 'c')}}) +
                File("wrong")) == "file right 0\n");
  // A global header behind an extended one ends that for Go's reader.
  const std::string global = TarEntry({.name = "g", .type = 'g'}, PaxRecordText("comment", "c"));
  for (const std::string& first : {Pax({{"path", "p"}}), LongName("l"), LongName("l", 'K')}) {
    const Inventory inventory = ScanTar(first + global + Symlink("a", "b") + kEnd);
    CHECK(List(inventory) == "symlink a -> b\n");
    CHECK_THAT(Warnings(inventory),
               Catch::Matchers::StartsWith("extended header before a global one 1 tar byte "));
  }
}

TEST_CASE("Row 35: the prefix field counts where Go's reader has it count", "[io][scan_hostile]") {
  const auto entry = [](const std::string& magic, const std::string& prefix) {
    return TarEntry({.name = "passwd", .magic = magic, .tail = prefix}) + kEnd;
  };
  CHECK(List(ScanTar(entry(std::string("ustar\0"
                                       "00",
                                       8),
                           "etc"))) == "file etc/passwd 0\n");
  CHECK(List(ScanTar(entry(std::string("ustar\0"
                                       "99",
                                       8),
                           "etc"))) == "file etc/passwd 0\n");
  CHECK(List(ScanTar(entry("ustarX00", "etc"))) == "file passwd 0\n");
  CHECK(List(ScanTar(entry("ustar 00", "etc"))) == "file passwd 0\n");
  // Of star's the last digits are times.
  const std::string star(131, 'p');
  const std::string times = "00000000000 00000000000 ";
  CHECK(List(ScanTar(entry(std::string("ustar\0"
                                       "00",
                                       8),
                           star + times + std::string(8, '\0') + std::string("tar\0", 4)))) ==
        "file " + star + "/passwd 0\n");
  const std::string gnu("ustar  \0", 8);
  CHECK(List(ScanTar(entry(gnu, ""))) == "file passwd 0\n");
  CHECK(List(ScanTar(entry(gnu, "14371036574"))) == "file passwd 0\n");
  // Go wrote one there once, which is no time.
  const Inventory inventory = ScanTar(entry(gnu, "etc/x"));
  CHECK(List(inventory) == "file etc/x/passwd 0\n");
  CHECK(Warnings(inventory) == "GNU header with a prefix 1 tar byte 0\n");
  CHECK(List(ScanTar(entry(gnu, "\x7f\xc3\xa4"))) == "file passwd 0\n");
}

TEST_CASE("Row 29: an extended header over its limit is refused unread", "[io][scan_hostile]") {
  for (const char type : {'x', 'g', 'L', 'K'}) {
    CHECK(ScanError(TarEntry({.name = "h", .type = type, .size = Octal(0xffffffff)}) + kEnd) ==
          "tar byte 0: expected an extended header of at most 1048576 bytes (--max-header-bytes), "
          "found 4294967295");
  }
  ScanOptions options;
  options.limits.max_header_bytes = 100;
  CHECK(ScanError(LongName(std::string(100, 'n')) + File("a") + kEnd, options) ==
        "tar byte 0: expected an extended header of at most 100 bytes (--max-header-bytes), found "
        "101");
  CHECK(List(ScanTar(LongName(std::string(99, 'n')) + File("a") + kEnd, options)) ==
        "file " + std::string(99, 'n') + " 0\n");
}

TEST_CASE("Row 30: an extended header without an entry is refused", "[io][scan_hostile]") {
  const std::string pax = Pax({{"mtime", "1"}});
  CHECK(ScanError(File("a") + pax) ==
        "tar byte 512: expected an entry behind its extended header, found the end");
  CHECK(ScanError(File("a") + pax + kEnd) ==
        "tar byte 1536: expected an entry behind its extended header, found zeros");
  CHECK(ScanError(pax.substr(0, 700)) ==
        "tar byte 0: expected 11 bytes of an extended header; the tar is truncated at byte 700");
}

// GNU tar's own form: parts in the header from offset 386, more in blocks behind it.
std::string OldSparse(std::string parts, std::uint64_t real_size, std::string_view stored,
                      bool goes_on = false) {
  std::string tail(155, '\0');
  parts.resize(4 * 24, '\0');
  tail.replace(386 - 345, parts.size(), parts);
  tail[482 - 345] = goes_on ? '\1' : '\0';
  tail.replace(483 - 345, 12, Octal(real_size) + '\0');
  return TarEntry({.name = "s",
                   .type = 'S',
                   .size = Octal(stored.size()),
                   .magic = std::string("ustar  \0", 8),
                   .tail = tail},
                  goes_on ? "" : stored);
}
std::string Part(std::uint64_t offset, std::uint64_t length) {
  return Octal(offset) + '\0' + Octal(length) + '\0';
}

TEST_CASE("Row 31: sparse files of every form have their real and their stored size",
          "[io][scan_hostile]") {
  const std::string stored = std::string(512, 'a') + std::string(512, 'b');
  const std::string content = std::string(512, '\0') + std::string(512, 'a') +
                              std::string(1024, '\0') + std::string(512, 'b') +
                              std::string(440, '\0');
  const std::string body_map = "2\n512\n512\n2048\n512\n";
  std::string more = Part(2048, 512);
  more.resize(512, '\0');
  const std::vector<std::string> tars = {
      OldSparse(Part(512, 512) + Part(2048, 512), 3000, stored),
      OldSparse(Part(512, 512), 3000, stored, true) + more + stored,
      Pax({{"GNU.sparse.major", "0"},
           {"GNU.sparse.minor", "1"},
           {"GNU.sparse.name", "s"},
           {"GNU.sparse.size", "3000"},
           {"GNU.sparse.numblocks", "2"},
           {"GNU.sparse.map", "512,512,2048,512"}}) +
          File("GNUSparseFile.1/s", stored),
      Pax({{"GNU.sparse.size", "3000"},
           {"GNU.sparse.numblocks", "2"},
           {"GNU.sparse.offset", "512"},
           {"GNU.sparse.numbytes", "512"},
           {"GNU.sparse.offset", "2048"},
           {"GNU.sparse.numbytes", "512"}}) +
          File("s", stored),
      Pax({{"GNU.sparse.major", "1"},
           {"GNU.sparse.minor", "0"},
           {"GNU.sparse.name", "s"},
           {"GNU.sparse.realsize", "3000"}}) +
          File("GNUSparseFile.1/s", body_map + Padding(body_map.size()) + stored),
  };
  for (std::size_t i = 0; i < tars.size(); ++i) {
    INFO(i);
    std::string tar = tars[i];
    if (i == 1) {
      // Its header gives the size of what comes behind the map.
      const std::string header = OldSparse(Part(512, 512), 3000, stored, true);
      tar = header + more + stored;
    }
    const Inventory inventory = ScanTar(tar + File("t") + kEnd);
    CHECK(List(inventory) == "file s 3000 1024\nfile t 0\n");
    CHECK(inventory.contents[0] == Sha256(content));
  }
}

TEST_CASE("Row 31: a map of a sparse file that makes no sense is refused", "[io][scan_hostile]") {
  const std::string stored(1024, 'a');
  const auto old_error = [&](const std::string& parts) {
    return ScanError(OldSparse(parts, 3000, stored) + kEnd);
  };
  const std::string map = "expected a map of a sparse file, found ";
  CHECK(old_error(Part(512, 512) + Part(1000, 512)) ==
        "tar byte 0: " + map + "parts that overlap or go backwards");
  CHECK(old_error(Part(2048, 512) + Part(0, 512)) ==
        "tar byte 0: " + map + "parts that overlap or go backwards");
  CHECK(old_error(Part(0, 512)) ==
        "tar byte 0: " + map + "parts of 512 bytes where 1024 are stored");
  CHECK(old_error(Part(2500, 1024)) == "tar byte 0: " + map + "parts past the end of the file");
  CHECK(old_error(Base256(-1) + Octal(0)) ==
        "tar byte 0: " + map + "a part with a negative place or length");

  const auto body_error = [&](const std::string& text, const ScanOptions& options = {}) {
    return ScanError(Pax({{"GNU.sparse.major", "1"},
                          {"GNU.sparse.minor", "0"},
                          {"GNU.sparse.realsize", "3000"}}) +
                         File("s", text + Padding(text.size()) + stored) + kEnd,
                     options);
  };
  CHECK(body_error("1\n0\n1000\n") ==
        "tar byte 1024: " + map + "parts of 1000 bytes where 1024 are stored");
  CHECK(body_error("1\nx\n") == "tar byte 1024: " + map + "a line that is no number");
  CHECK(body_error("99999999999999999999\n") == "tar byte 1024: " + map + "a number above 2^62");
  std::string long_map = "1000000000\n";
  for (int i = 0; i < 2000; ++i) long_map += "0\n0\n";
  ScanOptions options;
  options.limits.max_header_bytes = 4096;
  CHECK(
      body_error(long_map, options) ==
      "tar byte 1024: expected a map of a sparse file of at most 4096 bytes (--max-header-bytes), "
      "found more");
  CHECK(body_error("1000000000\n0\n0\n") == "tar byte 1024: " + map + "a line that is no number");
}

TEST_CASE("Row 31: what is no sparse file to Go's reader is a plain one", "[io][scan_hostile]") {
  for (const std::string& records : {
           PaxRecordText("GNU.sparse.major", "2") + PaxRecordText("GNU.sparse.minor", "0") +
               PaxRecordText("GNU.sparse.realsize", "100"),
           PaxRecordText("GNU.sparse.major", "1") + PaxRecordText("GNU.sparse.minor", "1") +
               PaxRecordText("GNU.sparse.map", "0,3"),
           PaxRecordText("GNU.sparse.major", "1") + PaxRecordText("GNU.sparse.minor", "0") +
               PaxRecordText("GNU.sparse.minor", "1"),
           PaxRecordText("GNU.sparse.major", "1") + PaxRecordText("GNU.sparse.major", "") +
               PaxRecordText("GNU.sparse.size", "100"),
           PaxRecordText("GNU.sparse.name", "t"),
           PaxRecordText("GNU.sparse.realsize", "100"),
       }) {
    INFO(records);
    const Inventory inventory = ScanTar(TarEntry({.name = "x", .type = 'x'}, records) +
                                        File("s", "abc") + File("u") + kEnd);
    CHECK(List(inventory) == "file s 3\nfile u 0\n");
    CHECK(inventory.contents[0] == Sha256("abc"));
  }
  const std::vector<std::pair<std::string, std::string>> version = {{"GNU.sparse.major", "0"},
                                                                    {"GNU.sparse.minor", "1"},
                                                                    {"GNU.sparse.numblocks", "1"},
                                                                    {"GNU.sparse.map", "1,+3"}};
  const auto shown = [&](const std::vector<std::pair<std::string, std::string>>& sizes) {
    std::string records;
    for (const auto& [key, value] : version) records += PaxRecordText(key, value);
    for (const auto& [key, value] : sizes) records += PaxRecordText(key, value);
    const Inventory inventory =
        ScanTar(TarEntry({.name = "x", .type = 'x'}, records) + File("s", "abc") + kEnd);
    CHECK(inventory.contents[0] ==
          Sha256('\0' + std::string("abc") +
                 std::string(static_cast<std::size_t>(inventory.entries[0].size) - 4, '\0')));
    return List(inventory);
  };
  CHECK(shown({{"GNU.sparse.size", "5"}, {"GNU.sparse.realsize", "9"}}) == "file s 5 3\n");
  CHECK(shown({{"GNU.sparse.realsize", "9"}, {"GNU.sparse.size", "5"}}) == "file s 5 3\n");
  CHECK(shown({{"GNU.sparse.size", "5"}, {"GNU.sparse.size", ""}, {"GNU.sparse.realsize", "+9"}}) ==
        "file s 9 3\n");
  // Its name is above all others.
  CHECK(List(ScanTar(TarEntry({.name = "L", .type = 'L'}, "long") +
                     Pax({{"path", "p"},
                          {"GNU.sparse.name", "n"},
                          {"GNU.sparse.major", "1"},
                          {"GNU.sparse.minor", "0"}}) +
                     File("s", "0\n" + Padding(2)) + kEnd)) == "file n 512 0\n");
}

TEST_CASE("Row 31: a map of a sparse file has as many parts as it says", "[io][scan_hostile]") {
  const auto error = [](const std::string& count, const std::string& map) {
    return ScanError(Pax({{"GNU.sparse.size", "10000"},
                          {"GNU.sparse.numblocks", count},
                          {"GNU.sparse.map", map}}) +
                     File("x", std::string(512, 'z')) + kEnd);
  };
  const std::string map = "tar byte 1024: expected a map of a sparse file, found ";
  CHECK(error("1000000000", "0,512") == map + "1 parts where it says 1000000000");
  CHECK(error("1", "0,512,") == map + "a part that is no number");
  CHECK(error("1", "0") == map + "a part without a length");
  CHECK(ScanError(Pax({{"GNU.sparse.major", "1"},
                       {"GNU.sparse.minor", "0"},
                       {"GNU.sparse.realsize", "10"}}) +
                  TarEntry({.name = "x", .size = Octal(5)}, "1\n0\n5\n") + kEnd) ==
        map + "one that is longer than its entry");
}

TEST_CASE("Row 39: the largest hole is refused by the limit on bytes", "[io][scan_hostile]") {
  const std::string hole = std::to_string(std::numeric_limits<std::int64_t>::max());
  CHECK(ScanError(Pax({{"GNU.sparse.size", hole},
                       {"GNU.sparse.numblocks", "1"},
                       {"GNU.sparse.map", "0,5"}}) +
                  File("x", "12345") + kEnd)
            .find("(--max-tar-bytes)") != std::string::npos);
}

TEST_CASE("A file that is named as a directory is a file to Go's reader", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("a", "1") + File("dd/", "123") + File("z") + kEnd);
  CHECK(List(inventory) == "file a 1\nfile dd 3\nfile z 0\n");
  CHECK(Warnings(inventory) == "file named as a directory 1 dd\n");
}

TEST_CASE("A whiteout below a directory that was a symlink is plain", "[io][scan_hostile]") {
  CHECK(Warnings(ScanTar(Symlink("l", "etc") + Directory("l") + File("l/.wh.x") + kEnd)) ==
        "path given twice 1 l\n");
}

TEST_CASE("Row 32: a wrong checksum is refused, a lone block of zeros noted",
          "[io][scan_hostile]") {
  CHECK(ScanError(File("a") + TarEntry({.name = "b", .wrong_checksum = 1}) + kEnd) ==
        "tar byte 512: expected a tar header with checksum 3135, found 3136");
  std::string half = File("b");
  std::fill(half.begin(), half.begin() + 256, '\0');
  CHECK(ScanError(File("a") + half + kEnd) ==
        "tar byte 512: expected a tar header with checksum 911, found none");
  const Inventory inventory = ScanTar(File("a") + std::string(512, '\0') + File("b") + kEnd);
  CHECK(List(inventory) == "file a 0\nfile b 0\n");
  CHECK(Warnings(inventory) == "lone block of zeros 1 tar byte 512\n");
  CHECK(List(ScanTar(File("a") + kEnd + File("b") + kEnd)) == "file a 0\n");
}

TEST_CASE("Row 33: garbage behind the end is noted, missing end blocks are not",
          "[io][scan_hostile]") {
  const std::string tar = File("a") + kEnd + std::string(5000, '\0');
  CHECK(Warnings(ScanTar(tar)).empty());
  const Inventory inventory = ScanTar(tar + "garbage");
  CHECK(Warnings(inventory) == "bytes after the end of the tar 1 tar byte 6536\n");
  CHECK(inventory.diff_id == Sha256(tar + "garbage"));
  CHECK(inventory.overhead_bytes == 1024 + 5000 + 7);
  CHECK(Warnings(ScanTar(tar + std::string(600'000, '\0') + "g")) ==
        "bytes after the end of the tar 1 tar byte 606536\n");
  CHECK(Warnings(ScanTar(File("a"))).empty());
  CHECK(Warnings(ScanTar(File("a") + std::string(512, '\0'))).empty());
  CHECK(Warnings(ScanTar(File("a") + std::string(100, '\0'))).empty());
}

TEST_CASE("Row 33: a last body without its padding is whole, one that is short is not",
          "[io][scan_hostile]") {
  const std::string body(700, 'b');
  const std::string tar = File("a", "1") + File("last", body);
  for (const std::size_t missing : {1, 100, 324}) {
    INFO(missing);
    const std::string cut = tar.substr(0, tar.size() - missing);
    const Inventory inventory = ScanTar(cut, kStrict);
    CHECK(List(inventory) == "file a 1\nfile last 700\n");
    CHECK(Warnings(inventory).empty());
    CHECK(inventory.contents[1] == Sha256(body));
    CHECK(inventory.diff_id == Sha256(cut));
    CHECK(inventory.tar_size == static_cast<Bytes>(cut.size()));
    CHECK(List(ScanTar(Gzip(cut))) == List(inventory));
  }
  CHECK(ScanError(tar.substr(0, tar.size() - 325)) ==
        "tar byte 1024: expected 325 more bytes of this entry; the tar is truncated at byte 2235");
  // Parts of a sparse file are no padding.
  const std::string sparse =
      Pax({{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.realsize", "3000"}}) +
      File("s", "1\n0\n600\n" + std::string(504, '\0') + body.substr(100));
  CHECK(List(ScanTar(sparse.substr(0, sparse.size() - 424))) == "file s 3000 600\n");
  CHECK(ScanError(sparse.substr(0, sparse.size() - 425)) ==
        "tar byte 1024: expected 425 more bytes of this entry; the tar is truncated at byte 2647");
}

TEST_CASE("Row 34: of tars in a row the first counts", "[io][scan_hostile]") {
  const Inventory inventory = ScanTar(File("a") + kEnd + File("b") + kEnd);
  CHECK(List(inventory) == "file a 0\n");
  CHECK(Warnings(inventory) == "bytes after the end of the tar 1 tar byte 1536\n");
}

TEST_CASE("Row 35: the bytes of a name are its key, whatever they encode", "[io][scan_hostile]") {
  for (const std::string name : {"caf\xc3\xa9", "cafe\xcc\x81", "\xff\xfe", "a\nb", "\"\\"}) {
    INFO(name);
    CHECK(List(ScanTar(File(name) + kEnd)) == "file " + name + " 0\n");
    CHECK(List(ScanTar(Pax({{"path", name}}) + File("x") + kEnd)) == "file " + name + " 0\n");
    CHECK(List(ScanTar(LongName(name) + File("x") + kEnd)) == "file " + name + " 0\n");
    CHECK(List(ScanTar(Pax({{"linkpath", name}}) + Symlink("l", "x") + kEnd)) ==
          "symlink l -> " + name + "\n");
    CHECK(Warnings(ScanTar(Pax({{"path", name}, {"uname", name}}) + File("x") + kEnd)).empty());
  }
  CHECK(ScanTar(File("caf\xc3\xa9") + File("cafe\xcc\x81") + kEnd).entries.size() == 2);
  CHECK(List(ScanTar(File(std::string("a\0b", 3)) + kEnd)) == "file a 0\n");
  const std::string deep = std::string(200, 'd') + "/" + std::string(5000, 'n');
  CHECK(List(ScanTar(LongName(deep) + File("x") + kEnd)) == "file " + deep + " 0\n");
  CHECK(List(ScanTar(Pax({{"path", deep}}) + File("x") + kEnd)) == "file " + deep + " 0\n");
}

TEST_CASE("Row 36: gzip of any make, with its checks", "[io][scan_hostile]") {
  const std::string tar = File("a", "hello") + kEnd;
  const std::string gzip = Gzip(tar);
  for (const InflateLibrary library : {InflateLibrary::kFastest, InflateLibrary::kZlib}) {
    const ScanOptions options{.inflate = library};
    CHECK(List(ScanTar(Gzip(tar.substr(0, 700), true) + Gzip("") + Gzip(tar.substr(700)),
                       options)) == "file a 5\n");
    CHECK(Warnings(ScanTar(gzip + std::string(999, '\0'), options)).empty());
    const Inventory inventory = ScanTar(gzip + std::string(9, '\0') + "garbage", options);
    CHECK(Warnings(inventory) ==
          "bytes after the compressed data 1 byte " + std::to_string(gzip.size() + 9) + "\n");
    const auto damaged = [&](std::size_t at) {
      std::string bytes = gzip;
      bytes[at] = static_cast<char>(bytes[at] ^ 0xff);
      return ScanError(bytes, options);
    };
    const std::size_t trailer = gzip.size() - 8;
    CHECK(damaged(trailer).starts_with("byte " + std::to_string(trailer) + ": expected CRC-32 "));
    CHECK(damaged(trailer + 4) ==
          "byte " + std::to_string(trailer + 4) +
              ": expected length 2048 of a gzip member's content, found 2303");
    CHECK(damaged(2) ==
          "byte 0: expected a gzip member of deflate without reserved flags, found method 247, "
          "flags 0");
    CHECK(damaged(10) ==
          "byte 0: expected a gzip member, found one whose deflate stream is damaged");
    for (std::size_t size = 2; size < gzip.size(); ++size) {
      REQUIRE(ScanError(gzip.substr(0, size), options) ==
              "byte " + std::to_string(size) + ": gzip stream ends early; the layer is truncated");
    }
    CHECK(ScanError(gzip + "\x1f", options) ==
          "byte " + std::to_string(gzip.size() + 1) +
              ": gzip stream ends early; the layer is truncated");
  }
}

TEST_CASE("Row 36: a tar that ends where compressed data is followed by garbage says so",
          "[io][scan_hostile]") {
  const std::string tar = File("a", std::string(900, 'q')) + kEnd;
  const std::string first = Gzip(tar.substr(0, 1024));
  CHECK(ScanError(first + "xx" + Gzip(tar.substr(1024))) ==
        "tar byte 0: expected 512 more bytes of this entry; the tar is truncated at byte 1024; the "
        "compressed data ends at byte " +
            std::to_string(first.size()) + " of the blob");
}

TEST_CASE("Row 37: zstd in frames, skippable ones too, with a limit on the window",
          "[io][scan_hostile]") {
  const std::string tar = File("a", "hello") + kEnd;
  const std::string skippable("\x50\x2a\x4d\x18\x03\0\0\0toc", 11);
  const std::string zstd = Zstd(tar.substr(0, 700)) + skippable + Zstd(tar.substr(700)) + skippable;
  const Inventory inventory = ScanTar(zstd);
  CHECK(List(inventory) == "file a 5\n");
  CHECK(Warnings(inventory).empty());
  CHECK(Warnings(ScanTar(zstd + std::string(9, '\0') + "garbage")) ==
        "bytes after the compressed data 1 byte " + std::to_string(zstd.size() + 9) + "\n");
  for (std::size_t size = zstd.size() - 10; size < zstd.size(); ++size) {
    REQUIRE(ScanError(zstd.substr(0, size)) ==
            "byte " + std::to_string(size) + ": zstd stream ends early; the layer is truncated");
  }
  // A frame that asks for 256 MiB.
  const std::string frame(
      "\x28\xb5\x2f\xfd\x00\x90\x09\x00\x00"
      "a",
      10);
  CHECK(ScanError(frame) ==
        "byte 0: expected a zstd window of at most 134217728 bytes (--max-zstd-window), found a "
        "larger one");
  ScanOptions options;
  options.limits.max_zstd_window = 256 << 20;
  CHECK(ScanBlob(frame, options).not_a_tar.found == "text in zstd");
}

// The footer of estargz: an empty member with the place of the index.
std::string StargzFooter(std::size_t index_begin) {
  std::string digits(16, '0');
  for (std::size_t i = 16; i-- > 0; index_begin /= 16)
    digits[i] = "0123456789abcdef"[index_begin % 16];
  return std::string("\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0", 16) + digits + "STARGZ" +
         std::string("\x01\0\0\xff\xff", 5) + std::string(8, '\0');
}

// A layer of estargz: its files, the landmark, the index of these entries in JSON.
std::string Stargz(const std::string& files, const std::string& entries,
                   const std::string& landmark = "\xf") {
  const std::string before = Gzip(files) + Gzip(File(".no.prefetch.landmark", landmark));
  const std::string index = "{\"version\":1,\"entries\":[" + entries + "]}";
  return before + Gzip(File("stargz.index.json", index) + kEnd) + StargzFooter(before.size());
}

std::string IndexFile(const std::string& name, const std::string& content) {
  return R"({"name":")" + name + R"(","type":"reg","size":)" + std::to_string(content.size()) +
         R"(,"digest":")" + FormatDigest(Sha256(content)) + R"(","xattrs":{"name":"x"}})";
}

TEST_CASE("Row 38: the index and landmarks of estargz are overhead", "[io][scan_hostile]") {
  const std::string files = File("a", "1");
  const std::string landmark = File(".no.prefetch.landmark", "\xf");
  const std::string index = File("stargz.index.json", "{\"version\":1}") + kEnd;
  const std::string listed = IndexFile("a", "1") + "," + IndexFile(".no.prefetch.landmark", "\xf");
  const Inventory inventory = ScanTar(Stargz(files, listed));
  CHECK(List(inventory) == "file a 1\n");
  CHECK(inventory.contents.size() == 1);
  CHECK(Warnings(inventory).empty());
  CHECK(inventory.entries[0].blob_bytes == static_cast<Bytes>(Gzip(files).size()));
  // Or behind the end of a tar that is kept as it was.
  const std::string kept = Gzip(files + kEnd);
  const Inventory lossless = ScanTar(kept + Gzip(index) + StargzFooter(kept.size()));
  CHECK(List(lossless) == "file a 1\n");
  CHECK(Warnings(lossless).empty());
  // Other bytes behind the end are none of its own, whatever the footer says.
  CHECK(Warnings(ScanTar(kept + Gzip(index) + StargzFooter(0))) ==
        "bytes after the end of the tar 1 tar byte 2048\n");
}

TEST_CASE("Row 38: files that only have estargz's names are files", "[io][scan_hostile]") {
  const std::string files = File("a", "1");
  const std::string landmark = File(".no.prefetch.landmark", "\xf");
  const std::string index = File("stargz.index.json", "{\"version\":1}") + kEnd;
  const std::string all = "file .no.prefetch.landmark 1\nfile a 1\nfile stargz.index.json 13\n";
  CHECK(List(ScanTar(Gzip(files + landmark + index))) == all);
  // A footer that names another place, and an index that is not the last entry.
  const std::string before = Gzip(files + landmark);
  CHECK(List(ScanTar(before + Gzip(index) + StargzFooter(0))) == all);
  CHECK(List(ScanTar(before + Gzip(index) + StargzFooter(before.size()))) == "file a 1\n");
  CHECK(
      List(ScanTar(before + Gzip(File("stargz.index.json", "{\"version\":1}") + File("b") + kEnd) +
                   StargzFooter(before.size()))) ==
      "file .no.prefetch.landmark 1\nfile a 1\nfile b 0\nfile stargz.index.json 13\n");
  // A landmark that holds something.
  CHECK(List(ScanTar(Stargz(files, IndexFile("a", "1"), "secret"))) ==
        "file .no.prefetch.landmark 6\nfile a 1\n");
}

TEST_CASE("Row 38: an index of estargz that says other than the tar is noted, the tar counts",
          "[io][scan_hostile]") {
  const std::string files = Directory("d/") + File("d/a", "first") + File("d/a", "1") +
                            Symlink("s", "d/a") + HardLink("h", "d/a") + File("d/.wh.gone") +
                            File("d/.wh..wh..opq");
  const std::string directory = R"({"name":"d/","type":"dir"},)";
  const std::string links = R"({"name":"s","type":"symlink","linkName":"d/a"},)"
                            R"({"name":"h","type":"hardlink","linkName":"d/a"},)";
  const std::string markers = R"({"name":"d/.wh.gone","type":"reg"},)"
                              R"({"name":"d/.wh..wh..opq","type":"reg"})";
  const std::string a = IndexFile("d/a", "1") + R"(,{"name":"d/a","type":"chunk"},)";
  const auto warned = [&](const std::string& entries) {
    const Inventory inventory = ScanTar(Stargz(files, entries));
    CHECK(inventory.entries.size() == 7);
    return Warnings(inventory);
  };
  const std::string twice = "path given twice 1 d/a\n";
  const auto differing = [&](int count, const std::string& first) {
    return "estargz index that disagrees with the tar " + std::to_string(count) + " " + first +
           "\n" + twice;
  };
  CHECK(warned(directory + a + links + markers) == twice);
  CHECK(warned(directory + IndexFile("d/a", "2") + "," + links + markers) == differing(1, "d/a"));
  CHECK(warned(directory + a + IndexFile("ghost", "1") + "," + links + markers) ==
        differing(1, "ghost"));
  CHECK(warned(directory + links + markers) == differing(1, "d/a"));
  CHECK(warned(R"({"name":"d","type":"reg"},)" + a + links + markers) == differing(1, "d"));
  CHECK(warned(directory + a + R"({"name":"s","type":"symlink","linkName":"/"},)" +
               R"({"name":"h","type":"hardlink","linkName":"s"},)" + markers) == differing(2, "s"));
  CHECK(warned(directory + a + links.substr(0, links.size() - 1)) == differing(2, "d"));
  CHECK(warned("{") == differing(1, "stargz.index.json"));
  CHECK(warned("") == differing(6, "d"));
}

TEST_CASE("Row 39: what costs too much is refused, the limit named", "[io][scan_hostile]") {
  ScanOptions options;
  options.limits.max_entries = 2;
  CHECK(ScanError(File("a") + File("b") + File("c") + kEnd, options) ==
        "tar byte 1024: expected at most 2 entries (--max-entries), found more");
  options = {};
  options.limits.max_path_depth = 3;
  CHECK(ScanError(File("a/b/c/d") + kEnd, options) ==
        "tar byte 0: expected a path of at most 3 components (--max-path-depth), found 4");
  options = {};
  options.limits.max_path_bytes = 3;
  CHECK(ScanError(File("abcd") + kEnd, options) ==
        "tar byte 0: expected a path of at most 3 bytes (--max-path-bytes), found 4");
  CHECK(ScanError(Symlink("a", "abcd") + kEnd, options) ==
        "tar byte 0: expected a link target of at most 3 bytes (--max-path-bytes), found 4");
  options = {};
  options.limits.max_text_bytes = 5;
  CHECK(ScanError(File("abc") + File("def") + kEnd, options) ==
        "tar byte 512: expected paths, link targets and attributes of at most 5 bytes in all "
        "(--max-text-bytes), found more");
  options = {};
  options.limits.max_tar_bytes = 2047;
  CHECK(ScanError(File("a", "x") + kEnd, options) ==
        "tar byte 2048: expected a tar of at most 2047 bytes (--max-tar-bytes), holes of files "
        "included, found more");
  options = {};
  options.limits.ratio_begins_at = 16 << 20;
  const std::string bomb = Gzip(File("a", std::string(20 << 20, '\0')) + kEnd);
  // Stopped at the block in which it becomes one, not at its end.
  CHECK(ScanError(bomb, options) ==
        "tar byte 17039360: expected a tar of at most 200 times the layer's stored size "
        "(--max-ratio), holes of files included, found more");
  options.limits.max_ratio = 1100;
  CHECK(List(ScanTar(bomb, options)) == "file a 20971520\n");
  // A small layer of zeros is none.
  CHECK(List(ScanTar(bomb)) == "file a 20971520\n");
  // A hole of 4 GiB in a few bytes.
  CHECK(ScanError(OldSparse(Part(0, 5), std::uint64_t{1} << 32, "12345") + kEnd) ==
        "tar byte 2048: expected a tar of at most 200 times the layer's stored size (--max-ratio), "
        "holes of files included, found more");
  CHECK(List(ScanTar(OldSparse(Part(0, 5), std::uint64_t{1} << 29, "12345") + kEnd)) ==
        "file s 536870912 5\n");
  std::string deep;
  for (int i = 0; i < 30'000; ++i) deep += "d/";
  CHECK(ScanError(LongName(deep) + File("x") + kEnd) ==
        "tar byte 0: expected a path of at most 4096 components (--max-path-depth), found 30000");
}

TEST_CASE("Row 40: a blob is what its bytes say; what is no tar is named", "[io][scan_hostile]") {
  const auto found = [](std::string_view blob) { return ScanBlob(blob).not_a_tar.found; };
  CHECK(found("{\"_type\":\"https://in-toto.io/Statement/v1\"}") == "JSON");
  CHECK(found(std::string("\xfd"
                          "7zXZ\0",
                          6) +
              "...") == "xz compressed data");
  CHECK(found("BZh91AY") == "bzip2 compressed data");
  CHECK(found("PK\x03\x04 chart") == "a zip archive");
  CHECK(found("plain words\n") == "text");
  CHECK(found(std::string(600, '\x01')) == "unknown data");
  CHECK(found(Gzip("{}")) == "JSON in gzip");
  CHECK(found(Gzip(Gzip("x"))) == "gzip compressed data in gzip");
  CHECK(found(Zstd("[1]")) == "JSON in zstd");
  CHECK_FALSE(ScanBlob("{}").inventory.has_value());
  // Its first 1,024 bytes are those of a tar without entries.
  CHECK(found(std::string(1024, '\0') + "\xe2\xe1\xf5\xe0" + std::string(3000, 'x')) ==
        "a file system of EROFS");

  const std::string tar = File("a") + kEnd;
  const auto warned = [](std::string_view blob, std::string media_type) {
    ExpectedLayer expected = Describe(blob);
    expected.media_type = std::move(media_type);
    const auto source = ReadMemory(blob);
    return Warnings(*ScanLayer(*source, expected, {}).inventory);
  };
  const std::string warning = "codec other than the media type says 1 byte 0\n";
  const std::string oci = "application/vnd.oci.image.layer.v1.tar";
  CHECK(warned(tar, oci + "+gzip") == warning);
  CHECK(warned(Gzip(tar), oci) == warning);
  CHECK(warned(Gzip(tar), oci + "+zstd") == warning);
  CHECK(warned(Zstd(tar), oci + "+zstd").empty());
  CHECK(warned(Gzip(tar), "application/vnd.docker.image.rootfs.diff.tar.gzip").empty());
  CHECK(warned(tar, "application/octet-stream").empty());

  const auto refused = [](std::string_view blob, std::string media_type) {
    ExpectedLayer expected = Describe(blob);
    expected.media_type = std::move(media_type);
    const auto source = ReadMemory(blob);
    return MessageOf<InputError>([&] { (void)ScanLayer(*source, expected, kStrict); });
  };
  CHECK(refused(tar, oci + "+gzip") ==
        "byte 0: expected the codec that the media type says, found a codec other than the media "
        "type says");
  CHECK(refused("{}", oci) ==
        "byte 0: expected a tar, as the media type \"" + oci + "\" says, found JSON");
  const auto source = ReadMemory("{}");
  CHECK(ScanLayer(*source, Describe("{}"), kStrict).not_a_tar.found == "JSON");
}

TEST_CASE("Row 41: zero bytes, compressed or not, are a layer without entries",
          "[io][scan_hostile]") {
  for (const std::string& blob : {std::string(), Gzip(""), Zstd("")}) {
    INFO(blob.size());
    const Inventory inventory = ScanTar(blob);
    CHECK(List(inventory).empty());
    CHECK(Warnings(inventory) == "layer of zero bytes 1 byte 0\n");
    CHECK(inventory.diff_id == Sha256(""));
    CHECK(inventory.tar_size == 0);
    CHECK(inventory.blob_size == std::ssize(blob));
    CHECK(inventory.overhead_bytes == inventory.blob_size);
    CHECK(FindInventoryFault(inventory).empty());
  }
  // What is encrypted is not known to be empty.
  ExpectedLayer encrypted = Describe("");
  encrypted.media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
  const auto source = ReadMemory("");
  CHECK(ScanLayer(*source, encrypted, {}).not_a_tar.found == "encrypted data");
}

TEST_CASE("A strict scan names the byte, the rule, what was found and the entry",
          "[io][scan_hostile]") {
  const auto error = [](const std::string& blob) { return ScanError(blob, kStrict); };
  CHECK(
      error(File("a") + File("b") + File("a") + kEnd) ==
      "tar byte 1024: expected each path once in a layer, found a path given twice (entry \"a\")");
  CHECK(error(Directory("l") + File("b") + HardLink("l/a", "c") + kEnd) ==
        "tar byte 1024: expected a hard link to an earlier entry of its layer, found a hard link "
        "to a lower layer (entry \"l/a\")");
  CHECK(error(File("b") + File("a") + File(".wh.a") + kEnd) ==
        "tar byte 1024: expected a whiteout before what its layer puts in its place, found a "
        "whiteout behind its own path (entry \"a\")");
  CHECK(error(Symlink("lib", "usr/lib") + File("lib/a") + kEnd) ==
        "tar byte 512: expected paths that lead through no symlink, found an entry below a symlink "
        "of its layer (entry \"lib/a\")");
  CHECK(error(File("a") + kEnd + "more") ==
        "tar byte 1536: expected nothing but zeros after the end of the tar, found bytes after the "
        "end of the tar");
  CHECK(error("") == "byte 0: expected a tar, if only its end, found a layer of zero bytes");
  // A blob that is not the expected one explains it.
  ExpectedLayer other = Describe("other");
  other.size = 2048;
  const std::string twice = File("a") + File("a") + kEnd;
  const auto source = ReadMemory(twice);
  CHECK_THAT(MessageOf<InputError>([&] { (void)ScanLayer(*source, other, kStrict); }),
             Catch::Matchers::Contains(FormatDigest(Sha256("other"))));
}

TEST_CASE("An entry of a type that no layer holds is refused", "[io][scan_hostile]") {
  CHECK(ScanError(TarEntry({.name = "a", .type = 'V'}) + kEnd) ==
        "tar byte 0: expected an entry that a layer may hold, found type flag 'V'");
  CHECK(List(ScanTar(TarEntry({.name = "a/", .type = '\0'}) + kEnd)) == "directory a\n");
  CHECK_THAT(ScanError(TarEntry({.name = "a/", .type = '\0'}, "x") + kEnd),
             Catch::Matchers::StartsWith("tar byte 512: expected a tar header with checksum"));
  CHECK(List(ScanTar(LongName("n/") + TarEntry({.name = "a", .type = '\0'}) + kEnd)) ==
        "directory n\n");
  CHECK(Warnings(ScanTar(TarEntry({.name = "a", .type = '7'}, "x") + kEnd)) ==
        "contiguous file 1 tar byte 0\n");
}

TEST_CASE("A global PAX header changes no entry", "[io][scan_hostile]") {
  const std::string records = PaxRecordText("comment", "other") + PaxRecordText("size", "0");
  for (const std::string name : {"g", "././@PaxHeader", "/pax_global_header", ""}) {
    const Inventory inventory =
        ScanTar(TarEntry({.name = name, .type = 'g'}, records) + File("a", "body") + kEnd);
    CHECK(List(inventory) == "file a 4\n");
    CHECK(Warnings(inventory) == "global PAX header 1 tar byte 0\n");
  }
  // containerd makes directories for it, and deletes what has its name.
  for (const std::string name : {"d/g", ".wh.etc", "./.wh..wh..opq", "/tmp/GlobalHead.1.1"}) {
    CHECK(ScanError(TarEntry({.name = name, .type = 'g'}, records) + File("a") + kEnd) ==
          "tar byte 0: expected a global PAX header that names no path, found \"" + name +
              "\", where runtimes make or delete something");
  }
  CHECK(
      ScanError(File("a") + TarEntry({.name = "g", .type = 'g'}, PaxRecordText("path", "a")) +
                File("b") + kEnd) ==
      "tar byte 512: expected a global PAX header that names no path, found \"a\", where runtimes "
      "make or delete something");
}

TEST_CASE("What an inventory says of its extremes decides as a scan under those limits does",
          "[io][scan_hostile]") {
  std::string frames = LongName(std::string(200, 'n')) + File("x") + File("a/b/c", "body") +
                       Symlink("l", std::string(90, 't')) + File(".wh..wh.aufs") +
                       OldSparse(Part(0, 5), 30'000'000, "12345") +
                       Pax({{"SCHILY.xattr.user.x", std::string(300, 'v')}}) + File("e") + kEnd;
  const std::string zstd = Zstd(frames);
  const InventoryExtremes extremes = ScanTar(zstd).extremes;
  CHECK(extremes.entries == 6);
  CHECK(extremes.path_depth == 3);
  CHECK(extremes.path_bytes == 200);
  CHECK(extremes.header_bytes > 300);
  CHECK(extremes.text_bytes > 590);
  CHECK(extremes.unpacked_bytes == static_cast<Bytes>(frames.size()) + 30'000'000 - 5);
  CHECK(extremes.zstd_window > 0);
  const auto size = static_cast<Bytes>(zstd.size());
  // One below each extreme is refused by both, the extreme itself by neither.
  const auto check = [&](std::int64_t ScanLimits::*limit, std::int64_t least, const char* option) {
    INFO(option);
    ScanOptions options;
    options.limits.ratio_begins_at = 0;
    options.limits.max_ratio = 1'000'000;
    options.limits.*limit = least;
    CHECK(FindBrokenLimit(extremes, size, options.limits).empty());
    CHECK(ScanTar(zstd, options).extremes == extremes);
    options.limits.*limit = least - 1;
    CHECK_THAT(FindBrokenLimit(extremes, size, options.limits), Catch::Matchers::Contains(option));
    CHECK_THAT(ScanError(zstd, options), Catch::Matchers::Contains(option));
  };
  check(&ScanLimits::max_entries, extremes.entries, "(--max-entries)");
  check(&ScanLimits::max_path_depth, extremes.path_depth, "(--max-path-depth)");
  check(&ScanLimits::max_path_bytes, extremes.path_bytes, "(--max-path-bytes)");
  check(&ScanLimits::max_header_bytes, extremes.header_bytes, "(--max-header-bytes)");
  check(&ScanLimits::max_text_bytes, extremes.text_bytes, "(--max-text-bytes)");
  check(&ScanLimits::max_tar_bytes, extremes.unpacked_bytes, "(--max-tar-bytes)");
  check(&ScanLimits::max_zstd_window, extremes.zstd_window, "(--max-zstd-window)");
  check(&ScanLimits::max_ratio, extremes.unpacked_bytes / (size + 1) + 1, "(--max-ratio)");
}

}  // namespace
}  // namespace gneiss
