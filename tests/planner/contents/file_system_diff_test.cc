#include "planner/contents/file_system_diff.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

using namespace tiny;
using Layers = std::vector<Inventory>;
using Lines = std::vector<std::string>;

Layers LayersOf(const std::vector<std::vector<TinyEntry>>& layers) {
  Layers inventories;
  for (const auto& entries : layers) {
    inventories.push_back(MakeTinyInventory(entries));
    AddImpliedDirectories(inventories.back());
  }
  return inventories;
}

FileSystemDiff Compare(const Layers& left, const Layers& right,
                       const FileSystemDiffOptions& options = {}) {
  PathTree tree;
  std::deque<LayerPaths> paths;
  std::vector<OverlayLayer> chains[2];
  LayerIndex next = 0;
  for (const Layers* const side : {&left, &right}) {
    for (const Inventory& inventory : *side) {
      paths.push_back(tree.Add(inventory));
      chains[side == &left ? 0 : 1].push_back(
          {.layer = next++, .inventory = &inventory, .paths = &paths.back()});
    }
  }
  return CompareFileSystems(tree, chains[0], chains[1], options);
}

// "path: what: left -> right", a line for each.
Lines LinesOf(const FileSystemDiff& diff) {
  CHECK(diff.num_differences == std::ssize(diff.differences));
  Lines lines;
  for (const FileDifference& d : diff.differences) {
    lines.push_back(d.path + ": " + std::string(FileAspectName(d.aspect)) + ": " + d.left + " -> " +
                    d.right);
  }
  return lines;
}

Lines Differences(const std::vector<std::vector<TinyEntry>>& left,
                  const std::vector<std::vector<TinyEntry>>& right,
                  const FileSystemDiffOptions& options = {}) {
  return LinesOf(Compare(LayersOf(left), LayersOf(right), options));
}

Entry& EntryAt(Inventory& inventory, std::string_view path) {
  for (Entry& entry : inventory.entries) {
    if (inventory.path(entry) == path) return entry;
  }
  FAIL("no entry " << path);
  return inventory.entries.front();
}

// One entry of a small file system changed.
Lines AfterChange(std::string_view path, const std::function<void(Inventory&, Entry&)>& change,
                  const FileSystemDiffOptions& options = {}) {
  const std::vector<std::vector<TinyEntry>> layers = {{Directory("d"),
                                                       File("d/a", "text"),
                                                       HardLink("d/b", "d/a"),
                                                       Symlink("s", "d/a"),
                                                       {EntryType::kCharDevice, "null"},
                                                       {EntryType::kFifo, "pipe"},
                                                       File("x", "x")}};
  const Layers left = LayersOf(layers);
  Layers right = LayersOf(layers);
  CHECK(LinesOf(Compare(left, right)).empty());
  change(right[0], EntryAt(right[0], path));
  return LinesOf(Compare(left, right, options));
}

TEST_CASE("Each attribute that differs alone is found", "[planner][file_system_diff]") {
  CHECK(
      AfterChange("d/a", [](Inventory& i, Entry& e) { i.contents[e.content] = Sha256("texu"); }) ==
      Lines{
          "d/a: content: " + FormatDigest(Sha256("text")) + " -> " + FormatDigest(Sha256("texu")),
          "d/b: content: " + FormatDigest(Sha256("text")) + " -> " + FormatDigest(Sha256("texu"))});
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.size = 2; }) == Lines{"x: size: 1 -> 2"});
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.mode = 04644; }) ==
        Lines{"x: mode: 0644 -> 4644"});
  CHECK(AfterChange("d", [](Inventory&, Entry& e) { e.mode = 01755; }) ==
        Lines{"d: mode: 0755 -> 1755"});
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.uid = 1; }) == Lines{"x: owner: 0:0 -> 1:0"});
  CHECK(AfterChange("s", [](Inventory&, Entry& e) { e.gid = 1; }) == Lines{"s: owner: 0:0 -> 0:1"});
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.mtime = -1; }) ==
        Lines{"x: mtime: 0.000000000 -> -1.000000000"});
  CHECK(AfterChange("d", [](Inventory&, Entry& e) { e.mtime_nsec = 1; }) ==
        Lines{"d: mtime: 0.000000000 -> 0.000000001"});
  CHECK(AfterChange("s", [](Inventory& i, Entry& e) { e.link = i.texts.Add("d/b"); }) ==
        Lines{"s: link target: d/a -> d/b"});
  CHECK(AfterChange("null", [](Inventory&, Entry& e) { e.device_major = 1; }) ==
        Lines{"null: device: 0:0 -> 1:0"});
  CHECK(AfterChange("null", [](Inventory&, Entry& e) { e.device_minor = 3; }) ==
        Lines{"null: device: 0:0 -> 0:3"});
  CHECK(AfterChange("pipe", [](Inventory&, Entry& e) { e.type = EntryType::kBlockDevice; }) ==
        Lines{"pipe: type: fifo -> block device"});
}

