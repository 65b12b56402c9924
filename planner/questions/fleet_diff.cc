#include "planner/questions/fleet_diff.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <span>
#include <stdexcept>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <boost/range/iterator_range.hpp>
#include <fmt/format.h>

#include "planner/fleet/sharing_graph.h"

namespace gneiss {
namespace {

// Blobs of both sides are one when these are equal.
struct BlobKey {
  std::uint32_t cell = 0;  // into the names of both sides
  BlobKind kind = BlobKind::kLayer;
  Digest digest;

  friend auto operator<=>(const BlobKey&, const BlobKey&) = default;
};

struct KeyedBlob {
  BlobKey key;
  std::uint32_t blob = 0;  // into SharingGraph::blobs
};

// What one fleet stores, in an order that both sides have in common.
struct StoredSide {
  const Fleet* fleet = nullptr;
  ImageGroups cells;
  SharingGraph sharing;
  std::vector<KeyedBlob> blobs;        // sorted by key
  std::vector<std::uint32_t> cell_id;  // by cell

  // By image and cell id: its changes, into FleetDiff::images.
  std::map<std::pair<ImageIndex, std::uint32_t>, std::vector<std::uint32_t>> changes;

  Bytes size_of(std::uint32_t blob) const { return sharing.blobs[blob].size; }
  std::vector<ImageIndex> HoldersOf(std::uint32_t blob) const {
    std::vector<ImageIndex> holders;
    const auto vertex = sharing.vertex_of_blob(blob);
    for (const auto edge : boost::make_iterator_range(boost::in_edges(vertex, sharing.graph))) {
      holders.push_back(boost::source(edge, sharing.graph));
    }
    std::ranges::sort(holders);
    return holders;
  }
};

Digest DigestOf(const Fleet& fleet, const StoredBlob& blob) {
  switch (blob.kind) {
    case BlobKind::kLayer:
      return fleet.layers[blob.index].digest;
    case BlobKind::kConfig:
      return fleet.images[blob.index].config_digest;
    case BlobKind::kManifest:
      break;
  }
  return fleet.images[blob.index].identity;
}

class FleetDiffer {
 public:
  FleetDiffer(const Fleet& before, const Fleet& after, Scope scope, bool layers_only) {
    diff_.scope = scope;
    diff_.layers_only = layers_only;
    std::map<std::string, std::uint32_t> cell_ids;
    before_ = MakeSide(before, cell_ids);
    after_ = MakeSide(after, cell_ids);
    for (const auto& [name, id] : cell_ids) cell_id_of_name_.emplace(name, id);
  }

  FleetDiff Run() {
    diff_.before = AccountFor(*before_.fleet, before_.sharing).totals;
    diff_.after = AccountFor(*after_.fleet, after_.sharing).totals;
    for (ImageChange& change : FindImageChanges(*before_.fleet, *after_.fleet)) {
      AddChange(std::move(change));
    }
    FindLostSharing();
    CompareBlobs();
    Sum();
    return std::move(diff_);
  }

 private:
  StoredSide MakeSide(const Fleet& fleet, std::map<std::string, std::uint32_t>& cell_ids) const {
    StoredSide side;
    side.fleet = &fleet;
    side.cells = ScopeCells(fleet, diff_.scope);
    side.sharing = BuildSharingGraph(fleet, side.cells, diff_.layers_only);
    for (const std::string& name : side.cells.names) {
      side.cell_id.push_back(
          cell_ids.try_emplace(name, static_cast<std::uint32_t>(cell_ids.size())).first->second);
    }
    side.blobs.reserve(side.sharing.blobs.size());
    for (std::uint32_t b = 0; b < side.sharing.blobs.size(); ++b) {
      const StoredBlob& blob = side.sharing.blobs[b];
      side.blobs.push_back({.key = {.cell = side.cell_id[blob.cell],
                                    .kind = blob.kind,
                                    .digest = DigestOf(fleet, blob)},
                            .blob = b});
    }
    std::ranges::sort(side.blobs, {}, &KeyedBlob::key);
    return side;
  }

