#include "planner/waste/waste.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

using namespace tiny;

using LayerEntries = std::map<std::string, std::vector<TinyEntry>>;  // by name of the layer

// A fleet whose layers weigh what their entries do.
class Scanned {
 public:
  Scanned(const std::vector<std::pair<std::string, std::vector<std::string>>>& images,
          const LayerEntries& layers, const CostOptions& cost = {.images_per_node = 0}) {
    std::map<std::string, Inventory> inventories;
    for (const auto& [name, entries] : layers) {
      Inventory inventory = MakeTinyInventory(entries, name);
      AddImpliedDirectories(inventory);
      inventories.emplace(name, std::move(inventory));
    }
    std::vector<TinyImage> tiny;
    for (const auto& [ref, chain] : images) {
      TinyImage image{.ref = ref, .layers = {}};
      for (const std::string& name : chain) {
        const auto found = inventories.find(name);
        const Bytes size = found == inventories.end() ? 7 : found->second.blob_size;
        image.layers.push_back(name + ":" + std::to_string(size));
      }
      tiny.push_back(image);
    }
    fleet = MakeTinyFleet(tiny);
    const CostModel model(fleet, cost);
    LayerContents contents(fleet.layers.size());
    for (auto& [name, inventory] : inventories) {
      for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
        if (fleet.layers[l].digest != NamedDigest(name)) continue;
        names[l] = name;
        contents.Add(l, inventory);
      }
    }
    report = FindWaste(fleet, model, MakeToday(fleet, model), contents);
    for (const auto& [l, name] : names) inventories_[l] = inventories.at(name);
  }

  const Inventory& inventory(LayerIndex l) const { return inventories_.at(l); }

  // "kind rule layer<by: path path, N bytes", sorted.
  std::vector<std::string> Findings() const {
    std::vector<std::string> texts;
    for (const WasteFinding& f : report.findings) {
      std::string text(WasteKindName(f.kind));
      if (f.rule != kNoWasteRule) text += " (" + std::string(WasteRules()[f.rule].name) + ")";
      text += " " + names.at(f.layer);
      if (f.by != kNone) text += "<" + names.at(f.by);
      text += ":";
      std::vector<std::string> paths;
      for (const std::uint32_t e : f.examples) {
        const Inventory& inventory = inventories_.at(f.layer);
        paths.emplace_back(inventory.path(inventory.entries[e]));
      }
      std::ranges::sort(paths);
      for (const std::string& path : paths) text += " " + path;
      text += ", " + std::to_string(f.saves_storage_bytes);
      texts.push_back(text);
    }
    std::ranges::sort(texts);
    return texts;
  }

  Fleet fleet;
  WasteReport report;
  std::map<LayerIndex, std::string> names;

 private:
  std::map<LayerIndex, Inventory> inventories_;
};

using Texts = std::vector<std::string>;

TinyEntry Weighing(Bytes bytes, TinyEntry entry) {
  entry.blob_bytes = bytes;
  return entry;
}

TEST_CASE("Files that a later layer deletes in every image are waste of the lower layer",
          "[planner][waste]") {
  const LayerEntries layers = {
      {"base", {File("b", "b")}},
      {"get", {Weighing(500, File("opt/x.deb", "deb")), Weighing(10, File("opt/x", "x"))}},
      {"clean", {Whiteout("opt/x.deb")}}};
  const Scanned all(
      {{"a:1", {"base", "get", "clean"}}, {"a:2", {"base", "get", "clean"}}, {"b:1", {"base"}}},
      layers);
  CHECK(all.Findings() == Texts{"deleted later get<clean: opt/x.deb, 500"});
  CHECK(all.report.saves_storage_bytes == 500);
  CHECK(all.report.hidden_in_some_bytes == 0);
  CHECK(all.report.images[IndexOf(all.fleet, "a:1")].hidden_bytes == 500);
  CHECK(all.report.images[IndexOf(all.fleet, "a:1")].needless_bytes == 500);
  CHECK(all.report.images[IndexOf(all.fleet, "b:1")].hidden_bytes == 0);
}

TEST_CASE("What one image hides and another sees is no saving", "[planner][waste]") {
  const Scanned some(
      {{"a:1", {"get", "clean"}}, {"a:2", {"get"}}},
      {{"get", {Weighing(500, File("x.deb", "deb"))}}, {"clean", {Whiteout("x.deb")}}});
  CHECK(some.Findings().empty());
  CHECK(some.report.hidden_in_some_bytes == 500);
  CHECK(some.report.images[IndexOf(some.fleet, "a:1")].hidden_bytes == 500);
}