TEST_CASE("Extended attributes are told by those that differ", "[planner][file_system_diff]") {
  const auto with = [](std::vector<Xattr> xattrs) {
    return [xattrs](Inventory& i, Entry& e) { e.xattrs = i.texts.Add(FormatXattrs(xattrs)); };
  };
  CHECK(AfterChange("x", with({{"user.k", std::string("v\0", 2)}})) ==
        Lines{"x: xattrs: none -> user.k=0x7600"});
  const std::string large(41, 'a');
  const Lines found = AfterChange("d", with({{"user.k", large}}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].ends_with("6161... (41 bytes, " + FormatDigest(Sha256(large)) + ")"));
  Layers left = LayersOf({{File("x")}});
  Layers right = left;
  with({{"user.a", "1"}, {"user.b", "1"}})(left[0], left[0].entries[0]);
  with({{"user.a", "1"}, {"user.b", "2"}})(right[0], right[0].entries[0]);
  CHECK(LinesOf(Compare(left, right)) == Lines{"x: xattrs: user.b=0x31 -> user.b=0x32"});
}

TEST_CASE("What no container sees is no difference", "[planner][file_system_diff]") {
  CHECK(AfterChange("s", [](Inventory&, Entry& e) { e.mode = 0644; }).empty());
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.stored_size = 0; }).empty());
  CHECK(AfterChange("x", [](Inventory&, Entry& e) { e.blob_bytes = 0; }).empty());
  const FileSystemDiffOptions no_mtime{.ignore_mtime = true};
  CHECK(AfterChange(
            "x", [](Inventory&, Entry& e) { e.mtime_nsec = 7; }, no_mtime)
            .empty());
  CHECK(AfterChange(
            "d/b", [](Inventory&, Entry& e) { e.mtime = 7; }, no_mtime)
            .empty());
}

TEST_CASE("What the header of a hard link says is not compared", "[planner][file_system_diff]") {
  CHECK(AfterChange("d/b", [](Inventory&, Entry& e) { e.mode = 0600; }).empty());
  CHECK(AfterChange("d/b", [](Inventory& i, Entry& e) {
          e.xattrs = i.texts.Add(FormatXattrs({{"user.k", "v"}}));
        }).empty());
  CHECK(AfterChange("d/a", [](Inventory&, Entry& e) { e.mode = 0600; }) ==
        Lines{"d/a: mode: 0644 -> 0600", "d/b: mode: 0644 -> 0600"});
}

TEST_CASE("Which name of a file is the link does not matter, which names are one file does",
          "[planner][file_system_diff]") {
  const std::vector<std::vector<TinyEntry>> linked = {{File("a", "t"), HardLink("b", "a")}};
  CHECK(Differences(linked, {{File("b", "t"), HardLink("a", "b")}}).empty());
  CHECK(Differences(linked, {{File("b", "t")}, {HardLink("a", "b")}}).empty());
  CHECK(Differences(linked, {{File("a", "t"), File("b", "t")}}) ==
        Lines{"b: hard links: the same file as a -> a file of its own"});
  CHECK(Differences({{File("a", "t"), HardLink("b", "a"), File("c", "t"), HardLink("d", "c")}},
                    {{File("a", "t"), HardLink("d", "a"), File("c", "t"), HardLink("b", "c")}}) ==
        Lines{"b: hard links: the same file as a -> the first name of a file",
              "c: hard links: the first name of a file -> the same file as b",
              "d: hard links: the same file as c -> the same file as a"});
  // A file whose own name is gone has its attributes all the same.
  CHECK(Differences({{File("a", "t"), HardLink("b", "a")}, {Whiteout("a")}}, {{File("b", "t")}})
            .empty());
}

