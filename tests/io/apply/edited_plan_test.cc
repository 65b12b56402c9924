// Plans that somebody changed: whatever was changed, `apply` refuses the plan with its place or an
// image, or the images are what they were.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/make/cli_run.h"
#include "tests/make/layout_maker.h"
#include "tests/make/rounds.h"
#include "tests/make/shown_layout.h"
#include "tests/make/tar_bytes.h"

namespace gneiss {
namespace {

namespace fs = std::filesystem;
using EditedJson = nlohmann::ordered_json;

class PlanEditor {
 public:
  explicit PlanEditor(unsigned seed) : random_(seed) {}

  std::size_t Below(std::size_t n) { return random_() % n; }

  // Images of one to four layers out of five, that share files, write them again and delete some.
  void MakeLayout(const LayoutMaker& layout) {
    std::vector<std::string> tars;
    for (int l = 0; l < 5; ++l) {
      std::string tar = Directory("d") + Directory("e");
      const std::size_t deleted = 10 + Below(9);
      for (std::size_t f = 1 + Below(6); f > 0; --f) {
        const std::size_t number = Below(9) + 10 * f;
        if (l > 1 && number == deleted) continue;
        const std::string path = fmt::format("{}/{}", Below(2) == 0 ? "d" : "e", number);
        tar += File(path, std::string(Below(3) * 600, static_cast<char>('a' + Below(4))) + path);
      }
      if (l > 1) tar += File(fmt::format("d/.wh.{}", deleted));
      if (Below(3) == 0) tar += File("e/file", "x") + HardLink("e/link", "e/file");
      tars.push_back(tar + EndBlocks());
    }
    std::vector<std::string> images;
    for (int i = 0; i < 3; ++i) {
      std::vector<std::string> chain = {tars[0]};
      for (std::size_t more = Below(3) + 1; more > 0; --more) chain.push_back(tars[1 + Below(4)]);
      images.push_back(layout.Image(fmt::format("app:{}", i), chain));
    }
    layout.Index(images);
  }

  // Changes one thing of a level. What it did.
  std::string Edit(EditedJson& level) {
    EditedJson& images = level["images"];
    EditedJson& image = Any(images);
    EditedJson& layers = image["layers"];
    const bool has_layers = !layers.empty();
    switch (Below(12)) {
      case 0:
        if (has_layers) layers.erase(Below(layers.size()));
        return "a layer of an image is gone";
      case 1:
        if (has_layers) std::swap(Any(layers), Any(layers));
        return "two layers of an image change places";
      case 2:
        if (has_layers) layers.push_back(Any(layers));
        return "a layer comes again";
      case 3: {
        const EditedJson& other = Any(Any(images)["layers"]);
        if (has_layers) Any(layers) = other;
        return "an image has another's layer";
      }
      case 4:
        image["layers"] = EditedJson(Any(images)["layers"]);
        return "an image has another's layers";
      case 5:
        image["manifest_digest"] = EditedJson(Any(images)["manifest_digest"]);
        return "an image is another";
      case 6:
        images.erase(Below(images.size()));
        return "an image is gone";
      case 7:
        if (has_layers) EditFrom(Any(layers), images);
        return "layers that are joined";
      default:
        break;
    }
    if (!level.contains("layers") || level["layers"].empty()) return "nothing";
    EditedJson& made = Any(level["layers"]);
    switch (Below(5)) {
      case 0:
        made["size"] = Below(1'000'000);
        return "a size";
      case 1:
        made["id"] = Any(level["layers"])["id"];
        return "an id";
      case 2:
        if (!made["from"].empty()) made["from"].erase(Below(made["from"].size()));
        return "all entries of a layer are gone";
      case 3:
        if (!made["from"].empty())
          Any(made["from"])["digest"] = Any(Any(level["layers"])["from"])["digest"];
        return "entries are of another layer";
      default:
        if (!made["from"].empty()) EditRanges(Any(made["from"])["entries"]);
        return "ranges";
    }
  }

 private:
  EditedJson& Any(EditedJson& array) { return array[Below(array.size())]; }

  void EditFrom(EditedJson& layer, EditedJson& images) {
    if (!layer.contains("from")) return;
    EditedJson& from = layer["from"];
    switch (Below(4)) {
      case 0:
        from.erase(Below(from.size()));
        break;
      case 1:
        std::swap(Any(from), Any(from));
        break;
      case 2:
        from.push_back(Any(from));
        break;
      default: {
        EditedJson& other = Any(Any(images)["layers"]);
        if (other.contains("from")) Any(from) = EditedJson(Any(other["from"]));
      }
    }
  }

  // One number more or less, or one character of the text.
  void EditRanges(EditedJson& ranges) {
    std::string text = ranges;
    const std::size_t at = Below(text.size());
    if (Below(2) == 0) {
      text.erase(at, 1);
    } else if (std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
      text[at] = static_cast<char>('0' + Below(10));
    } else {
      text[at] = text[at] == '-' ? ',' : '-';
    }
    ranges = text;
  }

  std::mt19937 random_;
};

std::map<std::string, std::map<std::string, std::string>> ShownNow(const std::string& layout) {
  auto shown = ShowLayout(layout);
  std::erase_if(shown, [](const auto& image) { return image.first.starts_with("gneiss-base:"); });
  return shown;
}

TEST_CASE("A plan that was changed is refused, or changes nothing that images show",
          "[io][apply]") {
  PlanEditor editor(5);
  int num_refused = 0;
  int num_same = 0;
  for (int round = 0; round < NumRounds(10); ++round) {
    const TemporaryDirectory dir;
    const LayoutMaker source(dir.path("src"));
    editor.MakeLayout(source);
    const std::string from = "oci:" + source.path();
    const auto run = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.end(), {"--store", dir.path("store"), "--quiet"});
      return RunCli(arguments);
    };
    REQUIRE(run({"scan", from}).code == kDone);
    const CliRun planned = run({"plan", from, "--json", "--max-layers", "3", "--layer-cost",
                                std::to_string(editor.Below(3) * 2000)});
    REQUIRE(planned.code == kDone);
    const auto today = ShownNow(source.path());
    for (int edit = 0; edit < 16; ++edit) {
      EditedJson plan = EditedJson::parse(planned.out);
      EditedJson& level = plan["levels"][editor.Below(plan["levels"].size())];
      const std::string name = level["level"];
      const std::string what = editor.Edit(level);
      std::string text = plan.dump();
      if (edit == 15) text.resize(editor.Below(text.size()));
      INFO("round " << round << ", edit " << edit << " of " << name << ": " << what);
      const std::string to = dir.path("out");
      fs::remove_all(to);
      const CliRun applied = run({"apply", dir.Write("edited.json", text), "--from", from, "--to",
                                  "oci:" + to, "--level", name});
      INFO(applied.err);
      if (applied.code == kDone) {
        CHECK(applied.err.empty());
        CHECK(ShownNow(to) == today);
        ++num_same;
        continue;
      }
      ++num_refused;
      CHECK(applied.code == kFailed);
      CHECK(std::ranges::count(applied.err, '\n') == 1);
      CHECK((applied.err.find("app:") != std::string::npos ||
             applied.err.find("edited.json:") != std::string::npos));
      CHECK_FALSE(fs::exists(to + "/index.json"));
    }
  }
  CAPTURE(num_refused, num_same);
  CHECK(num_refused > NumRounds(60));
  CHECK(num_same > NumRounds(20));
}

}  // namespace
}  // namespace gneiss
