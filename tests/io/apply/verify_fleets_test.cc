// `gneiss verify` on small layouts: what it finds, what it cannot prove, its exit codes.
#include "io/apply/verify_fleets.h"

#include <filesystem>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "io/store/inventory_store.h"
#include "io/text/format.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/digest.h"
#include "tests/make/cli_run.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

using TestJson = nlohmann::ordered_json;

struct TestImage {
  std::string ref;
  std::vector<std::string> layers;  // tars
  std::string settings = R"({"Env":["A=1"],"Cmd":["sh"]})";
  std::string more_config = R"("created":"2026-01-01T00:00:00Z",)";
  std::string architecture = "amd64";
  TestJson annotations = TestJson::object();
  bool is_compressed = false;
};

std::string Tar(const std::string& entries) { return entries + EndBlocks(); }

// An OCI layout that a test writes, in DIRECTORY/NAME.
class TestLayout {
 public:
  TestLayout(const TemporaryDirectory& directory, std::string name)
      : directory_(directory), name_(std::move(name)) {
    directory_.Write(name_ + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }

  std::string path() const { return directory_.path(name_); }
  static std::string BlobName(const std::string& digest) {
    return "/blobs/sha256/" + digest.substr(7);
  }

  // Returns the manifest's digest.
  std::string Add(const TestImage& image) {
    TestJson layers = TestJson::array();
    TestJson diff_ids = TestJson::array();
    for (const std::string& tar : image.layers) {
      layers.push_back(Blob(image.is_compressed ? "layer.v1.tar+gzip" : "layer.v1.tar",
                            image.is_compressed ? Gzip(tar) : tar));
      diff_ids.push_back(FormatDigest(Sha256(tar)));
      if (uses_sha512_) {
        const std::string hex = FormatDigest(Sha256(tar)).substr(7);
        layers.back()["digest"] = "sha512:" + hex + hex;
        directory_.Write(name_ + "/blobs/sha512/" + hex + hex, tar);
      }
    }
    const std::string config = R"({"os":"linux","architecture":")" + image.architecture + "\"," +
                               image.more_config + R"("config":)" + image.settings +
                               R"(,"rootfs":{"type":"layers","diff_ids":)" +
                               (diff_ids_.is_null() ? diff_ids : diff_ids_).dump() + "}}";
    TestJson manifest = {
        {"schemaVersion", 2}, {"config", Blob("config.v1+json", config)}, {"layers", layers}};
    if (!image.annotations.empty()) manifest["annotations"] = image.annotations;
    TestJson entry = Blob("manifest.v1+json", manifest.dump());
    entry["platform"] = {{"os", "linux"}, {"architecture", image.architecture}};
    if (!image.ref.empty()) {
      entry["annotations"] = {{"org.opencontainers.image.ref.name", image.ref}};
    }
    entries_.push_back(entry);
    WriteIndex();
    return entry["digest"];
  }
  // What has been added since the last one becomes a nested index of this ref.
  void Nest(const std::string& ref) {
    TestJson index = {{"schemaVersion", 2}, {"manifests", entries_}};
    for (TestJson& entry : index["manifests"]) entry.erase("annotations");
    TestJson entry = Blob("index.v1+json", index.dump());
    entry["annotations"] = {{"org.opencontainers.image.ref.name", ref}};
    entries_ = TestJson::array({entry});
    WriteIndex();
  }
  // Layers of the images added from now on have digests of an algorithm that is not checked.
  void UseSha512() { uses_sha512_ = true; }
  // Of the images added from now on, whatever their layers are.
  void ClaimDiffIds(TestJson diff_ids) { diff_ids_ = std::move(diff_ids); }

  void RemoveBlob(const std::string& content) const {
    std::filesystem::remove(path() + BlobName(FormatDigest(Sha256(content))));
  }
  void SpoilBlob(const std::string& content) const {
    std::string other = content;
    other[600] = static_cast<char>(other[600] ^ 1);
    directory_.Write(name_ + BlobName(FormatDigest(Sha256(content))), other);
  }