  static bool Holds(const StoredSide& side, const BlobKey& key) {
    return std::ranges::binary_search(side.blobs, key, {}, &KeyedBlob::key);
  }

  // The one cell that the refs of a change lie in.
  std::uint32_t CellOf(const ImageChange& change) const {
    const std::string ref = change.refs.empty() ? std::string() : change.refs.front();
    switch (diff_.scope) {
      case Scope::kGlobal:
        return 0;
      case Scope::kNamespace:
        return cell_id_of_name_.at(GroupOfRef(ref, GroupBy::kNamespace));
      case Scope::kRepository:
        break;
    }
    return cell_id_of_name_.at(change.repository);
  }

  void AddChange(ImageChange change) {
    const auto index = static_cast<std::uint32_t>(diff_.images.size());
    const std::uint32_t cell = CellOf(change);
    if (change.before != kNone) before_.changes[{change.before, cell}].push_back(index);
    if (change.after != kNone) after_.changes[{change.after, cell}].push_back(index);
    cell_of_.push_back(cell);
    diff_.images.push_back({.change = std::move(change), .growth = {}, .by_cause = {}});
  }

  // Layers of images that moved, by the layer whose place they took: where several took one's, all
  // but the largest are there because what was shared no longer is.
  void FindLostSharing() {
    std::map<std::pair<std::uint32_t, LayerIndex>, std::vector<LayerIndex>> successors;
    for (std::size_t c = 0; c < diff_.images.size(); ++c) {
      const ImageChange& change = diff_.images[c].change;
      if (change.kind != ChangeKind::kMoved) continue;
      for (const auto& [from, to] : AlignLayers(change)) {
        const Digest& digest = after_.fleet->layers[to].digest;
        const BlobKey key{.cell = cell_of_[c], .kind = BlobKind::kLayer, .digest = digest};
        if (!Holds(before_, key)) successors[{cell_of_[c], from}].push_back(to);
      }
    }
    for (auto& [from, layers] : successors) {
      std::ranges::sort(layers);
      layers.erase(std::ranges::unique(layers).begin(), layers.end());
      const auto largest = std::ranges::max_element(
          layers, {}, [&](LayerIndex l) { return after_.fleet->layers[l].size; });
      for (auto l = layers.begin(); l != layers.end(); ++l) {
        if (l != largest) lost_sharing_.emplace_back(from.first, *l);
      }
    }
    std::ranges::sort(lost_sharing_);
  }

  // Which layer of the chain that was each one above the common part stands for: by place when
  // there are as many, else by instruction, and what differs first for what differed first.
  std::vector<std::pair<LayerIndex, LayerIndex>> AlignLayers(const ImageChange& change) const {
    const auto old_rest =
        before_.fleet->chain(before_.fleet->images[change.before]).subspan(change.num_same);
    const auto new_rest =
        after_.fleet->chain(after_.fleet->images[change.after]).subspan(change.num_same);
    std::vector<std::pair<LayerIndex, LayerIndex>> pairs;
    if (old_rest.size() == new_rest.size()) {
      for (std::size_t i = 0; i < old_rest.size(); ++i)
        pairs.emplace_back(old_rest[i], new_rest[i]);
      return pairs;
    }
    if (old_rest.empty() || new_rest.empty()) return pairs;
    pairs.emplace_back(old_rest.front(), new_rest.front());
    std::size_t next = 1;
    for (const LayerIndex to : new_rest.subspan(1)) {
      const Layer& layer = after_.fleet->layers[to];
      const std::string_view step = after_.fleet->text(layer.created_by);
      for (std::size_t i = next; !step.empty() && i < old_rest.size(); ++i) {
        const Layer& old_layer = before_.fleet->layers[old_rest[i]];
        if (before_.fleet->text(old_layer.created_by) != step) continue;
        pairs.emplace_back(old_rest[i], to);
        next = i + 1;
        break;
      }
    }
    return pairs;
  }

