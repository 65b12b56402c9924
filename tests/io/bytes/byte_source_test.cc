#include "io/bytes/byte_source.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

struct Content {
  std::string bytes;
  std::int64_t trailing = 0;
};

Content Drain(ByteSource& source, std::size_t buffer_bytes = 1000) {
  Content content;
  std::vector<char> buffer(buffer_bytes);
  while (const std::size_t count = source.Read(buffer)) content.bytes.append(buffer.data(), count);
  content.trailing = source.trailing_bytes();
  return content;
}

Content Decode(std::string_view stored, std::size_t chunk = 0, std::size_t buffer_bytes = 1000) {
  const auto source = Decompress(ReadMemory(stored, chunk));
  return Drain(*source, buffer_bytes);
}

std::string DecodeErrorOf(const std::string& stored) {
  return MessageOf<InputError>([&] { Decode(stored); });
}

std::string RandomText(std::size_t size) {
  std::mt19937_64 random(7);
  std::string text;
  while (text.size() < size) text += std::to_string(random() % 100000) + "\n";
  text.resize(size);
  return text;
}

// A zstd skippable frame that holds `content`.
std::string Skippable(std::string_view content) {
  std::string frame("\x5a\x2a\x4d\x18", 4);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    frame += static_cast<char>(content.size() >> shift & 0xffU);
  }
  return frame.append(content);
}

// A zstd frame of the one byte 'a' whose header asks for a window of 2^`window_log` bytes.
std::string FrameWithWindow(unsigned window_log) {
  std::string frame("\x28\xb5\x2f\xfd\x00", 5);
  frame += static_cast<char>((window_log - 10) << 3);
  return frame + std::string(
                     "\x09\x00\x00"
                     "a",
                     4);
}