 private:
  TestJson Blob(const std::string& type, const std::string& content) const {
    const std::string digest = FormatDigest(Sha256(content));
    directory_.Write(name_ + BlobName(digest), content);
    return {{"mediaType", "application/vnd.oci.image." + type},
            {"digest", digest},
            {"size", content.size()}};
  }
  void WriteIndex() const {
    directory_.Write(name_ + "/index.json",
                     TestJson{{"schemaVersion", 2}, {"manifests", entries_}}.dump());
  }

  const TemporaryDirectory& directory_;
  std::string name_;
  TestJson entries_ = TestJson::array();
  TestJson diff_ids_;
  bool uses_sha512_ = false;
};

class VerifyFixture {
 public:
  TestLayout& left() { return left_; }
  TestLayout& right() { return right_; }
  const TemporaryDirectory& directory() const { return directory_; }

  CliRun Run(std::vector<std::string> more = {}) const {
    return RunSources(left_.path(), right_.path(), std::move(more));
  }
  CliRun RunSources(const std::string& left, const std::string& right,
                    std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "verify", left, right, "--store", directory_.path("store"), "--width", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    CliRun run = RunCli(arguments);
    for (std::string* const text : {&run.out, &run.err}) {
      for (std::size_t at; (at = text->find(directory_.path() + "/")) != std::string::npos;) {
        text->erase(at, directory_.path().size() + 1);
      }
    }
    return run;
  }
  TestJson RunJson(int code, std::vector<std::string> more = {}) const {
    more.push_back("--json");
    const CliRun run = Run(more);
    INFO(run.out << run.err);
    REQUIRE(run.code == code);
    return TestJson::parse(run.out);
  }

 private:
  TemporaryDirectory directory_;
  TestLayout left_{directory_, "before"};
  TestLayout right_{directory_, "after"};
};

const std::string kLower = File("a", "old") + Directory("d/") + File("d/x", "x") + File("gone");
const std::string kUpper = File("a", "new") + File(".wh.gone") + HardLink("d/y", "a");
const std::string kJoined =
    File("a", "new") + Directory("d/") + File("d/x", "x") + HardLink("d/y", "a");

TEST_CASE_METHOD(VerifyFixture, "Images whose layers are cut otherwise are the same",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  left().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
  right().Add({.ref = "shop:1", .layers = {Tar(kJoined)}, .is_compressed = true});
  right().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
  const CliRun run = Run();
  CHECK(run.code == kDone);
  CHECK(run.err == "");
  const std::string blobs = FormatBytes(
      static_cast<Bytes>(Gzip(Tar(kJoined)).size() + 2 * Tar(kLower).size() + Tar(kUpper).size()),
      ByteUnits::kSi);
  CHECK(run.out ==
        "2 images, 2 the same\n"
        "1 the same by every path, attribute and byte, 1 by the digests of the same layers\n"
        "compared 5 paths, 4 B of files, and what runtimes see of the configs\n"
        "read 4 blobs against their digests, " +
            blobs + "\n");
  // What the store knows by now is read again.
  const TestJson again = RunJson(kDone);
  CHECK(again["blobs_read"] == 4);
  CHECK(again["trust_store"] == false);
  CHECK(again["trusted_layers"] == 0);
}

TEST_CASE_METHOD(VerifyFixture, "Layers at the same place are read once, on the right",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper), Tar(File("b"))}});
  right().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper + File("b"))}});
  left().Add({.ref = "shop:2", .layers = {Tar(kUpper)}});
  right().Add({.ref = "shop:2", .layers = {Tar(kUpper)}});
  // Three of the right, two of the left.
  CHECK(RunJson(kDone)["blobs_read"] == 5);
  left().RemoveBlob(Tar(kLower));
  CHECK(RunJson(kDone)["blobs_read"] == 5);
  CHECK(RunJson(kFailed, {"--rescan"})["verdicts"]["unproven"] == 1);
  left().RemoveBlob(Tar(kUpper));
  CHECK(RunJson(kFailed)["verdicts"]["unproven"] == 1);
}

