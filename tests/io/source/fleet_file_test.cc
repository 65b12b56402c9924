#include "io/source/fleet_file.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "io/bytes/line_reader.h"
#include "io/source/document_rules.h"
#include "planner/fleet/bytes.h"
#include "tests/make/rounds.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

struct FileRead {
  Fleet fleet;
  FleetWarnings warnings;
  ReadReport report;
};

FileRead ReadText(std::string_view stored, const ReadOptions& options = {}) {
  FleetBuilder builder;
  FileRead outcome;
  ReadFleetBytes(ReadMemory(stored), "fleet.ndjson", options, builder, outcome.report);
  outcome.fleet = builder.Build(&outcome.warnings);
  return outcome;
}

std::string ErrorOf(std::string_view stored, const ReadOptions& options = {}) {
  return MessageOf<InputError>([&] { ReadText(stored, options); });
}

std::string DigestOf(char c) { return "sha256:" + std::string(64, c); }

std::string LayerOf(char c, const std::string& size = "10") {
  return R"({"digest":")" + DigestOf(c) + R"(","size":)" + size + "}";
}

// A line for image `ref` with the layers of `digits`, of 10 bytes each.
std::string LineOf(const std::string& ref, const std::string& digits,
                   const std::string& members = "") {
  std::string layers;
  for (const char c : digits) layers += (layers.empty() ? "" : ",") + LayerOf(c);
  return R"({"ref":")" + ref + R"(","platform":"linux/amd64","layers":[)" + layers + "]" + members +
         "}";
}

