// What moving images to another base does, and what new images cost, for a screen and as
// gneiss.whatif/1: the answers of `whatif --rebase` and --add.
#pragma once

#include <ostream>

#include "io/report/questions/whatif_report.h"
#include "planner/cost/cost_model.h"
#include "planner/questions/addition.h"
#include "planner/questions/base_move.h"

namespace gneiss {

// REQUIRES on all: the answers are of question.fleet.
void PrintBaseMoves(const WhatifQuestion& question, const CostModel& model, const BaseMoves& moves,
                    const WhatifScreen& screen, std::ostream& out);
void WriteBaseMovesJson(const WhatifQuestion& question, const CostModel& model,
                        const BaseMoves& moves, std::ostream& out);

void PrintAddition(const WhatifQuestion& question, const Addition& addition,
                   const WhatifScreen& screen, std::ostream& out);
void WriteAdditionJson(const WhatifQuestion& question, const Addition& addition, std::ostream& out);

}  // namespace gneiss