TEST_CASE_METHOD(VerifyFixture, "A layer that both sides have elsewhere is read on both",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  right().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(File("c")), Tar(kUpper)}});
  right().Add({.ref = "shop:2", .layers = {Tar(kLower), Tar(""), Tar(kUpper)}});
  left().Add({.ref = "shop:2", .layers = {Tar(kLower), Tar(kUpper)}});
  CHECK(RunJson(kPolicyNotMet)["verdicts"]["same"] == 1);
  left().SpoilBlob(Tar(kUpper));
  CHECK(RunJson(kPolicyNotMet)["verdicts"]["unproven"] == 1);
}

TEST_CASE_METHOD(VerifyFixture, "No inventory of a store takes part in a verdict", "[io][verify]") {
  // Well formed in everything, but of other contents.
  const auto forge = [&](const std::string& tar, const std::string& told) {
    ScannedLayer scanned = ScanBlob(told);
    scanned.inventory->layer = Sha256(tar);
    scanned.inventory->diff_id = Sha256(tar);
    scanned.inventory->blob_size = static_cast<Bytes>(tar.size());
    scanned.inventory->tar_size = static_cast<Bytes>(tar.size());
    InventoryStore store(directory().path("store"));
    store.PrepareToWrite();
    (void)store.Write({.digest = Sha256(tar)}, static_cast<Bytes>(tar.size()), scanned);
  };
  const std::string real = Tar(kJoined);
  const std::string evil =
      Tar(File("a", "new") + Directory("d/") + File("d/x", "y") + HardLink("d/y", "a"));
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  SECTION("that says of a layer what the other side shows") {
    right().Add({.ref = "shop:1", .layers = {evil}});
    forge(evil, real);
    const CliRun trusting = Run({"--trust-store"});
    CHECK(trusting.code == kDone);
    CHECK(trusting.out.find("\nno proof by bytes: the store was trusted for the contents of 1 "
                            "layer\n") != std::string::npos);
    const TestJson json = RunJson(kDone, {"--trust-store"});
    CHECK(json["trust_store"] == true);
    CHECK(json["trusted_layers"] == 3);
    CHECK(Run().code == kPolicyNotMet);
  }
  SECTION("that says of a layer on the left what the right shows") {
    right().Add({.ref = "shop:1", .layers = {evil}});
    forge(Tar(kUpper),
          Tar(File(".wh.gone") + File("a", "new") + File("d/x", "y") + HardLink("d/y", "a")));
    CHECK(Run().code == kPolicyNotMet);
  }
  SECTION("that says what nobody shows") {
    right().Add({.ref = "shop:1", .layers = {real}});
    forge(real, evil);
    CHECK(Run({"--trust-store"}).code == kPolicyNotMet);
    CHECK(Run().code == kDone);
  }
}

TEST_CASE_METHOD(VerifyFixture, "Images that the right side leaves out are counted so",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  right().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  const std::string digest = left().Add({.ref = "shop:2", .layers = {Tar(kUpper)}});
  const auto record = [&](const std::string& list) {
    directory().Write("after/gneiss-apply.json",
                      R"({"schema":"gneiss.apply/1","left_out":)" + list + "}");
  };
  CHECK(Run().code == kPolicyNotMet);
  record(R"([{"ref":"docker.io/library/shop:2","manifest_digest":")" + digest +
         R"(","why":"layer 2 is no tar"}])");
  const CliRun run = Run();
  CHECK(run.code == kFailed);
  CHECK(run.err == "");
  CHECK(run.out.starts_with(
      "shop:2 (linux/amd64): left out of after, as that says\n  layer 2 is no tar\n"
      "2 images, 1 the same, 1 left out of after\n"));
  CHECK(Run({"--keep-going"}).code == kDone);
  CHECK(RunJson(kDone, {"--keep-going"})["verdicts"]["left_out"] == 1);
  // Of another image of that name it says nothing.
  record(R"([{"ref":"shop:2","manifest_digest":"sha256:)" + std::string(64, '0') + R"("}])");
  CHECK(Run({"--keep-going"}).code == kPolicyNotMet);
  record(R"([{"ref":"shop:3"}])");
  CHECK(Run().code == kPolicyNotMet);
  record("5");
  const CliRun bad = Run();
  CHECK(bad.code == kPolicyNotMet);
  CHECK(bad.err ==
        "gneiss: after/gneiss-apply.json: left_out: expected an array of images, found 5\n");
  // An image that is there is compared, whatever the record says.
  record(R"([{"ref":"shop:1"},{"ref":"shop:2"}])");
  CHECK(RunJson(kDone, {"--keep-going"})["verdicts"]["same"] == 1);
}

