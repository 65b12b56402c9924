#include "io/source/names.h"

#include <algorithm>
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

namespace {

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsWordCharacter(char c) { return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsSeparator(std::string_view text) {
  return text == "." || text == "_" || text == "__" ||
         text.find_first_not_of('-') == std::string_view::npos;
}

bool IsNamePart(std::string_view part) {
  if (part.empty() || !IsLowerOrDigit(part.front()) || !IsLowerOrDigit(part.back())) return false;
  for (auto at = part.begin(); at != part.end();) {
    const auto separator = std::find_if_not(at, part.end(), IsLowerOrDigit);
    at = std::find_if(separator, part.end(), IsLowerOrDigit);
    if (!IsSeparator({separator, at})) return false;
  }
  return true;
}

}  // namespace

bool IsRepositoryName(std::string_view name) {
  if (name.size() > kMaxRepositoryName) return false;
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!IsNamePart(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool IsTagName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTagName && IsWordCharacter(name.front()) &&
         std::ranges::all_of(name,
                             [](char c) { return IsWordCharacter(c) || c == '.' || c == '-'; });
}

}  // namespace gneiss
