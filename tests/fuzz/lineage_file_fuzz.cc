// Files of lineages.
#include <string_view>

#include "io/bytes/byte_source.h"
#include "io/tables/lineage_file.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ReadFuzzedLineages(std::string_view bytes) {
  const auto file = ReadMemory(bytes, 100);
  const std::vector<LineageRule> rules = ReadLineages(*file, "l");
  Expect(!rules.empty(), "no rule");
  for (const LineageRule& rule : rules) {
    Expect(!rule.pattern.empty() && !rule.name.empty(), "a rule of nothing");
  }
}

const FuzzReader kLineageReader("lineage_file", ReadFuzzedLineages);

}  // namespace
}  // namespace gneiss