TEST_CASE_METHOD(VerifyFixture, "A difference is listed by path, with exit code 3",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  left().Add({.ref = "shop:2", .layers = {Tar(kLower), Tar(kUpper)}});
  right().Add({.ref = "shop:1",
               .layers = {Tar(TarEntry({.name = "a", .mode = "0000600"}, "old") + Directory("d/") +
                              File("d/x", "y") + File("gone"))}});
  // The whiteout is lost.
  right().Add(
      {.ref = "shop:2", .layers = {Tar(kLower), Tar(File("a", "new") + HardLink("d/y", "a"))}});
  const CliRun run = Run();
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.err == "");
  CHECK(run.out.starts_with("shop:1 (linux/amd64): 2 differences\n"));
  CHECK(run.out.find("/a") < run.out.find("0644 -> 0600"));
  CHECK(run.out.find("content") <
        run.out.find(FormatDigest(Sha256("x")) + " -> " + FormatDigest(Sha256("y"))));
  CHECK(run.out.find("shop:2 (linux/amd64): 1 difference\n") != std::string::npos);
  CHECK(run.out.find("nothing -> file") != std::string::npos);
  CHECK(run.out.find("\n2 images, 0 the same, 2 different\n") != std::string::npos);
  const CliRun top = Run({"--top", "1"});
  CHECK(top.out.find("[1 other]") != std::string::npos);
  const TestJson json = RunJson(kPolicyNotMet, {"--top", "1"});
  CHECK(json["images"][0]["files"].size() == 2);
  CHECK(json["images"][0]["files"][0] ==
        TestJson{{"path", "a"}, {"what", "mode"}, {"left", "0644"}, {"right", "0600"}});
  CHECK(json["verdicts"]["different"] == 2);
}

TEST_CASE_METHOD(VerifyFixture, "Every single change of an image is found", "[io][verify]") {
  const std::string rest = File("other");
  const auto pax = [](std::string_view key, std::string_view value) {
    return Pax({{key, value}}) + File("f", "1");
  };
  const std::string plain = File("f", "1");
  const TarHeader device{
      .name = "n", .type = '3', .device_major = "0000001", .device_minor = "0000003"};
  TarHeader other_device = device;
  other_device.device_minor = "0000005";
  const std::vector<std::tuple<std::string, std::string, std::string>> changes = {
      {"content", plain, File("f", "2")},
      {"size", plain, File("f", "12")},
      {"mode", plain, TarEntry({.name = "f", .mode = "0000645"}, "1")},
      {"owner", plain, TarEntry({.name = "f", .uid = "0000001"}, "1")},
      {"owner", plain, TarEntry({.name = "f", .gid = "0000001"}, "1")},
      {"mtime", pax("mtime", "1.000000001"), pax("mtime", "1.000000002")},
      {"xattrs", plain, pax("SCHILY.xattr.user.k", "v")},
      {"xattrs", pax("SCHILY.xattr.user.k", "v"), pax("SCHILY.xattr.user.k", "w")},
      {"link target", Symlink("f", "a"), Symlink("f", "b")},
      {"device", TarEntry(device), TarEntry(other_device)},
      {"hard links", plain + HardLink("g", "f"), plain + File("g", "1")},
      {"type", plain, Symlink("f", "a")},
      {"path", plain, plain + File("more")},
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    left().Add(
        {.ref = "shop:" + std::to_string(i), .layers = {Tar(std::get<1>(changes[i]) + rest)}});
    right().Add(
        {.ref = "shop:" + std::to_string(i), .layers = {Tar(std::get<2>(changes[i]) + rest)}});
  }
  const TestJson json = RunJson(kPolicyNotMet);
  CHECK(json["verdicts"]["different"] == changes.size());
  for (const TestJson& image : json["images"]) {
    const std::string ref = image["refs"][0];
    const auto& [what, before, after] = changes[std::stoul(ref.substr(ref.find(':') + 1))];
    INFO(image);
    bool is_found = false;
    for (const TestJson& file : image["files"]) is_found |= file["what"] == what;
    CHECK(is_found);
    CHECK(image["config"].empty());
  }
  CHECK(RunJson(kPolicyNotMet, {"--mtime", "ignore"})["verdicts"]["same"] == 1);
}

