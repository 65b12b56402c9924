#include "planner/contents/inventory.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/contents/paths.h"
#include "tests/make/rounds.h"
#include "tests/make/tiny_fleet.h"

namespace gneiss {
namespace {

TEST_CASE("Names of one file have one key", "[planner][path_key]") {
  for (const char* name : {"etc/x", "/etc/x", "./etc/x", "etc//x", "etc/./x/", "//etc/a/../x"}) {
    CHECK(MakePathKey(name).key == "etc/x");
    CHECK_FALSE(MakePathKey(name).above_root);
  }
  for (const char* name : {"", ".", "./", "/", "a/.."}) CHECK(MakePathKey(name).key.empty());
  CHECK(MakePathKey("..x/...").key == "..x/...");
}

TEST_CASE("A key is known as one", "[planner][path_key]") {
  for (const char* key : {"", "a", "a/b", "..x/...", ".a", "a./b"}) CHECK(IsPathKey(key));
  for (const char* name : {"/", "/a", "a/", "a//b", ".", "..", "a/.", "./a", "a/../b"}) {
    CHECK_FALSE(IsPathKey(name));
  }
}

TEST_CASE("A name above the root stops at the root", "[planner][path_key]") {
  CHECK(MakePathKey("../x").key == "x");
  CHECK(MakePathKey("../x").above_root);
  CHECK(MakePathKey("a/../../../etc/passwd").key == "etc/passwd");
  CHECK(MakePathKey("a/../../../etc/passwd").above_root);
}

TEST_CASE("A subtree is a range in the order of paths", "[planner][path_key]") {
  const std::vector<std::string> sorted = {"",    "a",     "a/b", "a/b/c", "a/c",
                                           "a!x", "a-b/c", "a.b", "ab",    "\xff"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      CHECK((ComparePaths(sorted[i], sorted[j]) <=> 0) == (i <=> j));
    }
  }
  CHECK(ParentPath("a/b/c") == "a/b");
  CHECK(ParentPath("a").empty());
  CHECK(BaseName("a/b/c") == "c");
  CHECK(PathDepth("") == 0);
  CHECK(PathDepth("a/b") == 2);
}

Inventory TwoFiles() {
  Inventory inventory;
  inventory.blob_size = 100;
  inventory.overhead_bytes = 10;
  inventory.contents.resize(2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    Entry entry;
    entry.path = inventory.texts.Add(i == 0 ? "b" : "a");
    entry.blob_bytes = 45;
    entry.content = i;
    entry.position = i;
    inventory.entries.push_back(entry);
  }
  SortEntries(inventory);
  return inventory;
}

TEST_CASE("An inventory's entries are sorted and sum to its blob", "[planner][inventory]") {
  const Inventory good = TwoFiles();
  CHECK(FindInventoryFault(good).empty());
  CHECK(good.path(good.entries[0]) == "a");
  const auto fault = [](const auto& change) {
    Inventory inventory = TwoFiles();
    change(inventory);
    return FindInventoryFault(inventory);
  };
  CHECK(fault([](Inventory& i) { i.overhead_bytes = 11; }) == "entries larger than the blob");
  CHECK(fault([](Inventory& i) { i.blob_size = 101; }) == "bytes that belong to no entry");
  CHECK(fault([](Inventory& i) { std::swap(i.entries[0], i.entries[1]); }) == "not sorted");
  CHECK(fault([](Inventory& i) { i.entries[0].position = 0; }) == "positions are no permutation");
  CHECK(fault([](Inventory& i) { i.entries[0].content = 2; }) == "no such content");
  CHECK(fault([](Inventory& i) { i.entries[0].type = EntryType::kFifo; }) == "contents of no file");
  CHECK(fault([](Inventory& i) { i.entries[0].link = 9; }) == "a text that is not there");
  CHECK(fault([](Inventory& i) { i.entries[0].path = i.texts.Add("a/../b"); }) ==
        "a path is no key");
}

TEST_CASE("Packages of an inventory are sorted, and each has an entry", "[planner][inventory]") {
  const auto fault = [](const auto& change) {
    Inventory inventory = TwoFiles();
    inventory.packages = {{.system = PackageSystem::kDpkg, .name = "a", .version = "1"},
                          {.system = PackageSystem::kApk, .name = "a", .version = ""}};
    inventory.entries[0].package = 1;
    inventory.entries[1].package = 0;
    change(inventory);
    return FindInventoryFault(inventory);
  };
  CHECK(fault([](Inventory&) {}) == "");
  CHECK(fault([](Inventory& i) { std::swap(i.packages[0], i.packages[1]); }) ==
        "packages that are not sorted");
  CHECK(fault([](Inventory& i) { i.packages[1] = i.packages[0]; }) ==
        "packages that are not sorted");
  CHECK(fault([](Inventory& i) { i.packages[0].name = "a\x7f"; }) == "a package without a name");
  CHECK(fault([](Inventory& i) { i.packages[0].name.assign(256, 'a'); }) ==
        "a package without a name");
  CHECK(fault([](Inventory& i) { i.packages[0].version = "1 2"; }) ==
        "a package's version that is none");
  CHECK(fault([](Inventory& i) { i.packages[0].system = static_cast<PackageSystem>(5); }) ==
        "an unknown package system");
  CHECK(fault([](Inventory& i) { i.entries[0].package = 2; }) == "no such package");
  CHECK(fault([](Inventory& i) { i.entries[0].package = 0; }) == "a package without entries");
  CHECK(fault([](Inventory& i) {
          i.entries[0].type = EntryType::kDirectory;
          i.entries[0].content = kNone;
        }) == "a package of no file");
  CHECK(fault([](Inventory& i) { i.packages.resize(kMaxPackages + 1); }) == "too many packages");
  CHECK(fault([](Inventory& i) { i.os_release.codename = "\n"; }) == "an os-release that is none");
}

TEST_CASE("Extended attributes have one form", "[planner][inventory]") {
  CHECK(FormatXattrs({}).empty());
  const std::string both = FormatXattrs({{"user.b", "2"}, {"user.a", std::string("1\0", 2)}});
  CHECK(both == FormatXattrs({{"user.a", std::string("1\0", 2)}, {"user.b", "2"}}));
  CHECK(both == std::string("user.a\0002:1\0user.b\0001:2", 21));
}

TEST_CASE("Extended attributes are read as they were written", "[planner][inventory]") {
  std::mt19937 random(7);
  for (int round = 0; round < NumRounds(500); ++round) {
    const auto text = [&](const char* letters, std::size_t num_letters) {
      std::string made;
      for (std::size_t n = random() % 12; n > 0; --n) made += letters[random() % num_letters];
      return made;
    };
    std::vector<Xattr> xattrs(random() % 5);
    for (Xattr& xattr : xattrs) xattr = {text("a.:19\xff", 6), text("\0:0912a\n\xff", 9)};
    const std::string form = FormatXattrs(xattrs);
    std::ranges::sort(xattrs);
    std::vector<Xattr> read;
    for (const XattrView& xattr : ParseXattrs(form)) {
      read.push_back({std::string(xattr.name), std::string(xattr.value)});
    }
    CHECK(read == xattrs);

    // Of one that is cut or changed, a part within its bounds.
    std::string damaged = form.substr(0, random() % (form.size() + 1));
    if (!damaged.empty()) damaged[random() % damaged.size()] = "\0:9x"[random() % 4];
    std::size_t num_bytes = 0;
    for (const XattrView& xattr : ParseXattrs(damaged)) {
      num_bytes += xattr.name.size() + 3 + xattr.value.size();
    }
    CHECK(num_bytes <= damaged.size());
  }
}

TEST_CASE("Of extended attributes what has not their form is left out", "[planner][inventory]") {
  const auto parse = [](const std::string& text) {
    std::string names;
    for (const XattrView& xattr : ParseXattrs(text)) names += std::string(xattr.name) + ";";
    return names;
  };
  const std::string good("a\0001:x", 5);
  CHECK(parse(good + good) == "a;a;");
  for (const std::string& bad :
       {std::string("b"), std::string("b\0", 2), std::string("b\0001", 3), std::string("b\0:x", 4),
        std::string("b\0002:x", 5), std::string("b\000-1:x", 6), std::string("b\0001 :x", 6),
        std::string("b\00099999999999999999999:x", 24)}) {
    CHECK(parse(good + bad) == "a;");
  }
}

TEST_CASE("What is found of a layer may contradict the fleet", "[planner][inventory]") {
  Fleet fleet = MakeTinyFleet({{.ref = "a:1", .layers = {"l:100"}}});
  Layer& layer = fleet.layers[0];
  CHECK(FindContradiction(fleet, layer, 100, Sha256("any")).empty());
  CHECK(FindContradiction(fleet, layer, 99, std::nullopt) ==
        "expected a blob of 100 bytes, found 99");
  layer.diff_id = static_cast<std::uint32_t>(fleet.diff_ids.size());
  fleet.diff_ids.push_back(Sha256("tar"));
  CHECK(FindContradiction(fleet, layer, 100, Sha256("tar")).empty());
  CHECK(FindContradiction(fleet, layer, 100, std::nullopt).empty());
  CHECK(FindContradiction(fleet, layer, 100, Sha256("other")) ==
        "expected a tar with diff_id " + FormatDigest(Sha256("tar")) + ", found " +
            FormatDigest(Sha256("other")));
}

}  // namespace
}  // namespace gneiss
