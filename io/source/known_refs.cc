#include "io/source/known_refs.h"

#include <cstddef>

#include "io/json/json_value.h"
#include "planner/fleet/bytes.h"

namespace gneiss {
namespace {

constexpr std::size_t kMaxRefsNamed = 5;

}  // namespace

void KnownRefs::Add(std::string_view ref) {
  if (!ref.empty() && refs_.size() < kMaxRefsNamed) refs_.emplace(ref);
}

void KnownRefs::ThrowMissing(const std::string& source, std::string_view wanted) const {
  std::string known;
  for (const std::string& ref : refs_) known += (known.empty() ? "" : ", ") + Quote(ref);
  throw InputError(source, "",
                   "expected an image " + Quote(wanted) + ", found " +
                       (known.empty() ? "no refs" : "refs " + known) +
                       (refs_.size() == kMaxRefsNamed ? " and perhaps more" : ""));
}

}  // namespace gneiss
