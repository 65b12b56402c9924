// A plan carried out: from the layouts that a fleet was read from to a new one in which every image
// has the layers that the plan gives it (plan_match.h), and shows what it did.
//
//   - Blobs that stay are linked where that can be, else copied; each is held against its digest.
//   - New layers are written from the contents of today's (layer_writer.h).
//   - Images that the plan leaves alone keep manifest and config byte for byte (index_rewriter.h);
//     of the others configs and manifests are rewritten (image_rewriter.h).
//   - New common bases are images of their own, "gneiss-base:ID", one for each platform of the
//     images that are built on them, which name it in their annotations.
//
// The sources are only read. What is written is a function of the plan, the sources, and the
// options that say what to write; not of `jobs`, nor of runs before that were ended.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/apply/layer_writer.h"
#include "io/apply/plan_file.h"
#include "io/report/apply_report.h"
#include "io/source/layer_blobs.h"
#include "planner/bytes.h"
#include "planner/fleet.h"
#include "planner/layer_contents.h"

namespace gneiss {

// What a run is at, by bytes or layers.
struct ApplyProgress {
  std::string_view what;  // "checking blobs that stay", "reading contents", "writing new layers"
  Bytes done = 0;
  Bytes total = 0;
};

struct ApplyOptions {
  std::string target;  // directory
  CompressionOptions compression;
  std::int64_t jobs = 1;  // threads, at least 1
  // Called in the caller's thread, about ten times a second; may be empty.
  std::function<void(const ApplyProgress&)> on_progress;
};

// Throws InputError when ApplyPlan would because of what is in the target; writes nothing. To be
// asked before long work.
void ExpectUsableTarget(const PlanFile& plan, const PlanFileLevel& level,
                        const ApplyOptions& options);

// Throws InputError when the plan is of another fleet, the target is taken or too small, a blob is
// missing or not what its digest says, or an entry cannot be written; std::system_error when
// reading or writing fails. The target is then as it was, or marked as not complete
// (layout_writer.h). REQUIRES: `level` is of `plan`, `contents` has the layers of LayersToRead.
[[nodiscard]] ApplyReport ApplyPlan(const PlanFile& plan, const PlanFileLevel& level,
                                    const Fleet& fleet, const LayerBlobs& blobs,
                                    const LayerContents& contents, const ApplyOptions& options);

}  // namespace gneiss
