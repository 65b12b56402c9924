#include "io/source/docker_archive.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "io/source/layer_blobs.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "planner/fleet/fleet_builder.h"
#include "tests/make/docker_archive.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

using Texts = std::vector<std::string>;

const std::string kBase = File("etc/base", "base") + EndBlocks();
const std::string kApp = File("app", "app") + EndBlocks();

// What reading the archive with these bytes gives.
struct ArchiveRead {
  explicit ArchiveRead(const std::string& bytes, std::string_view ref = {},
                       const ReadOptions& options = {}) {
    const auto archive = std::make_shared<TarArchive>(directory.Write("a.tar", bytes));
    FleetBuilder builder;
    ReadDockerArchive(archive, ref, options, builder, report);
    fleet = builder.Build();
    for (const auto& layout : report.layouts) blobs.AddLayout(layout);
  }

  Texts refs() const {
    Texts refs;
    for (const TextIndex ref : fleet.refs) refs.emplace_back(fleet.text(ref));
    std::ranges::sort(refs);
    return refs;
  }
  // Without the name of the archive.
  Texts problems() const {
    Texts problems;
    for (const InputError& problem : report.problems) {
      const std::string text = problem.what();
      REQUIRE(text.starts_with(directory.path("a.tar:")));
      problems.push_back(text.substr(directory.path("a.tar:").size()));
    }
    return problems;
  }
  Texts digests(std::size_t image) const {
    Texts digests;
    for (const LayerIndex l : fleet.chain(fleet.images.at(image))) {
      digests.push_back(fleet.digest_text(fleet.layers[l]));
    }
    return digests;
  }
  std::string BlobOf(const Layer& layer) const {
    const auto blob = blobs.Open(fleet.digest_text(layer), layer.size);
    REQUIRE(blob != nullptr);
    return ReadWhole(*blob, "blob", layer.size, 1 << 20);
  }

  TemporaryDirectory directory;
  Fleet fleet;
  ReadReport report;
  LayerBlobs blobs;
};

// Error of the archive as a whole, without its name.
std::string ReadErrorOf(const std::string& bytes, std::string_view ref = {}) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("a.tar", bytes);
  const std::string error = MessageOf<InputError>([&] {
    FleetBuilder builder;
    ReadReport report;
    ReadDockerArchive(std::make_shared<TarArchive>(path), ref, {}, builder, report);
  });
  REQUIRE(error.starts_with(path));
  return error.substr(path.size());
}

// Two images on one base, of the old form: the second has the base's layer by a link.
std::string OldArchive() {
  return File("a/layer.tar", kBase) + Symlink("b/layer.tar", "../a/layer.tar") +
         File("c/layer.tar", kApp) + File("base.json", ConfigOf({kBase})) +
         File("app.json", ConfigOf({kBase, kApp})) +
         SavedManifest(SavedAs("base.json", {"base:1", "base:latest"}, {"a/layer.tar"}) + "," +
                       SavedAs("app.json", {"shop/app:1"}, {"b/layer.tar", "c/layer.tar"})) +
         File("repositories", "{}") + EndBlocks();
}

TEST_CASE("An archive of the old form has its layers by the digests of their bytes",
          "[io][docker_archive]") {
  for (const std::string& bytes : {OldArchive(), Gzip(OldArchive()), Zstd(OldArchive())}) {
    const ArchiveRead read(bytes);
    CHECK(read.problems() == Texts{});
    CHECK(CountsOf(read.report).empty());
    CHECK(read.report.num_lines == 2);
    REQUIRE(read.fleet.images.size() == 2);
    CHECK(read.refs() == Texts{"base:1", "base:latest", "shop/app:1"});
    CHECK(read.digests(0) == Texts{FormatDigest(Sha256(kBase))});
    CHECK(read.digests(1) == Texts{FormatDigest(Sha256(kBase)), FormatDigest(Sha256(kApp))});
    const Image& image = read.fleet.images[0];
    CHECK(image.config_digest == Sha256(ConfigOf({kBase})));
    CHECK(image.config_size == std::ssize(ConfigOf({kBase})));
    CHECK(read.fleet.text(image.platform) == "linux/amd64");
    CHECK_FALSE(image.has_manifest_digest);
    REQUIRE(read.fleet.layers.size() == 2);
    CHECK(read.BlobOf(read.fleet.layers[0]) == kBase);
    CHECK(read.BlobOf(read.fleet.layers[1]) == kApp);
    for (const Layer& layer : read.fleet.layers) {
      CHECK(read.fleet.diff_ids.at(layer.diff_id) == layer.digest);
    }
  }
}

TEST_CASE("An archive of the form since Docker 25 is read by its manifest.json",
          "[io][docker_archive]") {
  const std::string config = ConfigOf({kBase});
  const std::string name = "blobs/sha256/" + FormatDigest(Sha256(kBase)).substr(7);
  const ArchiveRead read(File(name, kBase) + File("blobs/sha256/config", config) +
                         // Of an image that was saved by its ID.
                         File("index.json", R"({"schemaVersion":2,"manifests":null})") +
                         File("oci-layout", R"({"imageLayoutVersion":"1.0.0"})") +
                         SavedManifest(SavedAs("blobs/sha256/config", {}, {name})) + EndBlocks());
  CHECK(read.problems() == Texts{});
  REQUIRE(read.fleet.images.size() == 1);
  CHECK(read.refs() == Texts{});
  CHECK(read.digests(0) == Texts{FormatDigest(Sha256(kBase))});
  CHECK(read.BlobOf(read.fleet.layers[0]) == kBase);
}

