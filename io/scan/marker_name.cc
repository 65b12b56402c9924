#include "io/scan/marker_name.h"

#include <utility>

#include "planner/contents/paths.h"

namespace gneiss {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";
constexpr std::string_view kAufsPrefix = ".wh..wh.";

}  // namespace

MarkerName ReadMarkerName(std::string_view key) {
  const std::string_view base = BaseName(key);
  const std::string_view parent = ParentPath(key);
  if (base == kOpaqueName) return {.kind = MarkerKind::kOpaque, .path = std::string(parent)};
  if (!base.starts_with(kWhiteoutPrefix)) return {};
  const std::string_view name = base.substr(kWhiteoutPrefix.size());
  if (name.empty() || name == "." || name == "..") {
    return {.kind = MarkerKind::kNameless, .path = {}};
  }
  std::string path(parent);
  if (!path.empty()) path += '/';
  path += name;
  return {.kind = MarkerKind::kWhiteout, .path = std::move(path)};
}

bool IsAufsMetadata(std::string_view key) {
  const std::size_t found = key.starts_with(kAufsPrefix) ? 0 : key.find("/.wh..wh.");
  return found != std::string_view::npos && BaseName(key) != kOpaqueName;
}

}  // namespace gneiss