TEST_CASE("Bytes that are not compressed pass through", "[io][byte_source]") {
  CHECK(Decode("").bytes.empty());
  CHECK(Decode("a").bytes == "a");
  CHECK(Decode("\x1f").bytes == "\x1f");
  const std::string text = RandomText(500'000);
  CHECK(Decode(text).bytes == text);
  CHECK(Decode(text, 7).bytes == text);
}

TEST_CASE("All members of a gzip stream are decoded", "[io][byte_source]") {
  const std::string text = RandomText(300'000);
  CHECK(Decode(Gzip(text)).bytes == text);
  CHECK(Decode(Gzip(text, true)).bytes == text);
  CHECK(Decode(Gzip("")).bytes.empty());
  std::string members;
  for (std::size_t i = 0; i < text.size(); i += 1000) members += Gzip(text.substr(i, 1000));
  CHECK(Decode(members).bytes == text);
  CHECK(Decode(Gzip("") + Gzip("a") + Gzip("") + Gzip("b")).bytes == "ab");
}

TEST_CASE("How reads are cut changes nothing in what is decoded", "[io][byte_source]") {
  const std::string text = RandomText(20'000);
  const std::string gzip = Gzip(text) + Gzip("tail", true) + std::string(600, '\0');
  const std::string zstd = Skippable("x") + Zstd(text) + Skippable("") + Zstd("tail");
  for (const std::size_t chunk : {1U, 2U, 3U, 5U, 17U, 1024U}) {
    for (const std::size_t buffer_bytes : {1U, 4096U}) {
      CHECK(Decode(gzip, chunk, buffer_bytes).bytes == text + "tail");
      CHECK(Decode(zstd, chunk, buffer_bytes).bytes == text + "tail");
    }
  }
}

TEST_CASE("Zero padding after and between gzip members is accepted", "[io][byte_source]") {
  const std::string padding(300'000, '\0');
  const Content content = Decode(Gzip("a") + padding + Gzip("b") + padding);
  CHECK(content.bytes == "ab");
  CHECK(content.trailing == 0);
}

TEST_CASE("Other bytes after a gzip stream are ignored and counted", "[io][byte_source]") {
  Content content = Decode(Gzip("a") + "garbage");
  CHECK(content.bytes == "a");
  CHECK(content.trailing == 7);
  content = Decode(Gzip("a") + std::string(10, '\0') + std::string(300'000, 'g'));
  CHECK(content.bytes == "a");
  CHECK(content.trailing == 300'000);
}

TEST_CASE("A gzip stream that ends early is an error at its last byte", "[io][byte_source]") {
  const std::string gzip = Gzip(RandomText(2000), true);
  for (std::size_t size = 2; size < gzip.size(); ++size) {
    REQUIRE(DecodeErrorOf(gzip.substr(0, size)) ==
            "byte " + std::to_string(size) +
                ": gzip stream ends early; the file is truncated, fetch or write it again");
  }
  // Cut in the second member, from its first byte on.
  for (std::size_t size = 1; size < gzip.size(); ++size) {
    REQUIRE(DecodeErrorOf(gzip + gzip.substr(0, size)) ==
            "byte " + std::to_string(gzip.size() + size) +
                ": gzip stream ends early; the file is truncated, fetch or write it again");
  }
}

TEST_CASE("A gzip stream with a wrong CRC, length or body is an error", "[io][byte_source]") {
  const std::string gzip = Gzip("hello, hello, hello");
  std::string wrong_crc = gzip;
  wrong_crc[gzip.size() - 8] ^= 1;
  CHECK(DecodeErrorOf(wrong_crc) == "byte " + std::to_string(gzip.size() - 4) +
                                        ": gzip stream is damaged: incorrect data check");
  std::string wrong_length = gzip;
  wrong_length[gzip.size() - 4] ^= 1;
  CHECK(DecodeErrorOf(wrong_length) ==
        "byte " + std::to_string(gzip.size()) + ": gzip stream is damaged: incorrect length check");
  std::string wrong_body = gzip;
  wrong_body[10] = '\xff';
  CHECK(DecodeErrorOf(wrong_body) == "byte 11: gzip stream is damaged: invalid block type");
  CHECK(DecodeErrorOf(gzip + "\x1f\x8b\x07") ==
        "byte " + std::to_string(gzip.size() + 3) +
            ": gzip stream ends early; the file is truncated, fetch or write it again");
}

TEST_CASE("All frames of a zstd stream are decoded, skippable ones passed over",
          "[io][byte_source]") {
  const std::string text = RandomText(300'000);
  CHECK(Decode(Zstd(text)).bytes == text);
  CHECK(Decode(Zstd("")).bytes.empty());
  CHECK(
      Decode(Skippable("toc") + Zstd(text) + Skippable("") + Zstd("b") + Skippable("end")).bytes ==
      text + "b");
  CHECK(Decode(Skippable("only")).bytes.empty());
}

TEST_CASE("A zstd window of 128 MiB is accepted and a larger one is not", "[io][byte_source]") {
  CHECK(Decode(FrameWithWindow(27)).bytes == "a");
  CHECK(DecodeErrorOf(FrameWithWindow(28)) ==
        "byte 0: zstd stream is damaged here or within 128 KiB: Frame requires too much memory for "
        "decoding");
}

TEST_CASE("A zstd stream that ends early or goes wrong is an error", "[io][byte_source]") {
  const std::string zstd = Zstd(RandomText(2000));
  for (std::size_t size = 4; size < zstd.size(); ++size) {
    REQUIRE(DecodeErrorOf(zstd.substr(0, size)) ==
            "byte " + std::to_string(size) +
                ": zstd stream ends early; the file is truncated, fetch or write it again");
  }
  CHECK(DecodeErrorOf(zstd + "garbage") ==
        "byte " + std::to_string(zstd.size()) +
            ": zstd stream is damaged here or within 128 KiB: Unknown frame descriptor");
}

TEST_CASE("A stream that inflates a thousandfold needs no memory for it", "[io][byte_source]") {
  const std::string member = Gzip(std::string(1 << 20, '\0'));
  std::string bomb;
  for (int i = 0; i < 64; ++i) bomb += member;
  const auto source = Decompress(ReadMemory(bomb));
  std::vector<char> buffer(1 << 16);
  std::size_t total = 0;
  while (const std::size_t count = source->Read(buffer)) total += count;
  CHECK(total == std::size_t{64} << 20);
  CHECK(source->stored_position() == source->stored_size());
}

TEST_CASE("A file is known by its first bytes, not by its name", "[io][byte_source]") {
  const TemporaryDirectory directory;
  const std::string gzip = Gzip("content");
  const auto compressed = Decompress(OpenFile(directory.Write("plain.txt", gzip), "a file"));
  CHECK(compressed->stored_size() == static_cast<std::int64_t>(gzip.size()));
  CHECK(Drain(*compressed).bytes == "content");
  CHECK(compressed->stored_position() == static_cast<std::int64_t>(gzip.size()));
  const auto plain = Decompress(OpenFile(directory.Write("plain.gz", "content"), "a file"));
  CHECK(Drain(*plain).bytes == "content");
}

TEST_CASE("A missing file and a directory are errors that name them", "[io][byte_source]") {
  const TemporaryDirectory directory;
  const std::string missing = directory.path("missing");
  CHECK(MessageOf<InputError>([&] { (void)OpenFile(missing, "a fleet file"); }) ==
        missing + ": expected a fleet file, found nothing there");
  CHECK(MessageOf<InputError>([&] { (void)OpenFile(directory.path(), "a fleet file"); }) ==
        directory.path() + ": expected a fleet file, found a directory");
}

TEST_CASE("Frames that other tools wrote are decoded", "[io][byte_source][corpus]") {
  const auto hello = CorpusPath("fixtures/containers-image/copy/fixtures/Hello.zst");
  const auto tar = CorpusPath("fixtures/go-containerregistry/pkg/crane/testdata/content.tar");
  const auto frame = CorpusPath("fixtures/go-containerregistry/pkg/crane/testdata/content.tar.zst");
  if (!hello || !tar || !frame) return;
  CHECK(Drain(*Decompress(OpenFile(*hello, "a file"))).bytes == "Hello");
  CHECK(Drain(*Decompress(OpenFile(*frame, "a file"))).bytes == ReadWholeFile(*tar));
}

TEST_CASE("Bytes can be passed over, compressed or not", "[io][byte_source]") {
  const TemporaryDirectory directory;
  const std::string text = RandomText(1'000'000);
  const std::size_t begin = 300'007;
  for (const std::string& stored : {text, Gzip(text), Zstd(text)}) {
    const auto source = Decompress(OpenFile(directory.Write("file", stored), "a file"));
    CHECK(source->is_compressed() == (stored != text));
    char first = 0;
    REQUIRE(source->Read({&first, 1}) == 1);
    CHECK(source->Skip(0) == 0);
    CHECK(source->Skip(begin - 1) == begin - 1);
    if (stored == text) CHECK(source->stored_position() == begin);
    CHECK(Drain(*source).bytes == text.substr(begin));
    CHECK(source->Skip(1) == 0);
  }
  const auto source = OpenFile(directory.Write("file", text), "a file");
  CHECK(source->Skip(2'000'000) == 1'000'000);
  CHECK(source->stored_position() == 1'000'000);
}

TEST_CASE("A device is passed over by reading", "[io][byte_source]") {
  const auto source = OpenFile("/dev/zero", "a file");
  CHECK(source->Skip(300'000) == 300'000);
  CHECK(source->stored_position() == 300'000);
}

// The folder has symbolic links where the other codecs of this text should be.
TEST_CASE("Hello of containers/image is decompressed", "[io][byte_source][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/copy/fixtures");
  if (!folder) return;
  for (const std::string name : {"Hello.zst", "Hello.std"}) {
    CHECK(Decode(ReadWholeFile(*folder + "/" + name)).bytes == "Hello");
  }
}

}  // namespace
}  // namespace gneiss
