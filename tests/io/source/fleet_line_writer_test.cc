#include "io/source/fleet_line_writer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "io/bytes/byte_source.h"
#include "io/source/fleet_file.h"
#include "io/source/source.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

// All that a fleet says, by value.
std::string TellFleet(const Fleet& fleet) {
  std::string told;
  const auto tell = [&](std::string_view what) { told.append(what).append("|"); };
  const auto tell_number = [&](std::int64_t number) { tell(std::to_string(number)); };
  for (const Image& image : fleet.images) {
    tell(fleet.digest_text(image.identity, false));
    tell_number(image.has_manifest_digest);
    tell(image.has_config ? FormatDigest(image.config_digest) : "");
    for (const std::int64_t number : {image.config_size, image.manifest_size, image.pulls}) {
      tell_number(number);
    }
    for (const TextIndex text :
         {image.platform, image.created, image.entry_point, image.search_path}) {
      tell(fleet.text(text));
    }
    for (const TextIndex ref : fleet.refs_of(image)) tell(fleet.text(ref));
    for (const Label& label : fleet.labels_of(image)) {
      tell(fleet.text(label.key));
      tell(fleet.text(label.value));
    }
    for (const PoolIndex pool : fleet.pools_of(image)) tell_number(pool);
    for (const LayerIndex layer : fleet.chain(image)) tell_number(layer);
    for (const Step& step : fleet.history(image)) {
      tell(fleet.text(step.created_by));
      tell(fleet.text(step.created));
      tell_number(step.makes_layer);
    }
    told += '\n';
  }
  for (const Layer& layer : fleet.layers) {
    tell(fleet.digest_text(layer));
    for (const std::int64_t number :
         {layer.size, layer.uncompressed_size, std::int64_t{layer.verifiable},
          std::int64_t{layer.foreign}}) {
      tell_number(number);
    }
    tell(layer.diff_id == kNone ? "" : FormatDigest(fleet.diff_ids[layer.diff_id]));
    tell(fleet.text(layer.created_by));
    tell(fleet.text(layer.media_type));
    told += '\n';
  }
  for (const Pool& pool : fleet.pools) {
    tell(fleet.text(pool.name));
    tell_number(pool.nodes);
  }
  return told;
}

std::string Snapshot(const Fleet& fleet) {
  std::string text;
  WriteFleetLines(fleet, [&](std::string_view line) { text += line; });
  return text;
}

Fleet ReadBack(std::string_view text) {
  FleetBuilder builder;
  ReadReport report;
  ReadFleetBytes(ReadMemory(text), "snapshot", {.strict = true}, builder, report);
  return builder.Build();
}

// Images of a few layers, configs and pools, with or without each thing that may be known.
Fleet MakeToldFleet(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
  const auto maybe = [&] { return below(2) == 0; };
  const std::vector<std::string> words = {"a",       "b c",     "caf\xc3\xa9", "\"quoted\"\n",
                                          "\x1b[1m", "RUN x\t", "\\",          "d"};
  const auto word = [&] { return std::string_view(words[below(words.size())]); };
  FleetBuilder builder;
  const std::uint32_t num_images = 1 + below(6);
  for (std::uint32_t i = 0; i < num_images; ++i) {
    std::vector<std::string> texts;
    texts.reserve(20);
    ImageRecord record;
    if (maybe()) {
      record.manifest_digest = Sha256("manifest" + std::to_string(i));
      if (below(4) == 0) {
        texts.push_back("sha512:" + std::string(128, static_cast<char>('0' + i)));
        const auto parsed = ParseDigest(texts.back());
        record.manifest_digest = parsed->digest;
        record.manifest_verifiable = false;
        record.manifest_digest_text = texts.back();
      }
    }
    if (maybe() || !record.manifest_digest) record.config_digest = Sha256(std::to_string(i));
    if (record.config_digest && maybe()) record.config_size = below(100);
    if (maybe()) record.manifest_size = below(100);
    if (maybe()) record.platform = "linux/amd64";
    if (maybe()) record.created = "2026-01-02T03:04:05Z";
    if (maybe()) record.entry_point = "/bin/sh";
    if (maybe()) record.search_path = "/usr/bin:/bin";
    const std::uint32_t num_layers = below(4);
    for (std::uint32_t l = 0; l < num_layers; ++l) {
      const std::uint32_t which = below(5);
      LayerRecord& layer = record.layers.emplace_back();
      layer.digest = Sha256("layer" + std::to_string(which));
      layer.size = which;
      if (which == 4) {
        texts.push_back("sha512:" + std::string(128, 'e'));
        layer.digest = ParseDigest(texts.back())->digest;
        layer.verifiable = false;
        layer.digest_text = texts.back();
      }
      layer.foreign = which == 3;
      if (which == 2) layer.uncompressed_size = 7;
      if (which != 1) layer.diff_id = Sha256("diff" + std::to_string(which));
      if (maybe()) layer.created_by = word();
      if (maybe()) layer.media_type = "application/x";
    }
    const std::uint32_t num_steps = below(3);
    for (std::uint32_t s = 0; s < num_steps; ++s) {
      record.steps.push_back(
          {.created_by = word(), .created = maybe() ? "2020" : "", .makes_layer = maybe()});
    }
    // A history that tells of each layer gives it its instruction, in whatever it comes.
    std::vector<std::string_view> instructions;
    for (const StepRecord& step : record.steps) {
      if (step.makes_layer) instructions.push_back(step.created_by);
    }
    for (std::size_t l = 0; instructions.size() == num_layers && l < num_layers; ++l) {
      record.layers[l].created_by = instructions[l];
    }
    const std::uint32_t num_pools = below(3);
    for (std::uint32_t p = 0; p < num_pools; ++p) {
      record.pools.push_back({.name = p == 0 ? "web" : "batch", .nodes = p == 0 ? 3 : 50});
    }
    // Refs of one image say different things.
    const std::uint32_t num_lines = 1 + below(3);
    for (std::uint32_t r = 0; r < num_lines; ++r) {
      texts.push_back(below(4) == 0 ? "" : "app:" + std::to_string(10 * i + r));
      record.ref = texts.back();
      record.pulls = maybe() ? std::optional<std::int64_t>(below(9)) : std::nullopt;
      record.labels.clear();
      if (maybe()) record.labels.push_back({.key = "team", .value = word()});
      if (maybe()) record.labels.push_back({.key = word(), .value = ""});
      builder.Add(record);
    }
  }
  return builder.Build();
}

