// The image spec's rules for documents: for each one a document that breaks it alone, beside a
// right one that differs in nothing else.
#include "io/source/document_rules.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "planner/fleet/bytes.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

// What is written for a part of a right document, and what is then said; empty: it is right, too.
struct Change {
  std::string part;
  std::string other;
  std::string error;
};

void CheckChanges(void (*check)(std::string_view), const std::string& right,
                  const std::vector<Change>& changes) {
  REQUIRE_NOTHROW(check(right));
  for (const Change& change : changes) {
    const std::size_t at = right.find(change.part);
    REQUIRE(at != std::string::npos);
    std::string text = right;
    text.replace(at, change.part.size(), change.other);
    INFO(text);
    if (change.error.empty()) {
      CHECK_NOTHROW(check(text));
    } else {
      CHECK(MessageOf<InputError>([&] { check(text); }) == change.error);
    }
  }
}

const std::string kHexOfDigest = "3f0a64f2c55e9b3e0ee3cd0c42ba4c7b39a9a9f4c6ec4a5b4a8b7a9d4b1e2c10";
const std::string kLongName = std::string(127, 'n');
const std::string kMediaTypeRule = "expected a media type, as \"type/subtype\" of RFC 6838, found ";
const std::string kDigestRule =
    "expected a digest, as sha256: and 64 hexadecimal digits in lower case, found ";
const std::string kSizeRule = "expected a whole number of bytes from 0 to 9007199254740992, found ";

const std::string kManifestDocument = fmt::format(
    R"({{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
    R"("config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{0}","size":70}},)"
    R"("layers":[{{"mediaType":"a/b","digest":"sha256:{0}","size":9,"urls":["https://host/l"]}}],)"
    R"("annotations":{{"k":"v"}}}})",
    kHexOfDigest);

