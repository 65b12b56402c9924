// The two readers of plan files: what `apply` carries out holds together.
#include <cstdint>
#include <string>
#include <string_view>

#include "io/source/document_rules.h"
#include "io/tables/plan_file.h"
#include "tests/fuzz/fuzz_reader.h"

namespace gneiss {
namespace {

void ExpectSoundLevel(const PlanFileLevel& level) {
  for (const PlanLayer& layer : level.layers) {
    for (const PlanEntries& entries : layer.from) {
      std::int64_t last = -1;
      for (const auto& [begin, end] : entries.ranges) {
        Expect(last < std::int64_t{begin} && begin <= end, "ranges overlap: " + entries.place);
        last = end;
      }
    }
  }
  for (const PlanImage& image : level.images) {
    for (const PlanImageLayer& layer : image.layers) {
      if (layer.new_layer == kNone) continue;
      Expect(layer.new_layer < level.layers.size(), "no such layer: " + image.place);
    }
  }
  for (std::size_t i = 0; i < level.bases.size(); ++i) {
    Expect(level.bases[i].layer < level.layers.size(), "a base of no layer");
    bool is_placed = level.bases[i].on == kNone;
    for (std::size_t j = 0; j < i; ++j) is_placed |= level.bases[j].layer == level.bases[i].on;
    Expect(is_placed, "a base before the one it is on");
  }
}

void ReadFuzzedPlan(std::string_view text) {
  (void)LeadingSchema(text);
  (void)RefusalFrom([&] { (void)ParsePlanSummary("p", text); });
  const PlanFile plan = ParsePlanFile("p", text);
  for (const PlanFileLevel& level : plan.levels) ExpectSoundLevel(level);
}

const FuzzReader kPlanReader("plan_file", ReadFuzzedPlan);

}  // namespace
}  // namespace gneiss
