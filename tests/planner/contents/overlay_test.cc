#include "planner/contents/overlay.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_inventory.h"

namespace gneiss {
namespace {

using namespace tiny;

// A chain of layers on an overlay, with all that was hidden.
class Chain {
 public:
  explicit Chain(const std::vector<std::vector<TinyEntry>>& layers) {
    for (const auto& entries : layers) {
      inventories_.push_back(MakeTinyInventory(entries));
      AddImpliedDirectories(inventories_.back());
      paths_.push_back(tree_.Add(inventories_.back()));
    }
  }

  // Pushes the layers in this order (default: each once).
  Chain& Push(std::vector<LayerIndex> order = {}) {
    if (order.empty()) {
      for (LayerIndex l = 0; l < inventories_.size(); ++l) order.push_back(l);
    }
    for (const LayerIndex l : order) {
      overlay_.Push({.layer = l, .inventory = &inventories_[l], .paths = &paths_[l]}, hidden_);
    }
    return *this;
  }

  // "path" of directories, "path=layer" of all else that a layer lists, sorted.
  std::vector<std::string> Seen() const {
    std::vector<std::string> seen;
    overlay_.ForEachSeen([&](PathIndex path, EntryRef entry) {
      std::string text = tree_.key(path);
      if (text.empty()) return;
      if (entry.layer != kNone && TypeOf(entry) != EntryType::kDirectory) {
        text += "=" + std::to_string(entry.layer);
      }
      seen.push_back(text);
    });
    std::ranges::sort(seen);
    return seen;
  }

  // "path@layer cause by path@layer", sorted.
  std::vector<std::string> Hidden() const {
    constexpr const char* kCauses[] = {"deleted",        "replaced",        "metadata",
                                       "again",          "directory again", "twice in layer",
                                       "nothing deleted"};
    std::vector<std::string> texts;
    for (const Hiding& hiding : hidden_) {
      texts.push_back(NameOf(hiding.hidden) + " " +
                      kCauses[static_cast<std::size_t>(hiding.cause)] + " by " + NameOf(hiding.by));
    }
    std::ranges::sort(texts);
    return texts;
  }

  EntryType TypeOf(EntryRef ref) const { return inventories_[ref.layer].entries[ref.entry].type; }
  std::string NameOf(EntryRef ref) const {
    const Inventory& inventory = inventories_[ref.layer];
    return std::string(inventory.path(inventory.entries[ref.entry])) + "@" +
           std::to_string(ref.layer);
  }
  EntryRef AttributesOf(const std::string& path) const {
    return overlay_.AttributesAt(tree_.Find(path)).entry;
  }
  Overlay& overlay() { return overlay_; }
  const std::vector<Hiding>& hidings() const { return hidden_; }
  const std::deque<Inventory>& inventories() const { return inventories_; }