TEST_CASE("A layer named by a digest is not read for it", "[io][docker_archive]") {
  const std::string other = "sha256:" + std::string(64, 'a');
  const std::string name = "blobs/sha256/" + other.substr(7);
  const ArchiveRead read(File(name, kBase) + Symlink("l/layer.tar", "../" + name) +
                         File("c", ConfigOf({kApp, kApp})) +
                         SavedManifest(SavedAs("c", {}, {name, "l/layer.tar"})));
  REQUIRE(read.fleet.images.size() == 1);
  CHECK(read.digests(0) == Texts{other, other});
  CHECK(read.BlobOf(read.fleet.layers[0]) == kBase);
  CHECK(CountsOf(read.report).empty());
  // What looks like one and is none is read.
  for (const std::string odd : {"blobs/sha256/abc", "blobs/sha256", "blobs/x"}) {
    INFO(odd);
    const ArchiveRead hashed(File(odd, kBase) + File("c", ConfigOf({kBase})) +
                             SavedManifest(SavedAs("c", {}, {odd})));
    CHECK(hashed.digests(0) == Texts{FormatDigest(Sha256(kBase))});
  }
}

TEST_CASE("A compressed layer has the digest of its stored bytes", "[io][docker_archive]") {
  const std::string stored = Gzip(kBase);
  const ArchiveRead read(File("x.tar.gz", stored) + File("c", ConfigOf({kBase})) +
                         SavedManifest(SavedAs("c", {"a:1"}, {"x.tar.gz"})));
  CHECK(CountsOf(read.report).empty());
  const Layer& layer = read.fleet.layers.at(0);
  CHECK(layer.digest == Sha256(stored));
  CHECK(layer.size == std::ssize(stored));
  CHECK(read.fleet.diff_ids.at(layer.diff_id) == Sha256(kBase));
  CHECK(read.BlobOf(layer) == stored);
}

TEST_CASE("A plain layer that is not what the config says is named", "[io][docker_archive]") {
  const ArchiveRead read(File("x.tar", kBase) + File("c", ConfigOf({kApp})) +
                         SavedManifest(SavedAs("c", {"a:1"}, {"x.tar"})));
  REQUIRE(read.report.warnings.size() == 1);
  const auto& [kind, warning] = *read.report.warnings.begin();
  CHECK(kind == "layer with another diff_id than its image's config says");
  CHECK(warning.first == read.directory.path("a.tar:x.tar"));
  // The scan refuses it: the diff_id stays that of the config.
  const Layer& layer = read.fleet.layers.at(0);
  CHECK(layer.digest == Sha256(kBase));
  CHECK(read.fleet.diff_ids.at(layer.diff_id) == Sha256(kApp));
}

TEST_CASE("Layers that the config does not count as many are kept with a warning",
          "[io][docker_archive]") {
  const ArchiveRead read(File("x", kBase) + File("c", ConfigOf({kBase, kApp})) +
                         SavedManifest(SavedAs("c", {"a:1"}, {"x"})));
  CHECK(CountsOf(read.report) == Counts{{"diff_ids do not match layers", 1}});
  CHECK(read.fleet.layers.at(0).diff_id == kNone);
}

TEST_CASE("A ref selects images of an archive", "[io][docker_archive]") {
  const auto refs = [](std::string_view ref) { return ArchiveRead(OldArchive(), ref).refs(); };
  CHECK(refs("base:1") == Texts{"base:1"});
  CHECK(refs("base") == Texts{"base:latest"});
  CHECK(refs("docker.io/library/base") == Texts{"base:latest"});
  CHECK(refs("docker.io/shop/app:1") == Texts{"shop/app:1"});
  CHECK(refs("1") == Texts{"base:1", "shop/app:1"});
  CHECK(refs("@0") == Texts{"base:1", "base:latest"});
  CHECK(refs("@1") == Texts{"shop/app:1"});
  CHECK(ReadErrorOf(OldArchive(), "@2") == ": expected an image @2, found 2, counted from @0");
  const std::string found = R"(, found refs "base:1", "base:latest", "shop/app:1")";
  for (const std::string ref : {"base:2", "app", "app:1", "@x", "@", "@-1"}) {
    CHECK(ReadErrorOf(OldArchive(), ref) == ": expected an image \"" + ref + "\"" + found);
  }
}

