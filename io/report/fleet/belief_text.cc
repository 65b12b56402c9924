#include "io/report/fleet/belief_text.h"

namespace gneiss {

std::string_view OnWhoseWord(Belief belief) {
  switch (belief) {
    case Belief::kShipped:
      return ", as the shipped inventories say";
    case Belief::kTrusted:
      return ", as a store says that others could have written";
    case Belief::kUnknown:
    case Belief::kOwn:
    case Belief::kKeyed:
      break;
  }
  return "";
}

}  // namespace gneiss
