#include "planner/ref_selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace gneiss {
namespace {

bool MatchesWhole(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

// Host and path of a ref, without tag and digest.
std::string_view RepositoryOf(std::string_view ref) {
  const RefParts parts = SplitRef(ref);
  return ref.substr(
      0, static_cast<std::size_t>(parts.repository.data() - ref.data()) + parts.repository.size());
}

}  // namespace

SelectedRefs SelectRefs(const Fleet& fleet, std::span<const std::string> patterns) {
  SelectedRefs selected{.selection = RefSelection(fleet), .unmatched = {}};
  RefSelection& selection = selected.selection;
  std::vector<std::uint8_t> is_matched(patterns.size(), 0);
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const std::string digest =
        image.has_manifest_digest ? fleet.digest_text(image.identity, false) : "";
    const auto refs = fleet.refs_of(image);
    for (std::size_t p = 0; p < patterns.size(); ++p) {
      const std::string& pattern = patterns[p];
      const bool by_digest = pattern.find('@') != std::string::npos && !digest.empty();
      if (!digest.empty() && MatchesWhole(pattern, digest)) {
        selection.images[i] = is_matched[p] = 1;
      }
      for (std::size_t r = 0; r < refs.size(); ++r) {
        const std::string ref(fleet.text(refs[r]));
        const bool matches =
            MatchesWhole(pattern, ref) ||
            (by_digest &&
             MatchesWhole(pattern, std::string(RepositoryOf(ref)).append("@").append(digest)));
        if (matches) selection.refs[image.first_ref + r] = is_matched[p] = 1;
      }
    }
  }
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    if (is_matched[p] == 0) selected.unmatched.push_back(patterns[p]);
  }
  return selected;
}

std::vector<std::string> ListSelection(const Fleet& fleet, const RefSelection& selection) {
  std::vector<std::string> list;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto refs = fleet.refs_of(image);
    const std::string digest =
        image.has_manifest_digest ? fleet.digest_text(image.identity, false) : "";
    if (selection.images[i] != 0 && refs.empty()) list.push_back(fleet.name(image));
    for (std::size_t r = 0; r < refs.size(); ++r) {
      const std::string_view ref = fleet.text(refs[r]);
      if (selection.images[i] != 0 && !digest.empty()) {
        list.push_back(std::string(RepositoryOf(ref)).append("@").append(digest));
      } else if (selection.has(fleet, i, static_cast<std::uint32_t>(r))) {
        list.emplace_back(ref);
      }
    }
  }
  std::ranges::sort(list);
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace gneiss