TEST_CASE("A file system shows a lost whiteout, and what is on one side only",
          "[planner][file_system_diff]") {
  CHECK(Differences({{File("a"), File("b")}, {Whiteout("a")}}, {{File("a"), File("b")}}) ==
        Lines{"a: path: nothing -> file"});
  CHECK(Differences({{File("a"), Symlink("b", "x")}}, {{File("a")}}) ==
        Lines{"b: path: symlink -> nothing"});
  CHECK(Differences({{File("d/a")}, {Opaque("d"), File("d/b")}}, {{File("d/a"), File("d/b")}}) ==
        Lines{"d/a: path: nothing -> file"});
  // A whiteout with nothing below it shows nowhere.
  CHECK(Differences({{File("a")}}, {{File("a"), Whiteout("b")}}).empty());
  CHECK(Differences({}, {}).empty());
}

TEST_CASE("A type that differs is told alone", "[planner][file_system_diff]") {
  CHECK(Differences({{File("a", "text")}}, {{Symlink("a", "b")}}) ==
        Lines{"a: type: file -> symlink"});
  CHECK(Differences({{File("a")}}, {{Directory("a"), File("a/b")}}) ==
        Lines{"a: type: file -> directory", "a/b: path: nothing -> file"});
  CHECK(Differences({{File("a")}}, {{File("a/b")}}) ==
        Lines{"a: type: file -> directory", "a/b: path: nothing -> file"});
  CHECK(Differences({{HardLink("a", "x")}}, {{File("a")}}) ==
        Lines{"a: type: hard link to nothing -> file"});
  CHECK(Differences({{HardLink("a", "x")}}, {{HardLink("a", "y")}}) ==
        Lines{"a: link target: x -> y"});
}

TEST_CASE("A directory that no layer lists is as runtimes make it, of whatever time",
          "[planner][file_system_diff]") {
  TinyEntry listed = Directory("d");
  listed.mtime = 7;
  CHECK(Differences({{listed, File("d/a")}}, {{File("d/a")}}).empty());
  listed.mode = 0700;
  CHECK(Differences({{listed, File("d/a")}}, {{File("d/a")}}) == Lines{"d: mode: 0700 -> 0755"});
  CHECK(Differences({{File("a")}}, {{Directory(""), File("a")}}).empty());
  // Emptied it is still there.
  CHECK(Differences({{File("d/a")}, {Whiteout("d/a")}}, {{File("x")}, {Whiteout("x")}}) ==
        Lines{"d: path: directory -> nothing"});
  // Listed again, in whatever layer, it is as before.
  CHECK(Differences({{Directory("d"), File("d/a"), File("d/b")}},
                    {{Directory("d"), File("d/a")}, {Directory("d"), File("d/b")}})
            .empty());
  // What a layer below lists stays, also where the layer above does not list it.
  CHECK(Differences({{listed, File("d/a")}, {File("d/b")}}, {{listed, File("d/a"), File("d/b")}})
            .empty());
}

TEST_CASE("The first differences by path are kept, all are counted",
          "[planner][file_system_diff]") {
  std::vector<TinyEntry> left;
  for (char c = 'z'; c >= 'a'; --c) left.push_back(File(std::string("d/") + c));
  const FileSystemDiff diff =
      Compare(LayersOf({left}), LayersOf({{File("d/c"), File("e", "12")}}), {.max_kept = 3});
  CHECK(diff.num_differences == 26);
  REQUIRE(diff.differences.size() == 3);
  CHECK(diff.differences[0].path == "d/a");
  CHECK(diff.differences[1].path == "d/b");
  CHECK(diff.differences[2].path == "d/d");
  CHECK(diff.num_paths == 29);  // with the root and d
}

TEST_CASE("Bytes are those of the left side's files, each once", "[planner][file_system_diff]") {
  const Layers layers =
      LayersOf({{File("a", "123"), HardLink("b", "a"), File("c", "4567"), Symlink("s", "abc")}});
  CHECK(Compare(layers, layers).file_bytes == 7);
  CHECK(Compare(layers, {}).file_bytes == 7);
  CHECK(Compare({}, layers).file_bytes == 0);
  Layers huge = LayersOf({{File("a"), File("b")}});
  for (Entry& entry : huge[0].entries) entry.size = INT64_MAX;
  CHECK_THROWS_AS(Compare(huge, huge), InputError);
}

// --- Against the plain rules of tests/make/plain_overlay.h.

