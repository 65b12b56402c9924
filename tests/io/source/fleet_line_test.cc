#include "io/source/fleet_line.h"

#include <random>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "io/bytes/line_reader.h"
#include "planner/fleet/bytes.h"
#include "tests/make/rounds.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

const std::string kLineDigestA = "sha256:" + std::string(64, 'a');
const std::string kLineDigestB = "sha256:" + std::string(64, 'b');

// A parser and a line with the bytes behind it that the parser may read.
class ParsedLine {
 public:
  explicit ParsedLine(const std::string& text)
      : text_(text + std::string(LineReader::kPadding, '}')), size_(text.size()) {
    line = parser_.Parse(std::string_view(text_).substr(0, size_));
  }
  const ImageRecord& image() const { return *line.image; }

  FleetLine line;

 private:
  std::string text_;
  std::size_t size_;
  FleetLineParser parser_;
};

std::string LineErrorOf(const std::string& text) {
  return MessageOf<InputError>([&] { ParsedLine{text}; });
}

// A layer with `members` added to its digest and size.
std::string LayerWith(const std::string& members) {
  return R"({"digest":")" + kLineDigestA + R"(","size":5)" + members + "}";
}

// A line with one good layer and `members`, which start with a comma.
std::string LineWith(const std::string& members) {
  return R"({"layers":[)" + LayerWith("") + "]" + members + "}";
}

// A line whose only layer is `layer`.
std::string LineOf(const std::string& layer) { return R"({"layers":[)" + layer + "]}"; }

TEST_CASE("A line with every key gives every field", "[io][fleet_line]") {
  const ParsedLine parsed(
      R"({"ref":"app:1","platform":"linux/arm64/v8","manifest_digest":")" + kLineDigestA +
      R"(","config_digest":")" + kLineDigestB +
      R"(","config_size":10,"manifest_size":20,"created":"2024-01-02T03:04:05Z",)" +
      R"("pulls":7,"labels":{"k":"v","n":1.5,"t":true,"z":null},)" +
      R"("pools":["edge",{"name":"core","nodes":3},{"name":"lab"}],)" + R"("layers":[{"digest":")" +
      kLineDigestB + R"(","size":9007199254740992,"media_type":"tar+gzip","diff_id":")" +
      kLineDigestA + R"(","uncompressed_size":0,"created_by":"RUN \"x\"","urls":[]}],)" +
      R"("history":[],"unknown":[{"deep":1}]})");
  const ImageRecord& image = parsed.image();
  CHECK(image.ref == "app:1");
  CHECK(image.platform == "linux/arm64/v8");
  CHECK(FormatDigest(image.manifest_digest.value()) == kLineDigestA);
  CHECK(image.manifest_verifiable);
  CHECK(FormatDigest(image.config_digest.value()) == kLineDigestB);
  CHECK(image.config_size == 10);
  CHECK(image.manifest_size == 20);
  CHECK(image.created == "2024-01-02T03:04:05Z");
  CHECK(image.pulls == 7);
  REQUIRE(image.layers.size() == 1);
  CHECK(FormatDigest(image.layers[0].digest) == kLineDigestB);
  CHECK(image.layers[0].size == kMaxBlobSize);
  CHECK(image.layers[0].media_type == "tar+gzip");
  CHECK(FormatDigest(image.layers[0].diff_id.value()) == kLineDigestA);
  CHECK(image.layers[0].uncompressed_size == 0);
  CHECK(image.layers[0].created_by == "RUN \"x\"");
  CHECK_FALSE(image.layers[0].foreign);
  REQUIRE(image.labels.size() == 3);
  for (const LabelRecord& label : image.labels) {
    CHECK(label.value == (label.key == "k" ? "v" : label.key == "n" ? "1.5" : "true"));
  }
  REQUIRE(image.pools.size() == 3);
  CHECK(image.pools[0].name == "edge");
  CHECK_FALSE(image.pools[0].nodes.has_value());
  CHECK(image.pools[1].name == "core");
  CHECK(image.pools[1].nodes == 3);
  CHECK_FALSE(image.pools[2].nodes.has_value());
  CHECK(parsed.line.num_duplicate_keys == 0);
  CHECK_FALSE(parsed.line.history_mismatch);
  CHECK_FALSE(parsed.line.is_attestation);
}

