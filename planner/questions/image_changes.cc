#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "planner/fleet/image_groups.h"
#include "planner/fleet/image_pairs.h"
#include "planner/fleet/layer_trie.h"
#include "planner/questions/fleet_diff.h"

namespace gneiss {
namespace {

// Lengths of the bases of a fleet's images; 0 where no other image tells.
class BaseLengths {
 public:
  explicit BaseLengths(const Fleet& fleet) : trie_(BuildLayerTrie(fleet)) {
    const ImageGroups repositories = GroupImages(fleet, GroupBy::kRepository);
    for (const ImageIndex i : trie_.chain_order) {
      repository_.push_back(repositories.of(i).front());
    }
    next_other_.assign(repository_.size(), static_cast<std::uint32_t>(repository_.size()));
    for (std::size_t k = repository_.size(); k-- > 1;) {
      next_other_[k - 1] =
          repository_[k] == repository_[k - 1] ? next_other_[k] : static_cast<std::uint32_t>(k);
    }
    position_.resize(fleet.images.size());
    for (std::size_t k = 0; k < trie_.chain_order.size(); ++k) {
      position_[trie_.chain_order[k]] = k;
    }
  }

  std::uint32_t Of(ImageIndex image) const {
    const NodeIndex end = trie_.node_of_image[image];
    if (end == kNoNode) return 0;
    const GroupIndex own = repository_[position_[image]];
    std::uint32_t branch = 0;
    NodeIndex child = end;
    for (NodeIndex v = trie_.parent[end]; v != kNoNode; child = v, v = trie_.parent[v]) {
      const std::uint32_t first = trie_.first_image[v];
      if (HasOther(first, first + trie_.num_ends[v], own)) return trie_.depth[v];
      if (branch == 0 && (HasOther(first, trie_.first_image[child], own) ||
                          HasOther(trie_.end_image[child], trie_.end_image[v], own))) {
        branch = trie_.depth[v];
      }
    }
    return branch;
  }

 private:
  // Whether chain_order[first .. end) has an image of another repository.
  bool HasOther(std::uint32_t first, std::uint32_t end, GroupIndex repository) const {
    return first < end && (repository_[first] != repository || next_other_[first] < end);
  }

  LayerTrie trie_;
  std::vector<GroupIndex> repository_;     // by place in chain_order
  std::vector<std::uint32_t> next_other_;  // place of the next image of another repository
  std::vector<std::size_t> position_;      // in chain_order, by image
};

bool HaveEqualDigests(const Fleet& before, const Image& a, const Fleet& after, const Image& b) {
  return std::ranges::equal(before.chain(a), after.chain(b), [&](LayerIndex l, LayerIndex m) {
    return before.layers[l].digest == after.layers[m].digest;
  });
}

bool HaveEqualContents(const Fleet& before, const Image& a, const Fleet& after, const Image& b) {
  return std::ranges::equal(before.chain(a), after.chain(b), [&](LayerIndex l, LayerIndex m) {
    const Layer& old_layer = before.layers[l];
    const Layer& new_layer = after.layers[m];
    if (old_layer.digest == new_layer.digest) return true;
    return old_layer.diff_id != kNone && new_layer.diff_id != kNone &&
           before.diff_ids[old_layer.diff_id] == after.diff_ids[new_layer.diff_id];
  });
}

// What names there are on a side, to tell a new tag from a new repository.
struct KnownNames {
  std::set<std::string> refs;  // canonical, as the repositories are
  std::set<std::string> repositories;
  std::set<Digest> images;

  explicit KnownNames(const Fleet& fleet) {
    for (const TextIndex ref : fleet.refs) refs.insert(CanonicalRef(fleet.text(ref)));
    for (const Image& image : fleet.images) images.insert(image.identity);
    for (const Image& image : fleet.images) {
      if (image.num_refs == 0) repositories.insert(RepositoryOf({}));
    }
    for (const std::string& ref : refs) repositories.insert(GroupOfRef(ref, GroupBy::kRepository));
  }

  // Of refs that are all in one.
  static std::string RepositoryOf(std::span<const std::string> refs) {
    return GroupOfRef(refs.empty() ? std::string() : CanonicalRef(refs.front()),
                      GroupBy::kRepository);
  }
};

class ChangeFinder {
 public:
  ChangeFinder(const Fleet& before, const Fleet& after)
      : before_(before),
        after_(after),
        names_before_(before),
        names_after_(after),
        bases_before_(before),
        bases_after_(after) {}

  std::vector<ImageChange> Run() {
    const std::vector<Digest> prints_before = Fingerprints(before_);
    const std::vector<Digest> prints_after = Fingerprints(after_);
    const ImagePairs pairs =
        PairImages({.fleet = before_, .fingerprints = prints_before},
                   {.fleet = after_, .fingerprints = prints_after}, PairBy::kRef);
    for (const ImagePair& pair : pairs.pairs) Add(pair.left, pair.right, pair.refs);
    for (const UnpairedImage& image : pairs.only_left) Add(image.image, kNone, image.refs);
    for (const UnpairedImage& image : pairs.only_right) Add(kNone, image.image, image.refs);
    for (const ImageIndex image : pairs.new_bases) Add(kNone, image, UnpairedRefs(image, pairs));
    std::ranges::sort(changes_, [&](const ImageChange& a, const ImageChange& b) {
      const std::string_view platform_a = PlatformOf(a);
      const std::string_view platform_b = PlatformOf(b);
      return std::tie(a.repository, a.refs, platform_a, a.before, a.after) <
             std::tie(b.repository, b.refs, platform_b, b.before, b.after);
    });
    return std::move(changes_);
  }