TEST_CASE("A snapshot read back is the same fleet", "[io][snapshot]") {
  std::mt19937_64 random(9);
  for (int round = 0; round < NumRounds(2'000); ++round) {
    const Fleet fleet = MakeToldFleet(random);
    const std::string text = Snapshot(fleet);
    const Fleet again = ReadBack(text);
    if (TellFleet(again) != TellFleet(fleet)) {
      INFO(text);
      REQUIRE(TellFleet(again) == TellFleet(fleet));
    }
    if (Snapshot(again) != text) FAIL("round " << round << ": another text");
  }
  SUCCEED();
}

TEST_CASE("A snapshot holds nothing that a terminal obeys, and says the same", "[io][snapshot]") {
  FleetBuilder builder;
  ImageRecord record;
  const std::string odd =
      "a\x1b[1m\x7f\xc2\x9b"
      "2J\xe2\x80\xae txt\xf3\xa0\x81\x81\xc3\xa9";
  record.ref = "app:1";
  record.layers.push_back({.digest = Sha256("l"), .size = 5, .diff_id = {}});
  record.layers[0].created_by = odd;
  record.labels = {{.key = odd, .value = odd}};
  builder.Add(record);
  const Fleet fleet = builder.Build();
  const std::string text = Snapshot(fleet);
  const std::string escaped = "a\\u001b[1m\\u007f\\u009b2J\\u202e txt\\udb40\\udc41\xc3\xa9";
  CHECK_THAT(text, Catch::Matchers::Contains("\"created_by\":\"" + escaped + "\""));
  CHECK_THAT(text, Catch::Matchers::Contains("{\"" + escaped + "\":\"" + escaped + "\"}"));
  CHECK(TellFleet(ReadBack(text)) == TellFleet(fleet));
}

TEST_CASE("A snapshot has a line for each ref, and says once what they share", "[io][snapshot]") {
  FleetBuilder builder;
  ImageRecord record;
  record.manifest_digest = Sha256("m");
  record.pulls = 2;
  record.created = "2026";
  record.layers.push_back({.digest = Sha256("l"), .size = 5, .diff_id = {}});
  record.layers[0].created_by = "RUN x";
  for (const char* ref : {"app:2", "app:1"}) {
    record.ref = ref;
    record.labels = {{.key = "team", .value = ref}};
    builder.Add(record);
  }
  const std::string digest = "sha256:" + FormatDigest(Sha256("l")).substr(7);
  const std::string known = R"(","manifest_digest":")" + FormatDigest(Sha256("m")) + R"(",)";
  CHECK(Snapshot(builder.Build()) ==
        R"({"ref":"app:1)" + known +
            R"("created":"2026","labels":{"team":"app:1"},"pulls":4,"layers":[{"digest":")" +
            digest + R"(","size":5,"created_by":"RUN x"}]})" + "\n" + R"({"ref":"app:2)" + known +
            R"("labels":{"team":"app:2"},"layers":[{"digest":")" + digest + R"(","size":5}]})" +
            "\n");
}

}  // namespace
}  // namespace gneiss
