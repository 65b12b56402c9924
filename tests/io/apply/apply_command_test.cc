// `gneiss apply` from the plan on: small layouts of real tars, planned, carried out and read again.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/apply/apply_plan.h"
#include "io/source/manifest.h"
#include "io/source/oci_layout.h"
#include "io/source/source.h"
#include "io/store/inventory_store.h"
#include "planner/fleet/bytes.h"
#include "tests/make/cli_run.h"
#include "tests/make/layout_maker.h"
#include "tests/make/scan_result.h"
#include "tests/make/shown_layout.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;
using AppliedJson = nlohmann::ordered_json;

// A fleet of three images that share layers and waste: files are deleted and written again above.
class ApplyFixture {
 public:
  ApplyFixture() : shop(dir.path("src")) {
    const std::string base = Directory("etc") + File("etc/os", Noise(1)) + Directory("tmp") +
                             Directory("usr") + File("usr/lib", Noise(2)) +
                             HardLink("usr/lib2", "usr/lib") + EndBlocks();
    const std::string tools =
        File("usr/cc", Noise(3)) + File("tmp/x", Noise(4)) + Symlink("usr/c++", "cc") + EndBlocks();
    const std::string clean = File("tmp/.wh.x") + File("usr/mine", "1") + EndBlocks();
    const std::string app = File("app/main", Noise(5)) + File("usr/cc", Noise(3)) + EndBlocks();
    const std::string steps = R"({"created":"2024-01-01T00:00:00Z","created_by":"ADD base"},)"
                              R"({"created_by":"ENV A","empty_layer":true},)"
                              R"({"created":"2024-01-02T00:00:00Z","created_by":"RUN install"},)"
                              R"({"created":"2024-01-03T00:00:00Z","created_by":"RUN clean"})";
    one = shop.Image("one:1", {base, tools, clean}, steps, R"(,"config":{"Env":["A=1"]},"x":1.50)");
    two = shop.Image("two:1", {base, tools, clean}, steps, R"(,"config":{"Env":["A=2"]})");
    three = shop.Image("three:1", {base, app});
    shop.Index({one, two, three});
  }

  static std::string Noise(unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(5000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }

  std::string Plan(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "plan", "oci:" + shop.path(), "--store", store(), "--max-layers", "3", "--json", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    REQUIRE(RunCli({"scan", "oci:" + shop.path(), "--store", store(), "--quiet"}).code == kDone);
    const CliRun run = RunCli(arguments);
    REQUIRE(run.code == kDone);
    return dir.Write("plan.json", run.out);
  }
  CliRun Apply(const std::string& level, const std::string& to,
               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"apply",   dir.path("plan.json"),
                                          "--from",  "oci:" + shop.path(),
                                          "--to",    "oci:" + to,
                                          "--store", store(),
                                          "--level", level};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunCli(arguments);
  }
  std::string store() const { return dir.path("store"); }

  TemporaryDirectory dir;
  LayoutMaker shop;
  std::string one;
  std::string two;
  std::string three;
};

// All files below a directory with their contents.
std::map<std::string, std::string> FilesOf(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), directory).string()] = ReadWholeFile(entry.path().string());
    }
  }
  return files;
}

std::string MediaDigest(const std::string& descriptor) {
  return AppliedJson::parse(descriptor)["digest"];
}

// The manifest and the config that a layout has for a ref.name.
std::pair<AppliedJson, AppliedJson> ImageNamed(const std::string& layout, const std::string& name) {
  const auto blob = [&](const std::string& digest) {
    return AppliedJson::parse(ReadWholeFile(layout + "/blobs/sha256/" + digest.substr(7)));
  };
  const AppliedJson index = AppliedJson::parse(ReadWholeFile(layout + "/index.json"));
  for (const AppliedJson& entry : index["manifests"]) {
    if (entry["annotations"]["org.opencontainers.image.ref.name"] != name) continue;
    const AppliedJson manifest = blob(entry["digest"]);
    return {manifest, blob(manifest["config"]["digest"])};
  }
  FAIL("no " << name);
  return {};
}

