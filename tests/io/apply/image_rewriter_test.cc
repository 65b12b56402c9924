#include "io/apply/image_rewriter.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/json/json_edit.h"
#include "io/json/json_value.h"
#include "io/source/manifest.h"
#include "planner/fleet/bytes.h"
#include "tests/make/layout_maker.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string EditedText(const std::string& text, const std::string& key, const std::string& value) {
  JsonEdit edit(text);
  edit.Set(TrimJson(text), key, value);
  return std::move(edit).Finish();
}

std::string WithoutKey(const std::string& text, const std::string& key) {
  JsonEdit edit(text);
  edit.Remove(TrimJson(text), key);
  return std::move(edit).Finish();
}

ChainLayer KeptLayer(std::uint32_t position) { return {.first = position, .num_layers = 1}; }
ChainLayer JoinedLayer(std::uint32_t first, std::uint32_t count) {
  return {.first = first,
          .num_layers = count,
          .is_new = true,
          .digest = Sha256("joined"),
          .diff_id = Sha256("joined tar"),
          .size = 77,
          .comment = fmt::format("gneiss: {} layers joined", count)};
}
ChainLayer MadeLayer(const std::string& id) {
  return {.is_new = true,
          .digest = Sha256(id),
          .diff_id = Sha256(id + " tar"),
          .size = 5,
          .created_by = "gneiss: layer " + id,
          .comment = "gneiss: 3 entries"};
}

std::string IdText(const std::string& name) { return '"' + FormatDigest(Sha256(name)) + '"'; }

// Three layers, between them two steps that made none.
const std::string kStepsOfThree =
    R"({"created":"2024-01-01T00:00:00Z","created_by":"ADD base"},)"
    R"({"created_by":"ENV A=1","empty_layer":true},)"
    R"({"created":"2024-01-03T00:00:00+02:00","created_by":"RUN one\n  two","author":"me"},)"
    R"({"created_by":"CMD [\"x\"]","empty_layer":true},)"
    R"({"created":"2024-01-02T23:00:00Z","created_by":"RUN three","comment":"buildkit","x":1.50})";

std::string ConfigOfThree(const std::string& history = kStepsOfThree) {
  return R"({"os":"linux", "big":12345678901234567890123, "rootfs":{"type":"layers","diff_ids":[)" +
         IdText("0") + "," + IdText("1") + "," + IdText("2") + R"(]},"history":[)" + history +
         R"(],"float":1.0e2})";
}

TEST_CASE("A JSON text changes where it is told to and nowhere else", "[io][apply]") {
  const std::string text = "\n{ \"a\" : 1.50, \"b\":[1, {\"a\":\"}\\\"\"}] ,\"c\":null }\t";
  CHECK(EditedText(text, "a", "2") ==
        "\n{ \"a\" : 2, \"b\":[1, {\"a\":\"}\\\"\"}] ,\"c\":null }\t");
  CHECK(EditedText(text, "b", "[]") == "\n{ \"a\" : 1.50, \"b\":[] ,\"c\":null }\t");
  CHECK(EditedText(text, "d", "3") ==
        "\n{ \"a\" : 1.50, \"b\":[1, {\"a\":\"}\\\"\"}] ,\"c\":null ,\"d\":3}\t");
  CHECK(EditedText("{}", "d", "3") == "{\"d\":3}");
  CHECK(FindMember(TrimJson(text), "c").empty());
  CHECK(ElementsOf(FindMember(TrimJson(text), "b")) ==
        std::vector<std::string_view>{"1", R"({"a":"}\""})"});
}

TEST_CASE("Members are added one after the other", "[io][apply]") {
  for (const std::string text : {"{}", R"({"a":1})"}) {
    JsonEdit edit(text);
    edit.Set(text, "b", "2");
    edit.Set(text, "c", "3");
    const std::string expected = text == "{}" ? R"({"b":2,"c":3})" : R"({"a":1,"b":2,"c":3})";
    CHECK(std::move(edit).Finish() == expected);
  }
}

TEST_CASE("Of a member given twice the last one counts, however it is written", "[io][apply]") {
  const std::string text = R"({"a":1,"\u0061":2,"b":3,"a":4,"c":5})";
  CHECK(FindMember(text, "a") == "4");
  CHECK(EditedText(text, "a", "9") == R"({"b":3,"a":9,"c":5})");
}

TEST_CASE("Members are removed wherever they stand", "[io][apply]") {
  CHECK(WithoutKey(R"({"a":1})", "a") == "{}");
  CHECK(WithoutKey(R"({"a":1,"b":2})", "a") == R"({"b":2})");
  CHECK(WithoutKey(R"({"a":1,"b":2})", "b") == R"({"a":1})");
  CHECK(WithoutKey(R"({"a":1,"b":2,"a":3})", "a") == R"({"b":2})");
  CHECK(WithoutKey(R"({"a":1,"a":2,"b":2,"a":3,"c":4})", "a") == R"({"b":2,"c":4})");
  CHECK(WithoutKey(R"({"a":1})", "b") == R"({"a":1})");
}

