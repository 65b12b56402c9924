#include "io/source/manifest.h"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

const std::string kDigestA = "sha256:" + std::string(64, 'a');
const std::string kDigestB = "sha256:" + std::string(64, 'b');

std::string DescriptorText(const std::string& media_type, const std::string& members = "") {
  return R"({"mediaType":")" + media_type + R"(","digest":")" + kDigestA + R"(","size":5)" +
         members + "}";
}

const std::string kConfig = DescriptorText("application/vnd.oci.image.config.v1+json");
const std::string kLayer = DescriptorText("application/vnd.oci.image.layer.v1.tar+gzip");

std::string ManifestWith(const std::string& members) {
  return R"({"schemaVersion":2,"config":)" + kConfig + R"(,"layers":[)" + kLayer + "]" + members +
         "}";
}

std::string ManifestOf(const std::string& config, const std::string& layers) {
  return R"({"schemaVersion":2,"config":)" + config + R"(,"layers":)" + layers + "}";
}

std::string ManifestErrorOf(const std::string& text) {
  return MessageOf<InputError>([&] { (void)ParseManifest(text); });
}

std::string ConfigErrorOf(const std::string& text) {
  return MessageOf<InputError>([&] { (void)ParseImageConfig(text); });
}

std::vector<std::string> DigestsOf(const std::vector<Descriptor>& descriptors) {
  std::vector<std::string> digests;
  for (const Descriptor& descriptor : descriptors) digests.push_back(descriptor.digest_text);
  return digests;
}

TEST_CASE("An image manifest gives its config, layers and annotations", "[io][manifest]") {
  const Manifest manifest = ParseManifest(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
      kConfig + R"(,"layers":[)" + kLayer +
      R"(,{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar","digest":")" +
      kDigestB + R"(","size":0},)" + DescriptorText("x", R"(,"urls":["https://example.com/x"])") +
      R"(],"annotations":{"k":"v","n":1}})");
  CHECK(manifest.kind == ManifestKind::kImage);
  CHECK(manifest.media_type == "application/vnd.oci.image.manifest.v1+json");
  REQUIRE(manifest.config.has_value());
  CHECK(manifest.config->digest_text == kDigestA);
  CHECK(manifest.config->size == 5);
  REQUIRE(manifest.layers.size() == 3);
  CHECK(manifest.layers[0].media_type == "application/vnd.oci.image.layer.v1.tar+gzip");
  CHECK_FALSE(manifest.layers[0].foreign);
  CHECK_FALSE(manifest.layers[1].foreign);
  CHECK(FormatDigest(manifest.layers[1].digest.digest) == kDigestB);
  CHECK(manifest.layers[1].size == 0);
  CHECK(manifest.layers[2].foreign);
  CHECK(FindAnnotation(manifest.annotations, "k") == "v");
  CHECK(FindAnnotation(manifest.annotations, "n") == "1");
  CHECK(FindAnnotation(manifest.annotations, "absent").empty());
  CHECK(manifest.num_duplicate_keys == 0);
}

TEST_CASE("An index gives its entries with platform and annotations", "[io][manifest]") {
  const Manifest index = ParseManifest(
      R"({"manifests":[)" +
      DescriptorText("application/vnd.oci.image.manifest.v1+json",
                     R"(,"platform":{"os":"Linux","architecture":"arm","variant":"v7"},)"
                     R"("annotations":{"org.opencontainers.image.ref.name":"1"})") +
      "]}");
  CHECK(index.kind == ManifestKind::kIndex);
  REQUIRE(index.manifests.size() == 1);
  CHECK(index.manifests[0].platform == "linux/arm/v7");
  CHECK(FindAnnotation(index.manifests[0].annotations, "org.opencontainers.image.ref.name") == "1");
  CHECK(ParseManifest(R"({"manifests":[]})").kind == ManifestKind::kIndex);
}