TEST_CASE_METHOD(VerifyFixture, "The runtime part of the config is compared, with --strict all",
                 "[io][verify]") {
  const std::vector<std::string> layers = {Tar(kLower)};
  left().Add({.ref = "shop:1", .layers = layers});
  right().Add({.ref = "shop:1", .layers = layers, .settings = R"({"Env":["A=2"],"Cmd":["sh"]})"});
  left().Add({.ref = "shop:2", .layers = layers});
  right().Add(
      {.ref = "shop:2", .layers = layers, .more_config = R"("created":"2027-01-01T00:00:00Z",)"});
  const CliRun run = Run();
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.out.find("/config/Env/0") != std::string::npos);
  CHECK(run.out.find(R"("A=1" -> "A=2")") != std::string::npos);
  CHECK(run.out.find("2 images, 1 the same, 1 different\n") != std::string::npos);
  CHECK(RunJson(kPolicyNotMet, {"--strict"})["verdicts"]["different"] == 2);
}

TEST_CASE_METHOD(VerifyFixture, "Images on one side only are differences, new bases are not",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  left().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
  const std::string base = right().Add({.ref = "base:1", .layers = {Tar(kLower)}});
  right().Add({.ref = "shop:1",
               .layers = {Tar(kLower), Tar(kUpper)},
               .annotations = {{"org.opencontainers.image.base.digest", base}}});
  CliRun run = Run();
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.out.find("shop:2 (linux/amd64): not in after\n") == 0);
  CHECK(run.out.find("2 images, 1 the same, 1 not in after; 1 new base\n") != std::string::npos);
  right().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
  CHECK(Run().code == kDone);
  right().Add({.ref = "shop:3", .layers = {Tar(kUpper)}});
  run = Run();
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.out.find("shop:3 (linux/amd64): not in before\n") == 0);
}