TEST_CASE("A chmod is paid for below where nobody sees the old file, else above",
          "[planner][waste]") {
  const LayerEntries layers = {{"app", {Weighing(300, File("bin/app", "elf", 0644))}},
                               {"chmod", {Weighing(301, File("bin/app", "elf", 0755))}}};
  const Scanned own({{"a:1", {"app", "chmod"}}}, layers);
  CHECK(own.Findings() == Texts{"only attributes changed app<chmod: bin/app, 300"});
  const Scanned shared({{"a:1", {"app", "chmod"}}, {"b:1", {"app"}}}, layers);
  CHECK(shared.Findings() == Texts{"only attributes changed chmod<app: bin/app, 301"});
}

TEST_CASE("Paths that no image needs are named by what they are", "[planner][waste]") {
  const std::string big(5000, 'x');
  const Scanned found(
      {{"a:1", {"l"}}},
      {{"l",
        {Weighing(100, File("var/lib/apt/lists/Packages", "p")),
         Weighing(50, File("root/.cache/pip/http/1", "p")), Weighing(7, File("app/.git/HEAD", "r")),
         Weighing(9, File("app/.env", "PASSWORD=1")), Weighing(90, File("usr/include/a.h", "h")),
         Weighing(60, File("usr/lib/libx.a", "a")), Weighing(30, File("src/x-1.0.tar.gz", "t")),
         File("src/x-1.0/README", "r"), Directory("src/y"), Weighing(31, File("src/y.zip", "t")),
         Weighing(40, File("one", big)), Weighing(40, File("two", big)), HardLink("three", "one"),
         Weighing(5, File("lone.tar.gz", "t"))}}});
  CHECK(found.Findings() == Texts{"archive beside its tree l: src/x-1.0.tar.gz, 30",
                                  "build tools (headers) l: usr/include/a.h, 90",
                                  "build tools (static libraries) l: usr/lib/libx.a, 60",
                                  "package cache (apt lists) l: var/lib/apt/lists/Packages, 100",
                                  "package cache (pip cache) l: root/.cache/pip/http/1, 50",
                                  "same content twice l: two, 40",
                                  "secret (environment file) l: app/.env, 9",
                                  "version control (git repository) l: app/.git/HEAD, 7"});
}

TEST_CASE("Layers that are there already say in what they differ", "[planner][waste]") {
  TinyEntry late = Weighing(100, File("x", "x"));
  late.mtime = 9;
  LayerEntries layers = {{"a", {Weighing(100, File("x", "x")), File("y", "y")}},
                         {"order", {File("y", "y"), Weighing(100, File("x", "x"))}},
                         {"times", {late, File("y", "y")}},
                         {"modes", {Weighing(100, File("x", "x", 0600)), File("y", "y")}},
                         {"other", {Weighing(100, File("x", "z")), File("y", "y")}}};
  const Scanned found({{"a:1", {"a"}},
                       {"a:2", {"a", "other"}},
                       {"b:1", {"order"}},
                       {"c:1", {"times"}},
                       {"d:1", {"modes"}}},
                      layers);
  CHECK(found.Findings() == Texts{"other attributes modes<a: x y, 101",
                                  "other order order<a: x y, 101", "other times times<a: x y, 101",
                                  "written again other<a: y, 1"});
}

TEST_CASE("A file counts as a copy only of one that stays", "[planner][waste]") {
  const std::string program(5000, 'p');
  const LayerEntries layers = {{"make",
                                {Weighing(90, File("build/app", program)),
                                 Weighing(80, File("root/.cache/pip/app", program)),
                                 Weighing(70, File("usr/bin/app", program)),
                                 Weighing(60, File("usr/bin/own", program, 0700)),
                                 Weighing(50, File("usr/lib/app", program))}},
                               {"clean", {Whiteout("build")}}};
  const Scanned found({{"a:1", {"make", "clean"}}}, layers);
  // What another mode needs is no link.
  CHECK(found.Findings() == Texts{"deleted later make<clean: build/app, 90",
                                  "package cache (pip cache) make: root/.cache/pip/app, 80",
                                  "same content twice make: usr/lib/app, 50"});
}