TEST_CASE("A bad entry of an index is kept beside the good ones", "[io][manifest]") {
  const Manifest index =
      ParseManifest(R"({"manifests":[{"digest":"sha256:../../x","size":1},)" + kLayer + ",7]}");
  CHECK(index.manifests.size() == 1);
  REQUIRE(index.bad_entries.size() == 2);
  CHECK(
      index.bad_entries[0].what() ==
      std::string("manifests[0].digest: expected a digest, as sha256: and 64 hexadecimal digits in "
                  "lower case, found \"sha256:../../x\""));
  CHECK(index.bad_entries[1].what() ==
        std::string("manifests[2]: expected a descriptor, an object, found 7"));
}

TEST_CASE("A manifest is of an image or of an index, never both or neither", "[io][manifest]") {
  CHECK(ManifestErrorOf(ManifestWith(R"(,"manifests":[])")) ==
        "expected either layers, of an image, or manifests, of an index, found both");
  CHECK(ManifestErrorOf(R"({"layers":null,"manifests":[]})") ==
        "expected either layers, of an image, or manifests, of an index, found both");
  CHECK(ManifestErrorOf(R"({"schemaVersion":2})") ==
        "expected layers, of an image, or manifests, of an index, found neither");
  CHECK(ManifestErrorOf(R"({"manifests":null})") ==
        "manifests: expected an array of descriptors, found null");
  CHECK(ManifestErrorOf("[]") == "expected a manifest, a JSON object, found an array");
}

TEST_CASE("Descriptors of an image are checked field by field", "[io][manifest]") {
  const auto layers = [](const std::string& layer) {
    return ManifestErrorOf(ManifestOf(kConfig, "[" + kLayer + "," + layer + "]"));
  };
  const std::string size =
      "layers[1].size: expected a whole number of bytes from 0 to 9007199254740992, found ";
  const auto sized = [](const std::string& text) {
    return R"({"digest":")" + kDigestA + R"(","size":)" + text + "}";
  };
  CHECK(layers(sized("-1")) == size + "-1");
  CHECK(layers(sized("0.5")) == size + "0.5");
  CHECK(layers(sized("9007199254740993")) == size + "9007199254740993");
  CHECK(layers(sized("18446744073709551616")) == size + "18446744073709551616");
  CHECK(layers(sized("\"5\"")) == size + "\"5\"");
  CHECK(layers(R"({"digest":")" + kDigestA + "\"}") ==
        "layers[1].size: expected the blob's bytes, a whole number, found no such key");
  CHECK(layers(R"({"size":1})") ==
        "layers[1].digest: expected a digest, as sha256: and 64 hexadecimal digits in lower case, "
        "found no such key");
  CHECK(layers(R"({"digest":"sha256:../../x","size":1})") ==
        "layers[1].digest: expected a digest, as sha256: and 64 hexadecimal digits in lower case, "
        "found \"sha256:../../x\"");
  CHECK(layers(DescriptorText("x", R"(,"urls":[5])")) ==
        "layers[1].urls[0]: expected a string, found 5");
  CHECK(ManifestErrorOf(ManifestOf("7", "[]")) ==
        "config: expected a descriptor, an object, found 7");
  CHECK(ManifestErrorOf(R"({"layers":[]})") ==
        "config: expected a descriptor, an object, found no such key");
  CHECK(ManifestErrorOf(ManifestOf(kConfig, "null")) ==
        "layers: expected an array of layers, found no such key");
  CHECK(ManifestErrorOf(ManifestOf(kConfig, "{}")) ==
        "layers: expected an array of layers, found an object");
}

TEST_CASE("An image without layers is an image", "[io][manifest]") {
  const Manifest manifest = ParseManifest(ManifestOf(kConfig, "[]"));
  CHECK(manifest.kind == ManifestKind::kImage);
  CHECK(manifest.layers.empty());
}

TEST_CASE("A config of type octet-stream, or of none, makes an image", "[io][manifest]") {
  CHECK(ParseManifest(ManifestOf(DescriptorText("application/octet-stream"), "[" + kLayer + "]"))
            .kind == ManifestKind::kImage);
  CHECK(ParseManifest(ManifestOf(R"({"digest":")" + kDigestA + R"(","size":1})", "[]")).kind ==
        ManifestKind::kImage);
}