// All that a fleet says, one line per image, with every index resolved.
std::string Written(const Fleet& fleet) {
  std::ostringstream out;
  for (const Image& image : fleet.images) {
    out << FormatDigest(image.identity) << ' ' << image.has_manifest_digest << ' '
        << fleet.text(image.platform) << ' ' << fleet.text(image.created) << ' ' << image.pulls
        << ' ' << image.config_size << ' ' << image.manifest_size << ' ' << image.has_config;
    if (image.has_config) out << ' ' << FormatDigest(image.config_digest);
    for (const TextIndex ref : fleet.refs_of(image)) out << " ref=" << fleet.text(ref);
    for (const LayerIndex layer : fleet.chain(image)) out << ' ' << layer;
    for (const Label& label : fleet.labels_of(image)) {
      out << " label=" << fleet.text(label.key) << ':' << fleet.text(label.value);
    }
    for (const PoolIndex pool : fleet.pools_of(image)) out << " pool=" << pool;
    out << '\n';
  }
  for (const Layer& layer : fleet.layers) {
    out << fleet.digest_text(layer) << ' ' << layer.size << ' ' << layer.uncompressed_size << ' '
        << layer.diff_id << ' ' << layer.foreign << ' ' << fleet.text(layer.created_by) << ' '
        << fleet.text(layer.media_type) << '\n';
  }
  for (const Digest& diff_id : fleet.diff_ids) out << FormatDigest(diff_id) << '\n';
  for (const Pool& pool : fleet.pools) out << fleet.text(pool.name) << '=' << pool.nodes << '\n';
  return out.str();
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST_CASE("Every line is an image under a ref", "[io][fleet_file]") {
  const FileRead outcome = ReadText(LineOf("b:1", "12") + "\n" + LineOf("a:1", "13") + "\n");
  CHECK(outcome.report.num_lines == 2);
  CHECK(outcome.report.num_problems == 0);
  CHECK(outcome.report.warnings.empty());
  CHECK(outcome.report.skipped.empty());
  REQUIRE(outcome.fleet.images.size() == 2);
  CHECK(outcome.fleet.name(outcome.fleet.images[0]) == "a:1");
  CHECK(outcome.fleet.layers.size() == 3);
}

TEST_CASE("Blank lines, CRLF and a byte order mark are accepted", "[io][fleet_file]") {
  const FileRead outcome =
      ReadText("\xef\xbb\xbf" + LineOf("a:1", "1") + "\r\n \t\r\n\n" + LineOf("b:1", "2"));
  CHECK(outcome.report.num_lines == 2);
  CHECK(outcome.report.num_problems == 0);
  CHECK(outcome.fleet.images.size() == 2);
}

TEST_CASE("Compression changes nothing in what is read", "[io][fleet_file]") {
  const std::string text = LineOf("a:1", "12") + "\n" + LineOf("b:1", "13") + "\n";
  const std::string plain = Written(ReadText(text).fleet);
  CHECK(Written(ReadText(Gzip(text)).fleet) == plain);
  CHECK(Written(ReadText(Gzip(text.substr(0, 50)) + Gzip(text.substr(50))).fleet) == plain);
  CHECK(Written(ReadText(Zstd(text)).fleet) == plain);
}

TEST_CASE("A bad line is listed with its place and hides no other", "[io][fleet_file]") {
  const std::string layers = LayerOf('1') + "," + LayerOf('2') + "," + LayerOf('3', "-5");
  const FileRead outcome =
      ReadText(LineOf("a:1", "1") + "\n\n{\"layers\":[" + layers + "]}\nnot json\n" +
               LineOf("b:1", "2") + "\n{\"layers\":[" + LayerOf('1', "11") + "]}\n");
  CHECK(outcome.report.num_lines == 5);
  CHECK(outcome.report.num_problems == 3);
  REQUIRE(outcome.report.problems.size() == 3);
  CHECK(outcome.report.problems[0].what() ==
        std::string("fleet.ndjson:3: layers[2].size: expected a whole number of bytes from 0 to "
                    "9007199254740992, found -5"));
  CHECK(outcome.report.problems[0].source() == "fleet.ndjson");
  CHECK(outcome.report.problems[0].place() == "3");
  CHECK(outcome.report.problems[1].what() ==
        std::string("fleet.ndjson:4: byte 2: not JSON: syntax error while parsing value - invalid "
                    "literal"));
  CHECK(outcome.report.problems[2].what() ==
        std::string("fleet.ndjson:6: layers[0]: one digest with two sizes: ") + DigestOf('1') +
            " had size 10, here 11; one of the two manifests is wrong");
  CHECK(outcome.fleet.images.size() == 2);
  // Nothing of the bad lines stays: layer 3 is not in the fleet.
  CHECK(outcome.fleet.layers.size() == 2);
}

TEST_CASE("Strict reading stops at the first bad line", "[io][fleet_file]") {
  CHECK(ErrorOf(LineOf("a:1", "1") + "\n{}\nnot json\n",
                {.platform = {}, .strict = true, .on_progress = {}}) ==
        "fleet.ndjson:2: layers: expected an array of layers, found no such key");
}

TEST_CASE("Every bad line is counted, and the first hundred are kept", "[io][fleet_file]") {
  std::string text;
  for (int i = 0; i < 250; ++i) text += "{}\n";
  const FileRead outcome = ReadText(text);
  CHECK(outcome.report.num_lines == 250);
  CHECK(outcome.report.num_problems == 250);
  REQUIRE(outcome.report.problems.size() == ReadReport::kMaxKept);
  CHECK(outcome.report.problems.back().place() == "100");
  CHECK(outcome.fleet.images.empty());
}

TEST_CASE("A line of more than 64 MiB is passed over", "[io][fleet_file]") {
  const std::string text = LineOf("a:1", "1") + "\n" + std::string(LineReader::kMaxLineBytes, ' ') +
                           "x\n" + LineOf("b:1", "2") + "\n";
  const FileRead outcome = ReadText(text);
  REQUIRE(outcome.report.num_problems == 1);
  CHECK(
      outcome.report.problems[0].what() ==
      std::string("fleet.ndjson:2: expected a line of at most 67108864 bytes, found a longer one"));
  CHECK(outcome.fleet.images.size() == 2);
}

TEST_CASE("Files that hold no line are errors", "[io][fleet_file]") {
  const std::string expected =
      "fleet.ndjson: fleet file is empty: expected one JSON object per line, found no line";
  CHECK(ErrorOf("") == expected);
  CHECK(ErrorOf("\n \n\r\n") == expected);
  CHECK(ErrorOf("\xef\xbb\xbf\n") == expected);
  CHECK(ErrorOf(Gzip("")) == expected);
}

TEST_CASE("Files of another kind are errors that name what was found", "[io][fleet_file]") {
  const std::string expected =
      "fleet.ndjson: expected a fleet file, one JSON object per line, found ";
  CHECK(ErrorOf(std::string("\xfd"
                            "7zXZ\0\0\4",
                            8)) == expected + "xz compressed data");
  CHECK(ErrorOf("BZh91AY") == expected + "bzip2 compressed data");
  CHECK(ErrorOf("PK\x03\x04...") == expected + "a zip archive");
  CHECK(ErrorOf(std::string("\xff\xfe{\0", 4)) == expected + "UTF-16 text, not UTF-8");
  CHECK(ErrorOf(std::string("ELF\0", 4)) == expected + "binary data");

  // A tar of before POSIX: no magic, only a checksum.
  std::string tar(1024, '\0');
  tar.replace(0, 8, "manifest");
  tar.replace(100, 7, "0000644");
  tar.replace(124, 11, "00000000000");
  unsigned sum = 8 * ' ';
  for (const char c : tar) sum += static_cast<unsigned char>(c);
  char field[8];
  std::snprintf(field, sizeof field, "%06o", sum);
  tar.replace(148, 6, field, 6);
  tar[155] = ' ';
  const std::string found = "a tar archive, which docker-archive:FILE or oci-archive:FILE reads";
  CHECK(ErrorOf(tar) == expected + found);
  CHECK(ErrorOf(Gzip(tar)) == expected + found);
  tar[0] = 'M';
  CHECK(ErrorOf(tar) == expected + "binary data");
}

TEST_CASE("A document of another schema is an error that names it", "[io][fleet_file]") {
  const std::string expected =
      "fleet.ndjson: expected a fleet file, one JSON object per line, found one of schema ";
  const std::string advice = "; `gneiss snapshot` writes fleet files";
  CHECK(ErrorOf("{\n  \"schema\": \"gneiss.stat/1\",\n") ==
        expected + "\"gneiss.stat/1\"" + advice);
  const std::string line = LineOf("a:1", "1").substr(1) + "\n";
  CHECK(ErrorOf(Gzip("{\"schema\":\"gneiss.fleet/2\"," + line)) ==
        expected + "\"gneiss.fleet/2\"" + advice);
  CHECK(LeadingSchema("{\"schema\":\"gneiss.fleet/1\"," + line) == "gneiss.fleet/1");
  CHECK(LeadingSchema("{" + line).empty());
}

TEST_CASE("A truncated or damaged stream is an error, not a shorter fleet", "[io][fleet_file]") {
  const std::string text = LineOf("a:1", "1") + "\n" + LineOf("b:1", "2") + "\n";
  const std::string gzip = Gzip(text);
  CHECK(ErrorOf(gzip.substr(0, gzip.size() - 5)) ==
        "fleet.ndjson:byte " + std::to_string(gzip.size() - 5) +
            ": gzip stream ends early; the file is truncated, fetch or write it again");
  CHECK(ErrorOf(gzip.substr(0, 3)) ==
        "fleet.ndjson:byte 3: gzip stream ends early; the file is truncated, fetch or write it "
        "again");
  const std::string zstd = Zstd(text);
  CHECK(ErrorOf(zstd.substr(0, zstd.size() - 5)) ==
        "fleet.ndjson:byte " + std::to_string(zstd.size() - 5) +
            ": zstd stream ends early; the file is truncated, fetch or write it again");
}

TEST_CASE("Bytes after a gzip stream are a warning", "[io][fleet_file]") {
  const FileRead outcome = ReadText(Gzip(LineOf("a:1", "1") + "\n") + "garbage");
  CHECK(outcome.fleet.images.size() == 1);
  CHECK(CountsOf(outcome.report) == Counts{{"bytes after the end of a gzip stream", 1}});
  CHECK(ReadText(Gzip(LineOf("a:1", "1")) + std::string(512, '\0')).report.warnings.empty());
}

TEST_CASE("A zero byte spoils its line only", "[io][fleet_file]") {
  std::string text = LineOf("a:1", "1") + "\n" + LineOf("b:1", "2") + "\n";
  text[text.find("a:1") + 1] = '\0';
  const FileRead outcome = ReadText(text);
  CHECK(outcome.fleet.images.size() == 1);
  REQUIRE(outcome.report.problems.size() == 1);
  CHECK(std::string(outcome.report.problems[0].what()).starts_with("fleet.ndjson:1: "));
}

TEST_CASE("Odd but usable lines are counted by kind", "[io][fleet_file]") {
  const FileRead outcome = ReadText(
      LineOf("a:1", "1", R"(,"x":1,"x":2,"x":3)") + "\n" +
      LineOf("b:1", "2", R"(,"history":[{"empty_layer":true}])") + "\n" + LineOf("c:1", "") + "\n" +
      R"({"ref":"d:1","platform":"unknown/unknown","layers":[]})" + "\n");
  CHECK(CountsOf(outcome.report) ==
        Counts{{"duplicate JSON key", 2}, {"history does not match layers", 1}});
  CHECK(outcome.report.warnings.at("duplicate JSON key").first == "fleet.ndjson:1");
  CHECK(outcome.report.warnings.at("history does not match layers").first == "fleet.ndjson:2");
  CHECK(outcome.report.skipped == Counts{{"attestation manifest", 1}});
  CHECK(outcome.warnings.empty_chains == 1);
  CHECK(outcome.fleet.images.size() == 3);
}

TEST_CASE("Images of other platforms are checked, counted and left out", "[io][fleet_file]") {
  const ReadOptions options{
      .platform = PlatformFilter("linux/arm64"), .strict = false, .on_progress = {}};
  const FileRead outcome = ReadText(
      LineOf("a:1", "1") + "\n" + R"({"ref":"b:1","platform":"linux/arm64/v8","layers":[]})" +
          "\n" + R"({"ref":"c:1","platform":"linux/amd64","layers":7})" + "\n" +
          R"({"ref":"d:1","layers":[]})" + "\n",
      options);
  CHECK(outcome.report.num_lines == 4);
  CHECK(outcome.report.filtered_out == 2);
  CHECK(outcome.report.num_problems == 1);
  REQUIRE(outcome.fleet.images.size() == 1);
  CHECK(outcome.fleet.name(outcome.fleet.images[0]) == "b:1");
}

TEST_CASE("Progress counts stored bytes to the end", "[io][fleet_file]") {
  std::string text;
  while (text.size() < 3'000'000) text += LineOf("a:1", "123456789abcdef") + "\n";
  std::vector<std::pair<std::int64_t, std::int64_t>> seen;
  const ReadOptions options{
      .platform = {}, .strict = false, .on_progress = [&](std::int64_t bytes, std::int64_t total) {
        seen.emplace_back(bytes, total);
      }};
  ReadText(text, options);
  const auto size = static_cast<std::int64_t>(text.size());
  REQUIRE(seen.size() >= 2);
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.back() == std::pair(size, size));
}

