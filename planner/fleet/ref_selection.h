// Some refs of a fleet, and some images as a whole: what is to go, to stay, or is new.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/fleet/fleet.h"

namespace gneiss {

struct RefSelection {
  std::vector<std::uint8_t> refs;    // per entry of Fleet::refs, 1 where selected
  std::vector<std::uint8_t> images;  // per image, 1: with all of its refs

  // None selected.
  explicit RefSelection(const Fleet& fleet)
      : refs(fleet.refs.size(), 0), images(fleet.images.size(), 0) {}

  bool has(const Fleet& fleet, ImageIndex image, std::uint32_t ref) const {
    return images[image] != 0 || refs[fleet.images[image].first_ref + ref] != 0;
  }
};

struct SelectedRefs {
  RefSelection selection;
  std::vector<std::string> unmatched;  // patterns that select nothing
};

// What shell patterns (fnmatch) match: whole refs, with all images that one names; manifest
// digests; "REPOSITORY@DIGEST", the refs of one image in one repository. Time O(patterns * refs).
[[nodiscard]] SelectedRefs SelectRefs(const Fleet& fleet, std::span<const std::string> patterns);

// What a registry's client is told to delete, and no image that stays goes with.
struct DeletionList {
  // Refs, where the ref goes for every image that it names; else, and for images that are selected
  // as a whole, "REPOSITORY@DIGEST", or the digest alone without a ref. Sorted, each once.
  std::vector<std::string> names;
  // Refs that cannot be told so: beside an image that stays, of one without a manifest digest, or
  // with another tag in the repository that stays.
  std::vector<std::string> unnamed;
};

// `is_part`: the fleet is known to lack images that its refs name too, those of other platforms;
// then no ref is listed. Time O(refs log refs).
[[nodiscard]] DeletionList ListSelection(const Fleet& fleet, const RefSelection& selection,
                                         bool is_part);

}  // namespace gneiss