// All that is compared of a path, as one text; "" of a directory in place of a file of its own
// layer, which runtimes refuse to make.
std::map<std::string, std::string> Describe(const Layers& layers, std::set<std::string>& unlisted) {
  PlainOverlay plain;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    plain.Push(static_cast<LayerIndex>(l), layers[l]);
  }
  const std::map<std::string, EntryRef> seen = plain.Seen();
  std::map<EntryRef, std::string> first_name;
  for (const auto& [path, ref] : seen) first_name.try_emplace(plain.OwnerAt(path), path);
  const auto inventory = [&](EntryRef ref) -> const Inventory& { return layers[ref.layer]; };
  const auto entry = [&](EntryRef ref) -> const Entry& {
    return inventory(ref).entries[ref.entry];
  };
  const auto attributes = [](const Entry& e) {
    return std::to_string(e.mode) + " " + std::to_string(e.uid) + ":" + std::to_string(e.gid) +
           " " + std::to_string(e.mtime) + "." + std::to_string(e.mtime_nsec);
  };
  std::map<std::string, std::string> described;
  for (const auto& [path, ref] : seen) {
    if (ref.layer == kNone) {
      described[path] = "";
      continue;
    }
    const EntryRef owner = plain.OwnerAt(path).layer == kNone ? ref : plain.OwnerAt(path);
    Entry e = entry(owner);
    if (e.type == EntryType::kSymlink) e.mode = 0;
    if (e.implied) e.mtime = e.mtime_nsec = 0;
    std::string text = std::string(EntryTypeName(e.type)) + " " + attributes(e);
    if (e.type == EntryType::kRegular) {
      text += " " + std::to_string(e.size) + FormatDigest(inventory(owner).contents[e.content]);
    }
    text += " " + std::string(inventory(owner).link(e)) + " " + std::to_string(e.device_major) +
            ":" + std::to_string(e.device_minor) + " " +
            std::string(inventory(owner).texts[e.xattrs]);
    if (e.type != EntryType::kDirectory) text += " first " + first_name[plain.OwnerAt(path)];
    described[path] = text;
    if (e.implied) unlisted.insert(path);
  }
  return described;
}

class RandomHistory {
 public:
  explicit RandomHistory(unsigned seed) : random_(seed) {}

  unsigned Below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  Layers Make(bool like_headers) {
    std::vector<std::vector<TinyEntry>> layers(1 + Below(4));
    for (auto& entries : layers) {
      entries = RandomTinyLayer(random_);
      if (Below(3) == 0) {
        entries.insert(entries.begin(), {EntryType::kCharDevice, "b/c"});
        TinyLayerRules rules;
        std::erase_if(entries, [&](const TinyEntry& entry) {
          const bool is_taken = rules.Takes(entry);
          if (is_taken) rules.Add(entry);
          return !is_taken;
        });
      }
      for (TinyEntry& entry : entries) {
        // A file and its links say the same of it, as writers of layers do.
        if (like_headers && entry.type != EntryType::kDirectory) entry.mode = 0644;
      }
    }
    return LayersOf(layers);
  }

  // Changes one thing of one entry, or takes an entry away.
  void Mutate(Layers& layers) {
    Inventory& inventory = layers[Below(static_cast<unsigned>(layers.size()))];
    if (inventory.entries.empty()) return;
    Entry& entry = inventory.entries[Below(static_cast<unsigned>(inventory.entries.size()))];
    if (entry.implied) return;
    switch (Below(9)) {
      case 0:
        entry.mode ^= static_cast<std::uint16_t>(1U << Below(12));
        break;
      case 1:
        entry.uid += 1;
        break;
      case 2:
        entry.gid += 1;
        break;
      case 3:
        entry.mtime_nsec += 1;
        break;
      case 4:
        entry.xattrs = inventory.texts.Add(FormatXattrs({{"user.x", "1"}}));
        break;
      case 5:
        entry.device_minor += entry.type == EntryType::kCharDevice ? 1 : 0;
        break;
      case 6:
        if (entry.content != kNone) inventory.contents[entry.content] = Sha256("other");
        break;
      case 7:
        if (entry.type == EntryType::kSymlink) entry.link = inventory.texts.Add("elsewhere");
        break;
      default:
        Remove(inventory, entry.position);
    }
    AddImpliedDirectories(inventory);
  }

 private:
  static void Remove(Inventory& inventory, std::uint32_t position) {
    std::erase_if(inventory.entries, [&](const Entry& e) { return e.position == position; });
    for (Entry& e : inventory.entries) e.position -= e.position > position ? 1 : 0;
    // Those that are still needed come again; their positions are the last.
    std::erase_if(inventory.entries, [](const Entry& e) { return e.implied; });
  }

  std::mt19937 random_;
};

