#include "planner/fleet/ref_selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
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

DeletionList ListSelection(const Fleet& fleet, const RefSelection& selection, bool is_part) {
  // Refs that go for some of the images they name only.
  std::set<std::string_view> staying;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const auto refs = fleet.refs_of(fleet.images[i]);
    for (std::uint32_t r = 0; r < refs.size(); ++r) {
      if (!selection.has(fleet, i, r)) staying.insert(fleet.text(refs[r]));
    }
  }
  DeletionList list;
  for (ImageIndex i = 0; i < fleet.images.size(); ++i) {
    const Image& image = fleet.images[i];
    const auto refs = fleet.refs_of(image);
    const std::string digest =
        image.has_manifest_digest ? fleet.digest_text(image.identity, false) : "";
    const bool is_whole = selection.images[i] != 0;
    if (is_whole && refs.empty()) list.names.push_back(fleet.name(image));
    for (std::uint32_t r = 0; r < refs.size(); ++r) {
      if (!selection.has(fleet, i, r)) continue;
      const std::string_view ref = fleet.text(refs[r]);
      const bool is_alone = !is_part && !staying.contains(ref);
      const std::string_view repository = RepositoryOf(ref);
      // A manifest that is deleted from a repository takes all of its tags there with it.
      bool keeps_others = false;
      for (std::uint32_t other = 0; other < refs.size(); ++other) {
        keeps_others |=
            !selection.has(fleet, i, other) && RepositoryOf(fleet.text(refs[other])) == repository;
      }
      if (is_alone && (!is_whole || digest.empty())) {
        list.names.emplace_back(ref);
      } else if (!digest.empty() && !keeps_others && !repository.empty() && !ref.starts_with('@')) {
        list.names.push_back(std::string(repository).append("@").append(digest));
      } else {
        list.unnamed.emplace_back(ref);
      }
    }
  }
  for (std::vector<std::string>* const names : {&list.names, &list.unnamed}) {
    std::ranges::sort(*names);
    names->erase(std::ranges::unique(*names).begin(), names->end());
  }
  return list;
}

}  // namespace gneiss