TEST_CASE("A manifest that breaks a rule of the image spec is refused, its right twin is not",
          "[io][document_rules]") {
  const std::string digest = R"("digest":"sha256:)" + kHexOfDigest + R"(","size":9)";
  const std::string layer = R"({"mediaType":"a/b",)" + digest + R"(,"urls":["https://host/l"]})";
  const auto with_digest = [&](const std::string& text) {
    return R"("digest":")" + text + R"(","size":9)";
  };
  CheckChanges(
      CheckManifestRules, kManifestDocument,
      {
          {R"("schemaVersion":2,)", "", "schemaVersion: expected 2, found no such key"},
          {R"("schemaVersion":2)", R"("schemaVersion":3)", "schemaVersion: expected 2, found 3"},
          {R"("schemaVersion":2)", R"("schemaVersion":"2")",
           "schemaVersion: expected 2, found \"2\""},
          {"image.manifest.v1+json", "image.index.v1+json",
           "mediaType: expected that of a manifest, found "
           "\"application/vnd.oci.image.index.v1+json\""},
          {R"("mediaType":"application/vnd.oci.image.manifest.v1+json",)", "", ""},
          {"application/vnd.oci.image.config.v1+json", "invalid",
           "config.mediaType: " + kMediaTypeRule + "\"invalid\""},
          {R"("config":)", R"("other":)",
           "config: expected a descriptor, an object, found no such key"},
          {R"("size":70)", R"("size":"70")", "config.size: " + kSizeRule + "\"70\""},
          {R"("size":70)", R"("size":-70)", "config.size: " + kSizeRule + "-70"},
          {R"("size":70)", R"("size":7.5)", "config.size: " + kSizeRule + "7.5"},
          {R"("size":70)", R"("size":70.0)",
           "config.size: expected digits alone, found 70 with a point or an exponent"},
          {R"("size":70)", R"("size":7e1)",
           "config.size: expected digits alone, found 70 with a point or an exponent"},
          {"[" + layer + "]", "[]", "layers: expected at least one layer, found an empty array"},
          {"[" + layer + "]", "null", "layers: expected an array of layers, found no such key"},
          {"[" + layer + "]", layer, "layers: expected an array of descriptors, found an object"},
          {layer, "7", "layers[0]: expected a descriptor, an object, found 7"},
          // Media types.
          {R"("mediaType":"a/b",)", "",
           "layers[0].mediaType: expected a media type, as "
           "\"type/subtype\" of RFC 6838, found no such key"},
          {"a/b", "", "layers[0].mediaType: " + kMediaTypeRule + "\"\""},
          {"a/b", "a", "layers[0].mediaType: " + kMediaTypeRule + "\"a\""},
          {"a/b", ".a/b", "layers[0].mediaType: " + kMediaTypeRule + "\".a/b\""},
          {"a/b", "a/.b", "layers[0].mediaType: " + kMediaTypeRule + "\"a/.b\""},
          {"a/b", "a/b/c", "layers[0].mediaType: " + kMediaTypeRule + "\"a/b/c\""},
          {"a/b", "a/b; c=d", "layers[0].mediaType: " + kMediaTypeRule + "\"a/b; c=d\""},
          {"a/b", kLongName + "/" + kLongName, ""},
          {"a/b", kLongName + "n/b",
           "layers[0].mediaType: " + kMediaTypeRule + "\"" + kLongName.substr(0, 80) + "\"..."},
          {"a/b", "a/" + kLongName + "n",
           "layers[0].mediaType: " + kMediaTypeRule + "\"a/" + kLongName.substr(0, 78) + "\"..."},
          // Sizes and digests.
          {R"(,"size":9)", "",
           "layers[0].size: expected the blob's bytes, a whole number, found no such key"},
          {R"("size":9)", R"("size":"9")", "layers[0].size: " + kSizeRule + "\"9\""},
          {digest, R"("size":9)", "layers[0].digest: " + kDigestRule + "no such key"},
          {digest, with_digest("sha256"), "layers[0].digest: " + kDigestRule + "\"sha256\""},
          {digest, with_digest(":" + kHexOfDigest),
           "layers[0].digest: " + kDigestRule + "\":" + kHexOfDigest + "\""},
          {digest, with_digest("SHA256:" + kHexOfDigest),
           "layers[0].digest: " + kDigestRule + "\"SHA256:" + kHexOfDigest + "\""},
          {digest, with_digest("sha256:A" + kHexOfDigest.substr(1)),
           "layers[0].digest: " + kDigestRule + "\"sha256:A" + kHexOfDigest.substr(1) + "\""},
          {digest, with_digest("sha256+a+-b:ab"),
           "layers[0].digest: " + kDigestRule + "\"sha256+a+-b:ab\""},
          {digest, with_digest("sha256+a-b:ab"), ""},
          {digest, with_digest("sha256.a_b:Ab-_="), ""},
          {digest, with_digest("multihash+base58:Qm"), ""},
          // The rest of a descriptor.
          {"https://host/l", "value",
           "layers[0].urls[0]: expected a URI of RFC 3986, with its scheme, found \"value\""},
          {"https://host/l", "https://host/ l",
           "layers[0].urls[0]: expected a URI of RFC 3986, with its scheme, found "
           "\"https://host/ l\""},
          {"https://host/l", "https://host/%4",
           "layers[0].urls[0]: expected a URI of RFC 3986, with its scheme, found "
           "\"https://host/%4\""},
          {"https://host/l", "9a:b",
           "layers[0].urls[0]: expected a URI of RFC 3986, with its scheme, found \"9a:b\""},
          {"https://host/l", "urn:a-b:%41", ""},
          {R"(["https://host/l"])", R"("https://host/l")",
           "layers[0].urls: expected an array of URIs, found \"https://host/l\""},
          {R"(,"urls")", R"(,"annotations":{"a":1},"urls")",
           "layers[0].annotations.a: expected a string, found 1"},
          {R"("k":"v")", R"("k":["v"])", "annotations.k: expected a string, found an array"},
          {R"({"k":"v"})", R"("k")", "annotations: expected an object of strings, found \"k\""},
          {R"("annotations")", R"("artifactType":"none","annotations")",
           "artifactType: " + kMediaTypeRule + "\"none\""},
          {R"("annotations")", R"("subject":{},"annotations")",
           "subject.mediaType: " + kMediaTypeRule + "no such key"},
          // What runtimes read counts, too.
          {R"("annotations")", R"("Subject":7,"annotations")",
           "subject: expected a descriptor, an object, found 7"},
          {R"("annotations")", R"("annotations":{},"annotations")",
           "expected each member of an object once, found 1 given again"},
          {R"("annotations")", R"("unknown":[{}],"annotations")", ""},
      });
  CHECK_THROWS_AS(CheckManifestRules("[]"), InputError);
  CHECK_THROWS_AS(CheckManifestRules("invalid"), InputError);
}

