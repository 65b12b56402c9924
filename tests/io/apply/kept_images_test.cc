// Images and layers that every level leaves alone, from the scan to what apply writes.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "planner/fleet/digest.h"
#include "tests/make/cli_run.h"
#include "tests/make/layout_maker.h"
#include "tests/make/source_files.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

using KeptJson = nlohmann::json;
using KeptTexts = std::vector<std::string>;

std::string HivesTar(const std::string& app) {
  return Directory("Files") + File("Files/" + app, app) + Directory("Hives") +
         File("Hives/Software_Delta", "regf" + app) + EndBlocks();
}

class KeptFixture {
 public:
  KeptFixture() : shop_(dir_.path("src")) {
    const auto tar = [](const std::string& name) {
      return File(name, std::string(3000, name[0])) + EndBlocks();
    };
    xml_ = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>";
    const std::string windows_base = Directory("Files") + File("Files/base", "w") + EndBlocks();
    shop_.Index({
        shop_.Image("win:1", {windows_base, HivesTar("one"), HivesTar("two")}),
        shop_.Image("win:2", {windows_base, HivesTar("one"), HivesTar("three")}),
        shop_.Image("odd:1", {tar("a"), tar("b"), xml_, tar("c"), tar("d")}),
        shop_.Image("zero:1", {tar("e"), "", tar("f")}),
        shop_.Image("plain:1", {tar("g"), tar("h")}),
    });
  }

  CliRun Run(KeptTexts arguments) const {
    arguments.insert(arguments.end(), {"--store", dir_.path("store"), "--quiet"});
    return RunCli(arguments);
  }
  std::string source() const { return "oci:" + shop_.path(); }
  std::string path(const std::string& name) const { return dir_.path(name); }
  const std::string& xml() const { return xml_; }

  // Digests of the layers that a layout has for a name.
  KeptTexts LayersOf(const std::string& layout, const std::string& name) const {
    const auto blob = [&](const std::string& digest) {
      return KeptJson::parse(ReadWholeFile(layout + "/blobs/sha256/" + digest.substr(7)));
    };
    const KeptJson index = KeptJson::parse(ReadWholeFile(layout + "/index.json"));
    KeptTexts digests;
    for (const KeptJson& entry : index["manifests"]) {
      if (entry["annotations"]["org.opencontainers.image.ref.name"] != name) continue;
      const KeptJson manifest = blob(entry["digest"]);
      for (const KeptJson& layer : manifest["layers"]) digests.push_back(layer["digest"]);
    }
    return digests;
  }

 private:
  TemporaryDirectory dir_;
  LayoutMaker shop_;
  std::string xml_;
};

TEST_CASE("What cannot be merged stays as it is at every level, and the rest is joined",
          "[io][kept_images]") {
  const KeptFixture f;
  REQUIRE(f.Run({"scan", f.source()}).code == kDone);
  const std::string plan_path = f.path("plan.json");
  const CliRun planned = f.Run({"plan", f.source(), "-o", plan_path});
  REQUIRE(planned.code == kDone);
  CHECK_THAT(planned.out, Catch::Matchers::Contains("windows: 2 images of Windows keep their "
                                                    "layers: registry hives are deltas that the"));
  CHECK_THAT(planned.out, Catch::Matchers::Contains("kept apart: 1 layer that cannot be joined"));
  const KeptJson model = KeptJson::parse(ReadWholeFile(plan_path))["model"];
  CHECK(model["windows_images"] == 2);
  CHECK(model["standalone_layers"] == 1);
  CHECK(model["images_over_max_layers"] == 0);

  const std::string source_layout = f.path("src");
  const std::string xml_digest = LayoutMaker::DigestOf(f.xml());
  for (const std::string level : {"squash", "bases", "carve"}) {
    INFO(level);
    const std::string to = f.path(level);
    const CliRun applied =
        f.Run({"apply", plan_path, "--from", f.source(), "--to", "oci:" + to, "--level", level});
    INFO(applied.err);
    REQUIRE(applied.code == kDone);
    for (const std::string name : {"win:1", "win:2"}) {
      CHECK(f.LayersOf(to, name) == f.LayersOf(source_layout, name));
    }
    const KeptTexts odd = f.LayersOf(to, "odd:1");
    CHECK(std::ranges::count(odd, xml_digest) == 1);
    if (level == "squash") {
      CHECK(odd.size() == 3);
      CHECK(odd.at(1) == xml_digest);
    } else {
      CHECK(odd == f.LayersOf(source_layout, "odd:1"));
    }
    CHECK(f.LayersOf(to, "zero:1").size() == 1);
    CHECK(f.LayersOf(to, "plain:1").size() == 1);
    for (const std::string name : {":win:1", ":zero:1", ":plain:1"}) {
      CHECK(f.Run({"verify", f.source() + name, "oci:" + to + name}).code == kDone);
    }
  }
}