TEST_CASE("Manifests of something other than an image are told apart", "[io][manifest]") {
  const auto kind = [](const std::string& text) { return ParseManifest(text).kind; };
  CHECK(kind(ManifestOf(DescriptorText("application/vnd.oci.empty.v1+json"), "[]")) ==
        ManifestKind::kArtifact);
  CHECK(kind(ManifestOf(DescriptorText("application/vnd.cncf.helm.config.v1+json"),
                        "[" + kLayer + "]")) == ManifestKind::kArtifact);
  CHECK(kind(ManifestWith(R"(,"artifactType":"application/vnd.example")")) ==
        ManifestKind::kArtifact);
  CHECK(kind(ManifestWith(R"(,"subject":)" + kLayer)) == ManifestKind::kReferrer);
  CHECK(kind(ManifestOf(kConfig, "[" + DescriptorText("application/vnd.in-toto+json") + "]")) ==
        ManifestKind::kAttestation);
  CHECK(kind(ManifestOf(kConfig,
                        "[" + DescriptorText("application/vnd.dev.cosign.simplesigning.v1+json") +
                            "]")) == ManifestKind::kReferrer);
  CHECK(kind(R"({"manifests":[],"artifactType":"application/vnd.example"})") ==
        ManifestKind::kArtifact);
  CHECK(kind(R"({"manifests":[],"subject":)" + kLayer + "}") == ManifestKind::kReferrer);
  // What is no image need not look like one.
  CHECK(
      kind(R"({"config":{"mediaType":"application/vnd.x","digest":"","size":0},"layers":null})") ==
      ManifestKind::kArtifact);
}

TEST_CASE("Entries of an index are told apart by what they say", "[io][manifest]") {
  const auto kind = [](const std::string& media_type, const std::string& members = "") {
    const Manifest index =
        ParseManifest(R"({"manifests":[)" + DescriptorText(media_type, members) + "]}");
    return KindOf(index.manifests.at(0));
  };
  const std::string oci = "application/vnd.oci.image.manifest.v1+json";
  CHECK(kind(oci) == ManifestKind::kImage);
  CHECK(kind("") == ManifestKind::kImage);
  CHECK(kind("application/vnd.docker.distribution.manifest.v2+json") == ManifestKind::kImage);
  CHECK(kind("application/vnd.oci.image.index.v1+json") == ManifestKind::kIndex);
  CHECK(kind("application/vnd.docker.distribution.manifest.list.v2+json") == ManifestKind::kIndex);
  CHECK(kind("application/vnd.docker.distribution.manifest.v1+json") == ManifestKind::kSchema1);
  CHECK(kind("application/vnd.docker.distribution.manifest.v1+prettyjws") ==
        ManifestKind::kSchema1);
  CHECK(kind("x-completely-unknown") == ManifestKind::kUnknown);
  CHECK(kind(oci, R"(,"artifactType":"application/x-tar")") == ManifestKind::kArtifact);
  CHECK(kind(oci, R"(,"artifactType":"application/vnd.oci.image.config.v1+json")") ==
        ManifestKind::kImage);
  CHECK(kind(oci, R"(,"platform":{"os":"unknown","architecture":"unknown"})") ==
        ManifestKind::kAttestation);
  CHECK(kind(oci, R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})") ==
        ManifestKind::kAttestation);
}

TEST_CASE("Manifests that are too large, too deep or no JSON are errors", "[io][manifest]") {
  const std::string largest = std::string(kMaxManifestBytes - 20, ' ') + R"({"manifests":[]})";
  CHECK(ParseManifest(largest).kind == ManifestKind::kIndex);
  CHECK(ManifestErrorOf(std::string(kMaxManifestBytes, ' ') + "{}") ==
        "expected at most 4194304 bytes of JSON, found 4194306");
  CHECK(ManifestErrorOf(R"({"layers":)" + std::string(200, '[')) ==
        "JSON is nested deeper than 100 levels");
  CHECK(ManifestErrorOf("<html>") ==
        "byte 1: not JSON: syntax error while parsing value - invalid literal");
  CHECK(ManifestErrorOf(R"({"schemaVersion":99999})") ==
        "schemaVersion: expected 1 or 2, found 99999");
  CHECK(ManifestErrorOf(R"({"schemaVersion":"2"})") ==
        "schemaVersion: expected a whole number from 0 to 9007199254740992, found \"2\"");
}

