// Fleets read from a registry: what is asked for, what comes of it, what is said where something is
// missing.
#include "io/registry/registry_source.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "io/source/layout.h"
#include "io/source/source.h"
#include "io/store/manifest_cache.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/registry_run.h"
#include "tests/make/source_files.h"

namespace gneiss {
namespace {

constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";

std::string DescriptorOf(std::string_view type, const std::string& content,
                         const std::string& more = "") {
  return R"({"mediaType":")" + std::string(type) + R"(","digest":")" +
         FormatDigest(Sha256(content)) + R"(","size":)" + std::to_string(content.size()) + more +
         "}";
}

// A registry whose repositories are filled by a test.
class FakeRegistry {
 public:
  FakeRegistry()
      : options_{.client = OptionsFor(clock_),
                 .jobs = 3,
                 .include = {},
                 .exclude = {},
                 .cache = {}},
        server_([this](const ServerRequest& request, ServerConnection& connection) {
          Answer(request, connection);
        }) {
    options_.client.retry.retries = 0;
  }

  // An image of these layers; the text of its manifest.
  std::string MakeImage(std::span<const std::string> layers, const std::string& created = "") {
    const std::string config = R"({"os":"linux","architecture":"amd64","created":")" + created +
                               R"(","rootfs":{"type":"layers","diff_ids":[]}})";
    blobs_[FormatDigest(Sha256(config))] = config;
    std::string list;
    for (const std::string& layer : layers) {
      blobs_[FormatDigest(Sha256(layer))] = layer;
      list +=
          (list.empty() ? "" : ",") + DescriptorOf("application/vnd.oci.image.layer.v1.tar", layer);
    }
    return R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) + R"(","config":)" +
           DescriptorOf("application/vnd.oci.image.config.v1+json", config) + R"(,"layers":[)" +
           list + "]}";
  }

  void Push(const std::string& repository, const std::string& tag, const std::string& manifest,
            std::string_view type = kOciManifest) {
    PushUntagged(repository, manifest, type);
    tags_[repository][tag] = FormatDigest(Sha256(manifest));
  }
  void PushUntagged(const std::string& repository, const std::string& manifest,
                    std::string_view type = kOciManifest) {
    manifests_[FormatDigest(Sha256(manifest))] = {std::string(type), manifest};
    tags_[repository];
  }

  // "ref layers pulls", a line for each ref, then what was met beside images; HOST for the server.
  std::string Read(const std::string& source) {
    FleetBuilder builder;
    ReadReport report;
    ReadRegistry(source, options_, {}, builder, report);
    std::string told;
    const Fleet fleet = builder.Build();
    for (const Image& image : fleet.images) {
      for (const TextIndex ref : fleet.refs_of(image)) {
        told += std::string(fleet.text(ref)) + " " + std::to_string(image.num_layers) + "\n";
      }
      if (image.num_refs == 0) told += "(no ref) " + std::to_string(image.num_layers) + "\n";
    }
    for (const auto& [kind, count] : report.skipped) {
      told += "skipped " + std::to_string(count) + " " + kind + "\n";
    }
    for (const auto& [kind, warning] : report.warnings) {
      told += "warning " + std::to_string(warning.count) + " " + kind + ": " + warning.first + "\n";
    }
    for (const InputError& problem : report.problems) {
      told += "problem " + std::string(problem.what()) + "\n";
    }
    layouts_ = report.layouts;
    for (std::size_t at; (at = told.find(server_.host())) != std::string::npos;) {
      told.replace(at, server_.host().size(), "HOST");
    }
    return told;
  }
  std::string ReadAll() { return Read("registry://" + server_.host()); }

  std::size_t CountOf(const std::string& method, const std::string& part) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(server_.requests(), [&](const ServerRequest& request) {
          return request.method == method && request.target.find(part) != std::string::npos;
        }));
  }

  FakeClock clock_;
  RegistryReadOptions options_;
  std::set<std::string> gone_;    // tags that are listed and not there
  std::set<std::string> broken_;  // repositories that answer 500
  bool tells_digests_ = true;     // of manifests
  bool has_catalogue_ = true;
  std::vector<std::shared_ptr<const LayoutFiles>> layouts_;
  HttpServer server_;

 private:
  void Answer(const ServerRequest& request, ServerConnection& connection) {
    const std::string& target = request.target;
    const auto json = [&](const std::string& text) {
      connection.Answer(200, "Content-Type: application/json\r\n", text);
    };
    const auto missing = [&] { connection.Answer(404, "", "{}"); };
    if (target == "/v2/") return json("{}");
    if (target.starts_with("/v2/_catalog")) {
      if (!has_catalogue_) return connection.Answer(401, "", "{}");
      std::string names;
      for (const auto& [name, tags] : tags_) names += (names.empty() ? "\"" : ",\"") + name + "\"";
      return json("{\"repositories\":[" + names + "]}");
    }
    for (const char* const part : {"/tags/list", "/manifests/", "/blobs/"}) {
      const std::size_t at = target.find(part);
      if (at == std::string::npos) continue;
      const std::string repository = target.substr(4, at - 4);
      const std::string name = target.substr(at + std::string_view(part).size());
      const auto found = tags_.find(repository);
      if (broken_.contains(repository)) return connection.Answer(500, "", "{}");
      if (found == tags_.end()) return missing();
      if (std::string_view(part) == "/tags/list") {
        std::string names;
        for (const auto& [tag, digest] : found->second) {
          names += (names.empty() ? "\"" : ",\"") + tag + "\"";
        }
        return json("{\"name\":\"x\",\"tags\":[" + names + "]}");
      }
      if (std::string_view(part) == "/blobs/") {
        if (!blobs_.contains(name)) return missing();
        return connection.Answer(200, "", blobs_.at(name));
      }
      const auto tag = found->second.find(name);
      if (gone_.contains(name)) return missing();
      const std::string digest = tag == found->second.end() ? name : tag->second;
      if (!manifests_.contains(digest)) return missing();
      const auto& [type, text] = manifests_.at(digest);
      const std::string lines = "Content-Type: " + type + "\r\n" +
                                (tells_digests_ ? "Docker-Content-Digest: " + digest + "\r\n" : "");
      if (request.method == "HEAD") {
        return connection.Send("HTTP/1.1 200 OK\r\n" + lines +
                               "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n");
      }
      return connection.Answer(200, lines, text);
    }
    missing();
  }

  std::map<std::string, std::map<std::string, std::string>> tags_;
  std::map<std::string, std::pair<std::string, std::string>> manifests_;
  std::map<std::string, std::string> blobs_;
};