TEST_CASE("New layers are compressed as the plan counts them unless told otherwise",
          "[io][apply]") {
  const ApplyFixture f;
  f.Plan({"--compression", "zstd"});
  const std::string to = f.dir.path("zstd");
  const CliRun run = f.Apply("carve", to, {"--json"});
  INFO(run.err);
  REQUIRE(run.code == kDone);
  CHECK(run.err.empty());
  CHECK(AppliedJson::parse(run.out)["compression"] == "zstd");
  const CliRun gzip = f.Apply("carve", f.dir.path("gzip"), {"--json", "--compression", "gzip"});
  REQUIRE(gzip.code == kDone);
  CHECK_THAT(gzip.err, Catch::Matchers::Contains("counts new layers in zstd"));
  CHECK(AppliedJson::parse(gzip.out)["compression"] == "gzip");
  // A level is one of the codec that is used.
  CHECK(f.Apply("carve", f.dir.path("best"), {"--compression-level", "15"}).code == kDone);
  CHECK_THAT(f.Apply("carve", f.dir.path("worst"), {"--compression-level", "20"}).err,
             Catch::Matchers::Contains("expected a level of zstd from 1 to 19, found 20"));
}

TEST_CASE("Every level shows the same files, in a layout that is complete", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const auto today = ShowLayout(f.shop.path());
  const auto source = FilesOf(f.shop.path());
  for (const char* const level : {"squash", "bases", "carve"}) {
    for (const char* const codec : {"gzip", "zstd"}) {
      INFO(level << ' ' << codec);
      const std::string to = f.dir.path(std::string(level) + codec);
      const CliRun run = f.Apply(level, to, {"--compression", codec});
      INFO(run.err);
      REQUIRE(run.code == kDone);
      if (codec == std::string("gzip")) {
        CHECK(run.err.empty());
      } else {
        CHECK_THAT(run.err, Catch::Matchers::Contains("counts new layers in gzip"));
      }
      std::set<std::string> names;
      for (const auto& file : fs::directory_iterator(to)) names.insert(file.path().filename());
      CHECK(names == std::set<std::string>{"blobs", "index.json", "oci-layout"});
      auto shown = ShowLayout(to);
      std::erase_if(shown,
                    [](const auto& image) { return image.first.starts_with("gneiss-base:"); });
      CHECK(shown == today);
    }
  }
  CHECK(FilesOf(f.shop.path()) == source);
}

TEST_CASE("The same bytes come of every run and any number of threads", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  REQUIRE(f.Apply("carve", f.dir.path("a")).code == kDone);
  REQUIRE(f.Apply("carve", f.dir.path("b"), {"--jobs", "1"}).code == kDone);
  CHECK(FilesOf(f.dir.path("a")) == FilesOf(f.dir.path("b")));
  const CliRun report = f.Apply("carve", f.dir.path("c"), {"--json"});
  CHECK(report.out == f.Apply("carve", f.dir.path("d"), {"--json", "--jobs", "7"}).out);
}

TEST_CASE("Layers that are not scanned yet are scanned and kept", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  fs::remove_all(f.store());
  REQUIRE(f.Apply("squash", f.dir.path("out")).code == kDone);
  CHECK(ShowLayout(f.dir.path("out")) == ShowLayout(f.shop.path()));
  CHECK(fs::exists(f.store()));
}

TEST_CASE("Joined layers are one step of history; all else of the image stays", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const CliRun run = f.Apply("squash", f.dir.path("out"), {"--json"});
  REQUIRE(run.code == kDone);
  const auto [manifest, config] = ImageNamed(f.dir.path("out"), "one:1");
  const auto [old_manifest, old_config] = ImageNamed(f.shop.path(), "one:1");
  const std::size_t num_layers = manifest["layers"].size();
  REQUIRE(num_layers < 3);
  CHECK(config["rootfs"]["diff_ids"].size() == num_layers);
  CHECK(std::ranges::count_if(config["history"], [](const AppliedJson& step) {
          return !step.contains("empty_layer");
        }) == static_cast<std::ptrdiff_t>(num_layers));
  AppliedJson rest = config;
  AppliedJson old_rest = old_config;
  for (const char* const key : {"history", "rootfs"}) {
    rest.erase(key);
    old_rest.erase(key);
  }
  CHECK(rest.dump() == old_rest.dump());
  const AppliedJson report = AppliedJson::parse(run.out);
  CHECK(report["schema"] == "gneiss.apply/1");
  CHECK(report["images"] == 3);
  CHECK(report["written"]["layer_references"] == report["predicted"]["layer_references"]);
}