TEST_CASE("Duplicate keys of a manifest are counted and the last wins", "[io][manifest]") {
  const Manifest manifest =
      ParseManifest(R"({"config":7,"annotations":{"k":"1","k":"2"},"config":)" + kConfig +
                    R"(,"layers":[],"layers":[)" + kLayer + "]}");
  CHECK(manifest.layers.size() == 1);
  CHECK(manifest.num_duplicate_keys == 3);
  CHECK(manifest.annotations == Annotations{{"k", "2"}});
}

TEST_CASE("Schema 1 gives its layers from the base up, without the empty ones", "[io][manifest]") {
  const Manifest manifest = ParseManifest(
      R"({"schemaVersion":1,"fsLayers":[{"blobSum":")" + kDigestB + R"("},{"blobSum":")" +
      kDigestA + R"("},{"blobSum":")" + kDigestA + R"("}],"history":[{"v1Compatibility":"{}"},)" +
      R"({"v1Compatibility":"{\"throwaway\":true}"},{"v1Compatibility":"no json"}]})");
  CHECK(manifest.kind == ManifestKind::kSchema1);
  CHECK(DigestsOf(manifest.layers) == std::vector<std::string>{kDigestA, kDigestB});
  CHECK(manifest.layers[0].size == kUnknownSize);
  CHECK(ManifestErrorOf(R"({"schemaVersion":1})") ==
        "fsLayers: expected an array of layers, found no such key");
}

TEST_CASE("A config gives platform, time, labels, diff_ids and history", "[io][manifest]") {
  const ImageConfig config = ParseImageConfig(
      R"({"os":"linux","architecture":"arm64","variant":"v8","created":"2024-01-02T03:04:05Z",)"
      R"("config":{"Labels":{"a":"1","b":2}},"rootfs":{"type":"layers","diff_ids":[")" +
      kDigestB +
      R"("]},"history":[{"created_by":"RUN x"},{"created_by":"CMD","empty_layer":true}]})");
  CHECK(config.platform == "linux/arm64/v8");
  CHECK(config.created == "2024-01-02T03:04:05Z");
  CHECK(config.labels == Annotations{{"a", "1"}, {"b", "2"}});
  REQUIRE(config.diff_ids.size() == 1);
  CHECK(FormatDigest(config.diff_ids[0].digest) == kDigestB);
  REQUIRE(config.history.size() == 2);
  CHECK(config.history[0].created_by == "RUN x");
  CHECK_FALSE(config.history[0].empty_layer);
  CHECK(config.history[1].empty_layer);
}

TEST_CASE("A null in a history is an entry that says nothing", "[io][manifest]") {
  const ImageConfig config = ParseImageConfig(R"({"history":[null,{"created_by":"RUN x"}]})");
  REQUIRE(config.history.size() == 2);
  CHECK(config.history[0].created_by.empty());
  CHECK_FALSE(config.history[0].empty_layer);
  CHECK(config.history[1].created_by == "RUN x");
}

TEST_CASE("A config may leave out everything, and must not be something else", "[io][manifest]") {
  const ImageConfig empty = ParseImageConfig(
      R"({"config":null,"rootfs":null,"history":null,"os":null,"architecture":"amd64"})");
  CHECK(empty.platform.empty());
  CHECK(empty.history.empty());
  CHECK(ConfigErrorOf("[]") == "expected an image config, a JSON object, found an array");
  CHECK(ConfigErrorOf(R"({"os":5})") == "os: expected a string, found 5");
  CHECK(ConfigErrorOf(R"({"config":[]})") == "config: expected an object, found an array");
  CHECK(ConfigErrorOf(R"({"config":{"Labels":{"x":[]}}})") ==
        "config.Labels.x: expected a string, found an array");
  CHECK(
      ConfigErrorOf(R"({"rootfs":{"diff_ids":["sha256:x"]}})") ==
      "rootfs.diff_ids[0]: expected a digest, as sha256: and 64 hexadecimal digits in lower case, "
      "found \"sha256:x\"");
  CHECK(ConfigErrorOf(R"({"history":[{"empty_layer":1}]})") ==
        "history[0].empty_layer: expected true or false, found 1");
  CHECK(ConfigErrorOf(std::string(kMaxManifestBytes + 1, ' ')) ==
        "expected at most 4194304 bytes of JSON, found 4194305");
}