TEST_CASE("Only layers are needed, and null is as good as absent", "[io][fleet_line]") {
  const ParsedLine parsed(
      R"({"ref":null,"platform":null,"manifest_digest":null,"config_digest":null,"config_size":null,
          "manifest_size":null,"created":null,"history":null,"labels":null,"pulls":null,
          "pools":null,"layers":[]})");
  const ImageRecord& image = parsed.image();
  CHECK(image.ref.empty());
  CHECK(image.platform.empty());
  CHECK_FALSE(image.manifest_digest.has_value());
  CHECK_FALSE(image.config_digest.has_value());
  CHECK(image.config_size == kUnknownSize);
  CHECK(image.manifest_size == kUnknownSize);
  CHECK_FALSE(image.pulls.has_value());
  CHECK(image.layers.empty());
}

TEST_CASE("Nothing of a line is left for the next one", "[io][fleet_line]") {
  FleetLineParser parser;
  const std::string first = LineWith(R"(,"ref":"a:1","pulls":3,"labels":{"k":"v"},"pools":["p"])");
  const std::string padded = first + std::string(LineReader::kPadding, ' ');
  (void)parser.Parse(std::string_view(padded).substr(0, first.size()));
  const std::string second = R"({"layers":[]})" + std::string(LineReader::kPadding, ' ');
  const FleetLine line =
      parser.Parse(std::string_view(second).substr(0, second.size() - LineReader::kPadding));
  CHECK(line.image->ref.empty());
  CHECK_FALSE(line.image->pulls.has_value());
  CHECK(line.image->layers.empty());
  CHECK(line.image->labels.empty());
  CHECK(line.image->pools.empty());
}

TEST_CASE("A field of the wrong type is an error that names it", "[io][fleet_line]") {
  CHECK(LineErrorOf("[]") == "expected a JSON object that describes one image, found an array");
  CHECK(LineErrorOf("17") == "expected a JSON object that describes one image, found 17");
  CHECK(LineErrorOf("{}") == "layers: expected an array of layers, found no such key");
  CHECK(LineErrorOf(R"({"layers":null})") ==
        "layers: expected an array of layers, found no such key");
  CHECK(LineErrorOf(R"({"layers":{}})") == "layers: expected an array of layers, found an object");
  CHECK(LineErrorOf(LineOf("7")) == "layers[0]: expected an object with digest and size, found 7");
  CHECK(LineErrorOf(LineWith(R"(,"ref":5)")) == "ref: expected a string, found 5");
  CHECK(LineErrorOf(LineWith(R"(,"created":[])")) == "created: expected a string, found an array");
  CHECK(LineErrorOf(LineOf(LayerWith(R"(,"created_by":true)"))) ==
        "layers[0].created_by: expected a string, found true");
  CHECK(LineErrorOf(LineOf(LayerWith(R"(,"media_type":1)"))) ==
        "layers[0].media_type: expected a string, found 1");
  CHECK(LineErrorOf(LineOf(LayerWith(R"(,"urls":"x")"))) ==
        "layers[0].urls: expected an array of strings, found \"x\"");
  CHECK(LineErrorOf(LineOf(LayerWith(R"(,"urls":["x",1])"))) ==
        "layers[0].urls[1]: expected a string, found 1");
  CHECK(LineErrorOf(LineWith(R"(,"history":{})")) ==
        "history: expected an array of history entries, found an object");
  CHECK(LineErrorOf(LineWith(R"(,"history":["x"])")) ==
        "history[0]: expected an object with created_by, found \"x\"");
  CHECK(LineErrorOf(LineWith(R"(,"history":[{"created_by":1}])")) ==
        "history[0].created_by: expected a string, found 1");
  CHECK(LineErrorOf(LineWith(R"(,"history":[{"empty_layer":"yes"}])")) ==
        "history[0].empty_layer: expected true or false, found \"yes\"");
  CHECK(LineErrorOf(LineWith(R"(,"labels":[])")) ==
        "labels: expected an object of strings, found an array");
  CHECK(LineErrorOf(LineWith(R"(,"labels":{"a b":{}})")) ==
        "labels.a b: expected a string, found an object");
  CHECK(LineErrorOf(LineWith(R"(,"labels":{"a\nb":[]})")) ==
        "labels.\"a\\x0ab\": expected a string, found an array");
  CHECK(LineErrorOf(LineWith(R"(,"pools":"p")")) ==
        "pools: expected an array of pools, found \"p\"");
  CHECK(LineErrorOf(LineWith(R"(,"pools":[1])")) ==
        "pools[0]: expected a pool's name or an object with name and nodes, found 1");
  CHECK(LineErrorOf(LineWith(R"(,"pools":["a",{"nodes":1}])")) ==
        "pools[1].name: expected a pool's name, found no such key");
  CHECK(LineErrorOf(LineWith(R"(,"pools":[""])")) ==
        "pools[0]: expected a pool's name, found an empty one");
  CHECK(LineErrorOf(LineWith(R"(,"pools":[{"name":"a","nodes":-1}])")) ==
        "pools[0].nodes: expected a whole number of nodes from 0 to 9007199254740992, found -1");
}