TEST_CASE("Images that the plan leaves alone are the same bytes under the same names",
          "[io][apply]") {
  const ApplyFixture f;
  // A second tag, and a nested index with a platform and an attestation of an image that stays.
  const std::string in_toto = "{\"in\":1}";
  f.shop.Blob("x", in_toto);
  const std::string statement =
      f.shop.Blob("manifest.v1+json",
                  fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{{"mediaType":)"
                              R"("application/vnd.in-toto+json","digest":"{}","size":{}}}]}})",
                              f.shop.Blob("config.v1+json", "{}"), LayoutMaker::DigestOf(in_toto),
                              in_toto.size()),
                  R"(,"annotations":{"vnd.docker.reference.digest":")" + MediaDigest(f.three) +
                      R"(","vnd.docker.reference.type":"attestation-manifest"},)"
                      R"("platform":{"os":"unknown","architecture":"unknown"})");
  const std::string nested = f.shop.Blob(
      "index.v1+json", LayoutMaker::IndexOf({f.three, statement}), LayoutMaker::Named("three:2"));
  f.shop.Index({f.one, f.two, f.three, nested});
  f.Plan({"--level", "squash", "--pin", "three:*"});
  REQUIRE(f.Apply("squash", f.dir.path("out")).code == kDone);
  const auto index = AppliedJson::parse(ReadWholeFile(f.dir.path("out/index.json")))["manifests"];
  REQUIRE(index.size() == 4);
  CHECK(index[2].dump() == AppliedJson::parse(f.three).dump());
  CHECK(index[3].dump() == AppliedJson::parse(nested).dump());
  const std::string blobs = f.dir.path("out/blobs/sha256/");
  for (const std::string& kept : {MediaDigest(f.three), MediaDigest(nested), MediaDigest(statement),
                                  LayoutMaker::DigestOf(in_toto)}) {
    REQUIRE(fs::exists(blobs + kept.substr(7)));
    struct stat there {};
    struct stat here {};
    REQUIRE(stat((blobs + kept.substr(7)).c_str(), &there) == 0);
    REQUIRE(stat(f.shop.BlobPath(kept).c_str(), &here) == 0);
    CHECK(there.st_ino == here.st_ino);
  }
}

TEST_CASE("What refers to an image that changes is left out, and counted", "[io][apply]") {
  const ApplyFixture f;
  const std::string subject =
      R"("subject":)" + f.one.substr(0, f.one.find(",\"annotations\"")) + "}";
  const std::string signature = f.shop.Blob(
      "manifest.v1+json", R"({"schemaVersion":2,"config":)" + f.shop.Blob("config.v1+json", "{}") +
                              R"(,"layers":[],)" + subject + "}");
  const std::string of_signature = f.shop.Blob(
      "manifest.v1+json", R"({"schemaVersion":2,"config":)" + f.shop.Blob("config.v1+json", "{}") +
                              R"(,"layers":[],"subject":)" + signature + "}");
  const std::string cosign = f.shop.Blob(
      "manifest.v1+json",
      R"({"schemaVersion":2,"config":)" + f.shop.Blob("empty.v1+json", "{}") + R"(,"layers":[]})",
      LayoutMaker::Named("sha256-" + MediaDigest(f.two).substr(7) + ".sig"));
  const std::string artifact = f.shop.Blob(
      "manifest.v1+json", R"({"schemaVersion":2,"config":)" + f.shop.Blob("empty.v1+json", "{}") +
                              R"(,"artifactType":"chart","layers":[]})");
  f.shop.Index({f.one, f.two, f.three, signature, of_signature, cosign, artifact});
  f.Plan({"--level", "squash", "--pin", "three:*"});
  const CliRun run = f.Apply("squash", f.dir.path("out"), {"--quiet"});
  INFO(run.err);
  REQUIRE(run.code == kDone);
  CHECK(run.out.find("3 manifests left out (attestations, signatures)") != std::string::npos);
  const auto index = AppliedJson::parse(ReadWholeFile(f.dir.path("out/index.json")))["manifests"];
  REQUIRE(index.size() == 4);
  CHECK(index[3].dump() == AppliedJson::parse(artifact).dump());
  CHECK_FALSE(fs::exists(f.dir.path("out/blobs/sha256/") + MediaDigest(signature).substr(7)));
}

