// What deleting images frees, in words and tables: the answers of `whatif --delete`, --free and
// --keep-last.
#pragma once

#include <cstdint>
#include <ostream>

#include "io/report/questions/whatif.h"
#include "planner/questions/deletion.h"
#include "planner/questions/free_space.h"
#include "planner/questions/retention.h"

namespace gneiss {

// REQUIRES on all: the answers are of question.fleet.
void PrintDeletion(const WhatifQuestion& question, const Deletion& deletion,
                   const WhatifScreen& screen, std::ostream& out);
void PrintRetention(const WhatifQuestion& question, std::int64_t newest, const Retention& retention,
                    const Deletion& deletion, const WhatifScreen& screen, std::ostream& out);
// With the frontier where `frontier` is set.
void PrintFreeSpace(const WhatifQuestion& question, const FreeSpace& plan, bool frontier,
                    const WhatifScreen& screen, std::ostream& out);

// What deleting images frees, as gneiss.whatif/1.

// REQUIRES on all: the answers are of question.fleet.
void WriteDeletionJson(const WhatifQuestion& question, const Deletion& deletion, std::ostream& out);
void WriteRetentionJson(const WhatifQuestion& question, std::int64_t newest,
                        const Retention& retention, const Deletion& deletion, std::ostream& out);
// With the frontier where `frontier` is set.
void WriteFreeSpaceJson(const WhatifQuestion& question, const FreeSpace& plan, bool frontier,
                        std::ostream& out);

}  // namespace gneiss
