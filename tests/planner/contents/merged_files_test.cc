#include "planner/contents/merged_files.h"

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/contents/paths.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

using namespace tiny;
using Texts = std::vector<std::string>;

LayerContents MakeContents(const std::vector<std::vector<TinyEntry>>& layers) {
  LayerContents contents(layers.size());
  for (LayerIndex l = 0; l < layers.size(); ++l) {
    contents.Add(l, MakeTinyInventory(layers[l], "layer " + std::to_string(l)));
  }
  return contents;
}

// "path@position", from 1; "?" for none, "!" after what is implied.
Texts Describe(const std::vector<MergedFile>& files) {
  Texts texts;
  for (const MergedFile& file : files) {
    texts.push_back(file.path + "@" +
                    (file.position == kNone ? "?" : std::to_string(file.position + 1)) +
                    (file.is_implied ? "!" : ""));
  }
  return texts;
}

TEST_CASE("Merged files are sorted by path and know the layer they come from",
          "[planner][merged_files]") {
  const LayerContents contents =
      MakeContents({{Directory(""), Directory("etc"), File("etc/a", "1"), File("etc-x", "1"),
                     File("etc/b", "1")},
                    {Directory("etc"), File("etc/a", "2"), Whiteout("etc/b")}});
  FileMerger merger(contents);
  CHECK(Describe(merger.Merge(std::vector<LayerIndex>{0, 1})) ==
        Texts{"@1!", "etc@2", "etc/a@2", "etc-x@1"});
  CHECK(Describe(merger.Merge(std::vector<LayerIndex>{0})) ==
        Texts{"@1", "etc@1", "etc/a@1", "etc/b@1", "etc-x@1"});
}

TEST_CASE("A directory is implied when the topmost layer that touches it does not list it",
          "[planner][merged_files]") {
  const LayerContents contents = MakeContents(
      {{Directory("a"), Directory("b"), Directory("c"), Directory("d"), File("c/x"), File("d/x")},
       {File("a/f"), File("n/m/f"), Whiteout("c/x"), Opaque("d")},
       {Directory("b"), File("b/f")}});
  FileMerger merger(contents);
  const std::vector<MergedFile> files = merger.Merge(std::vector<LayerIndex>{0, 1, 2});
  CHECK(Describe(files) ==
        Texts{"a@1!", "a/f@2", "b@3", "b/f@3", "c@1!", "d@1!", "n@?!", "n/m@?!", "n/m/f@2"});
  const Entry implied = AttributesOf(contents, files[6]);
  CHECK(implied.type == EntryType::kDirectory);
  CHECK(implied.mode == 0755);
  CHECK(implied.uid == 0);
  CHECK(implied.gid == 0);
}

TEST_CASE("Names of one file have its attributes and one number", "[planner][merged_files]") {
  const LayerContents contents =
      MakeContents({{File("a", "x", 0600), HardLink("b", "a"), File("c", "x", 0600)},
                    {HardLink("d", "b"), Whiteout("a")}});
  FileMerger merger(contents);
  const std::vector<MergedFile> files = merger.Merge(std::vector<LayerIndex>{0, 1});
  CHECK(Describe(files) == Texts{"b@1", "c@1", "d@1"});
  CHECK(files[0].file == files[2].file);
  CHECK(files[0].file != files[1].file);
  CHECK(files[0].num_names == 2);
  CHECK(files[1].num_names == 1);
  CHECK(AttributesOf(contents, files[2]).mode == 0600);
  CHECK(AttributesOf(contents, files[2]).type == EntryType::kRegular);
}

TEST_CASE("A hard link to nothing is an empty file, a symlink has the mode of all symlinks",
          "[planner][merged_files]") {
  TinyEntry link = Symlink("s", "gone");
  link.mode = 0644;
  const LayerContents contents = MakeContents({{HardLink("l", "gone"), link}});
  FileMerger merger(contents);
  const std::vector<MergedFile> files = merger.Merge(std::vector<LayerIndex>{0});
  REQUIRE(Describe(files) == Texts{"l@1", "s@1"});
  CHECK(AttributesOf(contents, files[0]).type == EntryType::kRegular);
  CHECK(AttributesOf(contents, files[0]).size == 0);
  CHECK(AttributesOf(contents, files[1]).mode == 0777);
}

TEST_CASE("Times before 1970 have their seconds rounded down", "[planner][merged_files]") {
  CHECK(TimeText({.mtime = 1, .mtime_nsec = 5}) == "1.000000005");
  CHECK(TimeText({.mtime = -2}) == "-2.000000000");
  CHECK(TimeText({.mtime = -2, .mtime_nsec = 500'000'000}) == "-2.500000000");
  CHECK(TimeText({.mtime = std::numeric_limits<std::int64_t>::min(), .mtime_nsec = 1}) ==
        "-9223372036854775808.000000001");
}

TEST_CASE("Of a layer that a chain has twice each name has its own", "[planner][merged_files]") {
  const LayerContents contents = MakeContents({{File("a", "1")}, {HardLink("b", "a")}});
  FileMerger merger(contents);
  CHECK(Describe(merger.Merge(std::vector<LayerIndex>{0, 1, 0})) == Texts{"a@3", "b@1"});
  CHECK(merger.FindHidden().empty());
}