TEST_CASE("A missing fleet file and a directory in its place are errors", "[io][fleet_file]") {
  const TemporaryDirectory directory;
  FleetBuilder builder;
  ReadReport report;
  const auto read = [&](const std::string& path) {
    return MessageOf<InputError>([&] { ReadFleetFile(path, {}, builder, report); });
  };
  const std::string missing = directory.path("missing.ndjson");
  CHECK(read(missing) ==
        missing + ": expected a fleet file, one JSON object per line, found nothing there");
  CHECK(read(directory.path()) ==
        directory.path() + ": expected a fleet file, one JSON object per line, found a directory");
}

// Lines that meet in images, layers, pools and labels, and contradict one another harmlessly.
std::vector<std::string> TangledLines(std::mt19937_64& random) {
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) {
    const std::string manifest = std::to_string(random() % 20);
    std::string digits;
    // The chain follows from the manifest, so that no two lines contradict in it.
    std::mt19937_64 chain(std::stoul(manifest));
    for (std::size_t n = chain() % 5; n > 0; --n) digits += "0123456789abcdef"[chain() % 16];
    std::string layers;
    for (const char c : digits) {
      layers += (layers.empty() ? "" : ",") + std::string(R"({"digest":")") + DigestOf(c) +
                R"(","size":)" + std::to_string(100 + c) + R"(,"diff_id":")" +
                DigestOf("abc"[random() % 3]) + R"(","created_by":"RUN )" +
                std::to_string(random() % 3) + R"("})";
    }
    std::string digest = std::string(64 - manifest.size(), '0') + manifest;
    std::string line = R"({"ref":"app:)" + std::to_string(random() % 30) + R"(","layers":[)" +
                       layers + R"(],"platform":"linux/)" +
                       (random() % 2 == 0 ? "amd64" : "arm64") + R"(","labels":{"team":"t)" +
                       std::to_string(random() % 3) + "\"}";
    if (random() % 4 != 0) line += R"(,"manifest_digest":"sha256:)" + digest + "\"";
    if (random() % 2 == 0) line += R"(,"pulls":)" + std::to_string(random() % 9);
    if (random() % 2 == 0)
      line += R"(,"pools":[{"name":"p)" + std::to_string(random() % 2) + R"(","nodes":4}])";
    lines.push_back(line + "}");
  }
  return lines;
}