 private:
  // Nothing tells images of one ref and platform apart but their manifests.
  static std::vector<Digest> Fingerprints(const Fleet& fleet) {
    std::vector<Digest> prints;
    for (const Image& image : fleet.images) prints.push_back(image.identity);
    return prints;
  }

  // PairImages does not say which refs a new base has that no image had.
  std::vector<std::string> UnpairedRefs(ImageIndex image, const ImagePairs& pairs) const {
    std::set<std::string> paired;
    for (const ImagePair& pair : pairs.pairs) {
      if (pair.right != image) continue;
      for (const std::string& ref : pair.refs) paired.insert(CanonicalRef(ref));
    }
    std::vector<std::string> refs;
    for (const TextIndex ref : after_.refs_of(after_.images[image])) {
      if (!paired.contains(CanonicalRef(after_.text(ref)))) refs.emplace_back(after_.text(ref));
    }
    return refs;
  }

  std::string_view PlatformOf(const ImageChange& change) const {
    return change.after != kNone ? after_.text(after_.images[change.after].platform)
                                 : before_.text(before_.images[change.before].platform);
  }

  // One change for each repository of `refs`.
  void Add(ImageIndex before, ImageIndex after, const std::vector<std::string>& refs) {
    std::map<std::string, std::vector<std::string>> by_repository;
    for (const std::string& ref : refs) {
      by_repository[GroupOfRef(ref, GroupBy::kRepository)].push_back(ref);
    }
    if (refs.empty()) by_repository[GroupOfRef("", GroupBy::kRepository)];
    for (auto& [repository, its_refs] : by_repository) {
      ImageChange change{.before = before, .after = after, .repository = repository};
      change.refs = std::move(its_refs);
      Judge(change);
      changes_.push_back(std::move(change));
    }
  }

  void Judge(ImageChange& change) const {
    if (change.before == kNone) {
      change.kind = ChangeKind::kAdded;
      change.cause = names_before_.images.contains(after_.images[change.after].identity)
                         ? ChangeCause::kNewName
                     : !names_before_.repositories.contains(KnownNames::RepositoryOf(change.refs))
                         ? ChangeCause::kNewRepository
                     : AllKnown(change.refs, names_before_) ? ChangeCause::kNewPlatform
                                                            : ChangeCause::kNewTag;
    } else if (change.after == kNone) {
      change.kind = ChangeKind::kRemoved;
      change.cause = names_after_.images.contains(before_.images[change.before].identity)
                         ? ChangeCause::kRemovedName
                     : !names_after_.repositories.contains(KnownNames::RepositoryOf(change.refs))
                         ? ChangeCause::kRemovedRepository
                     : AllKnown(change.refs, names_after_) ? ChangeCause::kRemovedPlatform
                                                           : ChangeCause::kRemovedTag;
    } else if (before_.images[change.before].identity != after_.images[change.after].identity) {
      JudgeMoved(change);
    }
  }

  static bool AllKnown(const std::vector<std::string>& refs, const KnownNames& names) {
    return !refs.empty() && std::ranges::all_of(refs, [&](const std::string& ref) {
      return names.refs.contains(CanonicalRef(ref));
    });
  }

  void JudgeMoved(ImageChange& change) const {
    const Image& old_image = before_.images[change.before];
    const Image& new_image = after_.images[change.after];
    const auto old_chain = before_.chain(old_image);
    const auto new_chain = after_.chain(new_image);
    change.kind = ChangeKind::kMoved;
    while (change.num_same < std::min(old_chain.size(), new_chain.size()) &&
           before_.layers[old_chain[change.num_same]].digest ==
               after_.layers[new_chain[change.num_same]].digest) {
      ++change.num_same;
    }
    change.base_before = bases_before_.Of(change.before);
    if (change.base_before == 0 && old_chain.size() > 1) change.base_before = 1;
    change.base_after = bases_after_.Of(change.after);
    if (change.base_after == 0 && new_chain.size() > 1) {
      change.base_after = std::clamp(change.base_before, 1U, new_image.num_layers - 1);
    }
    change.cause =
        HaveEqualDigests(before_, old_image, after_, new_image)    ? ChangeCause::kChangedConfig
        : HaveEqualContents(before_, old_image, after_, new_image) ? ChangeCause::kRecompressed
        : change.base_changed()                                    ? ChangeCause::kChangedBase
                                                                   : ChangeCause::kChangedLayers;
  }

  const Fleet& before_;
  const Fleet& after_;
  KnownNames names_before_;
  KnownNames names_after_;
  BaseLengths bases_before_;
  BaseLengths bases_after_;
  std::vector<ImageChange> changes_;
};

}  // namespace

std::string_view ChangeKindName(ChangeKind kind) {
  static constexpr std::array<std::string_view, kNumChangeKinds> kNames = {"added", "removed",
                                                                           "moved", "unchanged"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view ChangeCauseName(ChangeCause cause) {
  static constexpr std::array<std::string_view, kNumChangeCauses> kNames = {
      "new repository",
      "new platform",
      "new tag",
      "new name of a known image",
      "changed base",
      "rebuilt on a changed base",
      "changed own layers",
      "lost sharing",
      "recompressed",
      "configs and manifests",
      "removed repository",
      "removed platform",
      "removed tag",
      "removed name of an image that stays",
      "size known on one side only"};
  return kNames[static_cast<std::size_t>(cause)];
}

std::vector<ImageChange> FindImageChanges(const Fleet& before, const Fleet& after) {
  return ChangeFinder(before, after).Run();
}

}  // namespace gneiss