TEST_CASE("What is hidden is told with its layer, what hides it, and why",
          "[planner][merged_files]") {
  const LayerContents contents = MakeContents(
      {{Directory("d"), File("d/a", "1"), File("r", "1"), File("m", "1", 0644), File("s", "1")},
       {Directory("d"), Whiteout("d/a"), Whiteout("none"), File("r", "2"), File("m", "1", 0755)},
       {File("s", "1"), File("s", "1"), Symlink("d", "r")}});
  FileMerger merger(contents);
  (void)merger.Merge(std::vector<LayerIndex>{0, 1, 2});
  Texts texts;
  for (const HiddenFile& file : merger.FindHidden()) {
    const auto path = [&](EntryRef ref) {
      return std::string(contents.InventoryOf(ref).path(contents.EntryOf(ref)));
    };
    texts.push_back(path(file.hidden) + "@" + std::to_string(file.position + 1) + " by " +
                    path(file.by) + "@" + std::to_string(file.by_position + 1) + " " +
                    std::to_string(static_cast<int>(file.cause)));
  }
  CHECK(texts == Texts{"d@2 by d@3 1", "d/a@1 by d/a@2 0", "m@1 by m@2 2", "r@1 by r@2 1",
                       "s@1 by s@3 3", "s@3 by s@3 5"});
}

TEST_CASE("A layer adds, changes and removes", "[planner][merged_files]") {
  const LayerContents contents =
      MakeContents({{Directory("d"), Directory("e"), File("d/a", "1"), File("f", "1"),
                     File("same", "1"), File("up", "1")},
                    {Directory("d"), Whiteout("d/a"), File("f", "2"), File("d/n/new", "1"),
                     HardLink("up", "f"), File("e", "1")}});
  FileMerger merger(contents);
  const std::vector<MergedFile> before = merger.Merge(std::vector<LayerIndex>{0});
  const std::vector<MergedFile> after = merger.Merge(std::vector<LayerIndex>{0, 1});
  Texts texts;
  for (const LayerChange& change : FindLayerChanges(contents, before, after)) {
    texts.push_back("+~-"[static_cast<int>(change.change)] + change.file.path);
  }
  CHECK(texts == Texts{"-d/a", "+d/n", "+d/n/new", "~e", "~f", "~up"});
}

TEST_CASE("A directory whose attributes change is changed", "[planner][merged_files]") {
  TinyEntry touched = Directory("touched");
  touched.mtime = 1;
  TinyEntry closed = Directory("closed");
  closed.mode = 0700;
  const LayerContents contents =
      MakeContents({{Directory("closed"), Directory("same"), Directory("touched")},
                    {closed, Directory("same"), touched}});
  FileMerger merger(contents);
  const std::vector<MergedFile> before = merger.Merge(std::vector<LayerIndex>{0});
  const auto changes =
      FindLayerChanges(contents, before, merger.Merge(std::vector<LayerIndex>{0, 1}));
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].file.path == "closed");
  CHECK(changes[1].file.path == "touched");
}

// What random layers show, told by rules of strings; one merger for many chains, as for a fleet.
TEST_CASE("Merged files are what a plain merge of random layers shows", "[planner][merged_files]") {
  const std::vector<std::vector<LayerIndex>> chains = {{0, 1, 2}, {0, 1, 3}, {2}, {}, {0, 1, 3, 2}};
  for (int seed = 0; seed < NumRounds(300); ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    std::vector<std::vector<TinyEntry>> layers;
    for (int l = 0; l < 4; ++l) layers.push_back(RandomTinyLayer(random));
    const LayerContents contents = MakeContents(layers);
    FileMerger merger(contents);
    for (const std::vector<LayerIndex>& chain : chains) {
      PlainOverlay plain;
      for (const LayerIndex l : chain) plain.Push(l, *contents.inventories[l]);
      const std::vector<MergedFile> files = merger.Merge(chain);
      Texts paths;
      for (const MergedFile& file : files) {
        paths.push_back(file.path);
        INFO(seed << " " << file.path);
        const EntryRef owner = plain.OwnerAt(file.path);
        const EntryRef seen = plain.Seen().at(file.path);
        // What no layer lists may have the attributes of another entry.
        if (file.position == kNone) continue;
        CHECK(file.entry == (owner == EntryRef{} ? seen : owner));
        CHECK(chain[file.position] == file.entry.layer);
      }
      Texts expected;
      for (const auto& [path, entry] : plain.Seen()) {
        if (!path.empty()) expected.push_back(path);
      }
      std::ranges::sort(expected,
                        [](const auto& a, const auto& b) { return ComparePaths(a, b) < 0; });
      CHECK(paths == expected);
    }
  }
}

TEST_CASE("Patterns select whole keys, and a directory all below it", "[planner][path_selection]") {
  PathSelection none({});
  CHECK(none.Selects("etc/passwd"));
  CHECK(none.unmatched().empty());
  PathSelection some({"/etc/", "*.py", "gone"});
  CHECK(some.Selects("etc"));
  CHECK(some.Selects("etc/ssl/cert"));
  CHECK_FALSE(some.Selects("etc-x"));
  CHECK_FALSE(some.Selects("usr/etc"));
  CHECK(some.unmatched() == "*.py");
  CHECK(some.Selects("usr/lib/a.py"));
  CHECK(some.unmatched() == "gone");
  PathSelection root({"/"});
  CHECK(root.Selects("etc/passwd"));
  PathSelection question({"us?/[bl]i*"});
  CHECK(question.Selects("usr/lib/x"));
  CHECK_FALSE(question.Selects("usr"));
}

}  // namespace
}  // namespace gneiss