TEST_CASE("An index that breaks a rule of the image spec is refused, its right twin is not",
          "[io][document_rules]") {
  const std::string index = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)"
      R"({{"mediaType":"a/b","digest":"sha256:{}","size":9,)"
      R"("platform":{{"architecture":"arm64","os":"linux","os.features":["f"]}}}}]}})",
      kHexOfDigest);
  CheckChanges(
      CheckManifestRules, index,
      {
          {"a/b", "invalid", "manifests[0].mediaType: " + kMediaTypeRule + "\"invalid\""},
          {"a/b", "", "manifests[0].mediaType: " + kMediaTypeRule + "\"\""},
          {"a/b", "application/made.up+json", ""},
          {R"("size":9)", R"("size":"9")", "manifests[0].size: " + kSizeRule + "\"9\""},
          {R"("digest":"sha256:)" + kHexOfDigest + R"(",)", "",
           "manifests[0].digest: " + kDigestRule + "no such key"},
          {R"("architecture":"arm64",)", "",
           "manifests[0].platform.architecture: expected a name, found no such key"},
          {R"("os":"linux",)", "", "manifests[0].platform.os: expected a name, found no such key"},
          {R"("arm64")", R"("")",
           "manifests[0].platform.architecture: expected a name, found an empty one"},
          {R"("linux")", "7", "manifests[0].platform.os: expected a string, found 7"},
          {R"(["f"])", R"("f")",
           "manifests[0].platform.os.features: expected an array of strings, found \"f\""},
          {R"("os.features":["f"])", R"("variant":8)",
           "manifests[0].platform.variant: expected a string, found 8"},
          {"image.index.v1+json", "image.manifest.v1+json",
           "mediaType: expected that of an index, found "
           "\"application/vnd.oci.image.manifest.v1+json\""},
          {R"("schemaVersion":2,)", "", "schemaVersion: expected 2, found no such key"},
      });
}