TEST_CASE("What an image sees in a copy of a layer is seen", "[planner][waste]") {
  const LayerEntries layers = {{"a", {Weighing(100, File("x", "x")), File("y", "y")}},
                               {"order", {File("y", "y"), Weighing(100, File("x", "x"))}},
                               {"clean", {Whiteout("x")}}};
  // The copy that is deleted could be the one that is not, or the other way round.
  const Scanned one({{"a:1", {"a", "clean"}}, {"b:1", {"order"}}}, layers);
  CHECK(one.Findings() == Texts{"other order order<a: x y, 101"});
  const Scanned other({{"a:1", {"a"}}, {"b:1", {"order", "clean"}}}, layers);
  CHECK(other.Findings() == Texts{"other order order<a: x y, 101"});
  const Scanned both({{"a:1", {"a", "clean"}}, {"b:1", {"order", "clean"}}}, layers);
  CHECK(both.Findings() == Texts{"deleted later a<clean: x, 100", "other order order<a: x y, 101"});
}

TEST_CASE("Of equal layers the one that more images hold is kept, then the smaller",
          "[planner][waste]") {
  const LayerEntries layers = {{"a", {Weighing(100, File("x", "x")), File("y", "y")}},
                               {"small", {File("y", "y"), Weighing(90, File("x", "x"))}}};
  CHECK(Scanned({{"a:1", {"a"}}, {"b:1", {"small"}}}, layers).Findings() ==
        Texts{"other order a<small: x y, 101"});
  CHECK(Scanned({{"a:1", {"a"}}, {"a:2", {"a", "a"}}, {"b:1", {"small"}}}, layers).Findings() ==
        Texts{"other order small<a: x y, 91"});
}

TEST_CASE("Layers of other directories are no copies", "[planner][waste]") {
  const LayerEntries layers = {{"a", {Directory("srv"), Directory("srv/a")}},
                               {"b", {Directory("srv"), Directory("srv/b")}},
                               {"c", {Directory("x"), File("x/f", "f")}},
                               {"d", {Directory("x"), File("x/f", "f", 0600), Directory("empty")}},
                               {"e", {File("x/f", "f", 0600)}}};
  const Scanned found({{"a:1", {"a"}}, {"b:1", {"b"}}, {"c:1", {"c"}}, {"d:1", {"d"}}}, layers);
  CHECK(found.Findings().empty());
  // Whether a directory above a file is listed is the builder's taste.
  CHECK(Scanned({{"c:1", {"c"}}, {"e:1", {"e"}}}, layers).Findings() ==
        Texts{"other attributes c<e: x x/f, 2"});
}

TEST_CASE("A layer that comes again in its chain shows its files again", "[planner][waste]") {
  const LayerEntries layers = {
      {"copy", {Weighing(100, File("f", "1")), Weighing(9, File("g", "1"))}},
      {"install", {Weighing(50, File("f", "2")), Whiteout("g")}},
      {"clean", {Whiteout("f")}}};
  const Scanned again({{"a:1", {"copy", "install", "copy"}}}, layers);
  CHECK(again.Findings() == Texts{"replaced later install<copy: f, 50"});
  CHECK(again.report.images[0].hidden_bytes == 50);
  const Scanned thrice({{"a:1", {"copy", "install", "copy", "install", "copy", "clean"}}}, layers);
  CHECK(thrice.Findings() ==
        Texts{"deleted later copy<clean: f, 100", "replaced later install<copy: f, 50"});
}

TEST_CASE("A secret that a later layer deletes is a secret still", "[planner][waste]") {
  const LayerEntries layers = {
      {"copy",
       {Weighing(9, File("root/.ssh/id_rsa", "k")), Weighing(100, File("x", "x")),
        Weighing(1, HardLink("home/.ssh/id_rsa", "root/.ssh/id_rsa"))}},
      {"clean", {Whiteout("root"), Whiteout("x")}}};
  const Scanned found({{"a:1", {"copy", "clean"}}}, layers);
  CHECK(found.Findings() == Texts{"deleted later copy<clean: x, 100",
                                  "secret (SSH private key) copy: home/.ssh/id_rsa "
                                  "root/.ssh/id_rsa, 10"});
  // What is dangerous comes before what is large.
  CHECK(found.report.findings.front().kind == WasteKind::kSecret);
  const Scanned gone(
      {{"a:1", {"copy", "clean"}}},
      {{"copy", {Weighing(9, File("root/.ssh/id_rsa", "k"))}}, {"clean", {Whiteout("root")}}});
  CHECK(gone.Findings() == Texts{"secret (SSH private key) copy<clean: root/.ssh/id_rsa, 9"});
}

