#include "planner/fleet/tag_history.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace gneiss {
namespace {

constexpr std::size_t kUnknownRefsKept = 5;

class TagJoin {
 public:
  TagJoin(const TagEvents& events, const Fleet& fleet)
      : events_(events), fleet_(fleet), image_of_(events.manifests.size(), kNone) {
    for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
      const Image& image = fleet.images[i];
      if (image.has_manifest_digest) by_digest_.emplace(image.identity, i);
      for (const TextIndex ref : fleet.refs_of(image)) {
        by_ref_[{CanonicalRef(fleet.text(ref)), fleet.text(image.platform)}].push_back(i);
      }
    }
  }

  TagHistory Run() {
    FindByDigest();
    FindByLastName();
    TagHistory history;
    std::map<std::string, bool> is_known;  // by canonical ref
    for (const auto& [key, images] : by_ref_) is_known[key.first] = true;
    std::map<std::string, bool> refs;
    std::set<ImageIndex> with_past;
    for (const TagEvent& event : events_.events) {
      if (event.kind == TagEvent::Kind::kPull) continue;
      ++history.num_moves;
      std::string ref = CanonicalRef(events_.texts[event.ref]);
      bool& known = refs.try_emplace(ref, is_known.contains(ref)).first->second;
      if (event.kind == TagEvent::Kind::kRemoval) continue;
      const ImageIndex i = image_of_[event.manifest];
      if (i == kNone) continue;
      known = true;
      if (IsCalled(i, ref)) continue;
      with_past.insert(i);
      history.past_refs.push_back({.ref = std::move(ref), .image = i});
    }
    std::ranges::sort(history.past_refs);
    history.past_refs.erase(std::ranges::unique(history.past_refs).begin(),
                            history.past_refs.end());
    history.num_refs = std::ssize(refs);
    for (const auto& [ref, known] : refs) {
      if (known) continue;
      ++history.num_unknown_refs;
      if (history.unknown.size() < kUnknownRefsKept) history.unknown.push_back(ref);
    }
    history.num_manifests = std::ssize(image_of_);
    history.num_gone_manifests = std::ranges::count(image_of_, kNone);
    history.num_images = std::ssize(with_past);
    return history;
  }

 private:
  using RefPlatform = std::pair<std::string, std::string_view>;

  bool IsCalled(ImageIndex i, std::string_view canonical) const {
    return std::ranges::any_of(fleet_.refs_of(fleet_.images[i]), [&](TextIndex ref) {
      return CanonicalRef(fleet_.text(ref)) == canonical;
    });
  }

  void FindByDigest() {
    for (std::size_t m = 0; m < image_of_.size(); ++m) {
      const std::optional<Digest>& digest = events_.manifests[m].digest;
      if (!digest) continue;
      const auto found = by_digest_.find(*digest);
      if (found != by_digest_.end()) image_of_[m] = found->second;
    }
  }

  void FindByLastName() {
    std::map<RefPlatform, std::uint32_t> last;
    for (const TagEvent& event : events_.events) {
      if (event.kind == TagEvent::Kind::kPull) continue;
      const RefPlatform key{CanonicalRef(events_.texts[event.ref]), events_.texts[event.platform]};
      last[key] = event.kind == TagEvent::Kind::kMove ? event.manifest : kNone;
    }
    std::set<std::uint32_t> disagreeing;
    for (const auto& [key, m] : last) {
      if (m == kNone || events_.manifests[m].digest) continue;
      const auto named = by_ref_.find(key);
      if (named == by_ref_.end()) continue;
      // A fleet of several times may know a ref for several images.
      if (named->second.size() != 1) continue;
      const ImageIndex i = named->second.front();
      if (image_of_[m] != kNone && image_of_[m] != i) disagreeing.insert(m);
      image_of_[m] = i;
    }
    for (const std::uint32_t m : disagreeing) image_of_[m] = kNone;
  }

  const TagEvents& events_;
  const Fleet& fleet_;
  std::vector<ImageIndex> image_of_;  // per manifest, kNone: of no image
  std::map<Digest, ImageIndex> by_digest_;
  std::map<RefPlatform, std::vector<ImageIndex>> by_ref_;
};

}  // namespace

TagHistory JoinTagEvents(const TagEvents& events, const Fleet& fleet) {
  return TagJoin(events, fleet).Run();
}

}  // namespace gneiss