TEST_CASE("New common bases are images, and those on them say so", "[io][apply]") {
  const ApplyFixture f;
  f.Plan({"--layer-cost", "0", "--transfer-weight", "0"});
  REQUIRE(f.Apply("bases", f.dir.path("out")).code == kDone);
  const auto index = AppliedJson::parse(ReadWholeFile(f.dir.path("out/index.json")))["manifests"];
  std::map<std::string, std::string> bases;
  for (const AppliedJson& entry : index) {
    const std::string name = entry["annotations"]["org.opencontainers.image.ref.name"];
    if (!name.starts_with("gneiss-base:")) continue;
    bases[name] = entry["digest"];
    CHECK(entry["platform"]["architecture"] == "amd64");
  }
  REQUIRE_FALSE(bases.empty());
  const AppliedJson manifest = ImageNamed(f.dir.path("out"), "one:1").first;
  const std::string base = manifest["annotations"]["org.opencontainers.image.base.name"];
  CHECK(manifest["annotations"]["org.opencontainers.image.base.digest"] == bases.at(base));
  const auto [of_base, config] = ImageNamed(f.dir.path("out"), base);
  for (std::size_t l = 0; l < of_base["layers"].size(); ++l) {
    CHECK(of_base["layers"][l] == manifest["layers"][l]);
  }
  CHECK(config["rootfs"]["diff_ids"].size() == of_base["layers"].size());
  CHECK(config["os"] == "linux");
}

TEST_CASE("Tags of several layouts stay apart", "[io][apply]") {
  const ApplyFixture f;
  const LayoutMaker other(f.dir.path("other"));
  other.Index({other.Image("1", {File("x", "1") + EndBlocks()})});
  f.shop.Index({f.shop.Image("1", {File("y", "2") + EndBlocks()})});
  const std::string from = "oci:" + other.path();
  f.Plan({from});
  const CliRun run = f.Apply("squash", f.dir.path("out"), {"--from", from});
  INFO(run.err);
  REQUIRE(run.code == kDone);
  std::set<std::string> refs;
  for (const auto& [ref, files] : ShowLayout(f.dir.path("out"))) refs.insert(ref);
  CHECK(refs == std::set<std::string>{"src:1", "other:1"});
  // The script of the plan copies what is there then.
  const CliRun script =
      RunCli({"plan", "oci:" + f.shop.path(), from, "--commands", "--store", f.store()});
  INFO(script.out);
  for (const std::string& ref : refs) {
    CHECK(script.out.find(":" + ref + " docker://") != std::string::npos);
    CHECK(ImageNamed(f.dir.path("out"), ref).first.contains("layers"));
  }
}

// One line on stderr, exit code 1, and nothing that could pass for a layout.
void CheckRefused(const ApplyFixture& f, const CliRun& run, const std::string& to,
                  const std::string& message) {
  INFO(run.err);
  CHECK(run.code == kFailed);
  CHECK(run.out.empty());
  CHECK(run.err == "gneiss: " + message + "\n");
  CHECK_FALSE(fs::exists(f.dir.path(to + "/index.json")));
}

std::string LayerDigest(const ApplyFixture& f, const std::string& image, std::size_t layer) {
  return AppliedJson::parse(f.shop.ReadBlob(MediaDigest(image)))["layers"][layer]["digest"];
}

// Images that a run left out of `to`, as its record has them: ref and reason.
std::map<std::string, std::string> LeftOutOf(const std::string& to) {
  std::map<std::string, std::string> left_out;
  const AppliedJson record = AppliedJson::parse(ReadWholeFile(to + "/gneiss-apply.json"));
  REQUIRE(record["schema"] == "gneiss.apply/1");
  for (const AppliedJson& image : record["left_out"]) {
    CHECK(image["manifest_digest"].get<std::string>().starts_with("sha256:"));
    left_out[image["ref"]] = image["why"];
  }
  return left_out;
}