TEST_CASE("Sizes are whole numbers of bytes from 0 to 2^53", "[io][fleet_line]") {
  const auto line = [](const std::string& size) {
    return LineOf(R"({"digest":")" + kLineDigestA + R"(","size":)" + size + "}");
  };
  CHECK(ParsedLine(line("0")).image().layers[0].size == 0);
  CHECK(ParsedLine(line("9007199254740992")).image().layers[0].size == kMaxBlobSize);
  CHECK(ParsedLine(line("5.0")).image().layers[0].size == 5);
  CHECK(ParsedLine(line("1e6")).image().layers[0].size == 1000000);
  for (const auto& [given, found] : {std::pair<std::string, std::string>{"-5", "-5"},
                                     {"1.5", "1.5"},
                                     {"9007199254740993", "9007199254740993"},
                                     {"9223372036854775808", "9223372036854775808"},
                                     {"99999999999999999999", "1e+20"},
                                     {"1e300", "1e+300"},
                                     {"\"5\"", "\"5\""},
                                     {"true", "true"},
                                     {"[]", "an array"}}) {
    CHECK(LineErrorOf(line(given)) ==
          "layers[0].size: expected a whole number of bytes from 0 to 9007199254740992, found " +
              found);
  }
  CHECK(LineErrorOf(line("null")) ==
        "layers[0].size: expected the layer's bytes, a whole number, found no such key");
  CHECK(LineErrorOf(LineWith(R"(,"config_size":-1)")) ==
        "config_size: expected a whole number of bytes from 0 to 9007199254740992, found -1");
  CHECK(LineErrorOf(LineWith(R"(,"manifest_size":0.5)")) ==
        "manifest_size: expected a whole number of bytes from 0 to 9007199254740992, found 0.5");
  CHECK(LineErrorOf(LineOf(LayerWith(R"(,"uncompressed_size":-2)"))) ==
        "layers[0].uncompressed_size: expected a whole number of bytes from 0 to 9007199254740992, "
        "found -2");
  CHECK(LineErrorOf(LineWith(R"(,"pulls":-3)")) ==
        "pulls: expected a whole number of pulls from 0 to 9007199254740992, found -3");
}

