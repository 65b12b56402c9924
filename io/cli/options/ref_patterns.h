// PATTERN on the command line: shell patterns over the refs and digests of a fleet.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/fleet/fleet.h"
#include "planner/fleet/ref_selection.h"

namespace gneiss {

// IMAGE on the command line: an image of a fleet, by ref or by digest.

// The image with this ref ("web/shop:1"; "docker.io/library/" may be left out, ":latest" too), with
// this digest of its manifest or config (the ID that docker shows), or the one whose digest begins
// with these hex digits (at least 6, with or without "sha256:", of either case). Throws InputError
// when there is none, with the nearest ref, or several, with what tells them apart (--platform).
// Time O(refs).
[[nodiscard]] ImageIndex FindImage(const Fleet& fleet, std::string_view name);

// All of them: one for each platform, as a rule. Throws InputError when there is none.
[[nodiscard]] std::vector<ImageIndex> FindImages(const Fleet& fleet, std::string_view name);

// What the patterns of `option` select (planner/fleet/ref_selection.h). Throws InputError for the
// first one that matches nothing, with what may have been meant.
[[nodiscard]] RefSelection SelectNamedRefs(const Fleet& fleet,
                                           std::span<const std::string> patterns,
                                           std::string_view option);

}  // namespace gneiss
