// Layers in order, in every codec.
#include "io/scan/scan_layer.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/scan_result.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

std::string SmallTar() {
  return Directory("./") + Directory("./etc/") + File("./etc/x", "hello") +
         HardLink("./etc/y", "./etc/x") + Symlink("./etc/z", "../a b") +
         TarEntry({.name = "./dev/null",
                   .type = '3',
                   .mode = "0000666",
                   .device_major = "0000001",
                   .device_minor = "0000003"}) +
         TarEntry({.name = "./dev/sda", .type = '4'}) + TarEntry({.name = "./pipe", .type = '6'}) +
         File("./etc/.wh.gone") + File("./opt/.wh..wh..opq") + File("./empty") + EndBlocks();
}

TEST_CASE("Programs and private keys are told by their first bytes", "[io][scan_layer]") {
  // Program headers at byte 64, one of them, no interpreter.
  std::string program(
      "\x7f"
      "ELF\2\1\1",
      7);
  program.resize(120, '\0');
  program[16] = 2;
  program[32] = 64;
  program[54] = 56;
  program[56] = 1;
  program[64] = 1;
  const std::string tar = TarEntry({.name = "a", .mode = "0000755"}, program) +
                          TarEntry({.name = "b", .mode = "0000644"}, program) +
                          TarEntry({.name = "c", .mode = "0000755"}, "#!/bin/sh") +
                          TarEntry({.name = "d"}, "-----BEGIN PRIVATE KEY-----\nMII\n") +
                          EndBlocks();
  for (const std::size_t chunk : {0U, 1U, 7U}) {
    const Inventory inventory = *ScanBlob(tar, {}, chunk).inventory;
    CHECK(inventory.entries[0].head == ContentHead::kStaticProgram);
    CHECK(inventory.entries[1].head == ContentHead::kStaticProgram);
    CHECK(inventory.entries[2].head == ContentHead::kOther);
    CHECK(inventory.entries[3].head == ContentHead::kPrivateKey);
  }
}

TEST_CASE("A layer's entries come sorted, with keys for names", "[io][scan_layer]") {
  const std::string tar = SmallTar();
  const Inventory inventory = ScanTar(tar);
  CHECK(List(inventory) ==
        "directory \n"
        "character device dev/null\n"
        "block device dev/sda\n"
        "file empty 0\n"
        "directory etc\n"
        "whiteout etc/gone\n"
        "file etc/x 5\n"
        "hard link etc/y -> etc/x\n"
        "symlink etc/z -> ../a b\n"
        "opaque opt\n"
        "fifo pipe\n");
  CHECK(Warnings(inventory).empty());
  CHECK(inventory.layer == Sha256(tar));
  CHECK(inventory.diff_id == Sha256(tar));
  CHECK(inventory.codec == LayerCodec::kTar);
  CHECK(inventory.blob_size == static_cast<Bytes>(tar.size()));
  CHECK(inventory.tar_size == static_cast<Bytes>(tar.size()));
  CHECK(inventory.overhead_bytes == 1024);
  const Entry& device = inventory.entries[1];
  CHECK(device.device_major == 1);
  CHECK(device.device_minor == 3);
  CHECK(device.mode == 0666);
  CHECK(device.blob_bytes == 512);
  const Entry& file = inventory.entries[6];
  CHECK(file.position == 2);
  CHECK(file.blob_bytes == 1024);
  CHECK(inventory.contents[file.content] == Sha256("hello"));
  CHECK(inventory.contents[inventory.entries[3].content] == Sha256(""));
}

