#include "planner/fleet/fleet_builder.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

Digest DigestOf(const std::string& name) { return Sha256(name); }

LayerRecord LayerOf(const std::string& name, Bytes size = 10) {
  LayerRecord layer;
  layer.digest = DigestOf(name);
  layer.size = size;
  return layer;
}

// An image `ref` whose manifest digest is made of `manifest`; without one when that is empty.
ImageRecord ImageOf(std::string_view ref, const std::string& manifest,
                    std::vector<LayerRecord> layers) {
  ImageRecord image;
  image.ref = ref;
  if (!manifest.empty()) image.manifest_digest = DigestOf(manifest);
  image.layers = std::move(layers);
  return image;
}

std::vector<std::string> RefsOf(const Fleet& fleet, const Image& image) {
  std::vector<std::string> refs;
  for (const TextIndex ref : fleet.refs_of(image)) refs.emplace_back(fleet.text(ref));
  return refs;
}

using Texts = std::vector<std::string>;

TEST_CASE("An empty builder makes an empty fleet", "[planner][fleet_builder]") {
  FleetBuilder builder;
  const Fleet fleet = builder.Build();
  CHECK(fleet.images.empty());
  CHECK(fleet.layers.empty());
}

TEST_CASE("One manifest under several refs is one image", "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("app:2", "m", {LayerOf("a"), LayerOf("b")}));
  builder.Add(ImageOf("app:1", "m", {LayerOf("a"), LayerOf("b")}));
  builder.Add(ImageOf("app:1", "m", {LayerOf("a"), LayerOf("b")}));
  CHECK(builder.num_images() == 1);
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 1);
  CHECK(RefsOf(fleet, fleet.images[0]) == Texts{"app:1", "app:2"});
  CHECK(fleet.name(fleet.images[0]) == "app:1");
  CHECK(fleet.images[0].pulls == 1);
  CHECK(fleet.layers.size() == 2);
}

TEST_CASE("Without a manifest digest the list of layers is the identity",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("app:1", "", {LayerOf("a"), LayerOf("b")}));
  builder.Add(ImageOf("app:2", "", {LayerOf("a"), LayerOf("b")}));
  builder.Add(ImageOf("app:3", "", {LayerOf("b"), LayerOf("a")}));
  builder.Add(ImageOf("app:4", "m", {LayerOf("a"), LayerOf("b")}));
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 3);
  CHECK(RefsOf(fleet, fleet.images[0]) == Texts{"app:1", "app:2"});
  CHECK_FALSE(fleet.images[0].has_manifest_digest);
  CHECK(fleet.images[2].has_manifest_digest);
}

TEST_CASE("Without a manifest digest images of one list of layers differ in their configs",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  const auto add = [&](const char* ref, const char* config) {
    ImageRecord image = ImageOf(ref, "", {LayerOf("a")});
    if (*config != '\0') image.config_digest = DigestOf(config);
    builder.Add(image);
  };
  add("app:1", "ENV A=1");
  add("app:2", "ENV A=2");
  add("app:3", "ENV A=1");
  add("app:4", "");
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 3);
  CHECK(RefsOf(fleet, fleet.images[0]) == Texts{"app:1", "app:3"});
}

TEST_CASE("Images are ordered by ref, platform and identity, layers by first use",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  ImageRecord arm = ImageOf("b:1", "arm", {LayerOf("x"), LayerOf("y")});
  arm.platform = "linux/arm64";
  ImageRecord amd = ImageOf("b:1", "amd", {LayerOf("z")});
  amd.platform = "linux/amd64";
  builder.Add(arm);
  builder.Add(amd);
  builder.Add(ImageOf("a:1", "first", {LayerOf("y"), LayerOf("x")}));
  builder.Add(ImageOf("", "nameless", {LayerOf("w")}));
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 4);
  CHECK(fleet.images[0].identity == DigestOf("nameless"));
  CHECK(fleet.images[1].identity == DigestOf("first"));
  CHECK(fleet.images[2].identity == DigestOf("amd"));
  CHECK(fleet.images[3].identity == DigestOf("arm"));
  std::vector<Digest> layers;
  for (const Layer& layer : fleet.layers) layers.push_back(layer.digest);
  CHECK(layers == std::vector<Digest>{DigestOf("w"), DigestOf("y"), DigestOf("x"), DigestOf("z")});
  CHECK(fleet.name(fleet.images[0]) == FormatDigest(DigestOf("nameless")));
}