TEST_CASE("Every change of attributes above what others see is one too many", "[planner][waste]") {
  const LayerEntries layers = {{"app", {Weighing(300, File("bin/app", "elf", 0644))}},
                               {"chmod", {Weighing(301, File("bin/app", "elf", 0755))}},
                               {"again", {Weighing(302, File("bin/app", "elf", 0750))}}};
  const Scanned found({{"a:1", {"app", "chmod", "again"}}, {"b:1", {"app"}}}, layers);
  CHECK(found.Findings() == Texts{"only attributes changed again<app: bin/app, 302",
                                  "only attributes changed chmod<again: bin/app, 301"});
}

TEST_CASE("What is called never seen is what no image shows", "[planner][waste]") {
  std::mt19937 random(11);
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  int num_repeats = 0;
  for (int round = 0; round < NumRounds(400); ++round) {
    LayerEntries layers;
    for (int l = 0; l < 5; ++l) {
      // No two layers alike: whole copies are another kind of waste.
      std::vector<TinyEntry> entries = {File("only" + std::to_string(l), "1")};
      for (const char* path : {"a", "b", "c", "d"}) {
        if (const unsigned kind = draw(4); kind == 0) {
          entries.push_back(Whiteout(path));
        } else if (kind == 1) {
          entries.push_back(Weighing(1 + draw(50), File(path, std::to_string(l) + path)));
        }
      }
      layers["l" + std::to_string(l)] = entries;
    }
    std::vector<std::pair<std::string, std::vector<std::string>>> images;
    std::map<std::string, std::map<std::string, Bytes>> needless;  // by layer and path
    for (const auto& [name, entries] : layers) {
      for (const TinyEntry& entry : entries) {
        if (entry.type == EntryType::kRegular) needless[name][entry.path] = entry.blob_bytes;
      }
    }
    std::map<std::string, bool> is_held;
    for (int i = 0; i < 4; ++i) {
      std::vector<std::string> chain;
      std::map<std::string, std::string> seen;  // layer by path
      for (unsigned left = draw(7); left > 0; --left) {
        chain.push_back("l" + std::to_string(draw(5)));
        num_repeats += std::ranges::count(chain, chain.back()) > 1 ? 1 : 0;
        is_held[chain.back()] = true;
        for (const TinyEntry& entry : layers[chain.back()]) {
          if (entry.type == EntryType::kWhiteout) seen.erase(entry.path);
        }
        for (const TinyEntry& entry : layers[chain.back()]) {
          if (entry.type == EntryType::kRegular) seen[entry.path] = chain.back();
        }
      }
      for (const auto& [path, layer] : seen) needless[layer].erase(path);
      images.emplace_back("r:" + std::to_string(i), chain);
    }
    const Scanned found(images, layers);
    Bytes expected = 0;
    for (const auto& [layer, paths] : needless) {
      for (const auto& [path, bytes] : paths) expected += is_held[layer] ? bytes : 0;
    }
    INFO("round " << round);
    REQUIRE(found.report.saves_storage_bytes == expected);
  }
  CHECK(num_repeats > NumRounds(500));
}

TEST_CASE("Links and whiteouts of nothing are counted where all below is known",
          "[planner][waste]") {
  const LayerEntries layers = {{"base", {File("a", "1"), Directory("d")}},
                               {"top",
                                {Whiteout("a"), Whiteout("b"), HardLink("l", "nothing"),
                                 HardLink("m", "d"), File("f", "1")}}};
  // Of two chains the odder one counts; below what is not known there may be anything.
  const Scanned found(
      {{"a:1", {"base", "top"}}, {"b:1", {"other", "top"}}, {"c:1", {"base", "base", "top"}}},
      layers);
  CHECK(found.report.overlay_warnings ==
        OverlayWarnings{.links_to_nothing = 1,
                        .links_to_directories = 1,
                        .whiteouts_of_nothing = 1,
                        .bad_link = found.report.overlay_warnings.bad_link});
  const EntryRef bad = found.report.overlay_warnings.bad_link;
  CHECK(found.names.at(bad.layer) == "top");
  CHECK(found.inventory(bad.layer).path(found.inventory(bad.layer).entries[bad.entry]) == "m");
  const Scanned alone({{"a:1", {"base", "top"}}, {"b:1", {"top"}}}, layers);
  CHECK(alone.report.overlay_warnings ==
        OverlayWarnings{.links_to_nothing = 2,
                        .links_to_directories = 1,
                        .whiteouts_of_nothing = 2,
                        .bad_link = alone.report.overlay_warnings.bad_link});
}

