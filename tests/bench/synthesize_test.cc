#include "bench/synthesize.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "bench/fleet_shape.h"
#include "bench/seeded_random.h"
#include "bench/synthetic_names.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

std::string TextOf(const SynthesisOptions& options, FleetLineStyle style = FleetLineStyle::kFull) {
  std::string text;
  WriteSyntheticFleet(options, style, [&](std::string_view block) { text += block; });
  return text;
}

std::vector<nlohmann::json> LinesOf(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

Fleet FleetOf(const SynthesisOptions& options, FleetWarnings* warnings = nullptr) {
  FleetBuilder builder;
  AddSyntheticFleet(options, builder);
  return builder.Build(warnings);
}

bool IsDigest(const nlohmann::json& value) {
  const auto parsed = ParseDigest(value.get<std::string>());
  return parsed && parsed->verifiable;
}

TEST_CASE("A seed gives the same bytes always and everywhere", "[bench][synthesize]") {
  // Pinned: a change here changes every figure that was measured on synthetic fleets.
  CHECK(FormatDigest(Sha256(TextOf({.num_images = 3000, .seed = 1}))) ==
        "sha256:d1ef543de73f16951288304b3fd875f50117b73b698853c1590aa2b61ea37308");
  CHECK(FormatDigest(Sha256(
            TextOf({.num_images = 3000, .seed = 1, .details = false}, FleetLineStyle::kCompact))) ==
        "sha256:1ac77d7ecba67d3020c88030223e45203c2755afd0ad223fe65cd48bc8ead4d2");
}

TEST_CASE("Another seed gives another fleet", "[bench][synthesize]") {
  const auto first = LinesOf(TextOf({.num_images = 50, .seed = 1}));
  const auto second = LinesOf(TextOf({.num_images = 50, .seed = 2}));
  std::set<std::string> digests;
  std::size_t num_slots = 0;
  for (const auto& line : first) {
    for (const auto& layer : line["layers"]) digests.insert(layer["digest"].get<std::string>());
  }
  for (const auto& line : second) {
    for (const auto& layer : line["layers"]) {
      ++num_slots;
      // The empty layer is everywhere the same.
      if (layer["size"] != 32) CHECK(digests.count(layer["digest"].get<std::string>()) == 0);
    }
  }
  CHECK(num_slots > 50);
}

TEST_CASE("A short fleet is the beginning of a long one", "[bench][synthesize]") {
  const std::string text = TextOf({.num_images = kIsSanitized ? 2000 : 5000});
  CHECK(text.starts_with(TextOf({.num_images = 1000})));
  CHECK(TextOf({.num_images = 0}).empty());
  // Wherever it ends it has the number of images asked for: in particular where a tag has several
  // platforms, and an end between two of them must not let the tag's aliases through.
  std::set<std::int64_t> ends = {1, 2, 3, 10};
  std::set<std::string> all_manifests;
  std::size_t num_tags = 0;
  for (const auto& line : LinesOf(text)) {
    all_manifests.insert(line["manifest_digest"].get<std::string>());
    if (line["platform"] != "linux/arm/v7" || ++num_tags > 10) continue;
    const auto last = static_cast<std::int64_t>(all_manifests.size());
    ends.insert({last - 2, last - 1, last});
  }
  REQUIRE(num_tags > 10);
  for (const std::int64_t num_images : ends) {
    INFO(num_images);
    const std::string beginning = TextOf({.num_images = num_images});
    CHECK(text.starts_with(beginning));
    std::set<std::string> manifests;
    for (const auto& line : LinesOf(beginning)) {
      manifests.insert(line["manifest_digest"].get<std::string>());
    }
    CHECK(static_cast<std::int64_t>(manifests.size()) == num_images);
  }
}

TEST_CASE("A line has the keys of the fleet schema, with values of their kind",
          "[bench][synthesize]") {
  std::set<std::string> keys;
  std::set<std::string> layer_keys;
  std::set<std::string> labels;
  std::set<std::string> platforms;
  for (const auto& line : LinesOf(TextOf({.num_images = 2000}))) {
    for (const auto& [key, value] : line.items()) keys.insert(key);
    const RefParts ref = SplitRef(line["ref"].get_ref<const std::string&>());
    CHECK(ref.host.empty());
    CHECK_FALSE(ref.tag.empty());
    CHECK(ref.repository.find('/') != std::string_view::npos);
    platforms.insert(line["platform"].get<std::string>());
    CHECK(IsDigest(line["manifest_digest"]));
    CHECK(IsDigest(line["config_digest"]));
    CHECK(line["config_size"].get<std::int64_t>() > 0);
    CHECK(line["manifest_size"].get<std::int64_t>() > 0);
    CHECK(line["created"].get<std::string>().size() == std::string("2020-01-01T00:00:00Z").size());
    if (line.contains("labels")) {
      for (const auto& [key, value] : line["labels"].items()) {
        labels.insert(key);
        CHECK_FALSE(value.get<std::string>().empty());
      }
    }
    if (line.contains("pulls")) CHECK(line["pulls"].get<std::int64_t>() >= 0);
    CHECK_FALSE(line["layers"].empty());
    for (const auto& layer : line["layers"]) {
      for (const auto& [key, value] : layer.items()) layer_keys.insert(key);
      CHECK(IsDigest(layer["digest"]));
      CHECK(IsDigest(layer["diff_id"]));
      CHECK(layer["size"].get<std::int64_t>() >= 32);
      CHECK(layer["size"].get<std::int64_t>() < 9'000'000'000);
      CHECK(layer["media_type"].get<std::string>().starts_with("application/vnd."));
      CHECK_FALSE(layer["created_by"].get<std::string>().empty());
    }
  }
  CHECK(keys == std::set<std::string>{"ref", "platform", "manifest_digest", "manifest_size",
                                      "config_digest", "config_size", "created", "labels", "pulls",
                                      "layers"});
  CHECK(layer_keys ==
        std::set<std::string>{"digest", "size", "media_type", "diff_id", "created_by"});
  CHECK(labels == std::set<std::string>{"org.opencontainers.image.base.name", "team"});
  CHECK(platforms == std::set<std::string>{"linux/amd64", "linux/arm64", "linux/arm/v7"});
}

TEST_CASE("The compact form has the same images, layers, sizes and pulls", "[bench][synthesize]") {
  auto full = LinesOf(TextOf({.num_images = 500}));
  const auto compact =
      LinesOf(TextOf({.num_images = 500, .details = false}, FleetLineStyle::kCompact));
  REQUIRE(full.size() == compact.size());
  for (std::size_t i = 0; i < full.size(); ++i) {
    for (const char* key : {"manifest_size", "config_digest", "config_size", "created", "labels"}) {
      full[i].erase(key);
    }
    for (auto& layer : full[i]["layers"]) {
      for (const char* key : {"media_type", "diff_id", "created_by"}) layer.erase(key);
    }
    REQUIRE(full[i] == compact[i]);
  }
}

TEST_CASE("The storage of a detailed image brings nothing into one without details",
          "[bench][synthesize]") {
  SyntheticImage used;
  FleetSynthesizer with({.num_images = 1});
  REQUIRE(with.Next(used));
  REQUIRE(used.config_digest);
  FleetSynthesizer without({.num_images = 3, .details = false});
  // Storage circulates, so the third image may come in that of the first.
  for (int i = 0; i < 3; ++i) {
    REQUIRE(without.Next(used));
    CHECK_FALSE(used.config_digest);
    CHECK(used.config_size == kUnknownSize);
    CHECK(used.manifest_size == kUnknownSize);
    CHECK(used.created.empty());
    CHECK(used.labels.empty());
    for (const SyntheticLayer& layer : used.layers) {
      CHECK_FALSE(layer.diff_id);
      CHECK(layer.media_type.empty());
      CHECK(layer.created_by.empty());
    }
  }
}

TEST_CASE("A ref names one image a platform, and aliases repeat their image",
          "[bench][synthesize]") {
  std::set<std::pair<std::string, std::string>> names;
  std::map<std::string, nlohmann::json> layers_of;
  std::size_t num_aliases = 0;
  for (auto& line : LinesOf(TextOf({.num_images = 4000, .details = false}))) {
    const auto name =
        std::pair(line["ref"].get<std::string>(), line["platform"].get<std::string>());
    INFO(name.first);
    CHECK(names.insert(name).second);
    const auto manifest = line["manifest_digest"].get<std::string>();
    const auto [known, is_new] = layers_of.try_emplace(manifest, line["layers"]);
    if (is_new) continue;
    ++num_aliases;
    CHECK(known->second == line["layers"]);
  }
  CHECK(num_aliases > 80);
}

TEST_CASE("A base label names a repository that has the image's first layer",
          "[bench][synthesize]") {
  std::map<std::string, std::set<std::string>> first_layers_of;
  std::set<std::string> refs;
  std::set<std::string> bases;
  std::int64_t num_labels = 0;
  for (const auto& line : LinesOf(TextOf({.num_images = kIsSanitized ? 4000 : 8000}))) {
    const auto ref = line["ref"].get<std::string>();
    const auto first_layer = line["layers"][0]["diff_id"].get<std::string>();
    refs.insert(ref);
    first_layers_of[std::string(SplitRef(ref).repository)].insert(first_layer);
    if (!line.contains("labels")) continue;
    const auto base = line["labels"].find("org.opencontainers.image.base.name");
    if (base == line["labels"].end()) continue;
    // Bases are pushed before what is built on them. Their twins have other digests, so diff_ids.
    ++num_labels;
    bases.insert(base->get<std::string>());
    INFO(ref << " on " << *base);
    CHECK(first_layers_of[std::string(SplitRef(base->get<std::string>()).repository)].contains(
        first_layer));
  }
  CHECK(num_labels > (kIsSanitized ? 300 : 800));
  // The tag that moves along a base's line is there, but for lines of a tag or two.
  std::erase_if(bases, [&](const std::string& base) { return refs.contains(base); });
  CHECK(bases.size() < 10);
}

TEST_CASE("A fleet made directly is the one that its lines say", "[bench][synthesize]") {
  const Fleet fleet = FleetOf({.num_images = 500});
  std::map<std::string, std::set<std::string>> refs_of;
  std::map<std::string, std::int64_t> pulls_of;
  std::map<std::string, std::int64_t> bytes_of;
  for (const auto& line : LinesOf(TextOf({.num_images = 500}))) {
    const auto manifest = line["manifest_digest"].get<std::string>();
    refs_of[manifest].insert(line["ref"].get<std::string>());
    if (line.contains("pulls")) pulls_of[manifest] += line["pulls"].get<std::int64_t>();
    bytes_of[manifest] = 0;
    for (const auto& layer : line["layers"]) bytes_of[manifest] += layer["size"].get<Bytes>();
  }
  REQUIRE(fleet.images.size() == refs_of.size());
  for (const Image& image : fleet.images) {
    const std::string manifest = FormatDigest(image.identity);
    REQUIRE(refs_of.contains(manifest));
    std::set<std::string> refs;
    for (const TextIndex ref : fleet.refs_of(image)) refs.emplace(fleet.text(ref));
    CHECK(refs == refs_of[manifest]);
    CHECK(image.pulls == (pulls_of.contains(manifest) ? pulls_of[manifest] : 1));
    Bytes bytes = 0;
    for (const LayerIndex layer : fleet.chain(image)) bytes += fleet.layers[layer].size;
    CHECK(bytes == bytes_of[manifest]);
  }
}

TEST_CASE("Twenty thousand images are spread as on Docker Hub", "[bench][synthesize]") {
  FleetWarnings warnings;
  const Fleet fleet = FleetOf({.num_images = 20'000}, &warnings);
  CHECK(warnings.twin_diff_ids == 0);
  CHECK(warnings.several_platforms == 0);
  const FleetShape found = MeasureShape(fleet);
  const FleetShape& hub = DockerHubShape();
  CAPTURE(FormatShape(found, hub));
  CHECK(found.num_images == 20'000);

  constexpr double kLayersTolerance[] = {.0, .0, .1, .1, .1, .25, .05};
  for (std::size_t q = 0; q < 7; ++q) {
    INFO("layers per image, quantile " << kShapeQuantiles[q]);
    CHECK(found.layers_per_image[q] ==
          Approx(hub.layers_per_image[q]).epsilon(kLayersTolerance[q]));
  }
  constexpr double kBytesTolerance[] = {.30, .15, .40, .25, .40, .50};
  for (std::size_t q = 0; q < 6; ++q) {
    INFO("bytes per image, quantile " << kShapeQuantiles[q]);
    CHECK(found.megabytes_per_image[q] ==
          Approx(hub.megabytes_per_image[q]).epsilon(kBytesTolerance[q]));
  }
  CHECK(found.layer_size_distance < .04);
  CHECK(found.megabytes_per_layer == Approx(hub.megabytes_per_layer).epsilon(.15));
  CHECK(found.small_layers == Approx(hub.small_layers).margin(.02));
  CHECK(found.used_once == Approx(hub.used_once).margin(.025));
  CHECK(found.used_twice == Approx(hub.used_twice).margin(.015));
  CHECK(found.used_over_10 == Approx(hub.used_over_10).margin(.006));
  // Bases get their many users in a larger fleet.
  CHECK(found.used_over_50 > .0003);
  CHECK(found.used_over_50 < .0020);
  CHECK(found.logical_over_physical == Approx(hub.logical_over_physical).epsilon(.15));
  for (std::size_t d = 0; d < 10; ++d) {
    INFO("depth decile " << d);
    CHECK(found.shared_by_depth[d] == Approx(hub.shared_by_depth[d]).margin(.07));
  }
  CHECK(found.twin_diff_ids == Approx(hub.twin_diff_ids).margin(.004));
  CHECK(found.under_base == Approx(hub.under_base).margin(.08));
  CHECK(found.tags_per_repository_p50 == Approx(hub.tags_per_repository_p50).margin(1));
  // The largest repositories wait for a larger fleet.
  CHECK(found.tags_per_repository_p90 == Approx(hub.tags_per_repository_p90).epsilon(.25));
  CHECK(found.repeating_images > .005);
}

TEST_CASE("What a writer throws ends the writing", "[bench][synthesize]") {
  int num_writes = 0;
  const auto write = [&](std::string_view) {
    ++num_writes;
    throw std::runtime_error("disk full");
  };
  CHECK_THROWS_WITH(WriteSyntheticFleet({.num_images = 5000}, FleetLineStyle::kFull, write),
                    "disk full");
  CHECK(num_writes == 1);
}

TEST_CASE("The shape of a small fleet is what counting by hand gives", "[bench][fleet_shape]") {
  const auto digest = [](std::string_view name) { return Sha256(name); };
  FleetBuilder builder;
  const auto add = [&](std::string_view ref, const std::vector<const char*>& layers) {
    ImageRecord record;
    record.ref = ref;
    std::string manifest = "manifest ";
    for (const std::string_view name : layers) {
      LayerRecord& layer = record.layers.emplace_back();
      layer.digest = digest(name);
      layer.size = static_cast<Bytes>(name[0] - 'a' + 1) * 1'000'000;
      // "b" and "bz" are twins.
      layer.diff_id = digest(name.substr(0, 1));
      manifest += name;
    }
    record.manifest_digest = digest(manifest);
    builder.Add(record);
  };
  add("x/one:1", {"a"});
  add("x/one:2", {"a", "b"});
  add("x/one:latest", {"a", "b"});
  add("x/two:1", {"a", "bz", "c", "c"});
  const FleetShape shape = MeasureShape(builder.Build());
  CHECK(shape.num_images == 3);
  CHECK(shape.num_refs == 4);
  CHECK(shape.num_repositories == 2);
  CHECK(shape.num_layers == 4);
  CHECK(shape.num_slots == 7);
  CHECK(shape.layers_per_image == std::array<double, 7>{1, 2, 4, 4, 4, 4, 4});
  CHECK(shape.megabytes_per_image == std::array<double, 6>{1, 3, 6, 6, 6, 6});
  CHECK(shape.megabytes_per_layer == Approx(8.0 / 4));
  CHECK(shape.small_layers == 0);
  CHECK(shape.used_once == Approx(.75));
  CHECK(shape.used_twice == 0);
  CHECK(shape.logical_over_physical == Approx(10.0 / 8));
  CHECK(shape.shared_by_depth == std::array<double, 10>{1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(shape.twin_diff_ids == Approx(1.0 / 3));
  CHECK(shape.under_base == Approx(2.0 / 3));
  CHECK(shape.repeating_images == Approx(1.0 / 3));
  CHECK(shape.tags_per_repository_p50 == 1);
  CHECK(shape.tags_per_repository_p90 == 3);
}

TEST_CASE("The law of layer sizes is a distribution function", "[bench][fleet_shape]") {
  CHECK(LayerSizeLaw(0) == 0);
  CHECK(LayerSizeLaw(9e9) == Approx(1));
  // Median of the small part, which the cut at 100 KB moves a little; hardly any of the large part.
  CHECK(LayerSizeLaw(std::exp(7.03)) == Approx(.42 * .5 / .99236).margin(1e-4));
  double before = 0;
  for (double size = 1; size < 1e10; size *= 1.5) {
    CHECK(LayerSizeLaw(size) >= before);
    before = LayerSizeLaw(size);
  }
}

TEST_CASE("Exp in integers follows the exponential", "[bench][seeded_random]") {
  for (Q16 x = -10 * 65536; x < 23 * 65536; x += 977) {
    const double exact = std::exp(static_cast<double>(x) / 65536) * 65536;
    INFO(x);
    CHECK(static_cast<double>(Exp(x, 16)) == Approx(exact).epsilon(4e-6).margin(2));
  }
}

TEST_CASE("A value at a given quantile is the table's", "[bench][seeded_random]") {
  constexpr std::array kPoints = {AtQuantile(0, 0.0), AtQuantile(.5, 1.609438),
                                  AtQuantile(1, 4.605170)};
  CHECK(ValueAt(kPoints, 0) == 1);
  CHECK(ValueAt(kPoints, 0x40000000U) == 2);  // sqrt(5) = 2.24
  CHECK(ValueAt(kPoints, 0x80000000U) == 5);
  CHECK(ValueAt(kPoints, 0xffffffffU) == 100);
}

TEST_CASE("Normal deviates have mean 0, variance 1 and tails", "[bench][seeded_random]") {
  Random random(5);
  double sum = 0;
  double squares = 0;
  int beyond_2 = 0;
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) {
    const double z = static_cast<double>(random.Normal()) / 65536;
    sum += z;
    squares += z * z;
    if (std::abs(z) > 2) ++beyond_2;
  }
  CHECK(sum / kDraws == Approx(0).margin(.01));
  CHECK(squares / kDraws == Approx(1).margin(.02));
  CHECK(static_cast<double>(beyond_2) / kDraws == Approx(.0455).margin(.003));
}

TEST_CASE("Names of organisations and repositories do not repeat", "[bench][synthetic_names]") {
  std::set<std::string> organisations{"library"};
  std::set<std::string> repositories;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    CHECK(organisations.insert(OrganisationName(i)).second);
    CHECK(repositories.insert(RepositoryName(3, i, false)).second);
    CHECK(repositories.insert(RepositoryName(3, i, true)).second);
  }
  std::set<std::string> commits;
  for (std::uint32_t i = 0; i < 20'000; ++i) commits.insert(CommitText(i));
  CHECK(commits.size() == 20'000);
}

TEST_CASE("Times are written as RFC 3339", "[bench][synthetic_names]") {
  CHECK(TimeText(0) == "1970-01-01T00:00:00Z");
  CHECK(TimeText(951'782'399) == "2000-02-28T23:59:59Z");
  CHECK(TimeText(951'782'400) == "2000-02-29T00:00:00Z");
  CHECK(TimeText(1'735'689'599) == "2024-12-31T23:59:59Z");
}

}  // namespace
}  // namespace gneiss