TEST_CASE("An image that cannot be carried over is left out, and named", "[io][apply]") {
  const ApplyFixture f;
  f.Plan({"--level", "squash", "--pin", "three:*"});
  const std::string out = f.dir.path("out");
  const auto today = ShowLayout(f.shop.path());
  std::string warned;
  // What a run says, its exit code, and that those that are left are as they were.
  const auto check_left_out = [&](const std::map<std::string, std::string>& expected,
                                  const std::vector<std::string>& more = {}) {
    std::string said = warned;
    for (const auto& [ref, why] : expected) said += fmt::format("gneiss: {}: {}\n", ref, why);
    said += fmt::format("gneiss: {} left out of oci:{}",
                        expected.size() == 1 ? "1 image is" : "2 images are", out);
    const CliRun run = f.Apply("squash", out, more);
    const bool goes_on = !more.empty();
    CHECK(run.code == (goes_on ? kDone : kFailed));
    CHECK(run.err == said + (goes_on ? "\n" : "; --keep-going makes the exit code 0\n"));
    CHECK_THAT(run.out, Catch::Matchers::Contains("left out, see gneiss-apply.json"));
    CHECK(LeftOutOf(out) == expected);
    auto left = today;
    for (const auto& [ref, why] : expected) left.erase(ref);
    CHECK(ShowLayout(out) == left);
  };
  SECTION("a layer that stays, of other bytes") {
    const std::string digest = LayerDigest(f, f.three, 1);
    std::string bytes = f.shop.ReadBlob(digest);
    bytes[600] ^= 1;
    f.dir.Write("src/blobs/sha256/" + digest.substr(7), bytes);
    const std::string why =
        "expected a blob of digest " + digest + ", found " + LayoutMaker::DigestOf(bytes);
    // With --strict nothing is published; mended, the same command goes on.
    CheckRefused(f, f.Apply("squash", out, {"--strict"}), "out", "three:1: " + why);
    check_left_out({{"three:1", why}}, {"--keep-going"});
    fs::remove_all(out);
    CheckRefused(f, f.Apply("squash", out, {"--strict"}), "out", "three:1: " + why);
    bytes[600] ^= 1;
    f.dir.Write("src/blobs/sha256/" + digest.substr(7), bytes);
    CHECK(f.Apply("squash", out).code == kDone);
    CHECK(ShowLayout(out) == today);
    CHECK_FALSE(fs::exists(out + "/gneiss-apply.json"));
  }
  SECTION("a layer that stays is missing") {
    const std::string digest = LayerDigest(f, f.three, 1);
    fs::remove(f.shop.BlobPath(digest));
    check_left_out({{"three:1", "expected its blob " + digest + ", found it in no source"}});
    // Nothing of it is there.
    CHECK_FALSE(fs::exists(out + "/blobs/sha256/" + MediaDigest(f.three).substr(7)));
    // The record is no marker of an ended run.
    CheckRefused(f, f.Apply("squash", out), "none",
                 out + ": expected an empty directory or none, found blobs in it");
  }
  SECTION("its descriptor has a member again in another spelling") {
    std::string index = ReadWholeFile(f.shop.path() + "/index.json");
    const std::string member = "\"digest\":\"" + MediaDigest(f.three) + "\"";
    const std::size_t at = index.find(member);
    REQUIRE(at != std::string::npos);
    index.insert(at + member.size(), ",\"Digest\":\"" + MediaDigest(f.three) + "\"");
    f.dir.Write("src/index.json", index);
    warned = "gneiss: warning: " + f.shop.path() + "/index.json: duplicate JSON key\n";
    check_left_out({{"three:1",
                     "expected a descriptor with digest, size and data once, found one again in "
                     "other spelling; build the index anew"}});
  }
  SECTION("a layer that is joined, of other bytes") {
    const std::string digest = LayerDigest(f, f.one, 1);
    std::string bytes = f.shop.ReadBlob(digest);
    bytes[600] ^= 1;
    f.dir.Write("src/blobs/sha256/" + digest.substr(7), bytes);
    const std::string why = "layer " + digest +
                            ", which the plan makes other layers of: byte 0: expected a layer with "
                            "digest " +
                            digest + ", found " + LayoutMaker::DigestOf(bytes);
    check_left_out({{"one:1", why}, {"two:1", why}});
  }
  SECTION("a layer that is joined cannot be scanned") {
    const std::string digest = LayerDigest(f, f.one, 1);
    fs::remove(f.shop.BlobPath(digest));
    fs::remove_all(f.store());
    const std::string why = "layer " + digest +
                            ", which the plan makes other layers of: expected its blob in a "
                            "source, found it in none";
    check_left_out({{"one:1", why}, {"two:1", why}});
  }
  SECTION("a config is missing") {
    const std::string digest =
        AppliedJson::parse(f.shop.ReadBlob(MediaDigest(f.two)))["config"]["digest"];
    fs::remove(f.shop.BlobPath(digest));
    const CliRun run = f.Apply("squash", out);
    CHECK(run.code == kFailed);
    auto left = today;
    left.erase("two:1");
    CHECK(ShowLayout(out) == left);
  }
  SECTION("all of them") {
    for (const auto& blob : fs::directory_iterator(f.shop.path() + "/blobs/sha256")) {
      if (ReadWholeFile(blob.path().string()).find("app/main") != std::string::npos) {
        fs::remove(blob.path());
      }
    }
    f.shop.Index({f.three});
    f.Plan({"--level", "squash", "--pin", "three:*"});
    const CliRun run = f.Apply("squash", out);
    CHECK(run.code == kFailed);
    CHECK(run.err.starts_with("gneiss: three:1: expected its blob "));
    CHECK_FALSE(fs::exists(out + "/index.json"));
  }
}