const std::vector<std::string> kLayers = {"one", "two", "three"};

TEST_CASE("A registry is read with all tags, and what is the same is asked for once",
          "[io][registry_source]") {
  FakeRegistry registry;
  const std::string shop = registry.MakeImage(std::span(kLayers).first(2));
  registry.Push("team/shop", "1", shop);
  registry.Push("team/shop", "latest", shop);
  registry.Push("prod/shop", "1", shop);
  registry.Push("base", "3", registry.MakeImage(std::span(kLayers).first(1)));
  registry.PushUntagged("empty", shop);
  CHECK(registry.ReadAll() ==
        "HOST/base:3 1\nHOST/prod/shop:1 2\nHOST/team/shop:1 2\nHOST/team/shop:latest 2\n"
        "skipped 1 repository without tags\n");
  CHECK(registry.CountOf("HEAD", "/manifests/") == 4);
  CHECK(registry.CountOf("GET", "/manifests/") == 2);
  CHECK(registry.CountOf("GET", "/blobs/") == 2);

  CHECK(registry.Read("registry://" + registry.server_.host() + "/team") ==
        "HOST/team/shop:1 2\nHOST/team/shop:latest 2\n");
  CHECK(registry.Read("docker://" + registry.server_.host() + "/team/shop") ==
        "HOST/team/shop:latest 2\n");
  CHECK(registry.Read("docker://" + registry.server_.host() + "/base@" +
                      FormatDigest(Sha256(registry.MakeImage(std::span(kLayers).first(1))))) ==
        "(no ref) 1\n");
}