TEST_CASE("Pulls of several refs add up, and an image without any counts once",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  ImageRecord image = ImageOf("a:1", "m", {});
  image.pulls = 3;
  builder.Add(image);
  image.ref = "a:2";
  image.pulls = 4;
  builder.Add(image);
  image.ref = "a:3";
  image.pulls.reset();
  builder.Add(image);
  ImageRecord idle = ImageOf("b:1", "n", {});
  idle.pulls = 0;
  builder.Add(idle);
  builder.Add(ImageOf("c:1", "o", {}));
  const Fleet fleet = builder.Build();
  REQUIRE(fleet.images.size() == 3);
  CHECK(fleet.images[0].pulls == 7);
  CHECK(fleet.images[1].pulls == 0);
  CHECK(fleet.images[2].pulls == 1);
}

TEST_CASE("Of contradicting values the smaller is kept, whatever the order",
          "[planner][fleet_builder]") {
  const auto build = [](bool reversed, FleetWarnings& warnings) {
    std::vector<ImageRecord> records;
    for (const std::string_view variant : {"1", "2", "2"}) {
      ImageRecord image = ImageOf("a:1", "m", {LayerOf("l")});
      image.platform = variant == "1" ? "linux/amd64" : "linux/arm64";
      image.created = variant;
      image.config_digest = DigestOf(std::string(variant));
      image.config_size = variant == "1" ? 1 : 2;
      image.layers[0].created_by = variant;
      image.layers[0].diff_id = DigestOf(std::string(variant));
      records.push_back(image);
    }
    if (reversed) std::swap(records.front(), records.back());
    FleetBuilder builder;
    for (const ImageRecord& record : records) builder.Add(record);
    return builder.Build(&warnings);
  };
  for (const bool reversed : {false, true}) {
    FleetWarnings warnings;
    const Fleet fleet = build(reversed, warnings);
    const Image& image = fleet.images.at(0);
    CHECK(fleet.text(image.platform) == "linux/amd64");
    CHECK(fleet.text(image.created) == "1");
    CHECK(image.config_size == 1);
    CHECK(image.config_digest == std::min(DigestOf("1"), DigestOf("2")));
    CHECK(fleet.text(fleet.layers.at(0).created_by) == "1");
    CHECK(fleet.diff_ids.at(fleet.layers[0].diff_id) == std::min(DigestOf("1"), DigestOf("2")));
    CHECK(warnings.twin_diff_ids == 1);
    CHECK(warnings.several_platforms == 1);
  }
}

TEST_CASE("A later ref adds what it knows of the layers", "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", {LayerOf("l")}));
  ImageRecord more = ImageOf("a:2", "m", {LayerOf("l")});
  more.layers[0].diff_id = DigestOf("tar");
  more.layers[0].uncompressed_size = 99;
  more.layers[0].media_type = "tar+gzip";
  more.layers[0].foreign = true;
  builder.Add(more);
  const Fleet fleet = builder.Build();
  const Layer& layer = fleet.layers.at(0);
  CHECK(fleet.diff_ids.at(layer.diff_id) == DigestOf("tar"));
  CHECK(layer.uncompressed_size == 99);
  CHECK(fleet.text(layer.media_type) == "tar+gzip");
  CHECK(layer.foreign);
}

TEST_CASE("One digest with two sizes is refused and leaves the builder as it was",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", {LayerOf("l", 10)}));
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "n", {LayerOf("new", 1), LayerOf("l", 11)})),
                    "layers[1]: one digest with two sizes: " + FormatDigest(DigestOf("l")) +
                        " had size 10, here 11; one of the two manifests is wrong");
  CHECK_THROWS_WITH(
      builder.Add(ImageOf("c:1", "o", {LayerOf("x", 1), LayerOf("y", 5), LayerOf("x", 2)})),
      "layers[2]: one digest with two sizes: " + FormatDigest(DigestOf("x")) +
          " had size 1, here 2; one of the two manifests is wrong");
  builder.Add(ImageOf("d:1", "p", {LayerOf("x", 3), LayerOf("x", 3)}));
  FleetWarnings warnings;
  const Fleet fleet = builder.Build(&warnings);
  REQUIRE(fleet.images.size() == 2);
  CHECK(fleet.layers.size() == 2);
  CHECK(fleet.layers[1].size == 3);
  CHECK(warnings.repeated_layers == 1);
}

