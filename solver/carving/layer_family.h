// A carving while it is searched for: a family of layers (sets of images), and for each atom which
// of them, disjoint, make up its signature. Two layers of equal users are one, so a family is a set
// of sets, and what a layer holds follows from what the atoms use.
//
// The moves, from which searches make all others:
//
//     Add(U)       opens a layer for the images U; atoms take it where that is cheaper, and replace
//                  layers that reach beyond U by layers of the family for the rest
//     Drop(V)      closes a layer; its atoms are pushed down to layers below it
//     Leave(V, W)  the images W leave a layer, and get its atoms from layers below
//     Vacate(i)    the atoms of a private layer move to shared ones
//
// Each image can always have a private layer, so that what is not covered has a place to go. The
// limit of layers per image is not enforced here but counted: see overfull().
//
// A layer reaches only images that its atoms have: U is in the signature of each atom in it,
// always.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "solver/carving/carving_model.h"

namespace gneiss {

using LayerId = std::uint32_t;
inline constexpr LayerId kNoLayer = 0xffffffffU;

// Costs are doubles here, for speed; a caller counts the cost of an answer in whole units.
class LayerFamily {
 public:
  // An atom in a layer, and the layer's index in the atom's cover.
  struct Holding {
    AtomIndex atom = 0;
    std::uint32_t index = 0;
  };
  struct Layer {
    IndexSet users;
    std::uint32_t num_users = 0;
    std::uint32_t first_user = 0;
    double rate = 0;                   // cost of a byte
    double overhead = 0;               // cost of being open
    std::int64_t bytes = 0;            // of its atoms
    std::uint32_t num_references = 0;  // by itself while open, and by covers that are saved
    std::vector<Holding> holdings;
    bool is_open() const { return !holdings.empty(); }
  };

  // Atoms covered by the offered layers, each of at least two images, and by private ones; offered
  // layers that no atom takes do not open. `offered`: distinct. `model` must outlive the family.
  explicit LayerFamily(const CarvingModel& model, std::span<const IndexSet> offered = {});

  const CarvingModel& model() const { return model_; }
  double cost() const { return cost_; }
  const Layer& layer(LayerId l) const { return layers_[l]; }
  // Private layers of images are 0 .. num_images - 1.
  bool is_private(LayerId l) const { return l < model_.num_images; }
  // Steps taken so far: what limits work without a clock.
  std::uint64_t work() const { return work_; }
  // Open layers of an image, in an order of their own.
  std::span<const LayerId> layers_of(std::uint32_t image) const { return layers_of_[image]; }
  // Disjoint layers that make up the signature of an atom.
  std::vector<LayerId> CoverOf(AtomIndex a) const;
  // What an atom's byte costs beyond what it would in a layer of its own.
  double ExcessRate(AtomIndex a) const { return cover_rate_[a] - model_.signature_rates[a]; }
  // Images with more layers than room.
  const IndexSet& overfull() const { return overfull_; }
  // kNoLayer when there is no such open layer.
  LayerId Find(const IndexSet& users) const;

  // Returns the layer, or kNoLayer when no atom took it. REQUIRES: at least two users.
  LayerId Add(const IndexSet& users);
  // REQUIRES: open and not private.
  void Drop(LayerId l);
  // Gives each atom of `l` the same layer without the users `leaving`, and those what lies below
  // them. REQUIRES: open, not private, `leaving` a proper subset of its users, not empty.
  void Leave(LayerId l, const IndexSet& leaving);
  // Moves the atoms of an image's private layer to other open layers of the image, so that it
  // closes as a rule. REQUIRES: VacateCost(image) is finite.
  void Vacate(std::uint32_t image);
  // Covers an atom anew if that is cheaper.
  void Improve(AtomIndex a);

  // What Drop(l) and Leave(l, leaving) would add to the cost at most, overheads apart.
  double DropCost(LayerId l);
  double LeaveCost(LayerId l, const IndexSet& leaving);
  // What Vacate(image) would; infinite when an atom has no other layer of the image, when there are
  // too many to look at, or when the private layer is not open.
  double VacateCost(std::uint32_t image);

  // Forgets what Undo() could undo.
  void Commit();
  // Back to the last Commit.
  void Undo();
  // Remembers the present covers, for RestoreBest(). Calls Commit() first.
  void MarkBest();
  void RestoreBest();

 private:
  // A layer of an atom's cover, and the atom's index in Layer::holdings.
  struct Place {
    LayerId layer = kNoLayer;
    std::uint32_t index = 0;
  };
  struct Saved {
    AtomIndex atom = 0;
    std::vector<LayerId> cover;
  };

  LayerId LayerFor(const IndexSet& users);
  void Reference(LayerId l) { ++layers_[l].num_references; }
  void Release(LayerId l);
  void Enter(AtomIndex a, LayerId l);
  void Exit(AtomIndex a, std::uint32_t index);
  void Count(LayerId l, bool opened);
  void SetCover(AtomIndex a, std::span<const LayerId> cover);
  void SetCoverUnsaved(AtomIndex a, std::span<const LayerId> cover);
  Saved Save(AtomIndex a);
  void ReleaseSaved(const Saved& saved);
  void Replace(LayerId l, std::span<const LayerId> parts);
  double CoverWithoutPrivate(AtomIndex a, std::uint32_t image, std::vector<LayerId>& cover);
  double CoverFrom(const IndexSet& target, LayerId banned, std::vector<LayerId>& parts);

  const CarvingModel& model_;
  std::vector<Layer> layers_;
  std::vector<LayerId> free_;
  std::unordered_map<IndexSet, LayerId, IndexSet::Hash> by_users_;
  std::vector<std::vector<LayerId>> layers_of_;  // open ones
  IndexSet overfull_;
  std::vector<std::vector<Place>> covers_;  // per atom
  std::vector<double> cover_rate_;
  double cost_ = 0;
  double committed_cost_ = 0;
  double best_cost_ = 0;
  std::vector<Saved> journal_;       // since the last Commit, oldest first
  std::vector<Saved> since_best_;    // covers in the best family of atoms that changed after it
  std::vector<std::uint8_t> saved_;  // per atom: it is in since_best_
  bool has_best_ = false;
  std::vector<LayerId> candidates_;   // of CoverFrom
  std::vector<std::uint64_t> marks_;  // per layer: the last marking of SetCoverUnsaved
  std::uint64_t marking_ = 0;
  std::uint64_t work_ = 0;
};

}  // namespace gneiss
