#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/packages/package_databases.h"
#include "io/packages/rpm_databases.h"
#include "io/packages/rpm_header.h"

namespace gneiss {

void ForEachRpmHeader(std::string_view database, const TakeRpmHeader& take) {
  // Damage can make headers share bytes.
  std::size_t bytes_left = database.size();
  std::size_t headers_left = kMaxPackages;
  const TakeRpmHeader take_bounded = [&](std::string_view header) {
    if (header.size() > bytes_left || headers_left == 0) return false;
    bytes_left -= header.size();
    --headers_left;
    return header.size() > kMaxRpmHeaderBytes || take(header);
  };
  if (IsSqlite(database)) return ForEachSqliteHeader(database, take_bounded);
  if (IsNdb(database)) return ForEachNdbHeader(database, take_bounded);
  if (IsBerkeleyHash(database)) return ForEachBerkeleyHeader(database, take_bounded);
}

void AddRpmListings(const PackageFiles& files, PackageListings& listings) {
  for (const auto& file : files.bodies()) {
    const std::string_view place = file.first;
    const std::string_view database = file.second;
    if (!IsRpmDatabase(place)) continue;
    // A header has 100 bytes for each file beside its name, so that paths take less than they do;
    // damage can repeat a directory's name without end.
    std::size_t bytes_left = database.size();
    ForEachRpmHeader(database, [&](std::string_view blob) {
      const std::optional<RpmHeader> header = ParseRpmHeader(blob);
      if (!header || !IsNameFor(PackageSystem::kRpm, header->name) ||
          !IsVersionFor(PackageSystem::kRpm, header->version)) {
        return true;
      }
      std::string paths;
      ForEachRpmPath(*header, [&](std::string_view path) {
        bytes_left -= std::min(bytes_left, path.size() + 1);
        if (bytes_left == 0) return false;
        // A line each.
        if (path.find('\n') == std::string_view::npos) paths.append(path).append("\n");
        return true;
      });
      listings.Add({.system = PackageSystem::kRpm,
                    .form = ListingForm::kPathLines,
                    .name = listings.Keep(std::string(header->name)),
                    .version = listings.Keep(header->version),
                    .place = place,
                    .text = listings.Keep(std::move(paths))});
      return true;
    });
  }
}

}  // namespace gneiss