TEST_CASE("A manifest of very many layers is checked without comparing all pairs",
          "[planner][fleet_builder]") {
  // 200,000 layers: 2e10 comparisons in pairs.
  std::vector<LayerRecord> layers;
  for (int i = 0; i < 200'000; ++i) layers.push_back(LayerOf(std::to_string(i), i));
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", layers));
  layers.push_back(LayerOf("17", 18));
  CHECK_THROWS_AS(builder.Add(ImageOf("b:1", "n", layers)), InputError);
  CHECK(builder.Build().layers.size() == 200'000);
}

TEST_CASE("A manifest digest with a second list of layers is refused", "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", {LayerOf("x")}));
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "m", {LayerOf("x"), LayerOf("y")})),
                    "layers[1]: manifest " + FormatDigest(DigestOf("m")) + " had none, here " +
                        FormatDigest(DigestOf("y")) +
                        "; a digest names one manifest, so one of the two is wrong");
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "m", {LayerOf("z")})),
                    "layers[0]: manifest " + FormatDigest(DigestOf("m")) + " had " +
                        FormatDigest(DigestOf("x")) + ", here " + FormatDigest(DigestOf("z")) +
                        "; a digest names one manifest, so one of the two is wrong");
  const Fleet fleet = builder.Build();
  CHECK(RefsOf(fleet, fleet.images.at(0)) == Texts{"a:1"});
}

TEST_CASE("Digests of other algorithms keep their text", "[planner][fleet_builder]") {
  const std::string text = "blake3:abc";
  ImageRecord image = ImageOf("", "", {LayerOf("plain")});
  image.manifest_digest = ParseDigest(text).value().digest;
  image.manifest_verifiable = false;
  image.manifest_digest_text = text;
  LayerRecord layer = LayerOf(text);
  layer.verifiable = false;
  layer.digest_text = text;
  image.layers.push_back(layer);
  FleetBuilder builder;
  builder.Add(image);
  builder.Add(image);
  FleetWarnings warnings;
  const Fleet fleet = builder.Build(&warnings);
  CHECK(warnings.unverifiable == 1);
  CHECK(fleet.digest_text(fleet.layers.at(1)) == text);
  CHECK(fleet.digest_text(fleet.layers.at(0)) == FormatDigest(DigestOf("plain")));
  CHECK(fleet.name(fleet.images.at(0)) == text);
  CHECK(fleet.opaque_digests.size() == 1);
}

TEST_CASE("A pool's nodes may come with any image, before or after it is named",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  ImageRecord image = ImageOf("a:1", "m", {});
  image.pools = {{"edge", std::nullopt}, {"core", 5}, {"core", std::nullopt}, {"core", 5}};
  builder.Add(image);
  ImageRecord other = ImageOf("b:1", "n", {});
  other.pools = {{"edge", 3}};
  builder.Add(other);
  builder.Add(ImageOf("c:1", "o", {}));
  FleetWarnings warnings;
  const Fleet fleet = builder.Build(&warnings);
  REQUIRE(fleet.pools.size() == 2);
  CHECK(fleet.text(fleet.pools[0].name) == "core");
  CHECK(fleet.pools[0].nodes == 5);
  CHECK(fleet.text(fleet.pools[1].name) == "edge");
  CHECK(fleet.pools[1].nodes == 3);
  CHECK(fleet.pools_of(fleet.images[0]).size() == 2);
  CHECK(fleet.pools_of(fleet.images[1]).front() == 1);
  CHECK(warnings.images_without_pool == 1);
}

TEST_CASE("A pool with two numbers of nodes, or none, is refused", "[planner][fleet_builder]") {
  FleetBuilder builder;
  ImageRecord image = ImageOf("a:1", "m", {});
  image.pools = {{"p", 3}};
  builder.Add(image);
  image.pools = {{"q", std::nullopt}, {"p", 4}};
  CHECK_THROWS_WITH(builder.Add(image),
                    "pool \"p\" had 3 nodes before, here 4; give it one number everywhere");
  image.pools = {{"q", 1}, {"q", 2}};
  CHECK_THROWS_WITH(builder.Add(image),
                    "pool \"q\" had 1 nodes before, here 2; give it one number everywhere");
  image.pools = {{"q", std::nullopt}};
  builder.Add(image);
  CHECK_THROWS_WITH(builder.Build(),
                    "pool \"q\" is named by an image but no line gives its nodes; write "
                    "{\"name\":\"q\",\"nodes\":N} once");
}

