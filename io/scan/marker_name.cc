#include "io/scan/marker_name.h"

#include <utility>

#include "planner/path_key.h"

namespace gneiss {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";
constexpr std::string_view kAufsPrefix = ".wh..wh.";

bool IsAufsMetadata(std::string_view key) {
  return key.starts_with(kAufsPrefix) || key.find("/.wh..wh.") != std::string_view::npos;
}

}  // namespace

MarkerName ReadMarkerName(std::string_view key, bool is_directory) {
  const std::string_view base = BaseName(key);
  const std::string_view parent = ParentPath(key);
  if (!is_directory && base == kOpaqueName && !IsAufsMetadata(parent)) {
    return {.kind = MarkerKind::kOpaque, .path = std::string(parent)};
  }
  if (IsAufsMetadata(key)) return {.kind = MarkerKind::kAufs, .path = {}};
  if (!base.starts_with(kWhiteoutPrefix)) return {};
  const std::string_view name = base.substr(kWhiteoutPrefix.size());
  if (name.empty() || name == "." || name == "..") {
    return {.kind = MarkerKind::kNameless, .path = {}};
  }
  if (is_directory) return {};
  std::string path(parent);
  if (!path.empty()) path += '/';
  path += name;
  return {.kind = MarkerKind::kWhiteout, .path = std::move(path)};
}

}  // namespace gneiss