TEST_CASE("The order of lines changes nothing in the fleet or its warnings", "[io][fleet_file]") {
  std::mt19937_64 random(2024);
  for (int round = 0; round < NumRounds(30); ++round) {
    std::vector<std::string> lines = TangledLines(random);
    const FileRead first = ReadText(Joined(lines));
    REQUIRE(first.report.num_problems == 0);
    REQUIRE(first.fleet.images.size() > 10);
    for (int shuffle = 0; shuffle < 5; ++shuffle) {
      std::ranges::shuffle(lines, random);
      const FileRead outcome = ReadText(Joined(lines));
      REQUIRE(Written(outcome.fleet) == Written(first.fleet));
      CHECK(outcome.warnings.twin_diff_ids == first.warnings.twin_diff_ids);
      CHECK(outcome.warnings.several_platforms == first.warnings.several_platforms);
      CHECK(outcome.warnings.empty_chains == first.warnings.empty_chains);
      CHECK(outcome.warnings.repeated_layers == first.warnings.repeated_layers);
      CHECK(outcome.warnings.images_without_pool == first.warnings.images_without_pool);
    }
  }
}

Bytes PhysicalBytes(const Fleet& fleet) {
  Bytes total = 0;
  for (const Layer& layer : fleet.layers) total = CheckedAdd(total, layer.size);
  return total;
}

