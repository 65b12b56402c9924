// Reads a user's mapping of images to lineages: which images are versions of one base
// (planner/bases/lineages.h). Lines "PATTERN NAME", a shell pattern over refs and the lineage's
// name, with blanks between; empty lines and what follows a '#' at the start of a word are passed
// over.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "io/bytes/byte_source.h"
#include "planner/bases/lineages.h"

namespace gneiss {

inline constexpr std::size_t kMaxLineageLineBytes = 4096;
inline constexpr std::size_t kMaxLineageRules = 100'000;

// The rules in the order of the file. Throws InputError with `path` and the line when a line is too
// long, holds one word or more than two, or a NUL; or when there are too many rules, or none.
[[nodiscard]] std::vector<LineageRule> ReadLineages(ByteSource& file, const std::string& path);

// The same from a file, compressed or not. Throws what OpenFile and ByteSource::Read throw, too.
[[nodiscard]] std::vector<LineageRule> ReadLineageFile(const std::string& path);

}  // namespace gneiss
