#include <string_view>

#include "io/packages/package_databases.h"
#include "planner/contents/paths.h"

namespace gneiss {

void AddWheelListings(const PackageFiles& files, PackageListings& listings) {
  for (const auto& [place, text] : files.bodies()) {
    if (!place.ends_with(kWheelRecord)) continue;
    std::string_view directory = BaseName(ParentPath(place));
    directory.remove_suffix(ParentPath(kWheelRecord).size());
    // Neither part has a '-' of its own.
    const std::size_t dash = directory.rfind('-');
    if (dash == std::string_view::npos) continue;
    const std::string_view name = directory.substr(0, dash);
    const std::string_view version = directory.substr(dash + 1);
    if (!IsNameFor(PackageSystem::kWheel, name) || !IsVersionFor(PackageSystem::kWheel, version)) {
      continue;
    }
    listings.Add({.system = PackageSystem::kWheel,
                  .form = ListingForm::kRecord,
                  .name = name,
                  .version = version,
                  .place = place,
                  .text = text});
  }
}

}  // namespace gneiss