TEST_CASE("The official images of 2018 have their known figures", "[io][fleet_file][corpus]") {
  const auto path = CorpusPath("data/official-fleet.ndjson.gz");
  if (!path) return;
  FleetBuilder builder;
  ReadReport report;
  ReadFleetFile(*path, {}, builder, report);
  const Fleet fleet = builder.Build();
  CHECK(report.num_lines == 11216);
  CHECK(report.num_problems == 0);
  CHECK(fleet.images.size() == 3145);
  CHECK(fleet.layers.size() == 9791);
  CHECK(PhysicalBytes(fleet) == 171'655'457'577);
}

TEST_CASE("The official images for linux/amd64 have their known figures",
          "[io][fleet_file][corpus]") {
  const auto path = CorpusPath("data/official-fleet.ndjson.gz");
  if (!path) return;
  FleetBuilder builder;
  ReadReport report;
  const ReadOptions options{
      .platform = PlatformFilter("linux/amd64"), .strict = true, .on_progress = {}};
  ReadFleetFile(*path, options, builder, report);
  const Fleet fleet = builder.Build();
  CHECK(report.num_lines - report.filtered_out == 3086);
  CHECK(fleet.images.size() == 976);
  CHECK(fleet.layers.size() == 3167);
  CHECK(PhysicalBytes(fleet) == 63'389'068'914);
}

}  // namespace
}  // namespace gneiss