// One of the fixtures of containers/image. A few of them are links of its repository, stored here
// as the text of the link.
Manifest ParseFixture(const std::string& folder, const std::string& name) {
  INFO(name);
  return ParseManifest(ReadWholeFile(folder + "/" + name));
}

TEST_CASE("A config says what a container starts", "[io][manifest]") {
  const auto started = [](const std::string& settings) {
    const ImageConfig config = ParseImageConfig(R"({"config":{)" + settings + "}}");
    return config.entry_point +
           (config.search_path.empty() ? std::string() : " in " + config.search_path);
  };
  CHECK(started("").empty());
  CHECK(started(R"("Entrypoint":["/bin/app","x"],"Cmd":["y"])") == "/bin/app");
  CHECK(started(R"("Entrypoint":null,"Cmd":["app"],"Env":["A=1","PATH=/a:/b"])") == "app in /a:/b");
  CHECK(started(R"("Cmd":["app"])") ==
        "app in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  CHECK(started(R"("Cmd":["./app"],"WorkingDir":"/srv")") == "/srv/./app");
  CHECK(started(R"("Entrypoint":[7],"Cmd":"app")").empty());
}

TEST_CASE("One image as schema 1, schema 2 and OCI has the same layers", "[io][manifest][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/internal/image/fixtures");
  if (!folder) return;
  const std::vector<std::vector<std::string>> groups = {
      {"schema2.json", "oci1.json", "schema2-to-oci1.json", "oci1-to-schema2.json",
       "schema2-to-schema1-by-docker.json", "oci1-to-schema1.json"},
      {"schema2-all-media-types.json", "schema2-all-media-types-to-oci1.json"},
      {"oci1-all-media-types.json", "oci1-all-media-types-to-schema2.json"}};
  for (const std::vector<std::string>& group : groups) {
    const Manifest first = ParseFixture(*folder, group.front());
    REQUIRE(first.layers.size() >= 5);
    for (const std::string& name : group) {
      const Manifest manifest = ParseFixture(*folder, name);
      INFO(name);
      CHECK(DigestsOf(manifest.layers) == DigestsOf(first.layers));
      if (manifest.kind == ManifestKind::kSchema1) continue;
      CHECK(manifest.kind == ManifestKind::kImage);
      for (std::size_t i = 0; i < first.layers.size(); ++i) {
        CHECK(manifest.layers[i].size == first.layers[i].size);
      }
    }
  }
}

TEST_CASE(
    "Schema 1 has the layers of the schema 2 and OCI manifests made of it, whose unknown sizes "
    "are refused",
    "[io][manifest][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/internal/image/fixtures");
  if (!folder) return;
  const Manifest schema1 = ParseFixture(*folder, "schema1.json");
  REQUIRE(schema1.layers.size() == 6);
  for (const std::string name : {"schema1-to-schema2.json", "schema1-to-oci1.json"}) {
    // A converter that does not know sizes put -1.
    std::string text = ReadWholeFile(*folder + "/" + name);
    CHECK(ManifestErrorOf(text) ==
          "config.size: expected a whole number of bytes from 0 to 9007199254740992, found -1");
    const std::string unknown = "\"size\": -1";
    text.replace(text.find(unknown), unknown.size(), "\"size\": 1");
    CHECK(DigestsOf(ParseManifest(text).layers) == DigestsOf(schema1.layers));
  }
}

