// `gneiss whatif`: what the answers to all its questions have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "io/json/json_writer.h"
#include "io/text/table.h"
#include "planner/cost/cost_model.h"
#include "planner/fleet/fleet.h"
#include "planner/fleet/image_groups.h"
#include "planner/questions/addition.h"
#include "planner/questions/base_move.h"

namespace gneiss {

struct WhatifScreen {
  ScreenStyle style = {};
  std::size_t top = 20;  // rows of a table, the rest in "[N others]"; 0 for all
};

// What was asked, of which fleet. Does not own the fleet.
struct WhatifQuestion {
  const Fleet* fleet = nullptr;
  std::string_view name;  // "delete", "free", "keep_last", "rebase", "add"
  Scope scope = Scope::kGlobal;
  bool layers_only = false;
  std::int64_t bad_images = 0;
};

// "shop:1 +2 linux/arm64", with the number of its other refs; the platform where the fleet has
// several. Printable.
[[nodiscard]] std::string NameWithPlatform(const Fleet& fleet, ImageIndex image);

// refs, platform, manifest_digest of an image.
[[nodiscard]] Json ImageJson(const Fleet& fleet, ImageIndex image);

// schema, question, scope, layers_only, bad_images, images: the first members of every answer.
void WriteWhatifHead(const WhatifQuestion& question, JsonWriter& json);

// Two dim lines: the scope and the units; what is counted.
void PrintWhatifNotes(const WhatifQuestion& question, const ScreenStyle& style, std::ostream& out);

// "172 GB"; "171,655,457,577 bytes" where units are raw.
[[nodiscard]] std::string SizeInWords(Bytes size, const ScreenStyle& style);

// What moving images to another base does, and what new images cost, for a screen and as
// gneiss.whatif/1: the answers of `whatif --rebase` and --add.

// REQUIRES on all: the answers are of question.fleet.
void PrintBaseMoves(const WhatifQuestion& question, const CostModel& model, const BaseMoves& moves,
                    const WhatifScreen& screen, std::ostream& out);
void WriteBaseMovesJson(const WhatifQuestion& question, const CostModel& model,
                        const BaseMoves& moves, std::ostream& out);

void PrintAddition(const WhatifQuestion& question, const Addition& addition,
                   const WhatifScreen& screen, std::ostream& out);
void WriteAdditionJson(const WhatifQuestion& question, const Addition& addition, std::ostream& out);

}  // namespace gneiss