TEST_CASE_METHOD(VerifyFixture, "What cannot be read is not proven, with exit code 1",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  right().Add({.ref = "shop:1", .layers = {Tar(kJoined)}});
  const std::string joined = FormatDigest(Sha256(Tar(kJoined)));
  SECTION("a blob of the right side that the store knows is bad now") {
    CHECK(Run().code == kDone);
    right().SpoilBlob(Tar(kJoined));
    const CliRun run = Run();
    CHECK(run.code == kFailed);
    CHECK(run.out.find("shop:1 (linux/amd64): not proven\n  layer " + joined +
                       " on the right: expected a blob with digest " + joined +
                       ", found sha256:") == 0);
    CHECK(run.out.find("\n1 image, 0 the same, 1 not proven\n") != std::string::npos);
  }
  SECTION("a blob of the right side is gone, although its contents are known") {
    CHECK(Run().code == kDone);
    right().RemoveBlob(Tar(kJoined));
    const CliRun run = Run();
    CHECK(run.code == kFailed);
    CHECK(run.out.find("layer " + joined + " on the right: no source has the blob\n") !=
          std::string::npos);
  }
  SECTION("a blob that nobody knows is bad") {
    right().SpoilBlob(Tar(kJoined));
    CHECK(Run().code == kFailed);
  }
  SECTION("a blob of the left side is gone, and its contents are not known") {
    left().RemoveBlob(Tar(kUpper));
    const CliRun run = Run();
    CHECK(run.code == kFailed);
    CHECK(run.out.find("layer " + FormatDigest(Sha256(Tar(kUpper))) +
                       " on the left: no source has the blob\n") != std::string::npos);
    CHECK(Run({"--trust-store"})
              .out.find("on the left: no source has the blob, and no inventory is known\n") !=
          std::string::npos);
  }
  SECTION("the left side is held to its blobs, unless the store is trusted") {
    // A proof leaves the store as it is.
    CHECK(Run().code == kDone);
    CHECK(Run({"--trust-store"}).code == kDone);
    left().SpoilBlob(Tar(kUpper));
    CHECK(Run().code == kFailed);
    CHECK(Run({"--trust-store"}).code == kDone);
  }
  SECTION("a manifest cannot be read, and its image may be the one that is missing") {
    const std::string manifest = left().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
    right().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
    std::filesystem::remove(left().path() + TestLayout::BlobName(manifest));
    const CliRun run = Run();
    CHECK(run.code == kFailed);
    CHECK(run.out.find("shop:2 (linux/amd64): not proven\n  no image of this name on the left, "
                       "where an image could not be read\n") == 0);
  }
}

TEST_CASE_METHOD(VerifyFixture, "Layers that nobody can look into are the same by their digest",
                 "[io][verify]") {
  const std::string no_tar = R"({"what":"ever, but longer than a byte"})";
  left().Add({.ref = "shop:1", .layers = {no_tar}});
  right().Add({.ref = "shop:1", .layers = {no_tar}});
  CHECK(Run().code == kDone);
  left().Add({.ref = "shop:2", .layers = {no_tar}});
  right().Add({.ref = "shop:2", .layers = {no_tar, Tar(kLower)}});
  const CliRun run = Run();
  CHECK(run.code == kFailed);
  CHECK(run.out.find("on the right: not a tar: JSON") != std::string::npos);
  // On top of both, it stands on the same.
  left().Add({.ref = "shop:3", .layers = {Tar(kLower), Tar(kUpper), no_tar, Tar(File("b"))}});
  right().Add({.ref = "shop:3", .layers = {Tar(kJoined), no_tar, Tar(File("b"))}});
  CHECK(RunJson(kFailed)["verdicts"]["same"] == 2);
  // What differs below it may be hidden by it.
  left().Add({.ref = "shop:4", .layers = {Tar(kLower), no_tar}});
  right().Add({.ref = "shop:4", .layers = {Tar(kJoined), no_tar}});
  CHECK(RunJson(kFailed)["verdicts"]["unproven"] == 2);
}

TEST_CASE_METHOD(VerifyFixture, "A layer whose digest cannot be checked is never proven",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  right().UseSha512();
  right().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  for (int run = 0; run < 2; ++run) {
    const CliRun found = Run({"--quiet"});
    CHECK(found.code == kFailed);
    CHECK(found.out.find("on the right: expected a sha256 to check the blob against, found "
                         "sha512:") != std::string::npos);
  }
}

TEST_CASE_METHOD(VerifyFixture, "What a config calls its layers must be what they are",
                 "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  right().ClaimDiffIds({FormatDigest(Sha256("other"))});
  right().Add({.ref = "shop:1", .layers = {Tar(kJoined), Tar("")}});
  CliRun run = Run();
  CHECK(run.code == kPolicyNotMet);
  CHECK(run.out.find("2 layers -> 1 diff_ids") != std::string::npos);
}