TEST_CASE("Owner, mode, times and attributes of an entry are kept", "[io][scan_layer]") {
  const std::string capability("\1\0\0\2\0", 5);
  const Inventory inventory =
      ScanTar(Pax({{"mtime", "1700000000.123456789"},
                   {"uid", "3000000"},
                   {"SCHILY.xattr.user.b", "2"},
                   {"SCHILY.xattr.security.capability", capability}}) +
              TarEntry({.name = "a", .mode = "0004755", .gid = "0000144"}, "x") +
              TarEntry({.name = "b", .uid = Base256(1 << 24, 8), .mtime = Base256(-5)}));
  const Entry& a = inventory.entries[0];
  CHECK(a.mode == 04755);
  CHECK(a.uid == 3'000'000);
  CHECK(a.gid == 100);
  CHECK(a.mtime == 1'700'000'000);
  CHECK(a.mtime_nsec == 123'456'789);
  CHECK(inventory.texts[a.xattrs] ==
        FormatXattrs({{"user.b", "2"}, {"security.capability", capability}}));
  const Entry& b = inventory.entries[1];
  CHECK(b.uid == 1 << 24);
  CHECK(b.mtime == -5);
  CHECK(b.xattrs == 0);
  CHECK(Warnings(inventory) == "odd number in a header 1 tar byte 2048\n");
}

// "type path mode uid mtime xattrs" of each entry.
std::string Attributes(const Inventory& inventory) {
  std::string list;
  for (const Entry& entry : inventory.entries) {
    list += std::string(EntryTypeName(entry.type)) + " " + std::string(inventory.path(entry)) +
            " " + Octal(entry.mode, 4) + " " + std::to_string(entry.uid) + " " +
            (HasTime(entry) ? std::to_string(entry.mtime) : "none");
    for (const XattrView& xattr : ParseXattrs(inventory.texts[entry.xattrs])) {
      list += " " + std::string(xattr.name) + "=" + std::string(xattr.value);
    }
    list += "\n";
  }
  return list;
}

TEST_CASE("The header of a hard link counts for the file that it names", "[io][scan_layer]") {
  const std::string file = Pax({{"SCHILY.xattr.user.a", "1"}, {"SCHILY.xattr.user.b", "1"}}) +
                           TarEntry({.name = "f", .mode = "0004755", .uid = "0000007"}, "x");
  const auto link = [](const std::string& name, const std::string& mode, const std::string& to) {
    return TarEntry({.name = name,
                     .type = '1',
                     .link = to,
                     .mode = mode,
                     .uid = "0000007",
                     .mtime = "00000000005"});
  };
  const Inventory inventory =
      ScanTar(file + link("g", "0000600", "f") +
              Pax({{"SCHILY.xattr.user.b", "2"}, {"SCHILY.xattr.user.c", "3"}}) +
              link("h", "0000640", "g") + EndBlocks());
  const std::string attributes = " 0640 7 5 user.a=1 user.b=2 user.c=3\n";
  CHECK(Attributes(inventory) ==
        "file f" + attributes + "hard link g" + attributes + "hard link h" + attributes);
  CHECK(Warnings(inventory) == "hard link with other attributes than its file 2 g\n");

  // A new owner takes the capability away, unless the link has it too.
  const std::string capability = Pax({{"SCHILY.xattr.security.capability", "c"}});
  CHECK(Attributes(ScanTar(capability + File("f") + HardLink("g", "f") + EndBlocks())) ==
        "file f 0644 0 0\nhard link g 0644 0 0\n");
  const Inventory both =
      ScanTar(capability + File("f") + capability + HardLink("g", "f") + EndBlocks());
  CHECK(Attributes(both) ==
        "file f 0644 0 0 security.capability=c\nhard link g 0644 0 0 security.capability=c\n");
  CHECK(Warnings(both).empty());

  // Of a file that has been replaced, and of one that the layer does not have.
  CHECK(Attributes(ScanTar(File("f") + link("g", "0000600", "f") + File("f") + EndBlocks())) ==
        "file f 0600 7 5\nfile f 0644 0 0\nhard link g 0600 7 5\n");
  CHECK(Attributes(ScanTar(capability + link("g", "0000600", "f") + EndBlocks())) ==
        "hard link g 0600 7 5\n");
}

TEST_CASE("A directory that is given twice keeps the attributes of before", "[io][scan_layer]") {
  const auto directory = [](const std::string& name, const std::string& value) {
    return Pax({{"SCHILY.xattr.user." + name, value}}) + Directory("d");
  };
  CHECK(Attributes(ScanTar(directory("a", "1") + directory("b", "1") + directory("a", "2") +
                           EndBlocks())) ==
        "directory d 0755 0 0 user.a=1\ndirectory d 0755 0 0 user.b=1\n"
        "directory d 0755 0 0 user.a=2 user.b=1\n");
  CHECK(Attributes(ScanTar(directory("a", "1") + File("d") + directory("b", "1") + EndBlocks())) ==
        "directory d 0755 0 0 user.a=1\nfile d 0644 0 0\ndirectory d 0755 0 0 user.b=1\n");
}

TEST_CASE("The times of directories are set last, by name", "[io][scan_layer]") {
  const auto directory = [](const std::string& name, int time) {
    return TarEntry({.name = name, .type = '5', .mode = "0000755", .mtime = Octal(time)});
  };
  const auto seen = [](const std::string& tar) { return Attributes(ScanTar(tar + EndBlocks())); };
  const Inventory inventory = ScanTar(directory("p", 8) + File("p") + EndBlocks());
  CHECK(Attributes(inventory) == "directory p 0755 0 8\nfile p 0644 0 8\n");
  CHECK(Warnings(inventory) ==
        "path given twice 1 p\ntime of a directory that its layer replaces 1 p\n");
  CHECK(seen(directory("p", 8) + File("p") + directory("p", 9)) ==
        "directory p 0755 0 8\nfile p 0644 0 0\ndirectory p 0755 0 9\n");
  // What a symlink there leads to, in the order of the directories.
  CHECK(seen(directory("q", 5) + directory("p", 8) + Symlink("p", "q")) ==
        "directory p 0755 0 8\nsymlink p 0644 0 0\ndirectory q 0755 0 8\n");
  CHECK(seen(directory("p", 8) + directory("q", 5) + Symlink("p", "q")) ==
        "directory p 0755 0 8\nsymlink p 0644 0 0\ndirectory q 0755 0 5\n");
  CHECK(seen(directory("r", 1) + directory("r/q", 5) + directory("p/q", 8) + Symlink("p", "r")) ==
        "symlink p 0644 0 0\ndirectory p/q 0755 0 8\ndirectory r 0755 0 1\n"
        "directory r/q 0755 0 8\n");
  // By the name that led to the directory when it was made.
  CHECK(seen(Symlink("l", "p") + directory("l/d", 8) + Symlink("l", "q") + File("q/d")) ==
        "symlink l 0644 0 0\nsymlink l 0644 0 0\ndirectory p/d 0755 0 8\nfile q/d 0644 0 8\n");
  CHECK(seen(File("a") + directory("p", 8) + HardLink("p", "a")) ==
        "file a 0644 0 8\ndirectory p 0755 0 8\nhard link p 0644 0 8\n");
}

TEST_CASE("A layer is the same in every codec, by either library, however reads are cut",
          "[io][scan_layer]") {
  std::string tar = SmallTar();
  tar.resize(tar.size() - 1024);
  for (int i = 0; i < 300; ++i) {
    std::string body;
    for (int j = 0; j < i * 7; ++j) body += std::to_string(i * j % 1009);
    tar += File("data/" + std::to_string(i), body);
  }
  tar += EndBlocks();
  const std::string list = List(ScanTar(tar));
  std::string members;
  for (std::size_t at = 0; at < tar.size(); at += 10'007) members += Gzip(tar.substr(at, 10'007));
  const std::string skippable("\x5a\x2a\x4d\x18\x03\0\0\0toc", 11);
  const std::vector<std::string> blobs = {
      tar,
      Gzip(tar),
      Gzip(tar, true),
      members + std::string(700, '\0'),
      Zstd(tar),
      skippable + Zstd(tar.substr(0, 5000)) + skippable + Zstd(tar.substr(5000)) + skippable};
  for (const std::string& blob : blobs) {
    for (const InflateLibrary library : {InflateLibrary::kFastest, InflateLibrary::kZlib}) {
      for (const std::size_t chunk : {0, 1, 997}) {
        const ScannedLayer scanned = ScanBlob(blob, {.inflate = library}, chunk);
        REQUIRE(scanned.inventory);
        const Inventory& inventory = *scanned.inventory;
        CHECK(FindInventoryFault(inventory).empty());
        CHECK(List(inventory) == list);
        CHECK(inventory.diff_id == Sha256(tar));
        CHECK(inventory.tar_size == static_cast<Bytes>(tar.size()));
        CHECK(inventory.blob_size == static_cast<Bytes>(blob.size()));
        CHECK(inventory.warnings.empty());
      }
    }
  }
}