 private:
  PathTree tree_;
  std::deque<Inventory> inventories_;
  std::deque<LayerPaths> paths_;
  Overlay overlay_{tree_};
  std::vector<Hiding> hidden_;
};

using Texts = std::vector<std::string>;

TEST_CASE("A whiteout hides the file below, and only lower layers", "[planner][overlay]") {
  for (const bool file_first : {true, false}) {
    std::vector<TinyEntry> upper = {File("a", "new"), Whiteout("a")};
    if (!file_first) std::ranges::reverse(upper);
    Chain chain({{File("a", "old"), File("b")}, upper});
    chain.Push();
    CHECK(chain.Seen() == Texts{"a=1", "b=0"});
    CHECK(chain.Hidden() == Texts{"a@0 deleted by a@1"});
  }
}

TEST_CASE("A whiteout of a directory hides all below it", "[planner][overlay]") {
  Chain chain({{Directory("d"), File("d/a"), File("d/e/f"), File("dx")}, {Whiteout("d")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"dx=0"});
  CHECK(chain.Hidden() ==
        Texts{"d/a@0 deleted by d@1", "d/e/f@0 deleted by d@1", "d@0 deleted by d@1"});
}

TEST_CASE("A whiteout of what is not there hides nothing and is named", "[planner][overlay]") {
  Chain chain({{File("a")}, {Whiteout("b"), Whiteout("c/d")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"a=0", "c"});
  CHECK(chain.Hidden() == Texts{"b@1 nothing deleted by b@1", "c/d@1 nothing deleted by c/d@1"});
}

TEST_CASE("An opaque directory hides lower siblings wherever it stands", "[planner][overlay]") {
  for (const bool marker_first : {true, false}) {
    std::vector<TinyEntry> upper = {File("d/new"), Opaque("d")};
    if (marker_first) std::ranges::reverse(upper);
    Chain chain({{Directory("d"), File("d/old"), File("d/e/f"), File("x")}, upper});
    chain.Push();
    CHECK(chain.Seen() == Texts{"d", "d/new=1", "x=0"});
    CHECK(chain.Hidden() == Texts{"d/e/f@0 deleted by d@1", "d/old@0 deleted by d@1"});
  }
}

TEST_CASE("An opaque root hides nothing: kernels show the roots of all layers",
          "[planner][overlay]") {
  Chain root({{File("a"), Directory("d")}, {Opaque(""), File("b")}});
  root.Push();
  CHECK(root.Seen() == Texts{"a=0", "b=1", "d"});
  CHECK(root.Hidden() == Texts{"@1 nothing deleted by @1"});
  CHECK(root.overlay().warnings() == OverlayWarnings{.opaque_roots = 1});
}

TEST_CASE("Of one path twice in a tar the last wins", "[planner][overlay]") {
  Chain chain({{File("a", "1"), File("a", "2")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"a=0"});
  CHECK(chain.Hidden() == Texts{"a@0 twice in layer by a@0"});
  const Inventory& inventory = chain.inventories()[0];
  CHECK(inventory.entries[chain.hidings()[0].hidden.entry].position == 0);
}

TEST_CASE("A directory that becomes a file and one again loses its children",
          "[planner][overlay]") {
  Chain chain({{Directory("d"), File("d/a"), File("d"), Directory("d"), File("d/b")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"d", "d/b=0"});
  CHECK(chain.Hidden() == Texts{"d/a@0 twice in layer by d@0", "d@0 twice in layer by d@0",
                                "d@0 twice in layer by d@0"});
}

TEST_CASE("A directory over a directory keeps the children", "[planner][overlay]") {
  Chain chain({{Directory("d"), File("d/a")}, {Directory("d")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"d", "d/a=0"});
  CHECK(chain.Hidden() == Texts{"d@0 directory again by d@1"});
}

TEST_CASE("A path below a file or a link replaces it by a directory", "[planner][overlay]") {
  Chain chain({{File("a"), Symlink("l", "/")}, {File("a/x"), File("l/etc/passwd")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"a", "a/x=1", "l", "l/etc", "l/etc/passwd=1"});
  CHECK(chain.Hidden() == Texts{"a@0 replaced by a@1", "l@0 replaced by l@1"});
  CHECK(chain.overlay().warnings().replaced_symlinks == 1);
  CHECK(chain.NameOf(chain.overlay().warnings().replaced_symlink) == "l@0");
  // A whiteout below a link does not follow it either: runtimes make a directory to put it in.
  Chain whiteout({{File("etc/passwd"), Symlink("localetc", "etc")}, {Whiteout("localetc/passwd")}});
  whiteout.Push();
  CHECK(whiteout.Seen() == Texts{"etc", "etc/passwd=0", "localetc"});
  CHECK(whiteout.Hidden() == Texts{"localetc/passwd@1 nothing deleted by localetc/passwd@1",
                                   "localetc@0 replaced by localetc@1"});
}

TEST_CASE("Implied directories stay when they are emptied", "[planner][overlay]") {
  Chain chain({{File("c/a/b")}, {Whiteout("c/a/b")}, {Opaque("x/y")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"c", "c/a", "x", "x/y"});
}

TEST_CASE("An implied directory in one with the set-group-ID bit has its group",
          "[planner][overlay]") {
  std::vector<TinyEntry> entries = {Directory("p"), File("p/q/r/x")};
  entries[0].mode = 02755;
  Inventory inventory = MakeTinyInventory(entries);
  inventory.entries[0].gid = 50;
  AddImpliedDirectories(inventory);
  REQUIRE(inventory.entries.size() == 4);
  CHECK(inventory.entries[1].implied);
  CHECK(inventory.entries[1].gid == 50);
  CHECK(inventory.entries[1].mode == 0755);
  CHECK(inventory.entries[2].gid == 0);  // as that has not the bit
}

TEST_CASE("Implied directories of a deep path take bounded memory", "[planner][overlay]") {
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += "/a";
  Inventory inventory = MakeTinyInventory({File(deep)});
  AddImpliedDirectories(inventory);
  std::size_t bytes = 0;
  for (const Entry& entry : inventory.entries) bytes += inventory.path(entry).size();
  CHECK(bytes < 10 * deep.size());
  const std::size_t num_entries = inventory.entries.size();
  AddImpliedDirectories(inventory);
  CHECK(inventory.entries.size() == num_entries);
}

TEST_CASE("Only what lasts of a layer meets the layers below", "[planner][overlay]") {
  const std::vector<TinyEntry> lower = {Directory("p"), File("p/x"), Directory("p/q"),
                                        File("p/q/z")};
  Chain file_first({lower, {File("p"), Directory("p")}});
  file_first.Push();
  CHECK(file_first.Seen() == Texts{"p", "p/q", "p/q/z=0", "p/x=0"});
  Chain with_children(
      {lower,
       {Directory("p"), File("p/x"), Whiteout("p/q"), File("p"), Directory("p"), File("p/y")}});
  with_children.Push();
  CHECK(with_children.Seen() == Texts{"p", "p/q", "p/q/z=0", "p/x=0", "p/y=1"});
  // The contents of a file that is replaced stay behind its other names.
  Chain linked({{File("p", "1"), HardLink("q", "p"), File("p", "2")}, {Whiteout("q")}});
  linked.Push();
  CHECK(linked.Seen() == Texts{"p=0"});
  CHECK(linked.Hidden() == Texts{"p@0 deleted by q@1", "q@0 deleted by q@1"});
}

TEST_CASE("A directory that no layer lists has what containerd copies from below",
          "[planner][overlay]") {
  TinyEntry secret = Directory("usr/lib");
  secret.mode = 0700;
  const auto mode_of = [](Chain& chain, const std::string& path) {
    chain.Push();
    const EntryRef from = chain.AttributesOf(path);
    return chain.inventories()[from.layer].entries[from.entry].mode;
  };
  // Through the links of the layer that has the directory.
  Chain linked({{Directory("usr"), secret, Symlink("lib", "usr/lib")}, {File("lib/x")}});
  CHECK(mode_of(linked, "lib") == 0700);
  Chain apart({{Symlink("lib", "usr/lib")}, {Directory("usr"), secret}, {File("lib/x")}});
  CHECK(mode_of(apart, "lib") == 0755);
  // From behind an opaque directory, but not from behind a whiteout.
  Chain opaque({{Directory("usr"), secret}, {Opaque("usr")}, {File("usr/lib/x")}});
  CHECK(mode_of(opaque, "usr/lib") == 0700);
  Chain deleted({{Directory("usr"), secret}, {Whiteout("usr/lib")}, {File("usr/lib/x")}});
  CHECK(mode_of(deleted, "usr/lib") == 0755);
  // One that is there keeps what it has; that is told, as not all runtimes do so.
  Chain kept({{Directory("usr"), secret}, {File("usr/lib/x")}});
  CHECK(mode_of(kept, "usr/lib") == 0700);
  CHECK(kept.overlay().warnings().unlisted_parents == 1);
}

TEST_CASE("What a file over a file changed is told apart", "[planner][overlay]") {
  TinyEntry later = File("again", "x");
  later.mtime = 7;
  Chain chain({{File("again", "x"), File("mode", "x"), File("other", "x"), Symlink("link", "a")},
               {later, File("mode", "x", 0755), File("other", "y"), Symlink("link", "b")}});
  chain.Push();
  CHECK(chain.Hidden() == Texts{"again@0 again by again@1", "link@0 replaced by link@1",
                                "mode@0 metadata by mode@1", "other@0 replaced by other@1"});
}

TEST_CASE("Contents are hidden with the last of their names", "[planner][overlay]") {
  const std::vector<TinyEntry> lower = {File("a", "x"), HardLink("b", "a"), HardLink("c", "b")};
  Chain one({lower, {Whiteout("a"), Whiteout("b")}});
  one.Push();
  CHECK(one.Seen() == Texts{"c=0"});
  CHECK(one.Hidden() == Texts{"b@0 deleted by b@1"});
  Chain all({lower, {Whiteout("a"), Whiteout("b")}, {Whiteout("c")}});
  all.Push();
  CHECK(all.Hidden() == Texts{"a@0 deleted by c@2", "b@0 deleted by b@1", "c@0 deleted by c@2"});
}

TEST_CASE("A hard link may name a file of a lower layer, or nothing", "[planner][overlay]") {
  Chain chain({{File("a", "x"), Directory("d")},
               {HardLink("b", "a"), HardLink("n", "none"), HardLink("e", "d")},
               {Whiteout("a")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"b=1", "d", "e=1", "n=1"});
  CHECK(chain.Hidden().empty());  // b still shows the contents of a
  CHECK(chain.overlay().warnings() == OverlayWarnings{.links_to_nothing = 1,
                                                      .links_to_directories = 1,
                                                      .bad_link = {.layer = 1, .entry = 2}});
}

TEST_CASE("A layer that is in a chain twice hides nothing of itself", "[planner][overlay]") {
  Chain chain({{Directory("d"), File("d/a"), HardLink("b", "d/a")}});
  chain.Push({0, 0});
  CHECK(chain.Hidden().empty());
  CHECK(chain.Seen() == Texts{"b=0", "d", "d/a=0"});
}

TEST_CASE("Paths of any depth need no stack", "[planner][overlay]") {
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += "/a";
  Chain chain({{File(deep), File("b")}, {Whiteout("a")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"b=0"});
  CHECK(chain.hidings().size() == 1);
}

// An inventory whose entries have the groups and extended attributes that are given by path.
Inventory WithAttributes(const std::vector<TinyEntry>& entries, const std::string& path,
                         std::uint32_t gid, const std::vector<Xattr>& xattrs) {
  Inventory inventory = MakeTinyInventory(entries);
  for (Entry& entry : inventory.entries) {
    if (inventory.path(entry) != path) continue;
    entry.gid = gid;
    entry.xattrs = inventory.texts.Add(FormatXattrs(xattrs));
  }
  AddImpliedDirectories(inventory);
  return inventory;
}

// "mode gid xattrs", with "made up" where no entry at the path has all of it.
std::string AttributesText(const std::deque<Inventory>& inventories, const std::string& path) {
  PathTree tree;
  std::deque<LayerPaths> paths;
  for (const Inventory& inventory : inventories) paths.push_back(tree.Add(inventory));
  Overlay overlay(tree);
  std::vector<Hiding> hidden;
  for (LayerIndex l = 0; l < inventories.size(); ++l) {
    overlay.Push({.layer = l, .inventory = &inventories[l], .paths = &paths[l]}, hidden);
  }
  const SeenAttributes seen = overlay.AttributesAt(tree.Find(path));
  std::string text = fmt::format("{:o} {}", seen.mode, seen.gid);
  for (const XattrView& xattr : ParseXattrs(seen.xattrs)) {
    text += fmt::format(" {}={}", xattr.name, xattr.value);
  }
  return text + (seen.is_listed ? "" : " made up");
}

TEST_CASE("What is made in a directory with the set-group-ID bit has its group",
          "[planner][overlay]") {
  const TinyEntry setgid{.type = EntryType::kDirectory, .path = "p", .mode = 02755};
  const Inventory lower = WithAttributes({setgid}, "p", 50, {});
  const auto upper = [](const std::vector<TinyEntry>& entries) {
    return WithAttributes(entries, "p", 7, {});
  };
  // It copies the one of the layer below, and what is made in it follows.
  CHECK(AttributesText({lower, upper({File("p/q/x")})}, "p") == "2755 50");
  CHECK(AttributesText({lower, upper({File("p/q/x")})}, "p/q") == "755 50 made up");
  CHECK(AttributesText({lower, upper({File("p/q/r/x")})}, "p/q/r") == "755 0");
  // Listed before, the layer's own counts; listed afterwards, that of the layer below.
  CHECK(AttributesText({lower, upper({Directory("p"), File("p/q/x")})}, "p/q") == "755 0");
  CHECK(AttributesText({lower, upper({setgid, File("p/q/x")})}, "p/q") == "755 7");
  CHECK(AttributesText({lower, upper({File("p/q/x"), Directory("p")})}, "p/q") == "755 50 made up");
  CHECK(AttributesText({upper({setgid, File("p/q/x"), Directory("p")})}, "p/q") == "755 7");
  CHECK(AttributesText({upper({Directory("p"), File("p/q/x"), setgid})}, "p/q") == "755 0");
}

TEST_CASE("A directory that is listed after what is in it keeps the attributes that it copied",
          "[planner][overlay]") {
  const Inventory lower = WithAttributes({Directory("p")}, "p", 0, {{"user.a", "1"}});
  const auto upper = [](const std::vector<TinyEntry>& entries) {
    return WithAttributes(entries, "p", 0, {{"user.b", "2"}});
  };
  CHECK(AttributesText({lower, upper({File("p/x"), Directory("p")})}, "p") ==
        "755 0 user.a=1 user.b=2 made up");
  CHECK(AttributesText({lower, upper({Directory("p"), File("p/x")})}, "p") == "755 0 user.b=2");
  CHECK(AttributesText({lower, upper({Opaque("p"), Directory("p")})}, "p") ==
        "755 0 user.a=1 user.b=2 made up");
  // What stood there in between is another directory.
  CHECK(AttributesText({lower, upper({File("p/x"), File("p"), Directory("p")})}, "p") ==
        "755 0 user.b=2");
  const TinyEntry device{.type = EntryType::kWhiteoutDevice, .path = "p"};
  CHECK(AttributesText({lower, upper({File("p/x"), device, Directory("p")})}, "p") ==
        "755 0 user.b=2");
  CHECK(AttributesText({upper({File("p/x"), Directory("p")})}, "p") == "755 0 user.b=2");
}

TEST_CASE("What a directory copies is looked for through links, names of links too",
          "[planner][overlay]") {
  const Inventory base = WithAttributes({Directory("d")}, "d", 7, {});
  CHECK(AttributesText({base, WithAttributes({Symlink("l", "d"), Directory("d")}, "d", 9, {}),
                        MakeTinyInventory({Directory("l/x")})},
                       "l/x") == "755 0");
  const auto over = [&](const std::vector<TinyEntry>& links) {
    Inventory top = MakeTinyInventory({File("k/x")});
    AddImpliedDirectories(top);
    return AttributesText({base, WithAttributes(links, "d", 9, {}), top}, "k");
  };
  CHECK(over({Symlink("k", "d"), Directory("d")}) == "755 9 made up");
  CHECK(over({Symlink("l", "d"), HardLink("k", "l"), Directory("d")}) == "755 9 made up");
  CHECK(over({Symlink("k", "/"), Directory("d")}) == "755 0");
  // ".." takes away the name before it, whatever that is.
  CHECK(over({Symlink("k", "nowhere/../d"), Directory("d")}) == "755 9 made up");
  CHECK(over({Symlink("k", "/k/../d"), Directory("d")}) == "755 9 made up");
  // What is as if nothing was copied anybody can write.
  CHECK(over({Symlink("k", "e"), Directory("e")}) == "755 0");
}

TEST_CASE("A device that is a whiteout takes away what its own layer has had there",
          "[planner][overlay]") {
  const TinyEntry device{.type = EntryType::kWhiteoutDevice, .path = "a"};
  Chain chain({{File("a/x"), File("b")},
               {File("a/y"), HardLink("c", "a/y"), device},
               {File("b"), {.type = EntryType::kWhiteoutDevice, .path = "b"}, File("b", "2")}});
  chain.Push();
  CHECK(chain.Seen() == Texts{"b=2", "c=1"});
}

TEST_CASE("The overlay is what plain rules on strings say", "[planner][overlay]") {
  std::mt19937 random(20261121);
  int num_hidden = 0;
  for (int round = 0; round < NumRounds(1500); ++round) {
    std::vector<std::vector<TinyEntry>> layers;
    for (int l = 0; l < 5; ++l) layers.push_back(RandomTinyLayer(random));
    PathTree tree;
    std::deque<Inventory> inventories;
    std::deque<LayerPaths> paths;
    for (const auto& entries : layers) {
      inventories.push_back(MakeTinyInventory(entries));
      AddImpliedDirectories(inventories.back());
      paths.push_back(tree.Add(inventories.back()));
    }
    // A walk over a random trie of these layers.
    Overlay overlay(tree);
    std::vector<LayerIndex> chain;
    std::vector<std::vector<Hiding>> hidden;
    for (int step = 0; step < 12; ++step) {
      if (!chain.empty() && (chain.size() == 5 || random() % 3 == 0)) {
        overlay.Pop();
        chain.pop_back();
        hidden.pop_back();
      } else {
        auto next = static_cast<LayerIndex>(random() % 5);
        while (std::ranges::find(chain, next) != chain.end()) next = (next + 1) % 5;
        chain.push_back(next);
        hidden.emplace_back();
        overlay.Push({.layer = next, .inventory = &inventories[next], .paths = &paths[next]},
                     hidden.back());
      }
      INFO("round " << round << " step " << step);
      PlainOverlay plain;
      for (const LayerIndex l : chain) plain.Push(l, inventories[l]);
      std::map<std::string, EntryRef> seen;
      overlay.ForEachSeen([&](PathIndex path, EntryRef entry) {
        if (path != kRootPath) seen[tree.key(path)] = entry;
      });
      REQUIRE(seen == plain.Seen());
      std::set<EntryRef> dead;
      std::size_t count = 0;
      for (const auto& of_layer : hidden) {
        for (const Hiding& hiding : of_layer) {
          if (hiding.cause == HideCause::kNothingDeleted) continue;
          dead.insert(hiding.hidden);
          ++count;
        }
      }
      REQUIRE(dead.size() == count);  // nothing is hidden twice
      const std::set<EntryRef> alive = plain.Alive();
      for (const LayerIndex l : chain) {
        for (std::uint32_t e = 0; e < inventories[l].entries.size(); ++e) {
          const EntryType type = inventories[l].entries[e].type;
          if (IsMarkerEntry(type) || inventories[l].entries[e].implied) continue;
          REQUIRE(dead.contains({l, e}) != alive.contains({l, e}));
        }
      }
      num_hidden += static_cast<int>(count);
    }
  }
  REQUIRE(num_hidden > NumRounds(20'000));
}

}  // namespace
}  // namespace gneiss
