#include "io/packages/package_files.h"

#include <algorithm>
#include <array>

#include "planner/contents/paths.h"

namespace gneiss {

bool IsPackageFile(std::string_view path) {
  if (path.starts_with("var/lib/")) {
    if (path.starts_with(kDpkgInfo)) return path.ends_with(".list");
    if (path.starts_with(kPacmanLocal)) return path.ends_with("/desc") || path.ends_with("/files");
    return path == kDpkgStatus || path.starts_with(kDpkgStatusParts) || IsRpmDatabase(path);
  }
  return path.ends_with(kWheelRecord) || path == kApkInstalled || path == kApkInstalledMerged ||
         path == kOsRelease || path == kOsReleaseOfVendor || IsRpmDatabase(path);
}

bool IsRpmDatabase(std::string_view path) {
  constexpr std::array<std::string_view, 2> kFolders = {"var/lib/rpm", "usr/lib/sysimage/rpm"};
  constexpr std::array<std::string_view, 3> kNames = {"rpmdb.sqlite", "Packages.db", "Packages"};
  return std::ranges::find(kNames, BaseName(path)) != kNames.end() &&
         std::ranges::find(kFolders, ParentPath(path)) != kFolders.end();
}

std::string* PackageFiles::Take(std::string_view path, EntryType type, Bytes size) {
  if (!IsPackageFile(path)) return nullptr;
  if (const auto before = bodies_.find(path); before != bodies_.end()) {
    total_ -= static_cast<Bytes>(before->second.size());
    bodies_.erase(before);
  }
  if (type != EntryType::kRegular) return nullptr;
  const Bytes limit = IsRpmDatabase(path) ? kMaxRpmDatabaseBytes : kMaxPackageFileBytes;
  if (size > limit || size > kMaxPackageFilesBytes - total_ || bodies_.size() >= kMaxPackageFiles) {
    if (num_passed_over_++ == 0) first_passed_over_ = path;
    return nullptr;
  }
  // As much as the reader will hand over, or the layer is refused.
  total_ += size;
  return &bodies_[std::string(path)];
}

const std::string* PackageFiles::Find(std::string_view path) const {
  const auto found = bodies_.find(path);
  return found == bodies_.end() ? nullptr : &found->second;
}

}  // namespace gneiss
