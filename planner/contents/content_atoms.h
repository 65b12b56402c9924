// What the images of a fleet show, as atoms (design.md 1): the contents that exactly the same
// images hold, whichever layers they come from today. What common bases and carving choose layers
// from, and the floor under every lossless layout.
//
//   - The merged file system of an image is an Overlay of its chain: nothing that is hidden counts.
//   - A *unit* is what must stay together: one file with all the names that the image has for it
//     (hard links), one symlink, one device. Units are equal when names, type, mode, owner, size,
//     time, target, device numbers, extended attributes and the sha256 of the contents are; the
//     attributes of a file with many names are those of the entry that holds its contents. A hard
//     link to nothing is a unit by itself.
//   - A unit weighs what its lightest copy does, counting those that the same is written over:
//     bytes that the entry with its headers has in a new layer (LayerContents::NewBytes), and the
//     hard links that further names need. So no layout of these copies stores it for less. Copies
//     in layers of the new layers' codec come first: what others would weigh is a guess.
//   - Units that the same images hold are one atom.
//
// Directories apart. A layer must list every directory above what it holds, with true attributes,
// or some runtimes would reset those; so directories are repeated in layers and belong to none. A
// directory with its attributes is a unit here as well, in a table of its own, which tells who must
// see it; what the layers' repetitions weigh, AncestorBytes counts. They are small: a few dozen
// compressed bytes each, and atoms are chosen without them. Those that a layer only implies weigh
// nothing, and have the attributes that runtimes give what is nowhere (Entry::implied).
//
// Leaves out: which layers to make of the atoms, and contents that lie at two paths (a layer can
// share those only as hard links, which the image does not have).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/fleet/fleet.h"
#include "solver/carving/atoms.h"
#include "solver/rates/rates.h"

namespace gneiss {

using UnitIndex = std::uint32_t;

struct Unit {
  EntryRef contents;             // the lightest copy: the entry that holds its contents
  Bytes bytes = 0;               // what that weighs, with its further names
  std::uint64_t first_name = 0;  // into UnitTable::names
  std::uint32_t num_names = 0;
};

// Units by atom, within an atom by the PathIndex of their first name. Images of `atoms` are those
// of the fleet, atoms sorted by signature. An atom weighs the sum of its units, or 1 if that is 0.
struct UnitTable {
  AtomTable atoms;
  std::vector<UnitIndex> first_unit;  // per atom, and one past the end
  std::vector<Unit> units;
  // Entries of the lightest copy at the paths that its images show, sorted by PathIndex: `contents`
  // and hard links to it, or those alone where the path of `contents` is hidden.
  std::vector<EntryRef> names;

  std::span<const Unit> units_of(AtomIndex atom) const {
    return std::span(units).subspan(first_unit[atom], first_unit[atom + 1] - first_unit[atom]);
  }
  std::span<const EntryRef> names_of(const Unit& unit) const {
    return std::span(names).subspan(unit.first_name, unit.num_names);
  }
};

struct ContentAtoms {
  UnitTable files;        // all but directories
  UnitTable directories;  // the root only where a layer lists it
  // Per image, 1: its units are here. 0: the contents of some layer are not known, or it cannot be
  // part of another (FindStandaloneLayers), or the image is left out; it is in no signature.
  std::vector<std::uint8_t> known;
  std::int64_t num_known = 0;
};

struct ContentAtomOptions {
  bool ignore_mtime = false;               // entries that differ in their time only are equal
  std::span<const std::uint8_t> left_out;  // per image, 1: counts as not known; may be empty
};

// REQUIRES: `contents` has the fleet's layers. Throws std::length_error past 2^32 - 2 units.
// Time O(entries over the nodes of the trie of all chains + at each node, the names of the files
// that get or lose one there + sizes of the signatures). Space, beside the contents: 44 bytes a
// path, 4 an entry, about 60 a distinct unit and 24 for each node at which a unit comes or goes;
// signatures take 4 bytes an image and atom.
[[nodiscard]] ContentAtoms FindContentAtoms(const Fleet& fleet, const LayerContents& contents,
                                            const ContentAtomOptions& options = {});

// Compressed bytes of the directories that a layer of these file units must list: those above any
// name, each once, as the lightest of the directory's entries anywhere. Time O(paths + names times
// their depth).
[[nodiscard]] Bytes AncestorBytes(const ContentAtoms& atoms, const LayerContents& contents,
                                  std::span<const UnitIndex> units);

// What every layout costs at least that gives each image its atoms: every atom in one blob held by
// its signature, layer overhead apart. Safe against rounding: sum of bytes times rate, which with
// storage alone is the sum of the bytes.
[[nodiscard]] std::int64_t FileLevelBound(const AtomTable& atoms, SetRates& rates);

}  // namespace gneiss