TEST_CASE("Contents that other layers hold in part are counted beside the findings",
          "[planner][waste]") {
  const LayerEntries layers = {
      {"a", {Weighing(100, File("x", "x")), Weighing(30, File("y", "y")), File("a", "a")}},
      {"b", {Weighing(90, File("opt/x", "x")), Weighing(20, File("gone", "y")), File("b", "b")}},
      {"clean", {Whiteout("gone")}}};
  const Scanned found({{"a:1", {"a"}}, {"b:1", {"b", "clean"}}}, layers);
  CHECK(found.Findings() == Texts{"deleted later b<clean: gone, 20"});
  const Bytes other = found.report.in_other_layers_bytes;
  CHECK((other == 100 || other == 90));  // the first layer is at home
}

TEST_CASE("A layer counts once per scope cell", "[planner][waste]") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> images = {
      {"one/a:1", {"get", "clean"}}, {"two/a:1", {"get", "clean", "more"}}};
  const LayerEntries layers = {{"get", {Weighing(500, File("x", "1"))}},
                               {"clean", {Whiteout("x")}},
                               {"more", {File("m", "m")}}};
  const Scanned global(images, layers);
  CHECK(global.report.saves_storage_bytes == 500);
  CHECK(global.report.saves_transfer_bytes == 1000);  // every pull is cold
  const Scanned cells(images, layers, {.images_per_node = 0, .scope = Scope::kRepository});
  CHECK(cells.report.saves_storage_bytes == 1000);
}

TEST_CASE("An image with a layer that was not scanned is not complete", "[planner][waste]") {
  const Scanned found({{"a:1", {"known", "unknown"}}, {"b:1", {"known"}}},
                      {{"known", {File("x", "1")}}});
  CHECK_FALSE(found.report.images[IndexOf(found.fleet, "a:1")].complete);
  CHECK(found.report.images[IndexOf(found.fleet, "b:1")].complete);
  CHECK(found.report.num_known_layers == 1);
}

TEST_CASE("An image that starts a static program could stand on scratch", "[planner][waste]") {
  TinyEntry program = Weighing(100, File("usr/bin/app", "elf", 0755));
  program.head = ContentHead::kStaticProgram;
  TinyEntry dynamic = program;
  dynamic.head = ContentHead::kDynamicProgram;
  const Fleet fleet = MakeTinyFleet(
      {{.ref = "base:1", .layers = {"base:900"}},
       {.ref = "static:1",
        .layers = {"base:900", "own:300"},
        .entry_point = "app",
        .search_path = "/nowhere:/bin"},
       {.ref = "shell:1", .layers = {"base:900", "shell:300"}, .entry_point = "/run"},
       {.ref = "tini:1", .layers = {"base:900", "shell:300"}, .entry_point = "/usr/bin/tini"},
       {.ref = "dynamic:1", .layers = {"base:900", "dyn:300"}, .entry_point = "/usr/bin/app"},
       {.ref = "loop:1", .layers = {"base:900", "loop:300"}, .entry_point = "/loop"},
       {.ref = "lone:1", .layers = {"lone:100"}, .entry_point = "/usr/bin/app"}});
  const CostModel model(fleet, {.images_per_node = 0});
  const Today today = MakeToday(fleet, model);
  LayerContents contents(fleet.layers.size());
  const auto add = [&](const char* name, const std::vector<TinyEntry>& entries) {
    for (LayerIndex l = 0; l < fleet.layers.size(); ++l) {
      if (fleet.layers[l].digest == NamedDigest(name)) {
        contents.Add(l, MakeTinyInventory(entries, name));
      }
    }
  };
  add("base", {Symlink("bin", "usr/bin"), Weighing(899, File("lib", "c"))});
  add("own", {program, Weighing(200, File("doc", "d"))});
  TinyEntry busybox = Weighing(100, File("usr/bin/busybox", "sh", 0755));
  TinyEntry tini = Weighing(100, File("usr/bin/tini", "init", 0755));
  busybox.head = tini.head = ContentHead::kStaticProgram;
  add("shell", {busybox, tini, Symlink("run", "/bin/busybox"), Weighing(99, File("doc", "s"))});
  add("dyn", {dynamic, Weighing(200, File("doc", "e"))});
  add("loop", {Symlink("loop", "other"), Symlink("other", "/loop"), Weighing(298, File("x", "f"))});
  add("lone", {program});
  const WasteReport report = FindWaste(fleet, model, today, contents);
  // The program of lone:1 is all that it has.
  REQUIRE(report.static_images.size() == 1);
  const StaticImage& found = report.static_images.front();
  CHECK(found.image == IndexOf(fleet, "static:1"));
  CHECK(found.saves_storage_bytes == 200);
  CHECK(found.saves_transfer_bytes == 900 + 300 - 100);
}

