// Images whose entry point is a program that needs no dynamic linker: they could stand on scratch
// or a distroless base, and all their other bytes are a question of habit (certificates, time zones
// and a shell apart, which a base without packages has or which nothing asks for).
#pragma once

#include <optional>
#include <string_view>

#include "planner/contents/layer_contents.h"
#include "planner/contents/overlay.h"
#include "planner/cost/cost_model.h"
#include "planner/cost/today.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// The file that `program` names in a merged file system: a bare name is looked up in `search_path`,
// symlinks are followed inside the root, at most 40. nullopt when there is none. Time O(length).
[[nodiscard]] std::optional<EntryRef> FindProgram(const Overlay& overlay,
                                                  const LayerContents& contents,
                                                  std::string_view program,
                                                  std::string_view search_path);

// Whether a program is known to start another, by the name that it is called or that its file has:
// that it is static says nothing of the image.
[[nodiscard]] bool IsLauncher(std::string_view path);

struct StaticImage {
  ImageIndex image = 0;
  EntryRef program;
  // What the fleet would store and move less with this image alone on scratch: its exclusive layers
  // less the program; the program's own bytes stay.
  Bytes saves_storage_bytes = 0;
  Bytes saves_transfer_bytes = 0;
};

// What moving one image to a layer with just `program` saves. REQUIRES: program is in contents.
[[nodiscard]] StaticImage CountStaticImage(const Fleet& fleet, const CostModel& model,
                                           const Today& today, const LayerContents& contents,
                                           ImageIndex image, EntryRef program);

}  // namespace gneiss