TEST_CASE_METHOD(VerifyFixture, "Two images that are chosen by REF are compared", "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower), Tar(kUpper)}});
  left().Add({.ref = "shop:2", .layers = {Tar(kLower)}});
  right().Add({.ref = "blog:7", .layers = {Tar(kJoined)}});
  CHECK(RunSources("oci:" + left().path() + ":shop:1", "oci:" + right().path() + ":blog:7").code ==
        kDone);
  CHECK(RunSources("oci:" + left().path() + ":shop:2", "oci:" + right().path() + ":blog:7").code ==
        kPolicyNotMet);
  CHECK(RunSources("oci:" + left().path() + ":shop:1", right().path()).code == kPolicyNotMet);
}

TEST_CASE_METHOD(VerifyFixture, "Platforms of nested indexes and bare tags find one another",
                 "[io][verify]") {
  left().Add({.ref = "", .layers = {Tar(kLower), Tar(kUpper)}});
  left().Add({.ref = "", .layers = {Tar(kLower)}, .architecture = "arm64"});
  left().Nest("1");
  right().Add({.ref = "", .layers = {Tar(kLower)}, .architecture = "arm64"});
  right().Add({.ref = "", .layers = {Tar(kJoined)}});
  right().Nest("1");
  CHECK(RunJson(kDone)["verdicts"]["same"] == 2);
  CHECK(RunJson(kDone, {"--platform", "linux/arm64"})["verdicts"]["same"] == 1);
}

TEST_CASE_METHOD(VerifyFixture, "The report is the same at any number of threads", "[io][verify]") {
  for (int i = 0; i < 20; ++i) {
    const std::string ref = "shop:" + std::to_string(i);
    const std::string own = File("own", ref);
    left().Add({.ref = ref, .layers = {Tar(kLower), Tar(kUpper + own)}});
    right().Add({.ref = ref, .layers = {Tar(kJoined + (i % 3 == 0 ? File("own") : own))}});
  }
  (void)Run();
  const CliRun one = Run({"--json", "--jobs", "1"});
  CHECK(one.code == kPolicyNotMet);
  CHECK(Run({"--json", "--jobs", "4"}).out == one.out);
}

TEST_CASE_METHOD(VerifyFixture, "Wrong use of verify is told", "[io][verify]") {
  left().Add({.ref = "shop:1", .layers = {Tar(kLower)}});
  CliRun run = RunCli({"verify", left().path()});
  CHECK(run.code == kUsage);
  CHECK(run.err ==
        "gneiss verify: expected two SOURCEs, what the images were and what they are now; see "
        "`gneiss verify --help`\n");
  run = RunCli({"verify", "a", "b", "c"});
  CHECK(run.code == kUsage);
  CHECK(run.err ==
        "gneiss verify: expected no more arguments, found \"c\"; see `gneiss verify --help`\n");
  run = Run({"--trust-store", "--rescan"});
  CHECK(run.code == kUsage);
  CHECK(run.err ==
        "gneiss verify: expected either --trust-store or --rescan, found both; see "
        "`gneiss verify --help`\n");
  run = Run({"--mtime", "maybe"});
  CHECK(run.code == kUsage);
  CHECK(RunSources(left().path(), directory().path("nothing")).code == kFailed);
}

using Pointers = std::vector<std::string>;

Pointers PointersOf(const std::string& left, const std::string& right,
                    ConfigPart part = ConfigPart::kRuntime) {
  Pointers pointers;
  for (const ConfigDifference& d : CompareConfigs(left, right, part)) {
    pointers.push_back(d.pointer + " " + d.left + " " + d.right);
  }
  return pointers;
}

