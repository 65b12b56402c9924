#include "planner/contents/new_layer.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "planner/carve/generated_layout.h"
#include "planner/carve/layer_description.h"
#include "planner/contents/content_atoms.h"
#include "planner/contents/paths.h"
#include "planner/fleet/bytes.h"
#include "tests/make/content_fleet.h"
#include "tests/make/rounds.h"
#include "tests/make/shown_files.h"

namespace gneiss {
namespace {

using tiny::Directory;
using tiny::File;
using tiny::HardLink;
using tiny::Opaque;
using tiny::Symlink;
using tiny::Whiteout;
using TinyLayers = std::vector<std::vector<TinyEntry>>;

LayerContents ContentsOf(const TinyLayers& layers) {
  LayerContents contents(layers.size());
  for (LayerIndex l = 0; l < layers.size(); ++l) {
    contents.Add(l, MakeTinyInventory(layers[l], std::to_string(l)));
  }
  return contents;
}

// What a scan of the written layer would find.
Inventory InventoryOf(const NewLayer& layer, const LayerContents& contents) {
  Inventory inventory;
  for (const NewEntry& made : layer.entries) {
    Entry entry;
    if (made.source != EntryRef{}) {
      const Inventory& from = *contents.inventories[made.source.layer];
      entry = from.entries[made.source.entry];
      entry.implied = false;
      entry.xattrs = inventory.texts.Add(from.texts[entry.xattrs]);
      entry.link = inventory.texts.Add(from.link(entry));
      if (made.type != EntryType::kRegular) {
        entry.content = kNone;
        entry.size = entry.stored_size = 0;
      } else {
        inventory.contents.push_back(from.contents[entry.content]);
        entry.content = static_cast<std::uint32_t>(inventory.contents.size() - 1);
      }
    }
    if (made.type == EntryType::kHardLink) {
      const PathIndex target = made.link == kNone ? made.target : layer.entries[made.link].path;
      entry.link = inventory.texts.Add(contents.paths.key(target));
    }
    entry.type = made.type;
    entry.path = inventory.texts.Add(contents.paths.key(made.path));
    entry.position = static_cast<std::uint32_t>(inventory.entries.size());
    inventory.entries.push_back(entry);
  }
  SortEntries(inventory);
  return inventory;
}

// "type path[ -> target]", a line for each entry in the tar's order.
std::string List(const NewLayer& layer, const LayerContents& contents) {
  std::string list;
  for (const NewEntry& entry : layer.entries) {
    list += fmt::format("{} {}", EntryTypeName(entry.type), contents.paths.key(entry.path));
    if (entry.type == EntryType::kHardLink) {
      const PathIndex target = entry.link == kNone ? entry.target : layer.entries[entry.link].path;
      list += " -> " + contents.paths.key(target);
    }
    list += '\n';
  }
  return list;
}

// Layers joined as a list, above others unless `is_first`.
std::string Merged(const TinyLayers& layers, bool is_first = false) {
  const LayerContents contents = ContentsOf(layers);
  std::vector<LayerIndex> segment;
  for (LayerIndex l = 0; l < layers.size(); ++l) segment.push_back(l);
  return List(MergeLayers(contents, segment, is_first), contents);
}

std::string MergeError(const TinyLayers& layers, bool is_first = false) {
  try {
    return Merged(layers, is_first);
  } catch (const InputError& error) {
    std::string text = error.what();
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const std::string digest = FormatDigest(Sha256(std::to_string(l)));
      for (std::size_t at = text.find(digest); at != std::string::npos; at = text.find(digest)) {
        text.replace(at, digest.size(), std::to_string(l));
      }
    }
    return text;
  }
}

TEST_CASE("Merged layers keep what is seen and the markers that something below needs",
          "[planner][new_layer]") {
  const TinyLayers deleted = {{Directory("d"), File("d/a", "1"), File("d/b", "2")},
                              {Whiteout("d/a")}};
  REQUIRE(Merged(deleted) == "directory d\nwhiteout d/a\nfile d/b\n");
  REQUIRE(Merged(deleted, true) == "directory d\nfile d/b\n");
  // Files hide what is below without a marker; a marker above does for all.
  REQUIRE(Merged({{Whiteout("a")}, {File("a")}}) == "file a\n");
  REQUIRE(Merged({{Whiteout("d/a"), Opaque("d/b")}, {Whiteout("d")}}) == "whiteout d\n");
  REQUIRE(Merged({{Opaque("d")}, {File("d/a")}}) == "opaque d\nfile d/a\n");
  // At the root an opaque marker hides nothing.
  REQUIRE(Merged({{Opaque("")}, {Whiteout("a"), File("b")}}) == "whiteout a\nfile b\n");
}

TEST_CASE("A directory that was something else hides what lies below it", "[planner][new_layer]") {
  const std::string opaque = "directory d\nopaque d\nfile d/b\n";
  REQUIRE(Merged({{File("d")}, {Directory("d"), File("d/b")}}) == opaque);
  REQUIRE(Merged({{Directory("d"), File("d/a")}, {File("d")}, {Directory("d"), File("d/b")}}) ==
          opaque);
  REQUIRE(Merged({{Whiteout("d")}, {Directory("d"), File("d/b")}}) == opaque);
  REQUIRE(Merged({{Whiteout("d"), Directory("d"), File("d/b")}}) == opaque);
  // Without attributes of its own it must not have those from below.
  REQUIRE(Merged({{Whiteout("d")}, {File("d/b")}}) == "opaque d\nfile d/b\n");
  REQUIRE(Merged({{Symlink("d", "e")}, {File("d/b")}}) == "opaque d\nfile d/b\n");
  // A directory over a directory is none of this.
  REQUIRE(Merged({{Directory("d")}, {Directory("d"), File("d/b")}}) == "directory d\nfile d/b\n");
}

TEST_CASE("Hard links stay links of the first name that is left", "[planner][new_layer]") {
  REQUIRE(Merged({{File("b", "1"), HardLink("a", "b"), HardLink("c", "a")}}) ==
          "file a\nhard link b -> a\nhard link c -> a\n");
  REQUIRE(Merged({{File("a", "1"), HardLink("b", "a"), HardLink("c", "a")}, {Whiteout("a")}}) ==
          "whiteout a\nfile b\nhard link c -> b\n");
  REQUIRE(Merged({{File("a", "1"), HardLink("b", "a")}, {File("a", "2")}}) == "file a\nfile b\n");
  REQUIRE(Merged({{Symlink("a", "x"), HardLink("b", "a")}}) == "symlink a\nhard link b -> a\n");
}

TEST_CASE("Hard links to a layer below stay so, before what takes their targets' place",
          "[planner][new_layer]") {
  REQUIRE(Merged({{HardLink("b", "a")}, {File("0"), File("a", "2"), HardLink("c", "b")}}) ==
          "hard link b -> a\nhard link c -> a\nfile 0\nfile a\n");
  REQUIRE(Merged({{HardLink("b", "d/a")}, {File("d", "2")}}) == "hard link b -> d/a\nfile d\n");
  const std::string pins = "; plan again with --pin for the images that have both";
  REQUIRE(MergeError({{HardLink("b", "a")}, {Whiteout("a")}}) ==
          "layer 0:\"b\": expected a hard link to a file that stays, found one to \"a\" of a layer "
          "below, which layer 1 deletes" +
              pins);
  REQUIRE(MergeError({{HardLink("b", "d/a")}, {Opaque("d")}}) ==
          "layer 0:\"b\": expected a hard link to a file that stays, found one to \"d/a\" of a "
          "layer below, which layer 1 deletes" +
              pins);
  REQUIRE(MergeError({{HardLink("b", "a")}, {HardLink("a", "c")}}) ==
          "layer 0:\"b\": expected a hard link to a file that stays, found one to \"a\" of a layer "
          "below, which another such link takes the place of" +
              pins);
  const std::string nothing =
      ":\"b\": expected a hard link to a file, found one that no layer below can give a file";
  REQUIRE(MergeError({{HardLink("b", "a")}}, true) == "layer 0" + nothing);
  REQUIRE(MergeError({{Whiteout("a")}, {HardLink("b", "a")}}) == "layer 1" + nothing);
}

std::vector<TinyEntry> WithParents(const std::vector<TinyEntry>& entries) {
  std::set<std::string> parents;
  for (const TinyEntry& entry : entries) {
    if (entry.type == EntryType::kWhiteout) continue;
    for (std::string_view up = entry.path; !up.empty();) {
      up = ParentPath(up);
      if (!up.empty()) parents.emplace(up);
    }
  }
  std::vector<TinyEntry> all;
  for (const std::string& path : parents) all.push_back(Directory(path));
  for (const TinyEntry& entry : entries) all.push_back(entry);
  return all;
}

TEST_CASE("Chains of merged segments show what the layers show", "[planner][new_layer]") {
  std::mt19937 random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  int num_compared = 0;
  int num_refused = 0;
  for (int round = 0; round < NumRounds(6000); ++round) {
    TinyLayers layers(1 + below(5));
    const bool has_links = below(3) == 0;
    for (auto& entries : layers) {
      entries = RandomTinyLayer(random);
      if (!has_links) {
        std::erase_if(entries, [](const TinyEntry& e) { return e.type == EntryType::kHardLink; });
      }
      if (below(2) == 0) entries = WithParents(entries);
      for (TinyEntry& entry : entries) entry.mtime = below(100);
    }
    const LayerContents contents = ContentsOf(layers);
    std::vector<LayerIndex> chain;
    for (unsigned length = 1 + below(6); length > 0; --length) {
      chain.push_back(below(static_cast<unsigned>(layers.size())));
    }
    const ShownFiles expected = ShowFiles(contents, chain);
    if (expected.has_broken_links) continue;  // one by one they may be more than one file

    LayerContents merged(chain.size());
    std::vector<LayerIndex> made;
    std::string lists;
    for (std::size_t at = 0; at < chain.size();) {
      const std::size_t length = 1 + below(static_cast<unsigned>(chain.size() - at));
      const auto segment = std::span(chain).subspan(at, length);
      try {
        const std::vector<std::vector<LayerIndex>> lies_below = {
            {chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(at)}};
        const NewLayer layer = MergeLayers(contents, segment, at == 0, lies_below);
        lists += List(layer, contents) + "--\n";
        made.push_back(static_cast<LayerIndex>(made.size()));
        merged.Add(made.back(), InventoryOf(layer, contents));
      } catch (const InputError&) {
        ++num_refused;
        REQUIRE(has_links);
        for (const LayerIndex l : segment) {
          made.push_back(static_cast<LayerIndex>(made.size()));
          merged.Add(made.back(), *contents.inventories[l]);
        }
      }
      at += length;
    }
    CAPTURE(round, lists);
    REQUIRE(FindDifferences(expected, ShowFiles(merged, made)) == "");
    ++num_compared;
  }
  REQUIRE(num_compared > NumRounds(3000));
  REQUIRE(num_refused < 1000);
}

std::vector<EntryRef> ListedEntries(const ContentAtoms& atoms, const LayerContents& contents,
                                    const GeneratedLayer& layer) {
  std::vector<EntryRef> listed;
  for (const EntryRun& run : EntriesOfLayer(atoms, contents, layer)) {
    for (const std::uint32_t position : run.positions) {
      listed.push_back({run.layer, contents.layer_paths[run.layer].in_tar[position]});
    }
  }
  return listed;
}

TEST_CASE("Images of layers made of entries show what they did", "[planner][new_layer]") {
  std::mt19937 random(11);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  int num_images = 0;
  for (int round = 0; round < NumRounds(3000); ++round) {
    const ContentFleet made = RandomContentFleet(random);
    const LayerContents& contents = made.contents;
    const Fleet& fleet = made.fleet;
    std::vector<std::uint8_t> left_out(fleet.images.size(), 0);
    std::vector<ShownFiles> expected(fleet.images.size());
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const auto chain = fleet.chain(fleet.images[i]);
      left_out[i] = !std::ranges::all_of(
          chain, [&](LayerIndex l) { return contents.inventories[l].has_value(); });
      if (left_out[i] != 0) continue;
      // Layers made of entries give a directory that no layer lists what it is by itself.
      expected[i] = ShowFiles(contents, chain, /*copies=*/false);
      if (expected[i].has_broken_links) left_out[i] = 1;
    }
    const ContentAtoms atoms = FindContentAtoms(fleet, contents, {.left_out = left_out});
    std::vector<CarvedLayer> carved;
    for (AtomIndex a = 0; a < atoms.files.atoms.size(); ++a) {
      const auto images = atoms.files.atoms.signature(a);
      // A layer of its own, or one for each image or part of them.
      std::vector<ImageIndex> part;
      for (const std::uint32_t i : images) {
        part.push_back(i);
        if (below(3) != 0 && i != images.back()) continue;
        carved.push_back({.images = part, .atoms = {a}});
        part.clear();
      }
    }
    const GeneratedLayout layout = MakeGeneratedLayout(atoms, contents, carved, 1000);
    LayerContents written(layout.layers.size());
    for (LayerIndex l = 0; l < layout.layers.size(); ++l) {
      const ImageIndex image =
          layout.layers[l].images[below(static_cast<unsigned>(layout.layers[l].images.size()))];
      const NewLayer layer = TakeEntries(contents, fleet.chain(fleet.images[image]),
                                         ListedEntries(atoms, contents, layout.layers[l]));
      written.Add(l, InventoryOf(layer, contents));
    }
    const auto of_image = layout.LayersOfImages(fleet.images.size());
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      if (left_out[i] != 0) continue;
      CAPTURE(round, i);
      REQUIRE(FindDifferences(expected[i], ShowFiles(written, of_image[i])) == "");
      ++num_images;
    }
  }
  REQUIRE(num_images > NumRounds(3000));
}