  // Walks the blobs of both sides in step.
  void CompareBlobs() {
    IndexContents();
    auto b = before_.blobs.begin();
    auto a = after_.blobs.begin();
    while (b != before_.blobs.end() || a != after_.blobs.end()) {
      const bool is_gone = a == after_.blobs.end() || (b != before_.blobs.end() && b->key < a->key);
      const bool is_new = !is_gone && (b == before_.blobs.end() || a->key < b->key);
      if (is_gone) {
        Attribute(before_, *b++, /*is_new=*/false);
      } else if (is_new) {
        Attribute(after_, *a++, /*is_new=*/true);
      } else {
        CompareSizes(*b++, *a++);
      }
    }
  }

  void CompareSizes(const KeyedBlob& b, const KeyedBlob& a) {
    const Bytes old_size = before_.size_of(b.blob);
    const Bytes new_size = after_.size_of(a.blob);
    if (old_size == new_size) return;
    if (old_size != 0 && new_size != 0) {
      throw InputError(fmt::format(
          "{}: expected one size, found {} bytes in the first SOURCE and {} in the second; one of "
          "them is wrong",
          FormatDigest(a.key.digest), old_size, new_size));
    }
    Split(after_, a, new_size, /*is_new=*/true, /*same_blob=*/true);
    Split(before_, b, old_size, /*is_new=*/false, /*same_blob=*/true);
  }

  void Attribute(const StoredSide& side, const KeyedBlob& blob, bool is_new) {
    Split(side, blob, side.size_of(blob.blob), is_new, /*same_blob=*/false);
  }

  // Splits `size` over the changes that hold the blob, over the unchanged if there are no others.
  void Split(const StoredSide& side, const KeyedBlob& blob, Bytes size, bool is_new,
             bool same_blob) {
    if (size == 0) return;
    std::vector<std::uint32_t> changed;
    std::vector<std::uint32_t> unchanged;
    for (const ImageIndex holder : side.HoldersOf(blob.blob)) {
      const auto found = side.changes.find({holder, blob.key.cell});
      if (found == side.changes.end()) continue;
      for (const std::uint32_t c : found->second) {
        const bool is_changed = diff_.images[c].change.kind != ChangeKind::kUnchanged;
        (is_changed ? changed : unchanged).push_back(c);
      }
    }
    std::vector<std::uint32_t>& sharers = changed.empty() ? unchanged : changed;
    if (sharers.empty()) throw std::logic_error("a blob that no change brought");
    std::ranges::sort(sharers);
    const auto count = static_cast<Bytes>(sharers.size());
    for (Bytes i = 0; i < count; ++i) {
      ImageDiff& image = diff_.images[sharers[static_cast<std::size_t>(i)]];
      const Bytes share = size / count + (i < size % count ? 1 : 0);
      const ChangeCause cause = same_blob || changed.empty()
                                    ? ChangeCause::kOtherSize
                                    : CauseOf(side, blob, image.change, is_new);
      Growth& part = image.by_cause[static_cast<std::size_t>(cause)];
      (is_new ? part.added : part.gone) += share;
      if (is_new) image.brings = CheckedAdd(image.brings, size);
    }
  }

  // Contents by diff_id, and the cells that hold them, on either side.
  void IndexContents() {
    for (StoredSide* const side : {&before_, &after_}) {
      auto& contents = side == &before_ ? contents_before_ : contents_after_;
      for (const KeyedBlob& blob : side->blobs) {
        if (blob.key.kind != BlobKind::kLayer) continue;
        const Layer& layer = side->fleet->layers[side->sharing.blobs[blob.blob].index];
        if (layer.diff_id == kNone) continue;
        contents.emplace_back(side->fleet->diff_ids[layer.diff_id], blob.key.cell);
      }
      std::ranges::sort(contents);
    }
  }