TEST_CASE("Either library gives the same inventory but for a few bytes between neighbours",
          "[io][scan_layer]") {
  std::string tar;
  std::uint64_t state = 1;
  for (int i = 0; i < 400; ++i) {
    std::string body;
    for (int j = 0; j < i * 5; ++j) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      body += std::to_string(state >> (i % 50));
    }
    tar += File("data/" + std::to_string(i), body);
  }
  const std::string blob = Gzip(tar + EndBlocks());
  // Nothing depends on how the blob is read.
  const auto shares = [&](std::string_view bytes, std::size_t chunk) {
    const ScannedLayer scanned = ScanBlob(bytes, {}, chunk);
    const Recompression& sampled = scanned.inventory->sampled;
    std::vector<Bytes> list = {sampled.stored, sampled.gzip, sampled.zstd};
    for (const Entry& entry : scanned.inventory->entries) list.push_back(entry.blob_bytes);
    return list;
  };
  const std::string zstd = Zstd(tar + EndBlocks());
  for (const std::size_t chunk : {1, 1000, 33'000}) {
    INFO(chunk);
    CHECK((shares(blob, chunk) == shares(blob, 0)));
    CHECK((shares(zstd, chunk) == shares(zstd, 0)));
    if (chunk > 1) CHECK((shares(tar, chunk) == shares(tar, 0)));
  }
  const Inventory fast = ScanTar(blob, {.inflate = InflateLibrary::kFastest});
  const Inventory zlib = ScanTar(blob, {.inflate = InflateLibrary::kZlib});
  CHECK(List(fast) == List(zlib));
  CHECK(fast.contents == zlib.contents);
  CHECK(fast.diff_id == zlib.diff_id);
  for (std::size_t i = 0; i < fast.entries.size(); ++i) {
    // ISA-L decodes up to three literals at once, so at a mark it may be one or two behind.
    CHECK(std::abs(fast.entries[i].blob_bytes - zlib.entries[i].blob_bytes) <= 4);
  }
}

