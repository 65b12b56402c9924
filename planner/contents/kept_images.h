// Images that keep their layers whatever is planned: every level leaves them as they are, and they
// count in all figures. One rule for all levels, so that none forgets a reason.
//
//   - Pinned ones: a pattern of the user's matches one of their refs.
//   - Windows images. Their layers hold Files/ and Hives/, and the hives are deltas of the registry
//     that the runtime merges over all layers: in one tar the upper Hives/Software_Delta would
//     replace the lower one. The same holds of what their layers seem to hide of each other.
//   - Those of which a runtime makes something that no new layer can say (unwritable_images.h).
//   - Those that must have more layers than the limit allows, as too many of them cannot be joined.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/contents/layer_contents.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// Images of which a runtime makes something that no new layer can say:
//
//   - A directory with what it takes of several entries, or from another path
//     (SeenAttributes::is_listed).
//   - A lowest layer of which markers remove what it has written itself, or a layer that was read
//     as if it stood elsewhere (lowest_layer.h).
//   - A time between one second before 1970 and then, to which the headers that we write cannot
//     give its sign, one that nothing sets (kNoTime), or of a directory that is not listed
//     (kUnlistedTimeWarning).

// Per image, 1 for these. Images with layers that are not known are judged by the others. Time
// O(entries), and that of merging the images in which a directory may be such.
[[nodiscard]] std::vector<std::uint8_t> FindUnwritableImages(const Fleet& fleet,
                                                             const LayerContents& contents);

// In order of precedence; kFree does not keep them.
enum class KeptReason : std::uint8_t { kFree, kPinned, kWindows, kUnwritable, kTooManyLayers };

struct KeptImages {
  std::vector<KeptReason> reason;   // per image
  std::vector<std::uint8_t> flags;  // per image, 1: it keeps its layers
  std::int64_t num_pinned = 0;
  std::int64_t num_windows = 0;  // those that are pinned left out
  std::int64_t num_unwritable = 0;
  std::int64_t num_too_many_layers = 0;

  bool any() const { return num_pinned + num_windows + num_unwritable + num_too_many_layers > 0; }
};

// Per image, 1: of Windows by its platform or its config, or as its layers hold Files/ and Hives/.
// `contents` may be null.
[[nodiscard]] std::vector<std::uint8_t> FindWindowsImages(const Fleet& fleet,
                                                          const LayerContents* contents);

// Per image, 1 where a pattern (fnmatch) matches one of its refs. Throws InputError for a pattern
// that matches none.
[[nodiscard]] std::vector<std::uint8_t> MatchPins(const Fleet& fleet,
                                                  const std::vector<std::string>& patterns);

// Whether a layer of this media type can become part of another: a tar we may store.
[[nodiscard]] bool IsRewritable(std::string_view media_type);

// Per layer, 1: it stays a blob of its own, as it is not ours (foreign), its media type is no
// tar's, or its content is known to be none.
[[nodiscard]] std::vector<std::uint8_t> FindStandaloneLayers(const Fleet& fleet,
                                                             const LayerContents* contents);

// For levels whose layers have nothing to do with today's: they meet any limit.
inline constexpr std::uint32_t kAnyNumberOfLayers = 0xffffffffU;

// `max_layers`: per image. `contents` may be null. Throws what MatchPins throws.
[[nodiscard]] KeptImages FindKeptImages(const Fleet& fleet, const std::vector<std::string>& pins,
                                        std::uint32_t max_layers, const LayerContents* contents);

}  // namespace gneiss