// A value with every kind of text that could mislead a scanner.
OrderedJson RandomJson(std::mt19937& random, int depth) {
  static const std::vector<std::string> kTexts = {"",  "\"", "\\",   "}",      "]",    ",",
                                                  ":", "a",  "\\\"", "\u00e9", "\n\t", "{\"a\":1}"};
  const auto text = [&] { return kTexts[random() % kTexts.size()]; };
  switch (random() % (depth > 3 ? 4 : 6)) {
    case 0:
      return text();
    case 1:
      return static_cast<int>(random() % 100) - 50;
    case 2:
      return 0.5 * static_cast<double>(random() % 9);
    case 3:
      return random() % 2 == 0 ? OrderedJson(nullptr) : OrderedJson(true);
    case 4: {
      OrderedJson array = OrderedJson::array();
      for (auto n = random() % 4; n > 0; --n) array.push_back(RandomJson(random, depth + 1));
      return array;
    }
    default: {
      OrderedJson object = OrderedJson::object();
      for (auto n = random() % 4; n > 0; --n) object[text()] = RandomJson(random, depth + 1);
      return object;
    }
  }
}

TEST_CASE("Spans of a JSON text are what a parser finds", "[io][apply]") {
  std::mt19937 random(7);
  for (int round = 0; round < NumRounds(500); ++round) {
    OrderedJson value = OrderedJson::object();
    for (auto n = random() % 5; n > 0; --n) {
      value[std::string(1, static_cast<char>('a' + random() % 5)) + "\\\"}"] =
          RandomJson(random, 0);
    }
    const std::string text = value.dump(random() % 2 == 0 ? -1 : 2);
    const auto members = MembersOf(text);
    REQUIRE(members.size() == value.size());
    std::size_t m = 0;
    for (const auto& [key, member] : value.items()) {
      REQUIRE(members[m].key == key);
      REQUIRE(OrderedJson::parse(members[m].value) == member);
      const auto elements = ElementsOf(members[m].value);
      REQUIRE(elements.size() == (member.is_array() ? member.size() : 0));
      OrderedJson other = value;
      other[key] = "new";
      REQUIRE(OrderedJson::parse(EditedText(text, key, "\"new\"")) == other);
      other.erase(key);
      REQUIRE(OrderedJson::parse(WithoutKey(text, key)) == other);
      ++m;
    }
  }
}

TEST_CASE("Joined layers have one step of history, where the last of them stood", "[io][apply]") {
  const std::vector<ChainLayer> layers = {KeptLayer(0), JoinedLayer(1, 2)};
  const std::string config = RewriteConfig(ConfigOfThree(), layers, 3);
  // The newest of them by the clock, not by the text.
  CHECK(config ==
        R"({"os":"linux", "big":12345678901234567890123, "rootfs":{"type":"layers","diff_ids":[)" +
            IdText("0") + "," + IdText("joined tar") +
            R"(]},"history":[{"created":"2024-01-01T00:00:00Z","created_by":"ADD base"},)"
            R"({"created_by":"ENV A=1","empty_layer":true},)"
            R"({"created_by":"CMD [\"x\"]","empty_layer":true},)"
            R"({"created":"2024-01-02T23:00:00Z","created_by":"RUN one && RUN three",)"
            R"("comment":"gneiss: 2 layers joined","x":1.50}],"float":1.0e2})");
  const std::string all = RewriteConfig(ConfigOfThree(), std::vector{JoinedLayer(0, 3)}, 3);
  const ImageConfig parsed = ParseImageConfig(all);
  REQUIRE(parsed.history.size() == 3);
  CHECK(parsed.history[2].created_by == "ADD base && RUN one && RUN three");
  CHECK(parsed.history[0].empty_layer);
}

TEST_CASE("The newest of joined steps is told by the clock", "[io][apply]") {
  const auto newest = [](const std::string& a, const std::string& b) {
    const std::string history = fmt::format(
        R"({{"created":"{}","created_by":"a"}},{{"created":"{}","created_by":"b"}})", a, b);
    const std::string config = R"({"rootfs":{"diff_ids":[]},"history":[)" + history + "]}";
    return ParseImageConfig(RewriteConfig(config, std::vector{JoinedLayer(0, 2)}, 2))
        .history.front()
        .created;
  };
  CHECK(newest("2024-01-01T12:00:00Z", "2024-01-01T13:30:00+02:00") == "2024-01-01T12:00:00Z");
  CHECK(newest("2024-01-01T12:00:00.5Z", "2024-01-01T12:00:00.25Z") == "2024-01-01T12:00:00.5Z");
  CHECK(newest("2024-02-30T00:00:00Z", "1971-01-01T00:00:00Z") == "1971-01-01T00:00:00Z");
  // Of times that are none, the last step's own stays.
  CHECK(newest("yesterday", "") == "");
}