TEST_CASE("A digest that is not one is an error wherever it stands", "[io][fleet_line]") {
  const std::string expected =
      ": expected a digest, as sha256: and 64 hexadecimal digits in lower case, found ";
  for (const std::string bad :
       {"sha256:../../x", "sha256:", "sha256", "", "SHA256:aa", "sha256:AAAA"}) {
    const std::string found = expected + "\"" + bad + "\"";
    CHECK(LineErrorOf(LineOf(R"({"digest":")" + bad + R"(","size":1})")) ==
          "layers[0].digest" + found);
    CHECK(LineErrorOf(LineOf(LayerWith(R"(,"diff_id":")" + bad + "\""))) ==
          "layers[0].diff_id" + found);
    CHECK(LineErrorOf(LineWith(R"(,"manifest_digest":")" + bad + "\"")) ==
          "manifest_digest" + found);
    CHECK(LineErrorOf(LineWith(R"(,"config_digest":")" + bad + "\"")) == "config_digest" + found);
  }
  CHECK(LineErrorOf(LineOf(R"({"size":1})")) == "layers[0].digest" + expected + "no such key");
  CHECK(LineErrorOf(LineOf(R"({"digest":5,"size":1})")) == "layers[0].digest" + expected + "5");
}

TEST_CASE("A digest of another algorithm is taken as a key", "[io][fleet_line]") {
  const std::string digest = "blake3:abc_DEF-1=";
  const ParsedLine parsed(R"({"manifest_digest":")" + digest + R"(","layers":[{"digest":")" +
                          digest + R"(","size":1}]})");
  CHECK_FALSE(parsed.image().manifest_verifiable);
  CHECK(parsed.image().manifest_digest_text == digest);
  CHECK_FALSE(parsed.image().layers[0].verifiable);
  CHECK(parsed.image().layers[0].digest_text == digest);
}

TEST_CASE("Platforms come as text or as an object, and leave in lower case", "[io][fleet_line]") {
  const auto platform = [](const std::string& json) {
    return std::string(ParsedLine(LineWith(R"(,"platform":)" + json)).image().platform);
  };
  CHECK(platform(R"("linux/amd64")") == "linux/amd64");
  CHECK(platform(R"("Linux/ARM64/V8")") == "linux/arm64/v8");
  CHECK(platform(R"("")").empty());
  CHECK(platform(R"({"os":"linux","architecture":"amd64"})") == "linux/amd64");
  CHECK(platform(R"({"os":"Linux","architecture":"arm","variant":"v7"})") == "linux/arm/v7");
  CHECK(LineErrorOf(LineWith(R"(,"platform":"linux")")) ==
        "platform: expected OS/ARCHITECTURE[/VARIANT] such as linux/arm64/v8, found \"linux\"");
  CHECK(LineErrorOf(LineWith(R"(,"platform":{"os":"linux"})")) ==
        "platform: expected an object with os and architecture, found \"\"");
  CHECK(LineErrorOf(LineWith(R"(,"platform":{"os":1})")) ==
        "platform.os: expected a string, found 1");
  CHECK(LineErrorOf(LineWith(R"(,"platform":[])")) ==
        "platform: expected a string OS/ARCHITECTURE[/VARIANT], found an array");
}