TEST_CASE("One bad image does not stop those that share new layers with it", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const auto today = ShowLayout(f.shop.path());
  // Of `three`, whose base and compiler the others have, too.
  const std::string digest = LayerDigest(f, f.three, 1);
  fs::remove(f.shop.BlobPath(digest));
  for (const char* const level : {"bases", "carve"}) {
    INFO(level);
    const std::string out = f.dir.path(level);
    const CliRun run = f.Apply(level, out);
    INFO(run.err);
    CHECK(run.code == kFailed);
    CHECK(LeftOutOf(out).size() == 1);
    auto left = today;
    left.erase("three:1");
    auto shown = ShowLayout(out);
    std::erase_if(shown, [](const auto& image) { return image.first.starts_with("gneiss-base:"); });
    CHECK(shown == left);
    CHECK(f.Apply(level, f.dir.path("again"), {"--jobs", "1"}).err.size() == run.err.size());
    CHECK(FilesOf(f.dir.path("again")) == FilesOf(out));
    fs::remove_all(f.dir.path("again"));
  }
}

TEST_CASE("An inventory that is not the layer's is found, whatever is wanted of the layer",
          "[io][apply]") {
  const ApplyFixture f;
  f.Plan({"--level", "squash", "--pin", "three:*"});
  // Of the layer that deletes a file: in the store it deletes nothing.
  const std::string digest = LayerDigest(f, f.one, 2);
  const std::string tar = f.shop.ReadBlob(digest);
  ScannedLayer scanned = ScanBlob(tar);
  Inventory& forged = *scanned.inventory;
  for (Entry& entry : forged.entries) {
    if (entry.type == EntryType::kWhiteout) entry.type = EntryType::kFifo;
  }
  REQUIRE(FindInventoryFault(forged).empty());
  InventoryStore store(f.store());
  const ParsedDigest layer = *ParseDigest(digest);
  fs::remove(store.PathOf(layer));
  store.Write(layer, std::ssize(tar), scanned);
  const std::string out = f.dir.path("out");
  const CliRun run = f.Apply("squash", out);
  CHECK(run.code == kFailed);
  const auto left_out = LeftOutOf(out);
  REQUIRE(left_out.contains("one:1"));
  CHECK_THAT(left_out.at("one:1"), Catch::Matchers::Contains("expected what its inventory says, "
                                                             "found another entry than \"tmp/x\""));
}

TEST_CASE("A plan of other images is refused, and the target not touched", "[io][apply]") {
  const ApplyFixture f;
  f.Plan({"--level", "squash", "--pin", "three:*"});
  const std::string changed = f.shop.Image("three:1", {File("x") + EndBlocks()});
  f.shop.Index({f.one, f.two, changed});
  CheckRefused(f, f.Apply("squash", f.dir.path("out")), "out",
               f.dir.path("plan.json") +
                   ":levels[0].images[1]: expected image three:1 in the sources, found none with "
                   "its manifest " +
                   MediaDigest(f.three) +
                   ": the plan is of another fleet; plan these sources anew");
  CHECK_FALSE(fs::exists(f.dir.path("out")));
}

TEST_CASE("Targets that are taken are refused", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const std::string out = f.dir.path("out");
  SECTION("something else is there") {
    f.dir.Write("out/notes.txt", "mine");
    CheckRefused(f, f.Apply("squash", out), "out",
                 out + ": expected an empty directory or none, found notes.txt in it");
    CHECK(FilesOf(out).size() == 1);
  }
  SECTION("a file") {
    f.dir.Write("out", "mine");
    CheckRefused(f, f.Apply("squash", out), "none",
                 out + ": expected a directory to write to, or none, found a file");
  }
  SECTION("the source itself, and a directory of it") {
    const CliRun run = f.Apply("squash", f.shop.path());
    CHECK(run.code == kFailed);
    CheckRefused(
        f, f.Apply("squash", f.shop.path() + "/out"), "none",
        f.shop.path() + "/out: expected a directory outside of the source " + f.shop.path());
    CHECK_FALSE(fs::exists(f.shop.path() + "/out"));
  }
  SECTION("what another level left") {
    f.dir.Write("out/gneiss-apply.json", "{}\n");
    CheckRefused(f, f.Apply("squash", out), "out",
                 out +
                     ": expected what an ended run of this command left, found that of another "
                     "plan, level or compression (gneiss-apply.json); remove the directory, or "
                     "write to another one");
  }
  SECTION("a layout that is complete") {
    REQUIRE(f.Apply("squash", out).code == kDone);
    const CliRun run = f.Apply("squash", out);
    CHECK(run.code == kFailed);
    CHECK(run.err.find("expected an empty directory or none, found ") != std::string::npos);
  }
}