TEST_CASE("No image makes the sums over a fleet leave 64 bits", "[planner][fleet_builder]") {
  constexpr Bytes kLargest = Bytes{1} << 53;
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", {LayerOf("l")}));

  std::vector<LayerRecord> layers;
  for (int i = 0; i < 1025; ++i) layers.push_back(LayerOf(std::to_string(i), kLargest));
  const std::string too_large =
      "expected an image of at most 9007199254740992 bytes, found a larger one";
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "n", layers)), too_large);
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "n", {LayerOf("x", kLargest), LayerOf("y", 1)})),
                    too_large);
  ImageRecord with_config = ImageOf("b:1", "n", {LayerOf("x", 1)});
  with_config.config_size = kLargest;
  CHECK_THROWS_WITH(builder.Add(with_config), too_large);

  ImageRecord pulled = ImageOf("c:1", "o", {LayerOf("x", kLargest - 1)});
  pulled.pulls = 1 << 10;
  pulled.layers[0].created_by = "RUN x";
  CHECK_THROWS_WITH(builder.Add(pulled),
                    "pulls: expected so many that they move at most 72057594037927936 bytes, "
                    "found 1024 of an image of 9007199254740991");
  pulled.pulls = INT64_MAX;
  CHECK_THROWS_AS(builder.Add(pulled), InputError);

  // Each by itself is fine, all of them are not: the one that is too much is named.
  std::int64_t num_added = 0;
  std::string refusal;
  for (int i = 0; i < 1025 && refusal.empty(); ++i) {
    const std::string name = "d:" + std::to_string(i);
    try {
      builder.Add(ImageOf(name, name, {LayerOf(name, kLargest)}));
      ++num_added;
    } catch (const InputError& error) {
      refusal = error.what();
    }
  }
  CHECK(num_added == 31);
  CHECK(refusal ==
        "expected a fleet whose images have, and whose pulls move, at most 288230376151711744 "
        "bytes, found more with this image");

  const Fleet fleet = builder.Build();
  CHECK(std::ssize(fleet.images) == 1 + num_added);
  CHECK(RefsOf(fleet, fleet.images.at(0)) == Texts{"a:1"});
  for (const Layer& layer : fleet.layers) CHECK(fleet.text(layer.created_by).empty());
}

TEST_CASE("An image of more layers than wanted is refused by name of the option",
          "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.LimitLayers(2);
  builder.Add(ImageOf("a:1", "m", {LayerOf("1"), LayerOf("2")}));
  CHECK_THROWS_WITH(builder.Add(ImageOf("b:1", "n", {LayerOf("1"), LayerOf("2"), LayerOf("2")})),
                    "expected an image of at most 2 layers (--max-image-layers), found 3");
  CHECK(builder.num_images() == 1);
}

TEST_CASE("Labels are sorted by key and kept once", "[planner][fleet_builder]") {
  FleetBuilder builder;
  ImageRecord image = ImageOf("a:1", "m", {});
  image.labels = {{"z", "1"}, {"a", "2"}, {"z", "1"}};
  builder.Add(image);
  builder.Add(image);
  const Fleet fleet = builder.Build();
  const Image& built = fleet.images.at(0);
  REQUIRE(built.num_labels == 2);
  CHECK(fleet.text(fleet.labels_of(built)[0].key) == "a");
  CHECK(fleet.label(built, "z") == "1");
  CHECK(fleet.label(built, "absent").empty());
}

TEST_CASE("A builder is empty after it has built", "[planner][fleet_builder]") {
  FleetBuilder builder;
  builder.Add(ImageOf("a:1", "m", {LayerOf("l", 10)}));
  CHECK(builder.Build().images.size() == 1);
  builder.Add(ImageOf("b:1", "n", {LayerOf("l", 20)}));
  const Fleet fleet = builder.Build();
  CHECK(fleet.images.size() == 1);
  CHECK(fleet.layers.at(0).size == 20);
}

TEST_CASE("Refs fall into host, repository, namespace and tag", "[planner][fleet]") {
  const auto check = [](std::string_view ref, std::string_view host, std::string_view repository,
                        std::string_view name_space, std::string_view tag) {
    INFO(ref);
    const RefParts parts = SplitRef(ref);
    CHECK(parts.host == host);
    CHECK(parts.repository == repository);
    CHECK(parts.name_space == name_space);
    CHECK(parts.tag == tag);
  };
  check("debian:12", "", "debian", "library", "12");
  check("debian", "", "debian", "library", "");
  check("team/app:1.0", "", "team/app", "team", "1.0");
  check("example.com/team/sub/app:1.0", "example.com", "team/sub/app", "team", "1.0");
  check("localhost:5000/app", "localhost:5000", "app", "library", "");
  check("localhost/app:x", "localhost", "app", "library", "x");
  check("app@sha256:abc", "", "app", "library", "sha256:abc");
  check("app:1@sha256:abc", "", "app", "library", "sha256:abc");
  check("", "", "(no ref)", "(no ref)", "");
}

}  // namespace
}  // namespace gneiss
