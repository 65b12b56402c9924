#include "io/cli/options/grouping_option.h"

#include <fmt/format.h>

#include "io/report/fleet/grouping.h"

namespace gneiss {

std::string CheckGrouping(const std::string& text) {
  if (ParseGrouping(text)) return "";
  return fmt::format("expected repository, namespace, platform or label:KEY, found \"{}\"", text);
}

}  // namespace gneiss