TEST_CASE("A change is found when it is seen, and only then", "[planner][file_system_diff]") {
  int num_seen = 0;
  int num_hidden = 0;
  for (unsigned seed = 0; seed < static_cast<unsigned>(NumRounds(6000)); ++seed) {
    RandomHistory history(seed);
    const Layers left = history.Make(/*like_headers=*/false);
    Layers right = left;
    history.Mutate(right);
    const auto has_links_to_removed = [](const Inventory& lowest) {
      return RemovesItsOwn(lowest) &&
             std::ranges::count(lowest.entries, EntryType::kHardLink, &Entry::type) > 0;
    };
    if (has_links_to_removed(left.front()) || has_links_to_removed(right.front())) continue;
    std::set<std::string> unlisted;
    const auto expected_left = Describe(left, unlisted);
    const auto expected_right = Describe(right, unlisted);
    if (std::ranges::count(std::views::values(expected_right), "") > 0) continue;
    const FileSystemDiff diff = Compare(left, right);
    const bool is_seen = expected_left != expected_right;
    INFO("seed " << seed);
    // Directories that no layer lists may have copied what changed (Overlay::AttributesAt).
    const bool is_copied = std::ranges::all_of(
        diff.differences, [&](const FileDifference& d) { return unlisted.contains(d.path); });
    if (!is_seen && !diff.differences.empty() && is_copied) continue;
    REQUIRE(diff.differences.empty() == !is_seen);
    ++(is_seen ? num_seen : num_hidden);
    // Every path on one side, and every difference that is not of names, where it is expected.
    for (const FileDifference& d : diff.differences) {
      if (d.path.empty() || d.aspect == FileAspect::kHardLinks) continue;
      const auto l = expected_left.find(d.path);
      const auto r = expected_right.find(d.path);
      const bool on_one_side = (l == expected_left.end()) != (r == expected_right.end());
      REQUIRE(on_one_side == (d.aspect == FileAspect::kPath));
      if (!on_one_side) REQUIRE(l->second != r->second);
    }
  }
  CHECK(num_seen > NumRounds(1000));
  CHECK(num_hidden > NumRounds(1000));
}

// What the first layers show as one layer; nothing where that cannot be written down: names of no
// file.
std::vector<Inventory> Joined(const Layers& layers, std::size_t count) {
  PlainOverlay plain;
  for (std::size_t l = 0; l < count; ++l) plain.Push(static_cast<LayerIndex>(l), layers[l]);
  const auto seen = plain.Seen();
  Inventory joined = MakeTinyInventory({});
  std::map<EntryRef, std::string> file_of;
  for (const auto& [path, ref] : seen) {
    const bool is_directory = layers[ref.layer].entries[ref.entry].type == EntryType::kDirectory;
    const EntryRef owner = is_directory ? ref : plain.OwnerAt(path);
    if (owner.layer == kNone) return {};
    const Inventory& from = layers[owner.layer];
    Entry entry = from.entries[owner.entry];
    const auto [first, is_first] = file_of.try_emplace(owner, path);
    entry.implied = false;
    entry.path = joined.texts.Add(path);
    entry.xattrs = joined.texts.Add(from.texts[entry.xattrs]);
    entry.position = static_cast<std::uint32_t>(joined.entries.size());
    if (!is_first) {
      entry.type = EntryType::kHardLink;
      entry.link = joined.texts.Add(first->second);
      entry.content = kNone;
    } else {
      entry.link = joined.texts.Add(from.link(entry));
      if (entry.content != kNone) {
        joined.contents.push_back(from.contents[entry.content]);
        entry.content = static_cast<std::uint32_t>(joined.contents.size() - 1);
      }
    }
    joined.entries.push_back(entry);
  }
  SortEntries(joined);
  return {joined};
}

TEST_CASE("A chain that is cut otherwise shows no difference", "[planner][file_system_diff]") {
  int num_compared = 0;
  for (unsigned seed = 0; seed < static_cast<unsigned>(NumRounds(4000)); ++seed) {
    RandomHistory history(seed);
    const Layers left = history.Make(/*like_headers=*/true);
    const std::size_t count = 1 + history.Below(static_cast<unsigned>(left.size()));
    Layers right = Joined(left, count);
    if (right.empty()) continue;
    right.insert(right.end(), left.begin() + static_cast<std::ptrdiff_t>(count), left.end());
    INFO("seed " << seed);
    REQUIRE(LinesOf(Compare(left, right)) == Lines{});
    REQUIRE(LinesOf(Compare(right, left)) == Lines{});
    ++num_compared;
  }
  CHECK(num_compared > NumRounds(1000));
}

}  // namespace
}  // namespace gneiss