TEST_CASE("With a cache a second run asks for what tags name, and no more",
          "[io][registry_source]") {
  FakeRegistry registry;
  const TemporaryDirectory cache;
  registry.options_.cache = cache.path();
  for (const std::string tag : {"1", "2", "3"}) {
    registry.Push("shop", tag, registry.MakeImage(kLayers, "2026-01-0" + tag));
  }
  const std::string first = registry.ReadAll();
  CHECK(registry.CountOf("GET", "/manifests/") == 3);
  CHECK(registry.ReadAll() == first);
  CHECK(registry.CountOf("HEAD", "/manifests/") == 6);
  CHECK(registry.CountOf("GET", "/manifests/") == 3);
  CHECK(registry.CountOf("GET", "/blobs/") == 3);
  // What is damaged is asked for again.
  for (const auto& file : std::filesystem::recursive_directory_iterator(cache.path())) {
    if (file.is_regular_file()) std::filesystem::resize_file(file.path(), 5);
  }
  CHECK(registry.ReadAll() == first);
  CHECK(registry.CountOf("GET", "/manifests/") == 6);
}

TEST_CASE("Registries that do not say a tag's digest are asked for the manifest",
          "[io][registry_source]") {
  FakeRegistry registry;
  registry.tells_digests_ = false;
  registry.Push("shop", "1", registry.MakeImage(kLayers));
  CHECK(registry.ReadAll() == "HOST/shop:1 3\n");
}

TEST_CASE("Patterns choose repositories and tags, and unwanted ones are not asked for",
          "[io][registry_source]") {
  FakeRegistry registry;
  const std::string image = registry.MakeImage(kLayers);
  for (const char* const tag : {"1.0", "1.1", "2.0"}) registry.Push("team/shop", tag, image);
  registry.Push("other/tool", "1.0", image);
  registry.options_.include = {"team/*:1.*", "nobody/*"};
  registry.options_.exclude = {"*:1.1"};
  CHECK(registry.ReadAll() == "HOST/team/shop:1.0 3\n");
  CHECK(registry.CountOf("HEAD", "/manifests/") == 1);
  registry.options_.include = {"team/*"};
  registry.options_.exclude = {"team/shop"};
  CHECK(registry.ReadAll().empty());
  registry.options_ = {
      .client = registry.options_.client, .include = {"other/tool"}, .exclude = {}, .cache = {}};
  const std::size_t before = registry.CountOf("GET", "/tags/list");
  CHECK(registry.ReadAll() == "HOST/other/tool:1.0 3\n");
  CHECK(registry.CountOf("GET", "/tags/list") == before + 1);
}

TEST_CASE("Of each repository the tags created last are kept", "[io][registry_source]") {
  FakeRegistry registry;
  const auto push = [&](const std::string& tag, const std::string& created) {
    registry.Push("shop", tag, registry.MakeImage(kLayers, created));
  };
  push("old", "2024-01-01T00:00:00Z");
  push("new", "2026-01-01T00:00:00Z");
  push("newest", "2026-02-01T00:00:00Z");
  push("undated", "");
  registry.Push("shop", "latest", registry.MakeImage(kLayers, "2026-02-01T00:00:00Z"));
  registry.Push("tool", "1",
                registry.MakeImage(std::span(kLayers).first(1), "2020-01-01T00:00:00Z"));
  registry.options_.newest_tags = 3;
  CHECK(registry.ReadAll() ==
        "HOST/shop:latest 3\nHOST/shop:newest 3\nHOST/shop:new 3\nHOST/tool:1 1\n"
        "skipped 2 older tag\n");
}

TEST_CASE("What is missing costs what it is, and is told", "[io][registry_source]") {
  FakeRegistry registry;
  registry.Push("shop", "1", registry.MakeImage(kLayers));
  registry.Push("shop", "gone", registry.MakeImage(std::span(kLayers).first(1)));
  registry.Push("broken", "1", registry.MakeImage(std::span(kLayers).first(1)));
  registry.Push("shop", "bad", "{\"schemaVersion\":2}");
  registry.gone_ = {"gone"};
  registry.broken_ = {"broken"};
  const std::string told = registry.ReadAll();
  CHECK(told.starts_with("HOST/shop:1 3\nwarning 1 tag that went away: HOST/shop:gone\nproblem "));
  CHECK(told.find("problem http://HOST/v2/broken/tags/list") != std::string::npos);
  CHECK(told.find("problem HOST/shop@sha256:") != std::string::npos);
  CHECK(std::ranges::count(told, '\n') == 4);

  registry.has_catalogue_ = false;
  CHECK(ErrorOf(registry.server_, [&] { (void)registry.ReadAll(); }).find("401") !=
        std::string::npos);
  CHECK(registry.Read("registry://" + registry.server_.host() + "/shop")
            .find("warning 1 no list of repositories, only shop itself is read: ") !=
        std::string::npos);
  CHECK(ErrorOf(registry.server_,
                [&] { (void)registry.Read("docker://" + registry.server_.host() + "/shop:2"); }) ==
        "docker://HOST/shop:2: expected an image, found none of that name; registry://HOST/shop "
        "reads all of the repository's tags");
}