  ChangeCause CauseOf(const StoredSide& side, const KeyedBlob& blob, const ImageChange& change,
                      bool is_new) const {
    if (blob.key.kind != BlobKind::kLayer) {
      return change.kind == ChangeKind::kMoved ? ChangeCause::kChangedConfig : change.cause;
    }
    const LayerIndex l = side.sharing.blobs[blob.blob].index;
    const Layer& layer = side.fleet->layers[l];
    // The digest is not on the other side, so a layer of the same diff_id there is a twin.
    const auto& contents = is_new ? contents_before_ : contents_after_;
    if (layer.diff_id != kNone &&
        std::ranges::binary_search(contents,
                                   std::pair(side.fleet->diff_ids[layer.diff_id], blob.key.cell))) {
      return ChangeCause::kRecompressed;
    }
    if (change.kind != ChangeKind::kMoved) return change.cause;
    if (is_new && std::ranges::binary_search(lost_sharing_, std::pair(blob.key.cell, l))) {
      return ChangeCause::kLostSharing;
    }
    if (!change.base_changed()) return ChangeCause::kChangedLayers;
    const auto chain = side.fleet->chain(side.fleet->images[is_new ? change.after : change.before]);
    const auto position = std::ranges::find(chain, l) - chain.begin();
    const std::uint32_t base = is_new ? change.base_after : change.base_before;
    return position < static_cast<std::ptrdiff_t>(base) ? ChangeCause::kChangedBase
                                                        : ChangeCause::kRebuilt;
  }

  void Sum() {
    std::map<std::string_view, RepositoryDiff> repositories;
    for (ImageDiff& image : diff_.images) {
      for (std::size_t cause = 0; cause < kNumChangeCauses; ++cause) {
        image.growth += image.by_cause[cause];
        diff_.by_cause[cause] += image.by_cause[cause];
      }
      diff_.growth += image.growth;
      const auto kind = static_cast<std::size_t>(image.change.kind);
      ++diff_.num_changes[kind];
      if (image.change.kind != ChangeKind::kUnchanged) {
        ++diff_.num_causes[static_cast<std::size_t>(image.change.cause)];
      }
      RepositoryDiff& repository = repositories[image.change.repository];
      ++repository.num_changes[kind];
      repository.growth += image.growth;
    }
    if (diff_.growth.net() != diff_.after.physical_bytes - diff_.before.physical_bytes) {
      throw std::logic_error("the parts of the growth do not sum to it");
    }
    for (auto& [name, repository] : repositories) {
      const auto unchanged = static_cast<std::size_t>(ChangeKind::kUnchanged);
      const bool is_same = std::ranges::all_of(std::span(repository.num_changes).first(unchanged),
                                               [](auto n) { return n == 0; });
      if (is_same && repository.growth.is_zero()) continue;
      repository.name = name;
      diff_.repositories.push_back(std::move(repository));
    }
    const auto by_net = [](const auto& entry) { return -std::abs(entry.growth.net()); };
    std::ranges::stable_sort(diff_.repositories, {}, by_net);
    std::erase_if(diff_.images, [](const ImageDiff& image) {
      return image.change.kind == ChangeKind::kUnchanged && image.growth.is_zero();
    });
    std::ranges::stable_sort(diff_.images, {}, by_net);
  }

  FleetDiff diff_;
  StoredSide before_;
  StoredSide after_;
  std::map<std::string, std::uint32_t> cell_id_of_name_;
  std::vector<std::uint32_t> cell_of_;                              // by change
  std::vector<std::pair<std::uint32_t, LayerIndex>> lost_sharing_;  // cell, layer after; sorted
  std::vector<std::pair<Digest, std::uint32_t>> contents_before_;   // diff_id, cell; sorted
  std::vector<std::pair<Digest, std::uint32_t>> contents_after_;
};

}  // namespace

FleetDiff DiffFleets(const Fleet& before, const Fleet& after, Scope scope, bool layers_only) {
  return FleetDiffer(before, after, scope, layers_only).Run();
}

}  // namespace gneiss
