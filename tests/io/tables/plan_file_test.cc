#include "io/tables/plan_file.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "io/apply/plan_match.h"
#include "planner/fleet/bytes.h"
#include "tests/make/content_fleet.h"

namespace gneiss {
namespace {

std::string HexDigest(char digit) { return "sha256:" + std::string(64, digit); }

std::string PlanText(const std::string& levels) {
  return R"({"schema":"gneiss.plan/1","levels":[)" + levels + "]}";
}

std::string CarveText(const std::string& entries,
                      const std::string& layers = R"({"entries":"L1"})") {
  return PlanText(fmt::format(
      R"({{"level":"carve","images":[{{"refs":["app:1"],"manifest_digest":"{}","layers":[{}]}}],)"
      R"("layers":[{{"id":"L1","size":5,"from":[{{"digest":"{}","entries":"{}"}}]}}]}})",
      HexDigest('a'), layers, HexDigest('b'), entries));
}

std::string PlanProblem(const std::string& text) {
  try {
    (void)ParsePlanFile("p.json", text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// Two images of three layers.
struct PlannedFixture {
  ContentFleet made =
      MakeContentFleet({{tiny::Directory("a"), tiny::File("a/x", "1"), tiny::File("b", "2")},
                        {tiny::File("a/x", "3"), tiny::File("c", "4")},
                        {tiny::Whiteout("b"), tiny::File("d", "5")}},
                       {{0, 1, 2}, {0, 2}});

  std::string ManifestOf(ImageIndex i) const { return FormatDigest(made.fleet.images[i].identity); }
  std::string LayerOf(ImageIndex i, std::size_t position) const {
    return FormatDigest(made.fleet.layers[made.fleet.chain(made.fleet.images[i])[position]].digest);
  }
  std::string FromText(ImageIndex i, std::size_t first, std::size_t count) const {
    std::string text;
    for (std::size_t k = first; k < first + count; ++k) {
      text += (text.empty() ? "\"" : ",\"") + LayerOf(i, k) + '"';
    }
    return R"({"from":[)" + text + "]}";
  }
  std::string ImageText(ImageIndex i, const std::string& layers) const {
    return fmt::format(R"({{"refs":["app:{}"],"manifest_digest":"{}","layers":[{}]}})", 100 + i,
                       ManifestOf(i), layers);
  }
  static std::string LevelText(const std::string& name, const std::string& images,
                               const std::string& more = "") {
    return PlanText(fmt::format(R"({{"level":"{}","images":[{}]{}}})", name, images, more));
  }
  // A layer of entries of one layer of image 0.
  std::string MadeText(const std::string& id, std::size_t position,
                       const std::string& entries) const {
    return fmt::format(R"({{"id":"{}","size":7,"from":[{{"digest":"{}","entries":"{}"}}]}})", id,
                       LayerOf(0, position), entries);
  }

  PlannedImages Match(const std::string& text) const {
    const PlanFile plan = ParsePlanFile("p.json", text);
    return MatchPlan(plan, plan.levels.front(), made.fleet, made.contents);
  }
  std::string Problem(const std::string& text) const {
    try {
      (void)Match(text);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_CASE("A plan file is read with its levels, layers and entries", "[io][apply]") {
  const std::string text = CarveText("0-5,9");
  const PlanFile plan = ParsePlanFile("p.json", text);
  CHECK(plan.digest == Sha256(text));
  REQUIRE(plan.levels.size() == 1);
  const PlanFileLevel& level = plan.Level("");
  CHECK(&plan.Level("carve") == &level);
  REQUIRE(level.layers.size() == 1);
  CHECK(level.layers[0].size == 5);
  CHECK(level.layers[0].from[0].ranges ==
        std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 5}, {9, 9}});
  CHECK(level.images[0].name == "app:1");
  CHECK(level.images[0].layers[0].new_layer == 0);
}

TEST_CASE("What is no plan is refused with its place", "[io][apply]") {
  CHECK(PlanProblem("[]") == "p.json: expected a plan, a JSON object, found an array");
  CHECK(PlanProblem("{}") ==
        "p.json: schema: expected \"gneiss.plan/1\" as `gneiss plan -o FILE` writes it, found "
        "no such key");
  CHECK(PlanProblem(R"({"schema":"gneiss.waste/1"})") ==
        "p.json: schema: expected \"gneiss.plan/1\", found \"gneiss.waste/1\"");
  CHECK(PlanProblem(PlanText("")) == "p.json: levels: expected a level at least, found none");
  CHECK(PlanProblem(PlanText(R"({"level":"squish","images":[]})")) ==
        "p.json: levels[0].level: expected squash, bases or carve, found \"squish\"");
  const std::string squash = R"({"level":"squash","images":[]})";
  CHECK(PlanProblem(PlanText(squash + "," + squash)) ==
        "p.json: levels[1].level: expected each level once, found \"squash\"");
  CHECK(PlanProblem("{\"schema\":").starts_with("p.json:byte 11: not JSON: "));
}

TEST_CASE("A plan may say what it counts new layers in", "[io][apply]") {
  const std::string text = CarveText("0-2");
  const auto with = [&](const std::string& model) {
    return R"({"model":)" + model + "," + text.substr(1);
  };
  const auto codec_of = [&](const std::string& model) {
    return ParsePlanFile("p.json", with(model)).codec;
  };
  CHECK(ParsePlanFile("p.json", text).codec == std::nullopt);
  CHECK(codec_of("{}") == std::nullopt);
  CHECK(codec_of(R"({"compression":"today"})") == std::nullopt);
  CHECK(codec_of(R"({"compression":"gzip"})") == LayerCodec::kGzip);
  CHECK(codec_of(R"({"compression":"zstd"})") == LayerCodec::kZstd);
  CHECK(PlanProblem(with(R"({"compression":"tar"})")) ==
        "p.json: model.compression: expected gzip, zstd or today, found \"tar\"");
}

TEST_CASE("Positions of entries are checked one by one", "[io][apply]") {
  const std::string place = "p.json: levels[0].layers[0].from[0].entries: ";
  CHECK(PlanProblem(CarveText("5-3")) ==
        place + "expected a range that ends after its start, found \"5-3\"");
  CHECK(PlanProblem(CarveText("0-99999999999")) ==
        place + "expected positions below 4294967295, found \"0-99999999999\"");
  CHECK(PlanProblem(CarveText("4294967295")) ==
        place + "expected positions below 4294967295, found \"4294967295\"");
  CHECK(PlanProblem(CarveText("0-5,5")) ==
        place + "expected positions in rising order, each once, found \"5\"");
  CHECK(PlanProblem(CarveText("7,2")) ==
        place + "expected positions in rising order, each once, found \"2\"");
  for (const char* const bad : {"", ",", "1,", "-1", "1-", "1--2", "a", "1 ,2", "+1", "0x1"}) {
    INFO(bad);
    CHECK(
        PlanProblem(CarveText(bad)).starts_with(place + "expected positions as \"0-5,9\", found "));
  }
}

TEST_CASE("Layers of an image are ids of the level or digests", "[io][apply]") {
  CHECK(PlanProblem(CarveText("0", R"({"entries":"L2"})")) ==
        "p.json: levels[0].images[0].layers[0].entries: expected the id of one of the level's "
        "layers, found \"L2\"");
  CHECK(
      PlanProblem(CarveText("0", "{}")) ==
      "p.json: levels[0].images[0].layers[0]: expected an object with either `from` or `entries`, "
      "found neither");
  CHECK(PlanProblem(CarveText("0", R"({"from":["sha256:1"]})"))
            .starts_with("p.json: levels[0].images[0].layers[0].from[0]: expected a digest"));
  CHECK(PlanProblem(CarveText("0", R"({"from":[]})")) ==
        "p.json: levels[0].images[0].layers[0].from: expected a digest at least, found none");
}

TEST_CASE("A plan with several levels wants to know which", "[io][apply]") {
  const PlanFile plan = ParsePlanFile(
      "p.json",
      PlanText(R"({"level":"squash","images":[]},{"level":"carve","images":[],"layers":[]})"));
  CHECK(plan.Level("carve").name == "carve");
  CHECK_THROWS_WITH(plan.Level(""),
                    "p.json: expected one level, found squash, carve; say which with --level");
  CHECK_THROWS_WITH(plan.Level("bases"), "p.json: expected level bases, found squash, carve");
}

TEST_CASE("Squash: joined layers are one blob wherever they stand", "[io][apply]") {
  const PlannedFixture f;
  const PlannedImages planned = f.Match(PlannedFixture::LevelText(
      "squash", f.ImageText(0, f.FromText(0, 0, 1) + "," + f.FromText(0, 1, 2)) + "," +
                    f.ImageText(1, f.FromText(1, 0, 1) + "," + f.FromText(1, 1, 1))));
  REQUIRE(planned.blobs.size() == 3);
  CHECK(planned.of_image[0] == std::vector<std::uint32_t>{0, 1});
  CHECK(planned.of_image[1] == std::vector<std::uint32_t>{0, 2});
  CHECK(planned.is_changed == std::vector<std::uint8_t>{1, 0});
  CHECK(planned.blobs[0].num_images == 2);
  CHECK(planned.blobs[1].segment.size() == 2);
  CHECK_FALSE(planned.blobs[1].is_first);
  CHECK(planned.is_planned == std::vector<std::uint8_t>{1, 1});
}

TEST_CASE("Images that a plan does not have keep their layers", "[io][apply]") {
  const PlannedFixture f;
  const PlannedImages planned =
      f.Match(PlannedFixture::LevelText("squash", f.ImageText(0, f.FromText(0, 0, 3))));
  CHECK(planned.is_planned == std::vector<std::uint8_t>{1, 0});
  CHECK(planned.is_changed == std::vector<std::uint8_t>{1, 0});
  CHECK(planned.blobs[planned.of_image[0][0]].is_first);
}

TEST_CASE("A plan of another fleet is refused with the first that differs", "[io][apply]") {
  const PlannedFixture f;
  CHECK(f.Problem(CarveText("0")) ==
        "p.json:levels[0].images[0]: expected image app:1 in the sources, found none with its "
        "manifest " +
            HexDigest('a') + ": the plan is of another fleet; plan these sources anew");
  CHECK(f.Problem(PlannedFixture::LevelText("squash", f.ImageText(1, f.FromText(0, 0, 3)))) ==
        "p.json:levels[0].images[0]: expected layer 2 of app:101 to be " + f.LayerOf(0, 1) +
            ", found " + f.LayerOf(0, 2) +
            " in the sources: the plan is of another fleet; plan these sources anew");
  CHECK(f.Problem(PlannedFixture::LevelText("squash", f.ImageText(0, f.FromText(0, 0, 2)))) ==
        "p.json:levels[0].images[0]: expected the 3 layers that app:100 has in the sources, found "
        "2: the plan is of another fleet; plan these sources anew");
  const std::string twice = f.ImageText(1, f.FromText(1, 0, 2));
  CHECK(f.Problem(PlannedFixture::LevelText("squash", twice + "," + twice)) ==
        "p.json:levels[0].images[1]: expected each image once, found it again");
  CHECK(f.Problem(PlannedFixture::LevelText(
            "carve", f.ImageText(0, R"({"entries":"L1"})"),
            fmt::format(
                R"(,"layers":[{{"id":"L1","size":7,"from":[{{"digest":"{}","entries":"0"}}]}}])",
                HexDigest('b')))) ==
        "p.json:levels[0].layers[0].from[0]: expected a layer of the sources, found " +
            HexDigest('b') + ": the plan is of another fleet; plan these sources anew");
}

TEST_CASE("Entries of a plan are taken by their positions in the tar", "[io][apply]") {
  const PlannedFixture f;
  const auto level = [&](const std::string& layers, const std::string& of_image) {
    return PlannedFixture::LevelText("carve", f.ImageText(0, of_image),
                                     R"(,"layers":[)" + layers + "]");
  };
  const std::string one = R"({"entries":"L1"})";
  const std::string both = one + R"(,{"entries":"L2"})";
  const std::string all = both + R"(,{"entries":"L3"})";
  const std::string others = f.MadeText("L2", 1, "1") + "," + f.MadeText("L3", 2, "1");
  const PlannedImages planned = f.Match(level(f.MadeText("L1", 0, "0-1") + "," + others, all));
  REQUIRE(planned.blobs.size() >= 3);
  CHECK(planned.blobs[0].id == "L1");
  CHECK(planned.blobs[0].predicted == 7);
  CHECK(planned.blobs[0].entries.size() == 2);

  const std::string from = "p.json:levels[0].layers[0].from[0]";
  CHECK(f.Problem(level(f.MadeText("L1", 0, "0-3"), one)) ==
        from + ".entries: expected positions below 3, the entries of " + f.LayerOf(0, 0) +
            ", found 3");
  CHECK(f.Problem(level(f.MadeText("L1", 2, "0"), one)) ==
        from + ".entries: expected entries that an image shows, found the whiteout of \"b\" at 0");
  CHECK(f.Problem(level(f.MadeText("L1", 0, "1") + "," + f.MadeText("L2", 1, "0"), both)) ==
        "p.json:levels[0].images[0]: expected each path in one layer of app:100, found \"a/x\" in "
        "layer L2 again");
  // Directories may be in several.
  CHECK(f.Problem(level(f.MadeText("L1", 0, "0-1") + "," + others + "," + f.MadeText("L4", 0, "0"),
                        all + R"(,{"entries":"L4"})"))
            .empty());
  CHECK(f.Problem(level(f.MadeText("L1", 0, "0"), one + "," + f.FromText(0, 0, 1))) ==
        "p.json:levels[0].images[0]: expected layers either all of today or all made of entries, "
        "found both");
}

TEST_CASE("Layers made of entries list all that an image shows, and nothing else", "[io][apply]") {
  const PlannedFixture f;
  const auto problem = [&](const std::string& entries_of_first, const std::string& of_image) {
    return f.Problem(PlannedFixture::LevelText(
        "carve", f.ImageText(0, of_image),
        R"(,"layers":[)" + f.MadeText("L1", 0, entries_of_first) + "," + f.MadeText("L2", 1, "1") +
            "," + f.MadeText("L3", 2, "1") + "]"));
  };
  const std::string all = R"({"entries":"L1"},{"entries":"L2"},{"entries":"L3"})";
  const std::string plan_anew =
      "\" in none of them: the plan was changed, or is of other images; plan these sources anew";
  const std::string image = "p.json:levels[0].images[0]: ";
  const std::string expected =
      image + "expected layers of app:100 that list all that it shows, found \"";
  CHECK(problem("0-1", all).empty());
  // A layer that is gone, a range that is shorter, and no layers at all.
  CHECK(problem("0-1", R"({"entries":"L1"},{"entries":"L2"})") == expected + "d" + plan_anew);
  CHECK(problem("0", all) == expected + "a/x" + plan_anew);
  CHECK(problem("1", all) == expected + "a" + plan_anew);
  CHECK(problem("0-1", "") == expected + "a" + plan_anew);
  CHECK(problem("0-2", all) ==
        image + "expected in layer L1 only what app:100 shows, found \"b\", which it does not");
}

TEST_CASE("Images with layers that cannot be made are left out", "[io][apply]") {
  const ContentFleet made =
      MakeContentFleet({{tiny::File("a", "1")}, {tiny::File("b", "2")}, {tiny::File("c", "3")}},
                       {{0, 1}, {1, 2}}, {0});
  const Fleet& fleet = made.fleet;
  const auto joined = [&](ImageIndex i) {
    const auto chain = fleet.chain(fleet.images[i]);
    return fmt::format(R"({{"refs":["app:{}"],"manifest_digest":"{}","layers":[{{"from":)"
                       R"(["{}","{}"]}}]}})",
                       100 + i, FormatDigest(fleet.images[i].identity),
                       FormatDigest(fleet.layers[chain[0]].digest),
                       FormatDigest(fleet.layers[chain[1]].digest));
  };
  const PlanFile plan =
      ParsePlanFile("p.json", PlannedFixture::LevelText("squash", joined(0) + "," + joined(1)));
  const LayerIndex bad = fleet.chain(fleet.images[0])[0];
  const PlannedImages planned =
      MatchPlan(plan, plan.levels.front(), fleet, made.contents, {{bad, "it is no tar"}});
  CHECK(planned.left_out == std::map<ImageIndex, std::string>{
                                {0, "layer " + FormatDigest(fleet.layers[bad].digest) +
                                        ", which the plan makes other layers of: it is no tar"}});
  CHECK(planned.of_image[0].empty());
  CHECK(planned.is_changed == std::vector<std::uint8_t>{0, 1});
}

TEST_CASE("One path twice in a layer is refused", "[io][apply]") {
  const PlannedFixture f;
  const std::string layer = fmt::format(
      R"({{"id":"L1","size":7,"from":[{{"digest":"{}","entries":"1"}},{{"digest":"{}","entries":"0"}}]}})",
      f.LayerOf(0, 0), f.LayerOf(0, 1));
  CHECK(f.Problem(PlannedFixture::LevelText("carve", f.ImageText(0, R"({"entries":"L1"})"),
                                            R"(,"layers":[)" + layer + "]")) ==
        "p.json:levels[0].layers[0].from[0]: expected each path once in layer L1, found \"a/x\" "
        "again in " +
            f.LayerOf(0, 1));
}

TEST_CASE("Images are on the deepest base that they start with", "[io][apply]") {
  const PlannedFixture f;
  const std::string layers = f.MadeText("L1", 0, "0") + "," + f.MadeText("L2", 1, "1") + "," +
                             f.MadeText("L3", 0, "1") + "," + f.MadeText("L4", 2, "1");
  const std::string bases = R"("bases":[{"layer":"L1"},{"layer":"L2","on":"L1"}])";
  const std::string images =
      f.ImageText(0, R"({"entries":"L1"},{"entries":"L2"},{"entries":"L3"},{"entries":"L4"})") +
      "," + f.ImageText(1, R"({"entries":"L1"},{"entries":"L3"},{"entries":"L4"})");
  const PlannedImages planned =
      f.Match(PlannedFixture::LevelText("bases", images, R"(,"layers":[)" + layers + "]," + bases));
  REQUIRE(planned.bases.size() == 2);
  CHECK(planned.bases[1].id == "L2");
  CHECK(planned.bases[1].blobs.size() == 2);
  CHECK(planned.bases[1].on == 0);
  CHECK(planned.bases[0].on == kNone);
  CHECK(planned.base_of_image == std::vector<std::uint32_t>{1, 0});
  CHECK(f.Problem(PlannedFixture::LevelText(
            "bases", images,
            R"(,"layers":[)" + layers + R"(],"bases":[{"layer":"L2","on":"L1"}])")) ==
        "p.json: levels[0].bases[0].on: expected the layer of an earlier base, found \"L1\"");
}

TEST_CASE("Layers to read are those of images that change, and what their new ones are made of",
          "[io][apply]") {
  const PlannedFixture f;
  const auto to_read = [&](const std::string& text) {
    const PlanFile plan = ParsePlanFile("p.json", text);
    return LayersToRead(plan, plan.levels.front(), f.made.fleet);
  };
  CHECK(to_read(PlannedFixture::LevelText(
            "squash", f.ImageText(0, f.FromText(0, 0, 1) + "," + f.FromText(0, 1, 2)))) ==
        std::vector<LayerIndex>{0, 1, 2});
  CHECK(to_read(PlannedFixture::LevelText("carve", f.ImageText(1, R"({"entries":"L1"})"),
                                          R"(,"layers":[)" + f.MadeText("L1", 0, "0") + "]")) ==
        std::vector<LayerIndex>{0, 2});
}

}  // namespace
}  // namespace gneiss
