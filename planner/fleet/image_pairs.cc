#include "planner/fleet/image_pairs.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "solver/hashing/seeded_hash.h"

namespace gneiss {
namespace {

constexpr std::string_view kBaseDigestLabel = "org.opencontainers.image.base.digest";

// One ref of one image.
struct NamedImage {
  std::string key;  // what pairs it
  std::string_view platform;
  ImageIndex image = kNone;
  std::string_view ref;

  auto group() const { return std::tie(key, platform); }
};

std::vector<NamedImage> NamesOf(const Fleet& fleet) {
  std::vector<NamedImage> names;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto add = [&](std::string_view ref) {
      names.push_back({.platform = fleet.text(image.platform), .image = i, .ref = ref});
    };
    for (const TextIndex ref : fleet.refs_of(image)) add(fleet.text(ref));
    if (fleet.refs_of(image).empty()) add("");
  }
  return names;
}

class ImagePairing {
 public:
  ImagePairing(const PairingSide& left, const PairingSide& right) : left_(left), right_(right) {}

  ImagePairs Run(PairBy by) {
    std::vector<NamedImage> left = NamesOf(left_.fleet);
    std::vector<NamedImage> right = NamesOf(right_.fleet);
    if (by == PairBy::kPlatform) {
      for (auto* const side : {&left, &right}) {
        const auto more_refs = std::ranges::unique(*side, {}, &NamedImage::image);
        side->erase(more_refs.begin(), more_refs.end());
      }
    } else {
      for (auto* const side : {&left, &right}) KeepOneSpelling(*side);
      // Where a side means two images by two spellings of one ref, each finds its own.
      for (auto* const side : {&left, &right}) {
        for (NamedImage& name : *side) name.key = name.ref;
      }
      PairByKey(left, right, /*pairs_lone=*/true);
      for (auto* const side : {&left, &right}) {
        for (NamedImage& name : *side) name.key = KeyOf(name.ref);
      }
      PairByKey(left, right, /*pairs_lone=*/false);
      for (NamedImage& name : left) name.key = BareKeyOf(name.ref, left_.repositories);
      for (NamedImage& name : right) name.key = BareKeyOf(name.ref, right_.repositories);
    }
    // By ref, what was not alone among the images without one is not alone now.
    PairByKey(left, right, /*pairs_lone=*/by == PairBy::kPlatform);
    ImagePairs result;
    for (auto& [pair, refs] : pairs_) {
      std::ranges::sort(refs);
      result.pairs.push_back({pair.first, pair.second, std::move(refs)});
    }
    result.only_left = Gather(left);
    result.only_right = Gather(right);
    TakeNewBases(result);
    return result;
  }

 private:
  using Names = std::vector<NamedImage>;

  static std::string KeyOf(std::string_view ref) {
    return ref.empty() ? std::string() : CanonicalRef(ref);
  }
  // The tag alone where the repository says nothing.
  static std::string BareKeyOf(std::string_view ref, std::span<const std::string> repositories) {
    const std::string_view bare = WithoutRepository(ref, repositories);
    return bare.size() < ref.size() ? std::string(bare) : KeyOf(ref);
  }

  static void KeepOneSpelling(Names& names) {
    for (NamedImage& name : names) name.key = KeyOf(name.ref);
    std::ranges::sort(names, Precedes);
    const auto more = std::ranges::unique(names, [](const NamedImage& a, const NamedImage& b) {
      return a.image == b.image && a.group() == b.group();
    });
    names.erase(more.begin(), more.end());
  }

  static bool Precedes(const NamedImage& a, const NamedImage& b) {
    return std::tie(a.key, a.platform, a.image, a.ref) <
           std::tie(b.key, b.platform, b.image, b.ref);
  }

  // Takes the names that find one another out of both. `pairs_lone`: those of an empty key as well
  // that are alone on their sides.
  void PairByKey(Names& left, Names& right, bool pairs_lone) {
    std::ranges::sort(left, Precedes);
    std::ranges::sort(right, Precedes);
    Names left_rest;
    Names right_rest;
    auto l = left.begin();
    auto r = right.begin();
    while (l != left.end() || r != right.end()) {
      const bool has_left = l != left.end() && (r == right.end() || l->group() <= r->group());
      const bool has_right = r != right.end() && (l == left.end() || r->group() <= l->group());
      const auto end_of = [](auto from, auto end) {
        return std::find_if(from, end,
                            [&](const NamedImage& n) { return n.group() != from->group(); });
      };
      Names lefts(l, has_left ? end_of(l, left.end()) : l);
      Names rights(r, has_right ? end_of(r, right.end()) : r);
      l += std::ssize(lefts);
      r += std::ssize(rights);
      PairGroup(lefts, rights, pairs_lone);
      left_rest.insert(left_rest.end(), lefts.begin(), lefts.end());
      right_rest.insert(right_rest.end(), rights.begin(), rights.end());
    }
    left = std::move(left_rest);
    right = std::move(right_rest);
  }

