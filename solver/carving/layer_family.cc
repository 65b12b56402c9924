#include "solver/carving/layer_family.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

namespace gneiss {
namespace {

// Of the covers that start with each of the largest layers, the cheapest is taken.
constexpr std::size_t kNumCoverStarts = 3;

// Atoms of a layer up to which each is covered anew as a whole when the layer is dropped.
constexpr std::size_t kMaxImproved = 64;

// Atoms of a private layer up to which vacating it is thought of.
constexpr std::size_t kMaxVacated = 16;

// Relative difference of rates that is none: they are sums of doubles in different orders.
constexpr double kRateTolerance = 1e-12;

bool IsLess(double a, double b) { return a < b * (1 - kRateTolerance); }

}  // namespace

LayerFamily::LayerFamily(const CarvingModel& model, std::span<const IndexSet> offered)
    : model_(model),
      layers_of_(model.num_images),
      overfull_(model.num_images),
      covers_(model.num_atoms()),
      cover_rate_(model.num_atoms(), 0),
      saved_(model.num_atoms(), 0) {
  for (std::uint32_t i = 0; i < model.num_images; ++i) {
    IndexSet users(model.num_images);
    users.Insert(i);
    Reference(LayerFor(users));
  }
  // Covers are chosen as if all offered layers were open.
  std::vector<LayerId> own;
  for (const IndexSet& users : offered) {
    own.push_back(LayerFor(users));
    Reference(own.back());
    users.ForEach([&](std::uint32_t i) { layers_of_[i].push_back(own.back()); });
  }
  std::vector<std::vector<LayerId>> covers(model.num_atoms());
  for (AtomIndex a = 0; a < model.num_atoms(); ++a) {
    CoverFrom(model.signatures[a], kNoLayer, covers[a]);
  }
  for (std::vector<LayerId>& layers : layers_of_) layers.clear();
  for (AtomIndex a = 0; a < model.num_atoms(); ++a) SetCoverUnsaved(a, covers[a]);
  for (const LayerId l : own) Release(l);
  committed_cost_ = cost_;
}

std::vector<LayerId> LayerFamily::CoverOf(AtomIndex a) const {
  std::vector<LayerId> cover;
  cover.reserve(covers_[a].size());
  for (const Place& place : covers_[a]) cover.push_back(place.layer);
  return cover;
}

LayerId LayerFamily::Find(const IndexSet& users) const {
  const auto found = by_users_.find(users);
  return found != by_users_.end() && layers_[found->second].is_open() ? found->second : kNoLayer;
}

LayerId LayerFamily::LayerFor(const IndexSet& users) {
  const auto [found, is_new] = by_users_.try_emplace(users, kNoLayer);
  if (!is_new) return found->second;
  LayerId l = static_cast<LayerId>(layers_.size());
  if (free_.empty()) {
    layers_.emplace_back();
  } else {
    l = free_.back();
    free_.pop_back();
  }
  found->second = l;
  Layer& layer = layers_[l];
  layer.users = users;
  layer.num_users = users.size();
  layer.first_user = users.first();
  layer.rate = model_.RateOf(users);
  layer.overhead = static_cast<double>(model_.rate_model().layer_overhead) *
                   static_cast<double>(model_.PullsOf(users));
  layer.bytes = 0;
  return l;
}

void LayerFamily::Release(LayerId l) {
  Layer& layer = layers_[l];
  --layer.num_references;
  if (layer.num_references > 0 || layer.is_open()) return;
  by_users_.erase(layer.users);
  free_.push_back(l);
}

// Layers of users are counted when a layer opens or closes.
void LayerFamily::Count(LayerId l, bool opened) {
  const Layer& layer = layers_[l];
  cost_ += opened ? layer.overhead : -layer.overhead;
  layer.users.ForEach([&](std::uint32_t i) {
    std::vector<LayerId>& of = layers_of_[i];
    if (opened) {
      of.push_back(l);
    } else {
      *std::ranges::find(of, l) = of.back();
      of.pop_back();
    }
    if (of.size() > model_.room[i]) {
      overfull_.Insert(i);
    } else {
      overfull_.Erase(i);
    }
  });
}

void LayerFamily::Enter(AtomIndex a, LayerId l) {
  Layer& layer = layers_[l];
  if (!layer.is_open()) {
    Reference(l);
    Count(l, true);
  }
  const auto index = static_cast<std::uint32_t>(covers_[a].size());
  covers_[a].push_back({l, static_cast<std::uint32_t>(layer.holdings.size())});
  layer.holdings.push_back({a, index});
  layer.bytes += model_.bytes[a];
  cost_ += static_cast<double>(model_.bytes[a]) * layer.rate;
}

void LayerFamily::Exit(AtomIndex a, std::uint32_t index) {
  const Place place = covers_[a][index];
  if (index + 1 < covers_[a].size()) {
    covers_[a][index] = covers_[a].back();
    layers_[covers_[a][index].layer].holdings[covers_[a][index].index].index = index;
  }
  covers_[a].pop_back();
  Layer& layer = layers_[place.layer];
  if (place.index + 1 < layer.holdings.size()) {
    const Holding moved = layer.holdings.back();
    layer.holdings[place.index] = moved;
    covers_[moved.atom][moved.index].index = place.index;
  }
  layer.holdings.pop_back();
  layer.bytes -= model_.bytes[a];
  cost_ -= static_cast<double>(model_.bytes[a]) * layer.rate;
  if (layer.is_open()) return;
  Count(place.layer, false);
  Release(place.layer);
}

LayerFamily::Saved LayerFamily::Save(AtomIndex a) {
  Saved saved{.atom = a, .cover = CoverOf(a)};
  for (const LayerId l : saved.cover) Reference(l);
  return saved;
}

void LayerFamily::ReleaseSaved(const Saved& saved) {
  for (const LayerId l : saved.cover) Release(l);
}

void LayerFamily::SetCoverUnsaved(AtomIndex a, std::span<const LayerId> cover) {
  // Layers of both covers neither close nor open.
  if (marks_.size() < layers_.size()) marks_.resize(layers_.size(), 0);
  work_ += 4 * (cover.size() + covers_[a].size());
  const std::uint64_t stays = marking_ += 2;
  const std::uint64_t was_there = stays + 1;
  for (const LayerId l : cover) marks_[l] = stays;
  for (auto p = static_cast<std::uint32_t>(covers_[a].size()); p-- > 0;) {
    const LayerId l = covers_[a][p].layer;
    if (marks_[l] == stays) {
      marks_[l] = was_there;
    } else {
      Exit(a, p);
    }
  }
  for (const LayerId l : cover) {
    if (marks_[l] == stays) Enter(a, l);
  }
  cover_rate_[a] = 0;
  for (const Place& place : covers_[a]) cover_rate_[a] += layers_[place.layer].rate;
}

void LayerFamily::SetCover(AtomIndex a, std::span<const LayerId> cover) {
  // The saved cover keeps its layers; those of the new one must outlive the old one's exit.
  for (const LayerId l : cover) Reference(l);
  journal_.push_back(Save(a));
  if (has_best_ && saved_[a] == 0) {
    saved_[a] = 1;
    since_best_.push_back(Save(a));
  }
  SetCoverUnsaved(a, cover);
  for (const LayerId l : cover) Release(l);
}

double LayerFamily::CoverFrom(const IndexSet& target, LayerId banned, std::vector<LayerId>& parts) {
  candidates_.clear();
  // Each layer is found at its first user.
  target.ForEach([&](std::uint32_t i) {
    work_ += layers_of_[i].size();
    for (const LayerId l : layers_of_[i]) {
      const Layer& layer = layers_[l];
      if (layer.first_user == i && l != banned && layer.num_users > 1 &&
          layer.users.IsSubsetOf(target)) {
        candidates_.push_back(l);
      }
    }
  });
  std::ranges::sort(candidates_, {}, [&](LayerId l) {
    return std::tuple(-static_cast<std::int64_t>(layers_[l].num_users), l);
  });
  const std::size_t num_starts =
      std::max<std::size_t>(1, std::min(kNumCoverStarts, candidates_.size()));
  double best = std::numeric_limits<double>::infinity();
  std::vector<LayerId> cover;
  for (std::size_t start = 0; start < num_starts; ++start) {
    cover.clear();
    double rate = 0;
    IndexSet rest = target;
    const auto take = [&](LayerId l) {
      cover.push_back(l);
      rate += layers_[l].rate;
      rest -= layers_[l].users;
    };
    if (!candidates_.empty()) take(candidates_[start]);
    for (const LayerId l : candidates_) {
      if (layers_[l].users.IsSubsetOf(rest)) take(l);
    }
    rest.ForEach([&](std::uint32_t i) {
      cover.push_back(i);
      rate += layers_[i].rate;
    });
    if (IsLess(rate, best)) {
      best = rate;
      parts.swap(cover);
    }
  }
  return best;
}

void LayerFamily::Replace(LayerId l, std::span<const LayerId> parts) {
  Reference(l);
  const std::vector<Holding> holdings = layers_[l].holdings;
  for (const auto& [a, index] : holdings) {
    std::vector<LayerId> cover(parts.begin(), parts.end());
    for (const Place& place : covers_[a]) {
      if (place.layer != l) cover.push_back(place.layer);
    }
    SetCover(a, cover);
  }
  Release(l);
  if (holdings.size() > kMaxImproved) return;
  for (const auto& [a, index] : holdings) Improve(a);
}

LayerId LayerFamily::Add(const IndexSet& users) {
  const LayerId u = LayerFor(users);
  Reference(u);
  // What replaces each layer that reaches beyond the new one.
  struct Rest {
    double saving = 0;
    std::vector<LayerId> parts;
  };
  std::map<LayerId, Rest> rests;
  std::vector<LayerId> cover;
  const double rate = layers_[u].rate;
  for (const AtomIndex a : model_.AtomsAbove(users)) {
    if (layers_[covers_[a].front().layer].num_users >= layers_[u].num_users &&
        covers_[a].size() == 1) {
      continue;
    }
    double saving = 0;
    cover.assign(1, u);
    for (const Place& place : covers_[a]) {
      const Layer& old = layers_[place.layer];
      if (!old.users.Intersects(users)) {
        cover.push_back(place.layer);
      } else if (old.users.IsSubsetOf(users)) {
        saving += old.rate;
      } else {
        const auto [found, is_new] = rests.try_emplace(place.layer);
        Rest& rest = found->second;
        if (is_new) {
          Reference(place.layer);
          rest.saving = old.rate - CoverFrom(old.users - users, kNoLayer, rest.parts);
          for (const LayerId l : rest.parts) Reference(l);
        }
        saving += rest.saving;
        cover.insert(cover.end(), rest.parts.begin(), rest.parts.end());
      }
    }
    if (IsLess(rate, saving)) SetCover(a, cover);
  }
  for (const auto& [l, rest] : rests) {
    Release(l);
    for (const LayerId part : rest.parts) Release(part);
  }
  const bool is_open = layers_[u].is_open();
  Release(u);
  return is_open ? u : kNoLayer;
}

void LayerFamily::Drop(LayerId l) {
  std::vector<LayerId> parts;
  CoverFrom(layers_[l].users, l, parts);
  Replace(l, parts);
}

void LayerFamily::Leave(LayerId l, const IndexSet& leaving) {
  std::vector<LayerId> parts;
  CoverFrom(leaving, kNoLayer, parts);
  const LayerId rest = LayerFor(layers_[l].users - leaving);
  Reference(rest);
  parts.push_back(rest);
  Replace(l, parts);
  Release(rest);
}

void LayerFamily::Improve(AtomIndex a) {
  if (covers_[a].size() == 1) return;
  std::vector<LayerId> cover;
  if (IsLess(CoverFrom(model_.signatures[a], kNoLayer, cover), cover_rate_[a])) SetCover(a, cover);
}

double LayerFamily::DropCost(LayerId l) {
  std::vector<LayerId> parts;
  const double rate = CoverFrom(layers_[l].users, l, parts);
  return static_cast<double>(layers_[l].bytes) * (rate - layers_[l].rate);
}

double LayerFamily::LeaveCost(LayerId l, const IndexSet& leaving) {
  std::vector<LayerId> parts;
  const double rate = CoverFrom(leaving, kNoLayer, parts);
  const Layer& layer = layers_[l];
  const double rest = model_.RateOf(layer.users - leaving);
  return static_cast<double>(layer.bytes) * (rest + rate - layer.rate);
}

// The cheapest cover of an atom that brings it to the image by a shared layer that is open.
double LayerFamily::CoverWithoutPrivate(AtomIndex a, std::uint32_t image,
                                        std::vector<LayerId>& cover) {
  double best = std::numeric_limits<double>::infinity();
  const IndexSet& signature = model_.signatures[a];
  std::vector<LayerId> parts;
  for (const LayerId l : layers_of_[image]) {
    const Layer& layer = layers_[l];
    if (is_private(l) || !layer.users.IsSubsetOf(signature)) continue;
    const double rate = layer.rate + CoverFrom(signature - layer.users, kNoLayer, parts);
    if (!IsLess(rate, best)) continue;
    best = rate;
    cover = parts;
    cover.push_back(l);
  }
  return best;
}

double LayerFamily::VacateCost(std::uint32_t image) {
  const std::vector<Holding>& holdings = layers_[image].holdings;
  if (holdings.empty() || holdings.size() > kMaxVacated) {
    return std::numeric_limits<double>::infinity();
  }
  double cost = 0;
  std::vector<LayerId> cover;
  for (const auto& [a, index] : holdings) {
    cost += static_cast<double>(model_.bytes[a]) *
            (CoverWithoutPrivate(a, image, cover) - cover_rate_[a]);
  }
  return cost;
}

void LayerFamily::Vacate(std::uint32_t image) {
  const std::vector<Holding> holdings = layers_[image].holdings;
  std::vector<LayerId> cover;
  for (const auto& [a, index] : holdings) {
    // An atom before it may have closed the only layer that would do; then this one stays.
    const double rate = CoverWithoutPrivate(a, image, cover);
    if (rate < std::numeric_limits<double>::infinity()) SetCover(a, cover);
  }
}

void LayerFamily::Commit() {
  for (const Saved& saved : journal_) ReleaseSaved(saved);
  journal_.clear();
  committed_cost_ = cost_;
}

void LayerFamily::Undo() {
  while (!journal_.empty()) {
    const Saved saved = std::move(journal_.back());
    journal_.pop_back();
    SetCoverUnsaved(saved.atom, saved.cover);
    ReleaseSaved(saved);
  }
  cost_ = committed_cost_;
}

void LayerFamily::MarkBest() {
  Commit();
  for (const Saved& saved : since_best_) {
    saved_[saved.atom] = 0;
    ReleaseSaved(saved);
  }
  since_best_.clear();
  has_best_ = true;
  best_cost_ = cost_;
}

void LayerFamily::RestoreBest() {
  Commit();
  for (const Saved& saved : since_best_) {
    saved_[saved.atom] = 0;
    SetCoverUnsaved(saved.atom, saved.cover);
    ReleaseSaved(saved);
  }
  since_best_.clear();
  cost_ = best_cost_;
  committed_cost_ = cost_;
}

}  // namespace gneiss