TEST_CASE("Wrong use of apply is told with what to write", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const auto usage = [&](const std::vector<std::string>& arguments) {
    const CliRun run = RunCli(arguments);
    CHECK(run.code == kUsage);
    return run.err;
  };
  const std::string plan = f.dir.path("plan.json");
  const std::string from = "oci:" + f.shop.path();
  const std::string see = "; see `gneiss apply --help`\n";
  CHECK(usage({"apply"}) ==
        "gneiss apply: expected a PLAN, as `gneiss plan -o FILE` writes it" + see);
  CHECK(usage({"apply", plan}) == "gneiss apply: expected --from SOURCE" + see);
  CHECK(usage({"apply", plan, "--from", from}) == "gneiss apply: expected --to oci:DIR" + see);
  CHECK(usage({"apply", plan, "--from", from, "--to", "out"}) ==
        "gneiss apply: --to: expected oci:DIR, found \"out\"" + see);
  CHECK(usage({"apply", plan, "--from", from, "--to", "oci:out:tag"}) ==
        "gneiss apply: --to: expected oci:DIR, a directory without a REF, found \"oci:out:tag\"" +
            see);
  CHECK(usage({"apply", plan, "--from", from, "--to", "oci:out", "--compression", "xz"}) ==
        "gneiss apply: --compression: expected gzip or zstd, found \"xz\"" + see);
  CHECK(usage({"apply", plan, "--from", from, "--to", "oci:out", "--compression-level", "10"}) ==
        "gneiss apply: --compression-level: expected a level of gzip from 1 to 9, found 10" + see);
  const CliRun several =
      RunCli({"apply", plan, "--from", from, "--to", "oci:" + f.dir.path("out")});
  CHECK(several.code == kFailed);
  CHECK(several.err == "gneiss: " + plan +
                           ": expected one level, found squash, bases, carve; say which with "
                           "--level\n");
}

TEST_CASE("An ended run is gone on with: whole blobs stay, the rest is written", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const std::string whole = f.dir.path("whole");
  REQUIRE(f.Apply("carve", whole).code == kDone);
  const auto expected = FilesOf(whole);

  // As a run that was killed leaves it: a marker, some blobs, one of them damaged, things
  // half-done.
  const std::string out = f.dir.path("out");
  fs::remove(f.shop.BlobPath(LayerDigest(f, f.one, 2)));
  REQUIRE(f.Apply("carve", out, {"--strict"}).code == kFailed);
  REQUIRE(fs::exists(out + "/gneiss-apply.json"));
  const ApplyFixture same;
  fs::copy(same.shop.BlobPath(LayerDigest(f, f.one, 2)), f.shop.BlobPath(LayerDigest(f, f.one, 2)));
  f.dir.Write("out/gneiss-apply.0123456789abcdef.tmp/7", "half");
  f.dir.Write("out/blobs/sha256/stray", "half");
  std::string damaged;
  for (const auto& [name, bytes] : expected) {
    if (!name.starts_with("blobs/")) continue;
    if (damaged.empty()) {
      damaged = name;
      f.dir.Write("out/" + name, std::string(bytes.size(), 'x'));
    } else {
      fs::remove(out + "/" + name);
      f.dir.Write("out/" + name, bytes);
    }
  }
  const CliRun run = f.Apply("carve", out);
  INFO(run.err);
  REQUIRE(run.code == kDone);
  CHECK(run.out.find("there from a run that was ended") != std::string::npos);
  CHECK(FilesOf(out) == expected);
}