TEST_CASE("Layers made of contents come before the steps that made none", "[io][apply]") {
  const std::string config =
      RewriteConfig(ConfigOfThree(), std::vector{MadeLayer("L1"), MadeLayer("L2")}, 3);
  const ImageConfig parsed = ParseImageConfig(config);
  REQUIRE(parsed.history.size() == 4);
  CHECK(parsed.diff_ids.size() == 2);
  CHECK(parsed.history[0].created_by == "gneiss: layer L1");
  CHECK(parsed.history[1].created_by == "gneiss: layer L2");
  CHECK(parsed.history[1].created == "2024-01-02T23:00:00Z");
  CHECK(parsed.history[2].created_by == "ENV A=1");
  CHECK(parsed.history[3].created_by == "CMD [\"x\"]");
  CHECK(parsed.history[3].empty_layer);
  // An image may show nothing at all.
  const ImageConfig bare = ParseImageConfig(RewriteConfig(ConfigOfThree(), {}, 3));
  CHECK(bare.diff_ids.empty());
  CHECK(bare.history.size() == 2);
}

TEST_CASE("A history that does not fit its layers stays as steps that made none", "[io][apply]") {
  const std::string short_history =
      R"({"created_by":"ADD base"},{"created_by":"RUN x","empty_layer":false},)"
      R"({"created_by":"ENV","empty_layer":true})";
  const std::vector<ChainLayer> layers = {KeptLayer(0), JoinedLayer(1, 2)};
  const ImageConfig parsed =
      ParseImageConfig(RewriteConfig(ConfigOfThree(short_history), layers, 3));
  REQUIRE(parsed.history.size() == 5);
  for (std::size_t h = 0; h < 3; ++h) CHECK(parsed.history[h].empty_layer);
  CHECK(parsed.history[1].created_by == "RUN x");
  CHECK_FALSE(parsed.history[3].empty_layer);
  CHECK_FALSE(parsed.history[4].empty_layer);
}

TEST_CASE("What is rewritten stands nowhere else, whatever the case of its name", "[io][apply]") {
  const std::vector layers = {JoinedLayer(0, 3)};
  const std::string config = ConfigOfThree();
  const std::string open = config.substr(0, config.rfind('}'));
  for (const std::string more :
       {R"("History":[{"created_by":"z"}])", R"("History":[{},{},{},{},{}])",
        R"("RootFS":{"diff_ids":[]})", R"("ROOTf\u017f":{"Diff_IDs":[]})"}) {
    INFO(more);
    CHECK_THROWS_WITH(RewriteConfig(open + "," + more + "}", layers, 3),
                      Catch::Matchers::Contains("once, found it again or in other spelling"));
  }
  CHECK_NOTHROW(RewriteConfig(open + R"(,"Config":{"User":"a"}})", layers, 3));

  const std::string descriptor =
      R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:)" +
      std::string(64, '1') + R"(","size":2})";
  const std::string manifest = R"({"schemaVersion":2,"config":)" + descriptor + R"(,"layers":[)" +
                               descriptor + "," + descriptor + "," + descriptor + "]";
  for (const std::string& more :
       {R"("Config":)" + descriptor, R"("layer\u017f":[)" + descriptor + "]",
        R"("Layers":[)" + descriptor + "," + descriptor + "," + descriptor + "," + descriptor +
            "]"}) {
    INFO(more);
    CHECK_THROWS_WITH(
        RewriteManifest(manifest + "," + more + "}", layers, LayerCodec::kGzip, "{}", nullptr),
        Catch::Matchers::Contains("once, found it again or in other spelling"));
  }
  CHECK_NOTHROW(RewriteManifest(manifest + "}", layers, LayerCodec::kGzip, "{}", nullptr));
}

TEST_CASE("A config without a history gets none, one without rootfs gets that", "[io][apply]") {
  ChainLayer kept = KeptLayer(0);
  kept.diff_id = Sha256("0");
  const std::vector<ChainLayer> layers = {kept, JoinedLayer(1, 2)};
  const std::string rootfs =
      R"("rootfs":{"type":"layers","diff_ids":[)" + IdText("0") + "," + IdText("joined tar") + "]}";
  CHECK(RewriteConfig(R"({"os":"linux"})", layers, 3) == R"({"os":"linux",)" + rootfs + "}");
  CHECK(RewriteConfig(R"({"history":null,"rootfs":null})", layers, 3) ==
        R"({"history":null,)" + rootfs + "}");
  CHECK_THROWS_WITH(RewriteConfig("{}", std::vector{KeptLayer(0), JoinedLayer(1, 2)}, 3),
                    "rootfs.diff_ids: expected a sha256 for each of 3 layers, found 0");
}