  void PairGroup(Names& lefts, Names& rights, bool pairs_lone) {
    const bool are_alone = pairs_lone && lefts.size() == 1 && rights.size() == 1;
    PairEqual(lefts, rights, [](const PairingSide& side, const NamedImage& name) {
      return side.fleet.images[name.image].identity;
    });
    PairEqual(lefts, rights, [](const PairingSide& side, const NamedImage& name) {
      return side.fingerprints[name.image];
    });
    if (lefts.empty() || rights.empty()) return;
    if (lefts.front().key.empty() && !are_alone) return;
    const auto count = static_cast<std::ptrdiff_t>(std::min(lefts.size(), rights.size()));
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      AddPair(lefts[static_cast<std::size_t>(i)], rights[static_cast<std::size_t>(i)]);
    }
    lefts.erase(lefts.begin(), lefts.begin() + count);
    rights.erase(rights.begin(), rights.begin() + count);
  }

  template <typename DigestOf>
  void PairEqual(Names& lefts, Names& rights, const DigestOf& digest_of) {
    if (lefts.empty() || rights.empty()) return;
    std::multimap<Digest, const NamedImage*> waiting;
    for (const NamedImage& name : rights) waiting.emplace(digest_of(right_, name), &name);
    std::vector<std::uint8_t> is_paired(rights.size(), 0);
    std::erase_if(lefts, [&](const NamedImage& name) {
      const auto found = waiting.lower_bound(digest_of(left_, name));
      if (found == waiting.end() || found->first != digest_of(left_, name)) return false;
      AddPair(name, *found->second);
      is_paired[static_cast<std::size_t>(found->second - rights.data())] = 1;
      waiting.erase(found);
      return true;
    });
    Names rest;
    for (std::size_t i = 0; i < rights.size(); ++i) {
      if (is_paired[i] == 0) rest.push_back(rights[i]);
    }
    rights = std::move(rest);
  }

  void AddPair(const NamedImage& left, const NamedImage& right) {
    std::vector<std::string>& refs = pairs_[{left.image, right.image}];
    if (!left.ref.empty()) refs.emplace_back(left.ref);
  }

  static std::vector<UnpairedImage> Gather(const Names& names) {
    std::map<ImageIndex, std::vector<std::string>> by_image;
    for (const NamedImage& name : names) {
      std::vector<std::string>& refs = by_image[name.image];
      if (!name.ref.empty()) refs.emplace_back(name.ref);
    }
    std::vector<UnpairedImage> unpaired;
    for (auto& [image, refs] : by_image) {
      std::ranges::sort(refs);
      unpaired.push_back({image, std::move(refs)});
    }
    return unpaired;
  }

  bool BeginsWith(ImageIndex image, ImageIndex base) const {
    const Fleet& fleet = right_.fleet;
    const auto chain = fleet.chain(fleet.images[image]);
    const auto below = fleet.chain(fleet.images[base]);
    return below.size() <= chain.size() && std::ranges::equal(below, chain.first(below.size()));
  }

  // Moves them from only_right to new_bases.
  void TakeNewBases(ImagePairs& result) const {
    const Fleet& fleet = right_.fleet;
    SeededMap<std::string, ImageIndex> candidates;  // by manifest digest
    for (const UnpairedImage& unpaired : result.only_right) {
      const Image& image = fleet.images[unpaired.image];
      if (image.has_manifest_digest) {
        candidates.emplace(fleet.digest_text(image.identity, false), unpaired.image);
      }
    }
    std::vector<ImageIndex> users;
    for (const ImagePair& pair : result.pairs) users.push_back(pair.right);
    while (!users.empty() && !candidates.empty()) {
      const ImageIndex user = users.back();
      users.pop_back();
      const auto found =
          candidates.find(std::string(fleet.label(fleet.images[user], kBaseDigestLabel)));
      if (found == candidates.end() || !BeginsWith(user, found->second)) continue;
      result.new_bases.push_back(found->second);
      users.push_back(found->second);
      candidates.erase(found);
    }
    std::ranges::sort(result.new_bases);
    std::erase_if(result.only_right, [&](const UnpairedImage& unpaired) {
      return std::ranges::binary_search(result.new_bases, unpaired.image);
    });
  }

  const PairingSide& left_;
  const PairingSide& right_;
  std::map<std::pair<ImageIndex, ImageIndex>, std::vector<std::string>> pairs_;
};

}  // namespace

std::string_view WithoutRepository(std::string_view ref,
                                   std::span<const std::string> repositories) {
  for (const std::string& repository : repositories) {
    if (!repository.empty() && ref.size() > repository.size() && ref.starts_with(repository) &&
        ref[repository.size()] == ':') {
      return ref.substr(repository.size() + 1);
    }
  }
  return ref;
}

ImagePairs PairImages(const PairingSide& left, const PairingSide& right, PairBy by) {
  return ImagePairing(left, right).Run(by);
}

}  // namespace gneiss
