// A plan carried out: from the layouts that a fleet was read from to a new one in which every image
// has the layers that the plan gives it (plan_match.h), and shows what it did.
//
//   - Blobs that stay are linked where that can be, else copied; each is held against its digest.
//   - New layers are written from the contents of today's (layer_writer.h), all of which are read.
//   - Before anything is published, what the images show with their new layers, read back from what
//     was written, is compared with what they show today (written_images.h).
//   - An image that cannot be read or carried over is left out, and named with the reason.
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

#include "io/apply/apply_report.h"
#include "io/apply/layer_writer.h"
#include "io/apply/plan_match.h"
#include "io/source/layer_blobs.h"
#include "io/store/scan_limits.h"
#include "io/tables/plan_file.h"
#include "planner/contents/layer_contents.h"
#include "planner/fleet/bytes.h"
#include "planner/fleet/fleet.h"

namespace gneiss {

// What a run is at, by bytes or layers.
struct ApplyProgress {
  std::string_view what;  // "checking blobs that stay", "reading contents", ...
  Bytes done = 0;
  Bytes total = 0;
};

struct ApplyOptions {
  std::string target;  // directory
  CompressionOptions compression;
  std::int64_t jobs = 1;  // threads, at least 1
  ScanLimits limits;      // of layers that are read
  // Whether an image that would be left out ends the run.
  bool is_strict = false;
  // Whether entries of indexes that cannot be read are left out of what was asked for; else they
  // were not asked for.
  bool has_bad_entries = false;
  // Called in the caller's thread, about ten times a second; may be empty.
  std::function<void(const ApplyProgress&)> on_progress;
};

// Throws InputError when ApplyPlan would because of what is in the target; writes nothing. To be
// asked before long work. Who else can change what is written there, in words; empty: nobody.
[[nodiscard]] std::string ExpectUsableTarget(const PlanFile& plan, const PlanFileLevel& level,
                                             const ApplyOptions& options);

// Throws InputError when the plan is of another fleet or gives an image other files than it has,
// the target is taken or too small, and when no image is left; std::system_error when writing
// fails. The target is then as it was, or marked as not complete (layout_writer.h). `contents` is
// of layers of LayersToRead; `unknown` says why it lacks some. What it says of those that new
// layers are made of is believed only as far as their blobs say the same. REQUIRES: `level` is of
// `plan`.
[[nodiscard]] ApplyReport ApplyPlan(const PlanFile& plan, const PlanFileLevel& level,
                                    const Fleet& fleet, const LayerBlobs& blobs,
                                    LayerContents& contents, const UnknownLayers& unknown,
                                    const ApplyOptions& options);

}  // namespace gneiss