TEST_CASE("Only layers of images that are asked for are read", "[io][docker_archive]") {
  const std::string bytes = OldArchive();
  const auto hashed = [&](std::string_view ref, std::string_view platform) {
    std::int64_t total = 0;
    const ReadOptions options{
        .platform = platform.empty() ? PlatformFilter() : PlatformFilter(platform),
        .strict = false,
        .on_progress = [&](std::int64_t read, std::int64_t) { total = read; }};
    const ArchiveRead read(bytes, ref, options);
    return total;
  };
  CHECK(hashed("", "") == std::ssize(kBase) + std::ssize(kApp));
  CHECK(hashed("base", "") == std::ssize(kBase));
  CHECK(hashed("", "linux/arm64") == 0);
  const ArchiveRead read(bytes, "", {.platform = PlatformFilter("linux/arm64")});
  CHECK(read.fleet.images.empty());
  CHECK(read.report.filtered_out == 2);
}

TEST_CASE("Images of one list of layers differ in their configs", "[io][docker_archive]") {
  const ArchiveRead read(
      File("x", kBase) + File("c1", ConfigOf({kBase})) +
      File("c2", ConfigOf({kBase}, R"(,"config":{"Env":["A=1"]})")) +
      SavedManifest(SavedAs("c1", {"a:1"}, {"x"}) + "," + SavedAs("c2", {"a:2"}, {"x"})));
  CHECK(read.fleet.images.size() == 2);
  CHECK(read.fleet.layers.size() == 1);
}

TEST_CASE("An archive without a list of images is an error", "[io][docker_archive]") {
  CHECK(ReadErrorOf(File("repositories", "{}")) ==
        ": expected an archive of `docker save`, found no manifest.json in it");
  const auto error = [](const std::string& manifest) {
    return ReadErrorOf(File("manifest.json", manifest));
  };
  CHECK(error("null") == ":manifest.json: expected an array of images, found null");
  CHECK(error("{}") == ":manifest.json: expected an array of images, found an object");
  CHECK(error("[]") == ":manifest.json: expected an array of images, found an empty one");
  CHECK(error("nonsense") ==
        ":manifest.json:byte 2: not JSON: syntax error while parsing value - invalid literal");
  CHECK(error(std::string(4194305, ' ')) ==
        ":manifest.json: expected at most 4194304 bytes of JSON, found 4194305");
  CHECK(ReadErrorOf(Directory("manifest.json")) ==
        ":manifest.json: expected a plain file, found a directory");
}

TEST_CASE("What is wrong with one image costs that image alone", "[io][docker_archive]") {
  const std::string good = SavedAs("c", {"good:1"}, {"x"});
  const auto problem_of = [&](const std::string& entry, const std::string& members = "") {
    const ArchiveRead read(File("x", kBase) + File("c", ConfigOf({kBase})) + members +
                           SavedManifest(entry + "," + good));
    CHECK(read.refs() == Texts{"good:1"});
    REQUIRE(read.problems().size() == 1);
    return read.problems()[0];
  };
  CHECK(problem_of("5") == "manifest.json: [0]: expected an image, an object, found 5");
  CHECK(problem_of("{}") ==
        "manifest.json: [0].Config: expected the name of the image's config, found no such key");
  CHECK(problem_of(R"({"Config":5})") == "manifest.json: [0].Config: expected a string, found 5");
  CHECK(problem_of(R"({"Config":"c","RepoTags":"a:1"})") ==
        "manifest.json: [0].RepoTags: expected an array of refs, found \"a:1\"");
  CHECK(problem_of(R"({"Config":"c","Layers":[1]})") ==
        "manifest.json: [0].Layers[0]: expected a string, found 1");
  CHECK(problem_of(SavedAs("none.json", {}, {"x"})) ==
        "none.json: expected the config of an image, found nothing");
  CHECK(problem_of(SavedAs("x", {}, {"x"})) ==
        "x:byte 1: not JSON: syntax error while parsing value - invalid literal");
  CHECK(problem_of(SavedAs("c", {}, {"x", "none/layer.tar"})) ==
        "none/layer.tar: expected a layer, found nothing");
  CHECK(problem_of(SavedAs("c", {}, {"d"}), Directory("d")) ==
        "d: expected a plain file, found a directory");
  CHECK(problem_of(SavedAs("c", {}, {"up"}), Symlink("up", "../up")) ==
        "up: expected a plain file, found a link to ../up, which is outside the archive");
  CHECK(problem_of(SavedAs("big", {}, {"x"}), File("big", std::string(4194305, ' '))) ==
        "big: expected at most 4194304 bytes of JSON, found 4194305");
}

TEST_CASE("Strictly, a bad image of an archive ends the reading", "[io][docker_archive]") {
  const std::string bytes = File("x", kBase) + SavedManifest(SavedAs("none", {}, {"x"}));
  CHECK_THROWS_AS(ArchiveRead(bytes, "", {.strict = true}), InputError);
}

TEST_CASE("Duplicate keys of manifest.json are counted and the last wins", "[io][docker_archive]") {
  const ArchiveRead read(File("x", kBase) + File("c", ConfigOf({kBase})) +
                         SavedManifest(R"({"Config":"none","Config":"c","Layers":["x"]})"));
  CHECK(CountsOf(read.report) == Counts{{"duplicate JSON key", 1}});
  CHECK(read.fleet.images.size() == 1);
}

}  // namespace
}  // namespace gneiss