TEST_CASE("Entries that the image does not show so are refused", "[planner][new_layer]") {
  const LayerContents contents = ContentsOf({{File("a", "1"), HardLink("b", "a"), Whiteout("x")},
                                             {File("c"), HardLink("d", "e")},
                                             {Whiteout("c")}});
  const std::vector<LayerIndex> chain = {0, 1, 2};
  const auto error = [&](const std::vector<EntryRef>& entries) -> std::string {
    try {
      (void)TakeEntries(contents, chain, entries);
      return "";
    } catch (const InputError& caught) {
      return caught.place() + ": " + caught.problem();
    }
  };
  REQUIRE(error({{0, 0}, {0, 1}}) == "");
  REQUIRE(error({{0, 0}}) == "\"a\": expected all 2 names of one file, found 1");
  REQUIRE(error({{0, 0}, {0, 0}}) == "\"a\": expected a path once, found it again");
  REQUIRE(error({{0, 2}}) == "\"x\": expected a file or a directory, found a marker (whiteout)");
  REQUIRE(error({{1, 0}}) ==
          "\"c\": expected a file that the images show, found one that they do not");
  REQUIRE(error({{1, 1}}) == "\"d\": expected a hard link to a file, found one to nothing");
}

}  // namespace
}  // namespace gneiss