TEST_CASE("Waste and history tell nothing of what layers of Windows hide", "[io][kept_images]") {
  const KeptFixture f;
  REQUIRE(f.Run({"scan", f.source()}).code == kDone);
  const CliRun waste = f.Run({"waste", f.source(), "--dive", "--json"});
  REQUIRE(waste.code == kDone);
  const KeptJson told = KeptJson::parse(waste.out);
  CHECK(told["fleet"]["windows_images"] == 2);
  for (const KeptJson& image : told["images"]) {
    if (!std::string(image["name"]).starts_with("win:")) continue;
    CHECK(image["hidden_bytes"] == 0);
    CHECK_FALSE(image.contains("dive"));
  }
  for (const KeptJson& finding : told["findings"]) CHECK(finding["kind"] != "replaced");
  CHECK_THAT(f.Run({"waste", f.source()}).out,
             Catch::Matchers::Contains("is not told of 2 images of Windows"));
  const CliRun history = f.Run({"history", "win:1", f.source()});
  CHECK(history.code == kDone);
  CHECK_THAT(history.out, Catch::Matchers::Contains("of Windows: nothing counts as shadowed"));
}

TEST_CASE("Images of Windows stand on no other base", "[io][kept_images]") {
  const TemporaryDirectory directory;
  const std::string windows = R"(,"platform":"windows/amd64")";
  const auto line = [&](const std::string& ref, const KeptTexts& layers) {
    std::string text = FleetLineOf(ref, layers);
    const std::string other = R"("platform":"linux/amd64")";
    return text.replace(text.find(other), other.size(), windows.substr(1));
  };
  const std::string fleet =
      directory.Write("fleet.ndjson", line("base:1", {"a:1"}) + line("base:2", {"b:1"}) +
                                          line("app:1", {"a:1", "c:1"}));
  const CliRun run = RunCli({"whatif", fleet, "--rebase", "base:1=base:2"});
  CHECK(run.code == kFailed);
  CHECK_THAT(run.err, Catch::Matchers::Contains("base:1 is of Windows: the layers of its images "
                                                "cannot stand on another base"));
}

// What a recommendation says is hidden, lies at one path twice.
TEST_CASE("No recommendation speaks of deleted files where none are", "[io][kept_images]") {
  const auto why_of = [](const std::vector<std::string>& tars) {
    const TemporaryDirectory dir;
    const LayoutMaker shop(dir.path("src"));
    shop.Index({shop.Image("app:1", tars)});
    const std::string source = "oci:" + shop.path();
    REQUIRE(RunCli({"scan", source, "--store", dir.path("store"), "--quiet"}).code == kDone);
    const CliRun run = RunCli({"plan", source, "--store", dir.path("store"), "--quiet", "--json"});
    REQUIRE(run.code == kDone);
    const KeptJson plan = KeptJson::parse(run.out);
    return std::string(plan["levels"][0]["recommendations"].at(0)["why"]);
  };
  const auto file = [](const std::string& path, char content, const std::string& more = "") {
    return File(path, std::string(50'000, content)) + more + EndBlocks();
  };
  using Catch::Matchers::Contains;
  const std::string apart = why_of({file("a", 'a'), file("b", 'b')});
  CHECK_THAT(apart, !Contains("deletes") && !Contains("replaces") && !Contains("writes again") &&
                        !Contains("never stored"));
  CHECK_THAT(why_of({file("a", 'a'), File(".wh.a") + EndBlocks()}),
             Contains("are files that a layer above deletes: joined, they are never stored"));
  CHECK_THAT(why_of({file("a", 'a'), file("a", 'b')}),
             Contains("are files that a layer above replaces: joined") && !Contains("deletes"));
  CHECK_THAT(why_of({file("a", 'a'), file("a", 'a')}),
             Contains("are files that a layer above writes again: joined") && !Contains("deletes"));
  CHECK_THAT(
      why_of({file("a", 'a', File("b", std::string(50'000, 'b'))), File(".wh.a") + file("b", 'c')}),
      Contains("are files that a layer above deletes and ") &&
          Contains(" that one replaces: joined"));
}

}  // namespace
}  // namespace gneiss