TEST_CASE("Indexes are followed; attestations and schema 1 are counted", "[io][registry_source]") {
  FakeRegistry registry;
  const std::string one = registry.MakeImage(std::span(kLayers).first(1));
  const std::string two = registry.MakeImage(std::span(kLayers).first(2));
  registry.PushUntagged("shop", one);
  registry.PushUntagged("shop", two);
  const std::string index =
      R"({"schemaVersion":2,"mediaType":")" + std::string(kOciIndex) + R"(","manifests":[)" +
      DescriptorOf(kOciManifest, one, R"(,"platform":{"os":"linux","architecture":"amd64"})") +
      "," +
      DescriptorOf(kOciManifest, two, R"(,"platform":{"os":"linux","architecture":"arm64"})") +
      "," +
      DescriptorOf(kOciManifest, "x", R"(,"platform":{"os":"unknown","architecture":"unknown"})") +
      "]}";
  registry.Push("shop", "1", index, kOciIndex);
  registry.Push("shop", "0", R"({"schemaVersion":1})",
                "application/vnd.docker.distribution.manifest.v1+prettyjws");
  const std::string told = registry.ReadAll();
  CHECK(told.starts_with("HOST/shop:1 1\nHOST/shop:1 2\nskipped 1 "));
  CHECK(told.find("attestation") != std::string::npos);
  CHECK(told.find("schema 1") != std::string::npos);
}

TEST_CASE("Layers of a registry are streamed when they are opened", "[io][registry_source]") {
  FakeRegistry registry;
  registry.Push("shop", "1", registry.MakeImage(kLayers));
  (void)registry.ReadAll();
  REQUIRE(registry.layouts_.size() == 1);
  const LayoutFiles& layers = *registry.layouts_.front();
  const std::string name = "blobs/sha256/" + FormatDigest(Sha256("two")).substr(7);
  CHECK(layers.SizeOf(name) == 3);
  const std::size_t before = registry.CountOf("GET", "/blobs/");
  const std::unique_ptr<ByteSource> blob = layers.Open(name);
  REQUIRE(blob != nullptr);
  CHECK(registry.CountOf("GET", "/blobs/") == before);
  CHECK(ReadAll(*blob) == "two");
  CHECK(layers.Open("blobs/sha256/" + std::string(64, '0')) == nullptr);
  CHECK_FALSE(layers.SizeOf("blobs/sha256/" + std::string(64, '0')).has_value());
}

TEST_CASE("The cache gives back what it was given, and nothing else", "[io][registry_source]") {
  const TemporaryDirectory directory;
  const ManifestCache cache(directory.path());
  const std::string digest = FormatDigest(Sha256("text"));
  CHECK_FALSE(cache.Read(digest).has_value());
  cache.Write(digest, "another text");
  CHECK_FALSE(cache.Read(digest).has_value());
  cache.Write(digest, "text");
  CHECK(cache.Read(digest) == "text");
  const std::string other = "sha512:" + std::string(128, 'a');
  cache.Write(other, "text");
  CHECK_FALSE(cache.Read(other).has_value());
  CHECK_FALSE(cache.Read("../../etc/passwd").has_value());
  // Nowhere to keep it.
  const ManifestCache none("");
  none.Write(digest, "text");
  CHECK_FALSE(none.Read(digest).has_value());
  const ManifestCache closed("/proc/none");
  closed.Write(digest, "text");
  CHECK_FALSE(closed.Read(digest).has_value());
}

}  // namespace
}  // namespace gneiss
