#include "planner/contents/content_atoms.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "planner/cost/cost_model.h"
#include "tests/make/content_fleet.h"
#include "tests/make/plain_overlay.h"
#include "tests/make/rounds.h"

namespace gneiss {
namespace {

using namespace tiny;

// What a unit is, as text.
std::string DescribeEntry(const LayerContents& contents, EntryRef ref, bool ignore_mtime) {
  const Inventory& inventory = *contents.inventories[ref.layer];
  const Entry& entry = inventory.entries[ref.entry];
  std::string text = std::string(EntryTypeName(entry.type)) + " " + std::to_string(entry.mode) +
                     " " + std::string(inventory.link(entry));
  if (!ignore_mtime) text += " " + std::to_string(entry.mtime);
  if (entry.content != kNone) text += " " + FormatDigest(inventory.contents[entry.content]);
  return text;
}

std::string KeyOf(const LayerContents& contents, EntryRef ref) {
  const Inventory& inventory = *contents.inventories[ref.layer];
  return std::string(inventory.path(inventory.entries[ref.entry]));
}

struct PlainUnit {
  std::set<std::uint32_t> images;
  Bytes bytes = 0;
  bool is_guess = false;  // of another codec
};
using PlainUnits = std::map<std::string, PlainUnit>;  // by description

// Units by merging every image for itself.
PlainUnits MergePlainly(const ContentFleet& made, bool directories, bool ignore_mtime) {
  PlainUnits units;
  const auto entry_of = [&](EntryRef ref) -> const Entry& {
    return made.contents.inventories[ref.layer]->entries[ref.entry];
  };
  for (ImageIndex i = 0; i < made.fleet.images.size(); ++i) {
    const auto chain = made.fleet.chain(made.fleet.images[i]);
    if (!std::ranges::all_of(
            chain, [&](LayerIndex l) { return made.contents.inventories[l].has_value(); })) {
      continue;
    }
    PlainOverlay overlay;  // its layers are positions of the chain
    const auto ref_of = [&](EntryRef at) { return EntryRef{chain[at.layer], at.entry}; };
    for (std::uint32_t p = 0; p < chain.size(); ++p) {
      overlay.Push(p, *made.contents.inventories[chain[p]]);
      std::map<EntryRef, std::vector<std::pair<std::string, EntryRef>>> names;  // by contents
      for (const auto& [path, seen] : overlay.Seen()) {
        if (seen.layer == kNone) continue;
        const EntryRef entry = overlay.AttributesAt(path);
        const EntryRef owner = entry == seen ? overlay.OwnerAt(path) : entry;
        names[owner == EntryRef{} ? entry : owner].emplace_back(path, entry);
      }
      for (const auto& [owner, of_owner] : names) {
        if ((entry_of(ref_of(owner)).type == EntryType::kDirectory) != directories) continue;
        std::string text = DescribeEntry(made.contents, ref_of(owner), ignore_mtime);
        Bytes bytes = made.contents.NewBytesOf(ref_of(owner));
        Bytes heaviest = 0;
        bool has_own = false;
        for (const auto& [path, entry] : of_owner) {
          text += " '" + path + "'";
          // A layer that is in the chain twice has its entries once.
          if (ref_of(entry) == ref_of(owner)) {
            has_own = true;
            continue;
          }
          const Bytes link = made.contents.NewBytesOf(ref_of(entry));
          bytes += link;
          heaviest = std::max(heaviest, link);
        }
        if (!has_own) bytes -= heaviest;
        const bool is_guess = !made.contents.IsOfNewCodec(ref_of(owner).layer);
        PlainUnit& unit =
            units.try_emplace(text, PlainUnit{.bytes = bytes, .is_guess = is_guess}).first->second;
        std::tie(unit.is_guess, unit.bytes) =
            std::min(std::tuple(unit.is_guess, unit.bytes), std::tuple(is_guess, bytes));
        if (p + 1 == chain.size()) REQUIRE(unit.images.insert(i).second);
      }
    }
  }
  std::erase_if(units, [](const auto& unit) { return unit.second.images.empty(); });
  return units;
}

PlainUnits ReadUnits(const ContentFleet& made, const UnitTable& table, bool ignore_mtime) {
  PlainUnits units;
  const AtomTable& atoms = table.atoms;
  REQUIRE(atoms.num_images == made.fleet.images.size());
  REQUIRE(table.first_unit.size() == atoms.size() + 1);
  REQUIRE(table.first_unit.back() == table.units.size());
  std::set<std::vector<std::uint32_t>> signatures;
  std::vector<std::uint32_t> last;
  for (AtomIndex a = 0; a < atoms.size(); ++a) {
    const std::vector<std::uint32_t> signature(atoms.signature(a).begin(),
                                               atoms.signature(a).end());
    REQUIRE_FALSE(signature.empty());
    REQUIRE(last < signature);
    last = signature;
    Bytes sum = 0;
    for (const Unit& unit : table.units_of(a)) {
      std::string text = DescribeEntry(made.contents, unit.contents, ignore_mtime);
      std::vector<std::string> paths;
      for (const EntryRef name : table.names_of(unit)) {
        paths.push_back(KeyOf(made.contents, name));
      }
      std::ranges::sort(paths);
      for (const std::string& path : paths) text += " '" + path + "'";
      REQUIRE(units
                  .emplace(text, PlainUnit{.images = {signature.begin(), signature.end()},
                                           .bytes = unit.bytes})
                  .second);
      sum += unit.bytes;
    }
    REQUIRE(atoms.bytes[a] == std::max<Bytes>(1, sum));
  }
  return units;
}

void RequireEqualUnits(const PlainUnits& found, const PlainUnits& plain) {
  for (const auto& [text, unit] : plain) {
    INFO(text);
    const auto at = found.find(text);
    REQUIRE(at != found.end());
    REQUIRE(at->second.images == unit.images);
    REQUIRE(at->second.bytes == unit.bytes);
  }
  REQUIRE(found.size() == plain.size());
}

TEST_CASE("Atoms are what a merge of every image for itself finds", "[planner][content_atoms]") {
  std::mt19937 random(20261121);
  std::size_t num_shared = 0;
  std::size_t num_with_names = 0;
  for (int round = 0; round < NumRounds(1500); ++round) {
    const ContentFleet made = RandomContentFleet(random);
    for (const bool ignore_mtime : {false, true}) {
      INFO("round " << round);
      const ContentAtoms atoms =
          FindContentAtoms(made.fleet, made.contents, {.ignore_mtime = ignore_mtime});
      const PlainUnits files = ReadUnits(made, atoms.files, ignore_mtime);
      RequireEqualUnits(files, MergePlainly(made, false, ignore_mtime));
      RequireEqualUnits(ReadUnits(made, atoms.directories, ignore_mtime),
                        MergePlainly(made, true, ignore_mtime));
      for (const auto& [text, unit] : files) num_shared += unit.images.size() > 1 ? 1 : 0;
      for (const Unit& unit : atoms.files.units) num_with_names += unit.num_names > 1 ? 1 : 0;
    }
  }
  REQUIRE(num_shared > NumRounds(3000));
  REQUIRE(num_with_names > NumRounds(500));
}

TEST_CASE("Equal files of different layers are one unit, as light as the lightest",
          "[planner][content_atoms]") {
  TinyEntry heavy = File("etc/passwd", "root");
  heavy.blob_bytes = 90;
  TinyEntry light = heavy;
  light.blob_bytes = 70;
  TinyEntry later = heavy;
  later.mtime = 5;
  const ContentFleet made =
      MakeContentFleet({{heavy, File("own", "a")}, {light}, {later}}, {{0}, {1}, {2}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  REQUIRE(atoms.files.atoms.size() == 3);
  REQUIRE(atoms.files.atoms.bytes == std::vector<std::int64_t>{1, 70, 90});
  REQUIRE(std::ranges::equal(atoms.files.atoms.signature(1), std::vector<std::uint32_t>{0, 1}));
  // After the directory that the layer implies.
  REQUIRE(atoms.files.units_of(1).front().contents == EntryRef{1, 1});
  const ContentAtoms timeless = FindContentAtoms(made.fleet, made.contents, {.ignore_mtime = true});
  REQUIRE(timeless.files.atoms.bytes == std::vector<std::int64_t>{1, 70});
  REQUIRE(timeless.files.atoms.signature(1).size() == 3);
}

TEST_CASE("A file with other names is another unit", "[planner][content_atoms]") {
  const ContentFleet made = MakeContentFleet(
      {{File("a", "x"), HardLink("b", "a")}, {Whiteout("a")}, {HardLink("c", "b")}},
      {{0}, {0, 1}, {0, 1, 2}, {0, 2}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  // {a b}, {b}, {b c} and {a b c}, each in one image.
  REQUIRE(atoms.files.atoms.size() == 4);
  REQUIRE(atoms.files.atoms.bytes == std::vector<std::int64_t>{2, 1, 2, 3});
  for (const Unit& unit : atoms.files.units) REQUIRE(unit.contents.layer == 0);
}

TEST_CASE("An image with a layer that is not known has no atoms", "[planner][content_atoms]") {
  const ContentFleet made =
      MakeContentFleet({{File("a", "x")}, {File("b", "y")}}, {{0}, {0, 1}}, {1});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  REQUIRE(atoms.num_known == 1);
  REQUIRE(atoms.known == std::vector<std::uint8_t>{1, 0});
  REQUIRE(atoms.files.atoms.size() == 1);
  REQUIRE(atoms.files.atoms.signature(0).size() == 1);
}

TEST_CASE("A layer lists the directories above its files once", "[planner][content_atoms]") {
  TinyEntry usr = Directory("usr");
  usr.blob_bytes = 30;
  TinyEntry usr_later = usr;
  usr_later.blob_bytes = 20;
  usr_later.mtime = 1;
  TinyEntry lib = Directory("usr/lib");
  lib.blob_bytes = 5;
  const ContentFleet made =
      MakeContentFleet({{usr, lib, File("usr/lib/a", "1"), File("usr/lib/b", "2"), File("c", "3")},
                        {usr_later, File("usr/x/d", "4")}},
                       {{0}, {1}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  const auto bytes = [&](std::vector<std::string> paths) {
    std::vector<UnitIndex> units;
    for (UnitIndex u = 0; u < atoms.files.units.size(); ++u) {
      const std::string key = KeyOf(made.contents, atoms.files.units[u].contents);
      if (std::ranges::find(paths, key) != paths.end()) units.push_back(u);
    }
    REQUIRE(units.size() == paths.size());
    return AncestorBytes(atoms, made.contents, units);
  };
  REQUIRE(bytes({"c"}) == 0);
  REQUIRE(bytes({"usr/lib/a"}) == 25);
  REQUIRE(bytes({"usr/lib/a", "usr/lib/b", "c"}) == 25);
  REQUIRE(bytes({"usr/x/d"}) == 20);
}

TEST_CASE("The bound of every file stored once follows the cost model",
          "[planner][content_atoms]") {
  TinyEntry shared = File("s", "shared");
  shared.blob_bytes = 1000;
  TinyEntry own = File("o", "own");
  own.blob_bytes = 10;
  const ContentFleet made = MakeContentFleet({{shared}, {own}}, {{0}, {0, 1}, {1}});
  const ContentAtoms atoms = FindContentAtoms(made.fleet, made.contents);
  const ImageGroups cells = ScopeCells(made.fleet, Scope::kGlobal);
  const auto bound = [&](const CostOptions& options) {
    const FleetRates fleet_rates(made.fleet, CostModel(made.fleet, options), cells);
    SetRates rates(fleet_rates.model());
    return FileLevelBound(atoms.files.atoms, rates);
  };
  REQUIRE(bound({.storage_weight = 3, .transfer_weight = 0}) == 3030);
  REQUIRE(bound({.storage_weight = 0, .transfer_weight = 1, .images_per_node = 0}) == 2020);
  // Of each, ceil(bytes * rate) at most, and no unit below their sum.
  const Bytes half = bound({.storage_weight = 0.1, .transfer_weight = 0});
  REQUIRE(half >= 100);
  REQUIRE(half <= 101);
}

}  // namespace
}  // namespace gneiss
