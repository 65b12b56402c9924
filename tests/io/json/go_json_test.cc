// JSON as Go's decoder reads it: values checked against encoding/json by its documented rules.
#include "io/json/go_json.h"

#include <string>
#include <string_view>
#include <variant>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/source/manifest.h"

namespace gneiss {
namespace {

using SeenJson = nlohmann::ordered_json;

SeenJson ToSeen(const JsonValue& value) {
  if (const auto* const array = std::get_if<JsonValue::Array>(&value.variant())) {
    SeenJson json = SeenJson::array();
    for (const JsonValue& element : *array) json.push_back(ToSeen(element));
    return json;
  }
  if (const auto* const object = std::get_if<JsonValue::Object>(&value.variant())) {
    SeenJson json = SeenJson::object();
    for (const auto& [key, member] : *object) json[key] = ToSeen(member);
    return json;
  }
  if (value.kind() == JsonKind::kText) return std::string(value.text());
  if (const auto* const whole = std::get_if<std::uint64_t>(&value.variant())) return *whole;
  if (const auto* const truth = std::get_if<bool>(&value.variant())) return *truth;
  return nullptr;
}

std::string Config(std::string_view text, GoReader reader = GoReader::kContainerd) {
  return ToSeen(ConfigAsGoReads(ParseJson(text), reader).root).dump();
}

TEST_CASE("Names of members fold their case as Go folds it, keys of maps do not", "[io][go_json]") {
  CHECK(Config(R"({"OS":"linux","Config":{"user":"a"}})") ==
        R"({"os":"linux","config":{"User":"a"}})");
  CHECK(Config(R"({"config":{"wor\u212aingdir":"/","U\u017fER":"a"}})") ==
        R"({"config":{"WorkingDir":"/","User":"a"}})");
  CHECK(Config(R"({"config":{"Labels":{"a":"1","A":"2"},"Us\u00e9r":"x"}})") ==
        R"({"config":{"Labels":{"a":"1","A":"2"},"Usér":"x"}})");
  CHECK(Config(R"({"config":{"User ":"x","":1,"\u017f":2}})") ==
        R"({"config":{"User ":"x","":1,"ſ":2}})");
}

TEST_CASE("What is given again is decoded over what is there", "[io][go_json]") {
  CHECK(Config(R"({"os":"a","OS":"b"})") == R"({"os":"b"})");
  CHECK(Config(R"({"config":{"User":"a","Cmd":["x"]},"config":{"User":"b"}})") ==
        R"({"config":{"User":"b","Cmd":["x"]}})");
  CHECK(Config(R"({"config":{"Env":["a","b"],"Env":["c"]}})") == R"({"config":{"Env":["c"]}})");
  // Elements are decoded over those before them, and null does nothing.
  CHECK(Config(R"({"config":{"Env":["a","b"],"env":[null,"c"]}})") ==
        R"({"config":{"Env":["a","c"]}})");
  CHECK(Config(R"({"config":{"Env":["a","b"],"Env":[],"Env":[null]}})") ==
        R"({"config":{"Env":[""]}})");
  CHECK(
      Config(R"({"history":[{"created_by":"a","comment":"c"}],"History":[{"created_by":"b"}]})") ==
      R"({"history":[{"created_by":"b","comment":"c"}]})");
  // What a shorter list cut off comes back.
  CHECK(Config(R"({"config":{"Env":["a","b"],"Env":["c"],"Env":["d",null]}})") ==
        R"({"config":{"Env":["d","b"]}})");
  // Maps grow, their entries are replaced.
  CHECK(Config(R"({"config":{"Labels":{"a":"1","b":"2"},"labels":{"b":"3","c":null}}})") ==
        R"({"config":{"Labels":{"a":"1","b":"3","c":""}}})");
  CHECK(Config(R"({"config":{"Volumes":{"/a":null,"/b":{"x":1}}}})") ==
        R"({"config":{"Volumes":{"/a":{},"/b":{}}}})");
}

TEST_CASE("null empties lists, maps and pointers, and leaves the rest", "[io][go_json]") {
  CHECK(Config(R"({"os":"a","os":null})") == R"({"os":"a"})");
  CHECK(Config(R"({"config":{"Env":["a"],"Env":null}})") == R"({"config":{"Env":null}})");
  CHECK(Config(R"({"config":{"StopTimeout":1,"StopTimeout":null}})") ==
        R"({"config":{"StopTimeout":null}})");
  CHECK(Config(R"({"config":{"Healthcheck":{"Retries":1},"Healthcheck":null,)"
               R"("Healthcheck":{"Interval":2}}})") ==
        R"({"config":{"Healthcheck":{"Interval":2}}})");
  CHECK(Config(R"({"config":{"User":"a"},"config":null})") == R"({"config":{"User":"a"}})");
  CHECK(Config(R"({"config":{"User":"a"},"config":null})", GoReader::kDocker) ==
        R"({"config":null})");
  CHECK(Config(R"({"config":{"Cmd":["a","b"],"Cmd":[null,"c"]}})", GoReader::kDocker) ==
        R"({"config":{"Cmd":["","c"]}})");
}

TEST_CASE("What Go refuses stands as it is written", "[io][go_json]") {
  CHECK(Config(R"({"os":5,"config":[1],"rootfs":"x"})") == R"({"os":5,"config":[1],"rootfs":"x"})");
  CHECK(Config("[1]") == "[1]");
}

TEST_CASE("Members that another spelling replaces are counted with the others", "[io][go_json]") {
  const auto count = [](std::string_view text) {
    return ConfigAsGoReads(ParseJson(text)).num_duplicate_keys;
  };
  CHECK(count(R"({"os":"a","config":{"User":"a","Labels":{"a":"1","A":"2"}}})") == 0);
  CHECK(count(R"({"os":"a","OS":"b"})") == 1);
  CHECK(count(R"({"os":"a","OS":"b","OS":"c","Os":"d"})") == 3);
  CHECK(count(R"({"x":1,"X":2})") == 0);
}

TEST_CASE("Manifests and archives are read as Go reads them", "[io][go_json]") {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string other = "sha256:" + std::string(64, 'b');
  const auto descriptor = [](const std::string& text) {
    return R"({"Digest":")" + text + R"(","SIZE":5})";
  };
  const Manifest manifest =
      ParseManifest(R"({"schemaversion":2,"config":)" + descriptor(digest) + R"(,"layers":[)" +
                    descriptor(digest) + R"(],"Layers":[)" + descriptor(other) + "]}");
  REQUIRE(manifest.layers.size() == 1);
  CHECK(manifest.layers[0].digest_text == other);
  CHECK(manifest.num_duplicate_keys == 1);
  CHECK(
      ToSeen(
          SavedImagesAsGoReads(ParseJson(R"([{"config":"c","repotags":["a"],"layers":[]}])")).root)
          .dump() == R"([{"Config":"c","RepoTags":["a"],"Layers":[]}])");
}

}  // namespace
}  // namespace gneiss