TEST_CASE("Layers of an odd media type are layers all the same", "[io][manifest][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/internal/image/fixtures");
  if (!folder) return;
  const Manifest oci = ParseFixture(*folder, "oci1-invalid-media-type.json");
  CHECK(oci.kind == ManifestKind::kImage);
  REQUIRE(oci.layers.size() == 1);
  CHECK(oci.layers[0].media_type == "application/vnd.oci.image.layer.v1.tar+invalid-suffix");
  CHECK(oci.layers[0].size == 51354364);
  const Manifest schema2 = ParseFixture(*folder, "schema2-invalid-media-type.json");
  CHECK(schema2.kind == ManifestKind::kImage);
  CHECK(schema2.layers.size() == 5);
  CHECK(ParseFixture(*folder, "oci1.encrypted.json").kind == ManifestKind::kImage);
  CHECK(ParseFixture(*folder, "oci1-artifact.json").kind == ManifestKind::kArtifact);
}

TEST_CASE("Every config of the fixtures is read", "[io][manifest][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/internal/image/fixtures");
  if (!folder) return;
  for (const std::string name :
       {"oci1-config.json", "oci1-config-extra-fields.json", "oci1-all-media-types-config.json",
        "oci1-all-media-types-to-schema2-config.json", "oci1-to-schema2-config.json",
        "schema1-to-oci1-config.json", "schema1-to-schema2-config.json", "schema2-config.json",
        "schema2-to-oci1-config.json"}) {
    INFO(name);
    const ImageConfig config = ParseImageConfig(ReadWholeFile(*folder + "/" + name));
    CHECK(config.platform == "linux/amd64");
    CHECK(config.diff_ids.size() >= 5);
    CHECK(std::ranges::count(config.history, false, &HistoryEntry::empty_layer) ==
          std::ssize(config.diff_ids));
  }
}

TEST_CASE("Manifests of every type get their kind", "[io][manifest][corpus]") {
  const auto folder = CorpusPath("fixtures/containers-image/internal/manifest/testdata");
  if (!folder) return;
  const auto kind = [&](const std::string& name) { return ParseFixture(*folder, name).kind; };
  for (const std::string name : {"ociv1.manifest.json", "ociv1nomime.manifest.json",
                                 "v2s2.manifest.json", "v2s2nomime.manifest.json"}) {
    INFO(name);
    CHECK(kind(name) == ManifestKind::kImage);
  }
  for (const std::string name :
       {"oci1.index.zstd-selection.json", "oci1.index.zstd-selection2.json", "oci1index.json",
        "ocilist-variants.json", "ociv1.image.index.json", "ociv1nomime.image.index.json",
        "schema2list-variants.json", "schema2list.json", "v2list.everything.json",
        "v2list.manifest.json"}) {
    INFO(name);
    CHECK(kind(name) == ManifestKind::kIndex);
    CHECK(ParseFixture(*folder, name).bad_entries.empty());
  }
  CHECK(kind("oci1.index.everything.json") == ManifestKind::kReferrer);
  CHECK(kind("ociv1.artifact.json") == ManifestKind::kArtifact);
  CHECK(kind("ociv1nomime.artifact.json") == ManifestKind::kArtifact);
  CHECK(kind("v2s1.manifest.json") == ManifestKind::kSchema1);
  CHECK(kind("v2s1-unsigned.manifest.json") == ManifestKind::kSchema1);
  CHECK(kind("v2s1-invalid-signatures.manifest.json") == ManifestKind::kSchema1);
  CHECK(ManifestErrorOf(ReadWholeFile(*folder + "/unknown-version.manifest.json")) ==
        "schemaVersion: expected 1 or 2, found 99999");
  CHECK(ManifestErrorOf(ReadWholeFile(*folder + "/non-json.manifest.json")) ==
        "byte 1: not JSON: syntax error while parsing value - invalid literal");

  const Manifest list = ParseFixture(*folder, "v2list.manifest.json");
  for (const Descriptor& entry : list.manifests) CHECK(KindOf(entry) == ManifestKind::kSchema1);
  const Manifest index = ParseFixture(*folder, "oci1index.json");
  REQUIRE(index.manifests.size() == 3);
  CHECK(KindOf(index.manifests[1]) == ManifestKind::kImage);
  CHECK(KindOf(index.manifests[2]) == ManifestKind::kArtifact);
}

}  // namespace
}  // namespace gneiss
