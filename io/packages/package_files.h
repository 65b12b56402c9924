// The few files of a layer that say which packages it has and what system it is, kept while the
// layer is scanned: databases of package managers, and os-release.
//
//   dpkg     var/lib/dpkg/status, var/lib/dpkg/info/*.list; var/lib/dpkg/status.d/* (distroless)
//   apk      lib/apk/db/installed, usr/lib/apk/db/installed
//   pacman   var/lib/pacman/local/*/desc and */files
//   rpm      rpmdb.sqlite, Packages.db, Packages in var/lib/rpm or usr/lib/sysimage/rpm
//   wheel    *.dist-info/RECORD, anywhere
//
// Left out: what the package managers of other languages leave behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "planner/contents/inventory.h"
#include "planner/fleet/bytes.h"

namespace gneiss {

// What a layer may make a scan keep. Every Debian package there is, installed at once, would not
// come near: 2,500 of them, a whole desktop, have 25 MB of lists and 3 MB of status.
inline constexpr Bytes kMaxPackageFileBytes = Bytes{16} << 20;
// A database of rpm has all of its packages, with 60 KB for each.
inline constexpr Bytes kMaxRpmDatabaseBytes = Bytes{128} << 20;
inline constexpr Bytes kMaxPackageFilesBytes = Bytes{160} << 20;  // in all
inline constexpr std::size_t kMaxPackageFiles = 200'000;

inline constexpr std::string_view kDpkgStatus = "var/lib/dpkg/status";
inline constexpr std::string_view kDpkgInfo = "var/lib/dpkg/info/";
inline constexpr std::string_view kDpkgStatusParts = "var/lib/dpkg/status.d/";
inline constexpr std::string_view kApkInstalled = "lib/apk/db/installed";
inline constexpr std::string_view kApkInstalledMerged = "usr/lib/apk/db/installed";
inline constexpr std::string_view kPacmanLocal = "var/lib/pacman/local/";
inline constexpr std::string_view kWheelRecord = ".dist-info/RECORD";
inline constexpr std::string_view kOsRelease = "etc/os-release";
inline constexpr std::string_view kOsReleaseOfVendor = "usr/lib/os-release";

// Whether the contents of a regular file at `path`, a key, are kept.
[[nodiscard]] bool IsPackageFile(std::string_view path);
// Whether one at this path would be a database of rpm.
[[nodiscard]] bool IsRpmDatabase(std::string_view path);

class PackageFiles {
 public:
  // By path, in the order of their bytes.
  using Bodies = std::map<std::string, std::string, std::less<>>;

  // Takes the next entry of the layer, not a marker, in the tar's order: what was kept at its path
  // no longer counts. Where its `size` bytes of contents are to be appended, valid until the next
  // call; nullptr when they are not kept.
  std::string* Take(std::string_view path, EntryType type, Bytes size);

  const Bodies& bodies() const { return bodies_; }
  // The contents at a path; nullptr when there are none.
  const std::string* Find(std::string_view path) const;

  // Files passed over because they break a limit, and the first of them.
  std::int64_t num_passed_over() const { return num_passed_over_; }
  const std::string& first_passed_over() const { return first_passed_over_; }

 private:
  Bodies bodies_;
  Bytes total_ = 0;
  std::int64_t num_passed_over_ = 0;
  std::string first_passed_over_;
};

}  // namespace gneiss