TEST_CASE("Configs differ in what runtimes see", "[io][verify]") {
  const auto config = [](const std::string& settings) { return R"({"config":)" + settings + "}"; };
  CHECK(PointersOf(config(R"({"User":"a","WorkingDir":"/"})"),
                   config(R"({"WorkingDir":"/","User":"b"})")) ==
        Pointers{R"(/config/User "a" "b")"});
  CHECK(PointersOf(config(R"({"Env":["A=1","B=2"]})"), config(R"({"Env":["A=1"]})")) ==
        Pointers{R"(/config/Env/1 "B=2" nothing)"});
  CHECK(PointersOf(config(R"({"Entrypoint":["a"]})"), config(R"({"Entrypoint":["a","b"]})")) ==
        Pointers{R"(/config/Entrypoint/1 nothing "b")"});
  CHECK(PointersOf(config(R"({"Volumes":{"/data":{}}})"), config(R"({"Volumes":{"/other":{}}})")) ==
        Pointers{"/config/Volumes/~1data {} nothing", "/config/Volumes/~1other nothing {}"});
  CHECK(PointersOf(config(R"({"Labels":{"a":""}})"), config(R"({"Labels":{}})")) ==
        Pointers{R"(/config/Labels {"a":""} nothing)"});
  CHECK(PointersOf(config(R"({"Healthcheck":{"Test":["CMD"],"Interval":5}})"),
                   config(R"({"Healthcheck":{"Test":["CMD"],"Interval":6}})")) ==
        Pointers{"/config/Healthcheck/Interval 5 6"});
  CHECK(PointersOf(R"({"os":"linux","variant":"v8"})", R"({"os":"linux"})") ==
        Pointers{R"(/variant "v8" nothing)"});
  CHECK(PointersOf(R"({"os.version":"10.0.1"})", R"({"os.version":"10.0.2"})") ==
        Pointers{R"(/os.version "10.0.1" "10.0.2")"});
}

TEST_CASE("What says the same to every runtime is no difference of configs", "[io][verify]") {
  CHECK(PointersOf(R"({"config":{"Cmd":null,"Env":[],"User":"","Tty":false,"Memory":0}})",
                   R"({"config":{}})")
            .empty());
  CHECK(PointersOf(R"({"config":null})", "{}").empty());
  CHECK(PointersOf(R"({"config":{"Healthcheck":{"Test":["CMD"],"Retries":0}}})",
                   R"({"config":{"Healthcheck":{"Test":["CMD"]}}})")
            .empty());
  const std::string rebuilt =
      R"({"created":"x","history":[{}],"rootfs":{"diff_ids":["a"]},"author":"b"})";
  CHECK(PointersOf(rebuilt, "{}").empty());
  CHECK(PointersOf(rebuilt, "{}", ConfigPart::kWhole).size() == 4);
  // The last of equal keys wins, as everywhere.
  CHECK(PointersOf(R"({"os":"a","os":"b"})", R"({"os":"b"})").empty());
}

TEST_CASE("A config that is none is refused", "[io][verify]") {
  CHECK(MessageOf<InputError>([] { (void)CompareConfigs("[]", "{}", ConfigPart::kRuntime); }) ==
        "expected an image config, a JSON object");
  CHECK_THROWS_AS(CompareConfigs("{", "{}", ConfigPart::kRuntime), InputError);
  const std::string deep = "{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}";
  CHECK_THROWS_AS(ConfigFingerprint(deep), InputError);
  CHECK(DiffIdTexts(R"({"rootfs":[]})").empty());
  CHECK(DiffIdTexts(R"({"rootfs":{"diff_ids":["a",1]}})") == std::vector<std::string>{"a", "1"});
}

TEST_CASE("The fingerprint of a config survives new layers, and little else", "[io][verify]") {
  const std::string a = R"({"os":"linux","history":[],"rootfs":{"diff_ids":["a"]}})";
  CHECK(ConfigFingerprint(a) == ConfigFingerprint(R"({"rootfs":{},"os":"linux"})"));
  CHECK(ConfigFingerprint(a) != ConfigFingerprint(R"({"os":"linux","created":"x"})"));
}

}  // namespace
}  // namespace gneiss