TEST_CASE("A config that breaks a rule of the image spec is refused, its right twin is not",
          "[io][document_rules]") {
  const std::string config = fmt::format(
      R"({{"created":"2024-02-29T12:00:00.5Z","author":"me","architecture":"arm64","variant":"v8",)"
      R"("os":"linux","config":{{"User":"1:1","ExposedPorts":{{"80/tcp":{{}}}},"Env":["A=","B=c"],)"
      R"("Entrypoint":["/e"],"Cmd":null,"Volumes":{{"/v":{{}}}},"WorkingDir":"/w","Labels":{{"l":"m"}},)"
      R"("StopSignal":"TERM","ArgsEscaped":true}},)"
      R"("rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}},"history":[{{"created":)"
      R"("2024-02-29T12:00:00Z","author":"me","created_by":"x","comment":"","empty_layer":true}}]}})",
      kHexOfDigest);
  const std::string variable_rule = "config.Env[1]: expected NAME=VALUE, found ";
  const std::string port_rule = "config.ExposedPorts: expected ports as \"8080/tcp\", found ";
  const std::string time_rule = "expected a time of RFC 3339, as 2024-02-29T12:00:00Z, found ";
  CheckChanges(
      CheckConfigRules, config,
      {
          {R"("architecture":"arm64",)", "", "architecture: expected a name, found no such key"},
          {R"("os":"linux",)", "", "os: expected a name, found no such key"},
          {R"("linux")", "123", "os: expected a string, found 123"},
          {R"("v8")", "123", "variant: expected a string, found 123"},
          {R"("variant":"v8",)", "", ""},
          {R"("me")", "1", "author: expected a string, found 1"},
          {"2024-02-29T12:00:00.5Z", "yesterday", "created: " + time_rule + "\"yesterday\""},
          {"2024-02-29T12:00:00.5Z", "2023-02-29T12:00:00Z",
           "created: " + time_rule + "\"2023-02-29T12:00:00Z\""},
          {R"("1:1")", "1234", "config.User: expected a string, found 1234"},
          {R"("User":"1:1")", R"("user":1234)", "config.User: expected a string, found 1234"},
          {"80/tcp", "80/ip", port_rule + "\"80/ip\""},
          {"80/tcp", "80000/tcp", port_rule + "\"80000/tcp\""},
          {"80/tcp", "http", port_rule + "\"http\""},
          {"80/tcp", "80", ""},
          {R"({"80/tcp":{}})", R"(["80/tcp"])",
           "config.ExposedPorts: expected an object of empty objects, found an array"},
          {R"("B=c")", "7353", "config.Env[1]: expected a string, found 7353"},
          {R"("B=c")", R"("foo")", variable_rule + "\"foo\""},
          {R"("B=c")", R"("=c")", variable_rule + "\"=c\""},
          {R"(["A=","B=c"])", R"({"A":""})",
           "config.Env: expected an array of NAME=VALUE, found an object"},
          {R"(["/e"])", R"("/e")", "config.Entrypoint: expected an array of strings, found \"/e\""},
          {R"("Cmd":null)", R"("Cmd":[1])", "config.Cmd[0]: expected a string, found 1"},
          {R"({"/v":{}})", R"(["/v","/w"])",
           "config.Volumes: expected an object of empty objects, found an array"},
          {R"({"/v":{}})", R"({"/v":"/w"})", "config.Volumes./v: expected an object, found \"/w\""},
          {R"({"/v":{}})", "null", ""},
          {R"("/w")", "[]", "config.WorkingDir: expected a string, found an array"},
          {R"("m")", "null", "config.Labels.l: expected a string, found null"},
          {R"("TERM")", "15", "config.StopSignal: expected a string, found 15"},
          {R"("ArgsEscaped":true)", R"("ArgsEscaped":1)",
           "config.ArgsEscaped: expected true or false, found 1"},
          {R"("rootfs")", R"("roots")",
           "rootfs: expected an object with type and diff_ids, found no such key"},
          {R"("type":"layers",)", "", "rootfs.type: expected \"layers\", found no such key"},
          {R"("layers")", R"("layer")", "rootfs.type: expected \"layers\", found \"layer\""},
          {R"("diff_ids")", R"("ids")",
           "rootfs.diff_ids: expected an array of digests, found no such key"},
          {"sha256:" + kHexOfDigest, kHexOfDigest,
           "rootfs.diff_ids[0]: " + kDigestRule + "\"" + kHexOfDigest + "\""},
          {R"("history":[)", R"("history":"an array","x":[)",
           "history: expected an array of history entries, found \"an array\""},
          {R"("history":[)", R"("history":["",)", "history[0]: expected an object, found \"\""},
          {"2024-02-29T12:00:00Z", "2024", "history[0].created: " + time_rule + "\"2024\""},
          {R"("created_by":"x")", R"("created_by":[])",
           "history[0].created_by: expected a string, found an array"},
          {R"("empty_layer":true)", R"("empty_layer":"true")",
           "history[0].empty_layer: expected true or false, found \"true\""},
          {R"("author":"me",)", R"("author":"me","Author":"me",)",
           "expected each member of an object once, found 1 given again"},
      });
  CHECK_THROWS_AS(CheckConfigRules("invalid"), InputError);
}

TEST_CASE("An oci-layout file has the one version that there is", "[io][document_rules]") {
  CheckChanges(CheckLayoutFileRules, R"({"imageLayoutVersion":"1.0.0"})",
               {{R"("1.0.0")", "1.0", "imageLayoutVersion: expected \"1.0.0\", found 1"},
                {"1.0.0", "1.1.0", "imageLayoutVersion: expected \"1.0.0\", found \"1.1.0\""},
                {"image", "Image", "imageLayoutVersion: expected \"1.0.0\", found no such key"}});
  CHECK_THROWS_AS(CheckLayoutFileRules(R"({"imageLayoutVersion":1.0.0})"), InputError);
}

}  // namespace
}  // namespace gneiss