TEST_CASE("Layers with urls are foreign, whatever their media type says", "[io][fleet_line]") {
  const auto foreign = [](const std::string& members) {
    return ParsedLine(LineOf(LayerWith(members))).image().layers[0].foreign;
  };
  CHECK_FALSE(foreign(R"(,"urls":[])"));
  CHECK_FALSE(foreign(R"(,"media_type":"application/vnd.oci.image.layer.v1.tar+gzip")"));
  CHECK(foreign(R"(,"urls":["https://example.com/layer"])"));
  // Without urls there is no other place: the registry holds it.
  CHECK_FALSE(
      foreign(R"(,"media_type":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")"));
  CHECK_FALSE(
      foreign(R"(,"media_type":"application/vnd.oci.image.layer.nondistributable.v1.tar")"));
}

TEST_CASE("History gives the layers their instructions when the counts agree", "[io][fleet_line]") {
  const std::string two_layers = R"({"layers":[)" + LayerWith("") + "," + LayerWith("") + "],";
  const std::string history = R"("history":[{"created_by":"/bin/sh -c #(nop) ADD file:x in / "},)"
                              R"({"created_by":"CMD","empty_layer":true},)"
                              R"({"created_by":"/bin/sh -c make","empty_layer":false}]})";
  const ParsedLine parsed(two_layers + history);
  CHECK(parsed.image().layers[0].created_by == "/bin/sh -c #(nop) ADD file:x in / ");
  CHECK(parsed.image().layers[1].created_by == "/bin/sh -c make");
  CHECK_FALSE(parsed.line.history_mismatch);
}

TEST_CASE("History never replaces an instruction that a layer carries", "[io][fleet_line]") {
  const ParsedLine parsed(R"({"layers":[)" + LayerWith("") + "," +
                          LayerWith(R"(,"created_by":"RUN own")") +
                          R"(],"history":[{"created_by":"a"},{"created_by":"b"}]})");
  CHECK(parsed.image().layers[0].created_by.empty());
  CHECK(parsed.image().layers[1].created_by == "RUN own");
}

TEST_CASE("History of another length is left out, with a warning if it marks empty layers",
          "[io][fleet_line]") {
  const ParsedLine unmarked(LineWith(R"(,"history":[{"created_by":"a"},{"created_by":"b"}])"));
  CHECK(unmarked.image().layers[0].created_by.empty());
  CHECK_FALSE(unmarked.line.history_mismatch);
  const ParsedLine marked(LineWith(R"(,"history":[{"created_by":"a","empty_layer":true}])"));
  CHECK(marked.image().layers[0].created_by.empty());
  CHECK(marked.line.history_mismatch);
}

TEST_CASE("Of a key given twice the last value wins, and each repeat is counted",
          "[io][fleet_line]") {
  const ParsedLine parsed(R"({"ref":5,"ref":"b","ref":"c","x":1,"x":2,"labels":{"k":"1","k":"2"},)"
                          R"("layers":"bad","layers":[{"digest":"bad","digest":")" +
                          kLineDigestA + R"(","size":-1,"size":4}]})");
  CHECK(parsed.image().ref == "c");
  CHECK(parsed.image().layers.at(0).size == 4);
  REQUIRE(parsed.image().labels.size() == 1);
  CHECK(parsed.image().labels[0].value == "2");
  CHECK(parsed.line.num_duplicate_keys == 7);
  // Many unknown keys take another way.
  std::string many;
  for (int i = 0; i < 40; ++i) many += ",\"key" + std::to_string(i % 30) + "\":0";
  CHECK(ParsedLine(LineWith(many)).line.num_duplicate_keys == 10);
  CHECK(ParsedLine(LineWith(R"(,"ref":"a","ref":null)")).image().ref.empty());
}