// Text of a kind: words of a small vocabulary, and numbers.
std::string SomeText(std::size_t size, std::uint64_t& state) {
  static constexpr std::array kWords = {"layer", "image", "registry", "digest", "manifest", "blob"};
  std::string text;
  while (text.size() < size) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    text += kWords[(state >> 40) % kWords.size()];
    text += std::to_string((state >> 33) % 5000) + (state % 7 == 0 ? "\n" : " ");
  }
  return text;
}

TEST_CASE("Samples say what a compressor would make of the layer", "[io][scan_layer]") {
  std::uint64_t state = 3;
  std::string tar;
  for (int i = 0; i < 150; ++i) tar += File("doc/" + std::to_string(i), SomeText(90'000, state));
  tar += EndBlocks();
  const auto anew = static_cast<double>(Gzip(tar).size());
  const auto as_zstd = static_cast<double>(Zstd(tar).size());
  for (const std::string& blob : {Gzip(tar, false, 1), Gzip(tar), Zstd(tar), tar}) {
    const Inventory inventory = ScanTar(blob);
    const Recompression& sampled = inventory.sampled;
    REQUIRE(sampled.stored > 0);
    const auto stored = static_cast<double>(sampled.stored);
    const auto size = static_cast<double>(blob.size());
    INFO(LayerCodecName(inventory.codec) << " of " << blob.size());
    CHECK(static_cast<double>(sampled.gzip) / stored == Approx(anew / size).epsilon(0.03));
    CHECK(static_cast<double>(sampled.zstd) / stored == Approx(as_zstd / size).epsilon(0.06));
  }
}

TEST_CASE("What hardly compresses is no sample, nor is what is too short", "[io][scan_layer]") {
  std::string noise;
  std::uint64_t state = 5;
  while (noise.size() < 3'000'000) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    noise += static_cast<char>(state >> 56);
  }
  CHECK(ScanTar(Gzip(File("noise", noise) + EndBlocks())).sampled == Recompression{});
  CHECK(ScanTar(Gzip(EndBlocks())).sampled.stored < 100);
}

TEST_CASE("Compressed bytes go to the entries that cost them", "[io][scan_layer]") {
  std::string noise;
  std::uint64_t state = 1;
  while (noise.size() < 600'000) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    noise += static_cast<char>(state >> 56U);
  }
  const std::string tar = File("a", std::string(1'000'000, 'a')) + File("b", noise) +
                          File("c", std::string(1'000'000, 'c')) + EndBlocks();
  for (const std::string& blob : {Gzip(tar), Zstd(tar)}) {
    const Inventory inventory = ScanTar(blob);
    // To within the distance of the marks at either end.
    CHECK(inventory.entries[1].blob_bytes > 530'000);
    CHECK(inventory.entries[1].blob_bytes < 601'000);
    CHECK(inventory.entries[0].blob_bytes < 60'000);
    CHECK(inventory.entries[2].blob_bytes < 80'000);
  }
}

TEST_CASE("A layer without entries is one", "[io][scan_layer]") {
  const std::string end = EndBlocks();
  for (const std::string& tar : {end, std::string(512, '\0'), std::string(10'240, '\0')}) {
    for (const std::string& blob : {tar, Gzip(tar), Zstd(tar)}) {
      const Inventory inventory = ScanTar(blob);
      CHECK(inventory.entries.empty());
      CHECK(inventory.overhead_bytes == static_cast<Bytes>(blob.size()));
      CHECK(inventory.warnings.empty());
    }
  }
}

TEST_CASE("A blob that is changed while it is read is refused and said to be", "[io][scan_layer]") {
  const TemporaryDirectory directory;
  // Longer than what one read takes.
  const std::string tar = File("a", std::string(3 << 20, 'x')) + EndBlocks();
  const auto change = [&](const auto& how) {
    const std::string path = directory.Write("blob", tar);
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    const auto source = OpenPlainFile(path);
    ScanOptions options;
    options.on_progress = [&, is_done = false](std::int64_t) mutable {
      if (!std::exchange(is_done, true)) how(path);
    };
    try {
      (void)ScanLayer(*source, Describe(tar), options);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string size = std::to_string(tar.size());
  const std::string expected =
      ": expected a layer of " + size + " bytes, as its descriptor says, found ";
  CHECK(change([](const std::string& path) { std::filesystem::resize_file(path, 2'000'000); }) ==
        "byte 2000000" + expected + "2000000; the file became shorter while it was read");
  CHECK(change([&](const std::string& path) {
          std::filesystem::resize_file(path, tar.size() + 10);
        }) == "byte " + size + expected + "more; the file became longer while it was read");
  std::string other = tar;
  other[2'900'000] = 'y';
  CHECK(change([&](const std::string&) { directory.Write("blob", other); }) ==
        "byte 0: expected a layer with digest " + FormatDigest(Sha256(tar)) + ", found " +
            FormatDigest(Sha256(other)) + "; the file was changed while it was read");
  // One that takes its name leaves the one that is read.
  CHECK(change([&](const std::string& path) {
          std::filesystem::rename(directory.Write("other", other), path);
        }).empty());
}

TEST_CASE("A blob of another size is refused unread", "[io][scan_layer]") {
  const std::string tar = File("a", "x") + EndBlocks();
  ExpectedLayer expected = Describe(tar);
  expected.size = std::int64_t{1} << 40;
  const auto source = ReadMemory(tar);
  CHECK(MessageOf<InputError>([&] { (void)ScanLayer(*source, expected, {}); }) ==
        "byte 2048: expected a layer of 1099511627776 bytes, as its descriptor says, found 2048");
  CHECK(source->stored_position() == 0);
}

TEST_CASE("A blob that is not what its descriptor says is refused, both values named",
          "[io][scan_layer]") {
  const std::string tar = File("a", "x") + EndBlocks();
  const auto scan = [](std::string_view blob, const ExpectedLayer& expected) {
    const auto source = ReadMemory(blob);
    return MessageOf<InputError>([&] { (void)ScanLayer(*source, expected, {}); });
  };
  ExpectedLayer expected = Describe(tar);
  expected.size = 2047;
  CHECK(scan(tar, expected) ==
        "byte 2047: expected a layer of 2047 bytes, as its descriptor says, found 2048");
  expected.size = 2049;
  CHECK(scan(tar, expected) ==
        "byte 2048: expected a layer of 2049 bytes, as its descriptor says, found 2048");
  expected = Describe("else");
  expected.size = 2048;
  const std::string wrong_digest =
      "byte 0: expected a layer with digest " + FormatDigest(Sha256("else")) + ", found ";
  CHECK(scan(tar, expected) == wrong_digest + FormatDigest(Sha256(tar)));
  // Also where the content is damaged, and where it is no tar.
  std::string damaged = tar;
  damaged[0] = 'b';
  CHECK(scan(damaged, expected) == wrong_digest + FormatDigest(Sha256(damaged)));
  const std::string json(2048, '{');
  CHECK(scan(json, expected) == wrong_digest + FormatDigest(Sha256(json)));
  expected = Describe(tar);
  expected.diff_id = Sha256("else");
  CHECK(scan(tar, expected) == "tar byte 0: expected a tar with diff_id " +
                                   FormatDigest(Sha256("else")) + ", found " +
                                   FormatDigest(Sha256(tar)));
  expected.diff_id = Sha256(tar);
  expected.digest.verifiable = false;
  const auto source = ReadMemory(tar);
  CHECK(Warnings(*ScanLayer(*source, expected, {}).inventory) ==
        "digest that cannot be verified 1 byte 0\n");
}

TEST_CASE("Progress counts every stored byte", "[io][scan_layer]") {
  const std::string blob = Gzip(SmallTar());
  std::int64_t total = 0;
  ScanOptions options;
  options.on_progress = [&](std::int64_t bytes) { total += bytes; };
  (void)ScanBlob(blob, options, 10);
  CHECK(total == static_cast<std::int64_t>(blob.size()));
}

}  // namespace
}  // namespace gneiss
