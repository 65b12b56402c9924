#include <string_view>

#include <fmt/format.h>

#include "io/report/fleet/fleet_diff.h"
#include "io/report/fleet/instruction.h"

namespace gneiss {
namespace {

constexpr std::size_t kChangedStepWidth = 60;

}  // namespace

std::string NameOfChange(const Fleet& before, const Fleet& after, const ImageChange& change) {
  const bool is_there = change.after != kNone;
  const Fleet& fleet = is_there ? after : before;
  const Image& image = fleet.images[is_there ? change.after : change.before];
  std::string name = change.refs.empty() ? fleet.name(image) : change.refs.front();
  if (change.refs.size() > 1) name += fmt::format(" +{}", change.refs.size() - 1);
  if (image.platform != 0) name.append(" ").append(fleet.text(image.platform));
  return name;
}

std::string DescribeChange(const Fleet& before, const Fleet& after, const ImageChange& change) {
  if (change.kind == ChangeKind::kUnchanged) return std::string(ChangeKindName(change.kind));
  if (change.cause == ChangeCause::kChangedConfig) return "same layers, other config or manifest";
  std::string text(ChangeCauseName(change.cause));
  if (change.kind != ChangeKind::kMoved) return text;
  const auto chain = after.chain(after.images[change.after]);
  if (change.num_same >= chain.size()) {
    return text + fmt::format(": the first {} of {} layers are left", change.num_same,
                              before.images[change.before].num_layers);
  }
  text += fmt::format(", from layer {} of {}", change.num_same + 1, chain.size());
  const std::string step = PrettyInstruction(
      after.text(after.layers[chain[change.num_same]].created_by), kChangedStepWidth);
  return step.empty() ? text : text + ": " + step;
}

}  // namespace gneiss