TEST_CASE("A manifest keeps all but its config and its layers", "[io][apply]") {
  const std::string old_layer =
      R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip", "size":1,"digest":)" +
      IdText("0") + R"(,"annotations":{"k":"v"}})";
  const std::string manifest =
      R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",)"
      R"("data":"e30=","digest":)" +
      IdText("c") + R"(,"size":2},"layers":[)" + old_layer + "," + old_layer + "," + old_layer +
      R"(],"annotations":{"a":"b","org.opencontainers.image.base.name":"old"},"other":1.0})";
  const std::vector<ChainLayer> layers = {KeptLayer(0), JoinedLayer(1, 2)};
  const std::string joined =
      R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":)" + IdText("joined") +
      R"(,"size":77})";
  const std::string config =
      R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":)" + IdText("{}") +
      R"(,"size":2})";
  CHECK(RewriteManifest(manifest, layers, LayerCodec::kGzip, "{}", nullptr) ==
        R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" + old_layer + "," + joined +
            R"(],"annotations":{"a":"b","org.opencontainers.image.base.name":"old"},"other":1.0})");
  const BaseReference base{.name = "gneiss-base:L1", .digest_text = "sha256:x"};
  CHECK(RewriteManifest(manifest, layers, LayerCodec::kGzip, "{}", &base) ==
        R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" + old_layer + "," + joined +
            R"(],"annotations":{"a":"b","org.opencontainers.image.base.name":"gneiss-base:L1",)"
            R"("org.opencontainers.image.base.digest":"sha256:x"},"other":1.0})");
}

TEST_CASE("Docker manifests keep docker's types and take no zstd", "[io][apply]") {
  const std::string manifest =
      R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"
      R"("config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":)" +
      IdText("c") + R"(,"size":2},"layers":[]})";
  const std::vector<ChainLayer> layers = {MadeLayer("L1")};
  const Manifest parsed =
      ParseManifest(RewriteManifest(manifest, layers, LayerCodec::kGzip, "{}", nullptr));
  CHECK(parsed.media_type == "application/vnd.docker.distribution.manifest.v2+json");
  CHECK(parsed.layers[0].media_type == "application/vnd.docker.image.rootfs.diff.tar.gzip");
  CHECK(parsed.config->media_type == "application/vnd.docker.container.image.v1+json");
  CHECK_THROWS_WITH(RewriteManifest(manifest, layers, LayerCodec::kZstd, "{}", nullptr),
                    "expected an OCI manifest for layers in zstd, found one of docker's, which has "
                    "no such layers; --compression gzip writes what it has");
}

TEST_CASE("A base is an image of its own", "[io][apply]") {
  const std::vector<ChainLayer> layers = {MadeLayer("L1")};
  const std::string config = MakeConfig("linux/arm/v7", layers);
  CHECK(config ==
        R"({"architecture":"arm","os":"linux","variant":"v7","config":{},)"
        R"("rootfs":{"type":"layers","diff_ids":[)" +
            IdText("L1 tar") +
            R"(]},"history":[{"created_by":"gneiss: layer L1","comment":"gneiss: 3 entries"}]})");
  const std::string manifest = MakeManifest(layers, LayerCodec::kZstd, config, nullptr);
  const Manifest parsed = ParseManifest(manifest);
  CHECK(parsed.kind == ManifestKind::kImage);
  CHECK(parsed.config->digest.digest == Sha256(config));
  CHECK(parsed.annotations.empty());
  const BaseReference below{.name = "gneiss-base:L0", .digest_text = "sha256:x"};
  const Manifest on = ParseManifest(MakeManifest(layers, LayerCodec::kZstd, config, &below));
  CHECK(FindAnnotation(on.annotations, "org.opencontainers.image.base.name") == "gneiss-base:L0");
  CHECK(parsed.layers[0].media_type == "application/vnd.oci.image.layer.v1.tar+zstd");
  const std::string index = LayoutMaker::IndexOf({MakeDescriptor(manifest, "linux/arm/v7", "b:1")});
  const Manifest listed = ParseManifest(index);
  REQUIRE(listed.manifests.size() == 1);
  CHECK(listed.manifests[0].platform == "linux/arm/v7");
  CHECK(listed.manifests[0].digest.digest == Sha256(manifest));
}

}  // namespace
}  // namespace gneiss