TEST_CASE("Findings never exceed what layers weigh", "[planner][waste]") {
  std::mt19937 random(3);
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < NumRounds(300); ++round) {
    LayerEntries layers;
    for (int l = 0; l < 6; ++l) {
      std::vector<TinyEntry> entries;
      for (unsigned e = draw(6); e > 0; --e) {
        const std::string path = std::string(1, static_cast<char>('a' + draw(3))) +
                                 (draw(2) == 0 ? "" : "/" + std::to_string(draw(3)));
        entries.push_back(draw(4) == 0 ? Whiteout(path)
                                       : Weighing(draw(50), File(path, std::to_string(draw(2)),
                                                                 draw(2) == 0 ? 0644 : 0755)));
      }
      layers["l" + std::to_string(l)] = entries;
    }
    std::vector<std::pair<std::string, std::vector<std::string>>> images;
    for (int i = 0; i < 5; ++i) {
      std::vector<std::string> chain;
      for (int l = 0; l < 6; ++l) {
        if (draw(2) == 0) chain.push_back("l" + std::to_string(l));
      }
      images.emplace_back("r:" + std::to_string(i), chain);
    }
    const Scanned found(images, layers);
    INFO("round " << round);
    Bytes sum = 0;
    for (LayerIndex l = 0; l < found.fleet.layers.size(); ++l) {
      CHECK(found.report.layer_needless[l] <= found.fleet.layers[l].size);
      sum += found.report.layer_needless[l];
    }
    CHECK(found.report.saves_storage_bytes == sum);
  }
}

TEST_CASE("Patterns match whole paths by component", "[planner][waste_rules]") {
  CHECK(MatchesPattern("var/cache/apt/**", "var/cache/apt/archives/x.deb"));
  CHECK_FALSE(MatchesPattern("var/cache/apt/**", "var/cache/apt"));
  CHECK_FALSE(MatchesPattern("var/cache/apt/**", "x/var/cache/apt/y"));
  CHECK(MatchesPattern("**/.git/**", ".git/HEAD"));
  CHECK(MatchesPattern("**/.git/**", "a/b/.git/refs/x"));
  CHECK_FALSE(MatchesPattern("**/.git/**", "a/.github/x"));
  CHECK(MatchesPattern("**/*.a", "libx.a"));
  CHECK(MatchesPattern("**/*.a", "usr/lib/libx.a"));
  CHECK_FALSE(MatchesPattern("**/*.a", "usr/lib/libx.a/y"));
  CHECK(MatchesPattern("etc/ssh/ssh_host_*_key", "etc/ssh/ssh_host_rsa_key"));
  CHECK_FALSE(MatchesPattern("etc/ssh/ssh_host_*_key", "etc/ssh/ssh_host_rsa_key.pub"));
  CHECK(MatchesPattern("*a*b*c", "xaxxbxbxc"));
  CHECK_FALSE(MatchesPattern("*a*b*c", "xaxxbxbxd"));
}