// A target that an ended run seems to have left: one with a run's own marker.
class PreparedTarget {
 public:
  explicit PreparedTarget(const ApplyFixture& f) : f_(f), out_(f.dir.path("out")) {
    f.Plan();
    // A run that is ended by a layer that is not there.
    const std::string blob = f.shop.BlobPath(LayerDigest(f, f.one, 2));
    fs::rename(blob, f.dir.path("kept"));
    REQUIRE(f.Apply("carve", out_, {"--strict"}).code == kFailed);
    fs::rename(f.dir.path("kept"), blob);
    f.dir.Write("victim/precious", "mine");
    f.dir.Write("victim/7", "mine, too");
  }
  // That the target is refused for what is there, by name, and that nothing else was touched.
  void CheckRefusedFor(const std::string& message) const {
    const auto before = FilesOf(f_.dir.path("victim"));
    CheckRefused(f_, f_.Apply("carve", out_), "out", message);
    CHECK(FilesOf(f_.dir.path("victim")) == before);
  }
  const std::string& out() const { return out_; }

 private:
  const ApplyFixture& f_;
  std::string out_;
};

TEST_CASE("Symbolic links in a target are refused, and what they lead to is not touched",
          "[io][apply]") {
  const ApplyFixture f;
  const PreparedTarget target(f);
  // A work directory, one of an older kind, all blobs, those of one algorithm, one, and files.
  const std::string name =
      GENERATE(as<std::string>(), "gneiss-apply.0123456789abcdef.tmp", "gneiss-apply.tmp", "blobs",
               "blobs/sha256", "blobs/sha256/0", "gneiss-apply.notes", "oci-layout");
  fs::remove_all(target.out() + "/" + name);
  fs::create_symlink(f.dir.path("victim"), target.out() + "/" + name);
  target.CheckRefusedFor(target.out() +
                         ": expected a directory without symbolic links in it, found " + name +
                         "; remove it, or write to another directory");
}

TEST_CASE("What no run leaves is refused in a target", "[io][apply]") {
  const ApplyFixture f;
  const PreparedTarget target(f);
  f.dir.Write("out/notes.txt", "mine");
  target.CheckRefusedFor(target.out() +
                         ": expected what an ended run of this command left, found "
                         "notes.txt; remove it, or write to another directory");
  fs::remove(target.out() + "/notes.txt");
  fs::permissions(target.out() + "/blobs", fs::perms::all);
  target.CheckRefusedFor(target.out() +
                         "/blobs: expected a directory that an ended run of this "
                         "command made, found one that everybody can write to; "
                         "remove it, or write to another directory");
  fs::permissions(target.out() + "/blobs", fs::perms(0755));
  CHECK(f.Apply("carve", target.out()).code == kDone);
}

TEST_CASE("Who else can write to a target is told", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const std::string out = f.dir.path("out");
  fs::create_directory(out);
  fs::permissions(out, fs::perms::all);
  const CliRun run = f.Apply("carve", out);
  CHECK(run.code == kDone);
  CHECK(run.err == "gneiss: warning: " + out + " can be written to by everybody, and so changed\n");
}

TEST_CASE("What an ended run noted is believed as far as it can be read", "[io][apply]") {
  const ApplyFixture f;
  f.Plan();
  const std::string whole = f.dir.path("whole");
  REQUIRE(f.Apply("carve", whole).code == kDone);
  const auto expected = FilesOf(whole);
  const PreparedTarget target(f);
  // A layer of other files under its own digest, noted for each of the plan's layers.
  const std::string planted = File("usr/planted", "evil") + EndBlocks();
  const std::string digest = LayoutMaker::DigestOf(planted);
  f.dir.Write("out/blobs/sha256/" + digest.substr(7), planted);
  const CliRun before = f.Apply("carve", target.out(), {"--strict"});
  REQUIRE(before.code == kDone);
  CHECK(FilesOf(target.out()) == expected);

  // The same with notes: of a run that ends after its layers are written.
  const std::string again = f.dir.path("again");
  fs::remove_all(target.out());
  const PreparedTarget other(f);
  const std::string notes = ReadWholeFile(other.out() + "/gneiss-apply.notes");
  std::string forged;
  for (int key = 0; key < 3; ++key) {
    forged += fmt::format("{:064x} {} {}\n", key, digest, planted.size());
  }
  f.dir.Write("out/gneiss-apply.notes", notes + forged + "cut");
  f.dir.Write("out/blobs/sha256/" + digest.substr(7), planted);
  REQUIRE(f.Apply("carve", other.out()).code == kDone);
  CHECK(FilesOf(other.out()) == expected);
}

}  // namespace
}  // namespace gneiss