TEST_CASE("Lines nest 100 levels and no more", "[io][fleet_line]") {
  const auto nested = [](std::size_t depth) {
    return LineWith(R"(,"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']'));
  };
  CHECK(ParsedLine(nested(100)).image().layers.size() == 1);
  CHECK(LineErrorOf(nested(101)) == "JSON is nested deeper than 100 levels");
  CHECK(LineErrorOf(nested(100'000)) == "JSON is nested deeper than 100 levels");
}

TEST_CASE("A line that is not JSON is an error at its byte", "[io][fleet_line]") {
  CHECK(LineErrorOf(R"({"ref":"a)") ==
        "byte 10: not JSON: syntax error while parsing value - invalid string: missing closing "
        "quote");
  CHECK(LineErrorOf(LineWith(R"(,"ref":nul)")) ==
        "byte " + std::to_string(LineWith("").size() + 10) +
            ": not JSON: syntax error while parsing value - invalid literal");
  CHECK(LineErrorOf("{} {}") ==
        "byte 4: not JSON: syntax error while parsing value - unexpected '{'; "
        "expected end of input");
  CHECK(
      LineErrorOf("{\"ref\":\"\xff\"}") ==
      "byte 9: not JSON: syntax error while parsing value - invalid string: ill-formed UTF-8 byte");
}

TEST_CASE("A number too large for 64 bits under an unknown key is ignored", "[io][fleet_line]") {
  const ParsedLine parsed(LineWith(R"(,"x":123456789012345678901234567890,"ref":"a","ref":"b")"));
  CHECK(parsed.image().ref == "b");
  CHECK(parsed.image().layers.at(0).size == 5);
  CHECK(parsed.line.num_duplicate_keys == 1);
}

// What a line gives, or its error, as one text.
std::string Verdict(const std::string& text) {
  try {
    const ParsedLine parsed(text);
    const ImageRecord& image = parsed.image();
    std::string verdict(image.ref);
    verdict.append("|").append(image.platform).append("|").append(image.created);
    verdict +=
        "|" + std::to_string(image.config_size) + "|" + std::to_string(image.pulls.value_or(-1));
    for (const LayerRecord& layer : image.layers) {
      verdict += "|" + FormatDigest(layer.digest) + " " + std::to_string(layer.size) + " ";
      verdict.append(layer.created_by).append(layer.foreign ? " foreign" : "");
    }
    for (const LabelRecord& label : image.labels) {
      verdict.append("|").append(label.key).append("=").append(label.value);
    }
    for (const PoolRecord& pool : image.pools) {
      verdict.append("|").append(pool.name) += std::to_string(pool.nodes.value_or(-1));
    }
    return verdict + "|" + std::to_string(parsed.line.num_duplicate_keys) +
           (parsed.line.history_mismatch ? " mismatch" : "");
  } catch (const InputError& error) {
    return error.place().empty() ? error.what() : "not JSON";
  }
}

TEST_CASE("The fast and the exact parser agree on every line", "[io][fleet_line]") {
  const std::string base =
      R"({"ref":"app:1","platform":"linux/ARM/v7","config_size":12,"pulls":3,"created":"now",)"
      R"("labels":{"a":"\u00e9","b":17,"c":-1.5e3,"d":true},"pools":["p",{"name":"q","nodes":2}],)"
      R"("history":[{"created_by":"RUN"},{"created_by":"x","empty_layer":true}],"layers":[)" +
      LayerWith(R"(,"media_type":"t","urls":["u"])") + "]}";
  std::mt19937_64 random(5);
  const std::string alphabet = "0123456789\"\\{}[],:-.eE tfnula\xc3\xa9\x01";
  std::size_t num_images = 0;
  std::size_t num_errors = 0;
  for (int round = 0; round < NumRounds(6000); ++round) {
    std::string line = base;
    for (std::size_t changes = random() % 3; changes > 0; --changes) {
      line[1 + random() % (line.size() - 2)] = alphabet[random() % alphabet.size()];
    }
    // An integer beyond 64 bits makes simdjson refuse the line.
    const std::string exact =
        line.substr(0, line.size() - 1) + R"(,"zz":123456789012345678901234567890})";
    const std::string verdict = Verdict(line);
    REQUIRE(Verdict(exact) == verdict);
    num_images += verdict.starts_with("app:1|") ? 1 : 0;
    num_errors += verdict.find("expected") != std::string::npos ? 1 : 0;
  }
  CHECK(num_images > NumRounds(300));
  CHECK(num_errors > NumRounds(300));
}

TEST_CASE("Attestations are told from images by platform or layer type", "[io][fleet_line]") {
  CHECK(ParsedLine(LineWith(R"(,"platform":"unknown/unknown")")).line.is_attestation);
  CHECK(ParsedLine(LineOf(LayerWith(R"(,"media_type":"application/vnd.in-toto+json")")))
            .line.is_attestation);
}

}  // namespace
}  // namespace gneiss