TEST_CASE("The rule of a path is the first of the table that matches it",
          "[planner][waste_rules]") {
  // Paths made of the patterns' own words, so that most match something and many match twice.
  std::vector<std::string> words = {"x", "usr", "bin", "a.key.pem", "gcc-12", "x.a", "y.gem"};
  for (const WasteRule& rule : WasteRules()) {
    std::string word;
    for (const char c : std::string(rule.pattern) + "/") {
      if (c != '/') {
        word += c == '*' ? 'q' : c;
        continue;
      }
      words.push_back(word);
      word.clear();
    }
    CHECK_FALSE(rule.remedy.empty());
  }
  std::mt19937 random(7);
  int num_matched = 0;
  for (int round = 0; round < NumRounds(20'000); ++round) {
    std::string key;
    if (round % 2 == 0) {
      const WasteRule& rule = WasteRules()[random() % WasteRules().size()];
      for (const char c : rule.pattern) key += c == '*' ? 'q' : c;
    }
    for (auto left = random() % 4 + (key.empty() ? 1 : 0); left > 0; --left) {
      const std::string& word = words[random() % words.size()];
      key = random() % 2 == 0 || key.empty() ? word + (key.empty() ? "" : "/" + key)
                                             : key + "/" + word;
    }
    WasteRuleIndex first = kNoWasteRule;
    for (std::size_t r = WasteRules().size(); r-- > 0;) {
      const WasteRule& rule = WasteRules()[r];
      if (rule.head != ContentHead::kOther || !MatchesPattern(rule.pattern, key)) continue;
      const bool is_own = rule.kind == WasteKind::kSecret || rule.name == "build context";
      if (!is_own || !IsPublished(key)) first = static_cast<WasteRuleIndex>(r);
    }
    INFO(key);
    REQUIRE(FindWasteRule(key) == first);
    num_matched += first == kNoWasteRule ? 0 : 1;
  }
  CHECK(num_matched > NumRounds(5000));
}

TEST_CASE("Rules know a cache, a compiler and a secret from what only looks like one",
          "[planner][waste_rules]") {
  const auto kind = [](std::string_view key, ContentHead head = ContentHead::kOther) {
    const WasteRuleIndex rule = FindWasteRule(key, head);
    return rule == kNoWasteRule ? "" : WasteKindName(WasteRules()[rule].kind);
  };
  for (const char* key :
       {"root/.ssh/id_ecdsa_sk", "app/.env", "app/.env.production", "home/a/.pgpass",
        "root/.vault-token", "root/.cargo/credentials.toml", "app/service-account-prod.json",
        "etc/pki/tls/private/localhost.key", "root/.gnupg/private-keys-v1.d/A.key", "app/k.p12"}) {
    INFO(key);
    CHECK(kind(key) == "secret");
  }
  // By what it holds, whatever it is called.
  CHECK(kind("app/server.key", ContentHead::kPrivateKey) == "secret");
  CHECK(kind("app/config", ContentHead::kPrivateKey) == "secret");
  for (const char* key :
       {"usr/share/cmake-3.25/Templates/Windows/Windows_TemporaryKey.pfx",
        "app/node_modules/x/.npmrc", "app/node_modules/agent1-key.pem",
        "usr/lib/python3/test/certdata/keycert.pem", "go/src/x/testdata/key.pem"}) {
    INFO(key);
    CHECK(kind(key, ContentHead::kPrivateKey) == "");
  }
  for (const char* key :
       {"app/.env.example", "app/.env.sample", "app/.env.template", "app/.env.d.ts",
        "app/public-key.pem", "usr/bin/protoc-gen-cpp-x", "usr/bin/x86_64-linux-gnu-lscpu",
        "app/data/model.a", "opt/tool/pkg/mod/plugin.so", "usr/share/doc/x/Dockerfile"}) {
    INFO(key);
    CHECK(kind(key) == "");
  }
  for (const char* key : {"usr/bin/gcc-12", "usr/bin/x86_64-linux-gnu-gcc-12", "usr/bin/clang-14",
                          "usr/bin/x86_64-linux-gnu-ld.bfd", "usr/lib/libx.a"}) {
    INFO(key);
    CHECK(kind(key) == "build tools");
  }
  for (const char* key :
       {"root/.composer/cache/x", "root/.nuget/packages/x", "opt/conda/pkgs/x", "root/.cache/uv/x",
        "root/.cache/pypoetry/x", "root/.local/share/pnpm/store/x", "var/cache/pacman/pkg/x",
        "root/.ivy2/cache/x", "root/.cargo/git/x", "root/.yarn/berry/cache/x",
        "root/go/pkg/mod/x"}) {
    INFO(key);
    CHECK(kind(key) == "package cache");
  }
}

}  // namespace
}  // namespace gneiss
